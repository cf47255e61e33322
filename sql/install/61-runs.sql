-- The history of runs: one row a rollup and due time, which is also the claim on that due time.

CREATE TABLE @extschema@.grid_rollup_run_log (
    run         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rollup      regclass NOT NULL REFERENCES @extschema@.grid_rollup_catalog ON DELETE CASCADE,
    due_at      timestamptz NOT NULL CHECK (isfinite(due_at)),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    outcome     text CHECK (outcome IN ('done', 'failed', 'lost')),
    cells       bigint NOT NULL DEFAULT 0,
    sqlstate    text,
    message     text,
    pid         int NOT NULL,
    retry_delay interval NOT NULL,
    UNIQUE (rollup, due_at),
    CHECK ((finished_at IS NULL) = (outcome IS NULL OR outcome = 'lost'))      -- nobody was there to see when
);
CREATE INDEX grid_rollup_run_log_last ON @extschema@.grid_rollup_run_log (rollup, run);
COMMENT ON TABLE @extschema@.grid_rollup_run_log IS
'Every run of a rollup, written by grid_rollup_run only; read it through grid_rollup_runs, which knows what was lost and who may read messages. Not dumped: a restored database begins a new history.';
COMMENT ON SEQUENCE @extschema@.grid_rollup_run_log_run_seq IS 'Numbers the runs.';
COMMENT ON COLUMN @extschema@.grid_rollup_run_log.outcome IS 'NULL while the run works, or was lost and no later run has closed it yet';
COMMENT ON COLUMN @extschema@.grid_rollup_run_log.retry_delay IS 'how long to wait after this run, should it fail or be lost';

CREATE FUNCTION @extschema@.grid_rollup_running(rollup regclass) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 100
RETURN CASE WHEN NOT pg_is_in_recovery() THEN EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 3 AND objid = $1::oid
      AND classid = '@extschema@.grid_rollup_catalog'::regclass
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) END;
COMMENT ON FUNCTION @extschema@.grid_rollup_running(regclass) IS
$$Whether a session is running the rollup now: it holds a session-level advisory lock that grid_rollup_run alone takes. NULL on a standby, which does not know the locks of its primary.$$;

CREATE FUNCTION @extschema@.grid_rollup_run_open(rollup regclass, run bigint) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10
    AS 'MODULE_PATHNAME', 'grid_rollup_run_open';
COMMENT ON FUNCTION @extschema@.grid_rollup_run_open(regclass, bigint) IS
$$Whether a run of the rollup has no outcome yet, as the history is at this moment and not in the caller's snapshot.$$;

-- The lock first: a run that ends records its outcome before it gives the lock up, and the caller's snapshot may be from before.
CREATE FUNCTION @extschema@.grid_rollup_outcome(rollup regclass, run bigint, recorded text) RETURNS text
    LANGUAGE sql STABLE PARALLEL RESTRICTED COST 110
RETURN CASE WHEN $3 IS NOT NULL THEN $3
            WHEN @extschema@.grid_rollup_running($1) IS NOT false THEN NULL
            WHEN @extschema@.grid_rollup_run_open($1, $2) THEN 'lost' END;
COMMENT ON FUNCTION @extschema@.grid_rollup_outcome(regclass, bigint, text) IS
$$How a run of the rollup ended: as is on record; 'lost' where nothing is and nobody is at it any more; NULL while it works. A run that ends while the caller looks is not lost, nor is any that a standby shows.$$;

CREATE FUNCTION @extschema@.grid_rollup_runner() RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1
RETURN true;
REVOKE EXECUTE ON FUNCTION @extschema@.grid_rollup_runner() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.grid_rollup_runner() IS
$$Exists for its privilege: whoever may EXECUTE it may run and refresh every rollup of the database, and see when each is due, without owning or reading rollups or sources. For the role of gridtreed. Returns true.$$;

CREATE FUNCTION @extschema@.grid_rollup_may_run(rollup regclass) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'grid_rollup_may_run';
COMMENT ON FUNCTION @extschema@.grid_rollup_may_run(regclass) IS
$$Whether the current user may run and refresh the rollup: with the rights of its owner, with INSERT, UPDATE and DELETE on it, or with EXECUTE on grid_rollup_runner().$$;

CREATE FUNCTION @extschema@.grid_rollup_may_see(rollup regclass) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'grid_rollup_may_see';
COMMENT ON FUNCTION @extschema@.grid_rollup_may_see(regclass) IS
$$Whether the current user is shown the state and the runs of the rollup: whoever may run or read it, and members of pg_read_all_stats.$$;

-- A policy and not only the view, through which no index gives the last run of a rollup without reading all of them.
ALTER TABLE @extschema@.grid_rollup_run_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON @extschema@.grid_rollup_run_log FOR SELECT USING (@extschema@.grid_rollup_may_see(rollup));
COMMENT ON POLICY seen ON @extschema@.grid_rollup_run_log IS 'Runs are shown with the state of their rollup (grid_rollup_may_see).';
GRANT SELECT (run, rollup, due_at, started_at, finished_at, outcome, retry_delay) ON @extschema@.grid_rollup_run_log TO PUBLIC;

CREATE VIEW @extschema@.grid_rollup_runs WITH (security_barrier) AS
SELECT l.run, l.rollup, l.due_at, l.started_at, l.finished_at,
       ended.outcome, l.cells, l.sqlstate,
       CASE WHEN ended.outcome = 'lost' THEN 'the session ended before the run did'
            WHEN pg_has_role('pg_read_all_stats', 'USAGE')
                 OR (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = l.rollup) THEN l.message END AS message,
       l.pid, l.retry_delay
FROM @extschema@.grid_rollup_run_log l
CROSS JOIN LATERAL (
    SELECT @extschema@.grid_rollup_outcome(l.rollup, l.run, l.outcome) AS outcome) ended
WHERE @extschema@.grid_rollup_may_see(l.rollup);
GRANT SELECT ON @extschema@.grid_rollup_runs TO PUBLIC;
COMMENT ON VIEW @extschema@.grid_rollup_runs IS
$$Every run of a rollup: due, started, finished, outcome ('done', 'failed', 'lost' when its session ended before it did, NULL while it works), cells recomputed, SQLSTATE and message of a failure, and how long to wait after this run should it fail or be lost. When a lost run ended nobody knows: its finished_at is NULL.
Shown to whoever may read or run the rollup; the message, which can quote data, only to members of its owner and of pg_read_all_stats.$$;
