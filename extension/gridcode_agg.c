/*
 * gridcode_agg.c
 *	  The aggregate grid_common: the smallest area around a whole group.
 *
 * Its state is text, the common digits, and empty where there are none: a type
 * that a distributed engine can ship, and that can say "nothing in common",
 * which no gridcode can.
 */
#include "gridcode.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(grid_common_accum);
PG_FUNCTION_INFO_V1(grid_common_combine);
PG_FUNCTION_INFO_V1(grid_common_final);

/* The code a state stands for, or no code. */
static gridcode
state_code(const text *state)
{
	gridcode	code;

	if (VARSIZE_ANY_EXHDR(state) == 0)
		return 0;
	gridcode_from_text(VARDATA_ANY(state), VARSIZE_ANY_EXHDR(state), &code, NULL);
	return code;
}

static text *
make_state(gridcode code)
{
	char		digits[GRIDCODE_MAX_DIGITS + 1];

	return cstring_to_text_with_len(digits, code == 0 ? 0 : gridcode_format(code, digits));
}

/*
 * Most codes lie in what is common so far: then the state stays as it is, and
 * nothing is allocated.
 */
Datum
grid_common_accum(PG_FUNCTION_ARGS)
{
	text	   *state;
	gridcode	so_far;
	gridcode	code;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	code = PG_GETARG_GRIDCODE(1);
	if (PG_ARGISNULL(0))
		PG_RETURN_TEXT_P(make_state(code));

	state = PG_GETARG_TEXT_PP(0);
	so_far = state_code(state);
	if (so_far == 0 || gridcode_contains(so_far, code))
		PG_RETURN_TEXT_P(state);
	PG_RETURN_TEXT_P(make_state(gridcode_common(so_far, code)));
}

Datum
grid_common_combine(PG_FUNCTION_ARGS)
{
	gridcode	a;
	gridcode	b;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(PG_ARGISNULL(0) ? 1 : 0));
	}
	a = state_code(PG_GETARG_TEXT_PP(0));
	b = state_code(PG_GETARG_TEXT_PP(1));
	PG_RETURN_TEXT_P(make_state(a == 0 || b == 0 ? 0 : gridcode_common(a, b)));
}

Datum
grid_common_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_GRIDCODE_OR_NULL(state_code(PG_GETARG_TEXT_PP(0)));
}
