/*
 * scheme.c
 *	  Parsing and formatting of schemes, and the questions that need the
 *	  levels of a code.
 */
#include "scheme.h"

#include <stdio.h>
#include <string.h>

/* Spellings of input only: what is stored and shown is the text itself. */
static const struct
{
	const char *name;
	const char *text;
}			presets[] = {
	{"cn", "province 2, city 2, district 2, street 3, community 3, grid 3, cell 3"},
	{"cn-grid2", "province 2, city 2, district 2, street 3, community 3, grid 2"},
	{"us-census", "state 2, county 3, tract 6, blockgroup 1, block 3"},
	{"de-ars", "land 2, bezirk 1, kreis 2, verband 4, gemeinde 3"},
};

const char *
scheme_preset(const char *name, size_t len)
{
	size_t		i;

	for (i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		if (strlen(presets[i].name) == len && memcmp(presets[i].name, name, len) == 0)
			return presets[i].text;
	return NULL;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Narrow [*start, *end) to what is inside the surrounding white space. */
static void
trim(const char **start, const char **end)
{
	while (*start < *end && is_space(**start))
		(*start)++;
	while (*start < *end && is_space((*end)[-1]))
		(*end)--;
}

/* The number at the end of [start, *end), which is cut off; -1 if there is none. */
static int
take_width(const char *start, const char **end)
{
	const char *digits = *end;
	int			width = 0;
	const char *p;

	while (digits > start && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	if (digits == *end || (digits > start && !is_space(digits[-1])))
		return -1;
	for (p = digits; p < *end; p++)
		if (width <= GRIDCODE_MAX_DIGITS)
			width = width * 10 + (*p - '0');
	*end = digits;
	return width;
}

/* A separator of another keyboard would silently become part of a name. */
static bool
has_wide_separator(const char *name, size_t len)
{
	static const char *const separators[] = {"\xef\xbc\x8c", "\xe3\x80\x81"};	/* U+FF0C, U+3001 */

	for (size_t i = 0; i + 3 <= len; i++)
		if (memcmp(name + i, separators[0], 3) == 0 || memcmp(name + i, separators[1], 3) == 0)
			return true;
	return false;
}

static SchemeParse
check_name(const GridScheme *scheme, const char *name, size_t len)
{
	size_t		i;

	if (len == 0)
		return SCHEME_NO_NAME;
	if (len > SCHEME_MAX_NAME)
		return SCHEME_LONG_NAME;
	for (i = 0; i < len; i++)
		if ((unsigned char) name[i] < 0x20 || name[i] == 0x7f)
			return SCHEME_BAD_NAME;
	if (has_wide_separator(name, len))
		return SCHEME_WIDE_COMMA;
	if (scheme_level_named(scheme, name, len) > 0)
		return SCHEME_DUPLICATE;
	return SCHEME_OK;
}

/* Add the level written in [start, end) to the scheme. */
static SchemeParse
parse_level(GridScheme *scheme, const char *start, const char *end)
{
	GridLevel  *level;
	int			above = scheme->nlevels > 0 ? scheme->level[scheme->nlevels - 1].digits : 0;
	int			width;
	SchemeParse problem;

	trim(&start, &end);
	if (start == end)
		return SCHEME_NO_NAME;
	width = take_width(start, &end);
	if (width < 0)
		return SCHEME_NO_WIDTH;
	trim(&start, &end);
	problem = check_name(scheme, start, end - start);
	if (problem != SCHEME_OK)
		return problem;
	if (width < 1 || width > GRIDCODE_MAX_DIGITS)
		return SCHEME_BAD_WIDTH;
	if (above + width > GRIDCODE_MAX_DIGITS)
		return SCHEME_TOO_LONG;

	/* Every level has a digit, so there is room for as many as have passed. */
	level = &scheme->level[scheme->nlevels++];
	level->width = width;
	level->digits = above + width;
	level->name = start;
	level->name_len = (int) (end - start);
	return SCHEME_OK;
}

SchemeParse
scheme_parse(const char *text, size_t len, GridScheme *scheme, int *level)
{
	const char *start = text;
	const char *end = text + len;

	scheme->nlevels = 0;
	*level = 1;
	trim(&start, &end);
	if (start == end)
		return SCHEME_EMPTY;
	for (;;)
	{
		const char *comma = memchr(start, ',', end - start);
		SchemeParse problem = parse_level(scheme, start, comma ? comma : end);

		*level = scheme->nlevels + (problem != SCHEME_OK);
		if (problem != SCHEME_OK || comma == NULL)
			return problem;
		start = comma + 1;
	}
}

int
scheme_format(const GridScheme *scheme, char buffer[SCHEME_MAX_TEXT])
{
	int			length = 0;
	int			i;

	buffer[0] = '\0';
	for (i = 0; i < scheme->nlevels; i++)
		length += snprintf(buffer + length, SCHEME_MAX_TEXT - length, "%s%.*s %d",
						   i > 0 ? ", " : "", scheme->level[i].name_len,
						   scheme->level[i].name, scheme->level[i].width);
	return length;
}

/* The level a code of that many digits ends at, or 0. */
static int
depth_of_digits(const GridScheme *scheme, size_t digits)
{
	int			i;

	for (i = 0; i < scheme->nlevels; i++)
		if ((size_t) scheme->level[i].digits == digits)
			return i + 1;
	return 0;
}

int
scheme_depth(const GridScheme *scheme, gridcode code)
{
	return depth_of_digits(scheme, gridcode_digits(code));
}

int
scheme_depth_above(const GridScheme *scheme, gridcode code)
{
	int			digits = gridcode_digits(code);
	int			depth = 0;

	while (depth < scheme->nlevels && scheme->level[depth].digits < digits)
		depth++;
	return depth;
}

int
scheme_level_named(const GridScheme *scheme, const char *name, size_t len)
{
	int			i;

	for (i = 0; i < scheme->nlevels; i++)
		if ((size_t) scheme->level[i].name_len == len &&
			memcmp(scheme->level[i].name, name, len) == 0)
			return i + 1;
	return 0;
}

static bool
all_zeros(const char *text, int len)
{
	int			i;

	for (i = 0; i < len; i++)
		if (text[i] != '0')
			return false;
	return true;
}

/*
 * Only whole levels are cut, from the end: the "00" in the middle of
 * 441900003000 stands for a city without counties and stays.
 */
SchemeUnpad
scheme_unpad(const GridScheme *scheme, const char *text, size_t len, gridcode *code)
{
	int			depth = depth_of_digits(scheme, len);
	gridcode	whole;

	if (gridcode_parse(text, len, &whole) != GRIDCODE_OK)
		return UNPAD_NOT_A_CODE;
	if (depth == 0)
		return UNPAD_INSIDE_LEVEL;
	while (depth > 0)
	{
		const GridLevel *level = &scheme->level[depth - 1];

		if (!all_zeros(text + level->digits - level->width, level->width))
		{
			*code = gridcode_prefix(whole, level->digits);
			return UNPAD_OK;
		}
		depth--;
	}
	return UNPAD_ONLY_ZEROS;
}
