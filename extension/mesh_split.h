/*
 * mesh_split.h
 *	  Part of mesh_finish: points that one side of a border lacks.  Pure.
 */
#ifndef GRIDTREE_MESH_SPLIT_H
#define GRIDTREE_MESH_SPLIT_H

#include "mesh.h"

/*
 * Split each edge without a twin at the points of edges of the other side that
 * lie on it, no farther off than the tolerance.  There is room for so many edges.
 */
extern void mesh_split(const Host *host, Mesh *mesh, size_t *room, double tolerance);

#endif							/* GRIDTREE_MESH_SPLIT_H */
