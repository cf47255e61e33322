-- The district cut into some 10,000 blocks, small in the town and large outside: the cells of a Voronoi diagram.
--
-- Blocks are laid out evenly in a plane (u, v) around the town, which is then stretched outwards into metres east and
-- north. Everything is rounded to whole numbers, so no machine's arithmetic shows. Neighbouring cells have bit-identical
-- vertices; they stay so because every vertex is moved to degrees by itself.
CREATE TABLE demo.block (
  id int PRIMARY KEY, u int NOT NULL, v int NOT NULL,
  site geometry(Point, 4326) NOT NULL, geom geometry(Polygon, 4326) NOT NULL,
  street gridcode, community gridcode, north boolean, neighbourhood gridcode);

CREATE FUNCTION demo.degrees(metres geometry) RETURNS geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ST_SetSRID(ST_SnapToGrid(ST_Affine(metres, 0.00000994, 0, 0, 0.00000903, 119.0100, 25.4300), 0.0000001), 4326);

CREATE TABLE demo.site AS
WITH outline AS (
  SELECT ST_GeomFromText('POLYGON((-150000 1150000, -500000 1200000, -800000 1000000, -950000 650000, -800000 350000,
    -700000 50000, -900000 -250000, -950000 -600000, -700000 -900000, -300000 -1100000, 100000 -950000, 400000 -1100000,
    750000 -1000000, 1000000 -800000, 1300000 -750000, 1450000 -450000, 1250000 -150000, 1000000 -100000, 800000 150000,
    700000 500000, 450000 750000, 250000 1000000, -150000 1150000))') AS outline
), lattice AS (
  SELECT col, line, demo.key('block', 1000 * line + col) AS key
  FROM generate_series(-80, 90) AS col, generate_series(-75, 80) AS line
), site AS (
  SELECT round(19000 * (col + mod(line + 100, 2) / 2.0 + 0.5 * (demo.chance(key, 1) - 0.5)))::int AS u,
         round(16454 * (line + 0.5 * (demo.chance(key, 2) - 0.5)))::int AS v
  FROM lattice
)
-- those just outside only bound the cells of those inside
SELECT u, v, ST_Contains(outline, ST_Point(u, v)) AS inside,
       ST_Point(round(0.0082 * u * stretch), round(0.0082 * v * stretch)) AS metres
FROM site, outline, LATERAL (SELECT sqrt(sqrt(u::float8 * u + v::float8 * v) / 1000000) AS stretch) s
WHERE ST_DWithin(outline, ST_Point(u, v), 80000);
CREATE INDEX ON demo.site USING gist (metres);
ANALYZE demo.site;

WITH cell AS (
  SELECT (ST_Dump(ST_VoronoiPolygons(ST_Collect(metres ORDER BY u, v)))).geom AS cell FROM demo.site
)
INSERT INTO demo.block (id, u, v, site, geom)
SELECT row_number() OVER (ORDER BY v DESC, u), u, v, demo.degrees(metres), demo.degrees(ST_Normalize(cell))
FROM cell JOIN demo.site ON inside AND ST_Contains(cell, metres);
DROP TABLE demo.site;
ANALYZE demo.block;
