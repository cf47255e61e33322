/*
 * fuzz_stats.c
 *	  Any bytes as a packed and as a text GridStats: refused, or a valid state
 *	  that packs and prints to what was read, merges, and answers.
 */
#include <stdlib.h>
#include <string.h>

#include "stats.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* Everything that may be done with an accepted state. */
static void
use(const GridStats *stats)
{
	GridStats	twice = *stats;
	GridStats	back;
	char		text[STATS_TEXT_MAX];
	double		answer;
	size_t		length = stats_format(stats, text);

	require(stats_valid(stats));
	require(length < sizeof text && stats_parse(&back, text) == text + length);
	require(stats_compare(stats, &back) == 0);
	if (stats_merge(&twice, stats))
		require(stats_valid(&twice));
	if (stats_add(&twice, -3.25e-7))
		require(stats_valid(&twice));
	stats_sum(&twice, &answer);
	stats_avg(&twice, &answer);
	stats_variance(&twice, &answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t		packed[STATS_PACKED_MAX];
	GridStats	stats;
	char	   *text = malloc(size + 1);
	size_t		used = stats_unpack_untrusted(&stats, data, size);

	if (used > 0)
	{
		require(used <= size && stats_pack(&stats, packed) == used);
		use(&stats);
	}
	stats_unpack(&stats, data, size);
	memcpy(text, data, size);
	text[size] = '\0';
	if (stats_parse(&stats, text) != NULL)
		use(&stats);
	free(text);
	return 0;
}
