/*
 * layer_log.c
 *	  How rows of grid_layer_version and grid_layer_edit are read, appended and
 *	  taken away.
 *
 * The tables are written here and nowhere else, below the executor, so that a
 * writer of a layer needs no rights on them, no trigger, rule or policy comes
 * in between, and logical replication sends none of it: relation OIDs mean
 * nothing on another server.
 *
 * COMMAND
 *	  Rows are appended as if by the first command of the transaction.  The
 *	  trigger runs after its statement has begun, and other triggers may have
 *	  run commands of their own meanwhile; a snapshot between the two would see
 *	  a layer's new row and not the note of it.
 *
 * NO WAITING
 *	  Rows are found with SnapshotSelf, which sees what is committed now and
 *	  leaves no predicate lock behind: two serializable editors of different
 *	  polygons shall not conflict because both tidied up.
 */
#include "layer_log.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* First column of either table, and of its index. */
#define COLUMN_RELATION	1

typedef struct LogTable
{
	const char *name;
	const char *index_name;
	Oid			table;			/* invalid: to be looked up */
	Oid			index;
} LogTable;

static LogTable tables[] = {
	[LAYER_LOG_VERSION] = {.name = "grid_layer_version", .index_name = "grid_layer_version_relation"},
	[LAYER_LOG_EDIT] = {.name = "grid_layer_edit", .index_name = "grid_layer_edit_relation"},
};

static void
forget_oids(Datum arg pg_attribute_unused(), Oid relation)
{
	for (int i = 0; i < (int) lengthof(tables); i++)
		if (!OidIsValid(relation) || relation == tables[i].table || relation == tables[i].index)
			tables[i].table = InvalidOid;
}

static pg_noinline void
look_up(LogTable *log)
{
	static bool listening = false;
	Oid			schema = gridtree_schema();
	Oid			table;

	if (!listening)
		CacheRegisterRelcacheCallback(forget_oids, (Datum) 0);
	listening = true;
	log->index = get_relname_relid(log->index_name, schema);
	table = get_relname_relid(log->name, schema);
	if (!OidIsValid(table) || !OidIsValid(log->index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of extension gridtree does not exist", log->name),
				 errhint("Run ALTER EXTENSION gridtree UPDATE.")));
	log->table = table;
}

Relation
layer_log_open(LayerLog log, LOCKMODE lock)
{
	if (!OidIsValid(tables[log].table))
		look_up(&tables[log]);
	/* Kept to the end of the transaction, too: what is locked already is locked again at once. */
	LockRelationOid(tables[log].index, lock);
	return table_open(tables[log].table, lock);
}

SysScanDesc
layer_log_scan(LayerLog log, Relation table, Oid relation, Snapshot snapshot)
{
	ScanKeyData key;

	ScanKeyInit(&key, COLUMN_RELATION, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	return systable_beginscan(table, tables[log].index, true, snapshot, 1, &key);
}

/* Enter a row into whatever indexes the table has. */
static void
insert_index_entries(Relation table, HeapTuple row)
{
	CatalogIndexState indexes = CatalogOpenIndexes(table);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsHeapTuple);

	ExecStoreHeapTuple(row, slot, false);
	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		IndexInfo  *info = indexes->ri_IndexRelationInfo[i];
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];

		if (!info->ii_ReadyForInserts)
			continue;
		if (info->ii_Expressions || info->ii_Predicate || info->ii_Unique)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("index \"%s\" is not of a kind that table \"%s\" can have",
							RelationGetRelationName(indexes->ri_IndexRelationDescs[i]),
							RelationGetRelationName(table)),
					 errhint("Drop the index.")));
		FormIndexDatum(info, slot, NULL, values, nulls);
		index_insert(indexes->ri_IndexRelationDescs[i], values, nulls, &row->t_self, table,
					 UNIQUE_CHECK_NO, false, info);
	}
	ExecDropSingleTupleTableSlot(slot);
	CatalogCloseIndexes(indexes);
}

void
layer_log_append(LayerLog log, Datum *values, bool *nulls)
{
	Relation	table = layer_log_open(log, RowExclusiveLock);
	HeapTuple	row = heap_form_tuple(RelationGetDescr(table), values, nulls);

	/* The command has written, so the next one gets a new number and snapshot. */
	(void) GetCurrentCommandId(true);
	heap_insert(table, row, FirstCommandId, HEAP_INSERT_NO_LOGICAL, NULL);
	insert_index_entries(table, row);
	heap_freetuple(row);
	table_close(table, NoLock);
}

bool
layer_log_remove(Relation table, HeapTuple row)
{
	TM_FailureData failure;

	return heap_delete(table, &row->t_self, GetCurrentCommandId(true), InvalidSnapshot, false,
					   &failure, false) == TM_Ok;
}

bool
layer_log_is_own(HeapTuple row)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->t_data));
}

/* Rows appended under the command that now deletes cannot be deleted yet. */
void
layer_log_clear(LayerLog log, Oid relation, bool own)
{
	Relation	table = layer_log_open(log, RowExclusiveLock);
	SysScanDesc scan;
	HeapTuple	row;

	if (own)
		CommandCounterIncrement();
	scan = layer_log_scan(log, table, relation, SnapshotSelf);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		if (own || !layer_log_is_own(row))
			(void) layer_log_remove(table, row);
	systable_endscan(scan);
	table_close(table, NoLock);
}
