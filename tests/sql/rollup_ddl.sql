-- DDL on the source and on the parts of a rollup.
CREATE SCHEMA rollup_ddl;
SET search_path = rollup_ddl, public;
SET jit = off;
\set VERBOSITY terse
CREATE TABLE cases (id int, grid gridcode, kind text, day date, closed date, x int, unused int);
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "c": {"expr": "sum(x) FILTER (WHERE x > 1)", "at": "closed"}}',
    'day', '1 day', '{kind}', 'grid', 'community');
INSERT INTO cases SELECT i, ('35030400100100' || i % 3)::gridcode, 'k' || i % 2, date '2024-01-01' + i % 5, date '2024-01-02' + i % 7, i FROM generate_series(1, 30) i;
CREATE FUNCTION wrong(OUT live bigint, OUT refreshed bigint, OUT verified bigint) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE l AS TABLE r_live;
    refreshed := grid_rollup_refresh('r');
    SELECT count(*) INTO live FROM ((TABLE l EXCEPT ALL TABLE r) UNION ALL (TABLE r EXCEPT ALL TABLE l)) d;
    SELECT count(*) INTO verified FROM grid_rollup_verify('r');
    DROP TABLE l;
END $$;
SELECT * FROM wrong();

-- a rename just works, of every column that is used, in any order, and of the tables
ALTER TABLE cases RENAME grid TO swap;
ALTER TABLE cases RENAME kind TO grid;
ALTER TABLE cases RENAME swap TO kind;
ALTER TABLE cases RENAME day TO "Day";
ALTER TABLE cases RENAME closed TO day;
ALTER TABLE cases RENAME x TO y;
UPDATE cases SET y = y + 1, day = day + 1 WHERE id % 5 = 0;
SELECT * FROM wrong();
ALTER TABLE cases RENAME TO matters;
ALTER TABLE r_log RENAME TO touched;
ALTER TABLE r_rest RENAME TO others;
UPDATE matters SET kind = '350304001002' WHERE id % 5 = 1;
SELECT * FROM wrong();
SELECT * FROM others ORDER BY 1, 2, 3;
ALTER TABLE r RENAME n TO number;
UPDATE matters SET grid = 'k9' WHERE id % 5 = 2;
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');
CREATE SCHEMA rollup_ddl2;
ALTER TABLE matters SET SCHEMA rollup_ddl2;
ALTER TABLE touched SET SCHEMA rollup_ddl2;
ALTER SCHEMA rollup_ddl2 RENAME TO rollup_ddl3;
DELETE FROM rollup_ddl3.matters WHERE id = 7;
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');
ALTER TABLE rollup_ddl3.matters SET SCHEMA rollup_ddl;

-- what is used cannot go or change its type; the rest can
ALTER TABLE matters DROP COLUMN y;
ALTER TABLE matters DROP COLUMN kind;
ALTER TABLE matters ALTER COLUMN day TYPE timestamp;
ALTER TABLE matters DROP COLUMN unused, ADD COLUMN later int DEFAULT 7;
DROP TABLE matters;
DROP TABLE r;
DROP TABLE others;
SELECT * FROM grid_rollup_verify('r');

-- a view of a user stands in the way of drop
CREATE VIEW mine AS TABLE r;
SELECT grid_rollup_drop('r');
DROP VIEW mine;
-- the views for readers may go
DROP VIEW r_live, r_bi;
SELECT live, bi FROM grid_rollup_catalog;
INSERT INTO matters (id, kind, day) VALUES (99, '350304001001001', '2024-02-02');
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');

-- CASCADE cleans up
DROP TABLE r CASCADE;
SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'rollup_ddl%' AND relkind IN ('r', 'v') ORDER BY 1;
SELECT count(*) FROM grid_rollup_catalog;
SELECT count(*) FROM grid_rollup_measure;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'matters'::regclass AND NOT tgisinternal;
INSERT INTO matters (id) VALUES (100);
SELECT grid_rollup_create('r', 'matters', 'kind', '{"n": "count(*)"}');
SELECT grid_rollup_create('r2', 'matters', 'kind', '{"n": "count(*)"}');
DROP TABLE r_log CASCADE;
SELECT rollup FROM grid_rollup_catalog;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'matters'::regclass AND NOT tgisinternal;
DROP TABLE matters CASCADE;
SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'rollup_ddl%' AND relkind IN ('r', 'v') ORDER BY 1;
SELECT count(*) FROM grid_rollup_catalog;
CREATE TABLE cases (grid gridcode, x int);
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "sum(x)"}');
ALTER TABLE cases DROP COLUMN x CASCADE;
SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'rollup_ddl%' AND relkind IN ('r', 'v') ORDER BY 1;
SELECT grid_rollup_create('rollup_ddl3.r', 'cases', 'grid', '{"n": "count(*)"}');
DROP SCHEMA rollup_ddl3 CASCADE;
SELECT count(*) FROM grid_rollup_catalog;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'cases'::regclass AND NOT tgisinternal;

-- a rollup whose creation is rolled back is not captured for
BEGIN;
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)"}');
INSERT INTO cases VALUES ('35');
SELECT code, level, n FROM r_live;
ROLLBACK;
INSERT INTO cases VALUES ('35');

-- triggers without a rollup warn once a session
CREATE TRIGGER grid_rollup_insert AFTER INSERT ON cases REFERENCING NEW TABLE AS grid_new FOR EACH STATEMENT EXECUTE FUNCTION grid_rollup_capture();
INSERT INTO cases VALUES ('35');
INSERT INTO cases VALUES ('35');
SELECT count(*) FROM cases;
