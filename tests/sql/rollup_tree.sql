-- Sources with partitions or inheritance children, changed through any of their tables.
CREATE SCHEMA rollup_tree;
SET search_path = rollup_tree, public;
SET jit = off;
CREATE FUNCTION wrong(rollup regclass, OUT live bigint, OUT refreshed bigint, OUT stored bigint, OUT verified bigint) LANGUAGE plpgsql AS $$
DECLARE
    oracle text := format('SELECT left(grid::text, d)::gridcode AS code, l AS level, date_trunc(''week'', day)::date AS bucket, count(*) AS n, sum(x) AS x
        FROM %s JOIN (VALUES (''grid'', 15), (''community'', 12)) v(l, d) ON length(grid::text) >= d GROUP BY 1, 2, 3',
        (SELECT source FROM grid_rollup_catalog c WHERE c.rollup = $1));
BEGIN
    EXECUTE format('SELECT count(*) FROM ((TABLE %1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL TABLE %1$s)) d',
                   rollup || '_live', oracle) INTO live;
    refreshed := grid_rollup_refresh(rollup);
    EXECUTE format('SELECT count(*) FROM ((TABLE %1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL TABLE %1$s)) d', rollup, oracle) INTO stored;
    SELECT count(*) INTO verified FROM grid_rollup_verify(rollup);
END $$;
CREATE VIEW equipped AS
SELECT c.relname, count(*) FILTER (WHERE tgname <> 'grid_rollup_replica') AS statement_triggers,
       string_agg(tgenabled::text, '' ORDER BY tgname) AS enabled
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE c.relnamespace = 'rollup_tree'::regnamespace AND tgname LIKE 'grid_rollup%'
GROUP BY 1 ORDER BY 1;

-- partitions: list under range, with another order of columns
CREATE TABLE p (id int, grid gridcode, day date, x int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (200) PARTITION BY LIST (x);
CREATE TABLE p2a (x int, extra text, day date, grid gridcode, id int);
ALTER TABLE p2a DROP COLUMN extra;
ALTER TABLE p2 ATTACH PARTITION p2a FOR VALUES IN (1, 2, 3);
CREATE TABLE p2b PARTITION OF p2 DEFAULT;
SELECT grid_rollup_create('pr', 'p', 'grid', '{"n": "count(*)", "x": "sum(x)"}', 'day', '1 week', lowest_level => 'grid', top_level => 'community');
TABLE equipped;
INSERT INTO p SELECT i, ('35030400100100' || i % 3)::gridcode, date '2024-01-01' + i / 3, i % 5 FROM generate_series(0, 199) i;
SELECT * FROM wrong('pr');
-- straight on a partition, and on one in the middle
INSERT INTO p1 VALUES (50, '350304001002001', '2024-01-01', 7);
SELECT * FROM wrong('pr');
UPDATE p2a SET grid = '350304001002002' WHERE id = 101;
SELECT * FROM wrong('pr');
DELETE FROM p2 WHERE id % 7 = 0;
SELECT * FROM wrong('pr');
COPY p2b FROM stdin;
150	350304001002005	2024-02-02	77
\.
SELECT * FROM wrong('pr');
-- rows that move between partitions
UPDATE p SET id = id + 100 WHERE id < 20;
SELECT * FROM wrong('pr');
UPDATE p2 SET x = 9 WHERE x = 1;
SELECT * FROM wrong('pr');
-- replication writes partitions
SET session_replication_role = replica;
INSERT INTO p1 VALUES (51, '350304001002001', '2024-01-01', 7);
UPDATE p2a SET grid = '350304001002003' WHERE id = 102;
DELETE FROM p WHERE id = 110;
RESET session_replication_role;
SELECT * FROM wrong('pr');
TRUNCATE p2a;
SELECT * FROM wrong('pr');
-- new, attached and detached
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (200) TO (300);
SELECT count(*) FROM pr_log;
INSERT INTO p3 VALUES (200, '350304001002001', '2024-03-01', 7);
INSERT INTO p VALUES (201, '350304001002001', '2024-03-01', 7);
SELECT * FROM wrong('pr');
CREATE TABLE p4 (LIKE p);
INSERT INTO p4 SELECT i, '350304001009009', '2024-04-01', 1 FROM generate_series(300, 309) i;
ALTER TABLE p ATTACH PARTITION p4 FOR VALUES FROM (300) TO (400);
SELECT * FROM pr_log;
SELECT * FROM wrong('pr');
DELETE FROM p4 WHERE id = 301;
SELECT * FROM wrong('pr');
ALTER TABLE p DETACH PARTITION p1;
SELECT * FROM wrong('pr');
INSERT INTO p1 VALUES (52, '350304001002001', '2024-01-01', 7);
SELECT * FROM pr_log;
TABLE equipped;
DROP TABLE p4;
SELECT * FROM pr_log;
SELECT * FROM wrong('pr');
-- what cannot be seen is refused
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE p5 PARTITION OF p FOR VALUES FROM (400) TO (500) SERVER nowhere;
CREATE FOREIGN TABLE p5 (id int, grid gridcode, day date, x int) SERVER nowhere;
ALTER TABLE p ATTACH PARTITION p5 FOR VALUES FROM (400) TO (500);
SELECT grid_rollup_create('r', 'p5', 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_create('r', 'p3', 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_create('r', 'p1', 'grid', '{"n": "count(*)"}');
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (100);
SELECT grid_rollup_drop('r');
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (100);
SELECT * FROM wrong('pr');
SELECT grid_rollup_drop('pr');
TABLE equipped;

-- inheritance
CREATE TABLE i (id int, grid gridcode, day date, x int);
CREATE TABLE i1 (more text) INHERITS (i);
CREATE TABLE i2 (more text, x int, day date, id int, grid gridcode);
SELECT grid_rollup_create('ir', 'i', 'grid', '{"n": "count(*)", "x": "sum(x)"}', 'day', '1 week', lowest_level => 'grid', top_level => 'community');
INSERT INTO i SELECT i, ('35030400100100' || i % 3)::gridcode, date '2024-01-01' + i / 3, i % 5 FROM generate_series(0, 19) i;
INSERT INTO i1 SELECT i, ('35030400100200' || i % 3)::gridcode, date '2024-01-01' + i / 3, i % 5, 'more' FROM generate_series(0, 19) i;
INSERT INTO i2 SELECT 'more', i, date '2024-01-01' + i / 3, i, ('35030400100200' || i % 3)::gridcode FROM generate_series(0, 19) i;
SELECT * FROM wrong('ir');
UPDATE i SET x = x + 1;
SELECT * FROM wrong('ir');
UPDATE i1 SET grid = '350304001002009' WHERE id < 4;
SELECT * FROM wrong('ir');
ALTER TABLE i2 INHERIT i;
SELECT * FROM wrong('ir');
DELETE FROM i2 WHERE id < 5;
SELECT * FROM wrong('ir');
UPDATE i SET day = day + 7 WHERE id > 17;
SELECT * FROM wrong('ir');
TRUNCATE ONLY i;
SELECT * FROM wrong('ir');
CREATE TABLE i3 () INHERITS (i);
INSERT INTO i3 VALUES (1, '350304001002001', '2024-01-01', 1);
SELECT * FROM wrong('ir');
ALTER TABLE i1 NO INHERIT i;
SELECT * FROM wrong('ir');
TABLE equipped;
CREATE TABLE other (id int);
CREATE TABLE i4 () INHERITS (i, other);
ALTER TABLE i3 INHERIT other;
ALTER TABLE i INHERIT other;
SELECT grid_rollup_drop('ir');
TABLE equipped;
