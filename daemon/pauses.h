/*
 * pauses.h
 *	  Rollups that are not to be tried again for a while, though they are due:
 *	  another session has them, or they could not be run and nothing is on record.
 */
#ifndef GRIDTREED_PAUSES_H
#define GRIDTREED_PAUSES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Pause
{
	char		oid[16];
	int64_t		until;			/* in ms of now_ms() */
	int64_t		length;
} Pause;

typedef struct Pauses
{
	Pause	   *list;
	int			count;
	int			capacity;
} Pauses;

/* Pause a rollup: twice as long as the last time, between these, in ms; returns how long. */
extern int64_t pauses_add(Pauses *pauses, const char *oid, int64_t least, int64_t most);

/* Until when a rollup is paused; 0 if it is not. */
extern int64_t pauses_until(const Pauses *pauses, const char *oid);

/* All is well with a rollup again. */
extern void pauses_end(Pauses *pauses, const char *oid);

/* Forget what ended long ago. */
extern void pauses_purge(Pauses *pauses);

#endif							/* GRIDTREED_PAUSES_H */
