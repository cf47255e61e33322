/*
 * test_scheme.c
 *	  Schemes: what is refused and where, round trips, and the level of a code.
 */
#include "unit.h"

#include <string.h>

#include "scheme.h"

static GridScheme scheme;
static int	level;

static SchemeParse
parse(const char *text)
{
	return scheme_parse(text, strlen(text), &scheme, &level);
}

static bool
round_trips(const char *text, const char *canonical)
{
	char		buffer[SCHEME_MAX_TEXT];

	return parse(text) == SCHEME_OK &&
		scheme_format(&scheme, buffer) == (int) strlen(canonical) && strcmp(buffer, canonical) == 0;
}

static gridcode
code_of(const char *text)
{
	gridcode	code = -1;

	gridcode_parse(text, strlen(text), &code);
	return code;
}

static void
test_presets(void)
{
	const char *names[] = {"cn", "cn-grid2", "us-census", "de-ars"};
	const int	digits[] = {18, 14, 15, 12};
	size_t		i;

	for (i = 0; i < 4; i++)
	{
		const char *text = scheme_preset(names[i], strlen(names[i]));

		CHECK(text != NULL && round_trips(text, text), "preset %s is canonical", names[i]);
		CHECK(scheme.level[scheme.nlevels - 1].digits == digits[i], "preset %s has %d digits", names[i], digits[i]);
	}
	CHECK(scheme_preset("c", 1) == NULL && scheme_preset("cn ", 3) == NULL, "other names are no preset");
}

static void
test_refused(void)
{
	char		long_name[80];
	static const struct
	{
		const char *text;
		SchemeParse problem;
		int			level;
	}			cases[] = {
		{"", SCHEME_EMPTY, 1},
		{" \t\n", SCHEME_EMPTY, 1},
		{"cn", SCHEME_NO_WIDTH, 1},
		{"a 1,", SCHEME_NO_NAME, 2},
		{",a 1", SCHEME_NO_NAME, 1},
		{"a 1,,b 2", SCHEME_NO_NAME, 2},
		{"a 1, 2", SCHEME_NO_NAME, 2},
		{"a1", SCHEME_NO_WIDTH, 1},
		{"a 1, b", SCHEME_NO_WIDTH, 2},
		{"a -1", SCHEME_NO_WIDTH, 1},
		{"a \xef\xbc\x93", SCHEME_NO_WIDTH, 1},
		{"a 0", SCHEME_BAD_WIDTH, 1},
		{"a 19", SCHEME_BAD_WIDTH, 1},
		{"a 99999999999999999999", SCHEME_BAD_WIDTH, 1},
		{"a 18, b 1", SCHEME_TOO_LONG, 2},
		{"a 1, b 2, a 3", SCHEME_DUPLICATE, 3},
		{"a\x01z 3", SCHEME_BAD_NAME, 1},
		{"a\nb 3", SCHEME_BAD_NAME, 1},
	};
	size_t		i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		SchemeParse problem = parse(cases[i].text);

		CHECK(problem == cases[i].problem && level == cases[i].level, "malformed scheme %zu is refused", i);
	}
	memset(long_name, 'x', SCHEME_MAX_NAME + 1);
	strcpy(long_name + SCHEME_MAX_NAME + 1, " 1");
	CHECK(parse(long_name) == SCHEME_LONG_NAME, "a name of %d bytes is refused", SCHEME_MAX_NAME + 1);
	CHECK(parse(long_name + 1) == SCHEME_OK, "a name of %d bytes is not", SCHEME_MAX_NAME);
}

static void
test_accepted(void)
{
	char		text[SCHEME_MAX_TEXT + SCHEME_MAX_LEVELS];
	char		buffer[SCHEME_MAX_TEXT];
	int			i;

	CHECK(round_trips("  a   2 ,b\t1  ", "a 2, b 1"), "white space is put in order");
	CHECK(round_trips("\xe8\xa1\x97\xe9\x81\x93 3", "\xe8\xa1\x97\xe9\x81\x93 3"), "Chinese names");
	CHECK(round_trips("block group 1 2", "block group 1 2"), "a name of several words ends before the last number");
	CHECK(round_trips("a 007", "a 7"), "leading zeros of a width");
	text[0] = '\0';
	for (i = 0; i < SCHEME_MAX_LEVELS; i++)
		sprintf(text + strlen(text), "%s%0*d 1", i ? ", " : "", SCHEME_MAX_NAME, i);
	CHECK(parse(text) == SCHEME_OK && scheme.nlevels == SCHEME_MAX_LEVELS, "the longest scheme");
	CHECK(scheme_format(&scheme, buffer) == (int) strlen(text) && strcmp(buffer, text) == 0, "the longest scheme fits");
}

static void
test_depth(void)
{
	const char *cn = scheme_preset("cn", 2);

	parse(cn);
	CHECK(scheme_depth(&scheme, code_of("35")) == 1, "a province");
	CHECK(scheme_depth(&scheme, code_of("350304001")) == 4, "a street");
	CHECK(scheme_depth(&scheme, code_of("350304001001001001")) == 7, "a cell");
	CHECK(scheme_depth(&scheme, code_of("3503040")) == 0, "inside a level");
	CHECK(scheme_depth_above(&scheme, code_of("35")) == 0, "nothing is above a province");
	CHECK(scheme_depth_above(&scheme, code_of("350304001")) == 3, "a district is above a street");
	CHECK(scheme_depth_above(&scheme, code_of("3503040")) == 3, "and above a piece of a street's code");
	CHECK(scheme_level_named(&scheme, "street", 6) == 4, "a level by name");
	CHECK(scheme_level_named(&scheme, "stree", 5) == 0 && scheme_level_named(&scheme, "Street", 6) == 0, "an unknown name");
	parse("a 2, b 1");
	CHECK(scheme_depth(&scheme, code_of("1234")) == 0, "below the lowest level");
	CHECK(scheme_depth_above(&scheme, code_of("1234")) == 2, "the lowest level is above that");
}

static bool
unpads_to(const char *padded, const char *text)
{
	gridcode	code = 0;

	return scheme_unpad(&scheme, padded, strlen(padded), &code) == UNPAD_OK && code == code_of(text);
}

static bool
unpad_fails(const char *padded, SchemeUnpad problem)
{
	gridcode	code = 0;

	return scheme_unpad(&scheme, padded, strlen(padded), &code) == problem && code == 0;
}

static void
test_unpad(void)
{
	parse(scheme_preset("cn", 2));
	CHECK(unpads_to("350304001000", "350304001"), "a street in twelve digits");
	CHECK(unpads_to("350304001001", "350304001001"), "a community");
	CHECK(unpads_to("441900003000", "441900003"), "a city without counties keeps its 00");
	CHECK(unpads_to("441900000000", "4419"), "that city");
	CHECK(unpads_to("110000000000000000", "11"), "a province in eighteen digits");
	CHECK(unpads_to("350304001010", "350304001010"), "zeros at the end of a level stay");
	CHECK(unpads_to("10", "10"), "a level that ends in zero");
	CHECK(unpad_fails("000000000000", UNPAD_ONLY_ZEROS), "only zeros");
	CHECK(unpad_fails("3503040010000", UNPAD_INSIDE_LEVEL), "an end inside a level");
	CHECK(unpad_fails("350", UNPAD_INSIDE_LEVEL), "a short end inside a level");
	CHECK(unpad_fails("", UNPAD_NOT_A_CODE), "empty");
	CHECK(unpad_fails("35x304", UNPAD_NOT_A_CODE), "letters");
	CHECK(unpad_fails("3503040010010010010", UNPAD_NOT_A_CODE), "19 digits");
}

int
main(void)
{
	test_presets();
	test_refused();
	test_accepted();
	test_depth();
	test_unpad();
	return UNIT_DONE();
}
