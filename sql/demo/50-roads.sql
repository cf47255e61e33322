-- Roads: main roads between streets, side roads between communities, and lanes. Lanes run between some neighbourhoods,
-- and one through each; none crosses the river, as bridges are for larger roads.
CREATE TABLE demo.edge AS
WITH edge AS (
  SELECT b.street, b.community, b.neighbourhood, b.north, e.geom, ST_X(a) AS ax, ST_Y(a) AS ay, ST_X(z) AS zx, ST_Y(z) AS zy
  FROM demo.block b, ST_DumpSegments(b.geom) AS e, LATERAL (SELECT ST_StartPoint(e.geom) AS a, ST_EndPoint(e.geom) AS z) AS p
)
-- the same edge seen from its other side runs the other way
SELECT l.geom, l.north, l.neighbourhood AS one, r.neighbourhood AS other,
       CASE WHEN l.street <> r.street THEN 'main' WHEN l.community <> r.community THEN 'side' ELSE 'lane' END AS kind
FROM edge l JOIN edge r ON (l.ax, l.ay, l.zx, l.zy) = (r.zx, r.zy, r.ax, r.ay)
WHERE CASE WHEN l.community = r.community THEN l.north = r.north AND l.neighbourhood < r.neighbourhood ELSE l.community < r.community END;

INSERT INTO demo.road
WITH along AS (
  SELECT kind, (ST_Dump(ST_LineMerge(ST_Collect(geom)))).geom FROM demo.edge WHERE kind <> 'lane' GROUP BY kind
), between AS (
  SELECT north, (ST_Dump(ST_LineMerge(ST_Collect(geom)))).geom FROM demo.edge
  WHERE kind = 'lane' AND demo.chance(demo.key('lane', one::text::bigint % 1000000000 * 100 + other::text::bigint % 100)) < 0.75
  GROUP BY north, one, other
), through AS (
  -- a straight one, from edge to edge of the neighbourhood
  SELECT north, (ST_Dump(ST_Intersection(whole, ST_MakeLine(ST_Translate(middle, -dx, -dy), ST_Translate(middle, dx, dy))))).geom, middle
  FROM (SELECT north, neighbourhood, ST_Union(geom) AS whole FROM demo.block WHERE neighbourhood IS NOT NULL GROUP BY north, neighbourhood) AS n,
       LATERAL (SELECT ST_SnapToGrid(ST_Centroid(whole), 0.0000001) AS middle, pi() * demo.chance(demo.key('through', neighbourhood::text::bigint)) AS turn) AS m,
       LATERAL (SELECT round((0.1 * cos(turn))::numeric, 7)::float8 AS dx, round((0.1 * sin(turn))::numeric, 7)::float8 AS dy) AS d
), lane AS (
  SELECT * FROM between UNION ALL SELECT north, geom FROM through WHERE ST_DWithin(geom, middle, 0.0000002)
), dry AS (
  SELECT (ST_Dump(CASE WHEN north THEN ST_Intersection(l.geom, bank.geom) ELSE ST_Difference(l.geom, bank.geom) END)).geom FROM lane l, demo.bank
), road AS (
  SELECT kind, geom FROM along UNION ALL SELECT 'lane', geom FROM dry
)
SELECT row_number() OVER (ORDER BY kind, way), kind, way
FROM road, ST_SnapToGrid(ST_Normalize(geom), 0.0000001) AS way WHERE ST_Length(way) > 0.0002;
DROP TABLE demo.edge;
ANALYZE demo.road;
