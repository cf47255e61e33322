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
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "gridcode.h"
#include "miscadmin.h"
#include "rollup.h"
#include "rollup_bucket.h"
#include "rollup_def.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(grid_rollup_pending);
PG_FUNCTION_INFO_V1(grid_rollup_logged_unassigned);

/* Tuples that are handed to the table at once. */
#define LOG_TUPLES 1000

/* Has it the columns of a log, and nothing else? */
static bool
is_as_made(Relation log)
{
	TupleDesc	desc = RelationGetDescr(log);
	int			last = desc->natts - 1;
	Oid			bucket;

	if (log->rd_rel->relkind != RELKIND_RELATION || last < 1 || last > 2)
		return false;
	bucket = TupleDescAttr(desc, 1)->atttypid;
	for (int i = 0; i <= last; i++)
		if (TupleDescAttr(desc, i)->attisdropped)
			return false;
	return TupleDescAttr(desc, 0)->attbyval && TupleDescAttr(desc, 0)->attlen == sizeof(gridcode) &&
		TupleDescAttr(desc, last)->atttypid == INT8OID &&
		(last == 1 || bucket == DATEOID || bucket == TIMESTAMPOID);
}

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

/*
 * The log, if it is as it was made: its owner could have altered it where the
 * event triggers that forbid it are disabled, and what is written here is not
 * converted.  An index would not be written, and could run anything.
 */
static Relation
open_for_writing(Oid log)
{
	Relation	rel = table_open(log, RowExclusiveLock);

	if (!is_as_made(rel) || (rel->rd_rel->relhasindex && RelationGetIndexList(rel) != NIL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("log \"%s\" of a rollup has been altered", RelationGetRelationName(rel)),
				 errdetail("It has other columns than it was made with, or an index."),
				 errhint("Drop what was added to it, or the rollup.")));
	return rel;
}

static void
insert_rows(Relation log, TupleTableSlot **slots, int count)
{
	CommandId	command = GetCurrentCommandId(true);

	if (count == 1)
		table_tuple_insert(log, slots[0], command, 0, NULL);
	else
		table_multi_insert(log, slots, count, command, 0, NULL);
}

void
rollup_log_append(Oid log, const RollupCell *cells, int count, int64 unassigned)
{
	Relation	rel = open_for_writing(log);
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
	Relation	rel = open_for_writing(log);
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
 * Who may refresh is told whether there is anything to refresh, and so is who
 * watches; others are where they could see for themselves.
 */
static bool
may_look(Oid rollup, Oid log)
{
	return rollup_may_refresh(rollup, GetUserId()) || has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		(pg_class_aclcheck(log, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		 check_enable_rls(log, InvalidOid, true) != RLS_ENABLED);
}

/*
 * The log of a rollup, if the current user may know of it; NULL also where it is
 * gone or locked: whoever holds the log of one rollup must not hold up the others.
 */
static Relation
open_log(Oid rollup)
{
	Oid			log = rollup_log_of(rollup);
	Relation	rel;

	if (!OidIsValid(log) || !ConditionalLockRelationOid(log, AccessShareLock))
		return NULL;
	rel = try_relation_open(log, NoLock);
	if (rel == NULL)
		UnlockRelationOid(log, AccessShareLock);
	else if (!is_as_made(rel) || !may_look(rollup, log))
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

/* grid_rollup_pending(rollup): is there anything for a refresh to do? */
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

/* grid_rollup_logged_unassigned(rollup): rows of the source that are in no cell */
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
