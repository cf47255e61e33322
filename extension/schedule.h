/*
 * schedule.h
 *	  Cron schedules: what the text means, and which moment comes next.
 *
 * Pure C. Knows the calendar and the rules of Vixie cron; knows no time zone
 * (a ScheduleZone answers for it) and nothing of PostgreSQL. All times are
 * whole seconds since 1970-01-01 00:00, "utc" on the real time line, "local"
 * as a wall clock would show them.
 */
#ifndef GRIDTREE_SCHEDULE_H
#define GRIDTREE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A parsed schedule: bit n of a set stands for the value n. */
typedef struct Schedule
{
	uint64_t	minutes;		/* 0 to 59 */
	uint32_t	hours;			/* 0 to 23 */
	uint32_t	days;			/* 1 to 31 */
	uint16_t	months;			/* 1 to 12 */
	uint8_t		weekdays;		/* 0 to 6, 0 is Sunday */
	bool		either_day;		/* day and weekday both restricted: either will do */
	bool		real_time;		/* minute or hour begins with '*': follows real
								 * time through clock changes */
} Schedule;

typedef enum ScheduleErrorCode
{
	SCHEDULE_OK = 0,
	SCHEDULE_FIELD_COUNT,		/* not five fields */
	SCHEDULE_UNKNOWN_ALIAS,		/* '@' and something else */
	SCHEDULE_NOT_A_VALUE,		/* neither a number nor a name of this field */
	SCHEDULE_OUT_OF_RANGE,		/* a number the field does not have */
	SCHEDULE_BACKWARDS,			/* a range whose end is before its start */
	SCHEDULE_BAD_STEP,			/* a step of 0, too large, or not a number */
	SCHEDULE_STEP_WITHOUT_RANGE,	/* 5/10: a step of what? */
	SCHEDULE_TRAILING,			/* something after a complete value */
	SCHEDULE_IMPOSSIBLE			/* no date ever matches, as 30 February */
} ScheduleErrorCode;

typedef struct ScheduleError
{
	ScheduleErrorCode code;
	const char *field;			/* name of the field, or NULL */
	size_t		position;		/* of the offending text, in bytes */
	size_t		length;
} ScheduleError;

/* Time zone rules. */
typedef struct ScheduleZone
{
	void	   *arg;
	/* seconds to add to utc to get local, at this moment */
	int64_t		(*offset) (void *arg, int64_t utc);
	/* first moment after utc at which the offset may change; false if never */
	bool		(*next_change) (void *arg, int64_t utc, int64_t *change);
} ScheduleZone;

extern bool schedule_parse(const char *text, size_t length, Schedule *schedule,
						   ScheduleError *error);

/* What is wrong, as a sentence without the offending text. */
extern const char *schedule_error_text(ScheduleErrorCode code);

/* Does the wall clock reading match? Whole minutes only. */
extern bool schedule_matches(const Schedule *schedule, int64_t local);

/* The first matching wall clock reading after local, clock changes ignored. */
extern int64_t schedule_next_local(const Schedule *schedule, int64_t local);

/* The first moment after utc at which the schedule is due in the zone. */
extern int64_t schedule_next(const Schedule *schedule, int64_t utc,
							 const ScheduleZone *zone);

#endif							/* GRIDTREE_SCHEDULE_H */
