-- Rollups: the trigger that notes changes, and the event triggers that keep it in place.

CREATE FUNCTION @extschema@.grid_rollup_capture() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'grid_rollup_capture';
COMMENT ON FUNCTION @extschema@.grid_rollup_capture() IS
'Trigger function on the sources of rollups: logs the touched cells, whatever rights the writer or the rollup''s owner has. On a table without a rollup it warns once a session and does nothing.';

CREATE FUNCTION @extschema@.grid_rollup_ddl() RETURNS event_trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'grid_rollup_ddl';
COMMENT ON FUNCTION @extschema@.grid_rollup_ddl() IS
'Event trigger function: gives new and attached partitions and children of a rollup''s source the triggers, and has the rollup rebuilt after ATTACH, DETACH, INHERIT, NO INHERIT, SET EXPRESSION, and where its triggers were disabled.';

CREATE FUNCTION @extschema@.grid_rollup_dropped() RETURNS event_trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'grid_rollup_dropped';
COMMENT ON FUNCTION @extschema@.grid_rollup_dropped() IS
'Event trigger function: when a part of a rollup is dropped, drops what cannot work without it and forgets the rollup; puts back dropped triggers of rollups.';

CREATE EVENT TRIGGER grid_rollup_ddl_start ON ddl_command_start
    WHEN TAG IN ('ALTER TABLE')
    EXECUTE FUNCTION @extschema@.grid_rollup_ddl();
ALTER EVENT TRIGGER grid_rollup_ddl_start ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER grid_rollup_ddl_start IS 'Notes DETACH PARTITION CONCURRENTLY before it is half done, and that triggers of rollups were disabled.';

CREATE EVENT TRIGGER grid_rollup_ddl ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'CREATE SCHEMA', 'ALTER TABLE', 'ALTER FOREIGN TABLE', 'CREATE TRIGGER', 'CREATE INDEX')
    EXECUTE FUNCTION @extschema@.grid_rollup_ddl();
ALTER EVENT TRIGGER grid_rollup_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER grid_rollup_ddl IS 'Keeps the triggers of rollups on every partition and child of their sources.';

CREATE EVENT TRIGGER grid_rollup_rewrite ON table_rewrite
    EXECUTE FUNCTION @extschema@.grid_rollup_ddl();
ALTER EVENT TRIGGER grid_rollup_rewrite ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER grid_rollup_rewrite IS 'Has rollups of a rewritten table rebuilt: what a refresh with an older snapshot takes from it is nothing.';

CREATE EVENT TRIGGER grid_rollup_dropped ON sql_drop
    EXECUTE FUNCTION @extschema@.grid_rollup_dropped();
ALTER EVENT TRIGGER grid_rollup_dropped ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER grid_rollup_dropped IS 'Cleans up after a part of a rollup was dropped.';
