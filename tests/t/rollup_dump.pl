# pg_dump by the owner, who is no superuser, into a new database: definitions,
# figures, touched cells and settings are there, and everything works on.
use strict;
use warnings;
use GridTest;
use Test::More;

fresh_database('rollup_dump');
psql(<<'SQL');
DROP ROLE IF EXISTS rollup_dumper;
CREATE ROLE rollup_dumper LOGIN;
CREATE SCHEMA s AUTHORIZATION rollup_dumper;
SET ROLE rollup_dumper;
SET search_path = s, public;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
CREATE TABLE cases (id int, gone int, grid gridcode, kind text, day date, closed timestamptz, x int) PARTITION BY RANGE (id);
CREATE TABLE cases1 PARTITION OF cases FOR VALUES FROM (0) TO (500);
CREATE TABLE cases2 PARTITION OF cases FOR VALUES FROM (500) TO (1000);
ALTER TABLE cases DROP COLUMN gone;
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "c": {"expr": "sum(twice(x)) FILTER (WHERE x > 5)", "at": "closed"}, "s": "gridstats_agg(x)"}',
    'day', '1 week', '{kind}', 'grid', 'district', schedule => '@hourly', max_lag => '5 min', time_zone => 'Asia/Shanghai');
INSERT INTO cases SELECT i, ('35030400100100' || i % 7)::gridcode, 'k' || i % 3, date '2024-01-01' + i % 60, '2024-02-01'::timestamptz + i * interval '5 h', i
FROM generate_series(0, 999) i;
SELECT grid_rollup_refresh('r');
ALTER TABLE cases RENAME day TO reported;
SELECT grid_rollup_alter('r', '{"statement_timeout": "1 min"}');
UPDATE cases SET kind = 'touched' WHERE id BETWEEN 490 AND 510;
SQL
my $live = 'SELECT md5(string_agg(l::text, chr(10) ORDER BY code, level, bucket, kind)) FROM s.r_live l';
my $catalog = 'SELECT rollup, source, log, rest, rows, live, bi, bucket_width, time_zone, schedule, max_lag, statement_timeout, s.* FROM grid_rollup_catalog c JOIN grid_rollup_state s USING (rollup)';
my @before = map { psql($_) } $live, 'SELECT count(*) FROM s.r_log', $catalog;

my $dump = "$ENV{GT_TMP}/rollup.sql";
is(system("$ENV{GT_BIN}/pg_dump -U rollup_dumper -d rollup_dump -f $dump") >> 8, 0, 'the owner dumps');
my $table = "$ENV{GT_TMP}/table.sql";
is(system("$ENV{GT_BIN}/pg_dump -U rollup_dumper -d rollup_dump -t 's.cases*' -f $table") >> 8, 0, 'the owner dumps a table');

psql('SELECT 1');
fresh_database('rollup_restored');
psql('DROP EXTENSION gridtree; DROP EXTENSION postgis');
is(system("$ENV{GT_BIN}/psql -Xq -v ON_ERROR_STOP=1 -d rollup_restored -f $dump >$dump.log 2>&1") >> 8, 0, 'restore')
    or diag(`tail -5 $dump.log`);
is(psql($live), $before[0], 'live view as before');
is(psql('SELECT count(*) FROM s.r_log'), $before[1], 'touched cells as before');
is(psql($catalog), $before[2], 'catalog as before');
is(psql("SELECT string_agg(DISTINCT tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text, ', ') FROM pg_trigger WHERE tgname LIKE 'grid_rollup%' AND tgenabled <> 'O'"),
    join(', ', map { my $t = $_; map { "s.$t $_" } 'grid_rollup_replica R', 'grid_rollup_truncate A' } qw(cases cases1 cases2)), 'firing modes as before');
cmp_ok(psql("SELECT grid_rollup_refresh('s.r')"), '>', 0, 'refresh');
is(psql("SELECT count(*) FROM grid_rollup_verify('s.r')"), 0, 'right');
psql(<<'SQL');
SET ROLE rollup_dumper;
UPDATE s.cases SET grid = '350304001002001' WHERE id % 10 = 0;
DELETE FROM s.cases2 WHERE id % 10 = 1;
CREATE TABLE s.cases3 PARTITION OF s.cases FOR VALUES FROM (1000) TO (2000);
INSERT INTO s.cases3 VALUES (1000, '350304001002001', 'new', '2024-01-01', NULL, 1);
SQL
cmp_ok(psql("SET ROLE rollup_dumper; SELECT grid_rollup_refresh('s.r')"), '>', 0, 'refresh by the owner');
is(psql("SELECT count(*) FROM grid_rollup_verify('s.r')"), 0, 'right after changes');
is(psql("SELECT grid_rollup_drop('s.r'); SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'grid_rollup%'"), "\n0", 'dropped');

# a table alone carries triggers without a catalog: a warning, never an error
fresh_database('rollup_table');
psql('CREATE SCHEMA s AUTHORIZATION rollup_dumper');
is(system("$ENV{GT_BIN}/psql -Xq -v ON_ERROR_STOP=1 -d rollup_table -f $table >$table.log 2>&1") >> 8, 0, 'restore of the table')
    or diag(`tail -5 $table.log`);
my ($out, $err, $status) = psql_try("INSERT INTO s.cases VALUES (1, '35'); INSERT INTO s.cases VALUES (2, '35'); TRUNCATE s.cases");
is($status, 0, 'writers go on');
is(() = $err =~ /WARNING/g, 1, 'one warning a session');
psql("DROP SCHEMA s CASCADE; DROP OWNED BY rollup_dumper");
fresh_database('rollup_dump');
psql('DROP DATABASE rollup_restored');
psql('DROP OWNED BY rollup_dumper; DROP ROLE rollup_dumper');
done_testing();
