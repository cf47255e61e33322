/*
 * layer_version.h
 *	  How a backend knows, under a snapshot, whether the polygons of a layer are
 *	  those it has seen.
 *
 * Whatever changes rows of a layer's relation, or of a table below it, appends
 * a row to grid_layer_version in the same transaction.  The rows that a
 * snapshot sees are therefore the edits that it sees, and their sums are a
 * fingerprint of the polygons.
 */
#ifndef GRIDTREE_LAYER_VERSION_H
#define GRIDTREE_LAYER_VERSION_H

#include "postgres.h"

#include "utils/snapshot.h"

/* Over the rows that a snapshot sees; all zero where there is none. */
typedef struct LayerVersion
{
	int64		count;
	int64		newest;
	int64		total;			/* wraps around */
	bool		own;			/* one of them is of the current transaction */
} LayerVersion;

/*
 * Read the version of a layer's relation.  In a serializable transaction this
 * is what makes an edit of the layer conflict with who located in it.
 *
 * The version says nothing, and the polygons must be read, where a row is of
 * the current transaction, because not every edit within it has a number, and
 * where there is no row at all: adding a layer notes one, so the snapshot is
 * older than that, or the triggers are not there.
 */
extern void layer_version_read(Oid relation, Snapshot snapshot, LayerVersion *version);

/* Note that anything may have changed, where no row trigger can have seen it. */
extern void layer_version_touch(Oid relation);

/* Append a row; layer_edit.c knows when. */
extern void layer_version_append(Oid relation);

#endif							/* GRIDTREE_LAYER_VERSION_H */
