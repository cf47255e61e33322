/*
 * test_stats.c
 *	  GridStats against exact integers of 128 bits and against a brute-force
 *	  sum over every bit of the double range; any split and order of merging
 *	  against the single pass; what PostgreSQL's float aggregates define; both
 *	  forms there and back; and what a state must refuse.
 */
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"

static uint64_t seed = 42;

static uint64_t
random_bits(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(2685821657736338717);
}

/* Any finite double: every exponent, subnormal numbers too. */
static double
random_double(void)
{
	double		value;

	do
	{
		uint64_t	bits = random_bits();

		memcpy(&value, &bits, sizeof value);
	} while (!isfinite(value));
	return value;
}

/* Kinds of numbers that people have. */
static double
random_value(int kind)
{
	switch (kind)
	{
		case 0: return (double) (random_bits() % 1000);
		case 1: return (double) (int64_t) (random_bits() % 2000001) / 100 - 10000;
		case 2: return 1.7e9 + (double) (random_bits() % 1000000) / 1e6;
		case 3: return ldexp((double) (int32_t) random_bits(), (int) (random_bits() % 200) - 100);
		default: return random_double();
	}
}

#define KINDS	5
#define VALUES	200

static GridStats
stats_of(const double *values, int n)
{
	GridStats	stats;

	stats_init(&stats);
	for (int i = 0; i < n; i++)
		stats_add(&stats, values[i]);
	return stats;
}

static bool
same(const GridStats *a, const GridStats *b)
{
	return memcmp(a, b, sizeof *a) == 0 && stats_compare(a, b) == 0;
}

/* The state of values[0..n), split and merged at random. */
static GridStats
merged_at_random(const double *values, int n)
{
	GridStats	left;
	GridStats	right;
	int			cut;

	if (n <= 2)
		return stats_of(values, n);
	cut = (int) (random_bits() % (n + 1));
	if (cut == 0 || cut == n)
		cut = n / 2;
	left = merged_at_random(values, cut);
	right = merged_at_random(values + cut, n - cut);
	if (random_bits() & 1)
	{
		stats_merge(&left, &right);
		return left;
	}
	stats_merge(&right, &left);
	return right;
}

static void
shuffle(double *values, int n)
{
	for (int i = n - 1; i > 0; i--)
	{
		int			j = (int) (random_bits() % (i + 1));
		double		value = values[i];

		values[i] = values[j];
		values[j] = value;
	}
}

static void
test_any_order(void)
{
	int			wrong = 0;
	int			invalid = 0;

	for (int round = 0; round < 2000; round++)
	{
		double		values[VALUES + 2];
		int			n = 1 + (int) (random_bits() % VALUES);
		GridStats	once;
		GridStats	again;

		for (int i = 0; i < n; i++)
			values[i] = round % 7 == 6 && i % 50 == 49 ? -INFINITY : random_value(round % KINDS);
		once = stats_of(values, n);
		shuffle(values, n);
		again = merged_at_random(values, n);
		wrong += !same(&once, &again);
		invalid += !stats_valid(&once);
	}
	CHECK(wrong == 0, "any split, order and merge is the single pass to the bit");
	CHECK(invalid == 0, "every state so made is valid");
}

/*
 * The exact sum of finite doubles: an integer of 2,240 bits in units of
 * 2^-1080, two's complement, rounded by comparing with its neighbours.
 */
#define BIG_WORDS	35

typedef struct Big
{
	uint64_t	word[BIG_WORDS];
} Big;

static void
big_add_double(Big *big, double value)
{
	int			exponent;
	uint64_t	mantissa = (uint64_t) ldexp(fabs(frexp(value, &exponent)), 53);
	int			shift = exponent - 53 + 1140;	/* below 2^-1074 for subnormal values: zeros */
	Big			one = {{0}};
	unsigned __int128 carry = 0;

	one.word[shift / 64] = mantissa << (shift % 64);
	if (shift % 64 > 11)
		one.word[shift / 64 + 1] = mantissa >> (64 - shift % 64);
	if (value < 0)
	{
		carry = 1;
		for (int i = 0; i < BIG_WORDS; i++)
			one.word[i] = ~one.word[i];
	}
	for (int i = 0; i < BIG_WORDS; i++)
	{
		carry += (unsigned __int128) big->word[i] + one.word[i];
		big->word[i] = (uint64_t) carry;
		carry >>= 64;
	}
}

/* The number as a double-double: the answer's error is judged in it. */
static long double
big_value(Big big)
{
	bool		negative = big.word[BIG_WORDS - 1] >> 63;
	long double value = 0;
	unsigned __int128 carry = negative;

	for (int i = 0; i < BIG_WORDS; i++)
	{
		carry += negative ? ~big.word[i] : big.word[i];
		big.word[i] = (uint64_t) carry;
		carry >>= 64;
	}
	for (int i = BIG_WORDS - 1; i >= 0; i--)
		value += ldexpl((long double) big.word[i], 64 * i - 1140);
	return negative ? -value : value;
}

static void
test_sum_bound(void)
{
	int			wrong = 0;

	for (int round = 0; round < 4000; round++)
	{
		int			n = 1 + (int) (random_bits() % VALUES);
		Big			exact = {{0}};
		GridStats	stats;
		double		greatest = 0;
		double		sum;
		long double error;
		StatsAnswer found;

		stats_init(&stats);
		for (int i = 0; i < n; i++)
		{
			double		value = random_value(round % KINDS) / 1024;

			greatest = fmax(greatest, fabs(value));
			big_add_double(&exact, value);
			stats_add(&stats, value);
		}
		found = stats_sum(&stats, &sum);
		error = fabsl(big_value(exact) - (long double) sum);
		wrong += found != STATS_OK ||
			error > (long double) fabs(sum) * 0x1.002p-53L + ldexpl(greatest, -96) * n + 0x1p-1075L;
	}
	CHECK(wrong == 0, "sums are the exact sum rounded, within n * 2^-96 * M");
}

static void
test_exact_integers(void)
{
	int			wrong = 0;

	for (int round = 0; round < 4000; round++)
	{
		int			n = 2 + (int) (random_bits() % VALUES);
		int64_t		offset = round % 2 ? INT64_C(1) << 45 : 0;
		__int128	sum = 0;
		__int128	centred = 0;
		__int128	squares = 0;
		GridStats	stats;
		double		answer;

		stats_init(&stats);
		for (int i = 0; i < n; i++)
		{
			int64_t		value = (int64_t) (random_bits() % 2000000) - 1000000;

			sum += value + offset;
			centred += value;
			squares += (__int128) value * value;
			stats_add(&stats, (double) (value + offset));
		}
		wrong += stats_sum(&stats, &answer) != STATS_OK || answer != (double) sum;
		wrong += stats_avg(&stats, &answer) != STATS_OK ||
			answer != (double) ((__float128) sum / n);
		wrong += stats_variance(&stats, &answer) != STATS_OK ||
			answer != (double) ((__float128) (n * squares - centred * centred) /
								((__float128) n * (n - 1)));
	}
	CHECK(wrong == 0, "sum, mean and variance of integers, 2^45 from zero too, are rounded once");
}

/* Variance of very unequal values, with the two-pass formula in 113 bits as the judge. */
static void
test_variance_bound(void)
{
	int			wrong = 0;

	for (int round = 0; round < 4000; round++)
	{
		int			n = 2 + (int) (random_bits() % VALUES);
		double		values[VALUES + 2];
		__float128	mean = 0;
		__float128	deviations = 0;
		__float128	variance;
		GridStats	stats;
		double		answer;
		double		error;

		for (int i = 0; i < n; i++)
			mean += values[i] = random_value(round % 4);
		mean /= n;
		for (int i = 0; i < n; i++)
			deviations += (values[i] - mean) * (values[i] - mean);
		variance = deviations / (n - 1);
		stats = stats_of(values, n);
		wrong += stats_variance(&stats, &answer) != STATS_OK;
		error = (double) (variance - answer);
		wrong += fabs(error) > answer * 0x1.001p-53;
	}
	CHECK(wrong == 0, "variance is within one rounding of the two-pass formula in 113 bits");
}

static double
answer_of(StatsAnswer (*ask) (const GridStats *, double *), const GridStats *stats)
{
	double		answer;

	return ask(stats, &answer) == STATS_OK ? answer : -12345;
}

static void
test_special(void)
{
	GridStats	s;
	double		answer;

	s = stats_of((double[]) {1, NAN, -INFINITY}, 3);
	CHECK(s.count == 3 && s.min == -INFINITY && isnan(s.max), "NaN is the greatest");
	CHECK(isnan(answer_of(stats_sum, &s)) && isnan(answer_of(stats_avg, &s)) &&
		  isnan(answer_of(stats_variance, &s)), "NaN makes sum, mean and variance NaN");
	s = stats_of((double[]) {1, INFINITY}, 2);
	CHECK(answer_of(stats_sum, &s) == INFINITY && answer_of(stats_avg, &s) == INFINITY &&
		  isnan(answer_of(stats_variance, &s)) && s.min == 1, "one infinity is the sum");
	s = stats_of((double[]) {1, INFINITY, -INFINITY}, 3);
	CHECK(isnan(answer_of(stats_sum, &s)), "infinities of both signs are NaN");
	s = stats_of((double[]) {-INFINITY, -INFINITY}, 2);
	CHECK(answer_of(stats_sum, &s) == -INFINITY, "two infinities of one sign stay");
	s = stats_of((double[]) {-0.0}, 1);
	CHECK(!signbit(s.min) && !signbit(answer_of(stats_sum, &s)), "negative zero is zero");
	s = stats_of((double[]) {NAN}, 1);
	CHECK(isnan(s.min) && stats_variance(&s, &answer) == STATS_NONE,
		  "one NaN is min and max and has no variance");
	s = stats_of(NULL, 0);
	CHECK(stats_sum(&s, &answer) == STATS_NONE && stats_avg(&s, &answer) == STATS_NONE &&
		  stats_min(&s, &answer) == STATS_NONE && stats_max(&s, &answer) == STATS_NONE &&
		  stats_stddev(&s, &answer) == STATS_NONE, "nothing has no answers");
	s = stats_of((double[]) {DBL_MAX, DBL_MAX}, 2);
	CHECK(stats_sum(&s, &answer) == STATS_OVERFLOW && answer_of(stats_avg, &s) == DBL_MAX &&
		  answer_of(stats_variance, &s) == 0, "a sum may not fit, its mean does");
	s = stats_of((double[]) {DBL_MAX, DBL_MAX, -DBL_MAX, -DBL_MAX}, 4);
	CHECK(answer_of(stats_sum, &s) == 0, "no overflow on the way");
	CHECK(stats_variance(&s, &answer) == STATS_OVERFLOW, "a variance may not fit");
	s = stats_of((double[]) {5e-324, 5e-324, 5e-324}, 3);
	CHECK(answer_of(stats_sum, &s) == 15e-324 && answer_of(stats_avg, &s) == 5e-324,
		  "the least doubles add up");
	s = stats_of((double[]) {1e16, 1, -1e16}, 3);
	CHECK(answer_of(stats_sum, &s) == 1, "what doubles lose is kept");
	s = stats_of((double[]) {3, 3, 3}, 3);
	CHECK(answer_of(stats_stddev, &s) == 0, "equal values have no deviation");
}

static void
test_count_limit(void)
{
	GridStats	s = stats_of((double[]) {1}, 1);
	GridStats	before;
	double		answer;

	for (int i = 0; i < 39; i++)
	{
		GridStats	half = s;

		stats_merge(&s, &half);
	}
	CHECK(s.count == STATS_MAX_COUNT && stats_valid(&s) && answer_of(stats_sum, &s) == 0x1p39 &&
		  answer_of(stats_variance, &s) == 0, "2^39 values fit");
	before = s;
	CHECK(!stats_add(&s, 1) && !stats_merge(&s, &before) && same(&s, &before), "one more does not");
	s = stats_of((double[]) {-DBL_MAX}, 1);
	for (int i = 0; i < 39; i++)
	{
		GridStats	half = s;

		stats_merge(&s, &half);
	}
	CHECK(stats_valid(&s) && answer_of(stats_avg, &s) == -DBL_MAX &&
		  stats_sum(&s, &answer) == STATS_OVERFLOW, "nor do the greatest overflow a bin");
}

static void
test_forms(void)
{
	int			wrong_packed = 0;
	int			wrong_text = 0;
	size_t		longest = 0;
	size_t		longest_text = 0;

	for (int round = 0; round < 5000; round++)
	{
		double		values[VALUES + 2];
		int			n = (int) (random_bits() % VALUES);
		GridStats	stats;
		GridStats	back;
		uint8_t		packed[STATS_PACKED_MAX];
		char		text[STATS_TEXT_MAX];
		const char *end;
		size_t		length;

		for (int i = 0; i < n; i++)
			values[i] = random_value(round % KINDS);
		if (n > 0 && round % 11 == 10)
			values[0] = round % 2 ? NAN : INFINITY;
		stats = stats_of(values, n);
		length = stats_pack(&stats, packed);
		longest = length > longest ? length : longest;
		wrong_packed += stats_unpack_untrusted(&back, packed, length) != length ||
			!same(&stats, &back) ||
			stats_unpack(&back, packed, length) != length || !same(&stats, &back);
		for (size_t cut = 0; cut < length; cut++)
			wrong_packed += stats_unpack(&back, packed, cut) != 0;
		length = stats_format(&stats, text);
		longest_text = length > longest_text ? length : longest_text;
		end = stats_parse(&back, text);
		wrong_text += end != text + length || !same(&stats, &back);
	}
	CHECK(wrong_packed == 0, "the packed form comes back, cut ones do not");
	CHECK(wrong_text == 0, "the text form comes back");
	CHECK(longest <= STATS_PACKED_MAX && longest_text < STATS_TEXT_MAX,
		  "at most %zu bytes packed, %zu of text", longest, longest_text);
}

/* Any change of a byte must be refused or give another valid state that packs to it. */
static void
test_corruption(void)
{
	int			wrong = 0;

	for (int round = 0; round < 20000; round++)
	{
		double		values[] = {random_value(round % KINDS), random_value(round % KINDS), 7};
		GridStats	stats = stats_of(values, 3);
		GridStats	back;
		uint8_t		packed[STATS_PACKED_MAX];
		size_t		length = stats_pack(&stats, packed);
		double		answer;

		packed[random_bits() % length] = (uint8_t) random_bits();
		if (stats_unpack_untrusted(&back, packed, length) == 0)
			continue;
		wrong += !stats_valid(&back);
		stats_variance(&back, &answer);
		stats_merge(&back, &stats);
		wrong += !stats_valid(&back);
	}
	CHECK(wrong == 0, "corrupted bytes are refused or harmless");
}

static void
test_malformed_text(void)
{
	static const char *const bad[] = {
		"", "count", "count=", "count=-1", "count=1", "count=x sum=1",
		"count=1 sum=1 min=1 max=1 bins=45:1/90:2",
		"count=1 sum=2 min=1 max=1 bins=45:1/90:1",
		"count=1 sum=1 min=2 max=1 bins=45:1/90:1",
		"count=2 sum=2 min=1 max=1 bins=45:2/90:2,0,0,0,0,0,0,0",
		"count=2 sum=2 min=1 max=1 bins=46:2/90:2",
		"count=2 sum=2 min=1 max=1 bins=45:2/90:-2",
		"count=2 sum=2 min=1 max=1 bins=300:2/90:2",
		"count=2 sum=0x2 min=1 max=1 bins=45:2/90:2",
		"count=2 sum=2 min=1 max=1 bins=45:2",
		"count=99999999999999999999 sum=2 min=1 max=1 bins=45:2/90:2",
		"count=999999999999 sum=2 min=1 max=1 bins=45:2/90:2",
		"count=2 sum=2 min=1 max=1e999 bins=45:2/90:2",
	};
	GridStats	stats;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(stats_parse(&stats, bad[i]) == NULL, "refused: %s", bad[i]);
	CHECK(stats_parse(&stats, "count=2 sum=2 min=1 max=1 bins=45:2/90:2") != NULL &&
		  answer_of(stats_sum, &stats) == 2, "accepted: two ones");
}

int
main(void)
{
	test_any_order();
	test_sum_bound();
	test_exact_integers();
	test_variance_bound();
	test_special();
	test_count_limit();
	test_forms();
	test_corruption();
	test_malformed_text();
	return UNIT_DONE();
}
