/*
 * gridcode_rangesel.c
 *	  Selectivity of < <= > >= on codes.
 *
 * The ranges that come from `code <@ area` are known from the prefix counts,
 * but a range is two clauses, and the planner multiplies what it does not know
 * to be a pair (it knows only of clauses with core's own estimators).  So the
 * clauses that bound one column in one list are looked at together: the first
 * of them answers for all, and the others answer 1.  A scope beside a query's
 * own area (`code <@ '35' AND code <@ '350304'`) is one range as well.
 */
#include "gridcode_stats.h"

#include "access/stratnum.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(gridcode_ltsel);
PG_FUNCTION_INFO_V1(gridcode_lesel);
PG_FUNCTION_INFO_V1(gridcode_gtsel);
PG_FUNCTION_INFO_V1(gridcode_gesel);

/* One clause `code OPERATOR constant`. */
typedef struct Bound
{
	OpExpr	   *clause;
	int			strategy;		/* as if the constant were on the right */
	gridcode	code;
} Bound;

/* All bounds of one column in one list of clauses. */
typedef struct Range
{
	const List *first;			/* arguments of the first clause */
	Bound		lower;			/* the greatest; no clause where there is none */
	Bound		upper;			/* the least */
} Range;

static Node *
strip_restrictinfo(Node *node)
{
	if (!IsA(node, RestrictInfo))
		return node;
	/* What the planner estimates is the clause with RestrictInfos inside. */
	return (Node *) (((RestrictInfo *) node)->orclause ? ((RestrictInfo *) node)->orclause : ((RestrictInfo *) node)->clause);
}

/*
 * The AND-list with the clause whose arguments are args: the very same list,
 * for equal clauses may stand in several places.  NIL if there is none.
 */
static List *
list_with_clause(List *clauses, const List *args, bool is_and)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Node	   *node = strip_restrictinfo(lfirst(lc));
		List	   *found = NIL;

		if (is_opclause(node) && ((OpExpr *) node)->args == args)
			return is_and ? clauses : NIL;
		if (is_andclause(node) || is_orclause(node))
			found = list_with_clause(((BoolExpr *) node)->args, args, is_andclause(node));
		if (found != NIL)
			return found;
	}
	return NIL;
}

/* Is this expression the column, also where that is of a domain? */
static bool
is_column(Node *node, Node *var)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	while (IsA(var, RelabelType))
		var = (Node *) ((RelabelType *) var)->arg;
	return equal(node, var);
}

/* Read a clause as a bound of the column var; family is btree's of its type. */
static bool
read_bound(Node *node, Node *var, Oid family, Bound *bound)
{
	OpExpr	   *clause = (OpExpr *) node;
	Oid			operator;
	Node	   *constant;

	if (!is_opclause(node) || list_length(clause->args) != 2)
		return false;
	operator = clause->opno;
	constant = lsecond(clause->args);
	if (!is_column(linitial(clause->args), var))
	{
		if (!is_column(constant, var))
			return false;
		constant = linitial(clause->args);
		operator = get_commutator(operator);
	}
	bound->strategy = get_op_opfamily_strategy(operator, family);
	if (bound->strategy == InvalidStrategy || bound->strategy == BTEqualStrategyNumber ||
		!IsA(constant, Const) || ((Const *) constant)->constisnull)
		return false;
	bound->clause = clause;
	bound->code = DatumGetGridcode(((Const *) constant)->constvalue);
	return true;
}

/* Narrow the range by one more bound. */
static void
add_bound(Range *range, const Bound *bound)
{
	bool		is_lower = bound->strategy == BTGreaterStrategyNumber || bound->strategy == BTGreaterEqualStrategyNumber;
	Bound	   *so_far = is_lower ? &range->lower : &range->upper;

	if (range->first == NIL)
		range->first = bound->clause->args;
	if (so_far->clause == NULL ||
		(is_lower ? bound->code > so_far->code : bound->code < so_far->code))
		*so_far = *bound;
}

/* All bounds of the column that are in one list with the clause of args. */
static bool
find_range(List *args, const VariableStatData *vardata, Range *range)
{
	Oid			family = lookup_type_cache(vardata->atttype, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
	List	   *clauses;
	ListCell   *lc;

	memset(range, 0, sizeof(*range));
	if (vardata->rel == NULL)
		return false;
	clauses = list_with_clause(vardata->rel->baserestrictinfo, args, true);
	if (clauses == NIL)
		clauses = list_with_clause(vardata->rel->joininfo, args, true);
	foreach(lc, clauses)
	{
		Bound		bound;

		if (read_bound(strip_restrictinfo(lfirst(lc)), vardata->var, family, &bound))
			add_bound(range, &bound);
	}
	return range->first != NIL;
}

/* What core says about one clause alone. */
static double
alone(PlannerInfo *root, const Bound *bound, int varRelid)
{
	static const PGFunction estimator[] = {
		[BTLessStrategyNumber] = scalarltsel,
		[BTLessEqualStrategyNumber] = scalarlesel,
		[BTGreaterEqualStrategyNumber] = scalargesel,
		[BTGreaterStrategyNumber] = scalargtsel,
	};

	return DatumGetFloat8(DirectFunctionCall4(estimator[bound->strategy], PointerGetDatum(root),
											  ObjectIdGetDatum(bound->clause->opno),
											  PointerGetDatum(bound->clause->args),
											  Int32GetDatum(varRelid)));
}

/* Is this range what `code <@ area` is, the area being its lower end? */
static bool
is_subtree(const Range *range)
{
	return range->lower.strategy == BTGreaterEqualStrategyNumber &&
		range->upper.strategy == BTLessEqualStrategyNumber &&
		range->upper.code == gridcode_last(range->lower.code);
}

/* What core makes of two ends: about right where they are far apart, else maybe negative. */
static double
pair_selectivity(PlannerInfo *root, Node *var, const Range *range, int varRelid)
{
	double		lower = alone(root, &range->lower, varRelid);
	double		upper = alone(root, &range->upper, varRelid);

	/* Both halves leave out the NULLs, which are thus left out twice. */
	return lower + upper - 1 + nulltestsel(root, IS_NULL, var, varRelid, JOIN_INNER, NULL);
}

/*
 * Fraction of rows inside a range of two ends of a column without the slot:
 * core's histogram is still there where the statistics were carried over from
 * another server, and a column of NULLs has no more than that to say.
 */
static double
slotless_selectivity(PlannerInfo *root, const VariableStatData *vardata, const Range *range, int varRelid)
{
	double		selectivity;

	if (!HeapTupleIsValid(vardata->statsTuple))
		return gridcode_unknown_fraction(NULL);
	selectivity = pair_selectivity(root, vardata->var, range, varRelid);
	return selectivity < -0.01 ? gridcode_unknown_fraction(NULL) : selectivity;
}

/* Fraction of rows inside a range of two ends, or of one. */
static double
range_selectivity(PlannerInfo *root, VariableStatData *vardata, const Range *range, int varRelid)
{
	GridcodeStats stats;
	double		selectivity;

	if (range->lower.clause == NULL)
		return alone(root, &range->upper, varRelid);
	if (range->upper.clause == NULL)
		return alone(root, &range->lower, varRelid);
	if (range->lower.code > range->upper.code)
		return 0;
	if (!gridcode_stats(vardata, &stats))
		selectivity = slotless_selectivity(root, vardata, range, varRelid);
	else if (is_subtree(range))
		selectivity = gridcode_subtree_fraction(&stats, range->lower.code);
	else
		selectivity = Max(pair_selectivity(root, vardata->var, range, varRelid),
						  gridcode_between_fraction(&stats, range->lower.code, range->upper.code));
	CLAMP_PROBABILITY(selectivity);
	return selectivity;
}

/*
 * `code <= grid_last(area)` of an area that is not known: the condition of an
 * index that gridcode_support.c makes beside `code >= area`, which by itself
 * is a third of the rows.
 */
static bool
is_unknown_subtree_end(Node *other, Oid operator)
{
	FuncExpr   *call = (FuncExpr *) other;
	char	   *name;

	if (!IsA(other, FuncExpr) || list_length(call->args) != 1)
		return false;
	if (get_func_namespace(call->funcid) != get_func_namespace(get_opcode(operator)))
		return false;
	name = get_func_name(call->funcid);
	return name != NULL && strcmp(name, "grid_last") == 0;
}

static double
unknown_subtree_end(const VariableStatData *vardata)
{
	GridcodeStats stats;
	bool		known = gridcode_stats(vardata, &stats);
	double		selectivity = gridcode_unknown_fraction(known ? &stats : NULL) / DEFAULT_INEQ_SEL;

	CLAMP_PROBABILITY(selectivity);
	return selectivity;
}

/* Selectivity of one clause; core is what core would say about it alone. */
static double
bound_selectivity(FunctionCallInfo fcinfo, PGFunction core)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	Oid			operator = PG_GETARG_OID(1);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			varRelid = PG_GETARG_INT32(3);
	VariableStatData vardata;
	Node	   *other;
	bool		varonleft;
	double		selectivity = -1;
	Range		range;

	if (get_restriction_variable(root, args, varRelid, &vardata, &other, &varonleft))
	{
		if (is_unknown_subtree_end(other, operator))
			selectivity = unknown_subtree_end(&vardata);
		else if (IsA(other, Const) && find_range(args, &vardata, &range))
			selectivity = range.first == args ? range_selectivity(root, &vardata, &range, varRelid) : 1.0;
		ReleaseVariableStats(vardata);
	}
	if (selectivity < 0)
		selectivity = DatumGetFloat8(DirectFunctionCall4(core, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1),
														 PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)));
	return selectivity;
}

Datum
gridcode_ltsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(bound_selectivity(fcinfo, scalarltsel));
}

Datum
gridcode_lesel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(bound_selectivity(fcinfo, scalarlesel));
}

Datum
gridcode_gtsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(bound_selectivity(fcinfo, scalargtsel));
}

Datum
gridcode_gesel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(bound_selectivity(fcinfo, scalargesel));
}
