-- Streets, communities and grids: blocks divided three times over, so that every area nests in its parent and
-- every border is exactly the same line on both sides.

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

-- communities into grids, numbered further down
TRUNCATE demo.point, demo.seed;
INSERT INTO demo.point SELECT id, community::text, u, v FROM demo.block;
INSERT INTO demo.seed (parent, child, u, v, share)
SELECT parent, parent || '/' || pick, u, v, 1
FROM (SELECT *, row_number() OVER (PARTITION BY parent ORDER BY demo.key('grid', id)) AS pick FROM demo.point) AS p
JOIN demo.community c ON c.code::text = parent WHERE pick <= grids;
CALL demo.divide(moving => true);

-- Grids are numbered in bands from north to south, west to east within a band.
CREATE TABLE demo.grid_number AS
WITH grid AS (
  SELECT parent, child, u, v, row_number() OVER (PARTITION BY parent ORDER BY v DESC, u) - 1 AS nth, count(*) OVER (PARTITION BY parent) AS grids
  FROM demo.seed WHERE round = 20
), banded AS (
  SELECT *, nth * round(sqrt(grids)::numeric)::int / grids AS band FROM grid
)
SELECT child, parent || lpad(row_number() OVER (PARTITION BY parent ORDER BY band, u, v)::text, 3, '0') AS code FROM banded;
UPDATE demo.block b SET grid = code FROM demo.nearest(20) n JOIN demo.grid_number USING (child) WHERE n.id = b.id;
DROP PROCEDURE demo.divide;
DROP FUNCTION demo.nearest;
DROP TABLE demo.grid_number, demo.point, demo.seed;

-- One table for the areas of all levels; a polygon of two parts would be an error here.
CREATE TABLE demo.area (
  code gridcode PRIMARY KEY,
  level text NOT NULL,
  name text NOT NULL,
  geom geometry(Polygon, 4326) NOT NULL);
COMMENT ON TABLE demo.area IS 'District, streets, communities and grids, each exactly the union of its children';
INSERT INTO demo.area
SELECT grid, 'grid', '第' || right(grid::text, 3)::int || '网格', ST_Normalize(ST_Union(geom)) FROM demo.block GROUP BY grid;
INSERT INTO demo.area
SELECT code, level, name, ST_Normalize((SELECT ST_Union(geom) FROM demo.block b
                                        WHERE code IN (b.community, b.street, '350304')))
FROM demo.unit, LATERAL (SELECT CASE length(code::text) WHEN 6 THEN 'district' WHEN 9 THEN 'street' ELSE 'community' END AS level) AS l;
CREATE INDEX ON demo.area USING gist (geom);
ANALYZE demo.area;
