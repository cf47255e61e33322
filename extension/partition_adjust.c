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
#define INSIDE			4		/* a number that is possible at last is so much of the way from there to the best one */
#define OTHER_NUMBERS	2		/* that are tried where little is wrong with one */

/* Whether what was found is of no use, as another number of parts violates no more. */
static bool
is_useless(const PartState *s, const PartScore *below)
{
	return below != NULL && !violates_less(&s->score, below);
}

/* A small piece: the least violation there is, then the least weight that has to move for it. */
static void
finish_exactly(PartState *s, const PartScore *below)
{
	CoverTask	task = {.graph = s->graph, .bounds = &s->bounds, .k = s->k, .below = s->score, .budget = EXACT_BUDGET};
	PartScore	score;
	int			part[EXACT_VERTICES];
	CoverOutcome outcome;

	if (is_useless(s, below))
		task.below = (PartScore) {.violation = below->violation, .violating = below->violating};
	outcome = partition_cover(&task, &s->pace, part, &score);
	task.home = s->home;
	task.below = s->score;
	if (outcome == COVER_FOUND || outcome == COVER_BETTER)
	{
		state_set(s, part);
		task.below = s->score;
		task.below.moved = INT64_MAX;
	}
	if (is_useless(s, below))
		return;
	outcome = partition_cover(&task, &s->pace, part, &score);
	if (outcome == COVER_FOUND || outcome == COVER_BETTER)
		state_set(s, part);
	partition_bring_home(s);
}

/* Search around what violates, and everywhere if that is not enough. */
static void
finish(PartState *s, const PartScore *below)
{
	if (s->graph->n <= EXACT_VERTICES)
	{
		finish_exactly(s, below);
		return;
	}
	s->effort = s->pace.spent + repair_effort(s->graph);
	partition_repair(s, REPAIRS);
	if (s->score.violation > least_violation(s->graph, &s->bounds, s->k) && s->graph->n <= WHOLE_VERTICES)
		partition_search(s);
	if (!is_useless(s, below))
		partition_bring_home(s);
}

/* Adjust one component; the numbers of its parts are in a->number. below: see partition_piece(). */
static void
adjust_piece(Adjuster *a, const int *current, int *local, int wanted, const PartScore *below, PartScore *score)
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
		finish(&s, below);
	memcpy(a->part, s.part, sizeof(int) * (size_t) a->graph->n);
	*score = s.score;
	state_release(&s);
	host->release(home);
}

/* How many parts each component has now. Those that weigh nothing may stay where that is in bounds. */
static void
count_parts(const Components *c, const PartitionBounds *bounds, const int *current, int *seen)
{
	bool		may_be_empty = bounds->min[0] <= 0 && bounds->min[1] <= 0;

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
		if (c->given[i] > c->most[i] && may_be_empty)
			c->most[i] = c->given[i];
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

/* Components by what they gain by a part more (or less): the winner of each pair of a tree, the root first. */
typedef struct Contest
{
	const Components *components;
	const PartitionBounds *bounds;
	int			more;
	int		   *winner;			/* 2 n of them; the leaves stand in the second half */
	int64_t    *gain;
} Contest;

static void
decide(Contest *t, int at)
{
	int			a = t->winner[2 * at];
	int			b = t->winner[2 * at + 1];

	t->winner[at] = t->gain[a] > t->gain[b] || (t->gain[a] == t->gain[b] && a < b) ? a : b;
}

static void
contest_begin(Contest *t, const Components *c, const PartitionBounds *bounds, int more, const Host *host)
{
	*t = (Contest) {.components = c, .bounds = bounds, .more = more};
	t->winner = host_array(host, int, 2 * (size_t) c->n);
	t->gain = host_array(host, int64_t, c->n);
	for (int i = 0; i < c->n; i++)
	{
		t->gain[i] = gain_of(c, bounds, i, more);
		t->winner[c->n + i] = i;
	}
	for (int at = c->n - 1; at > 0; at--)
		decide(t, at);
}

static void
contest_end(Contest *t, const Host *host)
{
	host->release(t->winner);
	host->release(t->gain);
}

static void
contest_renew(Contest *t, int i)
{
	t->gain[i] = gain_of(t->components, t->bounds, i, t->more);
	for (int at = (t->components->n + i) / 2; at > 0; at /= 2)
		decide(t, at);
}

/* The component that gains most; -1: none can have another number. */
static int
contest_best(const Contest *t, int64_t *gain)
{
	int			best = t->components->n > 0 ? t->winner[1] : -1;

	*gain = best >= 0 ? t->gain[best] : INT64_MIN;
	return *gain > INT64_MIN ? best : -1;
}

static void
change_given(const Components *c, int i, int change, Contest *up, Contest *down)
{
	if (i < 0)
		return;
	c->given[i] += change;
	contest_renew(up, i);
	contest_renew(down, i);
}

/* Give parts to components or take them away until there are so many, and then on as long as that lessens the violation. */
static void
redistribute(const Components *c, const PartitionBounds *bounds, int64_t parts, PartPace *steps)
{
	int64_t		have = 0;
	Contest		up;
	Contest		down;

	for (int i = 0; i < c->n; i++)
		have += c->given[i];
	contest_begin(&up, c, bounds, 1, steps->host);
	contest_begin(&down, c, bounds, -1, steps->host);
	for (;;)
	{
		int64_t		gain = 0;
		int64_t		loss = 0;
		int			more = have <= parts ? contest_best(&up, &gain) : -1;
		int			less = have >= parts ? contest_best(&down, &loss) : -1;

		pace(steps, 64);
		if (have < parts ? more < 0 : have > parts ? less < 0 : more < 0 || less < 0 || more == less || gain <= -loss)
			break;
		change_given(c, more, 1, &up, &down);
		change_given(c, less, -1, &up, &down);
		have += (more >= 0) - (less >= 0);
	}
	contest_end(&up, steps->host);
	contest_end(&down, steps->host);
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

/* So many parts, where that is possible; else a little inside of what is: at its end every part would sit on a bound. */
static int
possible_number(const PartitionGraph *graph, const PartitionBounds *bounds, int most, int now)
{
	PartitionRange range = fitting_range(graph, bounds, most);
	int			fitting = fitting_number(graph, bounds, most, 0);
	int			end = now < range.low ? (int) range.low : (int) range.high;

	if (now < 1)
		return fitting;
	if (now >= range.low && now <= range.high)
		return now;
	return end + (fitting - end) / INSIDE;
}

/* The number of parts of each component. */
static void
choose_numbers(const PartitionGraph *graph, const PartitionBounds *bounds, int parts,
			   const int *current, int n_current, PartPace *steps, int *index, const Components *c)
{
	int		   *seen = host_array(steps->host, int, n_current);

	for (int p = 0; p < n_current; p++)
		seen[p] = -1;
	count_parts(c, bounds, current, seen);
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

		partition_cut_out(graph, c->vertices + c->first[i], c->first[i + 1] - c->first[i], index, steps, &piece);
		c->given[i] = possible_number(&piece.graph, bounds, c->most[i], c->given[i]);
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

/* Write down what the parts of component i are called; one that holds nothing of what had its number is new. */
static void
write_parts(AdjustRun *run, int i, Adjuster *a, const PartPiece *piece, const PartScore *score,
			int *part, PartitionResult *result)
{
	bool	   *stays = host_array(run->pace.host, bool, a->k);

	for (int p = 0; p < a->k; p++)
		stays[p] = false;
	for (int j = 0; j < piece->graph.n; j++)
	{
		int			p = a->part[j];

		stays[p] |= a->number[p] >= 0 && run->current[piece->origin[j]] == a->number[p];
	}
	for (int p = 0; p < a->k; p++)
		if (!stays[p] || run->owner[a->number[p]] != i)
			a->number[p] = run->n_current + run->fresh++;
	run->pace.host->release(stays);
	for (int j = 0; j < piece->graph.n; j++)
		part[piece->origin[j]] = a->number[a->part[j]];
	result->parts += a->k;
	result->violating += score->violating;
	result->violation = add_capped(result->violation, score->violation);
}

/* The parts of an adjuster put aside. */
typedef struct Keeper
{
	int		   *part;
	int		   *number;
	int			k;
	PartScore	score;
} Keeper;

static void
copy_parts(const Keeper *from, Keeper *to, int n)
{
	memcpy(to->part, from->part, sizeof(int) * (size_t) n);
	memcpy(to->number, from->number, sizeof(int) * (size_t) from->k);
	to->k = from->k;
	to->score = from->score;
}

/* Where the number is free and does not do, others, ever farther away; the best is kept. */
static void
try_other_numbers(AdjustRun *run, Adjuster *a, const int *now, int most, PartScore *score)
{
	const Host *host = run->pace.host;
	int			n = a->graph->n;
	int			fitting = fitting_number(a->graph, a->bounds, most, 0);
	Keeper		best = {.part = host_array(host, int, n), .number = host_array(host, int, n)};
	NumberSearch ns;

	begin_numbers(&ns, a->graph, a->bounds, most);
	note_number(&ns, a->k);
	copy_parts(&(Keeper) {a->part, a->number, a->k, *score}, &best, n);
	while (ns.all || ns.ntried <= OTHER_NUMBERS || is_widespread(best.score.violating, best.k))
	{
		int			number = next_number(&ns, best.k, fitting, best.score.violation);

		if (number == 0)
			break;
		note_number(&ns, number);
		adjust_piece(a, now, run->local, number, &best.score, score);
		if (violates_less(score, &best.score))
			copy_parts(&(Keeper) {a->part, a->number, a->k, *score}, &best, n);
	}
	memcpy(a->part, best.part, sizeof(int) * (size_t) n);
	memcpy(a->number, best.number, sizeof(int) * (size_t) best.k);
	a->k = best.k;
	*score = best.score;
	host->release(best.part);
	host->release(best.number);
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
	adjust_piece(&a, now, run->local, k, NULL, &score);
	if (run->any_number && score.violation > 0)
		try_other_numbers(run, &a, now, c->most[i], &score);
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
