-- What the benchmark of grid_build is measured with. After harness.sql.
--
-- A task is what one call gets, a drawing one call and a drawn row one of its
-- grids. Variants of a drawing: with the number of grids given ('given'), without
-- ('free'), with barriers ('barriers'), and PostGIS's own means ('kmeans').

CREATE TABLE task (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, test text, name text, area geometry, ids bigint[], atoms geometry[],
	households int[], residents int[], k int, barriers geometry, UNIQUE (test, name));
CREATE TABLE drawing (task int, variant text, ms float8, error text);
CREATE TABLE drawn (task int, variant text, grid int, geom geometry, households int, residents int, in_bounds boolean, ids bigint[]);
CREATE INDEX ON drawn (task);

-- One figure with its target.
CREATE FUNCTION bench_said(what text, value float8, digits int, unit text, at_least float8 DEFAULT NULL, at_most float8 DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
	SELECT format('    %s: %s%s', what, coalesce(round(value::numeric, digits)::text, 'not measured'), unit) || CASE
		WHEN value IS NULL OR coalesce(at_least, at_most) IS NULL THEN ''
		ELSE format(', target %s %s%s: %s', CASE WHEN at_least IS NULL THEN 'at most' ELSE 'at least' END, coalesce(at_least, at_most), unit,
			CASE WHEN value >= at_least OR value <= at_most THEN 'met' ELSE 'MISS' END) END
$$;

CREATE FUNCTION bench_percent(part bigint, whole bigint) RETURNS float8 LANGUAGE sql AS $$ SELECT 100.0 * part / nullif(whole, 0) $$;

-- Chance that is the same everywhere: a fraction from a key.
CREATE FUNCTION bench_chance(key text) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN ('x' || left(md5(key), 8))::bit(32)::bigint / 4294967296.0::float8;

-- Draw every task of a test, each in a transaction of its own.
CREATE PROCEDURE bench_draw(test text, variant text) LANGUAGE plpgsql AS $$
DECLARE t task; started timestamptz; error text;
BEGIN
	FOR t IN SELECT * FROM task k WHERE k.test = bench_draw.test ORDER BY id LOOP
		started := clock_timestamp();
		error := NULL;
		BEGIN
			INSERT INTO drawn SELECT t.id, variant, b.* FROM grid_build(t.ids, t.atoms, t.households, t.residents, t.area,
				CASE WHEN variant = 'barriers' THEN t.barriers END, CASE WHEN variant IN ('given', 'barriers') THEN t.k END) b;
		EXCEPTION WHEN OTHERS THEN error := SQLERRM;
		END;
		INSERT INTO drawing VALUES (t.id, variant, extract(epoch FROM clock_timestamp() - started) * 1000, error);
		COMMIT;
	END LOOP;
END $$;

-- The peer: clusters of the points, and the Voronoi cells of each together.
CREATE FUNCTION bench_kmeans(ids bigint[], atoms geometry[], area geometry, k int) RETURNS TABLE (grid int, shape geometry, members bigint[])
LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMPORARY TABLE cell AS SELECT (ST_Dump(ST_VoronoiPolygons(ST_Collect(atoms), 0, area))).geom;
	CREATE INDEX ON cell USING gist (geom);
	ANALYZE cell;
	RETURN QUERY
		WITH point AS MATERIALIZED (
			SELECT i, p, ST_ClusterKMeans(p, k) OVER () AS cluster FROM unnest(ids, atoms) AS u (i, p)),
		owned AS MATERIALIZED (
			SELECT DISTINCT ON (c.geom) c.geom, p.cluster FROM point p JOIN cell c ON ST_Intersects(c.geom, p.p) ORDER BY c.geom, p.i),
		-- what is cut off a large area is cut off pieces of it, or it takes many times as long
		share AS MATERIALIZED (
			SELECT area AS geom WHERE ST_NPoints(area) <= 1000 UNION ALL SELECT ST_Subdivide(area, 128) WHERE ST_NPoints(area) > 1000),
		shape AS (
			SELECT o.cluster, ST_CollectionExtract(ST_Union(CASE WHEN ST_Covers(a.geom, o.geom) THEN o.geom ELSE ST_Intersection(o.geom, a.geom) END), 3) AS geom
			FROM owned o JOIN share a ON o.geom && a.geom GROUP BY 1)
		SELECT s.cluster + 1, s.geom, p.all_ids FROM shape s JOIN (SELECT cluster, array_agg(i) AS all_ids FROM point GROUP BY 1) p USING (cluster);
	DROP TABLE cell;
END $$;

-- Draw every task of a test by the peer, with as many clusters as that variant has grids.
CREATE PROCEDURE bench_draw_kmeans(test text, variant text) LANGUAGE plpgsql AS $$
DECLARE t record; started timestamptz;
BEGIN
	FOR t IN SELECT k.*, (SELECT count(*)::int FROM drawn d WHERE d.task = k.id AND d.variant = bench_draw_kmeans.variant) AS grids
		FROM task k WHERE k.test = bench_draw_kmeans.test ORDER BY id
	LOOP
		CONTINUE WHEN t.grids < 2;
		started := clock_timestamp();
		INSERT INTO drawn SELECT t.id, 'kmeans', m.grid, m.shape, s.h, s.r, s.h BETWEEN 300 AND 500 AND (s.r IS NULL OR s.r BETWEEN 1000 AND 2000), m.members
		FROM bench_kmeans(t.ids, t.atoms, t.area, t.grids) m, LATERAL (
			SELECT sum(h) AS h, sum(r) AS r FROM unnest(t.ids, t.households, t.residents) AS u (i, h, r) WHERE i = ANY (m.members)) s;
		INSERT INTO drawing VALUES (t.id, 'kmeans', extract(epoch FROM clock_timestamp() - started) * 1000);
		COMMIT;
	END LOOP;
END $$;

--- What is never allowed ---

-- Sides of grids: rings go round counterclockwise, holes clockwise, from the middle of the area.
CREATE TABLE side (task int, variant text, grid int, ax float8, ay float8, bx float8, by float8);
-- Sides of the area, likewise.
CREATE TABLE border (task int, ax float8, ay float8, bx float8, by float8, geom geometry);
CREATE INDEX ON border USING gist (geom);

CREATE PROCEDURE bench_sides(test text) LANGUAGE sql AS $$
	DELETE FROM side WHERE task IN (SELECT id FROM task k WHERE k.test = bench_sides.test);
	INSERT INTO side
	WITH middle AS MATERIALIZED (
		SELECT id, (ST_XMin(area) + ST_XMax(area)) / 2 AS x0, (ST_YMin(area) + ST_YMax(area)) / 2 AS y0 FROM task k WHERE k.test = bench_sides.test)
	SELECT task, variant, grid, x - x0, y - y0, bx - x0, by - y0
	FROM (
		SELECT task, variant, grid, x, y, lead(x) OVER w AS bx, lead(y) OVER w AS by
		FROM (SELECT task, variant, grid, CASE cardinality((p).path) WHEN 3 THEN (p).path[1] END AS part, (p).path[cardinality((p).path) - 1] AS ring,
				(p).path[cardinality((p).path)] AS n, ST_X((p).geom) AS x, ST_Y((p).geom) AS y
			FROM (SELECT d.task, d.variant, d.grid, ST_DumpPoints(ST_ForcePolygonCCW(d.geom)) AS p
				FROM drawn d JOIN task k ON k.id = d.task WHERE k.test = bench_sides.test) p) p
		WINDOW w AS (PARTITION BY task, variant, grid, part, ring ORDER BY n)) s
	JOIN middle m ON m.id = s.task
	WHERE bx IS NOT NULL;
	DELETE FROM border WHERE task IN (SELECT id FROM task k WHERE k.test = bench_sides.test);
	INSERT INTO border
	SELECT id, x, y, bx, by, ST_MakeLine(ST_Point(x, y), ST_Point(bx, by))
	FROM (
		SELECT id, x, y, lead(x) OVER w AS bx, lead(y) OVER w AS by
		FROM (SELECT id, (p).path AS path, ST_X((p).geom) - x0 AS x, ST_Y((p).geom) - y0 AS y
			FROM (SELECT id, (ST_XMin(area) + ST_XMax(area)) / 2 AS x0, (ST_YMin(area) + ST_YMax(area)) / 2 AS y0, ST_DumpPoints(area) AS p
				FROM task k WHERE k.test = bench_sides.test OFFSET 0) p) p
		WINDOW w AS (PARTITION BY id, path[1 : cardinality(path) - 1] ORDER BY path[cardinality(path)])) s
	WHERE bx IS NOT NULL
$$;

-- Sides of grids that have nothing beyond and are not on the border of the area, within a billionth of its extent.
CREATE FUNCTION bench_lone(test text) RETURNS TABLE (task int, variant text, n bigint) LANGUAGE sql AS $$
	WITH whole AS MATERIALIZED (
		SELECT id, 1e-9 * greatest(ST_XMax(area) - ST_XMin(area), ST_YMax(area) - ST_YMin(area)) AS reach FROM task k WHERE k.test = bench_lone.test),
	lone AS MATERIALIZED (
		SELECT task, variant, x1, y1, x2, y2, min(reach) AS reach
		FROM (SELECT s.task, s.variant, CASE WHEN up THEN ax ELSE bx END AS x1, CASE WHEN up THEN ay ELSE by END AS y1,
				CASE WHEN up THEN bx ELSE ax END AS x2, CASE WHEN up THEN by ELSE ay END AS y2, reach
			FROM (SELECT *, (ax, ay) < (bx, by) AS up FROM side) s JOIN whole w ON w.id = s.task WHERE s.variant <> 'kmeans') s
		GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(*) = 1),
	-- most of them are the area's own sides
	other AS MATERIALIZED (
		SELECT l.* FROM lone l LEFT JOIN (
			SELECT task, CASE WHEN up THEN ax ELSE bx END AS x1, CASE WHEN up THEN ay ELSE by END AS y1, CASE WHEN up THEN bx ELSE ax END AS x2,
				CASE WHEN up THEN by ELSE ay END AS y2 FROM (SELECT *, (ax, ay) < (bx, by) AS up FROM border) b) b USING (task, x1, y1, x2, y2)
		WHERE b.task IS NULL)
	SELECT task, variant, count(*) FROM other o
	WHERE NOT EXISTS (SELECT FROM border b WHERE b.task = o.task AND ST_DWithin(b.geom, ST_Point((x1 + x2) / 2, (y1 + y2) / 2), reach))
	GROUP BY 1, 2
$$;

-- Everything that is wrong with the drawings of a test, by what it is. Sides are compared by their numbers.
-- Without nested loops, as nobody can tell how many rows are in an array.
CREATE FUNCTION bench_wrong(test text) RETURNS TABLE (task int, variant text, what text, n bigint) LANGUAGE sql SET enable_nestloop = off AS $$
	WITH whole AS MATERIALIZED (
		SELECT id, area, ST_Area(area) AS size, ids, atoms, households, residents, ST_NumGeometries(area) AS parts
		FROM task k WHERE k.test = bench_wrong.test),
	mine AS MATERIALIZED (SELECT d.* FROM drawn d JOIN whole w ON w.id = d.task WHERE d.variant <> 'kmeans'),
	-- parts of an area that nobody lives in are a grid's without being beside it
	uninhabited AS (
		SELECT w.id, count(*) FILTER (WHERE NOT EXISTS (
			SELECT FROM unnest(w.atoms, w.households, w.residents) AS u (geom, h, r) WHERE (h > 0 OR r > 0) AND ST_DWithin(u.geom, p.geom, 0)
				AND (ST_Dimension(u.geom) = 0 OR ST_Dimension(ST_Intersection(u.geom, p.geom)) = 2))) AS n
		FROM whole w, ST_Dump(w.area) p WHERE w.parts > 1 GROUP BY 1),
	edge AS MATERIALIZED (
		SELECT task, variant, count(*) AS n, min(grid) <> max(grid) AS two, bool_or(up) AND NOT bool_and(up) AS both_ways
		FROM (SELECT s.task, s.variant, s.grid, up, CASE WHEN up THEN ax ELSE bx END AS x1, CASE WHEN up THEN ay ELSE by END AS y1,
				CASE WHEN up THEN bx ELSE ax END AS x2, CASE WHEN up THEN by ELSE ay END AS y2
			FROM (SELECT *, (ax, ay) < (bx, by) AS up FROM side) s JOIN whole w ON w.id = s.task WHERE s.variant <> 'kmeans') s
		GROUP BY task, variant, x1, y1, x2, y2),
	-- A union of thousands of grids with many holes takes GEOS minutes, and so the area is cut up instead. What is
	-- beyond it, and what is missing in it, is the symmetric difference where nothing overlaps.
	share AS MATERIALIZED (SELECT id, ST_Subdivide(area, 128) AS geom FROM whole),
	inside AS (
		SELECT m.task, m.variant, sum(ST_Area(ST_Intersection(m.geom, s.geom))) AS size
		FROM mine m JOIN share s ON s.id = m.task AND m.geom && s.geom GROUP BY 1, 2),
	tiled AS MATERIALIZED (
		SELECT m.task, m.variant, m.size / w.size - 1 AS surplus, ((m.size - i.size) + (w.size - i.size)) / w.size AS difference
		FROM (SELECT task, variant, sum(ST_Area(geom)) AS size FROM mine GROUP BY 1, 2) m JOIN inside i USING (task, variant) JOIN whole w ON w.id = m.task),
	member AS MATERIALIZED (SELECT m.task, m.variant, m.grid, i FROM mine m, unnest(m.ids) AS i),
	atom AS MATERIALIZED (SELECT w.id AS task, u.* FROM whole w, unnest(w.ids, w.atoms, w.households, w.residents) AS u (i, geom, h, r)),
	counted AS (
		SELECT task, variant, grid, sum(h) AS h, sum(r) AS r FROM member JOIN atom USING (task, i) GROUP BY 1, 2, 3)
	SELECT d.task, d.variant, 'errors', 1::bigint FROM drawing d JOIN whole w ON w.id = d.task WHERE d.error IS NOT NULL
	UNION ALL
	SELECT m.task, m.variant, 'disconnected grids', sum(ST_NumGeometries(m.geom) - 1) - coalesce(max(u.n), 0)
	FROM mine m LEFT JOIN uninhabited u ON u.id = m.task GROUP BY 1, 2 HAVING sum(ST_NumGeometries(m.geom) - 1) > coalesce(max(u.n), 0)
	UNION ALL
	SELECT task, variant, 'invalid grids', count(*) FROM mine WHERE NOT ST_IsValid(geom) GROUP BY 1, 2
	UNION ALL
	SELECT task, variant, 'overlaps (areas sum to another area)', 1 FROM tiled WHERE abs(surplus) > 1e-9
	UNION ALL
	SELECT task, variant, 'gaps (the grids together are not the area)', 1 FROM tiled WHERE abs(difference) > 1e-9
	UNION ALL
	SELECT task, variant, 'edges that are not once on each side', count(*) FROM edge WHERE n > 1 AND NOT (n = 2 AND two AND both_ways) GROUP BY 1, 2
	UNION ALL
	SELECT task, variant, 'edges with nothing beyond', n FROM bench_lone(test)
	UNION ALL
	SELECT task, variant, 'vertices of the area that are missing', count(*) FROM (
		SELECT d.task, d.variant, b.ax, b.ay FROM drawing d JOIN whole w ON w.id = d.task JOIN border b ON b.task = d.task WHERE d.variant <> 'kmeans' AND d.error IS NULL
		EXCEPT SELECT task, variant, ax, ay FROM side) x GROUP BY 1, 2
	UNION ALL
	SELECT task, variant, 'atoms lost or doubled', count(*) FROM (
		SELECT d.task, d.variant, a.i FROM drawing d JOIN atom a USING (task) LEFT JOIN member m USING (task, variant, i)
		WHERE d.variant <> 'kmeans' AND d.error IS NULL GROUP BY 1, 2, 3 HAVING count(m.grid) <> 1) x GROUP BY 1, 2
	UNION ALL
	SELECT task, variant, 'wrong counts', count(*) FROM mine m JOIN counted c USING (task, variant, grid)
	WHERE (m.households, m.residents) IS DISTINCT FROM (c.h, c.r) OR m.in_bounds IS DISTINCT FROM (c.h BETWEEN 300 AND 500 AND (c.r IS NULL OR c.r BETWEEN 1000 AND 2000))
	GROUP BY 1, 2
	UNION ALL
	SELECT task, variant, 'points outside their grid', count(*) FROM (
		SELECT task, variant, atom.geom FROM mine JOIN member USING (task, variant, grid) JOIN atom USING (task, i)
		WHERE ST_Dimension(atom.geom) = 0 AND NOT ST_Intersects(mine.geom, atom.geom) OFFSET 0) o JOIN whole w ON w.id = task
	WHERE ST_Intersects(w.area, o.geom) GROUP BY 1, 2
$$;

-- The counts of a test's drawings; all of them are summed up at the end.
CREATE TABLE wrong (test text, task int, variant text, what text, n bigint);
CREATE TABLE looked_at (test text, drawings bigint, grids bigint, edges bigint);
CREATE PROCEDURE bench_look(test text) LANGUAGE sql AS $$
	CALL bench_sides(test);
	ANALYZE drawn;
	ANALYZE side;
	ANALYZE border;
	INSERT INTO wrong SELECT test, w.* FROM bench_wrong(test) w;
	INSERT INTO looked_at
	SELECT test, (SELECT count(*) FROM drawing d JOIN task k ON k.id = d.task WHERE k.test = bench_look.test AND d.variant <> 'kmeans'),
		(SELECT count(*) FROM drawn d JOIN task k ON k.id = d.task WHERE k.test = bench_look.test AND d.variant <> 'kmeans'),
		(SELECT count(*) FROM side d JOIN task k ON k.id = d.task WHERE k.test = bench_look.test AND d.variant <> 'kmeans')
$$;

--- Shapes ---

-- Of each grid: A^2 / (2 pi I), which is 1 for a disc, where I is its second moment about its centre (by Green's
-- formula), and 4 pi A / P^2 (Polsby and Popper), 1 for a disc too.
CREATE FUNCTION bench_shapes(test text) RETURNS TABLE (task int, variant text, grid int, moment float8, polsby float8) LANGUAGE sql AS $$
	SELECT task, variant, grid, a ^ 2 / (2 * pi() * (i - (mx ^ 2 + my ^ 2) / a)), 4 * pi() * a / p ^ 2
	FROM (SELECT task, variant, grid, sum(c) / 2 AS a, sum(c * (ax + bx)) / 6 AS mx, sum(c * (ay + by)) / 6 AS my,
			sum(c * (ax ^ 2 + ax * bx + bx ^ 2 + ay ^ 2 + ay * by + by ^ 2)) / 12 AS i, sum(sqrt((bx - ax) ^ 2 + (by - ay) ^ 2)) AS p
		FROM (SELECT *, ax * by - bx * ay AS c FROM side) s WHERE task IN (SELECT id FROM task k WHERE k.test = bench_shapes.test)
		GROUP BY 1, 2, 3) m
$$;

-- grid_build beside the peer, where there are two grids or more.
CREATE FUNCTION bench_shape_report(test text, variant text) RETURNS SETOF text LANGUAGE sql AS $$
	WITH shape AS MATERIALIZED (
		SELECT s.*, d.in_bounds, s.variant = 'kmeans' AS peer FROM bench_shapes(test) s JOIN drawn d USING (task, variant, grid)
		WHERE s.variant IN (bench_shape_report.variant, 'kmeans') AND task IN (SELECT task FROM drawing d WHERE d.variant = 'kmeans')),
	figure AS (
		SELECT peer, count(*) AS n, percentile_cont(0.5) WITHIN GROUP (ORDER BY moment) AS moment, percentile_cont(0.05) WITHIN GROUP (ORDER BY moment) AS moment5,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY polsby) AS polsby, percentile_cont(0.05) WITHIN GROUP (ORDER BY polsby) AS polsby5,
			bench_percent(count(*) FILTER (WHERE in_bounds), count(*)) AS kept FROM shape GROUP BY 1)
	SELECT format('    %s, %s grids: moment median %s, 5th percentile %s; Polsby-Popper median %s, 5th percentile %s; in bounds %s %%',
		CASE WHEN peer THEN 'ST_ClusterKMeans and Voronoi' ELSE 'grid_build' END, n, round(moment::numeric, 3), round(moment5::numeric, 3),
		round(polsby::numeric, 3), round(polsby5::numeric, 3), round(kept::numeric, 1)) FROM (SELECT * FROM figure ORDER BY peer) f
	UNION ALL
	SELECT bench_said('median moment, grid_build / peer', max(moment) FILTER (WHERE NOT peer) / max(moment) FILTER (WHERE peer), 3, '', at_least => 0.9) FROM figure
$$;

-- Share of the length of borders between grids that is within reach of barriers.
CREATE FUNCTION bench_along_barriers(test text, variant text, reach float8) RETURNS float8 LANGUAGE sql AS $$
	WITH inner_edge AS (
		SELECT task, ST_MakeLine(ST_Point(least(ax, bx), CASE WHEN ax < bx THEN ay ELSE by END), ST_Point(greatest(ax, bx), CASE WHEN ax < bx THEN by ELSE ay END)) AS geom
		FROM side s WHERE s.variant = bench_along_barriers.variant AND ax <> bx
		GROUP BY task, least(ax, bx), greatest(ax, bx), CASE WHEN ax < bx THEN ay ELSE by END, CASE WHEN ax < bx THEN by ELSE ay END HAVING count(*) = 2
		UNION ALL
		SELECT task, ST_MakeLine(ST_Point(ax, least(ay, by)), ST_Point(ax, greatest(ay, by)))
		FROM side s WHERE s.variant = bench_along_barriers.variant AND ax = bx GROUP BY task, ax, least(ay, by), greatest(ay, by) HAVING count(*) = 2),
	road AS MATERIALIZED (
		SELECT id, ST_Buffer(ST_Translate(barriers, -(ST_XMin(area) + ST_XMax(area)) / 2, -(ST_YMin(area) + ST_YMax(area)) / 2), reach) AS geom
		FROM task k WHERE k.test = bench_along_barriers.test)
	SELECT sum(ST_Length(ST_Intersection(e.geom, r.geom))) / sum(ST_Length(e.geom)) FROM inner_edge e JOIN road r ON r.id = e.task
$$;

--- Graphs, for second opinions ---

-- The area of each task cut along the Voronoi borders of its points, all lines noded together, so that neighbours have
-- the same vertices. The piece that a point is in is of the point's unit (the lowest id there); the others go to whom
-- they have the longest border with.
CREATE TABLE piece (task int, n int, geom geometry, unit bigint, PRIMARY KEY (task, n));
CREATE TABLE unit (task int, i bigint, unit bigint);
CREATE TABLE piece_side (task int, n int, m int, length float8);
CREATE TABLE adjacent (task int, a bigint, b bigint);

CREATE PROCEDURE bench_pieces(tasks int[]) LANGUAGE plpgsql AS $$
DECLARE changed bigint;
BEGIN
	TRUNCATE piece, unit, piece_side, adjacent;
	INSERT INTO piece
	SELECT k.id, row_number() OVER (PARTITION BY k.id), p.geom
	FROM task k, ST_Dump(ST_Polygonize(ARRAY[ST_UnaryUnion(ST_Collect(ST_Boundary(k.area), ST_VoronoiLines(ST_Collect(k.atoms), 0, k.area)))])) p
	WHERE k.id = ANY (tasks) AND ST_Intersects(k.area, ST_PointOnSurface(p.geom));
	ANALYZE piece;
	-- which piece each point is in
	CREATE TEMPORARY TABLE stand AS
		SELECT DISTINCT ON (k.id, i) k.id AS task, i, p.n FROM task k, unnest(k.ids, k.atoms) AS u (i, geom), piece p
		WHERE k.id = ANY (tasks) AND p.task = k.id AND ST_Intersects(p.geom, u.geom) ORDER BY k.id, i, p.n;
	INSERT INTO unit SELECT task, i, min(i) OVER (PARTITION BY task, n) FROM stand;
	UPDATE piece p SET unit = s.i FROM (SELECT task, n, min(i) AS i FROM stand GROUP BY 1, 2) s WHERE s.task = p.task AND s.n = p.n;
	DROP TABLE stand;
	ANALYZE unit;
	INSERT INTO piece_side
	WITH point AS (
		SELECT task, n, (p).path[1] AS ring, (p).path[2] AS nth, ST_X((p).geom) AS x, ST_Y((p).geom) AS y
		FROM (SELECT task, n, ST_DumpPoints(geom) AS p FROM piece) d),
	line AS (
		SELECT task, n, x AS ax, y AS ay, lead(x) OVER w AS bx, lead(y) OVER w AS by FROM point WINDOW w AS (PARTITION BY task, n, ring ORDER BY nth)),
	line2 AS (
		SELECT task, n, least((ax, ay), (bx, by)) AS a, greatest((ax, ay), (bx, by)) AS b, sqrt((bx - ax) ^ 2 + (by - ay) ^ 2) AS length FROM line WHERE bx IS NOT NULL),
	pair AS (
		SELECT task, min(n) AS n, max(n) AS m, max(length) AS length FROM line2 GROUP BY task, a, b HAVING count(*) = 2)
	SELECT task, n, m, sum(length) FROM pair WHERE n <> m GROUP BY 1, 2, 3;
	INSERT INTO piece_side SELECT task, m, n, length FROM piece_side;
	ANALYZE piece, piece_side;
	LOOP
		UPDATE piece p SET unit = b.unit FROM (
			SELECT DISTINCT ON (l.task, l.n) l.task, l.n, o.unit FROM piece l JOIN piece_side s USING (task, n) JOIN piece o ON o.task = l.task AND o.n = s.m
			WHERE l.unit IS NULL AND o.unit IS NOT NULL GROUP BY l.task, l.n, o.unit ORDER BY l.task, l.n, sum(s.length) DESC, o.unit) b
		WHERE p.task = b.task AND p.n = b.n;
		GET DIAGNOSTICS changed = ROW_COUNT;
		EXIT WHEN changed = 0;
	END LOOP;
	INSERT INTO adjacent
	SELECT DISTINCT s.task, p.unit, o.unit FROM piece_side s JOIN piece p USING (task, n) JOIN piece o ON o.task = s.task AND o.n = s.m WHERE p.unit <> o.unit;
END $$;

-- The same for atoms that are polygons: neighbours share a border.
CREATE PROCEDURE bench_polygons(tasks int[]) LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE unit, adjacent;
	INSERT INTO unit SELECT k.id, i, i FROM task k, unnest(k.ids) AS i WHERE k.id = ANY (tasks);
	INSERT INTO adjacent
	SELECT k.id, a.i, b.i FROM task k, unnest(k.ids, k.atoms) AS a (i, geom), unnest(k.ids, k.atoms) AS b (i, geom)
	WHERE k.id = ANY (tasks) AND a.i <> b.i AND ST_Intersects(a.geom, b.geom) AND ST_Length(ST_CollectionExtract(ST_Intersection(a.geom, b.geom), 2)) > 0;
END $$;

-- The graphs as build_exhaustive.pl reads them.
CREATE FUNCTION bench_graphs(tasks int[]) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT line FROM (
		SELECT id, 1 AS n, E'graph\t' || id AS line FROM task WHERE id = ANY (tasks)
		UNION ALL
		SELECT k.id, 2, concat_ws(E'\t', 'vertex', u.unit, sum(h), coalesce(sum(r)::text, '\N'))
		FROM task k, unnest(k.ids, k.households, k.residents) AS a (i, h, r), unit u WHERE k.id = ANY (tasks) AND u.task = k.id AND u.i = a.i GROUP BY k.id, u.unit
		UNION ALL
		SELECT task, 3, concat_ws(E'\t', 'edge', a, b) FROM adjacent WHERE a < b AND task = ANY (tasks)) x
	ORDER BY id, n, line
$$;

--- Planted instances ---

CREATE TABLE planted (seed int, k int, size float8, area geometry);
CREATE TABLE planted_atom (seed int, id bigint, region int, x float8, y float8, households int, residents int);
CREATE TABLE wanted (seed int PRIMARY KEY, version int DEFAULT 1, rounds int DEFAULT 0);	-- still to be drawn, or drawn anew
CREATE TABLE attempt (seed int, region int, attempt int, PRIMARY KEY (seed, region));

CREATE FUNCTION bench_wanted() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s %s %s', seed, version, (SELECT string_agg(region || ':' || attempt, ',') FROM attempt a WHERE a.seed = w.seed)) FROM wanted w ORDER BY seed
$$;

-- Keep the instances whose plan is one of connected regions; want the others with those regions anew, or all anew
-- where that has not helped for long.
CREATE PROCEDURE bench_plant() LANGUAGE plpgsql AS $$
DECLARE changed bigint; tasks int[];
BEGIN
	INSERT INTO task (test, name, area, ids, atoms, households, residents, k)
	SELECT 'planted', p.seed, p.area, a.ids, a.atoms, a.h, a.r, p.k FROM planted p JOIN (
		SELECT seed, array_agg(id ORDER BY id) AS ids, array_agg(ST_Point(x, y) ORDER BY id) AS atoms, array_agg(households ORDER BY id) AS h, array_agg(residents ORDER BY id) AS r
		FROM planted_atom GROUP BY 1) a USING (seed) ORDER BY seed;
	tasks := ARRAY(SELECT id FROM task k JOIN wanted ON k.test = 'planted' AND k.name = seed::text);
	CALL bench_pieces(tasks);
	CREATE TEMPORARY TABLE label ON COMMIT DROP AS
		SELECT u.task, u.i, u.unit, p.region, u.unit AS label, p.seed FROM unit u JOIN task k ON k.id = u.task JOIN planted_atom p ON p.seed = k.name::int AND p.id = u.i;
	CREATE TEMPORARY TABLE within ON COMMIT DROP AS
		SELECT a.task, a.a, b.i AS b FROM adjacent a JOIN label x ON x.task = a.task AND x.i = a.a JOIN label b ON b.task = a.task AND b.i = a.b AND b.region = x.region;
	ANALYZE label;
	ANALYZE within;
	LOOP
		UPDATE label l SET label = n.lowest FROM (
			SELECT w.task, w.a, min(o.label) AS lowest FROM within w JOIN label o ON o.task = w.task AND o.i = w.b GROUP BY 1, 2) n
		WHERE l.task = n.task AND l.i = n.a AND n.lowest < l.label;
		GET DIAGNOSTICS changed = ROW_COUNT;
		EXIT WHEN changed = 0;
	END LOOP;
	-- towers at one place count as a fault too
	CREATE TEMPORARY TABLE broken ON COMMIT DROP AS
		SELECT seed, region FROM label GROUP BY 1, 2 HAVING min(label) <> max(label) OR bool_or(i <> unit);
	UPDATE wanted SET rounds = rounds + 1;
	INSERT INTO attempt SELECT seed, region, 1 FROM broken ON CONFLICT (seed, region) DO UPDATE SET attempt = attempt.attempt + 1;
	DELETE FROM wanted WHERE seed NOT IN (SELECT seed FROM broken);
	DELETE FROM attempt WHERE seed IN (SELECT seed FROM wanted WHERE rounds % 12 = 0);
	UPDATE wanted SET version = version + 1 WHERE rounds % 12 = 0;
	DELETE FROM task k WHERE k.test = 'planted' AND k.name IN (SELECT seed::text FROM wanted);
	TRUNCATE planted, planted_atom;
END $$;
