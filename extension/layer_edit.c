/*
 * layer_edit.c
 *	  The triggers on layers' tables: they append versions and log what was
 *	  edited where.
 *
 * WHICH TRIGGERS
 *	  BEFORE each row, so that no trigger of a user sees a changed row before its
 *	  version row is there, a version is appended; any UPDATE counts, because
 *	  later triggers may still change the row.  AFTER each row, when it is final,
 *	  the boxes of its old and new polygon go to the log.  BEFORE TRUNCATE both are
 *	  done for everything.  All fire ALWAYS, so also where replication applies.
 *	  Row triggers of a partitioned table are cloned to its partitions; TRUNCATE
 *	  triggers are not, and children that inherit get none, so each has its own.
 *	  DDL that changes which rows there are, or rewrites them, counts as an edit of
 *	  everything.
 */
#include "layer_edit.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "layer_target.h"
#include "layer_version.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "postgis.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(grid_layer_edited);
PG_FUNCTION_INFO_V1(grid_layer_ddl);

#define TRUNCATE_TRIGGER	"gridtree_layer_truncate"

/* Rows of the log that one subtransaction writes for a layer; then it is everything. */
#define MOST_LOGGED		1000

/* Columns of grid_layer_edit, as sql/install/21-layer-versions.sql declares them. */
enum
{
	COLUMN_LAYER = 1,
	COLUMN_XID,
	COLUMN_WEST,
	COLUMN_SOUTH,
	COLUMN_EAST,
	COLUMN_NORTH,
	NCOLUMNS = COLUMN_NORTH
};

/* --- the log --- */

typedef struct Logged
{
	struct
	{
		NameData	layer;
		SubTransactionId subtransaction;
	}			key;
	int			rows;
} Logged;

static HTAB *logged = NULL;		/* of this transaction */

static void
forget_logged(XactEvent event pg_attribute_unused(), void *arg pg_attribute_unused())
{
	logged = NULL;				/* it went with the transaction's memory */
}

static Logged *
logged_of(const char *layer)
{
	static bool registered = false;
	Logged		key = {0};
	Logged	   *entry;
	bool		found;

	if (!registered)
	{
		RegisterXactCallback(forget_logged, NULL);
		registered = true;
	}
	if (logged == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(key.key), .entrysize = sizeof(Logged),
		.hcxt = TopTransactionContext};

		logged = hash_create("gridtree logged edits", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	namestrcpy(&key.key.layer, layer);
	key.key.subtransaction = GetCurrentSubTransactionId();
	entry = hash_search(logged, &key.key, HASH_ENTER, &found);
	if (!found)
		entry->rows = 0;
	return entry;
}

/* Write a row of the log; without a box it stands for everything. */
static void
write_log(const char *layer, const double *box)
{
	Relation	table = table_open(get_relname_relid("grid_layer_edit", gridtree_schema()), RowExclusiveLock);
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {0};

	values[COLUMN_LAYER - 1] = CStringGetTextDatum(layer);
	values[COLUMN_XID - 1] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	for (int i = 0; i < 4; i++)
	{
		nulls[COLUMN_WEST - 1 + i] = box == NULL;
		if (box)
			values[COLUMN_WEST - 1 + i] = Float8GetDatum(box[i]);
	}
	CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
	table_close(table, RowExclusiveLock);
}

/* Log a box, or everything; no more than is useful. */
static void
log_edit(const char *layer, const double *box)
{
	Logged	   *entry = logged_of(layer);

	if (entry->rows > MOST_LOGGED)
		return;
	if (box == NULL || entry->rows == MOST_LOGGED)
	{
		write_log(layer, NULL);
		entry->rows = MOST_LOGGED + 1;
	}
	else
	{
		write_log(layer, box);
		entry->rows++;
	}
}

void
layer_touch(Oid relation)
{
	List	   *layers = layer_read_of_relation(relation);
	ListCell   *cell;

	if (layers == NIL)
		return;
	layer_version_append(relation);
	foreach(cell, layers)
		log_edit(((Layer *) lfirst(cell))->name, NULL);
	CommandCounterIncrement();
}

/* --- whose layers a table belongs to --- */

static List *
parents_of(Oid table)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	List	   *parents = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return parents;
}

/* A table and all that it is below of. */
static List *
line_of(Oid table)
{
	List	   *line = list_make1_oid(table);

	for (int i = 0; i < list_length(line); i++)
		line = list_concat_unique_oid(line, parents_of(list_nth_oid(line, i)));
	return line;
}

/* The layers that have the rows of a table. */
static List *
layers_of(Oid table)
{
	List	   *layers = NIL;
	ListCell   *cell;

	foreach(cell, line_of(table))
		layers = list_concat(layers, layer_read_of_relation(lfirst_oid(cell)));
	return layers;
}

/* --- the trigger function --- */

/* Does an UPDATE leave the row as it is for a layer? */
static bool
same_for_layer(const Layer *layer, const TriggerData *data)
{
	TupleDesc	desc = RelationGetDescr(data->tg_relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Datum		old_value;
		Datum		new_value;
		bool		old_null;
		bool		new_null;

		/* What a filter looks at may be any column. */
		if (column->attisdropped ||
			(layer->filter == NULL && namestrcmp(&column->attname, NameStr(layer->geom_column)) != 0 &&
			 namestrcmp(&column->attname, NameStr(layer->code_column)) != 0))
			continue;
		old_value = heap_getattr(data->tg_trigtuple, i + 1, desc, &old_null);
		new_value = heap_getattr(data->tg_newtuple, i + 1, desc, &new_null);
		if (old_null != new_null ||
			(!old_null && !datum_image_eq(old_value, new_value, column->attbyval, column->attlen)))
			return false;
	}
	return true;
}

/* Log where a row is for a layer; a row without a polygon is nowhere. */
static void
log_row(const Layer *layer, HeapTuple row, TupleDesc desc)
{
	int			column = SPI_fnumber(desc, NameStr(layer->geom_column));
	double		box[4];
	bool		isnull = true;
	Datum		geometry = 0;

	if (column > 0)
		geometry = heap_getattr(row, column, desc, &isnull);
	if (isnull)
		return;
	switch (geometry_box(geometry, box))
	{
		case GEOMETRY_BOX:
			log_edit(layer->name, box);
			break;
		case GEOMETRY_NO_BOX:
			log_edit(layer->name, NULL);
			break;
		case GEOMETRY_EMPTY:
			break;
	}
}

static void
log_row_event(List *layers, const TriggerData *data)
{
	ListCell   *cell;

	foreach(cell, layers)
	{
		Layer	   *layer = lfirst(cell);
		bool		update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);

		if (update && same_for_layer(layer, data))
			continue;
		log_row(layer, data->tg_trigtuple, RelationGetDescr(data->tg_relation));
		if (update)
			log_row(layer, data->tg_newtuple, RelationGetDescr(data->tg_relation));
	}
}

static void
append_versions(List *layers, bool log_everything)
{
	ListCell   *cell;

	foreach(cell, layers)
	{
		Layer	   *layer = lfirst(cell);

		layer_version_append(layer->relation);
		if (log_everything)
			log_edit(layer->name, NULL);
	}
}

/* The layers of the trigger's table; looked up once a statement. */
static List *
layers_at_site(FunctionCallInfo fcinfo, const TriggerData *data)
{
	/* A cell before the list, so that no layers are remembered too. */
	List	  **site = fcinfo->flinfo->fn_extra;
	MemoryContext outer;

	if (site)
		return *site;
	outer = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	site = palloc(sizeof(List *));
	*site = layers_of(RelationGetRelid(data->tg_relation));
	MemoryContextSwitchTo(outer);
	fcinfo->flinfo->fn_extra = site;
	return *site;
}

Datum
grid_layer_edited(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	List	   *layers;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("grid_layer_edited can only be called as a trigger")));
	layers = layers_at_site(fcinfo, data);
	if (TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		append_versions(layers, true);
	else if (TRIGGER_FIRED_BEFORE(data->tg_event))
		append_versions(layers, false);
	else
		log_row_event(layers, data);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple);
}

/* --- putting triggers on --- */

typedef struct LayerTrigger
{
	const char *name;
	const char *definition;		/* %s: the table */
	bool		cloned;			/* to partitions */
} LayerTrigger;

static const LayerTrigger triggers[] = {
	{"gridtree_layer_version", "BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW", true},
	{"gridtree_layer_edit", "AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW", true},
	{TRUNCATE_TRIGGER, "BEFORE TRUNCATE ON %s FOR EACH STATEMENT", false},
};

static void
run_utility(const char *command)
{
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "command failed: %s", command);
}

static void
equip_table(Oid table, bool partition)
{
	if (get_rel_relkind(table) == RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("foreign table \"%s\" cannot be below the table of a layer", get_rel_name(table)),
				 errdetail("Edits of a foreign table cannot be seen.")));
	for (int i = 0; i < (int) lengthof(triggers); i++)
	{
		char	   *name = relation_quoted(table);

		if ((partition && triggers[i].cloned) || OidIsValid(get_trigger_oid(table, triggers[i].name, true)))
			continue;
		run_utility(psprintf("CREATE TRIGGER %s %s EXECUTE FUNCTION %s.grid_layer_edited()", triggers[i].name,
							 psprintf(triggers[i].definition, name), gridtree_schema_quoted()));
		run_utility(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", name, triggers[i].name));
	}
}

void
layer_equip(Oid relation)
{
	List	   *tables = find_all_inheritors(relation, ShareRowExclusiveLock, NULL);
	ListCell   *cell;

	SPI_connect();
	foreach(cell, tables)
		equip_table(lfirst_oid(cell), lfirst_oid(cell) != relation && get_rel_relispartition(lfirst_oid(cell)));
	SPI_finish();
}

void
layer_strip(Oid relation)
{
	List	   *tables = find_all_inheritors(relation, ShareRowExclusiveLock, NULL);
	ListCell   *cell;

	SPI_connect();
	foreach(cell, tables)
	{
		Oid			table = lfirst_oid(cell);
		bool		partition = table != relation && get_rel_relispartition(table);

		/* A child of two layers' tables keeps them. */
		if (layers_of(table) != NIL)
			continue;
		for (int i = 0; i < (int) lengthof(triggers); i++)
			if (!(partition && triggers[i].cloned))
				run_utility(psprintf("DROP TRIGGER IF EXISTS %s ON %s", triggers[i].name, relation_quoted(table)));
	}
	SPI_finish();
}

/* --- DDL --- */

/* Layers of tables that have partitions or children, or had. */
static void
touch_layers_of_parents(void)
{
	ListCell   *cell;

	foreach(cell, layer_relations())
		if (has_subclass(lfirst_oid(cell)))
			layer_touch(lfirst_oid(cell));
}

/* A table has been created or altered; joins: it, or another by it, may have come into a tree. */
static void
table_changed(Oid table, bool joins)
{
	List	   *layers = layers_of(table);
	ListCell   *cell;

	/* Triggers may be disabled, points be moved, rows have come. */
	foreach(cell, line_of(table))
		layer_target_forget(lfirst_oid(cell));
	foreach(cell, layers)
	{
		Oid			relation = ((Layer *) lfirst(cell))->relation;

		if (joins)
			layer_equip(relation);
		layer_touch(relation);
	}
	/* It had the rows of a layer, and has left it. */
	if (layers == NIL && OidIsValid(get_trigger_oid(table, TRUNCATE_TRIGGER, true)))
		touch_layers_of_parents();
}

/*
 * Can a statement bring a table below another?  A restore must not be given
 * triggers by any other DDL before it brings its own.
 */
static bool
may_join(Node *statement)
{
	ListCell   *cell;

	if (!IsA(statement, AlterTableStmt))
		return true;
	foreach(cell, ((AlterTableStmt *) statement)->cmds)
	{
		AlterTableType type = lfirst_node(AlterTableCmd, cell)->subtype;

		if (type == AT_AttachPartition || type == AT_AddInherit)
			return true;
	}
	return false;
}

static List *
tables_of_command(const char *query)
{
	List	   *tables = NIL;
	MemoryContext outer = CurrentMemoryContext;

	SPI_connect();
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the objects of a command failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		oid = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		MemoryContext spi = MemoryContextSwitchTo(outer);

		tables = lappend_oid(tables, DatumGetObjectId(oid));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return tables;
}

Datum
grid_layer_ddl(PG_FUNCTION_ARGS)
{
	ListCell   *cell;
	List	   *tables;
	bool		joins;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("grid_layer_ddl can only be called as an event trigger")));
	joins = may_join(((EventTriggerData *) fcinfo->context)->parsetree);
	tables = tables_of_command("SELECT DISTINCT objid FROM pg_catalog.pg_event_trigger_ddl_commands()"
							   " WHERE classid OPERATOR(pg_catalog.=) 1259 AND objsubid OPERATOR(pg_catalog.=) 0"
							   " AND object_type OPERATOR(pg_catalog.=) ANY ('{table,foreign table}')");
	foreach(cell, tables)
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(cell))))
			table_changed(lfirst_oid(cell), joins);
	PG_RETURN_VOID();
}

void
layer_member_dropped(void)
{
	List	   *dropped = tables_of_command("SELECT objid FROM pg_catalog.pg_event_trigger_dropped_objects()"
											" WHERE classid OPERATOR(pg_catalog.=) 2620"
											" AND address_names[pg_catalog.array_upper(address_names, 1)] OPERATOR(pg_catalog.=) '"
											TRUNCATE_TRIGGER "'");

	if (dropped != NIL)
		touch_layers_of_parents();
}
