-- Buildings: towers where the community is urban (社区), houses in the villages; each stands on a block.
--
-- Together the buildings of the 331 grids hold 130,000 households and 360,000 residents, in each grid 334 to 452 and
-- 1,019 to 1,157. In one grid of eight the first building stands exactly on a corner where grids meet.
CREATE TABLE demo.building (
  id int PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('tower', 'house')),
  geom geometry(Point, 4326) NOT NULL,
  households int NOT NULL,
  on_corner boolean NOT NULL,
  drawn_in gridcode NOT NULL);
COMMENT ON COLUMN demo.building.drawn_in IS 'The grid whose block the building was put on: known to the generator only';

-- How many live in each grid: rounding the running total makes the whole exact.
CREATE TABLE demo.grid_size AS
WITH upto AS (
  SELECT code, sum(0.85 + 0.3 * demo.chance(key, 1)) OVER w AS households, sum(0.94 + 0.12 * demo.chance(key, 2)) OVER w AS residents
  FROM demo.area, LATERAL (SELECT demo.key('grid size', code::text::bigint) AS key) k
  WHERE level = 'grid' WINDOW w AS (ORDER BY code)
), scaled AS (
  SELECT code, round(130000 * households / max(households) OVER ())::int AS households,
               round(360000 * residents / max(residents) OVER ())::int AS residents
  FROM upto
)
SELECT code AS grid, households - lag(households, 1, 0) OVER w AS households, residents - lag(residents, 1, 0) OVER w AS residents
FROM scaled WINDOW w AS (ORDER BY code);

-- Vertices where grids meet, one for each grid.
CREATE TABLE demo.corner AS
WITH vertex AS (
  SELECT DISTINCT grid, p.geom FROM demo.block, ST_DumpPoints(ST_ExteriorRing(geom)) AS p
), meeting AS (
  SELECT geom FROM vertex GROUP BY geom HAVING count(*) > 1
)
SELECT DISTINCT ON (grid) grid, geom FROM vertex JOIN meeting USING (geom) ORDER BY grid, ST_Y(geom), ST_X(geom);

INSERT INTO demo.building
WITH keyed AS MATERIALIZED (
  -- more buildings than a grid needs; only those that begin before it is full are built
  SELECT s.grid, s.households AS room, name, nth, demo.key('building', s.grid::text::bigint % 1000000000 * 1000 + nth) AS key
  FROM demo.grid_size s JOIN demo.unit u ON u.code::text = left(s.grid::text, 12), generate_series(1, 400) AS nth
), planned AS (
  SELECT *, CASE WHEN name LIKE '%社区%' AND demo.chance(key, 1) < 0.8 THEN 'tower' ELSE 'house' END AS kind
  FROM keyed
), sized AS (
  SELECT *, CASE kind WHEN 'tower' THEN 24 + floor(49 * demo.chance(key, 2)) ELSE 1 + floor(4 * demo.chance(key, 2)) END::int AS size
  FROM planned
), begun AS (
  SELECT *, sum(size) OVER (PARTITION BY grid ORDER BY nth) - size AS before FROM sized
), built AS MATERIALIZED (
  SELECT grid, begun.nth, key, kind, least(size, room - before) AS households, floor(blocks * demo.chance(md5(key)))::int AS block
  FROM begun JOIN (SELECT grid, count(*) AS blocks FROM demo.block GROUP BY grid) AS b USING (grid) WHERE before < room
), block AS (
  SELECT grid, site, ST_ExteriorRing(geom) AS ring, row_number() OVER (PARTITION BY grid ORDER BY id) - 1 AS block FROM demo.block
), placed AS (
  -- somewhere on the way from the middle of a block to a point of its edge
  SELECT b.*, c.geom AS corner,
         ST_SnapToGrid(ST_LineInterpolatePoint(ST_MakeLine(site, ST_LineInterpolatePoint(ring, demo.chance(key, 3))),
                                               0.15 + 0.7 * sqrt(demo.chance(key, 4))), 0.0000001) AS geom
  FROM built b JOIN block USING (grid, block)
  LEFT JOIN demo.corner c ON c.grid = b.grid AND b.nth = 1 AND demo.chance(demo.key('corner', b.grid::text::bigint)) < 0.125
)
SELECT row_number() OVER (ORDER BY grid, nth), kind, coalesce(corner, geom), households, corner IS NOT NULL, grid FROM placed;
DROP TABLE demo.corner;
ANALYZE demo.building;
