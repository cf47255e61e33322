-- grid_build: grids of many shapes of areas, each looked at from all sides.
\set VERBOSITY terse
CREATE SCHEMA build;
SET search_path = build, public;
SET jit = off;

\set ECHO none
\i tests/lib/drawn.sql
\set ECHO all

-- Chance that is the same everywhere: a fraction from a key.
CREATE FUNCTION chance(key text) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN ('x' || left(md5(key), 8))::bit(32)::bigint / 4294967296.0::float8;

-- So many buildings in an area, on whole tenths of a unit.
CREATE FUNCTION build_in(area geometry, n int, seed text) RETURNS void LANGUAGE sql AS $$
	TRUNCATE atom;
	INSERT INTO atom
	SELECT row_number() OVER (ORDER BY i), p, h, round(h * (2.4 + 0.5 * chance(seed || 'r' || i)))
	FROM (SELECT i, ST_SetSRID(ST_Point(round((ST_XMin(area) + (ST_XMax(area) - ST_XMin(area)) * chance(seed || 'x' || i))::numeric, 1)::float8,
			round((ST_YMin(area) + (ST_YMax(area) - ST_YMin(area)) * chance(seed || 'y' || i))::numeric, 1)::float8), ST_SRID(area)) AS p,
			20 + floor(80 * chance(seed || 'h' || i))::int AS h
		FROM generate_series(1, 40 * n) AS i) c
	WHERE ST_Intersects(p, area) ORDER BY i LIMIT n
$$;

\pset tuples_only on
-- A square
SELECT ST_MakeEnvelope(0, 0, 1000, 800) AS square \gset
SELECT build_in(:'square', 120, 'square');
SELECT draw(:'square');
SELECT count(*) FROM drawn WHERE GeometryType(geom) <> 'POLYGON' OR NOT in_bounds;

-- The order of rows makes no difference, to the byte.
SELECT array_agg(d::text ORDER BY grid) AS before FROM drawn d \gset
SELECT array_agg(b::text ORDER BY b.grid) = :'before'::text[]
FROM (SELECT array_agg(id ORDER BY md5(id::text)) AS ids, array_agg(geom ORDER BY md5(id::text)) AS geoms,
		array_agg(households ORDER BY md5(id::text)) AS h, array_agg(residents ORDER BY md5(id::text)) AS r FROM atom) a,
	grid_build(ids, geoms, h, r, :'square') b;
-- Nor does a worker.
BEGIN;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_tuple_cost = 0;
CREATE TABLE community AS SELECT n, array_agg(id ORDER BY id) AS ids, array_agg(geom ORDER BY id) AS geoms, array_agg(households ORDER BY id) AS h,
	array_agg(residents ORDER BY id) AS r FROM atom, generate_series(1, 3) n GROUP BY n;
ALTER TABLE community SET (parallel_workers = 2);
SELECT n, array_agg(b::text ORDER BY b.grid) = :'before'::text[] FROM community, grid_build(ids, geoms, h, r, :'square') b GROUP BY n ORDER BY n;
ROLLBACK;

-- Exactly so many, as long as that is possible at all
SELECT grids_min, grids_max FROM (SELECT array_agg(id) AS ids, array_agg(geom) AS geoms, array_agg(households) AS h, array_agg(residents) AS r FROM atom) a,
	grid_build_report(ids, geoms, h, r, :'square');
SELECT n, draw(:'square', NULL, n) FROM generate_series(16, 18) n;
SELECT draw(:'square', NULL, 5);
SELECT draw(:'square', NULL, 1);
SELECT draw(:'square', NULL, 200);

-- Households only
UPDATE atom SET residents = NULL;
SELECT draw(:'square');
SELECT DISTINCT residents FROM drawn;

-- A U, a ring, a strip, a star, parts of which one is empty
SELECT 'POLYGON((0 0, 1000 0, 1000 800, 800 800, 800 150, 200 150, 200 800, 0 800, 0 0))' AS u \gset
SELECT build_in(:'u', 120, 'u');
SELECT draw(:'u');
SELECT 'POLYGON((0 0, 1000 0, 1000 800, 0 800, 0 0), (300 300, 300 500, 700 500, 700 300, 300 300), (100 100, 150 110, 120 150, 100 100))' AS ring \gset
SELECT build_in(:'ring', 120, 'ring');
SELECT draw(:'ring');
SELECT 'POLYGON((0 0, 3000 0, 3000 40, 0 40, 0 0))' AS strip \gset
SELECT build_in(:'strip', 80, 'strip');
SELECT draw(:'strip');
SELECT 'POLYGON((0 500, 400 600, 500 1000, 600 600, 1000 500, 600 400, 500 0, 400 400, 0 500))' AS star \gset
SELECT build_in(:'star', 90, 'star');
SELECT draw(:'star');
SELECT 'MULTIPOLYGON(((0 0, 600 0, 600 800, 0 800, 0 0)), ((700 100, 1000 100, 1000 700, 700 700, 700 100)), ((1100 100, 1150 100, 1150 150, 1100 100)))' AS islands \gset
SELECT build_in(:'islands', 120, 'islands');
DELETE FROM atom WHERE ST_X(geom) > 1050;
SELECT draw(:'islands', NULL, NULL, 2);
-- the empty island is with the grid that is nearest to it
SELECT count(*) FROM drawn d WHERE ST_Intersects(d.geom, ST_Point(1140, 110)) AND ST_Distance(ST_GeometryN(d.geom, 1), ST_GeometryN(:'islands', 3)) = ST_Distance(ST_GeometryN(:'islands', 2), ST_GeometryN(:'islands', 3));
-- a few who live there have a grid of their own, and fewer grids than inhabited parts cannot be
INSERT INTO atom VALUES (1001, ST_Point(1140, 110), 20, 50);
SELECT draw(:'islands');
SELECT draw(:'islands', NULL, 1);

-- Many at one place, some on the border, some outside
SELECT build_in(:'square', 60, 'places');
INSERT INTO atom SELECT 100 + i, ST_Point(500, 400), 12, 30 FROM generate_series(1, 30) i;
INSERT INTO atom SELECT 200 + i, ST_Point(100 * i, 0), 30, 75 FROM generate_series(0, 10) i;
INSERT INTO atom VALUES (301, ST_Point(-50, 100), 30, 75), (302, ST_Point(1200, 900), 30, 75), (303, ST_Point(1000, 850), 30, 75), (304, ST_Point(1200, 950), 30, 75);
SELECT draw(:'square');
SELECT count(*) FROM drawn WHERE ids && ARRAY(SELECT 100::bigint + i FROM generate_series(1, 30) i);
SELECT count(*) FROM drawn d JOIN atom a ON a.id = ANY (d.ids) WHERE a.id > 300 AND ST_Distance(a.geom, d.geom) > ST_Distance(a.geom, :'square') + 1e-6;
-- all at one place
TRUNCATE atom;
INSERT INTO atom SELECT i, ST_Point(500, 400), 100, 250 FROM generate_series(1, 8) i;
SELECT draw(:'square');
-- all on a line; on the lattice of a checkerboard
TRUNCATE atom;
INSERT INTO atom SELECT i, ST_Point(10 * i, 400), 20, 50 FROM generate_series(1, 90) i;
SELECT draw(:'square');
TRUNCATE atom;
INSERT INTO atom SELECT 100 * i + j, ST_Point(100 * i, 100 * j), 50, 130 FROM generate_series(0, 10) i, generate_series(0, 8) j;
SELECT draw(:'square');

-- Barriers: borders follow them, and a pocket is cut off
SELECT build_in(:'square', 150, 'barriers');
SELECT 'GEOMETRYCOLLECTION(LINESTRING(-10 200, 500 220, 1100 200), LINESTRING(500 -10, 520 900), LINESTRING(900 700, 950 790), LINESTRING(200 -20, 210 250, -20 240), POLYGON((690 -5, 700 -5, 705 805, 695 805, 690 -5)))' AS barriers \gset
SELECT draw(:'square', :'barriers');
CREATE FUNCTION along(barriers geometry) RETURNS float8 LANGUAGE sql AS $$
	SELECT sum(ST_Length(ST_Intersection(s.geom, ST_Buffer(barriers, 1e-3)))) / sum(ST_Length(s.geom))
	FROM drawn d, ST_DumpSegments(d.geom) s WHERE EXISTS (SELECT FROM drawn o WHERE o.grid <> d.grid AND ST_Covers(o.geom, ST_LineInterpolatePoint(s.geom, 0.5)))
$$;
SELECT round(along(:'barriers')::numeric, 4) AS along \gset
SELECT draw(:'square');
SELECT :along > 0.4, along(:'barriers') < 0.05;
-- barriers far away, crossing nothing, or along the border are no trouble
SELECT draw(:'square', 'MULTILINESTRING((5000 0, 6000 0), (0 0, 1000 0), (400 400, 400 400.5), (0 800, 1000 800.0001))');
SELECT draw(:'square', 'LINESTRING EMPTY');
SELECT draw(:'square', 'POINT(500 400)');

-- Polygons that tile; blocks with streets between, and points among them
TRUNCATE atom;
INSERT INTO atom SELECT 100 * x + y, ST_MakeEnvelope(100 * x, 100 * y, 100 * x + 100, 100 * y + 100), 40 + (37 * x + 61 * y) % 70, NULL FROM generate_series(0, 9) x, generate_series(0, 7) y;
SELECT draw(:'square');
UPDATE atom SET geom = CASE WHEN id % 7 = 0 THEN ST_Centroid(geom) ELSE ST_Buffer(geom, -8, 'join=mitre') END;
SELECT draw(:'square');
SELECT draw(:'square', 'MULTILINESTRING((0 400, 1000 400), (500 0, 500 800))');
-- that do not match: slivers, overlaps, a point in a polygon, polygons out of the area or under another
UPDATE atom SET geom = ST_Translate(ST_Buffer(ST_Centroid(geom), 50.01, 'endcap=square quad_segs=1'), (id % 5) * 0.01 - 0.02, (id % 3) * 0.01 - 0.01);
SELECT ST_GeometryType(geom), count(*) FROM atom GROUP BY 1;
SELECT draw(:'square', overlap => 1e-3);
INSERT INTO atom VALUES (5001, ST_Point(50, 50), 5, NULL), (5002, ST_MakeEnvelope(2000, 0, 2100, 100), 40, NULL), (5003, ST_MakeEnvelope(310, 310, 340, 340), 10, NULL), (5004, ST_Multi(ST_Collect(ST_MakeEnvelope(-60, 0, -10, 50), ST_MakeEnvelope(-60, 60, -10, 80))), 10, NULL);
SELECT draw(:'square', overlap => 1e-3);

-- A polygon over another: the lower id has what both cover; what is cut off of the other does not make a grid of two parts.
TRUNCATE atom;
INSERT INTO atom VALUES (1, ST_MakeEnvelope(40, 0, 60, 100), 350), (2, ST_MakeEnvelope(0, 40, 100, 60), 350);
SELECT draw(ST_MakeEnvelope(0, 0, 100, 100), NULL, 2, overlap => 0.7);
-- the same polygon twice, most of it outside: one unit
TRUNCATE atom;
INSERT INTO atom SELECT i, 'POLYGON((90 40, 110 40, 110 -50, 130 -50, 130 60, 90 60, 90 40))', 170 FROM generate_series(1, 2) i;
INSERT INTO atom VALUES (3, ST_Point(97, 10), 300), (4, ST_Point(99, 30), 300);
SELECT draw(ST_MakeEnvelope(0, 0, 100, 100));
SELECT ids FROM drawn WHERE 1 = ANY (ids);
-- a polygon of two parts far from each other stays whole
TRUNCATE atom;
INSERT INTO atom VALUES (1, ST_Collect(ST_MakeEnvelope(0, 0, 10, 10), ST_MakeEnvelope(90, 90, 100, 100)), 350), (2, ST_MakeEnvelope(30, 30, 70, 70), 350);
SELECT draw(ST_MakeEnvelope(0, 0, 100, 100), parts => 2);

-- On the border of a notch, and outside beside a hole or an island: each belongs to the border it is at.
TRUNCATE atom;
INSERT INTO atom VALUES (1, ST_Point(47, 90), 300), (2, ST_Point(49, 90), 300), (3, ST_Point(90, 5), 300);
SELECT draw('POLYGON((0 0, 100 0, 100 100, 51 100, 51 10, 49 10, 49 100, 0 100, 0 0))');
TRUNCATE atom;
INSERT INTO atom VALUES (1, ST_Point(5, 5), 300), (2, ST_Point(57, 50), 300), (3, ST_Point(52, 51), 10);
SELECT draw('MULTIPOLYGON(((0 0, 100 0, 100 100, 80 100, 80 20, 20 20, 20 100, 0 100, 0 0), (85 90, 95 90, 95 80, 85 90)), ((55 45, 60 45, 60 55, 55 55, 55 45)))');
SELECT grid, ids FROM drawn ORDER BY grid;
-- nearer to each other than a Voronoi diagram can tell
TRUNCATE atom;
INSERT INTO atom SELECT i, ST_Point(50 + i * 1e-8, 50), 100 FROM generate_series(1, 5) i;
INSERT INTO atom SELECT 10 + i, ST_Point(10 * i, 20), 100 FROM generate_series(1, 9) i;
SELECT draw(ST_MakeEnvelope(0, 0, 100, 100));

-- A barrier or blocks along a slanted border, with vertices of their own
SELECT 'POLYGON((500000 4000000, 501000 4000063, 500915 4000498, 500000 4000417, 500000 4000000))' AS slanted \gset
SELECT build_in(:'slanted', 100, 'slanted');
SELECT DISTINCT draw(:'slanted', ST_Translate(ST_Boundary(ST_Segmentize(:'slanted'::geometry, step)), step % 3 * 1e-9, 0)) FROM generate_series(20, 60) step;
TRUNCATE atom;
INSERT INTO atom SELECT row_number() OVER (), p.geom, 45 FROM (SELECT ST_Segmentize(:'slanted'::geometry, 30) AS geom) a,
	ST_SquareGrid(71.3, a.geom) g, LATERAL ST_Dump(ST_CollectionExtract(ST_Intersection(a.geom, g.geom), 3)) p;
SELECT draw(:'slanted') ~ 'grids, ';

-- Degrees, far from the equator; a projected system with large numbers
SELECT ST_MakeEnvelope(119.00, 25.43, 119.03, 25.45, 4326) AS degrees \gset
TRUNCATE atom;
INSERT INTO atom SELECT i, ST_SetSRID(ST_Point(119 + 0.03 * chance('dx' || i), 25.43 + 0.02 * chance('dy' || i)), 4326), 20 + floor(80 * chance('dh' || i)), NULL FROM generate_series(1, 150) i;
SELECT draw(:'degrees');
SELECT DISTINCT ST_SRID(geom) FROM drawn;
SELECT 'SRID=4326;LINESTRING(119.01 25.4, 119.012 25.5)' AS road \gset
SELECT draw(:'degrees', :'road');
-- the road ends as a border, at both ends of the area
SELECT count(*) >= 4 FROM drawn d, ST_DumpPoints(d.geom) p WHERE ST_DWithin(p.geom, ST_Intersection(:'road'::geometry, ST_Boundary(:'degrees'::geometry)), 1e-9);
SELECT ST_MakeEnvelope(25.0, 70.0, 25.1, 70.03, 4326) AS north \gset
UPDATE atom SET geom = ST_SetSRID(ST_Point(25 + 0.1 * chance('dx' || id), 70 + 0.03 * chance('dy' || id)), 4326);
SELECT draw(:'north');
-- as round as in metres: a degree of longitude is short here
SELECT median < 1.4 FROM (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (ST_XMax(m) - ST_XMin(m)) / (ST_YMax(m) - ST_YMin(m))) AS median FROM drawn, ST_Transform(geom, 32635) m) x;
SELECT ST_MakeEnvelope(40500000, 2812000, 40501000, 2812800, 4549) AS metres \gset
UPDATE atom SET geom = ST_SetSRID(ST_Point(40500000 + 1000 * chance('dx' || id), 2812000 + 800 * chance('dy' || id)), 4549);
SELECT draw(:'metres');

-- More points than one call of PostGIS is given
TRUNCATE atom;
INSERT INTO atom SELECT i, ST_Point(1000 * chance('cx' || i), 800 * chance('cy' || i)), 1 + floor(4 * chance('ch' || i)), NULL FROM generate_series(1, 9000) i;
SELECT draw(:'square');

-- a road that lies where they are cut apart is a border all the same
TRUNCATE atom;
INSERT INTO atom SELECT i, ST_Point(i % 100 * 10 + 5, 800 * chance('ry' || i)), 2 FROM generate_series(1, 6000) i;
SELECT draw(:'square', 'LINESTRING(500 -10, 500 810)');
SELECT sum(ST_Length(s.geom)) FROM drawn d, ST_DumpSegments(d.geom) s WHERE ST_XMin(s.geom) = 500 AND ST_XMax(s.geom) = 500;
-- blocks with streets between, more corners than one call is given
TRUNCATE atom;
INSERT INTO atom SELECT 100 * x + y, ST_Buffer(ST_Point(20 * x + 10, 20 * y + 10), 8, 4), 8 FROM generate_series(0, 49) x, generate_series(0, 39) y;
SELECT draw(:'square');

SET client_min_messages = warning;
DROP SCHEMA build CASCADE;
