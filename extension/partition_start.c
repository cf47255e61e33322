/*
 * partition_start.c
 *	  A first partition: halves of halves.
 *
 * A set of vertices that is to become k parts is cut in two across one of eight
 * directions, the one with the shortest cut, such that the sides weigh as the
 * numbers of their parts do.  What does not hang together with its side goes to
 * the other, and the numbers of parts follow what the sides weigh in the end.
 * Where no direction leaves both sides enough vertices, single vertices are
 * peeled off instead, from the leaves of a spanning tree.
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
	District   *districts;
	int			ndistricts;
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
	bool		in_district;
} StartTask;

/* Of k parts, how many the left side is to have, as it weighs. */
static int
parts_of_left(const Starter *st, const int *set, int n, int n_left, int k)
{
	double		left = 0;
	double		total = 0;
	int			k_left;
	int			least = k > n - n_left ? k - (n - n_left) : 0;
	int			most = k - 1 < n_left ? k - 1 : n_left;

	for (int i = 0; i < n; i++)
	{
		total += st->load[set[i]];
		if (i < n_left)
			left += st->load[set[i]];
	}
	k_left = total > 0 ? (int) floor(k * left / total + 0.5) : k / 2;
	if (least < 1)
		least = 1;
	return k_left < least ? least : k_left > most ? most : k_left;
}

/* A set that is small enough is a district. */
static void
note_district(Starter *st, StartTask *t)
{
	if (t->in_district || (t->n > DISTRICT && t->k > 1))
		return;
	st->districts[st->ndistricts++] = (District) {t->first_part, t->k};
	t->in_district = true;
}

/* Every task that waits has a part at least, so no more than k wait. */
static void
cut_all(Starter *st, int *set, int n, int k)
{
	const Host *host = st->pace->host;
	StartTask  *waiting = host_array(host, StartTask, (size_t) k + 1);
	int			nwaiting = 0;

	waiting[nwaiting++] = (StartTask) {0, n, 0, k, false};
	while (nwaiting > 0)
	{
		StartTask	t = waiting[--nwaiting];
		int			k_left;
		int			n_left;

		note_district(st, &t);
		if (t.k == 1 || !split(st, set + t.begin, t.n, t.k / 2, t.k, &n_left))
		{
			peel(st, set + t.begin, t.n, t.first_part, t.k);
			if (!t.in_district)
				st->districts[st->ndistricts++] = (District) {t.first_part, t.k};
			continue;
		}
		k_left = parts_of_left(st, set + t.begin, t.n, n_left, t.k);
		waiting[nwaiting++] = (StartTask) {t.begin + n_left, t.n - n_left, t.first_part + k_left, t.k - k_left, t.in_district};
		waiting[nwaiting++] = (StartTask) {t.begin, n_left, t.first_part, k_left, t.in_district};
	}
	host->release(waiting);
}

int
partition_start(const PartitionGraph *graph, int k, PartPace *steps, int *part, District *districts)
{
	const Host *host = steps->host;
	size_t		n = (size_t) graph->n;
	int		   *set = host_array(host, int, n);
	Starter		st = {.graph = graph, .pace = steps, .part = part, .districts = districts};

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
	cut_all(&st, set, graph->n, k);
	host->release(set);
	host->release(st.load);
	host->release(st.key);
	host->release(st.scratch);
	host->release(st.queue);
	host->release(st.side);
	host->release(st.best_side);
	host->release(st.label);
	return st.ndistricts;
}
