/*
 * layer_edited.c
 *	  grid_layer_edited(), the function of all triggers that layers put on their
 *	  tables: notes that rows change, and where.
 *
 * It fires on the table that has the row, which may be a partition or child of
 * several layers' relations.  It needs no right, reads no search_path and runs
 * no SQL.  On a table of no layer, as pg_dump -t leaves it, it does nothing.
 *
 * CACHE
 *	  What a table's rows belong to is kept until a relation above it or the
 *	  catalog of layers changes.  Callbacks only mark; what they mark is freed
 *	  when the table is next looked up, when nobody uses it.
 */
#include "layer.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "layer_edit.h"
#include "layer_version.h"
#include "nodes/bitmapset.h"
#include "postgis.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(grid_layer_edited);

/* A layers' relation that the table's rows are rows of. */
typedef struct Target
{
	Oid			relation;
	Bitmapset  *geoms;			/* columns of the table */
	Bitmapset  *columns;		/* that matter; these too */
	bool		all_columns;	/* a filter may read any */
	bool		unclear;		/* a column is not there any more */
} Target;

typedef struct EditedTable
{
	Oid			table;			/* hash key */
	bool		fresh;
	MemoryContext context;		/* of what follows, or NULL */
	Oid			catalog;
	List	   *above;			/* OIDs; NIL while they are read */
	List	   *targets;
} EditedTable;

static HTAB *edited_tables = NULL;

static void
forget_relation(Datum arg pg_attribute_unused(), Oid relation)
{
	HASH_SEQ_STATUS status;
	EditedTable *entry;

	hash_seq_init(&status, edited_tables);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relation) || relation == entry->catalog ||
			entry->above == NIL || list_member_oid(entry->above, relation))
			entry->fresh = false;
}

static void
make_cache(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(EditedTable)};

	edited_tables = hash_create("gridtree edited tables", 16, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
}

static Target *
find_target(EditedTable *entry, Oid relation)
{
	Target	   *target;
	ListCell   *lc;

	foreach(lc, entry->targets)
		if (((Target *) lfirst(lc))->relation == relation)
			return lfirst(lc);
	target = palloc0_object(Target);
	target->relation = relation;
	entry->targets = lappend(entry->targets, target);
	return target;
}

static void
add_layer(EditedTable *entry, const Layer *layer)
{
	Target	   *target = find_target(entry, layer->relation);
	AttrNumber	geom = get_attnum(entry->table, NameStr(layer->geom_column));
	AttrNumber	code = get_attnum(entry->table, NameStr(layer->code_column));

	if (layer->filter)
		target->all_columns = true;
	if (geom <= 0 || code <= 0 || get_atttype(entry->table, geom) != postgis_type("geometry"))
	{
		target->unclear = true;
		return;
	}
	target->geoms = bms_add_member(target->geoms, geom);
	target->columns = bms_add_member(target->columns, geom);
	target->columns = bms_add_member(target->columns, code);
}

static void
fill_entry(EditedTable *entry)
{
	MemoryContext caller = MemoryContextSwitchTo(entry->context);
	List	   *layers;
	ListCell   *lc;

	entry->catalog = layer_catalog_oid();
	entry->above = layer_tables_above(entry->table);
	layers = layer_read_all();
	foreach(lc, layers)
	{
		const Layer *layer = lfirst(lc);

		if (list_member_oid(entry->above, layer->relation))
			add_layer(entry, layer);
	}
	MemoryContextSwitchTo(caller);
}

static void
refresh_entry(EditedTable *entry)
{
	if (entry->context)
		MemoryContextDelete(entry->context);
	entry->above = entry->targets = NIL;
	entry->context = AllocSetContextCreate(CacheMemoryContext, "gridtree edited table",
										   ALLOCSET_SMALL_SIZES);
	/* Fresh first: an invalidation that arrives while reading must win. */
	entry->fresh = true;
	PG_TRY();
	{
		fill_entry(entry);
	}
	PG_CATCH();
	{
		entry->fresh = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static EditedTable *
edited_table(Oid table)
{
	EditedTable *entry;
	bool		found;

	if (edited_tables == NULL)
		make_cache();
	entry = hash_search(edited_tables, &table, HASH_ENTER, &found);
	if (!found)
	{
		memset((char *) entry + sizeof(Oid), 0, sizeof(EditedTable) - sizeof(Oid));
		entry->table = table;
	}
	if (!entry->fresh)
		refresh_entry(entry);
	return entry;
}

/* Has an update left a column as it was, to the byte? */
static bool
same_value(HeapTuple old, HeapTuple new, int attnum, TupleDesc desc)
{
	Form_pg_attribute column = TupleDescAttr(desc, attnum - 1);
	bool		old_null;
	bool		new_null;
	Datum		old_value;
	Datum		new_value;

	if (column->attisdropped)
		return true;
	old_value = heap_getattr(old, attnum, desc, &old_null);
	new_value = heap_getattr(new, attnum, desc, &new_null);
	if (old_null || new_null)
		return old_null && new_null;
	return datum_image_eq(old_value, new_value, column->attbyval, column->attlen);
}

/* Has an update changed what the layers are made of? */
static bool
is_changed(const Target *target, HeapTuple old, HeapTuple new, TupleDesc desc)
{
	for (int attnum = 1; attnum <= desc->natts; attnum++)
		if ((target->all_columns || bms_is_member(attnum, target->columns)) &&
			!same_value(old, new, attnum, desc))
			return true;
	return false;
}

/* The box of a row's geometry; false where it has none. */
static bool
row_box(HeapTuple row, int geom, TupleDesc desc, double box[4])
{
	bool		isnull;
	Datum		value;

	if (row == NULL)
		return false;
	value = heap_getattr(row, geom, desc, &isnull);
	return !isnull && geometry_box(value, box);
}

/* Log where a row was and is: one extent, or two that are apart. */
static void
log_extents(Oid relation, HeapTuple old, HeapTuple new, int geom, TupleDesc desc)
{
	double		was[4];
	double		is[4];
	bool		have_was = row_box(old, geom, desc, was);
	bool		have_is = row_box(new, geom, desc, is);

	if (have_was && have_is &&
		was[0] <= is[2] && is[0] <= was[2] && was[1] <= is[3] && is[1] <= was[3])
	{
		was[0] = Min(was[0], is[0]);
		was[1] = Min(was[1], is[1]);
		was[2] = Max(was[2], is[2]);
		was[3] = Max(was[3], is[3]);
		have_is = false;
	}
	if (have_was)
		layer_edit_extent(relation, was);
	if (have_is)
		layer_edit_extent(relation, is);
}

static void
log_row(const Target *target, const TriggerData *data)
{
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	HeapTuple	old = TRIGGER_FIRED_BY_INSERT(data->tg_event) ? NULL : data->tg_trigtuple;
	HeapTuple	new = data->tg_trigtuple;
	int			geom = -1;

	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		new = data->tg_newtuple;
	else if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
		new = NULL;
	if (target->unclear)
		layer_edit_everything(target->relation);
	else if (!old || !new || is_changed(target, old, new, desc))
		while ((geom = bms_next_member(target->geoms, geom)) >= 0)
			log_extents(target->relation, old, new, geom, desc);
}

static void
note_edit(const Target *target, const TriggerData *data)
{
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		layer_version_touch(target->relation);
	else if (TRIGGER_FIRED_BEFORE(data->tg_event))
		layer_edit_begin(target->relation);
	else
		log_row(target, data);
}

static void
check_firing(FunctionCallInfo fcinfo)
{
	TriggerEvent event = CALLED_AS_TRIGGER(fcinfo) ? ((TriggerData *) fcinfo->context)->tg_event : 0;

	if (!CALLED_AS_TRIGGER(fcinfo) || TRIGGER_FIRED_INSTEAD(event) ||
		TRIGGER_FIRED_FOR_ROW(event) == TRIGGER_FIRED_BY_TRUNCATE(event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by a trigger of a layer", "grid_layer_edited"),
				 errhint("The triggers are made by grid_layer_add.")));
}

Datum
grid_layer_edited(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	ListCell   *lc;

	check_firing(fcinfo);
	foreach(lc, edited_table(RelationGetRelid(data->tg_relation))->targets)
		note_edit(lfirst(lc), data);
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple
						   : data->tg_trigtuple);
}
