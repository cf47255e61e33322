/*
 * conn.c
 *	  One connection over asynchronous libpq. See conn.h.
 */
#include "conn.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "session.h"

#define CANCEL_TIMEOUT_S	10
#define MIN_DELAY_MS	500
#define MAX_DELAY_MS	60000

/* Only the words with which a server ends a session are kept: libpq's are about the socket. */
static void
take_notice(void *arg, const PGresult *result)
{
	Conn	   *conn = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (severity && message && strcmp(severity, "FATAL") == 0)
		snprintf(conn->last_words, sizeof(conn->last_words), "%s", message);
}

static void
clear_result(Conn *conn)
{
	PQclear(conn->result);
	conn->result = NULL;
}

void
conn_init(Conn *conn, const char *conninfo, const Log *log, int64_t patience)
{
	uint64_t	seed = (uint64_t) time(NULL) ^ (uint64_t) getpid() << 16 ^ (uint64_t) (uintptr_t) conn;

	memset(conn, 0, sizeof(*conn));
	conn->conninfo = conninfo;
	conn->log = log;
	conn->patience = patience;
	memcpy(conn->random, &seed, sizeof(conn->random));
}

void
conn_close(Conn *conn)
{
	clear_result(conn);
	PQfinish(conn->pg);
	conn->pg = NULL;
	conn->state = CONN_CLOSED;
	conn->events = 0;
	conn->deadline = 0;
}

static ConnEvent
lost_because(Conn *conn, const char *words, const char *more)
{
	snprintf(conn->error, sizeof(conn->error), "%s%s", words, more);
	log_clean(conn->log, conn->error);
	conn_close(conn);
	return CONN_LOST;
}

/* Keep the server's last words, else libpq's, or ours where it has none or has only begun; then close. */
static ConnEvent
lost(Conn *conn, const char *fallback)
{
	const char *message = conn->pg ? PQerrorMessage(conn->pg) : "";
	size_t		length = strlen(message);
	bool		begun = length == 0 || message[length - 1] == ' ';

	if (conn->last_words[0] != '\0')
		return lost_because(conn, conn->last_words, "");
	return lost_because(conn, message, begun ? fallback : "");
}

void
conn_open(Conn *conn)
{
	SessionValues v;

	conn_close(conn);
	conn->last_words[0] = '\0';
	conn->address[0] = '\0';
	session_values(&v, conn->conninfo, conn->patience);
	conn->pg = PQconnectStartParams(session_keywords, v.values, 1);
	if (conn->first_host > 0 && PQstatus(conn->pg) != CONNECTION_BAD)
	{
		if (!session_rotate_hosts(&v, conn->pg, conn->first_host))
			conn->first_host = 0;
		PQfinish(conn->pg);
		conn->pg = PQconnectStartParams(session_keywords, v.values, 1);
	}
	conn->state = CONN_OPENING;
	conn->events = POLLOUT;
	/* What has failed at once has no socket to poll. */
	conn->deadline = now_ms() + (PQstatus(conn->pg) == CONNECTION_BAD ? 0 : conn->patience);
}

void
conn_expect(Conn *conn)
{
	conn->deadline = now_ms() + conn->patience;
}

void
conn_wait_for_ever(Conn *conn)
{
	if (conn->events & POLLIN)	/* else it could not be sent */
		conn->deadline = 0;
}

void
conn_send(Conn *conn, const char *sql, int nparams, const char *const *params)
{
	clear_result(conn);
	conn->state = CONN_BUSY;
	conn->events = POLLIN | POLLOUT;
	conn_expect(conn);
	/* Where sending fails there may be no socket to poll: the deadline has the next step find out. */
	if (!PQsendQueryParams(conn->pg, sql, nparams, NULL, params, NULL, NULL, 0))
	{
		conn->events = 0;
		conn->deadline = now_ms();
	}
}

/* Each address that libpq tries has all of our patience. */
static void
watch_address(Conn *conn)
{
	const char *address = PQhostaddr(conn->pg);
	const char *port = PQport(conn->pg);
	char		now[sizeof(conn->address)];

	snprintf(now, sizeof(now), "%s %s", address ? address : "", port ? port : "");
	if (strcmp(now, conn->address) == 0)
		return;
	memcpy(conn->address, now, sizeof(now));
	conn_expect(conn);
}

static ConnEvent
step_opening(Conn *conn, short revents)
{
	PostgresPollingStatusType status;

	if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD)
		return lost(conn, "out of memory");
	if (revents == 0)
		return CONN_NOTHING;
	status = PQconnectPoll(conn->pg);
	watch_address(conn);
	switch (status)
	{
		case PGRES_POLLING_READING:
			conn->events = POLLIN;
			return CONN_NOTHING;
		case PGRES_POLLING_WRITING:
			conn->events = POLLOUT;
			return CONN_NOTHING;
		case PGRES_POLLING_OK:
			PQsetnonblocking(conn->pg, 1);
			PQsetNoticeReceiver(conn->pg, take_notice, conn);
			conn_send(conn, session_setup_sql, 0, NULL);
			conn->state = CONN_SETTING;
			return CONN_NOTHING;
		default:
			return lost(conn, "the connection failed");
	}
}

/*
 * PQcancel opens a connection of its own and waits for the server to close it,
 * without limit: a process of its own does so, which the parent need not await.
 */
void
conn_cancel(Conn *conn)
{
	PGcancel   *cancel = conn->state == CONN_BUSY ? PQgetCancel(conn->pg) : NULL;
	pid_t		child = cancel ? fork() : 0;
	char		error[256];

	if (cancel == NULL)
		return;
	if (child <= 0)
	{
		sigset_t	none;

		sigemptyset(&none);
		if (child == 0)
			sigprocmask(SIG_SETMASK, &none, NULL);
		alarm(child == 0 ? CANCEL_TIMEOUT_S : 0);
		if (!PQcancel(cancel, error, sizeof(error)))
			log_event(conn->log, LOG_WARNING, "cannot cancel: %s", error);
		if (child == 0)
			_exit(0);
	}
	PQfreeCancel(cancel);
}

/* The query is over: of the settings, that opens the connection. */
static ConnEvent
query_over(Conn *conn)
{
	bool		setting = conn->state == CONN_SETTING;

	conn->state = CONN_READY;
	conn->deadline = 0;
	if (PQstatus(conn->pg) != CONNECTION_OK || conn->result == NULL)
		return lost(conn, "the connection was lost");
	if (!setting)
		return CONN_ANSWERED;
	if (PQresultStatus(conn->result) != PGRES_TUPLES_OK)
		return lost_because(conn, session_words(conn->result), "");
	return CONN_OPENED;
}

/* Take what has arrived; the first error, else the last result, is the answer. */
static ConnEvent
step_busy(Conn *conn)
{
	int			unsent = PQflush(conn->pg);

	if (unsent < 0 || !PQconsumeInput(conn->pg))
		return lost(conn, "the connection was lost");
	conn->events = unsent ? POLLIN | POLLOUT : POLLIN;
	while (!PQisBusy(conn->pg))
	{
		PGresult   *result = PQgetResult(conn->pg);

		if (result == NULL)
			return query_over(conn);
		if (conn->result != NULL && PQresultStatus(conn->result) == PGRES_FATAL_ERROR)
			PQclear(result);
		else
		{
			clear_result(conn);
			conn->result = result;
		}
	}
	return CONN_NOTHING;
}

bool
conn_take_notifies(Conn *conn)
{
	PGnotify   *notify;
	bool		any = false;

	while ((notify = PQnotifies(conn->pg)) != NULL)
	{
		PQfreemem(notify);
		any = true;
	}
	return any;
}

static ConnEvent
step_ready(Conn *conn)
{
	if (!PQconsumeInput(conn->pg) || PQstatus(conn->pg) == CONNECTION_BAD)
		return lost(conn, "the connection was lost");
	return conn_take_notifies(conn) ? CONN_NOTIFIED : CONN_NOTHING;
}

ConnEvent
conn_step(Conn *conn, short revents)
{
	ConnEvent	event = CONN_NOTHING;

	if (conn->state == CONN_OPENING)
		event = step_opening(conn, revents);
	else if (conn->state != CONN_CLOSED && revents != 0)
		event = conn->state == CONN_READY ? step_ready(conn) : step_busy(conn);
	if (event == CONN_NOTHING && conn->deadline > 0 && now_ms() >= conn->deadline)
	{
		conn->first_host += conn->state == CONN_OPENING;
		return lost(conn, "the server did not answer in time");
	}
	return event;
}

/* Decorrelated jitter: between the least and three times the last, bounded. */
int64_t
conn_next_delay(Conn *conn)
{
	int64_t		high = 3 * (conn->retry_delay > 0 ? conn->retry_delay : MIN_DELAY_MS);

	conn->retry_delay = MIN_DELAY_MS + (int64_t) (erand48(conn->random) * (double) (high - MIN_DELAY_MS));
	if (conn->retry_delay > MAX_DELAY_MS)
		conn->retry_delay = MAX_DELAY_MS;
	return conn->retry_delay;
}
