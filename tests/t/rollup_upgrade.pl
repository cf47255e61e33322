# pg_upgrade: definitions, figures, touched cells and schedules are in the new
# server, and everything works on. Without two versions at hand it is an upgrade
# to the same one, which goes the same way.
#   GRIDTREE_OLD_BIN   programs of an older server that has PostGIS and gridtree
use strict;
use warnings;
use GridTest;
use Test::More;

my $old_bin = $ENV{GRIDTREE_OLD_BIN} // $ENV{GT_BIN};
my $work = "$ENV{GT_TMP}/server/upgrade";
my $as = $ENV{GT_AS} // '';

# Run a command as the server's user in the folder of this test; its output is shown where it fails.
sub run_as {
    my ($what, $command) = @_;
    my $status = system("cd $work && $as $command >$work/log 2>&1");
    ok($status == 0, $what) or diag(`tail -30 $work/log`);
    return $status == 0;
}

sub version { return `$_[0]/postgres -V` =~ /(\d+)/ ? $1 : die "no server in $_[0]" }

sub make_cluster {
    my ($bin, $name) = @_;
    my $checksums = version($bin) >= 18 ? '--no-data-checksums' : '';
    run_as("$name: initdb", "$bin/initdb -D $work/$name -U gridtree -A trust -E UTF8 --locale=C.UTF-8 -N $checksums");
    open my $conf, '>>', "$work/$name/postgresql.conf" or die $!;
    print $conf "listen_addresses = ''\nunix_socket_directories = '$work'\nport = 54329\nfsync = off\ntimezone = 'UTC'\n";
    close $conf;
}

sub run_server {
    my ($bin, $name, $action) = @_;
    run_as("$name: $action", "$bin/pg_ctl -D $work/$name -l $work/$name.log -w $action");
}

# SQL in the cluster that runs
sub ask {
    local $ENV{PGHOST} = $work;
    local $ENV{PGPORT} = 54329;
    return psql($_[0]);
}

# Where the test ends early, its server does, too.
END {
    my $status = $?;
    -e "$work/$_/postmaster.pid" && system("$as $ENV{GT_BIN}/pg_ctl -D $work/$_ -m immediate -w stop >/dev/null 2>&1") for 'old', 'new';
    $? = $status;
}

system("$as mkdir $work") == 0 or die "no folder $work";
make_cluster($old_bin, 'old');
run_server($old_bin, 'old', 'start');
{
    local $ENV{PGHOST} = $work;
    local $ENV{PGPORT} = 54329;
    fresh_database('upgraded');
}
ask(<<'SQL');
CREATE ROLE upgrade_owner;
CREATE SCHEMA s AUTHORIZATION upgrade_owner;
SET ROLE upgrade_owner;
SET search_path = s, public;
CREATE TABLE cases (id int, gone int, grid gridcode, kind text, day date, closed timestamptz, x int) PARTITION BY RANGE (id);
CREATE TABLE cases1 PARTITION OF cases FOR VALUES FROM (0) TO (500);
CREATE TABLE cases2 PARTITION OF cases FOR VALUES FROM (500) TO (1000);
ALTER TABLE cases DROP COLUMN gone;
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "c": {"expr": "sum(x) FILTER (WHERE x > 5)", "at": "closed"}, "s": "gridstats_agg(x)"}',
    'day', '1 week', '{kind}', 'grid', 'district', schedule => '@hourly', max_lag => '5 min', time_zone => 'Asia/Shanghai');
INSERT INTO cases SELECT i, ('35030400100100' || i % 7)::gridcode, 'k' || i % 3, date '2024-01-01' + i % 60, '2024-02-01'::timestamptz + i * interval '5 h', i
FROM generate_series(0, 999) i;
SELECT grid_rollup_refresh('r');
SELECT grid_rollup_alter('r', '{"statement_timeout": "1 min"}');
UPDATE cases SET kind = 'touched' WHERE id BETWEEN 490 AND 510;
INSERT INTO cases VALUES (999, NULL, 'nowhere', '2024-01-01', NULL, 1);
CREATE TABLE kept AS SELECT grid AS code, gridtree_agg(grid, x) AS tree, gridstats_agg(x) AS stats, '((district, 6), (grid, 15))' AS note FROM cases WHERE grid IS NOT NULL GROUP BY grid;
CREATE INDEX ON kept (code);
SQL
my @questions = (
    'SELECT md5(string_agg(l::text, chr(10) ORDER BY code, level, bucket, kind)) FROM s.r_live l',
    'SELECT md5(string_agg(l::text, chr(10) ORDER BY code, level, bucket, kind)) FROM s.r l',
    'SELECT md5(string_agg(l::text, chr(10) ORDER BY l::text)) FROM s.r_log l',
    'SELECT md5(string_agg(k::text, chr(10) ORDER BY code)) FROM s.kept k',
    'SELECT rollup, source, log, rest, rows, live, bi, bucket_width, time_zone, schedule, max_lag, statement_timeout, s.* FROM grid_rollup_catalog c JOIN grid_rollup_state s USING (rollup)',
    'SELECT rollup, schedule, pending, unassigned FROM grid_rollup_status',
    "SELECT string_agg(tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text, ', ' ORDER BY tgrelid::regclass::text, tgname) FROM pg_trigger WHERE tgname LIKE 'grid_rollup%'",
    "SELECT string_agg(evtname || ' ' || evtenabled::text, ', ' ORDER BY evtname) FROM pg_event_trigger",
    'SELECT count(*) FROM grid_rollup_due()');
my @before = map { ask($_) } @questions;
run_server($old_bin, 'old', 'stop');

make_cluster($ENV{GT_BIN}, 'new');
my $log_folder = "$work/new/pg_upgrade_output.d";
run_as('pg_upgrade from ' . version($old_bin) . ' to ' . version($ENV{GT_BIN}),
    "$ENV{GT_BIN}/pg_upgrade -b $old_bin -B $ENV{GT_BIN} -d $work/old -D $work/new -U gridtree -s $work -p 54330 -P 54329")
    or diag(`grep -rhiE -A4 'error|fatal' $log_folder 2>/dev/null | head -40; find $log_folder -name '*.txt' -exec cat {} + 2>/dev/null`);
run_server($ENV{GT_BIN}, 'new', 'start');
is(ask($questions[$_]), $before[$_], "as before: $questions[$_]") for 0 .. $#questions;

cmp_ok(ask("SELECT grid_rollup_refresh('s.r')"), '>', 0, 'refresh');
is(ask("SELECT count(*) FROM grid_rollup_verify('s.r')"), 0, 'right');
ask(<<'SQL');
SET ROLE upgrade_owner;
UPDATE s.cases SET grid = '350304001002001' WHERE id % 10 = 0;
DELETE FROM s.cases2 WHERE id % 10 = 1;
CREATE TABLE s.cases3 PARTITION OF s.cases FOR VALUES FROM (1000) TO (2000);
INSERT INTO s.cases3 VALUES (1000, '350304001002001', 'new', '2024-01-01', NULL, 1);
SQL
cmp_ok(ask("SET ROLE upgrade_owner; SELECT grid_rollup_refresh('s.r')"), '>', 0, 'refresh by the owner');
is(ask("SELECT count(*) FROM grid_rollup_verify('s.r')"), 0, 'right after changes');
is(ask("CALL grid_rollup_run('s.r')"), 'done', 'run as the daemon runs it');
is(ask("SELECT grid_rollup_drop('s.r'); SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'grid_rollup%'"), "\n0", 'dropped');
run_server($ENV{GT_BIN}, 'new', 'stop');

done_testing;
