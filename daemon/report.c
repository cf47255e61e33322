/*
 * report.c
 *	  --check and --status: one database after the other, waiting for each.
 */
#include "report.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "handshake.h"
#include "log.h"
#include "session.h"

/* Words of libpq or the server. */
static void
print_problem(const Log *log, const char *words)
{
	char		text[1024];

	snprintf(text, sizeof(text), "%s", words);
	log_clean(log, text);
	printf("%s: %s\n", log->database, text);
}

/* The answer to a query; NULL when there is none in time or memory. */
static PGresult *
ask_and_wait(PGconn *pg, const char *sql, int64_t patience)
{
	int64_t		deadline = now_ms() + patience;
	PGresult   *answer = NULL;
	PGresult   *next;

	if (!PQsendQuery(pg, sql))
		return NULL;
	for (;;)
	{
		struct pollfd fd = {.fd = PQsocket(pg), .events = POLLIN};
		int64_t		left = deadline - now_ms();

		while (!PQisBusy(pg))
		{
			next = PQgetResult(pg);
			if (next == NULL)
				return answer;
			PQclear(answer);
			answer = next;
		}
		if (left <= 0 || poll(&fd, 1, (int) left) == 0 || !PQconsumeInput(pg))
			break;
	}
	PQclear(answer);
	return NULL;
}

/* The rows of an answer; NULL after saying what is wrong. */
static PGresult *
query(PGconn *pg, const Options *options, const Log *log, const char *sql)
{
	PGresult   *result = ask_and_wait(pg, sql, (int64_t) options->timeout * 1000);
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_TUPLES_OK)
		return result;
	print_problem(log, result ? session_words(result) :
				  PQstatus(pg) == CONNECTION_BAD ? PQerrorMessage(pg) : "the server did not answer in time");
	PQclear(result);
	return NULL;
}

/* Connect and shake hands; NULL after saying what is wrong. */
static PGconn *
open_database(const Options *options, int i, Handshake *handshake)
{
	const Log  *log = &options->log[i];
	SessionValues v;
	PGconn	   *pg;
	PGresult   *result = NULL;
	bool		good = false;

	session_values(&v, options->conninfo[i], (int64_t) options->timeout * 1000);
	pg = PQconnectdbParams(session_keywords, v.values, 1);
	if (PQstatus(pg) != CONNECTION_OK)
		print_problem(log, PQerrorMessage(pg));
	else
		result = query(pg, options, log, session_setup_sql);
	if (result != NULL)
	{
		PQclear(result);
		result = query(pg, options, log, handshake_sql);
	}
	if (result != NULL)
	{
		good = handshake_judge(result, handshake);
		PQclear(result);
		if (!good)
			print_problem(log, handshake->problem);
	}
	if (good)
		return pg;
	PQfinish(pg);
	return NULL;
}

/* How many scheduled rollups the role may run, and of whom it may not. */
static int
check_rights(PGconn *pg, const Options *options, const Log *log, const Handshake *handshake)
{
	char		sql[800];
	PGresult   *result;
	int			allowed = 0;
	int			refused = 0;

	snprintf(sql, sizeof(sql),
			 "SELECT may, pg_catalog.count(*), pg_catalog.pg_get_userbyid(r.relowner), pg_catalog.min(c.rollup::pg_catalog.text),"
			 " current_user FROM %1$s.grid_rollup_catalog c"
			 " JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) c.rollup, %1$s.grid_rollup_may_run(c.rollup) may"
			 " WHERE c.scheduled GROUP BY may, r.relowner ORDER BY 3",
			 handshake->schema);
	result = query(pg, options, log, sql);
	if (result == NULL)
		return EXIT_NOT_READY;
	for (int row = 0; row < PQntuples(result); row++)
	{
		int			rollups = atoi(PQgetvalue(result, row, 1));

		if (PQgetvalue(result, row, 0)[0] == 't')
		{
			allowed += rollups;
			continue;
		}
		refused += rollups;
		printf("%s: role \"%s\" may not run %d scheduled rollup%s of \"%s\", such as %s: grant it EXECUTE ON FUNCTION"
			   " %s.grid_rollup_runner(), or membership in their owner\n", log->database, PQgetvalue(result, row, 4),
			   rollups, PLURAL(rollups), PQgetvalue(result, row, 2), PQgetvalue(result, row, 3), handshake->schema);
	}
	printf("%s: gridtree %s, %d scheduled rollup%s to run%s\n", log->database, handshake->version, allowed, PLURAL(allowed),
		   refused ? "" : ", ready");
	PQclear(result);
	return refused ? EXIT_NOT_READY : EXIT_DONE;
}

int
report_check(const Options *options)
{
	int			exit_status = EXIT_DONE;

	for (int i = 0; i < options->ndatabases; i++)
	{
		Handshake	handshake;
		PGconn	   *pg = open_database(options, i, &handshake);
		int			status = pg ? check_rights(pg, options, &options->log[i], &handshake) : EXIT_NOT_READY;

		if (status > exit_status)
			exit_status = status;
		PQfinish(pg);
	}
	return exit_status;
}

/* Columns a value takes on a terminal. */
static int
display_width(const char *text, int encoding)
{
	int			width = 0;

	while (*text != '\0')
	{
		int			length = PQmblenBounded(text, encoding);
		int			columns = PQdsplen(text, encoding);

		width += columns > 0 ? columns : 0;
		text += length > 0 ? length : 1;
	}
	return width;
}

static void
print_cell(const char *text, int width, int encoding, bool last)
{
	fputs(text, stdout);
	if (last)
		putchar('\n');
	else
		printf("%*s", width - display_width(text, encoding) + 2, "");
}

static void
print_table(PGconn *pg, const PGresult *result, int columns)
{
	int			encoding = PQclientEncoding(pg);

	for (int row = -1; row < PQntuples(result); row++)
	{
		for (int column = 0; column < columns; column++)
		{
			int			width = display_width(PQfname(result, column), encoding);

			for (int r = 0; r < PQntuples(result); r++)
			{
				int			w = display_width(PQgetvalue(result, r, column), encoding);

				width = w > width ? w : width;
			}
			print_cell(row < 0 ? PQfname(result, column) : PQgetvalue(result, row, column), width,
					   encoding, column == columns - 1);
		}
	}
}

/*
 * Late is what has been due for longer than any daemon sleeps, or looks at what
 * it is to do: none runs, or none gets to it. The rows end with what is said
 * about the whole: rollups that we are not shown, and the zone of the times.
 */
static const char status_sql[] =
"SELECT s.rollup, concat_ws(' ', s.schedule, CASE WHEN s.schedule IS NOT NULL THEN coalesce(s.time_zone, 'UTC') END) AS schedule,"
" coalesce(s.max_lag::pg_catalog.text, '') AS max_lag,"
" CASE WHEN s.running THEN 'running' WHEN NOT s.enabled THEN 'disabled'"
"  WHEN s.failures OPERATOR(pg_catalog.>) 0 THEN 'failing'"
"  WHEN s.next_due_at OPERATOR(pg_catalog.<) (now() OPERATOR(pg_catalog.-) interval '2 minutes') THEN 'late'"
"  WHEN s.schedule IS NULL AND s.max_lag IS NULL THEN 'by hand'"
"  WHEN NOT s.filled THEN 'not filled' WHEN s.pending THEN 'pending' WHEN NOT s.pending THEN 'fresh' ELSE '' END AS state,"
" coalesce(pg_catalog.to_char(s.last_started_at, 'YYYY-MM-DD HH24:MI:SS'), 'never') AS last_run,"
" coalesce(s.last_outcome, '') AS outcome, s.failures,"
" coalesce(pg_catalog.date_trunc('second', s.lag)::pg_catalog.text, '') AS lag,"
" CASE WHEN s.schedule IS NULL AND s.filled AND NOT s.pending AND s.failures OPERATOR(pg_catalog.=) 0 OR s.running THEN ''"
"  ELSE coalesce(pg_catalog.to_char(s.next_due_at, 'YYYY-MM-DD HH24:MI:SS'), '') END AS next_run,"
" CASE WHEN s.failures OPERATOR(pg_catalog.>) 0 THEN"
"  (SELECT concat_ws(' ', r.sqlstate, pg_catalog.regexp_replace(r.message, '\\s+', ' ', 'g')) FROM %1$s.grid_rollup_runs r"
"   WHERE r.rollup OPERATOR(pg_catalog.=) s.rollup AND r.outcome IN ('failed', 'lost') ORDER BY r.run DESC LIMIT 1) END AS problem,"
" one.hidden, one.zone"
" FROM (SELECT pg_catalog.current_setting('TimeZone') AS zone, (SELECT pg_catalog.count(*) FROM %1$s.grid_rollup_catalog c"
"  WHERE c.scheduled AND NOT %1$s.grid_rollup_may_see(c.rollup)) AS hidden) one"
" LEFT JOIN %1$s.grid_rollup_status s ON true ORDER BY s.rollup::pg_catalog.text";

enum
{
	STATUS_ROLLUP, STATUS_STATE = 3, STATUS_FAILURES = 6, STATUS_HIDDEN = 10, STATUS_ZONE
};

static int
print_status(PGconn *pg, const Options *options, const Log *log, const Handshake *handshake)
{
	char		sql[sizeof(status_sql) + 4 * sizeof(handshake->schema)];
	PGresult   *result;
	int			rollups;
	int			failing = 0;
	int			late = 0;
	int			hidden;

	snprintf(sql, sizeof(sql), status_sql, handshake->schema);
	result = query(pg, options, log, sql);
	if (result == NULL)
		return EXIT_NOT_READY;
	rollups = PQgetisnull(result, 0, STATUS_ROLLUP) ? 0 : PQntuples(result);
	for (int row = 0; row < rollups; row++)
	{
		const char *state = PQgetvalue(result, row, STATUS_STATE);

		failing += atoi(PQgetvalue(result, row, STATUS_FAILURES)) > 0 && strcmp(state, "disabled") != 0;
		late += strcmp(state, "late") == 0;
	}
	hidden = atoi(PQgetvalue(result, 0, STATUS_HIDDEN));
	printf("%s: gridtree %s, %d rollup%s, %d failing, %d late (times in %s)\n", log->database, handshake->version,
		   rollups, PLURAL(rollups), failing, late, PQgetvalue(result, 0, STATUS_ZONE));
	if (rollups > 0)
		print_table(pg, result, STATUS_HIDDEN);
	if (hidden > 0)
		printf("%s: our role is not shown %d scheduled rollup%s (see gridtreed --check)\n", log->database, hidden, PLURAL(hidden));
	PQclear(result);
	return hidden ? EXIT_NOT_READY : failing || late ? EXIT_RUN_FAILED : EXIT_DONE;
}

int
report_status(const Options *options)
{
	int			exit_status = EXIT_DONE;

	for (int i = 0; i < options->ndatabases; i++)
	{
		Handshake	handshake;
		PGconn	   *pg = open_database(options, i, &handshake);
		int			status = pg ? print_status(pg, options, &options->log[i], &handshake) : EXIT_NOT_READY;

		if (status > exit_status)
			exit_status = status;
		PQfinish(pg);
	}
	return exit_status;
}
