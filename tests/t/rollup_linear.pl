# A refresh costs what was touched: no step of its plans goes through many more
# rows than that, whatever the shape of what was touched.  Where lookups look
# expensive to the planner, one pass over the figures is as well; never a pass
# for each touched cell.
use strict;
use warnings;
use GridTest;
use Test::More;

fresh_database('rollup_linear');
my (undef, undef, $missing) = psql_try("LOAD 'auto_explain'");
plan skip_all => 'no auto_explain here' if $missing;

# 600,000 rows: 40 streets of 100 grids, 150 days of each.
psql(<<'SQL');
CREATE TABLE cases (id int PRIMARY KEY, grid gridcode, day date, kind text, x int) WITH (autovacuum_enabled = false);
INSERT INTO cases
SELECT g * 150 + d, grid_child(grid_child(grid_child('350304', g / 100 + 1), g / 10 % 10 + 1), g % 10 + 1), date '2024-01-01' + d,
    CASE WHEN d % 7 > 0 THEN 'k' || g % 3 END, d
FROM generate_series(0, 3999) g, generate_series(0, 149) d;
CREATE INDEX ON cases (grid, day);
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "s": "sum(x)"}', 'day', '1 day', '{kind}', 'grid', 'district');
SELECT grid_rollup_refresh('r');
VACUUM ANALYZE;
SQL

# The most rows that one step of the plans has gone through, and its line.
sub busiest_step {
    my ($plans) = @_;
    my ($most, $step, $loops, $line) = (0, '');
    for (split /\n/, $plans) {
        my $rows;
        if (/actual rows=([\d.]+) loops=(\d+)/) {
            ($rows, $loops, $line) = ($1 * $2, $2, $_);
        } elsif (/Rows Removed by [\w ]+: (\d+)/) {
            $rows = $1 * $loops;
        }
        ($most, $step) = ($rows, $line) if defined $rows && $rows > $most;
    }
    return ($most, $step);
}

my %touch = (
    'cells of many codes and days' => 'id % 199 = 0',
    'all days of a few codes'      => "grid < '350304001003'",
    'all codes on a few days'      => "day = '2024-02-03'",
    'cells without a kind'         => 'kind IS NULL AND id % 29 = 0',
);
my $figures = psql('SELECT count(*) FROM r');
for my $page_cost (4, 20) {
    for my $name (sort keys %touch) {
        psql("UPDATE cases SET x = x + 1 WHERE $touch{$name}");
        my (undef, $plans) = psql_try(<<"SQL");
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_nested_statements = on;
SET auto_explain.log_analyze = on;
SET auto_explain.log_timing = off;
SET auto_explain.log_level = notice;
SET max_parallel_workers_per_gather = 0;
SET random_page_cost = $page_cost;
SELECT grid_rollup_refresh('r');
SQL
        my $touched = psql("SELECT count(*) FROM (SELECT DISTINCT grid, day FROM cases WHERE $touch{$name}) c");
        my ($most, $step) = busiest_step($plans);
        cmp_ok($touched, '>', 2000, "$name: $touched (random_page_cost $page_cost)") && cmp_ok($most, '>=', $touched, 'plans were seen');
        my $bound = $page_cost > 4 ? $figures : 30 * $touched;
        cmp_ok($most, '<=', $bound, "no step goes through many more: $most") or diag($step);
    }
}
is(psql("SELECT count(*) FROM grid_rollup_verify('r')"), 0, 'and all is right');
done_testing();
