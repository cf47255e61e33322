/*
 * run.c
 *	  grid_rollup_run: one run per due time, on record, however many sessions
 *	  ask for it.
 *
 * CONCURRENCY PROTOCOL
 *	  A session-level lock on the rollup is held from before the claim to after
 *	  the last word about it: it survives the commits between batches and ends
 *	  with the session, whatever ends that. Under the lock, runs left open by
 *	  others are closed as lost, and the due time is claimed by a committed row
 *	  that is unique. Each batch is an internal subtransaction, so that its
 *	  failure can be recorded; the refresh switches to the rollup's owner
 *	  inside it, and COMMIT comes when that is undone.
 *
 * Knows rollup_refresh and the history; knows nothing of what a refresh does.
 */
#include "gridtree.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/async.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "rollup.h"
#include "run_log.h"
#include "schedule_next.h"

/* Cells a batch recomputes before it commits. */
#define BATCH_CELLS		10000

/* A backend whose client died notices within this many milliseconds. */
#define CLIENT_CHECK_MS	2000

/* Fourth field of the lock tag; SQL's advisory locks use 1 and 2. */
#define RUN_LOCK_FIELD4	3

PG_FUNCTION_INFO_V1(grid_rollup_run);
PG_FUNCTION_INFO_V1(grid_rollup_notify);
PG_FUNCTION_INFO_V1(grid_version);

typedef struct Run
{
	Oid			rollup;
	int64		id;
	int64		cells;
	RunSettings settings;
	MemoryContext context;		/* the caller's; outlives every transaction here */
	ErrorData  *error;			/* of the batch that failed, in that context */
} Run;

static void
check_caller(FunctionCallInfo fcinfo)
{
	CallContext *call = (CallContext *) fcinfo->context;

	if (call == NULL || !IsA(call, CallContext) || call->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot run inside a transaction block", "grid_rollup_run"),
				 errhint("It commits after each batch. grid_rollup_refresh works inside a transaction.")));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("rollup must not be null")));
	if (!PG_ARGISNULL(1) && TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("due time must be finite")));
}

/*
 * Who may refresh a rollup may run it; only its owner for a due time to come,
 * which would not be run when it comes.
 */
static void
check_rights(Oid relation, const TimestampTz *due_at)
{
	if (get_rel_name(relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	rollup_check_may_refresh(relation);
	if (due_at != NULL && *due_at > GetCurrentTimestamp() + USECS_PER_MINUTE &&
		!object_ownercheck(RelationRelationId, relation, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to run rollup \"%s\" ahead of its due time", get_rel_name(relation)),
				 errhint("That takes its owner.")));
}

static LOCKTAG
run_lock_tag(Oid rollup)
{
	LOCKTAG		tag;
	Oid			catalog = get_relname_relid("grid_rollup_catalog", gridtree_schema());

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, catalog, rollup, RUN_LOCK_FIELD4);
	return tag;
}

/* Takes the lock unless some session, this one included, holds it. */
static bool
try_lock(const LOCKTAG *tag)
{
	switch (LockAcquire(tag, ExclusiveLock, true, true))
	{
		case LOCKACQUIRE_OK:
			return true;
		case LOCKACQUIRE_NOT_AVAIL:
			return false;
		default:
			LockRelease(tag, ExclusiveLock, true);
			return false;
	}
}

/* Settings last until COMMIT, so each transaction of the run begins with this. */
static void
apply_settings(const RunSettings *settings)
{
	char		value[16];

	if (settings->lock_timeout_ms > 0)
	{
		snprintf(value, sizeof(value), "%d", settings->lock_timeout_ms);
		(void) set_config_option("lock_timeout", value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
	}
	if (client_connection_check_interval == 0)
	{
		/* Where the system cannot tell, the setting is refused: then without. */
		snprintf(value, sizeof(value), "%d", CLIENT_CHECK_MS);
		(void) set_config_option("client_connection_check_interval", value, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, DEBUG1, false);
	}
	/* The timer is set when a statement begins: too early for us. */
	if (client_connection_check_interval > 0 && IsUnderPostmaster &&
		!get_timeout_active(CLIENT_CONNECTION_CHECK_TIMEOUT))
		enable_timeout_after(CLIENT_CONNECTION_CHECK_TIMEOUT, client_connection_check_interval);
}

/*
 * One batch in a subtransaction of the current transaction. A batch that was
 * not full has taken all there was, so what the log holds now came later and
 * is the next run's: busy writers cannot keep this one going for ever.
 */
static bool
refresh_batch(Run *run)
{
	ResourceOwner resowner = CurrentResourceOwner;
	bool		more = false;
	int64		cells;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(CurTransactionContext);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (run->settings.schedule)
		schedule_check(run->settings.schedule);
	if (run->settings.time_zone)
		schedule_check_zone(run->settings.time_zone);
	cells = rollup_refresh(run->rollup, BATCH_CELLS, &more);
	PopActiveSnapshot();
	ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(run->context);
	CurrentResourceOwner = resowner;
	run->cells += cells;
	return more && cells >= BATCH_CELLS;
}

/*
 * One batch and its COMMIT. A failure of either leaves a usable transaction
 * and the error in run->error.
 */
static bool
run_batch(Run *run)
{
	volatile bool more = false;
	volatile int64 cells = run->cells;
	ResourceOwner resowner = CurrentResourceOwner;
	int			nesting = GetCurrentTransactionNestLevel();

	PG_TRY();
	{
		apply_settings(&run->settings);
		more = refresh_batch(run);
		run_log_progress(run->id, run->cells);
		SPI_commit();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(run->context);
		run->error = CopyErrorData();
		run->cells = cells;
		FlushErrorState();
		if (GetCurrentTransactionNestLevel() > nesting)
		{
			RollbackAndReleaseCurrentSubTransaction();
			CurrentResourceOwner = resowner;
		}
		else
			SPI_rollback();
		more = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(run->context);
	return more;
}

/* The claim, the batches, the last word; returns the outcome. */
static const char *
run_claimed(Run *run, const TimestampTz *due_at)
{
	run->settings = run_log_settings(run->rollup);
	apply_settings(&run->settings);
	/* A refresh by hand may take long, and another rollup have use for this session. */
	if (rollup_is_busy(run->rollup))
		return "busy";
	run->id = run_log_start(run->rollup, due_at);
	SPI_commit();
	if (run->id == 0)
		return "already run";

	if (run->settings.statement_timeout_ms > 0)
		enable_timeout_after(STATEMENT_TIMEOUT, run->settings.statement_timeout_ms);
	/* Interrupts are looked for inside, where what they raise is recorded. */
	while (run_batch(run))
		;
	if (run->settings.statement_timeout_ms > 0)
		disable_timeout(STATEMENT_TIMEOUT, false);

	run_log_finish(run->id, run->cells, run->error);
	SPI_commit();
	return run->error ? "failed" : "done";
}

/* Under the lock, which is given up whatever happens. */
static const char *
run_locked(Run *run, const TimestampTz *due_at)
{
	LOCKTAG		tag = run_lock_tag(run->rollup);
	const char *volatile outcome = "busy";

	if (!try_lock(&tag))
		return outcome;
	PG_TRY();
	{
		SPI_connect_ext(SPI_OPT_NONATOMIC);
		outcome = run_claimed(run, due_at);
		SPI_finish();
	}
	PG_CATCH();
	{
		LockRelease(&tag, ExclusiveLock, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	LockRelease(&tag, ExclusiveLock, true);
	return outcome;
}

static Datum
outcome_row(FunctionCallInfo fcinfo, const char *outcome)
{
	TupleDesc	desc;
	Datum		value = CStringGetTextDatum(outcome);
	bool		isnull = false;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function returning record called in context that cannot accept type record")));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), &value, &isnull));
}

/* CALL grid_rollup_run(rollup, due_at, outcome) */
Datum
grid_rollup_run(PG_FUNCTION_ARGS)
{
	Run			run = {0};
	TimestampTz due_at = 0;
	const char *outcome;

	check_caller(fcinfo);
	run.rollup = PG_GETARG_OID(0);
	run.context = CurrentMemoryContext;
	if (!PG_ARGISNULL(1))
		due_at = PG_GETARG_TIMESTAMPTZ(1);
	check_rights(run.rollup, PG_ARGISNULL(1) ? NULL : &due_at);

	outcome = run_locked(&run, PG_ARGISNULL(1) ? NULL : &due_at);
	MemoryContextSwitchTo(run.context);
	return outcome_row(fcinfo, outcome);
}

/* grid_rollup_notify(): statement trigger of the catalog */
Datum
grid_rollup_notify(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s must be called as a trigger", "grid_rollup_notify")));
	Async_Notify("gridtree", NULL);
	return PointerGetDatum(NULL);
}

/* grid_version(): of this library, which packages replace before the SQL objects */
Datum
grid_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(GRIDTREE_VERSION));
}
