-- Layers: what is noted of their edits, and the triggers that note it.

CREATE TABLE @extschema@.grid_layer_version (
	relation oid NOT NULL,
	newest bigint NOT NULL,
	count bigint NOT NULL,
	total bigint NOT NULL
) USING heap;
CREATE INDEX grid_layer_version_relation ON @extschema@.grid_layer_version (relation, newest);
COMMENT ON TABLE @extschema@.grid_layer_version IS
'One row for each transaction that edited a layer''s table, or for several of them together. What a snapshot sees here, summed up, tells whether the polygons are those seen before. Written by the layers'' triggers only; not dumped.';
COMMENT ON COLUMN @extschema@.grid_layer_version.relation IS 'OID of the layer''s table.';
COMMENT ON COLUMN @extschema@.grid_layer_version.newest IS 'Id of the newest transaction or subtransaction.';
COMMENT ON COLUMN @extschema@.grid_layer_version.count IS 'How many there are.';
COMMENT ON COLUMN @extschema@.grid_layer_version.total IS 'Sum of their ids.';
REVOKE ALL ON @extschema@.grid_layer_version FROM PUBLIC;

CREATE TABLE @extschema@.grid_layer_edit (
	relation oid NOT NULL,
	xid xid8 NOT NULL,
	extent box
) USING heap;
CREATE INDEX grid_layer_edit_relation ON @extschema@.grid_layer_edit (relation);
COMMENT ON TABLE @extschema@.grid_layer_edit IS
'Where layers were edited: the extents of polygons that came, changed or went. Written by the layers'' triggers only; not dumped.';
COMMENT ON COLUMN @extschema@.grid_layer_edit.relation IS 'OID of the layer''s table.';
COMMENT ON COLUMN @extschema@.grid_layer_edit.xid IS 'The transaction, for pg_visible_in_snapshot.';
COMMENT ON COLUMN @extschema@.grid_layer_edit.extent IS 'Bounding box of the old and the new polygon; NULL where anything may have changed.';
REVOKE ALL ON @extschema@.grid_layer_edit FROM PUBLIC;

CREATE FUNCTION @extschema@.grid_layer_touch(layer text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.grid_layer_touch(text) IS
'Says that anything in a layer may have changed, where its triggers could not see it: after a load with triggers disabled, or when a function in its filter was replaced. Only the owner of the table may. A layer that does not exist is an error; NULL does nothing.';

CREATE FUNCTION @extschema@.grid_layer_edited() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.grid_layer_edited() IS
'Trigger function on the tables of layers, their partitions and children: notes that and where they were edited. On any other table it does nothing.';

CREATE FUNCTION @extschema@.grid_layer_ddl() RETURNS event_trigger
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.grid_layer_ddl() IS
'Event trigger function: gives new and attached partitions and children of a layer''s table its triggers, and notes DDL that changes the rows of a layer.';

CREATE EVENT TRIGGER gridtree_layers_ddl_start ON ddl_command_start
	WHEN TAG IN ('ALTER TABLE')
	EXECUTE FUNCTION @extschema@.grid_layer_ddl();
ALTER EVENT TRIGGER gridtree_layers_ddl_start ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER gridtree_layers_ddl_start IS 'Notes DETACH PARTITION CONCURRENTLY in a layer before it is half done, and makes room for the triggers of an attached partition.';

CREATE EVENT TRIGGER gridtree_layers_ddl_end ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'CREATE SCHEMA', 'CREATE TRIGGER',
		'ALTER TABLE', 'ALTER FOREIGN TABLE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER TYPE')
	EXECUTE FUNCTION @extschema@.grid_layer_ddl();
ALTER EVENT TRIGGER gridtree_layers_ddl_end ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER gridtree_layers_ddl_end IS 'Keeps the triggers of layers on every partition and child of their tables, and notes DDL that changes their rows.';

CREATE FUNCTION @extschema@.grid_layer_dropped() RETURNS event_trigger
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.grid_layer_dropped() IS 'Event trigger function: a layer goes with its table, layers of which a partition or child was dropped are noted as edited, and triggers of layers that were dropped by name are put back.';

CREATE EVENT TRIGGER gridtree_layers_sql_drop ON sql_drop
	EXECUTE FUNCTION @extschema@.grid_layer_dropped();
ALTER EVENT TRIGGER gridtree_layers_sql_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER gridtree_layers_sql_drop IS 'Removes the layers of dropped tables from the catalog, notes dropped partitions and children, and puts back dropped triggers of layers.';
