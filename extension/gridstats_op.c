/*
 * gridstats_op.c
 *	  Comparing and hashing gridstats, and what can be asked of one.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/float.h"

#include "gridstats.h"

PG_FUNCTION_INFO_V1(gridstats_eq);
PG_FUNCTION_INFO_V1(gridstats_ne);
PG_FUNCTION_INFO_V1(gridstats_lt);
PG_FUNCTION_INFO_V1(gridstats_le);
PG_FUNCTION_INFO_V1(gridstats_gt);
PG_FUNCTION_INFO_V1(gridstats_ge);
PG_FUNCTION_INFO_V1(gridstats_cmp);
PG_FUNCTION_INFO_V1(gridstats_hash);
PG_FUNCTION_INFO_V1(gridstats_hash_extended);
PG_FUNCTION_INFO_V1(gridstats_stats_count);
PG_FUNCTION_INFO_V1(gridstats_stats_sum);
PG_FUNCTION_INFO_V1(gridstats_stats_min);
PG_FUNCTION_INFO_V1(gridstats_stats_max);
PG_FUNCTION_INFO_V1(gridstats_stats_avg);
PG_FUNCTION_INFO_V1(gridstats_stats_variance);
PG_FUNCTION_INFO_V1(gridstats_stats_stddev);

static int
compare_args(FunctionCallInfo fcinfo)
{
	GridStats	a;
	GridStats	b;

	gridstats_read(PG_GETARG_DATUM(0), &a);
	gridstats_read(PG_GETARG_DATUM(1), &b);
	return stats_compare(&a, &b);
}

Datum
gridstats_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) == 0);
}

Datum
gridstats_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) != 0);
}

Datum
gridstats_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) < 0);
}

Datum
gridstats_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) <= 0);
}

Datum
gridstats_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) > 0);
}

Datum
gridstats_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) >= 0);
}

Datum
gridstats_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_args(fcinfo));
}

/* Hashes the packed form, of which every state has one. */
Datum
gridstats_hash(PG_FUNCTION_ARGS)
{
	uint8		packed[STATS_PACKED_MAX];
	GridStats	stats;

	gridstats_read(PG_GETARG_DATUM(0), &stats);
	return hash_any(packed, stats_pack(&stats, packed));
}

Datum
gridstats_hash_extended(PG_FUNCTION_ARGS)
{
	uint8		packed[STATS_PACKED_MAX];
	GridStats	stats;

	gridstats_read(PG_GETARG_DATUM(0), &stats);
	return hash_any_extended(packed, stats_pack(&stats, packed), PG_GETARG_INT64(1));
}

Datum
gridstats_stats_count(PG_FUNCTION_ARGS)
{
	GridStats	stats;

	gridstats_read_ends(PG_GETARG_DATUM(0), &stats);
	PG_RETURN_INT64(stats.count);
}

typedef StatsAnswer (*Question) (const GridStats *, double *);

/* The answer to a question; core's error where it does not fit. */
static Datum
answer(FunctionCallInfo fcinfo, const GridStats *stats, Question question)
{
	double		number;

	switch (question(stats, &number))
	{
		case STATS_OK:
			break;
		case STATS_NONE:
			PG_RETURN_NULL();
		case STATS_OVERFLOW:
			float_overflow_error();
	}
	PG_RETURN_FLOAT8(number);
}

static Datum
answer_from_ends(FunctionCallInfo fcinfo, Question question)
{
	GridStats	stats;

	gridstats_read_ends(PG_GETARG_DATUM(0), &stats);
	return answer(fcinfo, &stats, question);
}

static Datum
answer_from_all(FunctionCallInfo fcinfo, Question question)
{
	GridStats	stats;

	gridstats_read(PG_GETARG_DATUM(0), &stats);
	return answer(fcinfo, &stats, question);
}

Datum
gridstats_stats_sum(PG_FUNCTION_ARGS)
{
	return answer_from_all(fcinfo, stats_sum);
}

Datum
gridstats_stats_min(PG_FUNCTION_ARGS)
{
	return answer_from_ends(fcinfo, stats_min);
}

Datum
gridstats_stats_max(PG_FUNCTION_ARGS)
{
	return answer_from_ends(fcinfo, stats_max);
}

Datum
gridstats_stats_avg(PG_FUNCTION_ARGS)
{
	return answer_from_all(fcinfo, stats_avg);
}

Datum
gridstats_stats_variance(PG_FUNCTION_ARGS)
{
	return answer_from_all(fcinfo, stats_variance);
}

Datum
gridstats_stats_stddev(PG_FUNCTION_ARGS)
{
	return answer_from_all(fcinfo, stats_stddev);
}
