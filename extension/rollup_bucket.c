/*
 * rollup_bucket.c
 *	  Periods of time: grid_bucket(time, width), the start of the period that a
 *	  local time falls in.
 *
 * This is the one definition of a bucket: capture, refresh, live view and
 * verification all call it.  It works on local time without a zone, so that a
 * day with a clock change is one day.
 */
#include "rollup_def.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(grid_bucket);

/* Monday 2001-01-01 in days since 2000-01-01, from which days and weeks are counted. */
#define FIRST_MONDAY 366

#define MAX_DAYS 36525

static int64
floor_to(int64 value, int64 unit)
{
	int64		rest = value % unit;

	return value - (rest < 0 ? rest + unit : rest);
}

/*
 * A width is a number of months, of days, or a time that divides the day:
 * anything else would have buckets that wander.
 */
bool
bucket_width_is_date(const Interval *width)
{
	int			units = (width->month != 0) + (width->day != 0) + (width->time != 0);
	bool		whole_day = width->time == USECS_PER_DAY;

	if (units != 1 || width->month < 0 || width->day < 0 || width->time < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid bucket width \"%s\"",
						DatumGetCString(DirectFunctionCall1(interval_out,
															PointerGetDatum(width)))),
				 errhint("Use one positive unit: hours or minutes that divide a day, days, weeks, months or years.")));
	if (width->day > MAX_DAYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bucket width of %d days is more than %d days", width->day, MAX_DAYS)));
	if (width->month != 0 && 12 % width->month != 0 && width->month % 12 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bucket width of %d months does not divide a year", width->month),
				 errhint("Use 1, 2, 3, 4 or 6 months, or whole years.")));
	if (width->time != 0 && USECS_PER_DAY % width->time != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bucket width \"%s\" does not divide a day",
						DatumGetCString(DirectFunctionCall1(interval_out,
															PointerGetDatum(width)))),
				 errhint("Use for example '1 hour', '6 hours', '15 minutes' or '1 day'.")));
	return width->time == 0 || whole_day;
}

/* The first day of the period of so many months around a day. */
static Timestamp
month_bucket(Timestamp time, int months)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int64		month;

	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	month = floor_to((int64) tm.tm_year * 12 + tm.tm_mon - 1, months);
	tm.tm_year = (int) (floor_to(month, 12) / 12);
	tm.tm_mon = (int) (month - (int64) tm.tm_year * 12) + 1;
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	if (tm2timestamp(&tm, 0, NULL, &time) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return time;
}

Datum
grid_bucket(PG_FUNCTION_ARGS)
{
	Timestamp	time = PG_GETARG_TIMESTAMP(0);
	Interval   *width = PG_GETARG_INTERVAL_P(1);
	int64		unit;
	int64		origin = 0;

	(void) bucket_width_is_date(width);
	if (TIMESTAMP_NOT_FINITE(time))
		PG_RETURN_TIMESTAMP(time);
	if (width->month != 0)
		PG_RETURN_TIMESTAMP(month_bucket(time, width->month));

	unit = width->time;
	if (width->day != 0)
	{
		unit = width->day * USECS_PER_DAY;
		origin = FIRST_MONDAY * USECS_PER_DAY;
	}
	time = floor_to(time - origin, unit) + origin;
	if (!IS_VALID_TIMESTAMP(time))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	PG_RETURN_TIMESTAMP(time);
}
