/*
 * shift.h
 *	  How far and in which direction points lie from the areas they are said to
 *	  be in, and whether one and the same shift explains it.
 *
 * A place is a point with the area it is declared to lie in.  A displacement
 * leads from the area to the point: it says which way the point is off.  The
 * nearest point of the area underestimates it, because a shifted point was
 * rarely on the border before; so the shift itself is searched for: the one
 * that, taken back, puts most places into their areas.
 *
 * Lengths are metres or whatever the scale of a place makes of its
 * coordinates.  These are estimates: plain double arithmetic is enough, and a
 * point on a border may fall on either side.
 *
 * Pure: knows nothing of PostgreSQL or PostGIS.
 */
#ifndef GRIDTREE_SHIFT_H
#define GRIDTREE_SHIFT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ShiftEdge
{
	double		x1;
	double		y1;
	double		x2;
	double		y2;
} ShiftEdge;

/* A polygon: its rings' edges in any order. */
typedef struct ShiftPart
{
	size_t		first;			/* of the edges */
	size_t		end;
	double		min_x;
	double		min_y;
	double		max_x;
	double		max_y;
} ShiftPart;

/* All polygons, those of one area side by side. */
typedef struct ShiftMap
{
	const ShiftEdge *edges;
	const ShiftPart *parts;
} ShiftMap;

typedef struct ShiftPlace
{
	double		x;
	double		y;
	double		scale_x;		/* length of a unit of x here; above 0 */
	double		scale_y;
	double		weight;			/* places it stands for */
	size_t		first_part;		/* of its area */
	size_t		end_part;
	double		dx;				/* shift_measure: its displacement */
	double		dy;
} ShiftPlace;

typedef struct ShiftDisplacement
{
	size_t		displaced;		/* places outside of their areas */
	double		distance;		/* median of these */
	double		direction;		/* mean; degrees clockwise from north, 0 to 360 */
	double		agreement;		/* 1: all in this direction; 0: in any */
} ShiftDisplacement;

typedef struct ShiftEstimate
{
	double		dx;
	double		dy;
	double		inside;			/* weight of places in their areas with it taken back */
	double		inside_now;
} ShiftEstimate;

/* Called now and then during a search; may jump. */
typedef void (*ShiftPause) (void);

/* Do the parts of an area cover a point? */
extern bool shift_covers(const ShiftMap *map, size_t first_part, size_t end_part, double x, double y);

/*
 * Set the displacement of every place, and sum up those that are not 0.
 * lengths is scratch for n numbers.
 */
extern ShiftDisplacement shift_measure(const ShiftMap *map, ShiftPlace *places, size_t n, double *lengths,
									   ShiftPause pause);

/* Search for the shift of places that have been measured. */
extern ShiftEstimate shift_search(const ShiftMap *map, const ShiftPlace *places, size_t n,
								  const ShiftDisplacement *displacement, double *lengths, ShiftPause pause);

/* The direction of a vector: degrees clockwise from north, 0 to 360. */
extern double shift_direction(double dx, double dy);

#endif							/* GRIDTREE_SHIFT_H */
