/*
 * layer_tree.c
 *	  The tables whose rows are a layer's, and the triggers they carry.
 *
 * A layer's rows are those of its relation and of every partition and
 * inheritance child below it.  A trigger fires on the table that has the row,
 * or is named in TRUNCATE, so every one of them carries the triggers, and only
 * they: layer_equip brings a table and what is below it in line with the
 * catalog, whatever has changed.
 *
 * PostgreSQL itself clones the row triggers of a partitioned table to its
 * partitions, so that none is ever without; a clone goes with its original.
 */
#include "layer.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

typedef struct LayerTrigger
{
	const char *name;
	int16		timing;
	int16		events;
	bool		row;
} LayerTrigger;

#define ROW_EVENTS	(TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)

/*
 * The first runs before the row is there, because a trigger of the user's that
 * runs after it may already locate in the layer.  The second must run after: a
 * later trigger may have changed the row once more.
 */
static const LayerTrigger triggers[] = {
	{"gridtree_layer_version", TRIGGER_TYPE_BEFORE, ROW_EVENTS, true},
	{"gridtree_layer_edit", TRIGGER_TYPE_AFTER, ROW_EVENTS, true},
	{"gridtree_layer_truncate", TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_TRUNCATE, false},
};

/* A trigger as a table has it. */
typedef struct FoundTrigger
{
	Oid			oid;			/* invalid where there is none */
	bool		ours;			/* as we make it, and not another's of the same name */
	bool		cloned;
	bool		always;			/* enabled, whatever session_replication_role */
	bool		disabled;
} FoundTrigger;

/* Append the direct parents of a table to a list. */
static List *
add_parents(List *tables, Oid table, Relation inherits)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		tables = list_append_unique_oid(tables, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	return tables;
}

/* A table and all that it is a partition or child of, at any distance. */
List *
layer_tables_above(Oid table)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	List	   *tables = list_make1_oid(table);

	for (int i = 0; i < list_length(tables); i++)
		tables = add_parents(tables, list_nth_oid(tables, i), inherits);
	table_close(inherits, AccessShareLock);
	return tables;
}

/* Is a table one of the relations, or below one? */
bool
layer_is_below(Oid table, List *relations)
{
	ListCell   *lc;

	if (relations == NIL)
		return false;
	foreach(lc, layer_tables_above(table))
		if (list_member_oid(relations, lfirst_oid(lc)))
			return true;
	return false;
}

static Oid
trigger_function(void)
{
	return gridtree_trigger_function("grid_layer_edited");
}

/* Is it as create_trigger makes it? */
static bool
is_ours(HeapTuple tuple, TupleDesc desc, const LayerTrigger *trigger)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	int16		type = trigger->timing | trigger->events | (trigger->row ? TRIGGER_TYPE_ROW : 0);

	return form->tgfoid == trigger_function() && form->tgtype == type && !form->tgdeferrable &&
		form->tgattr.dim1 == 0 && heap_attisnull(tuple, Anum_pg_trigger_tgqual, desc);
}

static FoundTrigger
find_trigger(Oid table, const LayerTrigger *trigger)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	FoundTrigger found = {0};
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	ScanKeyInit(&keys[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(trigger->name));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		found.oid = form->oid;
		found.ours = is_ours(tuple, RelationGetDescr(catalog), trigger);
		found.cloned = OidIsValid(form->tgparentid);
		found.always = (form->tgenabled == TRIGGER_FIRES_ALWAYS);
		found.disabled = (form->tgenabled == TRIGGER_DISABLED);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/* Shall a table have a trigger of its own? */
static bool
needs_own(Oid table, const LayerTrigger *trigger, List *relations)
{
	if (!layer_is_below(table, relations))
		return false;
	return !trigger->row || !get_rel_relispartition(table) ||
		!layer_is_below(get_partition_parent(table, true), relations);
}

/* An error where a trigger of the user's has the name of one of ours. */
static void
refuse_foreign_triggers(Oid table)
{
	for (int i = 0; i < (int) lengthof(triggers); i++)
	{
		FoundTrigger found = find_trigger(table, &triggers[i]);

		if (OidIsValid(found.oid) && !found.ours)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("table \"%s\" has another trigger named \"%s\"",
							get_rel_name(table), triggers[i].name),
					 errdetail("The trigger that notes edits of layers has that name."),
					 errhint("ALTER TRIGGER %s ON %s RENAME TO ...;", triggers[i].name,
							 relation_quoted(table))));
	}
}

/* An error unless the triggers on a table see all that happens to it. */
void
layer_check_table(Oid table)
{
	if (get_rel_relkind(table) == RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("foreign table \"%s\" cannot be below the table of a layer",
						get_rel_name(table)),
				 errdetail("Changes of a foreign table cannot be seen.")));
	if (get_rel_persistence(table) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("temporary table \"%s\" cannot be below the table of a layer",
						get_rel_name(table)),
				 errdetail("Other sessions cannot see its rows.")));
	refuse_foreign_triggers(table);
}

static void
create_trigger(Oid table, const LayerTrigger *trigger)
{
	CreateTrigStmt *statement = makeNode(CreateTrigStmt);

	statement->trigname = pstrdup(trigger->name);
	statement->row = trigger->row;
	statement->timing = trigger->timing;
	statement->events = trigger->events;
	(void) CreateTriggerFiringOn(statement, NULL, table, InvalidOid, InvalidOid, InvalidOid,
								 trigger_function(), InvalidOid, NULL, false, false,
								 TRIGGER_FIRES_ALWAYS);
	CommandCounterIncrement();
}

static void
drop_trigger(Oid trigger)
{
	ObjectAddress address;

	ObjectAddressSet(address, TriggerRelationId, trigger);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/* Clones go with their originals. */
static void
drop_needless(Oid table, List *relations)
{
	for (int i = 0; i < (int) lengthof(triggers); i++)
	{
		FoundTrigger found = find_trigger(table, &triggers[i]);

		if (found.ours && !found.cloned && !needs_own(table, &triggers[i], relations))
			drop_trigger(found.oid);
	}
}

static void
enable_always(Oid table, const LayerTrigger *trigger)
{
	char	   *command = psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", relation_quoted(table),
								   trigger->name);

	SPI_connect();
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "enabling a trigger failed: %s", command);
	SPI_finish();
}

/* Triggers that are there may be disabled: pg_dump -t leaves those of a dumped table. */
static void
create_missing(Oid table, List *relations)
{
	if (!layer_is_below(table, relations))
		return;
	layer_check_table(table);
	for (int i = 0; i < (int) lengthof(triggers); i++)
	{
		FoundTrigger found = find_trigger(table, &triggers[i]);

		if (OidIsValid(found.oid) && !found.always)
			enable_always(table, &triggers[i]);
		else if (!OidIsValid(found.oid) && needs_own(table, &triggers[i], relations))
			create_trigger(table, &triggers[i]);
	}
}

/*
 * Give a table and all below it the triggers they shall have, and no others.
 * The lock waits for writers: one in flight may have passed its triggers, or
 * have been told of other layers.  Parents come before what is below them, and
 * a partition's own triggers must be gone before its parent's are cloned.
 */
void
layer_equip(Oid top, LOCKMODE lock)
{
	List	   *relations = layer_relations();
	List	   *tables;
	ListCell   *lc;

	LockRelationOid(top, lock);
	tables = find_all_inheritors(top, lock, NULL);
	foreach(lc, tables)
		drop_needless(lfirst_oid(lc), relations);
	foreach(lc, tables)
		create_missing(lfirst_oid(lc), relations);
}

/* Keep writers from the tables that are to be a layer's, if they can be. */
void
layer_lock_tables(Oid top)
{
	ListCell   *lc;

	LockRelationOid(top, ShareRowExclusiveLock);
	foreach(lc, find_all_inheritors(top, ShareRowExclusiveLock, NULL))
		layer_check_table(lfirst_oid(lc));
}

/* Of a table that is about to become a partition, and its partitions. */
void
layer_drop_row_triggers(Oid top)
{
	ListCell   *lc;

	LockRelationOid(top, AccessExclusiveLock);
	foreach(lc, find_all_inheritors(top, AccessExclusiveLock, NULL))
		for (int i = 0; i < (int) lengthof(triggers); i++)
		{
			FoundTrigger found = find_trigger(lfirst_oid(lc), &triggers[i]);

			if (triggers[i].row && found.ours && !found.cloned)
				drop_trigger(found.oid);
		}
}

/*
 * ENABLE TRIGGER ALL leaves triggers that do not fire for replicated rows.  One
 * that is not there is not made: pg_restore may be about to.
 */
void
layer_enable_triggers(Oid table)
{
	for (int i = 0; i < (int) lengthof(triggers); i++)
	{
		FoundTrigger found = find_trigger(table, &triggers[i]);

		if (found.ours && !found.always && !found.disabled)
			enable_always(table, &triggers[i]);
	}
}

bool
layer_has_trigger_name(const char *name)
{
	for (int i = 0; i < (int) lengthof(triggers); i++)
		if (strcmp(triggers[i].name, name) == 0)
			return true;
	return false;
}
