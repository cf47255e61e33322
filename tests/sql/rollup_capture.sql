-- Whatever changes the source, the live view is right before a refresh and the
-- rollup after it. The oracle is written by hand, with codes as text.
CREATE SCHEMA rollup_capture;
SET search_path = rollup_capture, public;
SET timezone = 'America/New_York';
SET datestyle = 'ISO';
SET jit = off;

CREATE TABLE cases (
    id int PRIMARY KEY,
    grid gridcode,
    kind text,
    reported_at timestamptz,
    deadline timestamptz,
    closed_at timestamptz
);

CREATE INDEX ON cases (grid);

-- The five measures of the design: a case is filed, due and closed at different times.
SELECT grid_rollup_create('monthly', 'cases', 'grid', '{
    "filed": "count(*)",
    "due": {"expr": "count(*)", "at": "deadline"},
    "closed": {"expr": "count(*)", "at": "closed_at"},
    "on_time": {"expr": "count(*) FILTER (WHERE closed_at <= deadline)", "at": "deadline"},
    "hours": {"expr": "gridstats_agg(extract(epoch FROM closed_at - reported_at) / 3600)", "at": "closed_at"}}',
    'reported_at', '1 month', '{kind}', lowest_level => 'grid', top_level => 'district', time_zone => 'Asia/Shanghai');

-- One row a case and time; a code that is longer than a grid counts in its grid.
CREATE VIEW oracle_times AS
    SELECT left(c.grid::text, 15) AS grid, c.kind, t.what,
           date_trunc('month', t.at AT TIME ZONE 'Asia/Shanghai')::date AS bucket,
           c.closed_at <= c.deadline AS on_time,
           (extract(epoch FROM c.closed_at - c.reported_at) / 3600)::float8 AS hours
    FROM cases c CROSS JOIN LATERAL
        (VALUES ('filed', c.reported_at), ('due', c.deadline), ('closed', c.closed_at)) t(what, at)
    WHERE c.grid IS NOT NULL AND t.at IS NOT NULL;
CREATE VIEW oracle AS
    SELECT left(o.grid, l.digits)::gridcode AS code, l.level, o.bucket, o.kind,
           count(*) FILTER (WHERE what = 'filed') AS filed,
           count(*) FILTER (WHERE what = 'due') AS due,
           count(*) FILTER (WHERE what = 'closed') AS closed,
           count(*) FILTER (WHERE what = 'due' AND on_time) AS on_time,
           gridstats_agg(hours) FILTER (WHERE what = 'closed') AS hours
    FROM oracle_times o
    JOIN (VALUES ('district', 6), ('street', 9), ('community', 12), ('grid', 15)) l(level, digits)
        ON length(o.grid) >= l.digits
    GROUP BY 1, 2, 3, 4;

-- What is wrong: nothing, whenever it is called.
CREATE FUNCTION wrong(OUT live bigint, OUT refreshed bigint, OUT stored bigint, OUT verified bigint, OUT bi bigint)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT count(*) INTO live FROM (
        (TABLE monthly_live EXCEPT ALL TABLE oracle) UNION ALL (TABLE oracle EXCEPT ALL TABLE monthly_live)) d;
    refreshed := grid_rollup_refresh('monthly');
    SELECT count(*) INTO stored FROM (
        (TABLE monthly EXCEPT ALL TABLE oracle) UNION ALL (TABLE oracle EXCEPT ALL TABLE monthly)) d;
    SELECT count(*) INTO verified FROM grid_rollup_verify('monthly');
    -- for tools, no sum counts a row twice
    SELECT coalesce(sum(filed), 0) - (SELECT count(*) FROM oracle_times WHERE what = 'filed') INTO bi FROM monthly_bi;
END $$;

-- filed in January, due in February, closed in March; and midnight of Shanghai, not of the session
INSERT INTO cases VALUES
    (1, '350304001001001', 'fire', '2024-01-15 12:00+08', '2024-02-10 12:00+08', '2024-03-05 12:00+08'),
    (2, '350304001001001', 'fire', '2024-01-31 23:59:59+08', '2024-02-01 00:00+08', NULL),
    (3, '350304001001002', NULL, '2024-02-01 00:00+08', '2024-03-01', '2024-02-28');
SELECT * FROM wrong();
SELECT code, bucket, kind, filed, due, closed, on_time, stats_avg(hours) AS hours
FROM monthly WHERE level = 'community' ORDER BY bucket, kind;

-- codes that are not leaves, end inside a level, or are deeper; and rows that count nowhere
INSERT INTO cases
SELECT 10 + i, c::gridcode, 'depth', '2024-05-05', NULL, NULL
FROM unnest('{350304001001,3503040010,350304001,35030,350304001001001007,35030400100100100,3503,350305001001001}'::text[])
     WITH ORDINALITY u(c, i);
INSERT INTO cases VALUES (30, NULL, 'none', '2024-05-05'), (31, '350304001001001', 'never', NULL);
SELECT * FROM wrong();
SELECT * FROM monthly_rest ORDER BY code, bucket;
SELECT code, bucket, filed FROM monthly_bi WHERE kind = 'depth' ORDER BY code;
SELECT grid_rollup_unassigned('monthly');

-- rows for the next steps
INSERT INTO cases
SELECT 100 + i, ('35030400' || i % 3 || '00' || i % 2 || '00' || i % 5)::gridcode, (ARRAY['fire', 'water', NULL])[i % 3 + 1],
       '2024-01-01 00:00+08'::timestamptz + i * interval '19 hours', '2024-01-20 00:00+08'::timestamptz + i * interval '19 hours',
       CASE WHEN i % 4 > 0 THEN '2024-01-03 00:00+08'::timestamptz + i * interval '31 hours' END
FROM generate_series(1, 300) i;
SELECT * FROM wrong();

-- each column
UPDATE cases SET grid = '350304002001004' WHERE id = 120;
SELECT * FROM wrong();
UPDATE cases SET kind = 'moved' WHERE id = 121;
SELECT * FROM wrong();
UPDATE cases SET closed_at = '2025-01-01' WHERE id = 122;
SELECT * FROM wrong();
UPDATE cases SET reported_at = NULL, deadline = '2023-01-01' WHERE id = 123;
SELECT * FROM wrong();
UPDATE cases SET grid = NULL WHERE id = 124;
SELECT * FROM wrong();
UPDATE cases SET grid = grid_prefix(grid, 12) WHERE id BETWEEN 200 AND 205;
SELECT * FROM wrong();
-- a primary key only
UPDATE cases SET id = id + 1000 WHERE id = 125;
SELECT * FROM wrong();
-- the last row of a cell goes, and of a whole street
DELETE FROM cases WHERE grid_prefix(grid, 9) = '350304002';
SELECT * FROM wrong();
SELECT count(*) FROM monthly WHERE grid_prefix(code, 9) = '350304002';

-- statements that touch nothing
UPDATE cases SET kind = 'x' WHERE false;
DELETE FROM cases WHERE false;
INSERT INTO cases SELECT * FROM cases WHERE false;
SELECT count(code) FROM monthly_log;
SELECT * FROM wrong();

-- COPY, ON CONFLICT, MERGE, WITH
COPY cases FROM stdin;
501	350304001001009	copy	2024-06-01 00:00+08	\N	\N
502	350304001001009	copy	2024-06-02 00:00+08	2024-07-01 00:00+08	\N
\.
SELECT * FROM wrong();
INSERT INTO cases VALUES (501, '350304001001008', 'up', '2024-06-01'), (503, '350304001001008', 'up', '2024-06-01')
ON CONFLICT (id) DO UPDATE SET grid = excluded.grid, kind = 'updated';
SELECT * FROM wrong();
MERGE INTO cases c USING (VALUES (502, 'delete'), (503, 'update'), (504, 'insert')) v(id, what) ON c.id = v.id
WHEN MATCHED AND v.what = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET reported_at = '2024-08-01'
WHEN NOT MATCHED THEN INSERT VALUES (v.id, '350304001001007', 'merged', '2024-09-01');
SELECT * FROM wrong();
WITH gone AS (DELETE FROM cases WHERE id BETWEEN 130 AND 140 RETURNING *)
INSERT INTO cases SELECT id + 2000, grid, kind, reported_at + interval '1 month', deadline, closed_at FROM gone;
SELECT * FROM wrong();

-- foreign-key cascades
CREATE TABLE kinds (kind text PRIMARY KEY);
INSERT INTO kinds SELECT DISTINCT kind FROM cases WHERE kind IS NOT NULL;
ALTER TABLE cases ADD FOREIGN KEY (kind) REFERENCES kinds ON UPDATE CASCADE ON DELETE CASCADE;
UPDATE kinds SET kind = 'conflagration' WHERE kind = 'fire';
SELECT * FROM wrong();
DELETE FROM kinds WHERE kind = 'water';
SELECT * FROM wrong();

-- savepoints, and a transaction that sees its own work
BEGIN;
INSERT INTO cases VALUES (601, '350304001001001', NULL, '2024-10-01');
SAVEPOINT a;
INSERT INTO cases VALUES (602, '350304001001001', NULL, '2024-10-01');
ROLLBACK TO a;
INSERT INTO cases VALUES (603, '350304001001001', NULL, '2024-11-01');
SELECT * FROM wrong();
ROLLBACK;
SELECT * FROM wrong();
BEGIN;
INSERT INTO cases VALUES (604, '350304001001001', NULL, '2024-10-01');
SELECT grid_rollup_refresh('monthly');
INSERT INTO cases VALUES (605, '350304001001001', NULL, '2024-10-01');
COMMIT;
SELECT * FROM wrong();

-- a prepared transaction
BEGIN;
INSERT INTO cases VALUES (606, '350304001001002', NULL, '2024-10-01');
PREPARE TRANSACTION 'rollup_capture';
SELECT * FROM wrong();
COMMIT PREPARED 'rollup_capture';
SELECT * FROM wrong();

-- as the apply worker of logical replication does it
SET session_replication_role = replica;
INSERT INTO cases VALUES (607, '350304001001003', NULL, '2024-10-01'), (608, NULL, NULL, '2024-10-01');
UPDATE cases SET grid = '350304001001004' WHERE id IN (607, 608);
DELETE FROM cases WHERE id = 606;
SELECT * FROM wrong();
TRUNCATE cases;
RESET session_replication_role;
SELECT * FROM wrong();
INSERT INTO cases VALUES (1, '350304001001001', NULL, '2024-10-01');
SELECT * FROM wrong();
TRUNCATE cases;
INSERT INTO cases VALUES (2, '350304001001001', NULL, '2024-10-01');
SELECT * FROM wrong();

-- two rollups on one source, one of them without buckets and dimensions
SELECT grid_rollup_create('total', 'cases', 'grid', '{"n": "count(*)", "last": "max(reported_at)"}');
INSERT INTO cases VALUES (3, '350304001001', NULL, '2024-12-01'), (4, '350304001001001', NULL, '2023-12-01');
SELECT grid_rollup_refresh('total');
UPDATE cases SET grid = '350304001002' WHERE id = 3;
SELECT * FROM wrong();
SELECT DISTINCT code FROM total_log ORDER BY code;
CREATE TEMP TABLE live AS TABLE total_live;
SELECT grid_rollup_refresh('total');
(TABLE live EXCEPT ALL TABLE total) UNION ALL (TABLE total EXCEPT ALL TABLE live);
SELECT code, level, n, last AT TIME ZONE 'UTC' AS last FROM total ORDER BY code;
SELECT code, n FROM total_bi ORDER BY code;
SELECT * FROM grid_rollup_verify('total');

-- what somebody wrote into the rollup is found, and is gone once the cell is computed again
UPDATE monthly SET filed = filed + 1 WHERE level = 'grid' AND bucket = '2024-10-01';
SELECT * FROM grid_rollup_verify('monthly');
UPDATE cases SET kind = kind;
SELECT * FROM wrong();

SELECT grid_rollup_drop('total');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'cases'::regclass AND tgname LIKE 'grid_rollup%';
SELECT grid_rollup_drop('monthly');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'cases'::regclass AND tgname LIKE 'grid_rollup%';
SELECT relname FROM pg_class WHERE relnamespace = 'rollup_capture'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1;
SELECT count(*) FROM grid_rollup_catalog;
