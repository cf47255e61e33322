/*
 * layer_version.h
 *	  Which version of a layer's polygons a snapshot sees.
 */
#ifndef GRIDTREE_LAYER_VERSION_H
#define GRIDTREE_LAYER_VERSION_H

#include "postgres.h"

#include "utils/snapshot.h"

typedef struct LayerVersion
{
	int64		count;
	int64		newest;
	int64		total;
	bool		own;
} LayerVersion;

extern void layer_version_read(Oid relation, Snapshot snapshot, LayerVersion *version);

#endif							/* GRIDTREE_LAYER_VERSION_H */
