-- Streets and communities: blocks divided twice over, so that every area nests in its parent and every border is exactly
-- the same line on both sides. Communities are divided once more, into neighbourhoods in which people live; these are
-- only the generator's, to spread the population evenly. Grids are drawn later, and know nothing of them.

-- Scratch of divide(): points to be shared out among the children of their parent, each child growing from a seed.
CREATE TABLE demo.point (id int PRIMARY KEY, parent text NOT NULL, u bigint NOT NULL, v bigint NOT NULL);
CREATE TABLE demo.seed (
  round int NOT NULL DEFAULT 0, parent text NOT NULL, child text NOT NULL,
  u bigint NOT NULL, v bigint NOT NULL, weight bigint NOT NULL DEFAULT 0, share int NOT NULL,
  PRIMARY KEY (round, parent, child));

-- The child whose seed is nearest to each point: squared distance, less the seed's weight.
CREATE FUNCTION demo.nearest(in_round int) RETURNS TABLE (id int, child text, u bigint, v bigint)
LANGUAGE sql STABLE ROWS 10000 AS $$
  SELECT p.id, s.child, p.u, p.v
  FROM demo.point p CROSS JOIN LATERAL (
    SELECT s.child FROM demo.seed s WHERE s.round = in_round AND s.parent = p.parent
    ORDER BY (p.u - s.u) * (p.u - s.u) + (p.v - s.v) * (p.v - s.v) - s.weight, s.child LIMIT 1) s
$$;

-- Gives more weight to a seed with too few points, 20 times over, so that in the end each has points in proportion to
-- its share; a moving seed goes to the middle of its points each time, for compact areas.
CREATE PROCEDURE demo.divide(moving boolean) LANGUAGE plpgsql AS $$
DECLARE
  area_of_point CONSTANT bigint := 19000 * 16454;
BEGIN
  ANALYZE demo.point, demo.seed;
  FOR done IN 0 .. 19 LOOP
    INSERT INTO demo.seed
    SELECT done + 1, parent, child, CASE WHEN moving AND n > 0 THEN f.u ELSE s.u END, CASE WHEN moving AND n > 0 THEN f.v ELSE s.v END,
           weight + 0.25 * area_of_point * (share * sum(n) OVER family / sum(share) OVER family - coalesce(n, 0)), share
    FROM demo.seed s LEFT JOIN (
      SELECT child, count(*) AS n, avg(u) AS u, avg(v) AS v FROM demo.nearest(done) GROUP BY child) AS f USING (child)
    WHERE round = done
    WINDOW family AS (PARTITION BY parent);
  END LOOP;
END $$;

-- the district into streets, around the town in the middle
INSERT INTO demo.point SELECT id, '350304', u, v FROM demo.block;
INSERT INTO demo.seed (parent, child, u, v, share) SELECT '350304', code::text, u, v, grids FROM demo.street;
CALL demo.divide(moving => false);
UPDATE demo.block b SET street = child FROM demo.nearest(20) n WHERE n.id = b.id;

-- streets into communities; those with low numbers lie nearer to the town
TRUNCATE demo.point, demo.seed;
INSERT INTO demo.point SELECT id, street::text, u, v FROM demo.block;
INSERT INTO demo.seed (parent, child, u, v, share)
SELECT c.street::text, c.code::text, p.u, p.v, c.grids
FROM (SELECT *, row_number() OVER (PARTITION BY street ORDER BY code) AS nth FROM demo.community) AS c
JOIN (SELECT parent, u, v, row_number() OVER (PARTITION BY parent ORDER BY u * u + v * v) AS nth
      FROM (SELECT *, row_number() OVER (PARTITION BY parent ORDER BY demo.key('community', id)) AS pick FROM demo.point) AS p
      JOIN (SELECT street::text AS parent, count(*) AS communities FROM demo.community GROUP BY street) AS s USING (parent)
      WHERE pick <= communities) AS p ON p.parent = c.street::text AND p.nth = c.nth;
CALL demo.divide(moving => true);
UPDATE demo.block b SET community = child FROM demo.nearest(20) n WHERE n.id = b.id;

-- Borders as crooked as the edges of blocks would look drawn by a machine: each vertex on a border goes half the way to
-- the middle between its neighbours, six times over. Those where three borders meet stay.
CREATE PROCEDURE demo.smooth(level text) LANGUAGE plpgsql AS $$
BEGIN
  CREATE TEMP TABLE bend AS
  WITH edge AS (
    SELECT CASE level WHEN 'community' THEN community ELSE coalesce(neighbourhood, community) END AS area,
           round(ST_X(a) * 1e7)::bigint AS ax, round(ST_Y(a) * 1e7)::bigint AS ay, round(ST_X(z) * 1e7)::bigint AS zx, round(ST_Y(z) * 1e7)::bigint AS zy
    FROM demo.block b, ST_DumpSegments(b.geom) AS s, LATERAL (SELECT ST_StartPoint(s.geom) AS a, ST_EndPoint(s.geom) AS z) AS p
  ), border AS (
    -- the same edge seen from its other side runs the other way; both are here, but not that of the world outside
    SELECT l.* FROM edge l LEFT JOIN edge r ON (l.ax, l.ay, l.zx, l.zy) = (r.zx, r.zy, r.ax, r.ay) WHERE l.area IS DISTINCT FROM r.area
  ), half AS (
    SELECT ax AS x, ay AS y, zx AS to_x, zy AS to_y FROM border UNION SELECT zx, zy, ax, ay FROM border
  )
  SELECT x AS old_x, y AS old_y, x, y, min(ARRAY[to_x, to_y]) AS one, max(ARRAY[to_x, to_y]) AS other
  FROM half GROUP BY x, y HAVING count(*) = 2;
  ALTER TABLE bend ADD PRIMARY KEY (old_x, old_y);
  ANALYZE bend;
  FOR done IN 1 .. 6 LOOP
    UPDATE bend b SET x = m.x, y = m.y
    FROM (SELECT m.old_x, m.old_y, (coalesce(l.x, m.one[1]) + 2 * m.x + coalesce(r.x, m.other[1]) + 2) / 4 AS x,
                 (coalesce(l.y, m.one[2]) + 2 * m.y + coalesce(r.y, m.other[2]) + 2) / 4 AS y
          FROM bend m LEFT JOIN bend l ON (l.old_x, l.old_y) = (m.one[1], m.one[2])
          LEFT JOIN bend r ON (r.old_x, r.old_y) = (m.other[1], m.other[2])) AS m
    WHERE (m.old_x, m.old_y) = (b.old_x, b.old_y);
  END LOOP;
  CREATE TEMP TABLE moved (id int PRIMARY KEY, geom geometry NOT NULL);
  LOOP
    INSERT INTO moved
    SELECT b.id, ST_MakePolygon(ST_MakeLine(coalesce(ST_SnapToGrid(ST_Point(x / 1e7, y / 1e7, 4326), 0.0000001), p.geom) ORDER BY p.path))
    FROM demo.block b, ST_DumpPoints(ST_ExteriorRing(b.geom)) AS p
    LEFT JOIN bend ON old_x = round(ST_X(p.geom) * 1e7)::bigint AND old_y = round(ST_Y(p.geom) * 1e7)::bigint
    GROUP BY b.id HAVING count(x) > 0;
    -- where a block was turned inside out: only half so far
    UPDATE bend SET x = (x + old_x) / 2, y = (y + old_y) / 2
    FROM moved m JOIN demo.block b USING (id), ST_DumpPoints(b.geom) AS p
    WHERE NOT ST_IsValid(m.geom) AND old_x = round(ST_X(p.geom) * 1e7)::bigint AND old_y = round(ST_Y(p.geom) * 1e7)::bigint;
    EXIT WHEN NOT FOUND;
    TRUNCATE moved;
  END LOOP;
  UPDATE demo.block b SET geom = m.geom, site = CASE WHEN ST_Contains(m.geom, site) THEN site ELSE ST_SnapToGrid(ST_PointOnSurface(m.geom), 0.0000001) END
  FROM moved m WHERE m.id = b.id;
  DROP TABLE bend, moved;
END $$;
CALL demo.smooth('community');

-- communities into neighbourhoods, as many as there will be grids, none of them across the river; where a bank is too small
-- for one, nobody lives
TRUNCATE demo.point, demo.seed;
INSERT INTO demo.point SELECT id, community::text || CASE WHEN north THEN 'n' ELSE 's' END, u, v FROM demo.block;
INSERT INTO demo.seed (parent, child, u, v, share)
WITH bank AS (
  SELECT parent, left(parent, 12)::gridcode AS code, count(*) AS n FROM demo.point GROUP BY parent
), upto AS (
  SELECT parent, code, round(grids * sum(n) OVER (PARTITION BY code ORDER BY parent COLLATE "C") / sum(n) OVER (PARTITION BY code)) AS upto
  FROM bank JOIN demo.community USING (code)
), room AS (
  SELECT parent, code, lag(upto, 1, 0) OVER (PARTITION BY code ORDER BY parent COLLATE "C") AS after, upto FROM upto
)
SELECT parent, code::text || lpad((after + pick)::text, 2, '0'), u, v, 1
FROM (SELECT *, row_number() OVER (PARTITION BY parent ORDER BY demo.key('grid', id)) AS pick FROM demo.point) AS p
JOIN room USING (parent) WHERE after + pick <= upto;
CALL demo.divide(moving => true);
UPDATE demo.block b SET neighbourhood = child FROM demo.nearest(20) n WHERE n.id = b.id;
CALL demo.smooth('neighbourhood');
DROP PROCEDURE demo.divide, demo.smooth;
DROP FUNCTION demo.nearest;
DROP TABLE demo.point, demo.seed;

-- One table for the areas of all levels; a polygon of two parts would be an error here. Grids come in 75-grids.sql.
CREATE TABLE demo.area (
  code gridcode PRIMARY KEY,
  level text NOT NULL,
  name text NOT NULL,
  geom geometry(Polygon, 4326) NOT NULL);
COMMENT ON TABLE demo.area IS 'District, streets, communities and grids, each exactly the union of its children';
INSERT INTO demo.area
SELECT code, level, name, ST_Normalize((SELECT ST_Union(geom) FROM demo.block b
                                        WHERE code IN (b.community, b.street, '350304')))
FROM demo.unit, LATERAL (SELECT CASE length(code::text) WHEN 6 THEN 'district' WHEN 9 THEN 'street' ELSE 'community' END AS level) AS l;
CREATE INDEX ON demo.area USING gist (geom);
ANALYZE demo.area;
