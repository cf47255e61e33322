/*
 * rollup_capture.c
 *	  grid_rollup_capture(), the function of all triggers on the source of a
 *	  rollup: appends the touched cells, old and new side, to the rollup's log.
 *
 * It runs as the owner of the rollup, so that who writes to the source needs no
 * right but that.  It only ever appends: an ON CONFLICT would make writers wait
 * for each other, and skipping a cell that is logged already would lose the
 * change when a refresh is just consuming that row.
 *
 * The plans of a table are kept until something about it, the rollup or the log
 * changes.
 */
#include "rollup_def.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "rollup_owner.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(grid_rollup_capture);

typedef enum CaptureEvent
{
	CAPTURE_INSERT,
	CAPTURE_UPDATE,
	CAPTURE_DELETE,
	CAPTURE_ROW,
	CAPTURE_EVENTS
} CaptureEvent;

/* One rollup that a table's changes are logged for. */
typedef struct CaptureTarget
{
	RollupDef  *def;
	SPIPlanPtr	plans[CAPTURE_EVENTS];	/* NULL until used */
} CaptureTarget;

/*
 * What is known of a table.  A trigger on a log may change the source, and so
 * fire us again while we are at work: what is stale by then is freed by the
 * last that uses it.
 */
typedef struct CaptureSet
{
	MemoryContext context;		/* holds the set itself */
	int			uses;			/* triggers at work with it */
	bool		current;		/* the entry of the table points here */
	int			ntargets;
	CaptureTarget *targets;
} CaptureSet;

typedef struct CaptureEntry
{
	Oid			table;			/* hash key */
	bool		valid;
	CaptureSet *set;			/* or NULL */
} CaptureEntry;

static HTAB *entries = NULL;

static void
forget_relation(Datum arg pg_attribute_unused(), Oid relation)
{
	HASH_SEQ_STATUS status;
	CaptureEntry *entry;

	hash_seq_init(&status, entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relation) || entry->table == relation)
			entry->valid = false;
		for (int i = 0; entry->valid && entry->set && i < entry->set->ntargets; i++)
		{
			const RollupDef *def = entry->set->targets[i].def;

			if (def->rollup == relation || def->log == relation || def->source == relation ||
				def->rows == relation)
				entry->valid = false;
		}
	}
}

static void
forget_all(Datum arg, int cacheid pg_attribute_unused(), uint32 hash pg_attribute_unused())
{
	forget_relation(arg, InvalidOid);
}

static void
create_entries(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(CaptureEntry)};

	entries = hash_create("gridtree capture", 16, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_all, (Datum) 0);
}

/* Free a set that no table has and no trigger uses any more. */
static void
free_unused(CaptureSet *set)
{
	if (set->current || set->uses > 0)
		return;
	for (int i = 0; i < set->ntargets; i++)
		for (int event = 0; event < CAPTURE_EVENTS; event++)
			if (set->targets[i].plans[event])
				SPI_freeplan(set->targets[i].plans[event]);
	MemoryContextDelete(set->context);
}

/* The entry has no set any more. */
static void
release_set(CaptureEntry *entry)
{
	CaptureSet *set = entry->set;

	if (set == NULL)
		return;
	entry->set = NULL;
	set->current = false;
	free_unused(set);
}

/* Read which rollups a table belongs to. */
static void
fill_set(CaptureSet *set, Oid table)
{
	List	   *rollups = rollups_of_source(table);
	MemoryContext caller = MemoryContextSwitchTo(set->context);
	ListCell   *lc;

	set->targets = palloc0_array(CaptureTarget, list_length(rollups) + 1);
	foreach(lc, rollups)
	{
		set->targets[set->ntargets].def = rollup_load(lfirst_oid(lc), false);
		set->ntargets++;
	}
	MemoryContextSwitchTo(caller);
}

static void
new_set(CaptureEntry *entry)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "gridtree capture of a table",
												  ALLOCSET_SMALL_SIZES);

	entry->set = MemoryContextAllocZero(context, sizeof(CaptureSet));
	entry->set->context = context;
	entry->set->current = true;
}

static CaptureSet *
find_set(Oid table)
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
	{
		release_set(entry);
		new_set(entry);
		/* Reading the catalog may find the next invalidation; it must not be lost. */
		entry->valid = true;
		PG_TRY();
		{
			fill_set(entry->set, table);
		}
		PG_CATCH();
		{
			entry->valid = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	return entry->set;
}

/* The cells of the rows of a table, as (code[, bucket]). */
static void
append_cells(StringInfo buf, const RollupDef *def, const char *table)
{
	char	   *code = psprintf("t.%s", quote_identifier(def->code.name));

	appendStringInfo(buf, "SELECT %s AS code%s FROM %s t", sql_cell(def, code),
					 sql_bucket(def, "a"), table);
	for (int i = 0; i < def->ntimes; i++)
		appendStringInfo(buf, "%s(%s)", i > 0 ? ", " : " CROSS JOIN LATERAL (VALUES ",
						 sql_bucket_of(def, &def->times[i],
									   psprintf("t.%s", quote_identifier(def->times[i].name))));
	appendStringInfo(buf, "%s WHERE %s IS NOT NULL%s", def->ntimes > 0 ? ") a(bucket)" : "", code,
					 def->ntimes > 0 ? " AND a.bucket IS NOT NULL" : "");
}

/* A row that is given as parameters, as a table. */
static char *
parameter_table(const RollupDef *def)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "(SELECT $1 AS %s", quote_identifier(def->code.name));
	for (int i = 0; i < def->ntimes; i++)
		appendStringInfo(&buf, ", $%d AS %s", i + 2, quote_identifier(def->times[i].name));
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

static SPIPlanPtr
prepare(const RollupDef *def, CaptureEvent event)
{
	StringInfoData buf;
	Oid		   *types = palloc_array(Oid, def->ntimes + 1);
	SPIPlanPtr	plan;

	types[0] = gridtree_type("gridcode");
	for (int i = 0; i < def->ntimes; i++)
		types[i + 1] = def->times[i].type;

	initStringInfo(&buf);
	appendStringInfo(&buf, "INSERT INTO %s (code%s) SELECT DISTINCT * FROM (", def->log_name,
					 def->ntimes > 0 ? ", bucket" : "");
	if (event == CAPTURE_UPDATE || event == CAPTURE_DELETE)
		append_cells(&buf, def, "grid_old");
	if (event == CAPTURE_UPDATE)
		appendStringInfoString(&buf, " UNION ALL ");
	if (event == CAPTURE_UPDATE || event == CAPTURE_INSERT)
		append_cells(&buf, def, "grid_new");
	if (event == CAPTURE_ROW)
		append_cells(&buf, def, parameter_table(def));
	appendStringInfoString(&buf, ") c");

	plan = SPI_prepare(buf.data, event == CAPTURE_ROW ? def->ntimes + 1 : 0, types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed with %s: %s", SPI_result_code_string(SPI_result), buf.data);
	SPI_keepplan(plan);
	return plan;
}

/* For the context of an error; looked up before, as catalogs cannot be read while one is reported. */
typedef struct CaptureContext
{
	const char *rollup;
	const char *owner;
} CaptureContext;

/* Whoever writes to the source sees here whose rights are missing. */
static void
name_rollup(void *arg)
{
	const CaptureContext *named = arg;

	errcontext("log of changes for rollup %s, as its owner \"%s\"", named->rollup, named->owner);
}

static void
execute(CaptureTarget *target, CaptureEvent event, Datum *values, const char *nulls)
{
	Oid			owner = relation_owner(target->def->rollup);
	CaptureContext named = {target->def->rollup_name, GetUserNameFromId(owner, true)};
	ErrorContextCallback callback = {error_context_stack, name_rollup, &named};
	OwnerContext context;
	int			code;

	error_context_stack = &callback;
	owner_enter(&context, owner);
	if (target->plans[event] == NULL)
		target->plans[event] = prepare(target->def, event);
	code = SPI_execute_plan(target->plans[event], values, nulls, false, 0);
	if (code != SPI_OK_INSERT)
		elog(ERROR, "SPI failed with %s", SPI_result_code_string(code));
	owner_leave(&context);
	error_context_stack = callback.previous;
}

/* Log the cells of one row. */
static void
capture_row(CaptureTarget *target, HeapTuple row, TupleDesc desc)
{
	const RollupDef *def = target->def;
	Datum	   *values = palloc_array(Datum, def->ntimes + 1);
	char	   *nulls = palloc_array(char, def->ntimes + 1);

	for (int i = 0; i <= def->ntimes; i++)
	{
		const char *name = i == 0 ? def->code.name : def->times[i - 1].name;
		bool		isnull;

		values[i] = SPI_getbinval(row, desc, SPI_fnumber(desc, name), &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	execute(target, CAPTURE_ROW, values, nulls);
}

static void
capture_rows(CaptureTarget *target, const TriggerData *data)
{
	TupleDesc	desc = RelationGetDescr(data->tg_relation);

	capture_row(target, data->tg_trigtuple, desc);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		capture_row(target, data->tg_newtuple, desc);
}

static void
capture(CaptureTarget *target, const TriggerData *data)
{
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		rollup_touch_everything(target->def);
	else if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		capture_rows(target, data);
	else if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		execute(target, CAPTURE_INSERT, NULL, NULL);
	else if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		execute(target, CAPTURE_UPDATE, NULL, NULL);
	else
		execute(target, CAPTURE_DELETE, NULL, NULL);
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
	CaptureSet *set;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by an AFTER trigger", "grid_rollup_capture"),
				 errhint("The triggers are made by grid_rollup_create.")));

	SPI_connect();
	set = find_set(RelationGetRelid(data->tg_relation));
	if (set->ntargets == 0)
		warn_without_catalog(data);
	SPI_register_trigger_data(data);
	set->uses++;
	PG_TRY();
	{
		for (int i = 0; i < set->ntargets; i++)
			capture(&set->targets[i], data);
	}
	PG_FINALLY();
	{
		set->uses--;
	}
	PG_END_TRY();
	free_unused(set);
	SPI_finish();
	return PointerGetDatum(NULL);
}
