/*
 * coverage.h
 *	  Point location in a set of polygons: which area covers a point.
 *
 * A coverage image holds any number of polygons, each a part of an area with a
 * code: a shell and its holes.  It is one flat block of memory without
 * pointers, so it can be written to a file, mapped and shared.
 *
 * THE RULE
 *	  A part covers a point that is on its shell, or around which its shell
 *	  winds, unless one of its holes winds around the point and the point is not
 *	  on that hole.  A ring of one place only is nowhere.  Of the areas that cover
 *	  a point the answer is the one with the most digits, then the lowest code.
 *	  Nothing is asked of the polygons: they may overlap, nest, touch, cross
 *	  themselves or repeat.
 *
 * EXACTNESS
 *	  Every decision is a comparison of coordinates or the sign of an
 *	  orientation that is exact (orient.h), so the answer depends on the polygons
 *	  alone: not on their order, nor on the raster, nor on the machine.
 *
 * Coordinates are x and y in any unit; the tolerance is in the same unit.
 *
 * Pure: knows codes, and nothing of PostgreSQL or PostGIS.
 */
#ifndef GRIDTREE_COVERAGE_H
#define GRIDTREE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "code.h"

/* Where a builder gets its memory from, and whom it asks whether to go on. */
typedef struct CoverageHost
{
	void	   *(*alloc) (void *arg, size_t size);	/* never returns NULL; may jump */
	void	   *(*resize) (void *arg, void *pointer, size_t size);	/* likewise */
	void		(*free) (void *arg, void *pointer);
	void		(*pause) (void *arg);	/* called now and then; may jump */
	void	   *arg;
} CoverageHost;

/* Takes the next bytes of an image; false where it cannot. */
typedef bool (*CoverageSink) (void *arg, const void *bytes, size_t n);

typedef struct CoverageBuilder CoverageBuilder;
typedef struct Coverage Coverage;

/* What a builder has been given and what an image holds. */
typedef struct CoverageSize
{
	uint32_t	parts;			/* polygons with at least one edge */
	uint32_t	edges;			/* different edges */
	uint32_t	cells;			/* of the raster */
	size_t		bytes;			/* of the whole image */
} CoverageSize;

/* Begin an image of at most so many bytes. */
extern CoverageBuilder *coverage_begin(const CoverageHost *host, size_t max_bytes);

/* Begin a part of the area with this code; its first ring is its shell. */
extern void coverage_add_part(CoverageBuilder *builder, gridcode code);

/*
 * Add a ring of n points, each at xy + i * stride (in doubles), to the current
 * part.  A ring that is not closed is closed by an edge.
 */
extern void coverage_add_ring(CoverageBuilder *builder, const double *xy, size_t n, size_t stride);

/* Width and height that an image can have; all else that is finite fits. */
#define COVERAGE_MOST_EXTENT	1e300

/* Can there still be an image of what has been added? */
extern bool coverage_fits(const CoverageBuilder *builder);

/*
 * Work the image out.  Returns how many bytes it has, and 0 where it would be
 * larger than it may be, or wider than COVERAGE_MOST_EXTENT, or a coordinate is
 * not finite.  Polygons whose edges are given more than 16 times on average
 * may be refused sooner.
 */
extern size_t coverage_build(CoverageBuilder *builder);

/* Hand a built image out, piece after piece; false where the sink failed. */
extern bool coverage_write(CoverageBuilder *builder, CoverageSink sink, void *arg);

/* Put a built image into room of as many bytes as it has. */
extern Coverage *coverage_image(CoverageBuilder *builder, void *room);

/* Done with a builder, at whatever stage. */
extern void coverage_end(CoverageBuilder *builder);

extern CoverageSize coverage_size(const Coverage *image);

/* Is this block of memory an image of this version, and whole? */
extern bool coverage_is_image(const void *block, size_t bytes);

/* Bytes of scratch memory, aligned as for a pointer, that a lookup needs. */
extern size_t coverage_scratch_size(const Coverage *image);

/* The code of the area at a point; 0 where no area covers it. */
extern gridcode coverage_locate(const Coverage *image, double x, double y, void *scratch);

/*
 * Could an area be within a distance of a point?  False only when none is; a
 * yes may be wrong.  The distance is in x and y separately.
 */
extern bool coverage_may_be_near(const Coverage *image, double x, double y, double reach_x, double reach_y);

#endif							/* GRIDTREE_COVERAGE_H */
