-- Synthetic coverages whose borders are shared exactly, and points in them. After harness.sql.
--
-- A lattice of columns x rows cells with its corners moved, whose sides are
-- winding lines of so many edges. Each side is computed once, from where it is
-- in the lattice, and serves both its neighbours, so that they agree to the
-- bit; the outer border is straight, so that the areas add up to the extent's.
-- A side stays inside the two cones of slope 0.7 at its ends, and so meets no other.

-- The corner (i, j) of the lattice, 0 <= i <= columns, 0 <= j <= rows.
CREATE FUNCTION bench_corner(i int, j int, columns int, rows int, cell float8, OUT x float8, OUT y float8) IMMUTABLE LANGUAGE sql AS $$
	SELECT 600000 + cell * (i + CASE WHEN i IN (0, columns) THEN 0 ELSE 0.2 * ((h & 65535) / 65535.0::float8 - 0.5) END),
		2700000 + cell * (j + CASE WHEN j IN (0, rows) THEN 0 ELSE 0.2 * ((h >> 16 & 65535) / 65535.0::float8 - 0.5) END)
	FROM hashint8extended(i::bigint << 32 | j, 1) h
$$;

-- The line of so many edges from a corner to the next: one (x) or the other (y) way, straight or not.
CREATE FUNCTION bench_side(ax float8, ay float8, bx float8, by float8, across boolean, straight boolean, edges int, cell float8, seed bigint, srid int)
RETURNS geometry IMMUTABLE LANGUAGE sql AS $$
	SELECT ST_MakeLine(ARRAY(
		SELECT ST_SetSRID(ST_Point(
			CASE k WHEN edges THEN bx ELSE ax + t * (bx - ax) + CASE WHEN across THEN 0 ELSE d END END,
			CASE k WHEN edges THEN by ELSE ay + t * (by - ay) + CASE WHEN across THEN d ELSE 0 END END), srid)
		FROM hashint8extended(seed, 2) h, generate_series(0, edges) k, LATERAL (SELECT k::float8 / edges AS t) t,
			LATERAL (SELECT CASE WHEN straight THEN 0 ELSE 0.5 * cell * least(t, 1 - t, 0.4) * (
				0.55 * sin(6.283185307179586 * (2 * t + (h & 65535) / 65536.0::float8)) +
				0.3 * sin(6.283185307179586 * (7 * t + (h >> 16 & 65535) / 65536.0::float8)) +
				0.15 * sin(k * 12.9898 + (h >> 32 & 65535))) END AS d) d
		ORDER BY k))
$$;

-- The sides of one row of the lattice, west to east: across, or the ones that go up from it.
CREATE FUNCTION bench_sides(j int, across boolean, columns int, rows int, edges int, cell float8, srid int)
RETURNS geometry[] STABLE LANGUAGE sql AS $$
	SELECT array_agg(bench_side(a.x, a.y, b.x, b.y, across, CASE WHEN across THEN j IN (0, rows) ELSE i IN (0, columns) END,
		edges, cell, i::bigint << 33 | j::bigint << 1 | across::int, srid) ORDER BY i)
	FROM generate_series(0, columns - across::int) i,
		bench_corner(i, j, columns, rows, cell) a,
		bench_corner(i + across::int, j + (NOT across)::int, columns, rows, cell) b
$$;

-- columns x rows grids of 4 * edges vertices; codes of 15 digits under 350304, west to east and south to north.
CREATE FUNCTION bench_coverage(columns int, rows int, edges int, cell float8 DEFAULT 500, srid int DEFAULT 32650)
RETURNS TABLE (code gridcode, geom geometry) STABLE LANGUAGE plpgsql AS $$
DECLARE
	south geometry[] := bench_sides(0, true, columns, rows, edges, cell, srid);
	north geometry[];
	up geometry[];
BEGIN
	FOR j IN 0 .. rows - 1 LOOP
		north := bench_sides(j + 1, true, columns, rows, edges, cell, srid);
		up := bench_sides(j, false, columns, rows, edges, cell, srid);
		RETURN QUERY SELECT ('350304' || lpad((j * columns + n)::text, 9, '0'))::gridcode,
				ST_MakePolygon(ST_MakeLine(ARRAY[s, e, ST_Reverse(o), ST_Reverse(w)]))
			FROM unnest(south, up[2:], north, up[:columns]) WITH ORDINALITY AS side(s, e, o, w, n);
		south := north;
	END LOOP;
END $$;

-- So many points anywhere in that coverage, in no order.
CREATE FUNCTION bench_points(n int, columns int, rows int, cell float8 DEFAULT 500, srid int DEFAULT 32650)
RETURNS TABLE (id bigint, geom geometry) VOLATILE LANGUAGE sql AS $$
	SELECT k, ST_SetSRID(ST_Point(600000 + random() * columns * cell, 2700000 + random() * rows * cell), srid)
	FROM (SELECT setseed(0.5)) s, generate_series(1, n) k
$$;

-- Is it what it promises? Up to 500 grids are looked at closely.
CREATE PROCEDURE bench_check_coverage(coverage regclass, columns int, rows int, edges int, cell float8 DEFAULT 500) LANGUAGE plpgsql AS $$
DECLARE n int; total float8; inner_box geometry;
BEGIN
	EXECUTE format('SELECT count(DISTINCT code), sum(ST_Area(geom)) FROM %s', coverage) INTO n, total;
	ASSERT n = columns * rows, format('%s grids in %s', n, coverage);
	ASSERT abs(total / (columns * rows * cell * cell) - 1) < 1e-9, format('areas of %s add up to %s', coverage, total);
	EXECUTE format('CREATE TEMP TABLE bench_look AS SELECT * FROM %s ORDER BY code LIMIT 500', coverage);
	SELECT count(*) INTO n FROM bench_look WHERE NOT ST_IsValid(geom) OR ST_NPoints(geom) <> 4 * edges + 1;
	ASSERT n = 0, format('%s bad polygons in %s', n, coverage);
	-- every edge once each way, but for those of the border of the sample
	SELECT count(*) INTO n
	FROM (SELECT least(a, b) AS a, greatest(a, b) AS b, count(*) AS uses, count(DISTINCT a < b) AS ways
		FROM (SELECT ST_StartPoint((d).geom) AS a, ST_EndPoint((d).geom) AS b FROM (SELECT ST_DumpSegments(geom) AS d FROM bench_look) s) e
		GROUP BY 1, 2) e
	WHERE uses > 2 OR uses <> ways;
	ASSERT n = 0, format('%s edges of %s are not shared by two grids', n, coverage);
	SELECT count(*) INTO n
	FROM (SELECT least(a, b), greatest(a, b)
		FROM (SELECT ST_StartPoint((d).geom) AS a, ST_EndPoint((d).geom) AS b FROM (SELECT ST_DumpSegments(geom) AS d FROM bench_look) s) e
		GROUP BY 1, 2 HAVING count(*) = 1) e;
	ASSERT n = (SELECT ST_NPoints(ST_Union(geom)) - 1 FROM bench_look), format('%s edges of %s are of one grid only', n, coverage);
	DROP TABLE bench_look;
END $$;
