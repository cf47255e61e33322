/*
 * layer_assign.c
 *	  CALL grid_assign: give every row of a table the code of its area.
 *
 * The work is one UPDATE, which writes only rows that change.  A row that
 * somebody else changes while the UPDATE waits for it is located anew, where it
 * is then, so no row ever gets the code of a place where it was before.
 *
 * PROTOCOL OF BATCHES
 *	  With a batch the table is walked in ranges of blocks, each committed, up
 *	  to where it ended at the start. A row that somebody else moves meanwhile
 *	  may slip from a range to come into one that is done, so a last sweep, one
 *	  UPDATE under one snapshot, covers the whole table again; it writes only
 *	  what the ranges missed. Hence every row committed before the sweep began
 *	  has its code; rows of writers later than that are grid_assign_trigger's.
 *	  After a crash or a cancel the next call finds most rows right already.
 *
 * The statements run under the caller's search_path, because the target's own
 * triggers do; every name of ours in them is qualified.
 */
#include "layer.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(grid_assign);

/* Rows a block where nobody has counted them yet. */
#define ROWS_PER_BLOCK	100

/* The arguments of a call, and what it has done. */
typedef struct Assignment
{
	Oid			target;
	text	   *layer;
	char	   *geom;			/* quoted */
	char	   *code;			/* quoted */
	double		tolerance;
	char	   *filter;			/* columns as t.column; or "true" */
	int64		assigned;
	int64		changed;
	int64		outside;
} Assignment;

enum
{
	PARAM_LAYER,
	PARAM_TOLERANCE,
	PARAM_FROM,
	PARAM_BEFORE,
	NPARAMS
};

/* The rows of the target, or of a range of its blocks. */
static char *
rows_clause(const Assignment *a, bool ranged)
{
	return psprintf("(%s)%s", a->filter, ranged ?
					" AND t.ctid OPERATOR(pg_catalog.>=) $3 AND t.ctid OPERATOR(pg_catalog.<) $4" : "");
}

/*
 * Rows without a point have no code.  Written without IS DISTINCT FROM, whose
 * operator cannot be qualified.
 */
static char *
assigning_update(const Assignment *a, bool ranged)
{
	char	   *gridtree = gridtree_schema_quoted();
	char	   *located = psprintf("%s.grid_locate($1, t.%s, $2)", gridtree, a->geom);

	return psprintf("UPDATE %s t SET %s = %s WHERE %s AND (t.%s OPERATOR(%s.<>) %s) IS NOT FALSE"
					" AND NOT (t.%s IS NULL AND %s IS NULL)",
					relation_quoted(a->target), a->code, located, rows_clause(a, ranged),
					a->code, gridtree, located, a->code, located);
}

/* Run a statement without JIT, which would compile for half a second a batch. */
static void
execute(const char *query, Datum *values, int nvalues, int expected)
{
	Oid			types[NPARAMS] = {TEXTOID, FLOAT8OID, TIDOID, TIDOID};
	int			nest = NewGUCNestLevel();
	int			result;

	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	result = SPI_execute_with_args(query, nvalues, types, values, NULL, false, 0);
	if (result != expected)
		elog(ERROR, "grid_assign: query failed: %s", SPI_result_code_string(result));
	AtEOXact_GUC(true, nest);
}

/* Assign the rows of blocks from <= block < before, or all of them. */
static void
assign_rows(Assignment *a, bool ranged, BlockNumber from, BlockNumber before)
{
	ItemPointerData first;
	ItemPointerData end;
	Datum		values[NPARAMS];
	int			nvalues = ranged ? NPARAMS : PARAM_FROM;

	ItemPointerSet(&first, from, 0);
	ItemPointerSet(&end, before, 0);
	values[PARAM_LAYER] = PointerGetDatum(a->layer);
	values[PARAM_TOLERANCE] = Float8GetDatum(a->tolerance);
	values[PARAM_FROM] = PointerGetDatum(&first);
	values[PARAM_BEFORE] = PointerGetDatum(&end);

	execute(assigning_update(a, ranged), values, nvalues, SPI_OK_UPDATE);
	a->changed += SPI_processed;
}

/* What the table looks like now that the work is done. */
static void
count_rows(Assignment *a)
{
	bool		isnull;

	execute(psprintf("SELECT pg_catalog.count(t.%s), pg_catalog.count(*) OPERATOR(pg_catalog.-) pg_catalog.count(t.%s) FROM %s t WHERE %s",
					 a->code, a->code, relation_quoted(a->target), rows_clause(a, false)),
			NULL, 0, SPI_OK_SELECT);
	a->assigned = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	a->outside = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
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

/* Walk the table range by range with a commit after each, then sweep it. */
static void
assign_in_batches(Assignment *a, int batch)
{
	BlockNumber step;
	BlockNumber blocks = measure_target(a->target, batch, &step);
	BlockNumber from;

	for (from = 0; from < blocks; from += Min(step, blocks - from))
	{
		BlockNumber before = from + Min(step, blocks - from);

		CHECK_FOR_INTERRUPTS();
		assign_rows(a, true, from, before);
		ereport(NOTICE,
				(errmsg("grid_assign: %d %% of \"%s\" done, " INT64_FORMAT " rows written",
						(int) (100.0 * before / blocks), get_rel_name(a->target), a->changed)));
		SPI_commit();
	}
	assign_rows(a, false, 0, 0);
	SPI_commit();
}

/* Open the target, check what can be checked before any work, and describe the job. */
static void
prepare_assignment(Assignment *a, FunctionCallInfo fcinfo)
{
	char	   *layer = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *geom = NameStr(*PG_GETARG_NAME(2));
	char	   *code = NameStr(*PG_GETARG_NAME(3));
	Relation	rel = relation_open(PG_GETARG_OID(0), RowExclusiveLock);

	if (rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot assign codes in \"%s\" because it is not a table",
						RelationGetRelationName(rel))));
	(void) geometry_column(rel, geom);
	(void) gridcode_column(rel, code);
	if (layer_read(layer) == NULL)
		layer_unknown(layer);

	a->target = RelationGetRelid(rel);
	a->layer = PG_GETARG_TEXT_P_COPY(1);
	a->geom = pstrdup(quote_identifier(geom));
	a->code = pstrdup(quote_identifier(code));
	a->tolerance = PG_GETARG_FLOAT8(4);
	layer_check_tolerance(a->tolerance);
	a->filter = PG_ARGISNULL(5) ? "true"
		: statement_filter(rel, text_to_cstring(PG_GETARG_TEXT_PP(5)), "t");
	relation_close(rel, NoLock);
}

static void
refuse_nulls(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"target", "layer", "geom_column", "code_column", "tolerance"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", names[i])));
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
	bool		can_commit = fcinfo->context && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic;
	Assignment	a = {0};
	int			batch;

	refuse_nulls(fcinfo);
	batch = checked_batch(fcinfo, can_commit);
	prepare_assignment(&a, fcinfo);

	SPI_connect_ext(batch ? SPI_OPT_NONATOMIC : 0);
	if (batch)
		assign_in_batches(&a, batch);
	else
		assign_rows(&a, false, 0, 0);
	count_rows(&a);
	SPI_finish();
	return result_row(fcinfo, &a);
}
