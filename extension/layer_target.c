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
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

/* Boxes from which on everything is assigned anew. */
#define MOST_BOXES		1000

/* Columns of grid_assign_target, as sql/install/21-layer-versions.sql declares them. */
enum
{
	TARGET_TARGET = 1,
	TARGET_LAYER,
	TARGET_GEOM_COLUMN,
	TARGET_CODE_COLUMN,
	TARGET_TOLERANCE,
	TARGET_COMPLETE,
	TARGET_CONSUMED,
	TARGET_COLUMNS = TARGET_CONSUMED
};

/* Columns of grid_layer_edit. */
enum
{
	EDIT_LAYER = 1,
	EDIT_XID,
	EDIT_WEST,
	EDIT_COLUMNS = EDIT_WEST + 3
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
		target->tolerance = DatumGetFloat8(values[TARGET_TOLERANCE - 1]);
		target->complete = DatumGetBool(values[TARGET_COMPLETE - 1]);
		target->consumed = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[TARGET_CONSUMED - 1]));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return found;
}

/* Delete the row of a target, or with like NULL all rows of the table. */
static void
delete_targets(Relation table, Oid target, const LayerTarget *like)
{
	SysScanDesc scan = scan_targets(table, target);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[TARGET_COLUMNS];
		bool		nulls[TARGET_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		if (like == NULL || is_row_of(values, like))
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

	delete_targets(table, target->target, target);
	CommandCounterIncrement();
	values[TARGET_TARGET - 1] = ObjectIdGetDatum(target->target);
	values[TARGET_LAYER - 1] = CStringGetTextDatum(target->layer);
	values[TARGET_GEOM_COLUMN - 1] = NameGetDatum(&target->geom_column);
	values[TARGET_CODE_COLUMN - 1] = NameGetDatum(&target->code_column);
	values[TARGET_TOLERANCE - 1] = Float8GetDatum(target->tolerance);
	values[TARGET_COMPLETE - 1] = BoolGetDatum(target->complete);
	values[TARGET_CONSUMED - 1] = target->consumed;
	CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
	table_close(table, RowExclusiveLock);
	CommandCounterIncrement();
}

void
layer_target_forget(Oid target)
{
	Relation	table = open_to_write(target);

	delete_targets(table, target, NULL);
	table_close(table, RowExclusiveLock);
}

/* Delete the rows of one of our tables whose layer is no more. */
static void
delete_orphans(const char *name, AttrNumber layer_column)
{
	Relation	table = open_ours(name, RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		layer = heap_getattr(tuple, layer_column, RelationGetDescr(table), &isnull);

		if (layer_read(TextDatumGetCString(layer)) == NULL)
			CatalogTupleDelete(table, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(table, RowExclusiveLock);
}

void
layer_target_tidy(void)
{
	delete_orphans("grid_assign_target", TARGET_LAYER);
	delete_orphans("grid_layer_edit", EDIT_LAYER);
	CommandCounterIncrement();
}

/* --- edits --- */

static bool
sees(Datum snapshot, Datum xid)
{
	return DatumGetBool(DirectFunctionCall2(pg_visible_in_snapshot, xid, snapshot));
}

static SysScanDesc
scan_edits(Relation table, const char *layer, Snapshot snapshot)
{
	ScanKeyData key;

	ScanKeyInit(&key, EDIT_LAYER, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(layer));
	return systable_beginscan(table, get_relname_relid("grid_layer_edit_layer_idx", RelationGetNamespace(table)),
							  true, snapshot, 1, &key);
}

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

LayerEdits
layer_edits_since(const char *layer, Datum consumed)
{
	Relation	table = open_ours("grid_layer_edit", AccessShareLock);
	SysScanDesc scan = scan_edits(table, layer, GetActiveSnapshot());
	LayerEdits	edits = {false, 0, palloc((MOST_BOXES + 1) * sizeof(double[4]))};
	HeapTuple	tuple;

	while (!edits.everywhere && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[EDIT_COLUMNS];
		bool		nulls[EDIT_COLUMNS];
		double		box[4];

		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		if (sees(consumed, values[EDIT_XID - 1]))
			continue;
		edits.everywhere = nulls[EDIT_WEST - 1] || edits.n >= MOST_BOXES;
		for (int i = 0; i < 4 && !edits.everywhere; i++)
			box[i] = DatumGetFloat8(values[EDIT_WEST - 1 + i]);
		if (!edits.everywhere)
			add_box(&edits, box);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return edits;
}

/* What the targets of a layer have taken in, a pg_snapshot each. */
static List *
consumed_of_targets(const char *layer)
{
	Relation	table = open_ours("grid_assign_target", AccessShareLock);
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	List	   *consumed = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[TARGET_COLUMNS];
		bool		nulls[TARGET_COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		if (strcmp(TextDatumGetCString(values[TARGET_LAYER - 1]), layer) == 0)
			consumed = lappend(consumed, PG_DETOAST_DATUM_COPY(values[TARGET_CONSUMED - 1]));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return consumed;
}

static bool
all_see(List *snapshots, Datum xid)
{
	ListCell   *cell;

	foreach(cell, snapshots)
		if (!sees(PointerGetDatum(lfirst(cell)), xid))
			return false;
	return true;
}

/*
 * What is older than every snapshot and transaction there is, nobody can have
 * missed who is only about to say what he has taken in.
 */
void
layer_edits_prune(const char *layer)
{
	Relation	table = open_ours("grid_layer_edit", RowExclusiveLock);
	TransactionId horizon = GetOldestNonRemovableTransactionId(table);
	List	   *consumed = consumed_of_targets(layer);
	SysScanDesc scan = scan_edits(table, layer, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		xid = heap_getattr(tuple, EDIT_XID, RelationGetDescr(table), &isnull);
		TM_FailureData failure;

		if (TransactionIdPrecedes(XidFromFullTransactionId(DatumGetFullTransactionId(xid)), horizon) &&
			all_see(consumed, xid))
			(void) table_tuple_delete(table, &tuple->t_self, GetCurrentCommandId(true), GetActiveSnapshot(),
									  InvalidSnapshot, false, &failure, false);
	}
	systable_endscan(scan);
	table_close(table, RowExclusiveLock);
}
