/*
 * schedule_zone.h
 *	  A time zone of jumps, for the tests and the fuzzer of schedules.
 */
#ifndef GRIDTREE_SCHEDULE_ZONE_H
#define GRIDTREE_SCHEDULE_ZONE_H

#include "schedule.h"

#define MOST_JUMPS 64

typedef struct Jump
{
	int64_t		at;
	int64_t		offset;			/* from then on, in seconds */
} Jump;

typedef struct Zone
{
	const char *name;
	int64_t		offset;			/* before the first jump */
	int			njumps;
	Jump		jumps[MOST_JUMPS];	/* one after the other */
	int			calls;			/* questions asked */
} Zone;

static int64_t
zone_offset(void *arg, int64_t utc)
{
	Zone	   *zone = arg;
	int64_t		offset = zone->offset;

	zone->calls++;
	for (int i = 0; i < zone->njumps && zone->jumps[i].at <= utc; i++)
		offset = zone->jumps[i].offset;
	return offset;
}

static bool
zone_next_change(void *arg, int64_t utc, int64_t *change)
{
	Zone	   *zone = arg;

	zone->calls++;
	for (int i = 0; i < zone->njumps; i++)
	{
		*change = zone->jumps[i].at;
		if (*change > utc)
			return true;
	}
	return false;
}

#endif							/* GRIDTREE_SCHEDULE_ZONE_H */
