-- gridstats: the same numbers as core's aggregates, whatever the order; both forms; bad input.
CREATE SCHEMA gridstats_test;
SET search_path = gridstats_test, public;
SET extra_float_digits = 1;

-- what it looks like
SELECT gridstats_agg(x) FROM generate_series(1, 3) x;
SELECT gridstats_agg(x) FROM (VALUES (0.1), (0.2), (NULL), (-7.5)) v (x);
SELECT gridstats_agg(x), gridstats_merge(NULL::gridstats) FROM (VALUES (NULL::float8)) v (x);
SELECT gridstats_agg(x) FROM (VALUES ('NaN'::float8), ('-Infinity')) v (x);
SELECT gridstats_agg(x) FROM (VALUES (1.7e308::float8), (1.7e308)) v (x);

-- NULL, nothing, one value
CREATE FUNCTION answers(s gridstats, OUT count bigint, OUT sum float8, OUT min float8, OUT max float8,
                        OUT avg float8, OUT variance float8, OUT stddev float8) LANGUAGE sql AS
$$ SELECT stats_count(s), stats_sum(s), stats_min(s), stats_max(s), stats_avg(s), stats_variance(s), stats_stddev(s) $$;
SELECT a.* FROM (VALUES (1, NULL::gridstats), (2, 'count=0'), (3, gridstats_accum('count=0', 5))) v (i, s), answers(s) a ORDER BY i;

-- as core's float aggregates, for every combination of special values and none
WITH special (x) AS (VALUES (NULL::float8), (1), (-2), ('NaN'), ('Infinity'), ('-Infinity')),
sets AS (SELECT ARRAY[a.x, b.x, c.x] AS s FROM special a, special b, special c),
answered AS (
  SELECT s, count(x), sum(x), min(x), max(x), avg(x), var_samp(x), stddev_samp(x), gridstats_agg(x) AS g
  FROM sets, unnest(s) x GROUP BY s)
SELECT count(*) AS sets, count(*) FILTER (WHERE (count, sum, min, max, avg) IS NOT DISTINCT FROM
    (stats_count(g), stats_sum(g), stats_min(g), stats_max(g), stats_avg(g))) AS same,
  count(*) FILTER (WHERE var_samp IS NOT DISTINCT FROM stats_variance(g) OR abs(var_samp - stats_variance(g)) < 1e-15) AS variance,
  count(*) FILTER (WHERE stddev_samp IS NOT DISTINCT FROM stats_stddev(g) OR abs(stddev_samp - stats_stddev(g)) < 1e-15) AS stddev
FROM answered;

-- against numeric: sums exactly, variance to the last digit of a double, also far from zero
CREATE TABLE numbers AS
  SELECT i, i % 7 AS g, ((i * 7919) % 100003 - 50000)::numeric / 64 AS small,
         1234567890123 + ((i * 7919) % 100003)::numeric / 1024 AS far
  FROM generate_series(1, 20000) i;
SELECT g, stats_sum(s) = sum_small AND stats_sum(f) = sum_far AS sums,
  stats_avg(s) = (sum_small / n)::float8 AND stats_avg(f) = (sum_far / n)::float8 AS means,
  abs(stats_variance(s) / var_small - 1) < 2e-16 AND abs(stats_variance(f) / var_far - 1) < 2e-16 AS variances
FROM (SELECT g, count(*) AS n, gridstats_agg(small) AS s, gridstats_agg(far) AS f, sum(small) AS sum_small, sum(far) AS sum_far,
        var_samp(small)::float8 AS var_small, var_samp(far)::float8 AS var_far FROM numbers GROUP BY g) x ORDER BY g;

-- any order and any merge is the single pass to the bit, where float8's sum is not
CREATE TABLE floats AS SELECT i, exp((i * 7919 % 997)::float8 / 20) * (1 - i % 2 * 2) AS x FROM generate_series(1, 20000) i;
SELECT count(DISTINCT sum) > 1 AS core_depends_on_order, count(DISTINCT g) AS gridstats, count(DISTINCT g::text) AS texts
FROM (SELECT sum(x ORDER BY i), gridstats_agg(x ORDER BY i) AS g FROM floats
      UNION ALL SELECT sum(x ORDER BY x), gridstats_agg(x ORDER BY x) FROM floats
      UNION ALL SELECT sum(x ORDER BY abs(x) DESC), gridstats_agg(x ORDER BY abs(x) DESC) FROM floats
      UNION ALL SELECT NULL, gridstats_merge(g) FROM (SELECT gridstats_agg(x) AS g FROM floats GROUP BY i % 113) p
      UNION ALL SELECT NULL, gridstats_merge(g ORDER BY stats_max(g)) FROM (SELECT gridstats_agg(x) AS g FROM floats GROUP BY i % 7) p
      UNION ALL SELECT NULL, gridstats_merge(g::text::gridstats) FROM (SELECT gridstats_agg(x) AS g FROM floats GROUP BY i % 5) p) u;

-- the aggregates as window functions and called by hand: earlier results stay as they were
SELECT x, stats_sum(gridstats_agg(x) OVER (ORDER BY x)) AS running FROM generate_series(1, 4) x;
SELECT gridstats_accum(g, 2) AS more, g, gridstats_combine(g, g) AS twice FROM (SELECT gridstats_agg(1) AS g) s;

-- grouping, DISTINCT, joins and set operations
CREATE TABLE stored AS SELECT i, gridstats_agg(x) AS s FROM generate_series(1, 10) i, generate_series(1, i % 3) x GROUP BY i;
INSERT INTO stored SELECT i + 10, s FROM stored;
SELECT s, count(*) FROM stored GROUP BY s ORDER BY s;
SELECT DISTINCT stats_count(s) FROM stored ORDER BY 1;
(SELECT s FROM stored EXCEPT SELECT 'count=1 sum=1 min=1 max=1 bins=45:1/90:1'::gridstats) ORDER BY s;
SET enable_hashjoin = off; SET enable_nestloop = off;
SELECT count(*) FROM stored a JOIN stored b USING (s);
RESET enable_hashjoin; SET enable_mergejoin = off;
SELECT count(*) FROM stored a JOIN stored b USING (s);
RESET enable_mergejoin; RESET enable_nestloop;
SELECT a.s = b.s AS eq, a.s <> b.s AS ne, a.s < b.s AS lt, a.s <= b.s AS le, a.s > b.s AS gt, a.s >= b.s AS ge
FROM stored a, stored b WHERE a.i IN (1, 2) AND b.i IN (1, 2) ORDER BY a.i, b.i;
CREATE INDEX ON stored (s); CREATE INDEX ON stored USING hash (s);

-- counts beyond 32 bits, up to the limit
CREATE FUNCTION doubled(s gridstats, times int) RETURNS gridstats LANGUAGE plpgsql AS
$$ BEGIN FOR i IN 1..times LOOP s := gridstats_combine(s, s); END LOOP; RETURN s; END $$;
SELECT a.* FROM (SELECT doubled(gridstats_agg(x), 33) AS s FROM (VALUES (1), (2), (6)) v (x)) d, answers(s) a;
SELECT stats_count(doubled(gridstats_agg(1), 39));
SELECT doubled(gridstats_agg(1), 40);
SELECT gridstats_accum(doubled(gridstats_agg(1), 39), 1);

-- what does not fit a double
SELECT stats_sum(gridstats_agg(x)) FROM (VALUES (1.7e308::float8), (1.7e308)) v (x);
SELECT stats_avg(gridstats_agg(x)) FROM (VALUES (1.7e308::float8), (1.7e308)) v (x);
SELECT stats_variance(gridstats_agg(x)) FROM (VALUES (1.7e308::float8), (-1.7e308)) v (x);
SELECT stats_stddev(gridstats_agg(x)) FROM (VALUES (1.7e308::float8), (-1.7e308)) v (x);

-- sizes
SELECT max(pg_column_size(s)) <= 200 AS small FROM
  (SELECT gridstats_agg(ln(abs(x) + 2) * 10 ^ (i % 540 - 270)) AS s FROM floats, generate_series(1, 3) y GROUP BY i % 50) v;

-- text that is no gridstats
SELECT repeat('x', 10000)::gridstats;
SELECT ''::gridstats;
SELECT 'count=1'::gridstats;
SELECT 'count=0 '::gridstats, E'\n count=0'::gridstats;
SELECT 'count=0 sum=0'::gridstats;
SELECT 'count=-1 sum=1 min=1 max=1 bins=45:1/90:1'::gridstats;
SELECT 'count=1 sum=2 min=1 max=1 bins=45:1/90:1'::gridstats;
SELECT 'count=1 sum=1 min=1 max=1 bins=45:1/90:2'::gridstats;
SELECT 'count=2 sum=0x2 min=1 max=1 bins=45:2/90:2'::gridstats;

-- bytes that are none (the wire form is checked again by tests/fuzz)
CREATE FUNCTION receive(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  path text := pg_catalog.format('%s/gridstats_test.%s', pg_catalog.current_setting('data_directory'), pg_catalog.pg_backend_pid());
  image bytea := '\x5047434f50590aff0d0a00'::bytea || '\x0000000000000000'::bytea || '\x0001'::bytea;
  id oid;
  result text;
BEGIN
  image := image || int4send(length(bytes)) || bytes || '\xffff'::bytea;
  id := lo_from_bytea(0, image);
  PERFORM lo_export(id, path);
  PERFORM lo_unlink(id);
  CREATE TEMP TABLE received (s gridstats) ON COMMIT DROP;
  EXECUTE format('COPY received FROM %L (FORMAT binary)', path);
  SELECT s::text INTO result FROM received;
  DROP TABLE received;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT gridstats_send('count=0'), receive(gridstats_send('count=0'));
SELECT gridstats_send(gridstats_agg(x)), receive(gridstats_send(gridstats_agg(x))) FROM generate_series(1, 3) x;
SELECT bytes, receive(bytes) FROM unnest('{"\\x","\\x00","\\x02","\\x0f","\\x0100","\\x11","\\x1122000000000000","\\x1122000000000000002d5a03f03f3f"}'::bytea[]) WITH ORDINALITY u (bytes, i) ORDER BY i;
SELECT bool_and(receive(gridstats_send(s)) = s::text) AS there_and_back FROM stored;
-- one byte changed, cut off or added: refused, or a state that is sent as these bytes
CREATE TABLE bent AS
SELECT bytes, receive(bytes) AS said FROM (
  SELECT set_byte(b, at, (get_byte(b, at) + by) % 256) FROM (SELECT gridstats_send(gridstats_agg(x)) AS b FROM (VALUES (0.1), (-7), (1e9)) v (x)) s,
    generate_series(0, length(b) - 1) at, unnest('{1,16,128,255}'::int[]) by
  UNION ALL SELECT substr(b, 1, size) FROM (SELECT gridstats_send(gridstats_agg(x)) AS b FROM (VALUES (0.1), (-7)) v (x)) s, generate_series(0, length(b) - 1) size
  UNION ALL SELECT gridstats_send(gridstats_agg(x)) || '\x00' FROM (VALUES (0.1), (-7)) v (x)
  UNION ALL SELECT set_byte(b, at, byte) FROM (SELECT gridstats_send(gridstats_agg(0.1)) AS b) s, generate_series(0, length(b) - 1) at, generate_series(0, 255, 5) byte) m (bytes);
SELECT count(*) > 500 AS many, count(*) FILTER (WHERE said LIKE '22P03 %') > 100 AS many_refused,
  count(*) FILTER (WHERE CASE WHEN said NOT LIKE '22P03 %' THEN gridstats_send(said::gridstats) <> bytes END) AS wrong FROM bent;

SET client_min_messages = warning;
DROP SCHEMA gridstats_test CASCADE;
