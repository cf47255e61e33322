-- The stored figures, filled for the first time.
SELECT clock_timestamp() AS started \gset
SELECT sum(grid_rollup_refresh(rollup)) AS cells FROM grid_rollup_catalog \gset
SELECT round(extract(epoch FROM clock_timestamp() - :'started')::numeric, 1) AS seconds \gset
\echo '   Four rollups filled in' :seconds 's:' :cells 'grids and days of a grid, and every area above them.'
\echo '   The reference case: what was counted in 2019, against what the district published.'
SELECT r.name, r.unit, r.quantity, p.year_2019 AS published FROM community.reference_case r JOIN demo.published p USING (kind);
SELECT count(*) FILTER (WHERE kind = 'branch' AND grid IS NOT NULL) AS branches, count(*) FILTER (WHERE kind = 'department') AS departments,
       count(*) FILTER (WHERE kind = 'branch' AND gridcode <@ '350304001') AS zhenhai_branches, count(*) FILTER (WHERE kind = 'sub_group' AND gridcode <@ '350304001') AS zhenhai_groups
FROM community.organization \gset
SELECT count(*) AS establishments, count(grid) AS assigned FROM community.establishment \gset
\echo '  ' :branches 'grids and branches,' :departments 'departments; in Zhenhai street' :zhenhai_branches 'branches with' :zhenhai_groups 'sub-groups;' :assigned 'of' :establishments 'organs, firms, shops and associations are in a grid.'
