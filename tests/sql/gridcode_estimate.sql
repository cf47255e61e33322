-- ANALYZE of codes, and estimates: tables without rows, with NULLs only, of one row; one range however it is written.
SET client_min_messages = warning;
CREATE SCHEMA t_gridcode_estimate;
SET search_path = t_gridcode_estimate, public;

CREATE FUNCTION estimate(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan->0->'Plan'->>'Plan Rows';
END $$;
CREATE FUNCTION truth(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE 'SELECT count(*) FROM (' || query || ') q' INTO n;
	RETURN n;
END $$;
CREATE FUNCTION compare(query text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN greatest(1, estimate(query)) BETWEEN greatest(1, truth(query)) / 2.0 AND greatest(1, truth(query)) * 2 THEN 'good'
		ELSE format('estimated %s, true %s', estimate(query), truth(query)) END
$$;
CREATE FUNCTION slots(relation regclass) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(k::text, ' ' ORDER BY n) FROM pg_statistic,
		unnest(ARRAY[stakind1, stakind2, stakind3, stakind4, stakind5]) WITH ORDINALITY u(k, n)
	WHERE starelid = relation AND staattnum = 1
$$;

-- odd tables
CREATE TABLE nothing (code gridcode);
CREATE TABLE nulls AS SELECT NULL::gridcode AS code FROM generate_series(1, 1000);
CREATE TABLE one AS SELECT gridcode '35' AS code;
CREATE TABLE same AS SELECT gridcode '350304' AS code FROM generate_series(1, 1000);
CREATE TABLE longest AS SELECT lpad(n::text, 18, '0')::gridcode AS code FROM generate_series(1, 1000) n;
ANALYZE nothing, nulls, one, same, longest;
SELECT r, slots(r) FROM unnest('{nothing,nulls,one,same,longest}'::regclass[]) WITH ORDINALITY u(r, n) ORDER BY n;
SELECT r, estimate(format('SELECT * FROM %s WHERE code <@ ''350304''', r)) FROM unnest('{nulls,one,same,longest}'::text[]) WITH ORDINALITY u(r, n) ORDER BY n;
SELECT compare($$SELECT * FROM same WHERE code <@ '35'$$), compare($$SELECT * FROM same WHERE code <@ '36'$$),
	compare($$SELECT * FROM longest WHERE code <@ '0000000000000001'$$), compare($$SELECT * FROM longest WHERE code <@ '0'$$),
	compare($$SELECT * FROM one WHERE code <@ '35'$$);
-- a target of 0 leaves a column alone; a column of a domain; an expression index
CREATE TABLE untouched AS TABLE longest;
ALTER TABLE untouched ALTER code SET STATISTICS 0;
CREATE DOMAIN area AS gridcode;
CREATE TABLE domains AS SELECT ('35' || lpad((n % 200)::text, 4, '0'))::area AS code FROM generate_series(1, 1000) n;
CREATE INDEX expression ON longest (grid_prefix(code, 17));
ANALYZE untouched, longest, domains;
SELECT slots('untouched') IS NULL AS none, slots('domains'), slots('expression');
SELECT compare($$SELECT * FROM domains WHERE code <@ '35007'$$), compare($$SELECT * FROM domains WHERE code <@ '3501'$$);
SELECT compare($$SELECT * FROM longest WHERE grid_prefix(code, 17) <@ '0000000000000001'$$);

-- statistics without the slot, as they come from another server: the histogram is still used
UPDATE pg_statistic SET stakind2 = CASE stakind2 WHEN 21743 THEN 0 ELSE stakind2 END,
	stakind3 = CASE stakind3 WHEN 21743 THEN 0 ELSE stakind3 END, stakind4 = CASE stakind4 WHEN 21743 THEN 0 ELSE stakind4 END
WHERE starelid = 'longest'::regclass;
SELECT slots('longest'), compare($$SELECT * FROM longest WHERE code <@ '0000000000000002'$$), compare($$SELECT * FROM longest WHERE code <@ '00000000000000'$$);

-- a tree of uneven areas, one row in five NULL
CREATE TABLE areas AS
SELECT CASE WHEN n % 5 > 0 THEN ('35' || lpad((sqrt(n)::int % 100)::text, 2, '0') || lpad((n % (sqrt(n)::int % 100 + 1))::text, 2, '0') || lpad((n % 997)::text, 3, '0'))::gridcode END AS code
FROM generate_series(1, 20000) n;
ANALYZE areas;
SELECT slots('areas');
SELECT grid_digits(a) AS digits, count(*), round(avg((compare(format('SELECT * FROM areas WHERE code <@ %L', a)) = 'good')::int), 2) AS good
FROM (SELECT DISTINCT grid_prefix(code, d) AS a FROM areas, unnest('{2,4,6}'::int[]) d WHERE code IS NOT NULL AND code <@ ANY ('{3510,3511,3575,3599}'::gridcode[])) x GROUP BY 1 ORDER BY 1;

-- one range however it is written
SELECT q, compare('SELECT * FROM areas WHERE ' || q) FROM unnest(ARRAY[
	$$code <@ '3575'$$,
	$$'3575' @> code$$,
	$$code >= '3575' AND code <= '357599999999999999'$$,
	$$code BETWEEN '3575' AND grid_last('3575')$$,
	$$code <@ '35' AND code <@ '3575'$$,
	$$code <@ '3575' AND code <@ '3575'$$,
	$$code <@ '3575' OR code <@ '3576'$$,
	$$(code <@ '3575' AND code IS NOT NULL) OR code <@ '3576'$$,
	$$code <@ '3575' AND code <@ '3576'$$,
	$$code BETWEEN '3570' AND '3579'$$,
	$$'3570' <= code AND code < '3579'$$,
	$$code >= '3580'$$,
	$$code <= '3520'$$,
	$$NOT code <@ '3575'$$,
	$$code > '3575' AND code < '3570'$$,
	$$code <@ '99'$$,
	$$code <@ '357599999999999999'$$,
	$$code IS NULL$$,
	$$code <@ NULL$$,
	$$code = '357500003'$$,
	$$code <> '357500003'$$
]) WITH ORDINALITY u(q, n) ORDER BY n;
-- joins
CREATE TABLE scopes AS SELECT DISTINCT grid_prefix(code, 4) AS code FROM areas WHERE code IS NOT NULL;
ANALYZE scopes;
SELECT q, compare('SELECT 1 FROM ' || q) FROM unnest(ARRAY[
	'areas a JOIN scopes s ON a.code <@ s.code',
	'areas a JOIN scopes s ON s.code @> a.code',
	'areas a WHERE EXISTS (SELECT FROM scopes s WHERE a.code <@ s.code)',
	'areas a JOIN areas b USING (code)'
]) WITH ORDINALITY u(q, n) ORDER BY n;
SELECT q, estimate('SELECT 1 FROM ' || q) > 0 AS estimated FROM unnest(ARRAY[
	'areas a JOIN nothing s ON a.code <@ s.code',
	'nothing a JOIN areas s ON a.code <@ s.code',
	'areas a JOIN nulls s ON a.code <@ s.code',
	'areas a WHERE NOT EXISTS (SELECT FROM scopes s WHERE a.code <@ s.code)',
	'areas a LEFT JOIN scopes s ON a.code <@ s.code',
	'areas a WHERE code @> ''350000001''',
	'areas a, scopes s WHERE (a.code <@ ''35'' AND s.code = ''3510'') OR (a.code <@ ''36'' AND s.code = ''3511'')'
]) WITH ORDINALITY u(q, n) ORDER BY n;

DROP SCHEMA t_gridcode_estimate CASCADE;
