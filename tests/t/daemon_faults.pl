# gridtreed and what DBAs do to databases: roles, passwords, extensions and
# databases that come and go, servers that are killed, rollups that fail.
use strict;
use warnings;
use GridTest;
use Test::More;

my $daemon = daemon_program();
my $ndaemons = 0;
my $database;

# Start a daemon; returns its pid and its log.
sub start {
    my (@arguments) = @_;
    my $log = "$ENV{GT_TMP}/gridtreed.faults." . ++$ndaemons . '.log';
    return (background($log, $daemon, @arguments), $log);
}

sub stop {
    my ($pid) = @_;
    kill 'TERM', $pid;
    return finish($pid);
}

# Wait until a log says something, so many times.
sub logged {
    my ($log, $words, $times, $name) = @_;
    my $found = 0;
    for (1 .. 600) {
        $found = () = slurp($log) =~ /$words/g;
        last if $found >= $times;
        select undef, undef, undef, 0.1;
    }
    return ok($found >= $times, $name) || diag((slurp($log) =~ /((?:.*\n){0,20})\z/)[0]);
}

sub write_file {
    my ($name, $text) = @_;
    open my $f, '>', $name or die "$name: $!";
    print $f $text;
    close $f;
    chmod 0600, $name;
    return $name;
}

my $holder;

# A lock that others wait for, until it is released.
sub hold {
    $holder = background("$ENV{GT_TMP}/holder", "$ENV{GT_BIN}/psql", '-Xqd', $database, '-c', 'SET statement_timeout = 0',
        '-c', 'SELECT pg_advisory_lock(77)', '-c', 'SELECT pg_sleep(3600)');
    return await(q(SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND granted)));
}

sub release {
    psql(q(SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND mode = 'ExclusiveLock'));
    return finish($holder);
}
my $waiting = q(SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted));

$database = fresh_database('daemon_faults');
my $fresh = q(SELECT NOT pending AND filled FROM grid_rollup_status WHERE rollup = 'figures.fresh'::regclass);

# --- a role that may run rollups and read nothing, with a password of its own
psql(<<'SQL');
CREATE ROLE faults_owner;
CREATE ROLE faults_daemon LOGIN PASSWORD 'mole$hill';
GRANT EXECUTE ON FUNCTION grid_rollup_runner() TO faults_daemon;
CREATE SCHEMA figures AUTHORIZATION faults_owner;
SET ROLE faults_owner;
SET search_path = figures, public;
CREATE TABLE visits (code gridcode NOT NULL, name text);
INSERT INTO visits VALUES ('350304001001', '7'), ('350304001002', '8');
SELECT grid_rollup_create('fresh', 'visits', 'code', '{"n": "count(*)"}', lowest_level => 'community', max_lag => '400 milliseconds');
SELECT grid_rollup_create('numbers', 'visits', 'code', '{"n": "sum(name::int)"}', lowest_level => 'community', schedule => '@yearly');
SQL
my $hba = "$ENV{GT_DATA}/pg_hba.conf";
my $hba_before = slurp($hba);
write_file($hba, "local all faults_daemon scram-sha-256\n$hba_before");
if ($ENV{GT_AS}) { chown((stat $ENV{GT_DATA})[4, 5], $hba); }
psql('SELECT pg_reload_conf()');

sub passfile { return write_file("$ENV{GT_TMP}/passfile", "*:*:*:faults_daemon:$_[0]\n"); }
# In the log it is called by its service.
{
    local $ENV{PGPASSFILE} = passfile('mole$hole');
    local $ENV{PGSERVICEFILE} = write_file("$ENV{GT_TMP}/service.conf", "[faults]\ndbname=$database\nuser=faults_daemon\n");
    my ($pid, $log) = start('-d', 'service=faults');
    logged($log, qr/ ERROR database=faults .*password authentication failed for user "faults_daemon"/, 1, 'a wrong password');
    passfile('mole$hill');
    logged($log, qr/ INFO database=faults connected again/, 1, 'is tried again');
    ok(await($fresh), 'and a role that may neither read the rollup nor its source nor see the schema refreshes it');
    ok(await(q(SELECT last_outcome = 'done' FROM grid_rollup_status WHERE rollup = 'figures.numbers'::regclass)), 'and another');
    my (undef, $error) = psql_try('SET ROLE faults_daemon; SELECT * FROM figures.visits');
    like($error, qr/permission denied for schema figures/, 'which it cannot read');

    # what fails says why to the owner, and to the role only that it did
    psql(q(INSERT INTO figures.visits VALUES ('350304001001', 'a secret');
           SELECT grid_rollup_alter('figures.numbers', '{"max_lag": "300 milliseconds", "retry_min": "100 milliseconds", "retry_max": "300 milliseconds"}')));
    logged($log, qr/ ERROR database=faults rollup=figures\.numbers due="[^"]*" outcome=failed run=\d+ seconds=\S+ cells=0 sqlstate=22P02 message="\(shown to members/, 2,
        'a run that fails is logged, tried again');
    unlike(slurp($log), qr/a secret/, 'and quotes no row to a role that may not read it');
    is(psql(q(SELECT DISTINCT message FROM grid_rollup_runs WHERE outcome = 'failed')), 'invalid input syntax for type integer: "a secret"', 'the history does, to those who may');
    psql(q(INSERT INTO figures.visits VALUES ('350304001002')));
    ok(await($fresh), 'other rollups go on');
    my $status = finish(background("$log.status", $daemon, '-d', 'service=faults', '--status'));
    is($status, 1, '--status: failing is exit status 1');
    like(slurp("$log.status"), qr/^faults: gridtree \S+, 2 rollups, 1 failing, 0 late \(times in UTC\)\n.*figures\.numbers .* (?:failing|running) .* failed .* 22P02/s, 'for this role, too');
    psql(q(DELETE FROM figures.visits WHERE name = 'a secret'));
    ok(await(q(SELECT failures = 0 FROM grid_rollup_status WHERE rollup = 'figures.numbers'::regclass)), 'until it succeeds');

    # the owner loses its rights: on record, and nothing else stops
    psql('CREATE TABLE own AS SELECT code FROM figures.visits; ALTER TABLE own OWNER TO faults_owner; GRANT USAGE, CREATE ON SCHEMA public TO faults_owner;
          SET ROLE faults_owner; SELECT grid_rollup_create(\'figures.lost\', \'own\', \'code\', \'{"n": "count(*)"}\', lowest_level => \'community\', max_lag => \'300 milliseconds\')');
    ok(await(q(SELECT last_outcome = 'done' FROM grid_rollup_status WHERE rollup = 'figures.lost'::regclass)), 'a new rollup is found');
    psql(qq(ALTER TABLE own OWNER TO $ENV{PGUSER}; REVOKE ALL ON own FROM faults_owner; INSERT INTO own VALUES ('350304001001')));
    ok(await(q(SELECT last_outcome = 'failed' AND sqlstate = '42501' FROM grid_rollup_status WHERE rollup = 'figures.lost'::regclass)), 'its owner may not read the source any more: on record');
    psql(q(INSERT INTO figures.visits VALUES ('350304001002')));
    ok(await($fresh), 'others go on');
    psql('DROP TABLE own CASCADE');
    psql(q(INSERT INTO figures.visits VALUES ('350304001002')));
    ok(await($fresh), 'also when a source is gone, and its rollup with it');

    # a refresh by hand keeps runs away, without an error, as long as it wants
    my $done = psql(q(SELECT count(*) FROM grid_rollup_runs WHERE outcome = 'failed'));
    ok(hold(), 'a lock that a refresh by hand waits for');
    my $by_hand = background("$log.hand", "$ENV{GT_BIN}/psql", '-Xqd', $database, '-c', 'BEGIN', '-c', q(SELECT grid_rollup_refresh('figures.fresh')),
        '-c', 'SELECT pg_advisory_lock_shared(77)', '-c', 'COMMIT');
    ok(await($waiting), 'in its transaction');
    psql(q(INSERT INTO figures.visits VALUES ('350304001002')));
    logged($log, qr/rollup=figures\.fresh due="[^"]*" another session is running or refreshing it/, 1, 'a run finds the rollup taken');
    release();
    finish($by_hand);
    ok(await($fresh), 'and it goes on afterwards');
    is(psql(q(SELECT count(*) FROM grid_rollup_runs WHERE outcome = 'failed')), $done, 'without an error');

    is(stop($pid), 0, 'SIGTERM exits 0');
    unlike(slurp($log), qr/mole/, 'no password in the log');
    my @failures = slurp($log) =~ /password authentication failed/g;
    is(@failures, 1, 'a problem that stays is logged once');
}

# --- extensions and databases that come and go, beside a database where all is well
psql("CREATE DATABASE daemon_comes");
{
    my ($pid, $log) = start('-d', 'daemon_comes', '-d', $database, '--timeout=5');
    logged($log, qr/ERROR database=daemon_comes the extension gridtree is not installed in this database/, 1, 'an extension that is missing');
    my $other = "$ENV{GT_BIN}/psql -XqAtd daemon_comes -v ON_ERROR_STOP=1";
    is(system("$other -c 'SET client_min_messages = warning; CREATE EXTENSION gridtree CASCADE'"), 0, 'is created');
    logged($log, qr/ INFO database=daemon_comes connected again/, 1, 'and found');
    psql(q(INSERT INTO figures.visits VALUES ('350304001002')));
    ok(await($fresh), 'the other database goes on');
    is(system(qq($other -c "CREATE TABLE t AS SELECT '350304001001'::gridcode AS code" -c "CREATE INDEX ON t (code)" -c "SELECT grid_rollup_create('r', 't', 'code', json_build_object('n', 'count(*)'), lowest_level => 'community', schedule => '\@daily')" >/dev/null)),
        0, 'a rollup is made');
    logged($log, qr/database=daemon_comes rollup=public\.r .*outcome=done/, 1, 'and filled');
    system(qq($other -c "UPDATE pg_extension SET extversion = '99.1.0' WHERE extname = 'gridtree'" -c "NOTIFY gridtree"));
    logged($log, qr/ERROR database=daemon_comes the extension is version 99\.1\.0 and gridtreed is version/, 1, 'an extension that is updated while it works');
    is(system(qq($other -c "UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'gridtree') WHERE extname = 'gridtree'")), 0, 'and fits again');
    logged($log, qr/ INFO database=daemon_comes connected again/, 2, 'is found again');
    psql("ALTER DATABASE daemon_comes SET default_transaction_read_only = on; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'daemon_comes'");
    logged($log, qr/ERROR database=daemon_comes the session is read-only/, 1, 'a database that is read-only');
    psql('ALTER DATABASE daemon_comes RESET default_transaction_read_only');
    logged($log, qr/ INFO database=daemon_comes connected again/, 3, 'and is not any more');
    psql('DROP DATABASE daemon_comes WITH (FORCE)');
    logged($log, qr/ERROR database=daemon_comes .*database "daemon_comes" does not exist/, 1, 'a database that is dropped');
    psql(q(INSERT INTO figures.visits VALUES ('350304001002')));
    ok(await($fresh), 'the other goes on');
    psql('CREATE DATABASE daemon_comes');
    logged($log, qr/ERROR database=daemon_comes the extension gridtree is not installed in this database/, 2, 'and made anew');

    # a server that is killed
    is(server('stop', '-m', 'immediate'), 0, 'the server is killed');
    logged($log, qr/ERROR database=daemon_faults /, 1, 'which is noticed');
    is(server('start'), 0, 'and started');
    psql(q(INSERT INTO figures.visits VALUES ('350304001002')));
    ok(await($fresh), 'and work goes on');
    is(stop($pid), 0, 'SIGTERM exits 0');
}
psql('DROP DATABASE daemon_comes');

# --- a long run delays no other; limits that are not the rollup's do not end it; two signals do
psql(<<'SQL');
CREATE FUNCTION public.until_free(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN 1; END $$;
CREATE TABLE slow_source AS SELECT '350304001001'::gridcode AS code, 1 AS n;
SELECT grid_rollup_create('slow', 'slow_source', 'code', '{"n": "sum(public.until_free(n))"}', lowest_level => 'community', schedule => '@yearly');
ALTER DATABASE daemon_faults SET statement_timeout = '1s';
SQL
my $working = q(SELECT running AND EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted) FROM grid_rollup_status WHERE rollup = 'slow'::regclass);
{
    ok(hold(), 'a lock that a run waits for');
    my ($pid, $log) = start('-d', $database, '--max-runs=2', '--timeout=1', '--grace=600');
    ok(await($working), 'a long run is under way');
    for my $i (1 .. 5) {
        psql(q(INSERT INTO figures.visits VALUES ('350304001002')));
        ok(await($fresh), "another rollup is refreshed meanwhile: $i");
    }
    ok(await(q(SELECT clock_timestamp() - started_at > interval '3 seconds' FROM grid_rollup_runs WHERE rollup = 'slow'::regclass)), 'for longer than the timeout and statement_timeout');
    release();
    logged($log, qr/rollup=public\.slow .*outcome=done/, 1, 'and done when it can be');
    is(psql(q(SELECT string_agg(outcome, ' ') FROM grid_rollup_runs WHERE rollup = 'slow'::regclass)), 'done', 'once');

    ok(hold(), 'once more');
    psql(q(INSERT INTO slow_source VALUES ('350304001001', 1); SELECT grid_rollup_alter('slow', '{"max_lag": "1 second"}')));
    ok(await($working), 'a long run is under way');
    kill 'TERM', $pid;
    logged($log, qr/stopping, 1 run under way/, 1, 'SIGTERM waits for it');
    kill 'TERM', $pid;
    is(finish($pid), 0, 'the second one does not, and exits 0');
    ok(await(q(SELECT NOT running FROM grid_rollup_status WHERE rollup = 'slow'::regclass)), 'the run ends on the server');
    like(psql(q(SELECT outcome FROM grid_rollup_runs WHERE rollup = 'slow'::regclass ORDER BY run DESC LIMIT 1)), qr/^(failed|lost)$/, 'and is on record');
    release();
}
psql('ALTER DATABASE daemon_faults RESET statement_timeout');

# --- history is kept for so long and no longer; a log that waits is made short
{
    psql(q(INSERT INTO grid_rollup_run_log (rollup, due_at, started_at, finished_at, outcome, pid, retry_delay)
           SELECT 'figures.numbers'::regclass, at, at, at, 'done', 1, '10 s' FROM (SELECT generate_series(now() - interval '40 days', now() - interval '11 days', '1 day') UNION ALL SELECT now()) t (at);
           CREATE TABLE logged AS SELECT '350304001001'::gridcode AS code;
           SELECT grid_rollup_create('waits', 'logged', 'code', '{"n": "count(*)"}', lowest_level => 'community');
           SELECT grid_rollup_refresh('waits')));
    psql(q(INSERT INTO logged VALUES ('350304001001'))) for 1 .. 20;
    my ($pid, $log) = start('-d', $database, '--keep=10 days');
    logged($log, qr/ INFO database=daemon_faults runs forgotten: 30 \(older than 10 days, or too many\)/, 1, 'old runs are forgotten');
    is(psql(q(SELECT count(*) FROM grid_rollup_runs WHERE started_at < now() - interval '10 days')), 0, 'all of them');
    ok(await('SELECT count(*) = 1 FROM waits_log'), 'a log is made short, also of a rollup that nobody schedules');
    is(stop($pid), 0, 'SIGTERM exits 0');
}

write_file($hba, $hba_before);
if ($ENV{GT_AS}) { chown((stat $ENV{GT_DATA})[4, 5], $hba); }
psql('SELECT pg_reload_conf(); DROP OWNED BY faults_owner, faults_daemon; DROP ROLE faults_owner, faults_daemon');
done_testing();
