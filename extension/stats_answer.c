/*
 * stats_answer.c
 *	  The numbers people want out of a GridStats.  The bins are put together
 *	  as one integer of some hundred bits, divided with a remainder where
 *	  the answer is a quotient, and rounded to a double once, to nearest,
 *	  ties to even.
 */
#include "stats.h"

#include <math.h>
#include <string.h>

typedef unsigned __int128 uint128;

/*
 * A natural number of 512 bits, lowest word first.  The greatest number here
 * is (n * M)^2 in units of the square of the lowest sum bin: n below 2^40 and
 * M below 2^120 make 320 bits, and 192 more are for the quotient's fraction.
 */
#define WIDE_WORDS	8
typedef struct Wide
{
	uint64_t	word[WIDE_WORDS];
} Wide;

/* Words by which a dividend is shifted up, so that the quotient keeps over 64 bits. */
#define FRACTION_WORDS	3

/* value += addend << bit */
static void
wide_add(Wide *value, uint64_t addend, int bit)
{
	int			i = bit / 64;
	uint128		part = (uint128) addend << (bit % 64);

	for (; part != 0 && i < WIDE_WORDS; i++)
	{
		part += value->word[i];
		value->word[i] = (uint64_t) part;
		part >>= 64;
	}
}

static void
wide_multiply(Wide *value, uint64_t factor)
{
	uint128		part = 0;

	for (int i = 0; i < WIDE_WORDS; i++)
	{
		part += (uint128) value->word[i] * factor;
		value->word[i] = (uint64_t) part;
		part >>= 64;
	}
}

/* The square of a number of at most half the words. */
static Wide
wide_square(const Wide *value)
{
	Wide		square = {{0}};

	for (int i = 0; i < WIDE_WORDS / 2; i++)
	{
		uint128		part = 0;

		for (int j = 0; j < WIDE_WORDS / 2; j++)
		{
			part += (uint128) value->word[i] * value->word[j] + square.word[i + j];
			square.word[i + j] = (uint64_t) part;
			part >>= 64;
		}
		square.word[i + WIDE_WORDS / 2] = (uint64_t) part;
	}
	return square;
}

/* value -= less, or 0 if that is greater. */
static void
wide_subtract(Wide *value, const Wide *less)
{
	uint64_t	borrow = 0;

	for (int i = 0; i < WIDE_WORDS; i++)
	{
		uint128		part = (uint128) value->word[i] - less->word[i] - borrow;

		value->word[i] = (uint64_t) part;
		borrow = (uint64_t) (part >> 64) & 1;
	}
	if (borrow)
		memset(value, 0, sizeof *value);
}

/* Divides in place; true if there was a remainder. */
static bool
wide_divide(Wide *value, uint64_t divisor)
{
	uint128		rest = 0;
	int			i = WIDE_WORDS - 1;

	while (i >= 0 && value->word[i] == 0)
		i--;
	for (; i >= 0; i--)
	{
		rest = rest << 64 | value->word[i];
		value->word[i] = (uint64_t) (rest / divisor);
		rest %= divisor;
	}
	return rest != 0;
}

static void
wide_shift_words(Wide *value, int words)
{
	memmove(value->word + words, value->word, (WIDE_WORDS - words) * sizeof *value->word);
	memset(value->word, 0, words * sizeof *value->word);
}

/* Index of the highest bit, -1 of zero. */
static int
wide_last_bit(const Wide *value)
{
	for (int i = WIDE_WORDS - 1; i >= 0; i--)
		if (value->word[i] != 0)
			return i * 64 + 63 - __builtin_clzll(value->word[i]);
	return -1;
}

static bool
wide_bit(const Wide *value, int bit)
{
	return bit >= 0 && (value->word[bit / 64] >> (bit % 64) & 1) != 0;
}

/* The bits from the given one up, at most 64 of them; zeros below bit 0. */
static uint64_t
wide_from_bit(const Wide *value, int bit)
{
	uint64_t	bits;

	if (bit < 0)
		return value->word[0] << -bit;
	bits = value->word[bit / 64] >> (bit % 64);
	if (bit % 64 != 0 && bit / 64 + 1 < WIDE_WORDS)
		bits |= value->word[bit / 64 + 1] << (64 - bit % 64);
	return bits;
}

/* Whether any bit below the given one is set. */
static bool
wide_any_below(const Wide *value, int bit)
{
	for (int i = 0; i < bit / 64; i++)
		if (value->word[i] != 0)
			return true;
	return bit % 64 != 0 && (value->word[bit / 64] << (64 - bit % 64)) != 0;
}

/* value * 2^exponent to the nearest double; rest: a little more than value. */
static StatsAnswer
wide_round(const Wide *value, int exponent, bool rest, bool negative, double *answer)
{
	int			last = wide_last_bit(value);
	int			low = last - 52;	/* the lowest bit that a double keeps */
	uint64_t	mantissa;

	*answer = 0;
	if (last < 0)
		return STATS_OK;
	if (low + exponent < -1074)
		low = -1074 - exponent;
	if (low > last + 1)
		return STATS_OK;		/* below half of the least double */
	mantissa = low > last ? 0 : wide_from_bit(value, low);
	if (low > 0 && wide_bit(value, low - 1) &&
		(rest || wide_any_below(value, low - 1) || (mantissa & 1)))
		mantissa++;
	*answer = ldexp((double) mantissa, low + exponent);
	if (isinf(*answer))
		return STATS_OVERFLOW;
	if (negative && *answer != 0)
		*answer = -*answer;
	return STATS_OK;
}

/* Puts bins, all of them negated if told, together; false if that is negative. */
static bool
wide_from_bins(Wide *value, const int64_t *bins, int size, bool negate)
{
	int64_t		carry = 0;

	memset(value, 0, sizeof *value);
	for (int i = 0; i < size; i++)
	{
		int64_t		low;

		/* a bin has 63 bits and a carry 40, so take the bin apart first */
		low = negate ? -bins[i] : bins[i];
		carry += low & 0xffffff;
		low = (low - (low & 0xffffff)) / 0x1000000;
		wide_add(value, (uint64_t) (carry & 0xffffff), i * STATS_DIGIT_BITS);
		carry = low + carry / 0x1000000 - (carry % 0x1000000 < 0);
	}
	if (carry < 0)
		return false;
	wide_add(value, (uint64_t) carry, size * STATS_DIGIT_BITS);
	return true;
}

/* The sum's magnitude in units of 2^*exponent; returns whether it is negative. */
static bool
magnitude_of_sum(const GridStats *stats, Wide *value, int *exponent)
{
	*exponent = (stats->sum_top - STATS_SUM_BINS + 1) * STATS_DIGIT_BITS - 1080;
	if (wide_from_bins(value, stats->sum, STATS_SUM_BINS, false))
		return false;
	wide_from_bins(value, stats->sum, STATS_SUM_BINS, true);
	return true;
}

/* True if the sum is no finite number, which then is *answer. */
static bool
sum_is_special(const GridStats *stats, double *answer)
{
	if (isnan(stats->max))
		*answer = stats->max;
	else if (isinf(stats->max) && isinf(stats->min) && stats->max != stats->min)
		*answer = NAN;
	else if (isinf(stats->min) && stats->min < 0)
		*answer = stats->min;
	else if (isinf(stats->max))
		*answer = stats->max;
	else
		return false;
	return true;
}

StatsAnswer
stats_min(const GridStats *stats, double *answer)
{
	*answer = stats->min;
	return stats->count > 0 ? STATS_OK : STATS_NONE;
}

StatsAnswer
stats_max(const GridStats *stats, double *answer)
{
	*answer = stats->max;
	return stats->count > 0 ? STATS_OK : STATS_NONE;
}

StatsAnswer
stats_sum(const GridStats *stats, double *answer)
{
	Wide		sum;
	int			exponent;
	bool		negative;

	if (stats->count == 0)
		return STATS_NONE;
	if (sum_is_special(stats, answer))
		return STATS_OK;
	negative = magnitude_of_sum(stats, &sum, &exponent);
	return wide_round(&sum, exponent, false, negative, answer);
}

StatsAnswer
stats_avg(const GridStats *stats, double *answer)
{
	Wide		sum;
	int			exponent;
	bool		negative;
	bool		rest;

	if (stats->count == 0)
		return STATS_NONE;
	if (sum_is_special(stats, answer))
		return STATS_OK;
	negative = magnitude_of_sum(stats, &sum, &exponent);
	wide_shift_words(&sum, FRACTION_WORDS);
	rest = wide_divide(&sum, (uint64_t) stats->count);
	return wide_round(&sum, exponent - FRACTION_WORDS * 64, rest, negative, answer);
}

/*
 * (n * sum of squares - square of the sum) / (n * (n - 1)), in units of the
 * square of the lowest sum bin; the squares' window begins 2 or 3 digits
 * above that (stats_valid).
 */
StatsAnswer
stats_variance(const GridStats *stats, double *answer)
{
	Wide		sum;
	Wide		squares;
	int			exponent;
	int			up;
	bool		rest;

	if (stats->count < 2)
		return STATS_NONE;
	if (sum_is_special(stats, answer))
	{
		*answer = NAN;
		return STATS_OK;
	}
	magnitude_of_sum(stats, &sum, &exponent);
	sum = wide_square(&sum);
	wide_from_bins(&squares, stats->square, STATS_SQUARE_BINS, false);
	wide_multiply(&squares, (uint64_t) stats->count);
	up = (stats->square_top - STATS_SQUARE_BINS + 1) - 2 * (stats->sum_top - STATS_SUM_BINS + 1);
	for (; up > 0; up--)
		wide_multiply(&squares, 1 << STATS_DIGIT_BITS);
	wide_subtract(&squares, &sum);
	wide_shift_words(&squares, FRACTION_WORDS);
	rest = wide_divide(&squares, (uint64_t) stats->count);
	rest |= wide_divide(&squares, (uint64_t) stats->count - 1);
	return wide_round(&squares, 2 * exponent - FRACTION_WORDS * 64, rest, false, answer);
}

StatsAnswer
stats_stddev(const GridStats *stats, double *answer)
{
	StatsAnswer found = stats_variance(stats, answer);

	if (found == STATS_OK)
		*answer = sqrt(*answer);
	return found;
}
