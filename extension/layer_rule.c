/*
 * layer_rule.c
 *	  grid_locate's rule as the SQL that states it.
 *
 * It runs under the caller's snapshot and as the current user, so isolation,
 * the right to SELECT and row-level policies are PostgreSQL's own business and
 * right by construction.  It answers wherever an image must not or cannot.
 * Plans are kept for each layer in each backend.
 */
#include "layer_rule.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"

/* Parameters of the plans; covering_query needs the first only. */
enum
{
	PARAM_POINT,
	PARAM_TOLERANCE,
	PARAM_METRES_X,				/* metres a degree, here and in y */
	PARAM_METRES_Y,
	PARAM_REACH_X,				/* the tolerance in degrees, a little more */
	PARAM_REACH_Y,
	NPARAMS
};

char *
layer_rows_clause(const Layer *layer)
{
	return psprintf("FROM %s WHERE (%s) AND %s IS NOT NULL", relation_quoted(layer->relation),
					layer->filter ? layer->filter : "true",
					quote_identifier(NameStr(layer->code_column)));
}

/* The rule, as the design states it. */
static char *
covering_query(const Layer *layer)
{
	const char *code = quote_identifier(NameStr(layer->code_column));

	return psprintf("SELECT %s %s AND %s.ST_Intersects(%s, $1) ORDER BY %s.grid_digits(%s) DESC, %s LIMIT 1",
					code, layer_rows_clause(layer), postgis_schema_quoted(),
					quote_identifier(NameStr(layer->geom_column)),
					gridtree_schema_quoted(), code, code);
}

/* In a gap: the nearest within the tolerance; what ties is decided by the rule. */
static char *
nearest_query(const Layer *layer)
{
	const char *code = quote_identifier(NameStr(layer->code_column));
	const char *geom = quote_identifier(NameStr(layer->geom_column));
	char	   *postgis = postgis_schema_quoted();
	char	   *distance;
	char	   *reach;

	if (layer->geographic)
	{
		/* Moved before it is scaled: differences of near degrees are exact. */
		distance = psprintf("%s.ST_Distance("
							"%s.ST_Scale(%s.ST_Translate(%s, -%s.ST_X($1), -%s.ST_Y($1)), $3, $4), "
							"%s.ST_Scale(%s.ST_Translate($1, -%s.ST_X($1), -%s.ST_Y($1)), $3, $4))",
							postgis, postgis, postgis, geom, postgis, postgis,
							postgis, postgis, postgis, postgis);
		reach = psprintf("%s OPERATOR(%s.&&) %s.ST_Expand($1, $5, $6)", geom, postgis, postgis);
	}
	else
	{
		distance = psprintf("%s.ST_Distance(%s, $1)", postgis, geom);
		reach = psprintf("%s.ST_DWithin(%s, $1, $2)", postgis, geom);
	}
	return psprintf("WITH near AS (SELECT %s AS code, %s AS distance %s AND %s) "
					"SELECT code FROM near WHERE distance <= $2 AND distance <= "
					"(SELECT min(distance) FROM near) + 1e-12::float8 "
					"ORDER BY %s.grid_digits(code) DESC, code LIMIT 1",
					code, distance, layer_rows_clause(layer), reach, gridtree_schema_quoted());
}

/* Whose rule it is that cannot be prepared, its filter perhaps out of date. */
static void
name_the_layer(void *name)
{
	errcontext("rule of layer \"%s\"", (const char *) name);
}

void
layer_name_in_errors(ErrorContextCallback *context, const char *name)
{
	context->callback = name_the_layer;
	context->arg = unconstify(char *, name);
	context->previous = error_context_stack;
	error_context_stack = context;
}

/* Prepare a query of a layer and keep its plan. */
static SPIPlanPtr
keep_plan(const char *name, char *(*query_of) (const Layer *))
{
	Oid			types[NPARAMS] = {0, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID};
	Layer	   *layer = layer_read(name);
	SPIPlanPtr	plan;
	ErrorContextCallback context;

	if (layer == NULL)
		layer_unknown(name);
	layer_name_in_errors(&context, name);
	types[PARAM_POINT] = postgis_type("geometry");
	/* One plan for all points: planning would cost more than locating. */
	plan = SPI_prepare_cursor(query_of(layer), NPARAMS, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "preparing the rule of layer \"%s\" failed: %s", name,
			 SPI_result_code_string(SPI_result));
	error_context_stack = context.previous;
	return plan;
}

static double
metres_per_degree_x(const GeometryHead *head)
{
	return fabs(cos(head->y * (M_PI / 180.0))) * METRES_PER_DEGREE;
}

void
layer_reach(const KeptLayer *kept, const GeometryHead *head, double tolerance, double *x, double *y)
{
	double		margin = tolerance * (1 + 1e-9);
	double		metres_x = metres_per_degree_x(head);

	*x = *y = margin;
	if (!kept->geographic)
		return;
	/* At a pole every longitude is near. */
	*x = margin < 360 * metres_x ? margin / metres_x : 360;
	*y = margin / METRES_PER_DEGREE;
}

/* Run a plan that yields at most one code, prepared when it is first needed. */
static gridcode
run_rule(KeptLayer *kept, SPIPlanPtr *plan, char *(*query_of) (const Layer *), Datum *values)
{
	gridcode	code;
	bool		isnull;
	int			nest = safe_search_path_begin();

	SPI_connect();
	layer_hold();
	PG_TRY();
	{
		if (*plan == NULL)
			*plan = keep_plan(kept->name, query_of);
		if (SPI_execute_plan(*plan, values, NULL, true, 1) != SPI_OK_SELECT)
			elog(ERROR, "running the rule of layer \"%s\" failed", kept->name);
	}
	PG_FINALLY();
	{
		layer_release();
	}
	PG_END_TRY();
	code = SPI_processed > 0
		? DatumGetGridcode(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) : 0;
	SPI_finish();
	safe_search_path_end(nest);
	return code;
}

gridcode
layer_rule_covering(KeptLayer *kept, Datum point)
{
	Datum		values[NPARAMS] = {point};

	return run_rule(kept, &kept->covering, covering_query, values);
}

gridcode
layer_rule_nearest(KeptLayer *kept, Datum point, const GeometryHead *head, double tolerance)
{
	Datum		values[NPARAMS] = {point};
	double		reach_x;
	double		reach_y;

	layer_reach(kept, head, tolerance, &reach_x, &reach_y);
	values[PARAM_TOLERANCE] = Float8GetDatum(tolerance);
	values[PARAM_METRES_X] = Float8GetDatum(metres_per_degree_x(head));
	values[PARAM_METRES_Y] = Float8GetDatum(METRES_PER_DEGREE);
	values[PARAM_REACH_X] = Float8GetDatum(reach_x);
	values[PARAM_REACH_Y] = Float8GetDatum(reach_y);
	return run_rule(kept, &kept->nearest, nearest_query, values);
}
