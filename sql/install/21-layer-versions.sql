-- Versions of layers, which tell a statement whether it knows their polygons, and the log of what was edited where.
CREATE SEQUENCE @extschema@.grid_layer_version_seq;
COMMENT ON SEQUENCE @extschema@.grid_layer_version_seq IS 'Numbers of version rows; never given twice.';

CREATE TABLE @extschema@.grid_layer_version (
	relation oid NOT NULL,
	newest bigint NOT NULL,
	count bigint NOT NULL,
	total bigint NOT NULL
) WITH (autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0);
CREATE INDEX grid_layer_version_relation_idx ON @extschema@.grid_layer_version (relation);
COMMENT ON TABLE @extschema@.grid_layer_version IS
'Version rows of the tables of layers, one for each subtransaction that edited one; now and then several are merged into one. Statements that see the same rows see the same polygons. Written by triggers only, and not dumped.';
COMMENT ON COLUMN @extschema@.grid_layer_version.newest IS 'Greatest number of the version rows that this one stands for.';
COMMENT ON COLUMN @extschema@.grid_layer_version.count IS 'How many version rows this one stands for.';
COMMENT ON COLUMN @extschema@.grid_layer_version.total IS 'Sum of their numbers.';
REVOKE ALL ON @extschema@.grid_layer_version, @extschema@.grid_layer_version_seq FROM PUBLIC;

CREATE TABLE @extschema@.grid_layer_edit (
	layer text COLLATE "C" NOT NULL,
	xid xid8 NOT NULL,
	west double precision,
	south double precision,
	east double precision,
	north double precision
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.1);
CREATE INDEX grid_layer_edit_layer_idx ON @extschema@.grid_layer_edit (layer);
COMMENT ON TABLE @extschema@.grid_layer_edit IS
'Boxes in which layers were edited, by transaction; without a box, everywhere. grid_assign reads it to know where a table must be assigned anew. Written by triggers only, and not dumped.';
REVOKE ALL ON @extschema@.grid_layer_edit FROM PUBLIC;

CREATE FUNCTION @extschema@.grid_layer_edited() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.grid_layer_edited() IS
'Trigger function on the tables of layers, which grid_layer_add puts there: appends a version and logs where rows were edited. On a table that belongs to no layer it does nothing.';

CREATE FUNCTION @extschema@.grid_layer_touch(layer text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.grid_layer_touch(text) IS
'Says that the polygons of a layer have changed in a way that its triggers could not see: after a load with triggers disabled. Only the owner of the table may.';

CREATE FUNCTION @extschema@.grid_layer_ddl() RETURNS event_trigger
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.grid_layer_ddl() IS
'Event trigger function: DDL on the table of a layer, or on a partition or child of it, counts as an edit of the layer, and new members get the triggers.';

CREATE EVENT TRIGGER gridtree_layers_ddl ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE', 'ALTER FOREIGN TABLE')
	EXECUTE FUNCTION @extschema@.grid_layer_ddl();
ALTER EVENT TRIGGER gridtree_layers_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER gridtree_layers_ddl IS 'Keeps triggers and versions of layers right through DDL.';

CREATE TABLE @extschema@.grid_assign_target (
	target oid NOT NULL,
	layer text COLLATE "C" NOT NULL,
	geom_column name NOT NULL,
	code_column name NOT NULL,
	tolerance double precision NOT NULL,
	complete boolean NOT NULL,
	consumed pg_snapshot NOT NULL,
	CONSTRAINT grid_assign_target_pkey PRIMARY KEY (target, layer, geom_column, code_column)
);
COMMENT ON TABLE @extschema@.grid_assign_target IS
'Tables that grid_assign has assigned whole and grid_assign_trigger keeps so, and which edits of the layer they have taken in. Written by grid_assign only, and not dumped: the first call after a restore looks at every row.';
COMMENT ON COLUMN @extschema@.grid_assign_target.complete IS 'Whether every row has been assigned once; false while the first run is on, or after it was broken off.';
COMMENT ON COLUMN @extschema@.grid_assign_target.consumed IS 'Edits of transactions that this snapshot sees have been taken in.';
REVOKE ALL ON @extschema@.grid_assign_target FROM PUBLIC;
