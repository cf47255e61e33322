/*
 * outline_border.h
 *	  The borders of an outline as a graph, and a tree of boxes to look around in.
 *
 * A node is a point of a border or of a fixed edge; nodes are numbered by x,
 * then y, of where they were first, so that a choice by number does not depend
 * on how the mesh is numbered.  A link is one end of a border segment; the other
 * end is its twin.  Both sides of a segment share it: what moves, moves for both.
 *
 * Private to outline*.c.
 */
#ifndef GRIDTREE_OUTLINE_BORDER_H
#define GRIDTREE_OUTLINE_BORDER_H

#include "order.h"
#include "outline.h"

#define OUTLINE_NONE	UINT32_MAX

/* Steps of a loop between two pauses. */
#define OUTLINE_PAUSE	4096

/* In a loop over many things. */
static inline void
outline_pause_at(const Host *host, size_t i)
{
	if (i % OUTLINE_PAUSE == 0)
		host->pause();
}

/* As fmin and fmax of numbers, but inline. */
static inline double
lesser(double a, double b)
{
	return a < b ? a : b;
}

static inline double
greater(double a, double b)
{
	return a > b ? a : b;
}

typedef struct BorderNode
{
	MeshPoint	at;
	uint32_t	first;			/* its links are links[first] and so on */
	uint32_t	degree;			/* 0: a point of fixed edges, but of no border */
	bool		pinned;			/* neither moves nor goes */
	bool		dropped;
} BorderNode;

typedef struct Borders
{
	BorderNode *nodes;
	size_t		nnodes;			/* fit 32 bits, as do the links */
	uint32_t   *links;			/* by node */
	size_t		nlinks;
	uint32_t   *node;			/* of a link: where it begins */
	uint32_t   *twin;			/* of a link */
} Borders;

/* The node at the other end. */
static inline uint32_t
border_other_end(const Borders *b, uint32_t link)
{
	return b->node[b->twin[link]];
}

static inline int
outline_compare_points(MeshPoint p, MeshPoint q)
{
	if (p.x != q.x)
		return p.x < q.x ? -1 : 1;
	return (p.y > q.y) - (p.y < q.y);
}

/* outline_straighten.c */
extern void outline_straighten(Borders *borders, const OutlineSite *sites, size_t nsites,
							   const Host *host);

/* outline_rings.c: next[e] follows the half-edge e in its ring, where corner[e] is not OUTLINE_NONE. */
extern void outline_rings(const Borders *borders, const Mesh *mesh, const int *label, const int *group,
						  const uint32_t *next, const uint32_t *corner, const Host *host,
						  Outline *outline);

/* outline_boxes.c */
typedef struct Box
{
	double		min_x;
	double		min_y;
	double		max_x;
	double		max_y;
} Box;

/* Items 0 to n - 1, each with a box; in a balanced tree of boxes around them. */
typedef struct BoxTree
{
	Box		   *items;
	size_t		n;
	uint32_t   *order;			/* items as the leaves hold them */
	uint32_t   *place;			/* where an item is in order */
	uint32_t	leaves;			/* a power of 2 */
	Box		   *boxes;			/* of node 1, the root, and of the sons 2i and 2i + 1 */
	uint32_t   *alive;			/* items below each node that are not removed */
} BoxTree;

/* True ends the search. */
typedef bool (*BoxVisit) (void *arg, uint32_t item);

extern void boxes_build(BoxTree *tree, Box *items, size_t n, const Host *host);
extern void boxes_release(BoxTree *tree, const Host *host);
extern void boxes_remove(BoxTree *tree, uint32_t item);

/* The item has a new box, which is already in items. */
extern void boxes_update(BoxTree *tree, uint32_t item);

/* Does visit end the search among items whose boxes may meet this triangle?  It may be a segment. */
extern bool boxes_search(const BoxTree *tree, const MeshPoint corner[3], BoxVisit visit, void *arg);

/* The square of the least distance of a point from the middles of boxes; infinite without any. */
extern double boxes_nearest(const BoxTree *tree, MeshPoint p);

#endif							/* GRIDTREE_OUTLINE_BORDER_H */
