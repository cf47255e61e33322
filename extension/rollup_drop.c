/*
 * rollup_drop.c
 *	  grid_rollup_drop, and what follows when a part of a rollup is dropped.
 *
 * A rollup without its source, log, rest or NAME_rows cannot be kept, so the
 * rest of it goes too: DROP … CASCADE is the only way there, and says so.  The
 * views NAME_live and NAME_bi may go alone.
 *
 * With a partition or child of a source its rows go.  Whose it was cannot be
 * seen any more, so every rollup on a source with children is computed anew.
 *
 * Locks: ACCESS EXCLUSIVE on the source (for its triggers) and on what is
 * dropped.  grid_rollup_drop takes the source's first, as writers and refreshes
 * do, so it never ends in a deadlock; a plain DROP TABLE may.
 */
#include "rollup_def.h"

#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "rollup.h"
#include "rollup_owner.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

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

Datum
grid_rollup_drop(PG_FUNCTION_ARGS)
{
	Oid			rollup = PG_GETARG_OID(0);
	RollupDef  *def;

	SPI_connect();
	rollup_check_owner(rollup);
	def = rollup_load(rollup, false);
	LockRelationOid(def->source, AccessExclusiveLock);
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

	for (int i = 0; i < lengthof(columns); i++)
		rollup_execute(psprintf("UPDATE %s.grid_rollup_catalog SET %s = NULL WHERE %s IN (SELECT d.objid"
								" FROM pg_event_trigger_dropped_objects() d"
								" WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0)",
								gridtree_schema_quoted(), columns[i], columns[i]));
}

/* Sources that may have lost a child: those with children, if a table with our triggers is gone. */
static List *
find_bereaved(void)
{
	List	   *rollups = NIL;
	uint64		count;

	count = rollup_execute(psprintf("WITH d AS MATERIALIZED (SELECT * FROM pg_event_trigger_dropped_objects())"
									" SELECT c.rollup FROM %s.grid_rollup_catalog c"
									" JOIN pg_class s ON s.oid = c.source AND s.relhassubclass"
									" WHERE EXISTS (SELECT FROM d r JOIN d t ON t.address_names[1:2] = r.address_names"
									" WHERE r.object_type = 'table' AND t.object_type = 'trigger'"
									" AND t.address_names[3] = 'grid_rollup_insert'"
									" AND r.objid NOT IN (SELECT source FROM %s.grid_rollup_catalog))",
									gridtree_schema_quoted(), gridtree_schema_quoted()));
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;

		rollups = lappend_oid(rollups, DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
																	  SPI_tuptable->tupdesc, 1, &isnull)));
	}
	return rollups;
}

/* grid_rollup_dropped: the event trigger after every DROP. */
Datum
grid_rollup_dropped(PG_FUNCTION_ARGS)
{
	OwnerContext context;
	Oid			(*broken)[7];
	uint64		count;
	List	   *bereaved;
	ListCell   *lc;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by an event trigger", "grid_rollup_dropped")));

	SPI_connect();
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
	if (count == 0)
		forget_views();
	bereaved = find_bereaved();
	owner_leave(&context);

	for (uint64 i = 0; i < count; i++)
	{
		Oid			source = broken[i][1];

		rollup_forget(broken[i][0]);
		release_source(source);
		broken[i][1] = InvalidOid;
		drop_relations(broken[i], 7, DROP_CASCADE);
	}
	foreach(lc, bereaved)
	{
		RollupDef  *def = rollup_load(lfirst_oid(lc), true);

		if (def != NULL)
			rollup_touch_everything(def);
	}
	SPI_finish();
	PG_RETURN_NULL();
}
