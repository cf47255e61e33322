-- gridcode: the type, its comparison, its operator classes and its casts.

CREATE TYPE @extschema@.gridcode;

CREATE FUNCTION @extschema@.gridcode_in(cstring) RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_in(cstring) IS 'I/O';
CREATE FUNCTION @extschema@.gridcode_out(@extschema@.gridcode) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_out(@extschema@.gridcode) IS 'I/O';
CREATE FUNCTION @extschema@.gridcode_recv(internal) RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_recv(internal) IS 'I/O: a version byte (1) and 1 to 18 ASCII digits.';
CREATE FUNCTION @extschema@.gridcode_send(@extschema@.gridcode) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_send(@extschema@.gridcode) IS 'I/O: a version byte (1) and the ASCII digits.';

CREATE FUNCTION @extschema@.gridcode_typanalyze(internal) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_typanalyze(internal) IS 'ANALYZE: standard statistics, and the number of rows below each prefix.';

CREATE TYPE @extschema@.gridcode (
	INPUT = @extschema@.gridcode_in,
	OUTPUT = @extschema@.gridcode_out,
	RECEIVE = @extschema@.gridcode_recv,
	SEND = @extschema@.gridcode_send,
	ANALYZE = @extschema@.gridcode_typanalyze,
	LIKE = pg_catalog.int8
);
COMMENT ON TYPE @extschema@.gridcode IS
'A digit-prefix code of 1 to 18 digits: a shorter code is the area around every longer code it begins. 8 bytes, passed by value; text in is text out; order is that of text COLLATE "C".';

CREATE FUNCTION @extschema@.gridcode_eq(@extschema@.gridcode, @extschema@.gridcode) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_eq(@extschema@.gridcode, @extschema@.gridcode) IS 'Implementation of =.';

CREATE FUNCTION @extschema@.gridcode_ne(@extschema@.gridcode, @extschema@.gridcode) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_ne(@extschema@.gridcode, @extschema@.gridcode) IS 'Implementation of <>.';

CREATE FUNCTION @extschema@.gridcode_lt(@extschema@.gridcode, @extschema@.gridcode) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_lt(@extschema@.gridcode, @extschema@.gridcode) IS 'Implementation of <.';

CREATE FUNCTION @extschema@.gridcode_le(@extschema@.gridcode, @extschema@.gridcode) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_le(@extschema@.gridcode, @extschema@.gridcode) IS 'Implementation of <=.';

CREATE FUNCTION @extschema@.gridcode_gt(@extschema@.gridcode, @extschema@.gridcode) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_gt(@extschema@.gridcode, @extschema@.gridcode) IS 'Implementation of >.';

CREATE FUNCTION @extschema@.gridcode_ge(@extschema@.gridcode, @extschema@.gridcode) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_ge(@extschema@.gridcode, @extschema@.gridcode) IS 'Implementation of >=.';

CREATE FUNCTION @extschema@.gridcode_cmp(@extschema@.gridcode, @extschema@.gridcode) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_cmp(@extschema@.gridcode, @extschema@.gridcode) IS 'Less than, equal or greater: -1, 0 or 1.';

CREATE FUNCTION @extschema@.gridcode_hash(@extschema@.gridcode) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_hash(@extschema@.gridcode) IS 'Hash value.';

CREATE FUNCTION @extschema@.gridcode_hash_extended(@extschema@.gridcode, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_hash_extended(@extschema@.gridcode, bigint) IS 'Hash value of 64 bits, with a seed.';

CREATE FUNCTION @extschema@.gridcode_ltsel(internal, oid, internal, integer) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_ltsel(internal, oid, internal, integer) IS 'Selectivity of <: all bounds of a column together.';

CREATE FUNCTION @extschema@.gridcode_lesel(internal, oid, internal, integer) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_lesel(internal, oid, internal, integer) IS 'Selectivity of <=: all bounds of a column together.';

CREATE FUNCTION @extschema@.gridcode_gtsel(internal, oid, internal, integer) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_gtsel(internal, oid, internal, integer) IS 'Selectivity of >: all bounds of a column together.';

CREATE FUNCTION @extschema@.gridcode_gesel(internal, oid, internal, integer) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_gesel(internal, oid, internal, integer) IS 'Selectivity of >=: all bounds of a column together.';

CREATE OPERATOR @extschema@.= (
	LEFTARG = @extschema@.gridcode, RIGHTARG = @extschema@.gridcode, FUNCTION = @extschema@.gridcode_eq,
	COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES, MERGES
);
COMMENT ON OPERATOR @extschema@.= (@extschema@.gridcode, @extschema@.gridcode) IS 'Are both codes equal?';

CREATE OPERATOR @extschema@.<> (
	LEFTARG = @extschema@.gridcode, RIGHTARG = @extschema@.gridcode, FUNCTION = @extschema@.gridcode_ne,
	COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<> (@extschema@.gridcode, @extschema@.gridcode) IS 'Are the codes different?';

CREATE OPERATOR @extschema@.< (
	LEFTARG = @extschema@.gridcode, RIGHTARG = @extschema@.gridcode, FUNCTION = @extschema@.gridcode_lt,
	COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=),
	RESTRICT = @extschema@.gridcode_ltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR @extschema@.< (@extschema@.gridcode, @extschema@.gridcode) IS 'Is the left code before the right one in the depth-first order of the tree, which is the order of the digits as text COLLATE "C"?';

CREATE OPERATOR @extschema@.<= (
	LEFTARG = @extschema@.gridcode, RIGHTARG = @extschema@.gridcode, FUNCTION = @extschema@.gridcode_le,
	COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>),
	RESTRICT = @extschema@.gridcode_lesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR @extschema@.<= (@extschema@.gridcode, @extschema@.gridcode) IS 'Is the left code before or equal to the right one?';

CREATE OPERATOR @extschema@.> (
	LEFTARG = @extschema@.gridcode, RIGHTARG = @extschema@.gridcode, FUNCTION = @extschema@.gridcode_gt,
	COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=),
	RESTRICT = @extschema@.gridcode_gtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.> (@extschema@.gridcode, @extschema@.gridcode) IS 'Is the left code after the right one?';

CREATE OPERATOR @extschema@.>= (
	LEFTARG = @extschema@.gridcode, RIGHTARG = @extschema@.gridcode, FUNCTION = @extschema@.gridcode_ge,
	COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<),
	RESTRICT = @extschema@.gridcode_gesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR @extschema@.>= (@extschema@.gridcode, @extschema@.gridcode) IS 'Is the left code after or equal to the right one?';

CREATE FUNCTION @extschema@.gridcode_sortsupport(internal) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode_sortsupport(internal) IS 'Sort support: codes sort as fast as bigint.';

CREATE OPERATOR CLASS @extschema@.gridcode_ops DEFAULT FOR TYPE @extschema@.gridcode USING btree AS
	OPERATOR 1 @extschema@.<,
	OPERATOR 2 @extschema@.<=,
	OPERATOR 3 @extschema@.=,
	OPERATOR 4 @extschema@.>=,
	OPERATOR 5 @extschema@.>,
	FUNCTION 1 @extschema@.gridcode_cmp(@extschema@.gridcode, @extschema@.gridcode),
	FUNCTION 2 @extschema@.gridcode_sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS @extschema@.gridcode_ops USING btree IS 'Depth-first order of the tree: a subtree is one contiguous range. Deduplicates.';

CREATE OPERATOR CLASS @extschema@.gridcode_ops DEFAULT FOR TYPE @extschema@.gridcode USING hash AS
	OPERATOR 1 @extschema@.=,
	FUNCTION 1 @extschema@.gridcode_hash(@extschema@.gridcode),
	FUNCTION 2 @extschema@.gridcode_hash_extended(@extschema@.gridcode, bigint);
COMMENT ON OPERATOR CLASS @extschema@.gridcode_ops USING hash IS 'Equality of codes.';

CREATE OPERATOR CLASS @extschema@.gridcode_minmax_ops DEFAULT FOR TYPE @extschema@.gridcode USING brin AS
	OPERATOR 1 @extschema@.<,
	OPERATOR 2 @extschema@.<=,
	OPERATOR 3 @extschema@.=,
	OPERATOR 4 @extschema@.>=,
	OPERATOR 5 @extschema@.>,
	FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
	FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
	FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
	FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR CLASS @extschema@.gridcode_minmax_ops USING brin IS 'The first and the last code of each range of blocks.';

CREATE FUNCTION @extschema@.gridcode(text) RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME', 'gridcode_from_text_cast' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridcode(text) IS 'The code written in a text; an error where that is not 1 to 18 digits.';

CREATE FUNCTION @extschema@.text(@extschema@.gridcode) RETURNS text
	AS 'MODULE_PATHNAME', 'gridcode_to_text_cast' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.text(@extschema@.gridcode) IS 'The digits of a code.';

-- Only one direction is implicit: with both, code = text would not be unique.
CREATE CAST (text AS @extschema@.gridcode) WITH FUNCTION @extschema@.gridcode(text) AS IMPLICIT;
COMMENT ON CAST (text AS @extschema@.gridcode) IS 'Implicit, so that code = $1 works, and uses the index, with a text parameter.';
CREATE CAST (varchar AS @extschema@.gridcode) WITH FUNCTION @extschema@.gridcode(text) AS IMPLICIT;
COMMENT ON CAST (varchar AS @extschema@.gridcode) IS 'Implicit, so that code = $1 works, and uses the index, with a varchar parameter.';
CREATE CAST (@extschema@.gridcode AS text) WITH FUNCTION @extschema@.text(@extschema@.gridcode) AS ASSIGNMENT;
COMMENT ON CAST (@extschema@.gridcode AS text) IS 'On assignment only.';
