/*
 * coverage_build.h
 *	  What the steps of building an image hand to each other.
 *
 *		coverage_build.c	collects the parts, puts them in the order of the rule,
 *							chooses the raster, and writes the image
 *		coverage_arcs.c		finds equal edges and makes arcs of them
 *		coverage_band.c		enters the arcs in the cells, one row of blocks at a time
 *		coverage_sweep.c	works out what holds at the centres of the cells
 *
 * Pure.
 */
#ifndef GRIDTREE_COVERAGE_BUILD_H
#define GRIDTREE_COVERAGE_BUILD_H

#include "coverage_image.h"

/* Items that are worked on between two calls of the host's pause. */
#define PAUSE_EVERY		4096

/* Numbers of vertices, edges and words stay below this; the highest bit is for marks. */
#define MOST_ITEMS		UINT32_C(0x7fffffff)

/* Vertices that may be given; arcs have at most twice as many. */
#define MOST_VERTICES	(MOST_ITEMS / 2)

/* A growing array of words. */
typedef struct Words
{
	uint32_t   *data;
	size_t		n;
	size_t		room;
} Words;

/* A ring: edges from each of its vertices to the next, and one vertex more. */
typedef struct BuildRing
{
	uint32_t	first;			/* vertex */
	uint32_t	edges;
	uint32_t	number;			/* in the image */
} BuildRing;

typedef struct BuildPart
{
	gridcode	code;
	uint32_t	first_ring;
	uint32_t	rings;
	double		box[4];			/* of its shell: west, south, east, north */
} BuildPart;

typedef struct Arc
{
	uint32_t	first;			/* vertex of the image, and edge */
	uint32_t	edges;
	uint32_t	incidence;
} Arc;

struct CoverageBuilder
{
	CoverageHost host;
	size_t		max_bytes;		/* that the image may have */
	bool		failed;			/* a coordinate is not finite, or it takes too much room */

	/* as given */
	CoverageVertex *given;
	size_t		ngiven;
	size_t		given_room;
	size_t		most_given;
	BuildRing  *rings;
	size_t		nrings;
	size_t		rings_room;
	BuildPart  *parts;
	size_t		nparts;
	size_t		parts_room;

	/* chosen */
	CoverageRaster raster;
	double		x_max;
	double		y_max;
	uint32_t   *hole_parts;
	uint32_t	nholes;
	uint32_t   *places;			/* parts from place to place, near ones together */

	/* arcs */
	CoverageVertex *vertices;
	uint32_t	nvertices;
	Arc		   *arcs;
	uint32_t	narcs;
	uint32_t	nedges;
	Words		incidences;
	uint32_t	widest_incidence;	/* most rings of an edge */

	/* cells */
	uint32_t   *blocks;
	CoverageBlock *mixed;
	size_t		nmixed;
	size_t		mixed_room;
	CoverageRecord *records;
	size_t		nrecords;
	size_t		records_room;
	CoverageRun *runs;
	size_t		nruns;
	size_t		runs_room;
	Words		situations;
	size_t		most_items;		/* that each of these may have */
	uint32_t	most_members;

	/* written */
	Coverage	head;
	gridcode   *codes;
};

extern void *build_alloc(CoverageBuilder *builder, size_t n, size_t size);
extern void build_free(CoverageBuilder *builder, void *pointer);
extern void *build_grow(CoverageBuilder *builder, void *array, size_t *room, size_t needed, size_t size);
extern void words_reserve(CoverageBuilder *builder, Words *words, size_t more);

typedef int (*BuildCompare) (const void *a, const void *b);

/* qsort, but with pauses. */
extern void build_sort(CoverageBuilder *builder, void *array, size_t n, size_t size, BuildCompare compare);

static inline void
build_pause(CoverageBuilder *builder)
{
	builder->host.pause(builder->host.arg);
}

static inline void
words_add(Words *words, uint32_t word)
{
	words->data[words->n++] = word;
}

extern void build_arcs(CoverageBuilder *builder);
extern void build_cells(CoverageBuilder *builder);

#endif							/* GRIDTREE_COVERAGE_BUILD_H */
