-- The real units of the district, and how many grids each community has: 331 in all, 37 of them in Zhenhai street.
CREATE TABLE demo.unit (code gridcode PRIMARY KEY, name text NOT NULL);
\copy demo.unit FROM 'sql/demo/licheng.csv' (FORMAT csv, HEADER)

-- Where a street's growth starts (plane of 30-blocks.sql) and its number of grids.
CREATE TABLE demo.street (code gridcode PRIMARY KEY, latin text NOT NULL, u int NOT NULL, v int NOT NULL, grids int NOT NULL);
INSERT INTO demo.street VALUES
  ('350304001', 'Zhenhai',         0,       0, 37),
  ('350304002', 'Gongchen',   250000,  550000, 58),
  ('350304100', 'Xitianwei', -700000,  450000, 42),
  ('350304101', 'Huangshi',   250000, -650000, 84),
  ('350304102', 'Xindu',     -550000, -550000, 58),
  ('350304103', 'Beigao',     900000, -150000, 52);

-- Each community gets one grid; the others go round by weight.
CREATE TABLE demo.community (code gridcode PRIMARY KEY, street gridcode NOT NULL, grids int NOT NULL);
INSERT INTO demo.community
WITH community AS (
  SELECT u.code, s.code AS street, s.grids - count(*) OVER street AS spare, 0.3 + demo.chance(demo.key('community', right(u.code::text, 6)::int)) AS weight
  FROM demo.unit u JOIN demo.street s ON s.code::text = left(u.code::text, 9)
  WHERE length(u.code::text) = 12
  WINDOW street AS (PARTITION BY s.code)
), upto AS (
  SELECT code, street, round(spare * sum(weight) OVER (PARTITION BY street ORDER BY code) / sum(weight) OVER (PARTITION BY street)) AS grids
  FROM community
)
SELECT code, street, 1 + grids - lag(grids, 1, 0) OVER (PARTITION BY street ORDER BY code) FROM upto;
ANALYZE demo.unit, demo.street, demo.community;
