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
 * THE RASTER has square cells in blocks of BLOCK x BLOCK, rows from south to
 * north.  A block that no edge comes near is the part that covers it, plus one,
 * or 0; any other is MIXED | the number of its mixed block.  There two bits for
 * each cell say that it has the one answer, or the other, or a record.  So most
 * points find their answer in few bytes, which stay near the processor.
 *
 * A record says which edges the cell has, in one run or several, and what its
 * SITUATION is: all else there is to know, which is the same for most cells
 * along an arc.  In words:
 *
 *		answer at the centre, plus one, or 0
 *		the same where the only run is crossed once, against its direction or
 *		  along with it, and on its edges; of use only where there is one run
 *		base: the least part that covers the cell and has no edge in it, plus one, or 0
 *		number of states, number of runs
 *		for each state a ring and its winding number at the centre: the rings
 *		  that wind around it, of parts with an edge in the cell
 *		for each run, where its incidence begins
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

#define COVERAGE_MAGIC		UINT64_C(0x3267656d69746467)	/* its bytes also tell the byte order */
#define MIXED				UINT32_C(0x80000000)

#define BLOCK				8

/* Words of a situation. */
#define AT_CENTRE			0
#define CROSSED_AGAINST		1
#define CROSSED_ALONG		2
#define ON_EDGE				3
#define BASE				4
#define STATES				5
#define RUNS				6
#define SITUATION_HEAD		7

/* Sizes of a state and a ring of an incidence, in words. */
#define STATE_WORDS			2
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
	uint32_t	columns;		/* of cells; whole blocks */
	uint32_t	rows;
} CoverageRaster;

/* A block with edges; bit row * BLOCK + column is of a cell. */
typedef struct CoverageBlock
{
	uint64_t	has_record;
	uint64_t	is_second;		/* has the second answer, if it has no record */
	uint32_t	answers[2];		/* a part plus one, or 0 */
	uint32_t	first_record;	/* records follow in the order of the bits */
	uint32_t	unused;
} CoverageBlock;

/* Edges of an arc that follow each other. */
typedef struct CoverageRun
{
	uint32_t	first;			/* edge */
	uint32_t	edges;
} CoverageRun;

typedef struct CoverageRecord
{
	uint32_t	situation;
	CoverageRun run;			/* the only one; of several, first is where they begin in the runs */
} CoverageRecord;

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
	uint64_t	blocks;			/* uint32_t of each block */
	uint64_t	mixed;			/* CoverageBlock of each block with edges */
	uint64_t	records;		/* CoverageRecord */
	uint64_t	runs;			/* CoverageRun, of cells with several */
	uint64_t	situations;		/* uint32_t */
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

/* How many bits are set below a bit. */
static inline uint32_t
bits_below(uint64_t bits, uint32_t bit)
{
	bits &= (UINT64_C(1) << bit) - 1;
	bits -= bits >> 1 & UINT64_C(0x5555555555555555);
	bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (uint32_t) (bits * UINT64_C(0x0101010101010101) >> 56);
}

/* The lesser of two answers, of which 0 is none. */
static inline uint32_t
first_answer(uint32_t a, uint32_t b)
{
	return a != 0 && (b == 0 || a < b) ? a : b;
}

/*
 * The least part that covers a point, plus one, or 0, from the rings it meets,
 * which are put in order; winding numbers of a ring met twice are added up.
 */
extern uint32_t coverage_answer(const Coverage *image, CoverageMember *members, size_t n);

/* The same from what a builder knows before there is an image. */
extern uint32_t coverage_answer_of(uint32_t parts, const uint32_t *hole_parts, CoverageMember *members, size_t n);

#endif							/* GRIDTREE_COVERAGE_IMAGE_H */
