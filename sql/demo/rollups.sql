-- Figures of every grid, community, street and the district: who lives there, and the events of each month.
SELECT grid_rollup_create('demo.population', 'demo.household', 'code',
  '{"households": "count(*)", "residents": "sum(residents)"}',
  lowest_level => 'grid', top_level => 'district', max_lag => '2 seconds') \g /dev/null

-- An event counts in the month it was reported, in the month it was due and in the month it was closed.
SELECT grid_rollup_create('demo.events', 'demo.event', 'code',
  '{"filed": "count(*)",
    "due": {"expr": "count(*)", "at": "deadline"},
    "closed": {"expr": "count(*)", "at": "closed_at"},
    "on_time": {"expr": "count(*) FILTER (WHERE closed_at <= deadline)", "at": "deadline"},
    "hours": {"expr": "gridstats_agg(extract(epoch FROM closed_at - reported_at) / 3600)", "at": "closed_at"}}',
  bucket_column => 'reported_at', bucket_width => '1 month', dimensions => '{kind}',
  lowest_level => 'grid', top_level => 'district', time_zone => 'Asia/Shanghai', max_lag => '2 seconds') \g /dev/null

SELECT clock_timestamp() AS started \gset
SELECT grid_rollup_refresh('demo.population') + grid_rollup_refresh('demo.events') AS cells \gset
SELECT round(extract(epoch FROM clock_timestamp() - :'started')::numeric, 1) AS seconds \gset
\echo '   Two rollups, population and events, built in' :seconds 's:' :cells 'grids and months of a grid, and every area above them.'
\echo '   The year as the rollup has it, against the figures the district published for 2019:'
SELECT k.name AS "事项", k.kind, sum(e.filed) AS filed, k.year_2019 AS published, sum(e.filed) = k.year_2019 AS equal
FROM demo.kind k JOIN demo.events e USING (kind) WHERE e.level = 'district' GROUP BY k.kind ORDER BY k.nth;
