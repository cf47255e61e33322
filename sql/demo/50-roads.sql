-- Roads along the borders: main roads between streets, side roads between communities, lanes between grids.
CREATE TABLE demo.road (
  id int PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('main', 'side', 'lane')),
  geom geometry(LineString, 4326) NOT NULL);
INSERT INTO demo.road
WITH edge AS (
  SELECT b.street, b.community, b.grid, e.geom, ST_X(a) AS ax, ST_Y(a) AS ay, ST_X(z) AS zx, ST_Y(z) AS zy
  FROM demo.block b, ST_DumpSegments(b.geom) AS e, LATERAL (SELECT ST_StartPoint(e.geom) AS a, ST_EndPoint(e.geom) AS z) AS p
), border AS (
  -- the same edge seen from its other side runs the other way
  SELECT l.geom, CASE WHEN l.street <> r.street THEN 'main' WHEN l.community <> r.community THEN 'side' ELSE 'lane' END AS kind
  FROM edge l JOIN edge r ON (l.ax, l.ay, l.zx, l.zy) = (r.zx, r.zy, r.ax, r.ay) AND l.grid < r.grid
), road AS (
  SELECT kind, (ST_Dump(ST_LineMerge(ST_Collect(geom)))).geom FROM border GROUP BY kind
)
SELECT row_number() OVER (ORDER BY kind, way), kind, way FROM road, ST_Normalize(geom) AS way;
ANALYZE demo.road;
