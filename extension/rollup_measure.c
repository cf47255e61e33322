/*
 * rollup_measure.c
 *	  The argument measures of grid_rollup_create: a json object of column name
 *	  to aggregate call, read, analysed and judged.
 *
 * Accepted is one aggregate call whose stored results merge exactly and change
 * only when a row does.  The text is never pasted into a query: it is parsed,
 * must be one expression and nothing else, is analysed against the source, and
 * what goes on is the deparsed, fully qualified form of its arguments.
 */
#include "rollup_def.h"
#include "rollup_owner.h"

#include <ctype.h>

#include "access/sysattr.h"
#include "catalog/dependency.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

static const MeasureKind kinds[] = {
	{"count", HOME_CORE, "count", "sum", true, NULL},
	{"sum", HOME_CORE, "sum", "sum", true, NULL},
	{"min", HOME_CORE, "min", "min", false, NULL},
	{"max", HOME_CORE, "max", "max", false, NULL},
	{"bool_and", HOME_CORE, "bool_and", "bool_and", false, "every"},
	{"bool_or", HOME_CORE, "bool_or", "bool_or", false, NULL},
	{"bit_and", HOME_CORE, "bit_and", "bit_and", false, NULL},
	{"bit_or", HOME_CORE, "bit_or", "bit_or", false, NULL},
	{"code_min", HOME_GRIDTREE, "min", "min", false, NULL},
	{"code_max", HOME_GRIDTREE, "max", "max", false, NULL},
	{"gridstats", HOME_GRIDTREE, "gridstats_agg", "gridstats_merge", false, NULL},
	{"hll", HOME_HLL, "hll_add_agg", "hll_union_agg", false, NULL},
};

/* What is put before an expression so that it parses as a statement. */
#define SELECT_ "SELECT "

const MeasureKind *
measure_kind(const char *name)
{
	for (int i = 0; i < (int) lengthof(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("measures of kind \"%s\" are not known to this version of gridtree", name)));
}

bool
measure_is_stats(const RollupMeasure *measure)
{
	return strcmp(measure->kind->name, "gridstats") == 0;
}

/* Of a type that every tool can show? */
bool
measure_is_plain(const RollupMeasure *measure)
{
	return measure->kind->home == HOME_CORE;
}

/* A code, which is shown as text? */
bool
measure_is_code(const RollupMeasure *measure)
{
	return measure->kind->home == HOME_GRIDTREE && !measure_is_stats(measure);
}

pg_noreturn static void
refuse(const RollupMeasure *m, int code, const char *why, const char *hint)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("measure \"%s\" %s", m->name, why),
			 errdetail("Its expression is: %s", m->expression),
			 hint ? errhint("%s", hint) : 0));
}

/* Errors of the parser point into the expression, not into the user's query. */
static void
expression_error(void *arg)
{
	const RollupMeasure *m = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(Max(position - (int) strlen(SELECT_), 1));
		internalerrquery(m->expression);
	}
	errcontext("measure \"%s\"", m->name);
}

/* The one statement, if it is "SELECT expression" and nothing else. */
static RawStmt *
parse_expression(const RollupMeasure *m)
{
	List	   *statements = raw_parser(psprintf(SELECT_ "%s", m->expression), RAW_PARSE_DEFAULT);
	RawStmt    *raw = list_length(statements) == 1 ? linitial_node(RawStmt, statements) : NULL;
	SelectStmt *select = raw && IsA(raw->stmt, SelectStmt) ? (SelectStmt *) raw->stmt : NULL;
	ResTarget  *target;

	if (select == NULL || select->op != SETOP_NONE || list_length(select->targetList) != 1 ||
		select->distinctClause || select->intoClause || select->fromClause ||
		select->whereClause || select->groupClause || select->havingClause ||
		select->windowClause || select->valuesLists || select->sortClause ||
		select->limitOffset || select->limitCount || select->lockingClause ||
		select->withClause)
		refuse(m, ERRCODE_SYNTAX_ERROR, "is not one expression",
			   "Give one aggregate call, such as count(*) or sum(amount) FILTER (WHERE paid).");
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL || target->indirection != NIL)
		refuse(m, ERRCODE_SYNTAX_ERROR, "is not one expression",
			   "The name of the measure is the key in the json object.");
	return raw;
}

/* The text of a literal at that place spells a time that moves on, such as 'now'. */
static bool
spells_moving_time(const char *text, int location)
{
	static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};
	const char *p;

	if (location < 0 || location >= (int) strlen(text))
		return false;
	p = text + location;
	while (*p && *p != '\'' && *p != '$')
		p++;
	while (*p && !isalnum((unsigned char) *p))
		p++;
	for (int i = 0; i < (int) lengthof(words); i++)
		if (pg_strncasecmp(p, words[i], strlen(words[i])) == 0 &&
			!isalnum((unsigned char) p[strlen(words[i])]))
			return true;
	return false;
}

typedef struct JudgeContext
{
	const RollupMeasure *measure;
	const char *text;
} JudgeContext;

/* Refuse what cannot be part of an argument or filter. */
static bool
judge_walker(Node *node, void *arg)
{
	JudgeContext *context = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varattno <= 0)
		refuse(context->measure, ERRCODE_FEATURE_NOT_SUPPORTED,
			   ((Var *) node)->varattno < 0 ? "uses a system column" : "uses the whole row", NULL);
	if (IsA(node, Const))
	{
		Const	   *constant = (Const *) node;
		char		category;
		bool		preferred;

		get_type_category_preferred(constant->consttype, &category, &preferred);
		if (category == TYPCATEGORY_DATETIME && spells_moving_time(context->text, constant->location))
			refuse(context->measure, ERRCODE_INVALID_OBJECT_DEFINITION, "depends on the current time",
				   "A stored figure may change only when a row does.");
	}
	return expression_tree_walker(node, judge_walker, context);
}

/* An aggregate that does not qualify: say why, and what does. */
pg_noreturn static void
refuse_aggregate(const RollupMeasure *m, Aggref *call)
{
	const char *name = get_func_name(call->aggfnoid);
	bool		of_floats = strcmp(name, "sum") == 0 &&
		(call->aggtype == FLOAT4OID || call->aggtype == FLOAT8OID);
	const char *hint = "Measures can be count, sum of integers or numeric, min, max, bool_and, bool_or, "
		"bit_and, bit_or, gridstats_agg, and hll_add_agg of the extension hll.";

	if (strcmp(name, "avg") == 0)
		hint = "Averages do not add up. Store count and sum, or gridstats_agg, and divide when you read.";
	else if (strncmp(name, "stddev", 6) == 0 || strncmp(name, "var", 3) == 0 ||
			 strncmp(name, "regr_", 5) == 0)
		hint = "Store gridstats_agg and read stats_variance or stats_stddev from it.";
	else if (of_floats)
		hint = "Sums of floating-point numbers depend on the order of the rows; gridstats_agg does not.";
	refuse(m, ERRCODE_FEATURE_NOT_SUPPORTED,
		   of_floats ? "is a sum of floating-point numbers" : "does not merge exactly",
		   hint);
}

static bool
belongs_to(Oid function, MeasureHome home)
{
	if (home == HOME_CORE)
		return get_func_namespace(function) == PG_CATALOG_NAMESPACE;
	return getExtensionOfObject(ProcedureRelationId, function) ==
		get_extension_oid(home == HOME_HLL ? "hll" : "gridtree", true);
}

static const MeasureKind *
kind_of(const RollupMeasure *m, Aggref *call)
{
	const char *name = get_func_name(call->aggfnoid);

	for (int i = 0; i < (int) lengthof(kinds); i++)
	{
		const MeasureKind *kind = &kinds[i];

		if (strcmp(name, kind->aggregate) != 0 && (!kind->alias || strcmp(name, kind->alias) != 0))
			continue;
		if (!belongs_to(call->aggfnoid, kind->home))
			continue;
		if (strcmp(kind->name, "sum") == 0 &&
			call->aggtype != INT8OID && call->aggtype != NUMERICOID)
			continue;
		return kind;
	}
	refuse_aggregate(m, call);
}

/* The aggregate call that the analysed statement is, or an error that says what it is. */
static Aggref *
single_aggregate(const RollupMeasure *m, Query *query)
{
	Node	   *node = (Node *) linitial_node(TargetEntry, query->targetList)->expr;
	Aggref	   *call;

	if (query->hasSubLinks || query->hasWindowFuncs || query->hasTargetSRFs)
		refuse(m, ERRCODE_FEATURE_NOT_SUPPORTED,
			   query->hasSubLinks ? "contains a subquery" :
			   query->hasWindowFuncs ? "contains a window function" :
			   "contains a set-returning function",
			   "A measure is an aggregate of the columns of one row.");
	if (!IsA(node, Aggref))
		refuse(m, ERRCODE_FEATURE_NOT_SUPPORTED, "is not an aggregate call",
			   "Store the aggregates themselves and calculate with them when you read.");
	call = (Aggref *) node;
	if (call->aggkind != AGGKIND_NORMAL)
		refuse(m, ERRCODE_FEATURE_NOT_SUPPORTED, "does not merge exactly",
			   "Percentiles do not add up; gridstats_agg keeps count, sum, minimum, maximum and variance.");
	if (call->aggdistinct != NIL)
		refuse(m, ERRCODE_FEATURE_NOT_SUPPORTED, "uses DISTINCT, which does not merge",
			   "To count distinct values use hll_add_agg(hll_hash_…(x)) of the extension hll.");
	if (call->aggorder != NIL || call->aggvariadic)
		refuse(m, ERRCODE_FEATURE_NOT_SUPPORTED, "uses ORDER BY or VARIADIC in an aggregate call", NULL);
	return call;
}

/* Arguments and filter of the call, deparsed with the source as s. */
static void
deparse_call(RollupMeasure *m, Aggref *call, Oid source)
{
	List	   *context = deparse_context_for("s", source);
	ListCell   *lc;

	foreach(lc, call->args)
	{
		TargetEntry *argument = lfirst_node(TargetEntry, lc);

		m->args = lappend(m->args, deparse_expression((Node *) argument->expr, context, true, true));
	}
	m->nargs = list_length(m->args);
	if (call->aggfilter)
		m->filter = deparse_expression((Node *) call->aggfilter, context, true, true);
}

/* Parse and analyse with the search path of the user, who wrote the names. */
static Query *
analyse_expression(const RollupDef *def, const RollupMeasure *m, const char *search_path)
{
	RawStmt    *raw = parse_expression(m);
	RangeVar   *source = makeRangeVar(get_namespace_name(get_rel_namespace(def->source)),
									  get_rel_name(def->source), -1);
	int			guc_level = NewGUCNestLevel();
	Query	   *query;

	((SelectStmt *) raw->stmt)->fromClause = list_make1(source);
	(void) set_config_option("search_path", search_path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	query = parse_analyze_fixedparams(raw, psprintf(SELECT_ "%s", m->expression), NULL, 0, NULL);
	AtEOXact_GUC(false, guc_level);
	return query;
}

static void
analyse_measure(const RollupDef *def, RollupMeasure *m, const char *search_path)
{
	ErrorContextCallback callback = {error_context_stack, expression_error, m};
	JudgeContext judge = {m, psprintf(SELECT_ "%s", m->expression)};
	Query	   *query;
	Aggref	   *call;

	error_context_stack = &callback;
	query = analyse_expression(def, m, search_path);
	error_context_stack = callback.previous;

	call = single_aggregate(m, query);
	m->kind = kind_of(m, call);
	(void) judge_walker((Node *) call->args, &judge);
	(void) judge_walker((Node *) call->aggfilter, &judge);
	if (contain_mutable_functions((Node *) call->args) ||
		contain_mutable_functions((Node *) call->aggfilter))
		refuse(m, ERRCODE_INVALID_OBJECT_DEFINITION, "is not immutable",
			   "A stored figure may change only when a row does. Name the time zone, as in (x AT TIME ZONE 'Asia/Shanghai')::date, and do not use the current time.");
	m->type_oid = call->aggtype;
	m->type = format_type_extended(call->aggtype, -1,
								   FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
	m->collation = call->aggcollid;
	deparse_call(m, call, def->source);
}

/* Number of the time column among those in use, added if it is new. */
static int
time_slot(RollupDef *def, const char *column)
{
	RollupColumn *time;

	for (int i = 0; i < def->ntimes; i++)
		if (strcmp(def->times[i].name, column) == 0)
			return i;
	time = &def->times[def->ntimes++];
	time->name = pstrdup(column);
	return def->ntimes - 1;
}

/* The members of the json object as SPI rows (name, kind of value, expression, at, other keys). */
static void
read_members(Datum measures)
{
	Oid			types[] = {JSONOID};

	rollup_execute_args("SELECT m.key, json_typeof(m.value),"
						" CASE json_typeof(m.value) WHEN 'string' THEN m.value #>> '{}'"
						"  WHEN 'object' THEN m.value ->> 'expr' END,"
						" CASE json_typeof(m.value) WHEN 'object' THEN m.value ->> 'at' END,"
						" CASE json_typeof(m.value) WHEN 'object' THEN"
						"  (SELECT min(k) FROM json_object_keys(m.value) k WHERE k NOT IN ('expr', 'at')) END "
						"FROM json_each($1) WITH ORDINALITY m ORDER BY m.ordinality",
						1, types, &measures, NULL);
}

/* One member as it stands, before anything is analysed. */
static void
read_measure(RollupDef *def, int i, const char *bucket_column)
{
	HeapTuple	row = SPI_tuptable->vals[i];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	RollupMeasure *m = &def->measures[i];
	const char *kind = SPI_getvalue(row, desc, 2);
	const char *unknown = SPI_getvalue(row, desc, 5);

	m->name = SPI_getvalue(row, desc, 1);
	m->expression = SPI_getvalue(row, desc, 3);
	m->at = SPI_getvalue(row, desc, 4);
	if (unknown != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("measure \"%s\" has an unknown key \"%s\"", m->name, unknown),
				 errhint("The keys of a measure are \"expr\" and \"at\".")));
	if (m->expression == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("measure \"%s\" has no expression", m->name),
				 errdetail("Its value is of json type %s.", kind),
				 errhint("Write \"name\": \"count(*)\" or \"name\": {\"expr\": \"count(*)\", \"at\": \"closed_at\"}.")));
	if (m->at != NULL && bucket_column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("measure \"%s\" has a time column, but the rollup has no buckets", m->name),
				 errhint("Give bucket_column and bucket_width, or count with FILTER (WHERE %s IS NOT NULL).",
						 quote_identifier(m->at))));
	if (bucket_column != NULL)
		m->slot = time_slot(def, m->at ? m->at : bucket_column);
}

void
rollup_parse_measures(RollupDef *def, Datum measures, const char *bucket_column,
					  const char *search_path)
{
	char	   *type = NULL;
	Oid			types[] = {JSONOID};

	rollup_execute_args("SELECT json_typeof($1)", 1, types, &measures, NULL);
	type = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (strcmp(type, "object") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("measures must be a json object, not %s", type),
				 errhint("For example '{\"filed\": \"count(*)\"}'.")));
	read_members(measures);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there are no measures")));
	def->nmeasures = (int) SPI_processed;
	def->measures = palloc0_array(RollupMeasure, def->nmeasures);
	def->times = palloc0_array(RollupColumn, def->nmeasures);
	for (int i = 0; i < def->nmeasures; i++)
		read_measure(def, i, bucket_column);
	for (int i = 0; i < def->nmeasures; i++)
	{
		analyse_measure(def, &def->measures[i], search_path);
		def->measures[i].filtered = def->measures[i].filter != NULL || def->ntimes > 1;
	}
}
