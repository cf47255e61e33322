/*
 * layer_catalog.c
 *	  The rows of grid_layer_catalog: read, insert, delete.
 *
 * The table is written here and nowhere else, so nobody needs rights on it.
 * Rows are read under the newest snapshot, as system catalogs are, and not
 * under the statement's: a definition read under an old snapshot must not
 * stay in a backend's cache. Every change sends a relcache message for the
 * catalog itself, which is what caches of layers listen to.
 */
#include "layer.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* Columns, as sql/install/20-layers.sql declares them. */
enum
{
	COLUMN_LAYER = 1,
	COLUMN_RELATION,
	COLUMN_GEOM_COLUMN,
	COLUMN_CODE_COLUMN,
	COLUMN_FILTER,
	COLUMN_SCHEME,
	COLUMN_SRID,
	COLUMN_GEOGRAPHIC,
	COLUMN_ADDED_AT,
	NCOLUMNS = COLUMN_ADDED_AT
};

void
layer_unknown(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("layer \"%s\" does not exist", name),
			 errhint("The view grid_layers lists the layers; grid_layer_add makes one.")));
}

Oid
layer_catalog_oid(void)
{
	return get_relname_relid("grid_layer_catalog", gridtree_schema());
}

/* Begin a scan for one layer by its key, which is COLLATE "C". */
static SysScanDesc
scan_by_name(Relation catalog, const char *name)
{
	Oid			index = get_relname_relid("grid_layer_catalog_pkey",
										  RelationGetNamespace(catalog));
	ScanKeyData key;

	ScanKeyInit(&key, COLUMN_LAYER, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	return systable_beginscan(catalog, index, true, NULL, 1, &key);
}

static Layer *
layer_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	Layer	   *layer = palloc0(sizeof(Layer));
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS];

	heap_deform_tuple(tuple, desc, values, nulls);
	text_to_cstring_buffer(DatumGetTextPP(values[COLUMN_LAYER - 1]), layer->name, NAMEDATALEN);
	layer->relation = DatumGetObjectId(values[COLUMN_RELATION - 1]);
	namestrcpy(&layer->geom_column, NameStr(*DatumGetName(values[COLUMN_GEOM_COLUMN - 1])));
	namestrcpy(&layer->code_column, NameStr(*DatumGetName(values[COLUMN_CODE_COLUMN - 1])));
	if (!nulls[COLUMN_FILTER - 1])
		layer->filter = TextDatumGetCString(values[COLUMN_FILTER - 1]);
	layer->srid = DatumGetInt32(values[COLUMN_SRID - 1]);
	layer->geographic = DatumGetBool(values[COLUMN_GEOGRAPHIC - 1]);
	layer->added_at = DatumGetTimestampTz(values[COLUMN_ADDED_AT - 1]);
	return layer;
}

Layer *
layer_read(const char *name)
{
	Relation	catalog = table_open(layer_catalog_oid(), AccessShareLock);
	SysScanDesc scan = scan_by_name(catalog, name);
	HeapTuple	tuple = systable_getnext(scan);
	Layer	   *layer = NULL;

	if (HeapTupleIsValid(tuple))
		layer = layer_from_tuple(tuple, RelationGetDescr(catalog));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return layer;
}

List *
layer_read_all(void)
{
	Relation	catalog = table_open(layer_catalog_oid(), AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	List	   *layers = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		layers = lappend(layers, layer_from_tuple(tuple, RelationGetDescr(catalog)));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return layers;
}

List *
layer_relations(void)
{
	List	   *relations = NIL;
	ListCell   *lc;

	foreach(lc, layer_read_all())
		relations = list_append_unique_oid(relations, ((Layer *) lfirst(lc))->relation);
	return relations;
}

/* Make a change of the catalog visible to this command and to every cache. */
static void
catalog_changed(Relation catalog)
{
	CacheInvalidateRelcache(catalog);
	CommandCounterIncrement();
}

void
layer_insert(const Layer *layer)
{
	Relation	catalog = table_open(layer_catalog_oid(), RowExclusiveLock);
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {0};

	values[COLUMN_LAYER - 1] = CStringGetTextDatum(layer->name);
	values[COLUMN_RELATION - 1] = ObjectIdGetDatum(layer->relation);
	values[COLUMN_GEOM_COLUMN - 1] = NameGetDatum(&layer->geom_column);
	values[COLUMN_CODE_COLUMN - 1] = NameGetDatum(&layer->code_column);
	if (layer->filter)
		values[COLUMN_FILTER - 1] = CStringGetTextDatum(layer->filter);
	else
		nulls[COLUMN_FILTER - 1] = true;
	values[COLUMN_SCHEME - 1] = layer->scheme;
	values[COLUMN_SRID - 1] = Int32GetDatum(layer->srid);
	values[COLUMN_GEOGRAPHIC - 1] = BoolGetDatum(layer->geographic);
	values[COLUMN_ADDED_AT - 1] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());

	CatalogTupleInsert(catalog, heap_form_tuple(RelationGetDescr(catalog), values, nulls));
	catalog_changed(catalog);
	table_close(catalog, RowExclusiveLock);
}

/* Delete what a scan finds, and end it; returns how many. */
static int
delete_found(Relation catalog, SysScanDesc scan)
{
	HeapTuple	tuple;
	int			deleted = 0;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CatalogTupleDelete(catalog, &tuple->t_self);
		deleted++;
	}
	systable_endscan(scan);
	if (deleted > 0)
		catalog_changed(catalog);
	return deleted;
}

int
layer_delete(const char *name)
{
	Relation	catalog = table_open(layer_catalog_oid(), RowExclusiveLock);
	int			deleted = delete_found(catalog, scan_by_name(catalog, name));

	table_close(catalog, RowExclusiveLock);
	return deleted;
}

int
layer_delete_of_relation(Oid relation)
{
	Relation	catalog = table_open(layer_catalog_oid(), RowExclusiveLock);
	ScanKeyData key;
	int			deleted;

	ScanKeyInit(&key, COLUMN_RELATION, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	deleted = delete_found(catalog, systable_beginscan(catalog, InvalidOid, false, NULL, 1, &key));
	table_close(catalog, RowExclusiveLock);
	return deleted;
}
