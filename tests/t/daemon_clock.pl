# Fifty rollups, two daemons and a clock that the test sets: every due time is
# run exactly once, whoever dies meanwhile. No minute here is a real one.
use strict;
use warnings;
use GridTest;
use Test::More;
use Time::HiRes ();

my $database = fresh_database('daemon_clock');
my (%living, %log);    # daemons by name: pid, while they live; log
my $moved = 0;
END { kill 'KILL', values %living; }

# how many rollups; schedule; zone; what that means in SQL, of minute "t" and the wall clock "l"
my @schedules = (
    [3,  '* * * * *',                'UTC',            'true'],    # the gated ones
    [10, '* * * * *',                'Asia/Kolkata',   'true'],
    [8,  '*/2 * * * *',              'UTC',            'extract(minute FROM t) % 2 = 0'],
    [8,  '1-59/2 * * * *',           'UTC',            'extract(minute FROM t) % 2 = 1'],
    [5,  '*/3 * * * *',              'Asia/Kathmandu', 'extract(minute FROM l) % 3 = 0'],
    [4,  '1-59/4,0,30-33 * * * *',   'Asia/Kolkata',   'extract(minute FROM l) % 4 = 1 OR extract(minute FROM l) IN (0, 30, 31, 32, 33)'],
    [3,  '0,7,10-12,55-59 * * * *',  'Asia/Kathmandu', 'extract(minute FROM l) IN (0, 7, 10, 11, 12, 55, 56, 57, 58, 59)'],
    [3,  '*/2 0 1,2 jan *',          'Asia/Kathmandu', q(extract(minute FROM l) % 2 = 0 AND extract(hour FROM l) = 0 AND to_char(l, 'MMDD') IN ('0101', '0102'))],
    [3,  '50-59,1 23,0 * * thu-sat', 'Asia/Kolkata',   'extract(minute FROM l) IN (1, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59) AND extract(hour FROM l) IN (23, 0) AND extract(dow FROM l) BETWEEN 4 AND 6'],
    [3,  '@daily',                   'Asia/Kolkata',   'l::time = time \'00:00\''],
);

# A century away, so that the real clock matters to nobody. The history says when a run began and
# ended on this clock, and, in columns of its own, when really and by which daemon.
psql(<<'SQL');
CREATE TABLE test_clock AS SELECT timestamptz '2099-12-31 18:10:00+00' AS now;
DO $$ BEGIN EXECUTE replace(pg_get_functiondef('grid_rollup_due_seen'::regproc), 'grid_rollup_due_seen', 'grid_rollup_due_real'); END $$;
CREATE OR REPLACE FUNCTION grid_rollup_due_seen(at timestamptz) RETURNS TABLE (rollup regclass, due_at timestamptz, wait interval, last_outcome text)
    LANGUAGE sql STABLE AS 'SELECT * FROM public.grid_rollup_due_real(coalesce($1, (SELECT now FROM public.test_clock)))';
ALTER TABLE grid_rollup_run_log ADD daemon text, ADD really_started timestamptz, ADD really_finished timestamptz;
CREATE FUNCTION on_test_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.daemon := current_setting('application_name');
        NEW.really_started := NEW.started_at;
        NEW.started_at := (SELECT now FROM public.test_clock);
    ELSIF NEW.finished_at IS DISTINCT FROM OLD.finished_at THEN
        NEW.really_finished := NEW.finished_at;
        NEW.finished_at := (SELECT now FROM public.test_clock);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER on_test_clock BEFORE INSERT OR UPDATE ON grid_rollup_run_log FOR EACH ROW EXECUTE FUNCTION on_test_clock();

-- a measure that waits while the gate is shut
CREATE FUNCTION gate(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN $1; END $$;
CREATE TABLE gated AS SELECT i AS id, ('35030400100' || i % 9 + 1)::gridcode AS code FROM generate_series(1, 40) i;
CREATE TABLE even AS TABLE gated;
CREATE TABLE odd AS TABLE gated;

-- how many runs are lost, failures or to be made again, to a statement that begins before they end and looks when nothing is left to do
CREATE FUNCTION runs_end() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WHILE EXISTS (SELECT FROM grid_rollup_run_log WHERE outcome IS NULL) OR EXISTS (SELECT FROM grid_rollup_due() WHERE wait <= '0')
            OR EXISTS (SELECT FROM grid_rollup_catalog WHERE grid_rollup_running(rollup)) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
CREATE FUNCTION lost_meanwhile() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM runs_end();
    RETURN (SELECT count(*) FROM grid_rollup_runs WHERE outcome = 'lost')
        + (SELECT count(*) FROM grid_rollup_status WHERE last_outcome = 'lost' OR failures > 0)
        + (SELECT count(*) FROM grid_rollup_run_log l JOIN grid_rollup_due() d ON d.rollup = l.rollup AND d.due_at = l.started_at + l.retry_delay WHERE l.outcome IS NULL);
END $$;

CREATE TABLE minutes (rollup regclass, minute timestamptz);
CREATE TABLE expected (rollup regclass, due_at timestamptz);
CREATE TABLE deaths (daemon text, clock timestamptz);
CREATE TABLE lines (daemon text, rollup text, due_at timestamptz, run bigint);
SQL

# Every minute each rollup is due in these two days.
my ($n, $create, $minutes) = (0, '', '');
for (@schedules) {
    my ($count, $schedule, $zone, $fits) = @$_;
    for (1 .. $count) {
        my $rollup = sprintf 'r%02d', ++$n;
        my $source = $n <= 3 ? 'gated' : $n % 2 ? 'odd' : 'even';
        my $measure = $n <= 3 ? 'sum(public.gate(id))' : 'sum(id)';
        $create .= "SELECT grid_rollup_create('$rollup', '$source', 'code', '{\"n\": \"count(*)\", \"ids\": \"$measure\"}',"
            . " lowest_level => 'community', schedule => '$schedule', time_zone => '$zone');\n"
            . "SELECT grid_rollup_alter('$rollup', '{\"retry_min\": \"10 seconds\", \"retry_max\": \"10 seconds\"}');\n";
        $minutes .= "INSERT INTO minutes SELECT '$rollup', t FROM generate_series(timestamptz '2099-12-31 18:11:00+00', '2100-01-02 19:00+00', '1 minute') t,"
            . " LATERAL (SELECT t AT TIME ZONE '$zone' AS l) wall WHERE $fits;\n";
    }
}
is($n, 50, 'fifty rollups');
psql("BEGIN; $create COMMIT; $minutes; INSERT INTO expected SELECT rollup, created_at FROM grid_rollup_catalog");

# Start a daemon, and wait until it has asked what is due.
sub start {
    my ($name) = @_;
    $log{$name} = "$ENV{GT_TMP}/clock.$name.log";
    unlink $log{$name};
    $living{$name} = background($log{$name}, daemon_program(), '-d', "dbname=$database application_name=$name", '--max-runs=4');
    for (1 .. 600) { last if slurp($log{$name}) =~ / connected, /; Time::HiRes::sleep(0.1); }
    like(slurp($log{$name}), qr/ connected, /, "daemon $name is up");
}

# Kill -9; its sessions end, each as soon as it notices.
sub kill_daemon {
    my ($name) = @_;
    my $pid = delete $living{$name};
    kill 'KILL', $pid;
    is(finish($pid), 137, "daemon $name is killed");
    psql("INSERT INTO deaths SELECT '$name', now FROM test_clock");
    ok(await("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = '$name'"), 'and its sessions end');
}

# Something changes, the clock moves on, the daemons are woken. What has become due by then: every
# rollup once, for the first of the times it has missed; and what was lost, ten seconds after it began.
sub move_clock {
    my ($to, $and) = @_;
    my $moves = ++$moved;
    my @writes = ("INSERT INTO %s VALUES (100 + $moves, ('35030400100' || $moves %% 9 + 1)::gridcode);\n",
        "UPDATE %s SET code = ('35030400100' || $moves %% 7 + 1)::gridcode WHERE id %% 10 = $moves %% 10;\n",
        "DELETE FROM %s WHERE id = $moves;\n");
    my $writes = join '', map { sprintf $writes[$moves % 3], $_ } 'gated', 'even', 'odd';
    psql(<<"SQL" . ($and // ''));
BEGIN;
$writes
INSERT INTO expected SELECT rollup, min(minute) FROM minutes, test_clock WHERE minute > now AND minute <= '$to' GROUP BY rollup;
INSERT INTO expected SELECT rollup, started_at + interval '10 seconds' FROM grid_rollup_runs, test_clock
    WHERE outcome = 'lost' AND started_at + interval '10 seconds' > now AND started_at + interval '10 seconds' <= '$to';
UPDATE test_clock SET now = '$to';
NOTIFY gridtree;
COMMIT;
SQL
}

# The lines of runs that daemons logged as done: name and line.
sub done_lines {
    return map { my $name = $_; map { [$name, $_] } slurp($log{$name}) =~ /^(.* outcome=done .*)$/mg } @_;
}

# Wait until all that is due has been run (but for the gated, if so said), and the living have logged what they did.
sub settle {
    my ($but_gated) = @_;
    my $names = join ', ', map { "'$_'" } keys %living;
    my $missing = q(FROM expected e WHERE NOT EXISTS (SELECT FROM grid_rollup_runs r WHERE r.rollup = e.rollup AND r.due_at = e.due_at AND r.outcome IS NOT NULL))
        . ($but_gated ? q( AND rollup NOT IN ('r01'::regclass, 'r02', 'r03')) : '');
    my $patience = time + 60;
    while (time < $patience) {
        my $lines = done_lines(keys %living);
        return if psql("SELECT NOT EXISTS (SELECT $missing) AND count(*) = $lines FROM grid_rollup_run_log WHERE outcome = 'done' AND daemon IN ($names)") eq 't';
        Time::HiRes::sleep(0.05);
    }
    die "not run:\n" . psql("SELECT * $missing") . "\nruns at this time:\n"
        . psql('SELECT l.* FROM grid_rollup_run_log l, test_clock WHERE started_at = now ORDER BY run') . "\n";
}

sub at {
    my ($clock) = @_;
    move_clock($clock);
    settle();
}

sub shut_gate { psql(q(BEGIN; SELECT pg_advisory_xact_lock(42); PREPARE TRANSACTION 'gate')); }
sub open_gate { psql(q(ROLLBACK PREPARED 'gate')); }

# Wait until the gated runs of this minute are under way, all three.
sub held {
    ok(await(q(SELECT count(*) = 3 FROM grid_rollup_run_log, test_clock WHERE outcome IS NULL AND started_at = now)), 'three runs are held');
}

start('one');
start('two');
settle();
is(psql(q(SELECT count(*) FROM grid_rollup_state WHERE filled)), 50, 'every rollup is filled');

# on the minute, right after and right before one, where nothing is due, and over a midnight
at("2099-12-31 $_+00") for '18:11:00', '18:12:07', '18:13:59.999', '18:14:00', '18:14:30', '18:15:00', '18:16:00';

# missed times are made up for once, by the daemons and by a rollup whose run takes long
at('2099-12-31 18:21:20+00');
shut_gate();
move_clock('2099-12-31 18:22:00+00');
held();
settle('but gated');
move_clock('2099-12-31 18:25:00+00');
settle('but gated');
is(psql(q(SELECT count(*) || min(to_char(started_at AT TIME ZONE 'UTC', ' HH24:MI')) FROM grid_rollup_runs WHERE outcome IS NULL)), '3 18:22',
    'a run that takes long keeps its rollup');
my $onlooker = background("$ENV{GT_TMP}/onlooker.log", "$ENV{GT_BIN}/psql", '-XAt', '-d', $database, '-c', 'SELECT lost_meanwhile()');
ok(await(q(SELECT count(*) = 1 FROM pg_stat_activity WHERE query = 'SELECT lost_meanwhile()' AND wait_event = 'PgSleep')), 'somebody looks on');
open_gate();
finish($onlooker);
is(slurp("$ENV{GT_TMP}/onlooker.log"), "0\n", 'a run that ends while somebody looks is not lost');
settle();
at('2099-12-31 18:26:00+00');

# one dies in the middle of runs
shut_gate();
move_clock('2099-12-31 18:27:00+00');
held();
settle('but gated');
my $victim = psql(q(SELECT daemon FROM grid_rollup_run_log WHERE outcome IS NULL ORDER BY run LIMIT 1));
my $held = psql("SELECT string_agg(run::text, ', ' ORDER BY run) FROM grid_rollup_run_log WHERE outcome IS NULL AND daemon = '$victim'");
kill_daemon($victim);
my ($survivor) = keys %living;
my $lost = q(SELECT string_agg(run::text, ', ' ORDER BY run) FROM grid_rollup_runs WHERE outcome = 'lost');
is(psql($lost), $held, 'its runs are lost, no other');
open_gate();
settle();
at('2099-12-31 18:27:15+00');
is(psql($lost), $held, 'and stay so on record');
start('three');
at('2099-12-31 18:28:00+00');

# the other dies while runs come and go: each of them is done, lost, or was never begun
move_clock('2099-12-31 18:30:00+00', <<"SQL");
DO \$\$ BEGIN
    FOR i IN 1 .. 60000 LOOP
        EXIT WHEN EXISTS (SELECT FROM grid_rollup_run_log, test_clock WHERE daemon = '$survivor' AND started_at = now);
        PERFORM pg_sleep(0.001);
    END LOOP;
END \$\$;
SQL
kill_daemon($survivor);
settle();
start('four');
at('2099-12-31 18:30:15+00');

# more minutes, a new day and the next
at("$_+00") for '2099-12-31 18:31:00', '2099-12-31 18:32:00', '2099-12-31 18:33:00', '2100-01-01 18:29:59', '2100-01-02 19:00:00';

# nothing is left over
my $once = "$ENV{GT_TMP}/clock.once.log";
is(finish(background($once, daemon_program(), '-d', "dbname=$database application_name=once", '--once')), 0, '--once: all is well');
unlike(slurp($once), qr/outcome=/, 'and nothing to do');
for my $name (sort keys %living) {
    kill 'TERM', $living{$name};
    is(finish(delete $living{$name}), 0, "daemon $name ends");
}
for my $name (sort keys %log) { unlike(slurp($log{$name}), qr/^\S+ (?!INFO )/m, "daemon $name had no trouble"); }

# every due time was run exactly once
is(psql(q(SELECT rollup, due_at FROM expected EXCEPT ALL SELECT rollup, due_at FROM grid_rollup_run_log)), '', 'every due time has a run');
is(psql(q(SELECT rollup, due_at FROM grid_rollup_run_log EXCEPT ALL SELECT rollup, due_at FROM expected)), '', 'and nothing else has');
cmp_ok(psql('SELECT count(*) FROM expected'), '>', 500, 'there were many');
is(psql(<<'SQL'), '', 'every run is done, or lost with a daemon killed at it');
SELECT * FROM grid_rollup_run_log WHERE outcome IS DISTINCT FROM 'done'
AND (outcome IS DISTINCT FROM 'lost' OR (daemon, started_at) NOT IN (SELECT daemon, clock FROM deaths))
SQL
is(psql(<<'SQL'), '', 'no two runs of a rollup overlap');
SELECT * FROM grid_rollup_run_log a JOIN grid_rollup_run_log b ON a.rollup = b.rollup AND a.run < b.run
WHERE a.really_finished > b.really_started OR a.started_at > b.started_at
SQL
is(psql(q(SELECT string_agg(DISTINCT daemon, ' ' ORDER BY daemon) FROM grid_rollup_run_log WHERE outcome = 'done')), 'four one three two', 'every daemon did some of the work');

# the logs say the same
psql('INSERT INTO lines VALUES ' . join ', ', map {
    my ($name, $line) = @$_;
    $line =~ / rollup=(\S+) due="([^"]+)" outcome=done run=(\d+) / or die "unreadable: $line";
    "('$name', '$1', '$2', $3)" } done_lines(keys %log));
my $done = q(SELECT daemon, 'public.' || rollup, due_at, run FROM grid_rollup_run_log WHERE outcome = 'done');
is(psql("TABLE lines EXCEPT ALL $done"), '', 'no daemon logs what it has not done, or twice');
is(psql("$done AND (daemon, started_at) NOT IN (SELECT daemon, clock FROM deaths) EXCEPT ALL TABLE lines"), '',
    'and each logs what it did, but for what it was killed at');

is(psql(q(SELECT c.rollup, v.* FROM grid_rollup_catalog c, grid_rollup_verify(c.rollup) v)), '', 'all figures are right');
is(psql(q(SELECT sum(n) FROM r50 WHERE level = 'community')), psql('SELECT count(*) FROM even'), 'and there are some');
done_testing();
