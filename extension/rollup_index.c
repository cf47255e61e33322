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

static bool
is_time(const RollupDef *def, Oid table, AttrNumber column)
{
	for (int i = 0; i < def->ntimes; i++)
		if (column == get_attnum(table, def->times[i].name))
			return true;
	return false;
}

/* A whole, valid btree on code, and a time. */
static bool
serves(const RollupDef *def, Oid table, Relation index, bool with_time)
{
	Form_pg_index form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		form->indkey.values[0] == get_attnum(table, def->code.name) &&
		(!with_time || def->ntimes == 0 ||
		 (form->indnkeyatts > 1 && is_time(def, table, form->indkey.values[1])));
}

static bool
has_index(const RollupDef *def, Oid table, bool with_time)
{
	Relation	rel = table_open(table, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = found || serves(def, table, index, with_time);
		index_close(index, AccessShareLock);
	}
	table_close(rel, AccessShareLock);
	return found;
}

/* An index of a partitioned table is valid when all partitions have it. */
Oid
rollup_table_without_index(const RollupDef *def, bool with_time)
{
	List	   *tables = list_make1_oid(def->source);
	ListCell   *lc;

	if (get_rel_relkind(def->source) != RELKIND_PARTITIONED_TABLE)
		tables = find_all_inheritors(def->source, AccessShareLock, NULL);
	foreach(lc, tables)
		if (!has_index(def, lfirst_oid(lc), with_time))
			return lfirst_oid(lc);
	return InvalidOid;
}
