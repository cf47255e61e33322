-- gridscheme: the type, its comparison and its operator classes.

CREATE TYPE @extschema@.gridscheme;

CREATE FUNCTION @extschema@.gridscheme_in(cstring) RETURNS @extschema@.gridscheme
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_in(cstring) IS 'I/O';
CREATE FUNCTION @extschema@.gridscheme_out(@extschema@.gridscheme) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_out(@extschema@.gridscheme) IS 'I/O';
CREATE FUNCTION @extschema@.gridscheme_recv(internal) RETURNS @extschema@.gridscheme
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_recv(internal) IS 'I/O';
CREATE FUNCTION @extschema@.gridscheme_send(@extschema@.gridscheme) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_send(@extschema@.gridscheme) IS 'I/O';

CREATE TYPE @extschema@.gridscheme (
	INPUT = @extschema@.gridscheme_in,
	OUTPUT = @extschema@.gridscheme_out,
	RECEIVE = @extschema@.gridscheme_recv,
	SEND = @extschema@.gridscheme_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended
);
COMMENT ON TYPE @extschema@.gridscheme IS
'The levels of a hierarchy, highest first, each a name and its number of digits: ''province 2, city 2, district 2''. Input may be a preset (cn, cn-grid2, us-census, de-ars); output is always spelled out.';

CREATE FUNCTION @extschema@.gridscheme_eq(@extschema@.gridscheme, @extschema@.gridscheme) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_eq(@extschema@.gridscheme, @extschema@.gridscheme) IS 'Implementation of =.';

CREATE FUNCTION @extschema@.gridscheme_ne(@extschema@.gridscheme, @extschema@.gridscheme) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_ne(@extschema@.gridscheme, @extschema@.gridscheme) IS 'Implementation of <>.';

CREATE FUNCTION @extschema@.gridscheme_lt(@extschema@.gridscheme, @extschema@.gridscheme) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_lt(@extschema@.gridscheme, @extschema@.gridscheme) IS 'Implementation of <.';

CREATE FUNCTION @extschema@.gridscheme_le(@extschema@.gridscheme, @extschema@.gridscheme) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_le(@extschema@.gridscheme, @extschema@.gridscheme) IS 'Implementation of <=.';

CREATE FUNCTION @extschema@.gridscheme_gt(@extschema@.gridscheme, @extschema@.gridscheme) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_gt(@extschema@.gridscheme, @extschema@.gridscheme) IS 'Implementation of >.';

CREATE FUNCTION @extschema@.gridscheme_ge(@extschema@.gridscheme, @extschema@.gridscheme) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_ge(@extschema@.gridscheme, @extschema@.gridscheme) IS 'Implementation of >=.';

CREATE FUNCTION @extschema@.gridscheme_cmp(@extschema@.gridscheme, @extschema@.gridscheme) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_cmp(@extschema@.gridscheme, @extschema@.gridscheme) IS 'Less than, equal or greater: -1, 0 or 1.';

CREATE FUNCTION @extschema@.gridscheme_hash(@extschema@.gridscheme) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_hash(@extschema@.gridscheme) IS 'Hash value.';

CREATE FUNCTION @extschema@.gridscheme_hash_extended(@extschema@.gridscheme, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION @extschema@.gridscheme_hash_extended(@extschema@.gridscheme, bigint) IS 'Hash value of 64 bits, with a seed.';

CREATE OPERATOR @extschema@.= (
	LEFTARG = @extschema@.gridscheme, RIGHTARG = @extschema@.gridscheme, FUNCTION = @extschema@.gridscheme_eq,
	COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES, MERGES
);
COMMENT ON OPERATOR @extschema@.= (@extschema@.gridscheme, @extschema@.gridscheme) IS 'Are both schemes equal?';

CREATE OPERATOR @extschema@.<> (
	LEFTARG = @extschema@.gridscheme, RIGHTARG = @extschema@.gridscheme, FUNCTION = @extschema@.gridscheme_ne,
	COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<> (@extschema@.gridscheme, @extschema@.gridscheme) IS 'Are the schemes different?';

CREATE OPERATOR @extschema@.< (
	LEFTARG = @extschema@.gridscheme, RIGHTARG = @extschema@.gridscheme, FUNCTION = @extschema@.gridscheme_lt,
	COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR @extschema@.< (@extschema@.gridscheme, @extschema@.gridscheme) IS 'Is the left scheme before the right one in bytewise order of the text?';

CREATE OPERATOR @extschema@.<= (
	LEFTARG = @extschema@.gridscheme, RIGHTARG = @extschema@.gridscheme, FUNCTION = @extschema@.gridscheme_le,
	COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR @extschema@.<= (@extschema@.gridscheme, @extschema@.gridscheme) IS 'Is the left scheme before or equal to the right one in bytewise order of the text?';

CREATE OPERATOR @extschema@.> (
	LEFTARG = @extschema@.gridscheme, RIGHTARG = @extschema@.gridscheme, FUNCTION = @extschema@.gridscheme_gt,
	COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.> (@extschema@.gridscheme, @extschema@.gridscheme) IS 'Is the left scheme after the right one in bytewise order of the text?';

CREATE OPERATOR @extschema@.>= (
	LEFTARG = @extschema@.gridscheme, RIGHTARG = @extschema@.gridscheme, FUNCTION = @extschema@.gridscheme_ge,
	COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR @extschema@.>= (@extschema@.gridscheme, @extschema@.gridscheme) IS 'Is the left scheme after or equal to the right one in bytewise order of the text?';

CREATE OPERATOR CLASS @extschema@.gridscheme_ops DEFAULT FOR TYPE @extschema@.gridscheme USING btree AS
	OPERATOR 1 @extschema@.<,
	OPERATOR 2 @extschema@.<=,
	OPERATOR 3 @extschema@.=,
	OPERATOR 4 @extschema@.>=,
	OPERATOR 5 @extschema@.>,
	FUNCTION 1 @extschema@.gridscheme_cmp(@extschema@.gridscheme, @extschema@.gridscheme),
	FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS @extschema@.gridscheme_ops USING btree IS 'Bytewise order of the text.';

CREATE OPERATOR CLASS @extschema@.gridscheme_ops DEFAULT FOR TYPE @extschema@.gridscheme USING hash AS
	OPERATOR 1 @extschema@.=,
	FUNCTION 1 @extschema@.gridscheme_hash(@extschema@.gridscheme),
	FUNCTION 2 @extschema@.gridscheme_hash_extended(@extschema@.gridscheme, bigint);
COMMENT ON OPERATOR CLASS @extschema@.gridscheme_ops USING hash IS 'Equality of schemes.';
