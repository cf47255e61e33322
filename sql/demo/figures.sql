-- What the district reads: the views that every role, and every tool, may read.
\echo '   Zhenhai street and its communities: figures WHERE street_code = ''350304001''. On time is a share of what was due.'
SELECT code, name AS "社区", households, residents, grids, officers, branches, events_filed AS filed, events_open AS open, events_due AS due,
       events_on_time AS on_time, on_time_percent AS "on_time_%", mean_hours_to_close AS hours
FROM community.figures WHERE street_code = '350304001' AND level <> 'grid' ORDER BY code;
\echo '   Its gaps:'
SELECT code, name, community_name AS "社区", gap FROM community.staffing_gaps WHERE street_code = '350304001' ORDER BY code, gap;
\echo '   Grids outside 300 to 500 households or 1,000 to 2,000 residents:'
SELECT code, name, community_name AS "社区", households, residents, problem FROM community.size_check WHERE street_code = '350304001' ORDER BY code;
\echo '   March 2019 in the district''s streets and towns, cases of all kinds, and visits in December:'
SELECT m.code, m.name AS "街道", sum(m.filed) AS filed, sum(m.due) AS due, sum(m.closed) AS closed, round(100.0 * sum(m.closed) / sum(m.due), 2) AS "closed_%",
       sum(m.on_time) AS on_time, round(100.0 * sum(m.on_time) / sum(m.due), 2) AS "on_time_%", c.coverage_percent AS "visited_%"
FROM community.events_monthly m JOIN community.visit_coverage c ON c.code = m.code AND c.month = '2019-12-01'
WHERE m.month = '2019-03-01' AND m.level = 'street' AND m.unit = 'case' GROUP BY m.code, m.name, c.coverage_percent ORDER BY m.code;
