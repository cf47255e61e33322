/*
 * rollup_log.c
 *	  The log of a rollup: written without SQL, which would need rights and take
 *	  longer than the change it notes; and looked at for grid_rollup_status.
 */
#include "rollup_log.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "gridcode.h"
#include "miscadmin.h"
#include "rollup_bucket.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(grid_rollup_pending);
PG_FUNCTION_INFO_V1(grid_rollup_logged_unassigned);

/* Tuples that are handed to the table at once. */
#define LOG_TUPLES 1000

/* A row of the log in the columns of a slot. */
static void
store_row(TupleTableSlot *slot, const RollupCell *cell, int64 unassigned)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	int			last = desc->natts - 1;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, desc->natts * sizeof(bool));
	if (cell)
	{
		slot->tts_values[0] = GridcodeGetDatum(cell->code);
		slot->tts_isnull[0] = false;
	}
	if (cell && last > 1)
	{
		slot->tts_values[1] = TupleDescAttr(desc, 1)->atttypid == DATEOID ?
			DateADTGetDatum(bucket_date(cell->bucket)) : TimestampGetDatum(cell->bucket);
		slot->tts_isnull[1] = false;
	}
	if (unassigned != 0)
	{
		slot->tts_values[last] = Int64GetDatum(unassigned);
		slot->tts_isnull[last] = false;
	}
	ExecStoreVirtualTuple(slot);
}

/* Somebody has put an index on the log. */
static void
insert_into_indexes(Relation log, TupleTableSlot **slots, int count)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *info = makeNode(ResultRelInfo);

	InitResultRelInfo(info, log, 0, NULL, 0);
	ExecOpenIndices(info, false);
	for (int i = 0; i < count; i++)
	{
		(void) exec_insert_index_tuples(info, slots[i], estate);
		ResetPerTupleExprContext(estate);
	}
	ExecCloseIndices(info);
	FreeExecutorState(estate);
}

static void
insert_rows(Relation log, TupleTableSlot **slots, int count)
{
	CommandId	command = GetCurrentCommandId(true);

	if (count == 1)
		table_tuple_insert(log, slots[0], command, 0, NULL);
	else
		table_multi_insert(log, slots, count, command, 0, NULL);
	if (log->rd_rel->relhasindex)
		insert_into_indexes(log, slots, count);
}

void
rollup_log_append(Oid log, const RollupCell *cells, int count, int64 unassigned)
{
	Relation	rel = table_open(log, RowExclusiveLock);
	int			rows = count + (unassigned != 0);
	int			nslots = Min(rows, LOG_TUPLES);
	TupleTableSlot **slots = palloc_array(TupleTableSlot *, nslots);

	for (int i = 0; i < nslots; i++)
		slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(rel), table_slot_callbacks(rel));
	for (int done = 0; done < rows; done += LOG_TUPLES)
	{
		int			n = Min(rows - done, LOG_TUPLES);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
		{
			bool		is_cell = done + i < count;

			store_row(slots[i], is_cell ? &cells[done + i] : NULL, is_cell ? 0 : unassigned);
		}
		insert_rows(rel, slots, n);
	}
	for (int i = 0; i < nslots; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	pfree(slots);
	table_close(rel, NoLock);
}

void
rollup_log_everything(Oid log)
{
	Relation	rel = table_open(log, RowExclusiveLock);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), table_slot_callbacks(rel));

	store_row(slot, NULL, 0);
	insert_rows(rel, &slot, 1);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* --- What it says --- */

typedef enum LogRow
{
	LOG_CELL, LOG_UNASSIGNED, LOG_EVERYTHING
} LogRow;

static LogRow
row_says(TupleTableSlot *slot, int64 *unassigned)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, slot->tts_tupleDescriptor->natts, &isnull);

	*unassigned = isnull ? 0 : DatumGetInt64(value);
	if (!slot_attisnull(slot, 1))
		return LOG_CELL;
	return isnull ? LOG_EVERYTHING : LOG_UNASSIGNED;
}

/*
 * The log, if the current user may read it; NULL also where it is gone or
 * locked: whoever holds the log of one rollup must not hold up the others.
 */
static Relation
open_log(Oid log)
{
	Relation	rel;

	if (!ConditionalLockRelationOid(log, AccessShareLock))
		return NULL;
	rel = try_relation_open(log, NoLock);
	if (rel == NULL)
		UnlockRelationOid(log, AccessShareLock);
	else if (rel->rd_rel->relkind != RELKIND_RELATION || RelationGetDescr(rel)->natts < 2 ||
			 pg_class_aclcheck(log, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
	{
		relation_close(rel, AccessShareLock);
		rel = NULL;
	}
	return rel;
}

/* Whether it touches anything, and its sum of unassigned rows; false where that says nothing. */
static bool
read_log(Relation log, bool *touched, int64 *unassigned)
{
	TableScanDesc scan = table_beginscan(log, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(log, NULL);
	bool		valid = true;

	*touched = false;
	if (unassigned)
		*unassigned = 0;
	while ((unassigned || !*touched) && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		int64		difference;
		LogRow		says = row_says(slot, &difference);

		CHECK_FOR_INTERRUPTS();
		*touched = *touched || says != LOG_UNASSIGNED;
		valid = valid && says != LOG_EVERYTHING;
		if (unassigned)
			*unassigned += difference;
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	return valid;
}

/* grid_rollup_pending(log): is there anything for a refresh to do? */
Datum
grid_rollup_pending(PG_FUNCTION_ARGS)
{
	Relation	log = open_log(PG_GETARG_OID(0));
	bool		touched;

	if (log == NULL)
		PG_RETURN_NULL();
	(void) read_log(log, &touched, NULL);
	relation_close(log, AccessShareLock);
	PG_RETURN_BOOL(touched);
}

/* grid_rollup_logged_unassigned(log): rows of the source that are in no cell */
Datum
grid_rollup_logged_unassigned(PG_FUNCTION_ARGS)
{
	Relation	log = open_log(PG_GETARG_OID(0));
	bool		touched;
	int64		unassigned;
	bool		valid;

	if (log == NULL)
		PG_RETURN_NULL();
	valid = read_log(log, &touched, &unassigned);
	relation_close(log, AccessShareLock);
	if (!valid)
		PG_RETURN_NULL();
	PG_RETURN_INT64(unassigned);
}
