/*
 * rollup_sql.c
 *	  Pieces of SQL that follow from a rollup's definition.
 *
 * The queries are put together where they are used; here is what several of
 * them share.  Nothing may depend on the search_path: functions and operators
 * are qualified, names are quoted.
 */
#include "rollup_def.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

char *
sql_ancestor(const RollupDef *def, const char *code, int level)
{
	return psprintf("%s.grid_prefix(%s, %d)", def->schema, code, def->digits[level]);
}

char *
sql_level(const RollupDef *def, int level)
{
	return psprintf("%s::pg_catalog.text COLLATE pg_catalog.\"C\"", quote_literal_cstr(def->levels[level]));
}

char *
sql_cell(const RollupDef *def, const char *code)
{
	return psprintf("COALESCE(%s, %s)", sql_ancestor(def, code, 0), code);
}

/* A code without a level is that of the row itself; an area of the lowest level has all that is inside it. */
char *
sql_in_cell(const RollupDef *def, const char *alias, const char *cell, bool rest)
{
	char	   *code = psprintf("%s.code", alias);

	if (rest)
		return sql_code_is(def, code, cell);
	return psprintf("%s AND %s", sql_code_between(def, code, cell, psprintf("%s.grid_last(%s)", def->schema, cell)),
					sql_code_is(def, psprintf("%s.cell", alias), cell));
}

static char *
width_sql(const RollupDef *def)
{
	char	   *width = DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(def->width)));

	return psprintf("%s::pg_catalog.interval", quote_literal_cstr(width));
}

/* ", zone" for a time that needs one. */
static const char *
zone_sql(const RollupDef *def, const RollupColumn *column)
{
	if (column->type != TIMESTAMPTZOID)
		return "";
	return psprintf(", %s::pg_catalog.text", quote_literal_cstr(def->zone));
}

char *
sql_bucket_of(const RollupDef *def, const RollupColumn *column, const char *value)
{
	return psprintf("%s.%s(%s, %s%s)%s", def->schema,
					column->type == DATEOID ? "grid_bucket_date" : "grid_bucket", value,
					width_sql(def), zone_sql(def, column),
					def->bucket_is_date ? "::pg_catalog.date" : "");
}

char *
sql_times_near(const RollupDef *def, const char *alias, const char *first, const char *last)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->ntimes; i++)
	{
		const RollupColumn *column = &def->times[i];
		const char *zone = zone_sql(def, column);

		appendStringInfo(&buf, i == 0 ? " AND (" : " OR ");
		appendStringInfo(&buf, "%s.at%d OPERATOR(pg_catalog.>=) %s.grid_bucket_first(%s::pg_catalog.timestamp%s)",
						 alias, i + 1, def->schema, first, zone);
		appendStringInfo(&buf, " AND %s.at%d OPERATOR(pg_catalog.<=) %s.grid_bucket_last(%s::pg_catalog.timestamp, %s%s)",
						 alias, i + 1, def->schema, last, width_sql(def), zone);
	}
	if (def->ntimes > 0)
		appendStringInfoChar(&buf, ')');
	return buf.data;
}

const char *
sql_bucket_type(const RollupDef *def)
{
	return def->bucket_is_date ? "pg_catalog.date" : "pg_catalog.timestamp";
}

char *
sql_code_is(const RollupDef *def, const char *left, const char *right)
{
	return psprintf("%s OPERATOR(%s.=) %s", left, def->schema, right);
}

char *
sql_code_between(const RollupDef *def, const char *code, const char *first, const char *last)
{
	return psprintf("%s OPERATOR(%s.>=) %s AND %s OPERATOR(%s.<=) %s",
					code, def->schema, first, code, def->schema, last);
}

char *
sql_bucket(const RollupDef *def, const char *alias)
{
	return def->ntimes > 0 ? psprintf(", %s.bucket", alias) : pstrdup("");
}

char *
sql_same_bucket(const RollupDef *def, const char *left, const char *right)
{
	if (def->ntimes == 0)
		return pstrdup("");
	return psprintf(" AND %s.bucket OPERATOR(pg_catalog.=) %s.bucket", left, right);
}

char *
sql_dims(const RollupDef *def, const char *alias)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->ndims; i++)
		appendStringInfo(&buf, ", %s%s", alias, quote_identifier(def->dims[i].name));
	return buf.data;
}

char *
sql_measures(const RollupDef *def, const char *alias)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->nmeasures; i++)
		appendStringInfo(&buf, ", %s%s", alias, quote_identifier(def->measures[i].name));
	return buf.data;
}

/* The columns of NAME_rest by position: the rollup's may have been renamed since. */
char *
sql_rest(const RollupDef *def, const char *alias)
{
	return psprintf("%s %s(code%s%s%s)", def->rest_name, alias, def->ntimes > 0 ? ", bucket" : "",
					sql_dims(def, ""), sql_measures(def, ""));
}

char *
sql_rows_dims(const RollupDef *def, const char *alias, bool named)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->ndims; i++)
	{
		appendStringInfo(&buf, ", %s.d%d", alias, i + 1);
		if (named)
			appendStringInfo(&buf, " AS %s", quote_identifier(def->dims[i].name));
	}
	return buf.data;
}

char *
sql_group_by_dims(const RollupDef *def, const char *alias)
{
	return def->ndims > 0 ? psprintf(" GROUP BY %s", sql_dims(def, alias) + 2) : pstrdup("");
}

/* Quoted schema of the functions of a kind of measure. */
static const char *
kind_schema(const RollupDef *def, const MeasureKind *kind)
{
	switch (kind->home)
	{
		case HOME_GRIDTREE:
			return def->schema;
		case HOME_HLL:
			return extension_schema_quoted("hll");
		default:
			return "pg_catalog";
	}
}

char *
sql_aggregates(const RollupDef *def, const char *alias)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->nmeasures; i++)
	{
		const RollupMeasure *m = &def->measures[i];

		appendStringInfo(&buf, ", %s.%s(", kind_schema(def, m->kind), m->kind->aggregate);
		for (int arg = 1; arg <= m->nargs; arg++)
			appendStringInfo(&buf, "%s%s.m%d_%d", arg > 1 ? ", " : "", alias, i + 1, arg);
		appendStringInfoString(&buf, m->nargs == 0 ? "*)" : ")");
		if (m->filtered)
			appendStringInfo(&buf, " FILTER (WHERE %s.m%d_f)", alias, i + 1);
		appendStringInfo(&buf, " AS %s", quote_identifier(m->name));
	}
	return buf.data;
}

char *
sql_merges(const RollupDef *def, const char *alias)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->nmeasures; i++)
	{
		const RollupMeasure *m = &def->measures[i];

		appendStringInfo(&buf, ", %s.%s(%s.%s)%s%s AS %s",
						 kind_schema(def, m->kind), m->kind->merge,
						 alias, quote_identifier(m->name),
						 m->kind->cast ? "::" : "", m->kind->cast ? m->type : "",
						 quote_identifier(m->name));
	}
	return buf.data;
}

char *
sql_count_unassigned(const RollupDef *def)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT pg_catalog.count(*) FROM %s s WHERE s.%s IS NULL",
					 def->source_name, quote_identifier(def->code.name));
	for (int i = 0; i < def->ntimes; i++)
		appendStringInfo(&buf, " %s s.%s IS NULL", i == 0 ? "OR (" : "AND",
						 quote_identifier(def->times[i].name));
	if (def->ntimes > 0)
		appendStringInfoChar(&buf, ')');
	return buf.data;
}

char *
sql_areas(const RollupDef *def, const char *code, int first)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = first; i < def->nlevels; i++)
		appendStringInfo(&buf, "%s(%s, %s)", i > first ? ", " : "(VALUES ",
						 sql_level(def, i), sql_ancestor(def, code, i));
	appendStringInfoChar(&buf, ')');
	return buf.data;
}
