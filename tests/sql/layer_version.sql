-- What is noted of edits of layers.
CREATE SCHEMA layer_version;
SET search_path = layer_version, public;
\set VERBOSITY terse
CREATE FUNCTION box(x float8, w float8 DEFAULT 1) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$ SELECT ST_MakeEnvelope(x, 0, x + w, 1, 3857) $$;
-- edits since the last look, and whether the fingerprint is another
CREATE TABLE looked (relation oid PRIMARY KEY, edits numeric, newest bigint, total numeric);
CREATE FUNCTION edits(of regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	last looked;
	now looked;
BEGIN
	SELECT * INTO last FROM looked WHERE relation = of;
	SELECT of, coalesce(sum(count), 0), coalesce(max(newest), 0), coalesce(sum(total), 0) INTO now FROM grid_layer_version WHERE relation = of;
	INSERT INTO looked VALUES (now.*) ON CONFLICT (relation) DO UPDATE SET edits = now.edits, newest = now.newest, total = now.total;
	RETURN format('%s%s', now.edits - coalesce(last.edits, 0), CASE WHEN now IS NOT DISTINCT FROM last THEN ', the same' END);
END $$;
-- the extents logged since the last look
CREATE TABLE shown (of oid, xid xid8, at tid);
CREATE FUNCTION extents(of regclass) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT coalesce(extent::text, 'everything') FROM grid_layer_edit e
		WHERE relation = of AND NOT EXISTS (SELECT FROM shown s WHERE s.of = e.relation AND s.xid = e.xid AND at = e.ctid) ORDER BY xid, ctid;
	INSERT INTO shown SELECT relation, xid, ctid FROM grid_layer_edit WHERE relation = of;
END $$;
CREATE VIEW carried AS SELECT tgrelid::regclass AS tab, tgname, tgenabled, tgparentid <> 0 AS cloned FROM pg_trigger
	WHERE tgname LIKE 'gridtree%' AND tgrelid::regclass::text NOT LIKE 'pg_%' ORDER BY tgrelid::regclass::text COLLATE "C", tgname;

CREATE TABLE area (id int PRIMARY KEY, geom geometry(Polygon, 3857), code gridcode, note text);
CREATE INDEX ON area USING gist (geom);
INSERT INTO area VALUES (1, box(0), '11'), (2, box(1), '12');
SELECT * FROM carried;
SELECT grid_layer_add('area', 'area');
SELECT * FROM carried;
SELECT edits('area');
SELECT extents('area');

-- every way of editing: one row for a transaction
INSERT INTO area VALUES (3, box(2), '13');
SELECT edits('area'), edits('area');
INSERT INTO area VALUES (4, box(4), '14'), (5, box(5), '15'), (6, NULL, '16'), (7, 'SRID=3857;POLYGON EMPTY', '17');
SELECT edits('area');
SELECT extents('area');
COPY area FROM stdin;
8	SRID=3857;POLYGON((8 0,9 0,9 1,8 0))	18	\N
9	SRID=3857;POLYGON((9 0,10 0,10 1,9 0))	19	\N
\.
SELECT edits('area');
SELECT extents('area');
-- moved a little: one extent; far: two
UPDATE area SET geom = box(2.5) WHERE id = 3;
SELECT edits('area');
SELECT extents('area');
UPDATE area SET geom = box(20) WHERE id = 3;
SELECT edits('area');
SELECT extents('area');
UPDATE area SET code = '99' WHERE id = 1;
SELECT edits('area');
SELECT extents('area');
-- nothing that matters
UPDATE area SET note = 'x', geom = box(0) WHERE id = 1;
SELECT edits('area');
SELECT extents('area');
DELETE FROM area WHERE id = 8;
SELECT edits('area');
SELECT extents('area');
INSERT INTO area VALUES (3, box(3), '13') ON CONFLICT (id) DO UPDATE SET geom = excluded.geom;
SELECT edits('area');
SELECT extents('area');
MERGE INTO area USING (VALUES (3), (30)) v(id) ON v.id = area.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.id, box(30), '30');
SELECT edits('area');
SELECT extents('area');
WITH gone AS (DELETE FROM area WHERE id = 30 RETURNING *) INSERT INTO area SELECT 31, geom, code FROM gone;
SELECT edits('area');
SELECT extents('area');

-- statements that do nothing; ON CONFLICT is known too late
UPDATE area SET geom = box(7) WHERE false;
DELETE FROM area WHERE false;
INSERT INTO area SELECT * FROM area WHERE false;
SELECT edits('area');
INSERT INTO area VALUES (1, box(7)) ON CONFLICT DO NOTHING;
SELECT edits('area');
SELECT extents('area');

-- subtransactions
BEGIN;
INSERT INTO area VALUES (40, box(40), '40');
SAVEPOINT a;
INSERT INTO area VALUES (41, box(41), '41');
SAVEPOINT b;
INSERT INTO area VALUES (42, box(42), '42');
ROLLBACK TO b;
SELECT edits('area');
RELEASE a;
INSERT INTO area VALUES (43, box(43), '43');
SELECT edits('area');
COMMIT;
SELECT edits('area');
SELECT extents('area');
-- rolled back
BEGIN;
INSERT INTO area VALUES (50, box(50), '50');
SELECT edits('area');
ROLLBACK;
SELECT edits('area');
SELECT extents('area');
-- rolled back to a savepoint and edited again
BEGIN;
SAVEPOINT a;
INSERT INTO area VALUES (50, box(50), '50');
CREATE TEMP TABLE first ON COMMIT DROP AS SELECT max(newest) AS newest FROM grid_layer_version WHERE relation = 'area'::regclass;
SELECT newest FROM first \gset
ROLLBACK TO a;
SELECT count(*) FROM grid_layer_version WHERE newest = :newest;
INSERT INTO area VALUES (51, box(51), '51');
SELECT count(*) FILTER (WHERE newest = :newest) AS rolled_back, count(*) FILTER (WHERE newest > :newest) AS new FROM grid_layer_version WHERE relation = 'area'::regclass;
COMMIT;
SELECT edits('area');
SELECT extents('area');
-- a savepoint that is released lends its row to what follows
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
INSERT INTO area VALUES (52, box(52), '52');
RELEASE b;
INSERT INTO area VALUES (53, box(53), '53');
ROLLBACK TO a;
INSERT INTO area VALUES (54, box(54), '54');
RELEASE a;
DELETE FROM area WHERE id = 54;
COMMIT;
SELECT edits('area');
SELECT extents('area');
-- a loop of exception blocks
DO $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		BEGIN
			INSERT INTO area VALUES (1000 + i, NULL, NULL);
		EXCEPTION WHEN unique_violation THEN NULL;
		END;
	END LOOP;
END $$;
SELECT edits('area');
DELETE FROM area WHERE id > 1000;
SELECT edits('area');

-- a later trigger changes the row once more; one that locates sees the edit
CREATE FUNCTION shift() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.geom = ST_Translate(NEW.geom, 1000, 0); RETURN NEW; END $$;
CREATE TRIGGER z BEFORE INSERT ON area FOR EACH ROW EXECUTE FUNCTION shift();
INSERT INTO area VALUES (60, box(60), '60');
SELECT extents('area');
DROP TRIGGER z ON area;
DELETE FROM area WHERE id = 60;
SELECT extents('area');

-- in replica mode, in any search_path, by whoever may write
SELECT edits('area');
SET session_replication_role = replica;
UPDATE area SET geom = box(0, 2) WHERE id = 1;
RESET session_replication_role;
SELECT edits('area');
SELECT extents('area');
CREATE ROLE version_writer;
CREATE ROLE version_owner;
GRANT USAGE, CREATE ON SCHEMA layer_version TO version_writer, version_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON area TO version_writer;
SET ROLE version_writer;
SET search_path = pg_catalog;
UPDATE layer_version.area SET code = '11' WHERE id = 1;
SET search_path = layer_version, public;
SELECT count(*) FROM grid_layer_version;
SELECT count(*) FROM grid_layer_edit;
INSERT INTO grid_layer_version VALUES (1, 1, 1, 1);
SELECT grid_layer_touch('area');
SELECT grid_layer_touch('nosuch');
RESET ROLE;
SELECT edits('area');
SELECT extents('area');

-- what triggers cannot see
SELECT grid_layer_touch('area');
SELECT edits('area');
SELECT extents('area');
SELECT grid_layer_touch(NULL);
SELECT edits('area');
BEGIN;
SELECT grid_layer_touch('area');
SELECT grid_layer_touch('area');
UPDATE area SET geom = box(0) WHERE id = 1;
COMMIT;
SELECT edits('area');
SELECT extents('area');
BEGIN READ ONLY;
SELECT grid_layer_touch('area');
ROLLBACK;
ALTER TABLE area DISABLE TRIGGER ALL;
UPDATE area SET code = '110' WHERE id = 1;
SELECT edits('area');
ALTER TABLE area ENABLE TRIGGER ALL;
SELECT edits('area');
SELECT * FROM carried;
TRUNCATE area;
SELECT edits('area');
SELECT extents('area');
BEGIN;
TRUNCATE area;
ROLLBACK;
SELECT edits('area');

-- so much that nobody wants to know where
INSERT INTO area SELECT i, box(i), '1' FROM generate_series(1, 1000) i;
SELECT count(*), count(*) FILTER (WHERE extents = 'everything') AS everything FROM extents('area');
INSERT INTO area SELECT i, box(i), '1' FROM generate_series(1001, 2100) i;
SELECT count(*), count(*) FILTER (WHERE extents = 'everything') AS everything FROM extents('area');
BEGIN;
SAVEPOINT a;
UPDATE area SET code = '2';
ROLLBACK TO a;
UPDATE area SET code = '2' WHERE id < 3;
COMMIT;
SELECT extents('area');
SELECT edits('area');
-- in many transactions: rows are thinned out, and their number stays bounded
DO $$
BEGIN
	FOR i IN 1 .. 14 LOOP
		UPDATE area SET code = i::text::gridcode WHERE id <= 900;
		COMMIT;
	END LOOP;
END $$;
SELECT count(*) < 11000 AS bounded, bool_or(extent IS NULL) AS everything FROM grid_layer_edit WHERE relation = 'area'::regclass;
SELECT edits('area');

-- folding keeps the fingerprint
SELECT count(*) <= 34 AS few FROM grid_layer_version WHERE relation = 'area'::regclass;
CREATE TABLE expected AS SELECT sum(count) AS edits, sum(total) AS total FROM grid_layer_version WHERE relation = 'area'::regclass;
DO $$
DECLARE
	newest bigint;
BEGIN
	FOR i IN 1 .. 100 LOOP
		UPDATE area SET note = i::text WHERE id = 1;
		-- no subtransaction: the number is that of the transaction
		newest = pg_current_xact_id()::text::bigint;
		UPDATE expected SET edits = edits + 1, total = total + newest;
		IF (SELECT (e.edits, e.total, newest) IS DISTINCT FROM (SELECT (sum(count), sum(v.total), max(v.newest)) FROM grid_layer_version v WHERE relation = 'area'::regclass) FROM expected e) THEN
			RAISE EXCEPTION 'another fingerprint after % edits', i;
		END IF;
		COMMIT;
	END LOOP;
END $$;
SELECT count(*) <= 34 AS few FROM grid_layer_version WHERE relation = 'area'::regclass;
SELECT edits('area');

-- boxes: stored, without one, of any type, toasted
CREATE TABLE shape (id int, geom geometry, code gridcode);
CREATE INDEX ON shape USING gist (geom);
INSERT INTO shape VALUES (0, box(0), '1');
SELECT grid_layer_add('shape', 'shape', filter => 'id = 0');
SELECT extents('shape');
INSERT INTO shape SELECT n, geom, '1' FROM unnest(ARRAY[
	'POINT(1 2)', 'POINT Z (1 2 3)', 'LINESTRING(1 2, 3 0)', 'LINESTRING ZM (1 2 9 9, 3 0 9 9)', 'POLYGON((0 0, 4 0, 4 5, 0 0), (1 1, 2 1, 2 2, 1 1))', 'POLYGON Z ((0 0 7, 4 0 8, 4 5 9, 0 0 7))',
	'MULTIPOLYGON(((0 0, 4 0, 4 5, 0 0)), EMPTY, ((-1 0, 4 0, 4 5, -1 0), (1 1, 2 1, 2 2, 1 1)))', 'GEOMETRYCOLLECTION(POINT(-3 2), MULTIPOINT(9 9, 8 10))',
	'TRIANGLE((0 0, 4 0, 4 5, 0 0))', 'CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0))', 'POLYGON EMPTY', 'MULTIPOLYGON EMPTY', 'POINT EMPTY']::geometry[]) WITH ORDINALITY AS u(geom, n) ORDER BY n;
SELECT extents('shape');
UPDATE shape SET geom = postgis_dropbbox(geom) WHERE id > 0;
SELECT extents('shape');
-- the filter may read any column
UPDATE shape SET id = 100 WHERE id = 1;
SELECT extents('shape');
UPDATE shape SET id = 100 WHERE id = 100;
SELECT extents('shape');
INSERT INTO shape VALUES (101, postgis_dropbbox(ST_Segmentize(box(0, 3), 0.0001)), '1');
SELECT extents('shape');
INSERT INTO shape VALUES (102, ST_Segmentize(box(0, 3), 0.0001), '1');
SELECT extents('shape');
INSERT INTO shape VALUES (102, ST_MakePolygon(ST_MakeLine(ARRAY[ST_Point(0, 0), ST_Point('Infinity', 0), ST_Point(1, 1), ST_Point(0, 0)])), '1');
SELECT extents('shape');
INSERT INTO shape VALUES (102, ST_MakePolygon(ST_MakeLine(ARRAY[ST_Point(0, 0), ST_Point('NaN', 0), ST_Point(1, 1), ST_Point(0, 0)])), '1');
SELECT extents('shape');
-- a column that is gone
ALTER TABLE shape RENAME code TO kode;
UPDATE shape SET id = 103 WHERE id = 102;
SELECT extents('shape');
ALTER TABLE shape RENAME kode TO code;
SELECT extents('shape');

-- two layers on one table have one set of triggers
SELECT grid_layer_add('shape2', 'shape', filter => 'id = 0');
SELECT * FROM carried WHERE tab = 'shape'::regclass;
SELECT edits('shape');
INSERT INTO shape VALUES (104, box(104), '1');
SELECT edits('shape');
SELECT extents('shape');
SELECT grid_layer_drop('shape');
SELECT * FROM carried WHERE tab = 'shape'::regclass;
SELECT grid_layer_drop('shape2');
SELECT * FROM carried WHERE tab = 'shape'::regclass;
SELECT edits('shape');
SELECT extents('shape');
-- edits go unseen; no fingerprint of before comes again
INSERT INTO shape VALUES (105, box(105), '1');
SELECT edits('shape');
SELECT grid_layer_add('shape', 'shape', filter => 'id = 0');
SELECT edits('shape');
-- all in one transaction
BEGIN;
DELETE FROM shape WHERE id > 0;
SELECT grid_layer_drop('shape');
SELECT grid_layer_add('shape', 'shape', filter => 'id = 0');
INSERT INTO shape VALUES (106, box(106), '1');
SELECT edits('shape');
COMMIT;
SELECT oid AS shape FROM pg_class WHERE oid = 'shape'::regclass \gset
DROP TABLE shape;
SELECT count(*) FROM grid_layer_version WHERE relation = :shape;
SELECT count(*) FROM grid_layer_edit WHERE relation = :shape;

-- partitions
CREATE TABLE parted (half int, note text, geom geometry(Polygon, 3857), code gridcode) PARTITION BY LIST (half);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2, 3) PARTITION BY LIST (half);
CREATE TABLE parted_3 (code gridcode, gone int, geom geometry(Polygon, 3857), half int, note text);
ALTER TABLE parted_3 DROP gone;
ALTER TABLE parted_2 ATTACH PARTITION parted_3 FOR VALUES IN (3);
CREATE INDEX ON parted USING gist (geom);
SELECT grid_layer_add('parted', 'parted');
SELECT * FROM carried WHERE tab::text LIKE 'parted%';
SELECT edits('parted');
SELECT extents('parted');
INSERT INTO parted VALUES (1, '', box(0), '1'), (3, '', box(3), '3');
SELECT edits('parted');
SELECT extents('parted');
INSERT INTO parted_3 (half, geom, code) VALUES (3, box(33), '3');
SELECT edits('parted');
SELECT extents('parted');
UPDATE parted SET half = 3 WHERE half = 1;
SELECT edits('parted');
SELECT extents('parted');
UPDATE parted_3 SET note = 'x';
SELECT extents('parted');
TRUNCATE parted_3;
SELECT edits('parted');
SELECT extents('parted');
TRUNCATE parted;
SELECT edits('parted');
SELECT extents('parted');
-- new, attached, detached, dropped
CREATE TABLE parted_4 PARTITION OF parted FOR VALUES IN (4);
SELECT edits('parted');
TRUNCATE parted_4;
SELECT edits('parted');
CREATE TABLE parted_5 (LIKE parted);
INSERT INTO parted_5 VALUES (5, '', box(5), '5');
SELECT edits('parted');
SELECT extents('parted');
ALTER TABLE parted ATTACH PARTITION parted_5 FOR VALUES IN (5);
SELECT * FROM carried WHERE tab::text = 'parted_5';
SELECT edits('parted');
SELECT extents('parted');
DELETE FROM parted_5;
SELECT edits('parted');
SELECT extents('parted');
ALTER TABLE parted DETACH PARTITION parted_5;
SELECT * FROM carried WHERE tab::text = 'parted_5';
SELECT edits('parted');
SELECT extents('parted');
INSERT INTO parted_5 VALUES (5, '', box(5), '5');
TRUNCATE parted_5;
SELECT edits('parted');
ALTER TABLE parted ATTACH PARTITION parted_5 FOR VALUES IN (5);
SELECT edits('parted');
ALTER TABLE parted DETACH PARTITION parted_5 CONCURRENTLY;
SELECT * FROM carried WHERE tab::text = 'parted_5';
SELECT edits('parted');
ALTER TABLE nosuch DETACH PARTITION parted_5 CONCURRENTLY;
DROP TABLE parted_4;
SELECT edits('parted');
DROP TABLE parted_5;
SELECT edits('parted');
-- a partition is a layer, too
SELECT grid_layer_add('third', 'parted_3');
SELECT * FROM carried WHERE tab::text LIKE 'parted%';
SELECT edits('parted'), edits('parted_3');
INSERT INTO parted VALUES (1, '', box(0), '1');
SELECT edits('parted'), edits('parted_3');
INSERT INTO parted VALUES (3, '', box(3), '3');
SELECT edits('parted'), edits('parted_3');
-- the trigger of either stays while the other goes
SELECT grid_layer_drop('parted');
SELECT * FROM carried WHERE tab::text LIKE 'parted%';
INSERT INTO parted VALUES (3, '', box(3), '3');
SELECT edits('parted'), edits('parted_3');
SELECT grid_layer_add('parted', 'parted');
SELECT * FROM carried WHERE tab::text LIKE 'parted%';
SELECT edits('parted'), edits('parted_3');
ALTER TABLE parted_2 DETACH PARTITION parted_3;
SELECT * FROM carried WHERE tab::text LIKE 'parted%';
SELECT edits('parted'), edits('parted_3');
INSERT INTO parted_3 (half, geom, code) VALUES (3, box(33), '3');
SELECT edits('parted'), edits('parted_3');
-- its own triggers make room for clones
ALTER TABLE parted_2 ATTACH PARTITION parted_3 FOR VALUES IN (3);
SELECT * FROM carried WHERE tab::text LIKE 'parted_3';
SELECT edits('parted'), edits('parted_3');
INSERT INTO parted VALUES (3, '', box(3), '3');
SELECT edits('parted'), edits('parted_3');
SELECT grid_layer_drop('third');
SELECT edits('parted');
SELECT grid_layer_drop('parted');
SELECT * FROM carried WHERE tab::text LIKE 'parted%';

-- inheritance
CREATE TABLE top (geom geometry(Polygon, 3857), code gridcode);
CREATE INDEX ON top USING gist (geom);
CREATE TABLE middle () INHERITS (top);
CREATE TABLE bottom () INHERITS (middle);
SELECT grid_layer_add('top', 'top');
SELECT * FROM carried WHERE tab::text IN ('top', 'middle', 'bottom');
SELECT edits('top');
SELECT extents('top');
INSERT INTO bottom VALUES (box(0), '1');
SELECT edits('top');
SELECT extents('top');
TRUNCATE bottom;
SELECT edits('top');
CREATE TABLE late (more int) INHERITS (top);
SELECT edits('top');
INSERT INTO late VALUES (box(0), '1', 2);
SELECT edits('top');
UPDATE late SET more = 3;
SELECT extents('top');
DROP TABLE late;
SELECT edits('top');
SELECT extents('top');
ALTER TABLE middle NO INHERIT top;
SELECT * FROM carried WHERE tab::text IN ('top', 'middle', 'bottom');
SELECT edits('top');
INSERT INTO bottom VALUES (box(0), '1');
SELECT edits('top');
ALTER TABLE middle INHERIT top;
SELECT * FROM carried WHERE tab::text IN ('top', 'middle', 'bottom');
SELECT edits('top');
INSERT INTO bottom VALUES (box(1), '1');
SELECT edits('top');
-- a table of another name does not matter
CREATE TABLE aside (id int);
DROP TABLE aside;
SELECT edits('top');

-- DDL that changes rows, of the table, above and below it
ALTER TABLE top ALTER code TYPE gridcode USING (code::text || '0')::gridcode;
SELECT edits('top');
SELECT extents('top');
SELECT grid_layer_add('bottom', 'bottom');
SELECT edits('top'), edits('bottom');
ALTER TABLE top ALTER code TYPE gridcode USING (code::text || '0')::gridcode;
SELECT edits('top'), edits('bottom');
ALTER TABLE bottom ADD COLUMN more int, ADD COLUMN less int, ALTER less SET DEFAULT 1;
SELECT edits('top'), edits('bottom');
ALTER TABLE bottom DROP COLUMN more;
SELECT edits('top'), edits('bottom');
ALTER TABLE bottom RENAME less TO much;
SELECT edits('top'), edits('bottom');
ALTER TABLE top RENAME geom TO old_geom;
ALTER TABLE top ADD geom geometry(Polygon, 3857);
SELECT edits('top'), edits('bottom');
ALTER TABLE top RENAME geom TO new_geom;
ALTER TABLE top RENAME old_geom TO geom;
SELECT edits('top'), edits('bottom');

-- tables whose edits cannot be seen
CREATE FOREIGN DATA WRAPPER version_wrapper;
CREATE SERVER version_server FOREIGN DATA WRAPPER version_wrapper;
CREATE FOREIGN TABLE distant () INHERITS (top) SERVER version_server;
CREATE FOREIGN TABLE distant (geom geometry(Polygon, 3857), new_geom geometry(Polygon, 3857), code gridcode) SERVER version_server;
ALTER FOREIGN TABLE distant INHERIT top;
CREATE TEMP TABLE fleeting () INHERITS (top);
CREATE TABLE apart (geom geometry(Polygon, 3857), new_geom geometry(Polygon, 3857), code gridcode);
CREATE INDEX ON apart USING gist (geom);
ALTER FOREIGN TABLE distant INHERIT apart;
SELECT grid_layer_add('apart', 'apart');
CREATE TABLE parted_6 (half int, geom geometry(Polygon, 3857), code gridcode) PARTITION BY LIST (half);
SELECT grid_layer_add('parted_6', 'parted_6');
CREATE FOREIGN TABLE parted_7 PARTITION OF parted_6 FOR VALUES IN (7) SERVER version_server;
SELECT count(*) FROM grid_layers WHERE layer = 'apart';
SELECT * FROM carried WHERE tab = 'apart'::regclass;
SELECT edits('top'), edits('apart');

-- by an owner who owns nothing else
SET ROLE version_owner;
CREATE TABLE mine (geom geometry(Polygon, 3857), code gridcode) PARTITION BY LIST (code);
CREATE INDEX ON mine USING gist (geom);
SELECT grid_layer_add('mine', 'mine');
CREATE TABLE mine_1 PARTITION OF mine FOR VALUES IN ('1');
INSERT INTO mine VALUES (box(0), '1');
SELECT grid_layer_touch('mine');
RESET ROLE;
SELECT edits('mine');
SELECT extents('mine');
SET ROLE version_owner;
DROP TABLE mine_1;
RESET ROLE;
SELECT edits('mine');
SET ROLE version_owner;
SELECT grid_layer_drop('mine');
DROP TABLE mine;
RESET ROLE;

-- triggers without a layer do nothing
CREATE TABLE alone (geom geometry, code gridcode);
CREATE TRIGGER gridtree_layer_version BEFORE INSERT OR UPDATE OR DELETE ON alone FOR EACH ROW EXECUTE FUNCTION grid_layer_edited();
CREATE TRIGGER gridtree_layer_edit AFTER INSERT OR UPDATE OR DELETE ON alone FOR EACH ROW EXECUTE FUNCTION grid_layer_edited();
CREATE TRIGGER gridtree_layer_truncate BEFORE TRUNCATE ON alone FOR EACH STATEMENT EXECUTE FUNCTION grid_layer_edited();
INSERT INTO alone VALUES (box(0), '1');
UPDATE alone SET code = '2';
DELETE FROM alone;
TRUNCATE alone;
SELECT edits('alone');
SELECT extents('alone');
-- nor are they for anything else
CREATE TRIGGER other AFTER INSERT ON alone FOR EACH STATEMENT EXECUTE FUNCTION grid_layer_edited();
INSERT INTO alone VALUES (box(0), '1');
SELECT grid_layer_edited();
SELECT grid_layer_ddl();

SET client_min_messages = warning;
DROP SCHEMA layer_version CASCADE;
DROP FOREIGN DATA WRAPPER version_wrapper CASCADE;
DROP ROLE version_writer, version_owner;
SELECT count(*) FROM grid_layer_version;
SELECT count(*) FROM grid_layer_edit;
