/*
 * keeper.c
 *	  Housekeeping of one database. See keeper.h.
 *
 * Each log is a transaction of its own: one that is locked or broken holds up
 * no other, and no refresh waits longer than its own log takes.
 */
#include "keeper.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "session.h"

#define INTERVAL_MS	(INT64_C(3600) * 1000)

void
keeper_begin(Keeper *keeper, const char *schema)
{
	if (keeper->step != KEEPER_RESTING || now_ms() < keeper->due_at)
		return;
	snprintf(keeper->schema, sizeof(keeper->schema), "%s", schema);
	keeper->due_at = now_ms() + INTERVAL_MS;
	conn_open(&keeper->conn);
	keeper->step = KEEPER_OPENING;
}

static void
end_keeping(Keeper *keeper)
{
	PQclear(keeper->rollups);
	keeper->rollups = NULL;
	conn_close(&keeper->conn);
	keeper->step = KEEPER_RESTING;
}

void
keeper_stop(Keeper *keeper)
{
	conn_cancel(&keeper->conn);
	end_keeping(keeper);
}

/* Old runs, and which rollups there are. */
static void
send_prune(Keeper *keeper)
{
	const char *params[] = {keeper->keep};
	char		sql[1000];

	/* a log that is locked is not waited for: refreshes of its rollup would wait, too */
	snprintf(sql, sizeof(sql), "SELECT c.rollup::pg_catalog.oid, c.rollup, p.runs, pg_catalog.set_config('lock_timeout', '2s', false)"
			 " FROM (SELECT %s.grid_rollup_prune($1::pg_catalog.interval) AS runs) p"
			 " LEFT JOIN %s.grid_rollup_catalog c ON %s.grid_rollup_may_run(c.rollup)",
			 keeper->schema, keeper->schema, keeper->schema);
	conn_send(&keeper->conn, sql, 1, params);
	keeper->step = KEEPER_PRUNING;
}

static void
next_log(Keeper *keeper)
{
	const char *params[] = {NULL};
	char		sql[400];

	if (keeper->at == PQntuples(keeper->rollups))
	{
		end_keeping(keeper);
		return;
	}
	params[0] = PQgetvalue(keeper->rollups, keeper->at, 0);
	snprintf(sql, sizeof(sql), "SELECT %s.grid_rollup_compact($1::pg_catalog.oid::pg_catalog.regclass)", keeper->schema);
	conn_send(&keeper->conn, sql, 1, params);
}

static void
pruned(Keeper *keeper)
{
	PGresult   *result = keeper->conn.result;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		log_event(keeper->conn.log, LOG_WARNING, "cannot forget old runs: %s", session_words(result));
		end_keeping(keeper);
		return;
	}
	if (strcmp(PQgetvalue(result, 0, 2), "0") != 0)
		log_event(keeper->conn.log, LOG_INFO, "runs forgotten: %s (older than %s, or too many)",
				  PQgetvalue(result, 0, 2), keeper->keep);
	keeper->rollups = result;
	keeper->conn.result = NULL;
	keeper->step = KEEPER_COMPACTING;
	keeper->at = PQgetisnull(result, 0, 0) ? PQntuples(result) : 0;
	next_log(keeper);
}

static void
compacted(Keeper *keeper)
{
	const PGresult *result = keeper->conn.result;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		log_event(keeper->conn.log, LOG_WARNING, "rollup=%s its log could not be made shorter: %s",
				  PQgetvalue(keeper->rollups, keeper->at, 1), session_words(result));
	keeper->at++;
	next_log(keeper);
}

void
keeper_step(Keeper *keeper, short revents)
{
	switch (conn_step(&keeper->conn, revents))
	{
		case CONN_NOTHING:
		case CONN_NOTIFIED:
			break;
		case CONN_OPENED:
			send_prune(keeper);
			break;
		case CONN_ANSWERED:
			if (keeper->step == KEEPER_PRUNING)
				pruned(keeper);
			else
				compacted(keeper);
			break;
		case CONN_LOST:
			log_event(keeper->conn.log, LOG_WARNING, "housekeeping ended early: %s", keeper->conn.error);
			end_keeping(keeper);
			break;
	}
}
