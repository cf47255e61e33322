/*
 * coverage_pairs.h
 *	  Which borders of a set of polygons are clean, told from their edges alone.
 *
 * Every edge of every ring is hashed.  An edge that exactly two valid polygons
 * of a level have, with their interiors on different sides, is a clean border;
 * any other is open: the outer border of the whole, or the border of a gap or
 * an overlap.  Crossing a clean border, one polygon is left and one entered, so
 * the number of polygons of a level that cover a point changes at open edges
 * only.  Hence
 *
 *	- gaps and regions that are covered twice are bounded by open edges;
 *	- of two polygons that overlap, one has an open edge, or a neighbour of one
 *	  of them (over a clean border) overlaps the other: from overlaps that are
 *	  known the rest is reached by asking for neighbours (pairs_spread).
 *
 * A family is a parent and its children.  Where at every edge the children's
 * interiors and the parent's balance, the children tile the parent exactly.
 *
 * Edges are told apart by 64 bits of hash: of ten million different edges two
 * are taken for one with a probability of one in a million.
 *
 * Pure: knows nothing of PostgreSQL or PostGIS.
 */
#ifndef GRIDTREE_COVERAGE_PAIRS_H
#define GRIDTREE_COVERAGE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct PairArea
{
	int			level;			/* only polygons of a level border each other */
	int			family;			/* number of its parent's family; -1: none */
	int			heads;			/* number of the family it is the parent of; -1: none */
	bool		valid;
	bool		open;			/* pairs_analyse: it has an open edge */
} PairArea;

typedef struct PairEdge
{
	uint64_t	hash;
	uint32_t	owner;			/* area * 2, + 1 where the interior is on the right */
	uint32_t	number;			/* in the order of adding */
} PairEdge;

/* All edges; begins as zeros but for the two functions. */
typedef struct PairEdges
{
	void	   *(*resize) (void *block, size_t bytes);	/* never returns NULL; may jump */
	void		(*pause) (void);	/* called now and then; may jump */
	PairEdge   *edges;
	size_t		n;
	size_t		room;
} PairEdges;

#define PAIRS_MAX_AREAS	(UINT32_MAX / 2)
#define PAIRS_MAX_EDGES	UINT32_MAX

/*
 * Add a ring of n points, each at xy + i * stride, of an area; false where there
 * are too many.  An edge without length takes a number, but is no edge.
 */
extern bool pairs_add_ring(PairEdges *edges, uint32_t area, bool hole, const double *xy, size_t n, size_t stride);

/* Edges that a ring of n points has, and so the numbers it takes. */
#define pairs_ring_edges(n) ((n) > 0 ? (n) - 1 : 0)

/*
 * Sort the edges; set the areas' open, open[number] for each open edge, and
 * unbalanced[family] for each family that is not a tiling.  Both begin as false.
 */
extern void pairs_analyse(PairEdges *edges, PairArea *areas, bool *open, bool *unbalanced);

/* Mark the areas that have a clean border with one of those in from. */
extern void pairs_spread(const PairEdges *edges, const PairArea *areas, const bool *from, bool *reached);

#endif							/* GRIDTREE_COVERAGE_PAIRS_H */
