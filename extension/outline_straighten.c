/*
 * outline_straighten.c
 *	  Fewer and straighter border segments between the same sites.
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
#include "outline_straighten.h"

#include <math.h>

/* A border may leave the place of a node by this part of that node's distance from the nearest site. */
#define TOLERANCE	0.6

/* Its margin is this part, but no more than so much of its longest segment, lest margins pile up. */
#define MARGIN		0.02
#define MOST_MARGIN	0.25

/* So many nodes may go in favour of one segment; bounds the work for each step. */
#define MOST_GONE	256

/* Rounds of removing and moving. */
#define ROUNDS		3

static bool
may_go(const Straighten *s, uint32_t node)
{
	const BorderNode *n = &s->b->nodes[node];
	uint32_t	link = s->b->links[n->first];
	uint32_t	other = s->b->links[n->first + 1];
	uint32_t	a = border_other_end(s->b, link);
	uint32_t	b = border_other_end(s->b, other);
	Change		change = {s, {place(s, a), place(s, b), n->at}, node, a, b};

	return straighten_distance(s->origin[node], place(s, a), place(s, b)) <= s->tolerance[node] &&
		gone_of(s, link)->n + gone_of(s, other)->n < MOST_GONE &&
		straighten_gone_tolerate(s, link, place(s, a), place(s, b)) &&
		straighten_gone_tolerate(s, other, place(s, a), place(s, b)) &&
		!straighten_adjacent(s, a, b) &&
		straighten_is_free(&change);
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
		straighten_step(s);
		push_node(s, i);
	}
	while (s->nheap > 0)
	{
		HeapEntry	entry = heap_pop(s);
		uint32_t	a;
		uint32_t	b;

		straighten_step(s);
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

static void
grow_site_tree(Straighten *s, size_t nsites)
{
	Box		   *boxes = host_array(s->host, Box, nsites);

	for (size_t i = 0; i < nsites; i++)
	{
		const OutlineSite *p = &s->sites[i];

		straighten_step(s);
		boxes[i] = (Box) {p->x - p->clearance, p->y - p->clearance, p->x + p->clearance, p->y + p->clearance};
	}
	boxes_build(&s->site_tree, boxes, nsites, s->host);
}

/* The length of the longest segment at a node. */
static double
longest_segment(const Straighten *s, uint32_t node)
{
	MeshPoint	at = place(s, node);
	double		square = 0;

	for (uint32_t i = 0; i < s->b->nodes[node].degree; i++)
	{
		MeshPoint	p = place(s, neighbour(s, node, i));

		square = greater(square, (p.x - at.x) * (p.x - at.x) + (p.y - at.y) * (p.y - at.y));
	}
	return sqrt(square);
}

/* Also what depends on how far the nearest site is; where there is none, only what lies on a line goes. */
static void
grow_node_tree(Straighten *s, size_t nsites)
{
	Box		   *boxes = host_array(s->host, Box, s->b->nnodes);

	for (uint32_t i = 0; i < s->b->nnodes; i++)
	{
		double		nearest = nsites > 0 ? boxes_nearest(&s->site_tree, place(s, i)) : 0;

		straighten_step(s);
		s->origin[i] = place(s, i);
		s->tolerance[i] = TOLERANCE * TOLERANCE * nearest;
		s->margin[i] = lesser(MARGIN * sqrt(nearest), MOST_MARGIN * longest_segment(s, i));
		boxes[i] = box_of(s, i);
	}
	boxes_build(&s->node_tree, boxes, s->b->nnodes, s->host);
}

static void
start(Straighten *s, size_t nsites)
{
	size_t		n = s->b->nnodes;

	s->origin = host_array(s->host, MeshPoint, n);
	s->tolerance = host_array(s->host, double, n);
	s->margin = host_array(s->host, double, n);
	s->next_gone = host_array(s->host, uint32_t, n);
	s->gone = host_array(s->host, Gone, s->b->nlinks);
	s->area = host_array(s->host, double, n);
	s->heap = host_array(s->host, HeapEntry, n * 3);
	grow_site_tree(s, nsites);
	grow_node_tree(s, nsites);
	for (uint32_t i = 0; i < s->b->nlinks; i++)
	{
		outline_pause_at(s->host, i);
		s->gone[i] = (Gone) {OUTLINE_NONE, OUTLINE_NONE, 0};
	}
}

static void
end(Straighten *s)
{
	s->host->release(s->origin);
	s->host->release(s->tolerance);
	s->host->release(s->margin);
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
		bool		moved = straighten_move_nodes(&s);

		if (!drop_nodes(&s) && !moved)
			break;
	}
	end(&s);
}
