/*
 * layer_ddl.c
 *	  The event triggers of layers: DDL that changes which tables are below a
 *	  layer's, or changes its rows where no row trigger fires.
 *
 * Every function returns at once where there are no layers.
 */
#include "layer.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/event_trigger.h"
#include "events.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "layer_edit.h"
#include "layer_image.h"
#include "layer_target.h"
#include "layer_version.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(grid_layer_ddl);
PG_FUNCTION_INFO_V1(grid_layer_dropped);

/* The layers that have a table's rows. */
static void
touch_above(Oid table)
{
	List	   *above = layer_tables_above(table);
	ListCell   *lc;

	foreach(lc, layer_relations())
		if (list_member_oid(above, lfirst_oid(lc)))
			layer_version_touch(lfirst_oid(lc));
}

/* Those, and the layers of what is below it, to which ALTER TABLE descends. */
static void
touch_tree(Oid table)
{
	ListCell   *lc;

	touch_above(table);
	foreach(lc, layer_relations())
		if (list_member_oid(layer_tables_above(lfirst_oid(lc)), table))
			layer_version_touch(lfirst_oid(lc));
}

/* A table came under, or into the tree of, another. */
static void
table_attached(Oid table, bool empty)
{
	if (!layer_is_below(table, layer_relations()))
		return;
	layer_equip(table, ShareRowExclusiveLock);
	if (!empty)
		touch_above(table);
}

/* A table has left its parent, perhaps still with the triggers. */
static void
table_detached(Oid parent, Oid child)
{
	if (OidIsValid(parent))
		touch_above(parent);
	if (OidIsValid(child))
		layer_equip(child, AccessExclusiveLock);
}

/* Edits while triggers were disabled are unknown. */
static void
triggers_enabled(Oid table)
{
	layer_enable_triggers(table);
	touch_tree(table);
}

/* Are rows of a table others than before, or others to be seen? */
static bool
changes_rows(AlterTableType subtype)
{
	switch (subtype)
	{
		case AT_AlterColumnType:
		case AT_DropColumn:
		case AT_EnableRowSecurity:	/* rows may have been assigned that were not all to be seen */
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
			return true;
		default:
			return alter_sets_expression(subtype);
	}
}

static void
table_altered(Oid table, const AlterTableCmd *command)
{
	EventTree	tree = event_tree(table, command);

	if (OidIsValid(tree.attached))
		table_attached(tree.attached, false);
	else if (tree.is_detach)
		table_detached(tree.parent, tree.detached);
	else if (event_enables_triggers(command->subtype))
		triggers_enabled(table);
	else if (changes_rows(command->subtype))
		touch_tree(table);
}

/* The columns of a table are not what they were. */
static void
columns_changed(Oid table)
{
	layer_target_forget(table);
	touch_tree(table);
}

/* A change of a composite type reaches the tables that are made of it. */
static void
type_changed(Oid relation)
{
	SPITupleTable *typed;
	Oid			argtypes[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(get_rel_type_id(relation))};

	if (get_rel_relkind(relation) != RELKIND_COMPOSITE_TYPE)
		return;
	if (SPI_execute_with_args("SELECT oid FROM pg_catalog.pg_class WHERE reloftype OPERATOR(pg_catalog.=) $1",
							  1, argtypes, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the tables of a type failed");
	typed = SPI_tuptable;
	for (uint64 i = 0; i < typed->numvals; i++)
	{
		bool		isnull;

		columns_changed(DatumGetObjectId(SPI_getbinval(typed->vals[i], typed->tupdesc, 1, &isnull)));
	}
}

static void
alter_table(const AlterTableStmt *statement)
{
	Oid			table = event_table(statement->relation);
	ListCell   *lc;

	if (!OidIsValid(table))
		return;
	foreach(lc, statement->cmds)
		table_altered(table, lfirst_node(AlterTableCmd, lc));
	type_changed(table);
}

/* Another column may have taken the name of one that a layer, or its filter, reads. */
static void
rename_column(const RenameStmt *statement)
{
	Oid			table;

	if (statement->renameType != OBJECT_COLUMN && statement->renameType != OBJECT_ATTRIBUTE)
		return;
	table = event_table(statement->relation);
	if (!OidIsValid(table))
		return;
	columns_changed(table);
	type_changed(table);
}

static void
tables_created(void)
{
	ListCell   *lc;

	foreach(lc, event_created_children())
		table_attached(lfirst_oid(lc), true);
}

/* A trigger may change what is kept of a table's codes, or replace one of ours. */
static void
trigger_created(const CreateTrigStmt *statement)
{
	Oid			table = event_table(statement->relation);

	if (!OidIsValid(table))
		return;
	layer_target_forget(table);
	if (layer_has_trigger_name(statement->trigname) && layer_is_below(table, layer_relations()))
		layer_check_table(table);
}

static void
command_ends(Node *statement)
{
	if (IsA(statement, AlterTableStmt))
		alter_table((AlterTableStmt *) statement);
	else if (IsA(statement, RenameStmt))
		rename_column((RenameStmt *) statement);
	else if (IsA(statement, CreateTrigStmt))
		trigger_created((CreateTrigStmt *) statement);
	else
		tables_created();
}

/*
 * A partition that has been a table of a layer by itself, or has such below it,
 * gets clones of its new parent's triggers, for which its own make room.  Who
 * may not attach it must not lock it either; who may, locks all below it too.
 */
static void
partition_comes(Oid parent, Oid child)
{
	if (OidIsValid(child) && object_ownercheck(RelationRelationId, child, GetUserId()) &&
		layer_is_below(parent, layer_relations()))
		layer_drop_row_triggers(child);
}

/*
 * What the end of a command is too late for.  Who may not do it will be told,
 * and what was noted here then goes away.
 *
 * DETACH PARTITION CONCURRENTLY commits twice, and the rows are gone with the
 * first.
 */
static void
command_starts(const AlterTableStmt *statement)
{
	Oid			table = event_table(statement->relation);
	ListCell   *lc;

	if (!OidIsValid(table))
		return;
	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_DetachPartition && ((PartitionCmd *) command->def)->concurrent)
			touch_above(table);
		if (command->subtype == AT_AttachPartition)
			partition_comes(table, event_table(((PartitionCmd *) command->def)->name));
	}
}

/* grid_layer_ddl: at the start or end of a statement that concerns tables. */
Datum
grid_layer_ddl(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;
	bool		pushed;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("grid_layer_ddl can only be called as an event trigger")));
	if (layer_relations() == NIL)
		PG_RETURN_NULL();
	pushed = event_begin();
	if (strcmp(data->event, "ddl_command_end") != 0)
	{
		if (IsA(data->parsetree, AlterTableStmt))
			command_starts((AlterTableStmt *) data->parsetree);
	}
	else
		command_ends(data->parsetree);
	event_end(pushed);
	PG_RETURN_NULL();
}

/*
 * A table that was below a layer's is gone, and with it the knowledge whose: so
 * all layers that have, or had, something below them are touched.
 */
static void
touch_parents(void)
{
	ListCell   *lc;

	if (SPI_execute("SELECT FROM pg_catalog.pg_event_trigger_dropped_objects()"
					" WHERE classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_trigger'::pg_catalog.regclass"
					" AND address_names[3] OPERATOR(pg_catalog.=) 'gridtree_layer_truncate'",
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "reading the dropped objects failed");
	if (SPI_processed == 0)
		return;
	foreach(lc, layer_relations())
		if (has_subclass(lfirst_oid(lc)))
			layer_version_touch(lfirst_oid(lc));
}

/* Put back what was dropped of our triggers; only grid_layer_drop ends them. */
static void
restore_triggers(Oid table)
{
	if (!layer_is_below(table, layer_relations()))
		return;
	layer_equip(table, ShareRowExclusiveLock);
	touch_tree(table);
	ereport(NOTICE,
			(errmsg("triggers of layers are put back on table \"%s\"", get_rel_name(table)),
			 errhint("grid_layer_drop drops them with the last layer of the table.")));
}

/* Those that go with their layer or with a partition are dropped internally. */
static void
triggers_dropped(void)
{
	ListCell   *lc;

	foreach(lc, event_dropped_triggers(layer_has_trigger_name))
		restore_triggers(lfirst_oid(lc));
}

/*
 * Event trigger on sql_drop: a layer goes with its table. Its row would else
 * be dumped with a bare number where the table's name was.
 */
Datum
grid_layer_dropped(PG_FUNCTION_ARGS)
{
	SPITupleTable *dropped;
	bool		pushed;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("grid_layer_dropped can only be called as an event trigger")));
	if (layer_relations() == NIL)
		PG_RETURN_NULL();
	pushed = event_begin();
	if (SPI_execute("SELECT objid FROM pg_catalog.pg_event_trigger_dropped_objects()"
					" WHERE classid OPERATOR(pg_catalog.=) 1259 AND objsubid OPERATOR(pg_catalog.=) 0"
					" AND object_type OPERATOR(pg_catalog.=) 'table'", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the dropped objects failed");
	dropped = SPI_tuptable;
	for (uint64 i = 0; i < dropped->numvals; i++)
	{
		bool		isnull;
		Oid			table = DatumGetObjectId(SPI_getbinval(dropped->vals[i], dropped->tupdesc, 1, &isnull));

		if (layer_delete_of_relation(table) > 0)
		{
			layer_edit_forget(table);
			layer_image_sweep();
		}
	}
	if (dropped->numvals > 0)
	{
		layer_target_sweep();
		touch_parents();
	}
	triggers_dropped();
	event_end(pushed);
	PG_RETURN_VOID();
}
