/*
 * coverage_image.h
 *	  How an image is laid out: what its builder writes and its lookups read.
 *
 * PARTS are numbered in the order of the rule, so that of the parts that cover
 * a point the one with the least number is the answer.  A RING is known by a
 * number too: the shell of part i is ring i, and holes follow after all shells.
 *
 * EDGES that several rings share are there once.  An arc is a chain of edges of
 * the same rings; its vertices stand one after the other, so that edge v runs
 * from vertex v to vertex v + 1.  What an arc means to its rings is its
 * incidence: for each ring, how often the ring runs along it, minus how often
 * against it.
 *
 * THE RASTER has square cells, rows from south to north.  A cell without edges
 * is the part that covers it, plus one, or 0.  Any other cell is RECORD | where
 * its record begins in the words:
 *
 *		answer at the centre, plus one, or 0
 *		base: the least part that covers the cell and has no edge in it, plus one, or 0
 *		number of states, then for each the ring and its winding number at the
 *		  centre: the rings that wind around it, of parts with an edge in the cell
 *		number of runs, then for each the first edge, the number of edges and
 *		  where their incidence begins
 *
 * An incidence is the number of rings, then for each the ring and its count.
 *
 * A cell's runs hold every edge that comes near the cell, by a margin that no
 * rounding in the raster's arithmetic reaches.  So the way from its centre to a
 * point in it crosses no other edge.  The centre is moved by an infinitesimal
 * (d, d*d), so that it is on no edge and no vertex is north, south, east or west
 * of it.
 *
 * Pure.
 */
#ifndef GRIDTREE_COVERAGE_IMAGE_H
#define GRIDTREE_COVERAGE_IMAGE_H

#include "coverage.h"

#define COVERAGE_MAGIC		UINT64_C(0x3167656d69746467)	/* its bytes also tell the byte order */
#define COVERAGE_RECORD		UINT32_C(0x80000000)

/* Sizes of a state, a run and a ring of an incidence, in words. */
#define STATE_WORDS			2
#define RUN_WORDS			3
#define MEMBER_WORDS		2

typedef struct CoverageVertex
{
	double		x;
	double		y;
} CoverageVertex;

typedef struct CoverageRaster
{
	double		x0;				/* south-west corner */
	double		y0;
	double		side;			/* of a cell */
	double		inverse;		/* 1 / side */
	uint32_t	columns;
	uint32_t	rows;
} CoverageRaster;

struct Coverage
{
	uint64_t	magic;
	uint64_t	bytes;			/* of the whole image */
	double		x_max;			/* extent of the parts; its south-west corner is the raster's */
	double		y_max;
	CoverageRaster raster;
	uint32_t	parts;
	uint32_t	edges;
	uint32_t	holes;
	uint32_t	most_members;	/* rings that one lookup can meet */
	/* where the arrays begin, in bytes from the beginning of the image */
	uint64_t	codes;			/* gridcode of each part */
	uint64_t	vertices;		/* CoverageVertex */
	uint64_t	cells;			/* uint32_t of each cell */
	uint64_t	words;			/* uint32_t: records of cells */
	uint64_t	incidences;		/* uint32_t */
	uint64_t	hole_parts;		/* uint32_t: part of each hole */
};

#define COVERAGE_ARRAY(image, array, type) \
	((const type *) ((const char *) (image) + (image)->array))

/* A ring that a lookup has met: how often it winds, and is the point on it? */
typedef struct CoverageMember
{
	uint32_t	ring;
	int32_t		winding;
	bool		on;
} CoverageMember;

/* Column or row of a coordinate that is not below the corner. */
static inline uint32_t
raster_index(double offset, double inverse, uint32_t count)
{
	double		index = offset * inverse;

	return index < count ? (uint32_t) index : count - 1;
}

/* A coordinate of the centre of a cell; the same double wherever it is needed. */
static inline double
raster_centre(double corner, double side, uint32_t index)
{
	return corner + (index + 0.5) * side;
}

/*
 * The least part that covers a point, plus one, or 0, from the rings it meets,
 * which are put in order; winding numbers of a ring met twice are added up.
 */
extern uint32_t coverage_answer(const Coverage *image, CoverageMember *members, size_t n);

/* The same from what a builder knows before there is an image. */
extern uint32_t coverage_answer_of(uint32_t parts, const uint32_t *hole_parts, CoverageMember *members, size_t n);

#endif							/* GRIDTREE_COVERAGE_IMAGE_H */
