/*
 * partition_number.c
 *	  How many parts: what totals allow, and how parts are handed out to components.
 */
#include "partition_state.h"

static int64_t
multiply_capped(int64_t a, int64_t b)
{
	int64_t		product;

	return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

PartitionRange
partition_range(const PartitionBounds *bounds, const int64_t total[PARTITION_WEIGHTS])
{
	PartitionRange range = {1, INT64_MAX};
	bool		empty = true;

	for (int w = 0; w < PARTITION_WEIGHTS; w++)
	{
		int64_t		low = 1;
		int64_t		high = INT64_MAX;

		empty = empty && total[w] == 0;
		if (total[w] > bounds->max[w])
			low = bounds->max[w] > 0 ? (total[w] - 1) / bounds->max[w] + 1 : INT64_MAX;
		if (bounds->min[w] > 0)
			high = total[w] / bounds->min[w];
		if (total[w] > 0 && bounds->max[w] == 0)
			high = 0;
		range.low = low > range.low ? low : range.low;
		range.high = high < range.high ? high : range.high;
	}
	return empty ? (PartitionRange) {1, 0} : range;
}

int64_t
sand_violation(const PartitionBounds *bounds, const int64_t total[PARTITION_WEIGHTS], int64_t k)
{
	int64_t		violation = 0;

	for (int w = 0; w < PARTITION_WEIGHTS; w++)
	{
		int64_t		least = multiply_capped(bounds->min[w], k);
		int64_t		most = multiply_capped(bounds->max[w], k);

		if (total[w] < least)
			violation = add_capped(violation, least - total[w]);
		else if (total[w] > most)
			violation = add_capped(violation, total[w] - most);
	}
	return violation;
}

/* ---- handing out ---- */

typedef struct Claim
{
	int64_t		gain;			/* by how much one part more lessens the violation */
	double		share;			/* weight of a part then, of the whole */
	int			component;
} Claim;

static bool
claims_before(const Claim *a, const Claim *b)
{
	if (a->gain != b->gain)
		return a->gain > b->gain;
	if (a->share != b->share)
		return a->share > b->share;
	return a->component < b->component;
}

static void
sink_claim(Claim *heap, int n, int at)
{
	for (;;)
	{
		int			first = at;
		Claim		claim = heap[at];

		for (int child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++)
			if (claims_before(&heap[child], &heap[first]))
				first = child;
		if (first == at)
			return;
		heap[at] = heap[first];
		heap[first] = claim;
		at = first;
	}
}

static void
renew_claim(const PartitionBounds *bounds, const int64_t (*total)[PARTITION_WEIGHTS],
			const double sum[PARTITION_WEIGHTS], const int *given, Claim *claim)
{
	int			c = claim->component;

	claim->gain = sand_violation(bounds, total[c], given[c]) - sand_violation(bounds, total[c], (int64_t) given[c] + 1);
	claim->share = 0;
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
		if (sum[w] > 0)
			claim->share += (double) total[c][w] / sum[w];
	claim->share /= given[c];
}

/* The estimate is convex in the number, so that the greatest gain first is best. */
void
distribute_parts(const PartitionBounds *bounds, const int64_t (*total)[PARTITION_WEIGHTS],
				 const int *most, int n, int64_t parts, const Host *host, int *given)
{
	Claim	   *heap = host_array(host, Claim, n);
	double		sum[PARTITION_WEIGHTS] = {0};
	int			waiting = 0;
	PartPace	steps = {.host = host};

	for (int c = 0; c < n; c++)
	{
		given[c] = 1;
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			sum[w] += (double) total[c][w];
	}
	for (int c = 0; c < n; c++)
		if (most[c] > 1)
		{
			heap[waiting].component = c;
			renew_claim(bounds, total, sum, given, &heap[waiting++]);
		}
	for (int i = waiting / 2; i-- > 0;)
		sink_claim(heap, waiting, i);
	for (parts -= n; parts > 0 && waiting > 0; parts--)
	{
		int			c = heap[0].component;

		pace(&steps, 64);
		if (++given[c] < most[c])
			renew_claim(bounds, total, sum, given, &heap[0]);
		else
			heap[0] = heap[--waiting];
		sink_claim(heap, waiting, 0);
	}
	host->release(heap);
}

/* ---- choosing ---- */

/* What is to be cut, but for the vertices that are parts by themselves. */
typedef struct Stock
{
	int64_t		total[PARTITION_WEIGHTS];
	int			single;			/* those vertices */
} Stock;

static void
count_stock(const PartitionGraph *graph, const PartitionBounds *bounds, Stock *stock)
{
	*stock = (Stock) {.single = 0};
	for (int v = 0; v < graph->n; v++)
	{
		const int64_t *weight = graph->vertices[v].weight;

		if (weight[0] > bounds->max[0] || weight[1] > bounds->max[1])
			stock->single++;
		else
			for (int w = 0; w < PARTITION_WEIGHTS; w++)
				stock->total[w] += weight[w];
	}
}

/* The best number as a fraction: half way between the most and the least weight a part may have. */
static double
best_fraction(const PartitionBounds *bounds, const Stock *stock)
{
	double		least = 0;		/* part of the whole that a part may have */
	double		most = 1e300;
	bool		bounded = false;

	for (int w = 0; w < PARTITION_WEIGHTS; w++)
	{
		double		total = (double) stock->total[w];
		double		max = (double) bounds->max[w];

		if (total <= 0 || (bounds->min[w] <= 0 && bounds->max[w] == INT64_MAX))
			continue;
		if (bounds->max[w] == INT64_MAX)
			max = 2 * (double) bounds->min[w];
		if ((double) bounds->min[w] / total > least)
			least = (double) bounds->min[w] / total;
		if (max / total < most)
			most = max / total;
		bounded = true;
	}
	if (!bounded)
		return 1;
	return least + most > 0 ? 2 / (least + most) : 1e300;
}

/* What is possible, and where nothing is, the numbers around the best one. */
static PartitionRange
possible_range(const PartitionBounds *bounds, const Stock *stock, double best, int most)
{
	PartitionRange range = partition_range(bounds, stock->total);

	if (stock->total[0] == 0 && stock->total[1] == 0)
		range = (PartitionRange) {0, 0};
	else if (range.low > range.high)
	{
		range.low = best < (double) most ? (int64_t) best : most;
		range.high = range.low + 1;
	}
	range.low = add_capped(range.low, stock->single);
	range.high = add_capped(range.high, stock->single);
	range.low = range.low < 1 ? 1 : range.low > most ? most : range.low;
	range.high = range.high < range.low ? range.low : range.high > most ? most : range.high;
	return range;
}

PartitionRange
fitting_range(const PartitionGraph *graph, const PartitionBounds *bounds, int most)
{
	Stock		stock;

	count_stock(graph, bounds, &stock);
	return possible_range(bounds, &stock, best_fraction(bounds, &stock), most);
}

/*
 * Ranked by how near they are to the best, as ratios: the average part is then
 * in the middle of what is legal.  Walks outwards from the best.
 */
int
fitting_number(const PartitionGraph *graph, const PartitionBounds *bounds, int most, int rank)
{
	Stock		stock;
	PartitionRange range;
	double		best;
	int64_t		below;
	int64_t		above;

	count_stock(graph, bounds, &stock);
	best = best_fraction(bounds, &stock);
	range = possible_range(bounds, &stock, best, most);
	best += stock.single;
	best = best < (double) range.low ? (double) range.low : best > (double) range.high ? (double) range.high : best;
	below = (int64_t) best;
	above = below + 1;
	for (; below >= range.low || above <= range.high; rank--)
	{
		bool		down = above > range.high;

		if (!down && below >= range.low)
			down = (best - (double) below) * (double) above <= ((double) above - best) * best;
		if (rank == 0)
			return (int) (down ? below : above);
		if (down)
			below--;
		else
			above++;
	}
	return 0;
}

/* ---- trying others ---- */

static void
note_least(NumberSearch *ns, int64_t number)
{
	int64_t		bound = number_bound(ns, number < 1 ? 1 : number > ns->most ? ns->most : (int) number);

	if (bound < ns->least)
		ns->least = bound;
}

/* The bound is convex in the number, so it is least beside one of its bends. */
void
begin_numbers(NumberSearch *ns, const PartitionGraph *graph, const PartitionBounds *bounds, int most)
{
	*ns = (NumberSearch) {.bounds = bounds, .most = most, .all = graph->n <= ALL_NUMBERS, .step = 1, .least = INT64_MAX};
	for (int v = 0; v < graph->n; v++)
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
		{
			int64_t		weight = graph->vertices[v].weight[w];

			ns->total[w] += weight;
			if (weight > bounds->max[w])
				ns->inevitable = add_capped(ns->inevitable, weight - bounds->max[w]);
		}
	note_least(ns, 1);
	note_least(ns, most);
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
		for (int64_t i = 0; i < 2; i++)
		{
			if (bounds->min[w] > 0)
				note_least(ns, ns->total[w] / bounds->min[w] + i);
			if (bounds->max[w] > 0)
				note_least(ns, ns->total[w] / bounds->max[w] + i);
		}
}

int64_t
number_bound(const NumberSearch *ns, int number)
{
	int64_t		sand = sand_violation(ns->bounds, ns->total, number);

	return sand > ns->inevitable ? sand : ns->inevitable;
}

void
note_number(NumberSearch *ns, int number)
{
	ns->tried[ns->ntried++] = number;
}

static bool
is_worth_trying(const NumberSearch *ns, int64_t number, int64_t violation)
{
	if (number < 1 || number > ns->most || number_bound(ns, (int) number) >= violation)
		return false;
	for (int i = 0; i < ns->ntried; i++)
		if (ns->tried[i] == number)
			return false;
	return true;
}

/* On the side that was better: twice as far each time, and half as far where that was no better. */
static int
number_beyond(NumberSearch *ns, int best, int64_t violation)
{
	int			side = best < ns->tried[0] ? -1 : 1;
	bool		better = ns->tried[ns->ntried - 1] == best;

	ns->step = better ? 2 * ns->step : ns->step / 2;
	for (; ns->step > 0; ns->step /= 2)
		if (is_worth_trying(ns, best + (int64_t) side * ns->step, violation))
			return best + side * ns->step;
	ns->step = 1;
	return is_worth_trying(ns, (int64_t) best - side, violation) ? best - side : 0;
}

/* Until one is better than the first: ever farther away on both its sides. */
int
next_number(NumberSearch *ns, int best, int towards, int64_t violation)
{
	int			from = ns->tried[0];
	int			side = towards < from ? -1 : 1;

	if (violation <= ns->least || (!ns->all && ns->ntried == MOST_NUMBERS))
		return 0;
	if (!ns->all && best != from)
		return number_beyond(ns, best, violation);
	for (; ns->step < ns->most; ns->step = ns->all ? ns->step + 1 : 2 * ns->step)
		for (int i = 0; i < 2; i++, side = -side)
			if (is_worth_trying(ns, from + (int64_t) side * ns->step, violation))
				return from + side * ns->step;
	return 0;
}
