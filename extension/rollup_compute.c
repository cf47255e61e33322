/*
 * rollup_compute.c
 *	  The figures of a rollup computed and written, without knowing why.
 *
 * Cells are computed from the source, and areas merged from the level below.  A
 * figure is one row of the rollup: an area, a bucket and its dimensions.
 * Touched are all figures of the touched cells, those that are gone included,
 * and whatever counts them.  So a figure that somebody has spoilt is right again
 * as soon as anything in it is touched.
 *
 * Areas look their parts up one figure at a time, in the index of what is side
 * by side: a street has hundreds of parts in a bucket, and one report concerns
 * as many of them as there are communities.  Where many figures of an area are
 * touched, that would read its entries once for each, and the area is merged as
 * a whole.
 */
#include "rollup_compute.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "rollup_owner.h"
#include "rollup_rows.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

/* Looking a cell up in the source costs as much as reading so many of its rows. */
#define ROWS_PER_LOOKUP 20

/* An area with more touched figures in a bucket is merged as a whole. */
#define MOST_FIGURES 4

/* The touched figures, as rows (code[, bucket], dimensions). */
#define TOUCHED_FIGURES "touched_figures"

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

/* Look so many touched cells up one by one, or read the source once? */
static bool
look_up_by_code(const RollupDef *def, int64 count)
{
	double		rows = counted_rows(def->source);

	return !OidIsValid(rollup_table_without_index(def, NULL)) &&
		(rows == 0 || (double) count * ROWS_PER_LOOKUP < rows);
}

/* The columns of a table of figures before the first dimension. */
static int
columns_before_dims(const RollupDef *def, Oid table)
{
	return (table == def->rest ? 1 : 2) + (def->ntimes > 0);
}

/* A row of NAME_rows is in an area of the lowest level, or in the rest. */
static char *
is_of_kind(const RollupDef *def, const char *code, bool rest)
{
	return psprintf("%s IS %s", sql_ancestor(def, code, 0), rest ? "NULL" : "NOT NULL");
}

/* Figures aggregated from rows w of the source that fulfil a condition. */
static char *
figures_of_rows(const RollupDef *def, const char *join, const char *condition)
{
	return psprintf("SELECT w.cell AS code%s%s%s FROM %s w%s WHERE %s GROUP BY w.cell%s%s",
					sql_bucket(def, "w"), sql_rows_dims(def, "w", true), sql_aggregates(def, "w"),
					def->rows_name, join, condition,
					sql_bucket(def, "w"), sql_rows_dims(def, "w", false));
}

/*
 * The touched cells, looked up for each code within its buckets: LATERAL,
 * because the planner knows no selectivity for a range that comes from a join
 * and would read the whole source.
 */
static char *
cells_looked_up(const RollupDef *def, bool rest)
{
	char	   *inside = psprintf("%s%s%s", sql_in_cell(def, "w", "t.code", rest),
								  def->ntimes > 0 ? " AND w.bucket OPERATOR(pg_catalog.=) ANY (t.buckets)" : "",
								  sql_times_near(def, "w", "t.first", "t.last"));

	return psprintf("SELECT f.* FROM (SELECT c.code%s FROM " TOUCHED_CELLS " c WHERE %s GROUP BY c.code) t"
					" CROSS JOIN LATERAL (%s) f",
					def->ntimes > 0 ? ", pg_catalog.array_agg(c.bucket) AS buckets,"
					" pg_catalog.min(c.bucket) AS first, pg_catalog.max(c.bucket) AS last" : "",
					is_of_kind(def, "c.code", rest), figures_of_rows(def, "", inside));
}

/* The touched cells, picked out of the whole source: without an index, or where they are many. */
static char *
cells_picked(const RollupDef *def, bool rest)
{
	char	   *join = psprintf(" JOIN " TOUCHED_CELLS " t ON %s%s", sql_code_is(def, "w.cell", "t.code"),
								sql_same_bucket(def, "w", "t"));

	return figures_of_rows(def, join, is_of_kind(def, "w.code", rest));
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

/* All areas of a level merged from the figures below. */
static char *
areas_merged(const RollupDef *def, int level, bool rest)
{
	char	   *area = sql_ancestor(def, "p.code", level);

	return psprintf("SELECT %s AS code%s%s%s FROM (%s) p WHERE %s IS NOT NULL GROUP BY 1%s%s",
					area, sql_bucket(def, "p"), sql_dims(def, "p."), sql_merges(def, "p"),
					parts_of_level(def, level, rest, ""), area,
					sql_bucket(def, "p"), sql_dims(def, "p."));
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

/* " OR a.p1 IS NULL OR a.p2 IS NULL …" */
static char *
or_null(const char *alias, const char *prefix, int count)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 1; i <= count; i++)
		appendStringInfo(&buf, " OR %s%s%d IS NULL", alias, prefix, i);
	return buf.data;
}

/* " AND r.dimension = t.d1 …" in the operators of the index, which serve if none is NULL. */
static char *
same_dims(const RollupDef *def)
{
	AttrNumber	first = columns_before_dims(def, def->rollup) + 1;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->ndims; i++)
	{
		Oid			type = get_atttype(def->rollup, first + i);
		Oid			equals = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;

		appendStringInfoString(&buf, " AND ");
		generate_operator_clause(&buf, psprintf("r.%s", quote_identifier(def->dims[i].name)), type, equals,
								 psprintf("t.d%d", i + 1), type);
	}
	return buf.data;
}

/* " AND …": the dimensions of r are those of t, or t is a whole area. */
static char *
whole_or_same_dims(const RollupDef *def)
{
	if (def->ndims == 0)
		return pstrdup("");
	return psprintf(" AND (t.whole OR pg_catalog.record_eq(ROW(%s), ROW(%s)))",
					sql_dims(def, "r.") + 2, numbered("t.", "d", def->ndims) + 2);
}

/*
 * The figures of a level that count touched ones, as rows (code[, bucket],
 * whole, dimensions): one figure, or all those of the area.
 */
static char *
areas_around(const RollupDef *def, int level)
{
	char	   *dims = numbered("f.", "d", def->ndims);
	char	   *figures = psprintf("SELECT DISTINCT %s AS code%s%s FROM " TOUCHED_FIGURES " f",
								   sql_ancestor(def, "f.code", level), sql_bucket(def, "f"), dims);
	StringInfoData buf;

	if (def->ndims == 0)
		return psprintf("SELECT f.code%s, false AS whole FROM (%s) f WHERE f.code IS NOT NULL",
						sql_bucket(def, "f"), figures);
	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT DISTINCT a.code%s, a.whole", sql_bucket(def, "a"));
	for (int i = 1; i <= def->ndims; i++)
		appendStringInfo(&buf, ", CASE WHEN NOT a.whole THEN a.d%d END AS d%d", i, i);
	appendStringInfo(&buf, " FROM (SELECT f.*, pg_catalog.count(*) OVER (PARTITION BY f.code%s)"
					 " OPERATOR(pg_catalog.>) %d AS whole FROM (%s) f WHERE f.code IS NOT NULL) a",
					 sql_bucket(def, "f"), MOST_FIGURES, figures);
	return buf.data;
}

/* The figures that areas_around, which are called areas, lists, merged from those below. */
static char *
areas_merged_around(const RollupDef *def, int level, bool rest)
{
	char	   *inside = psprintf(" AND %s%s",
								  sql_code_between(def, "r.code", "t.code",
												   psprintf("%s.grid_last(t.code)", def->schema)),
								  sql_same_bucket(def, "r", "t"));
	char	   *parts = parts_of_level(def, level, rest, psprintf("%s%s", inside, same_dims(def)));

	/* Costs nothing where it does not apply, which is seen before anything is read. */
	if (def->ndims > 0)
		parts = psprintf("%s UNION ALL %s", parts,
						 parts_of_level(def, level, rest,
										psprintf("%s%s AND (t.whole%s)", inside, whole_or_same_dims(def),
												 or_null("t.", "d", def->ndims))));
	return psprintf("SELECT t.code%s%s%s FROM areas t CROSS JOIN LATERAL"
					" (SELECT %s FROM (%s) p%s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0) m",
					sql_bucket(def, "t"), sql_dims(def, "m."), sql_measures(def, "m."),
					psprintf("%s%s", sql_dims(def, "p."), sql_merges(def, "p")) + 2,
					parts, sql_group_by_dims(def, "p."));
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

/* The figures as stored: where they are, key, hash of the dimensions, and the measures as a record. */
static char *
stored_figures(const RollupDef *def, const char *level, const char *join)
{
	Oid			table = level ? def->rollup : def->rest;

	return psprintf("SELECT r.id, r.code%s, %s%s, ROW(%s)"
					" FROM (SELECT r.ctid, r.code%s%s%s FROM %s%s%s) r(id, code%s%s%s)",
					sql_bucket(def, "r"), dims_hash(def, table, "r."), numbered("r.", "d", def->ndims),
					numbered("r.", "m", def->nmeasures) + 2,
					sql_bucket(def, "r"), sql_dims(def, "r."), sql_measures(def, "r."),
					level ? psprintf("%s r", def->rollup_name) : sql_rest(def, "r"), join,
					level ? psprintf(" WHERE r.level OPERATOR(pg_catalog.=) %s", quote_literal_cstr(level)) : "",
					def->ntimes > 0 ? ", bucket" : "", numbered("", "d", def->ndims),
					numbered("", "m", def->nmeasures));
}

/* ", COALESCE(f.p1, o.p1) AS p1 …" */
static char *
either(const char *prefix, int count)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 1; i <= count; i++)
		appendStringInfo(&buf, ", COALESCE(f.%s%d, o.%s%d) AS %s%d", prefix, i, prefix, i, prefix, i);
	return buf.data;
}

/* Fresh figures beside stored ones: where these are, key, measures, and what is to be done. */
static char *
figures_compared(const RollupDef *def, Oid table)
{
	char	   *dims = def->ndims > 0 ?
		psprintf(" AND pg_catalog.record_eq(ROW(%s), ROW(%s))", numbered("f.", "d", def->ndims) + 2,
				 numbered("o.", "d", def->ndims) + 2) : "";

	return psprintf("SELECT o.id, f.code IS NULL AS gone, COALESCE(f.code, o.code) AS code%s%s%s,"
					" o.id IS NULL OR f.code IS NULL OR NOT pg_catalog.record_image_eq(ROW(%s), o.measures) AS differs"
					" FROM fresh f FULL JOIN stored o ON %s%s AND %s OPERATOR(pg_catalog.=) o.hash%s",
					def->ntimes > 0 ? ", COALESCE(f.bucket, o.bucket) AS bucket" : "",
					either("d", def->ndims), numbered("f.", "m", def->nmeasures),
					numbered("f.", "m", def->nmeasures) + 2,
					sql_code_is(def, "f.code", "o.code"), sql_same_bucket(def, "f", "o"),
					dims_hash(def, table, "f."), dims);
}

/*
 * Make the figures of a level, or of the rest where level is NULL, equal to
 * fresh ones: all, or those of the stored ones that the join leaves.  Rows that
 * are right already stay as they are, and others keep their place in the indexes
 * if their page has room: most of what is touched has changed in one dimension
 * only.  All the keys are added to touched, unless that is NULL.
 */
static void
write_figures(const RollupDef *def, const char *level, const char *areas, const char *fresh,
			  const char *join, RollupRows *touched)
{
	Oid			table = level ? def->rollup : def->rest;
	char	   *name = level ? def->rollup_name : def->rest_name;
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	char	   *dims = numbered("", "d", def->ndims);
	char	   *measures = numbered("", "m", def->nmeasures);
	char	   *sql;

	sql = psprintf("WITH %sfresh(code%s%s%s) AS (%s), stored(id, code%s, hash%s, measures) AS (%s),"
				   " pair AS MATERIALIZED (SELECT c.* FROM (%s) c%s),"
				   " changed AS (UPDATE %s r SET %s FROM pair p"
				   " WHERE r.ctid OPERATOR(pg_catalog.=) p.id AND p.differs AND NOT p.gone),"
				   " gone AS (DELETE FROM %s r USING pair p WHERE r.ctid OPERATOR(pg_catalog.=) p.id AND p.gone),"
				   " added AS (INSERT INTO %s SELECT code%s%s%s%s FROM pair WHERE id IS NULL%s)"
				   " SELECT code%s%s FROM pair%s",
				   areas, bucket, dims, measures, fresh, bucket, dims, stored_figures(def, level, join),
				   figures_compared(def, table), touched ? "" : " WHERE c.differs",
				   name, assignments(def, table), name,
				   name, level ? psprintf(", %s", quote_literal_cstr(level)) : "",
				   bucket, dims, measures, key_order(def),
				   bucket, dims, touched ? "" : " LIMIT 0");
	if (touched)
		rollup_rows_add(touched, sql);
	else
		rollup_execute(sql);
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

/* All figures of a level, or of the rest. */
static void
write_all(const RollupDef *def, const char *level, const char *fresh, bool filled)
{
	CHECK_FOR_INTERRUPTS();
	if (filled)
		write_figures(def, level, "", fresh, "", NULL);
	else
		write_first_figures(def, level, fresh);
}

/* Most sources have codes of the lowest level only. */
static bool
has_rest(const RollupDef *def)
{
	return rollup_execute(psprintf("SELECT FROM %s LIMIT 1", def->rest_name)) > 0;
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

void
rollup_compute_all(const RollupDef *def, bool filled)
{
	bool		rest;

	for (int part = 0; part < 2; part++)
		write_all(def, part == 0 ? def->levels[0] : NULL,
				  figures_of_rows(def, "", is_of_kind(def, "w.code", part == 1)), filled);
	rest = has_rest(def);
	for (int level = 1; level < def->nlevels; level++)
		write_all(def, def->levels[level], areas_merged(def, level, rest), filled);
	if (!filled)
		create_indexes(def);
}

/*
 * Areas of the lowest level and the rest may be computed under different
 * snapshots: a cell is one or the other.
 */
void
rollup_compute_touched(const RollupDef *def, int64 count, bool rest)
{
	RollupRows *figures = rollup_rows_create(TOUCHED_FIGURES);
	bool		by_code = look_up_by_code(def, count);
	char	   *cells = psprintf(" JOIN " TOUCHED_CELLS " t ON %s%s", sql_code_is(def, "r.code", "t.code"),
								 sql_same_bucket(def, "r", "t"));
	char	   *areas = psprintf(" JOIN areas t ON %s%s%s", sql_code_is(def, "r.code", "t.code"),
								 sql_same_bucket(def, "r", "t"), whole_or_same_dims(def));

	for (int part = 0; part < (rest ? 2 : 1); part++)
		write_figures(def, part == 0 ? def->levels[0] : NULL, "",
					  by_code ? cells_looked_up(def, part == 1) : cells_picked(def, part == 1),
					  cells, figures);
	rollup_rows_publish(figures);
	rest = has_rest(def);
	for (int level = 1; level < def->nlevels; level++)
	{
		CHECK_FOR_INTERRUPTS();
		write_figures(def, def->levels[level],
					  psprintf("areas AS MATERIALIZED (%s), ", areas_around(def, level)),
					  areas_merged_around(def, level, rest), areas, NULL);
	}
	rollup_rows_free(figures);
}
