-- The grids become a layer, and every household gets the code of its grid.
SELECT grid_layer_add('grids', 'demo.area', filter => 'level = ''grid''') \g /dev/null
SELECT clock_timestamp() AS started \gset
CALL grid_assign('demo.household', 'grids') \gset
SELECT round(extract(epoch FROM clock_timestamp() - :'started')::numeric, 1) AS seconds,
       (SELECT count(*) FROM demo.household) AS households \gset
\echo '   CALL grid_assign(''demo.household'', ''grids''):' :assigned 'of' :households 'households assigned in' :seconds 's,' :outside 'outside.'

-- Compared with the ids that grid_build returned for each grid.
SELECT count(*) FILTER (WHERE h.code = b.grid) AS same, count(*) FILTER (WHERE h.code IS DISTINCT FROM b.grid) AS other
FROM demo.household h JOIN demo.building b ON b.id = h.building \gset
\echo '   In the grid that grid_build put their building in:' :same', in another:' :other
CALL grid_assign('demo.kiosk', 'grids') \gset kiosk_
SELECT count(*) FILTER (WHERE code = (SELECT min(a.code) FROM demo.area a WHERE a.level = 'grid' AND ST_Intersects(a.geom, k.geom))) AS lowest FROM demo.kiosk k \gset
\echo '   Kiosks exactly where three grids meet:' :kiosk_assigned', of these in the grid with the lowest code:' :lowest
SELECT min(n) AS households_min, max(n) AS households_max, min(r) AS residents_min, max(r) AS residents_max, count(*) AS grids
FROM (SELECT count(*) AS n, sum(residents) AS r FROM demo.household GROUP BY code) AS g \gset
\echo '   Each of the' :grids 'grids has' :households_min 'to' :households_max 'households (300 to 500 asked) and' :residents_min 'to' :residents_max 'residents (1,000 to 2,000).'

-- From now on codes are kept: one typed by hand does not stand.
CREATE TRIGGER keep_code BEFORE INSERT OR UPDATE ON demo.household
  FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('grids', 'geom', 'code');
CREATE INDEX ON demo.household (code);
