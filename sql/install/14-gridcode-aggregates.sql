-- Aggregates of codes.

CREATE FUNCTION @extschema@.gridcode_smaller(@extschema@.gridcode, @extschema@.gridcode) RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_smaller(@extschema@.gridcode, @extschema@.gridcode) IS 'The first of two codes in the order of the tree.';

CREATE FUNCTION @extschema@.gridcode_larger(@extschema@.gridcode, @extschema@.gridcode) RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_larger(@extschema@.gridcode, @extschema@.gridcode) IS 'The last of two codes in the order of the tree.';

CREATE AGGREGATE @extschema@.min(@extschema@.gridcode) (
	SFUNC = @extschema@.gridcode_smaller, STYPE = @extschema@.gridcode,
	COMBINEFUNC = @extschema@.gridcode_smaller, SORTOP = OPERATOR(@extschema@.<), PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.min(@extschema@.gridcode) IS 'The first code in the order of the tree.';

CREATE AGGREGATE @extschema@.max(@extschema@.gridcode) (
	SFUNC = @extschema@.gridcode_larger, STYPE = @extschema@.gridcode,
	COMBINEFUNC = @extschema@.gridcode_larger, SORTOP = OPERATOR(@extschema@.>), PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.max(@extschema@.gridcode) IS 'The last code in the order of the tree.';

CREATE FUNCTION @extschema@.grid_common_accum(state text, code @extschema@.gridcode) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_common_accum(text, @extschema@.gridcode) IS
'Transition of grid_common: the digits common to all codes so far, empty where there are none, NULL before the first code.';

CREATE FUNCTION @extschema@.grid_common_combine(text, text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_common_combine(text, text) IS 'Combines two states of grid_common.';

CREATE FUNCTION @extschema@.grid_common_final(text) RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_common_final(text) IS 'Result of grid_common: NULL where no digits are common.';

CREATE AGGREGATE @extschema@.grid_common(@extschema@.gridcode) (
	SFUNC = @extschema@.grid_common_accum, STYPE = text, SSPACE = 32,
	FINALFUNC = @extschema@.grid_common_final,
	COMBINEFUNC = @extschema@.grid_common_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.grid_common(@extschema@.gridcode) IS
'The longest code that contains every code of the group; NULL when their first digits differ or there are none. NULLs are ignored.';
