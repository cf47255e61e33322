/*
 * rollup_ddl.c
 *	  The event triggers of rollups: DDL that changes which tables are below a
 *	  source, or changes its rows where no trigger fires.
 */
#include "rollup_def.h"
#include "rollup_log.h"

#include "catalog/pg_class.h"
#include "commands/event_trigger.h"
#include "events.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(grid_rollup_ddl);

static void
touch_all(List *rollups)
{
	ListCell   *lc;

	foreach(lc, rollups)
		rollup_log_everything(rollup_load(lfirst_oid(lc), false)->log);
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

/* What is kept in a rollup's own tables is found by place and name, and must be there after a crash. */
static void
check_part(Oid table, char part, AlterTableType subtype)
{
	bool		harmless = part != 'l' && subtype != AT_SetUnLogged;

	switch (subtype)
	{
		case AT_ChangeOwner:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_ReplicaIdentity:
		case AT_SetTableSpace:
		case AT_SetStatistics:
		case AT_SetLogged:
			harmless = true;
			break;
		default:
			break;
	}
	if (!harmless)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is part of a rollup and cannot be altered so", get_rel_name(table))));
}

/* Columns of a rollup that its queries call by name. */
static void
column_renamed(const RenameStmt *statement)
{
	static const char *const fixed[] = {"code", "level", "bucket"};
	Oid			table = statement->renameType == OBJECT_COLUMN ? event_table(statement->relation) : InvalidOid;
	char		part = OidIsValid(table) ? rollup_part(table) : 0;
	bool		named = part == 'l';

	for (int i = 0; part == 'r' && i < (int) lengthof(fixed); i++)
		named = named || strcmp(statement->subname, fixed[i]) == 0;
	if (named)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of rollup \"%s\" cannot be renamed", statement->subname,
						get_rel_name(table)),
				 errhint("Give it another name in a view.")));
}

/* An index on a log would run the code of its owner as whoever writes to the source. */
static void
index_created(const IndexStmt *statement)
{
	Oid			table = event_table(statement->relation);

	if (OidIsValid(table) && rollup_part(table) == 'l')
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("log \"%s\" of a rollup cannot have an index", get_rel_name(table))));
}

static void
trigger_created(const CreateTrigStmt *statement)
{
	Oid			table = event_table(statement->relation);

	if (OidIsValid(table) && rollups_of_source(table) != NIL)
		rollup_check_trigger(table, statement->trigname);
}

static void
table_altered(Oid table, const AlterTableCmd *command)
{
	EventTree	tree = event_tree(table, command);

	if (OidIsValid(tree.attached))
		table_attached(tree.attached, false);
	else if (tree.is_detach)
		table_detached(tree.parent, tree.detached);
	else if (command->subtype == AT_SetUnLogged)
		table_attached(table, true);
	else if (rollups_of_source(table) == NIL)
		return;
	/* ENABLE TRIGGER ALL forgets when ours are to fire. */
	else if (event_enables_triggers(command->subtype))
		rollup_enable_triggers(table);
	else if (alter_sets_expression(command->subtype))
		touch_all(rollups_of_source(table));
}

static void
command_ends(const AlterTableStmt *statement)
{
	Oid			table = event_table(statement->relation);
	ListCell   *lc;
	char		part;

	if (!OidIsValid(table))
		return;
	part = rollup_part(table);
	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (part)
			check_part(table, part, command->subtype);
		table_altered(table, command);
	}
}

/*
 * What the end of a command is too late for.  Who may not do it will be told,
 * and what was noted here then goes away.
 *
 * DETACH PARTITION CONCURRENTLY commits twice, and the rows are gone with the
 * first.  Changes while triggers were disabled are unknown; afterwards nobody
 * can tell that they were.
 */
static void
command_starts(const AlterTableStmt *statement)
{
	Oid			table = event_table(statement->relation);
	ListCell   *lc;

	if (!OidIsValid(table) || !object_ownercheck(RelationRelationId, table, GetUserId()) ||
		rollups_of_source(table) == NIL)
		return;
	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if ((command->subtype == AT_DetachPartition && ((PartitionCmd *) command->def)->concurrent) ||
			(event_enables_triggers(command->subtype) && rollup_triggers_disabled(table)))
			touch_all(rollups_of_source(table));
	}
}

/* A rewritten table looks empty to snapshots from before: what they compute is to be computed again. */
static void
table_rewritten(void)
{
	bool		isnull;
	Datum		table;

	if (SPI_execute("SELECT pg_catalog.pg_event_trigger_table_rewrite_oid()", true, 1) != SPI_OK_SELECT)
		elog(ERROR, "reading the rewritten table failed");
	table = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	touch_all(rollups_of_source(DatumGetObjectId(table)));
}

/* grid_rollup_ddl: at the start or end of a statement that concerns tables, and before one rewrites them. */
Datum
grid_rollup_ddl(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;
	ListCell   *lc;
	bool		pushed;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by an event trigger", "grid_rollup_ddl")));
	pushed = event_begin();
	if (strcmp(data->event, "table_rewrite") == 0)
		table_rewritten();
	else if (strcmp(data->event, "ddl_command_end") != 0)
	{
		if (IsA(data->parsetree, AlterTableStmt))
			command_starts((AlterTableStmt *) data->parsetree);
	}
	else if (IsA(data->parsetree, AlterTableStmt))
		command_ends((AlterTableStmt *) data->parsetree);
	else if (IsA(data->parsetree, RenameStmt))
		column_renamed((RenameStmt *) data->parsetree);
	else if (IsA(data->parsetree, IndexStmt))
		index_created((IndexStmt *) data->parsetree);
	else if (IsA(data->parsetree, CreateTrigStmt))
		trigger_created((CreateTrigStmt *) data->parsetree);
	else
		foreach(lc, event_created_children())
			table_attached(lfirst_oid(lc), true);
	event_end(pushed);
	PG_RETURN_NULL();
}
