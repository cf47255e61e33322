-- grid_layer_check: each problem planted and found, and nothing else.
CREATE SCHEMA layer_check;
SET search_path = layer_check, public;
-- a district of 2 x 2 streets of 4 x 4 communities, all clean
CREATE TABLE area (id serial, geom geometry(Polygon, 3857), code gridcode, closed boolean DEFAULT false);
INSERT INTO area (geom, code) VALUES (ST_MakeEnvelope(0, 0, 80, 80, 3857), '350304');
INSERT INTO area (geom, code) SELECT ST_MakeEnvelope(40 * x, 40 * y, 40 * x + 40, 40 * y + 40, 3857), grid_child('350304', 2 * x + y)
FROM generate_series(0, 1) x, generate_series(0, 1) y;
INSERT INTO area (geom, code) SELECT ST_MakeEnvelope(ST_XMin(s.geom) + 10 * x, ST_YMin(s.geom) + 10 * y, ST_XMin(s.geom) + 10 * x + 10, ST_YMin(s.geom) + 10 * y + 10, 3857),
	grid_child(s.code, 4 * x + y)
FROM area s, generate_series(0, 3) x, generate_series(0, 3) y WHERE grid_digits(s.code) = 9;
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('all', 'area', filter => 'NOT closed');
SELECT grid_layer_add('communities', 'area', filter => 'NOT closed AND grid_digits(code) = 12');
CREATE FUNCTION found(layer text) RETURNS TABLE (problem text, code gridcode, other_code gridcode, area numeric, geom text) STABLE LANGUAGE sql AS $$
	SELECT problem, code, other_code, round(area::numeric, 6), ST_AsText(ST_Normalize(ST_SnapToGrid(ST_RemoveRepeatedPoints(geom), 1e-6)), 6)
	FROM grid_layer_check(layer) ORDER BY problem, code, other_code, area, geom $$;
SELECT * FROM found('all');
SELECT * FROM found('communities');

-- borders with more vertices on one side and with rings that run the other way are clean as well
BEGIN;
UPDATE area SET geom = ST_Segmentize(geom, 3) WHERE id % 3 = 0;
UPDATE area SET geom = ST_Reverse(geom) WHERE id % 2 = 0;
SELECT * FROM found('all');
SELECT * FROM found('communities');
ROLLBACK;

-- overlap: one community reaches into its neighbour, and so out of its street's area
BEGIN;
UPDATE area SET geom = ST_MakeEnvelope(0, 0, 11, 10, 3857) WHERE code = '350304000000';
SELECT * FROM found('all');
ROLLBACK;
BEGIN;
UPDATE area SET geom = ST_MakeEnvelope(30, 0, 42, 10, 3857) WHERE code = '350304000012';
SELECT * FROM found('all');
SELECT * FROM found('communities');
ROLLBACK;
-- one inside of another, over the corner of four, the same area twice, a whole second map on top
BEGIN;
INSERT INTO area (geom, code) VALUES (ST_MakeEnvelope(12, 12, 14, 13, 3857), '350304000100');
SELECT * FROM found('communities');
ROLLBACK;
BEGIN;
INSERT INTO area (geom, code) VALUES (ST_MakeEnvelope(9, 9, 11, 12, 3857), '350304000100');
SELECT * FROM found('communities');
ROLLBACK;
BEGIN;
INSERT INTO area (geom, code) SELECT geom, '350304000100' FROM area WHERE code = '350304000005';
SELECT * FROM found('communities');
ROLLBACK;
BEGIN;
INSERT INTO area (geom, code) SELECT geom, ('9' || right(code::text, 11))::gridcode FROM area WHERE grid_digits(code) = 12;
SELECT problem, count(*), sum(area) FROM found('communities') GROUP BY 1;
SELECT count(*) FROM found('communities') f JOIN area a ON a.code = f.code JOIN area b ON b.code = f.other_code WHERE NOT ST_Equals(a.geom, b.geom);
ROLLBACK;

-- gap: in the middle, at the rim, a sliver, a hole of one area's own, a whole street without communities
BEGIN;
DELETE FROM area WHERE code IN ('350304000005', '350304003015');
SELECT * FROM found('all');
SELECT * FROM found('communities');
ROLLBACK;
BEGIN;
UPDATE area SET geom = 'SRID=3857;POLYGON((0 0, 10 0, 9.999999 5, 10 10, 0 10, 0 0))' WHERE code = '350304000000';
SELECT * FROM found('communities');
ROLLBACK;
BEGIN;
UPDATE area SET geom = ST_Difference(geom, ST_MakeEnvelope(12, 12, 14, 13, 3857)) WHERE code = '350304000005';
SELECT * FROM found('communities');
INSERT INTO area (geom, code) VALUES (ST_MakeEnvelope(12, 12, 14, 13, 3857), '350304000100');
SELECT * FROM found('communities');
SELECT * FROM found('all');
ROLLBACK;
BEGIN;
DELETE FROM area WHERE code <@ '350304001' AND code <> '350304001';
SELECT * FROM found('all');
ROLLBACK;

-- parents: missing, and not there for a good reason
BEGIN;
DELETE FROM area WHERE code = '350304002';
SELECT * FROM found('all');
ROLLBACK;
BEGIN;
DELETE FROM area WHERE grid_digits(code) = 9;
SELECT * FROM found('all');
ROLLBACK;

-- codes: twice, at no level; an area in two rows is one parent
BEGIN;
UPDATE area SET code = '350304000004' WHERE code = '350304000005';
UPDATE area SET code = '35030400000' WHERE code = '350304000000';
SELECT * FROM found('all');
ROLLBACK;
BEGIN;
UPDATE area SET geom = ST_MakeEnvelope(0, 0, 40, 20, 3857) WHERE code = '350304000';
INSERT INTO area (geom, code) VALUES (ST_MakeEnvelope(0, 20, 40, 40, 3857), '350304000');
SELECT * FROM found('all');
ROLLBACK;

-- polygons: invalid, none, empty; what is invalid is measured as it is repaired
BEGIN;
UPDATE area SET geom = 'SRID=3857;POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))' WHERE code = '350304000000';
UPDATE area SET geom = NULL WHERE code = '350304003014';
UPDATE area SET geom = 'SRID=3857;POLYGON EMPTY' WHERE code = '350304003015';
SELECT * FROM found('all');
ROLLBACK;
BEGIN;
UPDATE area SET geom = 'SRID=3857;POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))' WHERE code = '350304';
UPDATE area SET geom = NULL WHERE code = '350304000';
SELECT problem, code, other_code, area FROM found('all') WHERE problem <> 'child outside its parent';
ROLLBACK;
BEGIN;
UPDATE area SET geom = ST_SetSRID(ST_MakePolygon(ST_MakeLine(ARRAY[ST_Point(10, 10), ST_Point(20, 10), ST_Point(20, 'infinity'), ST_Point(10, 20), ST_Point(10, 10)])), 3857)
WHERE code IN ('350304000005', '350304001');
SELECT problem, code, other_code, area, ST_GeometryType(geom) FROM grid_layer_check('all') WHERE problem <> 'child outside its parent' ORDER BY 1, 2;
SELECT problem, code, other_code, area, ST_GeometryType(geom) FROM grid_layer_check('communities') ORDER BY 1, 2;
ROLLBACK;
BEGIN;
UPDATE area SET closed = true WHERE code <> '350304000000';
SELECT * FROM found('all');
UPDATE area SET closed = true;
SELECT * FROM found('all');
ROLLBACK;

-- rows of another SRID, among them an empty polygon of none, as areas of each level, as a second row of one, and at no level
CREATE TABLE plain (geom geometry, code gridcode);
INSERT INTO plain SELECT geom, code FROM area;
CREATE INDEX ON plain USING gist (geom);
SELECT grid_layer_add('plain', 'plain');
SELECT grid_layer_add('plain communities', 'plain', filter => 'grid_digits(code) = 12 OR code IS NULL');
BEGIN;
UPDATE plain SET geom = ST_SetSRID(geom, 4326) WHERE code IN ('350304', '350304002', '350304000005');
UPDATE plain SET geom = 'POLYGON EMPTY' WHERE code = '350304003015';
INSERT INTO plain SELECT ST_SetSRID(geom, 4326), code FROM area WHERE code = '350304001001';
INSERT INTO plain VALUES ('SRID=32650;POLYGON((0 0, 10 0, 0 10, 0 0))', '35030400000'), ('SRID=32650;POLYGON((0 0, 10 0, 0 10, 0 0))', '350304009001');
SELECT * FROM found('plain');
SELECT * FROM found('plain communities');
ROLLBACK;
-- what is no polygon at all, in the same places
CREATE FUNCTION found_without(g geometry, layer text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	problems text;
BEGIN
	UPDATE plain p SET geom = g WHERE p.code IN ('350304', '350304002', '350304000005');
	INSERT INTO plain VALUES (g, '350304001001'), (g, '35030400000'), (g, '350304009001'), (g, NULL);
	SELECT string_agg(n || ' ' || problem || COALESCE(' of ' || area, ''), ', ' ORDER BY problem) INTO problems
	FROM (SELECT f.problem, count(*) AS n, sum(f.area)::int AS area FROM found(layer) f GROUP BY 1) f;
	DELETE FROM plain;
	INSERT INTO plain SELECT a.geom, a.code FROM area a;
	RETURN problems;
END $$;
SELECT ST_GeometryType(g), layer, found_without(ST_SetSRID(g, 3857), layer) FROM (VALUES ('POINT(15 15)'::geometry), ('LINESTRING(10 10, 20 20)'), ('MULTIPOINT(15 15)'),
	('CIRCULARSTRING(10 10, 15 15, 20 10)'), ('COMPOUNDCURVE((10 10, 20 20))'), ('CURVEPOLYGON(CIRCULARSTRING(10 10, 20 20, 10 10))'), ('MULTISURFACE(((10 10, 20 10, 20 20, 10 10)))'),
	('TRIANGLE((10 10, 20 10, 20 20, 10 10))'), ('TIN(((10 10, 20 10, 20 20, 10 10)))'), ('POLYHEDRALSURFACE(((10 10, 20 10, 20 20, 10 10)))'),
	('GEOMETRYCOLLECTION(POLYGON((10 10, 20 10, 20 20, 10 10)), POINT(15 15))')) v(g), unnest('{plain,plain communities}'::text[]) layer;

-- no code: in no layer, and so in no other check
BEGIN;
UPDATE plain SET code = NULL WHERE code = '350304000005';
INSERT INTO plain VALUES ('SRID=4326;POLYGON((0 0, 1 0, 1 1, 0 0))', NULL), (NULL, NULL);
SELECT * FROM found('plain');
SELECT * FROM found('plain communities');
ROLLBACK;

-- a table whose name is one of those in our queries, with a filter that names it
CREATE TABLE f AS SELECT geom, code, true AS inside FROM area WHERE code <> '350304000005' AND grid_digits(code) = 12;
CREATE INDEX ON f USING gist (geom);
SELECT grid_layer_add('f', 'f', filter => 'f.inside AND f.code IS NOT NULL');
SELECT * FROM found('f');

-- degrees: square metres
CREATE TABLE degrees (geom geometry(MultiPolygon, 4326), code gridcode);
INSERT INTO degrees SELECT ST_Multi(ST_MakeEnvelope(119 + x * 0.01, 25, 119 + x * 0.01 + 0.01 + x * 0.00001, 25.01, 4326)), grid_child('350304', x) FROM generate_series(0, 2) x;
CREATE INDEX ON degrees USING gist (geom);
SELECT grid_layer_add('degrees', 'degrees');
SELECT problem, code, other_code, abs(area / ST_Area(geom::geography) - 1) < 0.01 AS right_area, ST_SRID(geom), GeometryType(geom) FROM grid_layer_check('degrees');
-- partitions, of which each has its own places of rows
CREATE TABLE parted (geom geometry(Polygon, 3857), code gridcode) PARTITION BY HASH (code);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parted SELECT CASE WHEN code = '350304000000' THEN ST_MakeEnvelope(0, 0, 11, 11, 3857) ELSE geom END, code FROM area;
CREATE INDEX ON parted USING gist (geom);
SELECT grid_layer_add('parted', 'parted');
SELECT * FROM found('parted');

-- thousands of gaps, each of which must be looked for by index
CREATE TABLE circles AS SELECT ST_Buffer(ST_SetSRID(ST_Point(100 * (i % 60), 100 * (i / 60)), 3857), 70) AS geom, (350304000000000 + i)::text::gridcode AS code
FROM generate_series(0, 3599) i;
CREATE INDEX ON circles USING gist (geom);
ANALYZE circles;
SELECT grid_layer_add('circles', 'circles');
BEGIN;
SELECT problem, count(*) FROM grid_layer_check('circles') GROUP BY 1 ORDER BY 1;
SELECT seq_scan < 100 AS rarely_whole, idx_scan > 3000 AS by_index FROM pg_stat_xact_user_tables WHERE relid = 'circles'::regclass;
COMMIT;

-- errors and rights
\set SHOW_CONTEXT never
SELECT * FROM grid_layer_check('nosuch');
SELECT * FROM grid_layer_check(NULL);
BEGIN;
ALTER TABLE f RENAME code TO id;
SAVEPOINT renamed;
SELECT * FROM grid_layer_check('f');
ROLLBACK TO renamed;
ALTER TABLE f DROP geom;
SELECT * FROM grid_layer_check('f');
ROLLBACK;
BEGIN;
ALTER TABLE degrees ALTER geom TYPE geometry(MultiPolygon, 32650) USING ST_SetSRID(geom, 32650);
SELECT * FROM grid_layer_check('degrees');
ROLLBACK;
CREATE ROLE layer_check_reader;
GRANT USAGE ON SCHEMA layer_check TO layer_check_reader;
SET ROLE layer_check_reader;
SELECT * FROM grid_layer_check('communities');
RESET ROLE;
GRANT SELECT ON area TO layer_check_reader;
SET ROLE layer_check_reader;
SELECT * FROM grid_layer_check('communities');
RESET ROLE;
-- names in a search_path that are not ours
CREATE SCHEMA evil;
CREATE FUNCTION evil.st_intersection(geometry, geometry) RETURNS geometry LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION evil.st_area(geometry) RETURNS float8 LANGUAGE sql AS 'SELECT 0 / 0::float8';
CREATE FUNCTION evil.tideq(tid, tid) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1';
CREATE OPERATOR evil.= (LEFTARG = tid, RIGHTARG = tid, FUNCTION = evil.tideq);
SET search_path = evil, layer_check, public, pg_catalog;
SELECT problem, code, other_code, area FROM grid_layer_check('parted') ORDER BY 1, 2, 3;

SET search_path = public;
SET client_min_messages = warning;
DROP SCHEMA layer_check, evil CASCADE;
DROP ROLE layer_check_reader;
