/*
 * partition.h
 *	  A weighted planar graph cut into connected parts that keep bounds.
 *
 * A vertex is what is never split: a building with its plot, a block.  It has
 * weights (households and residents, whole numbers), and an area of which the
 * centre and the second moment are known.  An edge is a border that two
 * vertices share.
 *
 * A part is in bounds where each sum of its weights lies in that weight's
 * window; else it violates by the sum of what each misses or exceeds.  Of two
 * partitions into as many parts the better one has
 *	1. the smaller violation, over all parts,
 *	2. fewer parts that violate,
 *	3. the lower shape: see partition_shape().
 *
 * Results depend on the graph alone, and so on the order of its vertices; there
 * is no other source of chance.
 *
 * Pure: knows nothing of PostgreSQL or PostGIS.
 */
#ifndef GRIDTREE_PARTITION_H
#define GRIDTREE_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"

#define PARTITION_WEIGHTS 2

typedef struct PartitionVertex
{
	double		x;				/* centre of its area, in units of length */
	double		y;
	double		area;			/* 0 or more */
	double		moment;			/* second polar moment of its area about its centre */
	double		border;			/* length of its border with the outside */
	int64_t		weight[PARTITION_WEIGHTS];	/* 0 or more; all together below 2^62 */
} PartitionVertex;

typedef struct PartitionEdge
{
	int			to;
	double		length;			/* of the border they share; may be 0 */
	double		barrier;		/* how much of that runs along barriers */
} PartitionEdge;

/* Every edge stands at both its ends. The edges of vertex v are edges[first[v]] to edges[first[v + 1] - 1], by to. */
typedef struct PartitionGraph
{
	int			n;
	const PartitionVertex *vertices;
	const size_t *first;		/* n + 1 of them */
	const PartitionEdge *edges;
} PartitionGraph;

/* A weight that does not count has min 0 and max INT64_MAX. */
typedef struct PartitionBounds
{
	int64_t		min[PARTITION_WEIGHTS];
	int64_t		max[PARTITION_WEIGHTS];
} PartitionBounds;

/* Numbers of parts, low > high: none. */
typedef struct PartitionRange
{
	int64_t		low;
	int64_t		high;
} PartitionRange;

typedef struct PartitionResult
{
	int			parts;			/* how many there are */
	int			violating;		/* how many of them are out of bounds */
	int64_t		violation;
} PartitionResult;

/* By how much such sums violate. */
extern int64_t partition_violation(const PartitionBounds *bounds, const int64_t sum[PARTITION_WEIGHTS]);

/* Into how many parts such totals can be cut, were they sand. All totals 0: none. */
extern PartitionRange partition_range(const PartitionBounds *bounds, const int64_t total[PARTITION_WEIGHTS]);

/* Number the connected components from 0 in the order of their first vertices; returns how many. */
extern int	partition_components(const PartitionGraph *graph, const Host *host, int *component);

/*
 * What the shape of a part costs: 1 or more for its moment (2 pi moment /
 * area^2, 1 for a disc) and as much again for its border (length^2 / (4 pi area),
 * 1 for a disc), in which what runs along barriers counts less.  Barriers inside
 * the part cost their length as part of a disc's border: not its square, or
 * following lanes would outweigh all else where they are many.  The shape of a
 * partition is the sum.
 */
extern double partition_shape(const PartitionGraph *graph, const int *part, int parts);

/*
 * Cut the graph into so many parts, or, where parts is 0, into the number that
 * fits the bounds best.  Sets part[v], from 0.  Every part is connected and none
 * is empty; every component of the graph gets a part at least, so there may be
 * more or fewer parts than asked for (fewer than vertices that weigh something).
 */
extern void partition_build(const PartitionGraph *graph, const PartitionBounds *bounds, int parts,
							const Host *host, int *part, PartitionResult *result);

/*
 * The same, beginning at the parts there are now (current[v], 0 to n_current - 1;
 * -1: none, a new building) and moving as little of weight[0] as possible:
 * first the violation, then the number that violates, then the weight that
 * moved, then the shape.  parts 0: as many as now, or where that does not do a
 * number near to it.  A part keeps its number as long as it holds some vertex
 * that it has now; new ones come after without gaps; part[v] may leave out
 * numbers of current parts that are gone.
 */
extern void partition_adjust(const PartitionGraph *graph, const PartitionBounds *bounds, int parts,
							 const int *current, int n_current,
							 const Host *host, int *part, PartitionResult *result);

#endif							/* GRIDTREE_PARTITION_H */
