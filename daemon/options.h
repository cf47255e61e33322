/*
 * options.h
 *	  The command line.
 */
#ifndef GRIDTREED_OPTIONS_H
#define GRIDTREED_OPTIONS_H

#include "log.h"

#define MAX_DATABASES	64
#define MAX_RUNS		64

/* Exit statuses, as --help documents them. */
#define EXIT_DONE		0
#define EXIT_RUN_FAILED	1
#define EXIT_USAGE		2
#define EXIT_NOT_READY	3

typedef enum Mode
{
	MODE_DAEMON,
	MODE_ONCE,
	MODE_CHECK,
	MODE_STATUS
} Mode;

typedef struct Options
{
	Mode		mode;
	int			ndatabases;
	const char *conninfo[MAX_DATABASES];
	Log			log[MAX_DATABASES]; /* of each database */
	Secrets		secrets;		/* of all of them */
	int			max_runs;		/* at a time, per database */
	int			timeout;		/* seconds a server has for an answer */
	int			grace;			/* seconds for runs at SIGTERM */
	const char *keep;			/* age of history, an interval */
} Options;

/* Exits with EXIT_USAGE where the command line is wrong. Stays where it is: logs point into it. */
extern void options_read(int argc, char **argv, Options *options);

#endif							/* GRIDTREED_OPTIONS_H */
