/*
 * layer_kept.c
 *	  The layers a backend has used.
 *
 * A kept layer is stale after any change of the catalog, of the layer's table
 * or of a schema; callbacks only mark, the next call reads anew.  Plans are
 * freed while nothing of them runs: a filter may call functions that call
 * grid_locate, hence the holds.
 */
#include "layer_kept.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* Layers a backend keeps plans for; beyond that it starts afresh. */
#define MAX_KEPT_LAYERS		64

static HTAB *kept_layers = NULL;
static Oid	kept_catalog = InvalidOid;
static int	holds = 0;
static uint64 era = 1;			/* entries have not been removed since */
static uint64 generation = 1;

uint64
layer_generation(void)
{
	return generation;
}

void
layer_forget_memos(void)
{
	generation++;
}

/* Mark what depends on a relation; every layer for the catalog or for "all". */
static void
forget_relation(Datum arg pg_attribute_unused(), Oid relation)
{
	HASH_SEQ_STATUS status;
	KeptLayer  *kept;

	hash_seq_init(&status, kept_layers);
	while ((kept = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relation) || relation == kept->relation || relation == kept_catalog ||
			list_member_oid(kept->members, relation))
		{
			kept->fresh = false;
			generation++;
		}
}

/* A renamed schema changes names that are written in the plans. */
static void
forget_schema(Datum arg, int cacheid pg_attribute_unused(), uint32 hashvalue pg_attribute_unused())
{
	forget_relation(arg, InvalidOid);
}

/* Who may read what depends on who is a member of whom. */
static void
forget_rights(Datum arg pg_attribute_unused(), int cacheid pg_attribute_unused(),
			  uint32 hashvalue pg_attribute_unused())
{
	generation++;
}

static void
end_transaction(XactEvent event pg_attribute_unused(), void *arg pg_attribute_unused())
{
	generation++;
}

static void
end_subtransaction(SubXactEvent event pg_attribute_unused(), SubTransactionId mine pg_attribute_unused(),
				   SubTransactionId parent pg_attribute_unused(), void *arg pg_attribute_unused())
{
	generation++;
}

static void
make_cache(void)
{
	HASHCTL		control = {0};

	control.keysize = NAMEDATALEN;
	control.entrysize = sizeof(KeptLayer);
	kept_layers = hash_create("gridtree layers", MAX_KEPT_LAYERS, &control, HASH_ELEM | HASH_STRINGS);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_schema, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_rights, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, forget_rights, (Datum) 0);
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}

static void
free_plans(KeptLayer *kept)
{
	if (kept->covering)
		SPI_freeplan(kept->covering);
	if (kept->nearest)
		SPI_freeplan(kept->nearest);
	kept->covering = kept->nearest = NULL;
}

static void
drop_all_kept(void)
{
	HASH_SEQ_STATUS status;
	KeptLayer  *kept;

	era++;
	hash_seq_init(&status, kept_layers);
	while ((kept = hash_seq_search(&status)) != NULL)
	{
		free_plans(kept);
		if (kept->memo.xids)
			pfree(kept->memo.xids);
		list_free(kept->members);
		hash_search(kept_layers, kept->name, HASH_REMOVE, NULL);
	}
}

/* A column may have been renamed, dropped or changed since the layer was added. */
static AttrNumber
check_column(const Layer *layer, const char *column, Oid type)
{
	AttrNumber	attnum = get_attnum(layer->relation, column);

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of layer \"%s\" does not exist", column, layer->name),
				 errdetail("Table %s had it when the layer was added.", relation_quoted(layer->relation)),
				 errhint("Drop the layer and add it again.")));
	if (get_atttype(layer->relation, attnum) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of layer \"%s\" is of type %s, not %s", column, layer->name,
						format_type_be(get_atttype(layer->relation, attnum)), format_type_be(type)),
				 errdetail("Table %s was changed after the layer was added.",
						   relation_quoted(layer->relation)),
				 errhint("Drop the layer and add it again.")));
	return attnum;
}

/* The polygons may have been brought into another SRID. */
static void
check_srid(const Layer *layer, AttrNumber geom)
{
	int32		declared = geometry_column_srid(layer->relation, geom);

	if (declared != 0 && declared != layer->srid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" of layer \"%s\" has SRID %d, not %d", NameStr(layer->geom_column), layer->name,
						declared, layer->srid),
				 errdetail("Table %s was changed after the layer was added.",
						   relation_quoted(layer->relation)),
				 errhint("Drop the layer and add it again.")));
}

static uint64
hash_text(const char *text, uint64 seed)
{
	return DatumGetUInt64(hash_any_extended((const unsigned char *) text, (int) strlen(text) + 1, seed));
}

uint64
layer_definition(const Layer *layer)
{
	uint64		hash = hash_combine64(layer->relation, (uint64) layer->added_at);

	hash = hash_text(NameStr(layer->geom_column), hash);
	hash = hash_text(NameStr(layer->code_column), hash);
	hash = hash_text(layer->filter ? layer->filter : "", hash);
	return hash_combine64(hash, (uint64) (uint32) layer->srid);
}

/* The layer as the catalog has it, whose columns are as they should be. */
Layer *
layer_read_checked(const char *name)
{
	Layer	   *layer = layer_read(name);

	if (layer == NULL)
		layer_unknown(name);
	check_srid(layer, check_column(layer, NameStr(layer->geom_column), postgis_type("geometry")));
	(void) check_column(layer, NameStr(layer->code_column), gridtree_type("gridcode"));
	return layer;
}

/*
 * The tables whose rows are the layer's, and a hash of their files: TRUNCATE and
 * rewrites show to every snapshot, so an image of before must not be met again.
 */
static void
set_members(KeptLayer *kept)
{
	List	   *members = find_all_inheritors(kept->relation, AccessShareLock, NULL);
	uint64		storage = 0;
	ListCell   *cell;
	MemoryContext outer;

	kept->permanent = true;
	foreach(cell, members)
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_class form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_class) GETSTRUCT(tuple);
		kept->permanent &= form->relpersistence == RELPERSISTENCE_PERMANENT;
		storage = hash_combine64(storage, form->oid);
		storage = hash_combine64(storage, form->relfilenode);
		ReleaseSysCache(tuple);
	}
	outer = MemoryContextSwitchTo(TopMemoryContext);
	list_free(kept->members);
	kept->members = list_copy(members);
	MemoryContextSwitchTo(outer);
	kept->storage = storage;
	list_free(members);
}

/* Read a layer into its slot; what stops it with an error leaves the slot stale. */
static void
refresh_kept(KeptLayer *kept)
{
	if (holds == 0)
		free_plans(kept);
	else						/* a caller up the stack may be running them */
		kept->covering = kept->nearest = NULL;
	kept->counting = false;
	kept_catalog = layer_catalog_oid();

	/* Fresh first: an invalidation that arrives while reading must win. */
	kept->fresh = true;
	PG_TRY();
	{
		Layer	   *layer = layer_read_checked(kept->name);

		kept->relation = layer->relation;
		kept->srid = layer->srid;
		kept->geographic = layer->geographic;
		kept->definition = layer_definition(layer);
		pfree(layer);
		set_members(kept);
	}
	PG_CATCH();
	{
		kept->fresh = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static KeptLayer *
find_or_make(const char *name)
{
	KeptLayer  *kept = hash_search(kept_layers, name, HASH_FIND, NULL);

	if (kept)
		return kept;
	if (holds == 0 && hash_get_num_entries(kept_layers) >= MAX_KEPT_LAYERS)
		drop_all_kept();
	kept = hash_search(kept_layers, name, HASH_ENTER, NULL);
	memset((char *) kept + NAMEDATALEN, 0, sizeof(KeptLayer) - NAMEDATALEN);
	return kept;
}

KeptLayer *
layer_kept(const char *name)
{
	KeptLayer  *kept;

	if (strlen(name) >= NAMEDATALEN)
		layer_unknown(name);
	if (kept_layers == NULL)
		make_cache();
	kept = find_or_make(name);
	if (!kept->fresh)
		refresh_kept(kept);
	return kept;
}

KeptLayer *
layer_kept_at(LayerSite *site, const char *name)
{
	if (site->kept == NULL || site->era != era || !site->kept->fresh)
	{
		site->kept = layer_kept(name);
		site->era = era;
	}
	return site->kept;
}

void
layer_hold(void)
{
	holds++;
}

void
layer_release(void)
{
	holds--;
}
