/*
 * worker.h
 *	  One run at a time on a connection of its own, so that a long run delays
 *	  nothing else.
 *
 *	  IDLE --start--> OPENING --> CALLING --> READING --> IDLE
 */
#ifndef GRIDTREED_WORKER_H
#define GRIDTREED_WORKER_H

#include "conn.h"
#include "handshake.h"

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
	WORKER_FAILED,				/* recorded in the history */
	WORKER_BUSY,				/* another session has the rollup */
	WORKER_ALREADY_RUN,			/* the due time has been claimed before */
	WORKER_REFUSED,				/* the server would not; nothing is on record */
	WORKER_LOST					/* no connection; the history says what became of the run, if it began */
} WorkerEnd;

typedef struct Worker
{
	Conn		conn;
	WorkerStep	step;
	Due			due;
	char		schema[SCHEMA_SIZE];	/* of the extension, quoted */
	bool		failed;			/* as the CALL said */
	int64_t		check_at;		/* when to ask whether the run is still on */
} Worker;

extern void worker_start(Worker *worker, const Due *due, const char *schema);
extern WorkerEnd worker_step(Worker *worker, short revents);

/*
 * A connection that has gone dead looks like a run that takes long: now and then
 * another connection asks the server whether it still is one. If it is not, its
 * answer must be on the way.
 */
extern bool worker_wants_check(const Worker *worker);
extern void worker_checked(Worker *worker, bool running);

/* Forget the run, if there is one. */
extern void worker_abandon(Worker *worker);

#endif							/* GRIDTREED_WORKER_H */
