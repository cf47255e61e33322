/*
 * worker.h
 *	  One run at a time on a connection of its own, so that a long run delays
 *	  nothing else.
 */
#ifndef GRIDTREED_WORKER_H
#define GRIDTREED_WORKER_H

#include "conn.h"

/* A rollup and the time it was due, in the server's words. */
typedef struct Due
{
	char		oid[16];
	char		name[300];
	char		due_at[64];
} Due;

typedef enum WorkerStep
{
	WORKER_IDLE,
	WORKER_OPENING,
	WORKER_CALLING,
	WORKER_READING				/* what the run has recorded */
} WorkerStep;

/* How a run ended, for whoever counts. */
typedef enum WorkerEnd
{
	WORKER_GOES_ON,
	WORKER_DONE,
	WORKER_TAKEN,				/* by another session: busy, or already run */
	WORKER_FAILED,				/* recorded in the history */
	WORKER_BROKEN				/* the run could not be made */
} WorkerEnd;

typedef struct Worker
{
	Conn		conn;
	WorkerStep	step;
	Due			due;
	char		schema[200];
	char		outcome[32];
} Worker;

extern void worker_start(Worker *worker, const Due *due, const char *schema);
extern WorkerEnd worker_step(Worker *worker, short revents);

/* Forget a run whose CALL has not been sent. */
extern void worker_abandon(Worker *worker);

#endif							/* GRIDTREED_WORKER_H */
