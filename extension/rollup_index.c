/*
 * rollup_index.c
 *	  Whether the rows of a cell can be found in the source without reading all
 *	  of it, in every table that it consists of.
 */
#include "rollup_def.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

/* A whole, valid btree on code, and a time if that is not NULL. */
static bool
serves(const RollupDef *def, Oid table, Relation index, const char *time)
{
	Form_pg_index form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		form->indkey.values[0] == get_attnum(table, def->code.name) &&
		(time == NULL ||
		 (form->indnkeyatts > 1 && form->indkey.values[1] == get_attnum(table, time)));
}

static bool
has_index(const RollupDef *def, Oid table, const char *time)
{
	Relation	rel = table_open(table, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = found || serves(def, table, index, time);
		index_close(index, AccessShareLock);
	}
	table_close(rel, AccessShareLock);
	return found;
}

/* An index of a partitioned table is valid when all partitions have it. */
Oid
rollup_table_without_index(const RollupDef *def, const char *time)
{
	List	   *tables = list_make1_oid(def->source);
	ListCell   *lc;

	if (get_rel_relkind(def->source) != RELKIND_PARTITIONED_TABLE)
		tables = find_all_inheritors(def->source, AccessShareLock, NULL);
	foreach(lc, tables)
		if (!has_index(def, lfirst_oid(lc), time))
			return lfirst_oid(lc);
	return InvalidOid;
}
