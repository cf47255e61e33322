/*
 * coverage_arcs.c
 *	  Equal edges are kept once, and chains of edges of the same rings as arcs.
 *
 * Edges are equal when they join the same two points.  They are put into the
 * squares that their lesser ends are in, about one to a square, and in each
 * square sorted; that is near linear and stays in the cache, and many ends in one
 * square cost n log n, never more.
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
	uint64_t	hash;			/* of both ends */
	const CoverageVertex *low;
	const CoverageVertex *high;
} EdgeKey;

/* Squares are cells of the raster, 2^shift x 2^shift of them. */
typedef struct Squares
{
	int			shift;
	uint32_t	columns;
	uint32_t	n;
	uint32_t   *starts;			/* where the edges of each begin */
} Squares;

/* Edges, known by the vertex they begin with, in groups of equal ones. */
typedef struct Groups
{
	uint32_t   *edges;			/* group after group; LAST ends each */
	uint32_t   *group_of;		/* where the group of an edge begins */
	uint32_t   *ring_of;		/* of an edge, twice, plus 1 where its lesser end is the first */
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
	int			low;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	low = compare_vertices(a->low, b->low);
	return low != 0 ? low : compare_vertices(a->high, b->high);
}

static inline const CoverageVertex *
first_end(const EdgeKey *key)
{
	return key->low < key->high ? key->low : key->high;
}

/* A total order, so that sorting is the same everywhere. */
static int
compare_keys(const void *a, const void *b)
{
	const EdgeKey *left = a;
	const EdgeKey *right = b;
	int			ends = compare_ends(left, right);

	return ends != 0 ? ends : (first_end(left) > first_end(right)) - (first_end(left) < first_end(right));
}

static inline const CoverageVertex *
lesser_end(const CoverageVertex *from)
{
	return compare_vertices(from, from + 1) < 0 ? from : from + 1;
}

static inline EdgeKey
key_of(const CoverageVertex *from)
{
	EdgeKey		key;
	uint64_t	bits[4];

	key.low = lesser_end(from);
	key.high = key.low == from ? from + 1 : from;
	memcpy(bits, key.low, sizeof(CoverageVertex));
	memcpy(bits + 2, key.high, sizeof(CoverageVertex));
	/* odd numbers of no meaning; equal hashes are looked at more closely */
	key.hash = bits[0] * UINT64_C(0x9e3779b97f4a7c15) ^ bits[1] * UINT64_C(0xc2b2ae3d27d4eb4f) ^
		bits[2] * UINT64_C(0x165667b19e3779f9) ^ bits[3] * UINT64_C(0x27d4eb2f165667c5);
	return key;
}

static void
sort_keys(CoverageBuilder *builder, EdgeKey *keys, size_t n)
{
	if (n > INSERTION_SORT_MOST)
	{
		build_sort(builder, keys, n, sizeof(EdgeKey), compare_keys);
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

static Squares
choose_squares(CoverageBuilder *builder)
{
	const CoverageRaster *raster = &builder->raster;
	Squares		squares = {0, 0, 0, NULL};

	for (;; squares.shift++)
	{
		squares.columns = (raster->columns >> squares.shift) + 1;
		squares.n = squares.columns * ((raster->rows >> squares.shift) + 1);
		if (squares.n <= builder->ngiven || squares.columns == 1)
			break;
	}
	squares.starts = build_alloc(builder, (size_t) squares.n + 2, sizeof(uint32_t));
	memset(squares.starts, 0, ((size_t) squares.n + 2) * sizeof(uint32_t));
	return squares;
}

static inline uint32_t
square_of(const CoverageRaster *raster, const Squares *squares, const CoverageVertex *from)
{
	const CoverageVertex *v = lesser_end(from);
	uint32_t	row = raster_index(v->y - raster->y0, raster->inverse, raster->rows) >> squares->shift;
	uint32_t	column = raster_index(v->x - raster->x0, raster->inverse, raster->columns) >> squares->shift;

	return row * squares->columns + column;
}

/* Put the edges of each square together. */
static Squares
fill_squares(CoverageBuilder *builder, Groups *groups)
{
	Squares		squares = choose_squares(builder);

	for (size_t r = 0; r < builder->nrings; r++)
	{
		const BuildRing *ring = &builder->rings[r];

		build_pause(builder);
		for (uint32_t e = ring->first; e < ring->first + ring->edges; e++)
		{
			groups->ring_of[e] = ring->number << 1 | (lesser_end(&builder->given[e]) == &builder->given[e]);
			groups->group_of[e] = square_of(&builder->raster, &squares, &builder->given[e]);
			squares.starts[groups->group_of[e] + 2]++;
		}
	}
	for (size_t i = 2; i < (size_t) squares.n + 2; i++)
		squares.starts[i] += squares.starts[i - 1];
	for (size_t r = 0; r < builder->nrings; r++)
	{
		const BuildRing *ring = &builder->rings[r];

		build_pause(builder);
		for (uint32_t e = ring->first; e < ring->first + ring->edges; e++)
			groups->edges[squares.starts[groups->group_of[e] + 1]++] = e;
	}
	return squares;
}

/* Sort the edges of one square and mark the groups. */
static void
group_square(CoverageBuilder *builder, Groups *groups, uint32_t from, uint32_t n, EdgeKey *keys)
{
	uint32_t	begin = from;

	for (uint32_t i = 0; i < n; i++)
		keys[i] = key_of(&builder->given[groups->edges[from + i]]);
	sort_keys(builder, keys, n);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	edge = (uint32_t) (first_end(&keys[i]) - builder->given);
		bool		last = i + 1 == n || compare_ends(&keys[i], &keys[i + 1]) != 0;

		groups->edges[from + i] = edge | (last ? LAST : 0);
		groups->group_of[edge] = begin;
		if (last)
			begin = from + i + 1;
	}
}

static void
group_edges(CoverageBuilder *builder, Groups *groups)
{
	Squares		squares = fill_squares(builder, groups);
	uint32_t	most = 0;
	EdgeKey    *keys;

	for (size_t i = 0; i < squares.n; i++)
		if (squares.starts[i + 1] - squares.starts[i] > most)
			most = squares.starts[i + 1] - squares.starts[i];
	keys = build_alloc(builder, (size_t) most + 1, sizeof(EdgeKey));
	for (size_t i = 0; i < squares.n; i++)
	{
		if (i % PAUSE_EVERY == 0)
			build_pause(builder);
		group_square(builder, groups, squares.starts[i], squares.starts[i + 1] - squares.starts[i], keys);
	}
	build_free(builder, keys);
	build_free(builder, squares.starts);
}

/* A ring of an incidence, as its words are. */
typedef struct Member
{
	uint32_t	ring;
	uint32_t	count;
} Member;

static int
compare_members(const void *a, const void *b)
{
	const Member *left = a;
	const Member *right = b;

	return (left->ring > right->ring) - (left->ring < right->ring);
}

/* Put members in the order of their rings, each once; returns how many. */
static uint32_t
merge_members(CoverageBuilder *builder, Member *members, uint32_t given)
{
	uint32_t	n = 0;
	bool		ordered = true;

	for (uint32_t i = 1; i < given; i++)
		ordered &= members[i - 1].ring < members[i].ring;
	if (ordered)
		return given;
	build_sort(builder, members, given, sizeof(Member), compare_members);
	for (uint32_t i = 0; i < given; i++)
	{
		if (n > 0 && members[n - 1].ring == members[i].ring)
			members[n - 1].count += members[i].count;
		else
			members[n++] = members[i];
	}
	return n;
}

/*
 * The rings of the group that an edge is in, counted along that edge, into the
 * room behind the incidences; in the order of their numbers.  Returns how many.
 */
static uint32_t
incidence_of(CoverageBuilder *builder, const Groups *groups, uint32_t edge)
{
	Words	   *words = &builder->incidences;
	uint32_t	slot = groups->group_of[edge];
	uint32_t	n = 0;
	Member	   *members;
	bool		last;

	do
	{
		uint32_t	other = groups->ring_of[groups->edges[slot] & ~LAST];
		bool		along = ((other ^ groups->ring_of[edge]) & 1) == 0;

		last = (groups->edges[slot++] & LAST) != 0;
		if (slot % PAUSE_EVERY == 0)
			build_pause(builder);
		words_reserve(builder, words, 1 + (size_t) (n + 1) * MEMBER_WORDS);
		members = (Member *) (words->data + words->n + 1);
		members[n++] = (Member) {other >> 1, along ? 1 : UINT32_MAX};
	} while (!last);
	n = merge_members(builder, members, n);
	words->data[words->n] = n;
	if (n > builder->widest_incidence)
		builder->widest_incidence = n;
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
