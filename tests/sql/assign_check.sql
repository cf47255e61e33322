-- grid_assign_check: counts, what declared codes may be, rights, and errors; shifts of real points are in assign_check_real.pl.
CREATE SCHEMA assign_check;
SET search_path = assign_check, public;
CREATE TABLE area (geom geometry(Polygon, 3857), code gridcode, closed boolean DEFAULT false);
INSERT INTO area SELECT ST_MakeEnvelope(100 * x, 100 * y, 100 * x + 100, 100 * y + 100, 3857), grid_child(grid_child('350304', x), y)
FROM generate_series(0, 9) x, generate_series(0, 9) y;
INSERT INTO area VALUES (ST_MakeEnvelope(0, 0, 1000, 1000, 3857), '350304009009001', true);
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('area', 'area', filter => 'NOT closed');

-- each way a row can be counted
CREATE TABLE register (geom geometry, declared_code text, n int);
INSERT INTO register VALUES
	('SRID=3857;POINT(150 250)', '350304001002', 1),		-- the same
	('SRID=3857;POINT(150 250)', '350304001', 2),			-- above
	('SRID=3857;POINT(150 250)', '35', 4),					-- far above
	('SRID=3857;POINT(150 250)', '350304001002007', 8),		-- below
	('SRID=3857;POINT(200 250)', '350304001002', 16),		-- on the border; 001 is lower than 002
	('SRID=3857;POINT(150 250)', '350304001003', 32),		-- mismatched: 50 to the south
	('SRID=3857;POINT(150 250)', '350304001003001', 64),	-- mismatched, below
	('SRID=3857;POINT(-30 50)', '350304000000', 128),		-- outside: 30 to the west
	('SRID=3857;POINT(150 250)', '350304010', 256),			-- unknown
	('SRID=3857;POINT(150 250)', 'Zhenhai', 512),			-- no code
	('SRID=3857;POINT(150 250)', '3503040010020000000', 1024),
	('SRID=3857;POINT(150 250)', NULL, 2048),				-- undeclared
	(NULL, '350304001002', 4096),
	('SRID=3857;POINT EMPTY', '350304001002', 8192);
CREATE TABLE households AS SELECT geom, declared_code FROM register, generate_series(1, n);
SELECT matched, mismatched, outside, unknown, undeclared, distance, round(direction) AS direction, compass, round(agreement::numeric, 2) AS agreement
FROM grid_assign_check('households', 'area');
-- a place counts once whatever its number of rows, so a median is that of the three places
SELECT distance FROM grid_assign_check('register', 'area');

-- declared as gridcode, varchar, char, or a domain; in a view, a partitioned table, nothing at all
CREATE DOMAIN register_code AS varchar(20);
CREATE TABLE typed AS SELECT geom, declared_code::gridcode AS a, declared_code::varchar AS b, declared_code::char(18) AS c, declared_code::register_code AS d
FROM register WHERE declared_code ~ '^\d{1,18}$';
SELECT c.*, matched, mismatched, outside, unknown, undeclared
FROM unnest('{a,b,c,d}'::name[]) c, grid_assign_check('typed', 'area', 'geom', c);
-- and as text whose equality no regular expression can be asked about
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE loosely AS SELECT geom, declared_code COLLATE loose AS declared_code FROM register;
SELECT matched, mismatched, outside, unknown, undeclared FROM grid_assign_check('loosely', 'area');
CREATE VIEW padded AS SELECT geom AS "the geom", grid_unpad('350304001000') AS "Code" FROM typed;
SELECT matched, mismatched FROM grid_assign_check('padded', 'area', 'the geom', 'Code');
CREATE TABLE parted (geom geometry, declared_code gridcode) PARTITION BY LIST (declared_code);
CREATE TABLE parted_1 PARTITION OF parted DEFAULT;
SELECT * FROM grid_assign_check('parted', 'area');
INSERT INTO parted SELECT geom, a FROM typed;
SELECT matched, mismatched FROM grid_assign_check('parted', 'area');

-- a shift in units of the SRID, on a lattice of points that is not that of the areas
CREATE VIEW shifted AS SELECT ST_SetSRID(ST_Point(x + 30, y - 40), 3857) AS geom,
	grid_child(grid_child('350304', (x / 100)::int), (y / 100)::int) AS declared_code
FROM generate_series(3, 999, 17) x, generate_series(5, 999, 19) y;
SELECT matched + mismatched + outside AS rows, compass, shift_compass, abs(shift_distance - 50) < 3 AS distance, abs(shift_direction - 143.13) < 3 AS direction,
	shift_explains > 0.99 AS explains
FROM grid_assign_check('shifted', 'area');
-- declared are communities of ten grids each
CREATE VIEW shifted_above AS SELECT geom, grid_prefix(declared_code, 9) AS declared_code FROM shifted;
SELECT matched > 0 AS some, mismatched > 0 AS off, compass IN ('E', 'SE') AS east, shift_explains > 0.95 AS explains FROM grid_assign_check('shifted_above', 'area');
-- the same whatever the order of rows
CREATE TABLE one_way AS SELECT * FROM shifted ORDER BY md5(geom::text);
CREATE TABLE other_way AS SELECT * FROM shifted ORDER BY md5(geom::text) DESC;
SELECT count(*) FROM (SELECT * FROM grid_assign_check('one_way', 'area') UNION SELECT * FROM grid_assign_check('other_way', 'area')) d;

-- errors
SELECT grid_assign_check(NULL, 'area');
SELECT grid_assign_check('register', NULL);
SELECT grid_assign_check('register', 'area', NULL);
SELECT grid_assign_check('register', 'area', 'geom', NULL);
SELECT grid_assign_check('register', 'nosuch');
SELECT grid_assign_check('nosuch', 'area');
SELECT grid_assign_check('register', 'area', 'nosuch');
SELECT grid_assign_check('register', 'area', 'n');
SELECT grid_assign_check('register', 'area', 'geom', 'nosuch');
SELECT grid_assign_check('register', 'area', 'geom', 'ctid');
SELECT grid_assign_check('register', 'area', 'geom', 'n');
SELECT grid_assign_check('area_geom_idx', 'area');
CREATE VIEW elsewhere AS SELECT ST_SetSRID(geom, 4326) AS geom, declared_code FROM register;
SELECT grid_assign_check('elsewhere', 'area');
CREATE VIEW lines AS SELECT 'SRID=3857;LINESTRING(0 0, 1 1)'::geometry AS geom, '350304'::gridcode AS declared_code;
SELECT grid_assign_check('lines', 'area');

-- rights: those of the caller, on both tables
\set SHOW_CONTEXT never
CREATE ROLE assign_check_reader;
GRANT USAGE ON SCHEMA assign_check TO assign_check_reader;
SET ROLE assign_check_reader;
SELECT grid_assign_check('typed', 'area', 'geom', 'a');
RESET ROLE;
GRANT SELECT ON area TO assign_check_reader;
SET ROLE assign_check_reader;
SELECT grid_assign_check('typed', 'area', 'geom', 'a');
RESET ROLE;
GRANT SELECT ON typed TO assign_check_reader;
SET ROLE assign_check_reader;
SELECT matched FROM grid_assign_check('typed', 'area', 'geom', 'a');
RESET ROLE;
-- a policy hides areas: what the reader cannot see is unknown or outside
ALTER TABLE area ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON area FOR SELECT TO assign_check_reader USING (code <@ '350304000');
SET ROLE assign_check_reader;
SELECT matched, mismatched, outside, unknown FROM grid_assign_check('typed', 'area', 'geom', 'a');
RESET ROLE;

-- a column that is not what it was
CREATE TABLE changed (geom geometry, code gridcode);
INSERT INTO changed VALUES ('SRID=3857;POLYGON((0 0, 1 0, 1 1, 0 0))', '1');
CREATE INDEX ON changed USING gist (geom);
SELECT grid_layer_add('changed', 'changed');
ALTER TABLE changed ALTER code TYPE text;
SELECT grid_assign_check('register', 'changed');
ALTER TABLE changed RENAME code TO id;
SELECT grid_assign_check('register', 'changed');

-- a polygon whose value announces 1,000 points and ends after four; multipolygons cut short and of lines; nothing is read beyond the end
-- (a check asks PostGIS too, whose newer releases look for themselves and say it in their words; to build an image asks nobody)
CREATE FUNCTION is_refused(query text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN false;
EXCEPTION WHEN data_corrupted OR internal_error THEN
	RETURN true;
END $$;
CREATE FUNCTION as_stored(bytea) RETURNS geometry LANGUAGE internal IMMUTABLE STRICT AS 'byteasend';
CREATE TABLE damaged (geom geometry, code gridcode);
INSERT INTO damaged VALUES ('SRID=3857;MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 9 5, 9 9, 5 5), (8 6, 8 7, 7 6, 8 6)))', '1');
CREATE INDEX ON damaged USING gist (geom);
SELECT grid_layer_add('damaged', 'damaged');
CREATE VIEW in_damaged AS SELECT 'SRID=3857;POINT(8.5 9)'::geometry AS geom, '1'::text AS declared_code;
SELECT outside, distance, direction FROM grid_assign_check('in_damaged', 'damaged');
\set head '000f1144' '00a00c4600a40c4600a00c4600a40c46'
UPDATE damaged SET geom = as_stored(decode(:'head' || '0300000001000000e803000000000000' || repeat('00', 64), 'hex'));
SELECT is_refused($$SELECT grid_assign_check('in_damaged', 'damaged')$$);
SELECT grid_layer_prepare('damaged');
UPDATE damaged SET geom = as_stored(decode(:'head' || '0600000002000000' || '0300000001000000' || '0400000000000000' || repeat('00', 64) || '03000000010000', 'hex'));
SELECT is_refused($$SELECT grid_assign_check('in_damaged', 'damaged')$$);
SELECT grid_layer_prepare('damaged');
UPDATE damaged SET geom = as_stored(decode(:'head' || '0600000001000000' || '0200000001000000' || repeat('00', 16), 'hex'));
SELECT is_refused($$SELECT grid_assign_check('in_damaged', 'damaged')$$);
SELECT grid_layer_prepare('damaged');

-- names in a search_path that are not ours
CREATE SCHEMA evil;
CREATE FUNCTION evil.trap(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / length(left($1, 0)) = 1';
CREATE OPERATOR evil.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.trap);
CREATE DOMAIN evil.text AS int;
SET search_path = evil, assign_check, public, pg_catalog;
SELECT matched, mismatched FROM grid_assign_check('register', 'area');

SET search_path = public;
SET client_min_messages = warning;
DROP SCHEMA assign_check, evil CASCADE;
DROP ROLE assign_check_reader;
