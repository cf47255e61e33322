-- Who may do what, and as whom it runs.
CREATE SCHEMA rollup_security;
SET search_path = rollup_security, public;
SET jit = off;
\set VERBOSITY terse
CREATE ROLE rollup_owner;
CREATE ROLE rollup_writer;
CREATE ROLE rollup_reader;
CREATE ROLE rollup_refresher;
CREATE ROLE rollup_heir;
GRANT CREATE, USAGE ON SCHEMA rollup_security TO rollup_owner, rollup_heir;
GRANT USAGE ON SCHEMA rollup_security TO rollup_writer, rollup_reader, rollup_refresher;
GRANT rollup_heir TO rollup_owner;

SET ROLE rollup_owner;
CREATE TABLE cases (grid gridcode, secret int);
-- a function that tells who calls it, and tries to get more
CREATE TABLE calls (who name, restricted boolean);
CREATE FUNCTION spy(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE WARNING 'runs as %, row_security %, search_path %', current_user, current_setting('row_security'), current_setting('search_path');
    BEGIN
        PERFORM set_config('role', session_user, false);
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE WARNING '%', SQLERRM;
    END;
    RETURN $1;
END $$;
RESET ROLE;
-- the superuser creates it, but it is the owner's, and runs as the owner
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "sum(spy(secret))"}', lowest_level => 'grid', top_level => 'grid');
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'rollup_security'::regnamespace AND relname LIKE 'r%' AND relkind IN ('r', 'v') ORDER BY 1;
GRANT INSERT ON cases TO rollup_writer;
GRANT SELECT ON r TO rollup_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON r TO rollup_refresher;
SET ROLE rollup_writer;
INSERT INTO cases VALUES ('350304001001001', 7);
SELECT * FROM r_log;
SELECT * FROM r;
RESET ROLE;
SELECT * FROM r_log ORDER BY code NULLS FIRST;

-- refresh: the owner and who may write the rows
SET ROLE rollup_reader;
SELECT grid_rollup_refresh('r');
CALL grid_rollup_refresh_batched('r', 1);
SELECT * FROM grid_rollup_verify('r');
SELECT grid_rollup_unassigned('r');
SELECT grid_rollup_alter('r', '{"enabled": false}');
SELECT grid_rollup_drop('r');
UPDATE grid_rollup_catalog SET enabled = false;
DELETE FROM grid_rollup_measure;
SELECT * FROM r_rows;
SELECT * FROM cases;
SELECT grid_rollup_create('s', 'cases', 'grid', '{"n": "count(*)"}');
SET ROLE rollup_refresher;
SELECT grid_rollup_refresh('r');
SELECT * FROM r;
SELECT * FROM grid_rollup_verify('r');
SELECT grid_rollup_drop('r');
RESET ROLE;
-- also the superuser runs it as the owner
UPDATE cases SET secret = 8;
SELECT grid_rollup_refresh('r');
SELECT current_user = session_user AS back;

-- create needs the right to create in the schema
CREATE SCHEMA rollup_closed;
SET ROLE rollup_owner;
SELECT grid_rollup_create('rollup_closed.s', 'cases', 'grid', '{"n": "count(*)"}');
RESET ROLE;
DROP SCHEMA rollup_closed;

-- policies: never a partial figure
SET ROLE rollup_owner;
ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
CREATE POLICY part ON cases USING (secret > 100);
INSERT INTO cases VALUES ('350304001001002', 9);
SELECT grid_rollup_refresh('r');
ALTER TABLE cases FORCE ROW LEVEL SECURITY;
INSERT INTO cases VALUES ('350304001001002', 900);
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');
SELECT grid_rollup_create('s', 'cases', 'grid', '{"n": "count(*)"}');
ALTER TABLE cases NO FORCE ROW LEVEL SECURITY;
SELECT grid_rollup_refresh('r');
SELECT code, n FROM r ORDER BY code;

-- a hostile search_path changes nothing
RESET ROLE;
CREATE SCHEMA rollup_hostile;
CREATE FUNCTION rollup_hostile.sum(bigint) RETURNS numeric LANGUAGE sql AS 'SELECT 666';
CREATE FUNCTION rollup_hostile.grid_ancestor(gridcode, text, gridscheme) RETURNS gridcode LANGUAGE sql AS 'SELECT ''66''::gridcode';
CREATE FUNCTION rollup_hostile.never(gridcode, gridcode) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR rollup_hostile.= (LEFTARG = gridcode, RIGHTARG = gridcode, FUNCTION = rollup_hostile.never);
SET search_path = rollup_hostile, rollup_security, public, pg_catalog;
INSERT INTO cases VALUES ('350304001001003', 1);
SET client_min_messages = error;
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');
SELECT grid_rollup_drop('r');
SELECT grid_rollup_create('rollup_security.r', 'cases', 'grid', '{"n": "pg_catalog.sum(secret)"}', lowest_level => 'grid', top_level => 'district');
SELECT grid_rollup_refresh('r');
INSERT INTO cases VALUES ('350304001001003', 1);
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');
RESET client_min_messages;
SET search_path = rollup_security, public;
DROP SCHEMA rollup_hostile CASCADE;
SELECT code, level, n FROM r ORDER BY code;

-- another owner
GRANT SELECT ON cases TO rollup_heir;
SELECT grid_rollup_alter('r', '{"owner": "rollup_heir"}');
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'rollup_security'::regnamespace AND relname LIKE 'r%' AND relkind IN ('r', 'v') ORDER BY 1;
INSERT INTO cases VALUES ('350304001001003', 1);
SELECT grid_rollup_refresh('r');
ALTER TABLE cases DISABLE ROW LEVEL SECURITY;
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');
REASSIGN OWNED BY rollup_heir TO rollup_owner;
INSERT INTO cases VALUES ('350304001001003', 1);
SELECT grid_rollup_refresh('r');
SELECT * FROM grid_rollup_verify('r');
DROP OWNED BY rollup_owner, rollup_heir, rollup_writer, rollup_reader, rollup_refresher CASCADE;
SELECT count(*) FROM grid_rollup_catalog;
DROP ROLE rollup_owner, rollup_heir, rollup_writer, rollup_reader, rollup_refresher;

-- an error that quotes a row is for those who may read it
CREATE ROLE rollup_refresher;
CREATE ROLE rollup_reader;
GRANT USAGE ON SCHEMA rollup_security TO rollup_refresher, rollup_reader;
CREATE TABLE letters (grid gridcode, secret text);
SELECT grid_rollup_create('e', 'letters', 'grid', '{"n": "sum(secret::int)"}', lowest_level => 'grid');
GRANT SELECT, INSERT, UPDATE, DELETE ON e TO rollup_refresher;
INSERT INTO letters VALUES ('350304001001001', 'top secret'), (NULL, '1');
\set VERBOSITY default
SET ROLE rollup_refresher;
SELECT grid_rollup_refresh('e');
CALL grid_rollup_refresh_batched('e', 10);
SELECT grid_rollup_compact('e');
SELECT filled, pending, unassigned FROM grid_rollup_status WHERE rollup = 'e'::regclass;
SET ROLE rollup_reader;
SELECT grid_rollup_compact('e');
SELECT count(*) FROM grid_rollup_status;
RESET ROLE;
GRANT SELECT ON letters TO rollup_refresher;
SET ROLE rollup_refresher;
SELECT grid_rollup_refresh('e');
RESET ROLE;
DELETE FROM letters WHERE grid IS NOT NULL;
SELECT grid_rollup_refresh('e');
SELECT filled, pending, unassigned FROM grid_rollup_status WHERE rollup = 'e'::regclass;
\set VERBOSITY terse
DROP SCHEMA rollup_security CASCADE;
DROP ROLE rollup_refresher, rollup_reader;
