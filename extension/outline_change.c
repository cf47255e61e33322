/*
 * outline_change.c
 *	  May a border segment change?
 *
 * SAFETY
 *	  A node between two segments may go where the triangle of the three holds
 *	  no other node: a segment that crossed the new one would have to end in the
 *	  triangle or cross one of the two old ones.  A node may move to a place in
 *	  the hull of itself and its neighbours where the triangles that its segments
 *	  sweep hold no other node: a segment between the old and the new place would
 *	  have to part the new one from all of the hull.  Neither triangle may hold a
 *	  site, so every site stays on its side.  All of this is decided exactly.
 *
 *	  Beyond that, a border comes no nearer to a site than its clearance, nor to
 *	  another node than that node's margin, unless it is as near already: what
 *	  is valid only exactly does not stay so when coordinates are transformed.
 */
#include "outline_straighten.h"

#include <math.h>

#include "orient.h"

double
straighten_distance(MeshPoint p, MeshPoint a, MeshPoint b)
{
	double		dx;
	double		dy;
	double		along;
	double		square;

	if (outline_compare_points(a, b) > 0)
	{
		MeshPoint	swap = a;

		a = b;
		b = swap;
	}
	dx = b.x - a.x;
	dy = b.y - a.y;
	square = dx * dx + dy * dy;
	along = square > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / square : 0;
	along = along < 0 ? 0 : along > 1 ? 1 : along;
	dx = a.x + along * dx - p.x;
	dy = a.y + along * dy - p.y;
	return dx * dx + dy * dy;
}

bool
straighten_in_triangle(const MeshPoint c[3], MeshPoint p)
{
	int			turn = orient(c[0].x, c[0].y, c[1].x, c[1].y, c[2].x, c[2].y);

	if (p.x < lesser(lesser(c[0].x, c[1].x), c[2].x) || p.x > greater(greater(c[0].x, c[1].x), c[2].x) ||
		p.y < lesser(lesser(c[0].y, c[1].y), c[2].y) || p.y > greater(greater(c[0].y, c[1].y), c[2].y))
		return false;
	turn = turn < 0 ? -1 : 1;
	return turn * orient(c[0].x, c[0].y, c[1].x, c[1].y, p.x, p.y) >= 0 &&
		turn * orient(c[1].x, c[1].y, c[2].x, c[2].y, p.x, p.y) >= 0 &&
		turn * orient(c[2].x, c[2].y, c[0].x, c[0].y, p.x, p.y) >= 0;
}

/* Would a place be swept, or be nearer to the border than a distance and than it is? */
static bool
hinders(const Change *c, MeshPoint p, double least)
{
	const Straighten *s = c->s;
	double		distance = straighten_distance(p, c->corner[0], c->corner[1]);

	if (straighten_in_triangle(c->corner, p))
		return true;
	if (distance >= least * least)
		return false;
	for (uint32_t i = 0; i < s->b->nodes[c->node].degree; i++)
		if (straighten_distance(p, place(s, c->node), place(s, neighbour(s, c->node, i))) <= distance)
			return false;
	return true;
}

static bool
node_hinders(void *arg, uint32_t item)
{
	const Change *c = arg;

	return item != c->node && item != c->end && item != c->other_end &&
		!c->s->b->nodes[item].dropped && hinders(c, place(c->s, item), c->s->margin[item]);
}

static bool
site_hinders(void *arg, uint32_t item)
{
	const Change *c = arg;
	const OutlineSite *site = &c->s->sites[item];

	return hinders(c, (MeshPoint) {site->x, site->y}, site->clearance);
}

bool
straighten_is_free(Change *c)
{
	return !boxes_search(&c->s->node_tree, c->corner, node_hinders, c) &&
		!boxes_search(&c->s->site_tree, c->corner, site_hinders, c);
}

bool
straighten_gone_tolerate(const Straighten *s, uint32_t link, MeshPoint a, MeshPoint b)
{
	const Gone *gone = gone_of(s, link);
	uint32_t	node = gone->first;

	for (uint32_t i = 0; i < gone->n; i++, node = s->next_gone[node])
		if (straighten_distance(s->origin[node], a, b) > s->tolerance[node])
			return false;
	return true;
}

bool
straighten_adjacent(const Straighten *s, uint32_t a, uint32_t b)
{
	if (s->b->nodes[a].degree > s->b->nodes[b].degree)
	{
		uint32_t	swap = a;

		a = b;
		b = swap;
	}
	for (uint32_t i = 0; i < s->b->nodes[a].degree; i++)
		if (neighbour(s, a, i) == b)
			return true;
	return false;
}
