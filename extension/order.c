/*
 * order.c
 *	  Merge sort, bottom up.
 */
#include "order.h"

/* Sorted by insertion up to this many. */
#define SHORT_RUN	12

#define PAUSE_EVERY	4096

static inline void
pause_at(const Host *host, size_t i)
{
	if (i % PAUSE_EVERY == 0)
		host->pause();
}

static void
sort_short(uint32_t *items, size_t n, OrderCompare compare, const void *context)
{
	for (size_t i = 1; i < n; i++)
	{
		uint32_t	item = items[i];
		size_t		j = i;

		for (; j > 0 && compare(context, items[j - 1], item) > 0; j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
}

/* Merge each two neighbouring sorted runs of a length into target. */
static void
merge_runs(const uint32_t *items, uint32_t *target, size_t n, size_t run,
		   OrderCompare compare, const void *context, const Host *host)
{
	size_t		begin = 0;

	while (begin < n)
	{
		size_t		middle = n - begin > run ? begin + run : n;
		size_t		end = n - middle > run ? middle + run : n;
		size_t		i = begin;
		size_t		j = middle;

		for (size_t k = begin; k < end; k++)
		{
			if (j == end || (i < middle && compare(context, items[i], items[j]) <= 0))
				target[k] = items[i++];
			else
				target[k] = items[j++];
			pause_at(host, k);
		}
		begin = end;
	}
}

void
order_items(uint32_t *items, size_t n, OrderCompare compare, const void *context, const Host *host)
{
	uint32_t   *scratch;
	uint32_t   *from = items;
	uint32_t   *to;

	for (size_t i = 0; i < n; i += SHORT_RUN)
	{
		sort_short(items + i, n - i < SHORT_RUN ? n - i : SHORT_RUN, compare, context);
		if (i % (SHORT_RUN * 256) == SHORT_RUN)
			host->pause();
	}
	if (n <= SHORT_RUN)
		return;
	to = scratch = host_array(host, uint32_t, n);
	for (size_t run = SHORT_RUN; run < n; run *= 2)
	{
		uint32_t   *swap = from;

		merge_runs(from, to, n, run, compare, context, host);
		from = to;
		to = swap;
	}
	for (size_t i = 0; from != items && i < n; i++)
	{
		pause_at(host, i);
		items[i] = from[i];
	}
	host->release(scratch);
}
