-- What is due: a function of the catalog, the history and the server's clock, and of nothing a client says.

CREATE FUNCTION @extschema@.grid_rollup_pending(rollup regclass) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
    AS 'MODULE_PATHNAME', 'grid_rollup_pending';
COMMENT ON FUNCTION @extschema@.grid_rollup_pending(regclass) IS
$$Whether the log of a rollup holds changes that no refresh has taken yet. NULL for whoever may neither run the rollup nor read the log nor is a member of pg_read_all_stats, for a log that is gone or locked, and for what is no rollup.$$;

CREATE FUNCTION @extschema@.grid_rollup_logged_unassigned(rollup regclass) RETURNS bigint
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
    AS 'MODULE_PATHNAME', 'grid_rollup_logged_unassigned';
COMMENT ON FUNCTION @extschema@.grid_rollup_logged_unassigned(regclass) IS
$$Number of source rows that are in no area, as the log of a rollup keeps it: exact in the caller's snapshot. NULL while everything is to be computed, for whoever may neither run the rollup nor read the log nor is a member of pg_read_all_stats, and for a log that is gone or locked.$$;

CREATE FUNCTION @extschema@.grid_rollup_next(schedule text, after timestamptz, time_zone text) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'grid_rollup_next';
COMMENT ON FUNCTION @extschema@.grid_rollup_next(text, timestamptz, text) IS
$$grid_schedule_next for grid_rollup_due: where the schedule or the zone has become unusable it is due right after "after", so that the run says what is wrong and no other rollup is held up.$$;

CREATE FUNCTION @extschema@.grid_rollup_due_seen(at timestamptz)
    RETURNS TABLE (rollup regclass, due_at timestamptz, wait interval, last_outcome text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 100
BEGIN ATOMIC
    SELECT c.rollup, due.at, due.at - clock.at, last.outcome
    FROM (SELECT coalesce($1, now()) AS at) clock
    CROSS JOIN @extschema@.grid_rollup_catalog c
    JOIN @extschema@.grid_rollup_state s ON s.rollup = c.rollup
    LEFT JOIN LATERAL (
        -- what began later than now was written by a clock that has been put back since, unless it began while we look
        SELECT r.run, r.started_at, r.finished_at, r.retry_delay,
               @extschema@.grid_rollup_outcome(r.rollup, r.run, r.outcome) AS outcome
        FROM @extschema@.grid_rollup_run_log r WHERE r.rollup = c.rollup AND r.started_at <= clock.at + interval '10 seconds'
        ORDER BY r.run DESC LIMIT 1) last ON true
    LEFT JOIN LATERAL (
        SELECT r.due_at FROM @extschema@.grid_rollup_run_log r WHERE r.rollup = c.rollup AND r.due_at <= clock.at
        ORDER BY r.due_at DESC LIMIT 1) claimed ON true
    -- a run covers every due time up to its start, so that missed times are made up for once; and a due time
    -- that was claimed is never due again
    CROSS JOIN LATERAL (
        SELECT coalesce(greatest(claimed.due_at, last.started_at), s.refreshed_at, c.created_at) AS covered) base
    CROSS JOIN LATERAL (
        SELECT CASE
            -- somebody is at it: look again soon, should they die
            WHEN last.run IS NOT NULL AND last.outcome IS NULL
                THEN clock.at + interval '5 seconds'
            WHEN last.outcome <> 'done'
                THEN greatest(coalesce(last.finished_at, last.started_at) + last.retry_delay, claimed.due_at + interval '1 microsecond')
            WHEN NOT s.filled
                THEN CASE WHEN claimed.due_at IS NULL THEN c.created_at ELSE base.covered + coalesce(c.retry_min, '10 seconds') END
            ELSE least(
                @extschema@.grid_rollup_next(c.schedule, base.covered, coalesce(c.time_zone, 'UTC')),
                -- what is pending has come after the last look that found nothing
                CASE WHEN c.max_lag IS NULL THEN NULL
                     WHEN @extschema@.grid_rollup_pending(c.rollup)
                     THEN greatest(base.covered, CASE WHEN s.caught_up_at <= clock.at THEN s.caught_up_at END) + c.max_lag / 2
                     ELSE greatest(base.covered, clock.at) + greatest(c.max_lag / 2, '1 millisecond') END)
            END AS at
        OFFSET 0) due           -- or it is computed for each time it is named
    WHERE c.scheduled AND @extschema@.grid_rollup_may_see(c.rollup);
END;
COMMENT ON FUNCTION @extschema@.grid_rollup_due_seen(timestamptz) IS
$$grid_rollup_due, for the rollups whose state the caller is shown (grid_rollup_may_see), and how the last run of each ended.$$;

CREATE FUNCTION @extschema@.grid_rollup_due(at timestamptz DEFAULT NULL)
    RETURNS TABLE (rollup regclass, due_at timestamptz, wait interval)
    LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 100
BEGIN ATOMIC
    SELECT d.rollup, d.due_at, d.wait FROM @extschema@.grid_rollup_due_seen($1) d WHERE @extschema@.grid_rollup_may_run(d.rollup);
END;
COMMENT ON FUNCTION @extschema@.grid_rollup_due(timestamptz) IS
$$When each enabled rollup with a schedule or a largest age is due next, for the rollups the caller may run; "wait" is the time left, zero or less when it is due now. "at" stands in for the server's clock (NULL: now).
Times missed are due once. A rollup never filled is due at once; one with max_lag at half of it after its last run, or after it was last seen with nothing to do, if its log holds changes; after a failure it is due when the run's retry_delay has passed. The same history gives the same due time in every session.$$;

-- In one question all that gridtreed has to know of what is due; the version tells it of an update of the extension under it.
CREATE FUNCTION @extschema@.grid_rollup_agenda()
    RETURNS TABLE (rollup regclass, due_at timestamptz, wait interval, last_outcome text, by_schedule boolean, version text, forbidden bigint)
    LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 100
BEGIN ATOMIC
    SELECT d.rollup, d.due_at, d.wait, d.last_outcome, d.by_schedule, whole.version, whole.forbidden
    FROM (SELECT (SELECT extversion FROM pg_extension WHERE extname = 'gridtree') AS version,
                 (SELECT count(*) FROM @extschema@.grid_rollup_catalog c
                  WHERE c.scheduled AND NOT @extschema@.grid_rollup_may_run(c.rollup)) AS forbidden) whole
    LEFT JOIN (
        SELECT due.*, c.max_lag IS NULL AS by_schedule
        FROM @extschema@.grid_rollup_due_seen(NULL) due JOIN @extschema@.grid_rollup_catalog c ON c.rollup = due.rollup
        WHERE @extschema@.grid_rollup_may_run(due.rollup)) d ON true;
END;
COMMENT ON FUNCTION @extschema@.grid_rollup_agenda() IS
$$What gridtreed asks: grid_rollup_due with how the last run of each rollup ended (NULL: there was none, or it works or has only just ended), whether only a schedule makes it due, the version of the extension, and how many scheduled rollups the caller may not run. One row without a rollup where there is none.$$;

CREATE FUNCTION @extschema@.grid_rollup_look() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'grid_rollup_look';
COMMENT ON FUNCTION @extschema@.grid_rollup_look() IS
$$Notes of rollups with a largest age, which the caller may run, that nothing is pending now, where that was last noted more than a minute ago; so their lag and next_due_at in grid_rollup_status count from there. Returns how many. gridtreed calls it once a minute.$$;

CREATE FUNCTION @extschema@.grid_rollup_notify() RETURNS trigger
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'grid_rollup_notify';
COMMENT ON FUNCTION @extschema@.grid_rollup_notify() IS
$$Trigger function of the catalog of rollups: NOTIFY gridtree, so that gridtreed asks anew what is due. Definitions notify; writers of a source never do.$$;

CREATE TRIGGER notify AFTER INSERT OR DELETE OR UPDATE OF schedule, max_lag, enabled, time_zone
    ON @extschema@.grid_rollup_catalog
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.grid_rollup_notify();
