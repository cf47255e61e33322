# A layer survives dump and restore, made by its owner who is no superuser; a
# dropped table leaves no bare number in the dump.
use strict;
use warnings;
use Test::More;
use GridTest;

sub dump_as {
    my ($user, $database) = @_;
    my $dump = `$ENV{GT_BIN}/pg_dump -U $user $database 2>$ENV{GT_TMP}/dump.err`;
    my $status = $? >> 8;
    open my $f, '<', "$ENV{GT_TMP}/dump.err" or die $!;
    is($status . join('', <$f>), 0, "pg_dump as $user says nothing");
    return $dump;
}

fresh_database('layer_dump');
psql(<<'SQL');
DROP ROLE IF EXISTS dump_owner;
CREATE ROLE dump_owner LOGIN;
ALTER DATABASE layer_dump OWNER TO dump_owner;
SET ROLE dump_owner;
CREATE SCHEMA "Odd ""one";
CREATE TABLE "Odd ""one"."Areas" (gone int, "Shape" geometry(Polygon, 4326), "Code" gridcode, kind text);
ALTER TABLE "Odd ""one"."Areas" DROP gone;
INSERT INTO "Odd ""one"."Areas" VALUES (ST_MakeEnvelope(0, 0, 1, 1, 4326), '350304001', 'base'), (ST_MakeEnvelope(0, 0, 1, 1, 4326), '350304002001', 'old');
CREATE INDEX ON "Odd ""one"."Areas" USING gist ("Shape");
CREATE FUNCTION "Odd ""one".is_base(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 = 'base' $$;
SELECT grid_layer_add('layer''s "name"', '"Odd ""one"."Areas"', 'Shape', 'Code', '"Odd ""one".is_base(kind)', 'cn-grid2');
CREATE TABLE passing (geom geometry(Polygon, 3857), code gridcode);
SELECT grid_layer_add('passing', 'passing');
CREATE TABLE household (geom geometry(Point, 4326), code gridcode);
CREATE TRIGGER code BEFORE INSERT OR UPDATE ON household FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('layer''s "name"', 'geom', 'code');
INSERT INTO household VALUES (ST_SetSRID(ST_Point(0.5, 0.5), 4326));
DROP TABLE passing;
CREATE TABLE parted (half int, geom geometry(Polygon, 3857), code gridcode) PARTITION BY LIST (half);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1) PARTITION BY LIST (half);
CREATE TABLE parted_11 PARTITION OF parted_1 FOR VALUES IN (1);
SET client_min_messages = warning;
SELECT grid_layer_add('parted', 'parted');
SELECT grid_layer_add('part of it', 'parted_11');
SQL
my $listing = 'SELECT layer, relation, geom_column, code_column, filter, scheme, srid, geographic, added_at FROM grid_layers';
my $before = psql($listing);
like($before, qr/^layer's "name"\|/, 'one layer of two is left');
my $triggers = 'SELECT tgrelid::regclass, tgname, tgenabled, tgparentid <> 0, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgrelid::regclass::text, tgname';
my $triggers_before = psql($triggers);
is(() = $triggers_before =~ /\|A\|/g, 12, 'triggers of four tables, in any replication role');

my $dump = dump_as('dump_owner', 'layer_dump');
my ($rows) = $dump =~ /^COPY public\.grid_layer_catalog .*?;\n(.*?)^\\\.$/ms;
is(scalar(split /\n/, $rows), 3, 'a row a layer in the dump');
unlike($dump, qr/COPY public\.grid_layer_(version|edit)/, 'and nothing of their edits');
like($rows, qr/\t"Odd ""one"\."Areas"\t/, 'with the name of its table, not a number');

psql('RESET ROLE');
fresh_database('layer_restored');
psql('DROP EXTENSION gridtree; DROP EXTENSION postgis');
open my $f, '>', "$ENV{GT_TMP}/layer.dump.sql" or die $!;
print $f $dump;
close $f;
is(system("$ENV{GT_BIN}/psql -XqAt -v ON_ERROR_STOP=1 -d layer_restored -f $ENV{GT_TMP}/layer.dump.sql >/dev/null"), 0, 'restored by a superuser');
is(psql($listing), $before, 'the layers are as they were');
is(psql($triggers), $triggers_before, 'and the triggers');
my $version = q{SELECT sum(count) FROM grid_layer_version WHERE relation = 'parted'::regclass};
my $noted = psql($version);
psql('SET ROLE dump_owner; INSERT INTO parted VALUES (1)');
is(psql($version), $noted + 1, 'an edit is noted');
psql(q{SELECT grid_layer_drop('parted'); SELECT grid_layer_drop('part of it'); DELETE FROM parted; DROP TABLE parted});
($before) = split /\n/, $before;
is(psql(q{SET ROLE dump_owner; SELECT grid_locate('layer''s "name"', ST_SetSRID(ST_Point(0.5, 0.5), 4326))}), '350304001', 'and its owner locates');
is(psql(q{SET ROLE dump_owner; INSERT INTO household VALUES (ST_SetSRID(ST_Point(0.25, 0.5), 4326), '1') RETURNING code}), '350304001', 'its trigger, too');
my ($again) = dump_as('dump_owner', 'layer_restored') =~ /^COPY public\.grid_layer_catalog .*?;\n(.*?)^\\\.$/ms;
($rows) = split /^/, $rows;
is($again, $rows, 'the restored database dumps the same row');

psql(q{SET ROLE dump_owner; DROP SCHEMA "Odd ""one" CASCADE});
$dump = dump_as('dump_owner', 'layer_restored');
($rows) = $dump =~ /^COPY public\.grid_layer_catalog .*?;\n(.*?)^\\\.$/ms;
is($rows, '', 'the layer went with its table, dropped by DROP SCHEMA CASCADE');

psql('SET client_min_messages = warning; DROP EXTENSION gridtree CASCADE; DROP EXTENSION postgis CASCADE');
is(psql('SELECT count(*) FROM pg_event_trigger'), 0, 'the extension leaves nothing behind');

done_testing();
