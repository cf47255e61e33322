-- DDL that changes which polygons a layer has: no image outlives it, and no edit goes unseen after it.
CREATE SCHEMA layer_ddl;
SET search_path = layer_ddl, public;
SET client_min_messages = warning;
CREATE FUNCTION box(x float8) RETURNS geometry IMMUTABLE LANGUAGE sql AS
	$$ SELECT ST_MakeEnvelope(x, 0, x + 1, 1, 3857) $$;
-- codes at (0.5, 0.5), (1.5, 0.5) …, located and by the rule; true where all are equal
CREATE FUNCTION look(layer text, OUT located text, OUT equal boolean) STABLE LANGUAGE plpgsql AS $$
DECLARE ruled text;
BEGIN
	EXECUTE format('SELECT string_agg(coalesce(grid_locate(%L, p)::text, ''-''), '' '' ORDER BY x),
			string_agg(coalesce((SELECT code::text FROM %I WHERE code IS NOT NULL AND ST_Intersects(geom, p) ORDER BY grid_digits(code) DESC, code LIMIT 1), ''-''), '' '' ORDER BY x)
		FROM (SELECT x, ST_SetSRID(ST_Point(x, 0.5), 3857) AS p FROM generate_series(0.5, 3.5) x) l', layer, layer) INTO located, ruled;
	equal := located = ruled;
END $$;

-- columns change their names
CREATE TABLE area (geom geometry(Polygon, 3857), geom_new geometry(Polygon, 3857), code gridcode, code_new gridcode);
INSERT INTO area VALUES (box(0), box(1), '11', '12');
SELECT grid_layer_add('area', 'area');
SELECT FROM grid_layer_prepare('area');
SELECT * FROM look('area');
ALTER TABLE area RENAME geom TO geom_old;
ALTER TABLE area RENAME geom_new TO geom;
SELECT * FROM look('area');
SELECT FROM grid_layer_prepare('area');
ALTER TABLE area RENAME code TO code_old;
ALTER TABLE area RENAME code_new TO code;
SELECT * FROM look('area');
BEGIN;
ALTER TABLE area RENAME geom TO geom_new;
ALTER TABLE area RENAME geom_old TO geom;
SELECT * FROM look('area');
ROLLBACK;
SELECT * FROM look('area');

-- so do columns that only the filter reads
CREATE TABLE sorted (geom geometry(Polygon, 3857), code gridcode, kind boolean, kind_new boolean);
INSERT INTO sorted VALUES (box(0), '11', true, false), (box(1), '12', false, true);
SELECT grid_layer_add('sorted', 'sorted', filter => 'kind');
SELECT FROM grid_layer_prepare('sorted');
ALTER TABLE sorted RENAME kind TO kind_old;
ALTER TABLE sorted RENAME kind_new TO kind;
SELECT located FROM look('sorted');
SELECT FROM grid_layer_prepare('sorted');
-- a table may be called a view there
ALTER VIEW sorted RENAME kind TO kind_new;
ALTER MATERIALIZED VIEW sorted RENAME kind_old TO kind;
SELECT located FROM look('sorted');
-- and those of a table of a type
CREATE TYPE polygons AS (geom geometry, code gridcode, code_new gridcode, code_more text);
CREATE TABLE typed OF polygons;
INSERT INTO typed VALUES (box(0), '11', '12', '13');
SELECT grid_layer_add('typed', 'typed');
SELECT FROM grid_layer_prepare('typed');
ALTER TYPE polygons RENAME ATTRIBUTE code TO code_old CASCADE;
ALTER TYPE polygons RENAME ATTRIBUTE code_new TO code CASCADE;
SELECT * FROM look('typed');
SELECT FROM grid_layer_prepare('typed');
ALTER TYPE polygons DROP ATTRIBUTE code CASCADE;
ALTER TYPE polygons RENAME ATTRIBUTE code_old TO code CASCADE;
SELECT * FROM look('typed');

-- a child that is a layer itself leaves
CREATE TABLE parent (geom geometry(Polygon, 3857), code gridcode);
CREATE TABLE child () INHERITS (parent);
INSERT INTO child VALUES (box(0), '11');
SELECT grid_layer_add('parent', 'parent');
SELECT grid_layer_add('child', 'child');
SELECT FROM grid_layer_prepare('parent');
SELECT FROM grid_layer_prepare('child');
ALTER TABLE child NO INHERIT parent;
SELECT * FROM look('parent');
SELECT * FROM look('child');
SELECT FROM grid_layer_prepare('child');
UPDATE child SET geom = box(1);
SELECT * FROM look('child');
ALTER TABLE child INHERIT parent;
SELECT * FROM look('parent');
SELECT FROM grid_layer_prepare('parent');
SELECT FROM grid_layer_prepare('child');
-- one of the two layers goes
SELECT grid_layer_drop('parent');
UPDATE child SET geom = box(2);
SELECT * FROM look('child');
SELECT grid_layer_add('parent', 'parent');
SELECT FROM grid_layer_prepare('parent');
SELECT grid_layer_drop('child');
UPDATE child SET geom = box(3);
SELECT * FROM look('parent');

-- a child made in CREATE SCHEMA
SELECT FROM grid_layer_prepare('parent');
CREATE SCHEMA layer_ddl_2 CREATE TABLE second () INHERITS (layer_ddl.parent);
INSERT INTO layer_ddl_2.second VALUES (box(0), '12');
SELECT * FROM look('parent');
SELECT FROM grid_layer_prepare('parent');
TRUNCATE layer_ddl_2.second;
SELECT * FROM look('parent');

-- a partition is a layer, and the whole table is one
CREATE TABLE parted (geom geometry(Polygon, 3857), code gridcode, part int) PARTITION BY LIST (part);
CREATE TABLE part_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO parted VALUES (box(0), '11', 1), (box(1), '12', 2);
SELECT grid_layer_add('parted', 'parted');
SELECT grid_layer_add('part_1', 'part_1');
SELECT FROM grid_layer_prepare('parted');
SELECT FROM grid_layer_prepare('part_1');
UPDATE parted SET geom = ST_Translate(geom, 1, 0);
SELECT * FROM look('parted');
SELECT * FROM look('part_1');
-- the whole is no layer any more
SELECT grid_layer_drop('parted');
SELECT FROM grid_layer_prepare('part_1');
UPDATE part_1 SET geom = box(0);
SELECT * FROM look('part_1');
-- added in the other order
SELECT grid_layer_add('parted', 'parted');
SELECT FROM grid_layer_prepare('parted');
SELECT FROM grid_layer_prepare('part_1');
UPDATE part_1 SET geom = box(3);
SELECT * FROM look('parted');
SELECT * FROM look('part_1');
-- the partition leaves the table, and comes back
SELECT FROM grid_layer_prepare('part_1');
ALTER TABLE parted DETACH PARTITION part_1;
SELECT * FROM look('parted');
UPDATE part_1 SET geom = box(0);
SELECT * FROM look('part_1');
SELECT FROM grid_layer_prepare('parted');
SELECT FROM grid_layer_prepare('part_1');
ALTER TABLE parted ATTACH PARTITION part_1 FOR VALUES IN (1);
SELECT * FROM look('parted');
SELECT FROM grid_layer_prepare('parted');
UPDATE part_1 SET geom = box(1);
SELECT * FROM look('parted');
SELECT * FROM look('part_1');
-- a table that has been a layer, and one that has been a child of a layer, become partitions
CREATE TABLE part_3 (LIKE parted);
INSERT INTO part_3 VALUES (box(3), '13', 3);
SELECT grid_layer_add('part_3', 'part_3');
SELECT FROM grid_layer_prepare('parted');
ALTER TABLE parted ATTACH PARTITION part_3 FOR VALUES IN (3);
SELECT * FROM look('parted');
SELECT * FROM look('part_3');
-- the part is a layer first
CREATE TABLE whole (geom geometry(Polygon, 3857), code gridcode, part int) PARTITION BY LIST (part);
CREATE TABLE whole_1 PARTITION OF whole FOR VALUES IN (1);
INSERT INTO whole VALUES (box(0), '11', 1);
SELECT grid_layer_add('whole_1', 'whole_1');
SELECT grid_layer_add('whole', 'whole');
SELECT grid_layer_drop('whole_1');
SELECT equal FROM grid_layer_prepare('whole'), look('whole');
UPDATE whole_1 SET geom = box(1);
SELECT * FROM look('whole');

-- a partition of what becomes a partition is a layer, or all of it is
CREATE TABLE top (geom geometry(Polygon, 3857), code gridcode, part int) PARTITION BY LIST (part);
CREATE TABLE mid_1 (LIKE top) PARTITION BY LIST (part);
CREATE TABLE low_1 PARTITION OF mid_1 FOR VALUES IN (1);
CREATE TABLE mid_2 (LIKE top) PARTITION BY LIST (part);
CREATE TABLE low_2 PARTITION OF mid_2 FOR VALUES IN (2);
INSERT INTO low_1 VALUES (box(0), '11', 1);
INSERT INTO low_2 VALUES (box(1), '12', 2);
SELECT grid_layer_add('top', 'top');
SELECT grid_layer_add('low_1', 'low_1');
SELECT grid_layer_add('mid_2', 'mid_2');
ALTER TABLE top ATTACH PARTITION mid_1 FOR VALUES IN (1);
ALTER TABLE top ATTACH PARTITION mid_2 FOR VALUES IN (2);
SELECT * FROM look('top');
SELECT FROM grid_layer_prepare('top');
SELECT FROM grid_layer_prepare('low_1');
UPDATE top SET geom = ST_Translate(geom, 1, 0);
SELECT * FROM look('top');
SELECT * FROM look('low_1');
ALTER TABLE top DETACH PARTITION mid_1;
SELECT FROM grid_layer_prepare('low_1');
UPDATE low_1 SET geom = box(3);
SELECT * FROM look('low_1');

-- temporary children are one session's own: they are refused, or at least no other session's business
CREATE TABLE shared (geom geometry(Polygon, 3857), code gridcode);
INSERT INTO shared VALUES (box(0), '11');
SELECT grid_layer_add('shared', 'shared');
DO $$
BEGIN
	CREATE TEMPORARY TABLE own () INHERITS (shared);
	INSERT INTO own VALUES (box(0), '111'), (box(2), '112');
EXCEPTION WHEN wrong_object_type THEN
END $$;
SELECT equal FROM grid_layer_prepare('shared'), look('shared');
\c -
SET search_path = layer_ddl, public;
SELECT * FROM look('shared');
SELECT FROM grid_layer_prepare('shared');
SELECT * FROM look('shared');

-- a trigger before ours writes, and opens a cursor that outlives it: what it sees of the edit is what is located
CREATE TABLE noisy (geom geometry(Polygon, 3857), code gridcode);
INSERT INTO noisy VALUES (box(0), '11');
CREATE TABLE diary (x int);
CREATE FUNCTION aa() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE c refcursor := 'later';
BEGIN
	INSERT INTO diary VALUES (1);
	OPEN c FOR SELECT * FROM look('noisy');
	RETURN NEW;
END $$;
CREATE TRIGGER aa BEFORE UPDATE ON noisy FOR EACH ROW EXECUTE FUNCTION aa();
SELECT grid_layer_add('noisy', 'noisy');
SELECT FROM grid_layer_prepare('noisy');
BEGIN;
UPDATE noisy SET geom = box(1);
FETCH later;
COMMIT;

SET client_min_messages = warning;
DROP SCHEMA layer_ddl, layer_ddl_2 CASCADE;
SELECT count(*) FROM grid_layers;
