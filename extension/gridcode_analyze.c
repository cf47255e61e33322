/*
 * gridcode_analyze.c
 *	  ANALYZE of gridcode columns: what core collects for every ordered type,
 *	  and a slot of prefix counts.
 *
 * Core's histogram knows a range to half a bucket, which is 2 counties in 100
 * on the tree of a country; hence the slot.
 */
#include "gridcode_stats.h"

#include "commands/vacuum.h"

/* Listed areas at most, for each unit of the statistics target. */
#define AREAS_A_TARGET 40

/* Below so many rows of a sample a listed area would be guessed worse than by the mean. */
#define LEAST_ROWS 4

PG_FUNCTION_INFO_V1(gridcode_typanalyze);

/* What core's typanalyze asked for. */
typedef struct StandardAnalyze
{
	AnalyzeAttrComputeStatsFunc compute_stats;
	void	   *extra_data;
} StandardAnalyze;

static int
compare_codes(const void *a, const void *b)
{
	gridcode	ca = *(const gridcode *) a;
	gridcode	cb = *(const gridcode *) b;

	return (ca > cb) - (ca < cb);
}

/* The codes of the sample in order; NULLs left out. */
static gridcode *
ordered_sample(VacAttrStatsP stats, AnalyzeAttrFetchFunc fetchfunc, int samplerows, int *n)
{
	gridcode   *sample = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(gridcode) * Max(samplerows, 1));
	int			row;

	*n = 0;
	for (row = 0; row < samplerows; row++)
	{
		bool		isnull;
		Datum		value = fetchfunc(stats, row, &isnull);

		analyze_delay_point();
		if (!isnull)
			sample[(*n)++] = DatumGetGridcode(value);
	}
	qsort(sample, *n, sizeof(gridcode), compare_codes);
	return sample;
}

/* Write the slot, in fractions of samplerows, into the first free place. */
static void
store_slot(VacAttrStatsP stats, const PrefixCount *counts, int ncounts, const double *mean, int samplerows)
{
	MemoryContext old;
	int			slot = 0;
	int			i;

	while (slot < STATISTIC_NUM_SLOTS && stats->stakind[slot] != 0)
		slot++;
	if (slot == STATISTIC_NUM_SLOTS)
		return;

	old = MemoryContextSwitchTo(stats->anl_context);
	stats->stakind[slot] = STATISTIC_KIND_GRID_PREFIXES;
	stats->staop[slot] = InvalidOid;
	stats->stacoll[slot] = InvalidOid;
	stats->numnumbers[slot] = GRIDCODE_MAX_DIGITS + ncounts;
	stats->stanumbers[slot] = palloc(sizeof(float4) * (GRIDCODE_MAX_DIGITS + ncounts));
	for (i = 0; i < GRIDCODE_MAX_DIGITS; i++)
		stats->stanumbers[slot][i] = (float4) (mean[i + 1] / samplerows);
	stats->numvalues[slot] = ncounts;
	stats->stavalues[slot] = ncounts > 0 ? palloc(sizeof(Datum) * ncounts) : NULL;
	for (i = 0; i < ncounts; i++)
	{
		stats->stavalues[slot][i] = GridcodeGetDatum(counts[i].code);
		stats->stanumbers[slot][GRIDCODE_MAX_DIGITS + i] = (float4) (counts[i].rows / samplerows);
	}
	MemoryContextSwitchTo(old);
}

static void
compute_stats(VacAttrStatsP stats, AnalyzeAttrFetchFunc fetchfunc, int samplerows, double totalrows)
{
	StandardAnalyze *standard = stats->extra_data;
	gridcode   *sample;
	PrefixCount *counts;
	PrefixCount *work;
	double		mean[GRIDCODE_MAX_DIGITS + 1];
	int			n;
	int			ncounts;

	stats->extra_data = standard->extra_data;
	standard->compute_stats(stats, fetchfunc, samplerows, totalrows);
	stats->extra_data = standard;
	if (!stats->stats_valid)
		return;

	sample = ordered_sample(stats, fetchfunc, samplerows, &n);
	if (n == 0)
		return;
	counts = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PrefixCount) * n);
	work = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PrefixCount) * n);

	/* Where every row was seen, every count is the truth. */
	ncounts = prefix_counts(sample, n, samplerows < totalrows ? LEAST_ROWS : 2,
							AREAS_A_TARGET * analyze_target(stats), work, counts);
	prefix_means(sample, n, totalrows * n / samplerows, counts, ncounts, mean);
	store_slot(stats, counts, ncounts, mean, samplerows);
	pfree(work);
	pfree(counts);
	pfree(sample);
}

Datum
gridcode_typanalyze(PG_FUNCTION_ARGS)
{
	VacAttrStatsP stats = (VacAttrStatsP) PG_GETARG_POINTER(0);
	StandardAnalyze *standard;

	if (!std_typanalyze(stats))
		PG_RETURN_BOOL(false);
	standard = palloc(sizeof(StandardAnalyze));
	standard->compute_stats = stats->compute_stats;
	standard->extra_data = stats->extra_data;
	stats->compute_stats = compute_stats;
	stats->extra_data = standard;
	PG_RETURN_BOOL(true);
}
