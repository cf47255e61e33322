/*
 * rollup_trigger.c
 *	  Which triggers the source of a rollup carries.
 *
 * Why these: the apply worker of logical replication fires no statement
 * triggers, so a row trigger works where session_replication_role is replica,
 * and only there; a statement on a partition or an inheritance child fires
 * that table's triggers only, and new partitions inherit row triggers but no
 * statement triggers, so every one of them carries the statement triggers.
 *
 * A source stands at the top of its tree, and each table below it has one
 * parent: then a row that changes through any table is seen by the triggers of
 * exactly one statement, and those belong to the source.
 */
#include "rollup_def.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "rollup_owner.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

typedef struct CaptureTrigger
{
	const char *name;
	const char *definition;		/* %s: the table */
	const char *enable;			/* or NULL */
	bool		inherited;		/* partitions get it from their parent */
} CaptureTrigger;

static const CaptureTrigger triggers[] = {
	{"grid_rollup_insert",
	"AFTER INSERT ON %s REFERENCING NEW TABLE AS grid_new FOR EACH STATEMENT", NULL, false},
	{"grid_rollup_update",
		"AFTER UPDATE ON %s REFERENCING OLD TABLE AS grid_old NEW TABLE AS grid_new FOR EACH STATEMENT",
	NULL, false},
	{"grid_rollup_delete",
	"AFTER DELETE ON %s REFERENCING OLD TABLE AS grid_old FOR EACH STATEMENT", NULL, false},
	{"grid_rollup_truncate", "AFTER TRUNCATE ON %s FOR EACH STATEMENT", "ENABLE ALWAYS", false},
	{"grid_rollup_replica", "AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW", "ENABLE REPLICA", true},
};

static int
count_parents(Oid relation)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(relation)};

	return (int) rollup_execute_args("SELECT FROM pg_catalog.pg_inherits"
									 " WHERE inhrelid OPERATOR(pg_catalog.=) $1",
									 1, types, values, NULL);
}

/* An error unless the triggers on this table see all that happens to it. */
static void
check_table(Oid relation, Oid source)
{
	char		kind = get_rel_relkind(relation);
	char		persistence = get_rel_persistence(relation);
	int			parents = count_parents(relation);

	if (kind == RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("source \"%s\" of a rollup cannot have the foreign table \"%s\" below it",
						get_rel_name(source), get_rel_name(relation)),
				 errdetail("Changes of a foreign table cannot be seen.")));
	if (persistence != RELPERSISTENCE_PERMANENT)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s table \"%s\" cannot be or be below the source of a rollup",
						persistence == RELPERSISTENCE_TEMP ? "temporary" : "unlogged",
						get_rel_name(relation)),
				 errdetail("%s", persistence == RELPERSISTENCE_TEMP ?
						   "Other sessions cannot see its rows." :
						   "After a crash it would be empty, and the figures would not.")));
	if (relation == source && parents > 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("source \"%s\" of a rollup cannot be a partition or inherit from another table",
						get_rel_name(source)),
				 errdetail("Changes through its parent could not be seen."),
				 errhint("Create the rollup on the table at the top.")));
	if (relation != source && parents > 1)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s\" below the source \"%s\" of a rollup cannot have two parents",
						get_rel_name(relation), get_rel_name(source)),
				 errdetail("Changes through the other parent could not be seen.")));
}

static void
enable_trigger(Oid relation, const CaptureTrigger *trigger)
{
	rollup_execute(psprintf("ALTER TABLE %s %s TRIGGER %s", relation_quoted(relation), trigger->enable,
							trigger->name));
}

static void
create_trigger(Oid relation, const CaptureTrigger *trigger)
{
	rollup_execute(psprintf("CREATE TRIGGER %s %s EXECUTE FUNCTION %s.grid_rollup_capture()",
							trigger->name, psprintf(trigger->definition, relation_quoted(relation)),
							gridtree_schema_quoted()));
	if (trigger->enable)
		enable_trigger(relation, trigger);
	CommandCounterIncrement();
}

static bool
lacks_trigger(Oid relation, const CaptureTrigger *trigger)
{
	if (trigger->inherited && get_rel_relispartition(relation))
		return false;
	return !OidIsValid(get_trigger_oid(relation, trigger->name, true));
}

static void
equip_table(Oid relation, Oid source)
{
	OwnerContext context;

	check_table(relation, source);
	CacheInvalidateRelcacheByRelid(relation);	/* sessions keep what they capture for it */
	owner_enter(&context, relation_owner(relation));
	for (int i = 0; i < (int) lengthof(triggers); i++)
		if (lacks_trigger(relation, &triggers[i]))
		{
			LockRelationOid(relation, ShareRowExclusiveLock);
			create_trigger(relation, &triggers[i]);
		}
	owner_leave(&context);
}

/*
 * A new rollup waits for the writers of every table: one that is in flight may
 * have passed its trigger already.  A table that comes into the tree is locked
 * by the statement that puts it there.
 */
void
rollup_equip(Oid source, bool wait_for_writers)
{
	List	   *tables = find_all_inheritors(source, wait_for_writers ?
											ShareRowExclusiveLock : AccessShareLock, NULL);
	ListCell   *lc;

	foreach(lc, tables)
		equip_table(lfirst_oid(lc), source);
}

/* Names of the triggers of a table that are ours, whatever they are called; no clones. */
static List *
our_triggers(Oid table)
{
	Relation	rel = table_open(table, AccessShareLock);
	Oid			function = gridtree_trigger_function("grid_rollup_capture");
	List	   *names = NIL;

	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (trigger->tgfoid == function && !trigger->tgisclone)
			names = lappend(names, pstrdup(trigger->tgname));
	}
	table_close(rel, AccessShareLock);
	return names;
}

void
rollup_unequip(Oid source)
{
	List	   *tables = find_all_inheritors(source, AccessExclusiveLock, NULL);
	ListCell   *lc;
	ListCell   *lc2;

	LockRelationOid(source, AccessExclusiveLock);
	foreach(lc, tables)
	{
		Oid			table = lfirst_oid(lc);
		OwnerContext context;

		owner_enter(&context, relation_owner(table));
		foreach(lc2, our_triggers(table))
			rollup_execute(psprintf("DROP TRIGGER %s ON %s", quote_identifier(lfirst(lc2)),
									relation_quoted(table)));
		CommandCounterIncrement();
		owner_leave(&context);
	}
}

bool
rollup_has_trigger_name(const char *name)
{
	for (int i = 0; i < (int) lengthof(triggers); i++)
		if (strcmp(triggers[i].name, name) == 0)
			return true;
	return false;
}

/* The state of a trigger as pg_trigger.tgenabled has it; 0 where it is not there. */
static char
trigger_state(Oid table, const CaptureTrigger *trigger)
{
	Relation	rel = table_open(table, AccessShareLock);
	char		state = 0;

	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
		if (strcmp(rel->trigdesc->triggers[i].tgname, trigger->name) == 0)
			state = rel->trigdesc->triggers[i].tgenabled;
	table_close(rel, AccessShareLock);
	return state;
}

bool
rollup_triggers_disabled(Oid top)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(top, AccessShareLock, NULL))
		for (int i = 0; i < (int) lengthof(triggers); i++)
			if (trigger_state(lfirst_oid(lc), &triggers[i]) == TRIGGER_DISABLED)
				return true;
	return false;
}

void
rollup_enable_triggers(Oid top)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(top, AccessShareLock, NULL))
		for (int i = 0; i < (int) lengthof(triggers); i++)
			if (triggers[i].enable && trigger_state(lfirst_oid(lc), &triggers[i]) == TRIGGER_FIRES_ON_ORIGIN)
				enable_trigger(lfirst_oid(lc), &triggers[i]);
}
