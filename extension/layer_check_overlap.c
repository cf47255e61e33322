/*
 * layer_check_overlap.c
 *	  Areas of one level that overlap.
 *
 * Suspects are the areas with an open edge. Each is intersected with the areas
 * of its level whose boxes it meets; of those that do overlap the clean
 * neighbours become suspects, too, until there are no new ones. Why that finds
 * every pair is said in coverage_pairs.h.
 */
#include "layer_check.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

/* Pairs that are intersected by one query. */
#define PAIRS_AT_A_TIME	512

typedef struct OverlapCheck
{
	LayerCheck *check;
	int		   *by_x;			/* areas by level and least x */
	double		widest[GRIDCODE_MAX_DIGITS + 1];	/* box of a level */
	int		   *round;			/* in which an area was a suspect; 0: not yet */
	int			now;			/* the round */
	bool	   *overlaps;		/* found in this round */
	int			left[PAIRS_AT_A_TIME];
	int			right[PAIRS_AT_A_TIME];
	int			n;
} OverlapCheck;

static int
compare_by_x(const void *a, const void *b, void *arg)
{
	const LayerCheck *check = arg;
	int			left = *(const int *) a;
	int			right = *(const int *) b;

	if (check->pairs[left].level != check->pairs[right].level)
		return check->pairs[left].level - check->pairs[right].level;
	if (check->areas[left].min_x != check->areas[right].min_x)
		return check->areas[left].min_x < check->areas[right].min_x ? -1 : 1;
	return left - right;
}

static char *
pairs_query(const LayerCheck *check)
{
	char	   *postgis = postgis_schema_quoted();

	return psprintf("SELECT p.n, %s, p.geom FROM (SELECT a.n, (SELECT %s.ST_Multi(%s.ST_Collect(d.geom))"
					"   FROM %s.ST_Dump(%s.ST_CollectionExtract(%s.ST_Intersection(%s, %s), 3)) d WHERE %s) AS geom"
					"  FROM %s JOIN %s ON b.n = a.n OFFSET 0) p WHERE p.geom IS NOT NULL ORDER BY p.n",
					check_measure(check, "p.geom"), postgis, postgis, postgis, postgis, postgis,
					check_valid("a"), check_valid("b"), check_thick(check, "d.geom"),
					check_rows(check, "a", 1), check_rows(check, "b", 1 + CHECK_NKEYS));
}

/* Intersect the pairs that were collected, and report those that overlap. */
static void
flush_pairs(OverlapCheck *o)
{
	LayerCheck *check = o->check;
	Oid			types[2 * CHECK_NKEYS] = {CHECK_KEY_TYPES, CHECK_KEY_TYPES};
	Datum		values[2 * CHECK_NKEYS];
	uint64		found;

	if (o->n == 0)
		return;
	memcpy(values, check_keys(check, o->left, o->n), CHECK_NKEYS * sizeof(Datum));
	memcpy(values + CHECK_NKEYS, check_keys(check, o->right, o->n), CHECK_NKEYS * sizeof(Datum));
	found = check_query(pairs_query(check), 2 * CHECK_NKEYS, types, values);
	for (uint64 i = 0; i < found; i++)
	{
		bool		isnull;
		int			pair = DatumGetInt32(check_value(i, 1, &isnull));
		Datum		area = check_value(i, 2, &isnull);
		Datum		geom = check_value(i, 3, &isnull);
		gridcode	left = check->areas[o->left[pair]].code;
		gridcode	right = check->areas[o->right[pair]].code;

		check_report(check, "overlap", Min(left, right), Max(left, right), &area, &geom);
		o->overlaps[o->left[pair]] = o->overlaps[o->right[pair]] = true;
	}
	SPI_freetuptable(SPI_tuptable);
	o->n = 0;
}

static bool
boxes_meet(const CheckArea *a, const CheckArea *b)
{
	return a->min_x <= b->max_x && b->min_x <= a->max_x && a->min_y <= b->max_y && b->min_y <= a->max_y;
}

/* Was, or will be, this pair of a suspect and another area met from the other side? */
static bool
met_elsewhere(const OverlapCheck *o, int suspect, int other)
{
	return other == suspect || (o->round[other] > 0 && o->round[other] < o->now) ||
		(o->round[other] == o->now && other < suspect);
}

/* Place in by_x of the first area of a level whose box begins at x or later. */
static int
first_by_x(const OverlapCheck *o, int level, double x)
{
	int			low = 0;
	int			high = o->check->n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			area = o->by_x[middle];

		if (o->check->pairs[area].level < level ||
			(o->check->pairs[area].level == level && o->check->areas[area].min_x < x))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Collect the pairs of a suspect and the areas whose boxes meet its box. */
static void
meet(OverlapCheck *o, int suspect)
{
	const LayerCheck *check = o->check;
	const CheckArea *area = &check->areas[suspect];
	int			level = check->pairs[suspect].level;

	if (area->empty || !area->finite)
		return;
	for (int i = first_by_x(o, level, area->min_x - o->widest[level]); i < check->n; i++)
	{
		int			other = o->by_x[i];

		if (check->pairs[other].level != level || check->areas[other].min_x > area->max_x)
			break;
		if (check->areas[other].empty || !check->areas[other].finite || !boxes_meet(area, &check->areas[other]) || met_elsewhere(o, suspect, other))
			continue;
		o->left[o->n] = suspect;
		o->right[o->n++] = other;
		if (o->n == PAIRS_AT_A_TIME)
			flush_pairs(o);
	}
}

static void
start(OverlapCheck *o, LayerCheck *check)
{
	Size		n = Max(check->n, 1);

	o->check = check;
	o->by_x = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
	o->round = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	o->overlaps = palloc0(n);
	o->now = 1;
	for (int i = 0; i < check->n; i++)
	{
		const CheckArea *area = &check->areas[i];
		double	   *widest = &o->widest[check->pairs[i].level];

		o->by_x[i] = i;
		if (!area->empty && area->finite)
			*widest = Max(*widest, area->max_x - area->min_x);
		if (check->pairs[i].open)
			o->round[i] = 1;
	}
	qsort_arg(o->by_x, check->n, sizeof(int), compare_by_x, check);
}

/* The clean neighbours of what overlaps are suspects next; were there any? */
static bool
next_round(OverlapCheck *o)
{
	LayerCheck *check = o->check;
	bool	   *reached = palloc0(Max(check->n, 1));
	bool		any = false;

	for (int i = 0; i < check->n && !any; i++)
		any = o->overlaps[i];
	if (any)
		pairs_spread(&check->edges, check->pairs, o->overlaps, reached);
	any = false;
	o->now++;
	for (int i = 0; i < check->n; i++)
		if ((reached[i] || o->overlaps[i]) && o->round[i] == 0)
		{
			o->round[i] = o->now;
			any = true;
		}
	pfree(o->overlaps);
	o->overlaps = palloc0(Max(check->n, 1));
	pfree(reached);
	return any;
}

void
check_overlaps(LayerCheck *check)
{
	OverlapCheck *o = palloc0(sizeof(OverlapCheck));

	start(o, check);
	do
	{
		for (int i = 0; i < check->n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (o->round[i] == o->now)
				meet(o, i);
		}
		flush_pairs(o);
	} while (next_round(o));
	pfree(o->by_x);
	pfree(o->round);
	pfree(o->overlaps);
	pfree(o);
}
