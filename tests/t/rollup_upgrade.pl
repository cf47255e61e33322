# pg_upgrade: definitions, figures, touched cells and schedules are in the new
# server, and everything works on. Without two versions at hand it is an upgrade
# to the same one, which goes the same way.
#   GRIDTREE_OLD_BIN   programs of an older server that has PostGIS and gridtree
use strict;
use warnings;
use GridTest;
use MovedRollup;
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
ask(rollup_to_move('upgrade_owner'));
ask(<<'SQL');
CREATE TABLE s.kept AS SELECT grid AS code, gridtree_agg(grid, x) AS tree, gridstats_agg(x) AS stats, '((district, 6), (grid, 15))' AS note
FROM s.cases WHERE grid IS NOT NULL GROUP BY grid;
CREATE INDEX ON s.kept (code);
SQL
my @questions = (questions_before(), 'SELECT md5(string_agg(k::text, chr(10) ORDER BY code)) FROM s.kept k');
my @before = map { ask($_) } @questions;
run_server($old_bin, 'old', 'stop');

make_cluster($ENV{GT_BIN}, 'new');
my $log_folder = "$work/new/pg_upgrade_output.d";
run_as('pg_upgrade from ' . version($old_bin) . ' to ' . version($ENV{GT_BIN}),
    "$ENV{GT_BIN}/pg_upgrade -b $old_bin -B $ENV{GT_BIN} -d $work/old -D $work/new -U gridtree -s $work -p 54330 -P 54329")
    or diag(`grep -rhiE -A4 'error|fatal' $log_folder 2>/dev/null | head -40; find $log_folder -name '*.txt' -exec cat {} + 2>/dev/null`);
run_server($ENV{GT_BIN}, 'new', 'start');
is(ask($questions[$_]), $before[$_], "as before: $questions[$_]") for 0 .. $#questions;

works_on('upgrade_owner', \&ask);
run_server($ENV{GT_BIN}, 'new', 'stop');

done_testing;
