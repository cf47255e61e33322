/*
 * layer_admin.c
 *	  grid_layer_add, grid_layer_drop and grid_layer_touch: who may, and what can be a layer.
 *
 * What is checked here is the definition; the polygons themselves are read
 * once, as the caller, for their SRID and for a warning about invalid ones.
 */
#include "layer.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "layer_edit.h"
#include "layer_image.h"
#include "layer_target.h"
#include "layer_version.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(grid_layer_add);
PG_FUNCTION_INFO_V1(grid_layer_drop);
PG_FUNCTION_INFO_V1(grid_layer_touch);

/* One at a time adds a layer of a name, until the end of the transaction. */
static void
check_name(const char *name)
{
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("name of a layer must not be empty")));
	if (strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("name of a layer is too long: \"%s\"", name),
				 errdetail("It may have %d bytes.", NAMEDATALEN - 1)));
	LockDatabaseObject(layer_catalog_oid(),
					   DatumGetUInt32(hash_any((const unsigned char *) name, (int) strlen(name))),
					   0, ExclusiveLock);
	if (layer_read(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("layer \"%s\" already exists", name)));
}

/* Only tables can tell of their edits, and only permanent ones outlive a session. */
static void
check_relation_kind(Relation rel)
{
	const char *name = RelationGetRelationName(rel);
	char		kind = rel->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be a layer because it is not a table", name),
				 errhint("Add the table behind it, with a filter where only some rows count.")));
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be a layer because it is a temporary table", name)));
}

static bool
owns_relation(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool		owns;

	if (!HeapTupleIsValid(tuple))	/* gone: what is left may be tidied away */
		return superuser();
	owns = has_privs_of_role(GetUserId(), ((Form_pg_class) GETSTRUCT(tuple))->relowner);
	ReleaseSysCache(tuple);
	return owns;
}

static void
check_owner(Oid relation)
{
	if (!owns_relation(relation))
	{
		char	   *name = get_rel_name(relation);

		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"%s\"", name ? name : "(dropped)"),
				 errdetail("Only the owner of a layer's table adds, touches or drops the layer.")));
	}
}

/* Columns of the query that reads the polygons. */
enum
{
	READ_SRIDS = 1,				/* number of different SRIDs */
	READ_SRID,					/* declared, or the smallest found */
	READ_GEOGRAPHIC,
	READ_OTHER_TYPE,			/* a geometry type that is not a polygon's */
	READ_INVALID,				/* number of invalid polygons */
	READ_INVALID_CODE,			/* lowest code of one */
	READ_INVALID_REASON
};

static char *
polygons_query(const Layer *layer, AttrNumber geom, char *postgis)
{
	const char *column = quote_identifier(NameStr(layer->geom_column));
	const char *code = quote_identifier(NameStr(layer->code_column));

	return psprintf(
		"WITH polygons AS (SELECT %s AS geom, %s::text COLLATE \"C\" AS code"
		"  FROM %s WHERE %s IS NOT NULL AND (%s)),"
		" invalid AS (SELECT code, (detail).reason AS reason"
		"  FROM (SELECT code, %s.ST_IsValidDetail(geom) AS detail FROM polygons) d WHERE NOT (detail).valid),"
		" found AS (SELECT count(DISTINCT %s.ST_SRID(geom)) AS srids,"
		"   COALESCE(NULLIF(%d, 0), min(%s.ST_SRID(geom))) AS srid,"
		"   min(%s.ST_GeometryType(geom)) FILTER (WHERE %s.ST_GeometryType(geom)"
		"     NOT IN ('ST_Polygon', 'ST_MultiPolygon')) AS other_type FROM polygons)"
		" SELECT f.srids, f.srid, EXISTS (SELECT FROM %s.spatial_ref_sys s"
		"   WHERE s.srid = f.srid AND s.proj4text ~ '[+]proj=longlat'),"
		"  f.other_type, (SELECT count(*) FROM invalid), i.code, i.reason"
		" FROM found f LEFT JOIN (SELECT * FROM invalid ORDER BY code LIMIT 1) i ON true",
		column, code, relation_quoted(layer->relation), column, layer->filter ? layer->filter : "true",
		postgis, postgis, geometry_column_srid(layer->relation, geom), postgis, postgis, postgis, postgis);
}

static void
warn_of_invalid(const Layer *layer, HeapTuple row, TupleDesc desc)
{
	bool		isnull;
	int64		invalid = DatumGetInt64(SPI_getbinval(row, desc, READ_INVALID, &isnull));
	char	   *code = SPI_getvalue(row, desc, READ_INVALID_CODE);

	if (invalid > 0)
		ereport(WARNING,
				(errmsg("layer \"%s\" has invalid polygons: " INT64_FORMAT, layer->name, invalid),
				 errdetail("The first is that of area %s: %s.", code ? code : "(none)",
						   SPI_getvalue(row, desc, READ_INVALID_REASON)),
				 errhint("They are located by the same rule; ST_MakeValid repairs them.")));
}

/*
 * Read the polygons once: their SRID into the layer, errors and warnings out.
 * The snapshot is a new one, which sees the writers that were waited for.
 */
static void
read_polygons(Layer *layer, AttrNumber geom)
{
	char	   *query = polygons_query(layer, geom, postgis_schema_quoted());
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;
	char	   *other_type;
	int			nest = safe_search_path_begin();

	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "reading the polygons of layer \"%s\" failed", layer->name);
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;

	other_type = SPI_getvalue(row, desc, READ_OTHER_TYPE);
	if (other_type)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("layer \"%s\" has geometries that are not polygons: %s",
						layer->name, other_type),
				 errhint("Leave them out with a filter, or make polygons of them.")));
	if (DatumGetInt64(SPI_getbinval(row, desc, READ_SRIDS, &isnull)) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("layer \"%s\" has polygons in different SRIDs", layer->name),
				 errhint("Bring them into one with ST_Transform or ST_SetSRID.")));
	layer->srid = DatumGetInt32(SPI_getbinval(row, desc, READ_SRID, &isnull));
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("SRID of layer \"%s\" cannot be told because it has no polygons",
						layer->name),
				 errhint("Declare the column as geometry(MultiPolygon, SRID), or fill the table first.")));
	layer->geographic = DatumGetBool(SPI_getbinval(row, desc, READ_GEOGRAPHIC, &isnull));
	warn_of_invalid(layer, row, desc);
	SPI_finish();
	PopActiveSnapshot();
	safe_search_path_end(nest);
}

Datum
grid_layer_add(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"layer", "relation", "geom_column", "code_column", NULL, "scheme"};
	Layer		layer = {0};
	char	   *name;
	Relation	rel;
	AttrNumber	geom;

	PreventCommandIfReadOnly("grid_layer_add()");
	refuse_null_arguments(fcinfo, names, lengthof(names));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	layer.relation = PG_GETARG_OID(1);
	namestrcpy(&layer.geom_column, NameStr(*PG_GETARG_NAME(2)));
	namestrcpy(&layer.code_column, NameStr(*PG_GETARG_NAME(3)));
	layer.scheme = PG_GETARG_DATUM(5);

	rel = relation_open(layer.relation, AccessShareLock);
	check_relation_kind(rel);
	check_owner(layer.relation);
	/* From here to the end of the transaction the table stays, and nobody writes to it. */
	layer_lock_tables(layer.relation);
	check_name(name);
	strlcpy(layer.name, name, NAMEDATALEN);
	geom = geometry_column(rel, NameStr(layer.geom_column));
	(void) gridcode_column(rel, NameStr(layer.code_column));
	if (!PG_ARGISNULL(4))
		layer.filter = layer_filter(rel, text_to_cstring(PG_GETARG_TEXT_PP(4)));
	read_polygons(&layer, geom);
	if (!relation_spatial_index(rel, geom))
		ereport(NOTICE,
				(errmsg("layer \"%s\" has no spatial index", layer.name),
				 errhint("CREATE INDEX ON %s USING gist (%s);", relation_quoted(layer.relation),
						 quote_identifier(NameStr(layer.geom_column)))));
	layer_insert(&layer);
	/* ALTER TABLE, which enables triggers, wants to be alone with the table. */
	relation_close(rel, NoLock);
	layer_equip(layer.relation, ShareRowExclusiveLock);
	/* Without triggers anything may have been changed. */
	layer_version_touch(layer.relation);
	PG_RETURN_VOID();
}

/* The layer, if the caller owns its table. */
static Layer *
read_own_layer(const char *name)
{
	Layer	   *layer = layer_read(name);

	if (layer == NULL)
		layer_unknown(name);
	check_owner(layer->relation);
	return layer;
}

/* The triggers go with the last layer of a table; dropping one waits for all who use the table. */
Datum
grid_layer_drop(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			relation;

	PreventCommandIfReadOnly("grid_layer_drop()");
	relation = read_own_layer(name)->relation;
	LockRelationOid(relation, AccessExclusiveLock);
	/* Somebody else may have dropped it while we waited. */
	relation = read_own_layer(name)->relation;
	layer_delete(name);
	layer_target_sweep();
	if (!list_member_oid(layer_relations(), relation))
	{
		if (get_rel_name(relation))
			layer_equip(relation, AccessExclusiveLock);
		layer_edit_forget(relation);
	}
	layer_image_sweep();
	PG_RETURN_VOID();
}

Datum
grid_layer_touch(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PreventCommandIfReadOnly("grid_layer_touch()");
	layer_version_touch(read_own_layer(name)->relation);
	PG_RETURN_VOID();
}
