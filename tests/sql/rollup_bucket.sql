-- Periods: grid_bucket, and rollups of every width over the days of clock changes.
CREATE SCHEMA rollup_bucket;
SET search_path = rollup_bucket, public;
SET datestyle = 'ISO';
SET jit = off;

SELECT t, w, grid_bucket(t, w::interval) FROM
    (VALUES ('2024-03-10 15:47:11.5'::timestamp), ('2024-12-31 23:59:59.999999'), ('2000-01-01 00:00'), ('1999-12-31 23:59'),
            ('0001-01-01 00:00:00 BC'), ('infinity'), ('-infinity')) v(t),
    unnest('{15 min,1 hour,6 hours,24 hours,1 day,1 week,2 weeks,1 month,3 months,6 months,1 year,10 years}'::text[]) WITH ORDINALITY u(w, o)
ORDER BY t, o;
-- the periods of core where core has them
SELECT w, count(*) FILTER (WHERE grid_bucket(t, ('1 ' || w)::interval) <> date_trunc(w, t)) AS wrong
FROM generate_series('1899-12-25'::timestamp, '2101-01-10', '17 hours 13 min') t, unnest('{hour,day,week,month,year}'::text[]) w GROUP BY w ORDER BY w;
SELECT count(*) FILTER (WHERE grid_bucket(t, '3 months') <> date_trunc('quarter', t)) AS wrong FROM generate_series('1899-12-25'::timestamp, '2101-01-10', '17 days') t;
SELECT grid_bucket('2024-01-01', NULL), grid_bucket(NULL, '1 day');
SELECT grid_bucket('2024-01-01', '1 month 1 day');
SELECT grid_bucket('2024-01-01', '7 hours');
SELECT grid_bucket('294276-12-31', '1 week'), grid_bucket('4713-01-01 BC', '1 year');
SELECT grid_bucket('4714-11-24 00:00:00 BC', '1 month');

-- local time in every zone, in any order of times and zones, and right at a change of clocks
SELECT setseed(0.5);
CREATE TEMP TABLE moments AS SELECT '1950-01-01 00:00+00'::timestamptz + (random() - 0.5) * (10 ^ (random() * 4)) * interval '1 year' AS at FROM generate_series(1, 400);
INSERT INTO moments SELECT b + i * interval '1 microsecond' FROM generate_series(-1, 1) i, unnest('{2024-03-31 01:00+00,2024-10-27 01:00+00,2437-03-29 01:00+00,infinity,-infinity}'::timestamptz[]) b;
SELECT count(*) > 100000 AS many, count(*) FILTER (WHERE grid_bucket(at, '1 hour', name) IS DISTINCT FROM date_trunc('hour', at AT TIME ZONE name)) AS wrong
FROM (SELECT name, at FROM moments, pg_timezone_names WHERE upper(name) NOT IN (SELECT abbrev FROM pg_timezone_abbrevs) ORDER BY hashtext(name), random()) t;
SELECT count(*) FILTER (WHERE grid_bucket(at, '1 hour', name) IS DISTINCT FROM date_trunc('hour', at AT TIME ZONE name)) AS wrong
FROM (SELECT name, at FROM moments, unnest('{Europe/Berlin,Asia/Shanghai,America/New_York,UTC}'::text[]) name ORDER BY random()) t;
SELECT count(*) FILTER (WHERE grid_bucket(at, '1 hour', 'Europe/Berlin') IS DISTINCT FROM date_trunc('hour', at AT TIME ZONE 'Europe/Berlin')) AS wrong
FROM (SELECT at FROM generate_series('2030-01-01 00:00+00'::timestamptz, '1900-01-01 00:00+00', '-7 hours') at) t;

-- every width in zones with clock changes; the oracle uses core's functions
CREATE TABLE t (grid gridcode, at timestamptz, local timestamp, day date);
INSERT INTO t SELECT ('3503040010010' || i % 3)::gridcode, x, x AT TIME ZONE 'UTC', (x AT TIME ZONE 'UTC')::date
FROM (SELECT i, '2024-01-01 00:00+00'::timestamptz + i * interval '37 min' AS x FROM generate_series(0, 14000) i) s;
CREATE INDEX ON t (grid);
CREATE FUNCTION wrong(col text, width interval, zone text, core text, OUT type text, OUT cells bigint, OUT wrong bigint, OUT verified bigint) LANGUAGE plpgsql AS $$
DECLARE
    oracle text;
BEGIN
    PERFORM grid_rollup_create('r', 't', 'grid', '{"n": "count(*)"}', col, width, lowest_level => 'community', top_level => 'community', time_zone => zone);
    SELECT format_type(atttypid, atttypmod) INTO type FROM pg_attribute WHERE attrelid = 'r'::regclass AND attname = 'bucket';
    PERFORM grid_rollup_refresh('r');
    UPDATE t SET at = at + interval '1 hour', local = local + interval '1 hour', day = day + 1 WHERE grid = '35030400100101' AND at < '2024-04-02';
    cells := grid_rollup_refresh('r');
    oracle := format('SELECT ''350304001001''::gridcode, ''community'', (%s)::%s, count(*) FROM t GROUP BY 3', core, type);
    EXECUTE format('SELECT count(*) FROM ((TABLE r EXCEPT ALL %1$s) UNION ALL (%1$s EXCEPT ALL TABLE r)) d', oracle) INTO wrong;
    SELECT count(*) INTO verified FROM grid_rollup_verify('r');
    PERFORM grid_rollup_drop('r');
END $$;
SET timezone = 'Pacific/Auckland';
SELECT w.*, f.* FROM (VALUES
    ('at', '1 hour'::interval, 'Europe/Berlin', 'date_trunc(''hour'', at AT TIME ZONE ''Europe/Berlin'')'),
    ('at', '30 min', 'Australia/Lord_Howe', 'date_bin(''30 min'', at AT TIME ZONE ''Australia/Lord_Howe'', ''2001-01-01'')'),
    ('at', '1 day', 'Europe/Berlin', 'date_trunc(''day'', at AT TIME ZONE ''Europe/Berlin'')'),
    ('at', '1 day', 'Asia/Shanghai', 'date_trunc(''day'', at AT TIME ZONE ''Asia/Shanghai'')'),
    ('at', '1 week', 'America/New_York', 'date_trunc(''week'', at AT TIME ZONE ''America/New_York'')'),
    ('at', '1 month', 'UTC', 'date_trunc(''month'', at AT TIME ZONE ''UTC'')'),
    ('at', '3 months', 'Asia/Kathmandu', 'date_trunc(''quarter'', at AT TIME ZONE ''Asia/Kathmandu'')'),
    ('at', '1 year', 'Pacific/Kiritimati', 'date_trunc(''year'', at AT TIME ZONE ''Pacific/Kiritimati'')'),
    ('local', '1 hour', NULL, 'date_trunc(''hour'', local)'), ('local', '1 day', NULL, 'local::date'),
    ('day', '1 day', NULL, 'day'), ('day', '1 week', NULL, 'date_trunc(''week'', day)')) w(col, width, zone, core),
    LATERAL wrong(w.col, w.width, w.zone, w.core) f;

-- the same in every session's time zone; the autumn hour that occurs twice is one bucket
SELECT grid_rollup_create('hours', 't', 'grid', '{"n": "count(*)"}', 'at', '1 hour', lowest_level => 'district', top_level => 'district', time_zone => 'Europe/Berlin');
TRUNCATE t;
INSERT INTO t (grid, at) VALUES ('350304001001', '2024-10-27 00:30+00'), ('350304001001', '2024-10-27 01:30+00'), ('350304001001', '2024-10-27 02:30+00');
SELECT bucket, n FROM hours_live ORDER BY 1;
SELECT grid_rollup_refresh('hours');
SET timezone = 'America/Los_Angeles';
SELECT bucket, n FROM hours ORDER BY 1;
SELECT bucket, n FROM hours_bi ORDER BY 1;
DELETE FROM t WHERE at = '2024-10-27 01:30+00';
SELECT grid_rollup_refresh('hours');
SELECT bucket, n FROM hours ORDER BY 1;
SELECT * FROM grid_rollup_verify('hours');
SELECT grid_rollup_drop('hours');
