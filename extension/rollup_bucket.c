/*
 * rollup_bucket.c
 *	  Periods of time: grid_bucket(time, width), the start of the period that a
 *	  local time falls in, and where in time a period can be looked for.
 *
 * This is the one definition of a bucket: capture, refresh, live view and
 * verification all come here.  It works on local time without a zone, so that a
 * day with a clock change is one day.  A time zone is looked up by its name
 * alone, and never as an abbreviation: what those mean is a setting.
 */
#include "rollup_bucket.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"

PG_FUNCTION_INFO_V1(grid_bucket);
PG_FUNCTION_INFO_V1(grid_bucket_date);
PG_FUNCTION_INFO_V1(grid_bucket_in_zone);
PG_FUNCTION_INFO_V1(grid_bucket_first);
PG_FUNCTION_INFO_V1(grid_bucket_last);
PG_FUNCTION_INFO_V1(grid_bucket_first_in_zone);
PG_FUNCTION_INFO_V1(grid_bucket_last_in_zone);

/* Monday 2001-01-01 in days since 2000-01-01, from which days and weeks are counted. */
#define FIRST_MONDAY 366

#define MAX_DAYS 36525

/* Local time never jumps as far as this: the longest was a day, at the date line. */
#define LONGEST_JUMP (2 * USECS_PER_DAY)

/* The year 2400 in seconds since 1970; rules of zones are worked out beyond it. */
#define FAR_FUTURE INT64CONST(13569465600)

/* A zone as the last call named it. */
typedef struct ZoneCache
{
	pg_tz	   *zone;
	int			len;
	char		name[TZ_STRLEN_MAX + 1];
} ZoneCache;

/* Between these times local time is that far behind UTC. */
typedef struct ZoneRegime
{
	pg_tz	   *zone;
	TimestampTz first;
	TimestampTz end;
	int64		offset;
} ZoneRegime;

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

/* What is beyond the range of timestamps is at the end of time: it must stop nobody from writing it. */
static Timestamp
in_range(int64 time)
{
	if (IS_VALID_TIMESTAMP(time))
		return time;
	return time < 0 ? DT_NOBEGIN : DT_NOEND;
}

/* The first day of the period of so many months around a day. */
static Timestamp
month_bucket(Timestamp time, int months)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int64		month;

	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		return time < 0 ? DT_NOBEGIN : DT_NOEND;
	month = floor_to((int64) tm.tm_year * 12 + tm.tm_mon - 1, months);
	tm.tm_year = (int) (floor_to(month, 12) / 12);
	tm.tm_mon = (int) (month - (int64) tm.tm_year * 12) + 1;
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return tm2timestamp(&tm, 0, NULL, &time) != 0 ? DT_NOBEGIN : time;
}

Timestamp
bucket_start(Timestamp time, const Interval *width)
{
	int64		unit = width->time;
	int64		origin = 0;

	if (TIMESTAMP_NOT_FINITE(time))
		return time;
	if (width->month != 0)
		return month_bucket(time, width->month);
	if (width->day != 0)
	{
		unit = width->day * USECS_PER_DAY;
		origin = FIRST_MONDAY * USECS_PER_DAY;
	}
	return in_range(floor_to(time - origin, unit) + origin);
}

/* The end of the regime of local time that a time is in; the time itself where that is not known. */
static TimestampTz
regime_end(TimestampTz time, pg_tz *zone)
{
	const int64 epoch = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	pg_time_t	seconds = floor_to(time, USECS_PER_SEC) / USECS_PER_SEC + epoch;
	pg_time_t	boundary;
	long		offset,
				next_offset;
	int			dst,
				next_dst;
	int64		end;

	switch (pg_next_dst_boundary(&seconds, &offset, &dst, &boundary, &next_offset, &next_dst, zone))
	{
		case 0:
			/* Right at the last change that the library has worked out it knows of no more. */
			return seconds < FAR_FUTURE ? DT_NOEND : time;
		case 1:
			return pg_mul_s64_overflow(boundary - epoch, USECS_PER_SEC, &end) ? time : end;
		default:
			return time;
	}
}

/*
 * Microseconds by which local time is behind UTC.  They stay the same for months
 * or for ever, and working them out takes longer than the rest of a bucket.
 */
static int64
zone_offset(TimestampTz time, pg_tz *zone)
{
	static ZoneRegime last;
	struct pg_tm tm;
	fsec_t		fsec;
	int			seconds;
	TimestampTz end;

	if (zone == last.zone && time >= last.first && time < last.end)
		return last.offset;
	if (timestamp2tm(time, &seconds, &tm, &fsec, NULL, zone) != 0)
		return 0;
	end = regime_end(time, zone);
	if (zone == last.zone && end == last.end && time < last.first)
		last.first = time;		/* the same, known from earlier on */
	else
		last = (ZoneRegime) {zone, time, end, seconds * USECS_PER_SEC};
	return seconds * USECS_PER_SEC;
}

Timestamp
bucket_local_time(TimestampTz time, pg_tz *zone)
{
	if (TIMESTAMP_NOT_FINITE(time))
		return time;
	return in_range(time - zone_offset(time, zone));
}

/* A date as a time; dates reach further. */
static Timestamp
date_time(DateADT date)
{
	if (DATE_IS_NOBEGIN(date))
		return DT_NOBEGIN;
	if (DATE_IS_NOEND(date) || date >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
		return DT_NOEND;
	return date * USECS_PER_DAY;
}

Timestamp
bucket_of(const BucketRule *rule, Oid type, Datum value)
{
	Timestamp	local;

	switch (type)
	{
		case DATEOID:
			local = date_time(DatumGetDateADT(value));
			break;
		case TIMESTAMPTZOID:
			local = bucket_local_time(DatumGetTimestampTz(value), rule->zone);
			break;
		default:
			local = DatumGetTimestamp(value);
	}
	return bucket_start(local, &rule->width);
}

DateADT
bucket_date(Timestamp bucket)
{
	if (TIMESTAMP_IS_NOBEGIN(bucket))
		return DATEVAL_NOBEGIN;
	if (TIMESTAMP_IS_NOEND(bucket))
		return DATEVAL_NOEND;
	return (DateADT) (bucket / USECS_PER_DAY);
}

pg_tz *
bucket_zone(const char *name)
{
	pg_tz	   *zone = pg_tzset(name);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name),
				 errhint("See pg_timezone_names.")));
	return zone;
}

/* Argument argno, the name of a zone. */
static pg_tz *
zone_argument(FunctionCallInfo fcinfo, int argno)
{
	text	   *name = PG_GETARG_TEXT_PP(argno);
	int			len = VARSIZE_ANY_EXHDR(name);
	ZoneCache  *cache = fcinfo->flinfo->fn_extra;

	if (cache && cache->len == len && memcmp(cache->name, VARDATA_ANY(name), len) == 0)
		return cache->zone;
	if (len > TZ_STRLEN_MAX)
		return bucket_zone(text_to_cstring(name));	/* there is no such zone */
	if (cache == NULL)
		cache = fcinfo->flinfo->fn_extra = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(ZoneCache));
	cache->len = -1;
	cache->zone = bucket_zone(text_to_cstring(name));
	cache->len = len;
	memcpy(cache->name, VARDATA_ANY(name), len);
	return cache->zone;
}

static const Interval *
width_argument(FunctionCallInfo fcinfo, int argno)
{
	Interval   *width = PG_GETARG_INTERVAL_P(argno);

	(void) bucket_width_is_date(width);
	return width;
}

/* grid_bucket(time timestamp, width interval) → timestamp */
Datum
grid_bucket(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMP(bucket_start(PG_GETARG_TIMESTAMP(0), width_argument(fcinfo, 1)));
}

/* grid_bucket_date(time date, width interval) → timestamp */
Datum
grid_bucket_date(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMP(bucket_start(date_time(PG_GETARG_DATEADT(0)), width_argument(fcinfo, 1)));
}

/* grid_bucket(time timestamptz, width interval, time_zone text) → timestamp */
Datum
grid_bucket_in_zone(PG_FUNCTION_ARGS)
{
	Timestamp	local = bucket_local_time(PG_GETARG_TIMESTAMPTZ(0), zone_argument(fcinfo, 2));

	PG_RETURN_TIMESTAMP(bucket_start(local, width_argument(fcinfo, 1)));
}

/*
 * The bounds between which the times of a bucket can be looked for.  At the
 * ends of time are also those that are beyond the range, within a width, a day
 * or a zone's offset.
 */

/* Later than every time whose bucket it is; infinity where that is no time any more. */
static Timestamp
bucket_after(Timestamp bucket, const Interval *width)
{
	int64		months = width->month * INT64CONST(31);
	Timestamp	end;

	if (TIMESTAMP_IS_NOEND(bucket))
		return bucket;
	if (TIMESTAMP_IS_NOBEGIN(bucket))
		bucket = MIN_TIMESTAMP;
	if (pg_mul_s64_overflow(months + width->day, USECS_PER_DAY, &end) ||
		pg_add_s64_overflow(end, width->time, &end) ||
		pg_add_s64_overflow(end, bucket, &end) || !IS_VALID_TIMESTAMP(end))
		return DT_NOEND;
	return end;
}

static Timestamp
bucket_before(Timestamp bucket)
{
	return TIMESTAMP_IS_NOEND(bucket) ? END_TIMESTAMP - USECS_PER_DAY : bucket;
}

/* The same as a time of a zone, give or take the longest jump. */
static TimestampTz
zone_time(Timestamp local, pg_tz *zone, int64 give)
{
	TimestampTz time;

	if (TIMESTAMP_NOT_FINITE(local))
		return local;
	if (pg_add_s64_overflow(local, zone_offset(local, zone) + give, &time) || !IS_VALID_TIMESTAMP(time))
		return give < 0 ? DT_NOBEGIN : DT_NOEND;
	return time;
}

/* grid_bucket_first(bucket timestamp) → timestamp */
Datum
grid_bucket_first(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMP(bucket_before(PG_GETARG_TIMESTAMP(0)));
}

/* grid_bucket_last(bucket timestamp, width interval) → timestamp */
Datum
grid_bucket_last(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMP(bucket_after(PG_GETARG_TIMESTAMP(0), width_argument(fcinfo, 1)));
}

/* grid_bucket_first(bucket timestamp, time_zone text) → timestamptz */
Datum
grid_bucket_first_in_zone(PG_FUNCTION_ARGS)
{
	Timestamp	before = bucket_before(PG_GETARG_TIMESTAMP(0));

	PG_RETURN_TIMESTAMPTZ(zone_time(before, zone_argument(fcinfo, 1), -LONGEST_JUMP));
}

/* grid_bucket_last(bucket timestamp, width interval, time_zone text) → timestamptz */
Datum
grid_bucket_last_in_zone(PG_FUNCTION_ARGS)
{
	Timestamp	after = bucket_after(PG_GETARG_TIMESTAMP(0), width_argument(fcinfo, 1));

	PG_RETURN_TIMESTAMPTZ(zone_time(after, zone_argument(fcinfo, 2), LONGEST_JUMP));
}
