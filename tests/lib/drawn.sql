-- What tests of grid_build share: the atoms, what is drawn of them, and what is wrong with that.
-- What is drawn, and from what.
CREATE TABLE atom (id bigint PRIMARY KEY, geom geometry NOT NULL, households int NOT NULL, residents int);
CREATE TABLE drawn (grid int, geom geometry, households int, residents int, in_bounds boolean, ids bigint[]);

-- What is wrong with the drawing; no rows where nothing is. Limits are relative to the extent or the area.
CREATE FUNCTION wrong(area geometry, parts int DEFAULT 1, overlap float8 DEFAULT 1e-6) RETURNS SETOF text LANGUAGE sql AS $$
	WITH side AS MATERIALIZED (
		SELECT grid, ST_X(a) AS ax, ST_Y(a) AS ay, ST_X(b) AS bx, ST_Y(b) AS by, (ST_X(a), ST_Y(a)) < (ST_X(b), ST_Y(b)) AS up
		FROM drawn d, ST_DumpSegments(d.geom) s, LATERAL (SELECT ST_StartPoint(s.geom) AS a, ST_EndPoint(s.geom) AS b) e),
	edge AS MATERIALIZED (
		SELECT count(*) AS n, count(DISTINCT grid) AS grids, count(DISTINCT up) AS ways, ST_MakeLine(ST_Point(x1, y1), ST_Point(x2, y2)) AS geom
		FROM (SELECT grid, up, CASE WHEN up THEN ax ELSE bx END AS x1, CASE WHEN up THEN ay ELSE by END AS y1,
			CASE WHEN up THEN bx ELSE ax END AS x2, CASE WHEN up THEN by ELSE ay END AS y2 FROM side) s
		GROUP BY x1, y1, x2, y2),
	whole AS (SELECT ST_SetSRID(area, 0) AS geom, ST_SetSRID(ST_Boundary(area), 0) AS border, ST_Area(area) AS size,
		greatest(ST_XMax(area) - ST_XMin(area), ST_YMax(area) - ST_YMin(area)) AS extent)
	SELECT format('%s grids are not valid', count(*)) FROM drawn WHERE NOT ST_IsValid(geom) HAVING count(*) > 0
	UNION ALL SELECT format('%s grids are not connected', count(*)) FROM drawn WHERE ST_NumGeometries(geom) > 1 HAVING count(*) >= parts
	UNION ALL SELECT format('%s edges are not once on each side', count(*)) FROM edge WHERE n > 1 AND (n, grids, ways) <> (2, 2, 2) HAVING count(*) > 0
	UNION ALL SELECT format('%s edges have nothing beyond', count(*)) FROM edge, whole WHERE n = 1 AND NOT ST_DWithin(edge.geom, border, extent * 1e-9) HAVING count(*) > 0
	UNION ALL SELECT format('the outer border is %s times as long', r) FROM (SELECT sum(ST_Length(edge.geom)) / ST_Length(border) AS r FROM edge, whole WHERE n = 1 GROUP BY border) x WHERE abs(r - 1) > 1e-9
	UNION ALL SELECT format('%s vertices of the area are missing', count(*)) FROM (SELECT ST_X(p.geom), ST_Y(p.geom) FROM ST_DumpPoints(area) p EXCEPT SELECT ax, ay FROM side) x HAVING count(*) > 0
	UNION ALL SELECT format('grids and area differ by %s', d) FROM (SELECT ST_Area(ST_SymDifference(ST_SetSRID(ST_Union(d.geom), 0), whole.geom)) / size AS d FROM drawn d, whole GROUP BY whole.geom, size) x WHERE d > 1e-9
	UNION ALL SELECT format('grids overlap by %s', d) FROM (SELECT sum(ST_Area(d.geom)) / size - 1 AS d FROM drawn d, whole GROUP BY size) x WHERE abs(d) > 1e-9
	UNION ALL SELECT format('%s grids are slivers', count(*)) FROM drawn WHERE 4 * pi() * ST_Area(geom) / ST_Perimeter(geom) ^ 2 < 0.02 HAVING count(*) > 0
	UNION ALL SELECT format('%s points are in another grid', count(*)) FROM whole, drawn d, unnest(d.ids) AS i JOIN atom a ON a.id = i
		WHERE GeometryType(a.geom) = 'POINT' AND ST_Intersects(a.geom, area) AND NOT ST_DWithin(a.geom, d.geom, extent * 1e-9) HAVING count(*) > 0
	UNION ALL SELECT format('%s polygons are not within their grid', count(*)) FROM drawn d, unnest(d.ids) AS i JOIN atom a ON a.id = i
		WHERE GeometryType(a.geom) <> 'POINT' AND ST_Area(ST_Intersection(a.geom, area)) - ST_Area(ST_Intersection(a.geom, d.geom)) > overlap * ST_Area(a.geom) HAVING count(*) > 0
	UNION ALL SELECT 'atoms are lost or doubled' WHERE (SELECT array_agg(id ORDER BY id) FROM atom) IS DISTINCT FROM (SELECT array_agg(i ORDER BY i) FROM drawn, unnest(ids) AS i)
	UNION ALL SELECT format('ids of grid %s are not ascending', grid) FROM drawn WHERE ids <> ARRAY(SELECT i FROM unnest(ids) AS i ORDER BY i)
	UNION ALL SELECT format('counts of grid %s are wrong', d.grid) FROM drawn d, LATERAL (SELECT sum(a.households) AS h, sum(a.residents) AS r FROM atom a WHERE a.id = ANY (d.ids)) s
		WHERE (d.households, d.residents) IS DISTINCT FROM (s.h, s.r) OR d.in_bounds <> (s.h BETWEEN 300 AND 500 AND coalesce(s.r BETWEEN 1000 AND 2000, true))
	UNION ALL SELECT format('grid %s should be %s', grid, nth) FROM (
		-- in bands from north to south by the height of the centre, from west to east within a band
		SELECT grid, row_number() OVER (ORDER BY band, x, y DESC) AS nth FROM (
			SELECT grid, x, y, ((row_number() OVER (ORDER BY y DESC, x) - 1) * round(sqrt(count(*) OVER ())::numeric)::int / count(*) OVER ()) AS band
			FROM drawn, whole, LATERAL (SELECT round((ST_X(c) / extent)::numeric, 7) AS x, round((ST_Y(c) / extent)::numeric, 7) AS y FROM ST_Centroid(drawn.geom) AS c) c) b) n WHERE grid <> nth
$$;

-- Draw, say what came of it, and what is wrong.
CREATE FUNCTION draw(area geometry, barriers geometry DEFAULT NULL, grids int DEFAULT NULL, parts int DEFAULT 1, overlap float8 DEFAULT 1e-6) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE drawn;
	INSERT INTO drawn SELECT b.* FROM (SELECT array_agg(id) AS ids, array_agg(geom) AS geoms, array_agg(households) AS h,
		CASE WHEN count(residents) > 0 THEN array_agg(residents) END AS r FROM atom) a, grid_build(ids, geoms, h, r, area, barriers, grids) b;
	RETURN QUERY SELECT format('%s grids, %s in bounds', count(*), count(*) FILTER (WHERE in_bounds)) FROM drawn;
	RETURN QUERY SELECT wrong(area, parts, overlap);
END $$;
