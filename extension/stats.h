/*
 * stats.h
 *	  GridStats: what is known of a collection of numbers without keeping
 *	  them: how many, least, greatest, and their sum and sum of squares as
 *	  exact integers.  Two states merge into the state of both collections.
 *
 * The sums are binned.  A double is an integer multiple of 2^-1080, and its
 * square one of 2^-2160; written in digits of 24 bits, each digit of a value
 * is added, with the value's sign, to the bin of its position.  A state holds
 * the bins of a window that ends at the highest position any value reached;
 * when a higher one comes the window moves up and its low bins are dropped.
 * Nothing is ever carried from bin to bin, so whether a digit counts depends
 * on the final window only: the state is a function of the collection, in
 * whatever order it was added, split and merged, to the bit.
 *
 * How exact, with n values of which M is the greatest magnitude:
 *	- count, min, max: exact.
 *	- sum and mean: the true value within n * 2^-96 * M (only values below
 *	  2^-43 * M lose digits at all), then rounded once to a double.
 *	- variance: relative error below 2^-53 + n * 2^-94, that is one rounding.
 *	  If no value lost digits it is exact; if one did, it was below
 *	  2^-19 * M, so that the squared deviations add up to 0.49 * M^2 or more,
 *	  beside which n * 2^-95 * M^2 is nothing.  There is no cancellation,
 *	  however far the values are from zero.
 *
 * NaN and infinities are as PostgreSQL's float aggregates have them: NaN is
 * greater than every number, infinities of both signs add up to NaN, and a
 * variance with any of them is NaN.  They need no bins: min and max tell.
 * Negative zero is zero.
 *
 * Knows C and nothing of PostgreSQL; memory is the caller's.
 */
#ifndef GRIDTREE_STATS_H
#define GRIDTREE_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_DIGIT_BITS	24
#define STATS_SUM_BINS		5
#define STATS_SQUARE_BINS	7

/* So many digits of 24 bits cannot overflow a bin of 63. */
#define STATS_MAX_COUNT		(INT64_C(1) << 39)

typedef struct GridStats
{
	int64_t		count;			/* NaN and infinities included */
	double		min;			/* 0 in an empty state, as everything is */
	double		max;
	int64_t		sum[STATS_SUM_BINS];	/* lowest position first */
	int64_t		square[STATS_SQUARE_BINS];
	uint16_t	sum_top;		/* position of the last bin of sum */
	uint16_t	square_top;
	uint32_t	unused;			/* always 0 */
} GridStats;

/* The state of no values. */
extern void stats_init(GridStats *stats);

/* Adds a value, or another state; false, and nothing done, beyond STATS_MAX_COUNT. */
extern bool stats_add(GridStats *stats, double value);
extern bool stats_merge(GridStats *into, const GridStats *from);

/* A total order without meaning; 0 where the states are the same to the bit. */
extern int	stats_compare(const GridStats *a, const GridStats *b);

/*
 * Whether the parts of a state fit each other, so that every function here can
 * work with it; what untrusted input must pass.  It is no proof that values
 * with these bins exist.
 */
extern bool stats_valid(const GridStats *stats);

/* An answer may not exist (too few values) or not fit a double. */
typedef enum StatsAnswer
{
	STATS_OK,
	STATS_NONE,
	STATS_OVERFLOW
} StatsAnswer;

extern StatsAnswer stats_min(const GridStats *stats, double *answer);
extern StatsAnswer stats_max(const GridStats *stats, double *answer);
extern StatsAnswer stats_sum(const GridStats *stats, double *answer);
extern StatsAnswer stats_avg(const GridStats *stats, double *answer);

/* Of the sample: divided by n - 1, so none below two values. */
extern StatsAnswer stats_variance(const GridStats *stats, double *answer);
extern StatsAnswer stats_stddev(const GridStats *stats, double *answer);

/*
 * The packed form, for disk and wire alike, the same on every machine.  One
 * state has one packed form, so bytes can be compared and hashed.  The first
 * byte holds the version of the form (low four bits).
 */
#define STATS_PACKED_VERSION	1
#define STATS_PACKED_MAX		130

/* Returns the number of bytes, at most STATS_PACKED_MAX. */
extern size_t stats_pack(const GridStats *stats, uint8_t *out);

/*
 * Returns the number of bytes read, 0 if they are malformed or too few.  The
 * first never reads beyond size and is for bytes that stats_pack wrote; the
 * second accepts nothing but what stats_pack could have written.
 */
extern size_t stats_unpack(GridStats *stats, const uint8_t *in, size_t size);
extern size_t stats_unpack_untrusted(GridStats *stats, const uint8_t *in, size_t size);

/* As stats_unpack, for whoever asks for nothing but count, min and max; the rest may be 0. */
extern size_t stats_unpack_ends(GridStats *stats, const uint8_t *in, size_t size);

/*
 * The text form: "count=3 sum=6 min=1 max=3 bins=45:6/90:14".  bins are the
 * top position and the bins from there down, of the sum and of the squares;
 * sum is there to be read and is checked on input.
 */
#define STATS_TEXT_MAX		512

/* Returns the length, without the terminating zero. */
extern size_t stats_format(const GridStats *stats, char *out);

/* Returns where the state's text ends, NULL if malformed. */
extern const char *stats_parse(GridStats *stats, const char *text);

#endif							/* GRIDTREE_STATS_H */
