-- grid_locate: one rule, stated by SQL; who may; what is refused; which SQL is run.
CREATE SCHEMA locate;
SET search_path = locate, public;

-- three levels in one table, an overlap, a gap, rows without a code, and a closed area
CREATE TABLE area (geom geometry(Geometry, 3857), code gridcode, closed boolean DEFAULT false);
INSERT INTO area (geom, code) VALUES
	(ST_MakeEnvelope(0, 0, 8, 8, 3857), '350304'),
	(ST_MakeEnvelope(0, 0, 4, 8, 3857), '350304002'),
	(ST_MakeEnvelope(4, 0, 8, 8, 3857), '350304001'),
	(ST_MakeEnvelope(0, 0, 2, 2, 3857), '350304002001'),
	(ST_MakeEnvelope(2, 0, 4, 2, 3857), '350304002002'),
	(ST_MakeEnvelope(4, 0, 6, 2, 3857), '350304001001'),
	(ST_MakeEnvelope(1, 1, 3, 3, 3857), '350304002003'),	-- overlaps
	(ST_MakeEnvelope(-9, -9, 9, 9, 3857), NULL),
	(NULL, '350304009'),
	('SRID=3857;POLYGON EMPTY', '350304008'),
	('SRID=3857;MULTIPOLYGON(((20 0, 30 0, 30 10, 20 10, 20 0), (22 2, 28 2, 28 8, 22 8, 22 2)), ((24 4, 26 4, 26 6, 24 6, 24 4)))', '36');
INSERT INTO area VALUES (ST_MakeEnvelope(0, 0, 8, 8, 3857), '350304001001000001', true);
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('area', 'area', filter => 'NOT closed');

CREATE FUNCTION at(x float8, y float8, tolerance float8 DEFAULT 0) RETURNS gridcode STABLE
	LANGUAGE sql AS 'SELECT grid_locate(''area'', ST_SetSRID(ST_Point(x, y), 3857), tolerance)';
-- inside, in the overlap, on a shared edge, at a corner of four, on the outer edge, in a hole, on an island in it
SELECT at(0.5, 0.5) AS inside, at(1.5, 1.5) AS overlap, at(2, 0.5) AS edge, at(4, 2) AS corner, at(4, 8) AS outer_edge,
	at(23, 3) AS hole, at(22, 3) AS hole_edge, at(25, 5) AS island, at(24, 5) AS island_edge;
SELECT at(7, 7) AS second_level, at(0, 0) AS first_corner, at(-1, 0) AS outside;

-- the rule's own SQL, written here once more, on a fine lattice; and again after the rows changed places
CREATE VIEW differing AS
	SELECT x, y, p.located, r.code FROM (
		SELECT x, y, ST_SetSRID(ST_Point(x, y), 3857) AS point, at(x, y) AS located
		FROM generate_series(-1, 31, 0.5) x, generate_series(-1, 11, 0.5) y) p
	LEFT JOIN LATERAL (SELECT code FROM area WHERE NOT closed AND code IS NOT NULL AND ST_Intersects(geom, point)
		ORDER BY grid_digits(code) DESC, code LIMIT 1) r ON true
	WHERE located IS DISTINCT FROM r.code;
SELECT count(*) FROM differing;
CREATE TABLE again AS SELECT * FROM area ORDER BY code DESC NULLS FIRST, md5(geom::text);
TRUNCATE area;
INSERT INTO area SELECT * FROM again;
SELECT count(*) FROM differing;

-- tolerance: nearest within it, the border of the tolerance included, ties by the rule
SELECT at(-1, 1, 0.5) AS too_far, at(-1, 1, 1) AS just, at(-1, 1, 5) AS near, at(14, 5, 5.999) AS between,
	at(14, 5, 6) AS tie, at(14.1, 5, 6) AS nearer, at(1.5, 1.5, 100) AS inside;
-- closer than 1e-12 is a tie, in which the deeper wins; beyond it the nearer does
SELECT at(4, -1, 2) AS tie_of_two, at(14 + 1e-13, 5, 7) AS tie, at(14 + 1e-12, 5, 7) AS nearer;

-- degrees: tolerance in metres at the point
CREATE TABLE degrees (geom geometry(Polygon, 4326), code gridcode);
INSERT INTO degrees VALUES (ST_MakeEnvelope(10, 59, 11, 61, 4326), '1'), (ST_MakeEnvelope(12, 60.5, 13, 61, 4326), '2');
CREATE INDEX ON degrees USING gist (geom);
SELECT grid_layer_add('degrees', 'degrees');
-- half a degree of longitude at 60 degrees north is 27,799 m
SELECT m, grid_locate('degrees', ST_SetSRID(ST_Point(11.5, 60), 4326), m) FROM (VALUES (27798), (27799), (30000)) v(m);
-- 0.7 degrees east or 0.3 degrees north: the second is farther in degrees of longitude only
SELECT grid_locate('degrees', ST_SetSRID(ST_Point(12.2, 60.2), 4326), 1e5);
SELECT grid_locate('degrees', ST_SetSRID(ST_Point(50, 90), 4326), 4e6), grid_locate('degrees', ST_SetSRID(ST_Point(50, 90), 4326), 1e3);

-- NULL and empty
SELECT grid_locate('area', NULL), grid_locate(NULL, ST_Point(0, 0)), grid_locate('area', 'SRID=3857;POINT EMPTY'),
	grid_locate('area', 'SRID=3857;POINT Z EMPTY', 5), at(0, 0, NULL);
-- what is refused
SELECT grid_locate('nosuch', 'SRID=3857;POINT(0 0)');
SELECT grid_locate(repeat('x', 100), 'SRID=3857;POINT(0 0)');
SELECT grid_locate('area', 'POINT(0 0)');
SELECT grid_locate('area', 'SRID=4326;POINT(0 0)');
SELECT grid_locate('area', 'SRID=4326;POINT EMPTY');
SELECT grid_locate('area', geom) FROM area WHERE code = '350304';
SELECT grid_locate('area', 'SRID=3857;LINESTRING(0 0, 1 1)');
SELECT grid_locate('area', 'SRID=3857;MULTIPOINT(0 0)');
SELECT grid_locate('area', 'SRID=3857;POLYGON EMPTY');
SELECT grid_locate('area', 'SRID=3857;GEOMETRYCOLLECTION(POINT(0 0))');
SELECT at('NaN', 0);
SELECT at(0, 'NaN');
SELECT at('Infinity', 0);
SELECT at(0, '-Infinity');
SELECT at(0, 0, -1);
SELECT at(0, 0, 'NaN');
SELECT at(0, 0, 'Infinity');
SELECT grid_locate('area', ST_Point(0, 0)::geography);

-- what is read of a point without asking PostGIS, for every kind of point
CREATE TABLE points AS
	SELECT p AS point FROM (SELECT setseed(0.5)) s, generate_series(1, 200) i, LATERAL (SELECT random() * 40 - 5 + i * 0 AS x, random() * 15 - 2 AS y) c,
		LATERAL (VALUES (ST_MakePoint(x, y)), (ST_MakePoint(x, y, 1e300)), (ST_MakePointM(x, y, -7)), (ST_MakePoint(x, y, 3, 4))) k(q),
		LATERAL (VALUES (ST_SetSRID(q, 3857)), (postgis_addbbox(ST_SetSRID(q, 3857)))) b(p);
SELECT count(*), count(DISTINCT ST_Zmflag(point)) AS kinds, count(DISTINCT postgis_hasbbox(point)) AS boxes,
	count(*) FILTER (WHERE grid_locate('area', point) IS DISTINCT FROM at(ST_X(point), ST_Y(point))) AS differing,
	count(grid_locate('area', point)) > 200 AS many_inside
FROM points;
-- SRIDs up to the greatest
SELECT grid_locate('area', ST_SetSRID(ST_Point(0, 0), 998999));
SELECT grid_locate('area', ST_SetSRID(ST_Point(0, 0), 1));
-- stored, compressed, out of line: any datum
CREATE TABLE stored (p geometry);
ALTER TABLE stored ALTER p SET STORAGE EXTERNAL;
INSERT INTO stored VALUES ('SRID=3857;POINT(0.5 0.5)'), ('SRID=3857;POINT EMPTY');
SELECT grid_locate('area', p) FROM stored;

-- the same statement, changed polygons: under the statement's snapshot, before and after ROLLBACK TO
BEGIN;
UPDATE area SET code = '350304002009' WHERE code = '350304002001';
SELECT at(0.5, 0.5);
SAVEPOINT s;
DELETE FROM area WHERE code = '350304002009';
SELECT at(0.5, 0.5);
ROLLBACK TO s;
SELECT at(0.5, 0.5);
ROLLBACK;
SELECT at(0.5, 0.5);
-- a layer made and dropped in a transaction that is rolled back
BEGIN;
SELECT grid_layer_drop('area');
SELECT grid_layer_add('area', 'area', filter => 'closed');
SELECT at(0.5, 0.5);
ROLLBACK;
SELECT at(0.5, 0.5);
-- in a loop of one PL/pgSQL call
CREATE FUNCTION looped() RETURNS SETOF gridcode LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..3 LOOP
		RETURN NEXT at(0.5, 0.5);
		DELETE FROM area WHERE code = at(0.5, 0.5);
	END LOOP;
END $$;
BEGIN;
SELECT looped();
ROLLBACK;

-- a filter may call functions that locate
CREATE FUNCTION in_degrees(geometry) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
	$$ BEGIN RETURN public.grid_locate('degrees', public.ST_SetSRID(public.ST_Point(10.5, 60), 4326)) OPERATOR(public.=) '1'; END $$;
SELECT grid_layer_add('nested', 'area', filter => 'in_degrees(geom) AND NOT closed');
SELECT grid_locate('nested', 'SRID=3857;POINT(0.5 0.5)');
-- more layers than are kept
SELECT count(grid_layer_add('many ' || i, 'area', filter => 'grid_digits(code) < ' || i)) FROM generate_series(1, 70) i;
SELECT count(*), count(c), count(DISTINCT c) FROM (SELECT grid_locate('many ' || i % 70 + 1, 'SRID=3857;POINT(0.5 0.5)') c FROM generate_series(1, 210) i) s;
SELECT count(grid_layer_drop(layer)) FROM grid_layers WHERE layer LIKE 'many %';

-- rights: to SELECT from the table, of whoever asks, at every statement
CREATE ROLE locate_reader;
CREATE ROLE locate_nobody;
GRANT USAGE ON SCHEMA locate TO locate_reader, locate_nobody;
SET ROLE locate_nobody;
SELECT at(0.5, 0.5);
RESET ROLE;
GRANT SELECT ON area TO locate_reader;
SET ROLE locate_reader;
SELECT at(0.5, 0.5);
SET ROLE locate_nobody;
SELECT at(0.5, 0.5);
RESET ROLE;
PREPARE prepared AS SELECT at(0.5, 0.5);
EXECUTE prepared;
SET ROLE locate_nobody;
EXECUTE prepared;
RESET ROLE;
REVOKE SELECT ON area FROM locate_reader;
GRANT SELECT (geom, code, closed) ON area TO locate_reader;
SET ROLE locate_reader;
SELECT at(0.5, 0.5), at(-1, 1, 2);
RESET ROLE;
REVOKE SELECT (closed) ON area FROM locate_reader;
SET ROLE locate_reader;
SELECT at(0.5, 0.5);
RESET ROLE;
-- row-level policies: each role sees its own areas
GRANT SELECT ON area TO locate_reader, locate_nobody;
ALTER TABLE area ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON area TO locate_reader USING (grid_digits(code) < 12);
SELECT current_user <> 'locate_reader' AS owner, at(0.5, 0.5), at(-1, 1, 2);
SET ROLE locate_reader;
SELECT current_user, at(0.5, 0.5), at(-1, 1, 2);
SET ROLE locate_nobody;
SELECT current_user, at(0.5, 0.5), at(-1, 1, 2);
RESET ROLE;
SELECT at(0.5, 0.5);
ALTER TABLE area DISABLE ROW LEVEL SECURITY;

-- a search_path full of traps
CREATE SCHEMA evil;
CREATE FUNCTION evil.trap(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trap % was called', $1; END $$;
CREATE FUNCTION evil.st_intersects(geometry, geometry) RETURNS boolean LANGUAGE sql AS 'SELECT evil.trap(''st_intersects'')';
CREATE FUNCTION evil.st_dwithin(geometry, geometry, float8) RETURNS boolean LANGUAGE sql AS 'SELECT evil.trap(''st_dwithin'')';
CREATE FUNCTION evil.grid_digits(gridcode) RETURNS int LANGUAGE sql AS 'SELECT evil.trap(''grid_digits'')::int';
CREATE FUNCTION evil.min(float8) RETURNS float8 LANGUAGE sql AS 'SELECT evil.trap(''min'')::int::float8';
CREATE FUNCTION evil.eq(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT evil.trap(''varchar ='')';
CREATE OPERATOR evil.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = evil.eq);
CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT evil.trap(''text ='')';
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
CREATE FUNCTION evil.le(float8, float8) RETURNS boolean LANGUAGE sql AS 'SELECT evil.trap(''<='')';
CREATE OPERATOR evil.<= (LEFTARG = float8, RIGHTARG = float8, FUNCTION = evil.le);
CREATE FUNCTION evil.overlaps(geometry, geometry) RETURNS boolean LANGUAGE sql AS 'SELECT evil.trap(''&&'')';
CREATE OPERATOR evil.&& (LEFTARG = geometry, RIGHTARG = geometry, FUNCTION = evil.overlaps);
ALTER TABLE area ADD kind varchar DEFAULT 'base';
SELECT grid_layer_add('trapped', 'area', filter => 'kind = ''base'' AND NOT closed');
SET search_path = evil, locate, public, pg_catalog;
SELECT grid_locate('trapped', 'SRID=3857;POINT(0.5 0.5)'), grid_locate('trapped', 'SRID=3857;POINT(-1 1)', 2),
	grid_locate('degrees', ST_SetSRID(ST_Point(12.2, 60.2), 4326), 1e5);
SELECT grid_layer_add('evil', 'locate.degrees');
SHOW search_path;
SELECT grid_layer_add('evil2', 'locate.area', filter => 'kind = ''base''');
SET search_path = locate, public;

-- parallel workers give the same answers
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE points SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT count(grid_locate('area', point)) FROM points;
SELECT count(*), count(grid_locate('area', point)) =
	(SELECT count(*) FROM points p WHERE EXISTS (SELECT FROM area WHERE NOT closed AND code IS NOT NULL AND ST_Intersects(geom, p.point))) AS same
FROM points;

SET client_min_messages = warning;
DROP SCHEMA locate, evil CASCADE;
DROP ROLE locate_reader, locate_nobody;
SELECT count(*) FROM grid_layers;
