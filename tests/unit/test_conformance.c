/*
 * test_conformance.c
 *	  Every state of tests/conformance/gridstats.tsv, which a second
 *	  implementation made: reached by adding or merging as it says, packed and
 *	  formatted to the same bytes, read back from them, and with the same answers.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "stats.h"

#define COLUMNS		14
#define LINES_MAX	1000

enum
{
	SEQUENCE, STEP, OPERATION, LEFT, RIGHT, PACKED, TEXT, COUNT, SUM, MIN, MAX, AVG, VARIANCE, STDDEV
};

typedef struct Line
{
	char	   *field[COLUMNS];
	bool		refused;
	GridStats	state;			/* not of a refused step */
} Line;

static Line lines[LINES_MAX];
static int	nlines;

/* The whole file, from the project's folder or from tests/unit; the caller frees. */
static char *
read_file(void)
{
	FILE	   *file = fopen("tests/conformance/gridstats.tsv", "rb");
	char	   *content;
	long		size;

	if (file == NULL)
		file = fopen("../conformance/gridstats.tsv", "rb");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		return NULL;
	size = ftell(file);
	rewind(file);
	content = calloc(1, (size_t) size + 1);
	if (fread(content, 1, (size_t) size, file) != (size_t) size)
		content[0] = '\0';
	fclose(file);
	return content;
}

/* Cuts the file into lines of fields, in place; false if one has not all columns. */
static bool
read_lines(char *content)
{
	char	   *rest;

	for (char *text = strtok_r(content, "\n", &rest); text != NULL; text = strtok_r(NULL, "\n", &rest))
	{
		Line	   *line = &lines[nlines];
		int			column = 0;
		char	   *field;

		if (text[0] == '#')
			continue;
		if (nlines == LINES_MAX)
			return false;
		while ((field = strsep(&text, "\t")) != NULL && column < COLUMNS)
			line->field[column++] = field;
		if (column != COLUMNS || field != NULL)
			return false;
		line->refused = strcmp(line->field[PACKED], "refused 22003") == 0;
		nlines++;
	}
	return true;
}

static double
double_of(const char *hex)
{
	uint64_t	bits = strtoull(hex, NULL, 16);
	double		value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

/* The state of "sequence/step", which a line before was to make. */
static GridStats
state_of(const char *name)
{
	GridStats	state;

	stats_init(&state);
	for (int i = 0; i < nlines; i++)
	{
		char		other[100];

		snprintf(other, sizeof other, "%s/%s", lines[i].field[SEQUENCE], lines[i].field[STEP]);
		if (!lines[i].refused && strcmp(name, other) == 0)
			return lines[i].state;
	}
	printf("# no state %s\n", name);
	return state;
}

/* The state a line's step begins with: the last one of its sequence. */
static GridStats
state_before(int number)
{
	GridStats	state;

	stats_init(&state);
	for (int i = 0; i < number; i++)
		if (!lines[i].refused && strcmp(lines[i].field[SEQUENCE], lines[number].field[SEQUENCE]) == 0)
			state = lines[i].state;
	return state;
}

static bool
same(const GridStats *a, const GridStats *b)
{
	return memcmp(a, b, sizeof *a) == 0 && stats_compare(a, b) == 0;
}

/* Does what a line says; false if that is refused, or allowed, other than it says. */
static bool
do_step(int number)
{
	Line	   *line = &lines[number];
	GridStats	before = state_before(number);
	bool		done = true;

	line->state = before;
	if (strcmp(line->field[OPERATION], "add") == 0)
		done = stats_add(&line->state, double_of(line->field[LEFT]));
	else if (strcmp(line->field[OPERATION], "merge") == 0)
	{
		GridStats	left = state_of(line->field[LEFT]);
		GridStats	other_way = state_of(line->field[RIGHT]);

		before = line->state = left;
		done = stats_merge(&line->state, &other_way);
		if (done && (!stats_merge(&other_way, &left) || !same(&other_way, &line->state)))
			return false;
	}
	return done == !line->refused && (done || same(&before, &line->state));
}

static size_t
bytes_of(const char *hex, uint8_t *bytes)
{
	size_t		size = strlen(hex) / 2;

	for (size_t i = 0; i < size && i < STATS_PACKED_MAX; i++)
	{
		char		digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		bytes[i] = (uint8_t) strtoul(digits, NULL, 16);
	}
	return size;
}

static bool
packs(const Line *line)
{
	uint8_t		expected[STATS_PACKED_MAX];
	uint8_t		packed[STATS_PACKED_MAX];
	size_t		size = bytes_of(line->field[PACKED], expected);

	return stats_valid(&line->state) && stats_pack(&line->state, packed) == size &&
		memcmp(packed, expected, size) == 0;
}

/* From memory of just that size, so that reading beyond it is seen. */
static bool
unpacks(const Line *line)
{
	size_t		size = strlen(line->field[PACKED]) / 2;
	uint8_t    *bytes = malloc(size);
	GridStats	state;
	GridStats	trusted;
	bool		ok;

	bytes_of(line->field[PACKED], bytes);
	ok = stats_unpack_untrusted(&state, bytes, size) == size && same(&state, &line->state) &&
		stats_unpack(&trusted, bytes, size) == size && same(&trusted, &line->state) &&
		stats_unpack_untrusted(&trusted, bytes, size - 1) == 0;
	free(bytes);
	return ok;
}

static bool
formats(const Line *line)
{
	char		text[STATS_TEXT_MAX];

	return stats_format(&line->state, text) == strlen(line->field[TEXT]) &&
		strcmp(text, line->field[TEXT]) == 0;
}

static bool
parses(const Line *line)
{
	GridStats	state;
	const char *end = stats_parse(&state, line->field[TEXT]);

	return end != NULL && *end == '\0' && same(&state, &line->state);
}

static bool
answers(const Line *line)
{
	static StatsAnswer (*const functions[]) (const GridStats *, double *) = {
		stats_sum, stats_min, stats_max, stats_avg, stats_variance, stats_stddev
	};

	if (line->state.count != strtoll(line->field[COUNT], NULL, 10))
		return false;
	for (int i = 0; i < STDDEV - COUNT; i++)
	{
		double		answer;
		uint64_t	bits;
		char		text[17] = "";
		StatsAnswer found = functions[i] (&line->state, &answer);

		memcpy(&bits, &answer, sizeof bits);
		if (found == STATS_OK)
			snprintf(text, sizeof text, "%016llx", (unsigned long long) bits);
		else if (found == STATS_OVERFLOW)
			strcpy(text, "overflow");
		if (strcmp(text, line->field[SUM + i]) != 0)
			return false;
	}
	return true;
}

/* How many lines fail, each named in a comment. */
static int
count_wrong(const char *what, bool (*holds) (const Line *))
{
	int			wrong = 0;

	for (int i = 0; i < nlines; i++)
		if (!lines[i].refused && !holds(&lines[i]))
		{
			printf("# %s: %s/%s\n", what, lines[i].field[SEQUENCE], lines[i].field[STEP]);
			wrong++;
		}
	return wrong;
}

int
main(void)
{
	char	   *content = read_file();
	int			wrong = 0;

	CHECK(content != NULL && read_lines(content) && nlines > 300, "the file is there and has %d columns", COLUMNS);
	for (int i = 0; i < nlines; i++)
		if (!do_step(i))
		{
			printf("# step: %s/%s\n", lines[i].field[SEQUENCE], lines[i].field[STEP]);
			wrong++;
		}
	CHECK(wrong == 0, "steps are done or refused, merges either way round are the same");
	CHECK(count_wrong("packed", packs) == 0, "states are packed to the file's bytes");
	CHECK(count_wrong("unpacked", unpacks) == 0, "and read from them");
	CHECK(count_wrong("text", formats) == 0, "states are written as the file's text");
	CHECK(count_wrong("parsed", parses) == 0, "and read from it");
	CHECK(count_wrong("answers", answers) == 0, "answers are the file's to the bit");
	free(content);
	return UNIT_DONE();
}
