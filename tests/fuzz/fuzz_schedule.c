/*
 * fuzz_schedule.c
 *	  Any bytes are a time zone, a moment in it, and a schedule or a refusal
 *	  that points into the text. A schedule has a next moment, found with few
 *	  questions to the zone. It is due and no earlier one is, as far as can be
 *	  seen quickly, by a reading of the text and of the rules that shares
 *	  nothing with schedule.c.
 */
#include "../unit/schedule_meaning.h"
#include "../unit/schedule_zone.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_S INT64_C(3600)
#define DAY INT64_C(86400)
#define FUZZED_JUMPS 6
#define FIRST_START INT64_C(915148800)	/* 1999, for the leap years 2000 and 2100 */

/* How far every minute is looked at. Enough, as the moment asked about can be anywhere. */
#define SCAN (6 * HOUR_S)

/* 29 February on one weekday, across the end of a century without it. */
#define LONGEST_WAIT (41 * 366 * DAY)

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/*
 * Input.
 */
typedef struct Bytes
{
	const uint8_t *at;
	size_t		left;
} Bytes;

static int
take(Bytes *bytes)
{
	if (bytes->left == 0)
		return 0;
	bytes->left--;
	return *bytes->at++;
}

/* Up to 16 hours, mostly a multiple of a quarter. */
static int64_t
take_offset(Bytes *bytes)
{
	int			quarters = take(bytes) % 127 - 63;
	int			seconds = take(bytes);

	return quarters * INT64_C(900) + (seconds % 4 == 1 ? seconds : 0);
}

/*
 * The zone, whose jumps may be a second apart and change nothing, and a moment
 * in it: often close to a jump, or the jump itself.
 */
static int64_t
take_zone(Bytes *bytes, Zone *zone)
{
	static const int64_t units[] = {0, 1, HOUR_S / 4, HOUR_S / 4};
	int			njumps = take(bytes) % (FUZZED_JUMPS + 1);
	int64_t		start = FIRST_START + take(bytes) * 150 * DAY;
	int64_t		at = start;
	int			from = take(bytes);
	int			distance = take(bytes) - 128;

	*zone = (Zone) {.name = ""};
	zone->offset = take_offset(bytes);
	zone->njumps = njumps;
	for (int i = 0; i < njumps; i++)
	{
		int			gap = take(bytes);
		int			seconds = take(bytes);

		at += gap > 0 ? gap * HOUR_S / 2 : 1;
		at += seconds % 4 == 1 ? seconds : 0;
		zone->jumps[i].at = at;
		zone->jumps[i].offset = take_offset(bytes);
	}
	if (njumps > 0)
		start = zone->jumps[from / 4 % njumps].at;
	return start + distance * units[from % 4];
}

/*
 * What an accepted text means, read in the simplest way.
 */
static const char *const aliases[][2] = {
	{"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"}, {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"}
};

/* Texts of which the input replaces a part, to be quicker at those that are accepted. */
static const char *const texts[] = {
	"", "@hourly", "@Daily", "@MIDNIGHT ", "@weekly", "@monthly", "\n@yearly", "@annually",
	"* * * * *", "*/7 */5 * * *", "10 */2 * * *", "0-59 0-23 * * *", "30 2 * * *", "0,30 0-4/2 * * *",
	"0 0 29 2 */7", "5 4 13 * fri", "0 2 30 feb 1-5/2", "0 3 */2 3,Oct 6-7"
};

#define NTEXTS ((int) (sizeof(texts) / sizeof(texts[0])))

/* A number, or the first three letters of a name. */
static int
value_of(int field, const char *text)
{
	int			value = atoi(text);

	if (*text < '0' || *text > '9')
	{
		value = fields[field].low;
		while (fields[field].names[value] != NULL && strncmp(fields[field].names[value], text, 3) != 0)
			value++;
		require(fields[field].names[value] != NULL);
	}
	require(value >= fields[field].low && value <= fields[field].high);
	return value;
}

static void
read_element(int field, const char *element, bool *has)
{
	const char *dash = strchr(element, '-');
	const char *slash = strchr(element, '/');
	int			low = *element == '*' ? fields[field].low : value_of(field, element);
	int			high = *element == '*' ? fields[field].high : low;
	int			step = slash ? atoi(slash + 1) : 1;

	if (dash)
		high = value_of(field, dash + 1);
	require(low <= high && step > 0);
	for (int value = low; value <= high; value += step)
		has[value] = true;
}

/* Writes to the text. */
static void
read_fields(char *text, Meaning *meaning)
{
	bool		star[FIELDS];
	char	   *rest = NULL;
	char	   *more = NULL;

	memset(meaning, 0, sizeof(*meaning));
	for (int field = 0; field < FIELDS; field++)
	{
		char	   *word = strtok_r(field == 0 ? text : NULL, " \t\n\r", &rest);

		require(word != NULL);
		star[field] = *word == '*';
		for (char *element = strtok_r(word, ",", &more); element; element = strtok_r(NULL, ",", &more))
			read_element(field, element, meaning->has[field]);
	}
	require(strtok_r(NULL, " \t\n\r", &rest) == NULL);
	meaning_finish(meaning, star);
}

static void
read_text(const char *text, size_t length, Meaning *meaning)
{
	char	   *copy = calloc(length + 20, 1);
	char	   *at;

	require(copy != NULL);
	for (size_t i = 0; i < length; i++)
		copy[i] = (char) (text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 'a' - 'A' : text[i]);
	require(strlen(copy) == length);
	at = strchr(copy, '@');
	for (size_t i = 0; at && i < sizeof(aliases) / sizeof(aliases[0]); i++)
	{
		if (strncmp(at, aliases[i][0], strlen(aliases[i][0])) == 0)
			strcpy(copy, aliases[i][1]);
	}
	read_fields(copy, meaning);
	free(copy);
}

/*
 * The rules.
 */
static bool
fits(const Meaning *meaning, int64_t reading)
{
	return reading % 60 == 0 && meaning->has[MINUTE][reading / 60 % 60] &&
		meaning->has[HOUR][reading / HOUR_S % 24] && date_fits(meaning, reading);
}

/* Is there a date that ever fits? 2024 was a leap year. */
static bool
is_possible(const Meaning *meaning)
{
	time_t		date = (time_t) (19723 * DAY);
	struct tm	tm;

	while (gmtime_r(&date, &tm) && tm.tm_year == 2024 - 1900)
	{
		if (meaning->has[MONTH][tm.tm_mon + 1] && (meaning->either_day || meaning->has[DAY_OF_MONTH][tm.tm_mday]))
			return true;
		date += DAY;
	}
	return false;
}

/* Does the clock show a reading that fits or, not in real time, has it just come to one or passed it? */
static bool
is_due(const Meaning *meaning, Zone *zone, int64_t utc)
{
	int64_t		reading = utc + zone_offset(zone, utc);
	int64_t		latest = utc - 1 + zone_offset(zone, utc - 1);

	/* nearly always the clock has just gone on, and not to a reading that fits */
	if (meaning->real_time || (reading == latest + 1 && !fits(meaning, reading)))
		return fits(meaning, reading);
	for (int i = 0; i < zone->njumps && zone->jumps[i].at < utc; i++)
	{
		int64_t		before = zone->jumps[i].at - 1 + zone_offset(zone, zone->jumps[i].at - 1);

		latest = before > latest ? before : latest;
	}
	for (int64_t passed = latest - latest % 60 + 60; passed <= reading; passed += 60)
	{
		if (fits(meaning, passed))
			return true;
	}
	return false;
}

/* Is none of these due but the last, if that is to be? Only full minutes and jumps can be. */
static bool
only_last_due(const Meaning *meaning, Zone *zone, int64_t after, int64_t last, bool last_due)
{
	int64_t		utc = after;

	while (utc < last)
	{
		int64_t		change;
		int64_t		next = utc + 60 - (utc + zone_offset(zone, utc)) % 60;

		if (zone_next_change(zone, utc, &change) && change < next)
			next = change;
		utc = next < last ? next : last;
		if (is_due(meaning, zone, utc) != (utc == last && last_due))
			return false;
	}
	return true;
}

/* Where no jump comes any more, dates can stand for their minutes. */
static bool
no_date_between(const Meaning *meaning, const Zone *zone, int64_t after, int64_t before)
{
	int64_t		calm = zone->njumps > 0 ? zone->jumps[zone->njumps - 1].at : 0;

	for (int64_t day = (after > calm ? after : calm) / DAY * DAY + 2 * DAY; day < before - 2 * DAY; day += DAY)
	{
		if (date_fits(meaning, day))
			return false;
	}
	return true;
}

static int64_t
checked_next(const Schedule *schedule, const Meaning *meaning, Zone *zone, int64_t utc)
{
	ScheduleZone rules = {zone, zone_offset, zone_next_change};
	int64_t		next;
	int64_t		seen = utc + SCAN;

	zone->calls = 0;
	next = schedule_next(schedule, utc, &rules);
	require(zone->calls <= 8 * (zone->njumps + 2));
	require(next > utc && next - utc < LONGEST_WAIT);
	require(schedule_next(schedule, next - 1, &rules) == next);
	if (next <= seen)
		seen = next;
	require(only_last_due(meaning, zone, utc, seen, next == seen));
	require(is_due(meaning, zone, next));
	require(no_date_between(meaning, zone, seen, next));
	return next;
}

/* The text: what is left of the input, in the place of a part of one of the texts. */
static char *
take_text(Bytes *bytes, size_t *length)
{
	const char *given = texts[take(bytes) % NTEXTS];
	size_t		whole = strlen(given);
	size_t		from = (size_t) take(bytes) % (whole + 1);
	size_t		to = from + (size_t) take(bytes) % (whole - from + 1);
	char	   *text = malloc(whole + bytes->left + 1);

	require(text != NULL);
	memcpy(text, given, from);
	if (bytes->left > 0)
		memcpy(text + from, bytes->at, bytes->left);
	memcpy(text + from + bytes->left, given + to, whole - to);
	*length = from + bytes->left + whole - to;
	return text;
}

static void
test_schedule(const char *text, size_t length, Zone *zone, int64_t utc)
{
	Schedule	schedule;
	ScheduleError error;
	Meaning		meaning;

	if (!schedule_parse(text, length, &schedule, &error))
		require(error.code != SCHEDULE_OK && error.position + error.length <= length);
	if (error.code != SCHEDULE_OK && error.code != SCHEDULE_IMPOSSIBLE)
		return;
	read_text(text, length, &meaning);
	require(is_possible(&meaning) == (error.code == SCHEDULE_OK));
	for (int i = 0; i < 3 && error.code == SCHEDULE_OK; i++)
		utc = checked_next(&schedule, &meaning, zone, utc);
}

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes		bytes = {data, size};
	Zone		zone;
	int64_t		utc = take_zone(&bytes, &zone);
	size_t		length;
	char	   *whole = take_text(&bytes, &length);
	char	   *text = realloc(whole, length + (length == 0));	/* so that reading on is seen */

	require(text != NULL);
	test_schedule(text, length, &zone, utc);
	free(text);
	return 0;
}
