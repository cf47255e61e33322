-- Which expressions are measures, which are not and what is said about it.
CREATE SCHEMA rollup_measure;
SET search_path = rollup_measure, public;
\set VERBOSITY default
CREATE TABLE cases (
    id int, grid gridcode, kind text, open boolean, amount numeric, n2 smallint, n4 int, n8 bigint,
    f4 real, f8 float8, cost money, took interval, day date, at_local timestamp, at timestamptz, tags text[], bits bit(4)
);
INSERT INTO cases
SELECT i, ('35030400100' || i % 2 || '00' || i % 3)::gridcode, 'k' || i % 4, i % 5 > 0, i / 7.0, i, i * 3, i * 5,
       i / 3.0, sqrt(i), i::money, i * interval '1 hour', date '2024-01-01' + i, timestamp '2024-01-01' + i * interval '1 hour',
       '2024-01-01 00:00+00'::timestamptz + i * interval '1 hour', ARRAY['a', 'b' || i], (i % 16)::bit(4)
FROM generate_series(1, 60) i;
UPDATE cases SET amount = NULL, f8 = NULL, kind = NULL WHERE id % 7 = 0;

-- accepted: the oracle computes the expression itself, level by level
CREATE FUNCTION accept(expression text, OUT type text, OUT wrong bigint, OUT verified bigint) LANGUAGE plpgsql AS $$
DECLARE
    oracle text := format(
        'SELECT left(grid::text, d)::gridcode AS code, l AS level, %s AS m FROM cases
         JOIN (VALUES (''grid'', 15), (''community'', 12), (''street'', 9)) v(l, d) ON true GROUP BY 1, 2', expression);
BEGIN
    PERFORM grid_rollup_create('r', 'cases', 'grid', json_build_object('m', expression), lowest_level => 'grid', top_level => 'street');
    PERFORM grid_rollup_refresh('r');
    -- incremental from here on
    UPDATE cases SET n4 = n4 + 1 WHERE id % 9 = 0;
    PERFORM grid_rollup_refresh('r');
    EXECUTE format('SELECT count(*) FROM ((TABLE r EXCEPT ALL %1$s) UNION ALL (%1$s EXCEPT ALL TABLE r)) d', oracle) INTO wrong;
    SELECT count(*) INTO verified FROM grid_rollup_verify('r');
    SELECT format_type(atttypid, atttypmod) INTO type FROM pg_attribute WHERE attrelid = 'r'::regclass AND attname = 'm';
    PERFORM grid_rollup_drop('r');
END $$;
SELECT e.expression, a.* FROM unnest(ARRAY[
    'count(*)', 'count(kind)', 'count(*) FILTER (WHERE open)', 'count(*) FILTER (WHERE open AND n4 > 10 OR kind IS NULL)',
    'sum(n2)', 'sum(n4)', 'sum(n8)', 'sum(amount)', 'sum(n4 * 2 - n2)', 'sum(n4) FILTER (WHERE kind = ''k1'')', 'sum(f8::numeric(20,3))',
    'min(n4)', 'max(amount)', 'min(kind)', 'max(kind COLLATE "C")', 'min(at)', 'max(day)', 'min(took)', 'max(f8)', 'min(tags)', 'max(cost)',
    'min(grid)', 'max(grid)', 'bool_and(open)', 'every(open)', 'bool_or(NOT open)', 'bit_and(n4)', 'bit_or(bits)',
    'gridstats_agg(f8)', 'gridstats_agg(amount)', 'gridstats_agg(extract(epoch FROM at_local - day) / 3600)',
    'public.gridstats_agg(cases.f8)', 'pg_catalog.count(*)', 'count((at AT TIME ZONE ''Asia/Shanghai'')::date)',
    'count(CASE WHEN open THEN 1 END)', '  count ( * )  ']) e(expression),
    LATERAL accept(e.expression) a;
-- a division that the filter makes safe
SELECT accept('sum(100 / nullif(n4 % 5, 0)) FILTER (WHERE n4 % 5 <> 0)');

-- refused
CREATE FUNCTION refuse(expression text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM grid_rollup_create('r', 'cases', 'grid', json_build_object('m', expression));
    message := 'ACCEPTED';
    PERFORM grid_rollup_drop('r');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
CREATE FUNCTION own(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION int4_sum3(int, int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2 + $3';
CREATE AGGREGATE count(int, int) (SFUNC = int4_sum3, STYPE = int);
\pset format unaligned
SELECT e.expression, r.* FROM unnest(ARRAY[
    -- do not merge
    'avg(n4)', 'stddev(f8)', 'var_pop(amount)', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY f8)', 'mode() WITHIN GROUP (ORDER BY kind)',
    'count(DISTINCT kind)', 'sum(DISTINCT n4)', 'sum(f4)', 'sum(f8)', 'sum(cost)', 'sum(took)', 'array_agg(n4)', 'string_agg(kind, '','')',
    'string_agg(kind, '','' ORDER BY kind)', 'regr_slope(f8, f8)', 'corr(f8, f4)', 'count(n4, n4)', 'gridstats_merge(NULL)', 'jsonb_agg(kind)',
    -- are not immutable
    'count(*) FILTER (WHERE at > now())', 'count(*) FILTER (WHERE at > current_timestamp)', 'count(*) FILTER (WHERE day = current_date)',
    'count(*) FILTER (WHERE at_local > localtimestamp)', 'count(*) FILTER (WHERE at > clock_timestamp())',
    'count(*) FILTER (WHERE at > ''now'')', 'count(*) FILTER (WHERE at > timestamptz '' Now'')', 'count(*) FILTER (WHERE day = ''today''::date)',
    'count(*) FILTER (WHERE day < date ''yesterday'')', 'count(*) FILTER (WHERE day < ''tomorrow'')',
    'min(at::date)', 'max(at::timestamp)', 'count(*) FILTER (WHERE at > at_local)', 'min(to_char(at, ''YYYY''))', 'min(date_trunc(''day'', at))',
    'count(extract(hour FROM at))', 'sum(own(n4))', 'count(random())', 'count(current_user)', 'min(at::text)',
    -- are not one aggregate of one row
    'n4', '1', 'count(*) + 1', 'count(*)::int', 'sum(n4) / count(*)', 'coalesce(sum(n4), 0)', 'max(count(*)) OVER ()', 'count(*) OVER ()',
    'row_number() OVER ()', 'sum((SELECT 1))', 'count(*) FILTER (WHERE EXISTS (SELECT 1))', 'count(generate_series(1, 3))', 'generate_series(1, 3)',
    'sum(sum(n4))', 'count(*), count(*)', 'count(*) AS n', 'count(*) n', '*', 'cases.*', 'sum(nothing)', 'nothing(*)', 'min(ctid)', 'count(tableoid)', 'count(xmin)', 'count(cases)', 'sum(cases)',
    -- are more than an expression
    'count(*) FROM cases', 'count(*) WHERE true', 'count(*) GROUP BY kind', 'count(*) HAVING true', 'count(*) ORDER BY 1', 'count(*) LIMIT 1',
    'count(*) FOR UPDATE', 'count(*) UNION SELECT 1', 'count(*); DROP TABLE cases', 'DISTINCT count(*)', 'count(*) INTO x',
    '', '   ', '-- nothing', ')', 'count(*', 'count(*))', 'sum($1)', 'count(*) WINDOW w AS ()']) e(expression),
    LATERAL refuse(e.expression) r;
\pset format aligned

-- an error of the parser points into the expression
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "wrong": "sum(n4 +)"}');
SELECT grid_rollup_create('r', 'cases', 'grid', '{"wrong": "sum(n4 + nothing)"}');
SELECT relname FROM pg_class WHERE relnamespace = 'rollup_measure'::regnamespace AND relname LIKE 'r%';

-- the names in an expression are those of its author's search_path, and stay what they were
CREATE SCHEMA rollup_other;
CREATE FUNCTION rollup_other.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
SET search_path = rollup_measure, rollup_other, public;
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "sum(twice(n4))"}', lowest_level => 'grid', top_level => 'street');
SET search_path = rollup_measure, public;
SELECT grid_rollup_refresh('r');
SELECT (SELECT n FROM r WHERE level = 'street') = (SELECT sum(n4) * 2 FROM cases) AS right;
DROP FUNCTION rollup_other.twice(int);
DROP SCHEMA rollup_other CASCADE;
SELECT count(*) FROM grid_rollup_catalog;
SELECT to_regclass('r');
