/*
 * wkb.h
 *	  Geometries written as well-known binary (OGC 06-103r4), in which PostGIS
 *	  takes them.
 */
#ifndef GRIDTREE_WKB_H
#define GRIDTREE_WKB_H

#include "postgres.h"

#include "lib/stringinfo.h"

#define WKB_POINT				1
#define WKB_LINE				2
#define WKB_POLYGON				3
#define WKB_MULTI_POINT			4
#define WKB_MULTI_LINE			5
#define WKB_MULTI_POLYGON		6

/* Begin a value of type bytea; wkb_finish makes it one. */
extern void wkb_begin(StringInfo wkb);
extern Datum wkb_finish(StringInfo wkb);

/* Begin a geometry (not a point), whose count is set when it is known; returns its place. */
extern int	wkb_open(StringInfo wkb, uint32 type);
extern void wkb_set_count(StringInfo wkb, int place, uint32 count);

/* The count of points of a ring, or the points of anything. */
extern void wkb_number(StringInfo wkb, uint32 number);
extern void wkb_points(StringInfo wkb, const double *xy, size_t n);

/* A whole point, as a member of a collection is. */
extern void wkb_point(StringInfo wkb, double x, double y);

#endif							/* GRIDTREE_WKB_H */
