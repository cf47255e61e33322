-- What the day did, once gridtreed has refreshed what it touched.
\echo '   After (refreshed by gridtreed; nobody asked it to):'
\ir affected.sql
SELECT string_agg(format('%s in %s cells', split_part(rollup::text, '.', 2), cells), ', ' ORDER BY rollup::text) AS runs
FROM (SELECT DISTINCT ON (rollup) rollup, cells FROM grid_rollup_runs WHERE outcome = 'done' ORDER BY rollup, run DESC) AS r \gset
\echo '   Last runs:' :runs
SELECT (SELECT count(*) FROM grid_rollup_verify('community.household_total')) + (SELECT count(*) FROM grid_rollup_verify('community.event_daily'))
     + (SELECT count(*) FROM grid_rollup_verify('community.event_total')) + (SELECT count(*) FROM grid_rollup_verify('community.visit_monthly')) AS differing,
       (SELECT count(*) FROM community.event_daily) AS cells \gset
\echo '   grid_rollup_verify recomputed everything, the' :cells 'cells of event_daily among it; differing:' :differing
