-- Assigning: which edits of a layer each table has taken in.
CREATE TABLE @extschema@.grid_assign_target (
	target oid NOT NULL,
	layer text COLLATE "C" NOT NULL,
	geom_column name NOT NULL,
	code_column name NOT NULL,
	keeper bigint NOT NULL,
	complete boolean NOT NULL,
	consumed pg_snapshot NOT NULL,
	CONSTRAINT grid_assign_target_pkey PRIMARY KEY (target, layer, geom_column, code_column)
);
COMMENT ON TABLE @extschema@.grid_assign_target IS
'Tables that grid_assign has assigned whole and grid_assign_trigger keeps so, and which edits of the layer they have taken in. Written by grid_assign only, and not dumped: the first call after a restore looks at every row.';
COMMENT ON COLUMN @extschema@.grid_assign_target.keeper IS 'A number of all that keeps the codes; where it is another now, every row is looked at.';
COMMENT ON COLUMN @extschema@.grid_assign_target.complete IS 'Whether every row has been assigned once; false while the first run is on, or after it was broken off.';
COMMENT ON COLUMN @extschema@.grid_assign_target.consumed IS 'Edits of transactions that this snapshot sees have been taken in.';
REVOKE ALL ON @extschema@.grid_assign_target FROM PUBLIC;
