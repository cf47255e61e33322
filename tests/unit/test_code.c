/*
 * test_code.c
 *	  Codes against their digit strings: everything that code.c does with
 *	  arithmetic is done here again with strings, on random codes.
 */
#include "unit.h"

#include <string.h>

#include "code.h"

#define ROUNDS 20000

static uint64_t seed = 20260101;

static int
random_below(int n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int) ((seed >> 33) % (uint64_t) n);
}

/* Few digits and few lengths, so that prefixes are frequent. */
static void
random_text(char *text)
{
	int			len = 1 + random_below(GRIDCODE_MAX_DIGITS);
	int			kinds = random_below(3) == 0 ? 10 : 2;
	int			i;

	for (i = 0; i < len; i++)
		text[i] = (char) (kinds == 2 ? "09"[random_below(2)] : '0' + random_below(10));
	text[len] = '\0';
}

static gridcode
code_of(const char *text)
{
	gridcode	code = -1;

	return gridcode_parse(text, strlen(text), &code) == GRIDCODE_OK ? code : -1;
}

static int
sign(int64_t n)
{
	return (n > 0) - (n < 0);
}

static bool
same_text(gridcode code, const char *text)
{
	char		buffer[GRIDCODE_MAX_DIGITS + 1];

	return gridcode_format(code, buffer) == (int) strlen(text) && strcmp(buffer, text) == 0;
}

static void
test_parse(void)
{
	gridcode	code = 42;
	const char *wrong[] = {" ", "35 ", " 35", "3a", "+35", "-35", "3.5", "\xef\xbc\x93", "0x1", "35\n"};
	size_t		i;

	CHECK(gridcode_parse("", 0, &code) == GRIDCODE_EMPTY, "empty text is no code");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(gridcode_parse(wrong[i], strlen(wrong[i]), &code) == GRIDCODE_NOT_DIGITS,
			  "malformed text %zu is refused", i);
	CHECK(gridcode_parse("3\0", 2, &code) == GRIDCODE_NOT_DIGITS, "a zero byte is refused");
	CHECK(gridcode_parse("1234567890123456789", 19, &code) == GRIDCODE_TOO_LONG, "19 digits are refused");
	CHECK(gridcode_parse("123456789012345678x", 19, &code) == GRIDCODE_NOT_DIGITS, "not digits goes before too long");
	CHECK(code == 42, "a refused text leaves the result alone");
	CHECK(code_of("999999999999999999") > 0, "18 nines fit");
	CHECK(!gridcode_is_valid(0) && !gridcode_is_valid(-1) && !gridcode_is_valid(INT64_MAX) && !gridcode_is_valid(12),
		  "integers that are no code");
}

static void
test_one_code(void)
{
	char		text[GRIDCODE_MAX_DIGITS + 1];
	char		other[GRIDCODE_MAX_DIGITS + 1];
	int			wrong[5] = {0};
	int			round;
	int			i;

	for (round = 0; round < ROUNDS; round++)
	{
		gridcode	code;

		random_text(text);
		code = code_of(text);
		wrong[0] += !same_text(code, text);
		wrong[1] += gridcode_digits(code) != (int) strlen(text);
		wrong[2] += !gridcode_is_valid(code);
		for (i = 0; i <= GRIDCODE_MAX_DIGITS + 1; i++)
		{
			gridcode	prefix = gridcode_prefix(code, i);

			snprintf(other, sizeof other, "%.*s", i, text);
			wrong[3] += (i < 1 || i > (int) strlen(text)) ? prefix != 0 : !same_text(prefix, other);
		}
		strcpy(other, text);
		while (strlen(other) < GRIDCODE_MAX_DIGITS)
			strcat(other, "9");
		wrong[4] += !same_text(gridcode_last(code), other);
	}
	CHECK(wrong[0] == 0, "text round-trips");
	CHECK(wrong[1] == 0, "digits is the length of the text");
	CHECK(wrong[2] == 0, "every parsed code is valid");
	CHECK(wrong[3] == 0, "prefix is the text's prefix");
	CHECK(wrong[4] == 0, "last is the text filled up with nines");
	CHECK(gridcode_digits(0) == 0, "no code has no digits");
}

static void
test_two_codes(void)
{
	char		a[GRIDCODE_MAX_DIGITS + 1];
	char		b[GRIDCODE_MAX_DIGITS + 1];
	char		common[GRIDCODE_MAX_DIGITS + 1];
	int			wrong[4] = {0};
	int			round;

	for (round = 0; round < ROUNDS; round++)
	{
		gridcode	ca;
		gridcode	cb;
		int			n = 0;
		bool		contains;

		random_text(a);
		random_text(b);
		ca = code_of(a);
		cb = code_of(b);
		wrong[0] += sign(strcmp(a, b)) != (ca > cb) - (ca < cb);
		contains = strncmp(b, a, strlen(a)) == 0;
		wrong[1] += gridcode_contains(ca, cb) != contains;
		while (a[n] && a[n] == b[n])
			n++;
		snprintf(common, sizeof common, "%.*s", n, a);
		wrong[2] += n == 0 ? gridcode_common(ca, cb) != 0 : !same_text(gridcode_common(ca, cb), common);
		wrong[3] += gridcode_common(ca, cb) != gridcode_common(cb, ca);
	}
	CHECK(wrong[0] == 0, "integer order is the order of the texts");
	CHECK(wrong[1] == 0, "contains is begins with");
	CHECK(wrong[2] == 0, "common is the common beginning");
	CHECK(wrong[3] == 0, "common is symmetric");
}

static void
test_append(void)
{
	gridcode	parent = code_of("350304001");

	CHECK(gridcode_append(parent, 7, 3) == code_of("350304001007"), "the number is zero-padded");
	CHECK(gridcode_append(parent, 0, 3) == code_of("350304001000"), "zero is a child");
	CHECK(gridcode_append(parent, 999, 3) == code_of("350304001999"), "the greatest number");
	CHECK(gridcode_append(parent, 1000, 3) == 0, "one too great");
	CHECK(gridcode_append(parent, -1, 3) == 0, "negative");
	CHECK(gridcode_append(parent, 1, 10) == 0, "too many digits");
	CHECK(gridcode_append(parent, 1, 0) == 0, "no digits");
	CHECK(gridcode_append(0, INT64_C(999999999999999999), 18) == code_of("999999999999999999"), "onto no code");
}

int
main(void)
{
	test_parse();
	test_one_code();
	test_two_codes();
	test_append();
	return UNIT_DONE();
}
