-- Rights that an image does not look at, and policies that look at settings: the answers are the rule's.
CREATE SCHEMA locate_rights;
SET search_path = locate_rights, public;
\set VERBOSITY terse
CREATE FUNCTION at(layer text) RETURNS gridcode STABLE LANGUAGE sql AS $$ SELECT public.grid_locate(layer, 'SRID=3857;POINT(0.5 0.5)') $$;
CREATE ROLE locate_rights_reader;
GRANT USAGE ON SCHEMA locate_rights TO locate_rights_reader;

-- a policy that looks at a setting, which changes within a transaction
CREATE TABLE area (geom geometry(Polygon, 3857), code gridcode);
INSERT INTO area VALUES (ST_MakeEnvelope(0, 0, 1, 1, 3857), '11'), (ST_MakeEnvelope(0, 0, 1, 1, 3857), '22');
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('area', 'area');
GRANT SELECT ON area TO locate_rights_reader;
ALTER TABLE area ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON area USING (code::text = current_setting('locate_rights.own', true));
SET ROLE locate_rights_reader;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL locate_rights.own = '11';
SELECT at('area');
SET LOCAL locate_rights.own = '22';
SELECT at('area');
SET LOCAL row_security = off;
SELECT at('area');
ROLLBACK;
RESET ROLE;

-- the right to execute what the filter calls
CREATE FUNCTION counts(gridcode) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
REVOKE EXECUTE ON FUNCTION counts FROM PUBLIC;
CREATE TABLE filtered (geom geometry(Polygon, 3857), code gridcode);
INSERT INTO filtered VALUES (ST_MakeEnvelope(0, 0, 1, 1, 3857), '11');
CREATE INDEX ON filtered USING gist (geom);
SELECT grid_layer_add('filtered', 'filtered', filter => 'counts(code)');
GRANT SELECT ON filtered TO locate_rights_reader;
SELECT bytes > 0 AS image FROM grid_layer_prepare('filtered');
SET ROLE locate_rights_reader;
SET gridtree.layer_cache = 0;
SELECT at('filtered');
RESET gridtree.layer_cache;
SELECT at('filtered');
RESET ROLE;
GRANT EXECUTE ON FUNCTION counts TO locate_rights_reader;
SET ROLE locate_rights_reader;
SELECT at('filtered');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA locate_rights CASCADE;
DROP ROLE locate_rights_reader;
