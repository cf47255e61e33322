/*
 * run_log.h
 *	  The history of runs, as the code that runs rollups sees it.
 *
 * Every function needs an SPI connection, and writes the history with the
 * rights of its owner: nobody else has any.
 */
#ifndef GRIDTREE_RUN_LOG_H
#define GRIDTREE_RUN_LOG_H

#include "datatype/timestamp.h"

/* What the catalog says about running a rollup; 0 ms: no limit of its own. */
typedef struct RunSettings
{
	int			statement_timeout_ms;
	int			lock_timeout_ms;
	char	   *schedule;		/* or NULL */
	char	   *time_zone;		/* or NULL */
} RunSettings;

/* The rollup's settings; an error if the relation is not a rollup. */
extern RunSettings run_log_settings(Oid rollup);

/*
 * Claims a due time (NULL: now) for this session, which must hold the lock on
 * the rollup, after closing the runs of sessions that are gone. Returns the
 * new run's number, or 0 when the due time was claimed before.
 */
extern int64 run_log_start(Oid rollup, const TimestampTz *due_at);

extern void run_log_progress(int64 run, int64 cells);

/* Closes a run: done if error is NULL, else failed. */
extern void run_log_finish(int64 run, int64 cells, const ErrorData *error);

#endif							/* GRIDTREE_RUN_LOG_H */
