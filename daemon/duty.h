/*
 * duty.h
 *	  Looking after one database: ask what is due, have it run, sleep.
 *
 * Knows grid_rollup_agenda, and decides only when to ask it; runs are the workers',
 * housekeeping is the keeper's. Each database is independent of the others.
 */
#ifndef GRIDTREED_DUTY_H
#define GRIDTREED_DUTY_H

#include "conn.h"
#include "handshake.h"
#include "keeper.h"
#include "options.h"
#include "pauses.h"
#include "worker.h"

/* What the control connection is at. */
typedef enum DutyStep
{
	DUTY_WAITING,				/* until "wake", connected or not */
	DUTY_OPENING,
	DUTY_HANDSHAKE,
	DUTY_LISTENING,				/* for changes of definitions */
	DUTY_LOOKING,				/* and noting what has nothing to do */
	DUTY_ASKING,				/* what is due */
	DUTY_CHECKING				/* whether a worker's run is still on */
} DutyStep;

typedef struct Duty
{
	Conn		control;
	DutyStep	step;
	Handshake	handshake;
	Worker		workers[MAX_RUNS];
	int			nworkers;
	Worker	   *checked;		/* by DUTY_CHECKING */
	Keeper		keeper;
	Pauses		pauses;
	bool		once;
	bool		stopping;		/* start nothing more */
	bool		finished;		/* --once has nothing left to do */
	int			exit_status;	/* the worst so far */
	int64_t		wake;			/* when to act next */
	int64_t		asked_at;
	int64_t		look_at;		/* when to note again what has nothing to do */
	int64_t		rest_until;		/* no runs before, for want of connections */
	char		problem[1024];	/* why it is not ready */
	int			problems;		/* in a row */
	bool		stale;			/* a run has ended since the question was asked */
	int			due_rows;		/* of the last answer, which control.result still is */
	int			due_row;		/* the first of them that has not been started */
	/* as of the last answer */
	bool		ready;
	int			rollups;
	int			failing;
	int			forbidden;		/* scheduled rollups that our role may not run */
	int64_t		next_at;		/* when the next schedule is due, in ms of now_ms(); 0 is unknown */
} Duty;

/* Connections of a duty, and so poll structures: control, keeper, workers. */
#define DUTY_FDS(max_runs)	(2 + (max_runs))

extern void duty_init(Duty *duty, const Options *options, int i);

/* Fill DUTY_FDS(max_runs) poll structures. */
extern void duty_poll(const Duty *duty, struct pollfd *fds);

/* Go on with what poll said about the same structures. */
extern void duty_step(Duty *duty, const struct pollfd *fds);

/* When duty_step must be called even if nothing arrives; 0 is never. */
extern int64_t duty_wake(const Duty *duty);

/* Runs under way. */
extern int	duty_running(const Duty *duty);
extern int	duties_running(const Duty *duties, int n);

extern void duty_stop(Duty *duty);
extern void duty_cancel(Duty *duty);
extern void duty_close(Duty *duty);

#endif							/* GRIDTREED_DUTY_H */
