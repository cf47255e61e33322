/*
 * test_schedule.c
 *	  Schedules: what is accepted, what is refused and where, and the next
 *	  moment against a minute-by-minute brute force with synthetic zones.
 */
#include "schedule.h"
#include "schedule_zone.h"
#include "unit.h"

#include <string.h>

#define DAY INT64_C(86400)
#define HOUR INT64_C(3600)

static bool
parse(const char *text, Schedule *schedule, ScheduleError *error)
{
	return schedule_parse(text, strlen(text), schedule, error);
}

/* The refusal of a bad text: its code and the text it points at. */
static void
refused(const char *text, ScheduleErrorCode code, const char *at)
{
	Schedule	schedule;
	ScheduleError error;
	bool		ok = parse(text, &schedule, &error);

	CHECK(!ok && error.code == code && error.length == strlen(at) &&
		  strncmp(text + error.position, at, error.length) == 0,
		  "refused: %s (%s)", text, schedule_error_text(code));
}

static void
test_refusals(void)
{
	refused("", SCHEDULE_FIELD_COUNT, "");
	refused("* * * *", SCHEDULE_FIELD_COUNT, "* * * *");
	refused("* * * * * *", SCHEDULE_FIELD_COUNT, "* * * * * *");
	refused("@reboot", SCHEDULE_UNKNOWN_ALIAS, "@reboot");
	refused("@daily 1", SCHEDULE_UNKNOWN_ALIAS, "@daily 1");
	refused("60 * * * *", SCHEDULE_OUT_OF_RANGE, "60");
	refused("99999999999999999999 * * * *", SCHEDULE_OUT_OF_RANGE, "99999999999999999999");
	refused("0 24 * * *", SCHEDULE_OUT_OF_RANGE, "24");
	refused("0 0 0 * *", SCHEDULE_OUT_OF_RANGE, "0");
	refused("0 0 * 13 *", SCHEDULE_OUT_OF_RANGE, "13");
	refused("0 0 * * 8", SCHEDULE_OUT_OF_RANGE, "8");
	refused("x * * * *", SCHEDULE_NOT_A_VALUE, "x");
	refused("1x * * * *", SCHEDULE_NOT_A_VALUE, "1x");
	refused("jan * * * *", SCHEDULE_NOT_A_VALUE, "jan");
	refused("0 0 * janu *", SCHEDULE_NOT_A_VALUE, "janu");
	refused("0 0 * * mond", SCHEDULE_NOT_A_VALUE, "mond");
	refused("1, * * * *", SCHEDULE_NOT_A_VALUE, "");
	refused("-1 * * * *", SCHEDULE_NOT_A_VALUE, "");
	refused("5-1 * * * *", SCHEDULE_BACKWARDS, "5-1");
	refused("0 0 * * fri-sun", SCHEDULE_BACKWARDS, "fri-sun");
	refused("*/0 * * * *", SCHEDULE_BAD_STEP, "0");
	refused("*/ * * * *", SCHEDULE_BAD_STEP, "");
	refused("*/90 * * * *", SCHEDULE_BAD_STEP, "90");
	refused("5/10 * * * *", SCHEDULE_STEP_WITHOUT_RANGE, "10");
	refused("** * * * *", SCHEDULE_TRAILING, "*");
	refused("1-2-3 * * * *", SCHEDULE_TRAILING, "-");
	refused("*/2/3 * * * *", SCHEDULE_TRAILING, "/");
	refused("0 0 30 2 *", SCHEDULE_IMPOSSIBLE, "0 0 30 2 *");
	refused("0 0 31 2,4,6,9,11 *", SCHEDULE_IMPOSSIBLE, "0 0 31 2,4,6,9,11 *");
}

/* Two spellings of one schedule. */
static void
same(const char *a, const char *b)
{
	Schedule	x;
	Schedule	y;
	ScheduleError error;
	bool		ok = parse(a, &x, &error) && parse(b, &y, &error);

	CHECK(ok && x.minutes == y.minutes && x.hours == y.hours && x.days == y.days &&
		  x.months == y.months && x.weekdays == y.weekdays &&
		  x.either_day == y.either_day && x.real_time == y.real_time,
		  "the same: %s | %s", a, b);
}

static void
test_spellings(void)
{
	same("@hourly", "0 * * * *");
	same(" @Daily ", "0 0 * * *");
	same("@midnight", "0 0 * * *");
	same("@weekly", "0 0 * * sun");
	same("@monthly", "0 0 1 * *");
	same("@yearly", "0 0 1 jan *");
	same("@annually", "@yearly");
	same("0 0 * * 7", "0 0 * * 0");
	same("0 0 * * 5-7", "0 0 * * 0,5,6");
	same("*/20 * * * *", "*/40,20,40,0 * * * *");
	same("\t0  0\t1-10/3 Jan-MAR mon,Wed ", "0 0 1,4,7,10 1-3 1,3");
	same("0-59/15 0 29 2 *", "0,15,30,45 0 29 feb *");
}

static const Zone zones[] = {
	{.name = "fixed", .offset = 8 * HOUR},
	{.name = "an hour forth and back", .offset = HOUR, .njumps = 4, .jumps = {
		{10 * DAY + HOUR, 2 * HOUR}, {20 * DAY + HOUR, HOUR}, {30 * DAY + HOUR, 2 * HOUR}, {31 * DAY + HOUR, HOUR}}},
	{.name = "half an hour", .offset = 10 * HOUR + 1800, .njumps = 2, .jumps = {
		{5 * DAY + 15 * HOUR + 1800, 11 * HOUR}, {9 * DAY + 15 * HOUR, 10 * HOUR + 1800}}},
	{.name = "a day lost, a day twice", .offset = -10 * HOUR, .njumps = 2, .jumps = {
		{7 * DAY + 10 * HOUR, 14 * HOUR}, {17 * DAY + 3 * HOUR, -10 * HOUR}}},
	{.name = "odd seconds", .offset = 29143, .njumps = 1, .jumps = {{12 * DAY + 77, 8 * HOUR}}},
	{.name = "back twice in a night", .offset = 3 * HOUR, .njumps = 3, .jumps = {
		{8 * DAY, 2 * HOUR}, {8 * DAY + 1800, HOUR}, {14 * DAY, 3 * HOUR}}}
};

static const char *const schedules[] = {
	"* * * * *", "*/15 * * * *", "7,37 * * * *", "0 */3 * * *", "*/10 2 * * *",
	"30 2 * * *", "0 0 * * *", "15,45 1-3 * * *", "59 23 * * *", "0 3 * * sun",
	"30 0-5/2 3,13 * *", "30 2 10-20 * 1", "0 12 1 2 *", "0-59 0-23 * * *"
};

/*
 * The rules word for word, one second after another where it matters: due[t]
 * for every second would be too slow, so real-time schedules look at each
 * second that may show a whole minute, others remember the latest reading.
 */
static bool
due_at(const Schedule *schedule, Zone *zone, int64_t t)
{
	int64_t		local = t + zone_offset(zone, t);
	int64_t		latest;

	if (schedule->real_time)
		return schedule_matches(schedule, local);
	latest = t - 1 + zone_offset(zone, t - 1);
	for (int i = 0; i < zone->njumps && zone->jumps[i].at <= t - 1; i++)
	{
		int64_t		before = zone->jumps[i].at - 1 + zone_offset(zone, zone->jumps[i].at - 1);

		if (before > latest)
			latest = before;
	}
	for (int64_t reading = latest + 1; reading <= local; reading++)
	{
		if (reading % 60 == 0 && schedule_matches(schedule, reading))
			return true;
	}
	return false;
}

static void
test_brute_force(const char *text, Zone *zone)
{
	ScheduleZone rules = {zone, zone_offset, zone_next_change};
	Schedule	schedule;
	ScheduleError error;
	int64_t		end = 40 * DAY;
	int64_t		expected;
	int			wrong = !parse(text, &schedule, &error);
	int			times = 0;

	expected = schedule_next(&schedule, 0, &rules);
	for (int64_t t = 1; t < end; t++)
	{
		int64_t		offset = zone_offset(zone, t);

		/* only whole minutes of the clock, and jumps, can be due */
		if ((t + offset) % 60 != 0 && offset == zone_offset(zone, t - 1))
			continue;
		if (due_at(&schedule, zone, t))
		{
			wrong += expected != t;
			times++;
			expected = schedule_next(&schedule, t, &rules);
		}
	}
	wrong += expected < end;
	/* from moments in between */
	for (int64_t t = 11; t < end; t += 7919)
	{
		int64_t		next = schedule_next(&schedule, t, &rules);

		wrong += next <= t || schedule_next(&schedule, next - 1, &rules) != next;
	}
	CHECK(wrong == 0, "%s in zone \"%s\": %d times", text, zone->name, times);
}

static void
test_calendar(void)
{
	Schedule	schedule;
	ScheduleError error;
	int64_t		local = -INT64_C(62135596800);	/* 0001-01-01 */
	int			leap = 0;
	bool		alternating = true;

	parse("0 0 29 2 *", &schedule, &error);
	while ((local = schedule_next_local(&schedule, local)) < INT64_C(64092211200))	/* 4001-01-01 */
		leap++;
	CHECK(leap == 970, "29 February from year 1 to 4000: %d", leap);
	parse("0 0 29 2 */7", &schedule, &error);
	local = schedule_next_local(&schedule, INT64_C(951782400));
	CHECK(local == INT64_C(1078012800), "29 February on a Sunday: 2004 after 2000");
	local = schedule_next_local(&schedule, local);
	CHECK(local == INT64_C(1961625600), "and 2032 after that");
	parse("0 0 * * 1", &schedule, &error);
	for (int i = 0; i < 1000; i++)
		alternating &= schedule_next_local(&schedule, i * 7 * DAY) == (4 + i * 7) * DAY;
	CHECK(alternating, "Mondays");
}

int
main(void)
{
	test_refusals();
	test_spellings();
	test_calendar();
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
	{
		Zone		zone = zones[i];

		for (size_t j = 0; j < sizeof(schedules) / sizeof(schedules[0]); j++)
			test_brute_force(schedules[j], &zone);
	}
	return UNIT_DONE();
}
