/*
 * rollup_capture.c
 *	  grid_rollup_capture(), the function of all triggers on the source of a
 *	  rollup: appends the touched cells, old and new side, to the rollup's log,
 *	  and how many rows more or less are in no cell.
 *
 * It reads the changed rows by itself and not by SQL: so it takes an eighth of
 * the instructions, needs no rights of anybody, and runs nothing that is not
 * here.  It only ever appends: an ON CONFLICT would make writers wait for each
 * other, and skipping a cell that is logged already would lose the change when
 * a refresh is just consuming that row.
 *
 * CACHE
 *	  What a table's changes are logged for is kept until something about it,
 *	  the rollup or the log changes.  Callbacks only mark; what they mark is
 *	  freed when the table next fires.
 */
#include "rollup_bucket.h"
#include "rollup_def.h"
#include "rollup_log.h"

#include "catalog/pg_type.h"
#include "code.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "gridcode.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(grid_rollup_capture);

typedef struct CaptureColumn
{
	AttrNumber	number;			/* in the table */
	Oid			type;
} CaptureColumn;

/* One rollup that a table's changes are logged for. */
typedef struct CaptureTarget
{
	Oid			rollup;
	Oid			source;
	Oid			log;
	Oid			rows;
	AttrNumber	code;
	int			digits;			/* of the lowest level */
	int			ntimes;			/* 0: no buckets */
	CaptureColumn *times;
	BucketRule	rule;
	bool		blind;			/* buckets cannot be told */
} CaptureTarget;

typedef struct CaptureEntry
{
	Oid			table;			/* hash key */
	bool		valid;
	bool		reading;		/* what it depends on is not known yet */
	MemoryContext context;		/* of what follows, or NULL */
	int			ntargets;
	CaptureTarget *targets;
} CaptureEntry;

/* Cells of one statement, or of so many rows of it: each is logged once. */
#define FEW_CELLS 16
#define MOST_CELLS 65536

typedef struct Cells
{
	const CaptureTarget *target;
	int64		unassigned;		/* rows in no cell, new ones less old ones */
	int			count;
	int			room;
	RollupCell *cells;
	RollupCell	few[FEW_CELLS];
} Cells;

static HTAB *entries = NULL;

static void
forget_relation(Datum arg pg_attribute_unused(), Oid relation)
{
	HASH_SEQ_STATUS status;
	CaptureEntry *entry;

	hash_seq_init(&status, entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relation) || entry->table == relation || entry->reading)
			entry->valid = false;
		for (int i = 0; entry->valid && i < entry->ntargets; i++)
		{
			const CaptureTarget *target = &entry->targets[i];

			if (target->rollup == relation || target->log == relation ||
				target->source == relation || target->rows == relation)
				entry->valid = false;
		}
	}
}

static void
create_entries(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(CaptureEntry)};

	entries = hash_create("gridtree capture", 16, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
}

static void
fill_target(CaptureTarget *target, const RollupDef *def, Oid table)
{
	target->rollup = def->rollup;
	target->source = def->source;
	target->log = def->log;
	target->rows = def->rows;
	target->code = get_attnum(table, def->code.name);
	target->digits = def->digits[0];
	target->ntimes = def->ntimes;
	target->times = palloc_array(CaptureColumn, def->ntimes + 1);
	for (int i = 0; i < def->ntimes; i++)
	{
		target->times[i].number = get_attnum(table, def->times[i].name);
		target->times[i].type = def->times[i].type;
	}
	if (def->ntimes == 0)
		return;
	target->rule.width = *def->width;
	/* A zone that the system has lost must not stop who writes. */
	if (def->zone)
		target->rule.zone = pg_tzset(def->zone);
	target->blind = def->zone && target->rule.zone == NULL;
}

/* Read which rollups a table belongs to. */
static void
fill_entry(CaptureEntry *entry)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *rollups = rollups_of_source(entry->table);
	ListCell   *lc;

	entry->context = AllocSetContextCreate(CacheMemoryContext, "gridtree capture of a table",
										   ALLOCSET_SMALL_SIZES);
	entry->targets = MemoryContextAllocZero(entry->context,
											sizeof(CaptureTarget) * (list_length(rollups) + 1));
	foreach(lc, rollups)
	{
		RollupDef  *def = rollup_load(lfirst_oid(lc), false);

		MemoryContextSwitchTo(entry->context);
		fill_target(&entry->targets[entry->ntargets], def, entry->table);
		MemoryContextSwitchTo(caller);
		entry->ntargets++;
	}
}

static void
read_again(CaptureEntry *entry)
{
	if (entry->context)
		MemoryContextDelete(entry->context);
	entry->context = NULL;
	entry->ntargets = 0;
	/* Reading the catalog may find the next invalidation; it must not be lost. */
	entry->valid = true;
	entry->reading = true;
	PG_TRY();
	{
		fill_entry(entry);
		entry->reading = false;
	}
	PG_CATCH();
	{
		entry->valid = entry->reading = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static CaptureEntry *
find_entry(Oid table)
{
	CaptureEntry *entry;
	bool		found;

	if (entries == NULL)
		create_entries();
	entry = hash_search(entries, &table, HASH_ENTER, &found);
	if (!found)
	{
		memset((char *) entry + sizeof(Oid), 0, sizeof(CaptureEntry) - sizeof(Oid));
		entry->table = table;
	}
	if (!entry->valid)
		read_again(entry);
	return entry;
}

/* --- Cells --- */

#define ST_SORT sort_cells
#define ST_ELEMENT_TYPE RollupCell
#define ST_COMPARE(a, b) \
	((a)->code != (b)->code ? ((a)->code < (b)->code ? -1 : 1) : \
	 (a)->bucket != (b)->bucket ? ((a)->bucket < (b)->bucket ? -1 : 1) : 0)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static bool
same_cell(const RollupCell *a, const RollupCell *b)
{
	return a->code == b->code && a->bucket == b->bucket;
}

/* Log the cells there are so far, each once. */
static void
flush_cells(Cells *cells)
{
	int			kept = 0;

	if (cells->count > 1)
		sort_cells(cells->cells, cells->count);
	for (int i = 0; i < cells->count; i++)
		if (i == 0 || !same_cell(&cells->cells[i], &cells->cells[kept - 1]))
			cells->cells[kept++] = cells->cells[i];
	if (kept > 0 || cells->unassigned != 0)
		rollup_log_append(cells->target->log, cells->cells, kept, cells->unassigned);
	cells->count = 0;
	cells->unassigned = 0;
}

static void
make_room(Cells *cells)
{
	RollupCell *old = cells->cells;

	if (cells->room >= MOST_CELLS)
	{
		flush_cells(cells);
		return;
	}
	cells->room *= 4;
	cells->cells = palloc_array(RollupCell, cells->room);
	memcpy(cells->cells, old, sizeof(RollupCell) * cells->count);
	if (old != cells->few)
		pfree(old);
}

static void
add_cell(Cells *cells, gridcode code, Timestamp bucket)
{
	const RollupCell cell = {code, bucket};

	/* Rows that are loaded often come in order. */
	if (cells->count > 0 && same_cell(&cell, &cells->cells[cells->count - 1]))
		return;
	if (cells->count == cells->room)
		make_room(cells);
	cells->cells[cells->count++] = cell;
}

/* The cells of a row; one without any makes a difference of that many rows to those. */
static void
add_row(Cells *cells, TupleTableSlot *row, int difference)
{
	const CaptureTarget *target = cells->target;
	bool		assigned = target->ntimes == 0;
	bool		isnull;
	gridcode	code = DatumGetGridcode(slot_getattr(row, target->code, &isnull));
	gridcode	cell = isnull ? 0 : gridcode_prefix(code, target->digits);

	if (isnull)
	{
		cells->unassigned += difference;
		return;
	}
	if (cell == 0)
		cell = code;			/* coded to no area of the lowest level */
	if (target->ntimes == 0)
		add_cell(cells, cell, 0);
	for (int i = 0; i < target->ntimes; i++)
	{
		Datum		time = slot_getattr(row, target->times[i].number, &isnull);

		if (isnull)
			continue;
		add_cell(cells, cell, bucket_of(&target->rule, target->times[i].type, time));
		assigned = true;
	}
	if (!assigned)
		cells->unassigned += difference;
}

static void
add_rows(Cells *cells, Tuplestorestate *rows, TupleTableSlot *slot, int difference)
{
	/* A place of our own: others read the same rows. */
	int			place = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);

	tuplestore_select_read_pointer(rows, place);
	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		add_row(cells, slot, difference);
	}
}

/* The rows of a statement. */
static void
add_statement(Cells *cells, const TriggerData *data)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(data->tg_relation),
													&TTSOpsMinimalTuple);

	if (data->tg_oldtable)
		add_rows(cells, data->tg_oldtable, slot, -1);
	if (data->tg_newtable)
		add_rows(cells, data->tg_newtable, slot, 1);
	ExecDropSingleTupleTableSlot(slot);
}

/* One row, as replication applies it. */
static void
add_replicated(Cells *cells, const TriggerData *data)
{
	bool		inserted = TRIGGER_FIRED_BY_INSERT(data->tg_event);

	add_row(cells, data->tg_trigslot, inserted ? 1 : -1);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		add_row(cells, data->tg_newslot, 1);
}

static void
capture(const CaptureTarget *target, const TriggerData *data)
{
	Cells		cells;

	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) || target->blind)
	{
		rollup_log_everything(target->log);
		return;
	}
	cells.target = target;
	cells.count = 0;
	cells.unassigned = 0;
	cells.room = FEW_CELLS;
	cells.cells = cells.few;
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		add_replicated(&cells, data);
	else
		add_statement(&cells, data);
	flush_cells(&cells);
}

/* The table was dumped and restored without the catalog: not a reason to stop writers. */
static void
warn_without_catalog(const TriggerData *data)
{
	static bool warned = false;

	if (warned)
		return;
	warned = true;
	ereport(WARNING,
			(errmsg("table \"%s\" has the triggers of a rollup, but there is no rollup on it",
					RelationGetRelationName(data->tg_relation)),
			 errhint("Create the rollup again, or drop the triggers whose names begin with grid_rollup_.")));
}

Datum
grid_rollup_capture(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	CaptureEntry *entry;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by an AFTER trigger", "grid_rollup_capture"),
				 errhint("The triggers are made by grid_rollup_create.")));

	entry = find_entry(RelationGetRelid(data->tg_relation));
	if (entry->ntargets == 0)
		warn_without_catalog(data);
	for (int i = 0; i < entry->ntargets; i++)
		capture(&entry->targets[i], data);
	return PointerGetDatum(NULL);
}
