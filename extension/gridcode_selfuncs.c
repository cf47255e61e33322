/*
 * gridcode_selfuncs.c
 *	  Selectivity of <@ and @>: of an area that is known, of one that is not,
 *	  and between the columns of two tables.
 *
 * `code <@ constant` hardly comes here: it has become a range, which
 * gridcode_rangesel.c estimates.
 */
#include "gridcode_stats.h"

#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "nodes/pathnodes.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(grid_containedsel);
PG_FUNCTION_INFO_V1(grid_containssel);
PG_FUNCTION_INFO_V1(grid_containedjoinsel);
PG_FUNCTION_INFO_V1(grid_containsjoinsel);

/* Fraction of rows whose code lies in an area, which may be unknown (NULL). */
static double
inside_selectivity(const VariableStatData *vardata, const Const *area)
{
	GridcodeStats stats;
	bool		known = gridcode_stats(vardata, &stats);

	if (!known || area == NULL)
		return gridcode_unknown_fraction(known ? &stats : NULL);
	return gridcode_subtree_fraction(&stats, DatumGetGridcode(area->constvalue));
}

/*
 * Fraction of rows whose area contains a code: of each prefix of the code, the
 * rows that are equal to it.
 */
static double
around_selectivity(VariableStatData *vardata, const Const *code)
{
	Oid			type = vardata->vartype;
	Oid			equals = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	double		sum = 0;
	int			digits;

	if (code == NULL || !OidIsValid(equals))
		return DEFAULT_EQ_SEL;
	for (digits = 1; digits <= gridcode_digits(DatumGetGridcode(code->constvalue)); digits++)
	{
		gridcode	prefix = gridcode_prefix(DatumGetGridcode(code->constvalue), digits);

		sum += var_eq_const(vardata, equals, InvalidOid, GridcodeGetDatum(prefix), false, true, false);
	}
	CLAMP_PROBABILITY(sum);
	return sum;
}

/* Selectivity of an operator whose area is argument areaarg. */
static double
restriction_selectivity_of(FunctionCallInfo fcinfo, int areaarg)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			varRelid = PG_GETARG_INT32(3);
	VariableStatData vardata;
	Node	   *other;
	bool		varonleft;
	const Const *known;
	double		selectivity;

	if (!get_restriction_variable(root, args, varRelid, &vardata, &other, &varonleft))
		return gridcode_unknown_fraction(NULL);
	known = IsA(other, Const) ? (const Const *) other : NULL;
	if (known != NULL && known->constisnull)
		selectivity = 0;		/* the operators are strict */
	else if (varonleft == (areaarg == 1))
		selectivity = inside_selectivity(&vardata, known);
	else
		selectivity = around_selectivity(&vardata, known);
	ReleaseVariableStats(vardata);
	return selectivity;
}

/* code <@ area */
Datum
grid_containedsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(restriction_selectivity_of(fcinfo, 1));
}

/* area @> code */
Datum
grid_containssel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(restriction_selectivity_of(fcinfo, 0));
}

/* Mean of the fraction of codes inside each value of a slot; weight is what the values stand for. */
static double
mean_inside(const GridcodeStats *codes, const AttStatsSlot *areas, bool weighted, double *weight)
{
	double		sum = 0;
	int			i;

	*weight = 0;
	for (i = 0; i < areas->nvalues; i++)
	{
		double		w = weighted ? areas->numbers[i] : 1.0;

		sum += w * gridcode_subtree_fraction(codes, DatumGetGridcode(areas->values[i]));
		*weight += w;
	}
	return *weight > 0 ? sum / *weight : 0;
}

/*
 * Mean fraction of the codes inside an area of the other column: the most
 * common areas by their frequency, and the bounds of the histogram as a sample
 * of the rest.
 */
static double
join_selectivity_of(const VariableStatData *codevar, const VariableStatData *areavar)
{
	GridcodeStats codes;
	AttStatsSlot slot;
	double		common = 0;
	double		common_weight = 0;
	double		rest;
	double		rest_weight = 0;
	double		nulls;

	if (!gridcode_stats(codevar, &codes))
		return gridcode_unknown_fraction(NULL);
	if (!HeapTupleIsValid(areavar->statsTuple))
		return gridcode_unknown_fraction(&codes);
	nulls = ((Form_pg_statistic) GETSTRUCT(areavar->statsTuple))->stanullfrac;

	if (get_attstatsslot(&slot, areavar->statsTuple, STATISTIC_KIND_MCV, InvalidOid,
						 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
	{
		common = mean_inside(&codes, &slot, true, &common_weight);
		free_attstatsslot(&slot);
	}
	rest = common;
	if (get_attstatsslot(&slot, areavar->statsTuple, STATISTIC_KIND_HISTOGRAM, InvalidOid,
						 ATTSTATSSLOT_VALUES))
	{
		rest = mean_inside(&codes, &slot, false, &rest_weight);
		free_attstatsslot(&slot);
	}
	if (common_weight == 0 && rest_weight == 0)
		return gridcode_unknown_fraction(&codes);
	return common * common_weight + rest * Max(1.0 - nulls - common_weight, 0.0);
}

/* Join selectivity of an operator whose area is argument areaarg. */
static double
join_selectivity(FunctionCallInfo fcinfo, int areaarg)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	JoinType	jointype = (JoinType) PG_GETARG_INT16(3);
	SpecialJoinInfo *sjinfo = (SpecialJoinInfo *) PG_GETARG_POINTER(4);
	VariableStatData vardata[2];
	bool		reversed;
	double		selectivity;

	get_join_variables(root, args, sjinfo, &vardata[0], &vardata[1], &reversed);
	selectivity = join_selectivity_of(&vardata[1 - areaarg], &vardata[areaarg]);

	/* Rows that have any partner, where every partner is as likely. */
	if (jointype == JOIN_SEMI || jointype == JOIN_ANTI)
	{
		const VariableStatData *inner = &vardata[reversed ? 0 : 1];

		if (inner->rel)
			selectivity *= Max(inner->rel->rows, 1.0);
	}
	CLAMP_PROBABILITY(selectivity);
	ReleaseVariableStats(vardata[0]);
	ReleaseVariableStats(vardata[1]);
	return selectivity;
}

/* code <@ area */
Datum
grid_containedjoinsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(join_selectivity(fcinfo, 1));
}

/* area @> code */
Datum
grid_containsjoinsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(join_selectivity(fcinfo, 0));
}
