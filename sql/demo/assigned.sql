-- Every household is in exactly one grid: compared with the ids that grid_build returned for each grid.
SELECT count(*) AS households, count(h.grid) AS assigned, count(*) FILTER (WHERE h.gridcode = b.grid) AS same, count(*) FILTER (WHERE h.gridcode IS DISTINCT FROM b.grid) AS other
FROM community.household h JOIN demo.building b ON b.id = h.building \gset
\echo '  ' :assigned 'of' :households 'households have a grid; in the grid that grid_build put their building in:' :same', in another:' :other
CALL grid_assign('demo.kiosk', 'community.grids') \gset kiosk_
SELECT count(*) FILTER (WHERE code = (SELECT min(a.code) FROM demo.area a WHERE a.level = 'grid' AND ST_Intersects(a.geom, k.geom))) AS lowest FROM demo.kiosk k \gset
\echo '   Kiosks exactly where three grids meet:' :kiosk_assigned', of these in the grid with the lowest code:' :lowest
SELECT min(n) AS households_min, max(n) AS households_max, min(r) AS residents_min, max(r) AS residents_max, count(*) AS grids
FROM (SELECT count(*) AS n, sum(residents) AS r FROM community.household GROUP BY grid) AS g \gset
\echo '   Each of the' :grids 'grids has' :households_min 'to' :households_max 'households (300 to 500 asked) and' :residents_min 'to' :residents_max 'residents (1,000 to 2,000).'
