-- Functions of codes, without and with a scheme.

CREATE FUNCTION @extschema@.grid_digits(code @extschema@.gridcode) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_digits(@extschema@.gridcode) IS 'Number of digits of a code, 1 to 18.';

CREATE FUNCTION @extschema@.grid_prefix(code @extschema@.gridcode, digits integer) RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_prefix(@extschema@.gridcode, integer) IS
'The first digits of a code; NULL when the code is shorter. A number of digits below 1 is an error.';

CREATE FUNCTION @extschema@.grid_common(a @extschema@.gridcode, b @extschema@.gridcode) RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_common(@extschema@.gridcode, @extschema@.gridcode) IS
'The longest code that contains both; NULL when their first digits differ.';

CREATE FUNCTION @extschema@.grid_level(code @extschema@.gridcode, scheme @extschema@.gridscheme DEFAULT 'cn') RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_level(@extschema@.gridcode, @extschema@.gridscheme) IS
'The name of the level a code ends at; NULL when it ends inside a level or below the lowest.';

CREATE FUNCTION @extschema@.grid_depth(code @extschema@.gridcode, scheme @extschema@.gridscheme DEFAULT 'cn') RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_depth(@extschema@.gridcode, @extschema@.gridscheme) IS
'The number of the level a code ends at, 1 the highest; NULL when it ends inside a level or below the lowest.';

CREATE FUNCTION @extschema@.grid_parent(code @extschema@.gridcode, scheme @extschema@.gridscheme DEFAULT 'cn') RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_parent(@extschema@.gridcode, @extschema@.gridscheme) IS
'The nearest area of a level of the scheme around a code, other than itself; NULL for a code of the highest level.';

CREATE FUNCTION @extschema@.grid_ancestor(code @extschema@.gridcode, level text, scheme @extschema@.gridscheme DEFAULT 'cn') RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_ancestor(@extschema@.gridcode, text, @extschema@.gridscheme) IS
'The area of a level that a code is or is in; NULL when the code is above that level. A level that the scheme does not have is an error.';

CREATE FUNCTION @extschema@.grid_ancestors(descendant @extschema@.gridcode, scheme @extschema@.gridscheme DEFAULT 'cn',
	OUT code @extschema@.gridcode, OUT level text) RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 ROWS 5;
COMMENT ON FUNCTION @extschema@.grid_ancestors(@extschema@.gridcode, @extschema@.gridscheme) IS
'The areas around a code, one row a level, from the highest to its parent.';

CREATE FUNCTION @extschema@.grid_child(parent @extschema@.gridcode, number integer, scheme @extschema@.gridscheme DEFAULT 'cn') RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_child(@extschema@.gridcode, integer, @extschema@.gridscheme) IS
'The child of an area with that number, zero-padded to the width of the level below. A number that does not fit, a parent of the lowest level or one that ends inside a level is an error.';

CREATE FUNCTION @extschema@.grid_unpad(code text, scheme @extschema@.gridscheme DEFAULT 'cn') RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.grid_unpad(text, @extschema@.gridscheme) IS
'The code that an official list pads with zeros: whole trailing levels of zeros are cut, so 350304001000 is 350304001 and 441900003000 is 441900003. Only zeros, or an end inside a level, is an error.';
