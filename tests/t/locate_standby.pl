# Images on a standby, after promotion, after a crash, and as files: never a
# wrong answer, one file for a layer, none left behind.
use strict;
use warnings;
use GridTest;
use Test::More;

my $database = fresh_database('locate_standby');
my $folder = "$ENV{GT_TMP}/locate_standby";
my $socket = "$ENV{GT_TMP}/locate_standby_socket";
my $as = $ENV{GT_AS} // '';

psql(<<'SQL');
CREATE TABLE area (geom geometry(Polygon, 3857), code gridcode);
INSERT INTO area SELECT ST_MakeEnvelope(x, 0, x + 1, 1, 3857), (10 + x)::text::gridcode FROM generate_series(0, 9) x;
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('area', 'area');
CREATE FUNCTION differing() RETURNS bigint STABLE LANGUAGE sql AS $$
    SELECT count(*) FROM (SELECT ST_SetSRID(ST_Point(x, y), 3857) AS p FROM generate_series(-0.5, 12.5, 0.25) x, generate_series(-0.25, 1.25, 0.25) y) l
    WHERE grid_locate('area', p) IS DISTINCT FROM
        (SELECT code FROM area WHERE code IS NOT NULL AND ST_Intersects(geom, p) ORDER BY grid_digits(code) DESC, code LIMIT 1) $$;
CREATE FUNCTION at(x float8) RETURNS gridcode STABLE LANGUAGE sql AS $$ SELECT grid_locate('area', ST_SetSRID(ST_Point(x, 0.5), 3857)) $$;
SQL

my $prepare = q(SELECT bytes > 0 FROM grid_layer_prepare('area'));
my $image = q(SELECT bytes > 0 FROM grid_layer_image('area'));
my $differing = 'SELECT differing()';

sub run_quietly { return system("cd $ENV{GT_TMP} && @_ >/dev/null 2>&1") >> 8; }

sub files_in {
    my ($data) = @_;
    my @files;
    opendir my $dir, "$data/base/pgsql_tmp" or return @files;
    my $oid = psql(q(SELECT oid FROM pg_database WHERE datname = current_database()));
    @files = sort grep { /^pgsql_tmp_gridtree\.$oid\./ } readdir $dir;
    return @files;
}

sub on_standby {
    my ($code) = @_;
    local $ENV{PGHOST} = $socket;
    return $code->();
}

sub caught_up {
    my $lsn = psql('SELECT pg_current_wal_insert_lsn()');
    return on_standby(sub { await("SELECT pg_last_wal_replay_lsn() >= '$lsn'") });
}

# --- files ---

is(scalar files_in($ENV{GT_DATA}), 0, 'no file before an image is built');
is(psql($prepare), 't', 'an image is built');
my @first = files_in($ENV{GT_DATA});
is(scalar @first, 1, 'its file is there');
is(psql($image), 't', 'another backend has the image');
is(psql("$prepare; $differing"), "t\n0", 'and need not build it');
is_deeply([files_in($ENV{GT_DATA})], \@first, 'they share the file');
psql(q(UPDATE area SET geom = ST_Translate(geom, 0.5, 0)));
is(psql("$prepare; $image; $differing"), "t\nt\n0", 'a newer image');
my @second = files_in($ENV{GT_DATA});
is(scalar @second, 1, 'is the only file');
isnt($second[0], $first[0], 'and another one');
is(psql(qq(BEGIN; UPDATE area SET code = '99' WHERE code = '10'; $prepare; $differing; ROLLBACK; $image; $differing)),
    "\n0\nt\n0", 'a transaction that edits builds none');
is_deeply([files_in($ENV{GT_DATA})], \@second, 'and leaves no file');
(undef, undef, my $failed) = psql_try(q(BEGIN; UPDATE area SET code = '99' WHERE code = '10'; SELECT 1 / 0));
isnt($failed, 0, 'a transaction fails');
is_deeply([files_in($ENV{GT_DATA})], \@second, 'and leaves none either');

# --- standby ---

mkdir $_ or die "$_: $!" for $folder, $socket;
if ($as) { chown((stat $ENV{GT_DATA})[4, 5], $folder, $socket); }
chmod 0700, $folder;
is(run_quietly("$as $ENV{GT_BIN}/pg_basebackup -D $folder -R -X stream -c fast"), 0, 'a standby is made');
is(scalar files_in($folder), 0, 'without the files of images');
is(run_quietly("$as $ENV{GT_BIN}/pg_ctl -D $folder -l $socket/log -o '-k $socket' -w start"), 0, 'and started');
ok(caught_up(), 'it catches up');
on_standby(sub {
    is(psql('SELECT pg_is_in_recovery()'), 't', 'in recovery');
    is(psql("$prepare; $image; $differing"), "t\nt\n0", 'the standby builds its own image');
    is(psql(q(SELECT at(1.25))), '10', 'which answers');
});
is(scalar files_in($folder), 1, 'as a file of its own');

# edits arrive; one session that stays looks after each
for my $edit (
    [q(UPDATE area SET geom = ST_Translate(geom, 1, 0)), '10'],
    [q(BEGIN; DELETE FROM area WHERE code = '10'; SAVEPOINT s; DELETE FROM area; ROLLBACK TO s; COMMIT), ''],
    [q(TRUNCATE area), ''],
    [q(BEGIN; INSERT INTO area VALUES (ST_MakeEnvelope(0, 0, 12, 1, 3857), '77'); ROLLBACK), ''],
    [q(INSERT INTO area VALUES (ST_MakeEnvelope(0, 0, 12, 1, 3857), '78')), '78'],
    [q(ALTER TABLE area ALTER geom TYPE geometry(Polygon, 3857) USING ST_Translate(geom, 1, 0)), '78'],
    [q(BEGIN; UPDATE area SET code = '79'; PREPARE TRANSACTION 'standby_edit'), '78'],
    [q(COMMIT PREPARED 'standby_edit'), '79'],
    [q(DO $$ BEGIN FOR i IN 1..40 LOOP UPDATE area SET code = (100 + i)::text::gridcode; COMMIT; END LOOP; END $$), '140'],
) {
    my ($sql, $answer) = @$edit;
    psql($sql);
    my $name = substr $sql, 0, 60;
    ok(caught_up(), "replayed: $name");
    on_standby(sub { is(psql("$differing; $prepare; $differing; SELECT at(2.25)"), "0\nt\n0\n$answer", "standby: $name"); });
}
is(scalar files_in($folder), 1, 'the standby keeps one file');

# while edits stream in: every statement is right under its snapshot, and so is a transaction
my $log = "$ENV{GT_TMP}/locate_standby.edits";
my $edits = "$ENV{GT_TMP}/locate_standby.sql";
open my $f, '>', $edits or die $!;
print $f "INSERT INTO area VALUES (ST_MakeEnvelope(0, 0, 1, 1, 3857), '5');\n";
print $f "UPDATE area SET geom = ST_Translate(ST_MakeEnvelope(0, 0, 1, 1, 3857), $_ % 11, 0) WHERE code = '5';\n" for 1 .. 600;
close $f;
my $pid = background($log, "$ENV{GT_BIN}/psql", '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', $edits);
my ($wrong, $looks) = (0, 0);
my $running = 1;
while ($running) {
    $running = kill(0, $pid) && waitpid($pid, 1) == 0;
    my $out = on_standby(sub {
        psql("$differing; $prepare; $differing; BEGIN ISOLATION LEVEL REPEATABLE READ; $differing; $prepare; $differing; $differing; COMMIT;");
    });
    my @lines = split /\n/, $out;
    $looks++;
    $wrong += grep { $_ ne 't' && $_ ne '0' && $_ ne '' } @lines;
}
is($wrong, 0, 'never wrong while edits stream in');
ok($looks > 0, "$looks looks");
ok(caught_up(), 'replayed');

# promoted with its images; edits from then on are its own
on_standby(sub { is(psql("$prepare; $differing"), "t\n0", 'before promotion'); });
is(run_quietly("$as $ENV{GT_BIN}/pg_ctl -D $folder -w promote"), 0, 'promoted');
on_standby(sub {
    ok(await('SELECT NOT pg_is_in_recovery()'), 'it is a primary');
    is(psql("$image; $differing"), "t\n0", 'the image stays right');
    psql(q(UPDATE area SET geom = ST_MakeEnvelope(0, 0, 5, 1, 3857) WHERE code = '5'));
    is(psql("$differing; $prepare; $differing; SELECT at(0.25)"), "0\nt\n0\n5", 'and follows the edits of the new primary');
});
psql(q(UPDATE area SET geom = ST_MakeEnvelope(0, 0, 7, 1, 3857), code = '6' WHERE code = '5'));
is(psql("$differing; $prepare; $differing; SELECT at(0.25)"), "0\nt\n0\n6", 'the old primary has its own');
on_standby(sub { is(psql("$differing; SELECT at(0.25)"), "0\n5", 'the two are apart'); });
is(run_quietly("$as $ENV{GT_BIN}/pg_ctl -D $folder -m fast -w stop"), 0, 'the standby stops');

# --- crash and restart ---

is(scalar files_in($ENV{GT_DATA}), 1, 'a file before the crash');
psql(q(UPDATE area SET geom = ST_Translate(geom, 0.25, 0)));
is(psql($prepare), 't', 'an image of the newest');
is(server('stop', '-m', 'immediate'), 0, 'stopped at once');
is(server('start'), 0, 'started');
is(scalar files_in($ENV{GT_DATA}), 0, 'no files after a crash');
is(psql("$differing; $prepare; $image; $differing; SELECT at(0.75)"), "0\nt\nt\n0\n6", 'and the same answers');
psql(q(DELETE FROM area));
is(psql("$differing; $prepare; $differing; SELECT at(0.75)"), "0\nt\n0\n", 'edits after it are seen');
is(server('restart', '-m', 'fast'), 0, 'restarted');
is(scalar files_in($ENV{GT_DATA}), 0, 'no files after a restart');
is(psql("$prepare; $differing"), "t\n0", 'and the same answers');

# where files would outlive a crash, sessions have images of their own
psql('ALTER SYSTEM SET remove_temp_files_after_crash = off');
psql('SELECT pg_reload_conf()');
ok(await("SELECT current_setting('remove_temp_files_after_crash') = 'off'"), 'files are kept after a crash');
psql(q(INSERT INTO area VALUES (ST_MakeEnvelope(0, 0, 3, 1, 3857), '8')));
my @kept = files_in($ENV{GT_DATA});
is(psql("$prepare; $image; $differing; SELECT at(0.75)"), "t\nt\n0\n8", 'an image of the session alone');
is(psql("SELECT coalesce(($image), false)"), 'f', 'which another session does not have');
is_deeply([files_in($ENV{GT_DATA})], \@kept, 'and no file');
psql('ALTER SYSTEM RESET remove_temp_files_after_crash');
psql('SELECT pg_reload_conf()');

done_testing();
