-- gridscheme, and the functions of a code in a scheme.
SET client_min_messages = warning;
CREATE SCHEMA t_gridscheme;
SET search_path = t_gridscheme, public;
CREATE FUNCTION fails(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text;
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', state, message, nullif(detail, ''));
END $$;

-- presets are spellings of input; output is spelled out and reads back
SELECT p, p::gridscheme, p::gridscheme::text::gridscheme = p::gridscheme AS same
FROM unnest('{cn,cn-grid2,us-census,de-ars}'::text[]) WITH ORDINALITY u(p, n) ORDER BY n;
SELECT gridscheme '  state  2 ,county	3 ', gridscheme '街道 3, 社区 3', gridscheme 'block group 1 2';
SELECT gridscheme 'cn' = 'province 2, city 2, district 2, street 3, community 3, grid 3, cell 3' AS spelled_out;
SELECT fails(format('SELECT %L::gridscheme', bad)) FROM unnest(ARRAY['', ' ', 'c', 'CN', ' cn', 'a', 'a1', 'a 1,', ',a 1', 'a 0', 'a 19', 'a -1', 'a ３', '3', ' 3',
	'a 9, b 9, c 1', 'a 1, b 2, a 3', E'a\tb 1', E'a\x01b 1', repeat('x', 64) || ' 1', 'a 99999999999999999999']) WITH ORDINALITY u(bad, n) ORDER BY n;

-- equality, order, hashing, storage
CREATE TABLE schemes (scheme gridscheme PRIMARY KEY, n int);
INSERT INTO schemes VALUES ('cn', 1), ('us-census', 2), ('de-ars', 3), ('街道 3', 4);
SELECT n, scheme FROM schemes ORDER BY scheme;
SELECT fails($$INSERT INTO schemes VALUES ('province 2,city 2,district 2,street 3,community 3,grid 3,cell 3', 5)$$) LIKE '23505%' AS the_same_as_cn;
SELECT a.n, b.n, a.scheme < b.scheme AS lt, a.scheme <= b.scheme AS le, a.scheme = b.scheme AS eq,
	a.scheme <> b.scheme AS ne, a.scheme >= b.scheme AS ge, a.scheme > b.scheme AS gt
FROM schemes a, schemes b WHERE a.n <= b.n AND a.n <= 2 ORDER BY 1, 2;
SELECT scheme, count(*) FROM (SELECT scheme FROM schemes UNION ALL SELECT 'cn' UNION ALL SELECT 'us-census') x GROUP BY scheme ORDER BY 2 DESC, 1;
SELECT count(DISTINCT gridscheme_hash(scheme)), count(DISTINCT gridscheme_hash_extended(scheme, 1)),
	bool_and(gridscheme_hash(scheme) = (gridscheme_hash_extended(scheme, 0) & 4294967295)::bit(32)::int) AS seed_0_is_hash FROM schemes;
CREATE TABLE toasted (scheme gridscheme, filler text);
ALTER TABLE toasted ALTER filler SET STORAGE plain;
INSERT INTO toasted SELECT string_agg(lpad(n::text, 60, 'x') || ' 1', ', ')::gridscheme, repeat('x', 2000) FROM generate_series(1, 18) n;
SELECT pg_column_size(scheme) < length(scheme::text) AS compressed, grid_level('123', scheme) = lpad('3', 60, 'x') AS read FROM toasted;

-- levels
SELECT code, grid_level(code), grid_depth(code), grid_parent(code)
FROM unnest('{3,35,350,3503,350304,3503040,350304001,350304001001,350304001001001,350304001001001001}'::gridcode[]) WITH ORDINALITY u(code, n) ORDER BY n;
SELECT grid_level('13', 'us-census'), grid_level('13121', 'us-census'), grid_level('13121011700', 'us-census'), grid_level('131210117001', 'us-census'), grid_level('131210117001003', 'us-census'), grid_level('1312101170010031', 'us-census');
SELECT grid_level('064350014014', 'de-ars'), grid_parent('064350014014', 'de-ars'), grid_parent('06435', 'de-ars'), grid_level('06435', 'de-ars'), grid_level('064', 'de-ars');
SELECT grid_level('35030400100101', 'cn-grid2'), grid_level('35030400100101'), grid_depth('350304001001001', 'cn-grid2'), grid_parent('350304001001001', 'cn-grid2');
SELECT grid_level('350304001', '省 2, 市 2, 区 2, 街道 3'), grid_ancestor('350304001', '市', '省 2, 市 2, 区 2, 街道 3');
-- a comma of another keyboard is not part of a name
SELECT '省 2，市 2'::gridscheme;
SELECT '省 2、市 2'::gridscheme;

-- ancestors
SELECT * FROM grid_ancestors('350304001001');
SELECT * FROM grid_ancestors('35');
SELECT * FROM grid_ancestors('3503041', 'cn');
SELECT * FROM grid_ancestors('131210117001003', 'us-census');
SELECT * FROM grid_ancestors(NULL);
SELECT c, level, code FROM unnest('{350304,3504}'::gridcode[]) c, grid_ancestors(c) ORDER BY 1, 3;
SELECT grid_ancestor('350304001001', 'street'), grid_ancestor('350304', 'district'), grid_ancestor('3503', 'district'), grid_ancestor('3503041', 'district');
SELECT fails($$SELECT grid_ancestor('350304', 'county')$$), fails($$SELECT grid_ancestor('350304', 'District')$$), fails($$SELECT grid_ancestor('350304', '')$$);
SELECT fails($$SELECT grid_ancestor('350304', 'district', 'us-census')$$);

-- children
SELECT grid_child('350304001001', 7), grid_child('350304', 1), grid_child('35', 0), grid_child('35', 99), grid_child('13121', 11700, 'us-census');
SELECT fails($$SELECT grid_child('35', 100)$$), fails($$SELECT grid_child('35', -1)$$);
SELECT fails($$SELECT grid_child('350304001001001001', 1)$$), fails($$SELECT grid_child('350', 1)$$), fails($$SELECT grid_child('350304001001001', 1, 'cn-grid2')$$);
SELECT bool_and(grid_parent(child) = code AND child <@ code AND grid_depth(child) = grid_depth(code) + 1) AS properties
FROM unnest('{35,3503,350304,350304001,350304001001,350304001001001}'::gridcode[]) code, generate_series(0, 99) n, grid_child(code, n) child;

-- padded codes, with the cities that have no counties
SELECT padded, grid_unpad(padded) FROM unnest('{350304001000,350304001001,350300000000,350000000000,441900003000,441900000000,442000001000,460400100000,441900,442000,3503,350304001001000000,350304001010}'::text[]) WITH ORDINALITY u(padded, n) ORDER BY n;
SELECT fails(format('SELECT grid_unpad(%L)', bad)) FROM unnest(ARRAY['', '000000000000', '00', '350', '3503040010', 'x', ' 350304', '3503040010000000000']) WITH ORDINALITY u(bad, n) ORDER BY n;
SELECT grid_unpad('131210000000000', 'us-census'), grid_unpad('064350014000', 'de-ars');

-- NULL in, NULL out
SELECT grid_level(NULL), grid_level('35', NULL), grid_depth(NULL), grid_parent(NULL), grid_ancestor('35', NULL), grid_child(NULL, 1), grid_child('35', NULL), grid_unpad(NULL);

-- a scheme that changes from row to row
SELECT n, grid_level('350304001', scheme), grid_depth('350304', scheme) FROM schemes ORDER BY n;
SELECT count(*) FROM generate_series(1, 1000) g, schemes WHERE grid_level('35', scheme) IS NOT NULL;
-- a default in a catalog is spelled out
CREATE TABLE defaults (scheme gridscheme DEFAULT 'cn-grid2');
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'defaults'::regclass;
-- indexes on levels
CREATE TABLE areas AS SELECT grid_child('350304001', n) AS code FROM generate_series(1, 500) n;
CREATE INDEX ON areas (grid_ancestor(code, 'street'));
SELECT count(*) FROM areas WHERE grid_ancestor(code, 'street') = '350304001';

DROP SCHEMA t_gridscheme CASCADE;
