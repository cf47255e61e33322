-- Images: where none may answer or can be, and the rule's own SQL does; and that both give the same answers.
CREATE SCHEMA locate_image;
SET search_path = locate_image, public;
CREATE FUNCTION box(x float8, y float8 DEFAULT 0, width float8 DEFAULT 1, height float8 DEFAULT 1) RETURNS geometry IMMUTABLE LANGUAGE sql AS
	$$ SELECT ST_MakeEnvelope(x, y, x + width, y + height, 3857) $$;
CREATE TABLE lattice AS
	SELECT ST_SetSRID(ST_Point(x, y), 3857) AS p FROM generate_series(-1, 11, 0.25) x, generate_series(-1, 11, 0.25) y;
-- points of the lattice where a layer answers otherwise than its rule, which is written here once more
CREATE FUNCTION differing(layer text) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM lattice WHERE grid_locate(%L, p) IS DISTINCT FROM
		(SELECT code FROM %I WHERE code IS NOT NULL AND ST_Intersects(geom, p) ORDER BY grid_digits(code) DESC, code LIMIT 1)', layer, layer) INTO n;
	RETURN n;
END $$;
CREATE FUNCTION covered(layer text) RETURNS bigint STABLE LANGUAGE sql AS $$ SELECT count(grid_locate(layer, p)) FROM lattice $$;
CREATE FUNCTION has_image(layer text) RETURNS boolean LANGUAGE sql AS $$ SELECT bytes > 0 FROM grid_layer_prepare(layer) $$;

CREATE TABLE area (geom geometry(Polygon, 3857), code gridcode);
INSERT INTO area SELECT box(x, y), (1 + x + 10 * y)::int::text::gridcode FROM generate_series(0, 8) x, generate_series(0, 9) y WHERE (x + y) % 7 > 0;
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('area', 'area');
SELECT polygons, edges, cells > 0 AS cells, bytes > 0 AS bytes FROM grid_layer_prepare('area');
SELECT polygons, edges, cells > 0 AS cells, bytes > 0 AS bytes FROM grid_layer_image('area');
SELECT differing('area'), covered('area') > 500 AS many;
SELECT grid_layer_prepare('nosuch');
SELECT grid_layer_image('nosuch');
SELECT grid_layer_prepare(NULL), grid_layer_image(NULL);

-- the setting
SHOW gridtree.layer_cache;
SET gridtree.layer_cache = 0;
SELECT has_image('area'), differing('area');
SET gridtree.layer_cache = '1kB';
SELECT has_image('area'), differing('area');
SET gridtree.layer_cache = '1MB';
SELECT has_image('area'), differing('area');
\set VERBOSITY sqlstate
SET gridtree.layer_cache = -1;
\set VERBOSITY default
-- enough for one of two
CREATE TABLE area2 AS SELECT ST_Translate(geom, 1, 1)::geometry(Polygon, 3857) AS geom, code FROM area;
CREATE INDEX ON area2 USING gist (geom);
SELECT grid_layer_add('area2', 'area2');
SELECT has_image('area2'), differing('area2');
SELECT set_config('gridtree.layer_cache', (SELECT greatest(a.bytes, b.bytes) / 1024 + 1 FROM grid_layer_prepare('area') a, grid_layer_prepare('area2') b) || 'kB', false) <> '' AS set;
SELECT has_image('area'), differing('area'), has_image('area2'), differing('area2'), has_image('area'), differing('area');
-- both in one statement
SELECT count(*) FROM lattice WHERE grid_locate('area', p) IS DISTINCT FROM (SELECT code FROM area WHERE ST_Intersects(geom, p) ORDER BY grid_digits(code) DESC, code LIMIT 1)
	OR grid_locate('area2', p) IS DISTINCT FROM (SELECT code FROM area2 WHERE ST_Intersects(geom, p) ORDER BY grid_digits(code) DESC, code LIMIT 1);
RESET gridtree.layer_cache;
SELECT has_image('area'), has_image('area2');

-- edits of one's own
BEGIN;
UPDATE area SET geom = ST_Translate(geom, 0.5, 0.5) WHERE grid_digits(code) = 1;
SELECT has_image('area'), differing('area'), has_image('area2');
ROLLBACK;
SELECT has_image('area'), differing('area');

-- a policy, and rights for columns only
CREATE ROLE locate_image_reader;
GRANT USAGE ON SCHEMA locate_image TO locate_image_reader;
GRANT SELECT ON lattice TO locate_image_reader;
SET ROLE locate_image_reader;
SELECT has_image('area');
SELECT covered('area');
RESET ROLE;
GRANT SELECT (geom, code) ON area TO locate_image_reader;
SET ROLE locate_image_reader;
SELECT has_image('area'), differing('area');
RESET ROLE;
GRANT SELECT ON area TO locate_image_reader;
SET ROLE locate_image_reader;
SELECT has_image('area'), differing('area');
RESET ROLE;
ALTER TABLE area ENABLE ROW LEVEL SECURITY;
SET ROLE locate_image_reader;
SELECT has_image('area'), differing('area'), covered('area');
RESET ROLE;
SELECT has_image('area'), differing('area');
CREATE POLICY few ON area USING (code < '50');
SET ROLE locate_image_reader;
SELECT has_image('area'), differing('area'), covered('area') BETWEEN 1 AND 700 AS fewer;
RESET ROLE;
SELECT has_image('area'), differing('area');
ALTER TABLE area DISABLE ROW LEVEL SECURITY;
SET ROLE locate_image_reader;
SELECT has_image('area'), differing('area');
RESET ROLE;

-- an unlogged table, which a crash empties
ALTER TABLE area2 SET UNLOGGED;
SELECT has_image('area2'), differing('area2');
ALTER TABLE area2 SET LOGGED;
SELECT has_image('area2'), differing('area2');

-- rows that an image cannot hold, come after the layer was added
CREATE TABLE mixed (geom geometry, code gridcode);
INSERT INTO mixed SELECT * FROM area;
CREATE INDEX ON mixed USING gist (geom);
SELECT grid_layer_add('mixed', 'mixed');
SELECT has_image('mixed'), differing('mixed');
CREATE FUNCTION with_row(OUT image boolean, OUT differing bigint) LANGUAGE plpgsql AS $$
BEGIN
	SELECT has_image('mixed'), differing('mixed') INTO image, differing;
EXCEPTION WHEN others THEN
	RAISE NOTICE '%', SQLERRM;
END $$;
INSERT INTO mixed VALUES ('SRID=3857;LINESTRING(0 0, 9 9)', '777');
SELECT * FROM with_row();
UPDATE mixed SET geom = 'SRID=3857;POINT(0.5 0.5)' WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET geom = 'SRID=3857;CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0))' WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET geom = 'SRID=3857;GEOMETRYCOLLECTION(POLYGON((0 0, 4 0, 4 4, 0 4, 0 0)))' WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET geom = 'SRID=3857;TRIANGLE((0 0, 4 0, 4 4, 0 0))' WHERE code = '777';
SELECT * FROM with_row();
-- as the rule says it
UPDATE mixed SET geom = 'SRID=4326;POLYGON((0 0, 4 0, 4 4, 0 4, 0 0))' WHERE code = '777';
SELECT has_image('mixed');
SELECT grid_locate('mixed', 'SRID=3857;POINT(0.5 0.5)');
SET gridtree.layer_cache = 0;
SELECT grid_locate('mixed', 'SRID=3857;POINT(0.5 0.5)');
RESET gridtree.layer_cache;
-- coordinates that are not finite
UPDATE mixed SET geom = ST_SetSRID(ST_MakePolygon(ST_MakeLine(ARRAY[ST_Point(0, 0), ST_Point('NaN', 0), ST_Point(4, 4), ST_Point(0, 0)])), 3857) WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET geom = ST_SetSRID(ST_MakePolygon(ST_MakeLine(ARRAY[ST_Point(0, 0), ST_Point('Infinity', 0), ST_Point(4, 4), ST_Point(0, 0)])), 3857) WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET geom = ST_SetSRID(ST_MakePolygon(ST_MakeLine(ARRAY[ST_Point(0, 0), ST_Point(1e308, 0), ST_Point(1e308, 1e308), ST_Point(0, 0)])), 3857) WHERE code = '777';
SELECT * FROM with_row();
-- without a place, or without a code: nothing to hold
UPDATE mixed SET geom = NULL WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET geom = 'SRID=3857;POLYGON EMPTY' WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET geom = 'SRID=3857;MULTIPOLYGON EMPTY' WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET geom = 'SRID=3857;MULTIPOLYGON(EMPTY, ((0 0, 4 0, 4 4, 0 4, 0 0)), EMPTY)' WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET geom = 'SRID=3857;GEOMETRYCOLLECTION EMPTY' WHERE code = '777';
SELECT * FROM with_row();
UPDATE mixed SET code = NULL, geom = 'SRID=3857;LINESTRING(0 0, 9 9)' WHERE code = '777';
SELECT * FROM with_row();
-- an empty layer
TRUNCATE mixed;
SELECT polygons, edges, covered('mixed') FROM grid_layer_prepare('mixed');
INSERT INTO mixed VALUES (NULL, '1'), ('SRID=3857;POLYGON EMPTY', '2');
SELECT polygons, edges, covered('mixed') FROM grid_layer_prepare('mixed');

-- what an image holds: heights and measures, holes, islands in them, many parts
INSERT INTO mixed VALUES
	('SRID=3857;POLYGON Z ((0 0 5, 4 0 6, 4 4 7, 0 4 8, 0 0 5), (1 1 9, 3 1 9, 3 3 9, 1 3 9, 1 1 9))', '11'),
	('SRID=3857;POLYGON M ((5 0 5, 9 0 6, 9 4 7, 5 4 8, 5 0 5), (6 1 9, 8 1 9, 8 3 9, 6 3 9, 6 1 9))', '12'),
	('SRID=3857;MULTIPOLYGON ZM (((0 5 1 2, 4 5 1 2, 4 9 1 2, 0 9 1 2, 0 5 1 2), (1 6 1 2, 3 6 1 2, 3 8 1 2, 1 8 1 2, 1 6 1 2)), ((1.5 6.5 1 2, 2.5 6.5 1 2, 2.5 7.5 1 2, 1.5 7.5 1 2, 1.5 6.5 1 2)))', '13'),
	('SRID=3857;MULTIPOLYGON(((5 5, 9 5, 9 9, 5 9, 5 5), (6 6, 6 8, 8 8, 8 6, 6 6)), ((6 6, 7 6, 7 7, 6 6)), ((8 8, 7 8, 7 7, 8 8)))', '14'),
	('SRID=3857;POLYGON((2 2, 7 2, 7 7, 2 7, 2 2), (3 3, 4 3, 4 4, 3 4, 3 3), (5 5, 6 5, 6 6, 5 6, 5 5))', '151');
SELECT has_image('mixed'), differing('mixed');

-- polygons that are not valid: by the same rule
CREATE TABLE odd (geom geometry, code gridcode);
CREATE INDEX ON odd USING gist (geom);
INSERT INTO odd VALUES ('SRID=3857;POLYGON((0 0, 1 0, 1 1, 0 0))', '1');
SELECT grid_layer_add('odd', 'odd');
-- An image goes by the rule of coverage.h, which is written here ring by ring: PostGIS of any version says the same of
-- one ring. Of a point on an edge that lies in a hole of the same polygon it does not: then its version, the order of
-- the holes, polygon or multipolygon, and whether a statement asks for one point or for many decide. Everywhere else
-- the rule as grid_locate runs it has to say what the image says.
CREATE VIEW met AS
	WITH ring AS MATERIALIZED (SELECT code, part.path AS part, (ring).path[1] > 0 AS hole, (ring).geom FROM odd, ST_Dump(geom) part, ST_DumpRings(part.geom) ring)
	SELECT p, code, part, hole, ST_Contains(geom, p) AS inside FROM ring, lattice WHERE ST_Intersects(geom, p);
CREATE VIEW by_rings AS
	SELECT p, (array_agg(code::text ORDER BY grid_digits(code) DESC, code) FILTER (WHERE in_shell AND NOT in_hole))[1] AS located, bool_or(on_edge AND in_hole) AS edge_in_hole
	FROM (SELECT p, code, bool_or(NOT hole) AS in_shell, bool_or(hole AND inside) AS in_hole, bool_or(NOT inside) AS on_edge FROM met GROUP BY p, code, part) s GROUP BY p;
CREATE FUNCTION by_image_and_rule(OUT image boolean, OUT differing bigint, OUT elsewhere bigint, OUT covered bigint) LANGUAGE plpgsql SET jit = off AS $$
DECLARE by_image text[];
BEGIN
	image := has_image('odd');
	by_image := array_agg(grid_locate('odd', p)::text ORDER BY p) FROM lattice;
	PERFORM set_config('gridtree.layer_cache', '0', true);
	SELECT count(*) FILTER (WHERE r.located IS DISTINCT FROM by_image[n]),
			count(*) FILTER (WHERE edge_in_hole IS NOT TRUE AND sql IS DISTINCT FROM by_image[n]), count(by_image[n])
		INTO differing, elsewhere, covered
		FROM (SELECT p, grid_locate('odd', p)::text AS sql, row_number() OVER (ORDER BY p) AS n FROM lattice) s LEFT JOIN by_rings r USING (p);
	PERFORM set_config('gridtree.layer_cache', '512MB', true);
END $$;
CREATE PROCEDURE try(wkt text) LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE odd;
	INSERT INTO odd VALUES (ST_GeomFromText(wkt, 3857), '1'), (ST_Translate(ST_GeomFromText(wkt, 3857), 0.25, 0.5), '31');
	COMMIT;
	RAISE NOTICE '%', (SELECT row_to_json(b) FROM by_image_and_rule() b);
END $$;
-- bow-tie; hole outside, crossing, as large as the shell, twice, in a hole; ring twice; spikes; figure of eight; going round twice
CALL try('POLYGON((0 0, 8 8, 8 0, 0 8, 0 0))');
CALL try('POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (6 6, 8 6, 8 8, 6 8, 6 6))');
CALL try('POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (2 2, 8 2, 8 8, 2 8, 2 2))');
CALL try('POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (0 0, 4 0, 4 4, 0 4, 0 0))');
CALL try('POLYGON((0 0, 8 0, 8 8, 0 8, 0 0), (2 2, 4 2, 4 4, 2 4, 2 2), (2 2, 4 2, 4 4, 2 4, 2 2))');
CALL try('POLYGON((0 0, 8 0, 8 8, 0 8, 0 0), (1 1, 7 1, 7 7, 1 7, 1 1), (3 3, 5 3, 5 5, 3 5, 3 3))');
CALL try('MULTIPOLYGON(((0 0, 4 0, 4 4, 0 4, 0 0), (2 2, 8 2, 8 8, 2 8, 2 2)))');
CALL try('POLYGON((0 0, 8 0, 8 8, 0 8, 0 0), (1 1, 5 1, 5 5, 1 5, 1 1), (3 3, 7 3, 7 7, 3 7, 3 3))');
CALL try('MULTIPOLYGON(((0 0, 4 0, 4 4, 0 4, 0 0)), ((0 0, 4 0, 4 4, 0 4, 0 0)))');
CALL try('MULTIPOLYGON(((0 0, 6 0, 6 6, 0 6, 0 0)), ((3 3, 9 3, 9 9, 3 9, 3 3)))');
CALL try('MULTIPOLYGON(((0 0, 8 0, 8 8, 0 8, 0 0), (1 1, 7 1, 7 7, 1 7, 1 1)), ((2 2, 8 2, 8 6, 2 6, 2 2)))');
CALL try('POLYGON((0 0, 4 0, 9 0, 4 0, 4 4, 0 4, 0 0))');
CALL try('POLYGON((0 0, 4 0, 4 4, 8 8, 4 4, 0 4, 0 0))');
CALL try('POLYGON((0 0, 8 0, 8 8, 0 8, 0 0), (2 2, 6 6, 2 2, 2 4, 2 2))');
CALL try('POLYGON((0 0, 4 4, 8 0, 8 8, 4 4, 0 8, 0 0))');
CALL try('POLYGON((0 0, 8 0, 8 8, 0 8, 0 0, 8 0, 8 8, 0 8, 0 0))');
CALL try('POLYGON((0 0, 8 0, 8 8, 0 8, 0 0, 0 8, 8 8, 8 0, 0 0))');
CALL try('POLYGON((0 0, 0 0, 8 0, 8 0, 8 0, 8 8, 0 8, 0 8, 0 0, 0 0))');
CALL try('POLYGON((0 0, 8 8, 0 0, 8 8, 0 0))');
CALL try('POLYGON((0 0, 8 0, 0 0, 0 0))');
CALL try('POLYGON((2 2, 2 2, 2 2, 2 2))');
CALL try('POLYGON((0 0, 9 0, 9 9, 3 9, 3 3, 6 3, 6 6, 0 6, 0 0))');
CALL try('POLYGON((4 0, 6.5 8, 0 3, 8 3, 1.5 8, 4 0))');
-- many at random
CREATE TABLE failing (wkt text);
DO $$
BEGIN
	PERFORM setseed(0.25);
	FOR i IN 1..60 LOOP
		TRUNCATE odd;
		INSERT INTO odd SELECT ST_SetSRID(ST_MakePolygon(ST_AddPoint(line, ST_StartPoint(line)), holes), 3857), (j + 10)::text::gridcode
			FROM (SELECT j, line, CASE WHEN i % 2 = 0 THEN ARRAY[ST_AddPoint(line2, ST_StartPoint(line2))] ELSE '{}' END AS holes FROM (SELECT j, ST_MakeLine(ST_Point(floor(random() * 41) / 4, floor(random() * 41) / 4)) AS line,
					ST_MakeLine(ST_Point(floor(random() * 41) / 4, floor(random() * 41) / 4)) AS line2
				FROM generate_series(1, 4) j, generate_series(1, 3 + i % 7) GROUP BY j) s) h;
		COMMIT;
		INSERT INTO failing SELECT (SELECT string_agg(ST_AsText(geom), ' ') FROM odd) FROM by_image_and_rule() WHERE image IS NOT TRUE OR differing > 0 OR elsewhere > 0;
		COMMIT;
	END LOOP;
END $$;
SELECT * FROM failing LIMIT 3;
SELECT count(*) FROM failing;

-- the lattice of locate.sql, by the rule and by an image, with a tolerance too
CREATE TABLE levels (geom geometry(Geometry, 3857), code gridcode, closed boolean DEFAULT false);
INSERT INTO levels (geom, code) VALUES
	(box(0, 0, 8, 8), '350304'), (box(0, 0, 4, 8), '350304002'), (box(4, 0, 4, 8), '350304001'),
	(box(0, 0, 2, 2), '350304002001'), (box(2, 0, 2, 2), '350304002002'), (box(4, 0, 2, 2), '350304001001'),
	(box(1, 1, 2, 2), '350304002003'), (box(-9, -9, 18, 18), NULL), (NULL, '350304009'), ('SRID=3857;POLYGON EMPTY', '350304008'),
	('SRID=3857;MULTIPOLYGON(((20 0, 30 0, 30 10, 20 10, 20 0), (22 2, 28 2, 28 8, 22 8, 22 2)), ((24 4, 26 4, 26 6, 24 6, 24 4)))', '36');
INSERT INTO levels VALUES (box(0, 0, 8, 8), '350304001001000001', true);
CREATE INDEX ON levels USING gist (geom);
SELECT grid_layer_add('levels', 'levels', filter => 'NOT closed');
CREATE VIEW located AS SELECT x, y, t, grid_locate('levels', ST_SetSRID(ST_Point(x, y), 3857), t) AS code
	FROM generate_series(-1, 31, 0.25) x, generate_series(-1, 11, 0.25) y, (VALUES (0), (0.25), (0.5), (1), (2.5), (6), (100)) v(t);
CREATE VIEW differing AS
	SELECT x, y, p.located, r.code FROM (
		SELECT x, y, ST_SetSRID(ST_Point(x, y), 3857) AS point, code AS located FROM located WHERE t = 0) p
	LEFT JOIN LATERAL (SELECT code FROM levels WHERE NOT closed AND code IS NOT NULL AND ST_Intersects(geom, point)
		ORDER BY grid_digits(code) DESC, code LIMIT 1) r ON true
	WHERE located IS DISTINCT FROM r.code;
SET gridtree.layer_cache = 0;
SELECT count(*) FROM differing;
CREATE TABLE by_rule AS SELECT * FROM located;
RESET gridtree.layer_cache;
SELECT has_image('levels');
SELECT count(*) FROM differing;
SELECT t, count(*), count(i.code) AS found, count(*) FILTER (WHERE i.code IS DISTINCT FROM r.code) AS differing FROM located i JOIN by_rule r USING (x, y, t) GROUP BY t ORDER BY t;
-- and after the rows changed places
CREATE TABLE again AS SELECT * FROM levels ORDER BY code DESC NULLS FIRST, md5(geom::text);
TRUNCATE levels;
INSERT INTO levels SELECT * FROM again;
SELECT has_image('levels');
SELECT count(*) FROM differing;
SELECT count(*) FROM located i JOIN by_rule r USING (x, y, t) WHERE i.code IS DISTINCT FROM r.code;

-- without being prepared: built in the midst of a statement, when it pays
UPDATE levels SET geom = ST_Translate(geom, 1, 0);
SELECT count(*) FROM differing;
SELECT count(*) FROM differing;

-- files: one for each layer, however often it is rewritten, dropped and added
CREATE FUNCTION files(relation regclass) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM pg_ls_dir('base/pgsql_tmp') f JOIN pg_database d ON datname = current_database()
	WHERE f LIKE format('pgsql\_tmp\_gridtree.%s.%s.%%', d.oid, relation::oid)
$$;
SELECT has_image('area2'), files('area2');
VACUUM FULL area2;
SELECT has_image('area2'), files('area2');
SELECT grid_layer_drop('area2');
SELECT files('area2');
SELECT grid_layer_add('area2', 'area2');
SELECT has_image('area2'), files('area2');
BEGIN;
SELECT grid_layer_drop('area2');
ROLLBACK;
SELECT has_image('area2'), files('area2'), differing('area2');
SELECT 'area2'::regclass::oid AS area2 \gset
DROP TABLE area2;
SELECT files(:area2);
-- the setting holds at once
SELECT count(*) > 0 AS some FROM grid_layers WHERE bytes > 0;
SET gridtree.layer_cache = 0;
SELECT count(*) FROM grid_layers WHERE bytes > 0;
RESET gridtree.layer_cache;

-- a row that the filter cannot take stops one statement at most
CREATE TABLE fragile AS SELECT geom, code, 1 AS n FROM area;
CREATE INDEX ON fragile USING gist (geom);
SELECT grid_layer_add('fragile', 'fragile', filter => '10 / n > 0');
INSERT INTO fragile VALUES (box(1000, 1000, 1, 1), '99', 0);
SET enable_seqscan = off;
CREATE PROCEDURE locate_often(OUT failed int) LANGUAGE plpgsql AS $$
BEGIN
	failed := 0;
	FOR i IN 1 .. 1000 LOOP
		BEGIN
			PERFORM grid_locate('fragile', ST_SetSRID(ST_Point(i % 80 / 10.0, i % 77 / 10.0), 3857));
		EXCEPTION WHEN division_by_zero THEN
			failed := failed + 1;
		END;
	END LOOP;
END $$;
CALL locate_often(NULL);
RESET enable_seqscan;
SELECT grid_layer_prepare('fragile');

SET client_min_messages = warning;
DROP SCHEMA locate_image CASCADE;
DROP ROLE locate_image_reader;
