# A layer edited by logical replication: the apply worker fires the layer's
# triggers, and of the publisher's own notes nothing is sent, though everything
# is published.
use strict;
use warnings;
use GridTest;
use Test::More;

my $layer = <<'SQL';
CREATE TABLE area (id int PRIMARY KEY, geom geometry(Polygon, 3857), code gridcode);
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('area', 'area');
SQL
my $rows = "SELECT count(*) FROM grid_layer_version WHERE relation = 'area'::regclass";
my $extents = "SELECT string_agg(coalesce(extent::text, 'everything'), ' ' ORDER BY xid, ctid) FROM grid_layer_edit";

fresh_database('apply_from');
psql($layer);
psql("CREATE PUBLICATION everything FOR ALL TABLES; SELECT pg_create_logical_replication_slot('layer_apply', 'pgoutput')");
fresh_database('apply_to');
psql('CREATE TABLE shift (n int)');    # other relation OIDs than the publisher's
psql($layer);
psql("CREATE SUBSCRIPTION layer_apply CONNECTION 'host=$ENV{PGHOST} port=$ENV{PGPORT} user=$ENV{PGUSER} dbname=apply_from'
      PUBLICATION everything WITH (create_slot = false, slot_name = 'layer_apply', copy_data = false)");
is(psql($rows), 1, 'the layer is new');

sub publish { GridTest::psql_in('apply_from', $_[0]) }

publish("BEGIN; INSERT INTO area VALUES (1, ST_MakeEnvelope(0, 0, 1, 1, 3857), '1'); INSERT INTO area VALUES (2, ST_MakeEnvelope(1, 0, 2, 1, 3857), '2'); COMMIT");
ok(await("SELECT count(*) = 2 FROM area"), 'rows come');
is(psql($rows), 2, 'one version for their transaction');
is(psql($extents), 'everything (1,1),(0,0) (2,1),(1,0)', 'and an extent for each');
publish("UPDATE area SET geom = ST_MakeEnvelope(5, 0, 6, 1, 3857) WHERE id = 2");
ok(await("SELECT ST_XMin(geom) = 5 FROM area WHERE id = 2"), 'an update comes');
publish("DELETE FROM area WHERE id = 1");
ok(await("SELECT count(*) = 1 FROM area"), 'a delete comes');
is(psql($rows), 4, 'a version for each');
is(psql($extents), 'everything (1,1),(0,0) (2,1),(1,0) (2,1),(1,0) (6,1),(5,0) (1,1),(0,0)', 'the old and the new extent');
publish('TRUNCATE area');
ok(await("SELECT count(*) = 0 FROM area"), 'a truncate comes');
is(psql($rows), 5, 'with a version');
like(psql($extents), qr/everything$/, 'of everything');

# Enough transactions for the publisher to fold and so to delete rows.
publish('DO $$ BEGIN FOR i IN 1 .. 50 LOOP INSERT INTO area VALUES (i); COMMIT; END LOOP; END $$');
ok(await("SELECT count(*) = 50 FROM area"), 'many transactions come');
is(psql("SELECT sum(count) FROM grid_layer_version WHERE relation = 'area'::regclass"), 55, 'and are counted');
is(psql("SELECT count(DISTINCT relation) FROM grid_layer_version"), 1, "the publisher's notes stay where they are");

psql("ALTER SUBSCRIPTION layer_apply DISABLE; ALTER SUBSCRIPTION layer_apply SET (slot_name = NONE)");
psql('DROP SUBSCRIPTION layer_apply');
ok(await("SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'layer_apply'"), 'the worker has gone');
publish("SELECT pg_drop_replication_slot('layer_apply')");

done_testing();
