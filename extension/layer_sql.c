/*
 * layer_sql.c
 *	  What SQL built by this room needs: checked columns and what is known of them.
 */
#include "layer.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attribute.h"
#include "postgis.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Number of a user column; also returns its type. */
static AttrNumber
column_of(Relation rel, const char *column, Oid *type)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), column);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column, RelationGetRelationName(rel))));
	*type = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid;
	return attnum;
}

/* Number of a column that must exist and be a geometry. */
AttrNumber
geometry_column(Relation rel, const char *column)
{
	Oid			type;
	AttrNumber	attnum = column_of(rel, column, &type);

	if (type != postgis_type("geometry"))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" is of type %s, not geometry",
						column, RelationGetRelationName(rel), format_type_be(type)),
				 type == postgis_type("geography")
				 ? errhint("Keep it as geometry too: column::geometry.") : 0));
	return attnum;
}

/* Number of a column that must exist and be a gridcode. */
AttrNumber
gridcode_column(Relation rel, const char *column)
{
	Oid			type;
	AttrNumber	attnum = column_of(rel, column, &type);

	if (type != gridtree_type("gridcode"))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" is of type %s, not gridcode",
						column, RelationGetRelationName(rel), format_type_be(type)),
				 errhint("Change it with ALTER TABLE ... ALTER COLUMN ... TYPE gridcode USING ...::gridcode.")));
	return attnum;
}

int32
geometry_column_srid(Oid relation, AttrNumber geom)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relation, geom, &type, &typmod, &collation);
	return geometry_typmod_srid(typmod);
}

void
check_column_of_points(Relation rel, const char *column, const char *layer, int32 srid)
{
	int32		declared = geometry_column_srid(RelationGetRelid(rel), get_attnum(RelationGetRelid(rel), column));

	if (declared != 0 && declared != srid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of relation \"%s\" has SRID %d, but layer \"%s\" has SRID %d",
						column, RelationGetRelationName(rel), declared, layer, srid),
				 errhint("Bring its points into SRID %d with ST_Transform.", srid)));
}

bool
relation_spatial_index(Relation rel, AttrNumber geom)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *cell;
	bool		found = false;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if ((index->rd_rel->relam == GIST_AM_OID || index->rd_rel->relam == SPGIST_AM_OID) &&
			index->rd_index->indkey.values[0] == geom)
			found = true;
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return found;
}
