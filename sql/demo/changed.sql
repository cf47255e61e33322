-- What the changes did, once gridtreed has refreshed what they touched.
\echo '   After (refreshed by gridtreed; nobody asked it to):'
\ir affected.sql
SELECT count(*) AS wrong FROM demo.household WHERE code <@ '350304103001001' AND NOT ST_Intersects(geom, (SELECT geom FROM demo.area WHERE code = '350304103001001')) \gset
\echo '   Codes of a whole community were then typed over by hand; the trigger kept the right ones. Wrong codes:' :wrong
SELECT string_agg(format('%s in %s cells', rollup, cells), ', ' ORDER BY rollup::text) AS runs
FROM (SELECT DISTINCT ON (rollup) rollup, cells FROM grid_rollup_runs WHERE outcome = 'done' ORDER BY rollup, run DESC) AS r \gset
\echo '   Last runs:' :runs
SELECT (SELECT count(*) FROM grid_rollup_verify('demo.population')) AS population, (SELECT count(*) FROM grid_rollup_verify('demo.events')) AS events,
       (SELECT count(*) FROM demo.population) + (SELECT count(*) FROM demo.events) AS cells \gset
\echo '   grid_rollup_verify recomputed all' :cells 'cells; differing: population' :population', events' :events
