-- Running what is due, once, and on record.

CREATE PROCEDURE @extschema@.grid_rollup_run(rollup regclass, due_at timestamptz DEFAULT NULL, INOUT outcome text DEFAULT NULL)
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'grid_rollup_run';
COMMENT ON PROCEDURE @extschema@.grid_rollup_run(regclass, timestamptz, text) IS
$$Refreshes a rollup in batches, each committed, as the one run of a due time (NULL: now), and records it in grid_rollup_runs. The outcome is 'done', 'failed' (SQLSTATE and message are on record), 'busy' (another session is running or refreshing the rollup) or 'already run' (the due time has been claimed before).
For whoever may run the rollup (grid_rollup_may_run). Not possible inside a transaction block. Timeouts of the rollup apply; after a failure the next attempt waits the run's retry_delay, which is random between retry_min (10 seconds unless set) and three times the delay before, and retry_max (1 hour) at most; the session's end, however it comes, gives the claim up.$$;

CREATE FUNCTION @extschema@.grid_rollup_prune(keep interval DEFAULT '90 days', most int DEFAULT 10000) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'grid_rollup_prune';
COMMENT ON FUNCTION @extschema@.grid_rollup_prune(interval, int) IS
$$Deletes runs that finished longer ago than "keep", and those of each rollup beyond its last "most", of rollups the caller may run; the last run and the last successful run of each rollup stay. Returns how many were deleted.$$;
