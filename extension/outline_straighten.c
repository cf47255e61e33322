/*
 * outline_straighten.c
 *	  Fewer and straighter border segments between the same sites.
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
 * WORTH
 *	  Every node that was ever on a border stays near it: within a part of its
 *	  distance from the nearest site.  Each segment keeps a list of the nodes
 *	  that went in its favour, so this does not add up over many steps.  Within
 *	  that, nodes go by the area that changes hands, the smallest first
 *	  (Visvalingam); then what is left moves to where borders are shorter or
 *	  run on straight, and more nodes may go.
 *
 *	  Nodes of fixed edges stay, and are in the way of everything else, so
 *	  borders do not cross fixed edges either.
 */
#include "outline_border.h"

#include <math.h>

#include "orient.h"

/* A border may leave the place of a node by this part of that node's distance from the nearest site. */
#define TOLERANCE	0.6

/* So many nodes may go in favour of one segment; bounds the work for each step. */
#define MOST_GONE	256

/* Rounds of removing and moving. */
#define ROUNDS		3

/* Two segments at a junction that are this near to one line become one: cosine. */
#define NEARLY_STRAIGHT	-0.7

/* A move that shortens borders by less than this part is none. */
#define WORTH_MOVING	0.002

/* The nodes that went in favour of a segment; the lesser of its two links has them. */
typedef struct Gone
{
	uint32_t	first;
	uint32_t	last;
	uint32_t	n;
} Gone;

typedef struct HeapEntry
{
	double		area;
	uint32_t	node;
} HeapEntry;

typedef struct Straighten
{
	Borders    *b;
	const OutlineSite *sites;
	const Host *host;
	MeshPoint  *origin;			/* of a node: where it was first */
	double	   *tolerance;		/* of a node, squared */
	uint32_t   *next_gone;		/* of a node that went */
	Gone	   *gone;			/* of a link */
	BoxTree		node_tree;
	BoxTree		site_tree;
	double	   *area;			/* of a node: as of its last entry in the heap */
	HeapEntry  *heap;
	size_t		nheap;
	uint32_t	steps;
} Straighten;

/* A new segment that would come in place of old ones, and what to look past. */
typedef struct Change
{
	const Straighten *s;
	MeshPoint	corner[3];		/* the new segment and the place that the border leaves */
	uint32_t	node;			/* whose segments the old ones are */
	uint32_t	end;			/* nodes at the ends of the new segment, which may be in the triangle */
	uint32_t	other_end;
} Change;

static void
step(Straighten *s)
{
	if (++s->steps % 64 == 0)
		s->host->pause();
}

static inline uint32_t
neighbour(const Straighten *s, uint32_t node, uint32_t i)
{
	return border_other_end(s->b, s->b->links[s->b->nodes[node].first + i]);
}

static inline MeshPoint
place(const Straighten *s, uint32_t node)
{
	return s->b->nodes[node].at;
}

static inline Gone *
gone_of(const Straighten *s, uint32_t link)
{
	uint32_t	twin = s->b->twin[link];

	return &s->gone[link < twin ? link : twin];
}

/* The square of the distance of p from a segment; the same whichever way the segment runs. */
static double
segment_distance(MeshPoint p, MeshPoint a, MeshPoint b)
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

/* Is p in the triangle or on its edges?  A triangle without area is a segment. */
static bool
in_triangle(const MeshPoint c[3], MeshPoint p)
{
	int			turn = orient(c[0].x, c[0].y, c[1].x, c[1].y, c[2].x, c[2].y);

	if (p.x < fmin(fmin(c[0].x, c[1].x), c[2].x) || p.x > fmax(fmax(c[0].x, c[1].x), c[2].x) ||
		p.y < fmin(fmin(c[0].y, c[1].y), c[2].y) || p.y > fmax(fmax(c[0].y, c[1].y), c[2].y))
		return false;
	turn = turn < 0 ? -1 : 1;
	return turn * orient(c[0].x, c[0].y, c[1].x, c[1].y, p.x, p.y) >= 0 &&
		turn * orient(c[1].x, c[1].y, c[2].x, c[2].y, p.x, p.y) >= 0 &&
		turn * orient(c[2].x, c[2].y, c[0].x, c[0].y, p.x, p.y) >= 0;
}

static bool
node_hinders(void *arg, uint32_t item)
{
	const Change *c = arg;

	return item != c->node && item != c->end && item != c->other_end &&
		!c->s->b->nodes[item].dropped && in_triangle(c->corner, place(c->s, item));
}

/* Would a site change sides, or come nearer than its clearance and than it is? */
static bool
site_hinders(void *arg, uint32_t item)
{
	const Change *c = arg;
	const OutlineSite *site = &c->s->sites[item];
	MeshPoint	p = {site->x, site->y};
	double		distance = segment_distance(p, c->corner[0], c->corner[1]);

	if (in_triangle(c->corner, p))
		return true;
	if (distance >= site->clearance * site->clearance)
		return false;
	for (uint32_t i = 0; i < c->s->b->nodes[c->node].degree; i++)
		if (segment_distance(p, place(c->s, c->node), place(c->s, neighbour(c->s, c->node, i))) <= distance)
			return false;
	return true;
}

static bool
is_free(const Change *c)
{
	return !boxes_search(&c->s->node_tree, c->corner, node_hinders, (void *) c) &&
		!boxes_search(&c->s->site_tree, c->corner, site_hinders, (void *) c);
}

/* Do all nodes that went in favour of a link's segment tolerate one from a to b? */
static bool
gone_tolerate(const Straighten *s, uint32_t link, MeshPoint a, MeshPoint b)
{
	const Gone *gone = gone_of(s, link);
	uint32_t	node = gone->first;

	for (uint32_t i = 0; i < gone->n; i++, node = s->next_gone[node])
		if (segment_distance(s->origin[node], a, b) > s->tolerance[node])
			return false;
	return true;
}

static bool
are_adjacent(const Straighten *s, uint32_t a, uint32_t b)
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

static bool
may_go(const Straighten *s, uint32_t node)
{
	const BorderNode *n = &s->b->nodes[node];
	uint32_t	link = s->b->links[n->first];
	uint32_t	other = s->b->links[n->first + 1];
	uint32_t	a = border_other_end(s->b, link);
	uint32_t	b = border_other_end(s->b, other);
	Change		change = {s, {place(s, a), place(s, b), n->at}, node, a, b};

	return segment_distance(s->origin[node], place(s, a), place(s, b)) <= s->tolerance[node] &&
		gone_of(s, link)->n + gone_of(s, other)->n < MOST_GONE &&
		gone_tolerate(s, link, place(s, a), place(s, b)) &&
		gone_tolerate(s, other, place(s, a), place(s, b)) &&
		!are_adjacent(s, a, b) &&
		is_free(&change);
}

/* One list of two and of the node between them. */
static Gone
join_gone(Straighten *s, const Gone *left, uint32_t node, const Gone *right)
{
	Gone		all = {node, node, left->n + right->n + 1};

	if (left->n > 0)
	{
		s->next_gone[left->last] = node;
		all.first = left->first;
	}
	if (right->n > 0)
	{
		s->next_gone[node] = right->first;
		all.last = right->last;
	}
	return all;
}

static void
drop(Straighten *s, uint32_t node)
{
	BorderNode *n = &s->b->nodes[node];
	uint32_t	link = s->b->links[n->first];
	uint32_t	other = s->b->links[n->first + 1];
	uint32_t	far = s->b->twin[link];
	uint32_t	other_far = s->b->twin[other];
	Gone		gone = join_gone(s, gone_of(s, link), node, gone_of(s, other));

	n->dropped = true;
	s->b->twin[far] = other_far;
	s->b->twin[other_far] = far;
	*gone_of(s, far) = gone;
	boxes_remove(&s->node_tree, node);
}

static bool
heap_before(const HeapEntry *a, const HeapEntry *b)
{
	return a->area < b->area || (a->area == b->area && a->node < b->node);
}

static void
heap_push(Straighten *s, HeapEntry entry)
{
	size_t		i = s->nheap++;

	for (; i > 0 && heap_before(&entry, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = entry;
}

static HeapEntry
heap_pop(Straighten *s)
{
	HeapEntry	top = s->heap[0];
	HeapEntry	last = s->heap[--s->nheap];
	size_t		i = 0;
	size_t		son;

	for (; (son = 2 * i + 1) < s->nheap; i = son)
	{
		if (son + 1 < s->nheap && heap_before(&s->heap[son + 1], &s->heap[son]))
			son++;
		if (!heap_before(&s->heap[son], &last))
			break;
		s->heap[i] = s->heap[son];
	}
	s->heap[i] = last;
	return top;
}

/* Between two segments, and free to go or move. */
static bool
is_middle(const Straighten *s, uint32_t node)
{
	const BorderNode *n = &s->b->nodes[node];

	return n->degree == 2 && !n->pinned && !n->dropped;
}

static void
push_node(Straighten *s, uint32_t node)
{
	MeshPoint	v;
	MeshPoint	a;
	MeshPoint	b;

	if (!is_middle(s, node))
		return;
	v = place(s, node);
	a = place(s, neighbour(s, node, 0));
	b = place(s, neighbour(s, node, 1));
	s->area[node] = fabs((a.x - v.x) * (b.y - v.y) - (b.x - v.x) * (a.y - v.y));
	heap_push(s, (HeapEntry) {s->area[node], node});
}

/* Let nodes go, those first for which the least area changes hands; true: some did. */
static bool
drop_nodes(Straighten *s)
{
	bool		dropped = false;

	s->nheap = 0;
	for (uint32_t i = 0; i < s->b->nnodes; i++)
	{
		step(s);
		push_node(s, i);
	}
	while (s->nheap > 0)
	{
		HeapEntry	entry = heap_pop(s);
		uint32_t	a;
		uint32_t	b;

		step(s);
		if (s->b->nodes[entry.node].dropped || entry.area != s->area[entry.node] || !may_go(s, entry.node))
			continue;
		a = neighbour(s, entry.node, 0);
		b = neighbour(s, entry.node, 1);
		drop(s, entry.node);
		push_node(s, a);
		push_node(s, b);
		dropped = true;
	}
	return dropped;
}

static bool
in_hull(const Straighten *s, uint32_t node, MeshPoint p)
{
	MeshPoint	a = place(s, neighbour(s, node, 0));
	MeshPoint	b = place(s, neighbour(s, node, 1));
	MeshPoint	v = place(s, node);
	MeshPoint	c = s->b->nodes[node].degree > 2 ? place(s, neighbour(s, node, 2)) : v;

	return in_triangle((MeshPoint[3]) {a, b, v}, p) ||
		in_triangle((MeshPoint[3]) {b, c, v}, p) ||
		in_triangle((MeshPoint[3]) {c, a, v}, p) ||
		in_triangle((MeshPoint[3]) {a, b, c}, p);
}

/* Does the place a node had first tolerate that it is at p now? */
static bool
node_tolerates(const Straighten *s, uint32_t node, MeshPoint p)
{
	const BorderNode *n = &s->b->nodes[node];
	MeshPoint	origin = s->origin[node];

	for (uint32_t i = 0; i < n->degree; i++)
		if (segment_distance(origin, p, place(s, neighbour(s, node, i))) <= s->tolerance[node])
			return true;
	return false;
}

static bool
try_move(Straighten *s, uint32_t node, MeshPoint to)
{
	BorderNode *n = &s->b->nodes[node];

	if (outline_compare_points(to, n->at) == 0 || !in_hull(s, node, to) || !node_tolerates(s, node, to))
		return false;
	for (uint32_t i = 0; i < n->degree; i++)
	{
		uint32_t	end = neighbour(s, node, i);
		Change		change = {s, {place(s, end), to, n->at}, node, end, end};

		if (outline_compare_points(to, place(s, end)) == 0 ||
			!gone_tolerate(s, s->b->links[n->first + i], place(s, end), to) || !is_free(&change))
			return false;
	}
	n->at = to;
	s->node_tree.items[node] = (Box) {to.x, to.y, to.x, to.y};
	boxes_update(&s->node_tree, node);
	return true;
}

/* All the way, or half of it, or a quarter. */
static bool
move_towards(Straighten *s, uint32_t node, MeshPoint to)
{
	MeshPoint	at = place(s, node);

	for (double part = 1; part > 0.1; part /= 2)
		if (try_move(s, node, (MeshPoint) {at.x + part * (to.x - at.x), at.y + part * (to.y - at.y)}))
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

static bool
move_nodes(Straighten *s)
{
	bool		moved = false;

	for (uint32_t i = 0; i < s->b->nnodes; i++)
	{
		const BorderNode *n = &s->b->nodes[i];

		step(s);
		if (n->pinned || n->dropped)
			continue;
		if (n->degree == 2)
			moved |= move_middle(s, i);
		else if (n->degree == 3)
			moved |= move_junction(s, i);
	}
	return moved;
}

static void
grow_trees(Straighten *s, size_t nsites)
{
	Box		   *nodes = host_array(s->host, Box, s->b->nnodes);
	Box		   *sites = host_array(s->host, Box, nsites);

	for (uint32_t i = 0; i < s->b->nnodes; i++)
	{
		MeshPoint	p = place(s, i);

		nodes[i] = (Box) {p.x, p.y, p.x, p.y};
	}
	for (size_t i = 0; i < nsites; i++)
	{
		const OutlineSite *p = &s->sites[i];

		sites[i] = (Box) {p->x - p->clearance, p->y - p->clearance, p->x + p->clearance, p->y + p->clearance};
	}
	boxes_build(&s->node_tree, nodes, s->b->nnodes, s->host);
	boxes_build(&s->site_tree, sites, nsites, s->host);
}

static void
start(Straighten *s, size_t nsites)
{
	size_t		n = s->b->nnodes;

	s->origin = host_array(s->host, MeshPoint, n);
	s->tolerance = host_array(s->host, double, n);
	s->next_gone = host_array(s->host, uint32_t, n);
	s->gone = host_array(s->host, Gone, s->b->nlinks);
	s->area = host_array(s->host, double, n);
	s->heap = host_array(s->host, HeapEntry, n * 3);
	grow_trees(s, nsites);
	for (uint32_t i = 0; i < n; i++)
	{
		const BorderNode *node = &s->b->nodes[i];

		step(s);
		s->origin[i] = node->at;
		s->tolerance[i] = 0;
		if (!node->pinned && nsites > 0)
			s->tolerance[i] = TOLERANCE * TOLERANCE * boxes_nearest(&s->site_tree, node->at);
	}
	for (uint32_t i = 0; i < s->b->nlinks; i++)
		s->gone[i] = (Gone) {OUTLINE_NONE, OUTLINE_NONE, 0};
}

static void
end(Straighten *s)
{
	s->host->release(s->origin);
	s->host->release(s->tolerance);
	s->host->release(s->next_gone);
	s->host->release(s->gone);
	s->host->release(s->area);
	s->host->release(s->heap);
	s->host->release(s->node_tree.items);
	s->host->release(s->site_tree.items);
	boxes_release(&s->node_tree, s->host);
	boxes_release(&s->site_tree, s->host);
}

void
outline_straighten(Borders *borders, const OutlineSite *sites, size_t nsites, const Host *host)
{
	Straighten	s = {.b = borders, .sites = sites, .host = host};

	start(&s, nsites);
	drop_nodes(&s);
	for (int round = 0; round < ROUNDS; round++)
	{
		bool		moved = move_nodes(&s);

		if (!drop_nodes(&s) && !moved)
			break;
	}
	end(&s);
}
