/*
 * planted.c
 *	  How well and how fast the partitioner does where a solution is known to exist.
 *
 * Cells of a hexagonal lattice get sizes of real towers such that a plan that
 * was drawn first keeps both windows; the plan is then forgotten.
 *
 *	planted FILE [instances] [mode]
 *
 * FILE has one tower size a line.  Modes: planted (default), tight (households of
 * 2.2 to 2.5), free (the number of parts is not given), growth (1,000 to 16,000 cells), houses,
 *	manyhouses, real (so many cells, any sizes),
 *	realhouses, adjust.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "partition.h"

#define MAX_SIZES	20000
#define SIDE		1.0			/* of a hexagon */

static int	sizes[MAX_SIZES];
static int	nsizes;
static uint64_t seed;
static bool tight;				/* few residents a household: hardly any room in the windows */

static const PartitionBounds bounds = {{300, 1000}, {500, 2000}};

typedef struct Instance
{
	PartitionGraph graph;
	PartitionVertex *vertices;
	size_t	   *first;
	PartitionEdge *edges;
	int			k;
} Instance;

static double last_pause;
static double longest_gap;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* How long a cancel would have waited. */
static void
note_pause(void)
{
	double		t = now();

	if (t - last_pause > longest_gap)
		longest_gap = t - last_pause;
	last_pause = t;
}

static void *
resize(void *block, size_t bytes)
{
	void	   *new = realloc(block, bytes);

	if (new == NULL)
		abort();
	return new;
}

static const Host host = {resize, free, note_pause};

static uint32_t
draw(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t) ((seed >> 32) * (uint64_t) n >> 32);
}

static double
draw_real(double low, double high)
{
	return low + (high - low) * draw(1u << 30) / (double) (1u << 30);
}

/* Number i of the six neighbours of a cell of a lattice w wide, or -1. */
static int
lattice_neighbour(int cell, int w, int h, int i)
{
	static const int even[6][2] = {{1, 0}, {0, 1}, {-1, 1}, {-1, 0}, {-1, -1}, {0, -1}};
	static const int odd[6][2] = {{1, 0}, {1, 1}, {0, 1}, {-1, 0}, {0, -1}, {1, -1}};
	int			x = cell % w;
	int			y = cell / w;
	const int  *d = y % 2 ? odd[i] : even[i];

	x += d[0];
	y += d[1];
	return x < 0 || y < 0 || x >= w || y >= h ? -1 : y * w + x;
}

/* Draw weights for the members of a part until its sums are in both windows. */
static bool
draw_weights(PartitionVertex *vertices, const int *members, int n, double household, int largest)
{
	for (int tries = 0; tries < 300; tries++)
	{
		int64_t		sum[2] = {0};

		for (int i = 0; i < n; i++)
		{
			PartitionVertex *v = &vertices[members[i]];

			v->weight[0] = largest > 0 ? 1 + (int) draw((uint32_t) largest) : sizes[draw((uint32_t) nsizes)];
			v->weight[1] = (int64_t) ((double) v->weight[0] * household * draw_real(0.9, 1.1) + 0.5);
			sum[0] += v->weight[0];
			sum[1] += v->weight[1];
		}
		if (partition_violation(&bounds, sum) == 0)
			return true;
	}
	return false;
}

/* Grow a connected set of free cells from a seed, each next one at random from its rim. */
static int
grow(int w, int h, const int *plan, int begin, int n, int *members)
{
	int			count = 1;

	members[0] = begin;
	for (int tries = 0; count < n && tries < 60 * n; tries++)
	{
		int			from = members[draw((uint32_t) count)];
		int			to = lattice_neighbour(from, w, h, (int) draw(6));
		bool		is_member = false;

		if (to < 0 || plan[to] >= 0)
			continue;
		for (int i = 0; i < count; i++)
			is_member |= members[i] == to;
		if (!is_member)
			members[count++] = to;
	}
	return count;
}

/* Cells of the largest connected group of planned cells are kept. */
static void
keep_largest(int w, int h, int *plan)
{
	int		   *group = malloc(sizeof(int) * (size_t) (w * h));
	int		   *queue = malloc(sizeof(int) * (size_t) (w * h));
	int			best = -1;
	int			most = 0;

	memset(group, -1, sizeof(int) * (size_t) (w * h));
	for (int c = 0; c < w * h; c++)
	{
		int			n = 0;

		if (plan[c] < 0 || group[c] >= 0)
			continue;
		group[c] = c;
		queue[n++] = c;
		for (int i = 0; i < n; i++)
			for (int j = 0; j < 6; j++)
			{
				int			to = lattice_neighbour(queue[i], w, h, j);

				if (to >= 0 && plan[to] >= 0 && group[to] < 0)
				{
					group[to] = c;
					queue[n++] = to;
				}
			}
		if (n > most)
		{
			most = n;
			best = c;
		}
	}
	for (int c = 0; c < w * h; c++)
		if (group[c] != best)
			plan[c] = -1;
	free(group);
	free(queue);
}

static int
compare_edges(const void *a, const void *b)
{
	return ((const PartitionEdge *) a)->to - ((const PartitionEdge *) b)->to;
}

static void
make_graph(Instance *in, int w, int h, const int *plan, const PartitionVertex *cells)
{
	int		   *number = malloc(sizeof(int) * (size_t) (w * h));
	int			n = 0;
	size_t		nedges = 0;
	double		area = 1.5 * sqrt(3) * SIDE * SIDE;

	for (int c = 0; c < w * h; c++)
		number[c] = plan[c] >= 0 ? n++ : -1;
	in->vertices = malloc(sizeof(PartitionVertex) * (size_t) n);
	in->first = malloc(sizeof(size_t) * (size_t) (n + 1));
	in->edges = malloc(sizeof(PartitionEdge) * (size_t) (6 * n));
	for (int c = 0; c < w * h; c++)
	{
		PartitionVertex *v;

		if (number[c] < 0)
			continue;
		v = &in->vertices[number[c]];
		*v = cells[c];
		v->x = sqrt(3) * SIDE * (c % w + 0.5 * (c / w % 2)) + draw_real(-0.1, 0.1);
		v->y = 1.5 * SIDE * (c / w) + draw_real(-0.1, 0.1);
		v->area = area;
		v->moment = 5 * sqrt(3) / 8 * SIDE * SIDE * SIDE * SIDE;
		in->first[number[c]] = nedges;
		for (int i = 0; i < 6; i++)
		{
			int			to = lattice_neighbour(c, w, h, i);

			if (to < 0 || number[to] < 0)
				v->border += SIDE;
			else
				in->edges[nedges++] = (PartitionEdge) {number[to], SIDE, 0};
		}
		qsort(in->edges + in->first[number[c]], nedges - in->first[number[c]], sizeof(PartitionEdge), compare_edges);
	}
	in->first[n] = nedges;
	in->graph = (PartitionGraph) {n, in->vertices, in->first, in->edges};
	free(number);
}

/* About so many cells of houses (1 to largest households) or of towers (largest 0). */
static void
make_instance(Instance *in, int cells, int largest)
{
	double		household = draw_real(2.2, tight ? 2.5 : 5);
	int			w = 2 + (int) (sqrt(cells) * draw_real(0.5, 1.5));
	int			h = 1 + cells / w;
	int		   *plan = malloc(sizeof(int) * (size_t) (w * h));
	int		   *order = malloc(sizeof(int) * (size_t) (w * h));
	bool	   *planned;
	PartitionVertex *vertices = calloc((size_t) (w * h), sizeof(PartitionVertex));

	memset(plan, -1, sizeof(int) * (size_t) (w * h));
	for (int c = 0; c < w * h; c++)
	{
		int			other = (int) draw((uint32_t) c + 1);

		order[c] = order[other];
		order[other] = c;
	}
	in->k = 0;
	for (int c = 0; c < w * h; c++)
	{
		int			members[1000];
		double		average = largest > 0 ? (1 + largest) / 2.0 : 100;
		int			wanted = (int) (draw_real(320, 500) / average + 0.5);
		int			n;

		if (plan[order[c]] >= 0)
			continue;
		n = grow(w, h, plan, order[c], wanted < 2 ? 2 : wanted, members);
		if (!draw_weights(vertices, members, n, household, largest))
			continue;
		for (int i = 0; i < n; i++)
			plan[members[i]] = in->k;
		in->k++;
	}
	keep_largest(w, h, plan);
	planned = calloc((size_t) in->k + 1, sizeof(bool));
	for (int c = 0; c < w * h; c++)
		if (plan[c] >= 0)
			planned[plan[c]] = true;
	for (int i = in->k; i-- > 0;)
		in->k -= !planned[i];
	make_graph(in, w, h, plan, vertices);
	free(plan);
	free(order);
	free(planned);
	free(vertices);
}

static void
free_instance(Instance *in)
{
	free(in->vertices);
	free(in->first);
	free(in->edges);
}

static int
compare_doubles(const void *a, const void *b)
{
	double		l = *(const double *) a;
	double		r = *(const double *) b;

	return (l > r) - (l < r);
}

#define MAX_SHAPES	2000000
static double nmi[MAX_SHAPES];
static double pp[MAX_SHAPES];
static int	nshapes;

static void
measure_shapes(const PartitionGraph *g, const int *part, int k)
{
	for (int p = 0; p < k && nshapes < MAX_SHAPES; p++)
	{
		double		area = 0;
		double		x = 0;
		double		y = 0;
		double		square = 0;
		double		border = 0;

		for (int v = 0; v < g->n; v++)
		{
			const PartitionVertex *at = &g->vertices[v];

			if (part[v] != p)
				continue;
			area += at->area;
			x += at->area * at->x;
			y += at->area * at->y;
			square += at->moment + at->area * (at->x * at->x + at->y * at->y);
			border += at->border;
			for (size_t e = g->first[v]; e < g->first[v + 1]; e++)
				if (part[g->edges[e].to] != p)
					border += g->edges[e].length;
		}
		nmi[nshapes] = area * area / (2 * M_PI * (square - (x * x + y * y) / area));
		pp[nshapes++] = 4 * M_PI * area / (border * border);
	}
}

static void
report_shapes(void)
{
	qsort(nmi, (size_t) nshapes, sizeof(double), compare_doubles);
	qsort(pp, (size_t) nshapes, sizeof(double), compare_doubles);
	printf("median NMI %.3f (10 %%: %.3f), median PP %.3f (10 %%: %.3f)\n",
		   nmi[nshapes / 2], nmi[nshapes / 10], pp[nshapes / 2], pp[nshapes / 10]);
}

static double
solve(const Instance *in, int parts, PartitionResult *result)
{
	int		   *part = malloc(sizeof(int) * (size_t) in->graph.n);
	double		begin = now();
	double		took;

	last_pause = begin;
	partition_build(&in->graph, &bounds, parts, &host, part, result);
	took = now() - begin;
	if (in->graph.n < 50000)
		measure_shapes(&in->graph, part, result->parts);
	free(part);
	return took;
}

static void
run_planted(int instances, bool any_number, int least, int most, int largest)
{
	int			done = 0;
	int			solved = 0;
	double		total = 0;
	double		slowest = 0;

	for (int i = 0; done < instances; i++)
	{
		Instance	in;
		PartitionResult result;
		double		took;

		seed = (uint64_t) i * 77773 + 12345;
		make_instance(&in, least + (int) draw((uint32_t) (most - least + 1)), largest);
		if (in.k >= 2)
		{
			took = solve(&in, any_number ? 0 : in.k, &result);
			done++;
			solved += result.violation == 0;
			total += took;
			slowest = took > slowest ? took : slowest;
			if (result.violation > 0)
				printf("seed %d: n %d k %d: parts %d violation %lld in %d, %.3f s\n", i, in.graph.n, in.k,
					   result.parts, (long long) result.violation, result.violating, took);
		}
		free_instance(&in);
	}
	printf("%d of %d solved (%.2f %%), mean %.3f s, slowest %.3f s\n", solved, done, 100.0 * solved / done, total / done, slowest);
	report_shapes();
}

static void
run_growth(int most, int largest)
{
	for (int n = 1000; n <= most; n *= 2)
	{
		Instance	in;
		PartitionResult result;
		double		took;

		seed = (uint64_t) n;
		nshapes = 0;
		make_instance(&in, n, largest);
		took = solve(&in, in.k, &result);
		printf("n %d k %d: violation %lld in %d, %.2f s (%.2f ms a cell)\n", in.graph.n, in.k,
			   (long long) result.violation, result.violating, took, 1000 * took / in.graph.n);
		report_shapes();
		free_instance(&in);
	}
}

/* Some towers grow after a plan was made: how much has to move? */
static void
run_adjust(int instances)
{
	int64_t		moved = 0;
	int64_t		all = 0;
	int			solved = 0;
	double		total = 0;
	double		slowest = 0;

	for (int i = 0; i < instances; i++)
	{
		Instance	in;
		PartitionResult result;
		PartitionResult after;
		int		   *part;
		int		   *then;
		double		begin;
		double		took;

		seed = (uint64_t) i * 77773 + 12345;
		make_instance(&in, 100 + (int) draw(300), 0);
		part = malloc(sizeof(int) * (size_t) in.graph.n);
		then = malloc(sizeof(int) * (size_t) in.graph.n);
		partition_build(&in.graph, &bounds, in.k, &host, part, &result);
		for (int v = 0; v < in.graph.n; v++)
			if (draw(50) == 0 && in.vertices[v].weight[0] < 330)
			{
				in.vertices[v].weight[0] += in.vertices[v].weight[0] / 3;
				in.vertices[v].weight[1] += in.vertices[v].weight[1] / 3;
			}
		begin = now();
		partition_adjust(&in.graph, &bounds, 0, part, result.parts, &host, then, &after);
		took = now() - begin;
		total += took;
		slowest = took > slowest ? took : slowest;
		solved += after.violation == 0;
		for (int v = 0; v < in.graph.n; v++)
		{
			all += in.vertices[v].weight[0];
			moved += then[v] != part[v] ? in.vertices[v].weight[0] : 0;
		}
		free(part);
		free(then);
		free_instance(&in);
	}
	printf("adjusted: %d of %d in bounds, %.2f %% of the weight moved, mean %.3f s, slowest %.3f s\n",
		   solved, instances, 100.0 * (double) moved / (double) all, total / instances, slowest);
}

/* Medians of the shapes that k-means alone makes, whatever they weigh, for comparison. */
static void
run_kmeans(const Instance *in, int k)
{
	const PartitionGraph *g = &in->graph;
	int		   *part = malloc(sizeof(int) * (size_t) g->n);
	double	   *x = malloc(sizeof(double) * 3 * (size_t) k);
	double	   *y = x + k;
	double	   *w = y + k;

	for (int p = 0; p < k; p++)
	{
		int			v = (int) draw((uint32_t) g->n);

		x[p] = g->vertices[v].x;
		y[p] = g->vertices[v].y;
	}
	for (int round = 0; round < 40; round++)
	{
		for (int v = 0; v < g->n; v++)
		{
			double		least = INFINITY;

			for (int p = 0; p < k; p++)
			{
				double		dx = x[p] - g->vertices[v].x;
				double		dy = y[p] - g->vertices[v].y;

				if (dx * dx + dy * dy < least)
				{
					least = dx * dx + dy * dy;
					part[v] = p;
				}
			}
		}
		for (int p = 0; p < 3 * k; p++)
			x[p] = 0;
		for (int v = 0; v < g->n; v++)
		{
			double		weight = (double) g->vertices[v].weight[0] + 0.001;

			x[part[v]] += weight * g->vertices[v].x;
			y[part[v]] += weight * g->vertices[v].y;
			w[part[v]] += weight;
		}
		for (int p = 0; p < k; p++)
			if (w[p] > 0)
			{
				x[p] /= w[p];
				y[p] /= w[p];
			}
	}
	nshapes = 0;
	measure_shapes(g, part, k);
	printf("k-means: ");
	report_shapes();
	free(part);
	free(x);
}

/* Nothing is planted: every cell has any real size, the largest alone too heavy, some none. */
static void
run_unplanned(int cells, int largest)
{
	int			w = (int) sqrt(cells);
	int			h = cells / w;
	int		   *plan = calloc((size_t) (w * h), sizeof(int));
	PartitionVertex *vertices = calloc((size_t) (w * h), sizeof(PartitionVertex));
	Instance	in;
	PartitionResult result;
	double		took;

	for (int i = 0; i < w * h; i++)
	{
		vertices[i].weight[0] = draw(20) == 0 ? 0 :
			largest > 0 ? 1 + (int) draw((uint32_t) largest) : sizes[draw((uint32_t) nsizes)];
		vertices[i].weight[1] = (int64_t) ((double) vertices[i].weight[0] * draw_real(2.6, 3.4));
	}
	make_graph(&in, w, h, plan, vertices);
	took = solve(&in, 0, &result);
	printf("n %d: %d parts, violation %lld in %d, %.2f s, %.1f ms between pauses at most\n", in.graph.n, result.parts,
		   (long long) result.violation, result.violating, took, 1000 * longest_gap);
	report_shapes();
	if (in.graph.n <= 20000)
		run_kmeans(&in, result.parts);
	free_instance(&in);
	free(plan);
	free(vertices);
}

int
main(int argc, char **argv)
{
	FILE	   *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	int			instances = argc > 2 ? atoi(argv[2]) : 100;
	const char *mode = argc > 3 ? argv[3] : "planted";

	if (f == NULL)
		return 2;
	while (nsizes < MAX_SIZES && fscanf(f, "%d", &sizes[nsizes]) == 1)
		nsizes += sizes[nsizes] > 0;
	fclose(f);
	if (strcmp(mode, "growth") == 0)
		run_growth(16000, 0);
	else if (strcmp(mode, "real") == 0)
		run_unplanned(instances, 0);
	else if (strcmp(mode, "realhouses") == 0)
		run_unplanned(instances, 12);
	else if (strcmp(mode, "adjust") == 0)
		run_adjust(instances);
	else if (strcmp(mode, "houses") == 0)
		run_planted(instances, false, 500, 800, 12);
	else if (strcmp(mode, "manyhouses") == 0)
		run_planted(instances, false, 5000, 5200, 12);
	else
	{
		tight = strcmp(mode, "tight") == 0;
		run_planted(instances, strcmp(mode, "free") == 0, 8, 220, 0);
	}
	return 0;
}
