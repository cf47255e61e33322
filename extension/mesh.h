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

/* What faces are added to. */
typedef struct MeshBuilder
{
	const Host *host;
	MeshPoint  *points;			/* from where each edge goes, and at last to where */
	MeshEdge   *edges;
	size_t		nedges;
	size_t		room;
} MeshBuilder;

extern void mesh_begin(MeshBuilder *builder, const Host *host);

/*
 * Add a closed ring of a face, n points, each at xy + i * stride (in doubles,
 * perhaps not aligned), in either direction; false where there are too many.
 */
extern bool mesh_add_ring(MeshBuilder *builder, int face, bool hole, const double *xy, size_t n, size_t stride);

/*
 * Make the mesh of the faces 0 to nfaces - 1; the builder is used up.  Where one
 * side of a border has a point that the other lacks, no farther than the
 * tolerance from its edge, the other gets it, too.  Points are numbered by x and
 * y, edges by their ends.  False where a border has more than one face on a side.
 */
extern bool mesh_finish(MeshBuilder *builder, int nfaces, double tolerance, Mesh *mesh);

extern void mesh_free(const Host *host, Mesh *mesh);

extern double mesh_length(const Mesh *mesh, const MeshEdge *edge);

/* The sums from which area, centre and moment of faces taken together follow. */
typedef struct MeshMoments
{
	double		area;
	double		x;				/* the first moments */
	double		y;
	double		square;			/* the second, polar one about the origin */
} MeshMoments;

/* Add what one edge contributes; all edges of a face make its moments. */
extern void mesh_add_moments(MeshPoint from, MeshPoint to, MeshMoments *moments);

#endif							/* GRIDTREE_MESH_H */
