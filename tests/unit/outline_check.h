/*
 * outline_check.h
 *	  Lattices as meshes, and what must be true of any outline of one; by brute
 *	  force. For test_outline.c and fuzz_outline.c.
 */
#ifndef GRIDTREE_OUTLINE_CHECK_H
#define GRIDTREE_OUTLINE_CHECK_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orient.h"
#include "outline.h"

/* A mesh with labels and sites; a face has one site or none. */
typedef struct Lattice
{
	Mesh		mesh;
	int		   *label;
	int			nlabels;
	OutlineSite *sites;
	int		   *site_face;
	int			nsites;
} Lattice;

/* A border segment of an outline. */
typedef struct Segment
{
	MeshPoint	from;
	MeshPoint	to;
	int			label;
	size_t		ring;
} Segment;

static void *
check_resize(void *block, size_t bytes)
{
	void	   *memory = bytes == SIZE_MAX ? NULL : realloc(block, bytes);

	if (memory == NULL)
		abort();
	if (block == NULL)
		memset(memory, 0xA5, bytes);
	return memory;
}

static void
check_pause(void)
{
}

static const Host check_host = {check_resize, free, check_pause};

static void
lattice_free(Lattice *l)
{
	free(l->mesh.points);
	free(l->mesh.edges);
	free(l->label);
	free(l->sites);
	free(l->site_face);
}

static void
outline_free(Outline *o)
{
	free(o->rings);
	free(o->points);
}

/* Twins by comparing all; only where from and to are known. */
static void
set_twins(Mesh *mesh)
{
	int		   *first = calloc((size_t) mesh->npoints + 1, sizeof(int));
	int		   *list = calloc((size_t) mesh->nedges + 1, sizeof(int));

	for (int e = 0; e < mesh->nedges; e++)
		first[mesh->edges[e].from]++;
	for (int i = 1; i <= mesh->npoints; i++)
		first[i] += first[i - 1];
	for (int e = 0; e < mesh->nedges; e++)
		list[--first[mesh->edges[e].from]] = e;
	for (int e = 0; e < mesh->nedges; e++)
	{
		MeshEdge   *edge = &mesh->edges[e];

		edge->twin = -1;
		for (int i = first[edge->to]; i < first[edge->to + 1]; i++)
			if (mesh->edges[list[i]].to == edge->from)
				edge->twin = list[i];
		edge->fixed = edge->twin < 0;
	}
	free(first);
	free(list);
}

/* An edge of the last face, which is given by its corners. */
static void
add_face(Lattice *l, const int *corner, int n, int label, double clearance)
{
	Mesh	   *m = &l->mesh;
	OutlineSite *site = &l->sites[l->nsites];

	*site = (OutlineSite) {0, 0, clearance};
	l->site_face[l->nsites++] = m->nfaces;
	for (int i = 0; i < n; i++)
	{
		site->x += m->points[corner[i]].x / n;
		site->y += m->points[corner[i]].y / n;
		m->edges[m->nedges++] = (MeshEdge) {.from = corner[i], .to = corner[(i + 1) % n], .face = m->nfaces};
	}
	l->label[m->nfaces++] = label;
}

/* What makes a lattice: numbers below a limit. */
typedef unsigned int (*Chance) (unsigned int limit);

/*
 * Squares with corners jittered by up to jitter (0.2 at most), some of them cut
 * into two triangles, some not there where with_gaps; label(x, y) from 0.
 */
static Lattice
lattice_make(int width, int height, int nlabels, int (*label) (int x, int y), double jitter,
			 double clearance, bool with_gaps, Chance chance)
{
	Lattice		l = {.nlabels = nlabels};
	size_t		squares = (size_t) width * height;

	l.mesh.points = calloc((size_t) (width + 1) * (height + 1), sizeof(MeshPoint));
	l.mesh.edges = calloc(squares * 6 + 1, sizeof(MeshEdge));
	l.label = calloc(squares * 2 + 1, sizeof(int));
	l.sites = calloc(squares * 2 + 1, sizeof(OutlineSite));
	l.site_face = calloc(squares * 2 + 1, sizeof(int));
	for (int y = 0; y <= height; y++)
		for (int x = 0; x <= width; x++)
			l.mesh.points[l.mesh.npoints++] = (MeshPoint) {x + jitter * ((int) chance(257) - 128) / 128.0,
				y + jitter * ((int) chance(257) - 128) / 128.0};
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
		{
			int			a = y * (width + 1) + x;
			int			c = a + width + 2;
			double		near = clearance * chance(256) / 256;
			unsigned int kind = chance(8);

			if (with_gaps && kind == 0)
				continue;
			if (kind > 5)
			{
				add_face(&l, (int[]) {a, a + 1, c}, 3, label(x, y), near);
				add_face(&l, (int[]) {a, c, c - 1}, 3, kind == 6 ? label(x, y) : label(y, x), near);
			}
			else
				add_face(&l, (int[]) {a, a + 1, c, c - 1}, 4, label(x, y), near);
		}
	set_twins(&l.mesh);
	return l;
}

/* Fix some edges inside, both ways. */
static void
lattice_fix(Lattice *l, int one_of, Chance chance)
{
	for (int e = 0; e < l->mesh.nedges; e++)
		if (l->mesh.edges[e].twin > e && chance(one_of) == 0)
			l->mesh.edges[e].fixed = l->mesh.edges[l->mesh.edges[e].twin].fixed = true;
}

/* Forget most sites. */
static void
lattice_thin_sites(Lattice *l, int one_of, Chance chance)
{
	int			n = 0;

	for (int i = 0; i < l->nsites; i++)
		if (chance(one_of) == 0)
		{
			l->sites[n] = l->sites[i];
			l->site_face[n++] = l->site_face[i];
		}
	l->nsites = n;
}

static void
shuffle(int *order, int n, Chance chance)
{
	for (int i = 0; i < n; i++)
		order[i] = i;
	for (int i = n - 1; i > 0; i--)
	{
		int			j = (int) chance(i + 1);
		int			swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
}

/* The same with other numbers. */
static Lattice
lattice_permuted(const Lattice *l, Chance chance)
{
	const Mesh *m = &l->mesh;
	Lattice		p = {.nlabels = l->nlabels, .nsites = l->nsites, .mesh = *m};
	int		   *point = malloc(sizeof(int) * (m->npoints + 1));
	int		   *edge = malloc(sizeof(int) * (m->nedges + 1));
	int		   *face = malloc(sizeof(int) * (m->nfaces + 1));
	int		   *site = malloc(sizeof(int) * (l->nsites + 1));

	shuffle(point, m->npoints, chance);
	shuffle(edge, m->nedges, chance);
	shuffle(face, m->nfaces, chance);
	shuffle(site, l->nsites, chance);
	p.mesh.points = malloc(sizeof(MeshPoint) * (m->npoints + 1));
	p.mesh.edges = malloc(sizeof(MeshEdge) * (m->nedges + 1));
	p.label = malloc(sizeof(int) * (m->nfaces + 1));
	p.sites = malloc(sizeof(OutlineSite) * (l->nsites + 1));
	p.site_face = NULL;
	for (int i = 0; i < m->npoints; i++)
		p.mesh.points[point[i]] = m->points[i];
	for (int i = 0; i < m->nfaces; i++)
		p.label[face[i]] = l->label[i];
	for (int i = 0; i < l->nsites; i++)
		p.sites[site[i]] = l->sites[i];
	for (int e = 0; e < m->nedges; e++)
	{
		MeshEdge	q = m->edges[e];

		p.mesh.edges[edge[e]] = (MeshEdge) {point[q.from], point[q.to], face[q.face],
			q.twin < 0 ? -1 : edge[q.twin], q.fixed, q.barrier};
	}
	free(point);
	free(edge);
	free(face);
	free(site);
	return p;
}

static Outline
lattice_outline(const Lattice *l, bool straighten)
{
	Outline		o;

	outline_build(&l->mesh, l->label, l->nlabels, l->sites, l->nsites, straighten, &check_host, &o);
	return o;
}

static bool
outlines_equal(const Outline *a, const Outline *b)
{
	if (a->nrings != b->nrings || a->npoints != b->npoints)
		return false;
	for (size_t i = 0; i < a->nrings; i++)
	{
		OutlineRing p = a->rings[i];
		OutlineRing q = b->rings[i];

		if (p.label != q.label || p.polygon != q.polygon || p.hole != q.hole || p.first != q.first || p.n != q.n)
			return false;
	}
	return memcmp(a->points, b->points, a->npoints * sizeof(MeshPoint)) == 0;
}

static int
compare_points(MeshPoint p, MeshPoint q)
{
	if (p.x != q.x)
		return p.x < q.x ? -1 : 1;
	return (p.y > q.y) - (p.y < q.y);
}

static MeshPoint
lower(const Segment *s)
{
	return compare_points(s->from, s->to) < 0 ? s->from : s->to;
}

static MeshPoint
upper(const Segment *s)
{
	return compare_points(s->from, s->to) < 0 ? s->to : s->from;
}

static int
compare_segments(const void *a, const void *b)
{
	int			order = compare_points(lower(a), lower(b));

	return order != 0 ? order : compare_points(upper(a), upper(b));
}

static int
side(MeshPoint a, MeshPoint b, MeshPoint p)
{
	return orient(a.x, a.y, b.x, b.y, p.x, p.y);
}

static bool
is_between(MeshPoint a, MeshPoint b, MeshPoint p)
{
	return side(a, b, p) == 0 && compare_points(p, a) * compare_points(p, b) < 0;
}

/* Do two segments meet elsewhere than at ends of both? */
static bool
segments_cross(MeshPoint a, MeshPoint b, MeshPoint p, MeshPoint q)
{
	if (fmax(a.x, b.x) < fmin(p.x, q.x) || fmax(p.x, q.x) < fmin(a.x, b.x))
		return false;
	if (is_between(a, b, p) || is_between(a, b, q) || is_between(p, q, a) || is_between(p, q, b))
		return true;
	return side(a, b, p) * side(a, b, q) < 0 && side(p, q, a) * side(p, q, b) < 0;
}

static double
ring_area(const Outline *o, const OutlineRing *ring)
{
	const MeshPoint *p = o->points + ring->first;
	double		sum = 0;

	for (size_t i = 1; i + 1 < ring->n; i++)
		sum += (p[i].x - p[0].x) * (p[i + 1].y - p[0].y) - (p[i + 1].x - p[0].x) * (p[i].y - p[0].y);
	return sum / 2;
}

static Segment *
list_segments(const Outline *o)
{
	Segment    *s = malloc(sizeof(Segment) * (o->npoints + 1));
	size_t		n = 0;

	for (size_t i = 0; i < o->nrings; i++)
		for (size_t j = 0; j + 1 < o->rings[i].n; j++)
		{
			const MeshPoint *p = o->points + o->rings[i].first + j;

			s[n++] = (Segment) {p[0], p[1], o->rings[i].label, i};
		}
	qsort(s, n, sizeof(Segment), compare_segments);
	return s;
}

/* Rings are closed, begin at their lowest points, turn as they should, and are in order. */
static const char *
check_rings(const Outline *o)
{
	size_t		points = 0;

	for (size_t i = 0; i < o->nrings; i++)
	{
		const OutlineRing *ring = &o->rings[i];
		const MeshPoint *p = o->points + ring->first;

		if (ring->first != points || ring->n < 4 || compare_points(p[0], p[ring->n - 1]) != 0)
			return "a ring is closed";
		points += ring->n;
		for (size_t j = 1; j + 1 < ring->n; j++)
			if (compare_points(p[0], p[j]) >= 0)
				return "a ring begins at its lowest point";
		if ((ring_area(o, ring) < 0) != ring->hole)
			return "shells run counterclockwise, holes clockwise";
		if (i == 0 ? ring->polygon != 0 || ring->hole : ring->label < ring[-1].label)
			return "rings are in order";
		if (i > 0 && ring->label > ring[-1].label && (ring->polygon != 0 || ring->hole))
			return "a label begins with a shell";
		if (i > 0 && ring->label == ring[-1].label && ring->polygon != ring[-1].polygon + !ring->hole)
			return "a polygon has one shell";
		if (i > 0 && ring->label == ring[-1].label && ring->hole == ring[-1].hole &&
			compare_points(o->points[ring[-1].first], p[0]) > 0)
			return "polygons and holes are in order";
	}
	return points == o->npoints ? NULL : "all points are of rings";
}

/* Segments in pairs, or alone where they are edges with the outside; none meets another but at its ends. */
static const char *
check_segments(const Outline *o, const Segment *s, size_t n, const Lattice *l)
{
	size_t		alone = 0;
	size_t		outside = 0;

	for (size_t i = 0; i < n; i++)
	{
		bool		with_next = i + 1 < n && compare_segments(&s[i], &s[i + 1]) == 0;
		bool		with_last = i > 0 && compare_segments(&s[i], &s[i - 1]) == 0;

		if (with_next && (with_last || compare_points(s[i].from, s[i + 1].to) != 0 || s[i].label == s[i + 1].label))
			return "a border occurs once each way, between two labels";
		alone += !with_next && !with_last;
		for (size_t j = i + 1 + with_next; j < n; j++)
		{
			if (compare_segments(&s[i], &s[j]) == 0 || segments_cross(s[i].from, s[i].to, s[j].from, s[j].to))
				return "borders do not cross";
			if (s[i].ring == s[j].ring && compare_points(s[i].from, s[j].from) == 0)
				return "a ring does not come to a point twice";
		}
	}
	for (int e = 0; e < l->mesh.nedges; e++)
	{
		const MeshEdge *edge = &l->mesh.edges[e];
		Segment		key = {l->mesh.points[edge->from], l->mesh.points[edge->to], l->label[edge->face], 0};
		const Segment *found = bsearch(&key, s, n, sizeof(Segment), compare_segments);

		outside += edge->twin < 0;
		if (edge->twin < 0 && (found == NULL || compare_points(found->from, key.from) != 0 || found->label != key.label))
			return "edges with the outside stay";
		if (edge->fixed && found == NULL && (edge->twin < 0 || l->label[l->mesh.edges[edge->twin].face] != key.label))
			return "fixed borders stay";
		for (size_t i = 0; i < n && edge->fixed; i++)
			if (compare_segments(&s[i], &key) != 0 && segments_cross(s[i].from, s[i].to, key.from, key.to))
				return "borders do not cross what is fixed";
	}
	(void) o;
	return alone == outside ? NULL : "only edges with the outside occur once";
}

static bool
ring_covers(const Outline *o, const OutlineRing *ring, MeshPoint at)
{
	const MeshPoint *p = o->points + ring->first;
	bool		inside = false;

	for (size_t i = 0; i + 1 < ring->n; i++)
		if ((p[i].y > at.y) != (p[i + 1].y > at.y) &&
			(side(p[i], p[i + 1], at) > 0) == (p[i + 1].y > p[i].y))
			inside = !inside;
	return inside;
}

static double
site_distance(const Segment *s, size_t n, const OutlineSite *site)
{
	double		least = INFINITY;

	for (size_t i = 0; i < n; i++)
	{
		double		dx = s[i].to.x - s[i].from.x;
		double		dy = s[i].to.y - s[i].from.y;
		double		along = ((site->x - s[i].from.x) * dx + (site->y - s[i].from.y) * dy) / (dx * dx + dy * dy);

		along = along < 0 ? 0 : along > 1 ? 1 : along;
		least = fmin(least, hypot(s[i].from.x + along * dx - site->x, s[i].from.y + along * dy - site->y));
	}
	return least;
}

/* Each site is in just one polygon, which has its label, and no nearer to a border than it may be. */
static const char *
check_sites(const Outline *o, const Segment *s, size_t n, const Segment *before, size_t nbefore, const Lattice *l)
{
	for (int f = 0; f < l->nsites; f++)
	{
		const OutlineSite *site = &l->sites[f];
		double		bound = fmin(site->clearance, site_distance(before, nbefore, site));
		int			covers = 0;

		for (size_t i = 0, end; i < o->nrings; i = end)
		{
			bool		inside = ring_covers(o, &o->rings[i], (MeshPoint) {site->x, site->y});

			for (end = i + 1; end < o->nrings && o->rings[end].hole; end++)
				inside = inside && !ring_covers(o, &o->rings[end], (MeshPoint) {site->x, site->y});
			if (inside && o->rings[i].label != l->label[l->site_face[f]])
				return "a site stays with its label";
			covers += inside;
		}
		if (covers != 1)
			return "a site is in one polygon";
		if (site_distance(s, n, site) < bound * (1 - 1e-12))
			return "a site keeps its clearance";
	}
	return NULL;
}

/* How many groups of faces there are. */
static size_t
count_groups(const Lattice *l)
{
	const Mesh *m = &l->mesh;
	int		   *group = malloc(sizeof(int) * (m->nfaces + 1));
	bool		changed = true;
	size_t		n = 0;

	for (int i = 0; i < m->nfaces; i++)
		group[i] = i;
	while (changed)
	{
		changed = false;
		for (int e = 0; e < m->nedges; e++)
		{
			int			f = m->edges[e].face;
			int			g = m->edges[e].twin < 0 ? f : m->edges[m->edges[e].twin].face;

			if (l->label[f] == l->label[g] && group[f] > group[g])
			{
				group[f] = group[g];
				changed = true;
			}
		}
	}
	for (int i = 0; i < m->nfaces; i++)
		n += group[i] == i;
	free(group);
	return n;
}

static const char *
check_sums(const Outline *o, const Lattice *l)
{
	double		area = 0;
	double		faces = 0;
	size_t		shells = 0;

	for (size_t i = 0; i < o->nrings; i++)
	{
		area += ring_area(o, &o->rings[i]);
		shells += !o->rings[i].hole;
	}
	for (int e = 0; e < l->mesh.nedges; e++)
	{
		MeshPoint	p = l->mesh.points[l->mesh.edges[e].from];
		MeshPoint	q = l->mesh.points[l->mesh.edges[e].to];

		faces += (p.x * q.y - q.x * p.y) / 2;
	}
	if (fabs(area - faces) > 1e-9 * (1 + faces))
		return "areas add up";
	return shells == count_groups(l) ? NULL : "as many polygons as groups of faces";
}

/* What is wrong with an outline; NULL: nothing.  before is the one with borders as they are. */
static const char *
outline_wrong(const Outline *o, const Outline *before, const Lattice *l)
{
	Segment    *s = list_segments(o);
	Segment    *s_before = list_segments(before);
	const char *wrong = check_rings(o);

	if (wrong == NULL)
		wrong = check_segments(o, s, o->npoints - o->nrings, l);
	if (wrong == NULL)
		wrong = check_sites(o, s, o->npoints - o->nrings, s_before, before->npoints - before->nrings, l);
	if (wrong == NULL)
		wrong = check_sums(o, l);
	free(s);
	free(s_before);
	return wrong;
}

/* What is wrong with both outlines of a lattice, and of the same with other numbers. */
static const char *
lattice_wrong(const Lattice *l, Chance chance)
{
	Lattice		p = lattice_permuted(l, chance);
	Outline		before = lattice_outline(l, false);
	Outline		after = lattice_outline(l, true);
	Outline		before_p = lattice_outline(&p, false);
	Outline		after_p = lattice_outline(&p, true);
	const char *wrong = outline_wrong(&before, &before, l);

	if (wrong == NULL)
		wrong = outline_wrong(&after, &before, l);
	if (wrong == NULL && (!outlines_equal(&before, &before_p) || !outlines_equal(&after, &after_p)))
		wrong = "the numbering does not matter";
	if (wrong == NULL && after.npoints > before.npoints)
		wrong = "straightening adds no points";
	lattice_free(&p);
	outline_free(&before);
	outline_free(&after);
	outline_free(&before_p);
	outline_free(&after_p);
	return wrong;
}

#endif							/* GRIDTREE_OUTLINE_CHECK_H */
