/*
 * layer_target.c
 *	  Which edits of a layer a table that grid_assign keeps has taken in.
 *
 * An edit in the log has the number of the transaction that made it, and a
 * target the pg_snapshot under which the log was last read: what that snapshot
 * sees has been taken in, and nothing else, in whatever order transactions were
 * numbered and committed.
 */
#include "layer_target.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "layer_edit.h"
#include "layer_log.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/xid8.h"

/* Boxes from which on everything is assigned anew. */
#define MOST_BOXES		1000

/* Columns of grid_assign_target, as sql/install/23-assign-targets.sql declares them. */
enum
{
	TARGET_TARGET = 1,
	TARGET_LAYER,
	TARGET_GEOM_COLUMN,
	TARGET_CODE_COLUMN,
	TARGET_KEEPER,
	TARGET_COMPLETE,
	TARGET_CONSUMED,
	TARGET_COLUMNS = TARGET_CONSUMED
};


static Relation
open_ours(const char *name, LOCKMODE mode)
{
	return table_open(get_relname_relid(name, gridtree_schema()), mode);
}

static SysScanDesc
scan_targets(Relation table, Oid target)
{
	ScanKeyData key;

	ScanKeyInit(&key, TARGET_TARGET, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(target));
	return systable_beginscan(table, get_relname_relid("grid_assign_target_pkey", RelationGetNamespace(table)),
							  true, NULL, 1, &key);
}

/* The row's layer and columns against those of a target. */
static bool
is_row_of(const Datum *values, const LayerTarget *target)
{
	return strcmp(TextDatumGetCString(values[TARGET_LAYER - 1]), target->layer) == 0 &&
		namestrcmp(DatumGetName(values[TARGET_GEOM_COLUMN - 1]), NameStr(target->geom_column)) == 0 &&
		namestrcmp(DatumGetName(values[TARGET_CODE_COLUMN - 1]), NameStr(target->code_column)) == 0;
}

bool
layer_target_read(LayerTarget *target)
{
	Relation	table = open_ours("grid_assign_target", AccessShareLock);
	SysScanDesc scan = scan_targets(table, target->target);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[TARGET_COLUMNS];
		bool		nulls[TARGET_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		found = is_row_of(values, target);
		if (!found)
			continue;
		target->keeper = (uint64) DatumGetInt64(values[TARGET_KEEPER - 1]);
		target->complete = DatumGetBool(values[TARGET_COMPLETE - 1]);
		target->consumed = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[TARGET_CONSUMED - 1]));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return found;
}

/* Is the table or the layer of a row no more? */
static bool
is_orphan(const Datum *values)
{
	return !SearchSysCacheExists1(RELOID, values[TARGET_TARGET - 1]) ||
		layer_read(TextDatumGetCString(values[TARGET_LAYER - 1])) == NULL;
}

typedef enum Doomed
{
	ALL_OF_TABLE,
	LIKE_TARGET,
	ORPHANS
} Doomed;

/* Delete rows of a table; like is of LIKE_TARGET only. */
static void
delete_targets(Relation table, Oid target, Doomed doomed, const LayerTarget *like)
{
	SysScanDesc scan = scan_targets(table, target);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[TARGET_COLUMNS];
		bool		nulls[TARGET_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		if (doomed == ALL_OF_TABLE || (doomed == LIKE_TARGET ? is_row_of(values, like) : is_orphan(values)))
			CatalogTupleDelete(table, &tuple->t_self);
	}
	systable_endscan(scan);
}

/* One at a time writes about a table; until the end of the transaction. */
static Relation
open_to_write(Oid target)
{
	Relation	table = open_ours("grid_assign_target", RowExclusiveLock);

	LockDatabaseObject(RelationGetRelid(table), target, 0, ExclusiveLock);
	return table;
}

void
layer_target_write(const LayerTarget *target)
{
	Relation	table = open_to_write(target->target);
	Datum		values[TARGET_COLUMNS];
	bool		nulls[TARGET_COLUMNS] = {0};

	delete_targets(table, target->target, LIKE_TARGET, target);
	CommandCounterIncrement();
	values[TARGET_TARGET - 1] = ObjectIdGetDatum(target->target);
	values[TARGET_LAYER - 1] = CStringGetTextDatum(target->layer);
	values[TARGET_GEOM_COLUMN - 1] = NameGetDatum(&target->geom_column);
	values[TARGET_CODE_COLUMN - 1] = NameGetDatum(&target->code_column);
	values[TARGET_KEEPER - 1] = Int64GetDatum((int64) target->keeper);
	values[TARGET_COMPLETE - 1] = BoolGetDatum(target->complete);
	values[TARGET_CONSUMED - 1] = target->consumed;
	CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
	table_close(table, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Targets that a change of a table concerns: it, what it is below of, and what is below it. */
static List *
targets_near(Relation table, Oid changed)
{
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	List	   *above = layer_tables_above(changed);
	List	   *near = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Oid			target = DatumGetObjectId(heap_getattr(tuple, TARGET_TARGET, RelationGetDescr(table), &isnull));

		if (list_member_oid(above, target) || list_member_oid(layer_tables_above(target), changed))
			near = list_append_unique_oid(near, target);
	}
	systable_endscan(scan);
	return near;
}

void
layer_target_forget(Oid changed)
{
	Relation	table = open_ours("grid_assign_target", RowExclusiveLock);
	ListCell   *cell;

	foreach(cell, targets_near(table, changed))
	{
		table_close(open_to_write(lfirst_oid(cell)), NoLock);
		delete_targets(table, lfirst_oid(cell), ALL_OF_TABLE, NULL);
	}
	table_close(table, NoLock);
}

static List *
orphaned_targets(Relation table)
{
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	List	   *targets = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[TARGET_COLUMNS];
		bool		nulls[TARGET_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		if (is_orphan(values))
			targets = list_append_unique_oid(targets, DatumGetObjectId(values[TARGET_TARGET - 1]));
	}
	systable_endscan(scan);
	return targets;
}

void
layer_target_sweep(void)
{
	Relation	table = open_ours("grid_assign_target", RowExclusiveLock);
	ListCell   *cell;

	foreach(cell, orphaned_targets(table))
	{
		table_close(open_to_write(lfirst_oid(cell)), NoLock);
		delete_targets(table, lfirst_oid(cell), ORPHANS, NULL);
	}
	table_close(table, NoLock);
	CommandCounterIncrement();
}

/* --- edits --- */

/* A transaction never sees its own edits as done: more of them may follow. */
static bool
sees(Datum snapshot, Datum xid)
{
	if (FullTransactionIdEquals(DatumGetFullTransactionId(xid), GetTopFullTransactionIdIfAny()))
		return false;
	return DatumGetBool(DirectFunctionCall2(pg_visible_in_snapshot, xid, snapshot));
}

/* What layer_edits_since collects. */
typedef struct EditsSince
{
	LayerEdits	edits;
	Datum		consumed;
} EditsSince;

static bool
boxes_meet(const double *a, const double *b)
{
	return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
}

/* Add a box, merged with all that it meets, so that no row is in two of them. */
static void
add_box(LayerEdits *edits, const double *box)
{
	double		merged[4] = {box[0], box[1], box[2], box[3]};

	for (int i = 0; i < edits->n; i++)
	{
		double	   *other = edits->boxes[i];

		if (!boxes_meet(merged, other))
			continue;
		merged[0] = Min(merged[0], other[0]);
		merged[1] = Min(merged[1], other[1]);
		merged[2] = Max(merged[2], other[2]);
		merged[3] = Max(merged[3], other[3]);
		memcpy(other, edits->boxes[--edits->n], sizeof(merged));
		i = -1;					/* the larger box may meet those before */
	}
	memcpy(edits->boxes[edits->n++], merged, sizeof(merged));
}

/* Add an edit of the log. */
static void
add_edit(void *arg, HeapTuple row pg_attribute_unused(), Datum xid, const double *box)
{
	EditsSince *since = arg;
	LayerEdits *edits = &since->edits;

	if (edits->everywhere || sees(since->consumed, xid))
		return;
	edits->everywhere = box == NULL || edits->n >= MOST_BOXES;
	if (!edits->everywhere)
		add_box(edits, box);
}

LayerEdits
layer_edits_since(Oid relation, Datum consumed)
{
	EditsSince	since = {{false, 0, palloc((MOST_BOXES + 1) * sizeof(double[4]))}, consumed};

	layer_edit_scan(relation, GetActiveSnapshot(), add_edit, &since);
	return since.edits;
}

void
layer_edits_widen(LayerEdits *edits, void (*widen) (void *arg, double *box), void *arg)
{
	LayerEdits	narrow = *edits;

	edits->n = 0;
	edits->boxes = palloc(narrow.n * sizeof(double[4]));
	for (int i = 0; i < narrow.n; i++)
	{
		widen(arg, narrow.boxes[i]);
		add_box(edits, narrow.boxes[i]);
	}
}

/*
 * What the targets of a table's layers have taken in, a pg_snapshot each.  One
 * that is not complete will be assigned whole, whatever the log says.
 */
static List *
consumed_of_targets(Oid relation)
{
	Relation	table = open_ours("grid_assign_target", AccessShareLock);
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	List	   *consumed = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[TARGET_COLUMNS];
		bool		nulls[TARGET_COLUMNS];
		Layer	   *layer;

		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		layer = layer_read(TextDatumGetCString(values[TARGET_LAYER - 1]));
		if (layer && layer->relation == relation && DatumGetBool(values[TARGET_COMPLETE - 1]))
			consumed = lappend(consumed, PG_DETOAST_DATUM_COPY(values[TARGET_CONSUMED - 1]));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return consumed;
}

/* What pruning goes by. */
typedef struct Pruning
{
	Relation	table;
	TransactionId horizon;
	List	   *consumed;
} Pruning;

static void
prune_edit(void *arg, HeapTuple row, Datum xid, const double *box pg_attribute_unused())
{
	Pruning    *pruning = arg;
	ListCell   *cell;

	if (!TransactionIdPrecedes(XidFromFullTransactionId(DatumGetFullTransactionId(xid)), pruning->horizon))
		return;
	foreach(cell, pruning->consumed)
		if (!sees(PointerGetDatum(lfirst(cell)), xid))
			return;
	(void) layer_log_remove(pruning->table, row);
}

/*
 * What is older than every snapshot and transaction there is, nobody can have
 * missed who is only about to say what he has taken in.
 */
void
layer_edits_prune(Oid relation)
{
	Pruning		pruning = {layer_log_open(LAYER_LOG_EDIT, RowExclusiveLock), InvalidTransactionId, NIL};

	pruning.horizon = GetOldestNonRemovableTransactionId(pruning.table);
	pruning.consumed = consumed_of_targets(relation);
	layer_edit_scan(relation, SnapshotSelf, prune_edit, &pruning);
	table_close(pruning.table, NoLock);
}
