/*
 * worker.c
 *	  One run at a time. See worker.h.
 */
#include "worker.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

static void
send_call(Worker *worker)
{
	const char *params[] = {worker->due.oid, worker->due.due_at};
	char		sql[400];

	snprintf(sql, sizeof(sql), "CALL %s.grid_rollup_run($1::pg_catalog.oid::pg_catalog.regclass,"
			 " $2::pg_catalog.timestamptz)", worker->schema);
	conn_send(&worker->conn, sql, 2, params);
	worker->step = WORKER_CALLING;
}

static void
send_read(Worker *worker)
{
	const char *params[] = {worker->due.oid, worker->due.due_at};
	char		sql[800];

	snprintf(sql, sizeof(sql),
			 "SELECT run, pg_catalog.round(extract(epoch FROM finished_at OPERATOR(pg_catalog.-) started_at), 3),"
			 " cells, sqlstate, message FROM %s.grid_rollup_runs"
			 " WHERE rollup OPERATOR(pg_catalog.=) $1::pg_catalog.oid"
			 " AND due_at OPERATOR(pg_catalog.=) $2::pg_catalog.timestamptz", worker->schema);
	conn_send(&worker->conn, sql, 2, params);
	worker->step = WORKER_READING;
}

void
worker_start(Worker *worker, const Due *due, const char *schema)
{
	worker->due = *due;
	snprintf(worker->schema, sizeof(worker->schema), "%s", schema);
	worker->outcome[0] = '\0';
	if (worker->conn.state == CONN_READY)
		send_call(worker);
	else
	{
		conn_open(&worker->conn);
		worker->step = WORKER_OPENING;
	}
}

static WorkerEnd
end_run(Worker *worker, WorkerEnd end)
{
	worker->step = WORKER_IDLE;
	return end;
}

static WorkerEnd
broken(Worker *worker, const char *why)
{
	log_event(LOG_ERROR, worker->conn.label, "rollup=%s due=\"%s\" the run could not be made: %s",
			  worker->due.name, worker->due.due_at, why);
	return end_run(worker, WORKER_BROKEN);
}

/* The CALL has returned an outcome, or an error that is on no record. */
static WorkerEnd
called(Worker *worker)
{
	const PGresult *result = worker->conn.result;

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		return broken(worker, PQresultErrorMessage(result));
	snprintf(worker->outcome, sizeof(worker->outcome), "%s", PQgetvalue(result, 0, 0));
	if (strcmp(worker->outcome, "done") == 0 || strcmp(worker->outcome, "failed") == 0)
	{
		send_read(worker);
		return WORKER_GOES_ON;
	}
	log_event(LOG_INFO, worker->conn.label, "rollup=%s due=\"%s\" outcome=\"%s\"",
			  worker->due.name, worker->due.due_at, worker->outcome);
	return end_run(worker, WORKER_TAKEN);
}

static WorkerEnd
log_run(Worker *worker)
{
	const PGresult *result = worker->conn.result;
	bool		failed = strcmp(worker->outcome, "failed") == 0;
	bool		known = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;

	log_event(failed ? LOG_ERROR : LOG_INFO, worker->conn.label,
			  "rollup=%s due=\"%s\" outcome=%s run=%s seconds=%s cells=%s%s%s%s%s%s",
			  worker->due.name, worker->due.due_at, worker->outcome,
			  known ? PQgetvalue(result, 0, 0) : "?", known ? PQgetvalue(result, 0, 1) : "?",
			  known ? PQgetvalue(result, 0, 2) : "?",
			  failed && known ? " sqlstate=" : "", failed && known ? PQgetvalue(result, 0, 3) : "",
			  failed && known ? " message=\"" : "", failed && known ? PQgetvalue(result, 0, 4) : "",
			  failed && known ? "\"" : "");
	return end_run(worker, failed ? WORKER_FAILED : WORKER_DONE);
}

void
worker_abandon(Worker *worker)
{
	conn_close(&worker->conn);
	worker->step = WORKER_IDLE;
}

WorkerEnd
worker_step(Worker *worker, short revents)
{
	switch (conn_step(&worker->conn, revents))
	{
		case CONN_NOTHING:
		case CONN_NOTIFIED:
			return WORKER_GOES_ON;
		case CONN_OPENED:
			send_call(worker);
			return WORKER_GOES_ON;
		case CONN_ANSWERED:
			return worker->step == WORKER_READING ? log_run(worker) : called(worker);
		case CONN_LOST:
			/* An idle connection that goes is no loss. */
			return worker->step == WORKER_IDLE ? WORKER_GOES_ON : broken(worker, worker->conn.error);
	}
	return WORKER_GOES_ON;
}
