/*
 * gridcode_op.c
 *	  Comparison, containment and hashing of gridcodes: the functions behind
 *	  operators and operator classes.
 *
 * All are leakproof: they cannot fail and say nothing but their result.
 */
#include "gridcode.h"

#include "utils/sortsupport.h"

PG_FUNCTION_INFO_V1(gridcode_eq);
PG_FUNCTION_INFO_V1(gridcode_ne);
PG_FUNCTION_INFO_V1(gridcode_lt);
PG_FUNCTION_INFO_V1(gridcode_le);
PG_FUNCTION_INFO_V1(gridcode_gt);
PG_FUNCTION_INFO_V1(gridcode_ge);
PG_FUNCTION_INFO_V1(gridcode_cmp);
PG_FUNCTION_INFO_V1(gridcode_sortsupport);
PG_FUNCTION_INFO_V1(gridcode_hash);
PG_FUNCTION_INFO_V1(gridcode_hash_extended);
PG_FUNCTION_INFO_V1(grid_contains);
PG_FUNCTION_INFO_V1(grid_contained);
PG_FUNCTION_INFO_V1(gridcode_smaller);
PG_FUNCTION_INFO_V1(gridcode_larger);

Datum
gridcode_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_GRIDCODE(0) == PG_GETARG_GRIDCODE(1));
}

Datum
gridcode_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_GRIDCODE(0) != PG_GETARG_GRIDCODE(1));
}

Datum
gridcode_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_GRIDCODE(0) < PG_GETARG_GRIDCODE(1));
}

Datum
gridcode_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_GRIDCODE(0) <= PG_GETARG_GRIDCODE(1));
}

Datum
gridcode_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_GRIDCODE(0) > PG_GETARG_GRIDCODE(1));
}

Datum
gridcode_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_GRIDCODE(0) >= PG_GETARG_GRIDCODE(1));
}

Datum
gridcode_cmp(PG_FUNCTION_ARGS)
{
	gridcode	a = PG_GETARG_GRIDCODE(0);
	gridcode	b = PG_GETARG_GRIDCODE(1);

	PG_RETURN_INT32((a > b) - (a < b));
}

/* ssup_datum_signed_cmp is core's, so that sorting specialises as for bigint. */
Datum
gridcode_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = ssup_datum_signed_cmp;
	PG_RETURN_VOID();
}

/*
 * Codes differ in a few digits in the middle of the word.  Each multiplication
 * carries what differs upwards and each fold brings it down again, so that
 * both halves depend on every digit.  In line: grouping hashes every row.
 */
static inline uint64
mix(gridcode code, uint64 seed)
{
	const uint64 odd = UINT64CONST(0x9E3779B97F4A7C15); /* 2^64 by the golden ratio */
	uint64		h = ((uint64) code ^ seed) * odd;

	h = (h ^ (h >> 32)) * odd;
	return h ^ (h >> 32);
}

/* With seed 0 the lower half of the extended hash, as PostgreSQL requires. */
Datum
gridcode_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT32((uint32) mix(PG_GETARG_GRIDCODE(0), 0));
}

Datum
gridcode_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT64(mix(PG_GETARG_GRIDCODE(0), (uint64) PG_GETARG_INT64(1)));
}

/* a @> b */
Datum
grid_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(gridcode_contains(PG_GETARG_GRIDCODE(0), PG_GETARG_GRIDCODE(1)));
}

/* a <@ b */
Datum
grid_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(gridcode_contains(PG_GETARG_GRIDCODE(1), PG_GETARG_GRIDCODE(0)));
}

Datum
gridcode_smaller(PG_FUNCTION_ARGS)
{
	PG_RETURN_GRIDCODE(Min(PG_GETARG_GRIDCODE(0), PG_GETARG_GRIDCODE(1)));
}

Datum
gridcode_larger(PG_FUNCTION_ARGS)
{
	PG_RETURN_GRIDCODE(Max(PG_GETARG_GRIDCODE(0), PG_GETARG_GRIDCODE(1)));
}
