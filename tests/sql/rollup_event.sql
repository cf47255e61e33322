-- Events that come from elsewhere: DDL of others, and rollups of rollups.
CREATE SCHEMA rollup_event;
SET search_path = rollup_event, public;
SET jit = off;
\set VERBOSITY terse
CREATE TABLE cases (id int, grid gridcode, part int) PARTITION BY LIST (part);
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)"}', lowest_level => 'grid', top_level => 'district');

-- a partition is found by its oid, not by a name that means something else here
CREATE TEMP TABLE cases_1 (id int);
CREATE TABLE cases_1 PARTITION OF cases FOR VALUES IN (1);
CREATE SCHEMA rollup_event_2 CREATE TABLE cases_2 PARTITION OF rollup_event.cases FOR VALUES IN (2);
CREATE TABLE cases_3 PARTITION OF cases FOR VALUES IN (3) PARTITION BY LIST (id);
CREATE TABLE cases_31 PARTITION OF cases_3 FOR VALUES IN (1);
SELECT tgrelid::regclass, count(*) FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
WHERE tgfoid = 'grid_rollup_capture'::regproc AND relnamespace IN ('rollup_event'::regnamespace, 'rollup_event_2'::regnamespace) GROUP BY tgrelid ORDER BY tgrelid::regclass::text COLLATE "C";
INSERT INTO rollup_event.cases_1 VALUES (1, '350304001001001', 1);
INSERT INTO rollup_event_2.cases_2 VALUES (1, '350304001001001', 2);
INSERT INTO cases_31 VALUES (1, '350304001001001', 3);
SELECT grid_rollup_refresh('r');
SELECT code, n FROM r ORDER BY code;

-- a dropped partition, also one of a partition, is noticed by its own rollups and by no other
CREATE TABLE others (grid gridcode, part int) PARTITION BY LIST (part);
CREATE TABLE others_1 PARTITION OF others FOR VALUES IN (1);
SELECT grid_rollup_create('o', 'others', 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_refresh('o');
CREATE VIEW logged AS SELECT (SELECT count(*) FROM r_log) AS r, (SELECT count(*) FROM r_log l WHERE l IS NULL) AS r_everything,
    (SELECT count(*) FROM o_log) AS o, (SELECT count(*) FROM o_log l WHERE l IS NULL) AS o_everything;
TABLE logged;
DROP TABLE cases_31;
TABLE logged;
SELECT n FROM r_live WHERE level = 'district';
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');
DROP TABLE cases_3, rollup_event.cases_1;
TABLE logged;
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');
SELECT code, n FROM r ORDER BY code;
DROP TABLE others_1;
TABLE logged;

-- tables whose rows come and go unseen
CREATE TABLE parent (grid gridcode);
SELECT grid_rollup_create('p', 'parent', 'grid', '{"n": "count(*)"}');
CREATE TEMP TABLE child () INHERITS (parent);
CREATE UNLOGGED TABLE child () INHERITS (parent);
ALTER TABLE parent SET UNLOGGED;
CREATE UNLOGGED TABLE unlogged (grid gridcode);
SELECT grid_rollup_create('u', 'unlogged', 'grid', '{"n": "count(*)"}');

-- a rollup of a rollup goes with it, and a view that went alone is forgotten
CREATE TABLE base (grid gridcode);
SELECT grid_rollup_create('a', 'base', 'grid', '{"n": "count(*)"}', lowest_level => 'grid', top_level => 'grid');
SELECT grid_rollup_create('b', 'a', 'code', '{"n": "sum(n)"}', lowest_level => 'street', top_level => 'district');
INSERT INTO base VALUES ('350304001001001'), ('350304001001002');
SELECT grid_rollup_refresh('a'), grid_rollup_refresh('b');
SELECT code, level, n FROM b ORDER BY code;
SET client_min_messages = warning;
DROP VIEW o_bi;
DROP TABLE base CASCADE;
RESET client_min_messages;
SELECT rollup, live, bi FROM grid_rollup_catalog WHERE source::text !~ 'cases' ORDER BY rollup::text;
SELECT relname FROM pg_class WHERE relnamespace = 'rollup_event'::regnamespace AND relkind IN ('r', 'v') AND relname ~ '^[ab]' ORDER BY relname;

SET client_min_messages = warning;
DROP SCHEMA rollup_event, rollup_event_2 CASCADE;
RESET client_min_messages;
SELECT count(*) FROM grid_rollup_catalog WHERE rollup::text ~ 'rollup_event';
