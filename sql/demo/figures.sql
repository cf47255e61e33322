-- The figures, read at every level from the same two tables. On-time rate: closed on time / due; counts add up, rates do not.
CREATE VIEW demo.year AS
SELECT code, level, a.name, p.households, p.residents,
       round(e.visits / p.households::numeric, 2) AS visits_each, e.reports, e.due, e.on_time,
       round(100.0 * e.on_time / e.due, 1) AS "rate_%", round(stats_avg(e.hours)::numeric, 1) AS mean_hours
FROM demo.area a JOIN demo.population p USING (code, level) JOIN (
  SELECT code, sum(filed) FILTER (WHERE kind = 'visit') AS visits,
         sum(filed) FILTER (WHERE report) AS reports, sum(due) FILTER (WHERE report) AS due,
         sum(on_time) FILTER (WHERE report) AS on_time, gridstats_merge(hours) FILTER (WHERE report) AS hours
  FROM demo.events, LATERAL (SELECT kind NOT IN ('record', 'visit') AS report) r
  WHERE bucket < '2020-01-01' GROUP BY code) AS e USING (code);
COMMENT ON VIEW demo.year IS '2019 by area: visits a household, reports (the six kinds that residents bring up), how many due, in time, mean hours to close';

\echo '   The district and its streets and towns; visits a household, reports by residents, due in 2019, closed on time:'
SELECT code, name AS "街道", households, residents, visits_each, reports, due, on_time, "rate_%", mean_hours
FROM demo.year WHERE level IN ('district', 'street') ORDER BY code;
\echo '   The communities of Zhenhai street: WHERE code <@ ''350304001'' (one range of the index)'
SELECT code, name AS "社区", households, residents, visits_each, reports, due, on_time, "rate_%", mean_hours
FROM demo.year WHERE level = 'community' AND code <@ '350304001' ORDER BY code;
\echo '   The grids of one of them:'
SELECT code, name AS "网格", households, residents, visits_each, reports, due, on_time, "rate_%", mean_hours
FROM demo.year WHERE level = 'grid' AND code <@ '350304001001' ORDER BY code;
