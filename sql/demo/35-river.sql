-- The river, which winds through the district from the north-west to the sea in the south-east, and its two banks.
CREATE TABLE demo.road (
  id int PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('river', 'main', 'side', 'lane')),
  geom geometry(LineString, 4326) NOT NULL);
COMMENT ON TABLE demo.road IS 'Roads and the river: the barriers that borders of grids follow';
INSERT INTO demo.road
SELECT 0, 'river', ST_SnapToGrid(ST_ChaikinSmoothing(demo.degrees(ST_GeomFromText('LINESTRING(
  -8700 7700, -7971 7290, -7702 7123, -7594 6052, -7063 5788, -6523 4743, -6490 4178, -6078 3396, -5294 3229,
  -5144 2784, -4584 2368, -4257 2481, -3954 2014, -2863 2108, -2546 1393, -1198 696, -720 260, -385 -110,
  -275 -570, 58 -947, 1099 -616, 2560 -2672, 3285 -2904, 3457 -3351, 4129 -3477, 3917 -4120, 4852 -5030,
  5250 -5250, 5945 -6412, 7600 -6990, 9030 -7151, 9242 -7422, 9700 -8000)')), 3), 0.0000001);

-- the bank north of it, as far as there are blocks
CREATE TABLE demo.bank AS
SELECT ST_MakePolygon(ST_MakeLine(ARRAY[geom, ST_Point(119.3, ST_Y(ST_EndPoint(geom)), 4326), ST_Point(119.3, 25.7, 4326),
                                        ST_Point(ST_X(ST_StartPoint(geom)), 25.7, 4326), ST_StartPoint(geom)])) AS geom
FROM demo.road WHERE kind = 'river';
UPDATE demo.block SET north = ST_Contains(bank.geom, site) FROM demo.bank;
