/*
 * partition_start.c
 *	  A first partition: halves of halves.
 *
 * A set of vertices that is to become k parts is cut in two across one of eight
 * directions, the one with the shortest cut, such that the sides weigh as the
 * numbers of their parts do.  What does not hang together with its side goes to
 * the other.  Where no direction leaves both sides enough vertices, single
 * vertices are peeled off instead, from the leaves of a spanning tree.
 */
#include "partition_state.h"

#include <math.h>

#define DIRECTIONS	8

/* Cosine and sine of i * 22.5 degrees. */
static const double direction[DIRECTIONS][2] = {
	{1, 0},
	{0.92387953251128674, 0.38268343236508977},
	{0.70710678118654752, 0.70710678118654752},
	{0.38268343236508977, 0.92387953251128674},
	{0, 1},
	{-0.38268343236508977, 0.92387953251128674},
	{-0.70710678118654752, 0.70710678118654752},
	{-0.92387953251128674, 0.38268343236508977},
};

typedef struct Starter
{
	const PartitionGraph *graph;
	PartPace   *pace;
	double	   *load;			/* what a vertex weighs, about 1 a part */
	double	   *key;
	int		   *scratch;
	int		   *queue;
	int		   *side;			/* 0 or 1; -1: not in the set */
	int		   *label;			/* of what hangs together; -1: not seen */
	int		   *best_side;
	int		   *part;
} Starter;

/* Weights as parts of what a part is to weigh; no vertex weighs more than a part. */
static void
set_loads(Starter *st, int k)
{
	const PartitionGraph *g = st->graph;
	double		total[PARTITION_WEIGHTS] = {0};

	for (int v = 0; v < g->n; v++)
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			total[w] += (double) g->vertices[v].weight[w];
	for (int v = 0; v < g->n; v++)
	{
		double		load = 0;

		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			if (total[w] > 0)
				load += (double) g->vertices[v].weight[w] / total[w];
		load *= (double) k / 2;
		st->load[v] = load > 1 ? 1 : load;
	}
}

/* Label what hangs together with v on its side; returns what it weighs. */
static double
flood(Starter *st, int v, int label)
{
	const PartitionGraph *g = st->graph;
	double		load = 0;
	int			n = 0;

	st->queue[n++] = v;
	st->label[v] = label;
	for (int i = 0; i < n; i++)
	{
		int			u = st->queue[i];

		pace(st->pace, 8);
		load += st->load[u];
		for (size_t e = g->first[u]; e < g->first[u + 1]; e++)
		{
			int			to = g->edges[e].to;

			if (st->side[to] != st->side[v] || st->label[to] >= 0)
				continue;
			st->label[to] = label;
			st->queue[n++] = to;
		}
	}
	return load;
}

/* Keep the heaviest connected piece of a side; the rest changes sides. */
static void
keep_heaviest(Starter *st, const int *set, int n, int side)
{
	double		most = -1;
	int			kept = -1;

	for (int i = 0; i < n; i++)
		st->label[set[i]] = -1;
	for (int i = 0; i < n; i++)
		if (st->side[set[i]] == side && st->label[set[i]] < 0)
		{
			double		load = flood(st, set[i], i);

			if (load > most)
			{
				most = load;
				kept = i;
			}
		}
	for (int i = 0; i < n; i++)
		if (st->side[set[i]] == side && st->label[set[i]] != kept)
			st->side[set[i]] = 1 - side;
}

/* Put the first of the sorted set on side 0, as many as weigh what its parts are to weigh. */
static void
split_sorted(Starter *st, const int *set, int n, int k_left, int k)
{
	double		total = 0;
	double		sum = 0;
	double		wanted;
	int			i = 0;

	for (int j = 0; j < n; j++)
		total += st->load[set[j]];
	wanted = total * k_left / k;
	for (; i < n; i++)
	{
		double		load = st->load[set[i]];

		if (i >= k_left && (sum + load / 2 > wanted || i >= n - (k - k_left)))
			break;
		sum += load;
		st->side[set[i]] = 0;
	}
	for (; i < n; i++)
		st->side[set[i]] = 1;
	keep_heaviest(st, set, n, 0);
	keep_heaviest(st, set, n, 1);
}

/* Length of the cut, and what is wrong with the weights; no less than 0, or -1: too few vertices. */
static double
split_cost(Starter *st, const int *set, int n, int k_left, int k)
{
	const PartitionGraph *g = st->graph;
	double		total = 0;
	double		left = 0;
	double		cut = 0;
	double		area = 0;
	double		wrong;
	int			n_left = 0;

	for (int i = 0; i < n; i++)
	{
		int			v = set[i];

		pace(st->pace, 8);
		total += st->load[v];
		area += g->vertices[v].area;
		if (st->side[v] != 0)
			continue;
		n_left++;
		left += st->load[v];
		for (size_t e = g->first[v]; e < g->first[v + 1]; e++)
			if (st->side[g->edges[e].to] == 1)
				cut += cut_length(&g->edges[e]);
	}
	if (n_left < k_left || n - n_left < k - k_left)
		return -1;
	wrong = fabs(left - total * k_left / k) * 2 / k;
	return (area > 0 ? cut / sqrt(area) : cut) + 4 * wrong;
}

/* Choose the best of all directions; false: none will do. The set comes back with side 0 first. */
static bool
split(Starter *st, int *set, int n, int k_left, int k, int *n_left)
{
	const PartitionVertex *at = st->graph->vertices;
	double		least = -1;
	int			left = 0;
	int			right = 0;

	for (int d = 0; d < DIRECTIONS; d++)
	{
		double		cost;

		for (int i = 0; i < n; i++)
			st->key[set[i]] = at[set[i]].x * direction[d][0] + at[set[i]].y * direction[d][1];
		sort_by_key(set, n, st->key, st->scratch, st->pace);
		split_sorted(st, set, n, k_left, k);
		cost = split_cost(st, set, n, k_left, k);
		if (cost >= 0 && (least < 0 || cost < least))
		{
			least = cost;
			for (int i = 0; i < n; i++)
				st->best_side[set[i]] = st->side[set[i]];
		}
		for (int i = 0; i < n; i++)
			st->side[set[i]] = -1;
	}
	if (least < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (st->best_side[set[i]] == 0)
			set[left++] = set[i];
		else
			st->scratch[right++] = set[i];
	for (int i = 0; i < right; i++)
		set[left + i] = st->scratch[i];
	*n_left = left;
	return true;
}

/* The last vertices of a spanning tree become parts of their own. */
static void
peel(Starter *st, const int *set, int n, int first_part, int k)
{
	for (int i = 0; i < n; i++)
	{
		st->side[set[i]] = 0;
		st->label[set[i]] = -1;
	}
	flood(st, set[0], 0);
	for (int i = 0; i < n; i++)
	{
		int			v = st->queue[i];

		st->side[v] = -1;
		st->part[v] = i < n - k + 1 ? first_part : first_part + i - (n - k);
	}
}

/* A set to be cut. */
typedef struct StartTask
{
	int			begin;
	int			n;
	int			first_part;
	int			k;
} StartTask;

/* Each task is halved, so that no more than one a level waits. */
static void
halve_all(Starter *st, int *set, int n, int k)
{
	StartTask	waiting[64];
	int			nwaiting = 0;

	waiting[nwaiting++] = (StartTask) {0, n, 0, k};
	while (nwaiting > 0)
	{
		StartTask	t = waiting[--nwaiting];
		int			k_left = t.k / 2;
		int			n_left;

		if (t.k == 1 || !split(st, set + t.begin, t.n, k_left, t.k, &n_left))
		{
			peel(st, set + t.begin, t.n, t.first_part, t.k);
			continue;
		}
		waiting[nwaiting++] = (StartTask) {t.begin + n_left, t.n - n_left, t.first_part + k_left, t.k - k_left};
		waiting[nwaiting++] = (StartTask) {t.begin, n_left, t.first_part, k_left};
	}
}

void
partition_start(const PartitionGraph *graph, int k, PartPace *steps, int *part)
{
	const Host *host = steps->host;
	size_t		n = (size_t) graph->n;
	int		   *set = host_array(host, int, n);
	Starter		st = {.graph = graph, .pace = steps, .part = part};

	st.load = host_array(host, double, n);
	st.key = host_array(host, double, n);
	st.scratch = host_array(host, int, n);
	st.queue = host_array(host, int, n);
	st.side = host_array(host, int, n);
	st.best_side = host_array(host, int, n);
	st.label = host_array(host, int, n);
	for (int v = 0; v < graph->n; v++)
	{
		set[v] = v;
		st.side[v] = -1;
	}
	set_loads(&st, k);
	halve_all(&st, set, graph->n, k);
	host->release(set);
	host->release(st.load);
	host->release(st.key);
	host->release(st.scratch);
	host->release(st.queue);
	host->release(st.side);
	host->release(st.best_side);
	host->release(st.label);
}
