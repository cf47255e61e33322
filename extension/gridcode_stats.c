/*
 * gridcode_stats.c
 *	  Reads the statistics slot of gridcode columns.
 */
#include "gridcode_stats.h"

#include "utils/lsyscache.h"

/* Where nothing is known: core's guess for a range. */
#define DEFAULT_SUBTREE_FRACTION DEFAULT_RANGE_INEQ_SEL

bool
gridcode_stats(const VariableStatData *vardata, GridcodeStats *stats)
{
	AttStatsSlot slot;
	int			i;

	if (!HeapTupleIsValid(vardata->statsTuple) ||
		!get_attstatsslot(&slot, vardata->statsTuple, STATISTIC_KIND_GRID_PREFIXES,
						  InvalidOid, ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		return false;
	if (slot.nnumbers != GRIDCODE_MAX_DIGITS + slot.nvalues)
	{
		free_attstatsslot(&slot);
		return false;
	}

	stats->mean[0] = 0;
	for (i = 0; i < GRIDCODE_MAX_DIGITS; i++)
		stats->mean[i + 1] = slot.numbers[i];
	stats->ncounts = slot.nvalues;
	stats->counts = palloc(sizeof(PrefixCount) * Max(slot.nvalues, 1));
	for (i = 0; i < slot.nvalues; i++)
	{
		stats->counts[i].code = DatumGetGridcode(slot.values[i]);
		stats->counts[i].rows = slot.numbers[GRIDCODE_MAX_DIGITS + i];
	}
	free_attstatsslot(&slot);
	return true;
}

double
gridcode_subtree_fraction(const GridcodeStats *stats, gridcode area)
{
	double		fraction = prefix_rows(stats->counts, stats->ncounts, stats->mean, area);

	CLAMP_PROBABILITY(fraction);
	return fraction;
}

double
gridcode_between_fraction(const GridcodeStats *stats, gridcode from, gridcode to)
{
	double		fraction = prefix_rows_between(stats->counts, stats->ncounts, from, to);

	CLAMP_PROBABILITY(fraction);
	return fraction;
}

/* The mean of the listed areas: what is asked for is mostly an area of some size. */
double
gridcode_unknown_fraction(const GridcodeStats *stats)
{
	double		sum = 0;
	int			i;

	if (stats == NULL || stats->ncounts == 0)
		return DEFAULT_SUBTREE_FRACTION;
	for (i = 0; i < stats->ncounts; i++)
		sum += stats->counts[i].rows;
	sum /= stats->ncounts;
	CLAMP_PROBABILITY(sum);
	return sum;
}
