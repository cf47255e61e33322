/*
 * layer_assign.c
 *	  CALL grid_assign: give every row of a table the code of its area.
 *
 * The work is one UPDATE, which writes only rows that change.  A row that
 * somebody else changes while the UPDATE waits for it is located anew, where it
 * is then, so no row ever gets the code of a place where it was before.
 *
 * AFTER AN EDIT
 *	  Where a trigger has kept the codes without a break (layer_keeper.c) since
 *	  every row was assigned, only rows in the boxes that were edited since are
 *	  looked at (layer_target.c).
 *
 * WRITERS IN FLIGHT
 *	  A writer may have located a row on polygons that are edited before it
 *	  commits.  With a batch, having read the log of edits under a snapshot and
 *	  committed, grid_assign waits like CREATE INDEX CONCURRENTLY for all who
 *	  write the table and for all older snapshots; writers later than that see
 *	  these edits, and the rows of all others are seen by the UPDATE that
 *	  follows.  In one transaction nobody can be waited for: edits are taken for
 *	  done only where there was nobody, and writers in flight are warned of.
 *
 * BATCHES
 *	  The table is walked in ranges of blocks, each committed, up to where it
 *	  ended at the start.  A row that somebody else moves meanwhile may slip from
 *	  a range to come into one that is done, so a last sweep, after the wait,
 *	  covers the whole table again; it writes only what the ranges missed.  After
 *	  a crash or a cancel the next call finds most rows right already.
 *
 * The statements run under the caller's search_path, because the target's own
 * triggers do; every name of ours in them is qualified.
 */
#include "layer.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "layer_keeper.h"
#include "layer_rule.h"
#include "layer_target.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(grid_assign);

/* Rows a block where nobody has counted them yet. */
#define ROWS_PER_BLOCK	100

/* How often a box is halved, for fewer rows than a batch; at some places there are more. */
#define MOST_HALVINGS	40

/* The rows of a statement. */
typedef enum Rows
{
	ALL_ROWS,
	ROWS_OF_BLOCKS,				/* a range of blocks */
	ROWS_IN_BOX
} Rows;

/* The arguments of a call, and what it has done. */
typedef struct Assignment
{
	Oid			target;
	text	   *layer;
	Oid			relation;		/* of the layer */
	int32		srid;			/* of the layer */
	char	   *geom;			/* quoted */
	char	   *code;			/* quoted */
	char	   *filter;			/* columns as t.column; or "true" */
	LayerTarget state;			/* what keeps the target, and what it has taken in */
	TransactionId edits_below;	/* the snapshot that read the log sees no transaction from here on */
	int64		assigned;
	int64		changed;
	int64		outside;
	int			reported;		/* per cent */
	int64		committed;		/* of those changed */
} Assignment;

enum
{
	PARAM_LAYER,
	PARAM_TOLERANCE,
	PARAM_FROM,					/* of ROWS_OF_BLOCKS */
	PARAM_BEFORE,
	PARAM_WEST = PARAM_FROM,	/* of ROWS_IN_BOX */
	NPARAMS = PARAM_WEST + 4
};

/* The rows of the target that a statement is about. */
static char *
rows_clause(const Assignment *a, Rows rows)
{
	switch (rows)
	{
		case ROWS_OF_BLOCKS:
			return psprintf("(%s) AND t.ctid OPERATOR(pg_catalog.>=) $3 AND t.ctid OPERATOR(pg_catalog.<) $4", a->filter);
		case ROWS_IN_BOX:
			return psprintf("(%s) AND t.%s OPERATOR(%s.&&) %s.ST_MakeEnvelope($3, $4, $5, $6, %d)", a->filter,
							a->geom, postgis_schema_quoted(), postgis_schema_quoted(), a->srid);
		default:
			return psprintf("(%s)", a->filter);
	}
}

/*
 * Rows without a point have no code.  Written without IS DISTINCT FROM, whose
 * operator cannot be qualified.
 */
static char *
assigning_update(const Assignment *a, Rows rows)
{
	char	   *gridtree = gridtree_schema_quoted();
	char	   *located = psprintf("%s.grid_locate($1, t.%s, $2)", gridtree, a->geom);

	return psprintf("UPDATE %s t SET %s = %s WHERE %s AND (t.%s OPERATOR(%s.<>) %s) IS NOT FALSE"
					" AND NOT (t.%s IS NULL AND %s IS NULL)",
					relation_quoted(a->target), a->code, located, rows_clause(a, rows),
					a->code, gridtree, located, a->code, located);
}

/* Run a statement without JIT, which would compile for half a second a batch. */
static void
execute(const char *query, Rows rows, Datum *values, int nvalues, int expected)
{
	Oid			types[NPARAMS] = {TEXTOID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID};
	int			nest = NewGUCNestLevel();
	int			result;

	if (rows == ROWS_OF_BLOCKS)
		types[PARAM_FROM] = types[PARAM_BEFORE] = TIDOID;
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	result = SPI_execute_with_args(query, nvalues, types, values, NULL, false, 0);
	if (result == SPI_OK_REWRITTEN)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot assign codes in a table whose rules replace UPDATE")));
	if (result != expected)
		elog(ERROR, "grid_assign: query failed: %s", SPI_result_code_string(result));
	AtEOXact_GUC(true, nest);
}

/* Assign rows; the values after the tolerance are those of the rows. */
static void
assign_rows(Assignment *a, Rows rows, Datum *values, int nvalues)
{
	values[PARAM_LAYER] = PointerGetDatum(a->layer);
	values[PARAM_TOLERANCE] = Float8GetDatum(a->state.tolerance);
	execute(assigning_update(a, rows), rows, values, nvalues, SPI_OK_UPDATE);
	a->changed += SPI_processed;
}

static void
assign_all(Assignment *a)
{
	Datum		values[NPARAMS];

	assign_rows(a, ALL_ROWS, values, PARAM_FROM);
}

/* Assign the rows of blocks from <= block < before. */
static void
assign_blocks(Assignment *a, BlockNumber from, BlockNumber before)
{
	ItemPointerData first;
	ItemPointerData end;
	Datum		values[NPARAMS];

	ItemPointerSet(&first, from, 0);
	ItemPointerSet(&end, before, 0);
	values[PARAM_FROM] = PointerGetDatum(&first);
	values[PARAM_BEFORE] = PointerGetDatum(&end);
	assign_rows(a, ROWS_OF_BLOCKS, values, PARAM_BEFORE + 1);
}

/* How many of these rows have a code, now that the work is done, and how many have none. */
static void
count_rows(Assignment *a, Rows rows, Datum *values, int nvalues)
{
	bool		isnull;

	/* The first two parameters are named so that they have a use. */
	execute(psprintf("SELECT pg_catalog.count(t.%s), pg_catalog.count(*) OPERATOR(pg_catalog.-) pg_catalog.count(t.%s)"
					 " FROM %s t WHERE ($1 IS NOT NULL) AND ($2 IS NOT NULL) AND %s",
					 a->code, a->code, relation_quoted(a->target), rows_clause(a, rows)),
			rows, values, nvalues, SPI_OK_SELECT);
	a->assigned += DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	a->outside += DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
}

static void
count_all(Assignment *a)
{
	Datum		values[NPARAMS] = {PointerGetDatum(a->layer), Float8GetDatum(a->state.tolerance)};

	count_rows(a, ALL_ROWS, values, PARAM_FROM);
}

/* Make a box larger by the tolerance. */
static void
widen(void *arg, double *box)
{
	const Assignment *a = arg;
	double		tolerance = a->state.tolerance;
	KeptLayer  *kept = layer_kept(a->state.layer);
	GeometryHead farthest = {.y = Max(fabs(box[1]), fabs(box[3]))};	/* from the equator */
	double		reach_x;
	double		reach_y;

	layer_reach(kept, &farthest, tolerance, &reach_x, &reach_y);
	/* Degrees are shortest where the points farthest away may be. */
	farthest.y += reach_y;
	if (kept->geographic)
		farthest.y = Min(farthest.y, 90);
	layer_reach(kept, &farthest, tolerance, &reach_x, &reach_y);
	box[0] -= reach_x;
	box[1] -= reach_y;
	box[2] += reach_x;
	box[3] += reach_y;
}

/* The parameters of a statement about the rows in a box. */
static void
box_values(const Assignment *a, const double *box, Datum *values)
{
	values[PARAM_LAYER] = PointerGetDatum(a->layer);
	values[PARAM_TOLERANCE] = Float8GetDatum(a->state.tolerance);
	for (int i = 0; i < 4; i++)
		values[PARAM_WEST + i] = Float8GetDatum(box[i]);
}

/* Assign and count the rows where a layer was edited. */
static void
assign_box(Assignment *a, const double *box)
{
	Datum		values[NPARAMS];

	box_values(a, box, values);
	assign_rows(a, ROWS_IN_BOX, values, NPARAMS);
	count_rows(a, ROWS_IN_BOX, values, NPARAMS);
}

/* --- what is known of the target --- */

/*
 * The pg_snapshot of now, in memory that outlives a commit.  Our own transaction
 * is in progress in it, which PostgreSQL leaves out: it may go on to edit.
 */
static Datum
current_snapshot(void)
{
	Datum		snapshot = DirectFunctionCall1(pg_current_snapshot, (Datum) 0);
	uint64		xmin = U64FromFullTransactionId(DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmin, snapshot)));
	uint64		xmax = U64FromFullTransactionId(DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmax, snapshot)));
	uint64		own = U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
	char	   *xip = strrchr(DatumGetCString(DirectFunctionCall1(pg_snapshot_out, snapshot)), ':') + 1;
	StringInfoData with_own;
	bool		added = own == 0 || own >= xmax;

	if (added)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(snapshot));
	initStringInfo(&with_own);
	appendStringInfo(&with_own, UINT64_FORMAT ":" UINT64_FORMAT ":", Min(xmin, own), xmax);
	while (*xip)
	{
		uint64		xid = strtou64(xip, &xip, 10);

		if (!added && own <= xid)
		{
			appendStringInfo(&with_own, UINT64_FORMAT ",", own);
			added = true;
		}
		if (xid != own)
			appendStringInfo(&with_own, UINT64_FORMAT ",", xid);
		xip += *xip == ',';
	}
	if (!added)
		appendStringInfo(&with_own, UINT64_FORMAT ",", own);
	with_own.data[with_own.len - 1] = '\0';
	return DirectFunctionCall1(pg_snapshot_in, CStringGetDatum(with_own.data));
}

/*
 * Read the log of edits since the target last took them in, under a snapshot of
 * now, and note that snapshot.  Everywhere, where the target is not kept, or not
 * all of it has been assigned.
 */
static LayerEdits
read_edits(Assignment *a)
{
	LayerEdits	edits = {.everywhere = true};
	Snapshot	snapshot = GetTransactionSnapshot();
	LayerTarget state = a->state;

	PushActiveSnapshot(snapshot);
	a->edits_below = snapshot->xmax;
	if (a->state.keeper != 0)
	{
		if (layer_target_read(&state) && state.complete && state.keeper == a->state.keeper)
			edits = layer_edits_since(a->relation, state.consumed);
		a->state.consumed = current_snapshot();
	}
	PopActiveSnapshot();
	if (!edits.everywhere && a->state.tolerance > 0)
		layer_edits_widen(&edits, widen, a);
	return edits;
}

/*
 * Remember that the target has taken in what was read, all of it or none yet;
 * all only where it was kept all the time.
 */
static void
write_state(Assignment *a, bool complete)
{
	if (a->state.keeper == 0)
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	a->state.complete = complete && layer_keeper(&a->state) == a->state.keeper;
	layer_target_write(&a->state);
	if (a->state.complete)
		layer_edits_prune(a->relation);
	PopActiveSnapshot();
}

/* Snapshots of others that may not see all edits that were read. */
static VirtualTransactionId *
older_snapshots(const Assignment *a, int *n)
{
	TransactionId limit = a->edits_below;

	TransactionIdRetreat(limit);
	return GetCurrentVirtualXIDs(limit, true, false, PROC_IS_AUTOVACUUM | PROC_IN_VACUUM, n);
}

/* Lock tags of the target and all below it. */
static List *
target_tags(const Assignment *a)
{
	List	   *tables = find_all_inheritors(a->target, AccessShareLock, NULL);
	List	   *tags = NIL;
	ListCell   *cell;

	foreach(cell, tables)
	{
		LOCKTAG    *tag = palloc(sizeof(LOCKTAG));

		SET_LOCKTAG_RELATION(*tag, MyDatabaseId, lfirst_oid(cell));
		tags = lappend(tags, tag);
	}
	return tags;
}

static bool
has_writers(const Assignment *a)
{
	ListCell   *cell;

	foreach(cell, target_tags(a))
	{
		int			n;

		(void) GetLockConflicts(lfirst(cell), ShareLock, &n);
		if (n > 0)
			return true;
	}
	return false;
}

/* Wait for everybody who may write a code found on older polygons. */
static void
wait_for_writers(const Assignment *a)
{
	List	   *tags = target_tags(a);
	VirtualTransactionId *older;
	int			n;

	(void) older_snapshots(a, &n);
	if (n > 0 || has_writers(a))
		ereport(NOTICE,
				(errmsg("grid_assign: waiting for transactions that began before"),
				 errdetail("They may write codes of older polygons.")));
	/* Last before the waits: two of these must not wait for each other's snapshot. */
	InvalidateCatalogSnapshot();
	WaitForLockersMultiple(tags, ShareLock, false);
	older = older_snapshots(a, &n);
	for (int i = 0; i < n; i++)
		(void) VirtualXactLock(older[i], true);
}

/*
 * Blocks of the target, the most of any partition, and how many of them hold
 * about batch rows: a range of blocks is one of every partition at a time.
 */
static BlockNumber
measure_target(Oid target, int batch, BlockNumber *step)
{
	List	   *parts = find_all_inheritors(target, AccessShareLock, NULL);
	ListCell   *cell;
	BlockNumber most = 0;
	double		rows = 0;
	double		pages = 0;
	double		rows_per_block = ROWS_PER_BLOCK;

	foreach(cell, parts)
	{
		Relation	rel = table_open(lfirst_oid(cell), NoLock);

		if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
			most = Max(most, RelationGetNumberOfBlocks(rel));
		rows += Max(rel->rd_rel->reltuples, 0);
		pages += rel->rd_rel->relpages;
		table_close(rel, NoLock);
	}
	if (rows > 0 && pages > 0)
		rows_per_block = Max(rows / pages, 1);
	rows_per_block *= list_length(parts);
	*step = Max((BlockNumber) Min(batch / rows_per_block, (double) most), 1);
	return most;
}

/* Say how far it is, how fast, and how long the rest will take; once for each per cent. */
static void
report_progress(Assignment *a, double done, TimestampTz started)
{
	double		seconds = (double) (GetCurrentTimestamp() - started) / USECS_PER_SEC;
	int			rest = (int) (seconds * (1 - done) / done);

	if ((int) (100 * done) <= a->reported)
		return;
	a->reported = (int) (100 * done);
	ereport(NOTICE,
			(errmsg("grid_assign: %d %% of \"%s\" done, " INT64_FORMAT " rows written",
					(int) (100 * done), get_rel_name(a->target), a->changed),
			 errdetail("%.0f rows written a second; about %d:%02d:%02d to go.",
					   a->changed / Max(seconds, 0.001), rest / 3600, rest / 60 % 60, rest % 60)));
}

/* Walk the table range by range with a commit after each, then sweep it. */
static void
assign_all_in_batches(Assignment *a, int batch)
{
	TimestampTz started = GetCurrentTimestamp();
	BlockNumber step;
	BlockNumber blocks = measure_target(a->target, batch, &step);
	BlockNumber from;

	write_state(a, false);
	for (from = 0; from < blocks; from += Min(step, blocks - from))
	{
		BlockNumber before = from + Min(step, blocks - from);

		CHECK_FOR_INTERRUPTS();
		assign_blocks(a, from, before);
		report_progress(a, (double) before / blocks, started);
		SPI_commit();
	}
	(void) read_edits(a);
	SPI_commit();
	wait_for_writers(a);
	assign_all(a);
	write_state(a, true);
	SPI_commit();
	count_all(a);
}

static void
say_only_edited(const Assignment *a, const LayerEdits *edits)
{
	ereport(NOTICE,
			(errmsg_plural("grid_assign: only rows in %d edited area are looked at",
						   "grid_assign: only rows in %d edited areas are looked at", edits->n, edits->n),
			 errdetail("All of \"%s\" has been assigned before, and its trigger keeps it.", get_rel_name(a->target)),
			 errhint("With a filter, if only 'true', every row is looked at.")));
}

static bool
has_more_rows(const Assignment *a, const double *box, int batch)
{
	Datum		values[NPARAMS];
	bool		isnull;

	box_values(a, box, values);
	execute(psprintf("SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) %d FROM"
					 " (SELECT FROM %s t WHERE ($1 IS NOT NULL) AND ($2 IS NOT NULL) AND %s LIMIT %d::pg_catalog.int8 OPERATOR(pg_catalog.+) 1) few",
					 batch, relation_quoted(a->target), rows_clause(a, ROWS_IN_BOX), batch),
			ROWS_IN_BOX, values, NPARAMS, SPI_OK_SELECT);
	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/*
 * Assign the rows in a box, or in one half of it after the other where they are
 * more than a batch.  A row on the line between is looked at twice.
 */
static void
assign_box_in_batches(Assignment *a, const double *box, int batch, int halvings)
{
	Datum		values[NPARAMS];

	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	if (halvings < MOST_HALVINGS && has_more_rows(a, box, batch))
	{
		int			axis = box[2] - box[0] < box[3] - box[1];
		double		half[4] = {box[0], box[1], box[2], box[3]};

		half[axis + 2] = box[axis] + (box[axis + 2] - box[axis]) / 2;
		assign_box_in_batches(a, half, batch, halvings + 1);
		half[axis] = half[axis + 2];
		half[axis + 2] = box[axis + 2];
		assign_box_in_batches(a, half, batch, halvings + 1);
		return;
	}
	box_values(a, box, values);
	assign_rows(a, ROWS_IN_BOX, values, NPARAMS);
	if (a->changed - a->committed >= batch)
	{
		SPI_commit();
		a->committed = a->changed;
	}
}

/* Assign where the layer was edited, committing between. */
static void
assign_edited_in_batches(Assignment *a, const LayerEdits *edits, int batch)
{
	Datum		values[NPARAMS];

	say_only_edited(a, edits);
	SPI_commit();
	wait_for_writers(a);
	for (int i = 0; i < edits->n; i++)
	{
		assign_box_in_batches(a, edits->boxes[i], batch, 0);
		box_values(a, edits->boxes[i], values);
		count_rows(a, ROWS_IN_BOX, values, NPARAMS);
	}
	write_state(a, true);
	SPI_commit();
}

static void
assign_in_batches(Assignment *a, int batch)
{
	LayerEdits	edits = read_edits(a);

	if (edits.everywhere)
		assign_all_in_batches(a, batch);
	else
		assign_edited_in_batches(a, &edits, batch);
}

/* The same in the caller's transaction. */
static void
assign_in_transaction(Assignment *a)
{
	LayerEdits	edits = read_edits(a);
	bool		writers = has_writers(a);
	int			older;

	(void) older_snapshots(a, &older);
	if (writers)
		ereport(WARNING,
				(errmsg("rows that other transactions are writing to \"%s\" may keep older codes", get_rel_name(a->target)),
				 errdetail("Those transactions may not see the latest edits of the layer."),
				 errhint("Call grid_assign with a batch, which waits for them.")));
	if (edits.everywhere)
	{
		assign_all(a);
		count_all(a);
	}
	else
	{
		say_only_edited(a, &edits);
		for (int i = 0; i < edits.n; i++)
			assign_box(a, edits.boxes[i]);
	}
	/* An older snapshot of our own would not show the rows that others have committed since. */
	if (!writers && older == 0 && !IsolationUsesXactSnapshot())
		write_state(a, true);
}

/* --- arguments --- */

/* Who may not write the codes must not lock the table either. */
static void
check_rights(Oid target, const char *code)
{
	AttrNumber	column = get_attnum(target, code);

	if (pg_class_aclcheck(target, GetUserId(), ACL_UPDATE) != ACLCHECK_OK &&
		(column == InvalidAttrNumber || pg_attribute_aclcheck(target, column, GetUserId(), ACL_UPDATE) != ACLCHECK_OK))
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(target)), get_rel_name(target));
}

/* Open the target, check what can be checked before any work, and describe the job. */
static void
prepare_assignment(Assignment *a, FunctionCallInfo fcinfo)
{
	char	   *layer = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *geom = NameStr(*PG_GETARG_NAME(2));
	char	   *code = NameStr(*PG_GETARG_NAME(3));
	Relation	rel;

	check_rights(PG_GETARG_OID(0), code);
	rel = relation_open(PG_GETARG_OID(0), RowExclusiveLock);
	if (rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot assign codes in \"%s\" because it is not a table",
						RelationGetRelationName(rel))));
	(void) geometry_column(rel, geom);
	(void) gridcode_column(rel, code);

	a->target = RelationGetRelid(rel);
	a->layer = PG_GETARG_TEXT_P_COPY(1);
	a->relation = layer_kept(layer)->relation;
	a->srid = layer_kept(layer)->srid;
	check_column_of_points(rel, geom, layer, a->srid);
	a->geom = pstrdup(quote_identifier(geom));
	a->code = pstrdup(quote_identifier(code));
	layer_check_tolerance(PG_GETARG_FLOAT8(4));
	a->filter = PG_ARGISNULL(5) ? "true"
		: statement_filter(rel, text_to_cstring(PG_GETARG_TEXT_PP(5)), "t");
	a->state.target = a->target;
	strlcpy(a->state.layer, layer, NAMEDATALEN);
	namestrcpy(&a->state.geom_column, geom);
	namestrcpy(&a->state.code_column, code);
	a->state.tolerance = PG_GETARG_FLOAT8(4);
	a->state.keeper = PG_ARGISNULL(5) ? layer_keeper(&a->state) : 0;
	layer_keeper_warn(&a->state);
	relation_close(rel, NoLock);
}

/* The batch, 0 for none; only a CALL outside a transaction block may commit. */
static int
checked_batch(FunctionCallInfo fcinfo, bool can_commit)
{
	int			batch;

	if (PG_ARGISNULL(6))
		return 0;
	batch = PG_GETARG_INT32(6);
	if (batch < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch must be a positive number of rows: %d", batch)));
	if (!can_commit)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("grid_assign with a batch cannot run inside a transaction block"),
				 errhint("Call it on its own, or leave batch out to work in this transaction.")));
	return batch;
}

static Datum
result_row(FunctionCallInfo fcinfo, const Assignment *a)
{
	TupleDesc	desc;
	Datum		values[3] = {Int64GetDatum(a->assigned), Int64GetDatum(a->changed), Int64GetDatum(a->outside)};
	bool		nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "grid_assign is not declared as it should be");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
grid_assign(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"target", "layer", "geom_column", "code_column", "tolerance"};
	bool		can_commit = fcinfo->context && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic;
	Assignment	a = {0};
	int			batch;

	refuse_null_arguments(fcinfo, names, lengthof(names));
	batch = checked_batch(fcinfo, can_commit);
	prepare_assignment(&a, fcinfo);

	SPI_connect_ext(batch ? SPI_OPT_NONATOMIC : 0);
	if (batch)
		assign_in_batches(&a, batch);
	else
		assign_in_transaction(&a);
	SPI_finish();
	return result_row(fcinfo, &a);
}
