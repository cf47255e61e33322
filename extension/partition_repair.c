/*
 * partition_repair.c
 *	  A few parts at a time are cut anew: to end violations, and for better shapes.
 *
 * A region grows from a part over random borders until its sums allow it to
 * violate less than it does.  Small regions are searched through exactly
 * (partition_cover.c), within a budget; larger ones are annealed by themselves.
 */
#include "partition_state.h"

/* Parts of a region. */
#define EXACT_PARTS		10
#define REGION_PARTS	12

/* Vertices of a region that is searched exactly, and for the best shape. */
#define EXACT_VERTICES	56
#define SHAPE_VERTICES	22

#define EXACT_TRIES		24
#define EXACT_BUDGET	4000	/* at first; twice as much each round ... */
#define EXACT_DOUBLES	5		/* ... so often */
#define SHAPE_BUDGET	4000
#define HOME_TRIES		12
#define HOME_BUDGET		40000
#define HOME_VERTICES	30
#define HOME_SHARE		4		/* of the effort on repair, for bringing home */
#define ANNEAL_STEPS	1500	/* a vertex */
#define ANNEAL_MOST		200000

typedef struct Region
{
	PartState  *s;
	int			parts[REGION_PARTS];
	int			k;
	int		   *local;			/* number in the region of each part of the state; -1 */
	int		   *index;			/* scratch for cutting out */
	int		   *vertices;
	int			n;
	PartPiece	piece;
	int		   *part;			/* of each vertex, in the numbers of the region */
	int		   *home;
	PartScore	score;
	int			room;			/* of part and home */
} Region;

static void
region_begin(Region *r, PartState *s)
{
	const Host *host = s->pace.host;

	*r = (Region) {.s = s};
	r->local = host_array(host, int, s->k);
	r->index = host_array(host, int, s->graph->n);
	r->vertices = host_array(host, int, s->graph->n);
	r->part = host_array(host, int, s->graph->n);
	r->home = host_array(host, int, s->graph->n);
	for (int p = 0; p < s->k; p++)
		r->local[p] = -1;
	for (int v = 0; v < s->graph->n; v++)
		r->index[v] = -1;
}

static void
region_end(Region *r)
{
	const Host *host = r->s->pace.host;

	host->release(r->local);
	host->release(r->index);
	host->release(r->vertices);
	host->release(r->part);
	host->release(r->home);
}

static void
region_add(Region *r, int part)
{
	const PartSums *p = &r->s->parts[part];

	r->local[part] = r->k;
	r->parts[r->k++] = part;
	r->n += p->n;
	r->score.violation += p->violation;
	r->score.violating += p->violation > 0;
	r->score.shape += p->shape;
}

static void
region_clear(Region *r)
{
	for (int i = 0; i < r->k; i++)
		r->local[r->parts[i]] = -1;
	r->k = 0;
	r->n = 0;
	r->score = (PartScore) {0};
}

/* A part next to the region, over a random border; -1: none was met. */
static int
region_neighbour(Region *r)
{
	PartState  *s = r->s;
	const PartitionGraph *g = s->graph;

	for (int tries = 0; tries < 24; tries++)
	{
		int			part = r->parts[random_below(&s->random, r->k)];
		int			v = s->parts[part].head;

		for (int i = random_below(&s->random, s->parts[part].n); i > 0; i--)
			v = s->next[v];
		pace(&s->pace, s->parts[part].n);
		if (s->foreign[v] == 0)
			continue;
		for (size_t i = g->first[v]; i < g->first[v + 1]; i++)
			if (r->local[s->part[g->edges[i].to]] < 0)
				return s->part[g->edges[i].to];
	}
	return -1;
}

/* Whether the sums of the region let it violate less. */
static bool
region_could_improve(const Region *r)
{
	const PartState *s = r->s;
	int64_t		total[PARTITION_WEIGHTS] = {0};

	for (int i = 0; i < r->k; i++)
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			total[w] += s->parts[r->parts[i]].sum[w];
	return sand_violation(&s->bounds, total, r->k) < r->score.violation;
}

/* Cut the region out. */
static void
region_cut_out(Region *r)
{
	PartState  *s = r->s;
	int			n = 0;

	for (int i = 0; i < r->k; i++)
		for (int v = s->parts[r->parts[i]].head; v >= 0; v = s->next[v])
			r->vertices[n++] = v;
	partition_cut_out(s->graph, r->vertices, n, r->index, &s->pace, &r->piece);
	r->score.moved = 0;
	for (int i = 0; i < n; i++)
	{
		int			v = r->vertices[i];
		int			home = s->home != NULL ? s->home[v] : -1;

		r->part[i] = r->local[s->part[v]];
		r->home[i] = home >= 0 ? r->local[home] : -1;
		if (r->home[i] >= 0 && r->home[i] != r->part[i])
			r->score.moved += s->graph->vertices[v].weight[0];
	}
}

static void
region_take(Region *r)
{
	state_replace(r->s, r->parts, r->k, r->vertices, r->n, r->part);
}

/* Search it exactly; true: it is better now. */
static bool
region_cover(Region *r, bool shaped, int64_t budget)
{
	PartState  *s = r->s;
	CoverTask	task = {
		.bounds = &s->bounds, .k = r->k, .shaped = shaped, .budget = budget,
		.home = s->home != NULL ? r->home : NULL
	};
	PartScore	score;
	CoverOutcome outcome;

	region_cut_out(r);
	task.graph = &r->piece.graph;
	task.below = r->score;
	/* What is equal up to rounding is no better. */
	if (shaped)
		task.below.shape -= 1e-9 * r->score.shape;
	outcome = partition_cover(&task, &s->pace, r->part, &score);
	if (outcome == COVER_FOUND || outcome == COVER_BETTER)
		region_take(r);
	partition_release_piece(s->pace.host, &r->piece);
	return outcome == COVER_FOUND || outcome == COVER_BETTER;
}

/* Anneal it; true: it is better now. */
static bool
region_anneal(Region *r, double hot)
{
	PartState  *s = r->s;
	PartState	inner;
	AnnealPlan	plan = {.hot = hot, .cold = 0.03, .price = 20};
	bool		better;

	region_cut_out(r);
	plan.steps = (int64_t) r->n * ANNEAL_STEPS;
	if (plan.steps > ANNEAL_MOST)
		plan.steps = ANNEAL_MOST;
	state_begin(&inner, &r->piece.graph, &s->bounds, r->k, r->part, s->home != NULL ? r->home : NULL, s->pace.host);
	inner.random ^= (uint64_t) next_random(&s->random) << 20;
	inner.home_price = s->home_price;
	partition_anneal(&inner, &plan);
	s->pace.spent += inner.pace.spent;
	r->score.shape = inner.score.shape;
	better = compare_scores(&inner.score, &r->score) < 0;
	if (better)
	{
		for (int i = 0; i < r->n; i++)
			r->part[i] = inner.part[i];
		region_take(r);
	}
	state_release(&inner);
	partition_release_piece(s->pace.host, &r->piece);
	return better;
}

static bool
is_spent(const PartState *s)
{
	return s->pace.spent >= s->effort;
}

/* Regions around one part, searched exactly. */
static bool
repair_exactly(Region *r, int part, int64_t budget)
{
	PartState  *s = r->s;

	for (int i = 0; i < EXACT_TRIES && s->parts[part].violation > 0 && !is_spent(s); i++)
	{
		int			wanted = 2 + i * (EXACT_PARTS - 1) / EXACT_TRIES;

		region_clear(r);
		region_add(r, part);
		while (r->k < EXACT_PARTS && (r->k < wanted || !region_could_improve(r)))
		{
			int			next = region_neighbour(r);

			if (next < 0 || r->n + s->parts[next].n > EXACT_VERTICES)
				break;
			region_add(r, next);
		}
		if (r->k >= 2 && region_could_improve(r) && region_cover(r, false, budget))
			return true;
	}
	return s->parts[part].violation == 0;
}

/* A larger region around a part, annealed; where little is to move, hardly warmed at first. */
static bool
repair_by_annealing(Region *r, int part, int round)
{
	int			wanted = 4 + round % (REGION_PARTS - 4);
	double		hot = r->s->home != NULL && round < 9 ? 0.1 * (1 + round) : 1;

	region_clear(r);
	region_add(r, part);
	while (r->k < wanted)
	{
		int			next = region_neighbour(r);

		if (next < 0)
			break;
		region_add(r, next);
	}
	return r->k >= 2 && region_could_improve(r) && region_anneal(r, hot);
}

void
partition_repair(PartState *s, int rounds)
{
	Region		r;
	int64_t		least = least_violation(s->graph, &s->bounds, s->k);

	if (s->score.violation <= least || s->k < 2)
		return;
	region_begin(&r, s);
	for (int round = 0; round < rounds && s->score.violation > least; round++)
	{
		int64_t		budget = (int64_t) EXACT_BUDGET << (round < EXACT_DOUBLES ? round : EXACT_DOUBLES);

		for (int p = 0; p < s->k && !is_spent(s); p++)
			if (s->parts[p].violation > 0 && !state_hopeless(s, p) && !repair_exactly(&r, p, budget))
				repair_by_annealing(&r, p, round);
	}
	region_clear(&r);
	region_end(&r);
}

/* Cut a part and one or two of its neighbours in their best shapes. */
static bool
polish_part(Region *r, int part)
{
	PartState  *s = r->s;
	bool		better = false;

	for (int i = 0; i < 6; i++)
	{
		region_clear(r);
		region_add(r, part);
		while (r->k < (i < 4 ? 2 : 3))
		{
			int			next = region_neighbour(r);

			if (next < 0 || r->n + s->parts[next].n > SHAPE_VERTICES)
				break;
			region_add(r, next);
		}
		if (r->k >= 2)
			better |= region_cover(r, true, SHAPE_BUDGET);
	}
	return better;
}

void
partition_polish(PartState *s)
{
	Region		r;
	bool		better = true;

	if (s->k < 2)
		return;
	region_begin(&r, s);
	for (int round = 0; round < 3 && better; round++)
	{
		better = false;
		for (int p = 0; p < s->k; p++)
			better |= polish_part(&r, p);
	}
	region_clear(&r);
	region_end(&r);
}

/* Each vertex goes home where that makes nothing worse. */
static bool
send_home(PartState *s)
{
	bool		better = false;

	for (int v = 0; v < s->graph->n; v++)
	{
		int			home = s->home[v];
		bool		near = false;
		PartScore	before = s->score;
		int			from = s->part[v];

		pace(&s->pace, 8);
		if (home < 0 || home == from)
			continue;
		for (size_t i = s->graph->first[v]; i < s->graph->first[v + 1]; i++)
			near |= s->part[s->graph->edges[i].to] == home;
		if (!near || !state_may_leave(s, v))
			continue;
		state_move(s, v, home);
		if (s->score.violation > before.violation
			|| (s->score.violation == before.violation && s->score.violating > before.violating))
			state_move(s, v, from);
		else
			better = true;
	}
	return better;
}

static bool
has_strangers(const PartState *s, int part)
{
	for (int v = s->parts[part].head; v >= 0; v = s->next[v])
		if (s->home[v] >= 0 && s->home[v] != part)
			return true;
	return false;
}

/* Cut a part that holds strangers anew with some of its neighbours. */
static bool
bring_home_from(Region *r, int part)
{
	bool		better = false;

	for (int i = 0; i < HOME_TRIES && !is_spent(r->s) && has_strangers(r->s, part); i++)
	{
		region_clear(r);
		region_add(r, part);
		while (r->k < 2 + i % 3)
		{
			int			next = region_neighbour(r);

			if (next < 0 || r->n + r->s->parts[next].n > HOME_VERTICES)
				break;
			region_add(r, next);
		}
		if (r->k >= 2)
			better |= region_cover(r, false, HOME_BUDGET);
	}
	return better;
}

void
partition_bring_home(PartState *s)
{
	Region		r;
	bool		better = true;

	if (s->k < 2 || s->home == NULL)
		return;
	region_begin(&r, s);
	s->effort = s->pace.spent + repair_effort(s->graph) / HOME_SHARE;
	for (int round = 0; round < 4 && better && !is_spent(s); round++)
	{
		better = send_home(s);
		for (int p = 0; p < s->k && !is_spent(s); p++)
			better |= bring_home_from(&r, p);
	}
	send_home(s);
	region_clear(&r);
	region_end(&r);
}
