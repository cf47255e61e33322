/*
 * outline_straighten.h
 *	  What the straightening of borders works on, and what it asks before a change.
 *
 * Private to outline_straighten.c, outline_change.c and outline_move.c.
 */
#ifndef GRIDTREE_OUTLINE_STRAIGHTEN_H
#define GRIDTREE_OUTLINE_STRAIGHTEN_H

#include "outline_border.h"

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
	double	   *tolerance;		/* of a node, squared: how far borders may leave where it was */
	double	   *margin;			/* of a node: how near borders may come that are not its own */
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

static inline void
straighten_step(Straighten *s)
{
	if (++s->steps % 16 == 0)
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

/* A node as the tree sees it. */
static inline Box
box_of(const Straighten *s, uint32_t node)
{
	MeshPoint	p = place(s, node);
	double		margin = s->margin[node];

	return (Box) {p.x - margin, p.y - margin, p.x + margin, p.y + margin};
}

static inline Gone *
gone_of(const Straighten *s, uint32_t link)
{
	uint32_t	twin = s->b->twin[link];

	return &s->gone[link < twin ? link : twin];
}

/* outline_change.c */

/* The square of the distance of p from a segment; the same whichever way the segment runs. */
extern double straighten_distance(MeshPoint p, MeshPoint a, MeshPoint b);

/* Is p in the triangle or on its edges?  A triangle without area is a segment. */
extern bool straighten_in_triangle(const MeshPoint c[3], MeshPoint p);

/* Does no node and no site hinder it? */
extern bool straighten_is_free(Change *change);

/* Do all nodes that went in favour of a link's segment tolerate one from a to b? */
extern bool straighten_gone_tolerate(const Straighten *s, uint32_t link, MeshPoint a, MeshPoint b);

/* Does a segment join two nodes? */
extern bool straighten_adjacent(const Straighten *s, uint32_t a, uint32_t b);

/* outline_move.c: bring nodes to better places, each once; true: some moved. */
extern bool straighten_move_nodes(Straighten *s);

#endif							/* GRIDTREE_OUTLINE_STRAIGHTEN_H */
