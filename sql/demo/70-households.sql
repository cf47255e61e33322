-- Households: an opaque id, where they live, how many they are; no name, number or telephone. There are no grids yet,
-- so no codes.
CREATE TABLE demo.household (
  id uuid PRIMARY KEY,
  building int NOT NULL REFERENCES demo.building,
  residents int NOT NULL CHECK (residents > 0),
  geom geometry(Point, 4326) NOT NULL,
  code gridcode);
INSERT INTO demo.household (id, building, residents, geom)
WITH member AS MATERIALIZED (
  SELECT b.id AS building, b.geom, b.neighbourhood, demo.key('household', 1000 * b.id::bigint + nth) AS key
  FROM demo.building b, generate_series(1, b.households) AS nth
), weighed AS MATERIALIZED (
  SELECT *, row_number() OVER (PARTITION BY neighbourhood ORDER BY key) AS nth, 0.1 + demo.chance(key, 1) * demo.chance(key, 2) AS weight FROM member
), upto AS (
  -- one resident each, the others by weight
  SELECT m.*, round((s.residents - s.households) * sum(weight) OVER (PARTITION BY neighbourhood ORDER BY nth) / sum(weight) OVER (PARTITION BY neighbourhood))::int AS others
  FROM weighed m JOIN demo.size s USING (neighbourhood)
)
SELECT md5(key || 'id')::uuid, building, 1 + others - lag(others, 1, 0) OVER (PARTITION BY neighbourhood ORDER BY nth), geom
FROM upto;
DROP TABLE demo.size;
CREATE INDEX ON demo.household (building);
ANALYZE demo.household;
