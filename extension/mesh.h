/*
 * mesh.h
 *	  A plane cut into faces: points, edges, and who is on which side.
 *
 * Every face keeps its edges with the face on their left, so the edges of an
 * outer ring run counterclockwise and those of a hole clockwise.  Where two
 * faces meet, the edge occurs twice, once each way, with identical points: the
 * two are twins.
 *
 * Pure: knows nothing of PostgreSQL or PostGIS.
 */
#ifndef GRIDTREE_MESH_H
#define GRIDTREE_MESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"

typedef struct MeshPoint
{
	double		x;
	double		y;
} MeshPoint;

typedef struct MeshEdge
{
	int			from;			/* points; different places */
	int			to;
	int			face;			/* on its left */
	int			twin;			/* number of the edge of the face on its right; -1: the outside */
	bool		fixed;			/* lies on a line that was given: it stays */
	bool		barrier;		/* that line is a barrier */
} MeshEdge;

typedef struct Mesh
{
	MeshPoint  *points;			/* no two are the same place */
	int			npoints;
	MeshEdge   *edges;
	int			nedges;
	int			nfaces;
} Mesh;

#endif							/* GRIDTREE_MESH_H */
