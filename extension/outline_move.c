/*
 * outline_move.c
 *	  Nodes of borders that stay, at better places.
 *
 * A tip between two segments is cut.  A junction of three goes on the line of
 * two of its segments where they nearly make one, or else towards the place
 * where the three are shortest, at which they meet at 120 degrees.  Each move
 * is as far as is allowed, of a few parts of the way.
 */
#include "outline_straighten.h"

#include <math.h>

/* Two segments at a junction that are this near to one line become one: cosine. */
#define NEARLY_STRAIGHT	-0.7

/* A move that shortens borders by less than this part is none. */
#define WORTH_MOVING	0.002

static bool
in_hull(const Straighten *s, uint32_t node, MeshPoint p)
{
	MeshPoint	a = place(s, neighbour(s, node, 0));
	MeshPoint	b = place(s, neighbour(s, node, 1));
	MeshPoint	v = place(s, node);
	MeshPoint	c = s->b->nodes[node].degree > 2 ? place(s, neighbour(s, node, 2)) : v;

	return straighten_in_triangle((MeshPoint[3]) {a, b, v}, p) ||
		straighten_in_triangle((MeshPoint[3]) {b, c, v}, p) ||
		straighten_in_triangle((MeshPoint[3]) {c, a, v}, p) ||
		straighten_in_triangle((MeshPoint[3]) {a, b, c}, p);
}

/* Does the place a node had first tolerate that it is at p now? */
static bool
node_tolerates(const Straighten *s, uint32_t node, MeshPoint p)
{
	const BorderNode *n = &s->b->nodes[node];
	MeshPoint	origin = s->origin[node];

	for (uint32_t i = 0; i < n->degree; i++)
		if (straighten_distance(origin, p, place(s, neighbour(s, node, i))) <= s->tolerance[node])
			return true;
	return false;
}

/* Is p at a segment between two neighbours of a node?  Nothing in a swept triangle would tell. */
static bool
at_segment_across(const Straighten *s, uint32_t node, MeshPoint p)
{
	for (uint32_t i = 0; i < s->b->nodes[node].degree; i++)
		for (uint32_t j = 0; j < i; j++)
		{
			uint32_t	a = neighbour(s, node, i);
			uint32_t	b = neighbour(s, node, j);

			if (straighten_distance(p, place(s, a), place(s, b)) <= s->margin[node] * s->margin[node] &&
				straighten_adjacent(s, a, b))
				return true;
		}
	return false;
}

static bool
try_move(Straighten *s, uint32_t node, MeshPoint to)
{
	BorderNode *n = &s->b->nodes[node];

	if (outline_compare_points(to, n->at) == 0 || !in_hull(s, node, to) ||
		at_segment_across(s, node, to) || !node_tolerates(s, node, to))
		return false;
	for (uint32_t i = 0; i < n->degree; i++)
	{
		uint32_t	end = neighbour(s, node, i);
		Change		change = {s, {place(s, end), to, n->at}, node, end, end};

		if (outline_compare_points(to, place(s, end)) == 0 ||
			!straighten_gone_tolerate(s, s->b->links[n->first + i], place(s, end), to) || !straighten_is_free(&change))
			return false;
	}
	n->at = to;
	s->node_tree.items[node] = box_of(s, node);
	boxes_update(&s->node_tree, node);
	return true;
}

/* All the way or less of it; a little less, since the whole way may end beyond the hull by rounding. */
static bool
move_towards(Straighten *s, uint32_t node, MeshPoint to)
{
	static const double parts[] = {1, 0.97, 0.7, 0.5, 0.25};
	MeshPoint	at = place(s, node);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (try_move(s, node, (MeshPoint) {at.x + parts[i] * (to.x - at.x), at.y + parts[i] * (to.y - at.y)}))
			return true;
	return false;
}

static double
distance(MeshPoint p, MeshPoint q)
{
	return sqrt((p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y));
}

/* Cosine of the angle between p and q as seen from at. */
static double
cosine(MeshPoint at, MeshPoint p, MeshPoint q)
{
	double		dot = (p.x - at.x) * (q.x - at.x) + (p.y - at.y) * (q.y - at.y);

	return dot / (distance(at, p) * distance(at, q));
}

/* A tip is cut towards the middle between its neighbours. */
static bool
move_middle(Straighten *s, uint32_t node)
{
	MeshPoint	a = place(s, neighbour(s, node, 0));
	MeshPoint	b = place(s, neighbour(s, node, 1));

	if (!(cosine(place(s, node), a, b) > NEARLY_STRAIGHT))
		return false;
	return move_towards(s, node, (MeshPoint) {a.x / 2 + b.x / 2, a.y / 2 + b.y / 2});
}

/* The three neighbours of a junction in an order that is always the same. */
static void
get_neighbours(const Straighten *s, uint32_t node, MeshPoint p[3])
{
	for (int i = 0; i < 3; i++)
	{
		MeshPoint	at = place(s, neighbour(s, node, i));
		int			j = i;

		for (; j > 0 && outline_compare_points(p[j - 1], at) > 0; j--)
			p[j] = p[j - 1];
		p[j] = at;
	}
}

static MeshPoint
foot_on(MeshPoint p, MeshPoint a, MeshPoint b)
{
	double		dx = b.x - a.x;
	double		dy = b.y - a.y;
	double		along = ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy);

	return (MeshPoint) {a.x + along * dx, a.y + along * dy};
}

/* Some steps of Weiszfeld's iteration towards the point with the least sum of distances. */
static MeshPoint
towards_fermat(MeshPoint at, const MeshPoint p[3])
{
	for (int round = 0; round < 8; round++)
	{
		double		sum = 0;
		MeshPoint	next = {0, 0};

		for (int i = 0; i < 3; i++)
		{
			double		weight = distance(at, p[i]);

			if (weight == 0)
				return at;
			weight = 1 / weight;
			next.x += weight * p[i].x;
			next.y += weight * p[i].y;
			sum += weight;
		}
		at = (MeshPoint) {next.x / sum, next.y / sum};
	}
	return at;
}

/* A junction goes on the line of two of its segments that nearly make one, else where borders are shortest. */
static bool
move_junction(Straighten *s, uint32_t node)
{
	MeshPoint	at = place(s, node);
	MeshPoint	p[3];
	MeshPoint	to;
	int			across = 0;
	double		least = 1;

	get_neighbours(s, node, p);
	for (int i = 0; i < 3; i++)
	{
		double		c = cosine(at, p[(i + 1) % 3], p[(i + 2) % 3]);

		if (c < least)
		{
			least = c;
			across = i;
		}
	}
	if (least < NEARLY_STRAIGHT)
		to = foot_on(at, p[(across + 1) % 3], p[(across + 2) % 3]);
	else
		to = towards_fermat(at, p);
	if (!(distance(at, to) > WORTH_MOVING * (distance(at, p[0]) + distance(at, p[1]) + distance(at, p[2]))))
		return false;
	return move_towards(s, node, to);
}

bool
straighten_move_nodes(Straighten *s)
{
	bool		moved = false;

	for (uint32_t i = 0; i < s->b->nnodes; i++)
	{
		const BorderNode *n = &s->b->nodes[i];

		straighten_step(s);
		if (n->pinned || n->dropped)
			continue;
		if (n->degree == 2)
			moved |= move_middle(s, i);
		else if (n->degree == 3)
			moved |= move_junction(s, i);
	}
	return moved;
}
