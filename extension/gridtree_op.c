/*
 * gridtree_op.c
 *	  Comparing and hashing gridtree.  Equal trees have equal packed forms, and
 *	  the order is that of these bytes.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"

#include "gridtree_type.h"

PG_FUNCTION_INFO_V1(gridtree_eq);
PG_FUNCTION_INFO_V1(gridtree_ne);
PG_FUNCTION_INFO_V1(gridtree_lt);
PG_FUNCTION_INFO_V1(gridtree_le);
PG_FUNCTION_INFO_V1(gridtree_gt);
PG_FUNCTION_INFO_V1(gridtree_ge);
PG_FUNCTION_INFO_V1(gridtree_cmp);
PG_FUNCTION_INFO_V1(gridtree_hash);
PG_FUNCTION_INFO_V1(gridtree_hash_extended);

static int
compare_args(FunctionCallInfo fcinfo)
{
	struct varlena *a = gridtree_packed(PG_GETARG_DATUM(0));
	struct varlena *b = gridtree_packed(PG_GETARG_DATUM(1));
	Size		size_a = VARSIZE_ANY_EXHDR(a);
	Size		size_b = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(size_a, size_b));

	if (order == 0)
		order = (size_a > size_b) - (size_a < size_b);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

Datum
gridtree_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) == 0);
}

Datum
gridtree_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) != 0);
}

Datum
gridtree_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) < 0);
}

Datum
gridtree_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) <= 0);
}

Datum
gridtree_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) > 0);
}

Datum
gridtree_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) >= 0);
}

Datum
gridtree_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_args(fcinfo));
}

Datum
gridtree_hash(PG_FUNCTION_ARGS)
{
	struct varlena *packed = gridtree_packed(PG_GETARG_DATUM(0));
	Datum		hash = hash_any((unsigned char *) VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));

	PG_FREE_IF_COPY(packed, 0);
	return hash;
}

Datum
gridtree_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *packed = gridtree_packed(PG_GETARG_DATUM(0));
	Datum		hash = hash_any_extended((unsigned char *) VARDATA_ANY(packed),
										 VARSIZE_ANY_EXHDR(packed), PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(packed, 0);
	return hash;
}
