/*
 * rollup_refresh.c
 *	  Brings a rollup up to date: grid_rollup_refresh and
 *	  grid_rollup_refresh_batched.
 *
 * PURPOSE
 *	  Take the touched cells from the log, recompute them from the source, and
 *	  merge what counts a figure that this has changed, level by level, from the
 *	  level below.  Cells are recomputed and never adjusted, so whatever was wrong
 *	  with one is right afterwards, with all that counts it.
 *
 * LAYOUT
 *	  Writers append to NAME_log in the transaction that changes the source: a
 *	  change and its log row become visible together.  What a log row says is in
 *	  rollup_log.h.  Figures are in NAME and NAME_rest, see rollup_def.h, and in
 *	  grid_rollup_state is what refreshes tell each other.
 *
 * CONCURRENCY PROTOCOL
 *	  1. The source is locked ACCESS SHARE, which excludes drop; the rollup is
 *		 locked after 2., so that one refresh at a time has any lock on it.
 *		 Writers lock the source and the log and never the rollup, so nobody
 *		 waits in a circle.
 *	  2. The rollup's row of grid_rollup_state, which writers do not read, is
 *		 updated first.  So two refreshes come one after the other; the second
 *		 continues with newer snapshots at READ COMMITTED, and at REPEATABLE READ
 *		 or SERIALIZABLE fails with 40001 if the first committed after its
 *		 snapshot: an old snapshot never overwrites what a newer one has computed.
 *	  3. The log is taken by DELETE … RETURNING under a snapshot T: by
 *		 visibility, not by number or time.  A writer that is in flight keeps its
 *		 log row for the next refresh.
 *	  4. Cells are recomputed under a snapshot S, the same as T or later.  Every
 *		 change whose log row was taken is visible in S.  A writer that commits
 *		 between T and S is in the figures already, and its log row stays: the
 *		 next refresh computes the same again.  Nothing is lost, nothing is
 *		 counted twice.
 *		 The number of rows in no cell is a sum of differences that writers log.
 *		 So it may be counted only under T: in the statement that takes the log.
 *	  5. Areas are merged from stored figures, which only refreshes write, one at
 *		 a time: later statements may have later snapshots and see the same.
 *	  6. All of this is one transaction.  A reader of NAME_live sees the figures
 *		 and the log under one snapshot: with this transaction, or without it; a
 *		 cell without a visible log row is equal to the source under the
 *		 reader's snapshot.  A crash leaves the log and the figures as they were.
 *	  7. TRUNCATE and DETACH log "everything" and hold a lock that excludes 1.,
 *		 so a refresh sees them done or not begun.  ATTACH, INHERIT and DETACH
 *		 CONCURRENTLY exclude nobody: a refresh beside them may count the
 *		 partition or not, and their "everything", which is committed with them,
 *		 stays for the next one.  So does that of the refresh's own transaction
 *		 where its snapshot is from before; and that of an ALTER TABLE that
 *		 rewrites the source, which looks empty to older snapshots.
 */
#include "rollup.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "rollup_compute.h"
#include "rollup_def.h"
#include "rollup_log.h"
#include "rollup_owner.h"
#include "rollup_rows.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

PG_FUNCTION_INFO_V1(grid_rollup_refresh);
PG_FUNCTION_INFO_V1(grid_rollup_refresh_batched);
PG_FUNCTION_INFO_V1(grid_rollup_touch);

/* Touched cells, as taken from the log. */
typedef struct Touched
{
	RollupRows *cells;			/* rows (code[, bucket]); none where everything is touched */
	int64		count;
	bool		everything;
	int64		unassigned;		/* rows in no cell, where everything is touched */
	bool		rest;			/* some are no area of the lowest level */
	bool		again;			/* the next refresh is to compute everything, too */
} Touched;

/* So few are always taken one by one. */
#define FEW_TOUCHED 1000

bool
rollup_is_busy(Oid rollup)
{
	bool		busy;

	SPI_connect();
	busy = !rollup_lock_state(rollup);
	SPI_finish();
	return busy;
}

/* A column of the only row of the last result, kept beyond the next query. */
static Datum
keep(int column, bool *isnull)
{
	Form_pg_attribute attribute = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);

	return *isnull ? (Datum) 0 : datumCopy(value, attribute->attbyval, attribute->attlen);
}

/* Steps 1 and 2 of the protocol.  Returns the definition. */
static RollupDef *
begin_refresh(Oid rollup, RollupState *state)
{
	RollupDef  *def = rollup_load(rollup, false);

	rollup_check_may_refresh(rollup);
	LockRelationOid(def->source, AccessShareLock);
	def = rollup_load(rollup, false);	/* it may have been dropped or altered meanwhile */
	if (!rollup_begin_state(def, state))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("rollup \"%s\" was created after this transaction's snapshot",
						get_rel_name(rollup))));
	return def;
}

static bool
log_has(const RollupDef *def, const char *condition)
{
	return rollup_execute(psprintf("SELECT FROM %s WHERE %s LIMIT 1", def->log_name, condition)) > 0;
}

/* Distinct cells in the log. */
static int64
count_log(const RollupDef *def)
{
	bool		isnull;

	rollup_execute(psprintf("SELECT pg_catalog.count(*) FROM (SELECT DISTINCT code%s FROM %s WHERE " LOG_IS_CELL ") c",
							def->ntimes > 0 ? ", bucket" : "", def->log_name));
	return DatumGetInt64(keep(1, &isnull));
}

/* Is it less work to compute everything than so many cells? */
static bool
is_most(int64 touched, int64 cells)
{
	return touched > Max(cells / 2, FEW_TOUCHED);
}

/* The touched cells and "everything", deleted: all, or so many cells with all their rows. */
static char *
taken_rows(const RollupDef *def, int64 max_cells)
{
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	char	   *returned = psprintf("RETURNING l.code%s, l.xmin AS writer", sql_bucket(def, "l"));

	if (max_cells == 0)
		return psprintf("taken AS (DELETE FROM %s l WHERE l.unassigned IS NULL %s)", def->log_name, returned);
	return psprintf("chosen AS MATERIALIZED (SELECT code%s FROM %s WHERE " LOG_IS_CELL
					" GROUP BY code%s ORDER BY code%s LIMIT " INT64_FORMAT "),"
					" taken AS (DELETE FROM %s l USING chosen s WHERE %s%s %s)",
					bucket, def->log_name, bucket, bucket, max_cells,
					def->log_name, sql_code_is(def, "l.code", "s.code"), sql_same_bucket(def, "l", "s"), returned);
}

/*
 * What this transaction has done that may have changed everything, such as
 * ATTACH, has waited for others that a snapshot from before does not see.
 */
static bool
is_own(Datum writers)
{
	Datum	   *xids;
	int			count;

	if (!IsolationUsesXactSnapshot())
		return false;
	deconstruct_array(DatumGetArrayTypeP(writers), XIDOID, sizeof(TransactionId), true, TYPALIGN_INT,
					  &xids, NULL, &count);
	for (int i = 0; i < count; i++)
		if (TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xids[i])))
			return true;
	return false;
}

/* Columns of what take_log returns, before the bucket; those on all cells together are the same in each row. */
enum
{
	TAKEN_CODE = 1,
	TAKEN_REST,
	TAKEN_WRITERS,
	TAKEN_UNASSIGNED
};

/*
 * Step 3.  Where everything is to be computed, the rows in no cell are counted
 * in the same statement, and what the log said of them goes.  The cells are in
 * the order of the indexes in which they are looked up.
 */
static void
take_log(const RollupDef *def, int64 max_cells, Touched *touched)
{
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	TupleTableSlot *first;
	Datum		writers;
	bool		isnull;

	touched->cells = rollup_rows_create(TOUCHED_CELLS);
	rollup_rows_add(touched->cells,
					psprintf("WITH %s, cells AS MATERIALIZED (SELECT DISTINCT code%s FROM taken WHERE " LOG_IS_CELL "),"
							 " summary AS MATERIALIZED (SELECT COALESCE(c.rest, false) AS rest, t.writers"
							 " FROM (SELECT pg_catalog.bool_or(%s IS NULL) AS rest FROM cells) c,"
							 " (SELECT pg_catalog.array_agg(writer) FILTER (WHERE code IS NULL) AS writers FROM taken) t),"
							 " counted AS (DELETE FROM %s l USING summary s WHERE s.writers IS NOT NULL AND l.unassigned IS NOT NULL)"
							 " SELECT c.code, s.rest, s.writers, CASE WHEN s.writers IS NOT NULL THEN (%s) END AS unassigned%s"
							 " FROM summary s LEFT JOIN cells c ON s.writers IS NULL ORDER BY c.code%s",
							 taken_rows(def, max_cells), bucket, sql_ancestor(def, "code", 0),
							 def->log_name, sql_count_unassigned(def), sql_bucket(def, "c"), sql_bucket(def, "c")));
	first = rollup_rows_first(touched->cells);
	(void) slot_getattr(first, TAKEN_CODE, &isnull);
	touched->count = isnull ? 0 : tuplestore_tuple_count(touched->cells->store);
	touched->rest = DatumGetBool(slot_getattr(first, TAKEN_REST, &isnull));
	touched->unassigned = DatumGetInt64(slot_getattr(first, TAKEN_UNASSIGNED, &isnull));
	writers = slot_getattr(first, TAKEN_WRITERS, &isnull);
	touched->everything = !isnull;
	touched->again = touched->everything && is_own(writers);
	ExecDropSingleTupleTableSlot(first);
}

/* Make one log row of those that change the number of rows in no cell. */
static void
sum_unassigned(const RollupDef *def)
{
	rollup_execute(psprintf("WITH gone AS (DELETE FROM %s l WHERE l.unassigned IS NOT NULL"
							" AND 1 OPERATOR(pg_catalog.<) (SELECT pg_catalog.count(*) FROM %s c WHERE c.unassigned IS NOT NULL)"
							" RETURNING l.unassigned), total AS (SELECT pg_catalog.sum(unassigned)::pg_catalog.int8 AS n FROM gone)"
							" INSERT INTO %s (unassigned) SELECT n FROM total WHERE n OPERATOR(pg_catalog.<>) 0",
							def->log_name, def->log_name, def->log_name));
}

/* Number of cells there are. */
static int64
count_cells(const RollupDef *def)
{
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	bool		isnull;

	rollup_execute(psprintf("SELECT pg_catalog.count(*) FROM (SELECT DISTINCT code%s FROM %s"
							" WHERE level OPERATOR(pg_catalog.=) %s"
							" UNION ALL SELECT DISTINCT code%s FROM %s) c",
							bucket, def->rollup_name, quote_literal_cstr(def->levels[0]),
							bucket, def->rest_name));
	return DatumGetInt64(keep(1, &isnull));
}

/* A full build.  Returns how many lowest cells there are. */
static int64
build(const RollupDef *def, bool filled)
{
	rollup_compute_all(def, filled);
	rollup_execute(psprintf("ANALYZE %s, %s", def->rollup_name, def->rest_name));
	return count_cells(def);
}

/* What is done once everything is computed. */
static void
finish_build(const RollupDef *def, const Touched *touched, int64 cells)
{
	rollup_end_state(def, cells);
	if (touched->everything && touched->unassigned != 0)
		rollup_log_append(def->log, NULL, 0, touched->unassigned);
	if (touched->again)
		rollup_log_everything(def->log);
}

/* The refresh proper, as the rollup's owner.  Returns the cells it has computed. */
static int64
refresh(const RollupDef *def, int64 max_cells, const RollupState *before)
{
	Touched		touched = {0};
	int64		cells;

	if (!before->filled && !log_has(def, LOG_IS_EVERYTHING))
		rollup_log_everything(def->log);
	if (max_cells > 0 && (is_most(count_log(def), before->cells) || log_has(def, LOG_IS_EVERYTHING)))
		max_cells = 0;
	sum_unassigned(def);
	take_log(def, max_cells, &touched);
	cells = touched.count;
	if (touched.everything || is_most(touched.count, before->cells))
	{
		cells = build(def, before->filled);
		finish_build(def, &touched, cells);
	}
	else if (touched.count > 0)
	{
		rollup_rows_publish(touched.cells);
		rollup_compute_touched(def, touched.count, touched.rest);
	}
	rollup_rows_free(touched.cells);
	if (max_cells == 0 || touched.count < max_cells || !log_has(def, LOG_IS_CELL))
		rollup_caught_up(def);
	return cells;
}

/* May the current user see what is in the source, which errors may quote? */
static bool
may_see_errors(const RollupDef *def)
{
	return has_privs_of_role(GetUserId(), relation_owner(def->rollup)) ||
		(pg_class_aclcheck(def->source, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		 check_enable_rls(def->source, InvalidOid, true) != RLS_ENABLED);
}

/* An error of a measure without what it quotes: a measure can raise any. */
static void
hide_error(const RollupDef *def, MemoryContext caller)
{
	int			sqlstate;

	MemoryContextSwitchTo(caller);
	sqlstate = geterrcode();
	FlushErrorState();
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("refresh of rollup %s failed", def->rollup_name),
			 errdetail("The error may quote rows of the source, and is shown to roles that may read it.")));
}

int64
rollup_refresh(Oid rollup, int64 max_cells, bool *more)
{
	OwnerContext context;
	RollupDef  *def;
	RollupState state = {0};
	int64		cells;
	bool		shown;

	SPI_connect();
	def = begin_refresh(rollup, &state);
	shown = may_see_errors(def);
	owner_enter(&context, relation_owner(rollup));
	if (!shown)					/* what measures have to say may quote rows, too */
		(void) set_config_option("client_min_messages", "error", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	cells = refresh(def, max_cells, &state);
	if (more)
		*more = log_has(def, "unassigned IS NULL");
	owner_leave(&context);
	SPI_finish();
	return cells;
}

/* The same for callers who see the error if there is one. */
static int64
refresh_discreetly(Oid rollup, int64 max_cells, bool *more)
{
	MemoryContext caller = CurrentMemoryContext;
	RollupDef  *def = rollup_load(rollup, false);
	volatile int64 cells = 0;
	bool		shown = may_see_errors(def);

	rollup_check_may_refresh(rollup);
	PG_TRY();
	{
		cells = rollup_refresh(rollup, max_cells, more);
	}
	PG_CATCH();
	{
		if (!shown)
			hide_error(def, caller);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return cells;
}

/* Have the next refresh compute everything. */
Datum
grid_rollup_touch(PG_FUNCTION_ARGS)
{
	Oid			rollup = PG_GETARG_OID(0);
	RollupDef  *def;

	SPI_connect();
	def = rollup_load(rollup, false);
	rollup_check_may_refresh(rollup);
	rollup_log_everything(def->log);
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
grid_rollup_refresh(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(refresh_discreetly(PG_GETARG_OID(0), 0, NULL));
}

/* Cells in the log now: what a batched refresh undertakes to do. */
static int64
cells_to_do(Oid rollup)
{
	RollupDef  *def = rollup_load(rollup, false);
	OwnerContext context;
	int64		count;

	if (!rollup_may_refresh(rollup, GetUserId()))
		return 0;				/* the refresh will say so */
	SPI_connect();
	owner_enter(&context, relation_owner(rollup));
	count = count_log(def);
	owner_leave(&context);
	SPI_finish();
	return count;
}

/*
 * Commits after each batch.  It ends when it has done as much as the log held
 * when it began, so that busy writers cannot keep it going for ever.
 */
Datum
grid_rollup_refresh_batched(PG_FUNCTION_ARGS)
{
	bool		atomic = !fcinfo->context || !IsA(fcinfo->context, CallContext) ||
		((CallContext *) fcinfo->context)->atomic;
	Oid			rollup = PG_GETARG_OID(0);
	int			batch = PG_GETARG_INT32(1);
	int64		left;
	bool		more;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || batch <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch must be a positive number of cells")));
	if (atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("grid_rollup_refresh_batched cannot run inside a transaction block"),
				 errhint("SELECT grid_rollup_refresh(…) refreshes in the caller's transaction.")));

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	left = cells_to_do(rollup);
	do
	{
		(void) refresh_discreetly(rollup, batch, &more);
		left -= batch;
		SPI_commit();
		CHECK_FOR_INTERRUPTS();
	} while (more && left > 0);
	SPI_finish();
	PG_RETURN_VOID();
}
