/*
 * gridscheme_level.c
 *	  Functions of a code and the scheme it is in: levels, ancestors, children,
 *	  and codes padded with zeros.
 */
#include "gridcode.h"
#include "gridscheme.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(grid_level);
PG_FUNCTION_INFO_V1(grid_depth);
PG_FUNCTION_INFO_V1(grid_parent);
PG_FUNCTION_INFO_V1(grid_ancestor);
PG_FUNCTION_INFO_V1(grid_ancestors);
PG_FUNCTION_INFO_V1(grid_child);
PG_FUNCTION_INFO_V1(grid_unpad);

/* The area of that depth (1 the highest) around a code; no code for depth 0. */
static gridcode
prefix_at(const GridScheme *scheme, gridcode code, int depth)
{
	return depth > 0 ? gridcode_prefix(code, scheme->level[depth - 1].digits) : 0;
}

static Datum
level_name(const GridLevel *level)
{
	return PointerGetDatum(cstring_to_text_with_len(level->name, level->name_len));
}

Datum
grid_level(PG_FUNCTION_ARGS)
{
	const GridScheme *scheme = gridscheme_cached(fcinfo, 1);
	int			depth = scheme_depth(scheme, PG_GETARG_GRIDCODE(0));

	if (depth == 0)
		PG_RETURN_NULL();
	return level_name(&scheme->level[depth - 1]);
}

Datum
grid_depth(PG_FUNCTION_ARGS)
{
	int			depth = scheme_depth(gridscheme_cached(fcinfo, 1), PG_GETARG_GRIDCODE(0));

	if (depth == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(depth);
}

Datum
grid_parent(PG_FUNCTION_ARGS)
{
	gridcode	code = PG_GETARG_GRIDCODE(0);
	const GridScheme *scheme = gridscheme_cached(fcinfo, 1);

	PG_RETURN_GRIDCODE_OR_NULL(prefix_at(scheme, code, scheme_depth_above(scheme, code)));
}

Datum
grid_ancestor(PG_FUNCTION_ARGS)
{
	gridcode	code = PG_GETARG_GRIDCODE(0);
	text	   *name = PG_GETARG_TEXT_PP(1);
	const GridScheme *scheme = gridscheme_cached(fcinfo, 2);
	int			depth = gridscheme_level(scheme, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	PG_RETURN_GRIDCODE_OR_NULL(prefix_at(scheme, code, depth));
}

/* At most 17 rows, so they are made at once. */
Datum
grid_ancestors(PG_FUNCTION_ARGS)
{
	gridcode	code = PG_GETARG_GRIDCODE(0);
	const GridScheme *scheme = gridscheme_cached(fcinfo, 1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			above = scheme_depth_above(scheme, code);
	int			depth;

	InitMaterializedSRF(fcinfo, 0);
	for (depth = 1; depth <= above; depth++)
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};

		values[0] = GridcodeGetDatum(prefix_at(scheme, code, depth));
		values[1] = level_name(&scheme->level[depth - 1]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The level below a parent, whose children can have numbers. */
static const GridLevel *
level_below(const GridScheme *scheme, gridcode parent)
{
	int			depth = scheme_depth(scheme, parent);

	if (depth == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("code \"%s\" does not end at a level of the scheme", gridcode_to_cstring(parent))));
	if (depth == scheme->nlevels)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("code \"%s\" is at the lowest level of the scheme", gridcode_to_cstring(parent))));
	return &scheme->level[depth];
}

Datum
grid_child(PG_FUNCTION_ARGS)
{
	gridcode	parent = PG_GETARG_GRIDCODE(0);
	int			number = PG_GETARG_INT32(1);
	const GridLevel *level = level_below(gridscheme_cached(fcinfo, 2), parent);
	gridcode	child = gridcode_append(parent, number, level->width);

	if (child == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number of a child is out of range: %d", number),
				 errdetail("Level \"%.*s\" has %d digits.", level->name_len, level->name, level->width)));
	PG_RETURN_GRIDCODE(child);
}

Datum
grid_unpad(PG_FUNCTION_ARGS)
{
	text	   *padded = PG_GETARG_TEXT_PP(0);
	const char *digits = VARDATA_ANY(padded);
	int			len = VARSIZE_ANY_EXHDR(padded);
	gridcode	code;

	switch (scheme_unpad(gridscheme_cached(fcinfo, 1), digits, len, &code))
	{
		case UNPAD_OK:
			break;
		case UNPAD_NOT_A_CODE:
			gridcode_from_text(digits, len, &code, NULL);
			break;
		case UNPAD_INSIDE_LEVEL:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("padded code \"%.*s\" does not end at a level of the scheme", len, digits)));
			break;
		case UNPAD_ONLY_ZEROS:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("padded code \"%.*s\" is only zeros", len, digits)));
			break;
	}
	PG_RETURN_GRIDCODE(code);
}
