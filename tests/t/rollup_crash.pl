# A backend killed, and a server stopped at once, in the middle of a refresh:
# figures and log are as before, and the next refresh ends right.
use strict;
use warnings;
use GridTest;
use Test::More;
use Time::HiRes ();

fresh_database('rollup_crash');
psql(<<'SQL');
CREATE TABLE cases (id int PRIMARY KEY, grid gridcode, x int);
CREATE INDEX ON cases (grid);
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "x": "sum(x)"}', lowest_level => 'grid', top_level => 'district');
INSERT INTO cases SELECT i, ('3503040010010' || 10 + i % 50)::gridcode, i FROM generate_series(1, 2000) i;
SELECT grid_rollup_refresh('r');
SQL

# A refresh that has taken the log and recomputes: locks on figures of the next level hold it there.
my $waiting = "datname = 'rollup_crash' AND wait_event_type = 'Lock' AND query ~ 'grid_rollup_refresh' AND pid <> pg_backend_pid()";
sub refresh_held {
    my ($statement) = @_;
    psql('UPDATE cases SET x = x + 1 WHERE id % 3 = 0');
    my $before = psql('SELECT count(*), sum(x) FROM r') . '/' . psql('SELECT count(*) FROM r_log');
    my $holder = background("$ENV{GT_TMP}/holder.log", "$ENV{GT_BIN}/psql", '-X', '-d', 'rollup_crash',
        '-c', 'BEGIN', '-c', q{SELECT FROM r WHERE level = 'community' FOR UPDATE}, '-c', 'SELECT pg_sleep(300)');
    ok(await("SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'rollup_crash' AND query LIKE '%pg_sleep(300)%' AND wait_event = 'PgSleep'"), 'locks held');
    my $refresh = background("$ENV{GT_TMP}/refresh.log", "$ENV{GT_BIN}/psql", '-X', '-d', 'rollup_crash', '-c', $statement);
    ok(await("SELECT count(*) > 0 FROM pg_stat_activity WHERE $waiting"), 'refresh is in the middle');
    return ($before, $holder, $refresh);
}

sub right_afterwards {
    my ($what, $before, @children) = @_;
    finish($_) for @children;
    ok(await('SELECT true'), "$what: server is back");
    is(psql('SELECT count(*), sum(x) FROM r') . '/' . psql('SELECT count(*) FROM r_log'), $before, "$what: nothing half done");
    is(psql('SELECT count(*) FROM r_live l FULL JOIN (SELECT grid, sum(x) AS x FROM cases GROUP BY 1) o ON l.code = o.grid
             WHERE l.level = \'grid\' AND l.x IS DISTINCT FROM o.x'), 0, "$what: live view is right");
    cmp_ok(psql("SELECT grid_rollup_refresh('r')"), '>', 0, "$what: next refresh");
    is(psql("SELECT count(*) FROM grid_rollup_verify('r')"), 0, "$what: figures are right");
    is(psql('SELECT count(*) FROM r_log'), 0, "$what: log is empty");
}

for my $statement ("SELECT grid_rollup_refresh('r')", "CALL grid_rollup_refresh_batched('r', 1000)") {
    my ($before, @children) = refresh_held($statement);
    my $pid = psql("SELECT pid FROM pg_stat_activity WHERE $waiting");
    kill 'KILL', $pid;
    right_afterwards("kill -9 in $statement", $before, @children);

    ($before, @children) = refresh_held($statement);
    is(server('stop', '-m', 'immediate'), 0, 'immediate stop');
    is(server('start'), 0, 'start');
    right_afterwards("immediate stop in $statement", $before, @children);
}

# a cancelled refresh leaves nothing behind either, and the session goes on
my ($before, @children) = refresh_held("SET statement_timeout = '1s'; SELECT grid_rollup_refresh('r')");
finish($children[1]);
psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()");
right_afterwards('cancel', $before, $children[0]);
done_testing();
