/*
 * gridcode_support.c
 *	  Tells the planner that `code <@ area` is the range of a btree from area
 *	  to grid_last(area).
 *
 * Where the area is a constant the clause itself becomes that range, and core
 * does everything else: index scans, pruning of partitions, BRIN, constraint
 * exclusion, partial indexes.  A parameter or the column of another table
 * stays `<@`, and only an index scan gets the range as its condition.
 */
#include "gridcode.h"

#include "access/stratnum.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(grid_contained_support);
PG_FUNCTION_INFO_V1(grid_contains_support);

/*
 * code OPERATOR bound, with the operator of that strategy in the order of
 * codes; NULL if there is none, or if index_family is given and lacks it.
 */
static Expr *
make_bound(Oid index_family, int strategy, Node *code, Node *bound)
{
	Oid			type = exprType(bound);
	Oid			order = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
	Oid			operator = get_opfamily_member(order, type, type, strategy);

	/* Another family may have another order, but an operator means the same in all. */
	if (!OidIsValid(operator) ||
		(OidIsValid(index_family) && !op_in_opfamily(operator, index_family)))
		return NULL;
	return make_opclause(operator, BOOLOID, false, (Expr *) code, (Expr *) bound, InvalidOid, InvalidOid);
}

/*
 * The two bounds of the range that is `code <@ area`, or NIL.  last is the
 * expression of the area's last descendant.
 */
static List *
make_range(Oid index_family, Node *code, Node *area, Node *last)
{
	Expr	   *from = make_bound(index_family, BTGreaterEqualStrategyNumber, code, area);
	Expr	   *to = make_bound(index_family, BTLessEqualStrategyNumber, copyObject(code), last);

	return from && to ? list_make2(from, to) : NIL;
}

/* The constant last descendant of a constant area. */
static Node *
last_of_constant(Const *area)
{
	Const	   *last = copyObject(area);

	last->constvalue = GridcodeGetDatum(gridcode_last(DatumGetGridcode(area->constvalue)));
	return (Node *) last;
}

/* May this be evaluated twice?  The bar is that of core's inlining of functions. */
static bool
is_cheap(PlannerInfo *root, Node *code)
{
	QualCost	cost;

	if (contain_volatile_functions(code) || contain_subplans(code))
		return false;
	cost_qual_eval_node(&cost, code, root);
	return cost.startup + cost.per_tuple <= 10 * cpu_operator_cost;
}

/* `code <@ constant` becomes a range, unless evaluating code twice is wrong or dear. */
static Node *
simplify(PlannerInfo *root, Node *code, Node *area)
{
	List	   *range;

	if (!IsA(area, Const) || ((Const *) area)->constisnull)
		return NULL;
	if (!is_cheap(root, code))
		return NULL;
	range = make_range(InvalidOid, code, area, last_of_constant((Const *) area));
	return range == NIL ? NULL : (Node *) make_andclause(range);
}

/* grid_last(area), which lives beside the operator's own function. */
static Node *
last_of_expression(Oid funcid, Node *area)
{
	Oid			type = exprType(area);
	Oid			last = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("grid_last"),
									   PointerGetDatum(buildoidvector(&type, 1)),
									   ObjectIdGetDatum(get_func_namespace(funcid)));

	if (!OidIsValid(last))
		return NULL;
	return (Node *) makeFuncExpr(last, type, list_make1(copyObject(area)),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

/* The exact range as conditions of an index on code. */
static List *
index_condition(SupportRequestIndexCondition *request, int codearg)
{
	List	   *args = is_opclause(request->node) ? ((OpExpr *) request->node)->args :
		is_funcclause(request->node) ? ((FuncExpr *) request->node)->args : NIL;
	Node	   *area;
	Node	   *last;
	List	   *range;

	if (list_length(args) != 2 || request->indexarg != codearg)
		return NIL;
	area = list_nth(args, 1 - codearg);
	if (!is_pseudo_constant_for_index(request->root, area, request->index))
		return NIL;
	last = last_of_expression(request->funcid, area);
	range = last ? make_range(request->opfamily, list_nth(args, codearg), area, last) : NIL;
	if (range != NIL)
		request->lossy = false;
	return range;
}

/* The support function of both operators: the code is argument codearg. */
static Node *
support(Node *request, int codearg)
{
	if (IsA(request, SupportRequestSimplify))
	{
		SupportRequestSimplify *simplify_request = (SupportRequestSimplify *) request;
		List	   *args = simplify_request->fcall->args;

		return simplify(simplify_request->root, list_nth(args, codearg), list_nth(args, 1 - codearg));
	}
	if (IsA(request, SupportRequestIndexCondition))
		return (Node *) index_condition((SupportRequestIndexCondition *) request, codearg);
	return NULL;
}

/* code <@ area */
Datum
grid_contained_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(support((Node *) PG_GETARG_POINTER(0), 0));
}

/* area @> code */
Datum
grid_contains_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(support((Node *) PG_GETARG_POINTER(0), 1));
}
