/*
 * partition_adjust.c
 *	  Parts that are there now, made to keep their bounds again with little moved.
 *
 * Each component of the graph is made whole first: every part connected, every
 * vertex in a part, the number of parts as wanted.  Then parts that violate are
 * cut anew with their neighbours, within which the least weight moves; the whole
 * is searched only where that does not do.  Last, what need not be away from
 * where it was goes home.
 */
#include "partition_state.h"

#include <string.h>

#define EXACT_VERTICES	14
#define EXACT_BUDGET	3000000
#define REPAIRS			12
#define WHOLE_VERTICES	3000	/* no larger piece is searched as a whole */
#define HOME_PRICE		4		/* of the weight of a whole part */

/* A small piece: the least violation there is, then the least weight that has to move for it. */
static void
finish_exactly(PartState *s)
{
	CoverTask	task = {.graph = s->graph, .bounds = &s->bounds, .k = s->k, .below = s->score, .budget = EXACT_BUDGET};
	PartScore	score;
	int			part[EXACT_VERTICES];
	CoverOutcome outcome = partition_cover(&task, &s->pace, part, &score);

	task.home = s->home;
	task.below = s->score;
	if (outcome == COVER_FOUND || outcome == COVER_BETTER)
	{
		state_set(s, part);
		task.below = s->score;
		task.below.moved = INT64_MAX;
	}
	outcome = partition_cover(&task, &s->pace, part, &score);
	if (outcome == COVER_FOUND || outcome == COVER_BETTER)
		state_set(s, part);
	partition_bring_home(s);
}

/* Search around what violates, and everywhere if that is not enough. */
static void
finish(PartState *s)
{
	if (s->graph->n <= EXACT_VERTICES)
	{
		finish_exactly(s);
		return;
	}
	s->effort = s->pace.spent + repair_effort(s->graph);
	partition_repair(s, REPAIRS);
	if (s->score.violation > least_violation(s->graph, &s->bounds, s->k) && s->graph->n <= WHOLE_VERTICES)
		partition_search(s);
	partition_bring_home(s);
}

/* Adjust one component; returns the number of its parts, whose numbers are in a->number. */
static void
adjust_piece(Adjuster *a, const int *current, int *local, int wanted, PartScore *score)
{
	const Host *host = a->pace.host;
	int		   *home = host_array(host, int, a->graph->n);
	double		middle = 0;
	PartState	s;

	number_parts(a, current, local);
	make_whole(a, wanted);
	for (int p = 0; p < a->k; p++)
		if (a->number[p] >= 0)
			local[a->number[p]] = p;
	for (int v = 0; v < a->graph->n; v++)
	{
		home[v] = current[v] >= 0 ? local[current[v]] : -1;
		middle += (double) a->graph->vertices[v].weight[0];
	}
	for (int p = 0; p < a->k; p++)
		if (a->number[p] >= 0)
			local[a->number[p]] = -1;
	state_begin(&s, a->graph, a->bounds, a->k, a->part, home, host);
	s.home_price = middle > 0 ? HOME_PRICE * a->k / middle : 0;
	if (a->k > 1)
		finish(&s);
	memcpy(a->part, s.part, sizeof(int) * (size_t) a->graph->n);
	*score = s.score;
	state_release(&s);
	host->release(home);
}

/* How many parts each component has now. */
static void
count_parts(const Components *c, const int *current, int *seen)
{
	for (int i = 0; i < c->n; i++)
	{
		c->given[i] = 0;
		for (int j = c->first[i]; j < c->first[i + 1]; j++)
		{
			int			number = current[c->vertices[j]];

			if (number < 0 || seen[number] == i)
				continue;
			seen[number] = i;
			c->given[i]++;
		}
		if (c->given[i] > c->most[i])
			c->given[i] = c->most[i];
	}
}

/* What component i gains by so many parts more; INT64_MIN: it cannot have them. */
static int64_t
gain_of(const Components *c, const PartitionBounds *bounds, int i, int more)
{
	int			k = c->given[i] + more;

	if (k < 1 || k > c->most[i])
		return INT64_MIN;
	return sand_violation(bounds, c->total[i], c->given[i]) - sand_violation(bounds, c->total[i], k);
}

static int
best_to_change(const Components *c, const PartitionBounds *bounds, int more, int64_t *gain)
{
	int			best = -1;

	*gain = INT64_MIN;
	for (int i = 0; i < c->n; i++)
		if (gain_of(c, bounds, i, more) > *gain)
		{
			*gain = gain_of(c, bounds, i, more);
			best = i;
		}
	return best;
}

/* Give parts to components or take them away until there are so many, and then on as long as that lessens the violation. */
static void
redistribute(const Components *c, const PartitionBounds *bounds, int64_t parts, PartPace *steps)
{
	int64_t		have = 0;

	for (int i = 0; i < c->n; i++)
		have += c->given[i];
	for (;;)
	{
		int64_t		gain = 0;
		int64_t		loss = 0;
		int			more = have <= parts ? best_to_change(c, bounds, 1, &gain) : -1;
		int			less = have >= parts ? best_to_change(c, bounds, -1, &loss) : -1;

		pace(steps, 16 * (int64_t) c->n);
		if (have < parts ? more < 0 : have > parts ? less < 0 : more < 0 || less < 0 || more == less || gain <= -loss)
			return;
		if (more >= 0)
			c->given[more]++;
		if (less >= 0)
			c->given[less]--;
		have += (more >= 0) - (less >= 0);
	}
}

/* Which component keeps the number of a current part: where most of it is. */
static void
find_owners(const PartitionGraph *graph, const Components *c, const int *current, int n_current, const Host *host, int *owner)
{
	int64_t	   *most = host_array(host, int64_t, n_current);
	int64_t	   *sum = host_array(host, int64_t, n_current);

	for (int p = 0; p < n_current; p++)
	{
		owner[p] = -1;
		sum[p] = 0;
	}
	for (int i = 0; i < c->n; i++)
	{
		for (int j = c->first[i]; j < c->first[i + 1]; j++)
			if (current[c->vertices[j]] >= 0)
				sum[current[c->vertices[j]]] += graph->vertices[c->vertices[j]].weight[0];
		for (int j = c->first[i]; j < c->first[i + 1]; j++)
		{
			int			p = current[c->vertices[j]];

			if (p >= 0 && (owner[p] < 0 || (owner[p] != i && sum[p] > most[p])))
			{
				owner[p] = i;
				most[p] = sum[p];
			}
		}
		for (int j = c->first[i]; j < c->first[i + 1]; j++)
			if (current[c->vertices[j]] >= 0)
				sum[current[c->vertices[j]]] = 0;
	}
	host->release(most);
	host->release(sum);
}

/* The number of parts of each component. */
static void
choose_numbers(const PartitionGraph *graph, const PartitionBounds *bounds, int parts,
			   const int *current, int n_current, PartPace *steps, int *index, const Components *c)
{
	int		   *seen = host_array(steps->host, int, n_current);

	for (int p = 0; p < n_current; p++)
		seen[p] = -1;
	count_parts(c, current, seen);
	steps->host->release(seen);
	if (parts > 0)
	{
		for (int i = 0; i < c->n; i++)
			c->given[i] = c->given[i] < 1 ? 1 : c->given[i];
		redistribute(c, bounds, parts, steps);
		return;
	}
	for (int i = 0; i < c->n; i++)
	{
		PartPiece	piece;
		PartitionRange range;

		partition_cut_out(graph, c->vertices + c->first[i], c->first[i + 1] - c->first[i], index, steps, &piece);
		range = fitting_range(&piece.graph, bounds, c->most[i]);
		if (c->given[i] < 1)
			c->given[i] = fitting_number(&piece.graph, bounds, c->most[i], 0);
		else if (c->given[i] < range.low)
			c->given[i] = (int) range.low;
		else if (c->given[i] > range.high)
			c->given[i] = (int) range.high;
		partition_release_piece(steps->host, &piece);
	}
}

/* What adjusting a component needs besides it. */
typedef struct AdjustRun
{
	const PartitionGraph *graph;
	const PartitionBounds *bounds;
	const Components *components;
	const int  *current;
	int			n_current;
	bool		any_number;
	int		   *owner;			/* component that keeps the number of each current part */
	int		   *index;			/* scratch for cutting out */
	int		   *local;			/* scratch of each current part */
	int			fresh;			/* new numbers given out */
	PartPace	pace;
} AdjustRun;

/* Write down what the parts of component i are called. */
static void
write_parts(AdjustRun *run, int i, Adjuster *a, const PartPiece *piece, const PartScore *score,
			int *part, PartitionResult *result)
{
	for (int p = 0; p < a->k; p++)
		if (a->number[p] < 0 || run->owner[a->number[p]] != i)
			a->number[p] = run->n_current + run->fresh++;
	for (int j = 0; j < piece->graph.n; j++)
		part[piece->origin[j]] = a->number[a->part[j]];
	result->parts += a->k;
	result->violating += score->violating;
	result->violation = add_capped(result->violation, score->violation);
}

/* Where the number is free and does not do, those next to it that are possible; the best is kept. */
static void
try_numbers_near(AdjustRun *run, Adjuster *a, const int *now, int k, int most, PartScore *score)
{
	PartitionRange range = fitting_range(a->graph, a->bounds, most);
	PartScore	best = *score;
	int			best_k = k;
	int			last = k;

	for (int i = 0; i < 2 && best.violation > least_violation(a->graph, a->bounds, best_k); i++)
	{
		int			number = i == 0 ? k + 1 : k - 1;

		if (number < range.low || number > range.high)
			continue;
		adjust_piece(a, now, run->local, number, score);
		last = number;
		if (score->violation < best.violation
			|| (score->violation == best.violation && score->violating < best.violating))
		{
			best = *score;
			best_k = number;
		}
	}
	if (last != best_k)
		adjust_piece(a, now, run->local, best_k, score);
}

static void
adjust_component(AdjustRun *run, int i, int *part, PartitionResult *result)
{
	const Host *host = run->pace.host;
	const Components *c = run->components;
	int			n = c->first[i + 1] - c->first[i];
	int			k = c->given[i];
	int		   *now = host_array(host, int, n);
	int		   *then = host_array(host, int, n);
	PartPiece	piece;
	PartScore	score;
	Adjuster	a;

	partition_cut_out(run->graph, c->vertices + c->first[i], n, run->index, &run->pace, &piece);
	for (int j = 0; j < n; j++)
		now[j] = run->current[piece.origin[j]];
	adjuster_begin(&a, &piece.graph, run->bounds, then, host);
	adjust_piece(&a, now, run->local, k, &score);
	if (run->any_number && score.violation > 0)
		try_numbers_near(run, &a, now, k, c->most[i], &score);
	write_parts(run, i, &a, &piece, &score, part, result);
	adjuster_end(&a);
	partition_release_piece(host, &piece);
	host->release(now);
	host->release(then);
}

void
partition_adjust(const PartitionGraph *graph, const PartitionBounds *bounds, int parts,
				 const int *current, int n_current, const Host *host, int *part, PartitionResult *result)
{
	Components	c;
	AdjustRun	run = {
		.graph = graph, .bounds = bounds, .components = &c, .current = current, .n_current = n_current,
		.any_number = parts <= 0, .pace = {.host = host}
	};

	*result = (PartitionResult) {0};
	find_components(graph, host, &c);
	run.index = host_array(host, int, graph->n);
	run.local = host_array(host, int, n_current);
	run.owner = host_array(host, int, n_current);
	for (int v = 0; v < graph->n; v++)
		run.index[v] = -1;
	for (int p = 0; p < n_current; p++)
		run.local[p] = -1;
	choose_numbers(graph, bounds, parts, current, n_current, &run.pace, run.index, &c);
	find_owners(graph, &c, current, n_current, host, run.owner);
	for (int i = 0; i < c.n; i++)
		adjust_component(&run, i, part, result);
	release_components(host, &c);
	host->release(run.index);
	host->release(run.local);
	host->release(run.owner);
}
