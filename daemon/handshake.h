/*
 * handshake.h
 *	  Is this database one the daemon can work with? Asked in one query, and
 *	  answered in words.
 */
#ifndef GRIDTREED_HANDSHAKE_H
#define GRIDTREED_HANDSHAKE_H

#include <libpq-fe.h>
#include <stdbool.h>

extern const char handshake_sql[];

/* Of the name of a schema, quoted. */
#define SCHEMA_SIZE	200

typedef struct Handshake
{
	char		schema[SCHEMA_SIZE];	/* of the extension, quoted */
	char		version[32];	/* of the extension */
	char		problem[512];	/* why not, where it is not */
} Handshake;

/* Judge the answer to handshake_sql; false with a problem. */
extern bool handshake_judge(const PGresult *result, Handshake *handshake);

#endif							/* GRIDTREED_HANDSHAKE_H */
