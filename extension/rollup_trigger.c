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
	int16		type;			/* as in pg_trigger */
	char		state;			/* when it fires, as in pg_trigger.tgenabled */
	bool		inherited;		/* partitions get it from their parent */
} CaptureTrigger;

static const CaptureTrigger triggers[] = {
	{"grid_rollup_insert",
		"AFTER INSERT ON %s REFERENCING NEW TABLE AS grid_new FOR EACH STATEMENT",
	TRIGGER_TYPE_INSERT, TRIGGER_FIRES_ON_ORIGIN, false},
	{"grid_rollup_update",
		"AFTER UPDATE ON %s REFERENCING OLD TABLE AS grid_old NEW TABLE AS grid_new FOR EACH STATEMENT",
	TRIGGER_TYPE_UPDATE, TRIGGER_FIRES_ON_ORIGIN, false},
	{"grid_rollup_delete",
		"AFTER DELETE ON %s REFERENCING OLD TABLE AS grid_old FOR EACH STATEMENT",
	TRIGGER_TYPE_DELETE, TRIGGER_FIRES_ON_ORIGIN, false},
	{"grid_rollup_truncate", "AFTER TRUNCATE ON %s FOR EACH STATEMENT",
	TRIGGER_TYPE_TRUNCATE, TRIGGER_FIRES_ALWAYS, false},
	{"grid_rollup_replica", "AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW",
		TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE,
	TRIGGER_FIRES_ON_REPLICA, true},
};

/* A trigger as a table has it, whatever it is called there. */
typedef struct FoundTrigger
{
	char	   *name;			/* NULL where it is not there */
	char		state;
} FoundTrigger;

static bool
is_ours(const Trigger *found, const CaptureTrigger *trigger)
{
	return found->tgfoid == gridtree_trigger_function("grid_rollup_capture") && found->tgtype == trigger->type;
}

static FoundTrigger
find_trigger(Oid table, const CaptureTrigger *trigger)
{
	Relation	rel = table_open(table, AccessShareLock);
	FoundTrigger found = {0};

	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers && !found.name; i++)
		if (is_ours(&rel->trigdesc->triggers[i], trigger))
		{
			found.name = pstrdup(rel->trigdesc->triggers[i].tgname);
			found.state = rel->trigdesc->triggers[i].tgenabled;
		}
	table_close(rel, AccessShareLock);
	return found;
}

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
enable_trigger(Oid relation, const char *name, char state)
{
	const char *how = state == TRIGGER_FIRES_ALWAYS ? "ENABLE ALWAYS" :
		state == TRIGGER_FIRES_ON_REPLICA ? "ENABLE REPLICA" : "ENABLE";

	rollup_execute(psprintf("ALTER TABLE %s %s TRIGGER %s", relation_quoted(relation), how,
							quote_identifier(name)));
}

static void
create_trigger(Oid relation, const CaptureTrigger *trigger)
{
	rollup_execute(psprintf("CREATE TRIGGER %s %s EXECUTE FUNCTION %s.grid_rollup_capture()",
							trigger->name, psprintf(trigger->definition, relation_quoted(relation)),
							gridtree_schema_quoted()));
	if (trigger->state != TRIGGER_FIRES_ON_ORIGIN)
		enable_trigger(relation, trigger->name, trigger->state);
	CommandCounterIncrement();
}

static bool
lacks_trigger(Oid relation, const CaptureTrigger *trigger)
{
	if (trigger->inherited && get_rel_relispartition(relation))
		return false;
	return find_trigger(relation, trigger).name == NULL;
}

bool
rollup_lacks_trigger(Oid relation)
{
	for (int i = 0; i < (int) lengthof(triggers); i++)
		if (lacks_trigger(relation, &triggers[i]))
			return true;
	return false;
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

/*
 * A trigger of that name has been created or replaced on a table of a source.
 * One that is missing is not made: pg_restore may be about to.
 */
void
rollup_check_trigger(Oid table, const char *name)
{
	Relation	rel = table_open(table, AccessShareLock);
	const CaptureTrigger *expected = NULL;
	bool		ours = false;

	for (int i = 0; i < (int) lengthof(triggers); i++)
		if (strcmp(triggers[i].name, name) == 0)
			expected = &triggers[i];
	for (int i = 0; expected && rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
		if (strcmp(rel->trigdesc->triggers[i].tgname, name) == 0 &&
			is_ours(&rel->trigdesc->triggers[i], expected))
			ours = true;
	table_close(rel, AccessShareLock);
	if (expected && !ours)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("trigger \"%s\" on table \"%s\" is that of a rollup", name, get_rel_name(table)),
				 errdetail("Without it changes of the table would not be seen."),
				 errhint("Give yours another name.")));
}

/* Triggers that do not fire where they should; one that was just restored may not know yet that it is for replicas. */
bool
rollup_triggers_disabled(Oid top)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(top, AccessShareLock, NULL))
		for (int i = 0; i < (int) lengthof(triggers); i++)
		{
			char		state = find_trigger(lfirst_oid(lc), &triggers[i]).state;

			if (state == TRIGGER_DISABLED ||
				(state == TRIGGER_FIRES_ON_REPLICA && triggers[i].state != TRIGGER_FIRES_ON_REPLICA))
				return true;
		}
	return false;
}

void
rollup_enable_triggers(Oid top)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(top, AccessShareLock, NULL))
		for (int i = 0; i < (int) lengthof(triggers); i++)
		{
			FoundTrigger found = find_trigger(lfirst_oid(lc), &triggers[i]);

			if (found.name && found.state != TRIGGER_DISABLED && found.state != triggers[i].state)
				enable_trigger(lfirst_oid(lc), found.name, triggers[i].state);
		}
}
