/*
 * session.h
 *	  What connections and sessions are asked for: libpq's parameters and the
 *	  server's settings on which the daemon has an opinion.
 */
#ifndef GRIDTREED_SESSION_H
#define GRIDTREED_SESSION_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#define SESSION_VALUES	12

/* For PQconnectdbParams and PQconnectStartParams: keywords, their values, and room for those that are made. */
extern const char *const session_keywords[SESSION_VALUES];

typedef struct SessionValues
{
	const char *values[SESSION_VALUES];
	char		connect_timeout[24];
	char		user_timeout[24];
	char		lists[3][1024];
} SessionValues;

/* patience: ms that a server has for an answer. */
extern void session_values(SessionValues *v, const char *conninfo, int64_t patience);

/*
 * Libpq goes on to the next host when one refuses or its kernel is silent, but
 * not when it lets us in and says no more: then the next attempt is to begin
 * with another one. pg has been begun with the same conninfo, and is asked for
 * its hosts. False, and the order as it was, where there is no host of that
 * number, from 0, or no room for the lists.
 */
extern bool session_rotate_hosts(SessionValues *v, PGconn *pg, int first);

/* The first query of each session. */
extern const char session_setup_sql[];

/* What the server says is wrong, without the query and what points into it. */
extern const char *session_words(const PGresult *result);

#endif							/* GRIDTREED_SESSION_H */
