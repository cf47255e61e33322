-- The map: grids coloured by reports per 100 residents, roads, the river, streets and their names; below it Zhenhai street
-- close by, with every building. One SVG. Run by psql -At.
WITH figure AS (
  -- reports are the events that residents bring up; records and visits are not
  SELECT p.code, 100.0 * sum(e.filed) / p.residents AS figure
  FROM demo.population p JOIN demo.events e ON e.code = p.code AND e.level = p.level
  WHERE p.level = 'grid' AND e.kind NOT IN ('record', 'visit')
  GROUP BY p.code, p.residents
), break AS (
  -- five classes of about as many grids each, with round borders
  SELECT array_agg(round(value)) AS breaks
  FROM (SELECT unnest(percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY figure)) AS value FROM figure) q
), area AS (
  -- to drawing units of 25 m; ST_AsSVG turns y upside down, as SVG wants it
  SELECT code, level, name, ST_Affine(geom, 4024, 0, 0, 4430, -4024 * 118.93, -4430 * 25.54) AS geom FROM demo.area
), grid AS (
  SELECT code, geom, figure, width_bucket(round(figure)::numeric, breaks) AS class FROM area JOIN figure USING (code), break
), drawing (nth, line) AS (
  SELECT 10, string_agg(format('<path class="c%s" d="%s"><title>%s  %s</title></path>', class, ST_AsSVG(geom, 0, 1), code, round(figure)::numeric), E'\n' ORDER BY code)
  FROM grid
  UNION ALL
  -- the main roads lie on the borders of streets, drawn as a line in a line
  SELECT CASE kind WHEN 'main' THEN 35 WHEN 'river' THEN 32 ELSE 25 END, format('<path class="%s" d="%s"/>', kind, lines)
  FROM (SELECT kind, ST_AsSVG(ST_Affine(ST_Collect(ST_Intersection(r.geom, a.geom) ORDER BY id), 4024, 0, 0, 4430, -4024 * 118.93, -4430 * 25.54), 0, 1) AS lines
        FROM demo.road r JOIN demo.area a ON a.level = 'district' WHERE kind <> 'lane' GROUP BY kind) AS r
  UNION ALL
  SELECT 30, string_agg(format('<path class="street" d="%s"/>', ST_AsSVG(geom, 0, 1)), E'\n' ORDER BY code) FROM area WHERE level = 'street'
  UNION ALL
  SELECT 40, format('<path class="district" d="%s"/>', ST_AsSVG(geom, 0, 1)) FROM area WHERE level = 'district'
), street_label AS (
  SELECT string_agg(format('<text x="%s" y="%s" class="label">%s<tspan x="%1$s" dy="15" class="latin">%4$s</tspan></text>',
                           round(ST_X(p)::numeric), round(-ST_Y(p)::numeric), name, latin), E'\n' ORDER BY code) AS lines
  FROM area JOIN demo.street USING (code), LATERAL (SELECT (ST_MaximumInscribedCircle(geom)).center AS p) c
), town AS (
  SELECT geom, ST_Expand(geom, 4) AS frame, ST_XMin(e) - 4 AS x, -ST_YMax(e) - 4 AS y, ST_XMax(e) - ST_XMin(e) + 8 AS width, ST_YMax(e) - ST_YMin(e) + 8 AS height
  FROM area, LATERAL (SELECT Box2D(geom) AS e) AS b WHERE code = '350304001'
), close_road AS (
  SELECT kind, ST_AsSVG(ST_Collect(ST_Intersection(way, frame) ORDER BY id), 0, 2) AS lines
  FROM demo.road, LATERAL (SELECT ST_Affine(geom, 4024, 0, 0, 4430, -4024 * 118.93, -4430 * 25.54) AS way) AS w, town WHERE ST_Intersects(way, frame) GROUP BY kind
), close_building AS (
  -- a square as large as its households, 6 m a side for one
  SELECT kind, string_agg(format('M%s %sh%sv%3$sh-%3$sz', round((ST_X(p) - side / 2)::numeric, 2), round((-ST_Y(p) - side / 2)::numeric, 2), round(side::numeric, 2)), '' ORDER BY id) AS squares
  FROM demo.building, LATERAL (SELECT ST_Affine(geom, 4024, 0, 0, 4430, -4024 * 118.93, -4430 * 25.54) AS p, 0.12 + 0.13 * sqrt(households) AS side) AS s
  WHERE grid <@ '350304001' GROUP BY kind
), close (nth, line) AS (
  SELECT 10, string_agg(format('<path class="g%s" d="%s"><title>%s</title></path>', (right(code::text, 3)::int + right(left(code::text, 12), 3)::int) % 6, ST_AsSVG(area.geom, 0, 2), code), E'\n' ORDER BY code)
  FROM area WHERE level = 'grid' AND code <@ '350304001'
  UNION ALL
  -- wide lines, then narrower ones on them: roads have kerbs
  SELECT CASE kind WHEN 'lane' THEN 20 WHEN 'side' THEN 21 WHEN 'main' THEN 22 ELSE 40 END, format('<path class="%s kerb" d="%s"/>', kind, lines) FROM close_road
  UNION ALL
  SELECT CASE kind WHEN 'lane' THEN 30 WHEN 'side' THEN 31 WHEN 'main' THEN 32 ELSE 41 END, format('<path class="%s" d="%s"/>', kind, lines) FROM close_road
  UNION ALL
  -- each border once, or dashes would fill each other's gaps
  SELECT 50, format('<path class="edge" d="%s"/>', ST_AsSVG(ST_LineMerge(ST_Difference(inside, ST_Buffer(around, 0.01))), 0, 2))
  FROM (SELECT ST_Union(ST_Boundary(area.geom)) FILTER (WHERE level = 'grid') AS inside, ST_Union(ST_Boundary(area.geom)) FILTER (WHERE level = 'community') AS around
        FROM area WHERE code <@ '350304001') AS b
  UNION ALL
  SELECT 51, format('<path class="edge all" d="%s"/>', ST_AsSVG(ST_LineMerge(ST_Union(ST_Boundary(area.geom))), 0, 2)) FROM area WHERE level = 'community' AND code <@ '350304001'
  UNION ALL
  SELECT 60, string_agg(format('<path class="%s" d="%s"/>', kind, squares), E'\n' ORDER BY kind) FROM close_building
  UNION ALL
  SELECT 70, string_agg(format('<text x="%s" y="%s" class="number">%s</text>', round(ST_X(p)::numeric, 1), round((1.6 - ST_Y(p))::numeric, 1), right(code::text, 3)::int), E'\n' ORDER BY code)
  FROM area, LATERAL (SELECT (ST_MaximumInscribedCircle(area.geom)).center AS p) AS c WHERE level = 'grid' AND code <@ '350304001'
), town_label AS (
  SELECT string_agg(format('<text x="%s" y="%s" class="small">%s</text>', round(ST_X(p)::numeric, 1), round((-ST_Y(p) - 3)::numeric, 1), regexp_replace(name, '(社区居|村)委会$', '')), E'\n' ORDER BY code) AS lines
  FROM area, LATERAL (SELECT (ST_MaximumInscribedCircle(area.geom)).center AS p) AS c WHERE level = 'community' AND code <@ '350304001'
), legend AS (
  SELECT string_agg(format('<rect class="c%s" x="0" y="%s" width="34" height="20"/><text x="44" y="%s">%s</text><text x="150" y="%2$s" dy="15" class="count">%5$s grids</text>',
                           class, 26 * class, 26 * class + 15,
                           CASE class WHEN 0 THEN format('under %s', breaks[1]) WHEN 4 THEN format('%s and more', breaks[4])
                                      ELSE format('%s to %s', breaks[class], breaks[class + 1] - 1) END, n), E'\n' ORDER BY class) AS lines
  FROM (SELECT class, count(*) AS n FROM grid GROUP BY class) AS c, break
)
SELECT format($svg$<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1180 1770" font-family="'Noto Sans SC','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif">
<style>
  text { fill: #26323a; font-size: 15px }
  .c0 { fill: #f3f1e2 } .c1 { fill: #cfe3c8 } .c2 { fill: #8fc6b4 } .c3 { fill: #45989c } .c4 { fill: #1d5f7a }
  #map path { stroke-linejoin: round; stroke-linecap: round }
  #map [class^=c] { stroke: #fff; stroke-width: .5 } #map .side { fill: none; stroke: #fff; stroke-width: 1.4 }
  #map .street { fill: none; stroke: #26323a; stroke-width: 2.6 } #map .main { fill: none; stroke: #ffd98a; stroke-width: .9 }
  #map .river { fill: none; stroke: #3f8fd6; stroke-width: 2.4 } #map .district { fill: none; stroke: #26323a; stroke-width: 3.2 }
  .label, .small, .number { text-anchor: middle; paint-order: stroke; stroke: #fff; stroke-linejoin: round; fill: #14202a }
  .label { font-size: 19px; font-weight: bold; stroke-width: 4px } .latin { font-size: 12px; font-weight: normal }
  .small { font-size: 3.6px; font-weight: bold; stroke-width: .9px } .number { font-size: 3.2px; stroke-width: .7px; fill: #a3123a }
  .title { font-size: 30px; font-weight: bold } .note, .count { font-size: 12px; fill: #6b7880 }
  .g0 { fill: #fbeedd } .g1 { fill: #e4f0dc } .g2 { fill: #e9e4f5 } .g3 { fill: #fdf6cf } .g4 { fill: #f9e3e6 } .g5 { fill: #dcefee }
  .close path { stroke-linejoin: round }
  .close .lane, .close .side, .close .main, .close .river, .edge { fill: none }
  .close .lane.kerb { stroke: #b9b6ac; stroke-width: .62 } .close .side.kerb { stroke: #8d8a82; stroke-width: 1.05 } .close .main.kerb { stroke: #a3741c; stroke-width: 1.5 }
  .close .lane { stroke: #fff; stroke-width: .42 } .close .side { stroke: #fff; stroke-width: .75 } .close .main { stroke: #ffc95e; stroke-width: 1.1 }
  .close .river.kerb { stroke: #3f8fd6; stroke-width: 2.3 } .close .river { stroke: #a9d3f5; stroke-width: 1.9 }
  .close .edge { stroke: #c2184b; stroke-width: .34; stroke-dasharray: 1.5 .7 } .close .all { stroke-width: .5; stroke-dasharray: none }
  .close .tower { fill: #33414d } .close .house { fill: #6d5a49 }
</style>
<rect width="1180" height="1770" fill="#fff"/>
<text x="590" y="66" class="title">荔城区网格图</text>
<text x="590" y="94">Licheng district, Putian: reports per 100 residents, by grid, 2019</text>
<g id="map" transform="translate(50 10)">
%1$s
%2$s
</g>
<g transform="translate(590 130)">
%4$s
<g fill="none"><path d="M0 160h34" stroke="#26323a" stroke-width="2.6"/><path d="M0 160h34" stroke="#ffd98a" stroke-width=".9"/>
<path d="M0 186h34" stroke="#c3ccd0" stroke-width="1.4"/><path d="M0 212h34" stroke="#c3ccd0" stroke-width=".6"/><path d="M0 238h34" stroke="#3f8fd6" stroke-width="2.4"/></g>
<text x="44" y="165">street, main road</text><text x="44" y="191">community, side road</text><text x="44" y="217">grid</text><text x="44" y="243">river</text>
</g>
<g transform="translate(930 850)"><path d="M0 -6v6h200v-6" fill="none" stroke="#26323a"/><text x="100" y="-8" text-anchor="middle" class="note">5 km</text></g>
<text x="730" y="896" class="note">Codes and names are real; shapes, households and events are generated.</text>
<text x="40" y="966">%10$s: drawn by grid_build along roads and the river, each with 300 to 500 households and 1,000 to 2,000 residents</text>
<svg x="40" y="1010" width="1100" height="740" viewBox="%5$s %6$s %7$s %8$s" class="close">
%9$s
%3$s
</svg>
<g class="close" transform="translate(40 990) scale(4)">
<path d="M0 -1h8" class="edge all"/><path d="M45 -1h8" class="edge"/><path d="M71 -1h8" class="main kerb"/><path d="M71 -1h8" class="main"/>
<path d="M100 -1h8" class="side kerb"/><path d="M100 -1h8" class="side"/><path d="M129 -1h8" class="lane kerb"/><path d="M129 -1h8" class="lane"/>
<path d="M151 -1h8" class="river kerb"/><path d="M151 -1h8" class="river"/><path d="M174 -1.6h1.13v1.13h-1.13z" class="tower"/><path d="M177 -1.2h.34v.34h-.34z" class="house"/></g>
<text x="76" y="991" class="note">border of a community</text><text x="256" y="991" class="note">of a grid</text><text x="360" y="991" class="note">main road</text>
<text x="476" y="991" class="note">side road</text><text x="592" y="991" class="note">lane</text><text x="680" y="991" class="note">river</text>
<text x="756" y="991" class="note">tower of 60 households, house of 3</text>
</svg>$svg$,
  (SELECT string_agg(line, E'\n' ORDER BY nth) FROM drawing), s.lines, t.lines, l.lines,
  round(x::numeric, 1), round(y::numeric, 1), round(width::numeric, 1), round(height::numeric, 1), (SELECT string_agg(line, E'\n' ORDER BY nth) FROM close),
  (SELECT format('%s, %s grids', (SELECT name FROM demo.area WHERE code = '350304001'), count(*)) FROM grid WHERE code <@ '350304001'))
FROM street_label s, town_label t, legend l, town;
