-- gridcode beside bigint, text COLLATE "C" and ltree

SET max_parallel_workers_per_gather = 0;
SET max_parallel_maintenance_workers = 0;
SET maintenance_work_mem = '256MB';
SET work_mem = '256MB';
SET jit = off;
SET client_min_messages = warning;
SELECT setseed(0.5);
CREATE EXTENSION ltree;

-- 620,573 village codes of 12 digits: the real ones, else as many made up
CREATE TABLE village (code text);
\set load `[ -e ../shared/data/codes/national.csv.gz ] && echo 1 || echo 0`
\if :load
\copy village FROM PROGRAM 'gzip -dc ../shared/data/codes/national.csv.gz | grep -oE "^[0-9]{12}"'
\else
\echo (made-up codes: ../shared/data is absent)
INSERT INTO village SELECT lpad((110000000000 + n::bigint * 870007)::text, 12, '0') FROM generate_series(1, 620573) n;
\endif

CREATE FUNCTION path(code text) RETURNS ltree IMMUTABLE LANGUAGE sql AS $$
	SELECT concat_ws('.', left(code, 2), substr(code, 3, 2), substr(code, 5, 2), substr(code, 7, 3), substr(code, 10, 3), nullif(substr(code, 13, 3), ''))::ltree
$$;

-- as tables come: not in the order of the code
CREATE TABLE village_gridcode AS SELECT code::gridcode AS code FROM village ORDER BY md5(code);
CREATE TABLE village_bigint AS SELECT code::bigint AS code FROM village ORDER BY md5(code);
CREATE TABLE village_text AS SELECT code COLLATE "C" AS code FROM village ORDER BY md5(code);
CREATE TABLE village_ltree AS SELECT path(code) AS code FROM village ORDER BY md5(code);

-- the peer in question in many rounds, the others in a few
CALL bench_time('build an index on 620,573 village codes', '{gridcode,bigint}',
	'{CREATE INDEX vg ON village_gridcode (code),CREATE INDEX vb ON village_bigint (code)}',
	9, '{DROP INDEX IF EXISTS vg,DROP INDEX IF EXISTS vb}');
CALL bench_time('build an index on 620,573 village codes', '{text C,ltree btree,ltree gist}',
	'{CREATE INDEX vt ON village_text (code),CREATE INDEX vl ON village_ltree (code),CREATE INDEX vs ON village_ltree USING gist (code)}',
	2, '{DROP INDEX IF EXISTS vt,DROP INDEX IF EXISTS vl,DROP INDEX IF EXISTS vs}');
SELECT bench_report('build an index on 620,573 village codes', 'gridcode', 'bigint', 1.2);
CALL bench_size('size of that index', 'gridcode', 'vg');
CALL bench_size('size of that index', 'bigint', 'vb');
CALL bench_size('size of that index', 'text C', 'vt');
CALL bench_size('size of that index', 'ltree btree', 'vl');
CALL bench_size('size of that index', 'ltree gist', 'vs');
SELECT bench_report('size of that index', 'gridcode', 'bigint', 1.0);

-- 2 M events on 43,200 grids: 8 districts of 10 streets of 36 communities of 15 grids; a street has 25,000 events
CREATE TABLE grid AS
SELECT row_number() OVER () AS n, concat('3503', lpad(d::text, 2, '0'), lpad(s::text, 3, '0'), lpad(c::text, 3, '0'), lpad(g::text, 3, '0')) AS code
FROM generate_series(1, 8) d, generate_series(1, 10) s, generate_series(1, 36) c, generate_series(1, 15) g;
CREATE TABLE event AS
SELECT code, n FROM (SELECT code, generate_series(1, 2000000 / 43200 + (n <= 2000000 % 43200)::int) AS n FROM grid) x ORDER BY random();
CREATE TABLE event_gridcode AS SELECT code::gridcode AS code, n FROM event;
CREATE TABLE event_bigint AS SELECT code::bigint AS code, n FROM event;
CREATE TABLE event_text AS SELECT code COLLATE "C" AS code, n FROM event;
CREATE TABLE event_ltree AS SELECT path(code) AS code, n FROM event;
CREATE INDEX eg ON event_gridcode (code);
CREATE INDEX eb ON event_bigint (code);
CREATE INDEX et ON event_text (code);
CREATE INDEX el ON event_ltree (code);
CREATE TABLE event_gist AS TABLE event_ltree;
CREATE INDEX es ON event_gist USING gist (code);
VACUUM ANALYZE;
CHECKPOINT;

CALL bench_size('size of an index on 2 M events on 43,200 grids', 'gridcode', 'eg');
CALL bench_size('size of an index on 2 M events on 43,200 grids', 'bigint', 'eb');
CALL bench_size('size of an index on 2 M events on 43,200 grids', 'text C', 'et');
CALL bench_size('size of an index on 2 M events on 43,200 grids', 'ltree btree', 'el');
CALL bench_size('size of an index on 2 M events on 43,200 grids', 'ltree gist', 'es');
SELECT bench_report('size of an index on 2 M events on 43,200 grids', 'gridcode', 'bigint', 1.0);

SELECT format('(a street has %s events)', count(*)) FROM event_gridcode WHERE code <@ '350304001';
CALL bench_time('count the 25,000 events of a street, planning included', '{gridcode,bigint BETWEEN}',
	ARRAY[$$SELECT count(*) FROM event_gridcode WHERE code <@ '350304001'$$,
		$$SELECT count(*) FROM event_bigint WHERE code BETWEEN 350304001000000 AND 350304001999999$$], 501);
CALL bench_time('count the 25,000 events of a street, planning included', '{text C LIKE,ltree btree,ltree gist}',
	ARRAY[$$SELECT count(*) FROM event_text WHERE code LIKE '350304001%'$$,
		$$SELECT count(*) FROM event_ltree WHERE code >= '35.03.04.001' AND code < '35.03.04.002'$$,
		$$SELECT count(*) FROM event_gist WHERE code <@ '35.03.04.001'$$], 21);
SELECT bench_report('count the 25,000 events of a street, planning included', 'gridcode', 'bigint BETWEEN', 1.2);

CALL bench_time('plan that query',
	'{gridcode,bigint BETWEEN}',
	ARRAY[$$EXPLAIN SELECT count(*) FROM event_gridcode WHERE code <@ '350304001'$$,
		$$EXPLAIN SELECT count(*) FROM event_bigint WHERE code BETWEEN 350304001000000 AND 350304001999999$$], 501);
SELECT bench_report('plan that query', 'gridcode', 'bigint BETWEEN', NULL);

CALL bench_time('sort 2 M events by code', '{gridcode,bigint}',
	'{SELECT code FROM event_gridcode ORDER BY code OFFSET 2000000,SELECT code FROM event_bigint ORDER BY code OFFSET 2000000}',
	15, array_fill('SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off'::text, '{2}'));
CALL bench_time('sort 2 M events by code', '{text C,ltree}',
	'{SELECT code FROM event_text ORDER BY code OFFSET 2000000,SELECT code FROM event_ltree ORDER BY code OFFSET 2000000}',
	2, array_fill('SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off'::text, '{2}'));
SELECT bench_report('sort 2 M events by code', 'gridcode', 'bigint', 1.1);

CALL bench_time('hash aggregate of 2 M events by code', '{gridcode,bigint}',
	'{SELECT code\, count(*) FROM event_gridcode GROUP BY code OFFSET 43200,SELECT code\, count(*) FROM event_bigint GROUP BY code OFFSET 43200}',
	15, array_fill('SET LOCAL enable_sort = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off'::text, '{2}'));
CALL bench_time('hash aggregate of 2 M events by code', '{text C}',
	'{SELECT code\, count(*) FROM event_text GROUP BY code OFFSET 43200}',
	2, array_fill('SET LOCAL enable_sort = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off'::text, '{1}'));
SELECT bench_report('hash aggregate of 2 M events by code', 'gridcode', 'bigint', 1.1);
