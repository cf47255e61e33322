/*
 * layer_version.c
 *	  The rows of grid_layer_version: their fingerprint, and how they stay few.
 *
 * WHY ROWS
 *	  The greatest version does not do: A takes 5, B takes 6 and commits, a
 *	  reader remembers 6, A commits, and it is still 6.  One row to be updated
 *	  would make editors wait for each other.  So every editor appends a row.
 *
 * ITS NUMBER
 *	  is the id of the (sub)transaction that edits, 64 bits wide: no two edits
 *	  ever have the same, not after ROLLBACK TO and not after the extension has
 *	  been dropped and created anew.
 *
 * FOLDING
 *	  Who appends and finds many rows replaces those that are committed by one
 *	  with their sums.  A snapshot that does not see the folding sees the rows
 *	  as before; one that does was taken after it was committed, hence after
 *	  what it has folded, and would have seen all of that: either way the sums
 *	  are what they would be without.
 */
#include "layer_version.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "layer_log.h"
#include "utils/snapmgr.h"

/* A row, as sql/install/21-layer-versions.sql declares it. */
typedef struct VersionRow
{
	Oid			relation;
	int64		newest;
	int64		count;
	int64		total;
} VersionRow;

enum
{
	COLUMN_RELATION = 1,
	COLUMN_NEWEST,
	COLUMN_COUNT,
	COLUMN_TOTAL,
	NCOLUMNS = COLUMN_TOTAL
};

#define MANY_ROWS	32			/* more than that are folded */
#define MOST_ROWS	256			/* at a time */

/* No column can be NULL and the alignment is that of C. */
static const VersionRow *
version_row(HeapTuple row)
{
	return (const VersionRow *) GETSTRUCT(row);
}

static void
add_row(LayerVersion *version, const VersionRow *row)
{
	version->count += row->count;
	version->newest = Max(version->newest, row->newest);
	version->total = (int64) ((uint64) version->total + (uint64) row->total);
}

void
layer_version_read(Oid relation, Snapshot snapshot, LayerVersion *version)
{
	Relation	table = layer_log_open(LAYER_LOG_VERSION, AccessShareLock);
	SysScanDesc scan = layer_log_scan(LAYER_LOG_VERSION, table, relation, snapshot);
	HeapTuple	row;

	memset(version, 0, sizeof(*version));
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		add_row(version, version_row(row));
		version->own |= layer_log_is_own(row);
	}
	systable_endscan(scan);
	table_close(table, NoLock);
}

static void
append_row(Oid relation, const LayerVersion *version)
{
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {0};

	values[COLUMN_RELATION - 1] = ObjectIdGetDatum(relation);
	values[COLUMN_NEWEST - 1] = Int64GetDatum(version->newest);
	values[COLUMN_COUNT - 1] = Int64GetDatum(version->count);
	values[COLUMN_TOTAL - 1] = Int64GetDatum(version->total);
	layer_log_append(LAYER_LOG_VERSION, values, nulls);
}

/* Copies of up to MOST_ROWS rows of others; what is left is folded next time. */
static int
rows_of_others(Relation table, Oid relation, HeapTuple *rows)
{
	SysScanDesc scan = layer_log_scan(LAYER_LOG_VERSION, table, relation, SnapshotSelf);
	HeapTuple	row;
	int			n = 0;

	while (n < MOST_ROWS && HeapTupleIsValid(row = systable_getnext(scan)))
		if (!layer_log_is_own(row))
			rows[n++] = heap_copytuple(row);
	systable_endscan(scan);
	return n;
}

static void
fold(Oid relation)
{
	Relation	table = layer_log_open(LAYER_LOG_VERSION, RowExclusiveLock);
	HeapTuple	rows[MOST_ROWS];
	int			n = rows_of_others(table, relation, rows);
	LayerVersion sums = {0};

	for (int i = 0; i < n; i++)
	{
		if (n > MANY_ROWS && layer_log_remove(table, rows[i]))
			add_row(&sums, version_row(rows[i]));
		heap_freetuple(rows[i]);
	}
	if (sums.count > 0)
		append_row(relation, &sums);
	table_close(table, NoLock);
}

void
layer_version_append(Oid relation)
{
	int64		number = (int64) U64FromFullTransactionId(GetCurrentFullTransactionId());
	LayerVersion version = {.count = 1, .newest = number, .total = number};

	append_row(relation, &version);
	fold(relation);
}
