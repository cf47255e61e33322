-- Assigning: codes of areas written into tables of points.
CREATE PROCEDURE @extschema@.grid_assign(target regclass, layer text, geom_column name DEFAULT 'geom',
		code_column name DEFAULT 'code', tolerance double precision DEFAULT 0, filter text DEFAULT NULL,
		batch integer DEFAULT NULL, INOUT assigned bigint DEFAULT NULL, INOUT changed bigint DEFAULT NULL,
		INOUT outside bigint DEFAULT NULL)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON PROCEDURE @extschema@.grid_assign(regclass, text, name, name, double precision, text, integer, bigint, bigint, bigint) IS
'Gives every row of a table, or every row that filter keeps, the code that grid_locate has for its point; writes only rows that change. Returns how many rows have a code afterwards (assigned), were written (changed) and have none (outside). Without batch it works in the caller''s transaction; with it, it commits after about that many rows, can be resumed, cannot run inside a transaction block, and waits for transactions that write the table and for older snapshots, so that no row keeps a code of older polygons. Where the table has grid_assign_trigger for the same layer, columns and tolerance as the last of its row triggers and a spatial index, the layer has no row-level policies, and a call has assigned all of it before, only rows in the areas of the layer edited since are looked at and counted; rows written while the trigger did not fire (session_replication_role, replication) are then left as they are. With a filter, if only ''true'', every row is looked at; filter is one immutable expression on the row, and rows are counted by it after they are written. From PL/pgSQL the three results must be variables: CALL grid_assign(''t'', ''l'', assigned => a, changed => c, outside => o). Needs UPDATE on the code column, and SELECT on the table and on the layer''s.';

CREATE FUNCTION @extschema@.grid_assign_trigger() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.grid_assign_trigger() IS
'BEFORE INSERT OR UPDATE row trigger with the arguments layer, geometry column, code column and, if wanted, tolerance: sets the code of each row whose point or code is new to what grid_locate says, so that a code typed by hand does not stand. Leave out WHEN and OF, and give it a name that sorts after those of other row triggers that set the point. Who writes rows needs SELECT on the layer''s table. A generated column is an error, and a table cannot be partitioned by the code.';
