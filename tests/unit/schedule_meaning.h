/*
 * schedule_meaning.h
 *	  What a schedule means, value by value: a second opinion that shares nothing
 *	  with schedule.c. For test_schedule_zones.c and fuzz_schedule.c.
 */
#ifndef GRIDTREE_SCHEDULE_MEANING_H
#define GRIDTREE_SCHEDULE_MEANING_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {MINUTE, HOUR, DAY_OF_MONTH, MONTH, WEEKDAY, FIELDS};

typedef struct Meaning
{
	bool		has[FIELDS][60];
	bool		either_day;		/* the day of the month or that of the week will do */
	bool		real_time;
} Meaning;

static const struct
{
	int			low;
	int			high;
	const char *names[13];		/* by value */
}			fields[FIELDS] = {
	{0, 59, {NULL}},
	{0, 23, {NULL}},
	{1, 31, {NULL}},
	{1, 12, {NULL, "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL}}
};

/* Once the values are there: what follows from fields that begin with an asterisk, and from Sunday being 0 and 7. */
static void
meaning_finish(Meaning *meaning, const bool *star)
{
	meaning->has[WEEKDAY][0] |= meaning->has[WEEKDAY][7];
	meaning->either_day = !star[DAY_OF_MONTH] && !star[WEEKDAY];
	meaning->real_time = star[MINUTE] || star[HOUR];
}

/* Does the date of a reading of the clock, in seconds since 1970, fit? */
static bool
date_fits(const Meaning *meaning, int64_t reading)
{
	time_t		clock = (time_t) reading;
	struct tm	date;
	bool		day;
	bool		weekday;

	gmtime_r(&clock, &date);
	day = meaning->has[DAY_OF_MONTH][date.tm_mday];
	weekday = meaning->has[WEEKDAY][date.tm_wday];
	return meaning->has[MONTH][date.tm_mon + 1] && (meaning->either_day ? day || weekday : day && weekday);
}

#endif							/* GRIDTREE_SCHEDULE_MEANING_H */
