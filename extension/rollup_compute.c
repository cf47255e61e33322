/*
 * rollup_compute.c
 *	  The figures of a rollup computed and written, without knowing why.
 *
 * Cells are computed from the source, and areas merged from the level below.  A
 * figure is one row of the rollup: an area, a bucket and its dimensions.  What is
 * merged again are the figures that count one which has changed in a touched
 * cell, or is new or gone: a change that nobody measures ends at the cell.
 *
 * Areas look their parts up one figure at a time, in the index of what is side
 * by side: a street has hundreds of parts in a bucket, and one report concerns
 * as many of them as there are communities.  Where many figures of an area are
 * concerned, that would read its entries once for each, and the area is merged
 * as a whole.
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

/* So many buckets of a code are looked up one by one. */
#define FEW_BUCKETS 16

/* An area is merged as a whole where more of its figures in a bucket are concerned. */
#define MOST_FIGURES 4

/* What has changed in touched cells, as rows (code[, bucket], dimensions). */
#define CHANGED_FIGURES "changed_figures"

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

/* Does an index lead to a bucket of a code, whatever the time that puts a row there? */
static bool
times_are_indexed(const RollupDef *def)
{
	for (int i = 0; i < def->ntimes; i++)
		if (OidIsValid(rollup_table_without_index(def, def->times[i].name)))
			return false;
	return true;
}

/*
 * The lookups that find the touched cells, as rows (code[, first, last]): where
 * few buckets of a code are touched one by one, because they may be far apart;
 * else from the first to the last, for each lookup goes through all entries of
 * the code.
 */
static char *
lookups(const RollupDef *def, bool rest)
{
	char	   *kind = is_of_kind(def, "c.code", rest);

	if (def->ntimes == 0)
		return psprintf("SELECT c.code FROM " TOUCHED_CELLS " c WHERE %s", kind);
	return psprintf("SELECT c.code, pg_catalog.min(c.bucket) AS first, pg_catalog.max(c.bucket) AS last"
					" FROM (SELECT c.*, pg_catalog.count(*) OVER (PARTITION BY c.code) OPERATOR(pg_catalog.<=) %d AS few"
					" FROM " TOUCHED_CELLS " c WHERE %s) c"
					" GROUP BY c.code, CASE WHEN c.few THEN c.bucket END ORDER BY c.code, first",
					times_are_indexed(def) ? FEW_BUCKETS : 0, kind);
}

/*
 * The touched cells, looked up: LATERAL, because the planner knows no selectivity
 * for a range that comes from a join and would read the whole source; and first
 * of all, or it would go through all touched cells after each lookup.
 */
static char *
cells_looked_up(const RollupDef *def, bool rest)
{
	char	   *inside = psprintf("%s%s%s", sql_in_cell(def, "w", "t.code", rest),
								  def->ntimes > 0 ? " AND w.bucket OPERATOR(pg_catalog.>=) t.first"
								  " AND w.bucket OPERATOR(pg_catalog.<=) t.last" : "",
								  sql_times_near(def, "w", "t.first", "t.last"));

	return psprintf("WITH f AS MATERIALIZED (SELECT f.* FROM (%s) t CROSS JOIN LATERAL (%s) f)"
					" SELECT f.* FROM f JOIN " TOUCHED_CELLS " c ON %s%s",
					lookups(def, rest), figures_of_rows(def, "", inside),
					sql_code_is(def, "f.code", "c.code"), sql_same_bucket(def, "f", "c"));
}

/* The touched cells, picked out of the whole source: without an index, or where they are many. */
static char *
cells_picked(const RollupDef *def, bool rest)
{
	char	   *join = psprintf(" JOIN " TOUCHED_CELLS " t ON %s%s", sql_code_is(def, "w.cell", "t.code"),
								sql_same_bucket(def, "w", "t"));

	return figures_of_rows(def, join, is_of_kind(def, "w.code", rest));
}

/* Figures as stored of a level, or of the rest where level is NULL, that fulfil " AND …"; id is "r.ctid, " or nothing. */
static char *
stored_figures(const RollupDef *def, const char *level, const char *id, const char *condition)
{
	return psprintf("SELECT %sr.code%s%s%s FROM %s WHERE %s%s", id, sql_bucket(def, "r"), sql_dims(def, "r."),
					sql_measures(def, "r."), level ? psprintf("%s r", def->rollup_name) : sql_rest(def, "r"),
					level ? psprintf("r.level OPERATOR(pg_catalog.=) %s", quote_literal_cstr(level)) : "true",
					condition);
}

/* What counts in an area of a level: areas of the level below, and what of the rest is in no such area. */
static char *
parts_of_level(const RollupDef *def, int level, bool rest, const char *condition)
{
	char	   *below = stored_figures(def, def->levels[level - 1], "", condition);

	if (!rest)
		return below;
	return psprintf("%s UNION ALL %s", below,
					stored_figures(def, NULL, "", psprintf(" AND %s IS NULL%s",
														   sql_ancestor(def, "r.code", level - 1), condition)));
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

/* Rows in the order of the rollup's key: what is read together is written together. */
static char *
key_order(const RollupDef *def)
{
	return psprintf(" ORDER BY %scode%s", def->ntimes > 0 ? "bucket, " : "",
					numbered("", "d", def->ndims));
}

/* A value of a domain as one of the type beneath: operators of polymorphic types take no domains. */
static char *
without_domain(char *value, Oid type)
{
	Oid			base = getBaseType(type);

	if (base == type)
		return value;
	/* format_type_be would say "character", which is character(1) to the parser. */
	return psprintf("(%s::%s)", value, format_type_extended(base, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
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
		Oid			base = getBaseType(type);
		char	   *stored_dim = psprintf("r.%s", quote_identifier(def->dims[i].name));

		appendStringInfoString(&buf, " AND ");
		generate_operator_clause(&buf, without_domain(stored_dim, type), base,
								 lookup_type_cache(base, TYPECACHE_EQ_OPR)->eq_opr,
								 without_domain(psprintf("t.d%d", i + 1), type), base);
	}
	return buf.data;
}

/* A dimension is NULL, so that "=" finds nothing.  (IS NULL is something else for composite types.) */
static char *
has_null(const RollupDef *def, const char *alias)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 1; i <= def->ndims; i++)
		appendStringInfo(&buf, "%s%s.d%d IS NOT DISTINCT FROM NULL", i > 1 ? " OR " : "(", alias, i);
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

/* " AND …": r is of the dimensions of t, or t is a whole area. */
static char *
whole_or_same_dims(const RollupDef *def)
{
	return psprintf(" AND (t.whole OR pg_catalog.record_eq(ROW(%s), ROW(%s)))",
					sql_dims(def, "r.") + 2, numbered("t.", "d", def->ndims) + 2);
}

/*
 * The figures of a level that count changed ones, as rows (code[, bucket],
 * dimensions, whole): one figure; or, where these are many, or several that no
 * index leads to, one row for all figures of the area, with the dimensions of
 * any.
 */
static char *
areas_around(const RollupDef *def, int level)
{
	char	   *columns = psprintf("f.code%s%s", sql_bucket(def, "f"), numbered("f.", "d", def->ndims));
	char	   *order = psprintf("%sf.code", def->ntimes > 0 ? "f.bucket, " : "");
	char	   *figures = psprintf("SELECT DISTINCT %s AS code%s%s FROM " CHANGED_FIGURES " f",
								   sql_ancestor(def, "f.code", level), sql_bucket(def, "f"),
								   numbered("f.", "d", def->ndims));

	if (def->ndims == 0)
		return psprintf("SELECT f.* FROM (%s) f WHERE f.code IS NOT NULL ORDER BY %s", figures, order);
	return psprintf("SELECT %s, f.whole FROM (SELECT %s, pg_catalog.row_number() OVER area AS k,"
					" pg_catalog.count(*) OVER area OPERATOR(pg_catalog.>) %d"
					" OR pg_catalog.count(*) FILTER (WHERE %s) OVER area OPERATOR(pg_catalog.>) 1 AS whole"
					" FROM (%s) f WHERE f.code IS NOT NULL WINDOW area AS (PARTITION BY %s)) f"
					" WHERE NOT f.whole OR f.k OPERATOR(pg_catalog.=) 1 ORDER BY %s",
					columns, columns, MOST_FIGURES, has_null(def, "f"), figures, order, order);
}

/* The figures that areas lists, merged from those below. */
static char *
areas_merged_around(const RollupDef *def, int level, bool rest)
{
	char	   *last = psprintf("%s.grid_last(t.code)", def->schema);
	char	   *inside = psprintf(" AND %s%s", sql_code_between(def, "r.code", "t.code", last),
								  sql_same_bucket(def, "r", "t"));
	const char *from = "FROM areas t CROSS JOIN LATERAL (SELECT";
	char	   *merges = sql_merges(def, "p");
	char	   *one;

	one = psprintf("SELECT t.code%s%s%s %s %s FROM (%s) p HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0) m%s",
				   sql_bucket(def, "t"), numbered("t.", "d", def->ndims), sql_measures(def, "m."), from, merges + 2,
				   parts_of_level(def, level, rest, psprintf("%s%s", inside, same_dims(def))),
				   def->ndims > 0 ? " WHERE NOT t.whole" : "");
	if (def->ndims == 0)
		return one;
	return psprintf("%s UNION ALL SELECT t.code%s%s%s %s %s%s FROM (%s) p%s) m WHERE t.whole OR %s", one,
					sql_bucket(def, "t"), sql_dims(def, "m."), sql_measures(def, "m."),
					from, sql_dims(def, "p.") + 2, merges,
					parts_of_level(def, level, rest, psprintf("%s%s", inside, whole_or_same_dims(def))),
					sql_group_by_dims(def, "p."), has_null(def, "t"));
}

/*
 * The figures that areas lists, as stored.  A key finds one; its code is a range,
 * and so it is looked up in the index whose entries the level above reads next.
 */
static char *
areas_stored(const RollupDef *def, int level)
{
	const char *id = "r.ctid, ";
	char	   *bucket = sql_same_bucket(def, "r", "t");
	char	   *one = psprintf(" AND %s%s%s", sql_code_between(def, "r.code", "t.code", "t.code"), bucket,
							   same_dims(def));

	one = psprintf("SELECT r.* FROM areas t CROSS JOIN LATERAL (%s LIMIT 1) r",
				   stored_figures(def, def->levels[level], id, one));
	if (def->ndims == 0)
		return one;
	return psprintf("%s WHERE NOT t.whole UNION ALL SELECT r.* FROM areas t JOIN (%s) r ON %s%s%s AND (t.whole OR %s)", one,
					stored_figures(def, def->levels[level], id, ""), sql_code_is(def, "r.code", "t.code"), bucket,
					whole_or_same_dims(def), has_null(def, "t"));
}

/* The touched cells as stored. */
static char *
cells_stored(const RollupDef *def, const char *level)
{
	return psprintf("SELECT r.* FROM " TOUCHED_CELLS " t JOIN (%s) r ON %s%s",
					stored_figures(def, level, "r.ctid, ", ""), sql_code_is(def, "r.code", "t.code"), sql_same_bucket(def, "r", "t"));
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

/* Fresh figures that differ from stored ones: where these are, key, measures; id is NULL for new ones. */
static char *
figures_that_differ(const RollupDef *def, Oid table)
{
	char	   *dims = def->ndims > 0 ?
		psprintf(" AND pg_catalog.record_eq(ROW(%s), ROW(%s))", numbered("f.", "d", def->ndims) + 2,
				 numbered("o.", "d", def->ndims) + 2) : "";

	return psprintf("SELECT o.id, f.code IS NULL AS gone, COALESCE(f.code, o.code) AS code%s%s%s"
					" FROM fresh f FULL JOIN (SELECT *, %s AS hash, ROW(%s) AS measures FROM stored) o"
					" ON %s%s AND %s OPERATOR(pg_catalog.=) o.hash%s"
					" WHERE o.id IS NULL OR f.code IS NULL OR NOT pg_catalog.record_image_eq(ROW(%s), o.measures)",
					def->ntimes > 0 ? ", COALESCE(f.bucket, o.bucket) AS bucket" : "",
					either("d", def->ndims), numbered("f.", "m", def->nmeasures),
					dims_hash(def, table, ""), numbered("", "m", def->nmeasures) + 2,
					sql_code_is(def, "f.code", "o.code"), sql_same_bucket(def, "f", "o"),
					dims_hash(def, table, "f."), dims, numbered("f.", "m", def->nmeasures) + 2);
}

/*
 * Make the figures of a level, or of the rest where level is NULL, equal to
 * fresh ones.  Rows that are right already stay as they are, and others keep
 * their place in the indexes if their page has room: most of what is touched has
 * changed in one dimension only.  The keys of what has changed are added to
 * changed, unless that is NULL.
 */
static void
write_figures(const RollupDef *def, const char *level, const char *areas, const char *fresh,
			  const char *stored, RollupRows *changed)
{
	Oid			table = level ? def->rollup : def->rest;
	char	   *name = level ? def->rollup_name : def->rest_name;
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	char	   *dims = numbered("", "d", def->ndims);
	char	   *measures = numbered("", "m", def->nmeasures);
	char	   *sql;

	sql = psprintf("WITH %sfresh(code%s%s%s) AS (%s), stored(id, code%s%s%s) AS (%s),"
				   " pair AS MATERIALIZED (%s),"
				   " changed AS (UPDATE %s r SET %s FROM pair p"
				   " WHERE r.ctid OPERATOR(pg_catalog.=) p.id AND NOT p.gone),"
				   " gone AS (DELETE FROM %s r USING pair p WHERE r.ctid OPERATOR(pg_catalog.=) p.id AND p.gone),"
				   " added AS (INSERT INTO %s SELECT code%s%s%s%s FROM pair WHERE id IS NULL%s)"
				   " SELECT code%s%s FROM pair%s",
				   areas, bucket, dims, measures, fresh, bucket, dims, measures, stored,
				   figures_that_differ(def, table),
				   name, assignments(def, table), name,
				   name, level ? psprintf(", %s", quote_literal_cstr(level)) : "",
				   bucket, dims, measures, key_order(def),
				   bucket, dims, changed ? "" : " LIMIT 0");
	if (changed)
		rollup_rows_add(changed, sql);
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
		write_figures(def, level, "", fresh, stored_figures(def, level, "r.ctid, ", ""), NULL);
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
 * row, a full build takes half the time.  One for each level, or every entry
 * would have the level in front of all that tells it from others.  Code comes
 * before the dimensions, so that what is inside an area in a bucket is side by
 * side.
 */
static void
create_indexes(const RollupDef *def)
{
	const char *bucket = def->ntimes > 0 ? "bucket, " : "";

	rollup_execute("SET LOCAL default_tablespace = ''");	/* not where the session that refreshes wants it */
	for (int level = 0; level < def->nlevels; level++)
		rollup_execute(psprintf("CREATE UNIQUE INDEX ON %s (%scode%s) NULLS NOT DISTINCT"
								" WHERE level OPERATOR(pg_catalog.=) %s",
								def->rollup_name, bucket, sql_dims(def, ""), quote_literal_cstr(def->levels[level])));
	rollup_execute(psprintf("CREATE INDEX ON %s (code%s)", def->rollup_name, def->ntimes > 0 ? ", bucket" : ""));
	rollup_execute(psprintf("CREATE UNIQUE INDEX ON %s (%scode%s) NULLS NOT DISTINCT",
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
	RollupRows *figures = rollup_rows_create(CHANGED_FIGURES);
	bool		by_code = look_up_by_code(def, count);

	for (int part = 0; part < (rest ? 2 : 1); part++)
	{
		const char *level = part == 0 ? def->levels[0] : NULL;

		write_figures(def, level, "",
					  by_code ? cells_looked_up(def, part == 1) : cells_picked(def, part == 1),
					  cells_stored(def, level), figures);
	}
	rollup_rows_publish(figures);
	rest = has_rest(def);
	for (int level = 1; level < def->nlevels; level++)
	{
		CHECK_FOR_INTERRUPTS();
		write_figures(def, def->levels[level],
					  psprintf("areas AS MATERIALIZED (%s), ", areas_around(def, level)),
					  areas_merged_around(def, level, rest), areas_stored(def, level), NULL);
	}
	rollup_rows_free(figures);
}
