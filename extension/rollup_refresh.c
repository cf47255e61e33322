/*
 * rollup_refresh.c
 *	  Brings a rollup up to date: grid_rollup_refresh and
 *	  grid_rollup_refresh_batched.
 *
 * PURPOSE
 *	  Take the touched cells from the log, recompute them from the source, then
 *	  recompute the areas around them, level by level, from the level below.
 *	  Cells are recomputed and never adjusted, so whatever was wrong with one is
 *	  right afterwards.
 *
 * LAYOUT
 *	  Writers append (code, bucket) to NAME_log in the transaction that changes
 *	  the source: a change and its log row become visible together.  A log row
 *	  without a code says "everything".  Figures are in NAME and NAME_rest, see
 *	  rollup_def.h.
 *
 * CONCURRENCY PROTOCOL
 *	  1. The source is locked ACCESS SHARE, then the rollup ROW EXCLUSIVE; drop
 *		 takes them in the same order.  Writers lock the source and the log and
 *		 never the rollup, so nobody waits in a circle.
 *	  2. The rollup's catalog row is updated first.  So two refreshes come one
 *		 after the other; the second continues with newer snapshots at READ
 *		 COMMITTED, and at REPEATABLE READ or SERIALIZABLE fails with 40001 if
 *		 the first committed after its snapshot: an old snapshot never
 *		 overwrites what a newer one has computed.
 *	  3. The log is taken by DELETE … RETURNING under a snapshot T: by
 *		 visibility, not by number or time.  A writer that is in flight keeps its
 *		 log row for the next refresh.
 *	  4. Cells are recomputed under a snapshot S, the same as T or later.  Every
 *		 change whose log row was taken is visible in S.  A writer that commits
 *		 between T and S is in the figures already, and its log row stays: the
 *		 next refresh computes the same again.  Nothing is lost, nothing is
 *		 counted twice.
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
 *		 stays for the next one.
 *
 *	  The touched cells travel as arrays: a security-restricted operation has no
 *	  temporary tables.
 */
#include "rollup.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "rollup_def.h"
#include "rollup_owner.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

PG_FUNCTION_INFO_V1(grid_rollup_refresh);
PG_FUNCTION_INFO_V1(grid_rollup_refresh_batched);
PG_FUNCTION_INFO_V1(grid_rollup_touch);

/* Touched cells, as taken from the log. */
typedef struct Touched
{
	int64		count;
	bool		everything;
	Datum		values[2];		/* codes, buckets: arrays of the same length */
	Oid			types[2];
	int			nargs;			/* 1 without buckets */
	bool		by_code;		/* source rows are looked up code by code */
} Touched;

/* Looking a cell up in the source costs as much as reading so many of its rows. */
#define ROWS_PER_LOOKUP 20

bool
rollup_may_refresh(Oid rollup, Oid role)
{
	const AclMode write = ACL_INSERT | ACL_UPDATE | ACL_DELETE;

	return object_ownercheck(RelationRelationId, rollup, role) ||
		pg_class_aclmask(rollup, role, write, ACLMASK_ALL) == write;
}

static void
check_may_refresh(Oid rollup)
{
	if (!rollup_may_refresh(rollup, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to refresh rollup \"%s\"", get_rel_name(rollup)),
				 errhint("It takes the owner, or INSERT, UPDATE and DELETE on it.")));
}

/* Steps 1 and 2 of the protocol.  Returns the definition. */
static RollupDef *
begin_refresh(Oid rollup)
{
	RollupDef  *def = rollup_load(rollup, false);
	OwnerContext context;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(rollup)};
	uint64		updated;

	check_may_refresh(rollup);
	LockRelationOid(def->source, AccessShareLock);
	LockRelationOid(rollup, RowExclusiveLock);
	def = rollup_load(rollup, false);	/* it may have been dropped or altered meanwhile */

	owner_enter_catalog(&context);
	updated = rollup_execute_args(psprintf("UPDATE %s.grid_rollup_catalog"
										   " SET refreshed_at = pg_catalog.clock_timestamp()"
										   " WHERE rollup = $1", def->schema),
								  1, types, values, NULL);
	owner_leave(&context);
	if (updated != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("rollup \"%s\" was created after this transaction's snapshot",
						get_rel_name(rollup))));
	return def;
}

/* A column of the only row of the last result, kept beyond the next query. */
static Datum
keep(int column, bool *isnull)
{
	Form_pg_attribute attribute = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);

	return *isnull ? (Datum) 0 : datumCopy(value, attribute->attbyval, attribute->attlen);
}

static bool
log_has(const RollupDef *def, const char *condition)
{
	return rollup_execute(psprintf("SELECT FROM %s WHERE %s LIMIT 1", def->log_name, condition)) > 0;
}

/* Step 3.  With a limit, so many cells with all their log rows. */
static void
take_log(const RollupDef *def, int64 max_cells, Touched *touched)
{
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	const char *some = "";
	const char *using = "";
	bool		isnull;

	if (max_cells > 0 && !log_has(def, "code IS NULL"))
	{
		some = psprintf("chosen AS MATERIALIZED (SELECT code%s FROM %s WHERE code IS NOT NULL"
						" GROUP BY code%s ORDER BY code%s LIMIT " INT64_FORMAT "), ",
						bucket, def->log_name, bucket, bucket, max_cells);
		using = psprintf(" USING chosen s WHERE %s%s", sql_code_is(def, "l.code", "s.code"),
						 sql_same_bucket(def, "l", "s"));
	}
	rollup_execute(psprintf("WITH %staken AS (DELETE FROM %s l%s RETURNING l.code%s),"
							" cells AS (SELECT DISTINCT code%s FROM taken)"
							" SELECT pg_catalog.count(code), pg_catalog.bool_or(code IS NULL),"
							" pg_catalog.array_agg(code) FILTER (WHERE code IS NOT NULL)%s FROM cells",
							some, def->log_name, using, sql_bucket(def, "l"), bucket,
							def->ntimes > 0 ?
							", pg_catalog.array_agg(bucket) FILTER (WHERE code IS NOT NULL)" : ""));
	touched->count = DatumGetInt64(keep(1, &isnull));
	touched->everything = DatumGetBool(keep(2, &isnull));
	touched->nargs = def->ntimes > 0 ? 2 : 1;
	for (int i = 0; i < touched->nargs; i++)
	{
		touched->values[i] = keep(3 + i, &isnull);
		touched->types[i] = TupleDescAttr(SPI_tuptable->tupdesc, 2 + i)->atttypid;
	}
}

static uint64
execute_touched(const char *sql, const Touched *touched)
{
	if (touched == NULL)
		return rollup_execute(sql);
	return rollup_execute_args(sql, touched->nargs, (Oid *) touched->types,
							   (Datum *) touched->values, NULL);
}

/* The touched cells as a table: (SELECT code[, bucket] …). */
static const char *
touched_cells(const RollupDef *def)
{
	return def->ntimes > 0 ?
		"(SELECT u.code, u.bucket FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) u(code, bucket))" :
		"(SELECT u.code FROM pg_catalog.unnest($1) u(code))";
}

/* The areas of a level around the touched cells, as a table. */
static char *
touched_areas(const RollupDef *def, int level)
{
	return psprintf("(SELECT DISTINCT n.code%s FROM %s c CROSS JOIN LATERAL (SELECT %s) n(code)"
					" WHERE n.code IS NOT NULL)",
					sql_bucket(def, "c"), touched_cells(def), sql_ancestor(def, "c.code", level));
}

static void
delete_figures(const RollupDef *def, const char *table, const char *level, const char *areas,
			   const Touched *touched)
{
	execute_touched(psprintf("DELETE FROM %s r USING %s t WHERE %s%s%s", table, areas,
							 sql_code_is(def, "r.code", "t.code"), sql_same_bucket(def, "r", "t"),
							 level ? psprintf(" AND r.level OPERATOR(pg_catalog.=) %s",
											  quote_literal_cstr(level)) : ""),
					touched);
}

/* Can the rows of a code be found in the source without reading all of it? */
static bool
has_code_index(const RollupDef *def)
{
	Relation	source = table_open(def->source, AccessShareLock);
	AttrNumber	code = get_attnum(def->source, def->code.name);
	List	   *indexes = RelationGetIndexList(source);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indkey.values[0] == code &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
			found = true;
		index_close(index, AccessShareLock);
	}
	table_close(source, AccessShareLock);
	return found;
}

/* Rows of the source as last counted; 0 where nobody has. */
static double
source_rows(const RollupDef *def)
{
	Relation	source = table_open(def->source, AccessShareLock);
	double		rows = Max(source->rd_rel->reltuples, 0);

	table_close(source, AccessShareLock);
	return rows;
}

/* Look the touched cells up one by one, or read the source once? */
static bool
look_up_by_code(const RollupDef *def, const Touched *touched)
{
	double		rows = source_rows(def);

	return has_code_index(def) &&
		(rows == 0 || (double) touched->count * ROWS_PER_LOOKUP < rows);
}

/*
 * Cells computed from the source: all of them, or the touched ones.  These are
 * looked up for each touched code with its touched buckets, LATERAL, because
 * the planner knows no selectivity for a range that comes from a join and would
 * read the whole source; or, without an index or where they are many, picked
 * out of the whole source, read once.
 */
static char *
fresh_cells(const RollupDef *def, const Touched *touched)
{
	char	   *figures = psprintf("SELECT w.cell AS code%s%s%s FROM %s w",
								   sql_bucket(def, "w"), sql_rows_dims(def, "w", true),
								   sql_aggregates(def, "w"), def->rows_name);
	char	   *groups = psprintf(" GROUP BY w.cell%s%s", sql_bucket(def, "w"),
								  sql_rows_dims(def, "w", false));

	if (touched == NULL)
		return psprintf("%s%s", figures, groups);
	if (!touched->by_code)
		return psprintf("%s JOIN %s t ON %s%s%s", figures, touched_cells(def),
						sql_code_is(def, "w.cell", "t.code"), sql_same_bucket(def, "w", "t"),
						groups);
	return psprintf("SELECT f.* FROM (SELECT c.code%s FROM %s c GROUP BY c.code) t"
					" CROSS JOIN LATERAL (%s WHERE %s AND %s%s%s) f",
					def->ntimes > 0 ? ", pg_catalog.array_agg(c.bucket) AS buckets" : "",
					touched_cells(def), figures,
					sql_code_between(def, "w.code", "t.code", sql_cell_end(def, "t.code")),
					sql_code_is(def, "w.cell", "t.code"),
					def->ntimes > 0 ? " AND w.bucket OPERATOR(pg_catalog.=) ANY (t.buckets)" : "",
					groups);
}

/* Rows of a level in the order of the rollup's key: then its index is filled page by page. */
static char *
index_order(const RollupDef *def)
{
	return psprintf(" ORDER BY %s%scode", def->ntimes > 0 ? "bucket, " : "",
					def->ndims > 0 ? psprintf("%s, ", sql_dims(def, "") + 2) : "");
}

/* Step 4: the lowest areas and the rest, in one statement, so under one snapshot. */
static void
compute_cells(const RollupDef *def, const Touched *touched)
{
	char	   *columns = psprintf("%s%s%s", def->ntimes > 0 ? ", bucket" : "",
								   sql_dims(def, ""), sql_measures(def, ""));

	execute_touched(psprintf("WITH fresh AS MATERIALIZED (%s),"
							 " rest AS (INSERT INTO %s SELECT code%s FROM fresh WHERE %s IS NULL)"
							 " INSERT INTO %s SELECT code, %s%s FROM fresh WHERE %s IS NOT NULL%s",
							 fresh_cells(def, touched),
							 def->rest_name, columns, sql_ancestor(def, "code", 0),
							 def->rollup_name, quote_literal_cstr(def->levels[0]), columns,
							 sql_ancestor(def, "code", 0), index_order(def)),
					touched);
}

/* What counts in an area of a level: areas of the level below, and the rest in no such area. */
static char *
parts_of_level(const RollupDef *def, int level, const char *condition)
{
	char	   *columns = psprintf("r.code%s%s%s", sql_bucket(def, "r"), sql_dims(def, "r."),
								   sql_measures(def, "r."));

	return psprintf("SELECT %s FROM %s r WHERE r.level OPERATOR(pg_catalog.=) %s%s"
					" UNION ALL SELECT %s FROM %s WHERE %s IS NULL%s",
					columns, def->rollup_name, quote_literal_cstr(def->levels[level - 1]), condition,
					columns, sql_rest(def, "r"), sql_ancestor(def, "r.code", level - 1), condition);
}

/* Step 5 for one level. */
static void
merge_level(const RollupDef *def, int level, const Touched *touched)
{
	char	   *columns = psprintf("%s%s%s", def->ntimes > 0 ? ", bucket" : "",
								   sql_dims(def, ""), sql_measures(def, ""));
	char	   *area = sql_ancestor(def, "p.code", level);
	char	   *source;
	char	   *inside;

	if (touched == NULL)
		source = psprintf("SELECT %s AS code%s%s%s FROM (%s) p WHERE %s IS NOT NULL GROUP BY 1%s%s",
						  area, sql_bucket(def, "p"), sql_dims(def, "p."), sql_merges(def, "p"),
						  parts_of_level(def, level, ""), area,
						  sql_bucket(def, "p"), sql_dims(def, "p."));
	else
	{
		inside = psprintf(" AND %s%s",
						  sql_code_between(def, "r.code", "t.code",
										   psprintf("%s.grid_last(t.code)", def->schema)),
						  sql_same_bucket(def, "r", "t"));
		source = psprintf("SELECT t.code%s%s%s FROM %s t CROSS JOIN LATERAL"
						  " (SELECT 1%s%s FROM (%s) p GROUP BY 1%s"
						  " HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0) m",
						  sql_bucket(def, "t"), sql_dims(def, "m."), sql_measures(def, "m."),
						  touched_areas(def, level), sql_dims(def, "p."), sql_merges(def, "p"),
						  parts_of_level(def, level, inside), sql_dims(def, "p."));
	}
	execute_touched(psprintf("INSERT INTO %s SELECT code, %s%s FROM (%s) s%s",
							 def->rollup_name, quote_literal_cstr(def->levels[level]),
							 columns, source, index_order(def)),
					touched);
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

static int64
rebuild(const RollupDef *def)
{
	OwnerContext context;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(def->rollup)};

	rollup_execute(psprintf("DELETE FROM %s", def->rollup_name));
	rollup_execute(psprintf("DELETE FROM %s", def->rest_name));
	compute_cells(def, NULL);
	for (int level = 1; level < def->nlevels; level++)
		merge_level(def, level, NULL);

	owner_enter_catalog(&context);
	rollup_execute_args(psprintf("UPDATE %s.grid_rollup_catalog SET filled = true"
								 " WHERE rollup = $1 AND NOT filled", def->schema),
						1, types, values, NULL);
	owner_leave(&context);
	return count_cells(def);
}

static int64
recompute(const RollupDef *def, const Touched *touched)
{
	delete_figures(def, def->rollup_name, def->levels[0], touched_cells(def), touched);
	delete_figures(def, def->rest_name, NULL, touched_cells(def), touched);
	compute_cells(def, touched);
	for (int level = 1; level < def->nlevels; level++)
	{
		CHECK_FOR_INTERRUPTS();
		delete_figures(def, def->rollup_name, def->levels[level], touched_areas(def, level), touched);
		merge_level(def, level, touched);
	}
	return touched->count;
}

int64
rollup_refresh(Oid rollup, int64 max_cells, bool *more)
{
	Touched		touched = {0};
	OwnerContext context;
	RollupDef  *def;
	int64		cells = 0;

	SPI_connect();
	def = begin_refresh(rollup);
	owner_enter(&context, relation_owner(rollup));
	take_log(def, max_cells, &touched);
	if (touched.everything)
		cells = rebuild(def);
	else if (touched.count > 0)
	{
		touched.by_code = look_up_by_code(def, &touched);
		cells = recompute(def, &touched);
	}
	if (more)
		*more = log_has(def, "true");
	owner_leave(&context);
	SPI_finish();
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
	check_may_refresh(rollup);
	rollup_touch_everything(def);
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
grid_rollup_refresh(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(rollup_refresh(PG_GETARG_OID(0), 0, NULL));
}

/* Cells in the log now: what a batched refresh undertakes to do. */
static int64
count_log(Oid rollup)
{
	RollupDef  *def = rollup_load(rollup, false);
	OwnerContext context;
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	bool		isnull;
	int64		count;

	if (!rollup_may_refresh(rollup, GetUserId()))
		return 0;				/* the refresh will say so */
	SPI_connect();
	owner_enter(&context, relation_owner(rollup));
	rollup_execute(psprintf("SELECT pg_catalog.count(*) FROM (SELECT DISTINCT code%s FROM %s) c",
							bucket, def->log_name));
	count = DatumGetInt64(keep(1, &isnull));
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
	left = count_log(rollup);
	do
	{
		(void) rollup_refresh(rollup, batch, &more);
		left -= batch;
		SPI_commit();
		CHECK_FOR_INTERRUPTS();
	} while (more && left > 0);
	SPI_finish();
	PG_RETURN_VOID();
}
