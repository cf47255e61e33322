/*
 * schedule_next.h
 *	  Schedules in the server's time zones: what other rooms call.
 */
#ifndef GRIDTREE_SCHEDULE_NEXT_H
#define GRIDTREE_SCHEDULE_NEXT_H

#include "datatype/timestamp.h"

/* Raises an error that says what is wrong unless text is a schedule. */
extern void schedule_check(const char *text);

/* Raises an error unless name is a time zone. */
extern void schedule_check_zone(const char *name);

/* The first moment after "after" at which the schedule is due in the zone. */
extern TimestampTz schedule_next_time(const char *text, TimestampTz after, const char *zone);

#endif							/* GRIDTREE_SCHEDULE_NEXT_H */
