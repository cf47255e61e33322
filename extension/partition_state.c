/*
 * partition_state.c
 *	  A partition that is being moved about, one vertex at a time.
 *
 * The sums of the two parts are all that a move changes, so looking at a move
 * takes as long as the vertex has edges.
 */
#include "partition_state.h"

/* A part that holds more than this is not searched through for a way around. */
#define MAX_SEARCH	600

/* Shape, violation and strain from the sums. */
static void
judge_part(const PartState *s, PartSums *p)
{
	p->violation = part_violation(&s->bounds, p->sum, s->cap);
	p->strain = 0;
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
	{
		if (p->sum[w] < s->bounds.min[w])
			p->strain += (double) (s->bounds.min[w] - p->sum[w]) * s->scale[w];
		else if (p->sum[w] > s->bounds.max[w])
			p->strain += (double) (p->sum[w] - s->bounds.max[w]) * s->scale[w];
	}
	p->shape = part_shape(p->area, p->x, p->y, p->square, p->border, p->inside);
}

/* Strain is counted in the middle of the window; in the average where that has no end. */
static void
set_scales(PartState *s)
{
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
	{
		double		middle;

		if (s->bounds.max[w] < INT64_MAX)
			middle = ((double) s->bounds.min[w] + (double) s->bounds.max[w]) / 2;
		else
			middle = (double) s->bounds.min[w];
		s->scale[w] = 1 / (middle > 1 ? middle : 1);
	}
}

void
state_begin(PartState *s, const PartitionGraph *graph, const PartitionBounds *bounds, int k,
			const int *part, const int *home, const Host *host)
{
	size_t		n = (size_t) graph->n;

	*s = (PartState) {.graph = graph, .bounds = *bounds, .home = home, .k = k, .cap = part_cap(k)};
	s->pace.host = host;
	s->random = UINT64_C(0x9e3779b97f4a7c15);
	set_scales(s);
	s->parts = host_array(host, PartSums, k);
	s->part = host_array(host, int, n);
	s->next = host_array(host, int, n);
	s->previous = host_array(host, int, n);
	s->foreign = host_array(host, int, n);
	s->border = host_array(host, int, n);
	s->border_at = host_array(host, int, n);
	s->mark = host_array(host, uint64_t, n);
	s->queue = host_array(host, int, n);
	for (size_t v = 0; v < n; v++)
		s->mark[v] = 0;
	state_set(s, part);
}

void
state_release(PartState *s)
{
	const Host *host = s->pace.host;

	host->release(s->parts);
	host->release(s->part);
	host->release(s->next);
	host->release(s->previous);
	host->release(s->foreign);
	host->release(s->border);
	host->release(s->border_at);
	host->release(s->mark);
	host->release(s->queue);
}

static void
enter_border(PartState *s, int v)
{
	s->border_at[v] = s->nborder;
	s->border[s->nborder++] = v;
}

static void
leave_border(PartState *s, int v)
{
	int			last = s->border[--s->nborder];

	s->border[s->border_at[v]] = last;
	s->border_at[last] = s->border_at[v];
	s->border_at[v] = -1;
}

static void
enter_part(PartState *s, int v, int p)
{
	s->part[v] = p;
	s->previous[v] = -1;
	s->next[v] = s->parts[p].head;
	if (s->next[v] >= 0)
		s->previous[s->next[v]] = v;
	s->parts[p].head = v;
}

static void
leave_part(PartState *s, int v)
{
	if (s->previous[v] >= 0)
		s->next[s->previous[v]] = s->next[v];
	else
		s->parts[s->part[v]].head = s->next[v];
	if (s->next[v] >= 0)
		s->previous[s->next[v]] = s->previous[v];
}

/* Add a vertex to sums, or take it away (sign -1); not its edges. */
static void
add_vertex(PartSums *p, const PartitionVertex *v, int sign)
{
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
		p->sum[w] += sign * v->weight[w];
	p->area += sign * v->area;
	p->x += sign * v->area * v->x;
	p->y += sign * v->area * v->y;
	p->square += sign * (v->moment + v->area * (v->x * v->x + v->y * v->y));
	p->border += sign * v->border;
	p->n += sign;
}

static int64_t
weight_away(const PartState *s, int v, int part)
{
	return s->home != NULL && s->home[v] >= 0 && s->home[v] != part ? s->graph->vertices[v].weight[0] : 0;
}

/* Add a vertex with its edges to the sums of its part; the part of every neighbour is known. */
static void
count_vertex(PartState *s, int v)
{
	const PartitionGraph *g = s->graph;
	PartSums   *p = &s->parts[s->part[v]];

	pace(&s->pace, 16);
	add_vertex(p, &g->vertices[v], 1);
	s->foreign[v] = 0;
	for (size_t i = g->first[v]; i < g->first[v + 1]; i++)
	{
		const PartitionEdge *e = &g->edges[i];

		if (s->part[e->to] != s->part[v])
		{
			s->foreign[v]++;
			p->border += cut_length(e);
		}
		else if (e->to > v)
			p->inside += e->barrier;
	}
	if (s->foreign[v] > 0 && s->border_at[v] < 0)
		enter_border(s, v);
	else if (s->foreign[v] == 0 && s->border_at[v] >= 0)
		leave_border(s, v);
}

static void
add_score(PartScore *score, const PartSums *p)
{
	score->violation += p->violation;
	score->violating += p->violation > 0;
	score->shape += p->shape;
}

void
state_set(PartState *s, const int *part)
{
	for (int p = 0; p < s->k; p++)
		s->parts[p] = (PartSums) {.head = -1};
	s->nborder = 0;
	s->score = (PartScore) {0};
	for (int v = 0; v < s->graph->n; v++)
	{
		enter_part(s, v, part[v]);
		s->border_at[v] = -1;
		s->score.moved += weight_away(s, v, part[v]);
	}
	for (int v = 0; v < s->graph->n; v++)
		count_vertex(s, v);
	for (int p = 0; p < s->k; p++)
	{
		judge_part(s, &s->parts[p]);
		add_score(&s->score, &s->parts[p]);
	}
}

/* The sums of other parts do not change, as what they border stays foreign to them. */
void
state_replace(PartState *s, const int *parts, int k, const int *vertices, int n, const int *part)
{
	for (int i = 0; i < k; i++)
	{
		PartSums   *p = &s->parts[parts[i]];

		s->score.violation -= p->violation;
		s->score.violating -= p->violation > 0;
		s->score.shape -= p->shape;
		*p = (PartSums) {.head = -1};
	}
	for (int i = 0; i < n; i++)
	{
		int			v = vertices[i];

		s->score.moved += weight_away(s, v, parts[part[i]]) - weight_away(s, v, s->part[v]);
		enter_part(s, v, parts[part[i]]);
	}
	for (int i = 0; i < n; i++)
		count_vertex(s, vertices[i]);
	for (int i = 0; i < k; i++)
	{
		judge_part(s, &s->parts[parts[i]]);
		add_score(&s->score, &s->parts[parts[i]]);
	}
}

void
state_look(const PartState *s, int v, int to, PartSums *source, PartSums *target)
{
	const PartitionGraph *g = s->graph;
	int			from = s->part[v];

	*source = s->parts[from];
	*target = s->parts[to];
	add_vertex(source, &g->vertices[v], -1);
	add_vertex(target, &g->vertices[v], 1);
	for (size_t i = g->first[v]; i < g->first[v + 1]; i++)
	{
		const PartitionEdge *e = &g->edges[i];
		double		cut = cut_length(e);
		int			p = s->part[e->to];

		if (p == from)
		{
			source->border += cut;
			source->inside -= e->barrier;
		}
		else
			source->border -= cut;
		if (p == to)
		{
			target->border -= cut;
			target->inside += e->barrier;
		}
		else
			target->border += cut;
	}
	judge_part(s, source);
	judge_part(s, target);
}

static void
change_score(PartState *s, const PartSums *old, const PartSums *new)
{
	s->score.violation += new->violation - old->violation;
	s->score.violating += (new->violation > 0) - (old->violation > 0);
	s->score.shape += new->shape - old->shape;
}

/* Count anew how many edges lead from u to other parts. */
static void
count_foreign(PartState *s, int u, int change)
{
	bool		was = s->foreign[u] > 0;

	s->foreign[u] += change;
	if (was && s->foreign[u] == 0)
		leave_border(s, u);
	else if (!was && s->foreign[u] > 0)
		enter_border(s, u);
}

void
state_move(PartState *s, int v, int to)
{
	const PartitionGraph *g = s->graph;
	int			from = s->part[v];
	int			change = 0;
	PartSums	source;
	PartSums	target;

	state_look(s, v, to, &source, &target);
	change_score(s, &s->parts[from], &source);
	change_score(s, &s->parts[to], &target);
	s->score.moved += weight_away(s, v, to) - weight_away(s, v, from);
	source.head = s->parts[from].head;
	target.head = s->parts[to].head;
	s->parts[from] = source;
	s->parts[to] = target;
	leave_part(s, v);
	enter_part(s, v, to);
	for (size_t i = g->first[v]; i < g->first[v + 1]; i++)
	{
		int			u = g->edges[i].to;

		if (s->part[u] == from)
		{
			count_foreign(s, u, 1);
			change++;
		}
		else if (s->part[u] == to)
		{
			count_foreign(s, u, -1);
			change--;
		}
	}
	count_foreign(s, v, change);
}

/* Walk from a neighbour of v in its part until all of them (that are marked wanted) are met. */
static bool
meets_all(PartState *s, int v, int begin, int wanted, uint64_t seen)
{
	const PartitionGraph *g = s->graph;
	int			head = 0;
	int			tail = 0;

	s->queue[tail++] = begin;
	s->mark[begin] = seen;
	wanted--;
	while (head < tail && wanted > 0 && tail < MAX_SEARCH)
	{
		int			u = s->queue[head++];

		for (size_t i = g->first[u]; i < g->first[u + 1]; i++)
		{
			int			to = g->edges[i].to;

			if (s->part[to] != s->part[v] || to == v || s->mark[to] == seen)
				continue;
			wanted -= s->mark[to] == seen - 1;
			s->mark[to] = seen;
			s->queue[tail++] = to;
		}
	}
	s->pace.since += tail;
	return wanted <= 0;
}

/* The same over those neighbours alone, which mostly decides; marks as meets_all() wants them. */
static bool
neighbours_meet(PartState *s, int begin, int wanted, uint64_t seen)
{
	const PartitionGraph *g = s->graph;
	int			head = 0;
	int			tail = 0;

	s->queue[tail++] = begin;
	s->mark[begin] = seen;
	while (head < tail)
	{
		int			u = s->queue[head++];

		for (size_t i = g->first[u]; i < g->first[u + 1]; i++)
		{
			int			to = g->edges[i].to;

			if (s->mark[to] != seen - 1)
				continue;
			s->mark[to] = seen;
			s->queue[tail++] = to;
		}
	}
	return tail == wanted;
}

bool
state_may_leave(PartState *s, int v)
{
	const PartitionGraph *g = s->graph;
	int			wanted;
	int			begin = -1;

	if (s->parts[s->part[v]].n == 1)
		return false;
	for (int round = 0; round < 2; round++)
	{
		wanted = 0;
		s->stamp += 2;
		for (size_t i = g->first[v]; i < g->first[v + 1]; i++)
		{
			int			to = g->edges[i].to;

			if (s->part[to] != s->part[v] || s->mark[to] == s->stamp - 1)
				continue;
			s->mark[to] = s->stamp - 1;
			begin = to;
			wanted++;
		}
		if (wanted == 1)
			return true;
		if (round == 0 && neighbours_meet(s, begin, wanted, s->stamp))
			return true;
		if (round == 1 && meets_all(s, v, begin, wanted, s->stamp))
			return true;
	}
	return false;
}

int64_t
least_violation(const PartitionGraph *graph, const PartitionBounds *bounds, int k)
{
	int64_t		total[PARTITION_WEIGHTS] = {0};
	int64_t		inevitable = 0;
	int64_t		sand;

	for (int v = 0; v < graph->n; v++)
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
		{
			int64_t		weight = graph->vertices[v].weight[w];

			total[w] += weight;
			if (weight > bounds->max[w])
				inevitable = add_capped(inevitable, weight - bounds->max[w]);
		}
	sand = sand_violation(bounds, total, k);
	return sand > inevitable ? sand : inevitable;
}

bool
state_hopeless(const PartState *s, int part)
{
	const PartSums *p = &s->parts[part];
	int64_t		inevitable = 0;

	if (p->violation == 0)
		return false;
	for (int v = p->head; v >= 0; v = s->next[v])
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			if (s->graph->vertices[v].weight[w] > s->bounds.max[w])
				inevitable = add_capped(inevitable, s->graph->vertices[v].weight[w] - s->bounds.max[w]);
	return p->violation <= inevitable;
}
