/*
 * rollup_verify.c
 *	  grid_rollup_verify: what a rollup says beside what its source says now.
 *	  grid_rollup_unassigned: rows of the source that are in no cell.
 *
 * The recomputation shares nothing with the refresh but the definition: every
 * level is aggregated straight from the rows of the source, in one query under
 * one snapshot with the stored figures.  Figures are compared by the equality
 * of their type (as records, so that no operator is looked up by name).
 *
 * Figures of types without an equality, such as sketches, are compared by their
 * bytes.
 *
 * Only the owner may ask: the answer contains figures of the source.
 */
#include "rollup_def.h"
#include "rollup_log.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "rollup_owner.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(grid_rollup_verify);
PG_FUNCTION_INFO_V1(grid_rollup_unassigned);

/* The measures, each as a record of one column: ROW(a.m) AS c1, ROW(a.m) AS c2 … */
static char *
measure_records(const RollupDef *def)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < def->nmeasures; i++)
		appendStringInfo(&buf, ", ROW(a.%s) AS c%d, a.%s::pg_catalog.text AS t%d",
						 quote_identifier(def->measures[i].name), i + 1,
						 quote_identifier(def->measures[i].name), i + 1);
	return buf.data;
}

/* The dimensions as a jsonb object. */
static char *
dims_object(const RollupDef *def)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "pg_catalog.jsonb_build_object(");
	for (int i = 0; i < def->ndims; i++)
		appendStringInfo(&buf, "%s%s::pg_catalog.text, a.%s", i > 0 ? ", " : "",
						 quote_literal_cstr(def->dims[i].name), quote_identifier(def->dims[i].name));
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

/* One side of the comparison: a key, what is shown of it, and the measures. */
static char *
side(const RollupDef *def, const char *figures)
{
	return psprintf("(SELECT ROW(a.code, a.level%s%s) AS key, a.code, a.level, %s AS bucket,"
					" %s AS dimensions%s FROM (%s) a)",
					sql_bucket(def, "a"), sql_dims(def, "a."),
					def->ntimes > 0 ? "a.bucket::pg_catalog.text" : "NULL::pg_catalog.text",
					dims_object(def), measure_records(def), figures);
}

static char *
stored(const RollupDef *def)
{
	return psprintf("SELECT r.code, r.level%s%s%s FROM %s r"
					" UNION ALL SELECT r.code, NULL%s%s%s FROM %s",
					sql_bucket(def, "r"), sql_dims(def, "r."), sql_measures(def, "r."), def->rollup_name,
					sql_bucket(def, "r"), sql_dims(def, "r."), sql_measures(def, "r."),
					sql_rest(def, "r"));
}

static char *
recomputed(const RollupDef *def)
{
	char	   *columns = psprintf("%s%s%s", sql_bucket(def, "w"), sql_rows_dims(def, "w", true),
								   sql_aggregates(def, "w"));
	char	   *groups = psprintf("%s%s", sql_bucket(def, "w"), sql_rows_dims(def, "w", false));

	return psprintf("SELECT n.code, n.level%s FROM %s w CROSS JOIN LATERAL %s n(level, code)"
					" WHERE n.code IS NOT NULL GROUP BY n.code, n.level%s"
					" UNION ALL SELECT w.cell, NULL%s FROM %s w WHERE %s IS NULL GROUP BY w.cell%s",
					columns, def->rows_name, sql_areas(def, "w.cell", 0), groups,
					columns, def->rows_name, sql_ancestor(def, "w.cell", 0), groups);
}

static bool
has_equality(const RollupMeasure *m)
{
	return OidIsValid(lookup_type_cache(m->type_oid, TYPECACHE_EQ_OPR)->eq_opr);
}

/* A row for every measure that differs, or whose row is missing on one side. */
static char *
differences(const RollupDef *def)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT COALESCE(s.code, r.code), COALESCE(s.level, r.level),"
						   " COALESCE(s.bucket, r.bucket), COALESCE(s.dimensions, r.dimensions),"
						   " m.measure::pg_catalog.name, m.stored, m.recomputed");
	appendStringInfo(&buf, " FROM %s s FULL JOIN %s r ON s.key OPERATOR(pg_catalog.=) r.key"
					 " CROSS JOIN LATERAL (VALUES ",
					 side(def, stored(def)), side(def, recomputed(def)));
	for (int i = 1; i <= def->nmeasures; i++)
		appendStringInfo(&buf, "%s(%d, %s::pg_catalog.text, s.t%d, r.t%d, NOT pg_catalog.%s(s.c%d, r.c%d))",
						 i > 1 ? ", " : "", i, quote_literal_cstr(def->measures[i - 1].name), i, i,
						 has_equality(&def->measures[i - 1]) ? "record_eq" : "record_image_eq", i, i);
	appendStringInfo(&buf, ") m(ordinal, measure, stored, recomputed, differs)"
					 " WHERE m.differs OR s.key IS NULL OR r.key IS NULL"
					 " ORDER BY 1 USING OPERATOR(%s.<), 2, 3, 4, m.ordinal", def->schema);
	return buf.data;
}

/* Copy the rows of the last query into the function's result. */
static void
return_rows(ReturnSetInfo *info)
{
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(info->setResult, SPI_tuptable->vals[i]);
}

/* Is the number of rows in no cell another than the log says? */
static void
return_unassigned(const RollupDef *def, ReturnSetInfo *info)
{
	Datum		values[7] = {0};
	bool		nulls[7] = {true, true, true, true, false, false, false};
	NameData	measure;
	int64		stored;
	int64		counted;
	bool		isnull;

	rollup_query(psprintf("SELECT COALESCE(pg_catalog.sum(unassigned), 0)::pg_catalog.int8, (%s)"
						  " FROM %s HAVING NOT COALESCE(pg_catalog.bool_or(" LOG_IS_EVERYTHING "), false)",
						  sql_count_unassigned(def), def->log_name));
	if (SPI_processed == 0)
		return;					/* everything is to be computed */
	stored = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	counted = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	if (stored == counted)
		return;
	namestrcpy(&measure, "unassigned");
	values[4] = NameGetDatum(&measure);
	values[5] = CStringGetTextDatum(psprintf(INT64_FORMAT, stored));
	values[6] = CStringGetTextDatum(psprintf(INT64_FORMAT, counted));
	tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
}

Datum
grid_rollup_verify(PG_FUNCTION_ARGS)
{
	Oid			rollup = PG_GETARG_OID(0);
	RollupDef  *def;
	OwnerContext context;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	rollup_check_owner(rollup);
	def = rollup_load(rollup, false);
	owner_enter(&context, relation_owner(rollup));
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	rollup_query(differences(def));
	return_rows((ReturnSetInfo *) fcinfo->resultinfo);
	return_unassigned(def, (ReturnSetInfo *) fcinfo->resultinfo);
	PopActiveSnapshot();
	owner_leave(&context);
	SPI_finish();
	return (Datum) 0;
}

Datum
grid_rollup_unassigned(PG_FUNCTION_ARGS)
{
	Oid			rollup = PG_GETARG_OID(0);
	RollupDef  *def;
	OwnerContext context;
	bool		isnull;
	int64		count;

	SPI_connect();
	rollup_check_owner(rollup);
	def = rollup_load(rollup, false);
	owner_enter(&context, relation_owner(rollup));
	rollup_execute(sql_count_unassigned(def));
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	owner_leave(&context);
	SPI_finish();
	PG_RETURN_INT64(count);
}
