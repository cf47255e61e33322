# figures.pl: gridtree and gridstats on the national tree of codes: equal to
# GROUP BY ROLLUP and to numeric at every node, whatever the plan, order and
# partition; 665,276 codes of five lengths, each with rows of its own.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use GridTest;

my $data = data_folder();
plan skip_all => '../shared/data is not there' unless $data;

fresh_database('figures');

# Values are multiples of 1/64, so that core's sums are exact too, and a mean is one rounding of sum / count.
psql(<<"SQL");
CREATE TABLE national (code gridcode, name text);
\\copy national FROM PROGRAM 'gzip -dc $data/codes/national.csv.gz' (FORMAT csv, HEADER)
CREATE TABLE events AS
SELECT i, code, CASE WHEN i % 3 > 0 THEN i * 7919 % 1000003 - 500000 END AS v,
       CASE WHEN i % 5 > 0 THEN 86400000 + (i * 104729 % 15485863)::numeric / 64 END AS w
FROM (SELECT code, row_number() OVER (ORDER BY code) AS i FROM national) n;
INSERT INTO events SELECT i + 1000000, code, v * 3, w + 5 FROM events WHERE i % 2 = 0;
ANALYZE events;
SQL

sub value { return psql("SET max_parallel_workers_per_gather = 0; $_[0]"); }

sub timed {
    my ($what, $sql) = @_;
    my $start = time;
    my $result = psql($sql);
    printf "# time: %s %.2f s\n", $what, time - $start;
    return $result;
}

timed('one tree of 665,276 codes and two figures', <<'SQL');
SET work_mem = '64MB'; SET max_parallel_workers_per_gather = 0;
CREATE TABLE trees AS SELECT 0 AS id, gridtree_agg(code, v, w) AS t FROM events;
SQL
timed('its nodes', <<'SQL');
CREATE TABLE nodes AS SELECT n.code, n.level, n.n, n.stats FROM trees, gridtree_nodes(t) n;
SQL
timed('GROUP BY ROLLUP on text', <<'SQL');
SET work_mem = '256MB';
CREATE TABLE rolled AS
SELECT coalesce(p12, p9, p6, p4, p2)::gridcode AS code, count(*) AS n,
  count(v) AS v_count, sum(v) AS v_sum, min(v) AS v_min, max(v) AS v_max, sum(v)::float8 / nullif(count(v), 0) AS v_avg, var_samp(v)::float8 AS v_var,
  count(w) AS w_count, sum(w) AS w_sum, min(w) AS w_min, max(w) AS w_max, sum(w)::float8 / nullif(count(w), 0) AS w_avg, var_samp(w)::float8 AS w_var
FROM (SELECT left(c, 2) AS p2, nullif(left(c, 4), left(c, 3)) AS p4, CASE WHEN length(c) >= 6 THEN left(c, 6) END AS p6,
        CASE WHEN length(c) >= 9 THEN left(c, 9) END AS p9, CASE WHEN length(c) >= 12 THEN c END AS p12, v, w
      FROM (SELECT code::text COLLATE "C" AS c, v, w FROM events) e) p
GROUP BY ROLLUP (p2, p4, p6, p9, p12)
HAVING CASE GROUPING(p2, p4, p6, p9, p12) WHEN 0 THEN p12 WHEN 1 THEN p9 WHEN 3 THEN p6 WHEN 7 THEN p4 WHEN 15 THEN p2 END IS NOT NULL;
SQL
cmp_ok(value('SELECT count(*) FROM nodes'), '>=', 665276, 'every code is a node');
is(value(<<'SQL'), '0', 'count, sum, min, max and mean are those of GROUP BY ROLLUP at every node');
SELECT count(*) FROM nodes FULL JOIN rolled USING (code)
WHERE (nodes.n, stats_count(stats[1]), stats_sum(stats[1]), stats_min(stats[1]), stats_max(stats[1]), stats_avg(stats[1]),
       stats_count(stats[2]), stats_sum(stats[2]), stats_min(stats[2]), stats_max(stats[2]), stats_avg(stats[2]))
  IS DISTINCT FROM (rolled.n, v_count, v_sum::float8, v_min::float8, v_max::float8, v_avg,
       w_count, w_sum::float8, w_min::float8, w_max::float8, w_avg)
SQL
is(value(<<'SQL'), '0', 'variance is the numeric one within a rounding, or NULL with it');
SELECT count(*) FROM nodes JOIN rolled USING (code)
WHERE (stats_variance(stats[1]) IS NULL) <> (v_var IS NULL) OR abs(stats_variance(stats[1]) - v_var) > 2.3e-16 * v_var
   OR (stats_variance(stats[2]) IS NULL) <> (w_var IS NULL) OR abs(stats_variance(stats[2]) - w_var) > 2.3e-16 * w_var
SQL
is(value('SELECT count(*) FROM nodes WHERE level IS DISTINCT FROM grid_level(code)'), '0', 'levels are those of the scheme');
is(value(<<'SQL'), '0', 'from and to level leave out the others and change nothing');
SELECT count(*) FROM (SELECT code, level, n, stats FROM nodes WHERE level IN ('district', 'street')
  EXCEPT ALL SELECT n.code, n.level, n.n, n.stats FROM trees, gridtree_nodes(t, 'district', 'street') n) d
SQL

# Any plan and any partition of the rows.
my $parallel = 'SET work_mem = \'64MB\'; SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;';
like(psql("$parallel EXPLAIN SELECT gridtree_agg(code, v, w) FROM events"), qr/Partial Aggregate/, 'gridtree_agg is planned in parallel');
like(psql("$parallel EXPLAIN SELECT gridstats_agg(v) FROM events"), qr/Partial Aggregate/, 'gridstats_agg is planned in parallel');
timed('one tree in parallel', "$parallel INSERT INTO trees SELECT 1, gridtree_agg(code, v, w) FROM events");
timed('trees of a random partition, merged', <<'SQL');
SET work_mem = '64MB'; SELECT setseed(0.42);
CREATE TABLE parts AS SELECT part, gridtree_agg(code, v, w) AS t FROM (SELECT *, floor(random() * 3) AS part FROM events) e GROUP BY part;
INSERT INTO trees SELECT 2, gridtree_merge(t ORDER BY part) FROM parts;
INSERT INTO trees SELECT 3, gridtree_merge(t ORDER BY part DESC) FROM parts;
SQL
my $file = "$ENV{GT_TMP}/trees.copy";
psql("\\copy (SELECT 4, t FROM trees WHERE id = 0) TO '$file' (FORMAT binary)\n\\copy trees FROM '$file' (FORMAT binary)");
unlink $file;
is(value('SELECT count(*), count(DISTINCT x) FROM (SELECT hashtextextended(gridtree_send(t)::text, 0) AS x FROM trees) s'), '5|1',
    'parallel, merged in either order and copied in binary: the same to the bit');
is(value('SELECT count(*) FROM (SELECT DISTINCT t FROM trees) d'), '1', 'equality says so too');
is(psql("$parallel SELECT gridstats_agg(w) FROM events"), value('SELECT gridstats_agg(w ORDER BY i DESC) FROM events'),
    'gridstats in parallel and in another order: the same to the bit');

# Thousands of trees in one query.
my $start = time;
psql("SET work_mem = '64MB'; SET max_parallel_workers_per_gather = 0;
      SELECT sum(pg_column_size(t)) FROM (SELECT gridtree_agg(code, v) AS t FROM events GROUP BY i % 20000) x");
my $trees = time - $start;
$start = time;
psql("SET work_mem = '64MB'; SET max_parallel_workers_per_gather = 0;
      SELECT sum(pg_column_size(t)) FROM (SELECT array_agg((code, v)) AS t FROM events GROUP BY i % 20000) x");
printf "# time: 20,000 trees %.2f s, 20,000 times array_agg %.2f s\n", $trees, time - $start;
is(value(<<'SQL'), '20000|0', '20,000 trees hold every row');
SET work_mem = '64MB';
SELECT count(*), sum(rows - n) FROM (
  SELECT count(*) AS rows, (SELECT sum(n) FROM gridtree_nodes(gridtree_agg(code, v), to_level => 'province')) AS n
  FROM events GROUP BY i % 20000) x
SQL
print '# time: ', value(q{SELECT format('%s bytes a code stored, of two figures', pg_column_size(t) / 665276) FROM trees LIMIT 1}), "\n";

done_testing();
