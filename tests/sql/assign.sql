-- CALL grid_assign and grid_assign_trigger.
CREATE SCHEMA assign;
SET search_path = assign, public;
CREATE TABLE area (geom geometry(Polygon, 3857), code gridcode);
INSERT INTO area SELECT ST_MakeEnvelope(x, y, x + 1, y + 1, 3857), grid_child(grid_child('350304', x), y)
FROM generate_series(0, 9) x, generate_series(0, 9) y;
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('area', 'area');

-- 6,000 households in towers, some outside, some without a point
CREATE TABLE household (id int PRIMARY KEY, geom geometry, code gridcode, moved boolean DEFAULT false)
	WITH (autovacuum_enabled = false);
INSERT INTO household SELECT i, CASE WHEN i % 100 = 0 THEN NULL WHEN i % 100 = 1 THEN 'SRID=3857;POINT EMPTY'
	ELSE ST_SetSRID(ST_Point(i % 41 / 3.9, i % 37 / 3.6), 3857) END FROM generate_series(1, 6000) i;
CREATE VIEW wrong AS SELECT id, geom, h.code, r.code AS right_code FROM household h
	LEFT JOIN LATERAL (SELECT a.code FROM area a WHERE ST_Intersects(a.geom, h.geom) ORDER BY grid_digits(a.code) DESC, a.code LIMIT 1) r ON true
	WHERE h.code IS DISTINCT FROM r.code;
SELECT count(*) FROM wrong;
CALL grid_assign('household', 'area');
SELECT count(*) FROM wrong;
SELECT count(code) AS assigned, count(*) - count(code) AS outside FROM household;
-- nothing to do: no row is written
CALL grid_assign('household', 'area');
SELECT count(*) FROM household WHERE xmin = pg_current_xact_id()::xid;
-- only what changed: codes typed by hand, a code without a point, a point that moved
UPDATE household SET code = '1' WHERE id IN (100, 101, 102, 103);
UPDATE household SET geom = ST_SetSRID(ST_Point(5.5, 5.5), 3857) WHERE id BETWEEN 3 AND 12;
CALL grid_assign('household', 'area');
SELECT count(*) FROM wrong;
-- polygons change, too
UPDATE area SET code = '350304005999' WHERE code = '350304005005';
CALL grid_assign('household', 'area');
DELETE FROM area WHERE code = '350304005999';
CALL grid_assign('household', 'area');
CALL grid_assign('household', 'area', tolerance => 0.5, filter => 'id <= 12');
CALL grid_assign('household', 'area');
SELECT count(*) FROM wrong;
-- a filter leaves the other rows alone
UPDATE household SET code = NULL;
CALL grid_assign('household', 'area', filter => 'id > 100 AND id <= 300 AND NOT moved');
SELECT min(id), max(id), count(*) FROM household WHERE code IS NOT NULL;
CALL grid_assign('household', 'area');

-- in a transaction, rolled back
BEGIN;
UPDATE household SET code = NULL;
CALL grid_assign('household', 'area');
ROLLBACK;
SELECT count(*) FROM wrong;

-- in batches, each committed (terse: how fast it was is no matter); the last sweep finds nothing left
VACUUM FULL household;
ANALYZE household;
UPDATE household SET code = NULL WHERE id % 3 = 0;
VACUUM FULL household;
\set VERBOSITY terse
CALL grid_assign('household', 'area', batch => 2400);
SELECT count(*) FROM wrong;
CALL grid_assign('household', 'area', batch => 1000000);
-- what was committed before an error stays, and the next call goes on
UPDATE household SET code = NULL;
UPDATE household SET geom = ST_SetSRID(geom, 4326) WHERE id = 5999;
VACUUM FULL household;
CALL grid_assign('household', 'area', batch => 1500);
SELECT count(code) > 1500 AS kept, count(code) < 5900 AS unfinished FROM household;
UPDATE household SET geom = ST_SetSRID(geom, 3857) WHERE id = 5999;
SET client_min_messages = warning;
CALL grid_assign('household', 'area', batch => 1500);
SELECT count(*) FROM wrong;
-- from a procedure that may commit
DO $$
DECLARE a bigint; c bigint; o bigint;
BEGIN
	CALL grid_assign('household', 'area', batch => 1500, assigned => a, changed => c, outside => o);
	RAISE WARNING 'assigned %, changed %, outside %', a, c, o;
END $$;
-- one row and less
CALL grid_assign('household', 'area', batch => 1, filter => 'id = 5');
RESET client_min_messages;
CREATE TABLE nobody (geom geometry, code gridcode);
CALL grid_assign('nobody', 'area', batch => 10);
CALL grid_assign('nobody', 'area');
-- the name of the column being updated, and what else has a strange name
CREATE TABLE "Strange ""t" (l int, "located" geometry, "p.geom" gridcode, "WHERE" boolean);
INSERT INTO "Strange ""t" VALUES (1, ST_SetSRID(ST_Point(1.5, 2.5), 3857), NULL, true), (2, NULL, '1', true), (3, NULL, '2', NULL);
CALL grid_assign('"Strange ""t"', 'area', 'located', 'p.geom', filter => '"WHERE" AND l > 0');
SELECT l, "p.geom" FROM "Strange ""t" ORDER BY l;

-- a partitioned table, in batches
CREATE TABLE parted (id int, geom geometry, code gridcode) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1500);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (1500) TO (6001);
INSERT INTO parted SELECT id, geom FROM household;
ANALYZE parted_1, parted_2;
CALL grid_assign('parted', 'area', batch => 3300);
SELECT count(*) FROM parted p JOIN household h USING (id) WHERE p.code IS DISTINCT FROM h.code;

-- points that PostGIS may or may not call equal: by hashing, by sorting, by a nested loop
CREATE TABLE variant AS
SELECT p AS geom, NULL::gridcode AS code
FROM (VALUES (1.5, 2.5), (0, 0), (-0.0::float8, 0)) c(x, y),
	LATERAL (VALUES (ST_MakePoint(x, y)), (ST_MakePoint(x, y, 1)), (ST_MakePoint(x, y, 2)), (ST_MakePointM(x, y, 1)), (ST_MakePoint(x, y, 1, 1))) k(q),
	LATERAL (VALUES (ST_SetSRID(q, 3857)), (postgis_addbbox(ST_SetSRID(q, 3857)))) b(p);
CALL grid_assign('variant', 'area');
UPDATE variant SET code = NULL;
SET enable_hashjoin = off;
SET enable_hashagg = off;
CALL grid_assign('variant', 'area');
UPDATE variant SET code = NULL;
SET enable_mergejoin = off;
CALL grid_assign('variant', 'area');
UPDATE variant SET code = NULL;
RESET enable_hashjoin;
CALL grid_assign('variant', 'area');
UPDATE variant SET code = NULL;
RESET enable_hashagg;
SET enable_hashjoin = off;
CALL grid_assign('variant', 'area');
RESET ALL;
SET search_path = assign, public;

\set VERBOSITY default
-- refused
BEGIN;
CALL grid_assign('household', 'area', batch => 100);
ROLLBACK;
CREATE FUNCTION in_function() RETURNS void LANGUAGE plpgsql AS $$
DECLARE a bigint; c bigint; o bigint;
BEGIN CALL grid_assign('household', 'area', batch => 100, assigned => a, changed => c, outside => o); END $$;
SELECT in_function();
CALL grid_assign('household', 'area', batch => 0);
CALL grid_assign('household', 'area', batch => -1);
CALL grid_assign(NULL, 'area');
CALL grid_assign('household', NULL);
CALL grid_assign('household', 'area', tolerance => NULL);
CALL grid_assign('household', 'area', tolerance => -1);
CALL grid_assign('household', 'area', tolerance => 'NaN');
CALL grid_assign('nobody', 'nosuch');
CALL grid_assign('nosuch', 'area');
CALL grid_assign('wrong', 'area');
CALL grid_assign('household', 'area', 'nosuch');
CALL grid_assign('household', 'area', 'id');
CALL grid_assign('household', 'area', 'geom', 'id');
CALL grid_assign('household', 'area', filter => 'nosuch');
CALL grid_assign('household', 'area', filter => 'id IN (SELECT 1)');
CALL grid_assign('household', 'area', filter => 'true RETURNING 1');
CALL grid_assign('household', 'area', filter => 'random() < 0.5');
CREATE TABLE shapes (geom geometry, code text);
CALL grid_assign('shapes', 'area');
ALTER TABLE shapes ALTER code TYPE gridcode USING code::gridcode;
INSERT INTO shapes VALUES (ST_MakeEnvelope(0, 0, 1, 1, 3857));
CALL grid_assign('shapes', 'area');
-- points in another SRID, if only declared
CREATE TABLE degrees (geom geometry(Point, 4326), code gridcode);
CALL grid_assign('degrees', 'area');
CALL grid_assign('degrees', 'area', batch => 100);
ALTER TABLE degrees ALTER geom TYPE geometry(Point, 3857) USING ST_Transform(geom, 3857);
CALL grid_assign('degrees', 'area');
-- polygons in another SRID than when the layer was added, while codes are there
CREATE TABLE moved AS SELECT geom::geometry(Geometry, 3857), code FROM area;
SET client_min_messages = warning;
SELECT grid_layer_add('moved', 'moved');
RESET client_min_messages;
INSERT INTO degrees VALUES ('SRID=3857;POINT(1.5 2.5)', '999');
SELECT UpdateGeometrySRID('assign', 'moved', 'geom', 4326);
CALL grid_assign('degrees', 'moved');
SELECT code FROM degrees;

-- rights: to read the layer and to write the code
CREATE ROLE assign_clerk;
GRANT USAGE ON SCHEMA assign TO assign_clerk;
GRANT SELECT, UPDATE (code) ON household TO assign_clerk;
UPDATE household SET code = NULL WHERE id BETWEEN 50 AND 60;
SET ROLE assign_clerk;
CALL grid_assign('household', 'area');
RESET ROLE;
GRANT SELECT ON area TO assign_clerk;
SET ROLE assign_clerk;
CALL grid_assign('household', 'area');
RESET ROLE;
REVOKE UPDATE (code) ON household FROM assign_clerk;
SET ROLE assign_clerk;
CALL grid_assign('household', 'area');
RESET ROLE;

-- the target's own triggers run as they would under UPDATE, with the caller's search_path
CREATE TABLE audit (id int, code gridcode);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (new.id, new.code); RETURN new; END $$;
CREATE TRIGGER audit BEFORE UPDATE ON household FOR EACH ROW EXECUTE FUNCTION audit();
ALTER TABLE household DISABLE TRIGGER audit;
UPDATE household SET code = NULL WHERE id IN (70, 72);
ALTER TABLE household ENABLE TRIGGER audit;
CALL grid_assign('household', 'area');
SELECT a.id, a.code = h.code AS same FROM audit a JOIN household h USING (id) ORDER BY 1;
DROP TRIGGER audit ON household;
-- and traps in the search_path are not called
CREATE SCHEMA assign_evil;
CREATE FUNCTION assign_evil.trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'a trap was called'; END $$;
CREATE FUNCTION assign_evil.op(geometry, geometry) RETURNS boolean LANGUAGE sql AS 'SELECT assign_evil.trap()';
CREATE FUNCTION assign_evil.op(gridcode, gridcode) RETURNS boolean LANGUAGE sql AS 'SELECT assign_evil.trap()';
CREATE FUNCTION assign_evil.op(boolean, boolean) RETURNS boolean LANGUAGE sql AS 'SELECT assign_evil.trap()';
CREATE FUNCTION assign_evil.op(tid, tid) RETURNS boolean LANGUAGE sql AS 'SELECT assign_evil.trap()';
CREATE FUNCTION assign_evil.grid_locate(text, geometry, float8) RETURNS gridcode LANGUAGE sql AS 'SELECT assign_evil.trap()::text::gridcode';
CREATE OPERATOR assign_evil.= (LEFTARG = geometry, RIGHTARG = geometry, FUNCTION = assign_evil.op);
CREATE OPERATOR assign_evil.<> (LEFTARG = gridcode, RIGHTARG = gridcode, FUNCTION = assign_evil.op);
CREATE OPERATOR assign_evil.<> (LEFTARG = boolean, RIGHTARG = boolean, FUNCTION = assign_evil.op);
CREATE OPERATOR assign_evil.< (LEFTARG = tid, RIGHTARG = tid, FUNCTION = assign_evil.op);
UPDATE household SET code = NULL WHERE id IN (70, 72);
SET search_path = assign_evil, assign, public, pg_catalog;
SET client_min_messages = warning;
CALL grid_assign('household', 'area', batch => 100000);
RESET client_min_messages;
SET search_path = assign, public;

-- the trigger
CREATE TABLE keeper (id int, geom geometry, code gridcode, note text);
CREATE TRIGGER code BEFORE INSERT OR UPDATE ON keeper FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('area', 'geom', 'code');
INSERT INTO keeper VALUES (1, ST_SetSRID(ST_Point(1.5, 2.5), 3857), NULL), (2, ST_SetSRID(ST_Point(2.5, 2.5), 3857), '999'), (3, NULL, '999'),
	(4, 'SRID=3857;POINT EMPTY', '999'), (5, ST_SetSRID(ST_Point(-1, 2.5), 3857), '999');
SELECT id, code FROM keeper ORDER BY id;
-- typed by hand, moved, made NULL, another column
UPDATE keeper SET code = '999' WHERE id = 1;
UPDATE keeper SET geom = ST_Translate(geom, 1, 1), code = '999' WHERE id = 2;
UPDATE keeper SET geom = ST_SetSRID(ST_Point(0.5, 0.5), 3857) WHERE id = 3;
UPDATE keeper SET geom = NULL WHERE id = 5;
UPDATE keeper SET code = NULL WHERE id = 1;
SELECT id, code FROM keeper ORDER BY id;
-- a row that stays where it is keeps its code until it is assigned anew
UPDATE area SET code = '350304001888' WHERE code = '350304001002';
UPDATE keeper SET note = 'read' WHERE id = 1;
SELECT code FROM keeper WHERE id = 1;
CALL grid_assign('keeper', 'area');
SELECT code FROM keeper WHERE id = 1;
-- another trigger moves the point: the later name runs later
CREATE FUNCTION mover() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.geom := ST_Translate(old.geom, 0, 1); RETURN new; END $$;
CREATE TRIGGER a_mover BEFORE UPDATE OF note ON keeper FOR EACH ROW EXECUTE FUNCTION mover();
UPDATE keeper SET note = 'moved' WHERE id = 2;
SELECT code, ST_AsText(geom) FROM keeper WHERE id = 2;
DROP TRIGGER a_mover ON keeper;
-- COPY, ON CONFLICT, MERGE
CREATE UNIQUE INDEX ON keeper (id);
COPY keeper (id, geom, code) FROM stdin;
6	SRID=3857;POINT(6.5 6.5)	999
\.
INSERT INTO keeper VALUES (6, ST_SetSRID(ST_Point(7.5, 7.5), 3857)) ON CONFLICT (id) DO UPDATE SET geom = excluded.geom;
MERGE INTO keeper USING (VALUES (1), (7)) v(id) ON keeper.id = v.id
	WHEN MATCHED THEN UPDATE SET code = '999' WHEN NOT MATCHED THEN INSERT VALUES (v.id, ST_SetSRID(ST_Point(8.5, 7.5), 3857), '1');
SELECT id, code FROM keeper WHERE id IN (1, 6, 7) ORDER BY id;
-- a tolerance
CREATE TRIGGER code2 BEFORE INSERT OR UPDATE ON keeper FOR EACH ROW WHEN (new.id > 100) EXECUTE FUNCTION grid_assign_trigger('area', 'geom', 'code', '0.5');
INSERT INTO keeper VALUES (101, ST_SetSRID(ST_Point(-0.25, 2.5), 3857)), (102, ST_SetSRID(ST_Point(-0.75, 2.5), 3857));
SELECT id, code FROM keeper WHERE id > 100 ORDER BY id;
-- partitions whose columns are in another order
CREATE TABLE kept (geom geometry, code gridcode, id int) PARTITION BY LIST (id);
CREATE TABLE kept_1 (gone int, id int, code gridcode, geom geometry);
ALTER TABLE kept_1 DROP gone;
ALTER TABLE kept ATTACH PARTITION kept_1 FOR VALUES IN (1);
CREATE TRIGGER code BEFORE INSERT OR UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('area', 'geom', 'code');
INSERT INTO kept VALUES (ST_SetSRID(ST_Point(1.5, 3.5), 3857), '1', 1);
SELECT code FROM kept;

-- what is wrong with a trigger is said when it fires
CREATE TABLE t (geom geometry, code gridcode, g2 geometry GENERATED ALWAYS AS (ST_SetSRID(ST_Point(1, 1), 3857)) STORED, other text,
	c2 gridcode GENERATED ALWAYS AS ('1'::gridcode) STORED);
CREATE FUNCTION try(definition text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
	EXECUTE 'CREATE TRIGGER x ' || definition;
	INSERT INTO t VALUES (ST_SetSRID(ST_Point(1.5, 3.5), 3857));
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RAISE NOTICE '% %: %', SQLSTATE, SQLERRM, hint;
END $$;
SELECT try(format('%s ON t %s EXECUTE FUNCTION grid_assign_trigger(%s)', w, e, a)) FROM (VALUES
	('AFTER INSERT', 'FOR EACH ROW', '''area'', ''geom'', ''code'''),
	('BEFORE INSERT', 'FOR EACH STATEMENT', '''area'', ''geom'', ''code'''),
	('BEFORE INSERT', 'FOR EACH ROW', ''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''geom'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''geom'', ''code'', ''1'', ''2'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''nosuch'', ''geom'', ''code'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''nosuch'', ''code'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''geom'', ''nosuch'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''other'', ''code'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''geom'', ''other'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''g2'', ''code'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''geom'', ''c2'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''geom'', ''code'', ''far'''),
	('BEFORE INSERT', 'FOR EACH ROW', '''area'', ''geom'', ''code'', ''-1''')) v(w, e, a);
CREATE TRIGGER x BEFORE DELETE ON keeper FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('area', 'geom', 'code');
DELETE FROM keeper WHERE id = 1;
SELECT grid_assign_trigger();
INSERT INTO keeper VALUES (200, 'SRID=4326;POINT(0 0)');
INSERT INTO keeper VALUES (200, 'SRID=3857;LINESTRING(0 0, 1 1)');
-- the writer needs the right to read the layer
GRANT INSERT ON keeper TO assign_clerk;
REVOKE SELECT ON area FROM assign_clerk;
SET ROLE assign_clerk;
INSERT INTO keeper VALUES (300, 'SRID=3857;POINT(0.5 0.5)');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA assign, assign_evil CASCADE;
DROP ROLE assign_clerk;
