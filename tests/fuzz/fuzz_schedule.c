/*
 * fuzz_schedule.c
 *	  Any bytes are a schedule or a refusal that points into them; a schedule
 *	  has a next moment, later than the one asked for, and it matches.
 */
#include "schedule.h"

#include <stdlib.h>

static int64_t
no_offset(void *arg, int64_t utc)
{
	(void) arg;
	(void) utc;
	return 0;
}

static bool
never(void *arg, int64_t utc, int64_t *change)
{
	(void) arg;
	(void) utc;
	(void) change;
	return false;
}

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ScheduleZone zone = {NULL, no_offset, never};
	Schedule	schedule;
	ScheduleError error;
	int64_t		time = INT64_C(1700000000);

	if (!schedule_parse((const char *) data, size, &schedule, &error))
	{
		if (error.code == SCHEDULE_OK || error.position + error.length > size)
			abort();
		return 0;
	}
	for (int i = 0; i < 3; i++)
	{
		int64_t		next = schedule_next(&schedule, time, &zone);

		if (next <= time || !schedule_matches(&schedule, next))
			abort();
		time = next;
	}
	return 0;
}
