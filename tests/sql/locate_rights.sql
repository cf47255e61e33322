-- Policies that look at settings: the answers are the rule's, at every statement.
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

SET client_min_messages = warning;
DROP SCHEMA locate_rights CASCADE;
DROP ROLE locate_rights_reader;
