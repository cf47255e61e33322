/*
 * layer_edit.c
 *	  What a transaction notes of its edits of layers: that there was one (a row
 *	  of grid_layer_version) and where (rows of grid_layer_edit).
 *
 * MEMORY
 *	  One version row is enough for all that lives and dies with it.  So a
 *	  backend remembers which relations it has noted and at which level of
 *	  subtransactions: what is released belongs to the level above, what is
 *	  rolled back is forgotten, as its rows are.  A loop of ten thousand
 *	  exception blocks appends ten thousand rows only where each is rolled back.
 *
 * EXTENTS
 *	  Beyond MOST_EXTENTS of a transaction, or MANY_ROWS of them all, one row
 *	  without an extent stands for everything.
 */
#include "layer_edit.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "layer_log.h"
#include "layer_version.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/geo_decls.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

/* Columns of grid_layer_edit, as sql/install/21-layer-versions.sql declares them. */
enum
{
	COLUMN_RELATION = 1,
	COLUMN_XID,
	COLUMN_EXTENT,
	NCOLUMNS = COLUMN_EXTENT
};

#define MOST_EXTENTS	1000	/* of one transaction */
#define MANY_ROWS		10000	/* of one relation */
#define MANY_BLOCKS		64		/* fewer cannot hold as many rows */
#define COUNT_EVERY		256		/* rows appended between two counts */

/* What a live level of the current transaction has noted of a relation. */
typedef struct Noted
{
	Oid			relation;
	SubTransactionId level;
	int			extents;
	bool		everything;
} Noted;

/* In TopTransactionContext; the outermost of a relation has the version row. */
static List *noted = NIL;

static Noted *
find_noted(Oid relation, SubTransactionId level)
{
	ListCell   *lc;

	foreach(lc, noted)
	{
		Noted	   *note = lfirst(lc);

		if (note->relation == relation &&
			(level == InvalidSubTransactionId || note->level == level))
			return note;
	}
	return NULL;
}

/* A released level hands over to the one above. */
static void
release_level(SubTransactionId level, SubTransactionId above)
{
	ListCell   *lc;

	foreach(lc, noted)
	{
		Noted	   *note = lfirst(lc);
		Noted	   *upper;

		if (note->level != level)
			continue;
		upper = find_noted(note->relation, above);
		if (upper == NULL)
		{
			note->level = above;
			continue;
		}
		upper->extents += note->extents;
		upper->everything |= note->everything;
		noted = foreach_delete_current(noted, lc);
	}
}

static void
forget_level(SubTransactionId level)
{
	ListCell   *lc;

	foreach(lc, noted)
		if (((Noted *) lfirst(lc))->level == level)
			noted = foreach_delete_current(noted, lc);
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId level, SubTransactionId above,
					void *arg pg_attribute_unused())
{
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		release_level(level, above);
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_level(level);
}

/* Their memory goes with the transaction. */
static void
transaction_ends(XactEvent event, void *arg pg_attribute_unused())
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		noted = NIL;
}

static void
listen_to_ends(void)
{
	static bool listening = false;

	if (listening)
		return;
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
	listening = true;
}

/* What the current level has noted, for more to be added. */
static Noted *
note_here(Oid relation)
{
	SubTransactionId level = GetCurrentSubTransactionId();
	Noted	   *note = find_noted(relation, level);
	MemoryContext caller;

	if (note)
		return note;
	listen_to_ends();
	caller = MemoryContextSwitchTo(TopTransactionContext);
	note = palloc0_object(Noted);
	note->relation = relation;
	note->level = level;
	noted = lappend(noted, note);
	MemoryContextSwitchTo(caller);
	return note;
}

void
layer_edit_begin(Oid relation)
{
	if (find_noted(relation, InvalidSubTransactionId))
		return;
	layer_version_append(relation);
	(void) note_here(relation);
}

/* Over all live levels. */
static int
count_extents(Oid relation, bool *everything)
{
	ListCell   *lc;
	int			extents = 0;

	*everything = false;
	foreach(lc, noted)
	{
		Noted	   *note = lfirst(lc);

		if (note->relation != relation)
			continue;
		extents += note->extents;
		*everything |= note->everything;
	}
	return extents;
}

/* Append a row; without a box it stands for everything. */
static void
append_row(Oid relation, const double *box)
{
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {0};
	BOX			extent;

	values[COLUMN_RELATION - 1] = ObjectIdGetDatum(relation);
	values[COLUMN_XID - 1] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	nulls[COLUMN_EXTENT - 1] = (box == NULL);
	if (box)
	{
		extent.low.x = box[0];
		extent.low.y = box[1];
		extent.high.x = box[2];
		extent.high.y = box[3];
		values[COLUMN_EXTENT - 1] = BoxPGetDatum(&extent);
	}
	layer_log_append(LAYER_LOG_EDIT, values, nulls);
}

/* Does the relation have so many rows that nobody wants to know where? */
static bool
has_many_rows(Oid relation)
{
	Relation	table = layer_log_open(LAYER_LOG_EDIT, RowExclusiveLock);
	SysScanDesc scan;
	int			rows = 0;

	if (RelationGetNumberOfBlocks(table) >= MANY_BLOCKS)
	{
		scan = layer_log_scan(LAYER_LOG_EDIT, table, relation, SnapshotSelf);
		while (rows <= MANY_ROWS && HeapTupleIsValid(systable_getnext(scan)))
			rows++;
		systable_endscan(scan);
	}
	table_close(table, NoLock);
	return rows > MANY_ROWS;
}

/* Counting costs as much as many rows do, so it is done once in as many. */
static bool
time_to_count(int extents)
{
	uint64		transaction = U64FromFullTransactionId(GetTopFullTransactionId());

	return (transaction + (uint64) extents) % COUNT_EVERY == 0;
}

void
layer_edit_everything(Oid relation)
{
	bool		everything;

	layer_edit_begin(relation);
	(void) count_extents(relation, &everything);
	if (everything)
		return;
	append_row(relation, NULL);
	note_here(relation)->everything = true;
}

void
layer_edit_extent(Oid relation, const double box[4])
{
	bool		everything;
	int			extents;

	layer_edit_begin(relation);
	extents = count_extents(relation, &everything);
	if (everything)
		return;
	if (extents >= MOST_EXTENTS || !isfinite(box[0]) || !isfinite(box[1]) ||
		!isfinite(box[2]) || !isfinite(box[3]))
		layer_edit_everything(relation);
	else if (time_to_count(extents) && has_many_rows(relation))
	{
		layer_log_clear(LAYER_LOG_EDIT, relation, false);
		layer_edit_everything(relation);
	}
	else
	{
		append_row(relation, box);
		note_here(relation)->extents++;
	}
}

void
layer_version_touch(Oid relation)
{
	layer_edit_everything(relation);
}

void
layer_edit_scan(Oid relation, Snapshot snapshot, LayerEditCallback callback, void *arg)
{
	Relation	table = layer_log_open(LAYER_LOG_EDIT, AccessShareLock);
	SysScanDesc scan = layer_log_scan(LAYER_LOG_EDIT, table, relation, snapshot);
	HeapTuple	row;

	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Datum		values[NCOLUMNS];
		bool		nulls[NCOLUMNS];
		double		box[4];

		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(row, RelationGetDescr(table), values, nulls);
		if (!nulls[COLUMN_EXTENT - 1])
		{
			const BOX  *extent = DatumGetBoxP(values[COLUMN_EXTENT - 1]);

			box[0] = extent->low.x;
			box[1] = extent->low.y;
			box[2] = extent->high.x;
			box[3] = extent->high.y;
		}
		callback(arg, row, values[COLUMN_XID - 1], nulls[COLUMN_EXTENT - 1] ? NULL : box);
	}
	systable_endscan(scan);
	table_close(table, NoLock);
}

void
layer_edit_forget(Oid relation)
{
	ListCell   *lc;

	layer_log_clear(LAYER_LOG_VERSION, relation, true);
	layer_log_clear(LAYER_LOG_EDIT, relation, true);
	foreach(lc, noted)
		if (((Noted *) lfirst(lc))->relation == relation)
			noted = foreach_delete_current(noted, lc);
}
