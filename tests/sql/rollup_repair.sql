-- What goes wrong outside of gridtree, is said, and can be mended.
\set VERBOSITY terse
CREATE SCHEMA rollup_repair;
SET search_path = rollup_repair, public;
CREATE TABLE cases (id int PRIMARY KEY, code gridcode, reported_at date);
INSERT INTO cases SELECT i, grid_child('350304001001', i % 7 + 1), date '2019-01-01' + i FROM generate_series(1, 100) i;
SELECT grid_rollup_create('figures', 'cases', 'code', '{"filed": "count(*)"}', 'reported_at', '1 month', lowest_level => 'grid');
SELECT grid_rollup_refresh('figures') > 0 AS filled;

-- figures edited by hand are found, and a touched rollup is computed anew
UPDATE figures SET filed = filed + 1 WHERE level = 'street';
DELETE FROM figures WHERE level = 'grid';
SELECT level, count(*) > 0 AS differs FROM grid_rollup_verify('figures') GROUP BY level ORDER BY level;
SELECT grid_rollup_refresh('figures');
SELECT grid_rollup_touch('figures');
SELECT count(*) AS differing FROM ((SELECT * FROM figures_live) EXCEPT ALL (SELECT n.code, n.level, date_trunc('month', reported_at)::date, count(*)
  FROM cases, LATERAL (SELECT code, grid_level(code) UNION ALL SELECT * FROM grid_ancestors(cases.code)) n(code, level) GROUP BY 1, 2, 3)) d;
SELECT grid_rollup_refresh('figures') > 0 AS rebuilt;
SELECT count(*) AS differing FROM grid_rollup_verify('figures');
SELECT grid_rollup_touch('cases');

-- an owner without the rights would stop everybody who writes to the source
CREATE ROLE rollup_repair_reader;
SELECT grid_rollup_alter('figures', '{"owner": "rollup_repair_reader"}');
SELECT grid_rollup_alter('figures', '{"owner": "rollup_repair_nobody"}');
GRANT USAGE, CREATE ON SCHEMA rollup_repair TO rollup_repair_reader;
SELECT grid_rollup_alter('figures', '{"owner": "rollup_repair_reader"}');
GRANT SELECT ON cases TO rollup_repair_reader;
SELECT grid_rollup_alter('figures', '{"owner": "rollup_repair_reader"}');
INSERT INTO cases VALUES (101, '350304001001001', '2019-01-01');
SELECT grid_rollup_refresh('figures');
SELECT count(*) AS differing FROM grid_rollup_verify('figures');
-- taken away afterwards: writers need nothing of it, refreshes do
REVOKE USAGE ON SCHEMA rollup_repair FROM rollup_repair_reader;
INSERT INTO cases VALUES (102, '350304001001001', '2019-01-01');
SELECT grid_rollup_refresh('figures');
GRANT USAGE ON SCHEMA rollup_repair TO rollup_repair_reader;
SELECT grid_rollup_refresh('figures');
SELECT count(*) AS differing FROM grid_rollup_verify('figures');

-- what goes with a dropped table is named
DROP TABLE cases CASCADE;
SELECT count(*) FROM pg_class WHERE relnamespace = 'rollup_repair'::regnamespace;
DROP SCHEMA rollup_repair;
DROP ROLE rollup_repair_reader;
