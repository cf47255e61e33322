/*
 * mesh.c
 *	  A mesh made of the rings of its faces.
 *
 * Rings come from a library that nodes lines: what two faces share they share
 * to the bit, but for points that only one of them was given, because the other
 * was noded apart.  Such points are found at the edges that have no twin.
 */
#include "mesh_split.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "order.h"

/* Edges or points that are worked on between two pauses. */
#define PAUSE_EVERY		4096

#define MOST_EDGES		(INT_MAX / 4)

/* --- adding rings --- */

void
mesh_begin(MeshBuilder *builder, const Host *host)
{
	memset(builder, 0, sizeof(*builder));
	builder->host = host;
}

static MeshPoint
ring_point(const double *xy, size_t i, size_t stride)
{
	MeshPoint	point;

	memcpy(&point, xy + i * stride, sizeof(point));
	/* No negative zeros: places are compared. */
	point.x += 0.0;
	point.y += 0.0;
	return point;
}

static bool
same_place(MeshPoint a, MeshPoint b)
{
	return a.x == b.x && a.y == b.y;
}

/* Twice the area, positive where the ring runs counterclockwise. */
static double
signed_area(const double *xy, size_t n, size_t stride)
{
	MeshPoint	first;
	double		sum = 0;

	if (n < 3)
		return 0;
	first = ring_point(xy, 0, stride);
	for (size_t i = 1; i + 1 < n; i++)
	{
		MeshPoint	p = ring_point(xy, i, stride);
		MeshPoint	q = ring_point(xy, i + 1, stride);

		sum += (p.x - first.x) * (q.y - first.y) - (q.x - first.x) * (p.y - first.y);
	}
	return sum;
}

static bool
make_room(MeshBuilder *builder, size_t more)
{
	if (builder->nedges + more <= builder->room)
		return true;
	if (more > MOST_EDGES - builder->nedges)
		return false;
	builder->room = (builder->nedges + more) * 3 / 2 + 64;
	builder->edges = builder->host->resize(builder->edges, builder->room * sizeof(MeshEdge));
	builder->points = builder->host->resize(builder->points, builder->room * 2 * sizeof(MeshPoint));
	return true;
}

bool
mesh_add_ring(MeshBuilder *builder, int face, bool hole, const double *xy, size_t n, size_t stride)
{
	bool		turn = (signed_area(xy, n, stride) > 0) == hole;

	if (!make_room(builder, n))
		return false;
	for (size_t i = 0; i + 1 < n; i++)
	{
		MeshPoint	p = ring_point(xy, i, stride);
		MeshPoint	q = ring_point(xy, i + 1, stride);
		size_t		e = builder->nedges;

		if (same_place(p, q))
			continue;
		builder->points[2 * e] = turn ? q : p;
		builder->points[2 * e + 1] = turn ? p : q;
		builder->edges[e] = (MeshEdge) {(int) (2 * e), (int) (2 * e + 1), face, -1, false, false};
		builder->nedges++;
	}
	return true;
}

/* --- points get numbers --- */

static int
compare_points(const void *context, uint32_t a, uint32_t b)
{
	const MeshPoint *p = (const MeshPoint *) context + a;
	const MeshPoint *q = (const MeshPoint *) context + b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return (p->y > q->y) - (p->y < q->y);
}

static uint32_t *
numbers_to(const Host *host, size_t n)
{
	uint32_t   *numbers = host_array(host, uint32_t, n);

	for (size_t i = 0; i < n; i++)
		numbers[i] = (uint32_t) i;
	return numbers;
}

/* Every place once, by x and y; the edges refer to them. */
static void
number_points(MeshBuilder *builder, Mesh *mesh)
{
	const Host *host = builder->host;
	size_t		n = 2 * builder->nedges;
	uint32_t   *order = numbers_to(host, n);
	MeshPoint  *points = host_array(host, MeshPoint, n);
	int			count = 0;

	order_items(order, n, compare_points, builder->points, host);
	for (size_t i = 0; i < n; i++)
	{
		MeshEdge   *edge = &builder->edges[order[i] / 2];
		MeshPoint	point = builder->points[order[i]];

		if (i % PAUSE_EVERY == 0)
			host->pause();
		if (i == 0 || !same_place(point, points[count - 1]))
			points[count++] = point;
		*(order[i] % 2 == 0 ? &edge->from : &edge->to) = count - 1;
	}
	mesh->points = points;
	mesh->npoints = count;
	host->release(builder->points);
	host->release(order);
}

/* --- twins --- */

static int
compare_ends(const MeshEdge *e, const MeshEdge *f)
{
	int			e_low = e->from < e->to ? e->from : e->to;
	int			f_low = f->from < f->to ? f->from : f->to;
	int			e_high = e->from < e->to ? e->to : e->from;
	int			f_high = f->from < f->to ? f->to : f->from;

	if (e_low != f_low)
		return e_low < f_low ? -1 : 1;
	return (e_high > f_high) - (e_high < f_high);
}

/* Both sides of a border side by side. */
static int
compare_borders(const void *context, uint32_t a, uint32_t b)
{
	const MeshEdge *e = (const MeshEdge *) context + a;
	const MeshEdge *f = (const MeshEdge *) context + b;
	int			ends = compare_ends(e, f);

	if (ends != 0)
		return ends;
	if (e->from != f->from)
		return e->from < f->from ? -1 : 1;
	return (e->face > f->face) - (e->face < f->face);
}

/*
 * Of edges with the same ends, drop pairs that one face has on both sides: there
 * it is without width.  Returns how many are left, at the beginning.
 */
static int
drop_spikes(MeshEdge *edges, int n)
{
	for (int i = 0; i < n; i++)
		for (int j = i + 1; j < n; j++)
			if (edges[i].face == edges[j].face && edges[i].from != edges[j].from)
			{
				memmove(&edges[j], &edges[j + 1], (size_t) (n - j - 1) * sizeof(MeshEdge));
				memmove(&edges[i], &edges[i + 1], (size_t) (n - i - 2) * sizeof(MeshEdge));
				n -= 2;
				i--;
				break;
			}
	return n;
}

/* Bring the edges into the order of their borders. */
static void
sort_edges(const Host *host, Mesh *mesh, size_t *room)
{
	uint32_t   *order = numbers_to(host, mesh->nedges);
	MeshEdge   *sorted;

	order_items(order, mesh->nedges, compare_borders, mesh->edges, host);
	*room = mesh->nedges;
	sorted = host_array(host, MeshEdge, *room);
	for (int i = 0; i < mesh->nedges; i++)
		sorted[i] = mesh->edges[order[i]];
	host->release(mesh->edges);
	host->release(order);
	mesh->edges = sorted;
}

/* Find the twins; false where two faces are on one side of an edge. */
static bool
match_twins(const Host *host, Mesh *mesh, size_t *room)
{
	MeshEdge   *edges;
	int			kept = 0;
	int			end;
	bool		sound = true;

	sort_edges(host, mesh, room);
	edges = mesh->edges;
	for (int i = 0; i < mesh->nedges; i = end)
	{
		int			n;

		if (i % PAUSE_EVERY == 0)
			host->pause();
		for (end = i + 1; end < mesh->nedges && compare_ends(&edges[i], &edges[end]) == 0;)
			end++;
		n = drop_spikes(edges + i, end - i);
		if (n > 2 || (n == 2 && edges[i].from == edges[i + 1].from))
			sound = false;
		for (int j = 0; j < n; j++)
		{
			edges[kept + j] = edges[i + j];
			edges[kept + j].twin = n == 2 ? kept + 1 - j : -1;
		}
		kept += n;
	}
	mesh->nedges = kept;
	return sound;
}

bool
mesh_finish(MeshBuilder *builder, int nfaces, double tolerance, Mesh *mesh)
{
	const Host *host = builder->host;
	bool		sound;

	memset(mesh, 0, sizeof(*mesh));
	(void) make_room(builder, 1);
	number_points(builder, mesh);
	mesh->edges = builder->edges;
	mesh->nedges = (int) builder->nedges;
	mesh->nfaces = nfaces;
	sound = match_twins(host, mesh, &builder->room);
	if (tolerance <= 0)
		return sound;
	/* What is not sound yet may be when both sides have the same points. */
	mesh_split(host, mesh, &builder->room, tolerance);
	return match_twins(host, mesh, &builder->room);
}

void
mesh_free(const Host *host, Mesh *mesh)
{
	host->release(mesh->points);
	host->release(mesh->edges);
	memset(mesh, 0, sizeof(*mesh));
}

double
mesh_length(const Mesh *mesh, const MeshEdge *edge)
{
	double		dx = mesh->points[edge->to].x - mesh->points[edge->from].x;
	double		dy = mesh->points[edge->to].y - mesh->points[edge->from].y;

	return sqrt(dx * dx + dy * dy);
}

/* By Green's theorem: integrals over the triangle of the origin and the edge from a to b. */
void
mesh_add_moments(MeshPoint a, MeshPoint b, MeshMoments *moments)
{
	double		cross = a.x * b.y - b.x * a.y;

	moments->area += cross / 2;
	moments->x += cross * (a.x + b.x) / 6;
	moments->y += cross * (a.y + b.y) / 6;
	moments->square += cross * (a.x * a.x + a.x * b.x + b.x * b.x + a.y * a.y + a.y * b.y + b.y * b.y) / 12;
}
