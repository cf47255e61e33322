/*
 * test_schedule_zones.c
 *	  The next moment of schedules in real time zones against a brute force
 *	  that looks at every minute of five years. The clock is that of libc's
 *	  time zones; what a schedule means is stated next to its text, or comes
 *	  from the generator of the text. Nothing is shared with schedule.c.
 */
#include "schedule_meaning.h"
#include "schedule_zone.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY INT64_C(86400)
#define MINUTES_A_DAY 1440
#define MOST_MINUTES (1827 * MINUTES_A_DAY)
#define RANDOM_SCHEDULES 40
#define MOST_A_DAY 48

#define YEAR_2011 INT64_C(1293840000)
#define YEAR_2013 INT64_C(1356998400)
#define YEAR_2024 INT64_C(1704067200)
#define YEAR_2029 INT64_C(1861920000)

static uint64_t seed = 20240101;

static int
random_below(int n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int) ((seed >> 33) % (uint64_t) n);
}

/*
 * Places. Readings of the clock are counted in minutes from the day before the
 * start, up to the day after the end. Before the first minute and after the
 * last one clocks stay as they are there; none here changes within two days of
 * either.
 */
typedef struct Place
{
	const char *name;
	int64_t		start;			/* midnight UTC */
	int64_t		end;			/* midnight UTC, no longer part of it */
	int			minutes;		/* 0 where the place is not known */
	int16_t    *offsets;		/* of each minute, in minutes */
	int		   *passed;			/* by reading: the first minute that shows it or a later one */
	Zone		zone;			/* the same for schedule.c */
} Place;

static Place places[] = {
	{.name = "UTC", .start = YEAR_2024, .end = YEAR_2029},
	{.name = "Asia/Shanghai", .start = YEAR_2024, .end = YEAR_2029},
	{.name = "Europe/Berlin", .start = YEAR_2024, .end = YEAR_2029},
	{.name = "America/New_York", .start = YEAR_2024, .end = YEAR_2029},
	/* half an hour */
	{.name = "Australia/Lord_Howe", .start = YEAR_2024, .end = YEAR_2029},
	/* goes back for Ramadan */
	{.name = "Africa/Casablanca", .start = YEAR_2024, .end = YEAR_2029},
	/* left out a whole day, 30 December 2011 */
	{.name = "Pacific/Apia", .start = YEAR_2011, .end = YEAR_2013}
};

#define NPLACES ((int) (sizeof(places) / sizeof(places[0])))

/* Walks the minutes, to see each reading come, and come again, and be skipped. */
static void
find_passed(Place *place)
{
	int			readings = place->minutes + 2 * MINUTES_A_DAY;
	int			next = 0;		/* reading that has not been passed */

	place->passed = malloc((size_t) readings * sizeof(int));
	for (int minute = 0; minute < place->minutes; minute++)
	{
		while (next <= MINUTES_A_DAY + minute + place->offsets[minute])
			place->passed[next++] = minute;
	}
	while (next < readings)
		place->passed[next++] = place->minutes;
}

/* Asks libc for each minute. A zone that it does not know is like UTC. */
static void
read_place(Place *place)
{
	bool		whole = true;	/* minutes */
	bool		known = strcmp(place->name, "UTC") == 0;
	Zone	   *zone = &place->zone;

	setenv("TZ", place->name, 1);
	tzset();
	place->minutes = (int) ((place->end - place->start) / 60);
	place->offsets = malloc((size_t) place->minutes * sizeof(int16_t));
	for (int i = 0; i < place->minutes; i++)
	{
		time_t		utc = (time_t) (place->start + i * INT64_C(60));
		struct tm	local;

		localtime_r(&utc, &local);
		place->offsets[i] = (int16_t) (local.tm_gmtoff / 60);
		whole &= local.tm_gmtoff % 60 == 0;
		known |= local.tm_gmtoff != 0;
		if (i == 0)
			zone->offset = local.tm_gmtoff;
		else if (place->offsets[i] != place->offsets[i - 1] && zone->njumps < MOST_JUMPS)
			zone->jumps[zone->njumps++] = (Jump) {utc, local.tm_gmtoff};
	}
	find_passed(place);
	if (known)
		CHECK(whole && zone->njumps < MOST_JUMPS, "%s changes its clock %d times", place->name, zone->njumps);
	else
	{
		CHECK(true, "%s # SKIP this machine does not know the zone", place->name);
		place->minutes = 0;
	}
}

/*
 * What schedules mean.
 */
enum {FIXED = 0, REAL_TIME = 1, EITHER_DAY = 2};

#define ALL NULL

/* Texts, and the values of each field one by one. */
static const struct
{
	const char *text;
	int			rules;
	const char *values[FIELDS];
}			listed[] = {
	{"* 0-3 * * sun", REAL_TIME, {ALL, "0 1 2 3", ALL, ALL, "0"}},
	{"*/15 * * * *", REAL_TIME, {"0 15 30 45", ALL, ALL, ALL, ALL}},
	{"7,37 * * * SAT,sun", REAL_TIME, {"7 37", ALL, ALL, ALL, "0 6"}},
	{"10 */2 * * *", REAL_TIME, {"10", "0 2 4 6 8 10 12 14 16 18 20 22", ALL, ALL, ALL}},
	{"*/20 1,2,3 * * *", REAL_TIME, {"0 20 40", "1 2 3", ALL, ALL, ALL}},
	{"*/25,13 */7,2 * * *", REAL_TIME, {"0 13 25 50", "0 2 7 14 21", ALL, ALL, ALL}},
	{"*,5 2 */9 * *", REAL_TIME, {ALL, "2", "1 10 19 28", ALL, ALL}},
	{"5,* 2 * * sun", FIXED, {ALL, "2", ALL, ALL, "0"}},
	{"7-59/47 0-23 * * *", FIXED, {"7 54", ALL, ALL, ALL, ALL}},
	{"30 23,* * * *", FIXED, {"30", ALL, ALL, ALL, ALL}},
	{"30 2 * * *", FIXED, {"30", "2", ALL, ALL, ALL}},
	{"15,45 1-3 * * *", FIXED, {"15 45", "1 2 3", ALL, ALL, ALL}},
	{"1-59/29 0 * * *", FIXED, {"1 30 59", "0", ALL, ALL, ALL}},
	{"59 23 * * *", FIXED, {"59", "23", ALL, ALL, ALL}},
	{"@hourly", REAL_TIME, {"0", ALL, ALL, ALL, ALL}},
	{"@daily", FIXED, {"0", "0", ALL, ALL, ALL}},
	{" @Midnight\t", FIXED, {"0", "0", ALL, ALL, ALL}},
	{"@weekly", FIXED, {"0", "0", ALL, ALL, "0"}},
	{"@monthly", FIXED, {"0", "0", "1", ALL, ALL}},
	{"@yearly", FIXED, {"0", "0", "1", "1", ALL}},
	{"@annually", FIXED, {"0", "0", "1", "1", ALL}},
	{"0 3 * * sun", FIXED, {"0", "3", ALL, ALL, "0"}},
	{"30 2 * * 7", FIXED, {"30", "2", ALL, ALL, "0"}},
	{"0 2 * * 5-7", FIXED, {"0", "2", ALL, ALL, "0 5 6"}},
	{"30 1 * mar,oct-NOV Sun", FIXED, {"30", "1", ALL, "3 10 11", "0"}},
	{"45 23 1,29-31 * *", FIXED, {"45", "23", "1 29 30 31", ALL, ALL}},
	{"30 0-5/2 3,13 * *", FIXED, {"30", "0 2 4", "3 13", ALL, ALL}},
	{"5 4 13 * fri", EITHER_DAY, {"5", "4", "13", ALL, "5"}},
	{"0 2 31 * MON-Wed", EITHER_DAY, {"0", "2", "31", ALL, "1 2 3"}},
	{"30 * 30,31 2 6,7", REAL_TIME | EITHER_DAY, {"30", ALL, "30 31", "2", "0 6"}},
	{"0 3 */2 3,10 6-7", FIXED, {"0", "3", "1 3 5 7 9 11 13 15 17 19 21 23 25 27 29 31", "3 10", "0 6"}},
	{"30 2 8-14 */3 */7", FIXED, {"30", "2", "8 9 10 11 12 13 14", "1 4 7 10", "0"}},
	{"0 12 29 2 *", FIXED, {"0", "12", "29", "2", ALL}},
	{"30 12 30 dec *", FIXED, {"30", "12", "30", "12", ALL}},
	{"*/10 */2 30 dec */5", REAL_TIME, {"0 10 20 30 40 50", "0 2 4 6 8 10 12 14 16 18 20 22", "30", "12", "0 5"}},
	{"0 0 31 2-6/2,9,11 *", FIXED, {"0", "0", "31", "2 4 6 9 11", ALL}}	/* impossible */
};

#define NLISTED ((int) (sizeof(listed) / sizeof(listed[0])))

static void
listed_meaning(int i, Meaning *meaning)
{
	memset(meaning, 0, sizeof(*meaning));
	meaning->either_day = listed[i].rules & EITHER_DAY;
	meaning->real_time = listed[i].rules & REAL_TIME;
	for (int field = 0; field < FIELDS; field++)
	{
		const char *values = listed[i].values[field];
		char	   *end;

		for (int value = 0; values == ALL && value < 60; value++)
			meaning->has[field][value] = true;
		for (; values != ALL && *values != '\0'; values = end)
			meaning->has[field][strtol(values, &end, 10)] = true;
	}
}

/*
 * Random schedules. Few values a field, so that most are seldom due.
 */
static char *
write_value(char *text, int field, int value)
{
	const char *name = value < 13 ? fields[field].names[value] : NULL;

	if (name == NULL || random_below(2) == 0)
		return text + sprintf(text, "%0*d", 1 + random_below(2), value);
	for (; *name != '\0'; name++)
		*text++ = (char) (random_below(3) == 0 ? *name - 'a' + 'A' : *name);
	return text;
}

/* A list of one or two elements; tells whether it begins with an asterisk. */
static char *
write_field(char *text, int field, bool *has, bool *star)
{
	int			elements = 1 + random_below(4) / 2;

	for (int i = 0; i < elements; i++)
	{
		bool		all = random_below(field <= HOUR ? 5 : 2) == 0;
		int			low = fields[field].low;
		int			high = fields[field].high;
		int			step = 1;

		if (i == 0)
			*star = all;
		else
			*text++ = ',';
		if (all)
			*text++ = '*';
		else
		{
			/* half of the hours are those in which clocks change */
			low += random_below(field == HOUR && random_below(2) == 0 ? 4 : high - low + 1);
			high = random_below(2) == 0 ? low : low + random_below(high - low + 1);
			text = write_value(text, field, low);
			/* also 5-5, which may have a step */
			if (high > low || random_below(4) == 0)
			{
				*text++ = '-';
				text = write_value(text, field, high);
				all = true;
			}
		}
		if (all && random_below(3) > 0)
		{
			step = 1 + random_below(fields[field].high);
			text += sprintf(text, "/%d", step);
		}
		for (int value = low; value <= high; value += step)
			has[value] = true;
	}
	return text;
}

/* Tells whether it is due seldom enough for all its times to be tried. */
static bool
random_schedule(char *text, Meaning *meaning)
{
	bool		star[FIELDS];
	int			minutes = 0;
	int			hours = 0;

	memset(meaning, 0, sizeof(*meaning));
	for (int field = 0; field < FIELDS; field++)
	{
		text = write_field(text, field, meaning->has[field], &star[field]);
		if (field < WEEKDAY)
			text += sprintf(text, "%s", random_below(8) == 0 ? " \t " : " ");
	}
	*text = '\0';
	meaning_finish(meaning, star);
	for (int value = 0; value < 60; value++)
	{
		minutes += meaning->has[MINUTE][value];
		hours += meaning->has[HOUR][value];
	}
	return minutes * hours <= MOST_A_DAY;
}

/*
 * The brute force.
 */
static bool fits[MOST_MINUTES + 2 * MINUTES_A_DAY];	/* by reading */
static int	due[MOST_MINUTES];	/* minutes after the start */

static void
find_fitting(const Place *place, const Meaning *meaning)
{
	int			days = place->minutes / MINUTES_A_DAY + 2;
	bool		day[MINUTES_A_DAY];

	for (int minute = 0; minute < MINUTES_A_DAY; minute++)
		day[minute] = meaning->has[HOUR][minute / 60] && meaning->has[MINUTE][minute % 60];
	memset(fits, 0, sizeof(fits));
	for (int i = 0; i < days; i++)
	{
		if (date_fits(meaning, place->start + (i - 1) * DAY))
			memcpy(fits + i * MINUTES_A_DAY, day, sizeof(day));
	}
}

/* In real time, a minute is due when the clock shows a reading that fits. */
static int
find_due_real_time(const Place *place)
{
	const bool *fit = fits + MINUTES_A_DAY;
	int			ndue = 0;

	for (int minute = 1; minute < place->minutes; minute++)
	{
		if (fit[minute + place->offsets[minute]])
			due[ndue++] = minute;
	}
	return ndue;
}

/* Otherwise each reading that fits is due once, however often it is shown. */
static int
find_due_once(const Place *place)
{
	const bool *end = fits + place->minutes + 2 * MINUTES_A_DAY;
	const bool *fit = fits;
	int			ndue = 0;

	while ((fit = memchr(fit, true, (size_t) (end - fit))) != NULL)
	{
		int			minute = place->passed[fit++ - fits];

		if (minute > 0 && minute < place->minutes && (ndue == 0 || due[ndue - 1] != minute))
			due[ndue++] = minute;
	}
	return ndue;
}

static int
find_due(const Place *place, const Meaning *meaning)
{
	find_fitting(place, meaning);
	return meaning->real_time ? find_due_real_time(place) : find_due_once(place);
}

/* Is due[i] what follows the moment? Beyond the last one only the zone's end is known. */
static bool
follows(const Schedule *schedule, Place *place, int64_t utc, int i, int ndue, int64_t *next)
{
	ScheduleZone rules = {&place->zone, zone_offset, zone_next_change};
	int64_t		expected = i < ndue ? place->start + due[i] * INT64_C(60) : place->end;

	*next = schedule_next(schedule, utc, &rules);
	if (i < ndue ? *next == expected : *next >= expected)
		return true;
	printf("# %s: after %lld comes %lld, not %lld\n", place->name, (long long) utc, (long long) *next,
		   (long long) expected);
	return false;
}

/*
 * The moment to ask about after utc: now and then, often from four hours before
 * a change until a day after it, and the change itself and the second before.
 */
static int64_t
next_to_ask(const Place *place, int64_t utc)
{
	int64_t		next = utc + 100003;

	for (int i = 0; i < place->zone.njumps; i++)
	{
		int64_t		change = place->zone.jumps[i].at;
		int64_t		soon = utc + 1009;

		if (utc < change - 14400)
			soon = change - 14400;
		else if (utc < change - 1)
			soon = soon < change - 1 ? soon : change - 1;
		else if (utc < change)
			soon = change;
		if (utc < change + DAY && soon < next)
			next = soon;
	}
	return next;
}

/* Every due moment from the one before, and from moments in between. */
static bool
place_agrees(const Schedule *schedule, Place *place, int ndue)
{
	int64_t		utc = place->start;
	int64_t		next;
	int			after = 0;		/* due[after] is later than utc */

	for (int i = 0; i <= ndue; i++, utc = next)
	{
		if (!follows(schedule, place, utc, i, ndue, &next))
			return false;
	}
	for (utc = place->start; utc < place->end; utc = next_to_ask(place, utc))
	{
		while (after < ndue && place->start + due[after] * INT64_C(60) <= utc)
			after++;
		if (!follows(schedule, place, utc, after, ndue, &next))
			return false;
	}
	return true;
}

static void
compare(const char *text, const Meaning *meaning)
{
	Schedule	schedule;
	ScheduleError error;
	bool		ok = schedule_parse(text, strlen(text), &schedule, &error);
	bool		same = ok || error.code == SCHEDULE_IMPOSSIBLE;
	int			times = 0;

	for (int i = 0; i < NPLACES && same; i++)
	{
		int			ndue;

		if (places[i].minutes == 0)
			continue;			/* not known */
		ndue = find_due(&places[i], meaning);
		same = ok ? place_agrees(&schedule, &places[i], ndue) : ndue == 0;
		times += ndue;
	}
	CHECK(same, "%s: %d times%s", text, times, ok ? "" : ", impossible");
}

int
main(void)
{
	Meaning		meaning;
	char		text[200];

	for (int i = 0; i < NPLACES; i++)
		read_place(&places[i]);
	for (int i = 0; i < NLISTED; i++)
	{
		listed_meaning(i, &meaning);
		compare(listed[i].text, &meaning);
	}
	for (int i = 0; i < RANDOM_SCHEDULES; i++)
	{
		while (!random_schedule(text, &meaning))
			;
		compare(text, &meaning);
	}
	for (int i = 0; i < NPLACES; i++)
	{
		free(places[i].offsets);
		free(places[i].passed);
	}
	return UNIT_DONE();
}
