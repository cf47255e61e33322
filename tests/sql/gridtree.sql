-- gridtree: figures at every level, equal to plain GROUP BY; forms; bad input.
CREATE SCHEMA gridtree_test;
SET search_path = gridtree_test, public;

-- what it looks like: one street, two of its communities, a row coded to the street only
CREATE TABLE few (code gridcode, hours float8, people int);
INSERT INTO few VALUES ('350304001001', 1.5, 3), ('350304001001', NULL, 4), ('350304001002', 4, NULL), ('350304001', 2, 1), (NULL, 9, 9);
SELECT gridtree_agg(code) FROM few;
SELECT gridtree_agg(code, hours, people) FROM few;
SELECT code, level, n, stats_count(stats[1]) AS hours_count, stats_sum(stats[1]) AS hours, stats_avg(stats[2]) AS people
FROM gridtree_nodes((SELECT gridtree_agg(code, hours, people) FROM few)) ORDER BY code;

-- nothing
SELECT gridtree_agg(code), gridtree_merge(NULL::gridtree) FROM few WHERE code IS NULL;
SELECT * FROM gridtree_nodes(NULL);
SELECT * FROM gridtree_nodes('figures=0');
SELECT * FROM gridtree_nodes('figures=0; 11 n=1', scheme => NULL);

-- levels from and to, other schemes, codes that end inside a level or below the lowest
SELECT code, level, n FROM gridtree_nodes((SELECT gridtree_agg(code) FROM few), 'district') ORDER BY code;
SELECT code, level, n FROM gridtree_nodes((SELECT gridtree_agg(code) FROM few), to_level => 'city') ORDER BY code;
SELECT code, level, n FROM gridtree_nodes((SELECT gridtree_agg(code) FROM few), 'district', 'district') ORDER BY code;
SELECT code, level, n, stats FROM gridtree_nodes('figures=0; 1 n=1; 11 n=2; 110 n=4; 1101 n=8; 110101 n=16', scheme => 'province 2, city 2') ORDER BY code;
SELECT code, level, n FROM gridtree_nodes('figures=0; 1 n=1; 11 n=2; 110 n=4; 1101 n=8; 110101 n=16', 'city', scheme => 'province 2, city 2') ORDER BY code;
SELECT code, level, n FROM gridtree_nodes('figures=0; 350304 n=2', scheme => '省 2, 市 2, 区 2') ORDER BY code;
SELECT * FROM gridtree_nodes('figures=0', 'county');
SELECT * FROM gridtree_nodes('figures=0', 'street', 'city');

-- many codes of all lengths; five figures of five types, each with its own NULLs
CREATE TABLE events AS
SELECT i, grid_prefix((350300 + i % 7 || lpad((i % 13)::text, 3, '0') || lpad((i % 17)::text, 3, '0') || lpad((i % 3)::text, 3, '0'))::gridcode,
                      CASE WHEN i % 50 = 0 THEN 2 WHEN i % 41 = 0 THEN 7 ELSE 9 + i % 3 * 3 END) AS code,
       i % 4 AS kind,
       CASE WHEN i % 5 > 0 THEN (i % 1000)::int2 END AS a, CASE WHEN i % 6 > 0 THEN i * 7919 % 100000 END AS b,
       CASE WHEN i % 7 > 0 THEN i::int8 * 1234567 END AS c, CASE WHEN i % 8 > 0 THEN (i * 31 % 997)::numeric / 128 END AS d,
       CASE WHEN i % 9 > 0 THEN (i % 100)::float4 / 4 END AS e
FROM generate_series(1, 6000) i;
CREATE INDEX ON events (code); ANALYZE events;
CREATE TABLE node_codes AS
SELECT DISTINCT a.code, grid_level(a.code) AS level FROM (SELECT DISTINCT code FROM events) e,
  LATERAL (SELECT code FROM grid_ancestors(e.code) UNION SELECT e.code) a;
CREATE VIEW expected AS
SELECT n.code, n.level, count(*) AS n, sum(a) AS a, sum(b) AS b, sum(c) AS c, sum(d) AS d, sum(e::float8) AS e,
  count(a) AS count_a, count(e) AS count_e, min(c) AS min_c, max(d) AS max_d
FROM node_codes n JOIN events v ON v.code BETWEEN n.code AND grid_last(n.code) GROUP BY 1, 2;
CREATE FUNCTION flat(t gridtree) RETURNS SETOF expected LANGUAGE sql AS
$$ SELECT code, level, n, stats_sum(stats[1])::int8, stats_sum(stats[2])::int8, stats_sum(stats[3])::numeric, stats_sum(stats[4])::numeric, stats_sum(stats[5]),
     stats_count(stats[1]), stats_count(stats[5]), stats_min(stats[3])::int8, stats_max(stats[4])::numeric FROM gridtree_nodes(t) $$;
SELECT (SELECT count(*) FROM node_codes) AS nodes, (SELECT count(*) FROM node_codes WHERE level IS NULL) AS between_levels,
  (SELECT count(*) FROM (SELECT * FROM expected EXCEPT ALL SELECT f.* FROM (SELECT gridtree_agg(code, a, b, c, d, e) AS t FROM events) x, flat(t) f) d) AS missing,
  (SELECT count(*) FROM (SELECT f.* FROM (SELECT gridtree_agg(code, a, b, c, d, e) AS t FROM events) x, flat(t) f EXCEPT ALL SELECT * FROM expected) d) AS wrong;

-- variance at every node against numeric
SELECT count(*) AS nodes, count(*) FILTER (WHERE abs(stats_variance(g.stats[1]) - v) > 2e-16 * v) AS wrong,
  count(*) FILTER (WHERE stats_variance(g.stats[1]) IS NULL AND v IS NULL) AS none
FROM (SELECT n.code, var_samp(c)::float8 AS v FROM node_codes n JOIN events v ON v.code BETWEEN n.code AND grid_last(n.code) GROUP BY 1) w
JOIN gridtree_nodes((SELECT gridtree_agg(code, c) FROM events)) g USING (code);

-- a tree a group; merging any partition in any order is the single pass to the bit
CREATE TABLE trees AS SELECT kind, i % 11 AS part, gridtree_agg(code, a, b, c, d, e) AS t FROM events GROUP BY kind, i % 11;
SELECT count(*) AS trees, (SELECT count(*) FROM (SELECT DISTINCT t FROM trees) d) AS different FROM trees;
SELECT count(*) AS one FROM (
  SELECT gridtree_agg(code, a, b, c, d, e) AS t FROM events
  UNION SELECT gridtree_agg(code, a, b, c, d, e ORDER BY i % 101, i DESC) FROM events
  UNION SELECT gridtree_merge(t) FROM trees
  UNION SELECT gridtree_merge(t ORDER BY part DESC, kind) FROM trees
  UNION SELECT gridtree_merge(t) FROM (SELECT kind, gridtree_merge(t) AS t FROM trees GROUP BY kind) x
  UNION SELECT gridtree_merge(t::text::gridtree) FROM trees) u;
SELECT count(*) AS kinds, bool_and(a.t = b.t) AS same
FROM (SELECT kind, gridtree_agg(code, a, b, c, d, e) AS t FROM events GROUP BY kind) a
JOIN (SELECT kind, gridtree_merge(t) AS t FROM trees GROUP BY kind) b USING (kind);
-- the children of a node, and the rows that are no deeper than it, are the node
CREATE TABLE nodes AS SELECT code, level, n, stats[1] AS s FROM gridtree_nodes((SELECT gridtree_agg(code, c) FROM events)) WHERE level IS NOT NULL;
SELECT count(*) AS nodes, count(*) FILTER (WHERE x.n = p.n AND x.s = p.s) AS are_their_parts
FROM nodes p JOIN (
  SELECT code, sum(n) AS n, gridstats_merge(s) AS s FROM (
    SELECT grid_parent(code) AS code, n, s FROM nodes WHERE grid_parent(code) IS NOT NULL
    UNION ALL
    SELECT CASE WHEN grid_level(code) IS NULL THEN grid_parent(code) ELSE code END, count(*), gridstats_agg(c) FROM events GROUP BY 1) y
  GROUP BY 1) x USING (code);

-- as a window function and called by hand: earlier trees stay as they were
SELECT gridtree_agg(code) OVER (ORDER BY people NULLS FIRST) FROM few WHERE hours IS NOT NULL;
SELECT gridtree_combine(t, t) AS twice, t, gridtree_accum(t, '11') AS more FROM (SELECT gridtree_agg(code) AS t FROM few) x;

-- states as they are, as a distributed engine gets them: they can be sent, stored and compared
CREATE AGGREGATE state_of(gridcode, VARIADIC "any") (SFUNC = gridtree_accum, STYPE = gridtree);
CREATE AGGREGATE state_of(float8) (SFUNC = gridstats_accum, STYPE = gridstats, INITCOND = 'count=0');
CREATE TABLE states AS SELECT i % 3 AS shard, state_of(code, a, b, c, d, e) AS t, state_of(c::float8) AS s FROM events GROUP BY 1
  UNION ALL SELECT 3, state_of(code, a, b, c, d, e), state_of(c::float8) FROM events WHERE i = 1
  UNION ALL SELECT 4, state_of(code, a, b, c, d, e), state_of(c::float8) FROM events WHERE i <= 300;
CREATE TABLE shipped (shard int, t gridtree, s gridstats);
INSERT INTO shipped SELECT shard, t::text::gridtree, s::text::gridstats FROM states;
SELECT count(*) AS states, bool_and(a.t = b.t AND a.s = b.s AND gridtree_send(a.t) = gridtree_send(b.t) AND gridstats_send(a.s) = gridstats_send(b.s)) AS same,
  bool_and((SELECT sum(n) FROM gridtree_nodes(a.t, to_level => 'province')) = (SELECT sum(n) FROM gridtree_nodes(b.t, to_level => 'province'))) AS nodes
FROM states a JOIN shipped b USING (shard);
SELECT (SELECT gridtree_merge(t) FROM states WHERE shard < 3) = gridtree_agg(code, a, b, c, d, e) AS trees,
  (SELECT gridstats_merge(s) FROM states WHERE shard < 3) = gridstats_agg(c) AS stats FROM events;
SELECT (SELECT gridtree_merge(t ORDER BY shard DESC) FROM states WHERE shard > 2) =
  (SELECT gridtree_merge(t) FROM (SELECT gridtree_agg(code, a, b, c, d, e) AS t FROM events WHERE i = 1 UNION ALL SELECT gridtree_agg(code, a, b, c, d, e) FROM events WHERE i <= 300) x) AS small_trees;

-- partial and parallel aggregation
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT gridtree_agg(code, a, b), gridstats_agg(c) FROM events;
EXPLAIN (COSTS OFF) SELECT gridtree_merge(t) FROM trees;
CREATE TEMP TABLE parallel AS SELECT gridtree_agg(code, a, b, c, d, e) AS t, gridstats_agg(d) AS s FROM events;
-- states so small that tuples shorten their headers
SELECT kind, gridtree_agg(grid_prefix(code, 4)), gridtree_agg(NULL::gridcode) FROM events GROUP BY kind ORDER BY kind;
SET max_parallel_workers_per_gather = 0;
SELECT kind, gridtree_agg(grid_prefix(code, 4)), gridtree_agg(NULL::gridcode) FROM events GROUP BY kind ORDER BY kind;
SELECT p.t = s.t AND p.s = s.s AS same FROM parallel p, (SELECT gridtree_agg(code, a, b, c, d, e) AS t, gridstats_agg(d) AS s FROM events) s;
RESET max_parallel_workers_per_gather; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;

-- partition-wise
CREATE TABLE parted (LIKE events) PARTITION BY LIST (kind);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES IN (0, 1);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (2, 3);
INSERT INTO parted SELECT * FROM events;
SET enable_partitionwise_aggregate = on; SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT gridtree_agg(code, a), gridstats_agg(a) FROM parted;
SELECT p.t = e.t AS trees, p.s = e.s AS stats FROM (SELECT gridtree_agg(code, a) AS t, gridstats_agg(a) AS s FROM parted) p,
  (SELECT gridtree_agg(code, a) AS t, gridstats_agg(a) AS s FROM events) e;
RESET enable_partitionwise_aggregate; RESET max_parallel_workers_per_gather;

-- equality, grouping, set operations
SELECT t = t AS eq, t <> t AS ne, t = gridtree_combine(t, t) AS twice FROM trees LIMIT 1;
SELECT count(*) FROM (SELECT t FROM trees UNION SELECT t FROM trees) u;
SELECT count(*) FROM trees a JOIN trees b USING (t);
SELECT count(DISTINCT t), count(t), gridtree_merge(DISTINCT t) = (SELECT gridtree_merge(t) FROM trees) AS merged FROM (SELECT t FROM trees UNION ALL SELECT t FROM trees) u;
SELECT count(*) AS pairs, bool_and((a.t < b.t) = (a.n < b.n) AND (a.t <= b.t) = (a.n <= b.n) AND (a.t > b.t) = (a.n > b.n) AND (a.t >= b.t) = (a.n >= b.n)
  AND (a.t = b.t) = (a.n = b.n) AND (a.t <> b.t) = (a.n <> b.n) AND sign(gridtree_cmp(a.t, b.t)) = sign(a.n - b.n)) AS one_order
FROM (SELECT t, rank() OVER (ORDER BY t) AS n FROM trees) a, (SELECT t, rank() OVER (ORDER BY t) AS n FROM trees) b;
SET enable_hashjoin = off; SET enable_nestloop = off;
SELECT count(*) FROM trees a JOIN trees b USING (t);
RESET enable_hashjoin; RESET enable_nestloop;

-- figures that are none, or too many values
SELECT gridtree_agg(code, hours, code) FROM few;
SELECT gridtree_agg(code, 'five') FROM few;
SELECT gridtree_agg(code, now()) FROM few;
SELECT gridtree_agg(code, VARIADIC ARRAY[1, 2]) FROM few;
CREATE DOMAIN hours AS numeric CHECK (VALUE >= 0);
SELECT gridtree_agg(code, hours::hours) FROM few WHERE hours = 4;
SELECT gridtree_agg(code, 1e400::numeric) FROM few;
SELECT gridtree_merge(t) FROM (SELECT gridtree_agg(code) AS t FROM few UNION ALL SELECT gridtree_agg(code, hours) FROM few) x;
SELECT gridtree_merge('figures=0; 11 n=9223372036854775807'::gridtree) FROM generate_series(1, 2);
SELECT * FROM gridtree_nodes('figures=0; 1101 n=9223372036854775807; 1102 n=1');

SELECT gridtree_accum('figures=0; 11 n=9223372036854775807', '11');

-- counts beyond 32 bits
SELECT gridtree_merge(t) FROM (VALUES ('figures=1; 11 n=4294967296 [count=4294967296 sum=4294967296 min=1 max=1 bins=45:4294967296/90:4294967296]'::gridtree),
  ('figures=1; 11 n=3 [count=1 sum=7 min=7 max=7 bins=45:7/90:49]')) v (t);

-- a state that would take many times work_mem is refused; groups spill
SET work_mem = '64kB'; SET hash_mem_multiplier = 1;
\set VERBOSITY sqlstate
SELECT pg_column_size(gridtree_agg(i::text::gridcode, i)) FROM generate_series(1, 100000) i;
SET enable_sort = off;
SELECT sum(pg_column_size(t)) FROM (SELECT gridtree_agg(i::text::gridcode, i) AS t FROM generate_series(1, 100000) i GROUP BY i % 2000) x;
RESET enable_sort;
\set VERBOSITY default
RESET work_mem; RESET hash_mem_multiplier;
SELECT sum(n) FROM gridtree_nodes((SELECT gridtree_agg(i::text::gridcode, i) FROM generate_series(1, 100000) i), to_level => 'province') WHERE level = 'province';
-- what other aggregates take is not counted; a group of few codes takes little, however many rows and figures it has
SET work_mem = '64kB'; SET hash_mem_multiplier = 1; SET enable_sort = off;
SELECT cardinality(array_agg(repeat('x', 1000))), gridtree_agg((10 + i % 2)::text::gridcode) FILTER (WHERE i > 5000) FROM generate_series(1, 6000) i;
SELECT count(*) AS groups, sum(n) FROM (SELECT (SELECT sum(n) FROM gridtree_nodes(gridtree_agg((11 + i % 2)::text::gridcode, i, i, i, i, i))) AS n FROM generate_series(1, 60000) i GROUP BY i % 100) x;
-- one group after the other needs no more than the largest tree
RESET enable_sort; SET enable_hashagg = off; SET work_mem = '256kB';
SELECT count(*) AS groups, sum(n) FROM (SELECT (SELECT sum(n) FROM gridtree_nodes(gridtree_agg(i::text::gridcode, i), to_level => 'province') WHERE level = 'province') AS n
  FROM generate_series(1, 100000) i GROUP BY i % 100) x;
RESET work_mem; RESET hash_mem_multiplier; RESET enable_hashagg;

-- text that is no gridtree
SELECT ''::gridtree;
SELECT 'figures=x'::gridtree;
SELECT 'figures=101'::gridtree;
SELECT 'figures=0; 11'::gridtree;
SELECT 'figures=0; 11 n=0'::gridtree;
SELECT 'figures=0; 11 n=1; 11 n=1'::gridtree;
SELECT 'figures=0; 12 n=1; 11 n=1'::gridtree;
SELECT 'figures=0; 1a n=1'::gridtree;
SELECT 'figures=1; 11 n=1'::gridtree;
SELECT 'figures=1; 11 n=1 [count=2 sum=2 min=1 max=1 bins=45:2/90:2]'::gridtree;
SELECT ' figures=1; 11 n=2 [count=2 sum=2 min=1 max=1 bins=45:2/90:2] '::gridtree;

-- bytes that are none (the wire form is checked again by tests/fuzz)
CREATE FUNCTION receive(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  path text := pg_catalog.format('%s/gridtree_test.%s', pg_catalog.current_setting('data_directory'), pg_catalog.pg_backend_pid());
  id oid := lo_from_bytea(0, '\x5047434f50590aff0d0a0000000000000000000001'::bytea || int4send(length(bytes)) || bytes || '\xffff'::bytea);
  result text;
BEGIN
  PERFORM lo_export(id, path);
  PERFORM lo_unlink(id);
  CREATE TEMP TABLE received (t gridtree) ON COMMIT DROP;
  EXECUTE format('COPY received FROM %L (FORMAT binary)', path);
  SELECT t::text INTO result FROM received;
  DROP TABLE received;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT gridtree_send(t), receive(gridtree_send(t)) = t::text AS back FROM (SELECT gridtree_agg(code, hours) AS t FROM few) x;
SELECT bool_and(receive(gridtree_send(t)) = t::text) AS there_and_back FROM trees;
SELECT bytes, receive(bytes) FROM unnest('{"\\x","\\x01","\\x0100","\\x010000","\\x020000","\\x0f0000","\\x016500","\\x018000","\\x010001","\\x01000102313101","\\x0100010231310100",
  "\\x01000102316101","\\x01000113313131313131313131313131313131313131313101","\\x0100010001","\\x01000102313100","\\x0100020231310102313101","\\x01010102313101","\\x0101010231310101","\\x0101010231310111"}'::bytea[]) WITH ORDINALITY u (bytes, i) ORDER BY i;

-- one byte changed, cut off or added: refused, or a tree that is sent as these bytes
CREATE TABLE bent AS
SELECT bytes, receive(bytes) AS said FROM (
  SELECT set_byte(b, at, (get_byte(b, at) + by) % 256) FROM (SELECT gridtree_send(gridtree_agg(code, hours, people)) AS b FROM few) s,
    generate_series(0, length(b) - 1) at, unnest('{1,2,16,128,255}'::int[]) by
  UNION ALL SELECT substr(b, 1, size) FROM (SELECT gridtree_send(gridtree_agg(code, hours, people)) AS b FROM few) s, generate_series(0, length(b) - 1) size
  UNION ALL SELECT gridtree_send(gridtree_agg(code, hours, people)) || '\x00' FROM few) m (bytes);
SELECT count(*) > 400 AS many, count(*) FILTER (WHERE said LIKE '22P03 %') > 200 AS many_refused,
  count(*) FILTER (WHERE CASE WHEN said NOT LIKE '22P03 %' THEN gridtree_send(said::gridtree) <> bytes END) AS wrong FROM bent;

SET client_min_messages = warning;
DROP SCHEMA gridtree_test CASCADE;
