/*
 * report.c
 *	  --check and --status: one database after the other, waiting for each.
 */
#include "report.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "handshake.h"
#include "log.h"

/* Words of libpq or the server. */
static void
print_problem(const Log *log, const char *words)
{
	char		text[1024];

	snprintf(text, sizeof(text), "%s", words);
	log_clean(log, text);
	printf("%s: %s\n", log->database, text);
}

/* Connect and shake hands; NULL after saying what is wrong. */
static PGconn *
open_database(const Options *options, int i, Handshake *handshake)
{
	PGconn	   *pg = conn_connect_blocking(options->conninfo[i], (int64_t) options->timeout * 1000);
	PGresult   *result;
	bool		good;

	if (PQstatus(pg) != CONNECTION_OK)
	{
		print_problem(&options->log[i], PQerrorMessage(pg));
		PQfinish(pg);
		return NULL;
	}
	result = PQexec(pg, handshake_sql);
	good = handshake_judge(result, handshake);
	PQclear(result);
	if (good)
		return pg;
	print_problem(&options->log[i], handshake->problem);
	PQfinish(pg);
	return NULL;
}

static PGresult *
query(PGconn *pg, const Log *log, const char *sql)
{
	PGresult   *result = PQexec(pg, sql);

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	print_problem(log, PQresultErrorMessage(result));
	PQclear(result);
	return NULL;
}

/* How many scheduled rollups the role may run, and of whom it may not. */
static int
check_rights(PGconn *pg, const Log *log, const Handshake *handshake)
{
	char		sql[800];
	PGresult   *result;
	int			allowed = 0;
	int			refused = 0;

	snprintf(sql, sizeof(sql),
			 "SELECT may, pg_catalog.count(*), pg_catalog.pg_get_userbyid(r.relowner), pg_catalog.min(c.rollup::pg_catalog.text),"
			 " current_user FROM %1$s.grid_rollup_catalog c"
			 " JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) c.rollup, %1$s.grid_rollup_may_run(c.rollup) may"
			 " WHERE c.enabled AND (c.schedule IS NOT NULL OR c.max_lag IS NOT NULL) GROUP BY may, r.relowner ORDER BY 3",
			 handshake->schema);
	result = query(pg, log, sql);
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
		printf("%s: role \"%s\" may not run %d rollups of \"%s\", such as %s: grant it EXECUTE ON FUNCTION"
			   " %s.grid_rollup_runner(), or membership in their owner\n", log->database, PQgetvalue(result, row, 4),
			   rollups, PQgetvalue(result, row, 2), PQgetvalue(result, row, 3), handshake->schema);
	}
	printf("%s: gridtree %s, %d rollups to run%s\n", log->database, handshake->version, allowed,
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
		int			status = pg ? check_rights(pg, &options->log[i], &handshake) : EXIT_NOT_READY;

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
print_table(PGconn *pg, const PGresult *result)
{
	int			encoding = PQclientEncoding(pg);
	int			columns = PQnfields(result);

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
 * Late is what has been due for longer than any daemon sleeps: none runs, or
 * none gets to it.
 */
static int
print_status(PGconn *pg, const Log *log, const Handshake *handshake)
{
	char		sql[1600];
	PGresult   *result;
	int			failing = 0;
	int			late = 0;

	snprintf(sql, sizeof(sql),
			 "SELECT rollup, coalesce(schedule, '') AS schedule, coalesce(max_lag::pg_catalog.text, '') AS max_lag,"
			 " CASE WHEN NOT enabled THEN 'disabled' WHEN running THEN 'running'"
			 "  WHEN failures OPERATOR(pg_catalog.>) 0 THEN 'failing'"
			 "  WHEN next_due_at OPERATOR(pg_catalog.<) (now() OPERATOR(pg_catalog.-) interval '1 minute') THEN 'late'"
			 "  WHEN NOT filled THEN 'not filled' WHEN pending THEN 'pending' WHEN NOT pending THEN 'fresh' ELSE '' END AS state,"
			 " coalesce(pg_catalog.to_char(last_started_at, 'YYYY-MM-DD HH24:MI:SS'), 'never') AS last_run,"
			 " coalesce(last_outcome, '') AS outcome, failures,"
			 " coalesce(pg_catalog.date_trunc('second', lag)::pg_catalog.text, '') AS lag,"
			 " coalesce(pg_catalog.to_char(next_due_at, 'YYYY-MM-DD HH24:MI:SS'), '') AS next_run,"
			 " CASE WHEN failures OPERATOR(pg_catalog.>) 0 THEN pg_catalog.concat_ws(' ', sqlstate, message) ELSE '' END AS problem"
			 " FROM %s.grid_rollup_status ORDER BY rollup::pg_catalog.text", handshake->schema);
	result = query(pg, log, sql);
	if (result == NULL)
		return EXIT_NOT_READY;
	for (int row = 0; row < PQntuples(result); row++)
	{
		failing += atoi(PQgetvalue(result, row, 6)) > 0 && strcmp(PQgetvalue(result, row, 3), "disabled") != 0;
		late += strcmp(PQgetvalue(result, row, 3), "late") == 0;
	}
	printf("%s: gridtree %s, %d rollups, %d failing, %d late\n", log->database, handshake->version,
		   PQntuples(result), failing, late);
	print_table(pg, result);
	PQclear(result);
	return failing || late ? EXIT_RUN_FAILED : EXIT_DONE;
}

int
report_status(const Options *options)
{
	int			exit_status = EXIT_DONE;

	for (int i = 0; i < options->ndatabases; i++)
	{
		Handshake	handshake;
		PGconn	   *pg = open_database(options, i, &handshake);
		int			status = pg ? print_status(pg, &options->log[i], &handshake) : EXIT_NOT_READY;

		if (status > exit_status)
			exit_status = status;
		PQfinish(pg);
	}
	return exit_status;
}
