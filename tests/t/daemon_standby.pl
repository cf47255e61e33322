# gridtreed waits for a standby and works once it is promoted.
use strict;
use warnings;
use GridTest;
use Test::More;

my $database = fresh_database('daemon_standby');
my $daemon = daemon_program();
my $folder = "$ENV{GT_TMP}/standby";
my $socket = "$ENV{GT_TMP}/standby_socket";
my $as = $ENV{GT_AS} // '';

psql(<<'SQL');
CREATE TABLE visits (code gridcode NOT NULL);
INSERT INTO visits VALUES ('350304001001');
SELECT grid_rollup_create('fresh', 'visits', 'code', '{"n": "count(*)"}', max_lag => '400 milliseconds', lowest_level => 'community');
SQL

sub run_quietly { return system("cd $ENV{GT_TMP} && @_ >/dev/null 2>&1") >> 8; }

mkdir $_ or die "$_: $!" for $folder, $socket;
if ($as) { chown((stat $ENV{GT_DATA})[4, 5], $folder, $socket); }
chmod 0700, $folder;
is(run_quietly("$as $ENV{GT_BIN}/pg_basebackup -D $folder -R -X stream -c fast"), 0, 'a standby is made');
is(run_quietly("$as $ENV{GT_BIN}/pg_ctl -D $folder -l $socket/log -o '-k $socket' -w start"), 0, 'and started');

my $log = "$ENV{GT_TMP}/gridtreed.standby.log";
my $status = finish(background($log, $daemon, '-d', "host=$socket dbname=$database", '--check'));
is($status, 3, '--check: a standby is not ready');
like(slurp($log), qr/^daemon_standby: the server is a standby/, 'in words');

# --- a run under way, as a standby shows it
my $holder = background("$ENV{GT_TMP}/holder", "$ENV{GT_BIN}/psql", '-Xqd', $database, '-c', 'BEGIN', '-c', 'LOCK TABLE visits', '-c', 'SELECT pg_sleep(3600)');
ok(await(q(SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'visits'::regclass AND mode = 'AccessExclusiveLock'))), 'the source is locked');
my $runner = background("$ENV{GT_TMP}/runner", "$ENV{GT_BIN}/psql", '-Xqd', $database, '-c', q(CALL grid_rollup_run('fresh')));
{
    local $ENV{PGHOST} = $socket;
    ok(await('SELECT count(*) = 1 FROM grid_rollup_runs'), 'a run has begun');
    is(psql('SELECT running, last_outcome, failures FROM grid_rollup_status'), '||0', 'a standby does not count it as lost');
    is(psql('SELECT outcome IS NULL FROM grid_rollup_runs'), 't', 'in the history neither');
}
psql(q(SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'visits'::regclass AND mode = 'AccessExclusiveLock' AND granted));
finish($holder);
is(finish($runner), 0, 'it goes on');
{
    local $ENV{PGHOST} = $socket;
    ok(await(q(SELECT count(*) = 1 FROM grid_rollup_runs WHERE outcome = 'done')), 'and its end arrives');
}

psql(q(INSERT INTO visits VALUES ('350304001001')));
unlink $log;
my $pid = background($log, $daemon, '-d', "host=$socket dbname=$database");
for (1 .. 600) { last if -e $log && slurp($log) =~ /standby/; select undef, undef, undef, 0.1; }
like(slurp($log), qr/ERROR database=daemon_standby the server is a standby/, 'the daemon waits for it');
is(run_quietly("$as $ENV{GT_BIN}/pg_ctl -D $folder -w promote"), 0, 'it is promoted');
{
    local $ENV{PGHOST} = $socket;
    ok(await(q(SELECT NOT pending AND filled FROM grid_rollup_status)), 'and refreshed');
}
kill 'TERM', $pid;
is(finish($pid), 0, 'SIGTERM exits 0');
is(psql('SELECT count(*) FROM grid_rollup_runs'), 1, 'the old primary was left alone');
is(run_quietly("$as $ENV{GT_BIN}/pg_ctl -D $folder -m fast -w stop"), 0, 'the standby stops');

done_testing();
