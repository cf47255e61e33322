/*
 * prefix.c
 *	  Rows below each prefix, from a sample.
 */
#include "prefix.h"

#include <stdlib.h>

/* What prefix_counts carries down the tree. */
typedef struct Collector
{
	const gridcode *sample;
	int			least;
	bool		is_level[GRIDCODE_MAX_DIGITS + 1];
	PrefixCount *found;			/* levels from the front … */
	int			nfound;
	PrefixCount *others;		/* … and the rest */
	int			nothers;
} Collector;

/* First position at or after from whose code is beyond the area. */
static int
end_of_area(const gridcode *sample, int from, int to, gridcode area)
{
	gridcode	last = gridcode_last(area);

	while (from < to)
	{
		int			middle = from + (to - from) / 2;

		if (sample[middle] <= last)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool
spans_level(const Collector *c, int above, int digits)
{
	int			d;

	for (d = above + 1; d <= digits; d++)
		if (c->is_level[d])
			return true;
	return false;
}

/*
 * Collect the area around sample[from .. to), all of which is in one area of
 * more than above digits, and what is below.  At most 18 deep.
 */
static void
collect(Collector *c, int from, int to, int above)
{
	gridcode	area = gridcode_common(c->sample[from], c->sample[to - 1]);
	int			digits = gridcode_digits(area);

	if (area != 0)
	{
		PrefixCount *slot = spans_level(c, above, digits) ? &c->found[c->nfound++] : &c->others[c->nothers++];

		slot->code = area;
		slot->rows = to - from;
	}
	while (from < to && c->sample[from] == area)
		from++;
	while (from < to)
	{
		int			end = end_of_area(c->sample, from, to, gridcode_prefix(c->sample[from], digits + 1));

		if (end - from >= c->least)
			collect(c, from, end, digits);
		from = end;
	}
}

/* Numbers of digits at which codes end, and all above the least of them. */
static void
find_levels(Collector *c, int n)
{
	int			d;
	int			i;

	for (d = 0; d <= GRIDCODE_MAX_DIGITS; d++)
		c->is_level[d] = false;
	for (i = 0; i < n; i++)
		c->is_level[gridcode_digits(c->sample[i])] = true;
	for (d = 1; d <= GRIDCODE_MAX_DIGITS && !c->is_level[d]; d++)
		c->is_level[d] = true;
}

static int
by_rows(const void *a, const void *b)
{
	const PrefixCount *pa = a;
	const PrefixCount *pb = b;

	if (pa->rows != pb->rows)
		return pa->rows > pb->rows ? -1 : 1;
	return (pa->code > pb->code) - (pa->code < pb->code);
}

static int
by_code(const void *a, const void *b)
{
	const PrefixCount *pa = a;
	const PrefixCount *pb = b;

	return (pa->code > pb->code) - (pa->code < pb->code);
}

int
prefix_counts(const gridcode *sample, int n, int least, int limit,
			  PrefixCount *work, PrefixCount *counts)
{
	Collector	c = {.sample = sample, .least = least > 2 ? least : 2,
	.found = counts, .others = work};
	int			i;

	if (n == 0)
		return 0;
	find_levels(&c, n);

	/* Every listed area has two rows or branches, so n slots are enough. */
	collect(&c, 0, n, 0);
	qsort(c.found, c.nfound, sizeof(PrefixCount), by_rows);
	qsort(c.others, c.nothers, sizeof(PrefixCount), by_rows);
	for (i = 0; i < c.nothers && c.nfound < limit; i++)
		c.found[c.nfound++] = c.others[i];
	if (c.nfound > limit)
		c.nfound = limit;
	qsort(c.found, c.nfound, sizeof(PrefixCount), by_code);
	return c.nfound;
}

/* First position of a code that is not before code. */
static int
first_from(const PrefixCount *counts, int from, int ncounts, gridcode code)
{
	while (from < ncounts)
	{
		int			middle = from + (ncounts - from) / 2;

		if (counts[middle].code < code)
			from = middle + 1;
		else
			ncounts = middle;
	}
	return from;
}

/* Rows of the greatest listed areas at positions from on that end at last or before. */
static double
rows_until(const PrefixCount *counts, int from, int ncounts, gridcode last)
{
	double		rows = 0;

	while (from < ncounts && counts[from].code <= last)
	{
		gridcode	end = gridcode_last(counts[from].code);

		if (end <= last)
		{
			/* What is below it has been counted. */
			rows += counts[from].rows;
			from = first_from(counts, from + 1, ncounts, end);
		}
		else
			from++;
	}
	return rows;
}

/* Is there a listed area that is or lies in area? */
static bool
is_listed(const PrefixCount *counts, int ncounts, gridcode area)
{
	int			i = first_from(counts, 0, ncounts, area);

	return i < ncounts && counts[i].code <= gridcode_last(area);
}

/*
 * Mean number of rows below the unlisted areas of that many digits, in rows
 * of the sample.  Duj1 as in analyze.c: d areas, f1 of them seen once, in n of
 * N rows make n * d / (n - f1 + f1 * n / N) areas.
 */
static double
mean_of_unlisted(const gridcode *sample, int n, double total,
				 const PrefixCount *counts, int ncounts, int digits)
{
	double		rows = 0;
	double		areas = 0;
	double		once = 0;
	int			from = 0;

	while (from < n)
	{
		gridcode	area = gridcode_prefix(sample[from], digits);
		int			end;

		if (area == 0)
		{
			from++;				/* the code is shorter */
			continue;
		}
		end = end_of_area(sample, from, n, area);
		if (!is_listed(counts, ncounts, area))
		{
			rows += end - from;
			areas += 1;
			once += end - from == 1;
		}
		from = end;
	}
	if (rows == 0)
		return 0;
	return (rows - once + once * n / total) / areas;
}

void
prefix_means(const gridcode *sample, int n, double total,
			 const PrefixCount *counts, int ncounts,
			 double mean[GRIDCODE_MAX_DIGITS + 1])
{
	int			digits;

	mean[0] = 0;
	for (digits = 1; digits <= GRIDCODE_MAX_DIGITS; digits++)
		mean[digits] = mean_of_unlisted(sample, n, total, counts, ncounts, digits);
}

/* Rows of the smallest listed area around code that belong to no listed area in it; -1 if there is none. */
static double
rows_unlisted_around(const PrefixCount *counts, int ncounts, gridcode code)
{
	int			digits;

	for (digits = gridcode_digits(code) - 1; digits > 0; digits--)
	{
		gridcode	area = gridcode_prefix(code, digits);
		int			i = first_from(counts, 0, ncounts, area);

		if (i < ncounts && counts[i].code == area)
			return counts[i].rows - rows_until(counts, i + 1, ncounts, gridcode_last(area));
	}
	return -1;
}

double
prefix_rows_between(const PrefixCount *counts, int ncounts, gridcode from, gridcode to)
{
	return rows_until(counts, first_from(counts, 0, ncounts, from), ncounts, to);
}

double
prefix_rows(const PrefixCount *counts, int ncounts,
			const double mean[GRIDCODE_MAX_DIGITS + 1], gridcode code)
{
	double		rows = prefix_rows_between(counts, ncounts, code, gridcode_last(code));
	double		around;

	if (rows > 0)
		return rows;
	rows = mean[gridcode_digits(code)];
	around = rows_unlisted_around(counts, ncounts, code);
	return around >= 0 && around < rows ? around : rows;
}
