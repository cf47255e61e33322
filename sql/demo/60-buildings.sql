-- Buildings: towers where the community is urban (社区), houses in the villages; each stands on a block, some metres from
-- every road, the river and its neighbours.
--
-- Together they hold 130,000 households and 360,000 residents, spread so that 331 grids in both windows are possible: each
-- neighbourhood has 334 to 452 and 1,019 to 1,157.
CREATE TABLE demo.building (
  id int PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('tower', 'house')),
  geom geometry(Point, 4326) NOT NULL,
  households int NOT NULL,
  neighbourhood gridcode NOT NULL,
  grid gridcode);
COMMENT ON COLUMN demo.building.neighbourhood IS 'Where the building was put: known to the generator only';
COMMENT ON COLUMN demo.building.grid IS 'The grid that grid_build put the building in';
CREATE INDEX ON demo.building USING gist (geom);

-- How many live in each neighbourhood: rounding the running total makes the whole exact.
CREATE TABLE demo.size AS
WITH upto AS (
  SELECT neighbourhood, sum(0.85 + 0.3 * demo.chance(key, 1)) OVER w AS households, sum(0.94 + 0.12 * demo.chance(key, 2)) OVER w AS residents
  FROM (SELECT DISTINCT neighbourhood FROM demo.block WHERE neighbourhood IS NOT NULL) AS n,
       LATERAL (SELECT demo.key('grid size', neighbourhood::text::bigint) AS key) AS k
  WINDOW w AS (ORDER BY neighbourhood)
), scaled AS (
  SELECT neighbourhood, round(130000 * households / max(households) OVER ())::int AS households,
                        round(360000 * residents / max(residents) OVER ())::int AS residents
  FROM upto
)
SELECT neighbourhood, households - lag(households, 1, 0) OVER w AS households, residents - lag(residents, 1, 0) OVER w AS residents
FROM scaled WINDOW w AS (ORDER BY neighbourhood);

-- Where houses cannot stand: within so many degrees of a part of a road. A tower keeps some more away.
CREATE TABLE demo.kerb AS
SELECT s.geom, CASE kind WHEN 'river' THEN 0.00035 WHEN 'main' THEN 0.00016 WHEN 'side' THEN 0.00012 ELSE 0.00009 END::float8 AS reach
FROM demo.road, ST_DumpSegments(geom) AS s;
CREATE INDEX ON demo.kerb USING gist (geom);

CREATE TABLE demo.plot AS
SELECT neighbourhood, site, geom, ST_ExteriorRing(geom) AS ring, row_number() OVER (PARTITION BY neighbourhood ORDER BY id) - 1 AS plot,
       count(*) OVER (PARTITION BY neighbourhood) AS plots
FROM demo.block WHERE neighbourhood IS NOT NULL;
ALTER TABLE demo.plot ADD PRIMARY KEY (neighbourhood, plot);
ANALYZE demo.size, demo.kerb, demo.plot;

-- Somewhere on the way from the middle of a block to a point of its edge: on the same side of everything.
CREATE FUNCTION demo.spot(key text, room demo.plot) RETURNS geometry
LANGUAGE sql IMMUTABLE
RETURN ST_SnapToGrid(ST_LineInterpolatePoint(ST_MakeLine(room.site, ST_LineInterpolatePoint(room.ring, demo.chance(key, 3))),
                                             0.1 + 0.8 * sqrt(demo.chance(key, 4))), 0.0000001);

SET max_parallel_workers_per_gather = 0; -- some 100,000 small queries
DO $$
DECLARE
  one record;
  room demo.plot;
  key text;
  spot geometry;
BEGIN
  FOR one IN
    WITH keyed AS MATERIALIZED (
      -- more buildings than are needed; only those that begin before the neighbourhood is full are built
      SELECT s.neighbourhood, s.households AS room, name, nth, demo.key('building', s.neighbourhood::text::bigint % 100000000 * 1000 + nth) AS key
      FROM demo.size s JOIN demo.unit u ON u.code::text = left(s.neighbourhood::text, 12), generate_series(1, 400) AS nth
    ), planned AS (
      SELECT *, CASE WHEN name LIKE '%社区%' AND demo.chance(keyed.key, 1) < 0.8 THEN 'tower' ELSE 'house' END AS kind
      FROM keyed
    ), sized AS (
      SELECT *, CASE kind WHEN 'tower' THEN 24 + floor(49 * demo.chance(planned.key, 2)) ELSE 1 + floor(4 * demo.chance(planned.key, 2)) END::int AS size
      FROM planned
    ), begun AS (
      SELECT *, sum(size) OVER (PARTITION BY neighbourhood ORDER BY nth) - size AS before FROM sized
    )
    SELECT row_number() OVER (ORDER BY neighbourhood, nth) AS id, neighbourhood, kind, least(size, begun.room - before) AS households, begun.key
    FROM begun WHERE before < begun.room ORDER BY id
  LOOP
    -- another try where it would stand on a road or in a neighbour's way; then neighbours are put up with
    FOR try IN 1 .. 60 LOOP
      key := md5(one.key || try);
      SELECT * INTO room FROM demo.plot p
      WHERE p.neighbourhood = one.neighbourhood AND plot = floor(demo.chance(md5(key)) * (SELECT plots FROM demo.plot f WHERE (f.neighbourhood, plot) = (one.neighbourhood, 0)))::int;
      spot := demo.spot(key, room);
      EXIT WHEN ST_Contains(room.geom, spot)
        AND NOT EXISTS (SELECT FROM demo.kerb k WHERE ST_DWithin(k.geom, spot, 0.0005) AND ST_DWithin(k.geom, spot, k.reach + CASE one.kind WHEN 'tower' THEN 0.0001 ELSE 0 END))
        AND NOT EXISTS (SELECT FROM demo.kerb k WHERE k.reach = 0.00035 AND ST_Intersects(k.geom, ST_MakeLine(room.site, spot)))
        AND (try > 40 OR NOT EXISTS (SELECT FROM demo.building b WHERE ST_DWithin(b.geom, spot, 0.0004)
               AND ST_DWithin(b.geom, spot, CASE WHEN 'house' = ALL (ARRAY[b.kind, one.kind]) THEN 0.00012 WHEN b.kind = one.kind THEN 0.0004 ELSE 0.00028 END)));
      spot := NULL;
    END LOOP;
    INSERT INTO demo.building (id, kind, geom, households, neighbourhood) VALUES (one.id, one.kind, spot, one.households, one.neighbourhood);
  END LOOP;
END $$;
RESET max_parallel_workers_per_gather;
DROP FUNCTION demo.spot;
DROP TABLE demo.plot, demo.kerb;
ANALYZE demo.building;
