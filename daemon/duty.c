/*
 * duty.c
 *	  Looking after one database. See duty.h.
 *
 *	  closed --wake--> OPENING --> HANDSHAKE --> LISTENING --> ASKING --> WAITING --wake--> ASKING ...
 *
 * and between two questions what is due, now and then, LOOKING or CHECKING.
 * Whatever goes wrong on the way is a problem: it is logged once, the
 * connection is closed, and everything begins again after a growing delay.
 */
#include "duty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "session.h"

/* So long an answer serves to start what was due, one run after the other, before another question. */
#define ANSWER_SERVES_MS	2000

/* A definition that changes is notified; look this often all the same. */
#define LONGEST_SLEEP_MS	30000

/* Nobody's figures are stale for want of more questions a second than this. */
#define SHORTEST_SLEEP_MS	50

/* How long a rollup is left alone that another session has, and one that could not be run. */
#define BUSY_LEAST_MS		1000
#define BUSY_MOST_MS		5000
#define REFUSED_LEAST_MS	5000
#define REFUSED_MOST_MS		300000

/* From when on a rollup that another session has is worth a word. */
#define BUSY_TOLD_MS		4000

/* Once is once, however fast a rollup is due again: a pause for ever. */
#define ONCE_PAUSE_MS		(INT64_C(1) << 50)

/* Problems in a row after which --once waits no longer for what it has begun. */
#define ONCE_PROBLEMS		5

/* How often to note which rollups have nothing to do. */
#define LOOK_INTERVAL_MS	60000

/* Times its patience with an answer that the daemon has with one statement of housekeeping. */
#define KEEPER_PATIENCE		20

void
duty_init(Duty *duty, const Options *options, int i)
{
	const char *conninfo = options->conninfo[i];
	const Log  *log = &options->log[i];
	int64_t		patience = (int64_t) options->timeout * 1000;

	memset(duty, 0, sizeof(*duty));
	conn_init(&duty->control, conninfo, log, patience);
	conn_init(&duty->keeper.conn, conninfo, log, KEEPER_PATIENCE * patience);
	duty->keeper.keep = options->keep;
	duty->nworkers = options->max_runs;
	for (int n = 0; n < duty->nworkers; n++)
		conn_init(&duty->workers[n].conn, conninfo, log, patience);
	duty->once = options->mode == MODE_ONCE;
	duty->wake = now_ms();
}

int
duty_running(const Duty *duty)
{
	int			running = 0;

	for (int i = 0; i < duty->nworkers; i++)
		running += duty->workers[i].step != WORKER_IDLE;
	return running;
}

int
duties_running(const Duty *duties, int n)
{
	int			running = 0;

	for (int i = 0; i < n; i++)
		running += duty_running(&duties[i]);
	return running;
}

static void
worsen(Duty *duty, int exit_status)
{
	if (exit_status > duty->exit_status)
		duty->exit_status = exit_status;
}

/* What the next connection finds may be another server, and idle ones lead to this one. */
static void
close_idle_workers(Duty *duty)
{
	for (int i = 0; i < duty->nworkers; i++)
	{
		if (duty->workers[i].step == WORKER_IDLE)
			conn_close(&duty->workers[i].conn);
	}
}

/* With --once a problem is the end, but not of runs under way, unless they cannot be asked about for long. */
static void
end_once(Duty *duty)
{
	worsen(duty, EXIT_NOT_READY);
	duty->stopping = true;
	for (int i = 0; i < duty->nworkers && duty->problems > ONCE_PROBLEMS; i++)
		worker_abandon(&duty->workers[i]);
}

/* Say what is wrong, once; close; try again later, or give up with --once. */
static void
have_problem(Duty *duty, const char *words)
{
	int64_t		delay = conn_next_delay(&duty->control);
	char		problem[sizeof(duty->problem)];

	snprintf(problem, sizeof(problem), "%s", words);
	log_clean(duty->control.log, problem);
	if (strcmp(duty->problem, problem) != 0)
		log_event(duty->control.log, LOG_ERROR, "%s", problem);
	memcpy(duty->problem, problem, sizeof(problem));
	conn_close(&duty->control);
	close_idle_workers(duty);
	duty->ready = false;
	duty->due_rows = 0;
	duty->problems++;
	duty->step = DUTY_WAITING;
	duty->wake = now_ms() + delay;
	if (duty->once)
		end_once(duty);
}

/* What is due; a row without a rollup says that there is none. */
static void
ask(Duty *duty)
{
	char		sql[600];

	snprintf(sql, sizeof(sql),
			 "SELECT rollup::pg_catalog.oid, rollup::pg_catalog.text, due_at,"
			 " pg_catalog.ceil(extract(epoch FROM wait) OPERATOR(pg_catalog.*) 1000),"
			 " last_outcome, by_schedule, version, forbidden FROM %s.grid_rollup_agenda() ORDER BY wait", duty->handshake.schema);
	conn_send(&duty->control, sql, 0, NULL);
	duty->asked_at = now_ms();
	duty->due_rows = 0;
	duty->step = DUTY_ASKING;
}

enum
{
	DUE_OID, DUE_NAME, DUE_AT, DUE_WAIT, DUE_OUTCOME, DUE_BY_SCHEDULE, DUE_VERSION, DUE_FORBIDDEN
};

static void
look(Duty *duty)
{
	char		sql[300];

	snprintf(sql, sizeof(sql), "SELECT %s.grid_rollup_look()", duty->handshake.schema);
	conn_send(&duty->control, sql, 0, NULL);
	duty->look_at = now_ms() + LOOK_INTERVAL_MS;
	duty->due_rows = 0;
	duty->step = DUTY_LOOKING;
}

/* A run that is claimed, or a session that is about to claim it. */
static void
check(Duty *duty, Worker *worker)
{
	const char *params[] = {worker->due.oid, worker->due.due_at};
	char		sql[900];

	snprintf(sql, sizeof(sql),
			 "SELECT %1$s.grid_rollup_running($1::pg_catalog.oid) OR EXISTS (SELECT FROM %1$s.grid_rollup_runs r"
			 " WHERE r.outcome IS NULL AND r.rollup OPERATOR(pg_catalog.=) $1::pg_catalog.oid"
			 " AND r.due_at OPERATOR(pg_catalog.=) $2::pg_catalog.timestamptz)", duty->handshake.schema);
	conn_send(&duty->control, sql, 2, params);
	duty->checked = worker;
	duty->due_rows = 0;
	duty->step = DUTY_CHECKING;
}

static void
next_question(Duty *duty)
{
	for (int i = 0; i < duty->nworkers; i++)
	{
		if (worker_wants_check(&duty->workers[i]))
		{
			check(duty, &duty->workers[i]);
			return;
		}
	}
	if (now_ms() >= duty->look_at && !duty->once)
		look(duty);
	else
		ask(duty);
}

static void
shake_hands(Duty *duty)
{
	if (!handshake_judge(duty->control.result, &duty->handshake))
	{
		have_problem(duty, duty->handshake.problem);
		return;
	}
	conn_send(&duty->control, "LISTEN gridtree", 0, NULL);
	duty->step = DUTY_LISTENING;
}

static bool
is_running(const Duty *duty, const char *oid)
{
	for (int i = 0; i < duty->nworkers; i++)
	{
		if (duty->workers[i].step != WORKER_IDLE && strcmp(duty->workers[i].due.oid, oid) == 0)
			return true;
	}
	return false;
}

/* A worker without work: one that is connected if there is, and no other while connections are not to be had. */
static Worker *
idle_worker(Duty *duty)
{
	Worker	   *idle = NULL;

	for (int i = 0; i < duty->nworkers; i++)
	{
		Worker	   *worker = &duty->workers[i];

		if (worker->step != WORKER_IDLE)
			continue;
		if (worker->conn.state == CONN_READY)
			return worker;
		if (now_ms() >= duty->rest_until)
			idle = worker;
	}
	return idle;
}

/* Start what the last answer says is due, as far as there are workers. */
static void
start_runs(Duty *duty)
{
	const PGresult *result = duty->control.result;

	for (; duty->due_row < duty->due_rows && !duty->stopping; duty->due_row++)
	{
		const char *oid = PQgetvalue(result, duty->due_row, DUE_OID);
		Worker	   *worker = idle_worker(duty);
		Due			due;

		if (is_running(duty, oid) || pauses_until(&duty->pauses, oid) > 0)
			continue;
		if (worker == NULL)
			return;
		snprintf(due.oid, sizeof(due.oid), "%s", oid);
		snprintf(due.name, sizeof(due.name), "%s", PQgetvalue(result, duty->due_row, DUE_NAME));
		snprintf(due.due_at, sizeof(due.due_at), "%s", PQgetvalue(result, duty->due_row, DUE_AT));
		worker_start(worker, &due, duty->handshake.schema);
	}
}

/* The first answer: not before it is all well. */
static void
become_ready(Duty *duty)
{
	log_event(duty->control.log, LOG_INFO, "%s, gridtree %s",
			  duty->problem[0] ? "connected again" : "connected", duty->handshake.version);
	duty->problem[0] = '\0';
	duty->ready = true;
	duty->problems = 0;
	duty->control.retry_delay = 0;
}

/* Rollups that nobody might run are worth a word whenever their number changes. */
static void
take_forbidden(Duty *duty, int forbidden)
{
	if (forbidden > 0 && forbidden != duty->forbidden)
		log_event(duty->control.log, LOG_WARNING, "our role may not run %d of the scheduled rollup%s (see gridtreed --check)",
				  forbidden, PLURAL(forbidden));
	duty->forbidden = forbidden;
	if (forbidden > 0)
		worsen(duty, EXIT_NOT_READY);
}

/* What one row of the answer says; returns when to look at it again, 0 when a worker will say. */
static int64_t
take_row(Duty *duty, const PGresult *result, int row)
{
	int64_t		wait = atoll(PQgetvalue(result, row, DUE_WAIT));
	const char *outcome = PQgetvalue(result, row, DUE_OUTCOME);

	duty->failing += strcmp(outcome, "failed") == 0 || strcmp(outcome, "lost") == 0;
	if (wait <= 0)
	{
		duty->due_rows++;
		return pauses_until(&duty->pauses, PQgetvalue(result, row, DUE_OID));
	}
	/* with a largest age, it may be only a look */
	if (PQgetvalue(result, row, DUE_BY_SCHEDULE)[0] == 't')
		duty->next_at = earlier(duty->next_at, now_ms() + wait);
	return now_ms() + wait;
}

/* Start what is due; sleep until the next is. Rows come in order of their wait. */
static void
take_due(Duty *duty)
{
	const PGresult *result = duty->control.result;
	int64_t		next = now_ms() + LONGEST_SLEEP_MS;

	if (strcmp(PQgetvalue(result, 0, DUE_VERSION), duty->handshake.version) != 0)
	{
		have_problem(duty, "the extension has been updated");
		return;
	}
	if (!duty->ready)
		become_ready(duty);
	duty->rollups = PQgetisnull(result, 0, DUE_OID) ? 0 : PQntuples(result);
	duty->failing = 0;
	duty->next_at = 0;
	take_forbidden(duty, atoi(PQgetvalue(result, 0, DUE_FORBIDDEN)));
	pauses_purge(&duty->pauses);
	duty->due_rows = duty->due_row = 0;
	for (int row = 0; row < duty->rollups; row++)
		next = earlier(next, take_row(duty, result, row));
	start_runs(duty);
	if (duty->due_row < duty->due_rows && now_ms() < duty->rest_until)
		next = earlier(next, duty->rest_until);
	duty->step = DUTY_WAITING;
	duty->wake = conn_take_notifies(&duty->control) || duty->stale ? now_ms() : next;
	duty->stale = false;
	if (duty->once)
		duty->finished = duty_running(duty) == 0;
	else if (!duty->stopping)
		keeper_begin(&duty->keeper, duty->handshake.schema);
}

static void
take_check(Duty *duty)
{
	worker_checked(duty->checked, PQgetvalue(duty->control.result, 0, 0)[0] == 't');
	ask(duty);
}

static void
answered(Duty *duty)
{
	ExecStatusType status = PQresultStatus(duty->control.result);

	if (duty->step == DUTY_HANDSHAKE)
		shake_hands(duty);
	else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		have_problem(duty, session_words(duty->control.result));
	else if (duty->step == DUTY_LISTENING || duty->step == DUTY_LOOKING)
		ask(duty);
	else if (duty->step == DUTY_CHECKING)
		take_check(duty);
	else
		take_due(duty);
}

/* While stopping, only whether the runs that are left are still on. */
static bool
has_questions(const Duty *duty)
{
	return duty->step == DUTY_WAITING && (!duty->stopping || duty_running(duty) > 0);
}

/* When the control connection has a question to ask. */
static int64_t
question_at(const Duty *duty)
{
	int64_t		at = duty->wake;

	if (duty->control.state == CONN_CLOSED)
		return at;
	for (int i = 0; i < duty->nworkers; i++)
	{
		if (duty->workers[i].step == WORKER_CALLING && duty->workers[i].conn.deadline == 0)
			at = earlier(at, duty->workers[i].check_at);
	}
	return at > duty->asked_at + SHORTEST_SLEEP_MS ? at : duty->asked_at + SHORTEST_SLEEP_MS;
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
	if (!has_questions(duty) || now_ms() < question_at(duty))
		return;
	if (duty->control.state == CONN_CLOSED)
	{
		conn_open(&duty->control);
		duty->step = DUTY_OPENING;
	}
	else
		next_question(duty);
}

/* The end of a run is the moment for the next, or to ask again; before that, which rollups are left alone for how long. */
static void
run_ended(Duty *duty, Worker *worker, WorkerEnd end)
{
	const char *oid = worker->due.oid;

	switch (end)
	{
		case WORKER_GOES_ON:
			return;
		case WORKER_DONE:
		case WORKER_FAILED:
			pauses_end(&duty->pauses, oid);
			break;
		case WORKER_ALREADY_RUN:
			(void) pauses_add(&duty->pauses, oid, BUSY_LEAST_MS, BUSY_MOST_MS);
			break;
		case WORKER_BUSY:
			if (pauses_add(&duty->pauses, oid, BUSY_LEAST_MS, BUSY_MOST_MS) == BUSY_TOLD_MS || duty->once)
				log_event(duty->control.log, LOG_INFO, "rollup=%s due=\"%s\" another session is running or refreshing it",
						  worker->due.name, worker->due.due_at);
			break;
		case WORKER_REFUSED:
			(void) pauses_add(&duty->pauses, oid, REFUSED_LEAST_MS, REFUSED_MOST_MS);
			break;
		case WORKER_LOST:
			duty->rest_until = now_ms() + conn_next_delay(&worker->conn);
			break;
	}
	if (duty->once)
		(void) pauses_add(&duty->pauses, oid, ONCE_PAUSE_MS, ONCE_PAUSE_MS);
	if (end == WORKER_FAILED)
		worsen(duty, EXIT_RUN_FAILED);
	if (end == WORKER_REFUSED || end == WORKER_LOST)
	{
		worsen(duty, EXIT_NOT_READY);
		duty->stopping |= duty->once && end == WORKER_LOST;
	}
	duty->stale |= duty->step == DUTY_ASKING;
	if (duty->step != DUTY_WAITING || duty->control.state != CONN_READY)
		return;
	if (now_ms() < duty->asked_at + ANSWER_SERVES_MS)
		start_runs(duty);
	if (worker->step == WORKER_IDLE)
		duty->wake = now_ms();
}

static void
poll_conn(const Conn *conn, struct pollfd *fd)
{
	fd->fd = conn->pg ? PQsocket(conn->pg) : -1;
	fd->events = conn->events;
	fd->revents = 0;
}

void
duty_poll(const Duty *duty, struct pollfd *fds)
{
	poll_conn(&duty->control, &fds[0]);
	poll_conn(&duty->keeper.conn, &fds[1]);
	for (int i = 0; i < duty->nworkers; i++)
		poll_conn(&duty->workers[i].conn, &fds[2 + i]);
}

void
duty_step(Duty *duty, const struct pollfd *fds)
{
	for (int i = 0; i < duty->nworkers; i++)
		run_ended(duty, &duty->workers[i], worker_step(&duty->workers[i], fds[2 + i].revents));
	keeper_step(&duty->keeper, fds[1].revents);
	step_control(duty, fds[0].revents);
	if (duty->once && duty->stopping && duty_running(duty) == 0)
		duty->finished = true;
	if (duty->finished)
		duty_close(duty);		/* nobody reads what arrives from now on */
}

int64_t
duty_wake(const Duty *duty)
{
	int64_t		wake = earlier(duty->control.deadline, duty->keeper.conn.deadline);

	if (has_questions(duty))
		wake = earlier(wake, question_at(duty));
	for (int i = 0; i < duty->nworkers; i++)
		wake = earlier(wake, duty->workers[i].conn.deadline);
	return wake;
}

/* A run that has not begun by now does not. */
void
duty_stop(Duty *duty)
{
	duty->stopping = true;
	keeper_stop(&duty->keeper);
	for (int i = 0; i < duty->nworkers; i++)
	{
		if (duty->workers[i].step == WORKER_OPENING)
			worker_abandon(&duty->workers[i]);
	}
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
	keeper_stop(&duty->keeper);
	for (int i = 0; i < duty->nworkers; i++)
		conn_close(&duty->workers[i].conn);
	free(duty->pauses.list);
	duty->pauses = (Pauses) {0};
}
