/*
 * outline.h
 *	  The areas that faces of a mesh make together, as polygons that tile exactly.
 *
 * Faces have labels.  Every edge with the same label on both sides is dropped;
 * those that are left are borders.  A border that is not fixed may be
 * straightened: a vertex goes where the triangle it makes with its neighbours
 * holds no other vertex, and no site comes nearer to the border than its
 * clearance; so no two borders ever touch or cross that did not, every site
 * stays on its side, and both sides of a border stay the same points.
 *
 * Pure: knows nothing of PostgreSQL or PostGIS.
 */
#ifndef GRIDTREE_OUTLINE_H
#define GRIDTREE_OUTLINE_H

#include "host.h"
#include "mesh.h"

/* Something that borders keep away from. */
typedef struct OutlineSite
{
	double		x;
	double		y;
	double		clearance;
} OutlineSite;

/* Points first to first + n - 1; the last is the first again. */
typedef struct OutlineRing
{
	int			label;
	int			polygon;		/* from 0 within a label: one for each connected group of faces */
	bool		hole;
	size_t		first;
	size_t		n;
} OutlineRing;

/*
 * Rings by label and polygon, a shell before its holes.  Shells run
 * counterclockwise and holes clockwise, each from its lowest point (by x, then
 * y); polygons of a label and holes of a polygon are in the order of these.
 */
typedef struct Outline
{
	OutlineRing *rings;
	size_t		nrings;
	MeshPoint  *points;
	size_t		npoints;
} Outline;

/* The areas of the labels label[face], 0 to nlabels - 1, with borders straightened or as they are. */
extern void outline_build(const Mesh *mesh, const int *label, int nlabels,
						  const OutlineSite *sites, size_t nsites, bool straighten,
						  const Host *host, Outline *outline);

#endif							/* GRIDTREE_OUTLINE_H */
