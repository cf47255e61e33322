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
#include <stdlib.h>
#include <string.h>

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
	MeshPoint	first = ring_point(xy, 0, stride);
	double		sum = 0;

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

typedef struct NumberedPoint
{
	MeshPoint	point;
	int			number;			/* of the end of an edge */
} NumberedPoint;

static int
compare_points(const void *a, const void *b)
{
	const MeshPoint *p = a;
	const MeshPoint *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return (p->y > q->y) - (p->y < q->y);
}

/* Every place once, by x and y; the edges refer to them. */
static void
number_points(MeshBuilder *builder, Mesh *mesh)
{
	const Host *host = builder->host;
	size_t		n = 2 * builder->nedges;
	NumberedPoint *all = host_array(host, NumberedPoint, n);
	int			count = 0;

	for (size_t i = 0; i < n; i++)
		all[i] = (NumberedPoint) {builder->points[i], (int) i};
	host->pause();
	qsort(all, n, sizeof(NumberedPoint), compare_points);
	host->pause();
	mesh->points = builder->points;
	for (size_t i = 0; i < n; i++)
	{
		MeshEdge   *edge = &builder->edges[all[i].number / 2];

		if (i == 0 || !same_place(all[i].point, all[i - 1].point))
			mesh->points[count++] = all[i].point;
		*(all[i].number % 2 == 0 ? &edge->from : &edge->to) = count - 1;
	}
	mesh->npoints = count;
	host->release(all);
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
compare_borders(const void *a, const void *b)
{
	const MeshEdge *e = a;
	const MeshEdge *f = b;
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

/* Find the twins; false where two faces are on one side of an edge. */
static bool
match_twins(const Host *host, Mesh *mesh)
{
	MeshEdge   *edges = mesh->edges;
	int			kept = 0;
	int			end;
	bool		sound = true;

	host->pause();
	qsort(edges, mesh->nedges, sizeof(MeshEdge), compare_borders);
	host->pause();
	for (int i = 0; i < mesh->nedges; i = end)
	{
		int			n;

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

	memset(mesh, 0, sizeof(*mesh));
	(void) make_room(builder, 1);
	number_points(builder, mesh);
	mesh->edges = builder->edges;
	mesh->nedges = (int) builder->nedges;
	mesh->nfaces = nfaces;
	(void) match_twins(host, mesh);
	if (tolerance > 0)
	{
		mesh_split(host, mesh, &builder->room, tolerance);
		return match_twins(host, mesh);
	}
	return true;
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
