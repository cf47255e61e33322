/*
 * coverage_pairs.c
 *	  Edges of polygons matched by hash; coverage_pairs.h says what follows.
 */
#include "coverage_pairs.h"

#include <stdlib.h>
#include <string.h>

/* An edge that more rings than this have is not looked into, but is open. */
#define MAX_RUN	64

/* Sorted first by this many leading bits, so that a sort can be interrupted. */
#define BUCKET_BITS	8
#define BUCKETS	(1 << BUCKET_BITS)

/* Rings or runs between two pauses. */
#define PAUSE_EVERY	1024

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ (h >> 32);
}

static uint64_t
bits_of(double number)
{
	double		positive_zero = number + 0.0;
	uint64_t	bits;

	memcpy(&bits, &positive_zero, sizeof(bits));
	return bits;
}

static uint64_t
hash_edge(const double *low, const double *high)
{
	uint64_t	h = mix(bits_of(low[0]) + UINT64_C(0x9e3779b97f4a7c15));

	h = mix(h ^ bits_of(low[1]));
	h = mix(h + bits_of(high[0]));
	return mix(h ^ bits_of(high[1]));
}

/* Twice the area, positive where the ring runs counterclockwise. */
static double
signed_area(const double *xy, size_t n, size_t stride)
{
	double		sum = 0;

	for (size_t i = 1; i + 1 < n; i++)
	{
		const double *p = xy + i * stride;
		const double *q = p + stride;

		sum += (p[0] - xy[0]) * (q[1] - xy[1]) - (q[0] - xy[0]) * (p[1] - xy[1]);
	}
	return sum;
}

static void
make_room(PairEdges *edges, size_t more)
{
	if (edges->n + more <= edges->room)
		return;
	edges->room = (edges->n + more) * 3 / 2 + 1024;
	edges->edges = edges->resize(edges->edges, edges->room * sizeof(PairEdge));
}

bool
pairs_add_ring(PairEdges *edges, uint32_t area, bool hole, const double *xy, size_t n, size_t stride)
{
	size_t		more = pairs_ring_edges(n);
	bool		inside_left = (signed_area(xy, n, stride) > 0) != hole;

	if (area >= PAIRS_MAX_AREAS || more > PAIRS_MAX_EDGES - edges->n)
		return false;
	make_room(edges, more);
	for (size_t i = 0; i < more; i++)
	{
		const double *p = xy + i * stride;
		const double *q = p + stride;
		bool		upward = p[0] < q[0] || (p[0] == q[0] && p[1] < q[1]);
		PairEdge   *e = &edges->edges[edges->n];

		e->hash = upward ? hash_edge(p, q) : hash_edge(q, p);
		e->owner = area * 2 + (inside_left != upward);
		e->number = (uint32_t) edges->n++;
		if (p[0] == q[0] && p[1] == q[1])
			e->owner = UINT32_MAX;
	}
	return true;
}

static int
compare_edges(const void *a, const void *b)
{
	const PairEdge *l = a;
	const PairEdge *r = b;

	if (l->hash != r->hash)
		return l->hash < r->hash ? -1 : 1;
	return (l->number > r->number) - (l->number < r->number);
}

/* Bring each edge into the bucket of its leading bits, in place. */
static void
sort_into_buckets(PairEdges *edges, size_t end[BUCKETS])
{
	size_t		next[BUCKETS];
	size_t		count[BUCKETS] = {0};
	size_t		sum = 0;

	for (size_t i = 0; i < edges->n; i++)
		count[edges->edges[i].hash >> (64 - BUCKET_BITS)]++;
	for (int b = 0; b < BUCKETS; b++)
	{
		next[b] = sum;
		sum += count[b];
		end[b] = sum;
	}
	for (int b = 0; b < BUCKETS; b++)
	{
		edges->pause();
		while (next[b] < end[b])
		{
			PairEdge	e = edges->edges[next[b]];
			int			to = (int) (e.hash >> (64 - BUCKET_BITS));

			if (to == b)
				next[b]++;
			else
			{
				edges->edges[next[b]] = edges->edges[next[to]];
				edges->edges[next[to]++] = e;
			}
		}
	}
}

static void
sort_edges(PairEdges *edges)
{
	size_t		end[BUCKETS];
	size_t		kept = 0;
	size_t		begin = 0;

	for (size_t i = 0; i < edges->n; i++)
		if (edges->edges[i].owner != UINT32_MAX)
			edges->edges[kept++] = edges->edges[i];
	edges->n = kept;
	sort_into_buckets(edges, end);
	for (int b = 0; b < BUCKETS; b++)
	{
		edges->pause();
		if (end[b] - begin > 1)
			qsort(edges->edges + begin, end[b] - begin, sizeof(PairEdge), compare_edges);
		begin = end[b];
	}
}

/* Length of the run of one edge that begins at i. */
static size_t
run_length(const PairEdges *edges, size_t i)
{
	size_t		end = i + 1;

	while (end < edges->n && edges->edges[end].hash == edges->edges[i].hash)
		end++;
	return end - i;
}

/* The other polygon at a clean border; NULL where the edge is open. */
static const PairEdge *
partner(const PairEdge *run, size_t n, const PairEdge *e, const PairArea *areas)
{
	int			level = areas[e->owner / 2].level;
	const PairEdge *other = NULL;

	if (n > MAX_RUN || !areas[e->owner / 2].valid)
		return NULL;
	for (size_t i = 0; i < n; i++)
	{
		if (&run[i] == e || areas[run[i].owner / 2].level != level)
			continue;
		if (other)
			return NULL;
		other = &run[i];
	}
	if (other == NULL || !areas[other->owner / 2].valid || (other->owner ^ e->owner) % 2 == 0 ||
		other->owner / 2 == e->owner / 2)
		return NULL;
	return other;
}

/* By how much the interiors of a family do not balance at an edge. */
static int
balance(const PairEdge *run, size_t n, int family, const PairArea *areas)
{
	int			sum = 0;

	for (size_t i = 0; i < n; i++)
	{
		int			side = run[i].owner % 2 ? -1 : 1;

		if (areas[run[i].owner / 2].family == family)
			sum += side;
		if (areas[run[i].owner / 2].heads == family)
			sum -= side;
	}
	return sum;
}

static void
check_family(const PairEdge *run, size_t n, int family, const PairArea *areas, bool *unbalanced)
{
	if (family >= 0 && !unbalanced[family] && (n > MAX_RUN || balance(run, n, family, areas) != 0))
		unbalanced[family] = true;
}

void
pairs_analyse(PairEdges *edges, PairArea *areas, bool *open, bool *unbalanced)
{
	size_t		n;
	size_t		runs = 0;

	sort_edges(edges);
	for (size_t i = 0; i < edges->n; i += n)
	{
		const PairEdge *run = &edges->edges[i];

		if (runs++ % PAUSE_EVERY == 0)
			edges->pause();
		n = run_length(edges, i);
		for (size_t j = 0; j < n; j++)
		{
			PairArea   *area = &areas[run[j].owner / 2];

			if (partner(run, n, &run[j], areas) == NULL)
				area->open = open[run[j].number] = true;
			check_family(run, n, area->family, areas, unbalanced);
			check_family(run, n, area->heads, areas, unbalanced);
		}
	}
}

void
pairs_spread(const PairEdges *edges, const PairArea *areas, const bool *from, bool *reached)
{
	size_t		n;
	size_t		runs = 0;

	for (size_t i = 0; i < edges->n; i += n)
	{
		const PairEdge *run = &edges->edges[i];

		if (runs++ % PAUSE_EVERY == 0)
			edges->pause();
		n = run_length(edges, i);
		for (size_t j = 0; j < n; j++)
		{
			const PairEdge *other = partner(run, n, &run[j], areas);

			if (other && from[run[j].owner / 2])
				reached[other->owner / 2] = true;
		}
	}
}
