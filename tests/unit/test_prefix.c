/*
 * test_prefix.c
 *	  Prefix counts of random samples against counting one by one.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "prefix.h"

#define SAMPLE 3000

static uint64_t seed = 20260102;
static gridcode sample[SAMPLE];
static PrefixCount work[SAMPLE];
static PrefixCount counts[SAMPLE];
static double mean[GRIDCODE_MAX_DIGITS + 1];

static int
random_below(int n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int) ((seed >> 33) % (uint64_t) n);
}

static int
compare(const void *a, const void *b)
{
	gridcode	ca = *(const gridcode *) a;
	gridcode	cb = *(const gridcode *) b;

	return (ca > cb) - (ca < cb);
}

/* Codes of two digits a level, more of the low ones; some end early. */
static void
random_sample(int n, bool ends_early)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		int			levels = ends_early ? 1 + random_below(4) : 4;

		sample[i] = 0;
		while (levels-- > 0)
			sample[i] = gridcode_append(sample[i], random_below(1 + random_below(30)), 2);
	}
	qsort(sample, n, sizeof(gridcode), compare);
}

static int
count(int n, gridcode area)
{
	int			rows = 0;
	int			i;

	for (i = 0; i < n; i++)
		rows += gridcode_contains(area, sample[i]);
	return rows;
}

static int
wrong_counts(int n, int found)
{
	int			wrong = 0;
	int			i;

	for (i = 0; i < found; i++)
		wrong += counts[i].rows != count(n, counts[i].code) || (i > 0 && counts[i].code <= counts[i - 1].code);
	return wrong;
}

static void
test_counts(bool ends_early)
{
	const char *kind = ends_early ? "inner codes" : "leaves only";
	int			found;
	int			missed = 0;
	int			i;

	random_sample(SAMPLE, ends_early);
	found = prefix_counts(sample, SAMPLE, 5, SAMPLE, work, counts);
	CHECK(found > 100, "%s: areas are found", kind);
	CHECK(wrong_counts(SAMPLE, found) == 0, "%s: every count is right, in order", kind);
	prefix_means(sample, SAMPLE, SAMPLE, counts, found, mean);
	for (i = 0; i < SAMPLE; i++)
	{
		int			digits;

		for (digits = 1; digits <= gridcode_digits(sample[i]); digits++)
		{
			gridcode	area = gridcode_prefix(sample[i], digits);
			int			rows = count(SAMPLE, area);

			missed += rows >= 5 && prefix_rows(counts, found, mean, area) != rows;
		}
	}
	CHECK(missed == 0, "%s: every area of 5 rows is answered exactly", kind);
	for (missed = i = 0; i < SAMPLE; i++)
	{
		gridcode	from = sample[random_below(SAMPLE)];
		gridcode	to = sample[random_below(SAMPLE)];
		int			rows = 0;
		int			j;

		for (j = 0; j < SAMPLE; j++)
			rows += sample[j] >= from && sample[j] <= to;
		missed += prefix_rows_between(counts, found, from, to) > rows;
	}
	CHECK(missed == 0, "%s: a range is never answered with too much", kind);

	found = prefix_counts(sample, SAMPLE, 5, 50, work, counts);
	CHECK(found == 50 && wrong_counts(SAMPLE, found) == 0, "%s: a limit is kept", kind);
}

/* Of a complete sample the mean of the unlisted areas is their true mean. */
static void
test_means(void)
{
	int			found;
	int			rows = 0;
	int			areas = 0;
	gridcode	previous = 0;
	int			i;

	random_sample(SAMPLE, false);
	found = prefix_counts(sample, SAMPLE, 5, SAMPLE, work, counts);
	prefix_means(sample, SAMPLE, SAMPLE, counts, found, mean);
	for (i = 0; i < SAMPLE; i++)
	{
		gridcode	area = gridcode_prefix(sample[i], 6);
		int			here = count(SAMPLE, area);

		if (here >= 5)
			continue;
		rows += 1;
		areas += area != previous;
		previous = area;
	}
	CHECK(areas > 0 && mean[6] > (double) rows / areas - 1e-9 && mean[6] < (double) rows / areas + 1e-9,
		  "mean of the unlisted areas");
	CHECK(mean[0] == 0 && mean[9] == 0, "no mean where there is no area");
}

static void
test_edges(void)
{
	gridcode	area = gridcode_append(0, 35, 2);
	int			i;

	CHECK(prefix_counts(sample, 0, 5, 10, work, counts) == 0, "an empty sample");
	sample[0] = area;
	CHECK(prefix_counts(sample, 1, 5, 10, work, counts) <= 1, "one row");
	for (i = 0; i < 100; i++)
		sample[i] = area;
	CHECK(prefix_counts(sample, 100, 5, 10, work, counts) == 1 && counts[0].rows == 100, "one code a hundred times");
	prefix_means(sample, 100, 1000, counts, 1, mean);
	CHECK(prefix_rows(counts, 1, mean, gridcode_append(0, 3, 1)) == 100, "the area above it");
	CHECK(prefix_rows(counts, 1, mean, gridcode_append(area, 1, 1)) == 0, "nothing below it");
	CHECK(prefix_rows(counts, 1, mean, gridcode_append(0, 36, 2)) == 0, "nothing beside it");
	CHECK(prefix_rows(counts, 0, mean, area) == 0, "an empty summary");
}

int
main(void)
{
	test_counts(true);
	test_counts(false);
	test_means();
	test_edges();
	return UNIT_DONE();
}
