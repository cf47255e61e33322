/*
 * handshake.c
 *	  Is this database one the daemon can work with? See handshake.h.
 *
 * The first two numbers of the extension's version must be the daemon's: the
 * SQL functions it calls may change with them and with nothing less.
 */
#include "handshake.h"

#include <stdio.h>
#include <string.h>

#include "session.h"

const char	handshake_sql[] =
"SELECT pg_catalog.pg_is_in_recovery(), extension.extversion, pg_catalog.quote_ident(namespace.nspname),"
"  pg_catalog.current_setting('transaction_read_only')"
" FROM (SELECT 1) one"
" LEFT JOIN pg_catalog.pg_extension extension ON extension.extname OPERATOR(pg_catalog.=) 'gridtree'"
" LEFT JOIN pg_catalog.pg_namespace namespace ON namespace.oid OPERATOR(pg_catalog.=) extension.extnamespace";

/* Length of "major.minor" at the start of a version. */
static size_t
major_minor(const char *version)
{
	size_t		major = strcspn(version, ".");

	return version[major] == '\0' ? major : major + 1 + strcspn(version + major + 1, ".");
}

static bool
same_major_minor(const char *a, const char *b)
{
	return major_minor(a) == major_minor(b) && strncmp(a, b, major_minor(a)) == 0;
}

static bool
problem(Handshake *handshake, const char *text)
{
	snprintf(handshake->problem, sizeof(handshake->problem), "%s", text);
	return false;
}

bool
handshake_judge(const PGresult *result, Handshake *handshake)
{
	memset(handshake, 0, sizeof(*handshake));
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return problem(handshake, session_words(result));
	if (PQgetisnull(result, 0, 1))
		return problem(handshake, "the extension gridtree is not installed in this database"
					   " (CREATE EXTENSION gridtree CASCADE)");
	snprintf(handshake->version, sizeof(handshake->version), "%s", PQgetvalue(result, 0, 1));
	if (!same_major_minor(handshake->version, GRIDTREE_VERSION))
	{
		snprintf(handshake->problem, sizeof(handshake->problem),
				 "the extension is version %s and gridtreed is version " GRIDTREE_VERSION
				 " (ALTER EXTENSION gridtree UPDATE, or install the other gridtreed)", handshake->version);
		return false;
	}
	snprintf(handshake->schema, sizeof(handshake->schema), "%s", PQgetvalue(result, 0, 2));
	if (PQgetvalue(result, 0, 0)[0] == 't')
		return problem(handshake, "the server is a standby; rollups are refreshed on the primary");
	if (strcmp(PQgetvalue(result, 0, 3), "on") == 0)
		return problem(handshake, "the session is read-only (default_transaction_read_only is on)");
	return true;
}
