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
 *
 *	  The touched cells travel as arrays: a security-restricted operation has no
 *	  temporary tables.
 */
#include "rollup.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "rollup_def.h"
#include "rollup_log.h"
#include "rollup_owner.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(grid_rollup_refresh);
PG_FUNCTION_INFO_V1(grid_rollup_refresh_batched);
PG_FUNCTION_INFO_V1(grid_rollup_touch);

/* Touched cells, as taken from the log. */
typedef struct Touched
{
	int64		count;
	bool		everything;
	int64		unassigned;		/* rows in no cell, where everything is touched */
	bool		rest;			/* some are no area of the lowest level */
	bool		again;			/* the next refresh is to compute everything, too */
	Datum		values[2];		/* codes, buckets: arrays of the same length */
	Oid			types[2];
	int			nargs;			/* 1 without buckets */
	bool		by_code;		/* source rows are looked up code by code */
} Touched;

/* Looking a cell up in the source costs as much as reading so many of its rows. */
#define ROWS_PER_LOOKUP 20

/* So few are always taken one by one. */
#define FEW_TOUCHED 1000

/* More touched cells are not taken one by one: they travel in memory. */
#define MOST_TOUCHED 5000000

bool
rollup_may_refresh(Oid rollup, Oid role)
{
	const AclMode write = ACL_INSERT | ACL_UPDATE | ACL_DELETE;

	return object_ownercheck(RelationRelationId, rollup, role) ||
		pg_class_aclmask(rollup, role, write, ACLMASK_ALL) == write;
}

void
rollup_check_may_refresh(Oid rollup)
{
	if (!rollup_may_refresh(rollup, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to refresh rollup \"%s\"", get_rel_name(rollup)),
				 errhint("It takes the owner, or INSERT, UPDATE and DELETE on it.")));
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

/*
 * Step 3.  Where everything is to be computed, the rows in no cell are counted
 * in the same statement, and what the log said of them goes.
 */
static void
take_log(const RollupDef *def, int64 max_cells, Touched *touched)
{
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	Datum		writers;
	bool		isnull;

	rollup_execute(psprintf("WITH %s, cells AS MATERIALIZED (SELECT DISTINCT code%s FROM taken WHERE " LOG_IS_CELL "),"
							" summary AS MATERIALIZED (SELECT c.n, c.n OPERATOR(pg_catalog.>) %d"
							" OR t.writers IS NOT NULL AS everything, COALESCE(c.rest, false) AS rest, t.writers"
							" FROM (SELECT pg_catalog.count(*) AS n, pg_catalog.bool_or(%s IS NULL) AS rest FROM cells) c,"
							" (SELECT pg_catalog.array_agg(writer) FILTER (WHERE code IS NULL) AS writers FROM taken) t),"
							" counted AS (DELETE FROM %s l USING summary s WHERE s.everything AND l.unassigned IS NOT NULL)"
							" SELECT n, everything, rest, writers, CASE WHEN everything THEN (%s) END,"
							" CASE WHEN NOT everything THEN (SELECT pg_catalog.array_agg(code) FROM cells) END%s FROM summary",
							taken_rows(def, max_cells), bucket, MOST_TOUCHED, sql_ancestor(def, "code", 0),
							def->log_name, sql_count_unassigned(def),
							def->ntimes > 0 ? ", CASE WHEN NOT everything THEN"
							" (SELECT pg_catalog.array_agg(bucket) FROM cells) END" : ""));
	touched->count = DatumGetInt64(keep(1, &isnull));
	touched->everything = DatumGetBool(keep(2, &isnull));
	touched->rest = DatumGetBool(keep(3, &isnull));
	writers = keep(4, &isnull);
	touched->again = !isnull && is_own(writers);
	touched->unassigned = DatumGetInt64(keep(5, &isnull));
	touched->nargs = def->ntimes > 0 ? 2 : 1;
	for (int i = 0; i < touched->nargs; i++)
	{
		touched->values[i] = keep(6 + i, &isnull);
		touched->types[i] = TupleDescAttr(SPI_tuptable->tupdesc, 5 + i)->atttypid;
	}
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

/* Rows of a table and all below it as last counted; 0 where nobody has. */
static double
counted_rows(Oid top)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(top, AccessShareLock, NULL))
	{
		Relation	table = relation_open(lfirst_oid(lc), NoLock);

		/* A partitioned table's is the sum of those below it. */
		if (table->rd_rel->relkind == RELKIND_RELATION)
			rows += Max(table->rd_rel->reltuples, 0);
		relation_close(table, NoLock);
	}
	return rows;
}

/* Look the touched cells up one by one, or read the source once? */
static bool
look_up_by_code(const RollupDef *def, const Touched *touched)
{
	double		rows = counted_rows(def->source);

	return !OidIsValid(rollup_table_without_index(def, NULL)) &&
		(rows == 0 || (double) touched->count * ROWS_PER_LOOKUP < rows);
}

/*
 * Cells computed from the source, either areas of the lowest level or the rest:
 * all of them, or the touched ones.  These are looked up for each touched code
 * within its touched buckets, LATERAL, because the planner knows no selectivity
 * for a range that comes from a join and would read the whole source; or,
 * without an index or where they are many, picked out of the whole source.
 */
static char *
fresh_cells(const RollupDef *def, bool rest, const Touched *touched)
{
	char	   *kind = psprintf("%s IS %s", sql_ancestor(def, "w.code", 0), rest ? "NULL" : "NOT NULL");
	char	   *figures = psprintf("SELECT w.cell AS code%s%s%s FROM %s w",
								   sql_bucket(def, "w"), sql_rows_dims(def, "w", true),
								   sql_aggregates(def, "w"), def->rows_name);
	char	   *groups = psprintf(" GROUP BY w.cell%s%s", sql_bucket(def, "w"),
								  sql_rows_dims(def, "w", false));

	if (touched == NULL)
		return psprintf("%s WHERE %s%s", figures, kind, groups);
	if (!touched->by_code)
		return psprintf("%s JOIN %s t ON %s%s WHERE %s%s", figures, touched_cells(def),
						sql_code_is(def, "w.cell", "t.code"), sql_same_bucket(def, "w", "t"),
						kind, groups);
	return psprintf("SELECT f.* FROM (SELECT c.code%s FROM %s c"
					" WHERE %s IS %s GROUP BY c.code) t CROSS JOIN LATERAL (%s WHERE %s%s%s%s) f",
					def->ntimes > 0 ? ", pg_catalog.array_agg(c.bucket) AS buckets,"
					" pg_catalog.min(c.bucket) AS first, pg_catalog.max(c.bucket) AS last" : "",
					touched_cells(def), sql_ancestor(def, "c.code", 0), rest ? "NULL" : "NOT NULL",
					figures, sql_in_cell(def, "w", "t.code", rest),
					def->ntimes > 0 ? " AND w.bucket OPERATOR(pg_catalog.=) ANY (t.buckets)" : "",
					sql_times_near(def, "w", "t.first", "t.last"), groups);
}

/* What counts in an area of a level: areas of the level below, and what of the rest is in no such area. */
static char *
parts_of_level(const RollupDef *def, int level, bool rest, const char *condition)
{
	char	   *columns = psprintf("r.code%s%s%s", sql_bucket(def, "r"), sql_dims(def, "r."),
								   sql_measures(def, "r."));
	char	   *below = psprintf("SELECT %s FROM %s r WHERE r.level OPERATOR(pg_catalog.=) %s%s",
								 columns, def->rollup_name, quote_literal_cstr(def->levels[level - 1]),
								 condition);

	if (!rest)
		return below;
	return psprintf("%s UNION ALL SELECT %s FROM %s WHERE %s IS NULL%s", below,
					columns, sql_rest(def, "r"), sql_ancestor(def, "r.code", level - 1), condition);
}

/* Areas of a level merged from the figures below: all of them, or those around touched cells. */
static char *
merged_areas(const RollupDef *def, int level, bool rest, const Touched *touched)
{
	char	   *area = sql_ancestor(def, "p.code", level);
	char	   *inside;

	if (touched == NULL)
		return psprintf("SELECT %s AS code%s%s%s FROM (%s) p WHERE %s IS NOT NULL GROUP BY 1%s%s",
						area, sql_bucket(def, "p"), sql_dims(def, "p."), sql_merges(def, "p"),
						parts_of_level(def, level, rest, ""), area,
						sql_bucket(def, "p"), sql_dims(def, "p."));
	inside = psprintf(" AND %s%s",
					  sql_code_between(def, "r.code", "t.code",
									   psprintf("%s.grid_last(t.code)", def->schema)),
					  sql_same_bucket(def, "r", "t"));
	return psprintf("SELECT t.code%s%s%s FROM %s t CROSS JOIN LATERAL"
					" (SELECT %s FROM (%s) p%s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0) m",
					sql_bucket(def, "t"), sql_dims(def, "m."), sql_measures(def, "m."),
					touched_areas(def, level),
					psprintf("%s%s", sql_dims(def, "p."), sql_merges(def, "p")) + 2,
					parts_of_level(def, level, rest, inside), sql_group_by_dims(def, "p."));
}

/* ", a.p1, a.p2 …": columns that are called by number, because users may call them anything. */
static char *
numbered(const char *alias, const char *prefix, int count)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 1; i <= count; i++)
		appendStringInfo(&buf, ", %s%s%d", alias, prefix, i);
	return buf.data;
}

/* The columns of a table of figures before the first dimension. */
static int
columns_before_dims(const RollupDef *def, Oid table)
{
	return (table == def->rest ? 1 : 2) + (def->ntimes > 0);
}

/* "measure = p.m1, …" */
static char *
assignments(const RollupDef *def, Oid table)
{
	AttrNumber	first = columns_before_dims(def, table) + def->ndims + 1;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->nmeasures; i++)
		appendStringInfo(&buf, "%s%s = p.m%d", i > 0 ? ", " : "",
						 quote_identifier(get_attname(table, first + i, false)), i + 1);
	return buf.data;
}

/* Rows in the order of the rollup's key: what is read together is written together. */
static char *
key_order(const RollupDef *def)
{
	return psprintf(" ORDER BY %scode%s", def->ntimes > 0 ? "bucket, " : "",
					numbered("", "d", def->ndims));
}

/* A hash of the dimensions whose types have one, or rows of one area would be compared with each other. */
static char *
dims_hash(const RollupDef *def, Oid table, const char *alias)
{
	AttrNumber	first = columns_before_dims(def, table) + 1;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->ndims; i++)
		if (OidIsValid(lookup_type_cache(get_atttype(table, first + i), TYPECACHE_HASH_PROC)->hash_proc))
			appendStringInfo(&buf, "%s%sd%d", buf.len > 0 ? ", " : "", alias, i + 1);
	if (buf.len == 0)
		return pstrdup("0");
	return psprintf("pg_catalog.hash_record(ROW(%s))", buf.data);
}

/* The figures as stored: where they are, key, hash of the dimensions, and the rest of the row as two records. */
static char *
stored_figures(const RollupDef *def, Oid table, const char *level, const char *areas)
{
	return psprintf("SELECT r.id, r.code%s, %s, ROW(%s), ROW(%s)"
					" FROM (SELECT r.ctid, r.code%s%s%s FROM %s%s%s) r(id, code%s%s%s)",
					sql_bucket(def, "r"), dims_hash(def, table, "r."),
					def->ndims > 0 ? numbered("r.", "d", def->ndims) + 2 : "",
					numbered("r.", "m", def->nmeasures) + 2,
					sql_bucket(def, "r"), sql_dims(def, "r."), sql_measures(def, "r."),
					table == def->rest ? sql_rest(def, "r") : psprintf("%s r", def->rollup_name),
					areas ? psprintf(" JOIN %s t ON %s%s", areas, sql_code_is(def, "r.code", "t.code"),
									 sql_same_bucket(def, "r", "t")) : "",
					level ? psprintf(" WHERE r.level OPERATOR(pg_catalog.=) %s", quote_literal_cstr(level)) : "",
					def->ntimes > 0 ? ", bucket" : "", numbered("", "d", def->ndims),
					numbered("", "m", def->nmeasures));
}

/*
 * Make the figures of a level, or of the rest where level is NULL, equal to
 * fresh ones: all, or those of some areas.  Rows that are right already stay as
 * they are, and others keep their place in the indexes if their page has room:
 * most of what is touched has changed in one dimension only.
 */
static void
write_figures(const RollupDef *def, const char *level, const char *fresh, const char *areas,
			  const Touched *touched)
{
	Oid			table = level ? def->rollup : def->rest;
	char	   *name = level ? def->rollup_name : def->rest_name;
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	char	   *dims = numbered("", "d", def->ndims);
	char	   *measures = numbered("", "m", def->nmeasures);

	execute_touched(psprintf("WITH fresh(code%s%s%s) AS (%s),"
							 " stored(id, code%s, hash, dims, measures) AS (%s),"
							 " pair AS MATERIALIZED (SELECT o.id, f.* FROM fresh f FULL JOIN stored o ON %s%s"
							 " AND %s OPERATOR(pg_catalog.=) o.hash AND pg_catalog.record_eq(ROW(%s), o.dims)"
							 " WHERE o.id IS NULL OR f.code IS NULL"
							 " OR NOT pg_catalog.record_image_eq(ROW(%s), o.measures)),"
							 " changed AS (UPDATE %s r SET %s FROM pair p"
							 " WHERE r.ctid OPERATOR(pg_catalog.=) p.id AND p.code IS NOT NULL),"
							 " gone AS (DELETE FROM %s r USING pair p"
							 " WHERE r.ctid OPERATOR(pg_catalog.=) p.id AND p.code IS NULL)"
							 " INSERT INTO %s SELECT code%s%s%s%s FROM pair WHERE id IS NULL%s",
							 bucket, dims, measures, fresh,
							 bucket, stored_figures(def, table, level, areas),
							 sql_code_is(def, "f.code", "o.code"), sql_same_bucket(def, "f", "o"),
							 dims_hash(def, table, "f."), def->ndims > 0 ? numbered("f.", "d", def->ndims) + 2 : "",
							 numbered("f.", "m", def->nmeasures) + 2,
							 name, assignments(def, table), name,
							 name, level ? psprintf(", %s", quote_literal_cstr(level)) : "",
							 bucket, dims, measures, key_order(def)),
					touched);
}

/* The same where there are no figures yet. */
static void
write_first_figures(const RollupDef *def, const char *level, const char *fresh)
{
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	char	   *dims = numbered("", "d", def->ndims);
	char	   *measures = numbered("", "m", def->nmeasures);

	rollup_execute(psprintf("INSERT INTO %s SELECT code%s%s%s%s FROM (%s) f(code%s%s%s)%s",
							level ? def->rollup_name : def->rest_name,
							level ? psprintf(", %s", quote_literal_cstr(level)) : "",
							bucket, dims, measures, fresh, bucket, dims, measures, key_order(def)));
}

/*
 * Step 4 for areas of the lowest level or for the rest, which may be computed
 * under different snapshots: a cell is one or the other.
 */
static void
compute_cells(const RollupDef *def, const char *level, const Touched *touched, bool filled)
{
	char	   *fresh = fresh_cells(def, level == NULL, touched);

	if (filled)
		write_figures(def, level, fresh, touched ? touched_cells(def) : NULL, touched);
	else
		write_first_figures(def, level, fresh);
}

/* Step 5 for one level. */
static void
merge_level(const RollupDef *def, int level, bool rest, const Touched *touched, bool filled)
{
	char	   *fresh = merged_areas(def, level, rest, touched);

	if (filled)
		write_figures(def, def->levels[level], fresh, touched ? touched_areas(def, level) : NULL, touched);
	else
		write_first_figures(def, def->levels[level], fresh);
}

/* Steps 4 and 5, for the touched cells or, where that is NULL, all. */
static void
compute(const RollupDef *def, const Touched *touched, bool filled)
{
	bool		rest;

	compute_cells(def, def->levels[0], touched, filled);
	if (touched == NULL || touched->rest)
		compute_cells(def, NULL, touched, filled);
	/* Most sources have codes of the lowest level only. */
	rest = rollup_execute(psprintf("SELECT FROM %s LIMIT 1", def->rest_name)) > 0;
	for (int level = 1; level < def->nlevels; level++)
	{
		CHECK_FOR_INTERRUPTS();
		merge_level(def, level, rest, touched, filled);
	}
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

/* The dimensions as NAME_rest calls them: the rollup's may have been renamed since. */
static char *
rest_dims(const RollupDef *def)
{
	AttrNumber	first = columns_before_dims(def, def->rest) + 1;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->ndims; i++)
		appendStringInfo(&buf, ", %s", quote_identifier(get_attname(def->rest, first + i, false)));
	return buf.data;
}

/*
 * The indexes of a rollup that has just been filled: made at once and not row by
 * row, a full build takes half the time.  Code comes before the dimensions, so
 * that what is inside an area in a bucket is side by side.
 */
static void
create_indexes(const RollupDef *def)
{
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";

	rollup_execute("SET LOCAL default_tablespace = ''");	/* not where the session that refreshes wants it */
	rollup_execute(psprintf("CREATE UNIQUE INDEX ON %s (level%s, code%s) NULLS NOT DISTINCT",
							def->rollup_name, bucket, sql_dims(def, "")));
	rollup_execute(psprintf("CREATE INDEX ON %s (code%s)", def->rollup_name, bucket));
	rollup_execute(psprintf("CREATE UNIQUE INDEX ON %s (code%s%s) NULLS NOT DISTINCT",
							def->rest_name, bucket, rest_dims(def)));
}

/* A full build.  Returns how many lowest cells there are. */
static int64
build(const RollupDef *def, bool filled)
{
	compute(def, NULL, filled);
	if (!filled)
		create_indexes(def);
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
	if (touched.everything || is_most(touched.count, before->cells))
	{
		cells = build(def, before->filled);
		finish_build(def, &touched, cells);
		return cells;
	}
	if (touched.count > 0)
	{
		touched.by_code = look_up_by_code(def, &touched);
		compute(def, &touched, true);
	}
	return touched.count;
}

/* May the current user see what is in the source, which errors may quote? */
static bool
may_see_errors(const RollupDef *def)
{
	return has_privs_of_role(GetUserId(), relation_owner(def->rollup)) ||
		pg_class_aclcheck(def->source, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

/* An error of a measure without what it quotes.  Errors that come of the refresh itself stay. */
static void
hide_error(const RollupDef *def, MemoryContext caller)
{
	ErrorData  *error;
	int			category;

	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	if (category == ERRCODE_TRANSACTION_ROLLBACK || category == ERRCODE_OPERATOR_INTERVENTION ||
		category == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE || category == ERRCODE_INSUFFICIENT_RESOURCES)
		PG_RE_THROW();
	FlushErrorState();
	ereport(ERROR,
			(errcode(error->sqlerrcode),
			 errmsg("refresh of rollup %s failed", def->rollup_name),
			 errdetail("The error may quote rows of the source, and is shown to roles that may read it.")));
}

int64
rollup_refresh(Oid rollup, int64 max_cells, bool *more)
{
	OwnerContext context;
	RollupDef  *def;
	RollupState state = {0};
	MemoryContext caller = CurrentMemoryContext;
	volatile int64 cells = 0;
	bool		shown;

	SPI_connect();
	def = begin_refresh(rollup, &state);
	shown = may_see_errors(def);
	owner_enter(&context, relation_owner(rollup));
	PG_TRY();
	{
		cells = refresh(def, max_cells, &state);
	}
	PG_CATCH();
	{
		if (!shown)
			hide_error(def, caller);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (more)
		*more = log_has(def, "unassigned IS NULL");
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
	rollup_check_may_refresh(rollup);
	rollup_log_everything(def->log);
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
		(void) rollup_refresh(rollup, batch, &more);
		left -= batch;
		SPI_commit();
		CHECK_FOR_INTERRUPTS();
	} while (more && left > 0);
	SPI_finish();
	PG_RETURN_VOID();
}
