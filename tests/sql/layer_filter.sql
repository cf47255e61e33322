-- What a filter means does not depend on the session: not on its settings, not on names that may change.
CREATE SCHEMA layer_filter;
SET search_path = layer_filter, public;
SET client_min_messages = warning;
CREATE TABLE area (geom geometry(Polygon, 3857), code gridcode, since date, span interval, share float8, note text);
INSERT INTO area VALUES (ST_MakeEnvelope(0, 0, 1, 1, 3857), '11', '2020-01-15', '-1 day -2 hours', float8 '0.1' + float8 '0.2', E'a\\b');
CREATE FUNCTION look(layer text) RETURNS gridcode LANGUAGE sql AS
	$$ SELECT grid_locate(layer, ST_SetSRID(ST_Point(0.5, 0.5), 3857)) $$;

-- settings of who adds the layer are not those of who locates in it
SET datestyle = 'SQL, DMY';
SET intervalstyle = sql_standard;
SET extra_float_digits = -15;
SELECT grid_layer_add('since', 'area', filter => 'since > DATE ''02/01/2020'' AND since < ''01/02/2020''');
SELECT grid_layer_add('span', 'area', filter => 'span = INTERVAL ''-1 day -2 hours''');
SELECT grid_layer_add('share', 'area', filter => 'share = float8 ''0.30000000000000004''');
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT grid_layer_add('note', 'area', filter => 'note = ''a\\\\b''');
SHOW datestyle;
RESET ALL;
SET search_path = layer_filter, public;
SET client_min_messages = warning;
SELECT layer, filter, look(layer) FROM grid_layers WHERE relation = 'area'::regclass ORDER BY 1;

-- the row as a whole is the table's name
\set VERBOSITY terse
SELECT grid_layer_add('whole', 'area', filter => 'area IS NOT NULL');
SELECT grid_layer_add('whole', 'area', filter => 'area.code IS NOT NULL AND area = area');
\set VERBOSITY default
SELECT grid_layer_add('whole', 'area', filter => 'area IS NULL');

-- a statement's filter means the same to its last batch, though SET LOCAL ends with the first
CREATE SCHEMA layer_filter_local;
CREATE FUNCTION layer_filter_local.keep(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 <= 25; END';
CREATE FUNCTION keep(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
SELECT grid_layer_add('all', 'area');
CREATE TABLE point (id int, geom geometry, code gridcode);
INSERT INTO point SELECT i, 'SRID=3857;POINT(0.5 0.5)' FROM generate_series(1, 40) i;
CREATE PROCEDURE assign_local(path text, filter text, batch int, INOUT codes bigint DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE a bigint; c bigint; o bigint;
BEGIN
	UPDATE layer_filter.point SET code = NULL;
	PERFORM set_config('search_path', path, true);
	CALL public.grid_assign('layer_filter.point', 'all', filter => filter, batch => batch, assigned => a, changed => c, outside => o);
	SELECT count(p.code) INTO codes FROM layer_filter.point p;
END $$;
CALL assign_local('layer_filter_local, layer_filter, public', 'keep(id)', 10);
-- a name of pg_catalog that the caller has covered
CREATE FUNCTION layer_filter_local.abs(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 0';
CALL assign_local('layer_filter_local, layer_filter, public, pg_catalog', 'pg_catalog.abs(id) > 30', NULL);
CALL assign_local('layer_filter_local, layer_filter, public, pg_catalog', 'abs(id) = 0', 10);

DROP SCHEMA layer_filter, layer_filter_local CASCADE;
