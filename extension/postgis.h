/*
 * postgis.h
 *	  What gridtree needs to know of a geometry without asking PostGIS.
 */
#ifndef GRIDTREE_POSTGIS_H
#define GRIDTREE_POSTGIS_H

#include "postgres.h"

#include <math.h>

/* A degree of latitude on the sphere of the earth's mean radius, 6371008.8 m. */
#define METRES_PER_DEGREE	(6371008.8 * M_PI / 180.0)

/* The head of any geometry; x and y only where it is a point that is not empty. */
typedef struct GeometryHead
{
	uint32		type;			/* PostGIS's number of the geometry type */
	int32		srid;			/* 0 where none is given */
	bool		is_point;
	bool		empty;			/* known for points only */
	double		x;
	double		y;
} GeometryHead;

/* Reads the head of a geometry datum; detoasts it where needed. */
extern GeometryHead geometry_head(Datum geometry);

/* The SRID that the type modifier of a geometry column declares; 0 where it declares none. */
extern int32 geometry_typmod_srid(int32 typmod);

/* Name of a geometry type as ST_GeometryType spells it. */
extern const char *geometry_type_name(uint32 type);

/* Whether two geometry datums are the same to the byte. */
extern bool geometry_identical(Datum a, Datum b);

/*
 * Called for each ring of a polygon or multipolygon: its polygon and its place in
 * it, both from 0 (the shell is ring 0), and n points, more than 0, each at xy + i * stride.
 * The points may not be aligned as doubles are. Holes without a shell are passed over.
 */
typedef void (*RingCallback) (void *arg, int polygon, int ring, const double *xy, uint32 n, int stride);

/* Walk the rings; false, before any call, where it is neither a polygon nor a multipolygon. */
extern bool geometry_rings(Datum geometry, RingCallback callback, void *arg);

/*
 * The bounding box of a geometry: xmin, ymin, xmax, ymax, perhaps rounded
 * outwards to floats; infinite where it cannot be told.  False for an empty one.
 */
extern bool geometry_box(Datum geometry, double box[4]);

#endif							/* GRIDTREE_POSTGIS_H */
