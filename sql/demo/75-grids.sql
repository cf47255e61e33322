-- Grids: each community cut by grid_build into as many as it has officers, along its roads and the river. Their codes
-- continue the community's.
CREATE VIEW demo.drawing AS
SELECT c.code, c.grids, a.geom AS area, b.ids, b.geoms, b.households, b.residents, r.barriers
FROM demo.community c JOIN demo.area a USING (code) JOIN (
  SELECT left(neighbourhood::text, 12)::gridcode AS code, array_agg(id::bigint ORDER BY id) AS ids, array_agg(geom ORDER BY id) AS geoms,
         array_agg(b.households ORDER BY id) AS households, array_agg(residents ORDER BY id) AS residents
  FROM demo.building b JOIN (SELECT building AS id, sum(residents)::int AS residents FROM demo.household GROUP BY building) AS h USING (id)
  GROUP BY 1) AS b USING (code)
CROSS JOIN LATERAL (SELECT ST_Collect(r.geom ORDER BY id) AS barriers FROM demo.road r WHERE ST_Intersects(r.geom, a.geom)) AS r;
COMMENT ON VIEW demo.drawing IS 'What grid_build is given for each community: its buildings, who lives in them, its area, roads and river, number of grids';

CREATE TEMP TABLE drawing AS SELECT * FROM demo.drawing;
SELECT d.grids, possible, grids_min, grids_max, p.households, p.residents, round(household_size::numeric, 2) AS household_size,
       legal_households_min, legal_households_max
FROM drawing d, grid_build_report(ids, geoms, d.households, d.residents, area, barriers, grids) AS p WHERE code = '350304001001' \gset
\echo '   grid_build_report for 350304001001:' :grids 'grids in both windows possible:' :possible'.' :households 'households,' :residents 'residents,'
\echo '   enough for' :grids_min 'to' :grids_max 'grids; at' :household_size 'residents a household a grid has' :legal_households_min 'to' :legal_households_max 'households.'

SELECT clock_timestamp() AS started \gset
CREATE TEMP TABLE drawn AS
SELECT grid_child(code, grid) AS code, grid, g.geom, in_bounds, g.ids
FROM drawing d CROSS JOIN LATERAL grid_build(ids, geoms, d.households, d.residents, area, barriers, grids) AS g;
SELECT round(extract(epoch FROM clock_timestamp() - :'started')::numeric, 1) AS seconds,
       (SELECT count(*) FROM drawing) AS communities, count(*) AS grids, count(*) FILTER (WHERE in_bounds) AS in_bounds FROM drawn \gset
\echo '   grid_build:' :communities 'communities cut into' :grids 'grids in' :seconds 's; in bounds:' :in_bounds
INSERT INTO demo.area SELECT code, 'grid', '第' || grid || '网格', geom FROM drawn;
UPDATE demo.building b SET grid = code FROM drawn, unnest(ids) AS member WHERE member = b.id;
DROP TABLE drawing, drawn;

-- Newspaper kiosks exactly on corners where three grids meet: those of one community, whose borders have the same points.
CREATE TABLE demo.kiosk (id int PRIMARY KEY, geom geometry(Point, 4326) NOT NULL, code gridcode);
INSERT INTO demo.kiosk (id, geom)
SELECT row_number() OVER (ORDER BY community, ST_Y(geom), ST_X(geom)), geom
FROM (SELECT DISTINCT grid_parent(code) AS community, code, p.geom FROM demo.area, ST_DumpPoints(geom) AS p WHERE level = 'grid') AS corner
GROUP BY community, geom HAVING count(*) > 2;
ANALYZE demo.area, demo.building, demo.kiosk;
