-- gridstats: a mergeable summary of numbers, its operators, aggregates and accessors
CREATE TYPE @extschema@.gridstats;

CREATE FUNCTION @extschema@.gridstats_in(cstring) RETURNS @extschema@.gridstats
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_in(cstring) IS
    'Input of gridstats: what the output function writes. Text that is no state, or whose parts contradict each other, is error 22P02.';

CREATE FUNCTION @extschema@.gridstats_out(@extschema@.gridstats) RETURNS cstring
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_out(@extschema@.gridstats) IS
    'Output of gridstats: count, sum, min, max, and the exact sums in bins, as text that reads back to the bit.';

CREATE FUNCTION @extschema@.gridstats_recv(internal) RETURNS @extschema@.gridstats
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_recv(internal) IS
    'Binary input of gridstats: the packed form, which begins with its version. Bytes that no state packs to are error 22P03.';

CREATE FUNCTION @extschema@.gridstats_send(@extschema@.gridstats) RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_send(@extschema@.gridstats) IS
    'Binary output of gridstats: the packed form, the same on every machine.';

CREATE TYPE @extschema@.gridstats (
    INPUT = @extschema@.gridstats_in,
    OUTPUT = @extschema@.gridstats_out,
    RECEIVE = @extschema@.gridstats_recv,
    SEND = @extschema@.gridstats_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = main
);
COMMENT ON TYPE @extschema@.gridstats IS
    'Summary of numbers that can be merged: count, min, max and the exact sums of the values and of their squares, so that any order of adding and merging gives the same value to the bit. At most 134 bytes; 5 to 13 of one value, some 25 of small integers.';

CREATE FUNCTION @extschema@.gridstats_eq(@extschema@.gridstats, @extschema@.gridstats) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_eq(@extschema@.gridstats, @extschema@.gridstats) IS
    'Behind the operator =.';
CREATE OPERATOR @extschema@.= (
    LEFTARG = @extschema@.gridstats, RIGHTARG = @extschema@.gridstats, FUNCTION = @extschema@.gridstats_eq,
    COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR @extschema@.= (@extschema@.gridstats, @extschema@.gridstats) IS
    'Whether two summaries are the same to the bit, as those of the same values always are.';

CREATE FUNCTION @extschema@.gridstats_ne(@extschema@.gridstats, @extschema@.gridstats) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_ne(@extschema@.gridstats, @extschema@.gridstats) IS
    'Behind the operator <>.';
CREATE OPERATOR @extschema@.<> (
    LEFTARG = @extschema@.gridstats, RIGHTARG = @extschema@.gridstats, FUNCTION = @extschema@.gridstats_ne,
    COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<> (@extschema@.gridstats, @extschema@.gridstats) IS
    'Whether two summaries differ.';

CREATE FUNCTION @extschema@.gridstats_lt(@extschema@.gridstats, @extschema@.gridstats) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_lt(@extschema@.gridstats, @extschema@.gridstats) IS
    'Behind the operator <.';
CREATE OPERATOR @extschema@.< (
    LEFTARG = @extschema@.gridstats, RIGHTARG = @extschema@.gridstats, FUNCTION = @extschema@.gridstats_lt,
    COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR @extschema@.< (@extschema@.gridstats, @extschema@.gridstats) IS
    'An order by count, min, max and sums, for sorting and DISTINCT.';

CREATE FUNCTION @extschema@.gridstats_le(@extschema@.gridstats, @extschema@.gridstats) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_le(@extschema@.gridstats, @extschema@.gridstats) IS
    'Behind the operator <=.';
CREATE OPERATOR @extschema@.<= (
    LEFTARG = @extschema@.gridstats, RIGHTARG = @extschema@.gridstats, FUNCTION = @extschema@.gridstats_le,
    COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR @extschema@.<= (@extschema@.gridstats, @extschema@.gridstats) IS
    'An order by count, min, max and sums, for sorting and DISTINCT.';

CREATE FUNCTION @extschema@.gridstats_gt(@extschema@.gridstats, @extschema@.gridstats) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_gt(@extschema@.gridstats, @extschema@.gridstats) IS
    'Behind the operator >.';
CREATE OPERATOR @extschema@.> (
    LEFTARG = @extschema@.gridstats, RIGHTARG = @extschema@.gridstats, FUNCTION = @extschema@.gridstats_gt,
    COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.> (@extschema@.gridstats, @extschema@.gridstats) IS
    'An order by count, min, max and sums, for sorting and DISTINCT.';

CREATE FUNCTION @extschema@.gridstats_ge(@extschema@.gridstats, @extschema@.gridstats) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_ge(@extschema@.gridstats, @extschema@.gridstats) IS
    'Behind the operator >=.';
CREATE OPERATOR @extschema@.>= (
    LEFTARG = @extschema@.gridstats, RIGHTARG = @extschema@.gridstats, FUNCTION = @extschema@.gridstats_ge,
    COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR @extschema@.>= (@extschema@.gridstats, @extschema@.gridstats) IS
    'An order by count, min, max and sums, for sorting and DISTINCT.';

CREATE FUNCTION @extschema@.gridstats_cmp(@extschema@.gridstats, @extschema@.gridstats) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_cmp(@extschema@.gridstats, @extschema@.gridstats) IS
    'Comparison for btree: by count, min, max and sums; 0 where the two are the same to the bit.';

CREATE FUNCTION @extschema@.gridstats_hash(@extschema@.gridstats) RETURNS integer
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_hash(@extschema@.gridstats) IS 'Hash, for hash joins and grouping.';

CREATE FUNCTION @extschema@.gridstats_hash_extended(@extschema@.gridstats, bigint) RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_hash_extended(@extschema@.gridstats, bigint) IS 'Hash with a seed, for hash partitioning.';

CREATE OPERATOR CLASS @extschema@.gridstats_ops DEFAULT FOR TYPE @extschema@.gridstats USING btree AS
    OPERATOR 1 @extschema@.<,
    OPERATOR 2 @extschema@.<=,
    OPERATOR 3 @extschema@.=,
    OPERATOR 4 @extschema@.>=,
    OPERATOR 5 @extschema@.>,
    FUNCTION 1 @extschema@.gridstats_cmp(@extschema@.gridstats, @extschema@.gridstats);
COMMENT ON OPERATOR CLASS @extschema@.gridstats_ops USING btree IS
    'An order of gridstats, for sorting, DISTINCT and EXCEPT; it has no meaning beyond the count.';

CREATE OPERATOR CLASS @extschema@.gridstats_ops DEFAULT FOR TYPE @extschema@.gridstats USING hash AS
    OPERATOR 1 @extschema@.=,
    FUNCTION 1 @extschema@.gridstats_hash(@extschema@.gridstats),
    FUNCTION 2 @extschema@.gridstats_hash_extended(@extschema@.gridstats, bigint);
COMMENT ON OPERATOR CLASS @extschema@.gridstats_ops USING hash IS
    'Equality of gridstats to the bit, for grouping, hash joins and hash partitioning.';

CREATE FUNCTION @extschema@.stats_count(stats @extschema@.gridstats) RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'gridstats_stats_count';
COMMENT ON FUNCTION @extschema@.stats_count(@extschema@.gridstats) IS
    'Number of values, NaN and infinities included; 0 where there were none (or only NULL).';

CREATE FUNCTION @extschema@.stats_sum(stats @extschema@.gridstats) RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'gridstats_stats_sum';
COMMENT ON FUNCTION @extschema@.stats_sum(@extschema@.gridstats) IS
    'Sum of the values, exact but for one rounding and, beside a value M, for digits below 2^-96 M; NULL of no values, error 22003 where it does not fit. NaN and infinities as in sum(float8).';

CREATE FUNCTION @extschema@.stats_min(stats @extschema@.gridstats) RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'gridstats_stats_min';
COMMENT ON FUNCTION @extschema@.stats_min(@extschema@.gridstats) IS
    'Least value; NULL of no values. NaN is greater than every number, as in min(float8).';

CREATE FUNCTION @extschema@.stats_max(stats @extschema@.gridstats) RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'gridstats_stats_max';
COMMENT ON FUNCTION @extschema@.stats_max(@extschema@.gridstats) IS
    'Greatest value; NULL of no values. NaN is greater than every number, as in max(float8).';

CREATE FUNCTION @extschema@.stats_avg(stats @extschema@.gridstats) RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'gridstats_stats_avg';
COMMENT ON FUNCTION @extschema@.stats_avg(@extschema@.gridstats) IS
    'Mean of the values, rounded once; NULL of no values. It exists also where the sum does not fit.';

CREATE FUNCTION @extschema@.stats_variance(stats @extschema@.gridstats) RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'gridstats_stats_variance';
COMMENT ON FUNCTION @extschema@.stats_variance(@extschema@.gridstats) IS
    'Variance of the sample, as var_samp (divided by n - 1), within one rounding of the true one for any values; NULL below two values, NaN with NaN or infinities, error 22003 where it does not fit.';

CREATE FUNCTION @extschema@.stats_stddev(stats @extschema@.gridstats) RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'gridstats_stats_stddev';
COMMENT ON FUNCTION @extschema@.stats_stddev(@extschema@.gridstats) IS
    'Standard deviation of the sample, as stddev_samp: the square root of stats_variance, and NULL, NaN or an error where that is.';

CREATE FUNCTION @extschema@.gridstats_accum(@extschema@.gridstats, double precision) RETURNS @extschema@.gridstats
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_accum(@extschema@.gridstats, double precision) IS
    'The summary with one more value. Error 22003 beyond 2^39 values.';

CREATE FUNCTION @extschema@.gridstats_combine(@extschema@.gridstats, @extschema@.gridstats) RETURNS @extschema@.gridstats
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_combine(@extschema@.gridstats, @extschema@.gridstats) IS
    'The summary of the values of both. Error 22003 beyond 2^39 values.';

CREATE FUNCTION @extschema@.gridstats_final(@extschema@.gridstats) RETURNS @extschema@.gridstats
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.gridstats_final(@extschema@.gridstats) IS
    'Last step of the aggregates: the summary in its packed form.';

CREATE AGGREGATE @extschema@.gridstats_agg(double precision) (
    SFUNC = @extschema@.gridstats_accum, STYPE = @extschema@.gridstats, SSPACE = 160, INITCOND = 'count=0',
    FINALFUNC = @extschema@.gridstats_final, COMBINEFUNC = @extschema@.gridstats_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.gridstats_agg(double precision) IS
    'Summary of the values that are not NULL; of no rows an empty one, never NULL, so that stats_count is 0 and stats_sum NULL, as count() and sum() are. The result does not depend on the order or plan.';

CREATE AGGREGATE @extschema@.gridstats_merge(@extschema@.gridstats) (
    SFUNC = @extschema@.gridstats_combine, STYPE = @extschema@.gridstats, SSPACE = 160, INITCOND = 'count=0',
    FINALFUNC = @extschema@.gridstats_final, COMBINEFUNC = @extschema@.gridstats_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.gridstats_merge(@extschema@.gridstats) IS
    'Summary of all values of summaries, the same to the bit as gridstats_agg of the values; NULL is skipped, and no rows give an empty summary.';
