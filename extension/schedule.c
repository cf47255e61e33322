/*
 * schedule.c
 *	  Cron schedules: parsing, and the next moment. See schedule.h.
 *
 * Clock changes. A schedule whose minute or hour field begins with '*' follows
 * real time: it is due whenever the clock on the wall shows a matching minute.
 * Any other schedule is due once for each matching reading w of the wall
 * clock: at the first moment at which the clock shows w or later. That is the
 * reading itself on ordinary days, its first occurrence when it comes twice,
 * and the moment right after the gap when it is skipped.
 */
#include "schedule.h"

#include <string.h>

#define SECS_PER_DAY	INT64_C(86400)

/* No zone ever put its clock back by more than a day. */
#define LONGEST_JUMP_BACK	(2 * SECS_PER_DAY)

typedef struct Field
{
	const char *name;
	int			low;
	int			high;
	const char *words;			/* three letters each, the first stands for low */
} Field;

enum {MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS};

static const Field fields[FIELDS] = {
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of month", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"day of week", 0, 7, "sunmontuewedthufrisat"}
};

static const struct
{
	const char *alias;
	const char *meaning;
}			aliases[] = {
	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"}
};

/* Where the parser stands. */
typedef struct Input
{
	const char *text;
	size_t		at;
	size_t		end;
	const Field *field;			/* being read, or NULL */
	ScheduleError *error;
} Input;

/*
 * Characters. The C locale's classes, written out, because the server's
 * locale must not change what a schedule means.
 */
static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
}

static bool
equal_ignoring_case(const char *text, const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (lower(text[i]) != word[i])
			return false;
	}
	return true;
}

static bool
fail(Input *in, ScheduleErrorCode code, size_t from, size_t to)
{
	in->error->code = code;
	in->error->field = in->field ? in->field->name : NULL;
	in->error->position = from;
	in->error->length = to - from;
	return false;
}

/* The character at the cursor, or 0 at the end of the field. */
static char
peek(const Input *in)
{
	return in->at < in->end && !is_blank(in->text[in->at]) ? in->text[in->at] : '\0';
}

/* End of what a person would call the word at the cursor. */
static size_t
word_end(const Input *in)
{
	size_t		to = in->at;

	while (to < in->end && !is_blank(in->text[to]) && in->text[to] != ',' &&
		   in->text[to] != '-' && in->text[to] != '/')
		to++;
	return to;
}

/* Digits at the cursor; false where there are none. Large numbers saturate. */
static bool
read_number(Input *in, int *value)
{
	if (!is_digit(peek(in)))
		return false;
	*value = 0;
	while (is_digit(peek(in)))
	{
		if (*value < 10000)
			*value = *value * 10 + (in->text[in->at] - '0');
		in->at++;
	}
	return true;
}

/* One value of the field: a number in range, or one of its names. */
static bool
read_value(Input *in, int *value)
{
	const Field *field = in->field;
	size_t		from = in->at;
	size_t		to = word_end(in);

	if (read_number(in, value))
	{
		if (in->at < to)
			return fail(in, SCHEDULE_NOT_A_VALUE, from, to);
		if (*value < field->low || *value > field->high)
			return fail(in, SCHEDULE_OUT_OF_RANGE, from, to);
		return true;
	}
	for (size_t word = 0; to - from == 3 && field->words[word * 3] != '\0'; word++)
	{
		if (equal_ignoring_case(in->text + from, field->words + word * 3, 3))
		{
			*value = field->low + (int) word;
			in->at = to;
			return true;
		}
	}
	return fail(in, SCHEDULE_NOT_A_VALUE, from, to);
}

/* The step after a range; 1 where there is none. */
static bool
read_step(Input *in, bool allowed, int *step)
{
	size_t		from;
	size_t		to;

	*step = 1;
	if (peek(in) != '/')
		return true;
	from = ++in->at;
	to = word_end(in);
	if (!allowed)
		return fail(in, SCHEDULE_STEP_WITHOUT_RANGE, from, to);
	if (!read_number(in, step) || in->at != to || *step < 1 || *step > in->field->high)
		return fail(in, SCHEDULE_BAD_STEP, from, to);
	return true;
}

/* One element of a list: '*', a value or a range, with a step where it fits. */
static bool
read_element(Input *in, uint64_t *set)
{
	size_t		from = in->at;
	int			low = in->field->low;
	int			high = in->field->high;
	int			step;
	bool		range = true;

	if (peek(in) == '*')
		in->at++;
	else
	{
		if (!read_value(in, &low))
			return false;
		high = low;
		range = peek(in) == '-';
		if (range)
		{
			in->at++;
			if (!read_value(in, &high))
				return false;
			if (high < low)
				return fail(in, SCHEDULE_BACKWARDS, from, in->at);
		}
	}
	if (!read_step(in, range, &step))
		return false;
	for (int value = low; value <= high; value += step)
		*set |= UINT64_C(1) << value;
	return true;
}

/* One field: a list. *star tells whether it begins with '*', as Vixie has it. */
static bool
read_field(Input *in, const Field *field, uint64_t *set, bool *star)
{
	in->field = field;
	*set = 0;
	*star = peek(in) == '*';
	for (;;)
	{
		if (!read_element(in, set))
			return false;
		if (peek(in) == '\0')
			return true;
		if (peek(in) != ',')
			return fail(in, SCHEDULE_TRAILING, in->at, word_end(in) + (word_end(in) == in->at));
		in->at++;
	}
}

static void
skip_blanks(Input *in)
{
	while (in->at < in->end && is_blank(in->text[in->at]))
		in->at++;
}

/* '@' and a name stand for five fields. */
static bool
expand_alias(Input *in)
{
	size_t		from = in->at;
	size_t		to = in->end;

	while (to > from && is_blank(in->text[to - 1]))
		to--;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
	{
		if (strlen(aliases[i].alias) == to - from &&
			equal_ignoring_case(in->text + from, aliases[i].alias, to - from))
		{
			in->text = aliases[i].meaning;
			in->at = 0;
			in->end = strlen(in->text);
			return true;
		}
	}
	return fail(in, SCHEDULE_UNKNOWN_ALIAS, from, to);
}

/*
 * Calendar, proleptic Gregorian.
 */
static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int
days_in_month(int64_t year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01 of the first of a month. */
static int64_t
first_of_month(int64_t year, int month)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int64_t		y = year - (month <= 2);	/* leap days counted up to here */

	return year * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) +
		before[month - 1] - 719527;
}

/* Year, month and day of a number of days since 1970-01-01. */
static void
date_of(int64_t days, int64_t *year, int *month, int *day)
{
	*year = 1970 + floor_div(days * 400, 146097);
	while (first_of_month(*year, 1) > days)
		(*year)--;
	while (first_of_month(*year + 1, 1) <= days)
		(*year)++;
	*month = 1;
	while (*month < 12 && first_of_month(*year, *month + 1) <= days)
		(*month)++;
	*day = (int) (days - first_of_month(*year, *month)) + 1;
}

/* Is there a month that has one of the days? 1972 was a leap year. */
static bool
some_date_matches(const Schedule *schedule)
{
	if (schedule->either_day)
		return true;
	for (int month = 1; month <= 12; month++)
	{
		uint32_t	days = (UINT32_C(2) << (days_in_month(1972, month) - 1) << 1) - 2;

		if ((schedule->months >> month & 1) && (schedule->days & days))
			return true;
	}
	return false;
}

bool
schedule_parse(const char *text, size_t length, Schedule *schedule, ScheduleError *error)
{
	Input		in = {text, 0, length, NULL, error};
	uint64_t	set[FIELDS];
	bool		star[FIELDS];

	memset(error, 0, sizeof(*error));
	memset(schedule, 0, sizeof(*schedule));
	skip_blanks(&in);
	if (peek(&in) == '@' && !expand_alias(&in))
		return false;
	for (int i = 0; i < FIELDS; i++)
	{
		in.field = NULL;
		if (in.at >= in.end)
			return fail(&in, SCHEDULE_FIELD_COUNT, 0, in.end);
		if (!read_field(&in, &fields[i], &set[i], &star[i]))
			return false;
		skip_blanks(&in);
	}
	in.field = NULL;
	if (in.at < in.end)
		return fail(&in, SCHEDULE_FIELD_COUNT, 0, in.end);

	schedule->minutes = set[MINUTE];
	schedule->hours = (uint32_t) set[HOUR];
	schedule->days = (uint32_t) set[DAY];
	schedule->months = (uint16_t) set[MONTH];
	schedule->weekdays = (uint8_t) ((set[WEEKDAY] | set[WEEKDAY] >> 7) & 0x7f);
	schedule->either_day = !star[DAY] && !star[WEEKDAY];
	schedule->real_time = star[MINUTE] || star[HOUR];
	return some_date_matches(schedule) || fail(&in, SCHEDULE_IMPOSSIBLE, 0, in.end);
}

const char *
schedule_error_text(ScheduleErrorCode code)
{
	switch (code)
	{
		case SCHEDULE_OK:
			break;
		case SCHEDULE_FIELD_COUNT:
			return "A schedule has five fields: minute, hour, day of month, month, day of week.";
		case SCHEDULE_UNKNOWN_ALIAS:
			return "Known names are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually.";
		case SCHEDULE_NOT_A_VALUE:
			return "It is neither a number nor a name of this field.";
		case SCHEDULE_OUT_OF_RANGE:
			return "The number is out of range for this field.";
		case SCHEDULE_BACKWARDS:
			return "The range ends before it begins.";
		case SCHEDULE_BAD_STEP:
			return "A step is a number from 1 to the largest value of the field.";
		case SCHEDULE_STEP_WITHOUT_RANGE:
			return "A step follows a range or an asterisk.";
		case SCHEDULE_TRAILING:
			return "A comma or the end of the field was expected here.";
		case SCHEDULE_IMPOSSIBLE:
			return "No date ever matches the day of month and the month.";
	}
	return "";
}

/* Does the schedule have this date? */
static bool
date_matches(const Schedule *schedule, int64_t days, int month, int day)
{
	int			weekday = (int) (days - floor_div(days + 4, 7) * 7 + 4);	/* 1970-01-01 was a Thursday */
	bool		on_day = schedule->days >> day & 1;
	bool		on_weekday = schedule->weekdays >> weekday & 1;

	if (!(schedule->months >> month & 1))
		return false;
	return schedule->either_day ? on_day || on_weekday : on_day && on_weekday;
}

bool
schedule_matches(const Schedule *schedule, int64_t local)
{
	int64_t		days = floor_div(local, SECS_PER_DAY);
	int			second = (int) (local - days * SECS_PER_DAY);
	int64_t		year;
	int			month;
	int			day;

	date_of(days, &year, &month, &day);
	return second % 60 == 0 &&
		(schedule->minutes >> (second / 60 % 60) & 1) &&
		(schedule->hours >> (second / 3600) & 1) &&
		date_matches(schedule, days, month, day);
}

/* The first matching minute of a day at or after minute; -1 if there is none. */
static int
next_minute_of_day(const Schedule *schedule, int minute)
{
	for (; minute < 24 * 60; minute++)
	{
		if ((schedule->hours >> (minute / 60) & 1) && (schedule->minutes >> (minute % 60) & 1))
			return minute;
	}
	return -1;
}

/* The first matching day at or after days. */
static int64_t
next_day(const Schedule *schedule, int64_t days)
{
	int64_t		year;
	int			month;
	int			day;

	date_of(days, &year, &month, &day);
	for (;; day = 1, year += month / 12, month = month % 12 + 1)
	{
		int64_t		before = first_of_month(year, month) - 1;

		if (!(schedule->months >> month & 1))
			continue;
		for (; day <= days_in_month(year, month); day++)
		{
			if (date_matches(schedule, before + day, month, day))
				return before + day;
		}
	}
}

int64_t
schedule_next_local(const Schedule *schedule, int64_t local)
{
	int64_t		minutes = floor_div(local, 60) + 1;
	int64_t		days = floor_div(minutes, 24 * 60);
	int64_t		match = next_day(schedule, days);
	int			minute = -1;

	if (match == days)
	{
		minute = next_minute_of_day(schedule, (int) (minutes - days * 24 * 60));
		if (minute < 0)
			match = next_day(schedule, days + 1);
	}
	if (minute < 0)
		minute = next_minute_of_day(schedule, 0);
	return match * SECS_PER_DAY + minute * INT64_C(60);
}

/* The latest reading the wall clock has shown up to and including utc. */
static int64_t
latest_reading(const ScheduleZone *zone, int64_t utc)
{
	int64_t		latest = utc + zone->offset(zone->arg, utc);
	int64_t		at = utc - LONGEST_JUMP_BACK;
	int64_t		change;

	while (zone->next_change(zone->arg, at, &change) && change <= utc)
	{
		int64_t		before = change - 1 + zone->offset(zone->arg, change - 1);

		if (before > latest)
			latest = before;
		at = change;
	}
	return latest;
}

/*
 * Walks the stretches of constant offset that follow utc. A reading is wanted
 * that is later than "shown"; in each stretch the first such reading is either
 * beyond its end, or in it, or was skipped at its start.
 */
int64_t
schedule_next(const Schedule *schedule, int64_t utc, const ScheduleZone *zone)
{
	int64_t		start = utc;
	int64_t		shown = schedule->real_time ? utc + zone->offset(zone->arg, utc)
		: latest_reading(zone, utc);

	for (;;)
	{
		int64_t		offset = zone->offset(zone->arg, start);
		int64_t		reading = schedule_next_local(schedule, shown);
		int64_t		end;

		if (!zone->next_change(zone->arg, start, &end) || reading - offset < end)
			return reading - offset > start ? reading - offset : start;
		if (schedule->real_time)
			shown = end + zone->offset(zone->arg, end) - 1;
		else if (end - 1 + offset > shown)
			shown = end - 1 + offset;
		start = end;
	}
}
