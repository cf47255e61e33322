/*
 * duty.h
 *	  Looking after one database: ask what is due, have it run, sleep.
 *
 * Knows grid_rollup_due, grid_rollup_run and grid_rollup_prune, and decides
 * only when they are called. Each database is independent of the others.
 */
#ifndef GRIDTREED_DUTY_H
#define GRIDTREED_DUTY_H

#include "conn.h"
#include "handshake.h"
#include "options.h"
#include "worker.h"

typedef enum DutyStep
{
	DUTY_WAITING,				/* until "wake", connected or not */
	DUTY_OPENING,
	DUTY_HANDSHAKE,
	DUTY_LISTENING,				/* for changes of definitions */
	DUTY_ASKING,				/* what is due */
	DUTY_PRUNING
} DutyStep;

typedef struct Duty
{
	Conn		control;
	DutyStep	step;
	Handshake	handshake;
	Worker		workers[MAX_RUNS];
	int			nworkers;
	const char *keep;
	bool		once;
	bool		stopping;		/* start nothing more */
	bool		finished;		/* --once has nothing left to do */
	int			exit_status;	/* the worst so far */
	int64_t		wake;			/* when to act next; 0 is never */
	int64_t		prune_at;
	char		told[1024];		/* the problem last logged */
	/* for the status line */
	bool		ready;
	int			rollups;
	int			failing;
	int64_t		next_wait_ms;
} Duty;

extern void duty_init(Duty *duty, const Options *options, int i);

/* Fill poll structures, at most 1 + nworkers; returns how many. */
extern int	duty_poll(Duty *duty, struct pollfd *fds);

/* Go on with what poll said about the same structures. */
extern void duty_step(Duty *duty, const struct pollfd *fds);

/* When duty_step must be called even if nothing arrives. */
extern int64_t duty_wake(const Duty *duty);

extern int	duty_running(const Duty *duty);
extern void duty_stop(Duty *duty);
extern void duty_cancel(Duty *duty);
extern void duty_close(Duty *duty);

#endif							/* GRIDTREED_DUTY_H */
