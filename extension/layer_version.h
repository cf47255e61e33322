/*
 * layer_version.h
 *	  Which version of a layer's polygons a snapshot sees, and what was edited.
 */
#ifndef GRIDTREE_LAYER_VERSION_H
#define GRIDTREE_LAYER_VERSION_H

#include "postgres.h"

#include "utils/snapshot.h"

/*
 * The version rows of a table that a snapshot sees, in short.  Two snapshots
 * that see the same see the same polygons.
 */
typedef struct LayerVersion
{
	int64		count;
	int64		newest;
	int64		total;
	bool		own;			/* one is of the current transaction */
} LayerVersion;

extern void layer_version_read(Oid relation, Snapshot snapshot, LayerVersion *version);

/* Append a version row of a layer's table for the current subtransaction, where it has none. */
extern void layer_version_append(Oid relation);

#endif							/* GRIDTREE_LAYER_VERSION_H */
