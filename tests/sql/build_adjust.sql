-- grid_adjust: grids that are there are brought back into their windows, and little moves.
CREATE SCHEMA build_adjust;
SET search_path = build_adjust, public;
SET jit = off;
SELECT ST_MakeEnvelope(0, 0, 1000, 800) AS area \gset
CREATE FUNCTION chance(key text) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN ('x' || left(md5(key), 8))::bit(32)::bigint / 4294967296.0::float8;
CREATE TABLE atom AS SELECT i::bigint AS id, ST_Point(round(1000 * chance('x' || i)), round(800 * chance('y' || i))) AS geom,
	10 + floor(30 * chance('h' || i))::int AS households, 0 AS residents, NULL::int AS grid FROM generate_series(1, 200) i;
UPDATE atom SET residents = round(households * 2.6);
CREATE VIEW args AS SELECT array_agg(id) AS ids, array_agg(geom) AS geoms, array_agg(households) AS h, array_agg(residents) AS r, array_agg(grid) AS current FROM atom;
CREATE TABLE drawn AS SELECT b.*, '{}'::bigint[] AS moved FROM args, grid_build(ids, geoms, h, r, :'area') b;
UPDATE atom a SET grid = d.grid FROM drawn d WHERE a.id = ANY (d.ids);
SELECT count(*), count(*) FILTER (WHERE in_bounds) FROM drawn;

CREATE FUNCTION adjust(n int DEFAULT NULL, OUT grids bigint, OUT in_bounds bigint, OUT numbers text, OUT connected boolean, OUT whole boolean, OUT moved_households bigint)
	LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE drawn;
	INSERT INTO drawn SELECT b.* FROM args, grid_adjust(ids, geoms, h, r, ST_MakeEnvelope(0, 0, 1000, 800), current, grids => n) b;
	SELECT count(*), count(*) FILTER (WHERE d.in_bounds), min(d.grid) || ' to ' || max(d.grid), bool_and(ST_NumGeometries(d.geom) = 1 AND ST_IsValid(d.geom)),
			abs(sum(ST_Area(d.geom)) - 800000) < 1e-3 AND ST_Equals(ST_SnapToGrid(ST_Union(d.geom), 1e-6), ST_MakeEnvelope(0, 0, 1000, 800))
		FROM drawn d INTO grids, in_bounds, numbers, connected, whole;
	-- moved is what was in another grid before, or in none
	IF EXISTS (SELECT FROM atom a JOIN drawn d ON a.id = ANY (d.ids) WHERE (a.grid IS DISTINCT FROM d.grid) <> (a.id = ANY (d.moved))) THEN
		RAISE 'moved is wrong';
	END IF;
	SELECT coalesce(sum(a.households), 0) FROM atom a JOIN drawn d ON a.id = ANY (d.moved) INTO moved_households;
END $$;

-- All is well: nothing moves, and the drawing is the same.
SELECT * FROM adjust();
SELECT count(*) FROM drawn d JOIN grid_build((SELECT ids FROM args), (SELECT geoms FROM args), (SELECT h FROM args), (SELECT r FROM args), :'area') b USING (grid) WHERE ST_AsBinary(b.geom) = ST_AsBinary(d.geom);

-- A grid has a tower more: something moves, but not much.
UPDATE atom SET households = households + 60, residents = residents + 156 WHERE id = (SELECT id FROM atom WHERE grid = (SELECT grid FROM drawn ORDER BY households DESC LIMIT 1) ORDER BY id LIMIT 1);
SELECT grids, in_bounds, numbers, connected, whole, moved_households > 0 AND moved_households < 150 AS little FROM adjust();
UPDATE atom a SET grid = d.grid FROM drawn d WHERE a.id = ANY (d.ids);
SELECT moved_households FROM adjust();

-- New buildings without a grid: they are the only ones that move, where that does.
INSERT INTO atom VALUES (301, ST_Point(501, 402), 1, 3, NULL), (302, ST_Point(1, 2), 1, 2, NULL);
SELECT grids, in_bounds, moved_households FROM adjust();
SELECT grid IS NOT NULL AS placed FROM drawn WHERE 301 = ANY (moved);

-- An officer more, an officer less
SELECT count(DISTINCT grid) AS now FROM atom \gset
SELECT grids - :now AS more, in_bounds - grids AS out, connected, whole, numbers FROM adjust(:now + 1);
SELECT grids - :now AS more, connected, whole FROM adjust(:now - 1);

-- Numbers are kept, whatever they are; gaps too.
UPDATE atom SET grid = 1000 - 7 * grid;
SELECT grids - :now AS more, numbers FROM adjust();
SELECT count(*) FROM drawn WHERE grid NOT IN (SELECT grid FROM atom WHERE grid IS NOT NULL);

-- Grids that were torn apart are mended.
UPDATE atom SET grid = CASE WHEN ST_X(geom) < 500 THEN id % 7 ELSE 7 + id % 6 END;
SELECT connected, whole FROM adjust();

-- What cannot be
SELECT grid FROM args, grid_adjust(ids, geoms, h, r, :'area', NULL);
SELECT grid FROM args, grid_adjust(ids, geoms, h, r, :'area', '{1, 2}');
SELECT grid FROM args, grid_adjust(ids, geoms, h, r, :'area', array_fill(NULL::int, ARRAY[cardinality(ids)]));
SELECT grid FROM args, grid_adjust(ids, geoms, h, r, :'area', array_fill(2147483647, ARRAY[cardinality(ids)]));

SET client_min_messages = warning;
DROP SCHEMA build_adjust CASCADE;
