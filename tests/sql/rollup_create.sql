-- What grid_rollup_create makes, and what it refuses.
CREATE SCHEMA rollup_create;
SET search_path = rollup_create, public;
\set VERBOSITY default

CREATE TABLE cases (
    id int PRIMARY KEY,
    grid gridcode,
    old_grid text,
    "Kind of case" text,
    open boolean,
    amount numeric,
    n2 smallint, n4 int, n8 bigint, f4 real, f8 float8,
    cost money,
    note json,
    day date,
    at_local timestamp,
    at timestamptz
);

-- columns in the order given, types as they merge
SELECT grid_rollup_create('figures', 'cases', 'grid',
    '{"z": "count(*)", "a": "sum(n4)", "m": "min(day)", "Ö x": "max(\"Kind of case\")", "b": "bool_or(open)", "s": "gridstats_agg(f8)", "y": "sum(amount)"}',
    'day', '1 day', '{"Kind of case",open}', 'grid');
SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_attribute a WHERE attrelid = 'figures'::regclass AND attnum > 0 ORDER BY 1;
SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a WHERE attrelid = 'figures_bi'::regclass AND attnum > 0 ORDER BY 1;
SELECT obj_description(c.oid), c.relkind, c.relname FROM pg_class c
WHERE c.relnamespace = 'rollup_create'::regnamespace AND c.relname LIKE 'figures%' AND relkind IN ('r', 'v') ORDER BY 3;
SELECT source, code_column, bucket_column, bucket_width, dimensions, lowest_level, top_level, scheme, enabled, filled FROM grid_rollup_catalog JOIN grid_rollup_state USING (rollup);
SELECT ordinal, name, expression, at, kind FROM grid_rollup_measure ORDER BY ordinal;

-- the name
SELECT grid_rollup_create('figures', 'cases', 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_create('a.b.c', 'cases', 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_create('', 'cases', 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_create('nowhere.x', 'cases', 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_create(repeat('x', 59), 'cases', 'grid', '{"n": "count(*)"}');
CREATE TABLE taken_log (x int);
SELECT grid_rollup_create('taken', 'cases', 'grid', '{"n": "count(*)"}');
SELECT to_regclass('taken'), to_regclass('taken_live');
SELECT grid_rollup_create('public."; drop"', 'cases', 'grid', '{"'' \" ;": "count(*)"}', dimensions => '{Kind of case}', lowest_level => 'grid');
SELECT grid_rollup_refresh('public."; drop"');
SELECT grid_rollup_drop('public."; drop"');

-- nulls
SELECT grid_rollup_create(NULL, 'cases', 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_create('x', NULL, 'grid', '{"n": "count(*)"}');
SELECT grid_rollup_create('x', 'cases', NULL, '{"n": "count(*)"}');
SELECT grid_rollup_create('x', 'cases', 'grid', NULL);
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', scheme => NULL);

-- how late it may be
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', max_lag => '-1 hour');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', max_lag => '0');

-- the source
SELECT grid_rollup_create('x', 'nothing', 'grid', '{"n": "count(*)"}');
CREATE VIEW a_view AS TABLE cases;
SELECT grid_rollup_create('x', 'a_view', 'grid', '{"n": "count(*)"}');
CREATE MATERIALIZED VIEW a_matview AS TABLE cases;
SELECT grid_rollup_create('x', 'a_matview', 'grid', '{"n": "count(*)"}');
CREATE TEMP TABLE a_temp (grid gridcode);
SELECT grid_rollup_create('x', 'a_temp', 'grid', '{"n": "count(*)"}');

-- code, levels
SELECT grid_rollup_create('x', 'cases', 'nothing', '{"n": "count(*)"}');
SELECT grid_rollup_create('x', 'cases', 'old_grid', '{"n": "count(*)"}');
SELECT grid_rollup_create('x', 'cases', 'ctid', '{"n": "count(*)"}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', lowest_level => 'parish');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', top_level => 'parish');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', lowest_level => 'city', top_level => 'grid');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', lowest_level => 'grid', scheme => 'us-census');

-- buckets
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'day');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', bucket_width => '1 day');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'nothing', '1 day');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'n4', '1 day');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'at', '1 day');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'at', '1 day', time_zone => 'Mars/Olympus');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'day', '1 hour');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'day', '0');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'day', '-1 day');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'day', '1 month 1 day');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'day', '5 months');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'day', '1000000 days');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', 'at_local', '7 hours');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": {"expr": "count(*)", "at": "at"}}', 'day', '1 day');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": {"expr": "count(*)", "at": "day"}}');

-- dimensions and names
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', dimensions => '{nothing}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', dimensions => '{note}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', dimensions => '{open,open}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', dimensions => '{NULL}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)"}', dimensions => array_fill('open'::name, '{31}'));
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": "count(*)", "n": "count(*)"}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"level": "count(*)"}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"": "count(*)"}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"s": "gridstats_agg(f8)", "s_min": "min(f8)"}');

-- the shape of measures
SELECT grid_rollup_create('x', 'cases', 'grid', '[]');
SELECT grid_rollup_create('x', 'cases', 'grid', '{}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": 1}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": null}');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": {"at": "day"}}', 'day', '1 day');
SELECT grid_rollup_create('x', 'cases', 'grid', '{"n": {"expr": "count(*)", "when": "day"}}');

-- nothing is left behind by what failed
SELECT relname FROM pg_class WHERE relnamespace = 'rollup_create'::regnamespace AND relname ~ '^(x|taken)' ORDER BY 1;
SELECT count(*) FROM grid_rollup_catalog;

-- alter: absent stays, null removes
SELECT grid_rollup_alter('figures', '{"max_lag": "10 minutes", "statement_timeout": "1 hour", "enabled": false}');
SELECT grid_rollup_alter('figures', '{"statement_timeout": null, "lock_timeout": "5 s", "retry_min": "1 s", "retry_max": "1 h"}');
SELECT schedule, max_lag, enabled, statement_timeout, lock_timeout, retry_min, retry_max FROM grid_rollup_catalog;
SELECT grid_rollup_alter('figures', '{"maxlag": "1 h"}');
SELECT grid_rollup_alter('figures', '{"max_lag": 5}');
SELECT grid_rollup_alter('figures', '{"max_lag": "soon"}');
SELECT grid_rollup_alter('figures', '{"max_lag": "-1 s"}');
SELECT grid_rollup_alter('figures', '{"enabled": null}');
SELECT grid_rollup_alter('figures', '{"enabled": "yes"}');
SELECT grid_rollup_alter('figures', '{"schedule": "every now and then"}');
SELECT grid_rollup_alter('figures', '[]');
SELECT grid_rollup_alter('cases', '{}');

-- what is no rollup
SELECT grid_rollup_refresh('cases');
SELECT grid_rollup_drop('cases');
SELECT * FROM grid_rollup_verify('cases');
CALL grid_rollup_refresh_batched('cases', 10);
CALL grid_rollup_refresh_batched('figures', 0);
CALL grid_rollup_refresh_batched('figures', NULL);
BEGIN;
CALL grid_rollup_refresh_batched('figures', 10);
ROLLBACK;
SELECT grid_rollup_capture();

-- batches
INSERT INTO cases (id, grid, day) SELECT i, ('35030400100100' || i % 3)::gridcode, date '2024-01-01' + i FROM generate_series(1, 30) i;
CALL grid_rollup_refresh_batched('figures', 4);
SELECT * FROM grid_rollup_verify('figures');
-- the first refresh has made the indexes
SELECT indexdef FROM pg_indexes WHERE schemaname = 'rollup_create' AND tablename LIKE 'figures%' ORDER BY 1;
UPDATE cases SET day = day + 100;
CALL grid_rollup_refresh_batched('figures', 7);
SELECT count(*) FROM figures_log;
SELECT * FROM grid_rollup_verify('figures');
SELECT level, sum(z), count(*) FROM figures GROUP BY level ORDER BY level;

SELECT grid_rollup_drop('figures');
SELECT grid_rollup_drop('figures');
