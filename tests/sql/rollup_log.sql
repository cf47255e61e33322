-- The log: what it says, how it is made shorter, and DDL that makes it say "everything".
CREATE SCHEMA rollup_log;
SET search_path = rollup_log, public;
\set VERBOSITY terse
CREATE TABLE cases (id int PRIMARY KEY, grid gridcode, day date, kind text, x int, twice int GENERATED ALWAYS AS (x * 2) STORED);
CREATE INDEX ON cases (grid, day);
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "x": "sum(twice)"}', 'day', '1 day', '{kind}', 'grid', 'community');
SELECT grid_rollup_refresh('r');
-- what the log says beside what it has to say
CREATE VIEW says AS SELECT count(code) AS cells, count(DISTINCT (code, bucket)) FILTER (WHERE code IS NOT NULL) AS distinct_cells,
    count(unassigned) AS differences, coalesce(sum(unassigned), 0) AS unassigned,
    count(*) FILTER (WHERE code IS NULL AND unassigned IS NULL) AS everything FROM r_log;
CREATE VIEW counted AS SELECT count(*) AS in_no_cell FROM cases WHERE grid IS NULL OR day IS NULL;

-- a statement logs each of its cells once, also more than fit in memory, and the change of rows in no cell in one row
INSERT INTO cases SELECT i, grid_child('350304001001', i % 50 + 1), date '2024-01-01' + i % 7, 'k', i FROM generate_series(1, 1000) i;
TABLE says;
INSERT INTO cases SELECT 1000 + i, CASE WHEN i % 2 = 0 THEN '350304001001001'::gridcode END, CASE WHEN i % 3 = 0 THEN date '2024-01-01' END, 'k', i
FROM generate_series(1, 60) i;
SELECT * FROM says, counted;
UPDATE cases SET day = '2024-01-01' WHERE day IS NULL AND id % 2 = 0;
UPDATE cases SET x = 1 WHERE grid IS NULL;
DELETE FROM cases WHERE grid IS NULL AND id % 5 = 0;
SELECT * FROM says, counted;
SELECT unassigned, in_no_cell FROM grid_rollup_status, counted WHERE rollup = 'r'::regclass;
-- no refresh has happened, and the number is that of the snapshot
BEGIN;
DELETE FROM cases WHERE grid IS NULL;
SELECT unassigned, in_no_cell FROM grid_rollup_status, counted WHERE rollup = 'r'::regclass;
ROLLBACK;
SELECT unassigned, in_no_cell FROM grid_rollup_status, counted WHERE rollup = 'r'::regclass;
SELECT grid_rollup_refresh('r');
SELECT * FROM says, counted;
SELECT * FROM grid_rollup_verify('r');
INSERT INTO cases SELECT 10000 + i, grid_child(grid_child('350304002', i % 999 + 1), i / 999 % 200 + 1), '2024-01-01', 'k', i FROM generate_series(1, 150000) i;
SELECT cells >= distinct_cells AS all, distinct_cells FROM says;
UPDATE cases SET x = x + 1 WHERE id > 10000;
DELETE FROM cases WHERE id > 10000;
SELECT grid_rollup_compact('r') > 100000 AS shorter;
SELECT cells, distinct_cells FROM says;
SELECT grid_rollup_refresh('r') > 0 AS refreshed;
SELECT * FROM grid_rollup_verify('r');

-- shorter: cells once, differences summed, and with "everything" nothing else
UPDATE cases SET x = x + 1 WHERE id = 1;
UPDATE cases SET x = x + 1 WHERE id = 1;
SELECT grid_rollup_compact('r');
UPDATE cases SET x = x + 1 WHERE id = 1;
UPDATE cases SET x = x + 1 WHERE id = 2;
UPDATE cases SET x = x + 1 WHERE id = 1;
UPDATE cases SET x = x + 1 WHERE id = 2;
UPDATE cases SET x = x + 1 WHERE id = 1;
UPDATE cases SET x = x + 1 WHERE id = 2;
INSERT INTO cases VALUES (5001), (5002);
INSERT INTO cases VALUES (5003);
SELECT * FROM says, counted;
SELECT grid_rollup_compact('r');
SELECT * FROM says, counted;
CREATE TABLE live AS TABLE r_live;
SELECT grid_rollup_refresh('r');
(TABLE live EXCEPT ALL TABLE r) UNION ALL (TABLE r EXCEPT ALL TABLE live);
DO $$ BEGIN FOR i IN 1 .. 10 LOOP UPDATE cases SET x = x + 1 WHERE id = i; PERFORM grid_rollup_touch('r'); END LOOP; END $$;
SELECT grid_rollup_compact('r');
SELECT * FROM says, counted;
SELECT unassigned FROM grid_rollup_status WHERE rollup = 'r'::regclass;
SELECT grid_rollup_refresh('r');
SELECT * FROM says, counted;
SELECT * FROM grid_rollup_verify('r');
SELECT grid_rollup_compact('cases');

-- what is written without conversion cannot be altered, nor can what runs as the writer be put on it
CREATE INDEX ON r_log (code);
CREATE INDEX ON r_rest (code);
ALTER TABLE r_log ADD COLUMN note text;
ALTER TABLE r_log ADD PRIMARY KEY (code);
ALTER TABLE r_log DROP COLUMN unassigned;
ALTER TABLE r_log RENAME COLUMN unassigned TO x;
ALTER TABLE r_log SET UNLOGGED;
ALTER TABLE r SET UNLOGGED;
ALTER TABLE r RENAME COLUMN bucket TO month;
ALTER TABLE r_log SET (autovacuum_vacuum_threshold = 500);
-- where nobody has forbidden it, writers are told
ALTER EVENT TRIGGER grid_rollup_ddl DISABLE;
ALTER TABLE r_log ADD COLUMN note text;
UPDATE cases SET grid = NULL WHERE id = 4;
ALTER TABLE r_log DROP COLUMN note;
CREATE INDEX mine ON r_log (code);
UPDATE cases SET grid = NULL WHERE id = 4;
DROP INDEX mine;
ALTER EVENT TRIGGER grid_rollup_ddl ENABLE ALWAYS;
SELECT unassigned FROM grid_rollup_status WHERE rollup = 'r'::regclass;
SELECT grid_rollup_drop('r');
DROP VIEW says;
SELECT grid_rollup_drop('r');
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "x": "sum(twice)"}', 'day', '1 day', '{kind}', 'grid', 'community');
SELECT grid_rollup_refresh('r') > 0 AS filled;
CREATE VIEW says AS SELECT count(*) FILTER (WHERE code IS NULL AND unassigned IS NULL) AS everything FROM r_log;
-- the status of what is no rollup
SELECT grid_rollup_pending('cases'), grid_rollup_logged_unassigned('cases');

-- changes that no trigger saw: noted when triggers are enabled again, which also fire as they shall
CREATE VIEW modes AS SELECT string_agg(tgname || ' ' || tgenabled::text, ', ' ORDER BY tgname) AS modes FROM pg_trigger
    WHERE tgrelid = 'cases'::regclass AND tgname LIKE 'grid_rollup%';
TABLE modes;
ALTER TABLE cases DISABLE TRIGGER ALL;
UPDATE cases SET x = x + 1;
SELECT everything FROM says;
ALTER TABLE cases ENABLE TRIGGER ALL;
SELECT everything FROM says;
TABLE modes;
SELECT grid_rollup_refresh('r') > 0 AS refreshed;
SELECT * FROM grid_rollup_verify('r');
ALTER TABLE cases ENABLE TRIGGER USER;
ALTER TABLE cases DISABLE TRIGGER grid_rollup_delete;
SELECT everything FROM says;
DELETE FROM cases WHERE id = 7;
ALTER TABLE cases ENABLE TRIGGER grid_rollup_delete;
SELECT everything FROM says;
SELECT grid_rollup_refresh('r') > 0 AS refreshed;
DROP TRIGGER grid_rollup_update ON cases;
TABLE modes;
UPDATE cases SET x = x + 1;
SELECT grid_rollup_refresh('r') > 0 AS refreshed;
SELECT * FROM grid_rollup_verify('r');
-- one that fires for replicas only, or that is another
ALTER TABLE cases ENABLE REPLICA TRIGGER grid_rollup_insert;
TABLE modes;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE OR REPLACE TRIGGER grid_rollup_insert AFTER INSERT ON cases FOR EACH STATEMENT EXECUTE FUNCTION nothing();
CREATE TRIGGER grid_rollup_other AFTER INSERT ON cases FOR EACH STATEMENT EXECUTE FUNCTION nothing();
DROP TRIGGER grid_rollup_other ON cases;
-- one that is renamed is ours all the same
ALTER TRIGGER grid_rollup_insert ON cases RENAME TO mine;
ALTER TABLE cases DISABLE TRIGGER mine;
INSERT INTO cases (id, grid, day) VALUES (6001, '350304001001001', '2024-01-01');
ALTER TABLE cases ENABLE TRIGGER mine;
SELECT everything FROM says;
SELECT grid_rollup_refresh('r') > 0 AS refreshed;
SELECT grid_rollup_create('second', 'cases', 'grid', '{"n": "count(*)"}');
INSERT INTO cases (id) VALUES (6002);
SELECT unassigned, in_no_cell FROM grid_rollup_status, counted WHERE rollup = 'r'::regclass;
DROP TRIGGER mine ON cases;
SELECT grid_rollup_drop('second');
SELECT grid_rollup_refresh('r') > 0 AS refreshed;
SELECT * FROM grid_rollup_verify('r');
ALTER TRIGGER grid_rollup_insert ON cases RENAME TO mine;
-- a rewrite, which looks empty to older snapshots
ALTER TABLE cases ADD COLUMN more float8 DEFAULT random();
SELECT everything > 0 AS everything FROM says;
SELECT grid_rollup_refresh('r') > 0 AS refreshed;
DROP VIEW says;
SELECT grid_rollup_drop('r');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'cases'::regclass AND NOT tgisinternal;

-- an index that serves, on every table of the source
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_drop('r');
CREATE TABLE child () INHERITS (cases);
\set VERBOSITY default
SELECT grid_rollup_create('"A b"', 'cases', 'grid', '{"n": "count(*)"}', 'day', '1 day');
CREATE INDEX ON rollup_log.child (grid, day);
SELECT grid_rollup_drop('"A b"');
SELECT grid_rollup_create('"A b"', 'cases', 'grid', '{"n": "count(*)"}', 'day', '1 day');

-- many values of a dimension in one area
CREATE TABLE customers (id int PRIMARY KEY, grid gridcode, customer int, name text);
CREATE INDEX ON customers (grid);
INSERT INTO customers SELECT i, ('350304001001' || lpad((i % 100 + 1)::text, 3, '0'))::gridcode, nullif(i, 7), 'n' || i FROM generate_series(1, 5000) i;
SELECT grid_rollup_create('many', 'customers', 'grid', '{"cell": "count(*)", "?column?": "max(id)"}', dimensions => '{customer,name}', lowest_level => 'grid', top_level => 'province');
SELECT grid_rollup_refresh('many');
UPDATE customers SET customer = nullif(customer, 8), name = CASE id WHEN 9 THEN NULL ELSE name END WHERE id < 20;
CREATE TABLE many_before AS TABLE many_live;
SET statement_timeout = '60 s';
SELECT grid_rollup_refresh('many');
RESET statement_timeout;
(TABLE many_before EXCEPT ALL TABLE many) UNION ALL (TABLE many EXCEPT ALL TABLE many_before);
SELECT * FROM grid_rollup_verify('many');

-- times beyond the range of timestamps stop nobody
CREATE TABLE far (id int PRIMARY KEY, grid gridcode, d date, t timestamp, z timestamptz);
CREATE INDEX ON far (grid, d);
SELECT grid_rollup_create('ages', 'far', 'grid', '{"d": "count(*)", "t": {"expr": "count(*)", "at": "t"}, "z": {"expr": "count(*)", "at": "z"}}', 'd', '1 month', lowest_level => 'grid', top_level => 'grid', time_zone => 'Asia/Shanghai');
SELECT grid_rollup_refresh('ages');
INSERT INTO far VALUES (1, '350304001001001', '300000-01-01', '294276-12-31 23:59:59', '294276-12-31 23:00+00'),
    (2, '350304001001001', '4714-11-24 BC', '4714-11-24 BC', '4714-11-24 00:00+00 BC'), (3, '350304001001001', 'infinity', '-infinity', 'infinity');
CREATE TABLE ages_before AS TABLE ages_live;
SELECT grid_rollup_refresh('ages');
(TABLE ages_before EXCEPT ALL TABLE ages) UNION ALL (TABLE ages EXCEPT ALL TABLE ages_before);
SELECT * FROM grid_rollup_verify('ages');
SELECT bucket, d, t, z FROM ages ORDER BY bucket;
DELETE FROM far WHERE id = 1;
SELECT grid_rollup_refresh('ages');
SELECT * FROM grid_rollup_verify('ages');
SELECT bucket, d, t, z FROM ages ORDER BY bucket;
SET client_min_messages = warning;
DROP SCHEMA rollup_log CASCADE;
