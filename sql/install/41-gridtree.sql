-- gridtree: a tree of figures, its aggregates and the nodes of it
CREATE TYPE @extschema@.gridtree;

CREATE FUNCTION @extschema@.gridtree_in(cstring) RETURNS @extschema@.gridtree
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_in(cstring) IS
    'Input of gridtree: what the output function writes. Text that is no tree, or whose figures contradict each other, is error 22P02.';

CREATE FUNCTION @extschema@.gridtree_out(@extschema@.gridtree) RETURNS cstring
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_out(@extschema@.gridtree) IS
    'Output of gridtree: the number of figures, then each code that had rows, in order, with its number of rows and its figures as gridstats.';

CREATE FUNCTION @extschema@.gridtree_recv(internal) RETURNS @extschema@.gridtree
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_recv(internal) IS
    'Binary input of gridtree: a version byte, then codes as digits in order with packed figures. Bytes that gridtree_send would not write are error 22P03.';

CREATE FUNCTION @extschema@.gridtree_send(@extschema@.gridtree) RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_send(@extschema@.gridtree) IS
    'Binary output of gridtree, the same on every machine.';

CREATE TYPE @extschema@.gridtree (
    INPUT = @extschema@.gridtree_in,
    OUTPUT = @extschema@.gridtree_out,
    RECEIVE = @extschema@.gridtree_recv,
    SEND = @extschema@.gridtree_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = external
);
COMMENT ON TYPE @extschema@.gridtree IS
    'For each code that rows had, the number of rows and a gridstats of each figure, packed in the order of the codes: the same rows give the same bytes. At most 1 GB; kept out of line uncompressed, as it is dense already.';

CREATE FUNCTION @extschema@.gridtree_eq(@extschema@.gridtree, @extschema@.gridtree) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_eq(@extschema@.gridtree, @extschema@.gridtree) IS 'Behind the operator =.';
CREATE OPERATOR @extschema@.= (
    LEFTARG = @extschema@.gridtree, RIGHTARG = @extschema@.gridtree, FUNCTION = @extschema@.gridtree_eq,
    COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR @extschema@.= (@extschema@.gridtree, @extschema@.gridtree) IS
    'Whether two trees are the same to the bit, as those of the same rows always are.';

CREATE FUNCTION @extschema@.gridtree_ne(@extschema@.gridtree, @extschema@.gridtree) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_ne(@extschema@.gridtree, @extschema@.gridtree) IS 'Behind the operator <>.';
CREATE OPERATOR @extschema@.<> (
    LEFTARG = @extschema@.gridtree, RIGHTARG = @extschema@.gridtree, FUNCTION = @extschema@.gridtree_ne,
    COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<> (@extschema@.gridtree, @extschema@.gridtree) IS
    'Whether two trees differ.';

CREATE FUNCTION @extschema@.gridtree_lt(@extschema@.gridtree, @extschema@.gridtree) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_lt(@extschema@.gridtree, @extschema@.gridtree) IS 'Behind the operator <.';
CREATE OPERATOR @extschema@.< (
    LEFTARG = @extschema@.gridtree, RIGHTARG = @extschema@.gridtree, FUNCTION = @extschema@.gridtree_lt,
    COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR @extschema@.< (@extschema@.gridtree, @extschema@.gridtree) IS
    'An order of the bytes, for sorting and DISTINCT.';

CREATE FUNCTION @extschema@.gridtree_le(@extschema@.gridtree, @extschema@.gridtree) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_le(@extschema@.gridtree, @extschema@.gridtree) IS 'Behind the operator <=.';
CREATE OPERATOR @extschema@.<= (
    LEFTARG = @extschema@.gridtree, RIGHTARG = @extschema@.gridtree, FUNCTION = @extschema@.gridtree_le,
    COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR @extschema@.<= (@extschema@.gridtree, @extschema@.gridtree) IS
    'An order of the bytes, for sorting and DISTINCT.';

CREATE FUNCTION @extschema@.gridtree_gt(@extschema@.gridtree, @extschema@.gridtree) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_gt(@extschema@.gridtree, @extschema@.gridtree) IS 'Behind the operator >.';
CREATE OPERATOR @extschema@.> (
    LEFTARG = @extschema@.gridtree, RIGHTARG = @extschema@.gridtree, FUNCTION = @extschema@.gridtree_gt,
    COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.> (@extschema@.gridtree, @extschema@.gridtree) IS
    'An order of the bytes, for sorting and DISTINCT.';

CREATE FUNCTION @extschema@.gridtree_ge(@extschema@.gridtree, @extschema@.gridtree) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_ge(@extschema@.gridtree, @extschema@.gridtree) IS 'Behind the operator >=.';
CREATE OPERATOR @extschema@.>= (
    LEFTARG = @extschema@.gridtree, RIGHTARG = @extschema@.gridtree, FUNCTION = @extschema@.gridtree_ge,
    COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR @extschema@.>= (@extschema@.gridtree, @extschema@.gridtree) IS
    'An order of the bytes, for sorting and DISTINCT.';

CREATE FUNCTION @extschema@.gridtree_cmp(@extschema@.gridtree, @extschema@.gridtree) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_cmp(@extschema@.gridtree, @extschema@.gridtree) IS
    'Comparison for btree: of the bytes; 0 where the two are the same.';

CREATE FUNCTION @extschema@.gridtree_hash(@extschema@.gridtree) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_hash(@extschema@.gridtree) IS 'Hash, for hash joins and grouping.';
CREATE FUNCTION @extschema@.gridtree_hash_extended(@extschema@.gridtree, bigint) RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_hash_extended(@extschema@.gridtree, bigint) IS 'Hash with a seed, for hash partitioning.';

CREATE OPERATOR CLASS @extschema@.gridtree_ops DEFAULT FOR TYPE @extschema@.gridtree USING btree AS
    OPERATOR 1 @extschema@.<,
    OPERATOR 2 @extschema@.<=,
    OPERATOR 3 @extschema@.=,
    OPERATOR 4 @extschema@.>=,
    OPERATOR 5 @extschema@.>,
    FUNCTION 1 @extschema@.gridtree_cmp(@extschema@.gridtree, @extschema@.gridtree);
COMMENT ON OPERATOR CLASS @extschema@.gridtree_ops USING btree IS
    'An order of gridtree, for sorting, DISTINCT and EXCEPT; it has no meaning.';

CREATE OPERATOR CLASS @extschema@.gridtree_ops DEFAULT FOR TYPE @extschema@.gridtree USING hash AS
    OPERATOR 1 @extschema@.=,
    FUNCTION 1 @extschema@.gridtree_hash(@extschema@.gridtree),
    FUNCTION 2 @extschema@.gridtree_hash_extended(@extschema@.gridtree, bigint);
COMMENT ON OPERATOR CLASS @extschema@.gridtree_ops USING hash IS
    'Equality of gridtree to the bit, for grouping and hash joins.';

CREATE FUNCTION @extschema@.gridtree_accum(@extschema@.gridtree, @extschema@.gridcode) RETURNS @extschema@.gridtree
    LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_accum(@extschema@.gridtree, @extschema@.gridcode) IS
    'The tree with one more row; a NULL tree is a new one, a NULL code changes nothing. Error 53200 where states take more than 16 times work_mem * hash_mem_multiplier.';

CREATE FUNCTION @extschema@.gridtree_accum(@extschema@.gridtree, @extschema@.gridcode, VARIADIC "any") RETURNS @extschema@.gridtree
    LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_accum(@extschema@.gridtree, @extschema@.gridcode, VARIADIC "any") IS
    'The tree with one more row and its figures; a NULL tree is a new one, a NULL code changes nothing, a NULL figure counts in n only. Error 53200 where states take more than 16 times work_mem * hash_mem_multiplier.';

CREATE FUNCTION @extschema@.gridtree_combine(@extschema@.gridtree, @extschema@.gridtree) RETURNS @extschema@.gridtree
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_combine(@extschema@.gridtree, @extschema@.gridtree) IS
    'The tree of the rows of both. Different numbers of figures are error 42804.';

CREATE FUNCTION @extschema@.gridtree_final(@extschema@.gridtree) RETURNS @extschema@.gridtree
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_final(@extschema@.gridtree) IS
    'Last step of the aggregates: the tree in its packed form.';

CREATE AGGREGATE @extschema@.gridtree_agg(@extschema@.gridcode) (
    SFUNC = @extschema@.gridtree_accum, STYPE = @extschema@.gridtree, SSPACE = 65536,
    FINALFUNC = @extschema@.gridtree_final, COMBINEFUNC = @extschema@.gridtree_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.gridtree_agg(@extschema@.gridcode) IS
    'Tree of the numbers of rows of each code, in one pass. Rows with a NULL code are skipped; NULL where no row has a code.';

CREATE AGGREGATE @extschema@.gridtree_agg(@extschema@.gridcode, VARIADIC "any") (
    SFUNC = @extschema@.gridtree_accum, STYPE = @extschema@.gridtree, SSPACE = 65536,
    FINALFUNC = @extschema@.gridtree_final, COMBINEFUNC = @extschema@.gridtree_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.gridtree_agg(@extschema@.gridcode, VARIADIC "any") IS
    'Tree of the numbers of rows and the figures of each code, in one pass, over up to 98 figures of type smallint, integer, bigint, numeric, real or double precision (as double precision), each with its own NULLs. Rows with a NULL code are skipped; NULL where no row has a code. The result does not depend on the order or plan.';

CREATE AGGREGATE @extschema@.gridtree_merge(@extschema@.gridtree) (
    SFUNC = @extschema@.gridtree_combine, STYPE = @extschema@.gridtree, SSPACE = 65536,
    FINALFUNC = @extschema@.gridtree_final, COMBINEFUNC = @extschema@.gridtree_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.gridtree_merge(@extschema@.gridtree) IS
    'Tree of all rows of trees, the same to the bit as gridtree_agg of the rows; NULL is skipped, NULL where there is no tree. Different numbers of figures are error 42804.';

CREATE FUNCTION @extschema@.gridtree_nodes(tree @extschema@.gridtree, from_level text DEFAULT NULL, to_level text DEFAULT NULL,
                                           scheme @extschema@.gridscheme DEFAULT 'cn',
                                           OUT code @extschema@.gridcode, OUT level text, OUT n bigint, OUT stats @extschema@.gridstats[])
    RETURNS SETOF record
    LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridtree_nodes(@extschema@.gridtree, text, text, @extschema@.gridscheme) IS
    'Every area that has rows at or below it, with the figures of all of them: the areas of the scheme''s levels, and codes that end at no level (level NULL). from_level and to_level, the higher first, leave out what is above and below; NULL is no limit. No order; a NULL tree or scheme has no nodes; an unknown level is an error. Levels overlap: never add up nodes of several.';
