-- Layers: adding, dropping, what is refused, and what happens when tables change.
CREATE SCHEMA layer;
SET search_path = layer, public;
CREATE TABLE area (id int, geom geometry(Polygon, 4326), code gridcode, kind varchar(10), valid_to date);
INSERT INTO area VALUES
	(1, ST_MakeEnvelope(0, 0, 1, 1, 4326), '350304001', 'base', NULL),
	(2, ST_MakeEnvelope(1, 0, 2, 1, 4326), '350304002', 'base', NULL),
	(3, ST_MakeEnvelope(0, 0, 2, 1, 4326), '350304003', 'old', '2020-01-01');
CREATE INDEX ON area USING gist (geom);

SELECT grid_layer_add('base', 'area', filter => 'valid_to IS NULL AND kind = ''base''');
SELECT grid_layer_add('all', 'area', 'geom', 'code', NULL, 'us-census');
SELECT layer, relation, geom_column, code_column, filter, scheme, srid, geographic, added_at = now() AS now
FROM grid_layers WHERE relation = 'area'::regclass ORDER BY layer;

-- errors of the arguments, line by line
SELECT grid_layer_add('base', 'area');
SELECT grid_layer_add('', 'area');
SELECT grid_layer_add(repeat('x', 64), 'area');
SELECT grid_layer_add(NULL, 'area');
SELECT grid_layer_add('x', NULL);
SELECT grid_layer_add('x', 'area', code_column => NULL);
SELECT grid_layer_add('x', 'area', scheme => NULL);
SELECT grid_layer_add('x', 'area', 'nosuch');
SELECT grid_layer_add('x', 'area', 'ctid');
SELECT grid_layer_add('x', 'area', 'id');
SELECT grid_layer_add('x', 'area', 'geom', 'kind');
SELECT grid_layer_add('x', 'area', 'code', 'geom');
SELECT grid_layer_drop('x');
SELECT grid_layer_drop(NULL);
CREATE TABLE geo (geom geography(Polygon, 4326), code gridcode);
SELECT grid_layer_add('x', 'geo');

-- what cannot be a layer
CREATE VIEW area_view AS SELECT * FROM area;
SELECT grid_layer_add('x', 'area_view');
CREATE MATERIALIZED VIEW area_mat AS SELECT * FROM area;
SELECT grid_layer_add('x', 'area_mat');
CREATE TEMPORARY TABLE area_temp AS SELECT * FROM area;
SELECT grid_layer_add('x', 'area_temp');
SELECT grid_layer_add('x', 'area_geom_idx');

-- filters that are refused
\set VERBOSITY terse
SELECT grid_layer_add('x', 'area', filter => '');
SELECT grid_layer_add('x', 'area', filter => 'kind =');
SELECT grid_layer_add('x', 'area', filter => 'kind = ''a'' LIMIT 1');
SELECT grid_layer_add('x', 'area', filter => 'true FROM area');
SELECT grid_layer_add('x', 'area', filter => 'true, false');
SELECT grid_layer_add('x', 'area', filter => 'true AS x');
SELECT grid_layer_add('x', 'area', filter => 'true; DROP TABLE area');
SELECT grid_layer_add('x', 'area', filter => 'true UNION SELECT false');
SELECT grid_layer_add('x', 'area', filter => 'true INTO x');
SELECT grid_layer_add('x', 'area', filter => '*');
SELECT grid_layer_add('x', 'area', filter => 'area.*');
SELECT grid_layer_add('x', 'area', filter => 'nosuch');
SELECT grid_layer_add('x', 'area', filter => 'id');
SELECT grid_layer_add('x', 'area', filter => 'id = $1');
SELECT grid_layer_add('x', 'area', filter => 'count(*) > 1');
SELECT grid_layer_add('x', 'area', filter => 'row_number() OVER () > 1');
SELECT grid_layer_add('x', 'area', filter => 'generate_series(1, 2) > 1');
SELECT grid_layer_add('x', 'area', filter => 'id IN (SELECT 1)');
SELECT grid_layer_add('x', 'area', filter => 'valid_to > now()');
SELECT grid_layer_add('x', 'area', filter => 'valid_to > ''today''::text::date');
SELECT grid_layer_add('x', 'area', filter => 'ctid = ''(0,1)''');
SELECT grid_layer_add('x', 'area', filter => 'code IS DISTINCT FROM ''350304001''');
SELECT grid_layer_add('x', 'area', filter => 'CASE code WHEN ''350304001'' THEN true END');
\set VERBOSITY default
-- where the mistake is
SELECT grid_layer_add('x', 'area', filter => 'valid_to IS NULL AND nosuch = 1');

-- filters that are kept, qualified and in one meaning
SELECT grid_layer_add('f1', 'area', filter => 'kind IN (''base'', ''new'') AND grid_prefix(code, 6) = ''350304'' -- comment');
SELECT grid_layer_add('f2', 'area', filter => 'kind IS DISTINCT FROM ''old''');
SELECT grid_layer_add('f3', 'area', filter => 'area.id BETWEEN 1 AND 2');
SET search_path = pg_catalog;
SELECT layer, filter FROM public.grid_layers WHERE layer ~ '^f' ORDER BY 1;
SET search_path = layer, public;
SELECT layer, grid_locate(layer, ST_SetSRID(ST_Point(0.5, 0.5), 4326)) FROM grid_layers WHERE relation = 'area'::regclass ORDER BY 1;

-- what is wrong with the polygons
CREATE TABLE bad (geom geometry, code gridcode);
SELECT grid_layer_add('bad', 'bad');
INSERT INTO bad VALUES (ST_MakeEnvelope(0, 0, 1, 1, 4326), '1'), (ST_MakeEnvelope(0, 0, 1, 1, 3857), '2'), (NULL, '3');
SELECT grid_layer_add('bad', 'bad');
SELECT grid_layer_add('bad', 'bad', filter => 'code = ''2''');
SELECT srid, geographic FROM grid_layers WHERE layer = 'bad';
SELECT grid_layer_drop('bad');
INSERT INTO bad VALUES ('SRID=4326;LINESTRING(0 0, 1 1)', '4');
SELECT grid_layer_add('bad', 'bad', filter => 'code <> ''2''');
DELETE FROM bad WHERE code IN ('2', '4');
INSERT INTO bad VALUES ('SRID=4326;POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))', '5'), ('SRID=4326;POLYGON((5 5, 7 7, 7 5, 5 7, 5 5))', '40');
SELECT grid_layer_add('bad', 'bad');

-- a table that is dropped takes its layers along; other drops do not
SELECT count(*) FROM grid_layers WHERE layer = 'bad';
DROP TABLE geo;
SELECT count(*) FROM grid_layers WHERE layer = 'bad';
BEGIN;
DROP TABLE bad;
SELECT count(*) FROM grid_layers WHERE layer = 'bad';
ROLLBACK;
SELECT count(*) FROM grid_layers WHERE layer = 'bad';
DROP TABLE bad;
SELECT count(*) FROM grid_layers WHERE layer = 'bad';
SELECT grid_locate('bad', ST_SetSRID(ST_Point(0.5, 0.5), 4326));

-- renamed tables and schemas follow; renamed columns are a clear error until the layer is added anew
ALTER TABLE area RENAME TO "Area ""1""";
ALTER SCHEMA layer RENAME TO "Lay er";
SET search_path = "Lay er", public;
SELECT relation, grid_locate(layer, ST_SetSRID(ST_Point(0.5, 0.5), 4326)) FROM grid_layers WHERE layer = 'base';
ALTER TABLE "Area ""1""" RENAME COLUMN geom TO "the geom";
SELECT grid_locate('base', ST_SetSRID(ST_Point(0.5, 0.5), 4326));
ALTER TABLE "Area ""1""" RENAME COLUMN code TO "Weird ""Name";
SELECT grid_layer_drop('base');
SELECT grid_layer_add('base', 'Area "1"', 'the geom', 'Weird "Name', 'kind = ''base''');
SELECT grid_layer_add('base', '"Area ""1"""', 'the geom', 'Weird "Name', 'kind = ''base''');
SELECT grid_locate('base', ST_SetSRID(ST_Point(0.5, 0.5), 4326)), grid_locate('base', ST_SetSRID(ST_Point(-0.5, 0.5), 4326), 100000);
DROP VIEW area_view;
DROP MATERIALIZED VIEW area_mat;
ALTER TABLE "Area ""1""" RENAME COLUMN kind TO sort;
CREATE FUNCTION failing(query text) RETURNS TABLE (state text, message text, context text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN QUERY SELECT SQLSTATE, SQLERRM, split_part(context, E'\n', 1);
END $$;
SELECT * FROM failing($$SELECT grid_locate('base', ST_SetSRID(ST_Point(0.5, 0.5), 4326))$$);
ALTER TABLE "Area ""1""" DROP COLUMN "Weird ""Name";
SELECT grid_locate('base', ST_SetSRID(ST_Point(0.5, 0.5), 4326));
ALTER SCHEMA "Lay er" RENAME TO layer;
SET search_path = layer, public;

-- a column that is not what it was is an error, and never read as what it was
CREATE TABLE changed (geom geometry(Polygon, 4326), code gridcode);
INSERT INTO changed VALUES (ST_MakeEnvelope(0, 0, 1, 1, 4326), '350304001');
CREATE INDEX ON changed USING gist (geom);
SELECT grid_layer_add('changed', 'changed');
SELECT grid_locate('changed', ST_SetSRID(ST_Point(0.5, 0.5), 4326));
ALTER TABLE changed ALTER code TYPE text;
SELECT grid_locate('changed', ST_SetSRID(ST_Point(0.5, 0.5), 4326));
ALTER TABLE changed ALTER code TYPE gridcode, ALTER geom TYPE geography USING geom::geography;
SELECT grid_locate('changed', ST_SetSRID(ST_Point(0.5, 0.5), 4326));
ALTER TABLE changed ALTER geom TYPE geometry USING geom::geometry;
SELECT grid_locate('changed', ST_SetSRID(ST_Point(0.5, 0.5), 4326));
ALTER TABLE changed ALTER geom TYPE geometry(Geometry, 32650) USING ST_SetSRID(geom, 32650);
SELECT grid_locate('changed', ST_SetSRID(ST_Point(0.5, 0.5), 4326));
SELECT grid_locate('changed', ST_SetSRID(ST_Point(0.5, 0.5), 32650));
SELECT UpdateGeometrySRID('layer', 'changed', 'geom', 4326);
SELECT grid_locate('changed', ST_SetSRID(ST_Point(0.5, 0.5), 4326));
-- dropped where triggers are those of a replica
SET session_replication_role = replica;
DROP TABLE changed;
RESET session_replication_role;
SELECT count(*) FROM grid_layers WHERE layer = 'changed';

-- the owner's business only
CREATE ROLE layer_owner;
CREATE ROLE layer_other;
CREATE ROLE layer_member IN ROLE layer_owner;
GRANT CREATE, USAGE ON SCHEMA layer TO layer_owner, layer_other;
SET ROLE layer_owner;
CREATE TABLE mine (geom geometry(MultiPolygon, 3857) PRIMARY KEY, code gridcode);
CREATE INDEX ON mine USING gist (geom);
GRANT ALL ON mine TO layer_other;
SET ROLE layer_other;
SELECT grid_layer_add('mine', 'mine');
INSERT INTO grid_layer_catalog SELECT * FROM grid_layer_catalog;
DELETE FROM grid_layer_catalog;
SET ROLE layer_member;
SELECT grid_layer_add('mine', 'mine');
SET ROLE layer_other;
SELECT layer, srid, geographic FROM grid_layers WHERE layer = 'mine';
SELECT grid_layer_touch('mine');
SELECT grid_layer_drop('mine');
SET ROLE layer_owner;
SELECT grid_layer_drop('mine');
SELECT grid_layer_add('mine', 'mine');
DROP TABLE mine;
RESET ROLE;
SELECT layer FROM grid_layers WHERE layer = 'mine';

-- a read-only transaction adds nothing
BEGIN READ ONLY;
SELECT grid_layer_add('ro', 'area_temp');
ROLLBACK;

-- partitions
CREATE TABLE parted (geom geometry(Polygon, 3857), code gridcode, half int) PARTITION BY LIST (half);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO parted VALUES (ST_MakeEnvelope(0, 0, 1, 1, 3857), '1', 1), (ST_MakeEnvelope(1, 0, 2, 1, 3857), '2', 2);
CREATE INDEX ON parted USING gist (geom);
SELECT grid_layer_add('parted', 'parted');
SELECT grid_locate('parted', ST_SetSRID(ST_Point(0.5, 0.5), 3857)), grid_locate('parted', ST_SetSRID(ST_Point(1.5, 0.5), 3857)),
	grid_locate('parted', ST_SetSRID(ST_Point(1, 0.5), 3857));

SELECT grid_layer_dropped();
SET client_min_messages = warning;
DROP SCHEMA layer CASCADE;
DROP ROLE layer_member, layer_owner, layer_other;
SELECT count(*) FROM grid_layers;
