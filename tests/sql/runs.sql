-- Runs: what is due when, once per due time, and what is on record.
CREATE SCHEMA runs;
SET search_path = runs, public;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET client_min_messages = warning;
CREATE TABLE visits (code gridcode, divisor int);
INSERT INTO visits SELECT ('35030400100' || i)::gridcode, 1 FROM generate_series(1, 9) i;
SELECT grid_rollup_create('fresh', 'visits', 'code', '{"n": "count(*)"}', max_lag => '1 minute', lowest_level => 'community');
SELECT grid_rollup_create('hourly', 'visits', 'code', '{"n": "count(*)"}', schedule => '0 * * * *', time_zone => 'Asia/Shanghai', lowest_level => 'community');
SELECT grid_rollup_create('shares', 'visits', 'code', '{"n": "sum(100 / divisor)"}', schedule => '@daily', lowest_level => 'community');
SELECT grid_rollup_create('by_hand', 'visits', 'code', '{"n": "count(*)"}', lowest_level => 'community');

-- never filled: due since they were created; without schedule or largest age: never
SELECT d.rollup, d.due_at = c.created_at AS since_created, wait <= interval '0' AS now
FROM grid_rollup_due() d JOIN grid_rollup_catalog c USING (rollup) ORDER BY rollup::text;

-- a run is done once per due time
SELECT due_at AS due FROM grid_rollup_due() WHERE rollup = 'fresh'::regclass \gset
CALL grid_rollup_run('fresh', :'due');
CALL grid_rollup_run('fresh', :'due');
CALL grid_rollup_run('hourly', '2026-01-01 00:00+00');
CALL grid_rollup_run('by_hand');
SELECT rollup, due_at = :'due' AS as_due, due_at = started_at AS by_hand, started_at <= finished_at AS in_order, outcome, cells > 0 AS worked, sqlstate, message, pid = pg_backend_pid() AS here
FROM grid_rollup_runs ORDER BY run;
SELECT count(*) = 9 AS filled FROM fresh WHERE level = 'community';

-- largest age: half of it after a refresh last began with all there was, if anything has changed; else half of it from now
INSERT INTO visits VALUES ('350304001001', 1);
SELECT d.due_at = s.caught_up_at + interval '30 seconds' AS half, s.caught_up_at BETWEEN r.started_at AND r.finished_at AS then, d.wait > interval '0' AS later
FROM grid_rollup_due() d JOIN grid_rollup_runs r USING (rollup) JOIN grid_rollup_state s USING (rollup) WHERE rollup = 'fresh'::regclass;
SELECT due_at < now() + interval '1 hour' AS overdue, wait < interval '0' AS now
FROM grid_rollup_due(now() + interval '1 hour') WHERE rollup = 'fresh'::regclass;
CALL grid_rollup_run('fresh');
SELECT wait AS look_again FROM grid_rollup_due(now() + interval '1 hour') WHERE rollup = 'fresh'::regclass;

-- a schedule: the first time after the run; however many were missed, they are made up for by one run
SELECT date_trunc('hour', r.started_at) + interval '1 hour' = d.due_at AS next_hour
FROM grid_rollup_due() d JOIN grid_rollup_runs r USING (rollup) WHERE rollup = 'hourly'::regclass;
SELECT d.due_at - date_trunc('hour', r.started_at) AS first_missed, d.wait < interval '-2 days' AS late
FROM grid_rollup_due(now() + interval '3 days') d JOIN grid_rollup_runs r USING (rollup) WHERE rollup = 'hourly'::regclass;

-- a failure is on record, and is due again after its delay, which grows within bounds
UPDATE visits SET divisor = 0 WHERE code = '350304001005';
CALL grid_rollup_run('shares');
SELECT outcome, sqlstate, message, cells FROM grid_rollup_runs WHERE rollup = 'shares'::regclass;
SELECT d.due_at = r.finished_at + r.retry_delay AS after_delay, r.retry_delay BETWEEN interval '10 seconds' AND interval '30 seconds' AS in_bounds
FROM grid_rollup_due() d JOIN grid_rollup_runs r USING (rollup) WHERE rollup = 'shares'::regclass;
-- also if it began elsewhere only after this session had begun to look; and a run without an outcome is its own rollup's
BEGIN;
UPDATE grid_rollup_run_log SET started_at = now() + interval '3 seconds', finished_at = now() + interval '4 seconds' WHERE rollup = 'shares'::regclass;
SELECT d.due_at = r.finished_at + r.retry_delay AS after_delay FROM grid_rollup_due() d JOIN grid_rollup_runs r USING (rollup) WHERE rollup = 'shares'::regclass;
UPDATE grid_rollup_run_log SET outcome = NULL, finished_at = NULL WHERE rollup = 'shares'::regclass;
SELECT grid_rollup_outcome('shares', run, NULL) AS lost, grid_rollup_outcome('fresh', run, NULL) AS not_its FROM grid_rollup_runs WHERE rollup = 'shares'::regclass;
ROLLBACK;
SELECT grid_rollup_alter('shares', '{"retry_min": "1 second", "retry_max": "8 seconds"}');
DO $$ DECLARE o text; BEGIN FOR i IN 1..60 LOOP CALL grid_rollup_run('shares', now() - i * interval '1 day', o); END LOOP; END $$;
SELECT failures, sqlstate, message, last_outcome, last_success_at, pending, running, filled FROM grid_rollup_status WHERE rollup = 'shares'::regclass;
SELECT bool_and(r.retry_delay BETWEEN interval '1 second' AND interval '8 seconds') AS in_bounds,
       bool_and(r.retry_delay <= 3 * greatest(before, interval '1 second')) AS no_leaps, max(r.retry_delay) = interval '8 seconds' AS grows
FROM (SELECT *, lag(retry_delay) OVER (PARTITION BY rollup ORDER BY run) AS before FROM grid_rollup_runs) r
WHERE rollup = 'shares'::regclass AND before IS NOT NULL AND r.due_at < r.started_at - interval '12 hours';
-- others go on, and success forgets the failures
CALL grid_rollup_run('fresh');
UPDATE visits SET divisor = 1;
CALL grid_rollup_run('shares');
SELECT rollup, failures, last_outcome, filled, sqlstate FROM grid_rollup_status WHERE rollup IN ('fresh'::regclass, 'shares'::regclass) ORDER BY rollup::text;

-- the rollup's timeouts
CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(10); RETURN 1; END $$;
SELECT grid_rollup_create('slowly', 'visits', 'code', '{"n": "sum(runs.slow(divisor))"}', lowest_level => 'community');
SELECT grid_rollup_alter('slowly', '{"statement_timeout": "50 milliseconds"}');
CALL grid_rollup_run('slowly');
SELECT outcome, sqlstate, message FROM grid_rollup_runs WHERE rollup = 'slowly'::regclass;
SHOW statement_timeout;
SHOW client_connection_check_interval;

-- a zone that is gone with an upgrade fails its own rollup, on record, and holds up no other
UPDATE grid_rollup_catalog SET time_zone = 'Asia/Atlantis' WHERE rollup = 'hourly'::regclass;
SELECT rollup, wait <= interval '0' AS now FROM grid_rollup_due() WHERE rollup IN ('fresh'::regclass, 'hourly'::regclass) ORDER BY rollup::text;
CALL grid_rollup_run('hourly');
SELECT outcome, sqlstate, message FROM grid_rollup_runs WHERE rollup = 'hourly'::regclass ORDER BY run;
-- also right after a run by hand, whose due time is the moment it began
UPDATE grid_rollup_catalog SET time_zone = 'Asia/Shanghai' WHERE rollup = 'hourly'::regclass;
CALL grid_rollup_run('hourly');
UPDATE grid_rollup_catalog SET time_zone = 'Asia/Atlantis' WHERE rollup = 'hourly'::regclass;
SELECT due_at AS due FROM grid_rollup_due() WHERE rollup = 'hourly'::regclass \gset
CALL grid_rollup_run('hourly', :'due');
UPDATE grid_rollup_catalog SET time_zone = 'Asia/Shanghai' WHERE rollup = 'hourly'::regclass;
CALL grid_rollup_run('hourly');

-- a due time claimed before it came is not due again when it comes; and the time furthest ahead disturbs nobody
SELECT due_at AS due FROM grid_rollup_due() WHERE rollup = 'hourly'::regclass \gset
CALL grid_rollup_run('hourly', :'due');
CALL grid_rollup_run('hourly', '294276-12-31 23:59:59+00');
CALL grid_rollup_run('hourly');
SELECT due_at - :'due' AS then FROM grid_rollup_due(:'due') WHERE rollup = 'hourly'::regclass;
SELECT due_at - :'due' AS then FROM grid_rollup_due(:'due'::timestamptz + interval '1 day') WHERE rollup = 'hourly'::regclass;

-- what a clock wrote that has been put back since holds nothing up
UPDATE grid_rollup_run_log SET started_at = started_at + interval '1 year', finished_at = finished_at + interval '1 year' WHERE rollup = 'fresh'::regclass;
INSERT INTO visits VALUES ('350304001001', 1);
SELECT wait < interval '1 minute' AS soon FROM grid_rollup_due() WHERE rollup = 'fresh'::regclass;
CALL grid_rollup_run('fresh');
SELECT wait BETWEEN interval '0' AND interval '30 seconds' AS regular FROM grid_rollup_due() WHERE rollup = 'fresh'::regclass;

-- times that would overflow where all rollups are asked about, or be due for ever
SELECT grid_rollup_alter('fresh', '{"max_lag": "600000 years"}');
SELECT grid_rollup_alter('fresh', '{"retry_max": "178000000 years"}');
SELECT grid_rollup_create('never', 'visits', 'code', '{"n": "count(*)"}', max_lag => '-1 hour', lowest_level => 'community');
SELECT grid_rollup_create('never', 'visits', 'code', '{"n": "count(*)"}', max_lag => '101 years', lowest_level => 'community');

-- disabled, it is not due; dropped, its history goes
SELECT grid_rollup_alter('shares', '{"enabled": false}');
SELECT count(*) FROM grid_rollup_due() WHERE rollup = 'shares'::regclass;
SELECT 'by_hand'::regclass::oid AS gone \gset
SELECT grid_rollup_drop('by_hand');
SELECT count(*) FROM grid_rollup_runs WHERE rollup = :gone;

-- pruning: by age, by number; the last run and the last success stay
SELECT grid_rollup_prune('1 day', -1);
SELECT grid_rollup_prune('1 day');
SELECT grid_rollup_prune('1 day', 20) > 0 AS pruned;
SELECT max(n) AS most FROM (SELECT count(*) AS n FROM grid_rollup_runs GROUP BY rollup) c;
SELECT grid_rollup_prune('0') > 10 AS pruned;
SELECT rollup, outcome FROM grid_rollup_runs ORDER BY run;

-- rights: the owner's, and no others
CREATE ROLE runs_owner;
CREATE ROLE runs_reader;
CREATE ROLE runs_daemon;
GRANT runs_owner TO runs_daemon;
GRANT USAGE ON SCHEMA runs TO runs_owner, runs_reader;
GRANT CREATE ON SCHEMA runs TO runs_owner;
SET ROLE runs_owner;
CREATE TABLE own (code gridcode);
INSERT INTO own VALUES ('350304001001');
SELECT grid_rollup_create('owned', 'own', 'code', '{"n": "count(*)"}', schedule => '@daily', lowest_level => 'community');
GRANT SELECT ON owned TO runs_reader;
SET ROLE runs_reader;
CALL grid_rollup_run('owned');
SELECT * FROM grid_rollup_due();
SELECT rollup, last_outcome, pending, next_due_at <= now() AS due FROM grid_rollup_status;
SELECT * FROM grid_rollup_run_log;
SET ROLE runs_daemon;
SELECT rollup FROM grid_rollup_due();
CALL grid_rollup_run('owned');
SELECT rollup, outcome, message FROM grid_rollup_runs;
SELECT grid_rollup_prune('0');
RESET ROLE;
-- the message of a failure may quote data: for the owner's members only
SET ROLE runs_owner;
CREATE TABLE named (code gridcode, name text);
INSERT INTO named VALUES ('350304001001', 'a secret');
SELECT grid_rollup_create('named_sum', 'named', 'code', '{"n": "sum(name::int)"}', lowest_level => 'community');
GRANT SELECT ON named_sum TO runs_reader;
CALL grid_rollup_run('named_sum');
SELECT sqlstate, message FROM grid_rollup_runs WHERE rollup = 'named_sum'::regclass;
SET ROLE runs_reader;
SELECT sqlstate, message FROM grid_rollup_runs WHERE rollup = 'named_sum'::regclass;
SELECT sqlstate, message FROM grid_rollup_status WHERE rollup = 'named_sum'::regclass;
RESET ROLE;

-- gridtreed's role: runs everything, and can read neither rollup nor source nor message
CREATE ROLE runs_runner;
SET ROLE runs_runner;
SELECT grid_rollup_runner();
RESET ROLE;
GRANT EXECUTE ON FUNCTION grid_rollup_runner() TO runs_runner;
GRANT USAGE ON SCHEMA runs TO runs_runner;
SET ROLE runs_owner;
SELECT grid_rollup_alter('named_sum', '{"schedule": "@daily", "retry_min": "1 second"}');
RESET ROLE;
UPDATE grid_rollup_run_log SET retry_delay = '0' WHERE rollup = 'named_sum'::regclass;
SET ROLE runs_runner;
SELECT grid_rollup_runner();
SELECT rollup, wait <= interval '0' AS now FROM grid_rollup_due() WHERE rollup IN ('owned'::regclass, 'named_sum'::regclass) ORDER BY rollup::text;
SELECT rollup, filled, pending, lag > interval '0' AS behind FROM grid_rollup_status WHERE rollup = 'named_sum'::regclass;
CALL grid_rollup_run('owned');
CALL grid_rollup_run('named_sum');
SELECT grid_rollup_refresh('named_sum');
SELECT outcome, sqlstate, message FROM grid_rollup_runs WHERE rollup = 'named_sum'::regclass ORDER BY run;
SELECT * FROM owned;
SELECT * FROM named;
SELECT * FROM named_sum_log;
SELECT grid_rollup_alter('owned', '{"enabled": false}');
SELECT grid_rollup_drop('owned');
SELECT * FROM grid_rollup_verify('owned');
CALL grid_rollup_run('owned', now() + interval '1 hour');
SELECT grid_rollup_compact('owned'), grid_rollup_prune('0') > 0 AS pruned;
RESET ROLE;
-- nor what a policy hides
SET ROLE runs_owner;
GRANT SELECT ON named TO runs_runner;
ALTER TABLE named ENABLE ROW LEVEL SECURITY;
SET ROLE runs_runner;
SELECT * FROM named;
SELECT grid_rollup_refresh('named_sum');
SET ROLE runs_owner;
REVOKE SELECT ON named FROM runs_runner;
ALTER TABLE named DISABLE ROW LEVEL SECURITY;
-- nor what a measure says
CREATE FUNCTION says(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'here is %', $1; RETURN 1; END $$;
SELECT grid_rollup_create('talkative', 'named', 'code', '{"n": "sum(runs.says(name))"}', lowest_level => 'community');
SET ROLE runs_runner;
CALL grid_rollup_run('talkative');
SET ROLE runs_owner;
INSERT INTO named VALUES ('350304001001', 'another');
CALL grid_rollup_run('talkative');
DELETE FROM named WHERE name = 'another';
RESET ROLE;
-- but the owner reads the message of a run that was the runner's
SET ROLE runs_owner;
SELECT outcome, sqlstate, message FROM grid_rollup_runs WHERE rollup = 'named_sum'::regclass ORDER BY run;
RESET ROLE;

-- lag: nothing pending, none; else the time since a refresh last left nothing
CALL grid_rollup_run('fresh');
SELECT pending, lag FROM grid_rollup_status WHERE rollup = 'fresh'::regclass;
INSERT INTO visits VALUES ('350304001001', 1);
SELECT s.pending, s.lag BETWEEN interval '0' AND clock_timestamp() - r.started_at AS since_last_run
FROM grid_rollup_status s JOIN grid_rollup_runs r USING (rollup) WHERE rollup = 'fresh'::regclass ORDER BY r.run DESC LIMIT 1;
-- or since it was last seen with nothing to do
CALL grid_rollup_run('fresh');
UPDATE grid_rollup_state SET caught_up_at = caught_up_at - interval '1 hour' WHERE rollup = 'fresh'::regclass;
SELECT grid_rollup_look(), grid_rollup_look() AS again;
INSERT INTO visits VALUES ('350304001001', 1);
SELECT pending, lag < interval '1 minute' AS little, next_due_at > now() - interval '1 minute' AS due FROM grid_rollup_status WHERE rollup = 'fresh'::regclass;
UPDATE grid_rollup_state SET caught_up_at = caught_up_at - interval '1 hour' WHERE rollup = 'fresh'::regclass;
SELECT grid_rollup_look() AS pending;
SELECT lag > interval '1 hour' AS much FROM grid_rollup_status WHERE rollup = 'fresh'::regclass;
-- a batch that leaves something behind does not count: its cells are in order of code
CREATE TABLE many AS SELECT lpad(n::text, 6, '0')::gridcode AS code FROM generate_series(100000, 104999) n;
CREATE INDEX ON many (code);
SELECT grid_rollup_create('wide', 'many', 'code', '{"n": "count(*)"}');
CALL grid_rollup_refresh_batched('wide', 1200);
SELECT caught_up_at AS full_at FROM grid_rollup_state WHERE rollup = 'wide'::regclass \gset
DELETE FROM many WHERE code < '102400';
CREATE FUNCTION stop_at_second_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF old.code::text >= '101300' THEN RAISE EXCEPTION 'stopped'; END IF; RETURN old; END $$;
CREATE TRIGGER stop BEFORE DELETE ON wide_log FOR EACH ROW EXECUTE FUNCTION stop_at_second_batch();
\set SHOW_CONTEXT never
CALL grid_rollup_refresh_batched('wide', 1200);
SELECT s.caught_up_at = :'full_at' AS still, s.refreshed_at > s.caught_up_at AS later, pending FROM grid_rollup_state s JOIN grid_rollup_status USING (rollup) WHERE rollup = 'wide'::regclass;
DROP TRIGGER stop ON wide_log;
CALL grid_rollup_refresh_batched('wide', 1200);
SELECT s.caught_up_at > :'full_at' AS caught_up, pending, lag FROM grid_rollup_state s JOIN grid_rollup_status USING (rollup) WHERE rollup = 'wide'::regclass;

-- refused
BEGIN;
CALL grid_rollup_run('fresh');
ROLLBACK;
CALL grid_rollup_run('visits');
CALL grid_rollup_run(NULL);
CALL grid_rollup_run('fresh', 'infinity');
CALL grid_rollup_run(0);
SELECT grid_rollup_notify();
CREATE FUNCTION in_function() RETURNS text LANGUAGE plpgsql AS $$ DECLARE o text; BEGIN CALL grid_rollup_run('fresh', NULL, o); RETURN o; END $$;
SELECT in_function();
-- but a procedure that may commit can call it
DO $$ DECLARE o text; BEGIN CALL grid_rollup_run('fresh', NULL, o); COMMIT; RAISE WARNING 'outcome %', o; END $$;
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory';
SELECT grid_version() = extversion AS current FROM pg_extension WHERE extname = 'gridtree';

SET client_min_messages = error;
DROP SCHEMA runs CASCADE;
SELECT count(*) FROM grid_rollup_runs;
DROP OWNED BY runs_owner, runs_reader, runs_daemon, runs_runner;
DROP ROLE runs_owner, runs_reader, runs_daemon, runs_runner;
