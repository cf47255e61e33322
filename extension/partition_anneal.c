/*
 * partition_anneal.c
 *	  Simulated annealing: border vertices change parts, ever more choosily.
 *
 * A step moves a vertex to a neighbouring part, or moves one in and another out
 * of the same part: back (a swap) or on to a third part, which is what keeps
 * sums in narrow windows.  A step that costs less than the temperature times
 * -ln of a random number is taken.  The number of steps is fixed, so is the
 * result; the temperature falls in 64 equal ratios.
 */
#include "partition_state.h"

#include <math.h>
#include <string.h>

#define LEVELS		64
#define LEVELS_LOG2	6
#define QUANTILES	1024

/* A graph of no more vertices than this is copied whenever it is better than before. */
#define SMALL		1500

/* Parts of no more vertices than this have a member drawn by walking their list. */
#define SMALL_PART	32

typedef struct Annealer
{
	PartState  *s;
	const AnnealPlan *plan;
	double		temperature;
	double		patience[QUANTILES];	/* -ln of (i + 0.5) / QUANTILES */
	PartScore	best_score;
	int		   *best;
} Annealer;

/* ln(x) for 0 < x <= 1 by arithmetic alone, so that it is the same on every machine. */
static double
natural_log(double x)
{
	double		halvings = 0;
	double		z;
	double		power;
	double		sum = 0;

	while (x < 0.7)
	{
		x *= 2;
		halvings++;
	}
	z = (x - 1) / (x + 1);
	power = z;
	for (int i = 1; i < 30; i += 2)
	{
		sum += power / i;
		power *= z * z;
	}
	return 2 * sum - halvings * 0.69314718055994531;
}

static bool
accepts(Annealer *a, double cost)
{
	if (cost <= 0)
		return true;
	return cost <= a->temperature * a->patience[next_random(&a->s->random) % QUANTILES];
}

static double
home_cost(const PartState *s, int v, int to)
{
	int64_t		weight = s->graph->vertices[v].weight[0];

	if (s->home == NULL || s->home[v] < 0)
		return 0;
	return s->home_price * (double) weight * ((s->home[v] != to) - (s->home[v] != s->part[v]));
}

/* What a move costs; *rise is by how much the violation grows. */
static double
move_cost(const Annealer *a, int v, int to, int64_t *rise)
{
	const PartState *s = a->s;
	const PartSums *from = &s->parts[s->part[v]];
	const PartSums *into = &s->parts[to];
	PartSums	source;
	PartSums	target;

	state_look(s, v, to, &source, &target);
	*rise = source.violation + target.violation - from->violation - into->violation;
	return a->plan->price * (source.strain + target.strain - from->strain - into->strain)
		+ (source.shape + target.shape - from->shape - into->shape) + home_cost(s, v, to);
}

/* A random part that v borders; -1: the edge drawn leads to its own. */
static int
random_neighbour_part(PartState *s, int v)
{
	const PartitionGraph *g = s->graph;
	int			degree = (int) (g->first[v + 1] - g->first[v]);
	int			to = s->part[g->edges[g->first[v] + (size_t) random_below(&s->random, degree)].to];

	return to == s->part[v] ? -1 : to;
}

/* A random member of a part, near v where the part is large; -1: none found. */
static int
random_member(PartState *s, int part, int v)
{
	const PartitionGraph *g = s->graph;

	if (s->parts[part].n <= SMALL_PART)
	{
		int			u = s->parts[part].head;

		for (int i = random_below(&s->random, s->parts[part].n); i > 0; i--)
			u = s->next[u];
		return u;
	}
	for (int i = random_below(&s->random, 6); i >= 0; i--)
	{
		int			degree = (int) (g->first[v + 1] - g->first[v]);
		int			to = g->edges[g->first[v] + (size_t) random_below(&s->random, degree)].to;

		if (s->part[to] == part)
			v = to;
	}
	return v;
}

static void
remember(Annealer *a)
{
	memcpy(a->best, a->s->part, sizeof(int) * (size_t) a->s->graph->n);
	a->best_score = a->s->score;
}

/* A step was taken. */
static void
taken(Annealer *a)
{
	const PartScore *now = &a->s->score;
	const PartScore *best = &a->best_score;

	if (a->s->graph->n <= SMALL && now->violation <= best->violation && compare_scores(now, best) < 0)
	{
		/* Shapes change all the time: only what is clearly better is worth a copy. */
		if (now->violation < best->violation || now->violating < best->violating || now->moved < best->moved
			|| now->shape < best->shape - 0.01)
			remember(a);
	}
}

/* One vertex to a part next to it. */
static void
step_single(Annealer *a, int v, int to)
{
	int64_t		rise;
	double		cost = move_cost(a, v, to, &rise);

	if ((a->plan->strict && rise > 0) || !accepts(a, cost) || !state_may_leave(a->s, v))
		return;
	state_move(a->s, v, to);
	taken(a);
}

/* One vertex in, and another out of the part that took it. */
static void
step_double(Annealer *a, int v, int to)
{
	PartState  *s = a->s;
	int			from = s->part[v];
	int64_t		rise;
	int64_t		more;
	double		cost;
	int			u;
	int			on;

	u = random_member(s, to, v);
	if (u < 0 || u == v || s->foreign[u] == 0 || s->part[u] != to || !state_may_leave(s, v))
		return;
	cost = move_cost(a, v, to, &rise);
	state_move(s, v, to);
	on = s->foreign[u] > 0 ? random_neighbour_part(s, u) : -1;
	if (on >= 0)
	{
		cost += move_cost(a, u, on, &more);
		if (!(a->plan->strict && rise + more > 0) && accepts(a, cost) && state_may_leave(s, u))
		{
			state_move(s, u, on);
			taken(a);
			return;
		}
	}
	state_move(s, v, from);
}

static void
anneal_level(Annealer *a, int64_t steps)
{
	PartState  *s = a->s;

	for (int64_t i = 0; i < steps && s->nborder > 0; i++)
	{
		int			v = s->border[random_below(&s->random, s->nborder)];
		int			to = random_neighbour_part(s, v);

		pace(&s->pace, 24);
		if (to < 0)
			continue;
		if (next_random(&s->random) % 2 == 0)
			step_single(a, v, to);
		else
			step_double(a, v, to);
	}
	if (compare_scores(&s->score, &a->best_score) < 0)
		remember(a);
}

void
partition_anneal(PartState *s, const AnnealPlan *plan)
{
	Annealer	a = {.s = s, .plan = plan, .temperature = plan->hot};
	double		ratio = plan->cold / plan->hot;

	if (s->k < 2)
		return;
	for (int i = 0; i < LEVELS_LOG2; i++)
		ratio = sqrt(ratio);
	for (int i = 0; i < QUANTILES; i++)
		a.patience[i] = -natural_log((i + 0.5) / QUANTILES);
	a.best = host_array(s->pace.host, int, s->graph->n);
	for (int i = 0; i < LEVELS; i++)
	{
		/* What was there is one of those seen, unless another is wanted. */
		if (i == 0 || (plan->afresh && i == LEVELS / 2))
			remember(&a);
		anneal_level(&a, plan->steps / LEVELS);
		a.temperature *= ratio;
	}
	if (compare_scores(&a.best_score, &s->score) < 0)
		state_set(s, a.best);
	s->pace.host->release(a.best);
}
