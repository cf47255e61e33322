#!/usr/bin/env bash
# figures of all levels: gridtree beside GROUP BY ROLLUP and what can be written by hand
#
# 5 M events in no order on 43,200 grids below 80 streets and 2,880 communities: six
# levels. All variants give count, sum, min, max, mean and deviation of every area.
# By hand is: GROUP BY grid with sums of squares, and ROLLUP of its 43,200 rows.
set -eu -o pipefail
. tests/bench/lib/run.sh
sql -v districts="$(size 8 2)" -v communities="$(size 36 4)" -v events="$(size 5000000 20000)" <<'SQL'
SELECT setseed(0.5);
CREATE TABLE grid AS
SELECT row_number() OVER () - 1 AS n, concat('3503', lpad(d::text, 2, '0'), lpad(s::text, 3, '0'), lpad(c::text, 3, '0'), lpad(g::text, 3, '0')) AS code
FROM generate_series(1, :districts) d, generate_series(1, 10) s, generate_series(1, :communities) c, generate_series(1, 15) g;
CREATE UNLOGGED TABLE event AS
SELECT code, (random() * 1000)::int AS a, (random() * 1e9)::bigint AS b, (random() * 10000)::numeric(12, 2) AS c, (random() * 100)::real AS d,
	random() * 1e6 AS e, random() - 0.5 AS f, random() * 80 + 15 AS g, exp(random() * 20) AS h, floor(random() * 500) AS i
FROM (SELECT code FROM grid, generate_series(1, 1 + :events / (SELECT count(*) FROM grid)) ORDER BY random() LIMIT :events) x;
CREATE UNLOGGED TABLE event_gridcode AS SELECT code::gridcode AS code, a, b, c, d, e, f, g, h, i FROM event;
CREATE UNLOGGED TABLE event_bigint AS SELECT code::bigint AS code, a, b, c, d, e, f, g, h, i FROM event;
CREATE UNLOGGED TABLE event_text AS SELECT code COLLATE "C" AS code, a, b, c, d, e, f, g, h, i FROM event;
DROP TABLE event;
VACUUM ANALYZE;
CHECKPOINT;

-- Text for each column: $c is its name, $n its number.
CREATE FUNCTION each(pattern text, columns text[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(replace(replace(pattern, '$c', c), '$n', n::text), ', ' ORDER BY n) FROM unnest(columns) WITH ORDINALITY u (c, n)
$$;
CREATE FUNCTION levels(type text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE type WHEN 'text' THEN 'left(code, 2), left(code, 4), left(code, 6), left(code, 9), left(code, 12), code'
		ELSE 'code / 10000000000000, code / 100000000000, code / 1000000000, code / 1000000, code / 1000, code' END
$$;
CREATE FUNCTION same_aggregates(columns text[]) RETURNS text LANGUAGE sql AS $$
	SELECT each('count($c), sum($c), min($c), max($c), avg($c), stddev($c)', columns)
$$;
-- The upper half of what is written by hand, above rows of n, s, l, g and q of each figure.
CREATE FUNCTION by_hand(type text, source text, columns text[]) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT %1$s, %2$s FROM %3$s l GROUP BY ROLLUP (%1$s) OFFSET 1000000', levels(type),
		each('sum(n$n), sum(s$n), min(l$n), max(g$n), sum(s$n) / sum(n$n), sqrt(abs(sum(q$n) - sum(s$n) ^ 2 / sum(n$n)) / greatest(sum(n$n) - 1, 1))', columns), source)
$$;
CREATE FUNCTION from_nodes(tree text, columns text[]) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT code, level, n, %s FROM gridtree_nodes((%s)) OFFSET 1000000',
		each('stats_count(stats[$n]), stats_sum(stats[$n]), stats_min(stats[$n]), stats_max(stats[$n]), stats_avg(stats[$n]), stats_stddev(stats[$n])', columns), tree)
$$;

-- Figures of columns at every level, without workers and with two: the quick ones in rounds, ROLLUP once.
CREATE PROCEDURE bench_figures(what text, columns text[], squares text[], rounds int) LANGUAGE plpgsql AS $$
DECLARE
	variants text[] := '{gridtree,"one GROUP BY grid, bigint","by hand, bigint","floor: count(*), sums"}';
	tree text := format('SELECT gridtree_agg(code, %s) FROM event_gridcode', each('$c', columns));
	queries text[];
	rollups text[];
	before text;
	test text;
	workers int;
BEGIN
	queries := ARRAY[from_nodes(tree, columns),
		format('SELECT code, %s FROM event_bigint GROUP BY code OFFSET 1000000', same_aggregates(columns)),
		by_hand('bigint', format('(SELECT code, %s, %s FROM event_bigint GROUP BY code)',
			each('count($c) AS n$n, sum($c) AS s$n, min($c) AS l$n, max($c) AS g$n', columns), each('sum($c) AS q$n', squares)), columns),
		format('SELECT count(*), %s FROM event_bigint', each('sum($c)', columns))];
	rollups := ARRAY[format('SELECT %1$s, %2$s FROM event_text GROUP BY ROLLUP (%1$s) OFFSET 1000000', levels('text'), same_aggregates(columns)),
		format('SELECT %1$s, %2$s FROM event_bigint GROUP BY ROLLUP (%1$s) OFFSET 1000000', levels('bigint'), same_aggregates(columns))];
	FOREACH workers IN ARRAY '{0,2}'::int[] LOOP
		test := format('%s, workers %s', what, workers);
		before := format('SET LOCAL max_parallel_workers_per_gather = %s; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0', workers);
		CALL bench_plan(test, variants[1:3], queries[1:3], array_fill(before, '{3}'));
		CALL bench_time(test, variants, queries, rounds, array_fill(before, '{4}'), warm => false);
		CALL bench_time(test, '{"ROLLUP on text","ROLLUP on bigint"}', rollups, 1, array_fill(before, '{2}'), warm => false);
	END LOOP;
END $$;
CREATE FUNCTION bench_figures_report(what text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT line FROM (SELECT format('%s, workers %s', what, workers) AS test FROM unnest('{0,2}'::int[]) workers) t, LATERAL (
		SELECT bench_medians(test) AS line UNION ALL
		SELECT bench_lead(test, 'gridtree', 'ROLLUP on text', 10) UNION ALL
		SELECT bench_lead(test, 'gridtree', 'ROLLUP on bigint', 6) UNION ALL
		SELECT bench_lead(test, 'gridtree', 'by hand, bigint', 1) UNION ALL
		SELECT bench_ratio(test, 'gridtree', 'one GROUP BY grid, bigint', 1.3) UNION ALL
		SELECT bench_ratio(test, 'gridtree', 'floor: count(*), sums', NULL)) r
$$;
SQL

# figures NAME COLUMNS SQUARES: at every level, beside their peers.
figures() {
  sql -v rounds="$(size 3 1)" -v name="$1" -v columns="{$2}" -v squares="{$3}" <<'SQL'
CALL bench_figures(:'name', :'columns', :'squares', :rounds);
SELECT bench_figures_report(:'name');
SQL
}
figures 'one double precision figure' e 'e * e'
figures 'one integer figure' a 'a::bigint * a'
figures 'five double precision figures' e,f,g,h,i 'e * e,f * f,g * g,h * h,i * i'
figures 'integer, bigint, numeric, real, double' a,b,c,d,e 'a::bigint * a,b::float8 * b,c * c,d::float8 * d,e * e'

sql <<'SQL'
-- what a leaf takes: while it is built, by the executor's own account, and stored
CREATE FUNCTION hash_memory(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	SET LOCAL enable_sort = off;
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ' || query LOOP
		IF line ~ 'Memory Usage' THEN RETURN substring(line FROM 'Memory Usage: (\d+)kB')::float8 * 1024; END IF;
	END LOOP;
	RETURN NULL;
END $$;
SELECT format('%s figure(s), %s grids of %s rows each: %s bytes a grid while it is built, %s stored; GROUP BY takes %s', array_length(columns, 1), grids, events / grids,
	round(hash_memory(format('SELECT gridtree_agg(code, %s) FROM event_gridcode GROUP BY a < 0', each('$c', columns))) / grids),
	(SELECT round(bytes::numeric / grids) FROM (SELECT CASE array_length(columns, 1) WHEN 1 THEN (SELECT pg_column_size(gridtree_agg(code, e)) FROM event_gridcode)
		ELSE (SELECT pg_column_size(gridtree_agg(code, e, f, g, h, i)) FROM event_gridcode) END AS bytes) b),
	round(hash_memory(format('SELECT code, %s FROM event_bigint GROUP BY code', same_aggregates(columns))) / grids))
FROM (VALUES ('{e}'::text[]), ('{e,f,g,h,i}')) v (columns), (SELECT count(*) AS grids FROM grid) g, (SELECT count(*) AS events FROM event_gridcode) e;
SQL

# A tree in each of thousands of groups
for rows in 50 250; do
  sql -v rows="$rows" -v groups="$(size 20000 200)" -v rounds="$(size 5 1)" <<'SQL'
CREATE UNLOGGED TABLE grouped AS
SELECT i % :groups AS id, code::gridcode AS code, random() * 1000 AS v FROM generate_series(1, :rows * :groups) i JOIN grid ON n = i::bigint * 7919 % (SELECT count(*) FROM grid);
VACUUM ANALYZE grouped;
\set test :groups ' groups of ' :rows ' rows'
CALL bench_time(:'test', '{gridtree_agg(code\, v),array_agg(v),"array_agg((code, v))"}', ARRAY[
	'SELECT id, gridtree_agg(code, v) FROM grouped GROUP BY id OFFSET 1000000', 'SELECT id, array_agg(v) FROM grouped GROUP BY id OFFSET 1000000',
	'SELECT id, array_agg((code, v)) FROM grouped GROUP BY id OFFSET 1000000'], :rounds, array_fill('SET LOCAL work_mem = ''1GB'''::text, '{3}'));
SELECT bench_report(:'test', 'gridtree_agg(code, v)', 'array_agg(v)', 3);
SELECT bench_ratio(:'test', 'gridtree_agg(code, v)', 'array_agg((code, v))', NULL);
DROP TABLE grouped;
SQL
done

# Trees of the days of a year, merged; and the same from rows of sums, as one would keep them
sql -v days="$(size 365 10)" -v rounds="$(size 3 1)" <<'SQL'
SELECT setseed(0.5);
CREATE UNLOGGED TABLE day_gridcode (day int, tree gridtree);
CREATE UNLOGGED TABLE day_text (day int, code text COLLATE "C", n1 bigint, s1 float8, l1 float8, g1 float8, q1 float8);
CREATE UNLOGGED TABLE day_bigint (day int, code bigint, n1 bigint, s1 float8, l1 float8, g1 float8, q1 float8);
CREATE PROCEDURE fill(days int) LANGUAGE plpgsql AS $$
BEGIN
	FOR today IN 1 .. days LOOP
		CREATE TEMP TABLE today_event ON COMMIT DROP AS SELECT code, random() * 1000 AS v FROM grid, LATERAL generate_series(0, (n + today)::int % 4) r;
		INSERT INTO day_gridcode SELECT today, gridtree_agg(code::gridcode, v) FROM today_event;
		INSERT INTO day_bigint SELECT today, code::bigint, count(v), sum(v), min(v), max(v), sum(v * v) FROM today_event GROUP BY code;
		COMMIT;
	END LOOP;
END $$;
CALL fill(:days);
INSERT INTO day_text SELECT day, code::text, n1, s1, l1, g1, q1 FROM day_bigint;
VACUUM ANALYZE;
CHECKPOINT;
SELECT format('%s days of %s grids: %s stored as trees, %s as rows on bigint, %s on text', :days, (SELECT count(*) FROM grid),
	pg_size_pretty(pg_total_relation_size('day_gridcode')), pg_size_pretty(pg_total_relation_size('day_bigint')), pg_size_pretty(pg_total_relation_size('day_text')));
SELECT format('%s bytes a grid and day stored, of 1 to 4 rows', round(sum(pg_column_size(tree))::numeric / (:days * (SELECT count(*) FROM grid)), 1)) FROM day_gridcode;
CREATE PROCEDURE bench_merge(rounds int) LANGUAGE plpgsql AS $$
DECLARE
	variants text[] := '{gridtree_merge,"ROLLUP on text","ROLLUP on bigint","by hand, bigint"}';
	leaves text := '(SELECT code, sum(n1) AS n1, sum(s1) AS s1, min(l1) AS l1, max(g1) AS g1, sum(q1) AS q1 FROM day_bigint GROUP BY code)';
	queries text[] := ARRAY[from_nodes('SELECT gridtree_merge(tree) FROM day_gridcode', '{v}'), by_hand('text', 'day_text', '{v}'),
		by_hand('bigint', 'day_bigint', '{v}'), by_hand('bigint', leaves, '{v}')];
	before text;
	test text;
	workers int;
BEGIN
	FOREACH workers IN ARRAY '{0,2}'::int[] LOOP
		test := format('the days merged, workers %s', workers);
		before := format('SET LOCAL max_parallel_workers_per_gather = %s; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0', workers);
		CALL bench_plan(test, variants[1:1], queries[1:1], ARRAY[before]);
		CALL bench_time(test, variants[1:1] || variants[4:4], queries[1:1] || queries[4:4], rounds, array_fill(before, '{2}'), warm => false);
		CALL bench_time(test, variants[2:3], queries[2:3], 1, array_fill(before, '{2}'), warm => false);
	END LOOP;
END $$;
CALL bench_merge(:rounds);
CREATE FUNCTION bench_merge_report(test text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT bench_medians(test) UNION ALL SELECT bench_lead(test, 'gridtree_merge', 'ROLLUP on text', 5) UNION ALL
	SELECT bench_lead(test, 'gridtree_merge', 'ROLLUP on bigint', 5) UNION ALL SELECT bench_lead(test, 'gridtree_merge', 'by hand, bigint', NULL)
$$;
SELECT bench_merge_report('the days merged, workers 0');
SELECT bench_merge_report('the days merged, workers 2');
SQL
plans
