-- One community close by, as an SVG: its grids, roads, river and buildings. The picture of docs/drawing.md:
--   psql -qAt -v code=350304001001 -f sql/demo/community.sql -o docs/drawing.svg
WITH scale AS (
  -- to metres around the middle; ST_AsSVG turns y upside down, as SVG wants it
  SELECT ST_X(c) AS x, ST_Y(c) AS y, 100600.0 AS east, 110750.0 AS north, a.geom AS whole
  FROM demo.area a, LATERAL (SELECT ST_Centroid(geom) AS c) AS m WHERE code = :'code'
), grid AS (
  SELECT code, right(code::text, 3)::int AS number, ST_Affine(geom, east, 0, 0, north, -east * x, -north * y) AS geom
  FROM demo.area, scale WHERE level = 'grid' AND code <@ :'code' AND code <> :'code'
), frame AS (
  SELECT ST_Expand(ST_Extent(geom)::geometry, 40) AS frame FROM grid
), road AS (
  SELECT kind, ST_AsSVG(ST_Collect(ST_Intersection(way, frame) ORDER BY id), 1, 1) AS lines
  FROM demo.road, scale, frame, LATERAL (SELECT ST_SetSRID(ST_Affine(geom, east, 0, 0, north, -east * x, -north * y), ST_SRID(frame)) AS way) AS w
  WHERE ST_Intersects(way, frame) GROUP BY kind
), building AS (
  SELECT kind, string_agg(format('M%s %sh%sv%3$sh-%3$sz', round((ST_X(p) - side / 2)::numeric, 1), round((-ST_Y(p) - side / 2)::numeric, 1), round(side::numeric, 1)), '' ORDER BY id) AS squares
  FROM demo.building, scale, LATERAL (SELECT ST_Affine(geom, east, 0, 0, north, -east * x, -north * y) AS p, 3 + 2 * sqrt(households) AS side) AS s
  WHERE grid <@ :'code' GROUP BY kind
), drawing (nth, line) AS (
  SELECT 10, string_agg(format('<path class="g%s" d="%s"><title>%s</title></path>', number % 5, ST_AsSVG(geom, 1, 1), code), E'\n' ORDER BY code) FROM grid
  UNION ALL SELECT CASE kind WHEN 'river' THEN 40 ELSE 20 END, format('<path class="%s kerb" d="%s"/>', kind, lines) FROM road
  UNION ALL SELECT CASE kind WHEN 'river' THEN 41 ELSE 30 END, format('<path class="%s" d="%s"/>', kind, lines) FROM road
  UNION ALL SELECT 50, string_agg(format('<path class="edge" d="%s"/>', ST_AsSVG(geom, 1, 1)), E'\n' ORDER BY code) FROM grid
  UNION ALL SELECT 60, string_agg(format('<path class="%s" d="%s"/>', kind, squares), E'\n' ORDER BY kind) FROM building
  UNION ALL SELECT 70, string_agg(format('<text x="%s" y="%s">%s</text>', round(ST_X(p)::numeric), round((9 - ST_Y(p))::numeric), number), E'\n' ORDER BY number)
    FROM grid, LATERAL (SELECT (ST_MaximumInscribedCircle(geom)).center AS p) AS c
)
SELECT format($svg$<svg xmlns="http://www.w3.org/2000/svg" width="720" viewBox="%s %s %s %s" font-family="sans-serif">
<style>
  text { font-size: 26px; font-weight: bold; text-anchor: middle; paint-order: stroke; stroke: #fff; stroke-width: 6px; fill: #a3123a }
  path { stroke-linejoin: round } .lane, .side, .main, .river, .edge { fill: none }
  .g0 { fill: #fbeedd } .g1 { fill: #e4f0dc } .g2 { fill: #e9e4f5 } .g3 { fill: #fdf6cf } .g4 { fill: #dcefee }
  .lane.kerb { stroke: #b9b6ac; stroke-width: 8 } .side.kerb { stroke: #8d8a82; stroke-width: 13 } .main.kerb { stroke: #a3741c; stroke-width: 17 }
  .lane { stroke: #fff; stroke-width: 5 } .side { stroke: #fff; stroke-width: 9 } .main { stroke: #ffc95e; stroke-width: 12 }
  .river.kerb { stroke: #3f8fd6; stroke-width: 40 } .river { stroke: #a9d3f5; stroke-width: 34 }
  .edge { stroke: #c2184b; stroke-width: 3.5 } .tower { fill: #33414d } .house { fill: #6d5a49 }
</style>
<rect x="%1$s" y="%2$s" width="%3$s" height="%4$s" fill="#fff"/>
%5$s
</svg>$svg$, round(ST_XMin(frame)), round(-ST_YMax(frame)), round(ST_XMax(frame) - ST_XMin(frame)), round(ST_YMax(frame) - ST_YMin(frame)),
  (SELECT string_agg(line, E'\n' ORDER BY nth, line) FROM drawing)) FROM frame;
