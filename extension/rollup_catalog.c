/*
 * rollup_catalog.c
 *	  The catalog of rollups, read and written.  Nothing else knows the tables
 *	  grid_rollup_catalog, grid_rollup_measure and grid_rollup_state.
 *
 * They are read under the latest snapshot, not the transaction's: a writer
 * whose REPEATABLE READ snapshot is older than a rollup must capture for it all
 * the same.  They are read and written as their owner: who writes to a source
 * may have no rights on the extension's schema.
 */
#include "rollup_bucket.h"
#include "rollup_def.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/skey.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "gridscheme.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rollup_owner.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Columns of grid_rollup_catalog. */
#define CATALOG_ROLLUP	1
#define CATALOG_LOG		3

/* Query the catalog under the latest snapshot, with one oid as $1. */
static void
catalog_query(const char *sql, Oid oid)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(oid)};
	MemoryContext caller = CurrentMemoryContext;	/* SPI leaves its own behind */
	int			code;

	PushActiveSnapshot(GetLatestSnapshot());
	code = SPI_execute_with_args(sql, 1, types, values, NULL, true, 0);
	PopActiveSnapshot();
	MemoryContextSwitchTo(caller);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "SPI failed with %s: %s", SPI_result_code_string(code), sql);
}

/* Column of a result row; datum 0 and *isnull where it is NULL. */
static Datum
result(uint64 row, int column, bool *isnull)
{
	bool		null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &null);

	if (isnull)
		*isnull = null;
	return null ? (Datum) 0 : value;
}

void
rollup_set_names(RollupDef *def)
{
	def->rollup_name = relation_quoted(def->rollup);
	def->source_name = relation_quoted(def->source);
	def->log_name = relation_quoted(def->log);
	def->rest_name = relation_quoted(def->rest);
	def->rows_name = relation_quoted(def->rows);
}

static int
named_level(const GridScheme *scheme, const char *name, int otherwise)
{
	return name == NULL ? otherwise : gridscheme_level(scheme, name, strlen(name));
}

void
rollup_set_levels(RollupDef *def, const GridScheme *scheme, const char *lowest, const char *top)
{
	int			last = named_level(scheme, lowest, scheme->nlevels);
	int			first = named_level(scheme, top, 1);

	if (first > last)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("top level \"%s\" is below the lowest level \"%s\"", top, lowest)));
	def->nlevels = last - first + 1;
	def->levels = palloc_array(char *, def->nlevels);
	def->digits = palloc_array(int, def->nlevels);
	for (int i = 0; i < def->nlevels; i++)
	{
		const GridLevel *level = &scheme->level[last - 1 - i];

		def->levels[i] = pnstrdup(level->name, level->name_len);
		def->digits[i] = level->digits;
	}
}

/* The row of grid_rollup_catalog; false where there is none. */
static bool
load_catalog_row(RollupDef *def)
{
	GridScheme	scheme;
	bool		nozone;
	bool		nowidth;
	bool		nolowest;
	bool		notop;
	Datum		width;
	Datum		zone;
	Datum		lowest;
	Datum		top;

	catalog_query(psprintf("SELECT source, log, rest, rows, live, bi, bucket_width, time_zone, "
						   "lowest_level, top_level, scheme "
						   "FROM %s.grid_rollup_catalog WHERE rollup = $1", def->schema),
				  def->rollup);
	if (SPI_processed != 1)
		return false;
	def->source = DatumGetObjectId(result(0, 1, NULL));
	def->log = DatumGetObjectId(result(0, 2, NULL));
	def->rest = DatumGetObjectId(result(0, 3, NULL));
	def->rows = DatumGetObjectId(result(0, 4, NULL));
	def->live = DatumGetObjectId(result(0, 5, NULL));
	def->bi = DatumGetObjectId(result(0, 6, NULL));
	width = result(0, 7, &nowidth);
	zone = result(0, 8, &nozone);
	lowest = result(0, 9, &nolowest);
	top = result(0, 10, &notop);
	if (!nowidth)
	{
		def->width = palloc_object(Interval);
		*def->width = *DatumGetIntervalP(width);
		def->bucket_is_date = bucket_width_is_date(def->width);
	}
	def->zone = nozone ? NULL : TextDatumGetCString(zone);
	gridscheme_parse_stored(PG_DETOAST_DATUM_PACKED(result(0, 11, NULL)), &scheme);
	rollup_set_levels(def, &scheme, nolowest ? NULL : TextDatumGetCString(lowest),
					  notop ? NULL : TextDatumGetCString(top));
	return true;
}

static void
load_measures(RollupDef *def)
{
	catalog_query(psprintf("SELECT kind, arguments, filtered FROM %s.grid_rollup_measure "
						   "WHERE rollup = $1 ORDER BY ordinal", def->schema),
				  def->rollup);
	def->nmeasures = (int) SPI_processed;
	def->measures = palloc0_array(RollupMeasure, def->nmeasures);
	for (int i = 0; i < def->nmeasures; i++)
	{
		RollupMeasure *m = &def->measures[i];

		m->kind = measure_kind(TextDatumGetCString(result(i, 1, NULL)));
		m->nargs = DatumGetInt32(result(i, 2, NULL));
		m->filtered = DatumGetBool(result(i, 3, NULL));
	}
}

/* The column of the source that an expression of NAME_rows is; its owner may have replaced it. */
static RollupColumn
source_column(const RollupDef *def, const Query *query, Node *expression)
{
	RollupColumn column;
	AttrNumber	number;

	while (IsA(expression, RelabelType))
		expression = (Node *) ((RelabelType *) expression)->arg;
	if (!IsA(expression, Var) || ((Var *) expression)->varattno <= 0 ||
		rt_fetch(((Var *) expression)->varno, query->rtable)->relid != def->source)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("view %s is no definition of a rollup any more", def->rows_name),
				 errhint("Drop the rollup and create it again.")));
	number = ((Var *) expression)->varattno;
	column.name = get_attname(def->source, number, false);
	get_atttypetypmodcoll(def->source, number, &column.type, &column.typmod, &column.collation);
	column.type = getBaseType(column.type);
	return column;
}

/* What NAME_rows knows: the code, the times and the number of dimensions. */
static void
load_rows_view(RollupDef *def)
{
	Relation	rel = try_relation_open(def->rows, AccessShareLock);
	Query	   *query;
	ListCell   *lc;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("rollup %s was dropped meanwhile", def->rollup_name)));
	query = get_view_query(rel);
	def->times = palloc0_array(RollupColumn, list_length(query->targetList));
	foreach(lc, query->targetList)
	{
		TargetEntry *target = lfirst_node(TargetEntry, lc);

		if (strcmp(target->resname, "code") == 0)
			def->code = source_column(def, query, (Node *) target->expr);
		else if (strncmp(target->resname, "at", 2) == 0)
			def->times[def->ntimes++] = source_column(def, query, (Node *) target->expr);
		else if (target->resname[0] == 'd')
			def->ndims++;
	}
	relation_close(rel, AccessShareLock);
}

/* The names and types of the rollup's own columns, by their position. */
static void
load_columns(RollupDef *def)
{
	AttrNumber	number = def->ntimes > 0 ? 3 : 2;	/* code, level, perhaps bucket */

	def->dims = palloc0_array(RollupColumn, def->ndims);
	for (int i = 0; i < def->ndims; i++)
		def->dims[i].name = get_attname(def->rollup, ++number, false);
	for (int i = 0; i < def->nmeasures; i++)
	{
		RollupMeasure *m = &def->measures[i];

		m->name = get_attname(def->rollup, ++number, false);
		m->type_oid = get_atttype(def->rollup, number);
		m->type = format_type_be_qualified(m->type_oid);
	}
}

RollupDef *
rollup_load(Oid rollup, bool missing_ok)
{
	RollupDef  *def = palloc0_object(RollupDef);
	MemoryContext caller = CurrentMemoryContext;
	OwnerContext context;
	bool		found;

	def->rollup = rollup;
	def->schema = gridtree_schema_quoted();
	SPI_connect();
	owner_enter_catalog(&context);
	MemoryContextSwitchTo(caller);
	found = load_catalog_row(def);
	if (found)
		load_measures(def);
	owner_leave(&context);
	SPI_finish();
	MemoryContextSwitchTo(caller);

	if (!found && missing_ok)
		return NULL;
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 get_rel_name(rollup) == NULL ?
				 errmsg("rollup with OID %u does not exist", rollup) :
				 errmsg("\"%s\" is not a rollup", get_rel_name(rollup)),
				 errhint("See grid_rollup_catalog for the rollups there are.")));
	rollup_set_names(def);
	load_rows_view(def);
	load_columns(def);
	return def;
}

List *
rollups_of_source(Oid relation)
{
	List	   *rollups = NIL;
	MemoryContext caller = CurrentMemoryContext;
	OwnerContext context;

	SPI_connect();
	owner_enter_catalog(&context);
	MemoryContextSwitchTo(caller);
	catalog_query(psprintf("WITH RECURSIVE up AS ("
						   " SELECT $1 AS relation"
						   " UNION SELECT i.inhparent FROM pg_inherits i JOIN up ON i.inhrelid = up.relation) "
						   "SELECT c.rollup FROM %s.grid_rollup_catalog c "
						   "WHERE c.source IN (SELECT relation FROM up) ORDER BY c.rollup::oid",
						   gridtree_schema_quoted()),
				  relation);
	for (uint64 i = 0; i < SPI_processed; i++)
		rollups = lappend_oid(rollups, DatumGetObjectId(result(i, 1, NULL)));
	owner_leave(&context);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return rollups;
}

/* Without SQL: grid_rollup_status asks for each rollup there is. */
Oid
rollup_log_of(Oid rollup)
{
	Oid			catalog_oid = get_relname_relid("grid_rollup_catalog", gridtree_schema());
	Oid			index = get_relname_relid("grid_rollup_catalog_pkey", gridtree_schema());
	Relation	catalog = try_relation_open(catalog_oid, AccessShareLock);
	Oid			log = InvalidOid;
	Snapshot	snapshot;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	if (catalog == NULL)
		return InvalidOid;
	ScanKeyInit(&key, CATALOG_ROLLUP, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rollup));
	snapshot = RegisterSnapshot(GetActiveSnapshot());
	scan = systable_beginscan(catalog, index, OidIsValid(index), snapshot, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		log = DatumGetObjectId(heap_getattr(tuple, CATALOG_LOG, RelationGetDescr(catalog), &isnull));
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	relation_close(catalog, AccessShareLock);
	return log;
}

char
rollup_part(Oid relation)
{
	MemoryContext caller = CurrentMemoryContext;
	OwnerContext context;
	char		part = 0;

	SPI_connect();
	owner_enter_catalog(&context);
	catalog_query(psprintf("SELECT CASE $1 WHEN log THEN 'l' WHEN rollup THEN 'r' ELSE 'o' END FROM %s.grid_rollup_catalog"
						   " WHERE $1 IN (rollup, log, rest)", gridtree_schema_quoted()),
				  relation);
	if (SPI_processed == 1)
		part = *SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	owner_leave(&context);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return part;
}

static void
store_measures(const RollupDef *def)
{
	for (int i = 0; i < def->nmeasures; i++)
	{
		const RollupMeasure *m = &def->measures[i];
		Oid			types[] = {OIDOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, BOOLOID};
		Datum		values[] = {
			ObjectIdGetDatum(def->rollup), Int32GetDatum(i + 1),
			CStringGetTextDatum(m->name), CStringGetTextDatum(m->expression),
			m->at ? CStringGetTextDatum(m->at) : (Datum) 0,
			CStringGetTextDatum(m->kind->name), Int32GetDatum(m->nargs), BoolGetDatum(m->filtered)
		};
		char		nulls[] = {' ', ' ', ' ', ' ', m->at ? ' ' : 'n', ' ', ' ', ' '};

		rollup_execute_args(psprintf("INSERT INTO %s.grid_rollup_measure"
									 " (rollup, ordinal, name, expression, at, kind, arguments, filtered) "
									 "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", def->schema),
							lengthof(types), types, values, nulls);
	}
}

/* The names of the dimensions as a name[]. */
static Datum
dimension_names(const RollupDef *def)
{
	Datum	   *names = palloc_array(Datum, def->ndims + 1);

	for (int i = 0; i < def->ndims; i++)
		names[i] = CStringGetTextDatum(def->dims[i].name);
	return PointerGetDatum(construct_array(names, def->ndims, TEXTOID, -1, false, TYPALIGN_INT));
}

void
rollup_store(const RollupDef *def, Datum scheme, const char *lowest, const char *top,
			 const char *bucket_column, const char *schedule, Interval *max_lag)
{
	OwnerContext context;
#define TEXT_OR_NULL(s) ((s) ? CStringGetTextDatum(s) : (Datum) 0)
	Oid			types[] = {
		OIDOID, OIDOID, OIDOID, OIDOID, OIDOID, OIDOID, OIDOID, TEXTOID, TEXTOID, INTERVALOID,
		TEXTOID, TEXTARRAYOID, TEXTOID, TEXTOID, gridtree_type("gridscheme"), TEXTOID, INTERVALOID
	};
	Datum		values[] = {
		ObjectIdGetDatum(def->rollup), ObjectIdGetDatum(def->source), ObjectIdGetDatum(def->log),
		ObjectIdGetDatum(def->rest), ObjectIdGetDatum(def->rows), ObjectIdGetDatum(def->live),
		ObjectIdGetDatum(def->bi), CStringGetTextDatum(def->code.name), TEXT_OR_NULL(bucket_column),
		IntervalPGetDatum(def->width), TEXT_OR_NULL(def->zone), dimension_names(def),
		TEXT_OR_NULL(lowest), TEXT_OR_NULL(top), scheme, TEXT_OR_NULL(schedule),
		IntervalPGetDatum(max_lag)
	};
#undef TEXT_OR_NULL
	char		nulls[lengthof(values)];

	for (int i = 0; i < (int) lengthof(values); i++)
		nulls[i] = values[i] == (Datum) 0 ? 'n' : ' ';

	owner_enter_catalog(&context);
	rollup_execute_args(psprintf("INSERT INTO %s.grid_rollup_catalog"
								 " (rollup, source, log, rest, rows, live, bi, code_column, bucket_column,"
								 " bucket_width, time_zone, dimensions, lowest_level, top_level, scheme,"
								 " schedule, max_lag) "
								 "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
								 " $12::name[], $13, $14, $15, $16, $17)", def->schema),
						lengthof(values), types, values, nulls);
	store_measures(def);
	rollup_execute_args(psprintf("INSERT INTO %s.grid_rollup_state (rollup) VALUES ($1)", def->schema),
						1, types, values, NULL);
	owner_leave(&context);
}

void
rollup_forget(Oid rollup)
{
	static const char *const tables[] = {"grid_rollup_measure", "grid_rollup_state", "grid_rollup_catalog"};
	OwnerContext context;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(rollup)};

	owner_enter_catalog(&context);
	for (int i = 0; i < (int) lengthof(tables); i++)
		rollup_execute_args(psprintf("DELETE FROM %s.%s WHERE rollup = $1",
									 gridtree_schema_quoted(), tables[i]),
							1, types, values, NULL);
	owner_leave(&context);
}

bool
rollup_begin_state(const RollupDef *def, RollupState *state)
{
	OwnerContext context;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(def->rollup)};
	bool		found;

	owner_enter_catalog(&context);
	found = rollup_execute_args(psprintf("UPDATE %s.grid_rollup_state"
										 " SET refreshed_at = pg_catalog.clock_timestamp()"
										 " WHERE rollup = $1 RETURNING filled, cells", def->schema),
								1, types, values, NULL) == 1;
	if (found)
	{
		state->filled = DatumGetBool(result(0, 1, NULL));
		state->cells = DatumGetInt64(result(0, 2, NULL));
	}
	owner_leave(&context);
	return found;
}

bool
rollup_lock_state(Oid rollup)
{
	OwnerContext context;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(rollup)};
	bool		locked;

	owner_enter_catalog(&context);
	locked = rollup_execute_args(psprintf("SELECT FROM %s.grid_rollup_state WHERE rollup = $1"
										  " FOR UPDATE SKIP LOCKED", gridtree_schema_quoted()),
								 1, types, values, NULL) == 1;
	owner_leave(&context);
	return locked;
}

/* One UPDATE of the rollup's row of grid_rollup_state. */
static void
update_state(const RollupDef *def, const char *assignments, int64 cells)
{
	OwnerContext context;
	Oid			types[] = {OIDOID, INT8OID};
	Datum		values[] = {ObjectIdGetDatum(def->rollup), Int64GetDatum(cells)};

	owner_enter_catalog(&context);
	rollup_execute_args(psprintf("UPDATE %s.grid_rollup_state SET %s WHERE rollup = $1", def->schema, assignments),
						lengthof(types), types, values, NULL);
	owner_leave(&context);
}

void
rollup_end_state(const RollupDef *def, int64 cells)
{
	update_state(def, "filled = true, cells = $2", cells);
}

void
rollup_caught_up(const RollupDef *def)
{
	update_state(def, "caught_up_at = now()", 0);
}
