-- gridcode: input, output, order, casts and the functions that need no scheme.
SET client_min_messages = warning;
CREATE SCHEMA t_gridcode;
SET search_path = t_gridcode, public;

-- the SQLSTATE and message of what must fail
CREATE FUNCTION fails(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text;
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', state, message, nullif(detail, ''));
END $$;

-- text in is text out
SELECT gridcode '35', gridcode '0', gridcode '000000000000000000', gridcode '999999999999999999', gridcode '350304001';
SELECT pg_column_size(gridcode '350304001001001001');
SELECT fails(format('SELECT %L::gridcode', bad))
FROM unnest(ARRAY['', ' ', ' 35', '35 ', '3 5', 'abc', '35x', '３５', '+35', '-35', '3.5', '1e3', '0x1f', E'35\n', '١٢',
	'1234567890123456789', '4403040070010010010010001']) WITH ORDINALITY AS u(bad, n) ORDER BY n;
SELECT fails($$SELECT ''::text::gridcode$$), fails($$SELECT '35 '::varchar::gridcode$$);
SELECT fails($$SELECT NULL::gridcode$$);

-- casts: only text and varchar to gridcode are implicit
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
WHERE 'gridcode'::regtype IN (castsource, casttarget) ORDER BY 1, 2;
SELECT '35'::text::gridcode, '35'::varchar::gridcode, gridcode '35'::text, gridcode '35'::varchar, '35'::bpchar::gridcode;
CREATE TABLE names (code gridcode PRIMARY KEY, name text);
INSERT INTO names VALUES ('35', 'Fujian'), ('3503', 'Quanzhou'), ('350304', 'Licheng');
SELECT code || ' ' || name AS label, pg_typeof(code || ' ' || name) FROM names ORDER BY code;
SELECT pg_typeof(name || code), pg_typeof('<' || code || '>') FROM names LIMIT 1;
SELECT fails('SELECT 350304::gridcode'), fails('SELECT code + 1 FROM names'), fails($$SELECT code LIKE '35%' FROM names$$);
CREATE TABLE texts (code text, short varchar(18));
INSERT INTO texts SELECT code, code FROM names;
-- USING wants one type
SELECT fails('SELECT count(*) FROM names JOIN texts USING (code)');
SELECT count(*) FROM names n JOIN texts t ON n.code = t.code;
SELECT count(*) FROM names n JOIN texts t ON n.code = t.short;
-- functions of text are still those of text
SELECT pg_typeof(min(code)), pg_typeof(min(short)), pg_typeof(max('35')) FROM texts;

-- every comparison against that of text
CREATE TABLE codes AS
SELECT DISTINCT left(translate(md5(n::text), 'abcdef', '001234'), 1 + n % 18) AS t FROM generate_series(1, 400) n;
INSERT INTO codes SELECT DISTINCT left(t, d) FROM codes, generate_series(1, 18) d EXCEPT SELECT t FROM codes;
SELECT count(*) AS pairs,
	bool_and((a.t::gridcode = b.t) = (a.t = b.t)) AS eq,
	bool_and((a.t::gridcode <> b.t) = (a.t <> b.t)) AS ne,
	bool_and((a.t::gridcode < b.t) = (a.t < b.t COLLATE "C")) AS lt,
	bool_and((a.t::gridcode <= b.t) = (a.t <= b.t COLLATE "C")) AS le,
	bool_and((a.t::gridcode > b.t) = (a.t > b.t COLLATE "C")) AS gt,
	bool_and((a.t::gridcode >= b.t) = (a.t >= b.t COLLATE "C")) AS ge,
	bool_and(sign(gridcode_cmp(a.t, b.t)) = sign((a.t > b.t COLLATE "C")::int - (a.t < b.t COLLATE "C")::int)) AS cmp,
	bool_and((a.t::gridcode @> b.t) = starts_with(b.t, a.t)) AS contains,
	bool_and((a.t::gridcode <@ b.t) = starts_with(a.t, b.t)) AS contained,
	bool_and((a.t::gridcode <@ b.t) = (a.t::gridcode BETWEEN b.t AND grid_last(b.t))) AS is_range
FROM (SELECT t FROM codes ORDER BY md5(t) LIMIT 700) a, (SELECT t FROM codes ORDER BY md5('b' || t) LIMIT 700) b;
SELECT count(*), bool_and(code::text = t) AS same_order
FROM (SELECT t, row_number() OVER (ORDER BY t COLLATE "C") AS n FROM codes) a
JOIN (SELECT t::gridcode AS code, row_number() OVER (ORDER BY t::gridcode) AS n FROM codes) b USING (n);
SELECT count(*) - count(DISTINCT gridcode_hash(t)) < 5 AS few_collisions FROM codes;
SELECT bool_and(gridcode_hash(t) = (gridcode_hash_extended(t, 0) & 4294967295)::bit(32)::int) AS seed_0_is_hash,
	bool_or(gridcode_hash_extended(t, 1) <> gridcode_hash_extended(t, 0)) AS seeded FROM codes;

-- digits, prefix, last, common, against text
SELECT bool_and(grid_digits(t) = length(t)) AS digits,
	bool_and(grid_last(t)::text = rpad(t, 18, '9')) AS last FROM codes;
SELECT bool_and(grid_prefix(t, d)::text IS NOT DISTINCT FROM CASE WHEN d <= length(t) THEN left(t, d) END) AS prefix
FROM codes, generate_series(1, 19) d;
SELECT fails('SELECT grid_prefix(''35'', 0)'), fails('SELECT grid_prefix(''35'', -2147483648)'), grid_prefix('35', 2147483647);
SELECT bool_and(grid_common(a.t, b.t) IS NOT DISTINCT FROM (
	SELECT left(a.t, max(d))::gridcode FROM generate_series(1, 18) d
	WHERE d <= least(length(a.t), length(b.t)) AND left(a.t, d) = left(b.t, d))) AS common
FROM (SELECT t FROM codes ORDER BY md5(t) LIMIT 150) a, (SELECT t FROM codes ORDER BY md5('b' || t) LIMIT 150) b;
SELECT grid_common('350304', '350305'), grid_common('35', '350304'), grid_common('1', '2');
SELECT grid_digits(NULL), grid_last(NULL), grid_common('35', NULL), gridcode '35' <@ NULL;

-- aggregates
SELECT min(code), max(code), grid_common(code) FROM names;
SELECT min(code), max(code), grid_common(code) FROM names WHERE false;
SELECT grid_common(c) FROM (VALUES (gridcode '3503'), (NULL), ('350304'), ('3505')) v(c);
SELECT grid_common(c) IS NULL AS nothing FROM (VALUES (gridcode '1'), ('2'), ('2')) v(c);
SELECT grid_common(c) IS NULL AS nothing FROM (VALUES (NULL::gridcode), (NULL)) v(c);
SELECT grid_common_combine(NULL, '35'), grid_common_combine('35', NULL), grid_common_combine('3504', '3503'),
	grid_common_combine('1', '2') = '' AS none, grid_common_combine('', '2') = '' AS still_none, grid_common_combine(NULL, NULL) IS NULL AS empty;
SELECT bool_and(parts = whole) AS combines FROM (
	SELECT g % 20, grid_common(code) AS whole, grid_common_final(grid_common_combine(
		(SELECT s FROM (SELECT grid_common(code)::text AS s FROM unnest(array_agg(code)) WITH ORDINALITY u(code, n) WHERE n % 2 = 0) x),
		(SELECT s FROM (SELECT grid_common(code)::text AS s FROM unnest(array_agg(code)) WITH ORDINALITY u(code, n) WHERE n % 2 = 1) x))) AS parts
	FROM (SELECT g, ('35' || g % 20 + 10 || lpad((g * 7 % 13)::text, 2, '0'))::gridcode AS code FROM generate_series(1, 400) g) c
	GROUP BY 1) y;

-- operator classes are complete and consistent, and btree deduplicates as for bigint
SELECT opcname, amname, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
WHERE opcintype IN ('gridcode'::regtype, 'gridscheme'::regtype) ORDER BY 1, 2;
CREATE TABLE many AS SELECT (350304001 + n % 100)::text::gridcode AS code, 350304001 + n::bigint % 100 AS number FROM generate_series(1, 20000) n;
CREATE INDEX many_code ON many (code);
CREATE INDEX many_number ON many (number);
SELECT pg_relation_size('many_code') = pg_relation_size('many_number') AS as_small_as_bigint,
	pg_relation_size('many_code') < 20000 * 16 AS deduplicated;

-- arrays, rows, domains
SELECT ARRAY['350304', '35']::gridcode[], gridcode '35' = ANY (ARRAY['35']::gridcode[]);
SELECT array_agg(c ORDER BY c) FROM unnest('{36,350304,35,3504}'::gridcode[]) c;
CREATE DOMAIN street AS gridcode CHECK (grid_digits(VALUE) = 9);
SELECT '350304001'::street <@ '35', fails($$SELECT '35'::street$$);

DROP SCHEMA t_gridcode CASCADE;
