-- Containment of codes, and what the planner knows about it.

CREATE FUNCTION @extschema@.grid_last(code @extschema@.gridcode) RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_last(@extschema@.gridcode) IS
'The greatest possible descendant of a code: its digits filled up to 18 with nines. The subtree of a code is exactly the range from it to this.';

CREATE FUNCTION @extschema@.grid_contained_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_contained_support(internal) IS 'Planner support: code <@ area is the range from the area to grid_last(area).';

CREATE FUNCTION @extschema@.grid_containedsel(internal, oid, internal, integer) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_containedsel(internal, oid, internal, integer) IS 'Selectivity of code <@ area.';

CREATE FUNCTION @extschema@.grid_containedjoinsel(internal, oid, internal, smallint, internal) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_containedjoinsel(internal, oid, internal, smallint, internal) IS 'Join selectivity of code <@ area.';

CREATE FUNCTION @extschema@.grid_contains_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_contains_support(internal) IS 'Planner support: area @> code is the range from the area to grid_last(area).';

CREATE FUNCTION @extschema@.grid_containssel(internal, oid, internal, integer) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_containssel(internal, oid, internal, integer) IS 'Selectivity of area @> code.';

CREATE FUNCTION @extschema@.grid_containsjoinsel(internal, oid, internal, smallint, internal) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_containsjoinsel(internal, oid, internal, smallint, internal) IS 'Join selectivity of area @> code.';

CREATE FUNCTION @extschema@.grid_contained(code @extschema@.gridcode, area @extschema@.gridcode) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1
	SUPPORT @extschema@.grid_contained_support;
COMMENT ON FUNCTION @extschema@.grid_contained(@extschema@.gridcode, @extschema@.gridcode) IS 'Implementation of <@.';

CREATE FUNCTION @extschema@.grid_contains(area @extschema@.gridcode, code @extschema@.gridcode) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1
	SUPPORT @extschema@.grid_contains_support;
COMMENT ON FUNCTION @extschema@.grid_contains(@extschema@.gridcode, @extschema@.gridcode) IS 'Implementation of @>.';

-- No negators: nothing is the opposite of containment, not even both of these.
CREATE OPERATOR @extschema@.<@ (
	LEFTARG = @extschema@.gridcode, RIGHTARG = @extschema@.gridcode, FUNCTION = @extschema@.grid_contained,
	COMMUTATOR = OPERATOR(@extschema@.@>), RESTRICT = @extschema@.grid_containedsel, JOIN = @extschema@.grid_containedjoinsel
);
COMMENT ON OPERATOR @extschema@.<@ (@extschema@.gridcode, @extschema@.gridcode) IS
'Is the left code equal to the right one or inside of it? A range of any btree: of a constant, a parameter or the column of another table.';

CREATE OPERATOR @extschema@.@> (
	LEFTARG = @extschema@.gridcode, RIGHTARG = @extschema@.gridcode, FUNCTION = @extschema@.grid_contains,
	COMMUTATOR = OPERATOR(@extschema@.<@), RESTRICT = @extschema@.grid_containssel, JOIN = @extschema@.grid_containsjoinsel
);
COMMENT ON OPERATOR @extschema@.@> (@extschema@.gridcode, @extschema@.gridcode) IS
'Does the left code equal or contain the right one?';
