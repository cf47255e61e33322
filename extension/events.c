/*
 * events.c
 *	  What the event triggers of layers and rollups share.
 */
#include "events.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

bool
event_begin(void)
{
	bool		pushed = !ActiveSnapshotSet();

	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	return pushed;
}

void
event_end(bool pushed)
{
	SPI_finish();
	if (pushed)
		PopActiveSnapshot();
}

Oid
event_table(const RangeVar *name)
{
	return name ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
}

/*
 * By OID: their names may mean something else in this session's search_path.
 * Not read-only, which would not see them yet.
 */
List *
event_created_children(void)
{
	List	   *tables = NIL;

	if (SPI_execute("SELECT c.objid FROM pg_catalog.pg_event_trigger_ddl_commands() c"
					" JOIN pg_catalog.pg_inherits i ON i.inhrelid OPERATOR(pg_catalog.=) c.objid"
					" WHERE c.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"
					" AND c.object_type OPERATOR(pg_catalog.=) ANY ('{table,foreign table}')",
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the created objects failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		table = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

		tables = lappend_oid(tables, DatumGetObjectId(table));
	}
	return tables;
}

List *
event_dropped_triggers(bool (*wanted) (const char *name))
{
	List	   *tables = NIL;

	if (SPI_execute("SELECT address_names[1], address_names[2], address_names[3]"
					" FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE original"
					" AND classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_trigger'::pg_catalog.regclass",
					true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the dropped objects failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Oid			schema = get_namespace_oid(SPI_getvalue(row, desc, 1), true);
		Oid			table = get_relname_relid(SPI_getvalue(row, desc, 2), schema);

		if (OidIsValid(table) && (wanted == NULL || wanted(SPI_getvalue(row, desc, 3))))
			tables = list_append_unique_oid(tables, table);
	}
	return tables;
}

EventTree
event_tree(Oid table, const AlterTableCmd *command)
{
	const PartitionCmd *partition = (const PartitionCmd *) command->def;
	EventTree	tree = {0};

	switch (command->subtype)
	{
		case AT_AttachPartition:
			tree.attached = event_table(partition->name);
			break;
		case AT_AddInherit:
			tree.attached = table;
			break;
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			tree.is_detach = true;
			tree.parent = table;
			tree.detached = event_table(partition->name);
			break;
		case AT_DropInherit:
			tree.is_detach = true;
			tree.parent = event_table((RangeVar *) command->def);
			tree.detached = table;
			break;
		default:
			break;
	}
	return tree;
}

bool
event_enables_triggers(AlterTableType subtype)
{
	switch (subtype)
	{
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_EnableTrigAll:
		case AT_EnableTrigUser:
			return true;
		default:
			return false;
	}
}
