/*
 * layer_filter.c
 *	  The condition that says which rows of a table count: read, checked, and
 *	  written out again with every name qualified.
 *
 * A condition is one expression on the row, as in a partial index: immutable,
 * without subqueries, aggregates or parameters. What leaves this file is
 * deparsed from the analysed expression, so it is safe to paste between
 * parentheses.
 */
#include "layer.h"

#include "access/sysattr.h"
#include "access/transam.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/ruleutils.h"

/* An error position counts in our text, not in the user's query. */
static void
position_in_filter(void *text)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) text);
	}
}

static void
not_one_expression(const char *filter)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("filter is not a single expression: \"%s\"", filter),
			 errhint("Write what would stand in a WHERE clause, without the word WHERE.")));
}

/* The parse tree of the one expression in "SELECT filter". */
static Node *
parse_filter(const char *text, const char *filter)
{
	List	   *statements = raw_parser(text, RAW_PARSE_DEFAULT);
	SelectStmt *select;
	ResTarget  *target;

	if (list_length(statements) != 1 ||
		!IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		not_one_expression(filter);
	select = (SelectStmt *) linitial_node(RawStmt, statements)->stmt;
	if (select->op != SETOP_NONE || list_length(select->targetList) != 1 ||
		select->distinctClause || select->intoClause || select->fromClause ||
		select->whereClause || select->groupClause || select->havingClause ||
		select->windowClause || select->valuesLists || select->sortClause ||
		select->limitOffset || select->limitCount || select->lockingClause ||
		select->withClause)
		not_one_expression(filter);
	target = linitial_node(ResTarget, select->targetList);
	if (target->name || target->indirection ||
		(IsA(target->val, ColumnRef) && IsA(llast(((ColumnRef *) target->val)->fields), A_Star)))
		not_one_expression(filter);
	return target->val;
}

/* Analyse the text of a filter on rel; returns a boolean expression. */
static Node *
analyse_filter(Relation rel, const char *filter, const char *alias)
{
	char	   *text = psprintf("SELECT %s", filter);
	ParseState *pstate = make_parsestate(NULL);
	ErrorContextCallback context;
	ParseNamespaceItem *item;
	Node	   *expr;

	context.callback = position_in_filter;
	context.arg = text;
	context.previous = error_context_stack;
	error_context_stack = &context;

	pstate->p_sourcetext = text;
	item = addRangeTableEntryForRelation(pstate, rel, AccessShareLock,
										 alias ? makeAlias(alias, NIL) : NULL, false, true);
	addNSItemToQuery(pstate, item, true, true, true);
	expr = transformExpr(pstate, parse_filter(text, filter), EXPR_KIND_WHERE);
	expr = coerce_to_boolean(pstate, expr, "filter");
	assign_expr_collations(pstate, expr);
	if (pstate->p_hasSubLinks)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("filter must not contain a subquery")));
	error_context_stack = context.previous;
	free_parsestate(pstate);
	return expr;
}

/* The columns a condition reads, as pull_varattnos has them. */
static Bitmapset *
columns_read(Node *expr)
{
	Bitmapset  *columns = NULL;

	pull_varattnos(expr, 1, &columns);
	return columns;
}

/* A condition on the row's values, whose answer changes only when they do. */
static void
check_filter(Node *expr)
{
	Bitmapset  *columns;
	int			i;

	/* Planning first, because it puts SQL functions in line and adds defaults. */
	if (contain_mutable_functions((Node *) expression_planner((Expr *) copyObject(expr))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("functions in a filter must be immutable"),
				 errdetail("The answer for a row may change only when the row does.")));
	columns = columns_read(expr);
	for (i = FirstLowInvalidHeapAttributeNumber + 1; i < 0; i++)
		if (bms_is_member(i - FirstLowInvalidHeapAttributeNumber, columns))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("filter must not use system columns")));
}

/*
 * A few constructs name no operator, so their operator cannot be written
 * qualified: it must be one of the system's.
 */
static bool
cannot_be_qualified(Node *node, void *context)
{
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (IsA(node, DistinctExpr) || IsA(node, NullIfExpr))
	{
		if (((OpExpr *) node)->opno >= FirstNormalObjectId)
			return true;
	}
	else if (IsA(node, CaseExpr) && ((CaseExpr *) node)->arg)
	{
		foreach(cell, ((CaseExpr *) node)->args)
		{
			Node	   *test = (Node *) lfirst_node(CaseWhen, cell)->expr;

			if (IsA(test, OpExpr) && ((OpExpr *) test)->opno >= FirstNormalObjectId)
				return true;
		}
	}
	return expression_tree_walker(node, cannot_be_qualified, context);
}

/* The row as a whole is written as the table's name, which may change. */
static void
refuse_whole_row(Node *expr)
{
	if (bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, columns_read(expr)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("filter of a layer must not use the whole row"),
				 errhint("Name the columns it depends on.")));
}

/* Write out an expression so that it is read alike whatever a session's settings, as pg_dump does. */
static char *
deparse_qualified(Node *expr, List *names, bool prefix)
{
	static const char *const settings[][2] = {
		{"datestyle", "ISO"},
		{"intervalstyle", "postgres"},
		{"extra_float_digits", "3"},
		{"standard_conforming_strings", "on"},
	};
	int			nest = safe_search_path_begin();
	char	   *text;

	for (int i = 0; i < (int) lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	text = deparse_expression(expr, names, prefix, false);
	safe_search_path_end(nest);
	return text;
}

/*
 * The filter of a layer on rel, qualified so that it means the same under
 * safe_search_path whoever runs it later. An error says what is wrong with it.
 */
char *
layer_filter(Relation rel, const char *filter)
{
	Node	   *expr = analyse_filter(rel, filter, NULL);

	check_filter(expr);
	refuse_whole_row(expr);
	if (cannot_be_qualified(expr, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("filter depends on the search_path: \"%s\"", filter),
				 errhint("Write plain operators instead of IS DISTINCT FROM, NULLIF or CASE ... WHEN.")));
	return deparse_qualified(expr, deparse_context_for(RelationGetRelationName(rel),
													   RelationGetRelid(rel)), false);
}

/*
 * The filter of a statement on rel called alias, as alias.column throughout: it
 * means what it meant to the caller, whose SET LOCAL search_path ends where a
 * batch is committed.  What cannot be qualified, or would be taken for another
 * name that the caller has put before pg_catalog's, needs the search_path.
 */
char *
statement_filter(Relation rel, const char *filter, const char *alias)
{
	Node	   *expr = analyse_filter(rel, filter, alias);
	List	   *names = deparse_context_for(alias, RelationGetRelid(rel));

	check_filter(expr);
	if (!cannot_be_qualified(expr, NULL))
	{
		char	   *qualified = deparse_qualified(expr, names, true);

		if (equal(expr, analyse_filter(rel, qualified, alias)))
			return qualified;
	}
	return deparse_expression(expr, names, true, false);
}
