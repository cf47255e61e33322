/*
 * build_report.c
 *	  Whether grids in both windows are possible at all, from sums alone.
 *
 * What it calls impossible is.  What it calls possible need not be, because
 * buildings are not sand and grids are connected.
 */
#include "build_report.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"

static bool
is_oversized(const BuildTask *task, const BuildAtom *atom)
{
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
		if (atom->weight[w] > task->bounds.max[w])
			return true;
	return false;
}

static void
find_oversized(const BuildTask *task, BuildReport *report)
{
	report->oversized = palloc_array(int64, task->natoms);
	for (int i = 0; i < task->natoms; i++)
		if (is_oversized(task, &task->atoms[i]))
			report->oversized[report->noversized++] = task->atoms[i].id;
}

/* The part of the area whose border is nearest to a place outside. */
static int
nearest_part(const BuildRings *parts, int n, MeshPoint place)
{
	double		best = INFINITY;
	int			nearest = 0;

	for (int p = 0; p < n; p++)
	{
		MeshPoint	near;
		double		square = build_square_to_rings(&parts[p], place, &near);

		if (square >= best)
			continue;
		best = square;
		nearest = p;
	}
	return nearest;
}

typedef struct Sums
{
	int64		weight[PARTITION_WEIGHTS];
	int64		atoms;			/* in which there is somebody */
} Sums;

/* The sums of the parts of the area. */
static Sums *
sum_parts(BuildTask *task, int *n)
{
	BuildRings	area = {0};
	BuildMap   *map = build_map_begin();
	BuildRings *parts;
	Sums	   *sums;

	build_read_rings(&area, task->area, &task->frame);
	*n = area.rings[area.nrings - 1].polygon + 1;
	parts = palloc0_array(BuildRings, *n);
	for (int r = 0; r < area.nrings; r++)
	{
		BuildRings *part = &parts[area.rings[r].polygon];

		if (part->nrings++ == 0)
			*part = (BuildRings) {.rings = &area.rings[r], .nrings = 1, .points = area.points};
	}
	for (int p = 0; p < *n; p++)
		build_map_add(map, p, &parts[p]);
	build_map_finish(map);
	sums = palloc0_array(Sums, *n);
	for (int i = 0; i < task->natoms; i++)
	{
		MeshPoint	place = build_place(task, &task->atoms[i]);
		int			part = build_map_locate(map, place);

		if (part < 0)
			part = nearest_part(parts, *n, place);
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			sums[part].weight[w] += task->atoms[i].weight[w];
		sums[part].atoms += task->atoms[i].weight[0] > 0 || task->atoms[i].weight[1] > 0;
	}
	return sums;
}

static char *
counts_of(const BuildTask *task, const Sums *sums)
{
	if (!task->has_residents)
		return psprintf("%lld households", (long long) sums->weight[0]);
	return psprintf("%lld households and %lld residents", (long long) sums->weight[0], (long long) sums->weight[1]);
}

/* Adds up what is possible in the parts of the area. */
static void
find_range(BuildTask *task, BuildReport *report)
{
	int			n;
	Sums	   *sums = sum_parts(task, &n);
	int			lived_in = 0;
	bool		possible = true;

	report->grids = (PartitionRange) {0, 0};
	for (int p = 0; p < n; p++)
	{
		PartitionRange range = partition_range(&task->bounds, sums[p].weight);

		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			report->total[w] += sums[p].weight[w];
		if (sums[p].weight[0] == 0 && sums[p].weight[1] == 0)
			continue;
		lived_in++;
		/* Without a minimum there may be ever so many, but each needs an atom. */
		range.high = Min(range.high, sums[p].atoms);
		range.low = Min(range.low, PG_INT32_MAX / n);
		if (range.low > range.high)
			possible = false;
		if (!possible && report->reason == NULL)
			report->reason = psprintf(n == 1 ? "no number of grids fits %s"
									  : "a part of the area with %s fits no number of grids", counts_of(task, &sums[p]));
		report->grids.low += range.low;
		report->grids.high += range.high;
	}
	if (lived_in == 0)
		report->reason = "there are no households";
	if (!possible || lived_in == 0)
		report->grids = (PartitionRange) {1, 0};
}

/* What a household's size leaves of the window of households. */
static void
find_legal(const BuildTask *task, BuildReport *report)
{
	const PartitionBounds *bounds = &task->bounds;

	report->legal = (PartitionRange) {bounds->min[0], bounds->max[0]};
	report->household_size = NAN;
	if (!task->has_residents || report->total[0] == 0)
		return;
	report->household_size = (double) report->total[1] / report->total[0];
	if (report->total[1] == 0)
	{
		if (bounds->min[1] > 0)
			report->legal = (PartitionRange) {1, 0};
		return;
	}
	/* Totals are below 2^31, and so are bounds. */
	report->legal.low = Max(report->legal.low,
							(bounds->min[1] * report->total[0] + report->total[1] - 1) / report->total[1]);
	report->legal.high = Min(report->legal.high, bounds->max[1] * report->total[0] / report->total[1]);
}

/* Words for atoms that alone break a bound. */
static char *
oversized_reason(const BuildReport *report)
{
	StringInfoData words;

	initStringInfo(&words);
	appendStringInfo(&words, report->noversized == 1 ? "atom %lld alone is above a maximum" : "atoms %lld",
					 (long long) report->oversized[0]);
	for (int i = 1; i < Min(report->noversized, 5); i++)
		appendStringInfo(&words, ", %lld", (long long) report->oversized[i]);
	if (report->noversized > 5)
		appendStringInfo(&words, " and %d more", report->noversized - 5);
	if (report->noversized > 1)
		appendStringInfoString(&words, " are each alone above a maximum");
	return words.data;
}

void
build_report(BuildTask *task, BuildReport *report)
{
	memset(report, 0, sizeof(*report));
	find_oversized(task, report);
	if (report->noversized > 0)
		report->reason = oversized_reason(report);
	find_range(task, report);
	find_legal(task, report);
	if (report->reason == NULL && task->grids > 0 &&
		(task->grids < report->grids.low || task->grids > report->grids.high))
		report->reason = psprintf("%d grids are asked for, but only %lld to %lld can be in bounds", task->grids,
								  (long long) report->grids.low, (long long) report->grids.high);
	report->possible = report->reason == NULL;
}
