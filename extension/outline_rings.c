/*
 * outline_rings.c
 *	  Rings from who follows whom, in the order that outline.h promises.
 */
#include "outline_border.h"

#include "orient.h"

/* A ring while its order is not known; corners are nodes. */
typedef struct Ring
{
	int			label;
	int			group;
	bool		hole;
	size_t		first;			/* corner */
	size_t		n;
	size_t		lowest;			/* of them, from 0 */
} Ring;

typedef struct Rings
{
	const Borders *borders;
	uint32_t   *corners;
	size_t		ncorners;
	Ring	   *rings;
	size_t		n;
	size_t		room;
	int		   *polygon;		/* of a group */
	bool		by_polygon;		/* order by it? */
} Rings;

/* The i-th place of a ring from its lowest on. */
static MeshPoint
ring_point(const Rings *r, const Ring *ring, size_t i)
{
	size_t		corner = (ring->lowest + i) % ring->n;

	return r->borders->nodes[r->corners[ring->first + corner]].at;
}

static void
find_lowest(const Rings *r, Ring *ring, const Host *host)
{
	MeshPoint	before;
	MeshPoint	lowest;
	MeshPoint	after;
	size_t		best = 0;

	ring->lowest = 0;
	for (size_t i = 1; i < ring->n; i++)
	{
		if (outline_compare_points(ring_point(r, ring, i), ring_point(r, ring, best)) < 0)
			best = i;
		outline_pause_at(host, i);
	}
	ring->lowest = best;
	before = ring_point(r, ring, ring->n - 1);
	lowest = ring_point(r, ring, 0);
	after = ring_point(r, ring, 1);
	/* The ring turns there as it does as a whole, since it has no point beyond. */
	ring->hole = orient(before.x, before.y, lowest.x, lowest.y, after.x, after.y) < 0;
}

/* The ring that the half-edge e is of; its half-edges are done then. */
static void
trace_ring(Rings *r, const Mesh *mesh, const uint32_t *next, const uint32_t *corner, bool *done,
		   uint32_t e, const Host *host)
{
	Ring	   *ring;
	size_t		steps = 0;

	if (r->n == r->room)
	{
		r->room = r->room * 2 + 64;
		r->rings = host->resize(r->rings, host_bytes(r->room, sizeof(Ring)));
	}
	ring = &r->rings[r->n++];
	*ring = (Ring) {.group = mesh->edges[e].face, .first = r->ncorners};
	for (; !done[e]; e = next[e])
	{
		done[e] = true;
		if (!r->borders->nodes[corner[e]].dropped)
			r->corners[r->ncorners++] = corner[e];
		outline_pause_at(host, ++steps);
	}
	ring->n = r->ncorners - ring->first;
	find_lowest(r, ring, host);
}

/*
 * By label, then shells before holes or, once polygons are numbered, by polygon
 * and then so; then by the lowest point.  Rings that touch there differ in
 * where they go from it, all to the same side.
 */
static int
compare_rings(const void *context, uint32_t i, uint32_t j)
{
	const Rings *r = context;
	const Ring *a = &r->rings[i];
	const Ring *b = &r->rings[j];
	MeshPoint	p = ring_point(r, a, 0);
	MeshPoint	q = ring_point(r, b, 0);
	MeshPoint	after_p;
	MeshPoint	after_q;
	int			order = outline_compare_points(p, q);

	if (a->label != b->label)
		return a->label < b->label ? -1 : 1;
	if (r->by_polygon && r->polygon[a->group] != r->polygon[b->group])
		return r->polygon[a->group] < r->polygon[b->group] ? -1 : 1;
	if (a->hole != b->hole)
		return a->hole ? 1 : -1;
	if (order != 0)
		return order;
	after_p = ring_point(r, a, 1);
	after_q = ring_point(r, b, 1);
	return -orient(p.x, p.y, after_p.x, after_p.y, after_q.x, after_q.y);
}

/* Number the polygons of each label in the order of their shells. */
static void
number_polygons(Rings *r, const uint32_t *order)
{
	int			next = 0;

	for (size_t i = 0; i < r->n; i++)
	{
		const Ring *ring = &r->rings[order[i]];

		if (i > 0 && r->rings[order[i - 1]].label != ring->label)
			next = 0;
		if (!ring->hole)
			r->polygon[ring->group] = next++;
	}
}

static void
write_ring(const Rings *r, const Ring *ring, const Host *host, Outline *outline)
{
	outline->rings[outline->nrings++] = (OutlineRing) {
		.label = ring->label, .polygon = r->polygon[ring->group], .hole = ring->hole,
		.first = outline->npoints, .n = ring->n + 1};
	for (size_t i = 0; i <= ring->n; i++)
	{
		outline->points[outline->npoints++] = ring_point(r, ring, i);
		outline_pause_at(host, outline->npoints);
	}
}

static void
order_rings(Rings *r, const Host *host, Outline *outline)
{
	uint32_t   *order = host_array(host, uint32_t, r->n);

	for (size_t i = 0; i < r->n; i++)
		order[i] = (uint32_t) i;
	order_items(order, r->n, compare_rings, r, host);
	number_polygons(r, order);
	r->by_polygon = true;
	order_items(order, r->n, compare_rings, r, host);
	*outline = (Outline) {0};
	outline->rings = host_array(host, OutlineRing, r->n);
	outline->points = host_array(host, MeshPoint, r->ncorners + r->n);
	for (size_t i = 0; i < r->n; i++)
		write_ring(r, &r->rings[order[i]], host, outline);
	host->release(order);
}

void
outline_rings(const Borders *borders, const Mesh *mesh, const int *label, const int *group,
			  const uint32_t *next, const uint32_t *corner, const Host *host, Outline *outline)
{
	Rings		r = {.borders = borders};
	bool	   *done = host_array(host, bool, mesh->nedges);

	r.corners = host_array(host, uint32_t, mesh->nedges);
	r.polygon = host_array(host, int, mesh->nfaces);
	for (int i = 0; i < mesh->nfaces; i++)
	{
		outline_pause_at(host, i);
		r.polygon[i] = 0;
	}
	for (int e = 0; e < mesh->nedges; e++)
	{
		outline_pause_at(host, e);
		done[e] = corner[e] == OUTLINE_NONE;
	}
	for (int e = 0; e < mesh->nedges; e++)
	{
		outline_pause_at(host, e);
		if (!done[e])
			trace_ring(&r, mesh, next, corner, done, (uint32_t) e, host);
	}
	for (size_t i = 0; i < r.n; i++)
	{
		r.rings[i].label = label[r.rings[i].group];
		r.rings[i].group = group[r.rings[i].group];
	}
	order_rings(&r, host, outline);
	host->release(done);
	host->release(r.corners);
	host->release(r.polygon);
	if (r.rings != NULL)
		host->release(r.rings);
}
