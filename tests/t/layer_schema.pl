# PostGIS and gridtree each in a schema of its own, neither on the search_path.
use strict;
use warnings;
use Test::More;
use GridTest;

fresh_database('layer_schema');
psql(<<'SQL');
SET client_min_messages = warning;
DROP EXTENSION gridtree;
DROP EXTENSION postgis;
CREATE SCHEMA gis;
CREATE SCHEMA "Grid Tree";
CREATE EXTENSION postgis SCHEMA gis;
CREATE EXTENSION gridtree SCHEMA "Grid Tree";
CREATE TABLE area (geom gis.geometry(Polygon, 4326), code "Grid Tree".gridcode, kind text);
INSERT INTO area VALUES (gis.ST_MakeEnvelope(0, 0, 1, 1, 4326), '350304001', 'base'), (gis.ST_MakeEnvelope(0, 0, 1, 1, 4326), '350304002001', 'old');
CREATE INDEX ON area USING gist (geom);
SELECT "Grid Tree".grid_layer_add('area', 'area', filter => $$kind = 'base' AND "Grid Tree".grid_digits(code) > 2$$);
CREATE TABLE household (geom gis.geometry, code "Grid Tree".gridcode);
CREATE TRIGGER code BEFORE INSERT OR UPDATE ON household FOR EACH ROW EXECUTE FUNCTION "Grid Tree".grid_assign_trigger('area', 'geom', 'code');
SQL
is(psql(q{SELECT filter FROM "Grid Tree".grid_layers}), q{((kind = 'base'::text) AND ("Grid Tree".grid_digits(code) > 2))}, 'the filter is qualified');
is(psql(q{SELECT "Grid Tree".grid_locate('area', 'SRID=4326;POINT(0.5 0.5)')}), '350304001', 'grid_locate');
is(psql(q{SELECT "Grid Tree".grid_locate('area', 'SRID=4326;POINT(-0.001 0.5)', 200)}), '350304001', 'with a tolerance in metres');
is(psql(q{INSERT INTO household VALUES ('SRID=4326;POINT(0.5 0.5)', '1') RETURNING code}), '350304001', 'the trigger');
psql('ALTER TABLE household DISABLE TRIGGER code; UPDATE household SET code = NULL');
is(psql(q{CALL "Grid Tree".grid_assign('household', 'area')}), '1|1|0', 'grid_assign');
is(psql(q{CALL "Grid Tree".grid_assign('household', 'area', batch => 10, filter => 'code OPERATOR("Grid Tree".=) ''350304001''')}), '1|0|0', 'and in batches');
psql('DROP TABLE area');
is(psql(q{SELECT count(*) FROM "Grid Tree".grid_layers}), 0, 'a dropped table');

done_testing();
