/*
 * postgis.h
 *	  What gridtree needs to know of a geometry without asking PostGIS.
 */
#ifndef GRIDTREE_POSTGIS_H
#define GRIDTREE_POSTGIS_H

#include "postgres.h"

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

/* Name of a geometry type as ST_GeometryType spells it. */
extern const char *geometry_type_name(uint32 type);

/* Whether two geometry datums are the same to the byte. */
extern bool geometry_identical(Datum a, Datum b);

/*
 * A ring of n points (n > 0), each at xy + i * stride: x, y and perhaps more.
 * polygon counts the parts of a multipolygon from 0, empty ones too; ring 0 is
 * the shell. xy is good during the call only.
 */
typedef void (*RingCallback) (void *arg, int polygon, int ring, const double *xy, uint32 n, int stride);

/*
 * Calls back for each ring of a polygon or multipolygon, in their order; false
 * for other types. An error where the value is too short for what it announces.
 */
extern bool geometry_rings(Datum geometry, RingCallback callback, void *arg);

#endif							/* GRIDTREE_POSTGIS_H */
