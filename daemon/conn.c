/*
 * conn.c
 *	  One connection over asynchronous libpq. See conn.h.
 */
#include "conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define OPEN_TIMEOUT_MS	30000
#define CANCEL_TIMEOUT_S	10
#define MIN_DELAY_MS	500
#define MAX_DELAY_MS	60000

/*
 * A network that is cut must be noticed in about a minute; what the connection
 * string says comes later and wins.
 */
static const char *const keywords[] = {
	"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
	"fallback_application_name", "dbname", NULL
};

static void
fill_values(const char *values[], const char *conninfo)
{
	const char *timeout = getenv("PGCONNECT_TIMEOUT");

	values[0] = timeout && timeout[0] ? timeout : "30";	/* only where libpq does the waiting */
	values[1] = "30";
	values[2] = "10";
	values[3] = "3";
	values[4] = "60000";
	values[5] = "gridtreed";
	values[6] = conninfo[0] ? conninfo : NULL;
	values[7] = NULL;
}

int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
earlier(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

PGconn *
conn_connect_blocking(const char *conninfo)
{
	const char *values[sizeof(keywords) / sizeof(keywords[0])];

	fill_values(values, conninfo);
	return PQconnectdbParams(keywords, values, 1);
}

/* What the server says on its own goes to the log. */
static void
log_notice(void *arg, const PGresult *result)
{
	const Conn *conn = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	log_event(severity && strcmp(severity, "WARNING") == 0 ? LOG_WARNING : LOG_INFO, conn->label,
			  "server: %s", message ? message : "");
}

static void
clear_result(Conn *conn)
{
	PQclear(conn->result);
	conn->result = NULL;
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

/* Keep libpq's words, or ours where it has none or has only begun; then close. */
static ConnEvent
lost(Conn *conn, const char *fallback)
{
	const char *message = conn->pg ? PQerrorMessage(conn->pg) : "";
	size_t		length = strlen(message);
	bool		begun = length == 0 || message[length - 1] == ' ';

	snprintf(conn->error, sizeof(conn->error), "%s%s", message, begun ? fallback : "");
	log_scrub(conn->error);
	for (size_t n = strlen(conn->error); n > 0 && conn->error[n - 1] == '\n'; n--)
		conn->error[n - 1] = '\0';
	conn_close(conn);
	return CONN_LOST;
}

void
conn_open(Conn *conn)
{
	const char *values[sizeof(keywords) / sizeof(keywords[0])];

	conn_close(conn);
	fill_values(values, conn->conninfo);
	conn->pg = PQconnectStartParams(keywords, values, 1);
	conn->state = CONN_OPENING;
	conn->events = POLLOUT;
	/* What has failed at once has no socket to poll. */
	conn->deadline = now_ms() + (PQstatus(conn->pg) == CONNECTION_BAD ? 0 : OPEN_TIMEOUT_MS);
}

static ConnEvent
step_opening(Conn *conn, short revents)
{
	if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD)
		return lost(conn, "out of memory");
	if (now_ms() >= conn->deadline)
		return lost(conn, "the server did not answer in time");
	if (revents == 0)
		return CONN_NOTHING;
	switch (PQconnectPoll(conn->pg))
	{
		case PGRES_POLLING_READING:
			conn->events = POLLIN;
			return CONN_NOTHING;
		case PGRES_POLLING_WRITING:
			conn->events = POLLOUT;
			return CONN_NOTHING;
		case PGRES_POLLING_OK:
			PQsetnonblocking(conn->pg, 1);
			PQsetNoticeReceiver(conn->pg, log_notice, conn);
			conn->state = CONN_READY;
			conn->events = POLLIN;
			conn->deadline = 0;
			return CONN_OPENED;
		default:
			return lost(conn, "the connection failed");
	}
}

void
conn_send(Conn *conn, const char *sql, int nparams, const char *const *params)
{
	clear_result(conn);
	conn->state = CONN_BUSY;
	conn->events = POLLIN | POLLOUT;
	/* Where sending fails there may be no socket to poll: the deadline has the next step find out. */
	if (!PQsendQueryParams(conn->pg, sql, nparams, NULL, params, NULL, NULL, 0))
		conn->deadline = now_ms();
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
		alarm(child == 0 ? CANCEL_TIMEOUT_S : 0);
		if (!PQcancel(cancel, error, sizeof(error)))
			log_event(LOG_WARNING, conn->label, "cannot cancel: %s", error);
		if (child == 0)
			_exit(0);
	}
	PQfreeCancel(cancel);
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
		{
			conn->state = CONN_READY;
			return PQstatus(conn->pg) == CONNECTION_OK && conn->result ? CONN_ANSWERED
				: lost(conn, "the connection was lost");
		}
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

static ConnEvent
step_ready(Conn *conn)
{
	PGnotify   *notify;
	bool		notified = false;

	if (!PQconsumeInput(conn->pg) || PQstatus(conn->pg) == CONNECTION_BAD)
		return lost(conn, "the connection was lost");
	while ((notify = PQnotifies(conn->pg)) != NULL)
	{
		PQfreemem(notify);
		notified = true;
	}
	return notified ? CONN_NOTIFIED : CONN_NOTHING;
}

ConnEvent
conn_step(Conn *conn, short revents)
{
	if (conn->state == CONN_OPENING)
		return step_opening(conn, revents);
	if (conn->deadline > 0 && now_ms() >= conn->deadline)
		return lost(conn, "the query could not be sent");
	if (conn->state == CONN_CLOSED || revents == 0)
		return CONN_NOTHING;
	return conn->state == CONN_BUSY ? step_busy(conn) : step_ready(conn);
}

/* Decorrelated jitter: between the least and three times the last, bounded. */
int64_t
conn_next_delay(Conn *conn)
{
	int64_t		high = 3 * (conn->retry_delay > 0 ? conn->retry_delay : MIN_DELAY_MS);

	conn->retry_delay = MIN_DELAY_MS + (int64_t) (drand48() * (double) (high - MIN_DELAY_MS));
	if (conn->retry_delay > MAX_DELAY_MS)
		conn->retry_delay = MAX_DELAY_MS;
	return conn->retry_delay;
}
