/*
 * coverage_arcs.c
 *	  Equal edges are kept once, and chains of edges of the same rings as arcs.
 *
 * Edges are equal when they join the same two points.  They are found by
 * sorting, first by the raster cell of their lesser end and then in each cell,
 * which is near linear and stays in the cache; many ends in one cell cost
 * n log n, never more.
 *
 * Pure.
 */
#include "coverage_build.h"

#include <stdlib.h>
#include <string.h>

/* Set on the last of equal edges. */
#define LAST			UINT32_C(0x80000000)

#define INSERTION_SORT_MOST 16

/* An edge by its ends, the lesser one first. */
typedef struct EdgeKey
{
	CoverageVertex low;
	CoverageVertex high;
	uint32_t	edge;
} EdgeKey;

/* Edges, known by the vertex they begin with, in groups of equal ones. */
typedef struct Groups
{
	uint32_t   *edges;			/* group after group; LAST ends each */
	uint32_t   *group_of;		/* where the group of an edge begins */
	uint32_t   *ring_of;
	bool	   *done;			/* by where the group begins */
} Groups;

static inline int
compare_vertices(const CoverageVertex *a, const CoverageVertex *b)
{
	if (a->x != b->x)
		return a->x < b->x ? -1 : 1;
	return (a->y > b->y) - (a->y < b->y);
}

static inline int
compare_ends(const EdgeKey *a, const EdgeKey *b)
{
	int			low = compare_vertices(&a->low, &b->low);

	return low != 0 ? low : compare_vertices(&a->high, &b->high);
}

/* A total order, so that sorting is the same everywhere. */
static int
compare_keys(const void *a, const void *b)
{
	const EdgeKey *left = a;
	const EdgeKey *right = b;
	int			ends = compare_ends(left, right);

	return ends != 0 ? ends : (left->edge > right->edge) - (left->edge < right->edge);
}

static inline const CoverageVertex *
lesser_end(const CoverageVertex *from)
{
	return compare_vertices(from, from + 1) < 0 ? from : from + 1;
}

static void
sort_keys(EdgeKey *keys, size_t n)
{
	if (n > INSERTION_SORT_MOST)
	{
		qsort(keys, n, sizeof(EdgeKey), compare_keys);
		return;
	}
	for (size_t i = 1; i < n; i++)
	{
		EdgeKey		key = keys[i];
		size_t		j = i;

		for (; j > 0 && compare_keys(&keys[j - 1], &key) > 0; j--)
			keys[j] = keys[j - 1];
		keys[j] = key;
	}
}

/* Put the edges of each cell together; starts[cell] is where they begin. */
static uint32_t *
bucket_edges(CoverageBuilder *builder, Groups *groups)
{
	size_t		cells = (size_t) builder->raster.columns * builder->raster.rows;
	uint32_t   *starts = build_alloc(builder, cells + 2, sizeof(uint32_t));

	memset(starts, 0, (cells + 2) * sizeof(uint32_t));
	for (size_t r = 0; r < builder->nrings; r++)
	{
		const BuildRing *ring = &builder->rings[r];

		build_pause(builder);
		for (uint32_t e = ring->first; e < ring->first + ring->edges; e++)
		{
			groups->ring_of[e] = ring->number;
			starts[build_cell(&builder->raster, lesser_end(&builder->given[e])) + 2]++;
		}
	}
	for (size_t i = 2; i < cells + 2; i++)
		starts[i] += starts[i - 1];
	for (size_t r = 0; r < builder->nrings; r++)
	{
		const BuildRing *ring = &builder->rings[r];

		build_pause(builder);
		for (uint32_t e = ring->first; e < ring->first + ring->edges; e++)
			groups->edges[starts[build_cell(&builder->raster, lesser_end(&builder->given[e])) + 1]++] = e;
	}
	return starts;
}

/* Sort the edges of one cell and mark the groups. */
static void
group_bucket(CoverageBuilder *builder, Groups *groups, uint32_t from, uint32_t n, EdgeKey *keys)
{
	uint32_t	begin = from;

	for (uint32_t i = 0; i < n; i++)
	{
		const CoverageVertex *v = &builder->given[groups->edges[from + i]];
		const CoverageVertex *low = lesser_end(v);

		keys[i] = (EdgeKey) {*low, low == v ? v[1] : v[0], groups->edges[from + i]};
	}
	sort_keys(keys, n);
	for (uint32_t i = 0; i < n; i++)
	{
		bool		last = i + 1 == n || compare_ends(&keys[i], &keys[i + 1]) != 0;

		groups->edges[from + i] = keys[i].edge | (last ? LAST : 0);
		groups->group_of[keys[i].edge] = begin;
		if (last)
			begin = from + i + 1;
	}
}

static void
group_edges(CoverageBuilder *builder, Groups *groups)
{
	size_t		cells = (size_t) builder->raster.columns * builder->raster.rows;
	uint32_t   *starts = bucket_edges(builder, groups);
	uint32_t	most = 0;
	EdgeKey    *keys;

	for (size_t i = 0; i < cells; i++)
		if (starts[i + 1] - starts[i] > most)
			most = starts[i + 1] - starts[i];
	keys = build_alloc(builder, (size_t) most + 1, sizeof(EdgeKey));
	for (size_t i = 0; i < cells; i++)
	{
		if (i % PAUSE_EVERY == 0)
			build_pause(builder);
		group_bucket(builder, groups, starts[i], starts[i + 1] - starts[i], keys);
	}
	build_free(builder, keys);
	build_free(builder, starts);
}

/*
 * The rings of the group that an edge is in, counted along that edge, into the
 * room behind the incidences; in the order of their numbers.  Returns how many.
 */
static uint32_t
incidence_of(CoverageBuilder *builder, const Groups *groups, uint32_t edge)
{
	uint32_t	slot = groups->group_of[edge];
	uint32_t	n = 0;
	uint32_t   *members;
	bool		last;

	do
	{
		uint32_t	other = groups->edges[slot] & ~LAST;
		uint32_t	ring = groups->ring_of[other];
		bool		along = compare_vertices(&builder->given[other], &builder->given[edge]) == 0;
		uint32_t	i = n;

		last = (groups->edges[slot++] & LAST) != 0;
		words_reserve(builder, &builder->incidences, 1 + (size_t) (n + 1) * MEMBER_WORDS);
		members = builder->incidences.data + builder->incidences.n + 1;
		while (i > 0 && members[(i - 1) * MEMBER_WORDS] > ring)
			i--;
		if (i > 0 && members[(i - 1) * MEMBER_WORDS] == ring)
		{
			members[(i - 1) * MEMBER_WORDS + 1] += along ? 1 : UINT32_MAX;
			continue;
		}
		memmove(members + (size_t) (i + 1) * MEMBER_WORDS, members + (size_t) i * MEMBER_WORDS,
				(size_t) (n - i) * MEMBER_WORDS * sizeof(uint32_t));
		members[i * MEMBER_WORDS] = ring;
		members[i * MEMBER_WORDS + 1] = along ? 1 : UINT32_MAX;
		n++;
	} while (!last);
	members[-1] = n;
	return n;
}

/* Has the arc the incidence that stands behind the incidences? */
static bool
same_incidence(const CoverageBuilder *builder, const Arc *arc, uint32_t members)
{
	const uint32_t *data = builder->incidences.data;

	return data[arc->incidence] == members &&
		memcmp(data + arc->incidence + 1, data + builder->incidences.n + 1,
			   (size_t) members * MEMBER_WORDS * sizeof(uint32_t)) == 0;
}

/* Make arcs of the edges of a ring that no ring before it had. */
static void
trace_ring(CoverageBuilder *builder, Groups *groups, const BuildRing *ring)
{
	Arc		   *arc = NULL;

	for (uint32_t e = ring->first; e < ring->first + ring->edges; e++)
	{
		uint32_t	members;

		if (groups->done[groups->group_of[e]])
		{
			arc = NULL;
			continue;
		}
		groups->done[groups->group_of[e]] = true;
		members = incidence_of(builder, groups, e);
		if (arc == NULL || !same_incidence(builder, arc, members))
		{
			arc = &builder->arcs[builder->narcs++];
			*arc = (Arc) {builder->nvertices, 0, (uint32_t) builder->incidences.n};
			builder->incidences.n += 1 + (size_t) members * MEMBER_WORDS;
			builder->vertices[builder->nvertices++] = builder->given[e];
		}
		builder->vertices[builder->nvertices++] = builder->given[e + 1];
		arc->edges++;
		builder->nedges++;
	}
}

void
build_arcs(CoverageBuilder *builder)
{
	Groups		groups;
	size_t		n = builder->ngiven + 1;

	groups.edges = build_alloc(builder, n, sizeof(uint32_t));
	groups.group_of = build_alloc(builder, n, sizeof(uint32_t));
	groups.ring_of = build_alloc(builder, n, sizeof(uint32_t));
	group_edges(builder, &groups);

	groups.done = build_alloc(builder, n, sizeof(bool));
	memset(groups.done, 0, n);
	/* An arc of k edges has k + 1 vertices. */
	builder->vertices = build_alloc(builder, 2 * n, sizeof(CoverageVertex));
	builder->arcs = build_alloc(builder, n, sizeof(Arc));
	for (size_t i = 0; i < builder->nparts; i++)
	{
		const BuildPart *part = &builder->parts[builder->places[i]];

		build_pause(builder);
		for (uint32_t r = 0; r < part->rings; r++)
			trace_ring(builder, &groups, &builder->rings[part->first_ring + r]);
	}
	build_free(builder, groups.done);
	build_free(builder, groups.ring_of);
	build_free(builder, groups.group_of);
	build_free(builder, groups.edges);
}
