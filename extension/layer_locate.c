/*
 * layer_locate.c
 *	  grid_locate: the deepest area that covers a point, then the lowest code.
 *
 * The layer's image answers where there is one that is right for the statement,
 * and else the SQL that states the rule.  The two agree but for points so near
 * an edge that PostGIS's doubles take the wrong side, and for points on an edge
 * that lies in a hole of its own polygon, about which versions of PostGIS differ
 * and each with itself.  In gaps the image says when nothing can be near; what
 * is nearest is left to the SQL.
 */
#include "layer.h"

#include <math.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "layer_image.h"
#include "layer_kept.h"
#include "layer_rule.h"
#include "portability/instr_time.h"
#include "postgis.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(grid_locate);
PG_FUNCTION_INFO_V1(grid_layer_prepare);
PG_FUNCTION_INFO_V1(grid_layer_image);
PG_FUNCTION_INFO_V1(grid_layer_cached);

void
layer_check_tolerance(double tolerance)
{
	if (!(tolerance >= 0) || isinf(tolerance))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tolerance must be a finite number that is not negative: %g", tolerance)));
}

/* Refuse what cannot be located; false for an empty point. */
static bool
check_point(const KeptLayer *kept, const GeometryHead *head)
{
	if (!head->is_point)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only points can be located, not %s", geometry_type_name(head->type)),
				 errhint("ST_PointOnSurface gives a point inside a geometry.")));
	if (head->srid != kept->srid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("point has SRID %d, but layer \"%s\" has SRID %d",
						head->srid, kept->name, kept->srid),
				 head->srid == 0
				 ? errhint("Say which it is with ST_SetSRID.")
				 : errhint("Use ST_Transform(point, %d).", kept->srid)));
	if (head->empty)
		return false;
	if (!isfinite(head->x) || !isfinite(head->y))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("coordinates of a point must be finite: %g %g", head->x, head->y)));
	return true;
}

/*
 * The rule's own SQL at a point, whose time counts towards building an image.
 * Rows at one point often follow each other, and grid_assign asks twice.
 */
static gridcode
locate_by_rule(KeptLayer *kept, Datum point, const GeometryHead *head)
{
	LayerMemo  *memo = &kept->memo;
	instr_time	start;
	instr_time	end;
	gridcode	code;

	if (memo->has_last && memo->last_x == head->x && memo->last_y == head->y)
		return memo->last_code;
	INSTR_TIME_SET_CURRENT(start);
	code = layer_rule_covering(kept, point);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	memo->has_last = memo->same_for_all;
	memo->last_x = head->x;
	memo->last_y = head->y;
	memo->last_code = code;
	layer_image_charge(kept, INSTR_TIME_GET_MILLISEC(end));
	return code;
}

/* The nearest area within a tolerance of a point in a gap. */
static gridcode
locate_nearest(KeptLayer *kept, const LayerImage *image, Datum point, const GeometryHead *head, double tolerance)
{
	double		reach_x;
	double		reach_y;

	layer_reach(kept, head, tolerance, &reach_x, &reach_y);
	if (image && !coverage_may_be_near(image->coverage, head->x, head->y, reach_x, reach_y))
		return 0;
	return layer_rule_nearest(kept, point, head, tolerance);
}

gridcode
layer_locate(LayerSite *site, const char *name, Datum point, double tolerance)
{
	KeptLayer  *kept = layer_kept_at(site, name);
	GeometryHead head = geometry_head(point);
	const LayerImage *image;
	gridcode	code;

	layer_check_tolerance(tolerance);
	if (!check_point(kept, &head))
		return 0;
	image = layer_image(kept);
	if (image)
		code = coverage_locate(image->coverage, head.x, head.y, image->scratch);
	else
		code = locate_by_rule(kept, point, &head);
	if (code == 0 && tolerance > 0)
		code = locate_nearest(kept, image, point, &head, tolerance);
	return code;
}

/* What a call of grid_locate in a plan remembers from one row to the next. */
typedef struct CallSite
{
	LayerSite	site;
	Size		length;
	char		name[FLEXIBLE_ARRAY_MEMBER];
} CallSite;

/* The name of the layer is mostly that of the call before. */
static CallSite *
call_site(FunctionCallInfo fcinfo, text *name)
{
	CallSite   *call = fcinfo->flinfo->fn_extra;
	Size		length = VARSIZE_ANY_EXHDR(name);

	if (call && call->length == length && memcmp(call->name, VARDATA_ANY(name), length) == 0)
		return call;
	call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, offsetof(CallSite, name) + length + 1);
	call->length = length;
	memcpy(call->name, VARDATA_ANY(name), length);
	if (fcinfo->flinfo->fn_extra)
		pfree(fcinfo->flinfo->fn_extra);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

Datum
grid_locate(PG_FUNCTION_ARGS)
{
	CallSite   *call = call_site(fcinfo, PG_GETARG_TEXT_PP(0));
	gridcode	code = layer_locate(&call->site, call->name, PG_GETARG_DATUM(1), PG_GETARG_FLOAT8(2));

	PG_RETURN_GRIDCODE_OR_NULL(code);
}

/* Numbers of an image, as the functions below return them. */
static Datum
image_row(FunctionCallInfo fcinfo, const LayerImage *image)
{
	CoverageSize size = coverage_size(image->coverage);
	Datum		values[] = {Int64GetDatum(size.parts), Int64GetDatum(size.edges), Int64GetDatum(size.cells),
	Int64GetDatum((int64) size.bytes)};
	bool		nulls[lengthof(values)] = {0};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "result of an image is not declared as it should be");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
grid_layer_prepare(PG_FUNCTION_ARGS)
{
	const LayerImage *image = layer_image_make(layer_kept(text_to_cstring(PG_GETARG_TEXT_PP(0))));

	if (image == NULL)
		PG_RETURN_NULL();
	return image_row(fcinfo, image);
}

Datum
grid_layer_image(PG_FUNCTION_ARGS)
{
	const LayerImage *image = layer_image(layer_kept(text_to_cstring(PG_GETARG_TEXT_PP(0))));

	if (image == NULL)
		PG_RETURN_NULL();
	return image_row(fcinfo, image);
}

/* For the view of layers, which must not fail where one is out of order. */
Datum
grid_layer_cached(PG_FUNCTION_ARGS)
{
	Layer	   *layer = layer_read(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	const LayerImage *image = layer ? layer_image_of_definition(layer_definition(layer)) : NULL;

	if (image == NULL)
		PG_RETURN_NULL();
	return image_row(fcinfo, image);
}
