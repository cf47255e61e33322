/*
 * session.c
 *	  What connections and sessions are asked for. See session.h.
 */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where host, hostaddr and port are. */
#define FIRST_LIST	8

/* Later ones win: the connection string over ours, its own hosts in another order over the connection string. */
const char *const session_keywords[SESSION_VALUES] = {
	"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
	"client_encoding", "fallback_application_name", "dbname",
	"host", "hostaddr", "port", NULL
};

/*
 * The session's own settings. Names in answers are written in full, whatever the
 * role's search_path; the server, too, notices a cut network, or it would hold
 * a dead daemon's claims for hours; limits meant for people are not for runs,
 * which have their own; and runs are made for READ COMMITTED. NOTICEs may quote
 * rows that the daemon's role may not read.
 */
const char	session_setup_sql[] =
"SELECT pg_catalog.set_config(name, value, false) FROM (VALUES"
" ('search_path', ''), ('datestyle', 'ISO'), ('client_min_messages', 'error'),"
" ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'),"
" ('tcp_user_timeout', '60000'), ('statement_timeout', '0'), ('lock_timeout', '0'),"
" ('transaction_timeout', '0'), ('idle_session_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),"
" ('jit', 'off'), ('row_security', 'on'), ('default_transaction_isolation', 'read committed')) settings (name, value)"
" WHERE pg_catalog.current_setting(name, true) IS NOT NULL";

/*
 * A network that is cut is noticed by keepalives while we wait for a run, and a
 * host that is gone in time to try the next one of several.
 */
void
session_values(SessionValues *v, const char *conninfo, int64_t patience)
{
	const char *timeout = getenv("PGCONNECT_TIMEOUT");
	const char *encoding = getenv("PGCLIENTENCODING");

	memset(v->values, 0, sizeof(v->values));
	/* only where libpq does the waiting */
	snprintf(v->connect_timeout, sizeof(v->connect_timeout), "%lld", (long long) (patience + 999) / 1000);
	snprintf(v->user_timeout, sizeof(v->user_timeout), "%lld", (long long) patience * 3 / 4);
	v->values[0] = timeout && timeout[0] ? timeout : v->connect_timeout;
	v->values[1] = "30";
	v->values[2] = "10";
	v->values[3] = "3";
	v->values[4] = v->user_timeout;
	v->values[5] = encoding && encoding[0] ? encoding : "UTF8";
	v->values[6] = "gridtreed";
	v->values[7] = conninfo[0] ? conninfo : NULL;
}

/* A list with commas, beginning with its nth element; false if it has fewer or no room. */
static bool
rotate_list(const char *list, int n, char *rotated, size_t size)
{
	const char *from = list;

	for (int i = 0; i < n; i++)
	{
		from = strchr(from, ',');
		if (from == NULL)
			return false;
		from++;
	}
	return (size_t) snprintf(rotated, size, "%s%s%.*s", from, n > 0 ? "," : "",
							 n > 0 ? (int) (from - 1 - list) : 0, list) < size;
}

bool
session_rotate_hosts(SessionValues *v, PGconn *pg, int first)
{
	PQconninfoOption *options = PQconninfo(pg);
	int			lists = 0;
	int			rotated = 0;

	for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
	{
		for (size_t i = FIRST_LIST; session_keywords[i] != NULL; i++)
		{
			if (strcmp(o->keyword, session_keywords[i]) != 0 || o->val == NULL || strchr(o->val, ',') == NULL)
				continue;
			lists++;
			rotated += rotate_list(o->val, first, v->lists[i - FIRST_LIST], sizeof(v->lists[0]));
			v->values[i] = v->lists[i - FIRST_LIST];
		}
	}
	PQconninfoFree(options);
	if (lists > 0 && rotated == lists)
		return true;
	memset(&v->values[FIRST_LIST], 0, (SESSION_VALUES - FIRST_LIST) * sizeof(v->values[0]));
	return false;
}

const char *
session_words(const PGresult *result)
{
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	return primary ? primary : PQresultErrorMessage(result);
}
