/*
 * rollup_drop.c
 *	  grid_rollup_drop, and what follows when a part of a rollup is dropped.
 *
 * A rollup without its source, log, rest or NAME_rows cannot be kept, so the
 * rest of it goes too: DROP … CASCADE is the only way there, and says so.  The
 * views NAME_live and NAME_bi may go alone.
 *
 * With a partition or child of a source its rows go, so the source's rollups
 * are computed anew.  Whose child it was stands in rows of pg_inherits that
 * this transaction has deleted.
 *
 * Locks: ACCESS EXCLUSIVE on the source (for its triggers) and on what is
 * dropped.  grid_rollup_drop takes the source's first, as writers and refreshes
 * do, so it never ends in a deadlock; a plain DROP TABLE may.
 */
#include "rollup_def.h"
#include "rollup_log.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "events.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "rollup.h"
#include "rollup_owner.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(grid_rollup_drop);
PG_FUNCTION_INFO_V1(grid_rollup_dropped);

void
rollup_check_owner(Oid rollup)
{
	if (get_rel_name(rollup) != NULL && !object_ownercheck(RelationRelationId, rollup, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(rollup));
}

static void
add_relation(ObjectAddresses *objects, Oid relation)
{
	ObjectAddress address;

	if (!OidIsValid(relation) || get_rel_name(relation) == NULL)
		return;
	ObjectAddressSet(address, RelationRelationId, relation);
	add_exact_object_address(&address, objects);
}

/* Drop the parts of a rollup that still exist, in one go. */
static void
drop_relations(Oid *relations, int count, DropBehavior behavior)
{
	ObjectAddresses *objects = new_object_addresses();

	for (int i = 0; i < count; i++)
		add_relation(objects, relations[i]);
	performMultipleDeletions(objects, behavior, 0);
	free_object_addresses(objects);
	CommandCounterIncrement();
}

/* Take the triggers off a source that has no rollup any more. */
static void
release_source(Oid source)
{
	if (get_rel_name(source) != NULL && rollups_of_source(source) == NIL)
		rollup_unequip(source);
}

/*
 * Wait for all who write the source, through whichever table, before anything
 * that they write to is locked; and have other sessions look again what they
 * capture for.
 */
static void
lock_source(Oid source)
{
	ListCell   *lc;

	LockRelationOid(source, AccessExclusiveLock);
	foreach(lc, find_all_inheritors(source, AccessExclusiveLock, NULL))
		CacheInvalidateRelcacheByRelid(lfirst_oid(lc));
}

Datum
grid_rollup_drop(PG_FUNCTION_ARGS)
{
	Oid			rollup = PG_GETARG_OID(0);
	RollupDef  *def;

	SPI_connect();
	rollup_check_owner(rollup);
	def = rollup_load(rollup, false);
	lock_source(def->source);
	LockRelationOid(rollup, AccessExclusiveLock);
	def = rollup_load(rollup, false);	/* somebody else may have been first */
	rollup_forget(rollup);
	drop_relations((Oid[])
				   {
					   def->live, def->bi, def->rows, def->rollup, def->rest, def->log
				   }, 6, DROP_RESTRICT);
	release_source(def->source);
	SPI_finish();
	PG_RETURN_VOID();
}

/* Rollups that have lost a part without which they cannot be kept, as SPI rows. */
static uint64
find_broken(void)
{
	return rollup_execute(psprintf("SELECT c.rollup, c.source, c.live, c.bi, c.rows, c.rest, c.log"
								   " FROM %s.grid_rollup_catalog c WHERE EXISTS (SELECT"
								   " FROM pg_event_trigger_dropped_objects() d"
								   " WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0"
								   " AND d.objid IN (c.rollup, c.source, c.rows, c.rest, c.log))",
								   gridtree_schema_quoted()));
}

/* A view for readers may go alone. */
static void
forget_views(void)
{
	static const char *const columns[] = {"live", "bi"};

	for (int i = 0; i < (int) lengthof(columns); i++)
		rollup_execute(psprintf("UPDATE %s.grid_rollup_catalog SET %s = NULL WHERE %s IN (SELECT d.objid"
								" FROM pg_event_trigger_dropped_objects() d"
								" WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0)",
								gridtree_schema_quoted(), columns[i], columns[i]));
}

/* Add the rollups of the tables that a dropped table was a child of. */
static List *
add_bereaved(List *rollups, Oid child)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(child));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, SnapshotAny, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rollups = list_concat_unique_oid(rollups,
										 rollups_of_source(((Form_pg_inherits) GETSTRUCT(tuple))->inhparent));
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return rollups;
}

/* The rollups that a dropped table was part of the source of. */
static List *
find_bereaved(void)
{
	List	   *rollups = NIL;
	uint64		count = rollup_execute("SELECT d.objid FROM pg_catalog.pg_event_trigger_dropped_objects() d"
									   " WHERE d.object_type OPERATOR(pg_catalog.=) 'table'");
	SPITupleTable *dropped = SPI_tuptable;

	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		table = SPI_getbinval(dropped->vals[i], dropped->tupdesc, 1, &isnull);

		rollups = add_bereaved(rollups, DatumGetObjectId(table));
	}
	return rollups;
}

/* Drop what is left of the rollups that are broken; says whether there were any. */
static bool
drop_broken(void)
{
	OwnerContext context;
	Oid			(*broken)[7];
	uint64		count;

	owner_enter_catalog(&context);
	count = find_broken();
	broken = palloc(sizeof(*broken) * (count + 1));
	for (uint64 i = 0; i < count; i++)
		for (int column = 0; column < 7; column++)
		{
			bool		isnull;
			Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
											  column + 1, &isnull);

			broken[i][column] = isnull ? InvalidOid : DatumGetObjectId(value);
		}
	owner_leave(&context);

	for (uint64 i = 0; i < count; i++)
	{
		Oid			source = broken[i][1];

		if (get_rel_name(broken[i][0]))
			ereport(NOTICE,
					(errmsg("drop cascades to rollup \"%s\" and its figures", get_rel_name(broken[i][0]))));
		rollup_forget(broken[i][0]);
		release_source(source);
		broken[i][1] = InvalidOid;
		drop_relations(broken[i], 7, DROP_CASCADE);
	}
	return count > 0;
}

/* Put back what was dropped of our triggers; only grid_rollup_drop ends them. */
static void
restore_triggers(Oid table)
{
	ListCell   *lc;

	if (rollups_of_source(table) == NIL || !rollup_lacks_trigger(table))
		return;
	foreach(lc, rollups_of_source(table))
	{
		RollupDef  *def = rollup_load(lfirst_oid(lc), false);

		rollup_equip(def->source, true);
		rollup_log_everything(def->log);
	}
	ereport(NOTICE,
			(errmsg("triggers of rollups are put back on table \"%s\"", get_rel_name(table)),
			 errhint("grid_rollup_drop drops them with the last rollup of the table.")));
}

/*
 * grid_rollup_dropped: the event trigger after every DROP.  A rollup that goes
 * may itself be the source of another.
 */
Datum
grid_rollup_dropped(PG_FUNCTION_ARGS)
{
	OwnerContext context;
	ListCell   *lc;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by an event trigger", "grid_rollup_dropped")));

	SPI_connect();
	while (drop_broken())
		;
	owner_enter_catalog(&context);
	forget_views();
	owner_leave(&context);
	foreach(lc, find_bereaved())
		rollup_log_everything(rollup_load(lfirst_oid(lc), false)->log);
	foreach(lc, event_dropped_triggers(NULL))
		restore_triggers(lfirst_oid(lc));
	SPI_finish();
	PG_RETURN_NULL();
}
