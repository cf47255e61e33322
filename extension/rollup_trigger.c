/*
 * rollup_trigger.c
 *	  Which triggers the source of a rollup carries, and how DDL keeps them.
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

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/namespace.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "rollup_owner.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(grid_rollup_ddl);

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
create_trigger(Oid relation, const CaptureTrigger *trigger)
{
	char	   *table = relation_quoted(relation);

	if (OidIsValid(get_trigger_oid(relation, trigger->name, true)))
		return;
	rollup_execute(psprintf("CREATE TRIGGER %s %s EXECUTE FUNCTION %s.grid_rollup_capture()",
							trigger->name, psprintf(trigger->definition, table),
							gridtree_schema_quoted()));
	if (trigger->enable)
		rollup_execute(psprintf("ALTER TABLE %s %s TRIGGER %s", table, trigger->enable, trigger->name));
	CommandCounterIncrement();
}

static void
equip_table(Oid relation, Oid source)
{
	OwnerContext context;

	check_table(relation, source);
	CacheInvalidateRelcacheByRelid(relation);	/* sessions keep what they capture for it */
	if (OidIsValid(get_trigger_oid(relation, triggers[0].name, true)))
		return;
	LockRelationOid(relation, ShareRowExclusiveLock);
	owner_enter(&context, relation_owner(relation));
	for (int i = 0; i < (int) lengthof(triggers); i++)
		if (!triggers[i].inherited || !get_rel_relispartition(relation))
			create_trigger(relation, &triggers[i]);
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

void
rollup_unequip(Oid source)
{
	List	   *tables = find_all_inheritors(source, AccessExclusiveLock, NULL);
	ListCell   *lc;

	LockRelationOid(source, AccessExclusiveLock);
	foreach(lc, tables)
	{
		Oid			table = lfirst_oid(lc);
		OwnerContext context;

		owner_enter(&context, relation_owner(table));
		for (int i = 0; i < (int) lengthof(triggers); i++)
		{
			/* Dropping a parent's row trigger has dropped those of its partitions. */
			if (OidIsValid(get_trigger_oid(table, triggers[i].name, true)))
				rollup_execute(psprintf("DROP TRIGGER %s ON %s", triggers[i].name, relation_quoted(table)));
			CommandCounterIncrement();
		}
		owner_leave(&context);
	}
}

void
rollup_touch_everything(const RollupDef *def)
{
	OwnerContext context;

	owner_enter(&context, relation_owner(def->rollup));
	rollup_execute(psprintf("INSERT INTO %s DEFAULT VALUES", def->log_name));
	owner_leave(&context);
}

static void
touch_all(List *rollups)
{
	ListCell   *lc;

	foreach(lc, rollups)
		rollup_touch_everything(rollup_load(lfirst_oid(lc), false));
}

/* A table came under, or into the tree of, a source. */
static void
table_attached(Oid relation, bool empty)
{
	List	   *rollups = rollups_of_source(relation);
	ListCell   *lc;

	foreach(lc, rollups)
		rollup_equip(rollup_load(lfirst_oid(lc), false)->source, false);
	if (!empty)
		touch_all(rollups);
}

/* A table has left its parent. */
static void
table_detached(Oid parent, Oid child)
{
	if (OidIsValid(parent))
		touch_all(rollups_of_source(parent));
	if (OidIsValid(child) && rollups_of_source(child) == NIL)
		rollup_unequip(child);
}

static Oid
find_table(const RangeVar *name)
{
	return RangeVarGetRelid(name, NoLock, true);
}

static void
alter_table(const AlterTableStmt *statement)
{
	Oid			table = find_table(statement->relation);
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		switch (command->subtype)
		{
			case AT_AttachPartition:
				table_attached(find_table(((PartitionCmd *) command->def)->name), false);
				break;
			case AT_DetachPartition:
			case AT_DetachPartitionFinalize:
				table_detached(table, find_table(((PartitionCmd *) command->def)->name));
				break;
			case AT_AddInherit:
				table_attached(table, false);
				break;
			case AT_DropInherit:
				table_detached(find_table((RangeVar *) command->def), table);
				break;
			case AT_SetUnLogged:
				table_attached(table, true);
				break;
			default:
				break;
		}
	}
}

/*
 * The tables that the statement has created, by oid: their names may mean
 * something else in this session's search_path.
 */
static void
tables_created(void)
{
	uint64		count = rollup_execute("SELECT c.objid FROM pg_catalog.pg_event_trigger_ddl_commands() c"
									   " JOIN pg_catalog.pg_inherits i ON i.inhrelid OPERATOR(pg_catalog.=) c.objid"
									   " WHERE c.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"
									   " AND c.object_type OPERATOR(pg_catalog.=) ANY ('{table,foreign table}')");
	SPITupleTable *created = SPI_tuptable;

	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		table = SPI_getbinval(created->vals[i], created->tupdesc, 1, &isnull);

		table_attached(DatumGetObjectId(table), true);
	}
}

/*
 * grid_rollup_ddl: after a statement that can change which tables are below a
 * source.  Everything else returns at once.
 */
Datum
grid_rollup_ddl(PG_FUNCTION_ARGS)
{
	Node	   *statement;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by an event trigger", "grid_rollup_ddl")));
	statement = ((EventTriggerData *) fcinfo->context)->parsetree;

	SPI_connect();
	if (IsA(statement, AlterTableStmt))
		alter_table((AlterTableStmt *) statement);
	else
		tables_created();
	SPI_finish();
	PG_RETURN_NULL();
}
