/*
 * layer_version.c
 *	  Versions: how a backend knows, under the snapshot of its statement,
 *	  whether a layer's polygons are those it has seen.
 *
 * PROTOCOL
 *	  Whoever changes a row of a layer's table appends a row to
 *	  grid_layer_version, once a subtransaction, with a number from a sequence,
 *	  before the change.  It is visible exactly where the change is: after commit,
 *	  to new snapshots, on a standby; not after ROLLBACK or ROLLBACK TO.  What
 *	  snapshots see of the committed rows only grows, and a number is never given
 *	  twice, so equal sets of rows mean equal polygons, and number, greatest and
 *	  sum of the set tell it from every other that can be seen.  Appending waits
 *	  for nobody.
 *
 * FOLDING
 *	  An editor who sees many rows merges those that nobody else is merging into
 *	  one that stands for all: number and sum are added up.  Deleting them does
 *	  not wait, and who still sees the old rows does not see the new one.
 */
#include "layer_version.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "gridtree.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Visible rows of a table from which on an editor folds them. */
#define FOLD_FROM	32

/* Columns, as sql/install/21-layer-versions.sql declares them. */
enum
{
	COLUMN_RELATION = 1,
	COLUMN_NEWEST,
	COLUMN_COUNT,
	COLUMN_TOTAL,
	NCOLUMNS = COLUMN_TOTAL
};

/* Where the rows are; found once, because they are read in every statement. */
static Oid	version_table = InvalidOid;
static Oid	version_index = InvalidOid;

static void
forget_table(Datum arg pg_attribute_unused(), Oid relation)
{
	if (relation == version_table || !OidIsValid(relation))
		version_table = InvalidOid;
}

static Relation
open_table(LOCKMODE mode)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(forget_table, (Datum) 0);
		registered = true;
	}
	if (!OidIsValid(version_table))
	{
		Oid			schema = gridtree_schema();
		Oid			table = get_relname_relid("grid_layer_version", schema);

		version_index = get_relname_relid("grid_layer_version_relation_idx", schema);
		version_table = table;
		return table_open(table, mode);
	}
	return table_open(version_table, mode);
}

static SysScanDesc
begin_scan(Relation table, Oid relation, Snapshot snapshot)
{
	ScanKeyData key;

	ScanKeyInit(&key, COLUMN_RELATION, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	return systable_beginscan(table, version_index, true, snapshot, 1, &key);
}

static int64
get_column(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;

	return DatumGetInt64(fastgetattr(tuple, column, desc, &isnull));
}

/* Add a row to what has been read. */
static void
add_row(LayerVersion *version, HeapTuple tuple, TupleDesc desc)
{
	version->count += get_column(tuple, desc, COLUMN_COUNT);
	version->newest = Max(version->newest, get_column(tuple, desc, COLUMN_NEWEST));
	version->total += get_column(tuple, desc, COLUMN_TOTAL);
}

static bool
is_own(HeapTuple tuple)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
}

void
layer_version_read(Oid relation, Snapshot snapshot, LayerVersion *version)
{
	Relation	table = open_table(AccessShareLock);
	SysScanDesc scan = begin_scan(table, relation, snapshot);
	HeapTuple	tuple;

	memset(version, 0, sizeof(*version));
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		add_row(version, tuple, RelationGetDescr(table));
		version->own |= is_own(tuple);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
}

static void
insert_row(Relation table, Oid relation, const LayerVersion *version)
{
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {0};

	values[COLUMN_RELATION - 1] = ObjectIdGetDatum(relation);
	values[COLUMN_NEWEST - 1] = Int64GetDatum(version->newest);
	values[COLUMN_COUNT - 1] = Int64GetDatum(version->count);
	values[COLUMN_TOTAL - 1] = Int64GetDatum(version->total);
	CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
}

/* Merge the rows of others into one. */
static void
fold(Relation table, Oid relation)
{
	Snapshot	snapshot = RegisterSnapshot(GetActiveSnapshot());
	SysScanDesc scan = begin_scan(table, relation, snapshot);
	LayerVersion merged = {0};
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TM_FailureData failure;

		if (!is_own(tuple) &&
			table_tuple_delete(table, &tuple->t_self, GetCurrentCommandId(true), snapshot,
							   InvalidSnapshot, false, &failure, false) == TM_Ok)
			add_row(&merged, tuple, RelationGetDescr(table));
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	if (merged.count > 0)
		insert_row(table, relation, &merged);
}

static int
count_visible(Relation table, Oid relation)
{
	SysScanDesc scan = begin_scan(table, relation, GetActiveSnapshot());
	int			n = 0;

	while (HeapTupleIsValid(systable_getnext(scan)))
		n++;
	systable_endscan(scan);
	return n;
}

/* --- once a subtransaction --- */

typedef struct Appended
{
	Oid			relation;
	SubTransactionId subtransaction;
} Appended;

static HTAB *appended = NULL;	/* of this transaction */

static void
forget_appended(XactEvent event pg_attribute_unused(), void *arg pg_attribute_unused())
{
	appended = NULL;			/* it went with the transaction's memory */
}

/* Note that this subtransaction appends; false where it has already. */
static bool
note_appended(Oid relation)
{
	static bool registered = false;
	Appended	key = {relation, GetCurrentSubTransactionId()};
	bool		found;

	if (!registered)
	{
		RegisterXactCallback(forget_appended, NULL);
		registered = true;
	}
	if (appended == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Appended), .entrysize = sizeof(Appended),
		.hcxt = TopTransactionContext};

		appended = hash_create("gridtree edited layers", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	hash_search(appended, &key, HASH_ENTER, &found);
	return !found;
}

void
layer_version_append(Oid relation)
{
	Relation	table;
	LayerVersion version = {.count = 1};

	if (!note_appended(relation))
		return;
	table = open_table(RowExclusiveLock);
	version.newest = version.total =
		nextval_internal(get_relname_relid("grid_layer_version_seq", RelationGetNamespace(table)), false);
	insert_row(table, relation, &version);
	if (count_visible(table, relation) >= FOLD_FROM)
		fold(table, relation);
	table_close(table, RowExclusiveLock);
}
