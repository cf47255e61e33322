# What docs/monitoring.md says to run is run, by a role that can do nothing else.
use strict;
use warnings;
use GridTest;
use Test::More;

fresh_database('monitoring');
psql(<<'SQL');
CREATE TABLE visits (code gridcode NOT NULL, n int);
CREATE INDEX ON visits (code);
INSERT INTO visits VALUES ('350304001001', 1), ('350304001002', 0);
SELECT grid_rollup_create('cases', 'visits', 'code', '{"n": "count(*)"}', lowest_level => 'community', max_lag => '5 seconds');
SELECT grid_rollup_create('hours', 'visits', 'code', '{"n": "sum(100 / n)"}', lowest_level => 'community', schedule => '0 2 * * *');
CALL grid_rollup_run('cases');
CALL grid_rollup_run('hours');
CREATE ROLE monitoring_exporter IN ROLE pg_monitor;
SQL

my $page = slurp('docs/monitoring.md');
sub as_exporter { return psql("SET ROLE monitoring_exporter; $_[0]"); }

my @queries = $page =~ /^```sql\n(.*?)^```/msg;
is(@queries, 2, 'two queries on the page');
like(as_exporter($queries[0]), qr/^hours\|1\|22012\|division by zero\|[^|]+\|[^|]+$/, 'the one for what is wrong finds what fails, and nothing else');
like(as_exporter($queries[1]), qr/^cases\|1\|0\|2\|.*\nhours\|1\|1\|0\|/, 'the one for runs counts them');

my ($query) = $page =~ /^  query: \|\n((?:    .*\n)+)/m;
my @metrics = $page =~ /^    - (\w+):\n        usage: "(?:LABEL|GAUGE)"/mg;
my $columns = psql("CREATE VIEW v AS $query; SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'v'::regclass AND attnum > 0");
is($columns, "@metrics", 'the exporter gets a column for each metric and a metric for each column');
is(psql(q(SELECT string_agg(DISTINCT format_type(atttypid, NULL), ', ') FROM pg_attribute WHERE attrelid = 'v'::regclass AND attnum > 2)), 'bigint, integer, numeric', 'numbers all');
my @rows = sort split /\n/, as_exporter($query);
is(@rows, 2, 'a row for each rollup');
like($rows[0], qr/^monitoring\|cases\|1\|0\|1\|0\|0\.\d+\|5\.\d+\|0\|\d+\.\d+\|\d+\.\d+\|2\|0$/, 'one that is well');
like($rows[1], qr/^monitoring\|hours\|1\|0\|0\|1\|\d+\.\d+\|\|0\|\|\d+\.\d+\|0\|$/, 'one that fails');
psql(q(UPDATE grid_rollup_run_log SET started_at = now() - interval '1 hour', finished_at = now() - interval '1 hour', due_at = now() - interval '1 hour'));
my ($overdue) = as_exporter("SELECT overdue_seconds FROM ($query) q WHERE rollup = 'hours'");
cmp_ok($overdue, '>', 3000, 'and one that is late');
my @alerts = $page =~ /expr: (.*)/g;
my %known = map { ("gridtree_rollup_$_" => 1) } @metrics;
my @used = map { /(gridtree_rollup_\w+)/g } @alerts;
is_deeply([grep { !$known{$_} } @used], [], 'the alerts know no other metrics');
my (undef, $error) = psql_try('SET ROLE monitoring_exporter; SELECT * FROM cases');
like($error, qr/permission denied for table cases/, 'and the role cannot read a rollup');
psql('DROP VIEW v; DROP ROLE monitoring_exporter');
done_testing();
