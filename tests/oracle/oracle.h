/*
 * oracle.h
 *	  Point location by brute force: no raster, no shared edges, no filter, and
 *	  every decision a comparison of doubles or a sign in integers of any size.
 *
 * THE RULE
 *	  A part (a polygon, or one of a multipolygon) covers a point that is on its
 *	  shell, or around which its shell winds, unless one of its holes winds
 *	  around the point and the point is not on that hole.  The answer is the
 *	  code with the most digits of the parts that cover the point, then the
 *	  lowest in byte order.
 *
 * This is the independent opinion about extension/coverage.c, so it shares no
 * code with it, on purpose.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct Point
{
	double		x;
	double		y;
} Point;

/* Of n edges: from point i to point i + 1; the last point is the first again. */
typedef struct Ring
{
	size_t		n;
	Point	   *point;
} Ring;

typedef struct Part
{
	const char *code;
	size_t		nrings;
	Ring	   *ring;			/* the first is the shell */
	Point		low;			/* around the shell */
	Point		high;
} Part;

typedef struct Parts
{
	size_t		n;
	Part	   *part;
	uint32_t	srid;
} Parts;

/* Which side of the line from a to b a point is on: 1 left, -1 right, 0 on it. */
typedef int (*Side) (const Point *a, const Point *b, const Point *p);

/* When rings that a point is on settle the matter, whatever other rings say. */
typedef enum Settles
{
	SETTLES_NOTHING,			/* the rule */
	SETTLES_HOLE,				/* PostGIS on a polygon */
	SETTLES_ANY					/* PostGIS on a multipolygon or a repeated polygon */
} Settles;

/* read.c */
extern void *allocate(size_t size);
extern void fail(const char *format,...) __attribute__((noreturn, format(printf, 1, 2)));
extern Parts read_parts(const char *path);
extern bool read_point_line(FILE *file, char *fields[], int nfields, Point *point);

/* rule.c */
extern int	exact_side(const Point *a, const Point *b, const Point *p);
extern const char *locate(const Parts *parts, const Point *p, Side side, Settles settles);

/* points.c */
extern void write_points(const Parts *parts, long n, uint64_t seed);

/* explain.c */
extern void explain_all(const Parts *parts, FILE *points);

#endif							/* ORACLE_H */
