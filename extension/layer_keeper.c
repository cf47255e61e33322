/*
 * layer_keeper.c
 *	  What keeps the codes of a table as grid_assign makes them, and whether it
 *	  has been so without a break.
 *
 * Nothing watches what is done to a table and its triggers.  Instead all that
 * matters is put into one number, which grid_assign keeps with what it has done
 * and compares when it comes again: the layer and its files, the tables that have
 * the rows and their files (TRUNCATE and ALTER TYPE make new ones), the columns
 * behind the names, and of each trigger the row in pg_trigger, version and place
 * included, which every change of it replaces.
 */
#include "layer_keeper.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "common/hashfn.h"
#include "layer_kept.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/syscache.h"

/* Is it our function of that name, whatever its oid is in this database? */
static bool
is_ours(Oid function, const char *name)
{
	char	   *actual = get_func_name(function);

	return actual && strcmp(actual, name) == 0 && get_func_namespace(function) == gridtree_schema();
}

static bool
is_assign_trigger(const Trigger *trigger)
{
	return is_ours(trigger->tgfoid, "grid_assign_trigger") && (trigger->tgnargs == 3 || trigger->tgnargs == 4);
}

static double
tolerance_of(const Trigger *trigger)
{
	if (trigger->tgnargs < 4)
		return 0;
	return DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(trigger->tgargs[3])));
}

static bool
is_enabled(const Trigger *trigger)
{
	return trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN || trigger->tgenabled == TRIGGER_FIRES_ALWAYS;
}

/* Is it a trigger on just these columns? */
static bool
has_columns(const Trigger *trigger, const LayerTarget *target)
{
	return strcmp(trigger->tgargs[1], NameStr(target->geom_column)) == 0 &&
		strcmp(trigger->tgargs[2], NameStr(target->code_column)) == 0;
}

/* Does it make codes as grid_assign would? */
static bool
is_like(const Trigger *trigger, const LayerTarget *target)
{
	return strcmp(trigger->tgargs[0], target->layer) == 0 && tolerance_of(trigger) == target->tolerance;
}

/* Does a trigger give every row that is written its code? */
static bool
keeps(const Trigger *trigger, const LayerTarget *target)
{
	int16		type = trigger->tgtype;

	return is_assign_trigger(trigger) && has_columns(trigger, target) && is_like(trigger, target) &&
		is_enabled(trigger) && TRIGGER_FOR_ROW(type) && TRIGGER_FOR_BEFORE(type) &&
		TRIGGER_FOR_INSERT(type) && TRIGGER_FOR_UPDATE(type) && trigger->tgqual == NULL && trigger->tgnattr == 0;
}

/* Could a trigger that fires afterwards move the point or change the code? */
static bool
may_undo(const Trigger *trigger, const LayerTarget *target)
{
	int16		type = trigger->tgtype;

	if (!TRIGGER_FOR_ROW(type) || !TRIGGER_FOR_BEFORE(type) || !(TRIGGER_FOR_INSERT(type) || TRIGGER_FOR_UPDATE(type)))
		return false;
	if (is_ours(trigger->tgfoid, "grid_layer_edited"))
		return false;
	return !is_assign_trigger(trigger) || strcmp(trigger->tgargs[2], NameStr(target->code_column)) == 0;
}

/* The trigger that has the last word on a table's codes; NULL where that is none of ours. */
static const Trigger *
find_keeper(Relation rel, const LayerTarget *target)
{
	const TriggerDesc *triggers = rel->trigdesc;
	const Trigger *keeper = NULL;

	/* they fire in this order, which is that of their names */
	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (keeps(trigger, target))
			keeper = trigger;
		else if (keeper && may_undo(trigger, target))
			keeper = NULL;
	}
	return keeper;
}

/* --- the number --- */

static uint64
hash_in(uint64 hash, uint64 value)
{
	return hash_combine64(hash, value);
}

/* The row of a trigger in the catalog, which any change of it replaces. */
static uint64
hash_trigger(uint64 hash, Oid trigger)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
	scan = systable_beginscan(catalog, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	hash = hash_in(hash, trigger);
	if (HeapTupleIsValid(tuple))
	{
		hash = hash_in(hash, HeapTupleHeaderGetRawXmin(tuple->t_data));
		hash = hash_in(hash, ItemPointerGetBlockNumberNoCheck(&tuple->t_self));
		hash = hash_in(hash, ItemPointerGetOffsetNumberNoCheck(&tuple->t_self));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return hash;
}

/* Add one of the target's tables to the number; 0 where nothing keeps it. */
static uint64
hash_table(uint64 hash, Oid table, const LayerTarget *target)
{
	Relation	rel = table_open(table, NoLock);
	const Trigger *keeper = find_keeper(rel, target);
	char		kind = rel->rd_rel->relkind;

	if (keeper == NULL || (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE) ||
		rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		hash = 0;
	else
	{
		hash = hash_in(hash, table);
		hash = hash_in(hash, rel->rd_rel->relfilenode);
		hash = hash_in(hash, get_attnum(table, NameStr(target->geom_column)));
		hash = hash_in(hash, get_attnum(table, NameStr(target->code_column)));
		hash = hash_trigger(hash, keeper->tgoid);
	}
	table_close(rel, NoLock);
	return hash;
}

/* Has a table row-level security, whoever is exempt? */
static bool
has_policies(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool		has = false;

	if (HeapTupleIsValid(tuple))
	{
		has = ((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity;
		ReleaseSysCache(tuple);
	}
	return has;
}

/*
 * Can a trigger keep the target at all?  Not where the layer looks different to
 * different writers, or may be empty after a crash; nor where we do not see all
 * rows, or children that inherit have triggers of their own.  Without a spatial
 * index the table is as well looked at whole.
 */
static bool
can_be_kept(const KeptLayer *layer, const LayerTarget *target)
{
	Relation	rel = table_open(target->target, NoLock);
	bool		can = layer->permanent && !has_policies(layer->relation) &&
		check_enable_rls(target->target, InvalidOid, true) != RLS_ENABLED &&
		(rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE || !has_subclass(target->target)) &&
		relation_spatial_index(rel, get_attnum(target->target, NameStr(target->geom_column)));

	table_close(rel, NoLock);
	return can;
}

uint64
layer_keeper(const LayerTarget *target)
{
	const KeptLayer *layer = layer_kept(target->layer);
	uint64		hash = hash_in(layer->definition, layer->storage);
	ListCell   *cell;

	if (!can_be_kept(layer, target))
		return 0;
	foreach(cell, find_all_inheritors(target->target, AccessShareLock, NULL))
		if (hash != 0)
			hash = hash_table(hash, lfirst_oid(cell), target);
	return hash;
}

void
layer_keeper_warn(const LayerTarget *target)
{
	Relation	rel = table_open(target->target, NoLock);

	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (is_assign_trigger(trigger) && is_enabled(trigger) && has_columns(trigger, target) && !is_like(trigger, target))
			ereport(WARNING,
					(errmsg("trigger \"%s\" of \"%s\" keeps other codes than those of this call", trigger->tgname,
							RelationGetRelationName(rel)),
					 errdetail("It locates in layer \"%s\" with tolerance %g; rows it sets back are written in vain.",
							   trigger->tgargs[0], tolerance_of(trigger)),
					 errhint("Call grid_assign with the same layer and tolerance.")));
	}
	table_close(rel, NoLock);
}
