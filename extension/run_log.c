/*
 * run_log.c
 *	  Reads and writes the history of runs. See run_log.h.
 *
 * The table belongs to the extension's owner. Statements on it run as that
 * role and with a search_path of their own, so that nothing a caller has
 * created is found on the way.
 */
#include "gridtree.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/skey.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "run_log.h"

#define MAX_ARGS	4

/* Columns of grid_rollup_run_log. */
#define LOG_RUN			1
#define LOG_ROLLUP		2
#define LOG_OUTCOME		6

PG_FUNCTION_INFO_V1(grid_rollup_prune);
PG_FUNCTION_INFO_V1(grid_rollup_look);
PG_FUNCTION_INFO_V1(grid_rollup_run_open);

typedef struct Statement
{
	const char *sql;			/* %s or %1$s stands for the extension's schema, quoted */
	int			nargs;
	Oid			types[MAX_ARGS];
	Datum		values[MAX_ARGS];
	char		nulls[MAX_ARGS];
} Statement;

static void
add_arg(Statement *statement, Oid type, Datum value, bool isnull)
{
	Assert(statement->nargs < MAX_ARGS);
	statement->types[statement->nargs] = type;
	statement->values[statement->nargs] = value;
	statement->nulls[statement->nargs] = isnull ? 'n' : ' ';
	statement->nargs++;
}

static Oid
history_owner(void)
{
	Oid			table = get_relname_relid("grid_rollup_run_log", gridtree_schema());
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of extension gridtree does not exist", "grid_rollup_run_log")));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Runs one statement as the history's owner; an error in it undoes the switch by aborting. */
static void
execute(Statement *statement)
{
	Oid			user;
	int			context;
	int			level;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(history_owner(), context | SECURITY_LOCAL_USERID_CHANGE);
	level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SPI_execute_with_args(psprintf(statement->sql, gridtree_schema_quoted()),
						  statement->nargs, statement->types, statement->values,
						  statement->nulls, false, 0);
	AtEOXact_GUC(true, level);
	SetUserIdAndSecContext(user, context);
}

/* A column of the only row, which is an integer or NULL; 0 for both NULL and no row. */
static int64
result_int64(int column)
{
	bool		isnull = true;
	Datum		value = (Datum) 0;

	if (SPI_processed > 0)
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);
	return isnull ? 0 : DatumGetInt64(value);
}

RunSettings
run_log_settings(Oid rollup)
{
	RunSettings settings;
	Statement	statement = {
		.sql = "SELECT least(extract(epoch FROM statement_timeout) * 1000, 2147483647)::bigint,"
		" least(extract(epoch FROM lock_timeout) * 1000, 2147483647)::bigint, schedule, time_zone"
		" FROM %s.grid_rollup_catalog WHERE rollup = $1"
	};

	add_arg(&statement, REGCLASSOID, ObjectIdGetDatum(rollup), false);
	execute(&statement);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a rollup", get_rel_name(rollup)),
				 errhint("grid_rollup_status lists the rollups.")));
	settings.statement_timeout_ms = (int) Max(result_int64(1), 0);
	settings.lock_timeout_ms = (int) Max(result_int64(2), 0);
	settings.schedule = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3);
	settings.time_zone = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4);
	return settings;
}

static void
close_lost_runs(Oid rollup)
{
	Statement	statement = {
		.sql = "UPDATE %s.grid_rollup_run_log SET outcome = 'lost' WHERE rollup = $1 AND outcome IS NULL"
	};

	add_arg(&statement, REGCLASSOID, ObjectIdGetDatum(rollup), false);
	execute(&statement);
}

/*
 * The retry delay is drawn now, so that it is on record even for a run that is
 * lost: exponential with decorrelated jitter, from the delay of the run before
 * where that did not succeed either.
 */
int64
run_log_start(Oid rollup, const TimestampTz *due_at)
{
	Statement	statement = {
		.sql = "INSERT INTO %1$s.grid_rollup_run_log (rollup, due_at, started_at, pid, retry_delay)"
		" SELECT c.rollup, coalesce($2, clock.now), clock.now, pg_backend_pid(),"
		"  least(coalesce(c.retry_max, '1 hour'),"
		"   bound.low + random() * (3 * coalesce(last.delay, bound.low) - bound.low))"
		" FROM %1$s.grid_rollup_catalog c CROSS JOIN (SELECT clock_timestamp() AS now) clock"
		" CROSS JOIN LATERAL (SELECT coalesce(c.retry_min, '10 seconds') AS low) bound"
		" LEFT JOIN LATERAL (SELECT CASE WHEN outcome <> 'done' THEN retry_delay END AS delay"
		"  FROM %1$s.grid_rollup_run_log l WHERE l.rollup = c.rollup ORDER BY run DESC LIMIT 1) last ON true"
		" WHERE c.rollup = $1"
		" ON CONFLICT (rollup, due_at) DO NOTHING RETURNING run"
	};

	close_lost_runs(rollup);
	add_arg(&statement, REGCLASSOID, ObjectIdGetDatum(rollup), false);
	add_arg(&statement, TIMESTAMPTZOID, due_at ? TimestampTzGetDatum(*due_at) : (Datum) 0,
			due_at == NULL);
	execute(&statement);
	return result_int64(1);
}

void
run_log_progress(int64 run, int64 cells)
{
	Statement	statement = {.sql = "UPDATE %s.grid_rollup_run_log SET cells = $2 WHERE run = $1"};

	add_arg(&statement, INT8OID, Int64GetDatum(run), false);
	add_arg(&statement, INT8OID, Int64GetDatum(cells), false);
	execute(&statement);
}

void
run_log_finish(int64 run, int64 cells, const ErrorData *error)
{
	Statement	statement = {
		.sql = "UPDATE %s.grid_rollup_run_log SET finished_at = clock_timestamp(), cells = $2, sqlstate = $3,"
		" message = $4, outcome = CASE WHEN $3 IS NULL THEN 'done' ELSE 'failed' END WHERE run = $1"
	};

	add_arg(&statement, INT8OID, Int64GetDatum(run), false);
	add_arg(&statement, INT8OID, Int64GetDatum(cells), false);
	if (error != NULL)
	{
		add_arg(&statement, TEXTOID, CStringGetTextDatum(unpack_sql_state(error->sqlerrcode)), false);
		add_arg(&statement, TEXTOID, CStringGetTextDatum(error->message ? error->message : ""), false);
	}
	else
	{
		add_arg(&statement, TEXTOID, (Datum) 0, true);
		add_arg(&statement, TEXTOID, (Datum) 0, true);
	}
	execute(&statement);
}

/* The rollups that the current user may run and a condition is true of, as an array of OIDs; NULL where there are none. */
static Datum
rollups_of_caller(const char *condition, bool *none)
{
	char	   *schema = gridtree_schema_quoted();

	SPI_execute(psprintf("SELECT pg_catalog.array_agg(c.rollup::pg_catalog.oid) FROM %1$s.grid_rollup_catalog c"
						 " JOIN %1$s.grid_rollup_state s ON s.rollup OPERATOR(pg_catalog.=) c.rollup"
						 " WHERE %1$s.grid_rollup_may_run(c.rollup) AND %2$s", schema, psprintf(condition, schema)), true, 1);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, none);
}

/* grid_rollup_prune(keep, most): forgets old runs, and those beyond so many, of rollups that the caller may run. */
Datum
grid_rollup_prune(PG_FUNCTION_ARGS)
{
	Statement	statement = {
		.sql = "WITH bound AS MATERIALIZED (SELECT of.rollup,"
		"  (SELECT r.run FROM %1$s.grid_rollup_run_log r WHERE r.rollup = of.rollup ORDER BY r.run DESC LIMIT 1) AS last,"
		"  (SELECT r.run FROM %1$s.grid_rollup_run_log r WHERE r.rollup = of.rollup AND r.outcome = 'done' ORDER BY r.run DESC LIMIT 1) AS success,"
		"  (SELECT r.run FROM %1$s.grid_rollup_run_log r WHERE r.rollup = of.rollup ORDER BY r.run DESC OFFSET $3 LIMIT 1) AS beyond"
		"  FROM unnest($2) of (rollup))"
		" DELETE FROM %1$s.grid_rollup_run_log l USING bound"
		" WHERE l.rollup = bound.rollup AND (coalesce(l.finished_at, l.started_at) < clock_timestamp() - $1 OR l.run <= bound.beyond)"
		" AND l.outcome IS NOT NULL AND l.due_at <= clock_timestamp()"
		" AND l.run <> bound.last AND l.run IS DISTINCT FROM bound.success"
	};
	int64		deleted;
	bool		none;
	Datum		rollups;

	if (PG_GETARG_INT32(1) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of runs to keep must not be negative")));
	SPI_connect();
	rollups = rollups_of_caller("true", &none);
	add_arg(&statement, INTERVALOID, PG_GETARG_DATUM(0), false);
	add_arg(&statement, OIDARRAYOID, rollups, none);
	add_arg(&statement, INT4OID, PG_GETARG_DATUM(1), false);
	execute(&statement);
	deleted = SPI_processed;
	SPI_finish();
	PG_RETURN_INT64(deleted);
}

/*
 * grid_rollup_look(): changes have no time, so that of the last look before one
 * says how old it can be. What a refresh holds is up to date without this.
 */
Datum
grid_rollup_look(PG_FUNCTION_ARGS)
{
	Statement	statement = {
		.sql = "UPDATE %1$s.grid_rollup_state s SET caught_up_at = now()"
		" FROM (SELECT rollup FROM %1$s.grid_rollup_state WHERE rollup = ANY ($1) FOR UPDATE SKIP LOCKED) idle"
		" WHERE s.rollup = idle.rollup AND s.caught_up_at < now()"
	};
	int64		noted;
	bool		none;
	Datum		rollups;

	SPI_connect();
	rollups = rollups_of_caller("c.enabled AND c.max_lag IS NOT NULL AND s.filled"
								" AND s.caught_up_at OPERATOR(pg_catalog.<) (pg_catalog.now() OPERATOR(pg_catalog.-) interval '1 minute')"
								" AND NOT %s.grid_rollup_pending(c.rollup)", &none);
	add_arg(&statement, OIDARRAYOID, rollups, none);
	if (!none)
		execute(&statement);
	noted = none ? 0 : SPI_processed;
	SPI_finish();
	PG_RETURN_INT64(noted);
}

/*
 * grid_rollup_run_open(rollup, run): read under SnapshotSelf, which sees what has been
 * committed by now. A newer MVCC snapshot would do, but cannot be taken in the
 * midst of a parallel query.
 */
Datum
grid_rollup_run_open(PG_FUNCTION_ARGS)
{
	Oid			schema = gridtree_schema();
	Oid			index = get_relname_relid("grid_rollup_run_log_pkey", schema);
	Relation	history = relation_open(get_relname_relid("grid_rollup_run_log", schema), AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		open = false;

	ScanKeyInit(&key, LOG_RUN, BTEqualStrategyNumber, F_INT8EQ, PG_GETARG_DATUM(1));
	scan = systable_beginscan(history, index, OidIsValid(index), SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	columns = RelationGetDescr(history);
		bool		isnull;

		open = DatumGetObjectId(heap_getattr(tuple, LOG_ROLLUP, columns, &isnull)) == PG_GETARG_OID(0) &&
			heap_attisnull(tuple, LOG_OUTCOME, columns);
	}
	systable_endscan(scan);
	relation_close(history, AccessShareLock);
	PG_RETURN_BOOL(open);
}
