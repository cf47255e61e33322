-- What a trigger has kept without a break is not looked at again; everything else is. After each way of breaking it the
-- next grid_assign must leave no row wrong.
\set VERBOSITY terse
CREATE SCHEMA assign_kept;
SET search_path = assign_kept, public;
CREATE TABLE area (geom geometry(Polygon, 3857), code gridcode);
INSERT INTO area SELECT ST_MakeEnvelope(x, 0, x + 1, 1, 3857), (11 + x)::text::gridcode FROM generate_series(0, 8) x;
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add('kept', 'area');
CREATE TABLE house (id int, geom geometry, code gridcode) PARTITION BY RANGE (id);
CREATE TABLE house1 PARTITION OF house FOR VALUES FROM (0) TO (100);
CREATE TABLE house2 PARTITION OF house FOR VALUES FROM (100) TO (200);
CREATE INDEX house_geom ON house USING gist (geom);
CREATE TRIGGER code BEFORE INSERT OR UPDATE ON house FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('kept', 'geom', 'code');
INSERT INTO house SELECT i, ST_SetSRID(ST_Point(i % 100 - 0.5, 0.5), 3857) FROM generate_series(1, 109) i WHERE i % 100 BETWEEN 1 AND 9;
-- Runs a statement, then grid_assign: the notice tells whether it was looked at whole. By name, as columns are renamed.
CREATE PROCEDURE after(breach text) LANGUAGE plpgsql AS $$
DECLARE assigned bigint; changed bigint; outside bigint; wrong text;
BEGIN
	EXECUTE breach;
	CALL grid_assign('house', 'kept', assigned => assigned, changed => changed, outside => outside);
	EXECUTE $q$SELECT string_agg(format('%s is %s, not %s', id, code, rule), '; ' ORDER BY id) FROM (
		SELECT id, code, (SELECT a.code FROM area a WHERE ST_Intersects(a.geom, h.geom) ORDER BY a.code LIMIT 1) AS rule FROM house h) x
		WHERE code IS DISTINCT FROM rule$q$ INTO wrong;
	RAISE NOTICE '% changed, wrong: %', changed, coalesce(wrong, 'none');
END $$;
CALL after('SELECT');
CALL after('SELECT');
-- triggers that are not there, in one transaction with what they miss and apart from it
CALL after($$DROP TRIGGER code ON house; INSERT INTO house VALUES (10, 'SRID=3857;POINT(2.5 0.5)');
	CREATE TRIGGER code BEFORE INSERT OR UPDATE ON house FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('kept', 'geom', 'code')$$);
CALL after('SELECT');
CREATE OR REPLACE TRIGGER code BEFORE INSERT OR UPDATE ON house FOR EACH ROW WHEN (false) EXECUTE FUNCTION grid_assign_trigger('kept', 'geom', 'code');
INSERT INTO house VALUES (11, 'SRID=3857;POINT(2.5 0.5)');
CREATE OR REPLACE TRIGGER code BEFORE INSERT OR UPDATE ON house FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('kept', 'geom', 'code');
CALL after('SELECT');
ALTER TABLE house2 DISABLE TRIGGER code;
CALL after('SELECT');
CALL after($$INSERT INTO house VALUES (12, 'SRID=3857;POINT(2.5 0.5)'), (110, 'SRID=3857;POINT(2.5 0.5)')$$);
ALTER TABLE house2 ENABLE TRIGGER code;
CALL after('SELECT');
CALL after('SELECT');
CALL after($$ALTER TABLE house1 DISABLE TRIGGER code; INSERT INTO house VALUES (13, 'SRID=3857;POINT(2.5 0.5)'); ALTER TABLE house1 ENABLE TRIGGER code$$);
-- a trigger that moves the point afterwards, and one that comes and goes
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN new.geom := ST_Translate(new.geom, 1, 0); RETURN new; END$$;
CREATE TRIGGER zz BEFORE INSERT ON house FOR EACH ROW EXECUTE FUNCTION move();
CALL after($$INSERT INTO house VALUES (14, 'SRID=3857;POINT(2.5 0.5)')$$);
DROP TRIGGER zz ON house;
CALL after('SELECT');
CREATE TRIGGER zz BEFORE INSERT ON house1 FOR EACH ROW EXECUTE FUNCTION move();
INSERT INTO house VALUES (15, 'SRID=3857;POINT(2.5 0.5)');
DROP TRIGGER zz ON house1;
CALL after('SELECT');
CALL after('SELECT');
CREATE TRIGGER aa BEFORE INSERT ON house FOR EACH ROW EXECUTE FUNCTION move();
CALL after('SELECT');
CALL after($$INSERT INTO house VALUES (16, 'SRID=3857;POINT(2.5 0.5)')$$);
DROP TRIGGER aa ON house;
-- other columns, other rows, other files
CALL after($$ALTER TABLE house ADD geom2 geometry; UPDATE house SET geom2 = 'SRID=3857;POINT(8.5 0.5)'$$);
CALL after($$ALTER TABLE house RENAME geom TO geom1; ALTER TABLE house RENAME geom2 TO geom; CREATE INDEX ON house USING gist (geom)$$);
CALL after($$ALTER TABLE house RENAME geom TO geom2; ALTER TABLE house RENAME geom1 TO geom$$);
CREATE TABLE house3 (LIKE house);
INSERT INTO house3 VALUES (200, 'SRID=3857;POINT(2.5 0.5)');
CALL after('ALTER TABLE house ATTACH PARTITION house3 FOR VALUES FROM (200) TO (300)');
CALL after('ALTER TABLE house1 ALTER COLUMN id SET STATISTICS 10');
CALL after($$ALTER TABLE house ALTER COLUMN geom TYPE geometry USING ST_Translate(geom, 1, 0)$$);
CALL after('SELECT');
CALL after('DROP INDEX house_geom');
CALL after('CREATE INDEX house_geom ON house USING gist (geom)');
CALL after('SELECT');
-- edits of the transaction that assigns, before and after
BEGIN;
UPDATE area SET code = '91' WHERE code = '11';
SAVEPOINT s;
CREATE TABLE junk ();
ROLLBACK TO s;
CALL after('SELECT');
CALL after($$UPDATE area SET code = '92' WHERE code = '15'$$);
UPDATE area SET code = '93' WHERE code = '16';
COMMIT;
CALL after('SELECT');
CALL after('SELECT');
-- row-level security shows only a part of the rows, or of the layer
CREATE ROLE assign_kept_clerk;
GRANT USAGE ON SCHEMA assign_kept TO assign_kept_clerk;
GRANT SELECT, UPDATE ON house TO assign_kept_clerk;
GRANT SELECT ON area TO assign_kept_clerk;
CREATE POLICY few ON house TO assign_kept_clerk USING (id = 1);
ALTER TABLE house ENABLE ROW LEVEL SECURITY;
UPDATE area SET code = '94' WHERE code = '17';
SET ROLE assign_kept_clerk;
CALL grid_assign('house', 'kept');
RESET ROLE;
CALL after('SELECT');
ALTER TABLE house DISABLE ROW LEVEL SECURITY;
CREATE POLICY few ON area TO assign_kept_clerk USING (code = '94');
ALTER TABLE area ENABLE ROW LEVEL SECURITY;
CALL after('SELECT');
SET ROLE assign_kept_clerk;
CALL grid_assign('house', 'kept');
RESET ROLE;
ALTER TABLE area DISABLE ROW LEVEL SECURITY;
CALL after('SELECT');
CALL after('SELECT');
-- who may not write is told so before anything is locked
CREATE ROLE assign_kept_nobody;
GRANT USAGE ON SCHEMA assign_kept TO assign_kept_nobody;
SET ROLE assign_kept_nobody;
BEGIN;
CALL grid_assign('house', 'kept');
ROLLBACK;
RESET ROLE;
-- a layer or a table that a crash would empty, or that goes with the session
ALTER TABLE area SET UNLOGGED;
CALL after('SELECT');
CALL after('SELECT');
ALTER TABLE area SET LOGGED;
CREATE TEMP TABLE hut (geom geometry, code gridcode);
CREATE INDEX ON hut USING gist (geom);
CREATE TRIGGER code BEFORE INSERT OR UPDATE ON hut FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('kept', 'geom', 'code');
CALL grid_assign('hut', 'kept');
CALL grid_assign('hut', 'kept');
SELECT target::regclass, layer, complete FROM grid_assign_target ORDER BY 1;
-- a trigger with another tolerance has the last word
CREATE TABLE barn (geom geometry, code gridcode);
CREATE INDEX ON barn USING gist (geom);
CREATE TRIGGER code BEFORE INSERT OR UPDATE ON barn FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('kept', 'geom', 'code', '3');
INSERT INTO barn VALUES ('SRID=3857;POINT(2.5 2.5)');
\set VERBOSITY default
CALL grid_assign('barn', 'kept');
-- with the tolerance that it has: each row is counted once, though both edits are near it
CALL grid_assign('barn', 'kept', tolerance => 3);
UPDATE area SET code = '71' WHERE code = '12';
UPDATE area SET code = '72' WHERE code = '14';
CALL grid_assign('barn', 'kept', tolerance => 3);
\set VERBOSITY terse
CREATE RULE nothing AS ON UPDATE TO barn DO INSTEAD NOTHING;
CALL grid_assign('barn', 'kept', tolerance => 3, filter => 'true');
-- a batch bounds what an edit writes at a time, down to rows at one place
CREATE TABLE written (tx xid8, n int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO written VALUES (pg_current_xact_id(), 1); RETURN NULL; END$$;
CREATE TRIGGER note AFTER UPDATE ON house FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO house SELECT i % 90, CASE WHEN i < 20 THEN 'SRID=3857;POINT(4.5 0.5)' ELSE ST_SetSRID(ST_Point(i % 89 / 10.0, 0.5), 3857) END FROM generate_series(1, 200) i;
CALL after('SELECT');
UPDATE area SET code = ('8' || code::text)::gridcode;
SET client_min_messages = warning;
CALL grid_assign('house', 'kept', batch => 10);
RESET client_min_messages;
SELECT max(n) AS most, sum(n) AS rows FROM (SELECT sum(n) AS n FROM written GROUP BY tx) t;
CALL after('SELECT');
-- what is gone is forgotten
DROP TABLE barn;
SELECT target::regclass, layer, complete FROM grid_assign_target ORDER BY 1;
DROP TABLE area CASCADE;
SELECT count(*) FROM grid_assign_target;
SET client_min_messages = warning;
DROP OWNED BY assign_kept_clerk, assign_kept_nobody;
DROP ROLE assign_kept_clerk, assign_kept_nobody;
DROP SCHEMA assign_kept CASCADE;
