/*
 * rollup_views.c
 *	  The views of a rollup: NAME_rows, NAME_live and NAME_bi.
 *
 * They are created as the rollup's owner with nothing but pg_catalog in the
 * search_path.  What they are for is said in rollup_def.h.
 */
#include "rollup_def.h"
#include "rollup_log.h"
#include "rollup_owner.h"

#include "utils/builtins.h"

static void
append_times(StringInfo buf, const RollupDef *def)
{
	appendStringInfoString(buf, " CROSS JOIN LATERAL (VALUES ");
	for (int i = 0; i < def->ntimes; i++)
		appendStringInfo(buf, "%s(%d, %s)", i > 0 ? ", " : "", i + 1,
						 sql_bucket_of(def, &def->times[i],
									   psprintf("s.%s", quote_identifier(def->times[i].name))));
	appendStringInfoString(buf, ") a(k, bucket)");
}

static void
append_measure_columns(StringInfo buf, const RollupDef *def, int i)
{
	const RollupMeasure *m = &def->measures[i];
	ListCell   *lc;
	int			arg = 0;

	foreach(lc, m->args)
		appendStringInfo(buf, ", (%s) AS m%d_%d", (char *) lfirst(lc), i + 1, ++arg);
	if (!m->filtered)
		return;
	appendStringInfoString(buf, ", (");
	if (def->ntimes > 1)
		appendStringInfo(buf, "a.k OPERATOR(pg_catalog.=) %d%s", m->slot + 1, m->filter ? " AND " : "");
	if (m->filter)
		appendStringInfo(buf, "(%s)", m->filter);
	appendStringInfo(buf, ") AS m%d_f", i + 1);
}

/* One row a source row and time column: its code, cell, bucket, dimensions, and each measure's input. */
void
rollup_create_rows_view(const RollupDef *def, const char *name)
{
	StringInfoData buf;
	char	   *code = psprintf("s.%s", quote_identifier(def->code.name));

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE VIEW %s AS SELECT %s::%s.gridcode AS code, %s AS cell",
					 name, code, def->schema, sql_cell(def, code));
	if (def->ntimes > 0)
		appendStringInfoString(&buf, ", a.bucket");
	for (int i = 0; i < def->ntimes; i++)
		appendStringInfo(&buf, ", s.%s AS at%d", quote_identifier(def->times[i].name), i + 1);
	for (int i = 0; i < def->ndims; i++)
		appendStringInfo(&buf, ", s.%s AS d%d", quote_identifier(def->dims[i].name), i + 1);
	for (int i = 0; i < def->nmeasures; i++)
		append_measure_columns(&buf, def, i);
	appendStringInfo(&buf, " FROM %s s", def->source_name);
	if (def->ntimes > 0)
		append_times(&buf, def);
	appendStringInfo(&buf, " WHERE %s IS NOT NULL%s", code,
					 def->ntimes > 0 ? " AND a.bucket IS NOT NULL" : "");
	rollup_execute(buf.data);
}

/* The condition that no cell is known to be untouched. */
static char *
everything(const RollupDef *def)
{
	return psprintf("(SELECT EXISTS (SELECT FROM %s l WHERE " LOG_IS_EVERYTHING "))", def->log_name);
}

/*
 * The touched areas of every level: (level, code[, bucket]).  One scan of the
 * log a level, into which the planner pushes a reader's conditions.
 */
static char *
touched_areas(const RollupDef *def)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "(SELECT DISTINCT n.level, n.code%s FROM (", sql_bucket(def, "n"));
	for (int i = 0; i < def->nlevels; i++)
		appendStringInfo(&buf, "%sSELECT %s AS level, %s AS code%s FROM %s l", i > 0 ? " UNION ALL " : "",
						 sql_level(def, i), sql_ancestor(def, "l.code", i), sql_bucket(def, "l"), def->log_name);
	appendStringInfoString(&buf, ") n WHERE n.code IS NOT NULL)");
	return buf.data;
}

/* Figures of the lowest areas or the rest, stored and not touched, inside the area t. */
static char *
stored_inside(const RollupDef *def, const char *table, const char *condition)
{
	return psprintf("SELECT r.code%s%s FROM %s r WHERE %s%s%s"
					" AND NOT EXISTS (SELECT FROM %s l WHERE %s%s)",
					sql_dims(def, "r."), sql_measures(def, "r."), table,
					sql_code_between(def, "r.code", "t.code",
									 psprintf("%s.grid_last(t.code)", def->schema)),
					sql_same_bucket(def, "r", "t"), condition,
					def->log_name, sql_code_is(def, "l.code", "r.code"),
					sql_same_bucket(def, "l", "r"));
}

/* Touched cells inside the area t, areas of the lowest level or the rest, computed from the source. */
static char *
fresh_inside(const RollupDef *def, bool rest)
{
	return psprintf("SELECT c.code%s%s FROM (SELECT DISTINCT l.code FROM %s l WHERE %s IS %s AND %s%s) c"
					" CROSS JOIN LATERAL (SELECT %s FROM %s w WHERE %s%s%s%s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0) f",
					sql_dims(def, "f."), sql_measures(def, "f."),
					def->log_name, sql_ancestor(def, "l.code", 0), rest ? "NULL" : "NOT NULL",
					sql_code_between(def, "l.code", "t.code",
									 psprintf("%s.grid_last(t.code)", def->schema)),
					sql_same_bucket(def, "l", "t"),
					psprintf("%s%s", sql_rows_dims(def, "w", true), sql_aggregates(def, "w")) + 2, def->rows_name,
					sql_in_cell(def, "w", "c.code", rest), sql_same_bucket(def, "w", "t"),
					sql_times_near(def, "w", "t.bucket", "t.bucket"),
					def->ndims > 0 ? psprintf(" GROUP BY %s", sql_rows_dims(def, "w", false) + 2) : "");
}

/*
 * All rows while the log says everything, looked up by the first digit of their
 * codes and between the ends of time.  The planner, which takes it for certain
 * that they are read, expects few of each: else every query would pay for the
 * memory that all figures at once would take, and for compiling a plan that
 * seems to be worth it.
 */
static char *
all_rows(const RollupDef *def)
{
	char	   *ends = pstrdup("");

	if (def->ntimes > 0)
		ends = psprintf(", '-infinity'::%s AS first, 'infinity'::%s AS last", sql_bucket_type(def), sql_bucket_type(def));
	return psprintf("(SELECT a.* FROM (SELECT u.code%s FROM pg_catalog.unnest('{0,1,2,3,4,5,6,7,8,9}'::%s.gridcode[]) u(code)"
					" WHERE %s OFFSET 0) top CROSS JOIN LATERAL (SELECT w.* FROM %s w WHERE %s%s OFFSET 0) a)",
					ends, def->schema, everything(def), def->rows_name,
					sql_code_between(def, "w.code", "top.code", psprintf("%s.grid_last(top.code)", def->schema)),
					sql_times_near(def, "w", "top.first", "top.last"));
}

/*
 * Three parts: stored areas that nothing touched; touched areas, merged from
 * the stored untouched and the freshly computed touched cells inside them; and
 * everything from the source while the log says so.  Without an entry that
 * says everything the last part costs nothing, with one the first two do.
 */
void
rollup_create_live_view(const RollupDef *def, const char *name)
{
	StringInfoData buf;
	char	   *lowest = psprintf(" AND r.level OPERATOR(pg_catalog.=) %s", quote_literal_cstr(def->levels[0]));

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE VIEW %s AS SELECT r.code, r.level%s%s%s FROM %s r"
					 " WHERE NOT %s AND NOT EXISTS (SELECT FROM %s t"
					 " WHERE %s AND t.level OPERATOR(pg_catalog.=) r.level%s)",
					 name, sql_bucket(def, "r"), sql_dims(def, "r."), sql_measures(def, "r."),
					 def->rollup_name, everything(def), touched_areas(def),
					 sql_code_is(def, "t.code", "r.code"), sql_same_bucket(def, "t", "r"));
	appendStringInfo(&buf, " UNION ALL SELECT t.code, t.level%s%s%s FROM %s t CROSS JOIN LATERAL"
					 " (SELECT %s FROM (%s UNION ALL %s UNION ALL %s UNION ALL %s) u"
					 "%s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0) f WHERE NOT %s",
					 sql_bucket(def, "t"), sql_dims(def, "f."), sql_measures(def, "f."),
					 touched_areas(def), psprintf("%s%s", sql_dims(def, "u."), sql_merges(def, "u")) + 2,
					 stored_inside(def, def->rollup_name, lowest),
					 stored_inside(def, def->rest_name, ""), fresh_inside(def, false), fresh_inside(def, true),
					 sql_group_by_dims(def, "u."), everything(def));
	appendStringInfo(&buf, " UNION ALL SELECT n.code, n.level%s%s%s FROM %s w"
					 " CROSS JOIN LATERAL %s n(level, code) WHERE n.code IS NOT NULL"
					 " GROUP BY n.code, n.level%s%s",
					 sql_bucket(def, "w"), sql_rows_dims(def, "w", true), sql_aggregates(def, "w"),
					 all_rows(def), sql_areas(def, "w.cell", 0),
					 sql_bucket(def, "w"), sql_rows_dims(def, "w", false));
	rollup_execute(buf.data);
}

/* A measure in plain types: gridstats as four numbers, sketches left out. */
static void
append_plain(StringInfo buf, const RollupDef *def, const RollupMeasure *m)
{
	static const char *const parts[] = {"count", "sum", "min", "max"};

	if (measure_is_plain(m))
		appendStringInfo(buf, ", r.%s", quote_identifier(m->name));
	else if (measure_is_stats(m))
		for (int i = 0; i < (int) lengthof(parts); i++)
			appendStringInfo(buf, ", %s.stats_%s(r.%s) AS %s", def->schema, parts[i],
							 quote_identifier(m->name),
							 quote_identifier(psprintf("%s_%s", m->name, parts[i])));
	else if (measure_is_code(m))
		appendStringInfo(buf, ", r.%s::pg_catalog.text", quote_identifier(m->name));
}

/* The lowest areas and the rest: every source row counts in exactly one row. */
void
rollup_create_bi_view(const RollupDef *def, const char *name)
{
	StringInfoData buf;
	const char *tables[] = {def->rollup_name, def->rest_name};

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE VIEW %s AS ", name);
	for (int part = 0; part < (int) lengthof(tables); part++)
	{
		appendStringInfo(&buf, "%sSELECT r.code::pg_catalog.text AS code%s%s",
						 part > 0 ? " UNION ALL " : "", sql_bucket(def, "r"), sql_dims(def, "r."));
		for (int i = 0; i < def->nmeasures; i++)
			append_plain(&buf, def, &def->measures[i]);
		appendStringInfo(&buf, " FROM %s r", tables[part]);
		if (part == 0)
			appendStringInfo(&buf, " WHERE r.level OPERATOR(pg_catalog.=) %s",
							 quote_literal_cstr(def->levels[0]));
	}
	rollup_execute(buf.data);
}
