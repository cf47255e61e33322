-- grid_build, grid_adjust, grid_build_report: what bad input gets, and what the report says.
CREATE SCHEMA build_input;
SET search_path = build_input, public;
SELECT 'POLYGON((0 0, 100 0, 100 100, 0 100, 0 0))'::geometry AS area \gset
PREPARE build(bigint[], geometry[], int[], int[], geometry) AS SELECT grid, households, residents, in_bounds, ids FROM grid_build($1, $2, $3, $4, $5);

-- Nothing, or not as much of one thing as of another
EXECUTE build(NULL, ARRAY['POINT(1 1)'::geometry], '{1}', '{1}', :'area');
EXECUTE build('{1}', NULL, '{1}', '{1}', :'area');
EXECUTE build('{1}', ARRAY['POINT(1 1)'::geometry], NULL, '{1}', :'area');
EXECUTE build('{1}', ARRAY['POINT(1 1)'::geometry], '{1}', '{1}', NULL);
EXECUTE build('{}', '{}', '{}', '{}', :'area');
EXECUTE build('{1, 2}', ARRAY['POINT(1 1)'::geometry], '{1, 2}', NULL, :'area');
EXECUTE build('{1}', ARRAY['POINT(1 1)'::geometry], '{1, 2}', NULL, :'area');
EXECUTE build('{1}', ARRAY['POINT(1 1)'::geometry], '{1}', '{}', :'area');
EXECUTE build('{{1}, {2}}', ARRAY['POINT(1 1)'::geometry, 'POINT(1 1)'], '{1, 2}', NULL, :'area');
EXECUTE build('{1, NULL}', ARRAY['POINT(1 1)'::geometry, 'POINT(1 1)'], '{1, 2}', NULL, :'area');
EXECUTE build('{1, 2}', ARRAY['POINT(1 1)'::geometry, NULL], '{1, 2}', NULL, :'area');
EXECUTE build('{1, 2}', ARRAY['POINT(1 1)'::geometry, 'POINT(1 1)'], '{1, NULL}', NULL, :'area');
EXECUTE build('{1, 2}', ARRAY['POINT(1 1)'::geometry, 'POINT(1 1)'], '{1, 2}', '{1, NULL}', :'area');

-- Ids and counts
EXECUTE build('{7, 8, 7}', ARRAY['POINT(1 1)'::geometry, 'POINT(2 1)', 'POINT(3 1)'], '{1, 2, 3}', NULL, :'area');
EXECUTE build('{7, 8}', ARRAY['POINT(1 1)'::geometry, 'POINT(2 1)'], '{1, -2}', NULL, :'area');
EXECUTE build('{7, 8}', ARRAY['POINT(1 1)'::geometry, 'POINT(2 1)'], '{1, 2}', '{-1, 2}', :'area');
EXECUTE build('{7, 8}', ARRAY['POINT(1 1)'::geometry, 'POINT(2 1)'], '{2000000000, 2000000000}', NULL, :'area');

-- Geometries
EXECUTE build('{7}', ARRAY['LINESTRING(1 1, 2 2)'::geometry], '{1}', NULL, :'area');
EXECUTE build('{7}', ARRAY['MULTIPOINT(1 1, 2 2)'::geometry], '{1}', NULL, :'area');
EXECUTE build('{7}', ARRAY['POINT EMPTY'::geometry], '{1}', NULL, :'area');
EXECUTE build('{7}', ARRAY['POLYGON EMPTY'::geometry], '{1}', NULL, :'area');
EXECUTE build('{7}', ARRAY['POINT(NaN 1)'::geometry], '{1}', NULL, :'area');
EXECUTE build('{7}', ARRAY[ST_Point('Infinity', 1)], '{1}', NULL, :'area');
EXECUTE build('{7, 8}', ARRAY['POLYGON((1 1, 2 1, 2 2, 1 1))'::geometry, 'POLYGON((1 1, 9 9, 9 1, 1 9, 1 1))'], '{1, 1}', NULL, :'area');
EXECUTE build('{7}', ARRAY['SRID=4326;POINT(1 1)'::geometry], '{1}', NULL, :'area');
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, 'POINT(1 1)');
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, 'POLYGON EMPTY');
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, 'POLYGON((0 0, 9 9, 9 0, 0 9, 0 0))');
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, 'POLYGON((0 0, 9 0, NaN 9, 0 0))');
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, 'POLYGON((0 0, 1e308 0, 1e308 1e308, 0 0))');
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, 'MULTIPOLYGON(((0 0, 1e160 0, 1e160 1e160, 0 0)), ((3e160 0, 4e160 0, 4e160 1e160, 3e160 0)))');
EXECUTE build('{7, 8}', ARRAY['POINT(1 1)'::geometry, 'POINT(1e200 0)'], '{1, 1}', NULL, :'area');
EXECUTE build('{7, 8}', ARRAY['POINT(1 1)'::geometry, 'POLYGON((0 0, 1e20 0, 1 1, 0 0))'], '{1, 1}', NULL, :'area');
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, 'CURVEPOLYGON((0 0, 9 0, 9 9, 0 0))');
SELECT grid FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, :'area', 'SRID=4326;LINESTRING(0 0, 1 1)');
SELECT grid FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, :'area', 'LINESTRING(0 0, NaN 1)');

-- Numbers and windows
SELECT grid FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, :'area', grids => 0);
SELECT grid FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, :'area', grids => -3);
SELECT grid FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, :'area', households_min => 501);
SELECT grid FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, :'area', residents_min => 2001);
SELECT grid FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, :'area', households_min => -1);
SELECT grid FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, :'area', households_min => 0, households_max => 0);
SELECT grid FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{1}', NULL, :'area', households_max => NULL);

-- What is small but possible: one atom, nobody at home, one grid for all
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{400}', '{1100}', :'area');
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{0}', '{0}', :'area');
EXECUTE build('{7, 8}', ARRAY['POINT(1 1)'::geometry, 'POINT(50 50)'], '{0, 0}', NULL, :'area');
EXECUTE build('{7}', ARRAY['POINT(1 1)'::geometry], '{600}', '{1100}', :'area');
EXECUTE build('{8, 7}', ARRAY['POINT(1 1)'::geometry, 'POINT(99 99)'], '{600, 350}', '{1600, 1100}', :'area');
EXECUTE build('{8, 7}', ARRAY['POINTZ(1 1 5)'::geometry, 'POINT(99 99)'], '{400, 350}', '{1600, 1100}', 'POLYGONZ((0 0 1, 100 0 2, 100 100 3, 0 0 1))');
SELECT ST_AsText(geom) FROM grid_build('{7}', ARRAY['POINT(1 1)'::geometry], '{400}', NULL, :'area', 'POLYGON EMPTY');
SELECT grid, ids FROM grid_build('{1, 2, 3}', ARRAY['POINT(10 50)'::geometry, 'POINT(50 50)', 'POINT(90 50)'], '{10, 10, 10}', NULL, :'area', grids => 3, households_min => 1, households_max => 10);
SELECT grid, households FROM grid_build('{1, 2, 3}', ARRAY['POINT(10 50)'::geometry, 'POINT(50 50)', 'POINT(90 50)'], '{10, 10, 10}', '{0, 0, 0}', :'area', residents_min => 0, households_min => 0);

-- a polygon too small for the lattice, beside a barrier
SELECT count(*) FROM grid_build('{1, 2}', ARRAY['POINT(0 0)'::geometry, 'POLYGON((50 50, 50.0000000000001 50, 50 50.0000000000001, 50 50))'], '{300, 300}', NULL, :'area', 'LINESTRING(30 -10, 30 110)');

-- The report
CREATE TABLE atom AS SELECT i::bigint AS id, ST_Point(i % 10 * 10 + 5, i / 10 * 10 + 5) AS geom, 40 AS households, 102 AS residents FROM generate_series(0, 99) i;
CREATE VIEW args AS SELECT array_agg(id) AS ids, array_agg(geom) AS geoms, array_agg(households) AS h, array_agg(residents) AS r FROM atom;
\x on
SELECT r.* FROM args, grid_build_report(ids, geoms, h, r, :'area') r;
SELECT r.* FROM args, grid_build_report(ids, geoms, h, NULL, :'area') r;
-- at 2.56 residents a household only 391 to 500 households are legal
SELECT legal_households_min, legal_households_max, household_size FROM grid_build_report('{1}', ARRAY['POINT(1 1)'::geometry], '{1000}', '{2560}', :'area') r;
SELECT possible, reason FROM args, grid_build_report(ids, geoms, h, r, :'area', grids => 11) r;
UPDATE atom SET residents = 400;
SELECT possible, reason, grids_min, grids_max, legal_households_min, legal_households_max FROM args, grid_build_report(ids, geoms, h, r, :'area') r;
UPDATE atom SET residents = 100, households = CASE WHEN id IN (3, 50) THEN 600 ELSE 40 END;
SELECT possible, reason, grids_min, grids_max, oversized FROM args, grid_build_report(ids, geoms, h, r, :'area') r;
UPDATE atom SET households = 501;
SELECT possible, reason, cardinality(oversized) FROM args, grid_build_report(ids, geoms, h, NULL, :'area') r;
UPDATE atom SET households = 0, residents = 0;
SELECT possible, reason, grids_min, grids_max, oversized FROM args, grid_build_report(ids, geoms, h, r, :'area') r;
-- an island with too few
UPDATE atom SET households = 40, residents = 102;
INSERT INTO atom VALUES (100, ST_Point(200, 5), 40, 102);
SELECT possible, reason, grids_min, grids_max FROM args, grid_build_report(ids, geoms, h, r, ST_Collect(:'area'::geometry, ST_MakeEnvelope(190, 0, 210, 10))) r;
-- without a minimum there can be as many as there are atoms
SELECT possible, reason, grids_min, grids_max FROM args, grid_build_report(ids, geoms, h, NULL, :'area', households_min => 0) r;
\x off
-- and what grid_build says of the same
SELECT count(*), count(*) FILTER (WHERE in_bounds) FROM args, grid_build(ids, geoms, h, r, ST_Collect(:'area'::geometry, ST_MakeEnvelope(190, 0, 210, 10)));

-- Nothing of the caller's search_path matters.
CREATE FUNCTION build_input.st_geomfromwkb(bytea, int) RETURNS geometry LANGUAGE sql AS $$SELECT NULL::geometry$$;
SELECT extnamespace::regnamespace AS home FROM pg_extension WHERE extname = 'gridtree' \gset
SET search_path = build_input;
SELECT count(*), count(*) FILTER (WHERE in_bounds), count(geom) FROM args, :home.grid_build(ids, geoms, h, r, 'POLYGON((0 0, 210 0, 210 100, 0 100, 0 0))'::public.geometry);
SHOW search_path;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA build_input CASCADE;
