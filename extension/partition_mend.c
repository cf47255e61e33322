/*
 * partition_mend.c
 *	  Parts that are there now put in order: whole, and as many as wanted.
 *
 * Buildings have come and gone since they were drawn, so a part may have fallen
 * to pieces, and vertices may be in no part.  Pieces and lone vertices join the
 * part beside them that has most room; parts too many are given up, the lightest
 * first; where there are too few the one that gains most is split.
 */
#include "partition_state.h"

void
adjuster_begin(Adjuster *a, const PartitionGraph *graph, const PartitionBounds *bounds, int *part, const Host *host)
{
	size_t		n = (size_t) graph->n;

	*a = (Adjuster) {.graph = graph, .bounds = bounds, .pace = {.host = host}, .part = part};
	a->number = host_array(host, int, n);
	a->sum = host->resize(NULL, host_bytes(n, sizeof(*a->sum)));
	a->label = host_array(host, int, n);
	a->queue = host_array(host, int, n);
}

void
adjuster_end(Adjuster *a)
{
	const Host *host = a->pace.host;

	host->release(a->number);
	host->release(a->sum);
	host->release(a->label);
	host->release(a->queue);
}

static void
add_weights(int64_t sum[PARTITION_WEIGHTS], const PartitionVertex *v, int sign)
{
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
		sum[w] += sign * v->weight[w];
}

/* Put v and what hangs together with it in its part in the queue; returns how many. */
static int
flood(Adjuster *a, int v)
{
	const PartitionGraph *g = a->graph;
	int			n = 0;

	a->queue[n++] = v;
	a->label[v] = v;
	for (int i = 0; i < n; i++)
	{
		int			u = a->queue[i];

		pace(&a->pace, 8);
		for (size_t e = g->first[u]; e < g->first[u + 1]; e++)
		{
			int			to = g->edges[e].to;

			if (a->part[to] != a->part[v] || a->label[to] >= 0)
				continue;
			a->label[to] = v;
			a->queue[n++] = to;
		}
	}
	return n;
}

/* Number the current parts of the component from 0 in the order of their vertices. */
void
number_parts(Adjuster *a, const int *current, int *local)
{
	a->k = 0;
	for (int v = 0; v < a->graph->n; v++)
	{
		int			number = current[v];

		a->part[v] = -1;
		if (number < 0)
			continue;
		if (local[number] < 0)
		{
			local[number] = a->k;
			a->number[a->k++] = number;
		}
		a->part[v] = local[number];
	}
	for (int p = 0; p < a->k; p++)
		local[a->number[p]] = -1;
}

/* The heaviest connected piece of each part stays, the others are in no part. */
static void
keep_heaviest(Adjuster *a)
{
	const PartitionGraph *g = a->graph;
	int64_t		(*most)[PARTITION_WEIGHTS] = a->sum;
	int		   *kept = host_array(a->pace.host, int, a->k);

	for (int p = 0; p < a->k; p++)
		kept[p] = -1;
	for (int v = 0; v < g->n; v++)
		a->label[v] = -1;
	for (int v = 0; v < g->n; v++)
	{
		int			p = a->part[v];
		int64_t		sum[PARTITION_WEIGHTS] = {0};
		int			n;

		if (p < 0 || a->label[v] >= 0)
			continue;
		n = flood(a, v);
		for (int i = 0; i < n; i++)
			add_weights(sum, &g->vertices[a->queue[i]], 1);
		if (kept[p] < 0 || sum[0] > most[p][0] || (sum[0] == most[p][0] && sum[1] > most[p][1]))
		{
			kept[p] = v;
			most[p][0] = sum[0];
			most[p][1] = sum[1];
		}
	}
	for (int v = 0; v < g->n; v++)
		if (a->part[v] >= 0 && a->label[v] != kept[a->part[v]])
			a->part[v] = -1;
	a->pace.host->release(kept);
}

/* By how much a part violates more with a vertex than without. */
static int64_t
rise_with(const Adjuster *a, int part, const PartitionVertex *v)
{
	int64_t		sum[PARTITION_WEIGHTS] = {a->sum[part][0], a->sum[part][1]};
	int64_t		before = part_violation(a->bounds, sum, SAFE_VIOLATION);

	add_weights(sum, v, 1);
	return part_violation(a->bounds, sum, SAFE_VIOLATION) - before;
}

/* The part beside v that has most room for it; -1: there is none beside it. */
static int
roomiest(const Adjuster *a, int v)
{
	const PartitionGraph *g = a->graph;
	int			best = -1;
	int64_t		least = 0;

	for (size_t e = g->first[v]; e < g->first[v + 1]; e++)
	{
		int			p = a->part[g->edges[e].to];
		int64_t		rise;

		if (p < 0 || p == best)
			continue;
		rise = rise_with(a, p, &g->vertices[v]);
		if (best < 0 || rise < least || (rise == least && a->sum[p][0] < a->sum[best][0])
			|| (rise == least && a->sum[p][0] == a->sum[best][0] && p < best))
		{
			best = p;
			least = rise;
		}
	}
	return best;
}

/* Vertices without a part join one beside them, in waves. */
static void
place_rest(Adjuster *a)
{
	const PartitionGraph *g = a->graph;
	int			n = 0;

	for (int p = 0; p < a->k; p++)
		a->sum[p][0] = a->sum[p][1] = 0;
	for (int v = 0; v < g->n; v++)
		if (a->part[v] >= 0)
			add_weights(a->sum[a->part[v]], &g->vertices[v], 1);
	for (int v = 0; v < g->n; v++)
	{
		a->label[v] = a->part[v] < 0 && roomiest(a, v) >= 0 ? 0 : -1;
		if (a->label[v] == 0)
			a->queue[n++] = v;
	}
	for (int i = 0; i < n; i++)
	{
		int			v = a->queue[i];

		pace(&a->pace, 32);
		a->part[v] = roomiest(a, v);
		add_weights(a->sum[a->part[v]], &g->vertices[v], 1);
		for (size_t e = g->first[v]; e < g->first[v + 1]; e++)
		{
			int			to = g->edges[e].to;

			if (a->part[to] >= 0 || a->label[to] == 0)
				continue;
			a->label[to] = 0;
			a->queue[n++] = to;
		}
	}
}

/* The lightest part is given up. */
static void
remove_part(Adjuster *a)
{
	int			gone = 0;

	for (int p = 1; p < a->k; p++)
		if (a->sum[p][0] < a->sum[gone][0])
			gone = p;
	a->k--;
	a->number[gone] = a->number[a->k];
	for (int v = 0; v < a->graph->n; v++)
		if (a->part[v] == gone)
			a->part[v] = -1;
		else if (a->part[v] == a->k)
			a->part[v] = gone;
	pace(&a->pace, a->graph->n);
	place_rest(a);
}

/* The part that violates most, or is heaviest, of those with vertices to spare. */
static int
part_to_split(const Adjuster *a)
{
	int			best = -1;
	int64_t		most = 0;
	int		   *count = a->label;

	for (int p = 0; p < a->k; p++)
		count[p] = 0;
	for (int v = 0; v < a->graph->n; v++)
		count[a->part[v]]++;
	for (int p = 0; p < a->k; p++)
	{
		int64_t		gain;

		if (count[p] < 2)
			continue;
		gain = sand_violation(a->bounds, a->sum[p], 1) - sand_violation(a->bounds, a->sum[p], 2);
		if (best < 0 || gain > most || (gain == most && a->sum[p][0] > a->sum[best][0]))
		{
			best = p;
			most = gain;
		}
	}
	return best;
}

/* Split a part in two; the heavier side keeps the number. */
static void
add_part(Adjuster *a)
{
	const PartitionGraph *g = a->graph;
	const Host *host = a->pace.host;
	int			split = part_to_split(a);
	int		   *index = host_array(host, int, g->n);
	int		   *side = host_array(host, int, g->n);
	int64_t		sum[2][PARTITION_WEIGHTS] = {{0}};
	int			n = 0;
	int			leaves;
	District	districts[2];
	PartPiece	piece;

	for (int v = 0; v < g->n; v++)
	{
		index[v] = -1;
		if (a->part[v] == split)
			a->queue[n++] = v;
	}
	partition_cut_out(g, a->queue, n, index, &a->pace, &piece);
	(void) partition_start(&piece.graph, 2, &a->pace, side, districts);
	for (int i = 0; i < n; i++)
		add_weights(sum[side[i]], &piece.vertices[i], 1);
	leaves = sum[1][0] <= sum[0][0];
	for (int i = 0; i < n; i++)
		if (side[i] == leaves)
			a->part[piece.origin[i]] = a->k;
	for (int w = 0; w < PARTITION_WEIGHTS; w++)
	{
		a->sum[a->k][w] = sum[leaves][w];
		a->sum[split][w] = sum[!leaves][w];
	}
	a->number[a->k++] = -1;
	partition_release_piece(host, &piece);
	host->release(index);
	host->release(side);
}

/* Connected parts, so many, that hold every vertex. */
void
make_whole(Adjuster *a, int wanted)
{
	keep_heaviest(a);
	if (a->k == 0)
	{
		a->number[a->k++] = -1;
		a->part[0] = 0;
	}
	place_rest(a);
	while (a->k > wanted)
		remove_part(a);
	while (a->k < wanted)
		add_part(a);
}
