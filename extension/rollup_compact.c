/*
 * rollup_compact.c
 *	  grid_rollup_compact: makes a log that has waited long for a refresh short.
 *
 * Rows are deleted and what they say is inserted anew, once, in one statement:
 * a reader's snapshot has either the ones or the others, and so has a refresh.
 * The rollup's row of grid_rollup_state keeps refreshes away meanwhile.  While
 * one holds it there is nothing to do: a refresh takes the log itself.
 */
#include "rollup_def.h"
#include "rollup_log.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "rollup.h"
#include "rollup_owner.h"

PG_FUNCTION_INFO_V1(grid_rollup_compact);

/* One row in so many must go, or it is not worth writing the others again. */
#define WORTHWHILE 2

/* Cells once; one row for what is in no cell; and "everything", which makes cells needless. */
static char *
compaction(const RollupDef *def)
{
	const char *bucket = def->ntimes > 0 ? ", bucket" : "";
	const char *null = def->ntimes > 0 ? ", NULL" : "";

	return psprintf("WITH seen AS MATERIALIZED (SELECT pg_catalog.count(*) AS n FROM %1$s),"
					" said AS MATERIALIZED (SELECT CASE WHEN pg_catalog.bool_or(code IS NULL) THEN 1"
					" ELSE pg_catalog.count(*) END AS n, COALESCE(pg_catalog.bool_or(code IS NULL), false) AS everything"
					" FROM (SELECT DISTINCT code%2$s FROM %1$s WHERE unassigned IS NULL) d),"
					" gone AS (DELETE FROM %1$s l USING seen, said"
					" WHERE seen.n OPERATOR(pg_catalog.>) (%3$d OPERATOR(pg_catalog.*) (said.n OPERATOR(pg_catalog.+) 1))"
					" RETURNING l.code%4$s, l.unassigned),"
					" kept AS (SELECT code%2$s, NULL::pg_catalog.int8 AS unassigned FROM gone WHERE " LOG_IS_CELL
					" AND NOT (SELECT everything FROM said) GROUP BY code%2$s"
					" UNION ALL SELECT NULL%5$s, pg_catalog.sum(unassigned)::pg_catalog.int8 FROM gone"
					" HAVING pg_catalog.sum(unassigned) OPERATOR(pg_catalog.<>) 0"
					" UNION ALL SELECT NULL%5$s, NULL FROM gone WHERE " LOG_IS_EVERYTHING
					" HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0),"
					" added AS (INSERT INTO %1$s SELECT * FROM kept RETURNING 1)"
					" SELECT (SELECT pg_catalog.count(*) FROM gone) OPERATOR(pg_catalog.-) (SELECT pg_catalog.count(*) FROM added)",
					def->log_name, bucket, WORTHWHILE, sql_bucket(def, "l"), null);
}

/* grid_rollup_compact(rollup) → log rows less */
Datum
grid_rollup_compact(PG_FUNCTION_ARGS)
{
	Oid			rollup = PG_GETARG_OID(0);
	RollupDef  *def;
	OwnerContext context;
	int64		less = 0;

	SPI_connect();
	def = rollup_load(rollup, false);
	rollup_check_may_refresh(rollup);
	if (rollup_lock_state(rollup))
	{
		bool		isnull;

		owner_enter(&context, relation_owner(rollup));
		rollup_execute(compaction(def));
		less = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		owner_leave(&context);
	}
	SPI_finish();
	PG_RETURN_INT64(less);
}
