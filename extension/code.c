/*
 * code.c
 *	  Arithmetic of grid codes.  The one file that knows how a code is packed:
 *	  18 places of base 11, the first digit in the highest place, each place
 *	  holding digit + 1, and 0 where the code has ended.  11^18 is less than
 *	  2^63, so a code is a positive signed integer.
 *
 * "Ended" being less than every digit makes integer order the order of the
 * digit strings; the digit 9 being the highest value of a place makes the
 * descendants of a code the integers up to the next code of its length.
 */
#include "code.h"

#define BASE 11

/* place[n]: how many packed values share the places above the lowest n. */
static const int64_t place[GRIDCODE_MAX_DIGITS + 1] = {
	INT64_C(1),
	INT64_C(11),
	INT64_C(121),
	INT64_C(1331),
	INT64_C(14641),
	INT64_C(161051),
	INT64_C(1771561),
	INT64_C(19487171),
	INT64_C(214358881),
	INT64_C(2357947691),
	INT64_C(25937424601),
	INT64_C(285311670611),
	INT64_C(3138428376721),
	INT64_C(34522712143931),
	INT64_C(379749833583241),
	INT64_C(4177248169415651),
	INT64_C(45949729863572161),
	INT64_C(505447028499293771),
	INT64_C(5559917313492231481)
};

#define PLACE_1 INT64_C(11)
#define PLACE_2 INT64_C(121)
#define PLACE_4 INT64_C(14641)
#define PLACE_8 INT64_C(214358881)
#define PLACE_16 (PLACE_8 * PLACE_8)

GridcodeParse
gridcode_parse(const char *text, size_t len, gridcode *code)
{
	int64_t		packed = 0;
	size_t		i;

	for (i = 0; i < len; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return GRIDCODE_NOT_DIGITS;
		if (i < GRIDCODE_MAX_DIGITS)
			packed = packed * BASE + (text[i] - '0') + 1;
	}
	if (len == 0)
		return GRIDCODE_EMPTY;
	if (len > GRIDCODE_MAX_DIGITS)
		return GRIDCODE_TOO_LONG;

	*code = packed * place[GRIDCODE_MAX_DIGITS - len];
	return GRIDCODE_OK;
}

int
gridcode_format(gridcode code, char buffer[GRIDCODE_MAX_DIGITS + 1])
{
	int			digits = gridcode_digits(code);
	int64_t		rest = code / place[GRIDCODE_MAX_DIGITS - digits];
	int			i;

	buffer[digits] = '\0';
	for (i = digits - 1; i >= 0; i--)
	{
		buffer[i] = (char) ('0' + rest % BASE - 1);
		rest /= BASE;
	}
	return digits;
}

/*
 * Count the places that have ended, by halves.  The divisors are constants so
 * that the compiler multiplies: this runs once a row in many queries.
 */
int
gridcode_digits(gridcode code)
{
	int			ended = 0;

	if (code == 0)
		return 0;
	if (code % PLACE_16 == 0)
	{
		code /= PLACE_16;
		ended += 16;
	}
	if (code % PLACE_8 == 0)
	{
		code /= PLACE_8;
		ended += 8;
	}
	if (code % PLACE_4 == 0)
	{
		code /= PLACE_4;
		ended += 4;
	}
	if (code % PLACE_2 == 0)
	{
		code /= PLACE_2;
		ended += 2;
	}
	if (code % PLACE_1 == 0)
		ended += 1;
	return GRIDCODE_MAX_DIGITS - ended;
}

gridcode
gridcode_prefix(gridcode code, int digits)
{
	int64_t		below;

	if (digits < 1 || digits > GRIDCODE_MAX_DIGITS)
		return 0;
	below = place[GRIDCODE_MAX_DIGITS - digits];

	/* Shorter: the last place that is asked for has ended. */
	if ((code / below) % BASE == 0)
		return 0;
	return code - code % below;
}

gridcode
gridcode_last(gridcode code)
{
	return code + (place[GRIDCODE_MAX_DIGITS - gridcode_digits(code)] - 1);
}

bool
gridcode_contains(gridcode a, gridcode b)
{
	return a <= b && b <= gridcode_last(a);
}

gridcode
gridcode_common(gridcode a, gridcode b)
{
	int			low = 0;
	int			high = GRIDCODE_MAX_DIGITS;

	/* The fewest low places to cut so that both are equal, by bisection. */
	while (low < high)
	{
		int			cut = (low + high) / 2;

		if (a / place[cut] == b / place[cut])
			high = cut;
		else
			low = cut + 1;
	}
	return a - a % place[low];
}

gridcode
gridcode_append(gridcode code, int64_t number, int width)
{
	int			digits = gridcode_digits(code);
	int			i;

	if (width < 1 || width > GRIDCODE_MAX_DIGITS - digits || number < 0)
		return 0;
	for (i = digits + width; i > digits; i--)
	{
		code += (number % 10 + 1) * place[GRIDCODE_MAX_DIGITS - i];
		number /= 10;
	}
	return number == 0 ? code : 0;
}

bool
gridcode_is_valid(int64_t packed)
{
	int			digits;
	int			i;

	if (packed <= 0 || packed >= place[GRIDCODE_MAX_DIGITS])
		return false;
	digits = gridcode_digits(packed);
	for (i = 1; i < digits; i++)
		if (gridcode_prefix(packed, i) == 0)
			return false;
	return true;
}
