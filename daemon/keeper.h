/*
 * keeper.h
 *	  Housekeeping of one database, once an hour on a connection of its own:
 *	  old runs are forgotten, and logs that have grown are made short.
 *
 *	  RESTING --due--> OPENING --> PRUNING --> COMPACTING (one log after another) --> RESTING
 */
#ifndef GRIDTREED_KEEPER_H
#define GRIDTREED_KEEPER_H

#include "conn.h"
#include "handshake.h"

typedef enum KeeperStep
{
	KEEPER_RESTING,
	KEEPER_OPENING,
	KEEPER_PRUNING,
	KEEPER_COMPACTING
} KeeperStep;

typedef struct Keeper
{
	Conn		conn;
	KeeperStep	step;
	const char *keep;			/* age of runs that are forgotten, an interval */
	char		schema[SCHEMA_SIZE];	/* of the extension, quoted */
	PGresult   *rollups;		/* whose logs are looked at */
	int			at;				/* the one under way */
	int64_t		due_at;			/* in ms of now_ms() */
} Keeper;

/* Begin if it is time. */
extern void keeper_begin(Keeper *keeper, const char *schema);
extern void keeper_step(Keeper *keeper, short revents);

/* Stop wherever it is: each log is a transaction of its own. */
extern void keeper_stop(Keeper *keeper);

#endif							/* GRIDTREED_KEEPER_H */
