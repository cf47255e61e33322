/*
 * gridcode_tree.c
 *	  Functions of codes that need no scheme: digits, prefixes, the last
 *	  descendant, and the smallest common area, also of a whole group.
 */
#include "gridcode.h"


PG_FUNCTION_INFO_V1(grid_digits);
PG_FUNCTION_INFO_V1(grid_prefix);
PG_FUNCTION_INFO_V1(grid_last);
PG_FUNCTION_INFO_V1(grid_common);

Datum
grid_digits(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(gridcode_digits(PG_GETARG_GRIDCODE(0)));
}

Datum
grid_prefix(PG_FUNCTION_ARGS)
{
	int			digits = PG_GETARG_INT32(1);

	if (digits < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of digits must be positive: %d", digits)));
	PG_RETURN_GRIDCODE_OR_NULL(gridcode_prefix(PG_GETARG_GRIDCODE(0), digits));
}

Datum
grid_last(PG_FUNCTION_ARGS)
{
	PG_RETURN_GRIDCODE(gridcode_last(PG_GETARG_GRIDCODE(0)));
}

Datum
grid_common(PG_FUNCTION_ARGS)
{
	PG_RETURN_GRIDCODE_OR_NULL(gridcode_common(PG_GETARG_GRIDCODE(0), PG_GETARG_GRIDCODE(1)));
}
