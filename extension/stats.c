/*
 * stats.c
 *	  Adding values to a GridStats, merging, comparing and checking states.
 *	  What the bins mean and how exact they are is in stats.h.
 */
#include "stats.h"

#include <math.h>
#include <string.h>

#define DIGIT_MASK	((1u << STATS_DIGIT_BITS) - 1)

/* Highest positions that a finite double and its square can reach. */
#define MAX_SUM_TOP		87
#define MAX_SQUARE_TOP	175

typedef unsigned __int128 uint128;

/* One NaN, whatever the bits of the input's. */
static double
canonical(double value)
{
	static const uint64_t nan_bits = UINT64_C(0x7ff8000000000000);

	if (isnan(value))
		memcpy(&value, &nan_bits, sizeof value);
	return value + 0.0;			/* and no negative zero */
}

/* NaN is greater than every number. */
static bool
less(double a, double b)
{
	return !isnan(a) && (isnan(b) || a < b);
}

/* |value| = mantissa * 2^(shift - 1080); value is finite. */
static uint64_t
mantissa_of(double value, int *shift)
{
	uint64_t	bits;
	uint64_t	fraction;
	int			exponent;

	memcpy(&bits, &value, sizeof bits);
	fraction = bits & ((UINT64_C(1) << 52) - 1);
	exponent = (bits >> 52) & 0x7ff;
	*shift = exponent == 0 ? 6 : exponent + 5;
	return exponent == 0 ? fraction : fraction | UINT64_C(1) << 52;
}

/* Highest digit position of bits << shift, bits not 0. */
static int
top_of(uint128 bits, int shift)
{
	uint64_t	high = (uint64_t) (bits >> 64);
	int			last = high ? 127 - __builtin_clzll(high)
		: 63 - __builtin_clzll((uint64_t) bits);

	return (last + shift) / STATS_DIGIT_BITS;
}

/* Moves a window up to a higher top; what falls out below is dropped. */
static void
raise_window(int64_t *bins, int size, uint16_t *top, int new_top)
{
	int			up = new_top - *top;
	int			keep = up < size ? size - up : 0;

	if (up <= 0)
		return;
	if (keep > 0)
		memmove(bins, bins + up, keep * sizeof *bins);
	memset(bins + keep, 0, (size - keep) * sizeof *bins);
	*top = (uint16_t) new_top;
}

/* Adds the digits of ±(bits << shift) to the bins of their positions. */
static void
add_digits(int64_t *bins, int size, uint16_t *top, uint128 bits, int shift, bool negative)
{
	int			bin;

	raise_window(bins, size, top, top_of(bits, shift));
	bits <<= shift % STATS_DIGIT_BITS;
	bin = shift / STATS_DIGIT_BITS - (*top - size + 1);
	for (; bits != 0; bits >>= STATS_DIGIT_BITS, bin++)
	{
		int64_t		digit = (int64_t) ((uint64_t) bits & DIGIT_MASK);

		if (bin >= 0)
			bins[bin] += negative ? -digit : digit;
	}
}

/* Adds bins of a window that is not higher. */
static void
add_bins(int64_t *bins, int size, int top, const int64_t *from, int from_top)
{
	int			down = top - from_top;

	for (int i = 0; i + down < size; i++)
		bins[i] += from[i + down];
}

void
stats_init(GridStats *stats)
{
	memset(stats, 0, sizeof *stats);
}

/*
 * add_digits of a value and of its square for the case that nearly every value
 * is: a normal double whose digits all lie in the windows.  False, and nothing
 * done, in any other.
 */
static bool
add_inside(GridStats *stats, uint64_t mantissa, int shift, bool negative)
{
	int			bin = shift / STATS_DIGIT_BITS;
	int			up = shift % STATS_DIGIT_BITS;
	int			square_bin = 2 * shift / STATS_DIGIT_BITS;
	int			square_up = 2 * shift % STATS_DIGIT_BITS;

	/* a mantissa has 53 bits and its square 105 or 106, so that tells the highest digit */
	bool		fourth = up >= 20;
	bool		sixth = square_up >= 16;
	int64_t		sign = negative ? -1 : 1;
	uint128		bits = (uint128) mantissa << up;
	uint128		square = (uint128) mantissa * mantissa << square_up;
	uint64_t	low = (uint64_t) bits;
	int64_t    *to;

	if (mantissa < UINT64_C(1) << 52 ||
		bin + 2 + fourth > stats->sum_top || bin < stats->sum_top - (STATS_SUM_BINS - 1) ||
		square_bin + 4 + sixth > stats->square_top ||
		square_bin < stats->square_top - (STATS_SQUARE_BINS - 1))
		return false;

	to = &stats->sum[bin - (stats->sum_top - (STATS_SUM_BINS - 1))];
	to[0] += sign * (int64_t) (low & DIGIT_MASK);
	to[1] += sign * (int64_t) (low >> 24 & DIGIT_MASK);
	to[2] += sign * (int64_t) ((uint64_t) (bits >> 48) & DIGIT_MASK);
	if (fourth)
		to[3] += sign * (int64_t) (uint64_t) (bits >> 72);

	to = &stats->square[square_bin - (stats->square_top - (STATS_SQUARE_BINS - 1))];
	low = (uint64_t) square;
	to[0] += (int64_t) (low & DIGIT_MASK);
	to[1] += (int64_t) (low >> 24 & DIGIT_MASK);
	to[2] += (int64_t) ((uint64_t) (square >> 48) & DIGIT_MASK);
	low = (uint64_t) (square >> 72);
	to[3] += (int64_t) (low & DIGIT_MASK);
	to[4] += (int64_t) (low >> 24 & DIGIT_MASK);
	if (sixth)
		to[5] += (int64_t) (low >> 48);
	return true;
}

bool
stats_add(GridStats *stats, double value)
{
	int			shift;
	uint64_t	mantissa;

	if (stats->count >= STATS_MAX_COUNT)
		return false;
	value = canonical(value);
	if (stats->count == 0 || less(value, stats->min))
		stats->min = value;
	if (stats->count == 0 || less(stats->max, value))
		stats->max = value;
	stats->count++;
	if (!isfinite(value) || value == 0)
		return true;
	mantissa = mantissa_of(value, &shift);
	if (!add_inside(stats, mantissa, shift, value < 0))
	{
		/* 2 * shift is even, so the square's 106 bits never pass the 128th */
		add_digits(stats->sum, STATS_SUM_BINS, &stats->sum_top,
				   mantissa, shift, value < 0);
		add_digits(stats->square, STATS_SQUARE_BINS, &stats->square_top,
				   (uint128) mantissa * mantissa, 2 * shift, false);
	}
	return true;
}

bool
stats_merge(GridStats *into, const GridStats *from)
{
	if (from->count == 0)
		return true;
	if (into->count == 0)
	{
		*into = *from;
		return true;
	}
	if (from->count > STATS_MAX_COUNT - into->count)
		return false;
	into->count += from->count;
	if (less(from->min, into->min))
		into->min = from->min;
	if (less(into->max, from->max))
		into->max = from->max;
	raise_window(into->sum, STATS_SUM_BINS, &into->sum_top, from->sum_top);
	add_bins(into->sum, STATS_SUM_BINS, into->sum_top, from->sum, from->sum_top);
	raise_window(into->square, STATS_SQUARE_BINS, &into->square_top, from->square_top);
	add_bins(into->square, STATS_SQUARE_BINS, into->square_top, from->square, from->square_top);
	return true;
}

static int
compare_double(double a, double b)
{
	return less(b, a) - less(a, b);
}

static int
compare_bins(const int64_t *a, const int64_t *b, int size)
{
	for (int i = size - 1; i >= 0; i--)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

int
stats_compare(const GridStats *a, const GridStats *b)
{
	int			order = (a->count > b->count) - (a->count < b->count);

	if (order == 0)
		order = compare_double(a->min, b->min);
	if (order == 0)
		order = compare_double(a->max, b->max);
	if (order == 0)
		order = a->sum_top - b->sum_top;
	if (order == 0)
		order = a->square_top - b->square_top;
	if (order == 0)
		order = compare_bins(a->sum, b->sum, STATS_SUM_BINS);
	if (order == 0)
		order = compare_bins(a->square, b->square, STATS_SQUARE_BINS);
	return order;
}

/* Bins of which each is a sum of at most count digits, none below position 0. */
static bool
bins_valid(const int64_t *bins, int size, int top, int64_t count, bool negative)
{
	int64_t		limit = count * DIGIT_MASK;

	for (int i = 0; i < size; i++)
	{
		if (bins[i] > limit || bins[i] < (negative ? -limit : 0))
			return false;
		if (top - size + 1 + i < 0 && bins[i] != 0)
			return false;
	}
	return true;
}

/* The windows must end where the greatest magnitude does, as far as that is known. */
static bool
tops_valid(const GridStats *stats)
{
	double		greatest = fmax(fabs(stats->min), fabs(stats->max));
	GridStats	alone;

	if (stats->sum_top > MAX_SUM_TOP || stats->square_top > MAX_SQUARE_TOP ||
		stats->square_top / 2 != stats->sum_top)
		return false;
	if (stats->square_top > 0 && stats->square[STATS_SQUARE_BINS - 1] == 0)
		return false;
	if (!isfinite(stats->min) || !isfinite(stats->max))
		return true;
	stats_init(&alone);
	stats_add(&alone, greatest);
	return stats->sum_top == alone.sum_top && stats->square_top == alone.square_top;
}

static bool
same_bits(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

bool
stats_valid(const GridStats *stats)
{
	GridStats	plain;

	stats_init(&plain);
	if (stats->count == 0)
		return memcmp(stats, &plain, sizeof plain) == 0;
	if (stats->count < 0 || stats->count > STATS_MAX_COUNT || stats->unused != 0)
		return false;
	if (!same_bits(stats->min, canonical(stats->min)) ||
		!same_bits(stats->max, canonical(stats->max)) || less(stats->max, stats->min))
		return false;
	if (stats->count == 1)
	{
		stats_add(&plain, stats->min);
		return memcmp(stats, &plain, sizeof plain) == 0;
	}
	return tops_valid(stats) &&
		bins_valid(stats->sum, STATS_SUM_BINS, stats->sum_top, stats->count, true) &&
		bins_valid(stats->square, STATS_SQUARE_BINS, stats->square_top, stats->count, false);
}
