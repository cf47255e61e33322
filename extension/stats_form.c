/*
 * stats_form.c
 *	  The packed and the text form of a GridStats (stats.h).  One state has
 *	  one of each.
 *
 * Packed: a byte with the version in its low four bits and in its high ones
 * 0 of no values, and there it ends; 7 to 15 of one value, which follows in 0 to
 * 8 bytes; and of more the length of the count, 1 to 5.  Then the lengths, four
 * bits each, low ones first, of min, max and the twelve bins from the lowest
 * position up, the two tops, and the values themselves: integers lowest byte
 * first in as few bytes as keep their value, doubles without the low bytes that
 * are zero.
 */
#include "stats.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BINS		(STATS_SUM_BINS + STATS_SQUARE_BINS)
#define FIELDS		(3 + BINS)
#define PACKED_HEAD 10			/* version and lengths, tops */
#define ONE_VALUE	7			/* high bits of the first byte, and the value's length */

/* So many low bytes of the value. */
static uint64_t
low_bytes(uint64_t bits, int length)
{
	return length == 8 ? bits : bits & ((UINT64_C(1) << 8 * length) - 1);
}

static int
unsigned_length(uint64_t value)
{
	return value == 0 ? 0 : (71 - __builtin_clzll(value)) / 8;
}

/* Enough bytes for the sign bit too. */
static int
signed_length(int64_t value)
{
	uint64_t	magnitude = (uint64_t) (value < 0 ? ~value : value);

	return value == 0 ? 0 : magnitude == 0 ? 1 : (72 - __builtin_clzll(magnitude)) / 8;
}

static uint64_t
double_bits(double value)
{
	uint64_t	bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static int
double_length(double value)
{
	uint64_t	bits = double_bits(value);

	return bits == 0 ? 0 : 8 - __builtin_ctzll(bits) / 8;
}

/* The bytes of a double that count. */
static uint64_t
double_bytes(double value, int length)
{
	return length == 0 ? 0 : double_bits(value) >> (64 - 8 * length);
}

static uint8_t *
put(uint8_t *out, uint64_t value, int length)
{
	for (int byte = 0; byte < length; byte++)
		*out++ = (uint8_t) (value >> 8 * byte);
	return out;
}

/* The bytes of each field, and how many of them count. */
static void
fields_of(const GridStats *stats, uint64_t *value, int *length)
{
	length[0] = unsigned_length((uint64_t) stats->count);
	value[0] = (uint64_t) stats->count;
	length[1] = double_length(stats->min);
	value[1] = double_bytes(stats->min, length[1]);
	length[2] = double_length(stats->max);
	value[2] = double_bytes(stats->max, length[2]);
	for (int i = 0; i < BINS; i++)
	{
		int64_t		bin = i < STATS_SUM_BINS ? stats->sum[i] : stats->square[i - STATS_SUM_BINS];

		length[3 + i] = signed_length(bin);
		value[3 + i] = low_bytes((uint64_t) bin, length[3 + i]);
	}
}

size_t
stats_pack(const GridStats *stats, uint8_t *out)
{
	uint64_t	value[FIELDS];
	int			length[FIELDS];
	uint8_t    *next = out + PACKED_HEAD;

	out[0] = STATS_PACKED_VERSION;
	if (stats->count == 0)
		return 1;
	if (stats->count == 1)
	{
		length[0] = double_length(stats->min);
		out[0] |= (uint8_t) (ONE_VALUE + length[0]) << 4;
		return (size_t) (put(out + 1, double_bytes(stats->min, length[0]), length[0]) - out);
	}
	memset(out + 1, 0, PACKED_HEAD - 1);
	fields_of(stats, value, length);
	for (int i = 0; i < FIELDS; i++)
	{
		out[(i + 1) / 2] |= length[i] << (i % 2 ? 0 : 4);
		next = put(next, value[i], length[i]);
	}
	out[8] = (uint8_t) stats->sum_top;
	out[9] = (uint8_t) stats->square_top;
	return (size_t) (next - out);
}

static int64_t
sign_extend(uint64_t value, int length)
{
	int			spare = 64 - 8 * length;

	return length == 0 ? 0 : (int64_t) (value << spare) >> spare;
}

static double
double_from(uint64_t value, int length)
{
	double		result;

	if (length == 0)
		return 0;
	value <<= 64 - 8 * length;
	memcpy(&result, &value, sizeof result);
	return result;
}

/* Reads one field of so many bytes; eight at once where there are so many. */
static uint64_t
take(const uint8_t **in, const uint8_t *end, int length)
{
	uint64_t	value = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (end - *in >= 8)
	{
		memcpy(&value, *in, sizeof value);
		*in += length;
		return low_bytes(value, length);
	}
#else
	(void) end;
#endif
	for (int byte = 0; byte < length; byte++)
		value |= (uint64_t) *(*in)++ << 8 * byte;
	return value;
}

/* The lengths in a packed state's head; the bytes they add up to, or -1. */
static int
packed_lengths(const uint8_t *in, int *length)
{
	int			total = 0;

	for (int i = 0; i < FIELDS; i++)
	{
		length[i] = in[(i + 1) / 2] >> (i % 2 ? 0 : 4) & 15;
		if (length[i] > 8)
			return -1;
		total += length[i];
	}
	return total;
}

/* What follows the first byte of a single value. */
static size_t
unpack_one(GridStats *stats, const uint8_t *in, size_t size)
{
	int			length = (in[0] >> 4) - ONE_VALUE;
	const uint8_t *next = in + 1;

	if (size - 1 < (size_t) length)
		return 0;
	stats_add(stats, double_from(take(&next, in + size, length), length));
	return 1 + (size_t) length;
}

/*
 * What comes before the bins: count, min and max; the number of bytes, or 0.
 * Lengths of fields are set, and *next is where the first bin is, if there are any.
 */
static size_t
unpack_ends(GridStats *stats, const uint8_t *in, size_t size, int *length, const uint8_t **next)
{
	const uint8_t *end = in + size;
	int			total;

	*next = NULL;
	if (size < 1 || (in[0] & 15) != STATS_PACKED_VERSION)
		return 0;
	if (in[0] >> 4 == 0)
		return 1;
	if (in[0] >> 4 >= ONE_VALUE)
		return unpack_one(stats, in, size);
	if (size < PACKED_HEAD)
		return 0;
	total = packed_lengths(in, length);
	if (total < 0 || size - PACKED_HEAD < (size_t) total)
		return 0;
	*next = in + PACKED_HEAD;
	stats->count = (int64_t) take(next, end, length[0]);
	stats->min = double_from(take(next, end, length[1]), length[1]);
	stats->max = double_from(take(next, end, length[2]), length[2]);
	return PACKED_HEAD + (size_t) total;
}

size_t
stats_unpack_ends(GridStats *stats, const uint8_t *in, size_t size)
{
	int			length[FIELDS];
	const uint8_t *next;

	stats_init(stats);
	return unpack_ends(stats, in, size, length, &next);
}

size_t
stats_unpack(GridStats *stats, const uint8_t *in, size_t size)
{
	int			length[FIELDS];
	const uint8_t *next;
	const uint8_t *end = in + size;
	size_t		used;

	stats_init(stats);
	used = unpack_ends(stats, in, size, length, &next);
	if (next == NULL)
		return used;
	for (int i = 0; i < STATS_SUM_BINS; i++)
		stats->sum[i] = sign_extend(take(&next, end, length[3 + i]), length[3 + i]);
	for (int i = 0; i < STATS_SQUARE_BINS; i++)
		stats->square[i] = sign_extend(take(&next, end, length[3 + STATS_SUM_BINS + i]),
									   length[3 + STATS_SUM_BINS + i]);
	stats->sum_top = in[8];
	stats->square_top = in[9];
	return used;
}

size_t
stats_unpack_untrusted(GridStats *stats, const uint8_t *in, size_t size)
{
	uint8_t		again[STATS_PACKED_MAX];
	size_t		used = stats_unpack(stats, in, size);

	if (used == 0 || !stats_valid(stats) ||
		stats_pack(stats, again) != used || memcmp(in, again, used) != 0)
		return 0;
	return used;
}

/* Appends the double in the fewest of 15, 16 and 17 digits that read back as the same. */
static char *
format_double(char *out, double value)
{
	if (isnan(value))
		return out + sprintf(out, "NaN");
	if (isinf(value))
		return out + sprintf(out, value < 0 ? "-Infinity" : "Infinity");
	for (int digits = 15; digits < 17; digits++)
	{
		int			length = sprintf(out, "%.*g", digits, value);

		if (strtod(out, NULL) == value)
			return out + length;
	}
	return out + sprintf(out, "%.17g", value);
}

/* Appends "top:bin,bin…", from the top down, without the zeros at the end. */
static char *
format_bins(char *out, const int64_t *bins, int size, int top)
{
	int			least = 0;

	while (least < size - 1 && bins[least] == 0)
		least++;
	out += sprintf(out, "%d:", top);
	for (int i = size - 1; i >= least; i--)
		out += sprintf(out, i == least ? "%lld" : "%lld,", (long long) bins[i]);
	return out;
}

size_t
stats_format(const GridStats *stats, char *out)
{
	char	   *next = out;
	double		sum;

	next += sprintf(next, "count=%lld", (long long) stats->count);
	if (stats->count == 0)
		return (size_t) (next - out);
	next += sprintf(next, " sum=");
	if (stats_sum(stats, &sum) == STATS_OK)
		next = format_double(next, sum);
	else
		next += sprintf(next, "overflow");
	next += sprintf(next, " min=");
	next = format_double(next, stats->min);
	next += sprintf(next, " max=");
	next = format_double(next, stats->max);
	next += sprintf(next, " bins=");
	next = format_bins(next, stats->sum, STATS_SUM_BINS, stats->sum_top);
	*next++ = '/';
	next = format_bins(next, stats->square, STATS_SQUARE_BINS, stats->square_top);
	return (size_t) (next - out);
}

/* Moves *text past what it must begin with. */
static bool
skip(const char **text, const char *expected)
{
	size_t		length = strlen(expected);

	if (strncmp(*text, expected, length) != 0)
		return false;
	*text += length;
	return true;
}

static bool
parse_integer(const char **text, int64_t *value)
{
	const char *digit = **text == '-' ? *text + 1 : *text;
	bool		negative = **text == '-';

	*value = 0;
	if (!isdigit((unsigned char) *digit))
		return false;
	for (; isdigit((unsigned char) *digit); digit++)
	{
		if (__builtin_mul_overflow(*value, 10, value) ||
			__builtin_add_overflow(*value, *digit - '0', value))
			return false;
	}
	if (negative)
		*value = -*value;
	*text = digit;
	return true;
}

/* As format_double writes them; strtod alone would take more. */
static bool
parse_double(const char **text, double *value)
{
	char		number[32];
	size_t		length = strspn(*text, "0123456789+-.e");
	char	   *end;

	if (skip(text, "NaN"))
		*value = NAN;
	else if (skip(text, "Infinity"))
		*value = INFINITY;
	else if (skip(text, "-Infinity"))
		*value = -INFINITY;
	else
	{
		if (length == 0 || length >= sizeof number)
			return false;
		memcpy(number, *text, length);
		number[length] = '\0';
		*value = strtod(number, &end);
		if (*end != '\0' || isinf(*value))
			return false;
		*text += length;
	}
	return true;
}

static bool
parse_bins(const char **text, int64_t *bins, int size, uint16_t *top)
{
	int64_t		number;
	int			bin = size;

	if (!parse_integer(text, &number) || number < 0 || number > UINT8_MAX || !skip(text, ":"))
		return false;
	*top = (uint16_t) number;
	do
	{
		if (bin == 0 || !parse_integer(text, &bins[--bin]))
			return false;
	} while (skip(text, ","));
	return true;
}

/* What stats_format says the sum is must be the bins' sum. */
static bool
sum_agrees(const GridStats *stats, bool overflow, double told)
{
	double		sum;

	if (stats_sum(stats, &sum) == STATS_OVERFLOW)
		return overflow;
	return !overflow && (sum == told || (isnan(sum) && isnan(told)));
}

const char *
stats_parse(GridStats *stats, const char *text)
{
	double		sum = 0;
	bool		overflow = false;

	stats_init(stats);
	if (!skip(&text, "count=") || !parse_integer(&text, &stats->count))
		return NULL;
	if (stats->count == 0)
		return text;
	if (!skip(&text, " sum="))
		return NULL;
	overflow = skip(&text, "overflow");
	if ((!overflow && !parse_double(&text, &sum)) ||
		!skip(&text, " min=") || !parse_double(&text, &stats->min) ||
		!skip(&text, " max=") || !parse_double(&text, &stats->max) ||
		!skip(&text, " bins=") ||
		!parse_bins(&text, stats->sum, STATS_SUM_BINS, &stats->sum_top) || !skip(&text, "/") ||
		!parse_bins(&text, stats->square, STATS_SQUARE_BINS, &stats->square_top))
		return NULL;
	return stats_valid(stats) && sum_agrees(stats, overflow, sum) ? text : NULL;
}
