/*
 * mesh_split.c
 *	  Points that one side of a border lacks.
 *
 * Faces that were noded apart have the same line between them, but not the same
 * points on it.  An edge without a twin is split at the ends of such edges of
 * the other side: those that run along it, the other way.
 */
#include "mesh_split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A point on an edge, and where: 0 at its beginning, 1 at its end. */
typedef struct Stop
{
	double		where;
	int			point;
} Stop;

typedef struct Splitter
{
	const Host *host;
	const Mesh *mesh;
	double		tolerance;
	int		   *points;			/* ends of lone edges, by number, and so by x */
	int		   *by_y;			/* the same, by y */
	int			npoints;
	int		   *first;			/* of each point of the mesh, the lone edges that end there */
	int		   *lone;
	MeshEdge   *edges;			/* the lone edges as they were */
	int			nedges;
	Stop	   *stops;
	size_t		nstops;
	size_t		stops_room;
} Splitter;

typedef struct Height
{
	double		y;
	int			point;
} Height;

static int
compare_heights(const void *a, const void *b)
{
	const Height *l = a;
	const Height *r = b;

	if (l->y != r->y)
		return l->y < r->y ? -1 : 1;
	return (l->point > r->point) - (l->point < r->point);
}

/* The same points by y. */
static void
sort_by_height(Splitter *s)
{
	Height	   *heights = host_array(s->host, Height, s->npoints);

	s->by_y = host_array(s->host, int, s->npoints);
	for (int i = 0; i < s->npoints; i++)
		heights[i] = (Height) {s->mesh->points[s->points[i]].y, s->points[i]};
	if (s->npoints > 1)
		qsort(heights, s->npoints, sizeof(Height), compare_heights);
	for (int i = 0; i < s->npoints; i++)
		s->by_y[i] = heights[i].point;
	s->host->release(heights);
}

/* Collect the lone edges, and which of them end at each point. */
static void
find_lone(Splitter *s)
{
	const Mesh *mesh = s->mesh;

	s->edges = host_array(s->host, MeshEdge, mesh->nedges);
	s->first = host_array(s->host, int, (size_t) mesh->npoints + 2);
	s->points = host_array(s->host, int, mesh->npoints);
	memset(s->first, 0, ((size_t) mesh->npoints + 2) * sizeof(int));
	for (int i = 0; i < mesh->nedges; i++)
		if (mesh->edges[i].twin < 0)
		{
			s->edges[s->nedges++] = mesh->edges[i];
			s->first[mesh->edges[i].from + 2]++;
			s->first[mesh->edges[i].to + 2]++;
		}
	s->lone = host_array(s->host, int, (size_t) s->nedges * 2);
	for (int p = 0; p < mesh->npoints; p++)
	{
		if (s->first[p + 2] > 0)
			s->points[s->npoints++] = p;
		s->first[p + 2] += s->first[p + 1];
	}
	for (int i = 0; i < s->nedges; i++)
	{
		s->lone[s->first[s->edges[i].from + 1]++] = i;
		s->lone[s->first[s->edges[i].to + 1]++] = i;
	}
	sort_by_height(s);
}

/* Where along the way from a to b is p; is it near enough to that line? */
static bool
is_near(MeshPoint a, MeshPoint b, MeshPoint p, double tolerance, double *where)
{
	double		dx = b.x - a.x;
	double		dy = b.y - a.y;
	double		square = dx * dx + dy * dy;
	double		across = dx * (p.y - a.y) - dy * (p.x - a.x);

	*where = (dx * (p.x - a.x) + dy * (p.y - a.y)) / square;
	return across * across <= tolerance * tolerance * square;
}

/* Does another edge run along this one, the other way, as far as both go? Its one end is known to be near. */
static bool
runs_against(const Splitter *s, const MeshEdge *edge, const MeshEdge *other, int end)
{
	const MeshPoint *points = s->mesh->points;
	MeshPoint	a = points[edge->from];
	MeshPoint	b = points[edge->to];
	MeshPoint	c = points[other->from];
	MeshPoint	d = points[other->to];
	double		where;
	bool		near = is_near(a, b, other->from == end ? d : c, s->tolerance, &where);

	if ((b.x - a.x) * (d.x - c.x) + (b.y - a.y) * (d.y - c.y) >= 0)
		return false;
	if (where >= 0 && where <= 1)
		return near;
	return is_near(c, d, where < 0 ? a : b, s->tolerance, &where) && where >= 0 && where <= 1;
}

/* Is the point one at which this edge is to be split? */
static bool
is_stop(const Splitter *s, const MeshEdge *edge, int point, double *where)
{
	const MeshPoint *points = s->mesh->points;

	if (point == edge->from || point == edge->to ||
		!is_near(points[edge->from], points[edge->to], points[point], s->tolerance, where) ||
		*where <= 0 || *where >= 1)
		return false;
	for (int i = s->first[point]; i < s->first[point + 1]; i++)
		if (runs_against(s, edge, &s->edges[s->lone[i]], point))
			return true;
	return false;
}

static void
add_stop(Splitter *s, Stop stop)
{
	if (s->nstops == s->stops_room)
	{
		s->stops_room = s->stops_room * 2 + 16;
		s->stops = s->host->resize(s->stops, s->stops_room * sizeof(Stop));
	}
	s->stops[s->nstops++] = stop;
}

static int
compare_stops(const void *a, const void *b)
{
	const Stop *s = a;
	const Stop *t = b;

	if (s->where != t->where)
		return s->where < t->where ? -1 : 1;
	return (s->point > t->point) - (s->point < t->point);
}

static double
coordinate(const Splitter *s, int point, bool y)
{
	return y ? s->mesh->points[point].y : s->mesh->points[point].x;
}

/* The first of the points in their order by x or y that is not before a coordinate. */
static int
first_from(const Splitter *s, const int *order, bool y, double least)
{
	int			low = 0;
	int			n = s->npoints;

	while (n > 0)
	{
		int			half = n / 2;

		if (coordinate(s, order[low + half], y) < least)
		{
			low += half + 1;
			n -= half + 1;
		}
		else
			n = half;
	}
	return low;
}

/* The points at which an edge is to be split, in their order on it. */
static void
find_stops(Splitter *s, const MeshEdge *edge)
{
	MeshPoint	a = s->mesh->points[edge->from];
	MeshPoint	b = s->mesh->points[edge->to];
	bool		y = fabs(b.y - a.y) > fabs(b.x - a.x);	/* a border of many points runs as its edges do */
	const int  *order = y ? s->by_y : s->points;
	double		least = (y ? fmin(a.y, b.y) : fmin(a.x, b.x)) - s->tolerance;
	double		most = (y ? fmax(a.y, b.y) : fmax(a.x, b.x)) + s->tolerance;

	s->nstops = 0;
	for (int i = first_from(s, order, y, least); i < s->npoints && coordinate(s, order[i], y) <= most; i++)
	{
		Stop		stop = {0, order[i]};

		if (is_stop(s, edge, order[i], &stop.where))
			add_stop(s, stop);
	}
	if (s->nstops > 1)
		qsort(s->stops, s->nstops, sizeof(Stop), compare_stops);
}

void
mesh_split(const Host *host, Mesh *mesh, size_t *room, double tolerance)
{
	Splitter	s = {.host = host, .mesh = mesh, .tolerance = tolerance};
	int			nedges = mesh->nedges;

	find_lone(&s);
	for (int i = 0; i < nedges; i++)
	{
		MeshEdge	rest = mesh->edges[i];

		if (i % 64 == 0)
			host->pause();
		if (rest.twin >= 0)
			continue;
		find_stops(&s, &rest);
		if (mesh->nedges + s.nstops > *room)
		{
			*room = (mesh->nedges + s.nstops) * 3 / 2;
			mesh->edges = host->resize(mesh->edges, *room * sizeof(MeshEdge));
		}
		for (size_t j = 0; j < s.nstops; j++)
		{
			mesh->edges[mesh->nedges] = rest;
			mesh->edges[mesh->nedges++].to = s.stops[j].point;
			rest.from = s.stops[j].point;
		}
		mesh->edges[i] = rest;
	}
	host->release(s.points);
	host->release(s.by_y);
	host->release(s.first);
	host->release(s.lone);
	host->release(s.edges);
	if (s.stops)
		host->release(s.stops);
}
