/*
 * schedule_next.c
 *	  grid_schedule_next: schedules in the server's own time zones.
 *
 * Knows the server's time zones and its timestamps; what a schedule means is
 * in schedule.c.
 */
#include "gridtree.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "schedule.h"
#include "schedule_next.h"

#define UNIX_EPOCH_SECS \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

PG_FUNCTION_INFO_V1(grid_schedule_next);
PG_FUNCTION_INFO_V1(grid_rollup_next);

static void
out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("timestamp out of range")));
}

/* ScheduleZone callbacks over a pg_tz. */
static int64_t
zone_offset(void *arg, int64_t utc)
{
	pg_time_t	time = utc;
	struct pg_tm *tm = pg_localtime(&time, (pg_tz *) arg);

	if (tm == NULL)
		out_of_range();
	return tm->tm_gmtoff;
}

static bool
zone_next_change(void *arg, int64_t utc, int64_t *change)
{
	pg_time_t	time = utc;
	pg_time_t	boundary;
	long int	before,
				after;
	int			before_isdst,
				after_isdst;
	int			found = pg_next_dst_boundary(&time, &before, &before_isdst, &boundary,
											 &after, &after_isdst, (pg_tz *) arg);

	if (found < 0)
		out_of_range();
	*change = boundary;
	return found > 0;
}

static void
parse(const char *text, Schedule *schedule)
{
	ScheduleError error;

	if (schedule_parse(text, strlen(text), schedule, &error))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid schedule: \"%s\"", text),
			 error.field == NULL
			 ? errdetail("%s", schedule_error_text(error.code))
			 : errdetail("%s (\"%.*s\" in the field \"%s\")", schedule_error_text(error.code),
						 (int) error.length, text + error.position, error.field)));
}

/* NULL where there is no such zone. */
static pg_tz *
look_up_zone(const char *name)
{
	pg_tz	   *zone = strlen(name) <= TZ_STRLEN_MAX ? pg_tzset(name) : NULL;

	return zone != NULL && pg_tz_acceptable(zone) ? zone : NULL;
}

static pg_tz *
find_zone(const char *name)
{
	pg_tz	   *zone = look_up_zone(name);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name),
				 errhint("pg_timezone_names lists the names.")));
	return zone;
}

void
schedule_check(const char *text)
{
	Schedule	schedule;

	parse(text, &schedule);
}

void
schedule_check_zone(const char *name)
{
	find_zone(name);
}

TimestampTz
schedule_next_time(const char *text, TimestampTz after, const char *zone)
{
	ScheduleZone rules = {NULL, zone_offset, zone_next_change};
	Schedule	schedule;
	int64		seconds;
	TimestampTz result;

	parse(text, &schedule);
	rules.arg = find_zone(zone);
	if (TIMESTAMP_NOT_FINITE(after))
		out_of_range();
	/* Rounded down: due times are whole seconds, so nothing lies between. */
	seconds = after / USECS_PER_SEC - (after % USECS_PER_SEC < 0) + UNIX_EPOCH_SECS;
	seconds = schedule_next(&schedule, seconds, &rules) - UNIX_EPOCH_SECS;
	result = seconds * USECS_PER_SEC;
	if (!IS_VALID_TIMESTAMP(result))
		out_of_range();
	return result;
}

Datum
grid_schedule_next(PG_FUNCTION_ARGS)
{
	char	   *schedule = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *zone = text_to_cstring(PG_GETARG_TEXT_PP(2));

	PG_RETURN_TIMESTAMPTZ(schedule_next_time(schedule, PG_GETARG_TIMESTAMPTZ(1), zone));
}

/*
 * grid_rollup_next(schedule, after, time_zone): as above, but right after
 * "after", which has been claimed, where the schedule or the zone has become
 * unusable (a zone can go with an upgrade of the system): the run that is due
 * then says what is wrong, and no other rollup is held up.
 */
Datum
grid_rollup_next(PG_FUNCTION_ARGS)
{
	char	   *schedule = text_to_cstring(PG_GETARG_TEXT_PP(0));
	TimestampTz after = PG_GETARG_TIMESTAMPTZ(1);
	char	   *zone = text_to_cstring(PG_GETARG_TEXT_PP(2));
	Schedule	parsed;
	ScheduleError error;

	if (!schedule_parse(schedule, strlen(schedule), &parsed, &error) || look_up_zone(zone) == NULL)
		PG_RETURN_TIMESTAMPTZ(after + 1);
	PG_RETURN_TIMESTAMPTZ(schedule_next_time(schedule, after, zone));
}
