/*
 * mesh.c
 *	  A mesh made of the rings of its faces.
 *
 * Rings come from a library that nodes lines: what two faces share they share
 * to the bit, but for points that only one of them was given, because the other
 * was noded apart.  Such points are found at the edges that have no twin.
 */
#include "mesh.h"

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
 * Find the twins; an edge that a face has on both sides is no border and goes.
 * False where two faces are on one side of an edge.
 */
static bool
match_twins(const Host *host, Mesh *mesh)
{
	MeshEdge   *edges = mesh->edges;
	int			kept = 0;
	bool		sound = true;

	host->pause();
	qsort(edges, mesh->nedges, sizeof(MeshEdge), compare_borders);
	host->pause();
	for (int i = 0; i < mesh->nedges; kept++)
	{
		int			end = i + 1;

		while (end < mesh->nedges && compare_ends(&edges[i], &edges[end]) == 0)
			end++;
		if (end - i == 2 && edges[i].face == edges[i + 1].face && edges[i].from != edges[i + 1].from)
		{
			kept--;
			i = end;
			continue;
		}
		if (end - i > 2 || (end - i == 2 && edges[i].from == edges[i + 1].from))
			sound = false;
		edges[kept] = edges[i];
		edges[kept].twin = -1;
		if (end - i == 2)
		{
			edges[kept].twin = kept + 1;
			edges[kept + 1] = edges[i + 1];
			edges[kept + 1].twin = kept;
			kept++;
		}
		i = end;
	}
	mesh->nedges = kept;
	return sound;
}

/* --- points that one side lacks --- */

/* A point on an edge, and where: 0 at its beginning, 1 at its end. */
typedef struct Stop
{
	double		where;
	int			point;
} Stop;

typedef struct Stops
{
	Stop	   *stops;
	size_t		n;
	size_t		room;
} Stops;

static int
compare_stops(const void *a, const void *b)
{
	const Stop *s = a;
	const Stop *t = b;

	if (s->where != t->where)
		return s->where < t->where ? -1 : 1;
	return (s->point > t->point) - (s->point < t->point);
}

static void
add_stop(const Host *host, Stops *stops, Stop stop)
{
	if (stops->n == stops->room)
	{
		stops->room = stops->room * 2 + 16;
		stops->stops = host->resize(stops->stops, stops->room * sizeof(Stop));
	}
	stops->stops[stops->n++] = stop;
}

/* Is the point between the ends of the edge, and near enough? */
static bool
is_stop(const Mesh *mesh, const MeshEdge *edge, int point, double tolerance, double *where)
{
	MeshPoint	a = mesh->points[edge->from];
	MeshPoint	b = mesh->points[edge->to];
	MeshPoint	p = mesh->points[point];
	double		dx = b.x - a.x;
	double		dy = b.y - a.y;
	double		square = dx * dx + dy * dy;
	double		across = dx * (p.y - a.y) - dy * (p.x - a.x);

	*where = (dx * (p.x - a.x) + dy * (p.y - a.y)) / square;
	return point != edge->from && point != edge->to && *where > 0 && *where < 1 &&
		across * across <= tolerance * tolerance * square;
}

/* The first of the points that are not left of x. */
static int
first_right_of(const Mesh *mesh, const int *points, int n, double x)
{
	int			low = 0;

	while (n > 0)
	{
		int			half = n / 2;

		if (mesh->points[points[low + half]].x < x)
		{
			low += half + 1;
			n -= half + 1;
		}
		else
			n = half;
	}
	return low;
}

/* The ends of edges without twins, by number, and so by x. */
static int
lone_points(const Host *host, const Mesh *mesh, int **points)
{
	bool	   *lone = host_array(host, bool, mesh->npoints);
	int			n = 0;

	memset(lone, 0, (size_t) mesh->npoints);
	for (int i = 0; i < mesh->nedges; i++)
		if (mesh->edges[i].twin < 0)
			lone[mesh->edges[i].from] = lone[mesh->edges[i].to] = true;
	*points = host_array(host, int, mesh->npoints);
	for (int i = 0; i < mesh->npoints; i++)
		if (lone[i])
			(*points)[n++] = i;
	host->release(lone);
	return n;
}

static void
find_stops(const Host *host, const Mesh *mesh, const MeshEdge *edge, const int *points, int n,
		   double tolerance, Stops *stops)
{
	double		left = fmin(mesh->points[edge->from].x, mesh->points[edge->to].x) - tolerance;
	double		right = fmax(mesh->points[edge->from].x, mesh->points[edge->to].x) + tolerance;

	stops->n = 0;
	for (int i = first_right_of(mesh, points, n, left); i < n && mesh->points[points[i]].x <= right; i++)
	{
		Stop		stop = {0, points[i]};

		if (is_stop(mesh, edge, points[i], tolerance, &stop.where))
			add_stop(host, stops, stop);
	}
	if (stops->n > 1)
		qsort(stops->stops, stops->n, sizeof(Stop), compare_stops);
}

/* Split each edge without a twin where other such edges end on it. */
static void
split_edges(const Host *host, Mesh *mesh, size_t *room, double tolerance)
{
	Stops		stops = {0};
	int		   *points;
	int			n = lone_points(host, mesh, &points);
	int			nedges = mesh->nedges;

	for (int i = 0; i < nedges; i++)
	{
		MeshEdge	rest = mesh->edges[i];

		if (i % 64 == 0)
			host->pause();
		if (rest.twin >= 0)
			continue;
		find_stops(host, mesh, &rest, points, n, tolerance, &stops);
		if (mesh->nedges + stops.n > *room)
		{
			*room = (mesh->nedges + stops.n) * 3 / 2;
			mesh->edges = host->resize(mesh->edges, *room * sizeof(MeshEdge));
		}
		for (size_t s = 0; s < stops.n; s++)
		{
			mesh->edges[mesh->nedges] = rest;
			mesh->edges[mesh->nedges++].to = stops.stops[s].point;
			rest.from = stops.stops[s].point;
		}
		mesh->edges[i] = rest;
	}
	host->release(points);
	if (stops.stops)
		host->release(stops.stops);
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
		split_edges(host, mesh, &builder->room, tolerance);
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
