/*
 * worker.c
 *	  One run at a time. See worker.h.
 */
#include "worker.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "session.h"

static void
send_call(Worker *worker)
{
	const char *params[] = {worker->due.oid, worker->due.due_at};
	char		sql[400];

	snprintf(sql, sizeof(sql), "CALL %s.grid_rollup_run($1::pg_catalog.oid::pg_catalog.regclass,"
			 " $2::pg_catalog.timestamptz)", worker->schema);
	conn_send(&worker->conn, sql, 2, params);
	conn_wait_for_ever(&worker->conn);
	worker->step = WORKER_CALLING;
	worker->check_at = now_ms() + worker->conn.patience;
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
no_run(Worker *worker, WorkerEnd end, const char *why)
{
	log_event(worker->conn.log, LOG_ERROR, "rollup=%s due=\"%s\" %s: %s", worker->due.name, worker->due.due_at,
			  worker->step == WORKER_CALLING && end == WORKER_LOST ? "no answer from the run" : "the run could not be made",
			  why);
	return end_run(worker, end);
}

/* The CALL has returned an outcome, or an error that is on no record. */
static WorkerEnd
called(Worker *worker)
{
	const PGresult *result = worker->conn.result;
	const char *outcome;

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		return no_run(worker, WORKER_REFUSED, session_words(result));
	outcome = PQgetvalue(result, 0, 0);
	worker->failed = strcmp(outcome, "failed") == 0;
	if (!worker->failed && strcmp(outcome, "done") != 0)
		return end_run(worker, strcmp(outcome, "busy") == 0 ? WORKER_BUSY : WORKER_ALREADY_RUN);
	send_read(worker);
	return WORKER_GOES_ON;
}

/* Why a run failed; its message may quote rows, and is NULL for those who may not see them. */
static const char *
failure(const PGresult *result, char *text, size_t size)
{
	char		quoted[2048];

	if (PQgetisnull(result, 0, 4))
		log_quote(quoted, sizeof(quoted), "(shown to members of the owner and of pg_read_all_stats)");
	else
		log_quote(quoted, sizeof(quoted), PQgetvalue(result, 0, 4));
	snprintf(text, size, " sqlstate=%s message=%s", PQgetvalue(result, 0, 3), quoted);
	return text;
}

static WorkerEnd
log_run(Worker *worker)
{
	const PGresult *result = worker->conn.result;
	bool		known = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
	char		why[2100] = "";

	log_event(worker->conn.log, worker->failed ? LOG_ERROR : LOG_INFO,
			  "rollup=%s due=\"%s\" outcome=%s run=%s seconds=%s cells=%s%s",
			  worker->due.name, worker->due.due_at, worker->failed ? "failed" : "done",
			  known ? PQgetvalue(result, 0, 0) : "?", known ? PQgetvalue(result, 0, 1) : "?",
			  known ? PQgetvalue(result, 0, 2) : "?",
			  known && worker->failed ? failure(result, why, sizeof(why)) : "");
	return end_run(worker, worker->failed ? WORKER_FAILED : WORKER_DONE);
}

void
worker_abandon(Worker *worker)
{
	conn_close(&worker->conn);
	worker->step = WORKER_IDLE;
}

bool
worker_wants_check(const Worker *worker)
{
	return worker->step == WORKER_CALLING && worker->conn.deadline == 0 && now_ms() >= worker->check_at;
}

void
worker_checked(Worker *worker, bool running)
{
	if (!worker_wants_check(worker))
		return;					/* it is at something else by now */
	worker->check_at = now_ms() + worker->conn.patience;
	if (!running)
		conn_expect(&worker->conn);
}

WorkerEnd
worker_step(Worker *worker, short revents)
{
	switch (conn_step(&worker->conn, revents))
	{
		case CONN_NOTHING:
		case CONN_NOTIFIED:
			break;
		case CONN_OPENED:
			worker->conn.retry_delay = 0;
			send_call(worker);
			break;
		case CONN_ANSWERED:
			return worker->step == WORKER_READING ? log_run(worker) : called(worker);
		case CONN_LOST:
			/* An idle connection that goes is no loss; and what is only not in the log is in the history. */
			if (worker->step == WORKER_READING)
				return end_run(worker, worker->failed ? WORKER_FAILED : WORKER_DONE);
			if (worker->step != WORKER_IDLE)
				return no_run(worker, WORKER_LOST, worker->conn.error);
			break;
	}
	return WORKER_GOES_ON;
}
