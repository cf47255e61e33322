-- How a refresh finds the rows of touched cells: by the index of the code, or in one pass over the source.
CREATE SCHEMA rollup_lookup;
SET search_path = rollup_lookup, public;
SET jit = off;
CREATE TABLE cases (id int PRIMARY KEY, grid gridcode, day date, kind text, x int) WITH (autovacuum_enabled = false);
INSERT INTO cases SELECT i, grid_child(grid_child('350304001', i % 7), i % 150), date '2024-01-01' + i % 40, 'k' || i % 2, i
FROM generate_series(1, 20000) i;
UPDATE cases SET grid = grid_prefix(grid, 12) WHERE id % 11 = 0;
UPDATE cases SET grid = (grid || '007')::gridcode WHERE id % 13 = 0 AND grid_digits(grid) = 15;
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "s": "sum(x)"}', 'day', '1 day', '{kind}', 'grid', 'district');
SELECT grid_rollup_refresh('r');
-- scans of the source by a refresh: of all of it, and by an index
CREATE FUNCTION refresh(OUT cells bigint, OUT whole bigint, OUT by_index boolean, OUT wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
    before record;
BEGIN
    SELECT seq_scan, idx_scan INTO before FROM pg_stat_xact_user_tables WHERE relid = 'cases'::regclass;
    cells := grid_rollup_refresh('r');
    SELECT seq_scan - before.seq_scan, idx_scan > before.idx_scan INTO whole, by_index FROM pg_stat_xact_user_tables WHERE relid = 'cases'::regclass;
    SELECT count(*) INTO wrong FROM grid_rollup_verify('r');
END $$;
SET max_parallel_workers_per_gather = 0;
-- no index, or of some rows only
CREATE INDEX partial ON cases (grid) WHERE id > 100;
ANALYZE cases;
INSERT INTO cases SELECT 20000 + i, grid_child('350304001001', i), '2024-01-03', 'k1', i FROM generate_series(1, 30) i;
SELECT * FROM refresh();
CREATE INDEX by_code ON cases (grid, day);
-- a few cells: without a whole scan, so also those at other levels and below the lowest
INSERT INTO cases SELECT 20100 + i, grid_child('350304001001', i), '2024-01-03', 'k1', i FROM generate_series(1, 30) i;
INSERT INTO cases VALUES (20201, '350304001002', '2024-01-04', NULL, 1), (20202, '350304001002003007', '2024-01-04', 'k0', 1);
SELECT * FROM refresh();
-- one by one where few buckets of a code are touched, which may be far apart; all at once where many are
CREATE FUNCTION lookups() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
BEGIN
    SELECT idx_scan INTO before FROM pg_stat_xact_user_tables WHERE relid = 'cases'::regclass;
    PERFORM grid_rollup_refresh('r');
    RETURN (SELECT idx_scan - before FROM pg_stat_xact_user_tables WHERE relid = 'cases'::regclass);
END $$;
INSERT INTO cases SELECT 20300 + i, '350304001001001', date '2024-01-01' + 10 * i, 'k1', i FROM generate_series(1, 3) i;
SELECT lookups() BETWEEN 3 AND 6 AS one_by_one;
INSERT INTO cases SELECT 20400 + i, '350304001001001', date '2024-01-01' + i, 'k1', i FROM generate_series(1, 30) i;
SELECT lookups() < 3 AS at_once, (SELECT count(*) FROM grid_rollup_verify('r')) AS wrong;
-- many, and most
INSERT INTO cases SELECT 30000 + i, grid_child(grid_child('350304002', i / 100), i % 100), '2024-01-03', 'k1', i FROM generate_series(1, 1200) i;
SELECT * FROM refresh();
UPDATE cases SET x = x + 1 WHERE id % 3 > 0;
SELECT * FROM refresh();
SET client_min_messages = warning;
DROP SCHEMA rollup_lookup CASCADE;
