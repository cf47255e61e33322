# gridtreed over a bad network: between it and the server is a proxy that goes
# silent, closes with RST, and comes back.
use strict;
use warnings;
use GridTest;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket;
use Test::More;
use Time::HiRes qw(sleep time);

my $TIMEOUT = 2;
my $database = fresh_database('daemon_network');
my $started = time;

# ---- the proxy: a process of its own that goes when this one does

# It is given orders of one letter and answers each with "ACCEPTED FORWARDED": connections so far, and now.
#   c  cut: nothing is forwarded any more, of old connections and of new ones, and nothing is closed;
#      this host's kernel goes on acknowledging
#   h  heal: what connects from now on is forwarded; what has been cut stays dead
#   r  reset: what is forwarded is closed, with RST
#   n  nothing
sub forward {
    my ($listener, $orders) = @_;
    my $watched = IO::Select->new($listener, $orders);
    my (%peer, @dead);
    my ($accepted, $cut) = (0, 0);

    my $let_go = sub {
        my @ends = @_;
        $watched->remove(@ends);
        delete @peer{@ends};
        return @ends;
    };
    my %do = (
        c => sub { push @dead, $let_go->(values %peer); $cut = 1; },
        h => sub { $cut = 0; },
        r => sub { for ($let_go->(values %peer)) { setsockopt $_, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0); close $_; } },
        n => sub { },
    );
    local $SIG{PIPE} = 'IGNORE';
    while (1) {
        for my $ready ($watched->can_read) {
            if ($ready == $orders) {
                sysread $orders, my $order, 1 or POSIX::_exit(0);
                $do{$order}->();
                syswrite $orders, sprintf "%d %d\n", $accepted, keys(%peer) / 2;
            } elsif ($ready == $listener) {
                my $client = $listener->accept or next;
                $accepted++;
                push @dead, $client if $cut;
                my $server = $cut ? undef : IO::Socket::UNIX->new("$ENV{PGHOST}/.s.PGSQL.$ENV{PGPORT}");
                next if !$server;
                @peer{$client, $server} = ($server, $client);
                $watched->add($client, $server);
            } elsif (my $other = $peer{$ready}) {
                my $got = sysread $ready, my $bytes, 65536;
                for (my $done = 0; $got && $done < length $bytes;) {
                    my $written = syswrite $other, $bytes, length($bytes) - $done, $done;
                    $got = 0 if !$written;
                    $done += $written // 0;
                }
                close $_ for $got ? () : $let_go->($ready, $other);
            }
        }
    }
}

my $listener = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die "no proxy: $@";
my $port = $listener->sockport;
socketpair my $proxy, my $orders, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die $!;
my $proxy_pid = fork // die $!;
if (!$proxy_pid) {
    close $proxy;
    eval { forward($listener, $orders) };
    print STDERR "# the proxy ended: $@";
    POSIX::_exit(1);
}
close $_ for $orders, $listener;

# Give an order; returns (accepted, forwarded).
sub order {
    my ($letter) = @_;
    syswrite $proxy, $letter or die "the proxy is gone";
    return split ' ', scalar <$proxy> // die "the proxy is gone";
}

# ---- the daemon and its log

my ($daemons, $log, $mark) = (0);

sub start {
    my ($where, @options) = @_;
    ($log, $mark) = ("$ENV{GT_TMP}/gridtreed.network." . ++$daemons . '.log', 0);
    unlink $log;
    return background($log, daemon_program(), '-d', "$where dbname=$database user=$ENV{PGUSER}", "--timeout=$TIMEOUT", @options);
}

# Stop a daemon; returns its exit status (137 if it had to be killed).
sub stop {
    my ($pid) = @_;
    local $SIG{ALRM} = sub { kill 'KILL', $pid };
    kill 'TERM', $pid;
    alarm 60;
    my $status = finish($pid);
    alarm 0;
    return $status;
}

# What the log says since the last call of mark_log.
sub mark_log { $mark = length slurp($log); return; }
sub said { return substr slurp($log), $mark; }

# Wait until something holds, for at most 60 seconds; true when it does.
sub eventually {
    my ($holds) = @_;
    for (1 .. 600) {
        return 1 if $holds->();
        sleep 0.1;
    }
    return 0;
}

# Wait until the log says something since the mark.
sub hears {
    my ($pattern, $name) = @_;
    ok(eventually(sub { said() =~ $pattern }), $name) or diag said();
    return;
}

# Seconds from the first line with some words to the first after it with others; undef where one is missing.
sub seconds_between {
    my ($from, $to) = @_;
    return said() =~ /T(\d\d):(\d\d):(\d\d\.\d{3})Z[^\n]*$from.*?T(\d\d):(\d\d):(\d\d\.\d{3})Z[^\n]*$to/s
        ? (($4 - $1) * 3600 + ($5 - $2) * 60 + $6 - $3) % 86400 : undef;
}

# ---- rollups that take as long as the test wants

sub gate { return "$ENV{GT_TMP}/gate.$_[0]"; }
sub open_gate { unlink gate($_[0]); return; }

# Change the source of a rollup.
sub touch {
    my ($rollup) = @_;
    psql("INSERT INTO ${rollup}_source VALUES ('350304001001', '$rollup')");
    return;
}

sub is_fresh { return "SELECT NOT pending AND filled FROM grid_rollup_status WHERE rollup = '$_[0]'::regclass"; }

sub outcomes {
    my ($rollup) = @_;
    return psql("SELECT string_agg(coalesce(outcome, '(runs)'), ' ' ORDER BY run) FROM grid_rollup_runs WHERE rollup = '$rollup'::regclass");
}

# Have the daemon begin a run that ends when the gate is opened.
sub begin_run {
    my ($rollup) = @_;
    open my $gate, '>', gate($rollup) or die $!;
    close $gate;
    touch($rollup);
    ok(await("SELECT running AND last_outcome IS NULL FROM grid_rollup_status WHERE rollup = '$rollup'::regclass"), "a run of $rollup is under way");
    return;
}

# Cut the network and wait until the daemon has noticed.
sub cut {
    mark_log();
    order('c');
    hears(qr/ ERROR database=$database the server did not answer in time$/m, 'cut: the daemon notices');
    return;
}

sub heal {
    order('h');
    hears(qr/ INFO database=$database connected again, /, 'healed: the daemon is connected again');
    return;
}

psql(<<SQL);
CREATE FUNCTION passes(gate text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$
BEGIN
    WHILE (pg_stat_file('$ENV{GT_TMP}/gate.' || gate, true)).size IS NOT NULL LOOP PERFORM pg_sleep(0.02); END LOOP;
    RETURN 1;
END \$\$;
SQL
my @rollups = qw(quick brief long steady);
for my $rollup (@rollups) {
    psql("CREATE TABLE ${rollup}_source (code gridcode NOT NULL, gate text NOT NULL)");
    touch($rollup);
    psql(qq(SELECT grid_rollup_create('$rollup', '${rollup}_source', 'code', '{"n": "sum(public.passes(gate))"}', lowest_level => 'community', max_lag => '400 milliseconds');
            SELECT grid_rollup_alter('$rollup', '{"retry_min": "100 milliseconds", "retry_max": "300 milliseconds"}')));
}

my $pid = start("host=127.0.0.1 port=$port", '--max-runs=4', '--grace=0');
ok(await(is_fresh($_)), "$_ is filled through the proxy") for @rollups;
ok(eventually(sub { my ($accepted, $forwarded) = order('n'); $accepted >= 6 && $forwarded == 5 }), 'housekeeping is over');

# the network is cut while nothing runs
my ($before) = order('n');
cut();
ok(eventually(sub { my ($accepted) = order('n'); $accepted > $before }), 'and goes on trying');
touch('quick');
heal();
ok(await(is_fresh('quick')), 'what changed meanwhile becomes fresh');
is(outcomes('quick'), 'done done', 'by one run');
hears(qr/ INFO .* rollup=public\.quick .* outcome=done /, 'which is logged');

# it is cut in the middle of two runs: one ends before it is back, one long after; a third begins then
my $no_answer = 'no answer from the run: the server did not answer in time$';
begin_run('brief');
begin_run('long');
cut();
open_gate('brief');
ok(await(q(SELECT last_outcome = 'done' AND NOT running FROM grid_rollup_status WHERE rollup = 'brief'::regclass)), 'a run ends on the server');
touch($_) for 'brief', 'long';
heal();
begin_run('steady');
hears(qr/ ERROR .* rollup=public\.brief due="[^"]+" $no_answer/m, 'the answer of the run that has ended is not awaited for ever');
ok(await(is_fresh('brief')), 'the next run is made');
is(outcomes('brief'), 'done done done', 'each is on record, once');
ok(await("SELECT clock_timestamp() - last_started_at > '@{[3.2 * $TIMEOUT]} seconds' FROM grid_rollup_status WHERE rollup = 'steady'::regclass"),
    'the others last for several timeouts');
unlike(said(), qr/rollup=public\.(?:long|steady) .* no answer/, 'neither is given up');
is(outcomes('long') . ', ' . outcomes('steady'), 'done (runs), done (runs)', 'nor begun again');
open_gate('steady');
hears(qr/ INFO .* rollup=public\.steady .* outcome=done run=\d+ seconds=(?:[6-9]|\d\d)\./, 'the one whose connection is well is done and logged');
unlike(said(), qr/rollup=public\.long .* no answer/, 'and the other still awaited');
open_gate('long');
hears(qr/ ERROR .* rollup=public\.long due="[^"]+" $no_answer/m, 'until it has ended');
ok(await(is_fresh('long')), 'the next run is made');
is(outcomes('long') . ', ' . outcomes('steady'), 'done done done, done done', 'each is on record, once');

# connections are reset, one in the middle of a run
begin_run('brief');
mark_log();
order('r');
hears(qr/ INFO .* connected again, /, 'reset: the daemon is connected again');
cmp_ok(seconds_between(' ERROR ', 'connected again'), '<', 10, 'at once');
my ($words) = said() =~ / ERROR database=$database (.*)/;
unlike($words, qr/in time/, 'which was no matter of time');
hears(qr/ ERROR .* rollup=public\.brief .* no answer from the run: (?!.*in time)/, 'the run is given up, too');
ok(await(q(SELECT EXISTS (SELECT FROM grid_rollup_runs WHERE rollup = 'brief'::regclass AND outcome = 'lost'))), 'and so it is by the server');
open_gate('brief');
ok(await(is_fresh('brief')), 'it is made up for');
like(outcomes('brief'), qr/^(?:done ){3}(?:lost )+done$/, 'on record');
is(psql("SELECT count(*) FROM grid_rollup_verify('$_')"), 0, "$_ is right") for @rollups;

# SIGTERM while the network is cut in the middle of a run
begin_run('brief');
cut();
my $asked = time;
is(stop($pid), 0, 'SIGTERM while the network is cut exits 0');
cmp_ok(time - $asked, '<', 15, 'within seconds');
like(said(), qr/ WARNING cancelling 1 run\n.* INFO gridtreed stopped$/s, 'and says so');
open_gate('brief');
ok(await(is_fresh('brief')), 'the run, which the cancel cannot reach, ends on the server');
order('h');

# --once in the middle of a run: it ends when the run has
open my $gate, '>', gate('long') or die $!;
close $gate;
touch('long');
$pid = start("host=127.0.0.1 port=$port", '--once');
ok(await("SELECT running AND last_outcome IS NULL FROM grid_rollup_status WHERE rollup = 'long'::regclass"), '--once: a run is under way');
cut();
open_gate('long');
ok(await(q(SELECT NOT running FROM grid_rollup_status WHERE rollup = 'long'::regclass)), 'it ends while the network is cut');
order('h');
{
    local $SIG{ALRM} = sub { kill 'KILL', $pid };
    alarm 60;
    is(finish($pid), 3, 'healed: --once ends, and has had trouble');
    alarm 0;
}

# the first of two hosts accepts and says no more
{
    my $silent = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die $!;
    my $hosts = "host=127.0.0.1,127.0.0.1 port=" . $silent->sockport . ",$port";
    touch('quick');
    $pid = start($hosts);
    hears(qr/ INFO .* connected/, 'one host is silent: the daemon finds the next');
    ok(await(is_fresh('quick')), 'and works there');
    is(stop($pid), 0, 'SIGTERM exits 0');
    my $out = "$ENV{GT_TMP}/gridtreed.network.check";
    my $begun = time;
    is(finish(background($out, daemon_program(), '-d', "host=127.0.0.1 port=" . $silent->sockport . " dbname=$database", "--timeout=$TIMEOUT", '--check')), 3, '--check of a silent host');
    cmp_ok(time - $begun, '<', 15, 'does not wait for ever');
}

# the first of two hosts is gone: its queue of connections is full, so it does not answer
SKIP: {
    socket my $hole, PF_INET, SOCK_STREAM, 0 or die $!;
    bind $hole, sockaddr_in(0, INADDR_LOOPBACK) or die $!;
    listen $hole, 0 or die $!;
    my ($hole_port) = sockaddr_in(getsockname $hole);
    my @filling;
    my $full = 0;
    while (!$full && @filling < 10) {
        push @filling, IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $hole_port, Blocking => 0) // last;
        $full = !IO::Select->new($filling[-1])->can_write(0.5);
    }
    skip 'this system answers though the queue is full', 4 if !$full;
    touch('quick');
    $pid = start("host=127.0.0.1,127.0.0.1 port=$hole_port,$port");
    hears(qr/ INFO .* connected/, 'one host is gone: the daemon finds the next');
    cmp_ok(seconds_between('started', 'connected'), '<', 15, 'within seconds');
    ok(await(is_fresh('quick')), 'and so do runs');
    is(stop($pid), 0, 'SIGTERM exits 0');
}

close $proxy;
finish($proxy_pid);
note sprintf '%.0f s', time - $started;
done_testing();
