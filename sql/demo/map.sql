-- The map: grids coloured by reports per 100 residents, roads, streets and their names, as one SVG. Run by psql -At.
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
  SELECT 10, string_agg(format('<path class="c%s" d="%s"><title>%s  %s</title></path>', class, ST_AsSVG(geom, 1, 1), code, round(figure)::numeric), E'\n' ORDER BY code)
  FROM grid
  UNION ALL
  -- the main roads lie on the borders of streets, drawn as a line in a line
  SELECT CASE kind WHEN 'main' THEN 35 WHEN 'side' THEN 25 ELSE 20 END, format('<path class="%s" d="%s"/>', kind, lines)
  FROM (SELECT kind, ST_AsSVG(ST_Affine(ST_Collect(geom ORDER BY id), 4024, 0, 0, 4430, -4024 * 118.93, -4430 * 25.54), 1, 1) AS lines FROM demo.road GROUP BY kind) r
  UNION ALL
  SELECT 30, string_agg(format('<path class="street" d="%s"/>', ST_AsSVG(geom, 1, 1)), E'\n' ORDER BY code) FROM area WHERE level = 'street'
  UNION ALL
  SELECT 40, format('<path class="district" d="%s"/>', ST_AsSVG(geom, 1, 1)) FROM area WHERE level = 'district'
), street_label AS (
  SELECT string_agg(format('<text x="%s" y="%s" class="label">%s<tspan x="%1$s" dy="15" class="latin">%4$s</tspan></text>',
                           round(ST_X(p)::numeric), round(-ST_Y(p)::numeric), name, latin), E'\n' ORDER BY code) AS lines
  FROM area JOIN demo.street USING (code), LATERAL (SELECT (ST_MaximumInscribedCircle(geom)).center AS p) c
), town_label AS (
  SELECT string_agg(format('<text x="%s" y="%s" class="small">%s</text>', round(ST_X(p)::numeric, 1), round(-ST_Y(p)::numeric, 1), regexp_replace(name, '(社区居|村)委会$', '')), E'\n' ORDER BY code) AS lines
  FROM area, LATERAL (SELECT (ST_MaximumInscribedCircle(geom)).center AS p) c WHERE level = 'community' AND code <@ '350304001'
), legend AS (
  SELECT string_agg(format('<rect class="c%s" x="0" y="%s" width="34" height="20"/><text x="44" y="%s">%s</text><text x="150" y="%2$s" dy="15" class="count">%5$s grids</text>',
                           class, 26 * class, 26 * class + 15,
                           CASE class WHEN 0 THEN format('under %s', breaks[1]) WHEN 4 THEN format('%s and more', breaks[4])
                                      ELSE format('%s to %s', breaks[class], breaks[class + 1] - 1) END, n), E'\n' ORDER BY class) AS lines
  FROM (SELECT class, count(*) AS n FROM grid GROUP BY class) AS c, break
), town AS (
  SELECT ST_XMin(e) - 6 AS x, -ST_YMax(e) - 6 AS y, ST_XMax(e) - ST_XMin(e) + 12 AS width, ST_YMax(e) - ST_YMin(e) + 12 AS height
  FROM (SELECT ST_Extent(geom) AS e FROM area WHERE code = '350304001') AS t
)
SELECT format($svg$<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1180 920" font-family="'Noto Sans SC','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif">
<style>
  text { fill: #26323a; font-size: 15px }
  .c0 { fill: #f3f1e2 } .c1 { fill: #cfe3c8 } .c2 { fill: #8fc6b4 } .c3 { fill: #45989c } .c4 { fill: #1d5f7a }
  #map path { stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke }
  #map .lane { fill: none; stroke: #fff; stroke-width: .5 } #map .side { fill: none; stroke: #fff; stroke-width: 1.4 }
  #map .street { fill: none; stroke: #26323a; stroke-width: 2.6 } #map .main { fill: none; stroke: #ffd98a; stroke-width: .9 }
  #map .district { fill: none; stroke: #26323a; stroke-width: 3.2 }
  .label, .small { text-anchor: middle; paint-order: stroke; stroke: #fff; stroke-linejoin: round; fill: #14202a }
  .label { font-size: 19px; font-weight: bold; stroke-width: 4px } .latin { font-size: 12px; font-weight: normal }
  .small { font-size: 7px; stroke-width: 1.6px }
  .title { font-size: 30px; font-weight: bold } .note, .count { font-size: 12px; fill: #6b7880 }
</style>
<defs><g id="map">
%1$s
</g><clipPath id="frame"><rect x="%5$s" y="%6$s" width="%7$s" height="%8$s"/></clipPath></defs>
<rect width="1180" height="920" fill="#fff"/>
<text x="590" y="66" class="title">荔城区网格图</text>
<text x="590" y="94">Licheng district, Putian: reports per 100 residents, by grid, 2019</text>
<use href="#map" transform="translate(50 10)"/>
<g transform="translate(50 10)">
%2$s
</g>
<g transform="translate(590 130)">
%4$s
<g fill="none"><path d="M0 160h34" stroke="#26323a" stroke-width="2.6"/><path d="M0 160h34" stroke="#ffd98a" stroke-width=".9"/>
<path d="M0 186h34" stroke="#c3ccd0" stroke-width="1.4"/><path d="M0 212h34" stroke="#c3ccd0" stroke-width=".6"/></g>
<text x="44" y="165">street, main road</text><text x="44" y="191">community, side road</text><text x="44" y="217">grid, lane</text>
</g>
<text x="810" y="146">%11$s</text>
<g transform="translate(930 850)"><path d="M0 -6v6h200v-6" fill="none" stroke="#26323a"/><text x="100" y="-8" text-anchor="middle" class="note">5 km</text></g>
<text x="730" y="896" class="note">Codes and names are real; shapes, households and events are generated.</text>
<g transform="translate(%9$s) scale(%10$s) translate(-%5$s -%6$s)">
<rect x="%5$s" y="%6$s" width="%7$s" height="%8$s" fill="#fff"/>
<g clip-path="url(#frame)"><use href="#map"/></g>
%3$s
<rect x="%5$s" y="%6$s" width="%7$s" height="%8$s" fill="none" stroke="#26323a" stroke-width=".4"/>
</g>
</svg>$svg$,
  (SELECT string_agg(line, E'\n' ORDER BY nth) FROM drawing), s.lines, t.lines, l.lines,
  round(x::numeric, 1), round(y::numeric, 1), round(width::numeric, 1), round(height::numeric, 1), '810 156', round((330 / width)::numeric, 3),
  (SELECT format('%s, %s grids', (SELECT name FROM demo.area WHERE code = '350304001'), count(*)) FROM grid WHERE code <@ '350304001'))
FROM street_label s, town_label t, legend l, town;
