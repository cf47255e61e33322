# gridtreed against a real server: freshness, one run per due time, failures,
# signals, a restarted server, and what it says when it cannot work.
use strict;
use warnings;
use GridTest;
use Test::More;

my $database = fresh_database('daemon');
my $daemon = daemon_program();
my @logs;

# Start a daemon on the database; options may follow.
sub start {
    my (@options) = @_;
    push @logs, "$ENV{GT_TMP}/gridtreed." . @logs . '.log';
    return background($logs[-1], $daemon, '-d', "dbname=$database password=mole\$hill", @options);
}

sub stop {
    my ($pid) = @_;
    kill 'TERM', $pid;
    return finish($pid);
}

# Run gridtreed to its end; returns its output and exit status.
sub output_of {
    my (@arguments) = @_;
    my $log = "$ENV{GT_TMP}/gridtreed.out";
    my $status = finish(background($log, $daemon, @arguments));
    return (slurp($log), $status);
}

sub outcomes {
    my ($rollup) = @_;
    return psql("SELECT string_agg(outcome, ' ' ORDER BY run) FROM grid_rollup_runs WHERE rollup = '$rollup'::regclass");
}

my $differences = q(SELECT count(*) FROM grid_rollup_verify('fresh') UNION ALL SELECT count(*) FROM grid_rollup_verify('nightly'));
my $fresh = q(SELECT NOT pending AND filled FROM grid_rollup_status WHERE rollup = 'fresh'::regclass);

psql(<<'SQL');
CREATE TABLE visits (code gridcode NOT NULL, divisor int NOT NULL DEFAULT 1);
INSERT INTO visits SELECT ('35030400100' || i % 9 + 1)::gridcode, 1 FROM generate_series(1, 1000) i;
SELECT grid_rollup_create('fresh', 'visits', 'code', '{"n": "count(*)"}', lowest_level => 'community', max_lag => '400 milliseconds');
SELECT grid_rollup_create('nightly', 'visits', 'code', '{"n": "count(*)"}', lowest_level => 'community', schedule => '0 2 * * *', time_zone => 'Asia/Shanghai');
SQL

# --check and --once
{
    my ($out, $status) = output_of('-d', $database, '--check');
    is($status, 0, '--check: all is well');
    like($out, qr/^daemon: gridtree \S+, 2 scheduled rollups to run, ready$/m, 'and says so');

    ($out, $status) = output_of('-d', $database, '--status');
    is($status, 0, '--status: nothing is failing');
    like($out, qr/^public\.nightly +0 2 \* \* \* Asia\/Shanghai +not filled +never/m, 'and it shows what is not filled yet');

    ($out, $status) = output_of('-d', $database, '--once');
    is($status, 0, '--once: all that is due is done') or diag $out;
    is(outcomes('fresh') . ', ' . outcomes('nightly'), 'done, done', 'rollups never filled are due');
    is(psql($differences), "0\n0", 'and right');
    ($out, $status) = output_of('-d', $database, '--once');
    is($status . outcomes('nightly'), '0done', '--once again: nothing is due');

    psql(q(CREATE TABLE bad_source AS SELECT code, 0 AS divisor FROM visits;
           SELECT grid_rollup_create('bad', 'bad_source', 'code', '{"n": "sum(100 / divisor)"}', lowest_level => 'community', schedule => '@daily')));
    ($out, $status) = output_of('-d', $database, '--once');
    is($status, 1, '--once: a run that fails is exit status 1');
    like($out, qr/ ERROR database=daemon rollup=public\.bad due="[^"]*" outcome=failed run=\d+ seconds=\S+ cells=0 sqlstate=22012 message="division by zero"$/m,
        'and one line of the log');
    psql(q(SELECT grid_rollup_alter('bad', '{"retry_min": "1 microsecond", "retry_max": "1 microsecond"}');
           UPDATE grid_rollup_run_log SET retry_delay = '0' WHERE rollup = 'bad'::regclass));
    ($out, $status) = output_of('-d', $database, '--once');
    is($status . outcomes('bad'), '1failed failed', '--once is once, also for what is due again at once');
    psql(q(SELECT grid_rollup_alter('bad', '{"retry_min": null, "retry_max": null}')));
    ($out, $status) = output_of('-d', $database, '--status');
    is($status, 1, '--status: a failing rollup is exit status 1');
    like($out, qr/public\.bad .* failing .* 22012 division by zero$/m, 'and is shown with its SQLSTATE');
}

# what it says when it cannot work
{
    my @cases = (
        [['-d', 'postgres'], qr/^postgres: the extension gridtree is not installed in this database/, 'extension missing'],
        [['-d', 'no_such_database'], qr/^no_such_database: .*database "no_such_database" does not exist/, 'no database'],
        [['-d', "host=$ENV{GT_TMP}/nowhere dbname=x password=mole\$hill"], qr/^x: .*Is the server running/s, 'no server'],
    );
    for my $case (@cases) {
        my ($arguments, $words, $name) = @$case;
        my ($out, $status) = output_of(@$arguments, '--check');
        is($status, 3, "--check: $name");
        like($out, $words, 'in words');
        unlike($out, qr/mole/, 'without the password');
        ($out, $status) = output_of(@$arguments, '--once');
        is($status, 3, "--once: $name");
    }
    psql('CREATE ROLE daemon_nobody LOGIN');
    my ($out, $status) = output_of('-d', "dbname=$database user=daemon_nobody", '--check');
    is($status, 3, '--check: no rights');
    like($out, qr/role "daemon_nobody" may not run 3 scheduled rollups of "gridtree", such as public\.bad: grant it EXECUTE ON FUNCTION public\.grid_rollup_runner\(\)/, 'in words');
    psql('DROP ROLE daemon_nobody');

    psql(q(BEGIN; UPDATE pg_extension SET extversion = '99.1.0' WHERE extname = 'gridtree'; COMMIT));
    ($out, $status) = output_of('-d', $database, '--check');
    is($status, 3, '--check: another version');
    like($out, qr/the extension is version 99\.1\.0 and gridtreed is version \d/, 'in words');
    psql(q(UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'gridtree') WHERE extname = 'gridtree'));

    ($out, $status) = output_of('-d', 'host=x passwor=mole$hill');
    is($status, 2, 'a connection string that cannot be read is exit status 2');
    unlike($out, qr/mole/, 'and is not shown');
    for my $misplaced ('dbname=x password=mole$hill', 'postgresql://u:mole$hill@x/y', '--pasword=mole$hill') {
        ($out, $status) = output_of($misplaced);
        is($status, 2, 'a password in a place where none belongs is exit status 2');
        unlike($out, qr/mole/, 'and is not shown');
    }
    for my $wrong (['--sometimes'], ['--keep=bald'], ['--keep=90days'], ['--max-runs=0'], ['--max-runs'], ['here'], ['--once', '--status']) {
        ($out, $status) = output_of(@$wrong);
        is($status, 2, "wrong command line: @$wrong");
    }
    ($out, $status) = output_of('--version');
    like("$status $out", qr/^0 gridtreed \d+\.\d+\.\d+$/, '--version');
    ($out, $status) = output_of('--help');
    like("$status $out", qr/^0 .*--grace=SECONDS.*Exit status:/s, '--help');
}

# a database that answers the handshake and no more: not connected, and said once
{
    psql('CREATE ROLE daemon_denied LOGIN; REVOKE EXECUTE ON FUNCTION grid_rollup_agenda FROM PUBLIC');
    my $log = "$ENV{GT_TMP}/gridtreed.denied.log";
    my $pid = background($log, $daemon, '-d', "dbname=$database user=daemon_denied");
    for (1 .. 600) { last if -e $log && slurp($log) =~ /denied/; select undef, undef, undef, 0.1; }
    like(slurp($log), qr/ ERROR database=daemon permission denied for function grid_rollup_agenda$/m, 'a database that cannot be asked is a problem');
    unlike(slurp($log), qr/ connected/, 'and not connected');
    is(stop($pid), 0, 'SIGTERM exits 0');
    psql('GRANT EXECUTE ON FUNCTION grid_rollup_agenda TO PUBLIC; DROP ROLE daemon_denied');
}

# two daemons: what changes becomes fresh, and every due time has one run
my @daemons = (start(), start());
ok(await("SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name = 'gridtreed' AND query LIKE '%grid_rollup_agenda%'"), 'two daemons are up');
psql(q(INSERT INTO visits VALUES ('350304001001'), ('350304002001')));
ok(await($fresh), 'inserted rows become fresh');
for my $i (1 .. 5) {
    psql(q(UPDATE visits SET code = '350304001002' WHERE ctid = (SELECT min(ctid) FROM visits WHERE code = '350304001001');
           DELETE FROM visits WHERE ctid = (SELECT min(ctid) FROM visits WHERE code = '350304001003')));
    ok(await($fresh), "change $i becomes fresh");
}
is(psql(q(SELECT count(*) FROM grid_rollup_verify('fresh'))), 0, 'and right');
is(psql(q(SELECT count(*) FROM grid_rollup_runs a JOIN grid_rollup_runs b ON a.rollup = b.rollup AND a.run < b.run AND a.finished_at > b.started_at)),
    0, 'no two runs of a rollup overlap');

# a new schedule is noticed at once, and a rollup that fails blocks no other
psql(q(UPDATE bad_source SET divisor = 1 WHERE ctid = '(0,1)';
       SELECT grid_rollup_alter('bad', '{"retry_min": "100 milliseconds", "retry_max": "300 milliseconds"}');
       UPDATE grid_rollup_run_log SET retry_delay = '0' WHERE rollup = 'bad'::regclass;
       SELECT grid_rollup_alter('bad', '{"enabled": true}')));
ok(await(q(SELECT failures >= 3 FROM grid_rollup_status WHERE rollup = 'bad'::regclass)), 'a failing rollup is tried again');
psql(q(INSERT INTO visits VALUES ('350304001001')));
ok(await($fresh), 'and another goes on meanwhile');
psql(q(UPDATE bad_source SET divisor = 1));
ok(await(q(SELECT failures = 0 AND last_outcome = 'done' FROM grid_rollup_status WHERE rollup = 'bad'::regclass)), 'until it succeeds');

# a restarted server
is(server('restart', '-m', 'fast'), 0, 'the server restarts');
psql(q(INSERT INTO visits VALUES ('350304001001')));
ok(await($fresh), 'both find it again and go on');
ok(await("SELECT count(*) >= 2 FROM pg_stat_activity WHERE application_name = 'gridtreed' AND query LIKE '%grid_rollup_agenda%'"), 'both of them');
for my $log (@logs) {
    for (1 .. 600) { last if slurp($log) =~ /connected again/; select undef, undef, undef, 0.1; }
}

for my $pid (@daemons) { is(stop($pid), 0, 'SIGTERM exits 0'); }
is(psql(q(SELECT count(*) - count(DISTINCT (rollup, due_at)) FROM grid_rollup_runs)), 0, 'every due time had one run');
for my $log (@logs) {
    my $text = slurp($log);
    unlike($text, qr/mole/, 'the password is not in the log');
    like($text, qr/connected again/, 'the restart is in the log');
    unlike($text, qr/^(?!\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING|ERROR) )/m, 'one line an event');
}

# signals in the middle of a run
psql(<<'SQL');
CREATE FUNCTION slowly(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(60); RETURN 1; END $$;
CREATE TABLE slow_source AS SELECT '350304001001'::gridcode AS code, 1 AS divisor;
SELECT grid_rollup_create('slow', 'slow_source', 'code', '{"n": "sum(public.slowly(divisor))"}', lowest_level => 'community', schedule => '@yearly');
SQL
my $running = q(SELECT running AND last_outcome IS NULL FROM grid_rollup_status WHERE rollup = 'slow'::regclass);
my $pid = start('--grace=0');
ok(await($running), 'a long run is under way');
is(stop($pid), 0, 'SIGTERM in the middle of it exits 0');
is(psql(q(SELECT outcome || ' ' || sqlstate FROM grid_rollup_runs WHERE rollup = 'slow'::regclass)), 'failed 57014', 'the run was cancelled, on record');

psql(q(UPDATE grid_rollup_run_log SET retry_delay = '0' WHERE rollup = 'slow'::regclass));
$pid = start('--grace=600');
ok(await($running), 'a long run is under way again');
kill 'KILL', $pid;
finish($pid);
ok(await(q(SELECT NOT running AND last_outcome = 'lost' FROM grid_rollup_status WHERE rollup = 'slow'::regclass)), 'killed: the claim is free, the run is lost');
psql(q(UPDATE grid_rollup_run_log SET retry_delay = '0' WHERE rollup = 'slow'::regclass;
       CREATE OR REPLACE FUNCTION slowly(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 1; END $$));
my $lost = q(SELECT message FROM grid_rollup_runs WHERE outcome = 'lost' AND finished_at IS NULL);
is(psql($lost), 'the session ended before the run did', 'which the history says in words');
my ($out, $status) = output_of('-d', $database, '--once');
is("$status " . outcomes('slow'), '0 failed lost done', 'the next daemon makes up for it');
is(psql($lost), 'the session ended before the run did', 'the history says so still');

# no server at first
is(server('stop', '-m', 'fast'), 0, 'the server is away');
$pid = start();
my $before = time;
for (1 .. 600) { last if -e $logs[-1] && slurp($logs[-1]) =~ / ERROR /; select undef, undef, undef, 0.1; }
like(slurp($logs[-1]), qr/ ERROR database=daemon .*Is the server running/, 'the daemon says so');
cmp_ok(time - $before, '<', 25, 'at once, not when time is out');
is(server('start'), 0, 'the server starts after the daemon');
psql(q(INSERT INTO visits VALUES ('350304001001')));
ok(await($fresh), 'which finds it');
is(stop($pid), 0, 'SIGTERM exits 0');

# systemd's notify socket
SKIP: {
    eval { require IO::Socket::UNIX; 1 } or skip 'no IO::Socket::UNIX', 4;
    my $path = "$ENV{GT_TMP}/notify.sock";
    my $socket = IO::Socket::UNIX->new(Type => Socket::SOCK_DGRAM(), Local => $path) or die $!;
    local $ENV{NOTIFY_SOCKET} = $path;
    local $ENV{WATCHDOG_USEC} = 200000;
    $pid = start();
    my %seen;
    local $SIG{ALRM} = sub { die "no message in time\n" };
    alarm 60;
    until ($seen{ready} && $seen{status} && $seen{watchdog}) {
        $socket->recv(my $message, 1000);
        $seen{ready} = 1 if $message eq 'READY=1';
        $seen{status} = 1 if $message =~ /^STATUS=1 database, 4 rollups, 0 failing(?:, 1 running)?, next at \d\d:\d\d$/;
        $seen{watchdog} = 1 if $message eq 'WATCHDOG=1';
    }
    alarm 0;
    ok($seen{$_}, "notify: $_") for qw(ready status watchdog);
    kill 'TERM', $pid;
    alarm 60;
    my $message = '';
    $socket->recv($message, 1000) until $message =~ /^STOPPING=1/;
    alarm 0;
    is($message, "STOPPING=1\nEXTEND_TIMEOUT_USEC=40000000", 'notify: stopping, and that it may take a while');
    finish($pid);
}

done_testing();
