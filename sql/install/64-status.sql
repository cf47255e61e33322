-- What a person or a monitor wants to know about every rollup.

CREATE VIEW @extschema@.grid_rollup_status WITH (security_barrier) AS
SELECT c.rollup, c.source, c.enabled, c.schedule, c.time_zone, c.max_lag, s.filled, s.refreshed_at,
       look.pending, look.running,
       last.started_at AS last_started_at, last.finished_at AS last_finished_at,
       last.outcome AS last_outcome, last.cells AS last_cells, last.sqlstate, last.message,
       success.finished_at AS last_success_at,
       (SELECT count(*) FROM @extschema@.grid_rollup_run_log f
        WHERE f.rollup = c.rollup AND f.run > coalesce(success.run, 0)
          AND @extschema@.grid_rollup_outcome(f.rollup, f.run, f.outcome) <> 'done')::int AS failures,
       due.due_at AS next_due_at,
       @extschema@.grid_rollup_logged_unassigned(c.rollup) AS unassigned,
       CASE WHEN look.pending OR NOT s.filled THEN greatest(clock_timestamp() - coalesce(s.caught_up_at, c.created_at), interval '0')
            WHEN NOT look.pending THEN interval '0' END AS lag
FROM @extschema@.grid_rollup_catalog c
JOIN @extschema@.grid_rollup_state s ON s.rollup = c.rollup
CROSS JOIN LATERAL (
    SELECT @extschema@.grid_rollup_pending(c.rollup) AS pending, @extschema@.grid_rollup_running(c.rollup) AS running OFFSET 0) look
-- the table's index knows the last run without reading all of them; what is shown of it, the view knows
LEFT JOIN LATERAL (
    SELECT r.run FROM @extschema@.grid_rollup_run_log r WHERE r.rollup = c.rollup ORDER BY r.run DESC LIMIT 1) newest ON true
LEFT JOIN LATERAL (
    SELECT * FROM @extschema@.grid_rollup_runs r WHERE r.run = newest.run LIMIT 1) last ON true
LEFT JOIN LATERAL (
    SELECT r.run, r.finished_at FROM @extschema@.grid_rollup_run_log r
    WHERE r.rollup = c.rollup AND r.outcome = 'done' ORDER BY r.run DESC LIMIT 1) success ON true
LEFT JOIN @extschema@.grid_rollup_due_seen(NULL) due ON due.rollup = c.rollup
WHERE @extschema@.grid_rollup_may_see(c.rollup);
GRANT SELECT ON @extschema@.grid_rollup_status TO PUBLIC;
COMMENT ON VIEW @extschema@.grid_rollup_status IS
$$One row a rollup: its schedule and largest age, whether it has been filled, whether changes are pending, whether it is running, its last run and last success, failures in a row since then, when it is due next, how many source rows are in no area (without a code, or without any of the times), and its lag: how long ago the oldest change was committed, at most, that the figures lack; zero when they lack none.
Shown to whoever may run or read the rollup, and to members of pg_read_all_stats; pending, unassigned and lag are NULL for those who may only read it, unless they may read its log, too; message as in grid_rollup_runs.$$;

CREATE FUNCTION @extschema@.grid_version() RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'grid_version';
COMMENT ON FUNCTION @extschema@.grid_version() IS
$$Version of the shared library that is loaded; pg_extension.extversion is that of the SQL objects. gridtreed wants the latter to agree with its own in the first two numbers.$$;
