/*
 * conn.h
 *	  One connection to one database that never blocks: opening, a query at a
 *	  time, and when to try again. Knows libpq; knows nothing of rollups.
 */
#ifndef GRIDTREED_CONN_H
#define GRIDTREED_CONN_H

#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "log.h"

typedef enum ConnState
{
	CONN_CLOSED,
	CONN_OPENING,
	CONN_SETTING,				/* the session's settings are being made */
	CONN_READY,
	CONN_BUSY					/* a query is under way */
} ConnState;

/* What conn_step has to report. */
typedef enum ConnEvent
{
	CONN_NOTHING,
	CONN_OPENED,
	CONN_ANSWERED,				/* conn->result is the answer */
	CONN_NOTIFIED,				/* by NOTIFY, between queries */
	CONN_LOST					/* or never opened; conn->error says why */
} ConnEvent;

typedef struct Conn
{
	const char *conninfo;
	const Log  *log;
	int64_t		patience;		/* ms the server has for an answer, and to let us in */
	ConnState	state;
	PGconn	   *pg;
	PGresult   *result;			/* ours until the next query */
	short		events;			/* what to poll for */
	int64_t		deadline;		/* in ms of now_ms(); 0 is none */
	int64_t		retry_delay;	/* last drawn, ms; 0 after success */
	unsigned short random[3];	/* state of the jitter */
	char		address[80];	/* being opened */
	int			first_host;		/* of several: which to begin with */
	char		last_words[256];	/* of a server that ended the session */
	char		error[1024];
} Conn;

extern void conn_init(Conn *conn, const char *conninfo, const Log *log, int64_t patience);
extern void conn_open(Conn *conn);
extern void conn_close(Conn *conn);

/* Send a query that is answered within the connection's patience; it must be READY. */
extern void conn_send(Conn *conn, const char *sql, int nparams, const char *const *params);

/* Let the query under way take as long as it wants. */
extern void conn_wait_for_ever(Conn *conn);

/* Expect the answer of the query under way within the connection's patience from now. */
extern void conn_expect(Conn *conn);

/* Has NOTIFY come along with an answer? */
extern bool conn_take_notifies(Conn *conn);

/* Ask the server to cancel what the connection does; does not wait for it. */
extern void conn_cancel(Conn *conn);

/* Go on after poll() saw revents; 0 is allowed and only looks at the clock. */
extern ConnEvent conn_step(Conn *conn, short revents);

/* How long to wait before the next attempt, ms: grows, with jitter, to a minute. */
extern int64_t conn_next_delay(Conn *conn);

#endif							/* GRIDTREED_CONN_H */
