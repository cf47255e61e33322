/*
 * rollup_create.c
 *	  grid_rollup_create: checks the definition, then makes the tables, the
 *	  views, the triggers and the catalog rows.
 *
 * Everything is made as the owner of the source, so that measures never run
 * with more rights than the owner's.  CREATE TRIGGER keeps writers out until
 * the transaction ends; therefore nothing is filled here.  The log's first
 * entry says "everything": the first refresh is the full build, and NAME_live
 * computes everything until then.
 *
 * Locks: SHARE ROW EXCLUSIVE on the source and every table below it.
 */
#include "rollup_bucket.h"
#include "rollup_def.h"
#include "rollup_log.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "gridscheme.h"
#include "miscadmin.h"
#include "rollup_owner.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(grid_rollup_create);

enum
{
	ARG_NAME, ARG_SOURCE, ARG_CODE_COLUMN, ARG_MEASURES, ARG_BUCKET_COLUMN, ARG_BUCKET_WIDTH,
	ARG_DIMENSIONS, ARG_LOWEST_LEVEL, ARG_TOP_LEVEL, ARG_SCHEDULE, ARG_MAX_LAG, ARG_TIME_ZONE,
	ARG_SCHEME
};

/* Per cent of a page that are filled at first: figures are updated, and then stay on their page. */
#define ROLLUP_FILLFACTOR 90

/* The longest suffix that is put behind the name of a rollup. */
#define LONGEST_SUFFIX "_live"

/* The arguments as they come, and what is worked out on the way. */
typedef struct CreateRequest
{
	char	   *schema;			/* of the new relations */
	char	   *name;
	char	   *bucket_column;	/* or NULL, as the ones below */
	char	   *lowest;
	char	   *top;
	char	   *schedule;
	Interval   *max_lag;
	Datum		measures;
	Datum		dimensions;
	struct varlena *scheme;
	char	   *search_path;	/* for the names in measures */
} CreateRequest;

static void
require(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" of grid_rollup_create must not be null", name)));
}

static char *
text_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static char *
name_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(arg)));
}

/* Split the name of the new rollup; without a schema it goes to the current one. */
static void
read_name(CreateRequest *request, text *name)
{
	List	   *parts = textToQualifiedNameList(name);

	if (list_length(parts) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid name of a rollup: \"%s\"", text_to_cstring(name)),
				 errhint("Write name or schema.name.")));
	DeconstructQualifiedName(parts, &request->schema, &request->name);
	if (request->schema == NULL)
	{
		List	   *path = fetch_search_path(false);

		if (path == NIL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("no schema has been selected to create in")));
		request->schema = get_namespace_name(linitial_oid(path));
	}
	(void) get_namespace_oid(request->schema, false);
	if (strlen(request->name) + strlen(LONGEST_SUFFIX) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("name \"%s\" of a rollup is longer than %d bytes", request->name,
						NAMEDATALEN - 1 - (int) strlen(LONGEST_SUFFIX))));
}

static void
read_request(FunctionCallInfo fcinfo, RollupDef *def, CreateRequest *request)
{
	require(fcinfo, ARG_NAME, "name");
	require(fcinfo, ARG_SOURCE, "source");
	require(fcinfo, ARG_CODE_COLUMN, "code_column");
	require(fcinfo, ARG_MEASURES, "measures");
	require(fcinfo, ARG_SCHEME, "scheme");
	read_name(request, PG_GETARG_TEXT_PP(ARG_NAME));
	def->source = PG_GETARG_OID(ARG_SOURCE);
	def->code.name = name_or_null(fcinfo, ARG_CODE_COLUMN);
	request->measures = PG_GETARG_DATUM(ARG_MEASURES);
	request->bucket_column = name_or_null(fcinfo, ARG_BUCKET_COLUMN);
	def->width = PG_ARGISNULL(ARG_BUCKET_WIDTH) ? NULL : PG_GETARG_INTERVAL_P(ARG_BUCKET_WIDTH);
	request->dimensions = PG_ARGISNULL(ARG_DIMENSIONS) ? (Datum) 0 : PG_GETARG_DATUM(ARG_DIMENSIONS);
	request->lowest = text_or_null(fcinfo, ARG_LOWEST_LEVEL);
	request->top = text_or_null(fcinfo, ARG_TOP_LEVEL);
	request->schedule = text_or_null(fcinfo, ARG_SCHEDULE);
	request->max_lag = PG_ARGISNULL(ARG_MAX_LAG) ? NULL : PG_GETARG_INTERVAL_P(ARG_MAX_LAG);
	def->zone = text_or_null(fcinfo, ARG_TIME_ZONE);
	request->scheme = PG_GETARG_VARLENA_PP(ARG_SCHEME);
	request->search_path = psprintf("%s%s%s", namespace_search_path,
									namespace_search_path[0] ? ", " : "", def->schema);
}

/* The source is a table of the current user, and no policy stands before its owner. */
static void
check_source(Oid source)
{
	char		kind = get_rel_relkind(source);
	char	   *name = get_rel_name(source);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", source)));
	if (!object_ownercheck(RelationRelationId, source, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(kind), name);
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be the source of a rollup", name),
				 errdetail("It is not a table."),
				 errhint("Changes are captured by triggers on tables: create the rollup on the table beneath.")));
	if (get_rel_persistence(source) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("temporary table \"%s\" cannot be the source of a rollup", name)));
	if (check_enable_rls(source, relation_owner(source), true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("row-level security of \"%s\" applies to its owner", name),
				 errdetail("The figures would leave out rows."),
				 errhint("ALTER TABLE … NO FORCE ROW LEVEL SECURITY.")));
}

/* Look the column up in the source. */
static void
find_column(const RollupDef *def, RollupColumn *column)
{
	AttrNumber	number = get_attnum(def->source, column->name);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column->name, get_rel_name(def->source))));
	get_atttypetypmodcoll(def->source, number, &column->type, &column->typmod, &column->collation);
}

static void
check_code_column(RollupDef *def)
{
	find_column(def, &def->code);
	if (getBaseType(def->code.type) != gridtree_type("gridcode"))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("code column \"%s\" is of type %s, not gridcode",
						def->code.name, format_type_be(def->code.type)),
				 errhint("ALTER TABLE %s ALTER COLUMN %s TYPE %s.gridcode.",
						 relation_quoted(def->source), quote_identifier(def->code.name), def->schema)));
}

static void
check_time(const RollupDef *def, RollupColumn *time)
{
	find_column(def, time);
#ifdef ATTRIBUTE_GENERATED_VIRTUAL
	if (get_attgenerated(def->source, get_attnum(def->source, time->name)) == ATTRIBUTE_GENERATED_VIRTUAL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("time column \"%s\" is a virtual generated column", time->name),
				 errdetail("Triggers do not see its value."),
				 errhint("Make it a STORED generated column.")));
#endif
	time->type = getBaseType(time->type);
	if (time->type != DATEOID && time->type != TIMESTAMPOID && time->type != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("time column \"%s\" is of type %s", time->name, format_type_be(time->type)),
				 errhint("A bucket is made of a date, timestamp or timestamp with time zone.")));
	if (time->type == DATEOID && !def->bucket_is_date)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("time column \"%s\" is a date, which has no buckets shorter than a day", time->name)));
	if (time->type == TIMESTAMPTZOID && def->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("time column \"%s\" needs a time zone", time->name),
				 errdetail("When a day begins would otherwise depend on the session."),
				 errhint("Give time_zone, for example time_zone => 'Asia/Shanghai'.")));
}

static void
check_width(RollupDef *def, const char *bucket_column)
{
	if ((bucket_column == NULL) != (def->width == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bucket_column and bucket_width must be given together")));
	if (def->width != NULL)
		def->bucket_is_date = bucket_width_is_date(def->width);
}

static void
read_dimensions(RollupDef *def, Datum dimensions)
{
	Datum	   *names;
	bool	   *nulls;

	if (dimensions == (Datum) 0)
		return;
	deconstruct_array(DatumGetArrayTypeP(dimensions), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &names, &nulls, &def->ndims);
	/* They are in indexes, with bucket and code. */
	if (def->ndims > INDEX_MAX_KEYS - 2)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("a rollup cannot have more than %d dimensions", INDEX_MAX_KEYS - 2)));
	def->dims = palloc0_array(RollupColumn, def->ndims);
	for (int i = 0; i < def->ndims; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a dimension must not be null")));
		def->dims[i].name = pstrdup(NameStr(*DatumGetName(names[i])));
		find_column(def, &def->dims[i]);
		if (!OidIsValid(lookup_type_cache(def->dims[i].type, TYPECACHE_LT_OPR)->lt_opr))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("dimension \"%s\" is of type %s, which has no order",
							def->dims[i].name, format_type_be(def->dims[i].type))));
	}
}

static List *
add_name(List *names, char *name)
{
	ListCell   *lc;

	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid column name \"%s\"", name),
				 errdetail("A name has 1 to %d bytes.", NAMEDATALEN - 1)));
	foreach(lc, names)
		if (strcmp(lfirst(lc), name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("the rollup would have two columns \"%s\"", name),
					 errdetail("The columns are code, level, bucket, the dimensions and the measures; measures of gridstats have four columns in the view for tools.")));
	return lappend(names, name);
}

/* All column names of the rollup and of its view for tools are different. */
static void
check_names(const RollupDef *def)
{
	List	   *names = list_make3(pstrdup("code"), pstrdup("level"), pstrdup("bucket"));
	static const char *const parts[] = {"count", "sum", "min", "max"};

	for (int i = 0; i < def->ndims; i++)
		names = add_name(names, def->dims[i].name);
	for (int i = 0; i < def->nmeasures; i++)
		names = add_name(names, def->measures[i].name);
	for (int i = 0; i < def->nmeasures; i++)
		for (int part = 0; part < (int) lengthof(parts) && measure_is_stats(&def->measures[i]); part++)
			names = add_name(names, psprintf("%s_%s", def->measures[i].name, parts[part]));
}

static char *
new_name(const CreateRequest *request, const char *suffix)
{
	return quote_qualified_identifier(request->schema, psprintf("%s%s", request->name, suffix));
}

static Oid
find_new(const CreateRequest *request, const char *suffix)
{
	CommandCounterIncrement();
	return get_relname_relid(psprintf("%s%s", request->name, suffix),
							 get_namespace_oid(request->schema, false));
}

static void
append_column(StringInfo buf, const char *name, const char *type, Oid collation)
{
	appendStringInfo(buf, ", %s %s", quote_identifier(name), type);
	if (OidIsValid(collation))
		appendStringInfo(buf, " COLLATE %s", generate_collation_name(collation));
}

/* Dimensions and measures, as the rollup and its rest have them. */
static void
append_columns(StringInfo buf, const RollupDef *def)
{
	if (def->ntimes > 0)
		appendStringInfo(buf, ", bucket %s NOT NULL", sql_bucket_type(def));
	for (int i = 0; i < def->ndims; i++)
		append_column(buf, def->dims[i].name,
					  format_type_extended(def->dims[i].type, def->dims[i].typmod,
										   FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY),
					  def->dims[i].collation);
	for (int i = 0; i < def->nmeasures; i++)
		append_column(buf, def->measures[i].name, def->measures[i].type,
					  type_is_collatable(def->measures[i].type_oid) ? def->measures[i].collation : InvalidOid);
}

/*
 * The tables; their indexes come with the first refresh, which fills them.  Rows are deleted by their contents, and a publication FOR ALL
 * TABLES must not forbid that: hence the replica identity.
 */
static void
create_tables(RollupDef *def, const CreateRequest *request)
{
	static const char *const suffixes[] = {"", "_rest"};
	StringInfoData buf;

	for (int part = 0; part < (int) lengthof(suffixes); part++)
	{
		char	   *table = new_name(request, suffixes[part]);

		initStringInfo(&buf);
		appendStringInfo(&buf, "CREATE TABLE %s (code %s.gridcode NOT NULL%s", table, def->schema,
						 part == 0 ? ", level pg_catalog.text COLLATE \"C\" NOT NULL" : "");
		append_columns(&buf, def);
		appendStringInfo(&buf, ") WITH (fillfactor = %d)", ROLLUP_FILLFACTOR);
		rollup_execute(buf.data);
		rollup_execute(psprintf("ALTER TABLE %s REPLICA IDENTITY FULL", table));
	}
	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE TABLE %s (code %s.gridcode", new_name(request, "_log"), def->schema);
	if (def->ntimes > 0)
		appendStringInfo(&buf, ", bucket %s", sql_bucket_type(def));
	appendStringInfoString(&buf, ", unassigned pg_catalog.int8) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,"
						   " autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000)");
	rollup_execute(buf.data);
	rollup_execute(psprintf("ALTER TABLE %s REPLICA IDENTITY FULL", new_name(request, "_log")));

	def->rollup = find_new(request, "");
	def->rest = find_new(request, "_rest");
	def->log = find_new(request, "_log");
}

static void
create_views(RollupDef *def, const CreateRequest *request)
{
	rollup_create_rows_view(def, new_name(request, "_rows"));
	def->rows = find_new(request, "_rows");
	rollup_set_names(def);
	rollup_create_live_view(def, new_name(request, "_live"));
	def->live = find_new(request, "_live");
	rollup_create_bi_view(def, new_name(request, "_bi"));
	def->bi = find_new(request, "_bi");
}

static void
comment_relations(const RollupDef *def)
{
	const char *of = quote_literal_cstr(psprintf("figures of %s, kept by gridtree", def->source_name));

	rollup_execute(psprintf("COMMENT ON TABLE %s IS %s", def->rollup_name, of));
	rollup_execute(psprintf("COMMENT ON TABLE %s IS %s", def->rest_name,
							quote_literal_cstr(psprintf("figures of %s that are coded to no area of level %s",
														def->source_name, def->levels[0]))));
	rollup_execute(psprintf("COMMENT ON TABLE %s IS %s", def->log_name,
							quote_literal_cstr(psprintf("cells of %s touched since the last refresh",
														def->rollup_name))));
	rollup_execute(psprintf("COMMENT ON VIEW %s IS %s", def->rows_name,
							quote_literal_cstr(psprintf("definition of %s: what each row contributes",
														def->rollup_name))));
	rollup_execute(psprintf("COMMENT ON VIEW %s IS %s", relation_quoted(def->live),
							quote_literal_cstr(psprintf("%s, exact under the reader's snapshot",
														def->rollup_name))));
	rollup_execute(psprintf("COMMENT ON VIEW %s IS %s", relation_quoted(def->bi),
							quote_literal_cstr(psprintf("lowest areas of %s in plain types",
														def->rollup_name))));
}

/* Work the definition out and check it, as the owner of the source. */
static void
analyse(RollupDef *def, const CreateRequest *request)
{
	GridScheme	scheme;

	gridscheme_parse_stored(request->scheme, &scheme);
	rollup_set_levels(def, &scheme, request->lowest, request->top);
	def->source_name = relation_quoted(def->source);
	check_code_column(def);
	if (def->zone)
		(void) bucket_zone(def->zone);
	check_width(def, request->bucket_column);
	rollup_parse_measures(def, request->measures, request->bucket_column, request->search_path);
	for (int i = 0; i < def->ntimes; i++)
		check_time(def, &def->times[i]);
	if (request->bucket_column)
	{
		RollupColumn column = {.name = request->bucket_column};

		check_time(def, &column);
	}
	read_dimensions(def, request->dimensions);
	check_names(def);
}

/* A refresh would read the whole source, or all rows of a code, for each change. */
static void
warn_without_index(const RollupDef *def, const char *time)
{
	Oid			table = rollup_table_without_index(def, time);
	char	   *columns = psprintf("%s%s%s", quote_identifier(def->code.name), time ? ", " : "",
								   time ? quote_identifier(time) : "");

	if (OidIsValid(table))
		ereport(WARNING,
				(errmsg("table \"%s\" has no index on (%s)", get_rel_name(table), columns),
				 errdetail("Refreshes would have to read more of it than what has changed."),
				 errhint("CREATE INDEX ON %s (%s);", relation_quoted(table), columns)));
}

/* Each time that a measure uses is looked up by its own index. */
static void
warn_without_indexes(const RollupDef *def)
{
	if (def->ntimes == 0)
		warn_without_index(def, NULL);
	for (int i = 0; i < def->ntimes; i++)
		warn_without_index(def, def->times[i].name);
}

Datum
grid_rollup_create(PG_FUNCTION_ARGS)
{
	RollupDef  *def = palloc0_object(RollupDef);
	CreateRequest *request = palloc0_object(CreateRequest);
	OwnerContext context;
	Oid			owner;

	def->schema = gridtree_schema_quoted();
	read_request(fcinfo, def, request);
	check_source(def->source);
	LockRelationOid(def->source, ShareRowExclusiveLock);
	check_source(def->source);	/* it may have been given to somebody else meanwhile */
	owner = relation_owner(def->source);

	SPI_connect();
	owner_enter(&context, owner);
	rollup_check_schedule(request->schedule, def->zone);
	if (request->max_lag)
		rollup_check_length("max_lag", request->max_lag,
							DatumGetCString(DirectFunctionCall1(interval_out,
																PointerGetDatum(request->max_lag))));
	analyse(def, request);
	create_tables(def, request);
	create_views(def, request);
	comment_relations(def);
	rollup_store(def, PointerGetDatum(request->scheme), request->lowest, request->top,
				 request->bucket_column, request->schedule, request->max_lag);
	rollup_execute(psprintf("ANALYZE %s", def->log_name));	/* or it is taken for ten pages */
	rollup_log_everything(def->log);
	rollup_equip(def->source, true);
	warn_without_indexes(def);
	owner_leave(&context);
	SPI_finish();
	PG_RETURN_OID(def->rollup);
}
