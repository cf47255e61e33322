/*
 * duty.c
 *	  Looking after one database. See duty.h.
 *
 *	  closed --wake--> OPENING --> HANDSHAKE --> LISTENING --> ASKING --> WAITING --wake--> ASKING …
 *
 * Whatever goes wrong on the way is a problem: it is logged once, the
 * connection is closed, and everything begins again after a growing delay.
 */
#include "duty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* A definition that changes is notified; look this often all the same. */
#define LONGEST_SLEEP_MS	30000

/* Nobody's figures are stale for want of more questions a second than this. */
#define SHORTEST_SLEEP_MS	50

/* After a run that could not be made, do not ask again at once. */
#define BROKEN_PAUSE_MS		5000

/* After one that another session had taken, neither. */
#define TAKEN_PAUSE_MS		1000

#define PRUNE_INTERVAL_MS	(INT64_C(3600) * 1000)

void
duty_init(Duty *duty, const Options *options, int i)
{
	memset(duty, 0, sizeof(*duty));
	duty->control.conninfo = options->conninfo[i];
	duty->control.label = options->label[i];
	duty->nworkers = options->max_runs;
	for (int n = 0; n < duty->nworkers; n++)
	{
		duty->workers[n].conn.conninfo = options->conninfo[i];
		duty->workers[n].conn.label = options->label[i];
	}
	duty->keep = options->keep;
	duty->once = options->mode == MODE_ONCE;
	duty->wake = now_ms();
	duty->prune_at = now_ms();
}

int
duty_running(const Duty *duty)
{
	int			running = 0;

	for (int i = 0; i < duty->nworkers; i++)
		running += duty->workers[i].step != WORKER_IDLE;
	return running;
}

static void
worsen(Duty *duty, int exit_status)
{
	if (exit_status > duty->exit_status)
		duty->exit_status = exit_status;
}

/* Say what is wrong, once; close; try again later, or give up with --once. */
static void
have_problem(Duty *duty, const char *problem)
{
	int64_t		delay = conn_next_delay(&duty->control);

	if (strcmp(duty->told, problem) != 0)
		log_event(LOG_ERROR, duty->control.label, "%s", problem);
	snprintf(duty->told, sizeof(duty->told), "%s", problem);
	conn_close(&duty->control);
	duty->ready = false;
	duty->step = DUTY_WAITING;
	duty->wake = now_ms() + delay;
	if (duty->once)
	{
		worsen(duty, EXIT_NOT_READY);
		duty->stopping = true;
	}
}

static void
ask(Duty *duty)
{
	char		sql[1200];

	snprintf(sql, sizeof(sql),
			 "SELECT d.rollup::pg_catalog.oid, d.rollup::pg_catalog.text, d.due_at,"
			 " pg_catalog.ceil(extract(epoch FROM d.wait) OPERATOR(pg_catalog.*) 1000),"
			 " (SELECT r.outcome FROM %s.grid_rollup_runs r WHERE r.rollup OPERATOR(pg_catalog.=) d.rollup"
			 "  ORDER BY r.run DESC LIMIT 1)"
			 " FROM %s.grid_rollup_due() d ORDER BY d.wait", duty->handshake.schema, duty->handshake.schema);
	conn_send(&duty->control, sql, 0, NULL);
	duty->step = DUTY_ASKING;
}

static void
prune(Duty *duty)
{
	const char *params[] = {duty->keep};
	char		sql[800];

	snprintf(sql, sizeof(sql), "SELECT %s.grid_rollup_prune($1::pg_catalog.interval),"
			 " (SELECT pg_catalog.sum(%s.grid_rollup_compact(d.rollup)) FROM %s.grid_rollup_due() d)",
			 duty->handshake.schema, duty->handshake.schema, duty->handshake.schema);
	conn_send(&duty->control, sql, 1, params);
	duty->step = DUTY_PRUNING;
	duty->prune_at = now_ms() + PRUNE_INTERVAL_MS;
}

static void
next_question(Duty *duty)
{
	if (now_ms() >= duty->prune_at && !duty->once)
		prune(duty);
	else
		ask(duty);
}

static void
shake_hands(Duty *duty)
{
	if (!handshake_judge(duty->control.pg, duty->control.result, &duty->handshake))
	{
		have_problem(duty, duty->handshake.problem);
		return;
	}
	conn_send(&duty->control, "LISTEN gridtree", 0, NULL);
	duty->step = DUTY_LISTENING;
}

/* A worker without work, unless one has this rollup already. */
static Worker *
worker_for(Duty *duty, const char *oid)
{
	Worker	   *idle = NULL;

	for (int i = 0; i < duty->nworkers; i++)
	{
		Worker	   *worker = &duty->workers[i];

		if (worker->step == WORKER_IDLE)
			idle = idle ? idle : worker;
		else if (strcmp(worker->due.oid, oid) == 0)
			return NULL;
	}
	return idle;
}

static void
start_run(Duty *duty, const PGresult *result, int row)
{
	Worker	   *worker = worker_for(duty, PQgetvalue(result, row, 0));
	Due			due;

	if (worker == NULL)
		return;
	snprintf(due.oid, sizeof(due.oid), "%s", PQgetvalue(result, row, 0));
	snprintf(due.name, sizeof(due.name), "%s", PQgetvalue(result, row, 1));
	snprintf(due.due_at, sizeof(due.due_at), "%s", PQgetvalue(result, row, 2));
	worker_start(worker, &due, duty->handshake.schema);
}

/* The first answer: not before it is all well. */
static void
become_ready(Duty *duty)
{
	log_event(LOG_INFO, duty->control.label, "%s, gridtree %s",
			  duty->told[0] ? "connected again" : "connected", duty->handshake.version);
	duty->told[0] = '\0';
	duty->ready = true;
	duty->control.retry_delay = 0;
}

/* Start what is due; sleep until the next is. Rows come in order of wait. */
static void
take_due(Duty *duty)
{
	const PGresult *result = duty->control.result;
	int64_t		sleep = LONGEST_SLEEP_MS;

	if (!duty->ready)
		become_ready(duty);
	duty->rollups = PQntuples(result);
	duty->failing = 0;
	duty->next_wait_ms = -1;
	for (int row = 0; row < duty->rollups; row++)
	{
		int64_t		wait = atoll(PQgetvalue(result, row, 3));
		const char *outcome = PQgetvalue(result, row, 4);

		duty->failing += strcmp(outcome, "failed") == 0 || strcmp(outcome, "lost") == 0;
		if (wait <= 0 && !duty->stopping)
			start_run(duty, result, row);
		if (wait > 0 && duty->next_wait_ms < 0)
			duty->next_wait_ms = wait;
		if (wait > 0 && wait < sleep)
			sleep = wait;
	}
	duty->step = DUTY_WAITING;
	duty->wake = now_ms() + (sleep > SHORTEST_SLEEP_MS ? sleep : SHORTEST_SLEEP_MS);
	if (duty->once && duty_running(duty) == 0)
		duty->finished = true;
}

static void
answered(Duty *duty)
{
	ExecStatusType status = PQresultStatus(duty->control.result);

	if (duty->step == DUTY_HANDSHAKE)
		shake_hands(duty);
	else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		have_problem(duty, PQresultErrorMessage(duty->control.result));
	else if (duty->step == DUTY_LISTENING)
		next_question(duty);
	else if (duty->step == DUTY_PRUNING)
	{
		if (strcmp(PQgetvalue(duty->control.result, 0, 0), "0") != 0)
			log_event(LOG_INFO, duty->control.label, "%s runs forgotten that ended more than %s ago",
					  PQgetvalue(duty->control.result, 0, 0), duty->keep);
		ask(duty);
	}
	else
		take_due(duty);
}

static void
step_control(Duty *duty, short revents)
{
	switch (conn_step(&duty->control, revents))
	{
		case CONN_NOTHING:
			break;
		case CONN_OPENED:
			conn_send(&duty->control, handshake_sql, 0, NULL);
			duty->step = DUTY_HANDSHAKE;
			break;
		case CONN_ANSWERED:
			answered(duty);
			break;
		case CONN_NOTIFIED:
			duty->wake = now_ms();
			break;
		case CONN_LOST:
			have_problem(duty, duty->control.error);
			break;
	}
	if (duty->step != DUTY_WAITING || now_ms() < duty->wake || duty->stopping)
		return;
	if (duty->control.state == CONN_CLOSED)
	{
		conn_open(&duty->control);
		duty->step = DUTY_OPENING;
	}
	else
		next_question(duty);
}

/* The end of a run is the moment to ask again; after one that was none, not at once. */
static void
run_ended(Duty *duty, WorkerEnd end)
{
	int64_t		wake = now_ms();

	if (end == WORKER_FAILED)
		worsen(duty, EXIT_RUN_FAILED);
	if (end == WORKER_TAKEN)
		wake += TAKEN_PAUSE_MS;
	if (end == WORKER_BROKEN)
	{
		wake += BROKEN_PAUSE_MS;
		if (duty->once)
		{
			worsen(duty, EXIT_NOT_READY);
			duty->stopping = true;
		}
	}
	if (duty->step == DUTY_WAITING && duty->control.state == CONN_READY)
		duty->wake = end == WORKER_BROKEN ? wake : earlier(duty->wake, wake);
}

int
duty_poll(Duty *duty, struct pollfd *fds)
{
	fds[0].fd = duty->control.pg ? PQsocket(duty->control.pg) : -1;
	fds[0].events = duty->control.events;
	fds[0].revents = 0;
	for (int i = 0; i < duty->nworkers; i++)
	{
		Conn	   *conn = &duty->workers[i].conn;

		fds[i + 1].fd = conn->pg ? PQsocket(conn->pg) : -1;
		fds[i + 1].events = conn->events;
		fds[i + 1].revents = 0;
	}
	return duty->nworkers + 1;
}

void
duty_step(Duty *duty, const struct pollfd *fds)
{
	for (int i = 0; i < duty->nworkers; i++)
	{
		WorkerEnd	end = worker_step(&duty->workers[i], fds[i + 1].revents);

		if (end != WORKER_GOES_ON)
			run_ended(duty, end);
	}
	step_control(duty, fds[0].revents);
	if (duty->once && duty->stopping && duty_running(duty) == 0)
		duty->finished = true;
	if (duty->finished)
		duty_close(duty);		/* nobody reads what arrives from now on */
}

/* A run that has not begun by now does not. */
void
duty_stop(Duty *duty)
{
	duty->stopping = true;
	for (int i = 0; i < duty->nworkers; i++)
	{
		if (duty->workers[i].step == WORKER_OPENING)
			worker_abandon(&duty->workers[i]);
	}
}

int64_t
duty_wake(const Duty *duty)
{
	int64_t		wake = duty->control.deadline;

	if (duty->step == DUTY_WAITING && !duty->stopping)
		wake = earlier(wake, duty->wake);
	for (int i = 0; i < duty->nworkers; i++)
		wake = earlier(wake, duty->workers[i].conn.deadline);
	return wake;
}

void
duty_cancel(Duty *duty)
{
	for (int i = 0; i < duty->nworkers; i++)
	{
		if (duty->workers[i].step != WORKER_IDLE)
			conn_cancel(&duty->workers[i].conn);
	}
}

void
duty_close(Duty *duty)
{
	conn_close(&duty->control);
	for (int i = 0; i < duty->nworkers; i++)
		conn_close(&duty->workers[i].conn);
}
