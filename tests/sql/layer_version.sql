-- Versions of layers: what appends a version row, what the edit log has, and that no image survives its polygons.
CREATE SCHEMA layer_version;
SET search_path = layer_version, public;
CREATE TABLE area (geom geometry(Polygon, 3857), code gridcode UNIQUE, note text);
INSERT INTO area VALUES (ST_MakeEnvelope(0, 0, 1, 1, 3857), '11'), (ST_MakeEnvelope(1, 0, 2, 1, 3857), '12');
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('area', 'area');

CREATE FUNCTION box(x float8, width float8 DEFAULT 1) RETURNS geometry IMMUTABLE LANGUAGE sql AS
	$$ SELECT ST_MakeEnvelope(x, 0, x + width, 1, 3857) $$;
-- points of a lattice at which a layer answers otherwise than its rule, written here once more
CREATE FUNCTION differing(layer text, rows regclass DEFAULT NULL) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM (SELECT ST_SetSRID(ST_Point(x, y), 3857) AS p FROM generate_series(-0.5, 8.5, 0.25) x, generate_series(-0.25, 1.25, 0.25) y) l
		WHERE grid_locate(%L, p) IS DISTINCT FROM (SELECT code FROM %s WHERE code IS NOT NULL AND ST_Intersects(geom, p) ORDER BY grid_digits(code) DESC, code LIMIT 1)',
		layer, coalesce(rows, layer::regclass)) INTO n;
	RETURN n;
END $$;
-- before an image is built anew, with it, and how many edits the layer has seen since it was last asked
CREATE TABLE asked (layer text PRIMARY KEY, edits bigint);
CREATE FUNCTION look(name text, OUT edits bigint, OUT differing bigint, OUT image boolean, OUT again bigint) LANGUAGE plpgsql AS $$
DECLARE seen bigint := (SELECT sum(count) FROM public.grid_layer_version WHERE relation = name::regclass);
BEGIN
	edits := seen - (SELECT a.edits FROM asked a WHERE layer = name);
	INSERT INTO asked VALUES (name, seen) ON CONFLICT (layer) DO UPDATE SET edits = excluded.edits;
	differing := differing(name);
	image := bytes > 0 FROM grid_layer_prepare(name);
	again := differing(name);
END $$;
SELECT * FROM look('area');

-- one for each way, however many rows
INSERT INTO area VALUES (box(2), '13');
SELECT * FROM look('area');
INSERT INTO area VALUES (box(3), '14'), (box(4), '15'), (box(5), '16');
SELECT * FROM look('area');
COPY area FROM stdin;
SRID=3857;POLYGON((6 0, 7 0, 7 1, 6 1, 6 0))	17	\N
SRID=3857;POLYGON((7 0, 8 0, 8 1, 7 1, 7 0))	18	\N
\.
SELECT * FROM look('area');
UPDATE area SET geom = ST_Translate(geom, 0.25, 0);
SELECT * FROM look('area');
DELETE FROM area WHERE code IN ('17', '18');
SELECT * FROM look('area');
MERGE INTO area USING (VALUES ('11'::gridcode, 'old'), ('19', 'new')) v(code, note) ON area.code = v.code
	WHEN MATCHED THEN UPDATE SET geom = box(0), note = v.note WHEN NOT MATCHED THEN INSERT VALUES (box(7), v.code, v.note);
SELECT * FROM look('area');
MERGE INTO area USING (VALUES ('19'::gridcode)) v(code) ON area.code = v.code WHEN MATCHED THEN DELETE;
SELECT * FROM look('area');
INSERT INTO area VALUES (box(5), '11') ON CONFLICT (code) DO UPDATE SET geom = excluded.geom;
SELECT * FROM look('area');
INSERT INTO area VALUES (box(4), '11') ON CONFLICT (code) DO NOTHING;
SELECT differing('area');
SELECT FROM look('area');
WITH moved AS (DELETE FROM area WHERE code = '16' RETURNING *), back AS (INSERT INTO area SELECT box(7), '1611', note FROM moved RETURNING 1)
	SELECT * FROM back;
SELECT * FROM look('area');
UPDATE area SET note = 'x';
SELECT * FROM look('area');
-- statements that touch no row
UPDATE area SET geom = NULL WHERE code = '99';
DELETE FROM area WHERE false;
INSERT INTO area SELECT * FROM area WHERE false;
MERGE INTO area USING (VALUES ('99'::gridcode)) v(code) ON area.code = v.code WHEN MATCHED THEN DELETE;
COPY area FROM stdin;
\.
SELECT code FROM area WHERE code = '12' FOR UPDATE;
SELECT * FROM look('area');
SELECT differing('area');
TRUNCATE area;
SELECT * FROM look('area');
TRUNCATE area;
SELECT * FROM look('area');
COPY area FROM stdin;
SRID=3857;POLYGON((0 0, 1 0, 1 1, 0 1, 0 0))	11	\N
SRID=3857;POLYGON((1 0, 2 0, 2 1, 1 1, 1 0))	12	\N
\.
SELECT * FROM look('area');
BEGIN;
TRUNCATE area;
COPY area FROM stdin (FREEZE);
SRID=3857;POLYGON((0 0, 3 0, 3 1, 0 1, 0 0))	11	\N
SRID=3857;POLYGON((3 0, 4 0, 4 1, 3 1, 3 0))	12	\N
\.
SELECT differing('area'), bytes > 0 AS image FROM grid_layer_prepare('area');
COMMIT;
SELECT * FROM look('area');

-- one a subtransaction: statements of one transaction, savepoints released, rolled back, and used again
BEGIN;
UPDATE area SET geom = box(4) WHERE code = '12';
UPDATE area SET geom = box(5) WHERE code = '12';
INSERT INTO area VALUES (box(1), '13');
SELECT differing('area');
COMMIT;
SELECT * FROM look('area');
BEGIN;
SAVEPOINT s;
UPDATE area SET geom = box(6) WHERE code = '12';
SAVEPOINT t;
UPDATE area SET geom = box(7) WHERE code = '12';
SELECT differing('area');
RELEASE t;
UPDATE area SET geom = box(6.5) WHERE code = '12';
SELECT differing('area');
RELEASE s;
SELECT differing('area');
UPDATE area SET geom = box(2) WHERE code = '13';
COMMIT;
SELECT * FROM look('area');
BEGIN;
SAVEPOINT s;
UPDATE area SET geom = box(0) WHERE code = '12';
ROLLBACK TO s;
SELECT differing('area'), bytes > 0 AS image FROM grid_layer_image('area');
UPDATE area SET geom = box(1) WHERE code = '12';
ROLLBACK TO s;
SELECT differing('area'), bytes > 0 AS image FROM grid_layer_image('area');
COMMIT;
SELECT * FROM look('area');
BEGIN;
DELETE FROM area;
ROLLBACK;
SELECT * FROM look('area');
CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..5 LOOP
		UPDATE area SET geom = box(i) WHERE code = '12';
		RAISE NOTICE 'before commit: %', differing('area');
		IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF;
		RAISE NOTICE 'after: %, with image: %', differing('area'), (SELECT l FROM look('area') l);
	END LOOP;
END $$;
CALL steps();

-- foreign keys, rules, views and triggers of other tables lead to the same triggers
CREATE TABLE district (code gridcode PRIMARY KEY);
INSERT INTO district SELECT code FROM area;
ALTER TABLE area ADD FOREIGN KEY (code) REFERENCES district ON UPDATE CASCADE ON DELETE CASCADE;
SELECT * FROM look('area');
UPDATE district SET code = '77' WHERE code = '12';
SELECT * FROM look('area');
DELETE FROM district WHERE code = '77';
SELECT * FROM look('area');
CREATE VIEW simple AS SELECT * FROM area;
UPDATE simple SET geom = ST_Translate(geom, 1, 0);
SELECT * FROM look('area');
DROP VIEW simple;
ALTER TABLE area DROP CONSTRAINT area_code_fkey;
SELECT * FROM look('area');

-- a rewritten column, a replica's role, disabled triggers
ALTER TABLE area ALTER geom TYPE geometry(Polygon, 3857) USING ST_Translate(geom, -0.5, 0);
SELECT * FROM look('area');
BEGIN;
ALTER TABLE area ALTER geom TYPE geometry(Polygon, 3857) USING ST_Translate(geom, 2, 0);
SELECT differing('area'), bytes > 0 AS image FROM grid_layer_image('area');
ROLLBACK;
SELECT * FROM look('area');
SET session_replication_role = replica;
UPDATE area SET geom = box(3) WHERE code = '11';
SELECT * FROM look('area');
TRUNCATE area;
SELECT * FROM look('area');
RESET session_replication_role;
BEGIN;
ALTER TABLE area DISABLE TRIGGER ALL;
INSERT INTO area VALUES (box(0), '11'), (box(1), '12');
SELECT grid_layer_touch('area');
ALTER TABLE area ENABLE ALWAYS TRIGGER gridtree_layer_version, ENABLE ALWAYS TRIGGER gridtree_layer_edit, ENABLE ALWAYS TRIGGER gridtree_layer_truncate;
COMMIT;
SELECT differing, image, again FROM look('area');
ALTER TABLE area DISABLE TRIGGER ALL;
SELECT FROM look('area');
INSERT INTO area VALUES (box(2), '13');
SELECT grid_layer_touch('area');
SELECT * FROM look('area');
ALTER TABLE area ENABLE ALWAYS TRIGGER gridtree_layer_version, ENABLE ALWAYS TRIGGER gridtree_layer_edit, ENABLE ALWAYS TRIGGER gridtree_layer_truncate;
SELECT FROM look('area');
INSERT INTO area VALUES (box(3), '14');
SELECT * FROM look('area');
CLUSTER area USING area_geom_idx;
SELECT differing('area');
VACUUM FULL area;
SELECT differing('area');
ALTER TABLE area RENAME TO "Area 2";
ALTER TABLE "Area 2" RENAME TO area;
SELECT differing('area');

-- the edit log: boxes of what was and of what is, by layer; none where neither polygon nor code changed
CREATE VIEW logged AS SELECT layer, west, south, east, north, count(*) AS n FROM public.grid_layer_edit GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
DELETE FROM public.grid_layer_edit;
INSERT INTO area VALUES (box(10), '21');
TABLE logged;
UPDATE area SET geom = box(20) WHERE code = '21';
TABLE logged;
DELETE FROM public.grid_layer_edit;
UPDATE area SET note = 'nothing new' WHERE code = '21';
UPDATE area SET geom = box(20), code = '21' WHERE code = '21';
TABLE logged;
UPDATE area SET code = '22' WHERE code = '21';
TABLE logged;
DELETE FROM area WHERE code = '22';
TABLE logged;
DELETE FROM public.grid_layer_edit;
INSERT INTO area VALUES (NULL, '23'), ('SRID=3857;POLYGON EMPTY', '24');
TABLE logged;
DELETE FROM area WHERE code IN ('23', '24');
TABLE logged;
-- after 1,000 rows of a subtransaction it is everything, once
INSERT INTO area SELECT box(i / 1000.0, 0.001), ('9' || lpad(i::text, 5, '0'))::gridcode FROM generate_series(0, 999) i;
SELECT count(*), count(west), count(DISTINCT xid) FROM public.grid_layer_edit;
DELETE FROM public.grid_layer_edit;
DELETE FROM area WHERE grid_digits(code) = 6;
SELECT count(*), count(west), count(DISTINCT xid) FROM public.grid_layer_edit;
DELETE FROM public.grid_layer_edit;
INSERT INTO area SELECT box(i / 1000.0, 0.001), ('9' || lpad(i::text, 5, '0'))::gridcode FROM generate_series(0, 1999) i;
SELECT count(*), count(west), count(DISTINCT xid) FROM public.grid_layer_edit;
DELETE FROM public.grid_layer_edit;
SELECT * FROM look('area');
BEGIN;
DELETE FROM area WHERE grid_digits(code) = 6 AND code < '901500';
SAVEPOINT s;
DELETE FROM area WHERE grid_digits(code) = 6;
RELEASE s;
COMMIT;
SELECT count(*), count(west), count(DISTINCT xid) FROM public.grid_layer_edit;
DELETE FROM public.grid_layer_edit;
BEGIN;
INSERT INTO area VALUES (box(30), '31');
ROLLBACK;
TABLE logged;
TRUNCATE area;
SELECT grid_layer_touch('area');
TABLE logged;
SELECT * FROM look('area');
DELETE FROM public.grid_layer_edit;
-- two layers of a table, one of some rows
SELECT grid_layer_add('some', 'area', filter => 'note IS NULL');
DELETE FROM public.grid_layer_edit;
INSERT INTO area VALUES (box(1), '12', 'x');
UPDATE area SET note = NULL;
TABLE logged;
SELECT * FROM look('area');

-- triggers stay while a layer uses the table
CREATE VIEW triggers AS SELECT tgrelid::regclass AS "table", tgname, tgenabled FROM pg_trigger WHERE tgname LIKE 'gridtree%' ORDER BY 1, 2;
TABLE triggers;
SELECT grid_layer_drop('some');
TABLE triggers;
SELECT grid_layer_drop('area');
TABLE triggers;
UPDATE area SET geom = box(4);
TABLE logged;
SELECT grid_layer_add('area', 'area');
SELECT * FROM look('area');
-- in one transaction: dropped, edited, added again
BEGIN;
SELECT grid_layer_drop('area');
UPDATE area SET geom = box(2);
SELECT grid_layer_add('area', 'area');
SELECT differing('area');
SAVEPOINT s;
UPDATE area SET geom = box(3);
ROLLBACK TO s;
SELECT differing('area'), bytes > 0 AS image FROM grid_layer_prepare('area');
COMMIT;
SELECT differing('area');

-- partitions: whichever is named
CREATE TABLE parted (geom geometry(Polygon, 3857), code gridcode, part int) PARTITION BY LIST (part);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2) PARTITION BY RANGE (code);
CREATE TABLE parted_2a PARTITION OF parted_2 DEFAULT;
INSERT INTO parted VALUES (box(0), '11', 1), (box(1), '12', 2);
CREATE INDEX ON parted USING gist (geom);
SELECT grid_layer_add('parted', 'parted');
TABLE triggers;
SELECT * FROM look('parted');
INSERT INTO parted_1 VALUES (box(2), '13', 1);
SELECT * FROM look('parted');
UPDATE parted_2a SET geom = box(3);
SELECT * FROM look('parted');
UPDATE parted SET part = 1 WHERE code = '12';
SELECT * FROM look('parted');
DELETE FROM parted_1 WHERE code = '13';
SELECT * FROM look('parted');
COPY parted_2 FROM stdin;
SRID=3857;POLYGON((4 0, 5 0, 5 1, 4 1, 4 0))	14	2
\.
SELECT * FROM look('parted');
TRUNCATE parted_2a;
SELECT * FROM look('parted');
SET session_replication_role = replica;
TRUNCATE parted_1;
RESET session_replication_role;
SELECT * FROM look('parted');
INSERT INTO parted VALUES (box(0), '11', 1), (box(1), '12', 2);
SELECT differing, image, again FROM look('parted');
-- attached with rows, detached, attached again, dropped
CREATE TABLE parted_3 (LIKE parted);
INSERT INTO parted_3 VALUES (box(5), '15', 3);
ALTER TABLE parted ATTACH PARTITION parted_3 FOR VALUES IN (3);
SELECT differing, image, again FROM look('parted');
TABLE triggers;
UPDATE parted_3 SET geom = box(6);
SELECT * FROM look('parted');
TRUNCATE parted_3;
SELECT * FROM look('parted');
INSERT INTO parted_3 VALUES (box(5), '15', 3);
SELECT * FROM look('parted');
ALTER TABLE parted DETACH PARTITION parted_3;
SELECT differing, image, again FROM look('parted');
INSERT INTO parted_3 VALUES (box(6), '16', 3);
ALTER TABLE parted ATTACH PARTITION parted_3 FOR VALUES IN (3);
SELECT differing, image, again FROM look('parted');
DROP TABLE parted_3;
SELECT differing, image, again FROM look('parted');
-- a whole tree is attached
CREATE TABLE parted_4 (LIKE parted) PARTITION BY RANGE (code);
CREATE TABLE parted_4a PARTITION OF parted_4 DEFAULT;
INSERT INTO parted_4 VALUES (box(5), '15', 4);
ALTER TABLE parted ATTACH PARTITION parted_4 FOR VALUES IN (4);
SELECT differing, image, again FROM look('parted');
UPDATE parted_4a SET geom = box(7);
SELECT * FROM look('parted');
TRUNCATE parted_4a;
SELECT * FROM look('parted');
CREATE TABLE parted_4b PARTITION OF parted_4 FOR VALUES FROM ('1') TO ('2');
INSERT INTO parted_4b VALUES (box(5), '15', 4);
SELECT differing, image, again FROM look('parted');
DROP TABLE parted_4b;
SELECT differing, image, again FROM look('parted');
BEGIN;
DROP TABLE parted_1;
SELECT differing('parted');
ROLLBACK;
SELECT differing('parted');
ALTER TABLE parted DETACH PARTITION parted_2 CONCURRENTLY;
SELECT differing, image, again FROM look('parted');
DROP TABLE parted_2;

-- children
CREATE TABLE parent (geom geometry(Polygon, 3857), code gridcode);
CREATE INDEX ON parent USING gist (geom);
INSERT INTO parent VALUES (box(0), '11');
SELECT grid_layer_add('parent', 'parent');
CREATE TABLE child () INHERITS (parent);
SELECT differing, image, again FROM look('parent');
INSERT INTO child VALUES (box(1), '12');
SELECT * FROM look('parent');
UPDATE ONLY parent SET geom = box(2);
SELECT * FROM look('parent');
CREATE TABLE grandchild (extra int) INHERITS (child);
COPY grandchild FROM stdin;
SRID=3857;POLYGON((4 0, 5 0, 5 1, 4 1, 4 0))	14	2
\.
SELECT differing, image, again FROM look('parent');
TRUNCATE grandchild;
SELECT * FROM look('parent');
INSERT INTO grandchild VALUES (box(5), '15');
SELECT differing, image, again FROM look('parent');
ALTER TABLE child NO INHERIT parent;
SELECT differing, image, again FROM look('parent');
UPDATE grandchild SET geom = box(6);
ALTER TABLE child INHERIT parent;
SELECT differing, image, again FROM look('parent');
UPDATE grandchild SET geom = box(7);
SELECT * FROM look('parent');
DROP TABLE grandchild;
SELECT differing, image, again FROM look('parent');
DROP TABLE child;
SELECT differing, image, again FROM look('parent');

-- foreign tables cannot tell of their edits
CREATE FOREIGN DATA WRAPPER layer_version_wrapper;
CREATE SERVER layer_version_server FOREIGN DATA WRAPPER layer_version_wrapper;
CREATE FOREIGN TABLE far () INHERITS (parent) SERVER layer_version_server;
CREATE FOREIGN TABLE far (geom geometry(Polygon, 3857), code gridcode) SERVER layer_version_server;
ALTER FOREIGN TABLE far INHERIT parent;
CREATE FOREIGN TABLE far_part PARTITION OF parted FOR VALUES IN (9) SERVER layer_version_server;
SELECT grid_layer_add('far', 'far');
DROP FOREIGN DATA WRAPPER layer_version_wrapper CASCADE;
-- one that is there already, where the server has file_fdw
CREATE TABLE other_parent (LIKE parent);
CREATE INDEX ON other_parent USING gist (geom);
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'file_fdw') THEN RETURN; END IF;
	CREATE EXTENSION file_fdw;
	CREATE SERVER layer_version_files FOREIGN DATA WRAPPER file_fdw;
	CREATE FOREIGN TABLE from_file () INHERITS (other_parent) SERVER layer_version_files OPTIONS (filename '/dev/null');
	PERFORM grid_layer_add('far', 'other_parent');
	RAISE 'a foreign table is below the table of a layer';
EXCEPTION WHEN wrong_object_type THEN
END $$;
SELECT count(*) FROM grid_layers WHERE layer = 'far';
SELECT differing, image, again FROM look('parent');

-- who may: edit without owning, touch only the owner
CREATE ROLE layer_version_editor;
CREATE ROLE layer_version_owner;
GRANT USAGE ON SCHEMA layer_version TO layer_version_editor, layer_version_owner;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON parent TO layer_version_editor;
ALTER TABLE parent OWNER TO layer_version_owner;
SELECT FROM look('parent');
SET ROLE layer_version_editor;
INSERT INTO parent VALUES (box(3), '13');
SELECT differing('parent');
RESET ROLE;
SELECT * FROM look('parent');
SET ROLE layer_version_editor;
TRUNCATE parent;
SELECT differing('parent');
SELECT grid_layer_touch('parent');
SELECT count(*) FROM public.grid_layer_version;
SELECT count(*) FROM public.grid_layer_edit;
SELECT nextval('public.grid_layer_version_seq');
INSERT INTO public.grid_layer_version VALUES (0, 0, 0, 0);
SET ROLE layer_version_owner;
SELECT grid_layer_touch('parent');
SELECT grid_layer_touch(NULL);
SELECT grid_layer_touch('nosuch');
RESET ROLE;
SELECT * FROM look('parent');
BEGIN READ ONLY;
SELECT grid_layer_touch('parent');
ROLLBACK;
SELECT grid_layer_edited();
SELECT grid_layer_ddl();
-- on the table of no layer the trigger function does nothing
CREATE TABLE idle (x int);
CREATE TRIGGER idle BEFORE INSERT ON idle FOR EACH ROW EXECUTE FUNCTION grid_layer_edited();
INSERT INTO idle VALUES (1) RETURNING x;

-- after them all another session has the same answers
\c -
SET search_path = layer_version, public;
SELECT layer, differing(layer), bytes > 0 AS image, differing(layer) AS again FROM grid_layers, grid_layer_prepare(layer) WHERE layer IN ('area', 'parted', 'parent') ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA layer_version CASCADE;
DROP ROLE layer_version_editor, layer_version_owner;
SELECT count(*) FROM grid_layers;
