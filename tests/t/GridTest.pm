# GridTest.pm: what the TAP tests share. The cluster of tests/lib/cluster.sh is
# running; each test works in a database of its own.
package GridTest;
use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Time::HiRes ();

our @EXPORT = qw(fresh_database psql psql_try server await data_folder background finish daemon_program slurp);

my $database = 'postgres';

# A new database with gridtree in it; later calls of psql go there.
sub fresh_database {
    my ($name) = @_;
    psql_in('postgres', "DROP DATABASE IF EXISTS $name");
    psql_in('postgres', "CREATE DATABASE $name");
    $database = $name;
    psql('SET client_min_messages = warning; CREATE EXTENSION gridtree CASCADE');
    return $name;
}

# Run SQL; returns (stdout, stderr, exit status). ON_ERROR_STOP, unaligned, tuples only.
sub run_psql {
    my ($db, $sql) = @_;
    my $in = "$ENV{GT_TMP}/psql.$$.sql";
    open my $f, '>', $in or die $!;
    print $f $sql;
    close $f;
    my $out = `$ENV{GT_BIN}/psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -d $db -f $in 2>$in.err`;
    my $status = $? >> 8;
    open $f, '<', "$in.err" or die $!;
    my $err = join '', <$f>;
    unlink $in, "$in.err";
    chomp $out;
    return ($out, $err, $status);
}

sub psql_in {
    my ($out, $err, $status) = run_psql(@_);
    die "psql failed: $err\nin: $_[1]\n" if $status;
    return $out;
}

# Run SQL that must succeed; returns its output.
sub psql { return psql_in($database, $_[0]); }

# Run SQL that may fail; returns (stdout, stderr, status).
sub psql_try { return run_psql($database, $_[0]); }

# server('stop', '-m', 'immediate'), server('start'), server('restart') …
sub server {
    my ($action, @options) = @_;
    my $command = join ' ', $ENV{GT_AS} // '', "$ENV{GT_BIN}/pg_ctl", '-D', $ENV{GT_DATA},
        '-l', "$ENV{GT_TMP}/server/log", '-w', @options, $action, '>/dev/null 2>&1';
    return system($command) >> 8;
}

# Wait until SQL returns 't', for at most 60 seconds; true when it did.
sub await {
    my ($sql) = @_;
    for (1 .. 600) {
        my ($out) = run_psql($database, $sql);
        return 1 if $out eq 't';
        Time::HiRes::sleep(0.1);
    }
    return 0;
}

# The folder of real data beside the project, or undef.
sub data_folder {
    my $folder = '../shared/data';
    return -d $folder ? $folder : undef;
}

# gridtreed, with sanitizers where the check has built it so.
sub daemon_program { return $ENV{GT_DAEMON} // "$ENV{GT_BIN}/gridtreed"; }

# What a file holds; nothing where there is none.
sub slurp {
    my ($file) = @_;
    open my $f, '<', $file or return '';
    local $/;
    return scalar(<$f>) // '';
}

# Start a program in the background, output to a file; returns its pid.
sub background {
    my ($log, @command) = @_;
    my $pid = fork // die $!;
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $log;
        open STDERR, '>&', \*STDOUT;
        exec @command or die $!;
    }
    return $pid;
}

# Wait for a background program; returns its exit status (128 + signal if killed).
sub finish {
    my ($pid) = @_;
    waitpid $pid, 0;
    return $? & 127 ? 128 + ($? & 127) : $? >> 8;
}

1;
