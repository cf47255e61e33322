/*
 * partition_cover.c
 *	  The best partition of a small graph, by going through all that could be better.
 *
 * Sets of vertices are bits of a word.  The first free vertex has to be in some
 * part: each connected set of free vertices that holds it is tried, and what
 * is left is cut likewise.  A branch ends where what is fixed so far, and the
 * least that the rest will violate, is no better than the best partition known.
 * The vertices are numbered across the longest extent of the graph, so that the
 * first free one lies at the rim of what is left.
 *
 * Where only the violation counts, what is left after a part is remembered with
 * the violation that it is known to exceed: many beginnings leave the same rest.
 */
#include "partition_state.h"

#include <string.h>

#define TABLE_MOST	14			/* bits */
#define DIRECTIONS	4

static const double direction[DIRECTIONS][2] = {
	{1, 0}, {0.70710678118654752, 0.70710678118654752}, {0, 1}, {-0.70710678118654752, 0.70710678118654752}
};

/* A rest that cannot be cut into so many parts with a score this low or lower. */
typedef struct DeadRest
{
	uint64_t	rest;
	int64_t		violation;
	int			violating;
	int			k;				/* 0: no entry */
} DeadRest;

typedef struct Cover
{
	const CoverTask *task;
	PartPace   *pace;
	int			n;
	int64_t		cap;
	int			order[COVER_MOST];	/* vertex of each bit */
	int			bit[COVER_MOST];	/* the other way */
	uint64_t	adjacent[COVER_MOST];
	PartitionVertex vertex[COVER_MOST];	/* as the bits are numbered */
	int			home[COVER_MOST];
	uint64_t	labels;			/* homes that have been given to parts */
	int64_t		budget;
	bool		found;
	bool		stopped;
	PartScore	best;
	uint64_t	chosen[COVER_MOST];	/* the parts up to here */
	int			chosen_label[COVER_MOST];
	int			part[COVER_MOST];	/* of each bit, in the best */
	DeadRest   *table;			/* or NULL */
	int			table_bits;
} Cover;

static inline int
lowest(uint64_t set)
{
	return __builtin_ctzll(set);
}

#define BIT(i) (UINT64_C(1) << (i))

static uint64_t
connected_from(const Cover *c, uint64_t within)
{
	uint64_t	reached = within & -within;
	uint64_t	fresh = reached;

	while (fresh != 0)
	{
		int			v = lowest(fresh);
		uint64_t	more = c->adjacent[v] & within & ~reached;

		fresh = (fresh & (fresh - 1)) | more;
		reached |= more;
	}
	return reached;
}

static void
sum_up(const Cover *c, uint64_t set, int64_t sum[PARTITION_WEIGHTS])
{
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
		sum[w] = 0;
	for (; set != 0; set &= set - 1)
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			sum[w] += c->vertex[lowest(set)].weight[w];
}

/* The least violation that sand of one connected rest has, whatever its number of parts, 1 to k; which numbers have none. */
static int64_t
least_of_component(const Cover *c, const int64_t sum[PARTITION_WEIGHTS], int k, int *low, int *high)
{
	int64_t		least = INT64_MAX;

	for (int i = 1; i <= k; i++)
	{
		int64_t		violation = sand_violation(c->task->bounds, sum, i);

		if (violation < least)
		{
			least = violation;
			*low = i;
		}
		else if (violation > least)
			break;
		*high = i;
	}
	return least;
}

/* No cut of the rest into k parts violates less; -1: it cannot be cut into k parts at all. */
static int64_t
least_of_rest(const Cover *c, uint64_t rest, int k)
{
	int64_t		total[PARTITION_WEIGHTS] = {0};
	int64_t		least = 0;
	int64_t		sand;
	int			low = 0;
	int			high = 0;
	int			components = 0;

	if (__builtin_popcountll(rest) < k)
		return -1;
	while (rest != 0)
	{
		uint64_t	component = connected_from(c, rest);
		int64_t		sum[PARTITION_WEIGHTS];
		int			component_low = 1;
		int			component_high = 1;

		rest &= ~component;
		if (++components > k)
			return -1;
		sum_up(c, component, sum);
		least = add_capped(least, least_of_component(c, sum, k, &component_low, &component_high));
		low += component_low;
		high += component_high;
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			total[w] += sum[w];
	}
	sand = sand_violation(c->task->bounds, total, k);
	least = least > sand ? least : sand;
	if (least == 0 && (k < low || k > high))
		least = 1;
	return least < c->cap ? least : c->cap;
}

/* Whether so much is enough to end the branch. */
static bool
no_better(const Cover *c, const PartScore *score)
{
	return compare_scores(score, &c->best) >= 0;
}

static DeadRest *
table_entry(const Cover *c, uint64_t rest, int k)
{
	uint64_t	hash = (rest ^ (uint64_t) k << 58) * UINT64_C(0x9e3779b97f4a7c15);

	return &c->table[hash >> (64 - c->table_bits)];
}

/* The violation that the rest may have if the whole is to be better than the best: less than that. */
static void
allowance(const Cover *c, const PartScore *so_far, int64_t *violation, int *violating)
{
	*violation = c->best.violation - so_far->violation;
	*violating = c->best.violating - so_far->violating;
}

static bool
known_dead(const Cover *c, uint64_t rest, int k, const PartScore *so_far)
{
	const DeadRest *entry = table_entry(c, rest, k);
	int64_t		violation;
	int			violating;

	if (entry->k != k || entry->rest != rest)
		return false;
	allowance(c, so_far, &violation, &violating);
	return violation < entry->violation || (violation == entry->violation && violating <= entry->violating);
}

/* Nothing better was found below: the rest has no cut that scores less than what is allowed now. */
static void
remember_dead(Cover *c, uint64_t rest, int k, const PartScore *so_far)
{
	DeadRest   *entry = table_entry(c, rest, k);

	entry->rest = rest;
	entry->k = k;
	allowance(c, so_far, &entry->violation, &entry->violating);
}

static double
shape_of_set(const Cover *c, uint64_t set)
{
	const PartitionGraph *g = c->task->graph;
	double		area = 0;
	double		x = 0;
	double		y = 0;
	double		square = 0;
	double		border = 0;
	double		inside = 0;

	for (uint64_t s = set; s != 0; s &= s - 1)
	{
		int			i = lowest(s);
		const PartitionVertex *v = &c->vertex[i];

		area += v->area;
		x += v->area * v->x;
		y += v->area * v->y;
		square += v->moment + v->area * (v->x * v->x + v->y * v->y);
		border += v->border;
		for (size_t e = g->first[c->order[i]]; e < g->first[c->order[i] + 1]; e++)
		{
			int			to = c->bit[g->edges[e].to];

			if (!(set & BIT(to)))
				border += cut_length(&g->edges[e]);
			else if (to > i)
				inside += g->edges[e].barrier;
		}
	}
	return part_shape(area, x, y, square, border, inside);
}

static void cut_rest(Cover *c, uint64_t rest, int k, const PartScore *so_far);

/* A partition that is better than the best; parts without a label get those that are left. */
static void
take_cover(Cover *c, const PartScore *score)
{
	uint64_t	spare = ~c->labels;

	c->found = true;
	c->best = *score;
	for (int p = 0; p < c->task->k; p++)
	{
		int			label = c->chosen_label[p];

		if (label < 0)
		{
			label = lowest(spare);
			spare &= spare - 1;
		}
		for (uint64_t s = c->chosen[p]; s != 0; s &= s - 1)
			c->part[lowest(s)] = label;
	}
}

/* The set is a part with that label (-1: any that is left). */
static void
label_part(Cover *c, uint64_t rest, int k, const PartScore *so_far, int label)
{
	c->chosen_label[c->task->k - k] = label;
	if (k == 1)
		take_cover(c, so_far);
	else
		cut_rest(c, rest, k - 1, so_far);
}

/* Each home that is left in the set could be its label; then most of it stays. */
static void
choose_label(Cover *c, uint64_t set, uint64_t rest, int k, const PartScore *so_far)
{
	uint64_t	tried = c->labels;
	int64_t		all = 0;

	for (uint64_t s = set; s != 0; s &= s - 1)
		if (c->home[lowest(s)] >= 0)
			all += c->vertex[lowest(s)].weight[0];
	for (;;)
	{
		int64_t		kept[COVER_MOST] = {0};
		int			label = -1;
		PartScore	score = *so_far;

		for (uint64_t s = set; s != 0; s &= s - 1)
		{
			int			home = c->home[lowest(s)];

			if (home < 0 || (tried & BIT(home)))
				continue;
			kept[home] += c->vertex[lowest(s)].weight[0];
			if (label < 0 || kept[home] > kept[label])
				label = home;
		}
		if (label >= 0)
			tried |= BIT(label);
		score.moved += label < 0 ? all : all - kept[label];
		if (!no_better(c, &score))
		{
			if (label >= 0)
				c->labels |= BIT(label);
			label_part(c, rest, k, &score, label);
			if (label >= 0)
				c->labels &= ~BIT(label);
		}
		if (label < 0 || c->stopped)
			return;
	}
}

/* The set, with such sums, becomes a part. */
static void
close_part(Cover *c, uint64_t set, uint64_t rest, const int64_t sum[PARTITION_WEIGHTS], int k, const PartScore *so_far)
{
	PartScore	score = *so_far;
	PartScore	least;
	int64_t		violation = part_violation(c->task->bounds, sum, c->cap);
	int64_t		rest_least = 0;

	if ((k == 1) != (rest == 0))
		return;
	score.violation += violation;
	score.violating += violation > 0;
	if (no_better(c, &score))
		return;
	if (k > 1)
	{
		rest_least = least_of_rest(c, rest, k - 1);
		if (rest_least < 0)
			return;
		least = score;
		least.violation += rest_least;
		least.violating += rest_least > 0;
		if (no_better(c, &least))
			return;
	}
	if (c->task->shaped)
	{
		score.shape += shape_of_set(c, set);
		least = score;
		least.violation += rest_least;
		least.violating += rest_least > 0;
		least.shape += k - 1;
		if (no_better(c, &least))
			return;
	}
	c->chosen[c->task->k - k] = set;
	if (c->task->home != NULL)
		choose_label(c, set, rest, k, &score);
	else
		label_part(c, rest, k, &score, -1);
}

/* Grow a part from a set by vertices of edge, never taking those of refused. */
static void
grow_part(Cover *c, uint64_t set, uint64_t edge, uint64_t refused, uint64_t free,
		  const int64_t sum[PARTITION_WEIGHTS], int k, const PartScore *so_far)
{
	const PartitionBounds *bounds = c->task->bounds;
	PartScore	least = *so_far;
	int64_t		excess = 0;

	pace(c->pace, 4);
	if (c->stopped || --c->budget < 0)
	{
		c->stopped = true;
		return;
	}
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
		if (sum[w] > bounds->max[w])
			excess = add_capped(excess, sum[w] - bounds->max[w]);
	least.violation += excess < c->cap ? excess : c->cap;
	least.violating += excess > 0;
	if (no_better(c, &least))
		return;
	close_part(c, set, free & ~set, sum, k, so_far);
	while (edge != 0)
	{
		int			v = lowest(edge);
		int64_t		more[PARTITION_WEIGHTS];

		edge &= edge - 1;
		refused |= BIT(v);
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			more[w] = sum[w] + c->vertex[v].weight[w];
		grow_part(c, set | BIT(v), edge | (c->adjacent[v] & free & ~set & ~refused), refused, free, more, k, so_far);
	}
}

static void
cut_rest(Cover *c, uint64_t rest, int k, const PartScore *so_far)
{
	int			v = lowest(rest);

	if (c->table != NULL && known_dead(c, rest, k, so_far))
		return;
	grow_part(c, BIT(v), c->adjacent[v] & rest, BIT(v), rest, c->vertex[v].weight, k, so_far);
	if (c->table != NULL && !c->stopped)
		remember_dead(c, rest, k, so_far);
}

/* Number the vertices across the longest extent. */
static void
set_order(Cover *c)
{
	const PartitionGraph *g = c->task->graph;
	double		key[COVER_MOST];
	int			scratch[COVER_MOST];
	double		longest = -1;
	int			best = 0;

	for (int d = 0; d <= DIRECTIONS; d++)
	{
		const double *along = direction[d < DIRECTIONS ? d : best];

		for (int v = 0; v < g->n; v++)
		{
			key[v] = g->vertices[v].x * along[0] + g->vertices[v].y * along[1];
			c->order[v] = v;
		}
		sort_by_key(c->order, g->n, key, scratch, c->pace);
		if (d < DIRECTIONS && key[c->order[g->n - 1]] - key[c->order[0]] > longest)
		{
			longest = key[c->order[g->n - 1]] - key[c->order[0]];
			best = d;
		}
	}
	for (int i = 0; i < g->n; i++)
		c->bit[c->order[i]] = i;
}

static void
set_bits(Cover *c)
{
	const PartitionGraph *g = c->task->graph;

	for (int i = 0; i < g->n; i++)
	{
		int			v = c->order[i];

		c->vertex[i] = g->vertices[v];
		c->home[i] = c->task->home != NULL ? c->task->home[v] : -1;
		c->adjacent[i] = 0;
		for (size_t e = g->first[v]; e < g->first[v + 1]; e++)
			if (g->edges[e].to != v)
				c->adjacent[i] |= BIT(c->bit[g->edges[e].to]);
	}
}

CoverOutcome
partition_cover(const CoverTask *task, PartPace *steps, int *part, PartScore *score)
{
	const PartitionGraph *g = task->graph;
	Cover		c = {.task = task, .pace = steps, .n = g->n, .cap = part_cap(task->k), .budget = task->budget};
	PartScore	nothing = {0};
	uint64_t	all = g->n == COVER_MOST ? ~UINT64_C(0) : BIT(g->n) - 1;

	c.best = task->below;
	if (!task->shaped)
		c.best.shape = 0;
	if (task->home == NULL)
		c.best.moved = 0;
	set_order(&c);
	set_bits(&c);
	if (!task->shaped && task->home == NULL && g->n > 8)
	{
		c.table_bits = g->n < TABLE_MOST ? g->n : TABLE_MOST;
		c.table = host_array(steps->host, DeadRest, (size_t) 1 << c.table_bits);
		memset(c.table, 0, sizeof(DeadRest) << c.table_bits);
	}
	if (!(task->k == 1 && connected_from(&c, all) != all))
		cut_rest(&c, all, task->k, &nothing);
	if (c.table != NULL)
		steps->host->release(c.table);
	if (!c.found)
		return c.stopped ? COVER_GAVE_UP : COVER_NONE;
	for (int i = 0; i < c.n; i++)
		part[c.order[i]] = c.part[i];
	*score = c.best;
	return c.stopped ? COVER_BETTER : COVER_FOUND;
}
