/*
 * layer_locate.c
 *	  grid_locate: the deepest area that covers a point, then the lowest code.
 *
 * The rule is evaluated as the SQL that states it, by plans kept for each
 * layer in each backend. Such a query runs under the caller's snapshot and as
 * the current user, so isolation, the right to SELECT and row-level policies
 * are PostgreSQL's own business and right by construction.
 *
 * CACHE
 *	  A kept layer is stale after any change of the catalog, of the layer's
 *	  table or of a schema; callbacks only mark, the next call reads anew. Plans
 *	  are freed while nothing of them runs: a filter may call functions that
 *	  call grid_locate, hence the depth.
 */
#include "layer.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "postgis.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(grid_locate);

/* A degree of latitude on the sphere of the earth's mean radius, 6371008.8 m. */
#define METRES_PER_DEGREE	(6371008.8 * M_PI / 180.0)

/* Layers a backend keeps plans for; beyond that it starts afresh. */
#define MAX_KEPT_LAYERS		64

/* Parameters of the plans. */
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

typedef struct KeptLayer
{
	char		name[NAMEDATALEN];	/* key */
	bool		fresh;
	Oid			relation;
	int32		srid;
	bool		geographic;
	SPIPlanPtr	covering;		/* NULL until first needed */
	SPIPlanPtr	nearest;
} KeptLayer;

static HTAB *kept_layers = NULL;
static Oid	kept_catalog = InvalidOid;
static int	depth = 0;

/* Mark what depends on a relation; every layer for the catalog or for "all". */
static void
forget_relation(Datum arg pg_attribute_unused(), Oid relation)
{
	HASH_SEQ_STATUS status;
	KeptLayer  *kept;

	hash_seq_init(&status, kept_layers);
	while ((kept = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relation) || relation == kept->relation || relation == kept_catalog)
			kept->fresh = false;
}

/* A renamed schema changes names that are written in the plans. */
static void
forget_schema(Datum arg, int cacheid pg_attribute_unused(), uint32 hashvalue pg_attribute_unused())
{
	forget_relation(arg, InvalidOid);
}

/* An error leaves the depth too high; no query outlives its transaction. */
static void
reset_depth(XactEvent event, void *arg pg_attribute_unused())
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		depth = 0;
}

static void
make_cache(void)
{
	HASHCTL		control = {0};

	control.keysize = NAMEDATALEN;
	control.entrysize = sizeof(KeptLayer);
	kept_layers = hash_create("gridtree layers", MAX_KEPT_LAYERS, &control, HASH_ELEM | HASH_STRINGS);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_schema, (Datum) 0);
	RegisterXactCallback(reset_depth, NULL);
}

static void
free_plans(KeptLayer *kept)
{
	if (kept->covering)
		SPI_freeplan(kept->covering);
	if (kept->nearest)
		SPI_freeplan(kept->nearest);
	kept->covering = kept->nearest = NULL;
}

static void
drop_all_kept(void)
{
	HASH_SEQ_STATUS status;
	KeptLayer  *kept;

	hash_seq_init(&status, kept_layers);
	while ((kept = hash_seq_search(&status)) != NULL)
	{
		free_plans(kept);
		hash_search(kept_layers, kept->name, HASH_REMOVE, NULL);
	}
}

/* The clause every query shares: rows of the layer that have a code. */
static char *
rows_clause(const Layer *layer)
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
					code, rows_clause(layer), postgis_schema_quoted(),
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
					code, distance, rows_clause(layer), reach, gridtree_schema_quoted());
}

/* A column may have been renamed, dropped or changed since the layer was added. */
static void
check_column(const Layer *layer, const char *column, Oid type)
{
	AttrNumber	attnum = get_attnum(layer->relation, column);

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of layer \"%s\" does not exist", column, layer->name),
				 errdetail("Table %s had it when the layer was added.", relation_quoted(layer->relation)),
				 errhint("Drop the layer and add it again.")));
	if (get_atttype(layer->relation, attnum) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of layer \"%s\" is of type %s, not %s", column, layer->name,
						format_type_be(get_atttype(layer->relation, attnum)), format_type_be(type)),
				 errdetail("Table %s was changed after the layer was added.",
						   relation_quoted(layer->relation))));
}

/* Whose rule it is that cannot be prepared, its filter perhaps out of date. */
static void
name_the_layer(void *name)
{
	errcontext("rule of layer \"%s\"", (const char *) name);
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
	context.callback = name_the_layer;
	context.arg = unconstify(char *, name);
	context.previous = error_context_stack;
	error_context_stack = &context;
	types[PARAM_POINT] = postgis_type("geometry");
	check_column(layer, NameStr(layer->geom_column), types[PARAM_POINT]);
	check_column(layer, NameStr(layer->code_column), gridtree_type("gridcode"));
	/* One plan for all points: planning would cost more than locating. */
	plan = SPI_prepare_cursor(query_of(layer), NPARAMS, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "preparing the rule of layer \"%s\" failed: %s", name,
			 SPI_result_code_string(SPI_result));
	error_context_stack = context.previous;
	return plan;
}

/* Read a layer into its slot; what stops it with an error leaves the slot stale. */
static void
refresh_kept(KeptLayer *kept)
{
	Layer	   *layer;

	if (depth == 0)
		free_plans(kept);
	else						/* a caller up the stack may be running them */
		kept->covering = kept->nearest = NULL;
	kept_catalog = layer_catalog_oid();

	/* Fresh first: an invalidation that arrives while reading must win. */
	kept->fresh = true;
	PG_TRY();
	{
		layer = layer_read(kept->name);
		if (layer == NULL)
			layer_unknown(kept->name);
	}
	PG_CATCH();
	{
		kept->fresh = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	kept->relation = layer->relation;
	kept->srid = layer->srid;
	kept->geographic = layer->geographic;
	pfree(layer);
}

/* The layer of that name, up to date. */
static KeptLayer *
kept_layer(const char *name)
{
	KeptLayer  *kept;
	bool		found;

	if (strlen(name) >= NAMEDATALEN)
		layer_unknown(name);
	if (kept_layers == NULL)
		make_cache();
	kept = hash_search(kept_layers, name, HASH_FIND, NULL);
	if (kept && kept->fresh)
		return kept;
	if (kept == NULL)
	{
		if (depth == 0 && hash_get_num_entries(kept_layers) >= MAX_KEPT_LAYERS)
			drop_all_kept();
		kept = hash_search(kept_layers, name, HASH_ENTER, &found);
		memset((char *) kept + NAMEDATALEN, 0, sizeof(KeptLayer) - NAMEDATALEN);
	}
	refresh_kept(kept);
	return kept;
}

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

/* What the nearest areas are measured with at a point. */
static void
set_tolerance(Datum *values, const GeometryHead *head, double tolerance)
{
	double		metres_x = fabs(cos(head->y * (M_PI / 180.0))) * METRES_PER_DEGREE;
	double		margin = tolerance * (1 + 1e-9);

	values[PARAM_TOLERANCE] = Float8GetDatum(tolerance);
	values[PARAM_METRES_X] = Float8GetDatum(metres_x);
	values[PARAM_METRES_Y] = Float8GetDatum(METRES_PER_DEGREE);
	/* At a pole every longitude is near. */
	values[PARAM_REACH_X] = Float8GetDatum(margin < 360 * metres_x ? margin / metres_x : 360);
	values[PARAM_REACH_Y] = Float8GetDatum(margin / METRES_PER_DEGREE);
}

/* Run a plan that yields at most one code. */
static gridcode
run_plan(SPIPlanPtr plan, Datum *values)
{
	gridcode	code = 0;
	bool		isnull;

	if (SPI_execute_plan(plan, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "running the rule of a layer failed");
	if (SPI_processed > 0)
		code = DatumGetGridcode(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return code;
}

/* Evaluate the rule at a point that has been checked. */
static gridcode
evaluate(KeptLayer *kept, Datum point, const GeometryHead *head, double tolerance)
{
	Datum		values[NPARAMS];
	gridcode	code;
	int			nest = safe_search_path_begin();

	values[PARAM_POINT] = point;
	set_tolerance(values, head, tolerance);
	SPI_connect();
	depth++;
	if (kept->covering == NULL)
		kept->covering = keep_plan(kept->name, covering_query);
	code = run_plan(kept->covering, values);
	if (code == 0 && tolerance > 0)
	{
		if (kept->nearest == NULL)
			kept->nearest = keep_plan(kept->name, nearest_query);
		code = run_plan(kept->nearest, values);
	}
	depth--;
	SPI_finish();
	safe_search_path_end(nest);
	return code;
}

/* The code of the area a point is in; 0 where there is none. */
gridcode
layer_locate(const char *name, Datum point, double tolerance)
{
	KeptLayer  *kept = kept_layer(name);
	GeometryHead head = geometry_head(point);

	layer_check_tolerance(tolerance);
	if (!check_point(kept, &head))
		return 0;
	return evaluate(kept, point, &head, tolerance);
}

Datum
grid_locate(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	gridcode	code = layer_locate(name, PG_GETARG_DATUM(1), PG_GETARG_FLOAT8(2));

	pfree(name);
	PG_RETURN_GRIDCODE_OR_NULL(code);
}
