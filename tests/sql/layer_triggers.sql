-- The triggers of layers: taken over, refused, dropped and replaced.
CREATE SCHEMA layer_triggers;
SET search_path = layer_triggers, public;
SET client_min_messages = warning;
CREATE FUNCTION box(x float8) RETURNS geometry IMMUTABLE LANGUAGE sql AS
	$$ SELECT ST_MakeEnvelope(x, 0, x + 1, 1, 3857) $$;
CREATE FUNCTION at(layer text, x float8) RETURNS gridcode LANGUAGE sql AS
	$$ SELECT grid_locate(layer, ST_SetSRID(ST_Point(x, 0.5), 3857)) $$;
CREATE VIEW triggers AS
	SELECT tgrelid::regclass AS relation, tgname AS name, tgenabled AS enabled, tgparentid <> 0 AS cloned, proname AS function
	FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid WHERE tgname ~ '^gridtree' ORDER BY 1, 2;

-- left over, as pg_dump -t leaves them, and disabled; those of a child fire for the origin only
CREATE TABLE kept (geom geometry(Polygon, 3857), code gridcode);
CREATE TABLE kept_child () INHERITS (kept);
CREATE TRIGGER gridtree_layer_version BEFORE INSERT OR UPDATE OR DELETE ON kept FOR EACH ROW EXECUTE FUNCTION grid_layer_edited();
CREATE TRIGGER gridtree_layer_edit AFTER INSERT OR UPDATE OR DELETE ON kept FOR EACH ROW EXECUTE FUNCTION grid_layer_edited();
ALTER TABLE kept DISABLE TRIGGER ALL;
CREATE TRIGGER gridtree_layer_version BEFORE INSERT OR UPDATE OR DELETE ON kept_child FOR EACH ROW EXECUTE FUNCTION grid_layer_edited();
CREATE TRIGGER gridtree_layer_truncate BEFORE TRUNCATE ON kept_child EXECUTE FUNCTION grid_layer_edited();
INSERT INTO kept VALUES (box(0), '11');
INSERT INTO kept_child VALUES (box(1), '12');
SELECT grid_layer_add('kept', 'kept');
SELECT * FROM triggers;
SELECT FROM grid_layer_prepare('kept');
UPDATE kept SET code = '21';
SELECT at('kept', 0.5), at('kept', 1.5);
SELECT FROM grid_layer_prepare('kept');
SET session_replication_role = replica;
UPDATE kept_child SET code = '31';
RESET session_replication_role;
SELECT at('kept', 0.5), at('kept', 1.5);
-- a clone that is disabled, when one more layer is added
CREATE TABLE parted (geom geometry(Polygon, 3857), code gridcode, part int) PARTITION BY LIST (part);
CREATE TABLE part_1 PARTITION OF parted FOR VALUES IN (1);
SELECT grid_layer_add('parted', 'parted');
ALTER TABLE part_1 DISABLE TRIGGER USER;
SELECT grid_layer_add('part_1', 'part_1');
SELECT * FROM triggers WHERE relation = 'part_1'::regclass;

-- another's trigger of that name is refused, and stays
CREATE TABLE other (geom geometry(Polygon, 3857), code gridcode);
CREATE TABLE other_child () INHERITS (other);
CREATE FUNCTION nop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER gridtree_layer_version BEFORE INSERT ON other_child FOR EACH ROW EXECUTE FUNCTION nop();
SELECT grid_layer_add('other', 'other');
ALTER TABLE other_child NO INHERIT other;
SELECT grid_layer_add('other', 'other');
ALTER TABLE other_child INHERIT other;
ALTER TRIGGER gridtree_layer_version ON other_child RENAME TO mine;
ALTER TABLE other_child INHERIT other;
ALTER TABLE other_child NO INHERIT other;
ALTER TRIGGER mine ON other_child RENAME TO gridtree_layer_version;
SELECT grid_layer_drop('other');
SELECT * FROM triggers WHERE relation = 'other_child'::regclass;
-- our function, but not for all that happens
DROP TRIGGER gridtree_layer_version ON other_child;
CREATE TRIGGER gridtree_layer_version BEFORE UPDATE OF code ON other_child FOR EACH ROW EXECUTE FUNCTION grid_layer_edited();
\set VERBOSITY terse
SELECT grid_layer_add('other', 'other_child');
CREATE OR REPLACE TRIGGER gridtree_layer_version BEFORE INSERT OR UPDATE OR DELETE ON other_child FOR EACH ROW WHEN (false) EXECUTE FUNCTION grid_layer_edited();
SELECT grid_layer_add('other', 'other_child');
-- ours is not replaced
CREATE OR REPLACE TRIGGER gridtree_layer_edit AFTER INSERT ON kept FOR EACH ROW EXECUTE FUNCTION nop();
\set VERBOSITY default

-- dropped by name they are put back
SET client_min_messages = notice;
CREATE INDEX ON kept USING gist (geom);
SELECT FROM grid_layer_prepare('kept');
DROP TRIGGER gridtree_layer_edit ON kept;
UPDATE kept SET code = '41' WHERE code = '21';
SELECT at('kept', 0.5), at('kept', 1.5);
DROP TRIGGER gridtree_layer_edit ON parted;
DROP TRIGGER gridtree_layer_truncate ON part_1;
DROP TRIGGER gridtree_layer_version ON part_1;
SELECT * FROM triggers WHERE relation <> 'other_child'::regclass;
-- but not with the layer, the table or the schema, nor where they are of no layer
SELECT grid_layer_drop('kept');
SELECT * FROM triggers WHERE relation IN ('kept'::regclass, 'kept_child');
ALTER TABLE parted DETACH PARTITION part_1;
SELECT grid_layer_drop('part_1');
SELECT * FROM triggers WHERE relation IN ('parted'::regclass, 'part_1');
DROP TRIGGER gridtree_layer_version ON other_child;
SELECT * FROM triggers WHERE relation = 'other_child'::regclass;

-- a trigger that comes may move points: what was kept is not known to be any more
INSERT INTO kept VALUES (box(3), '14');
SELECT grid_layer_add('kept', 'kept');
CREATE TABLE point (id int, geom geometry, code gridcode, geom_new geometry);
CREATE INDEX ON point USING gist (geom);
CREATE INDEX ON point USING gist (geom_new);
CREATE TRIGGER code BEFORE INSERT OR UPDATE ON point FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('kept', 'geom', 'code');
INSERT INTO point VALUES (1, 'SRID=3857;POINT(0.5 0.5)');
CALL grid_assign('point', 'kept');
DROP TRIGGER code ON point;
INSERT INTO point VALUES (2, 'SRID=3857;POINT(3.5 0.5)');
CREATE TRIGGER code BEFORE INSERT OR UPDATE ON point FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('kept', 'geom', 'code');
CALL grid_assign('point', 'kept');
SELECT id, code FROM point ORDER BY id;
-- and one that has the name of a column's is another column
UPDATE point SET geom_new = 'SRID=3857;POINT(3.5 0.5)';
CALL grid_assign('point', 'kept');
ALTER TABLE point RENAME geom TO geom_old;
ALTER TABLE point RENAME geom_new TO geom;
CALL grid_assign('point', 'kept');
SELECT id, code FROM point ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA layer_triggers CASCADE;
SELECT count(*) FROM grid_layers;
