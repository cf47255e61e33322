/*
 * layer_edit.h
 *	  What a transaction notes of its edits of layers: that there was one, and
 *	  where.
 *
 * A box is xmin, ymin, xmax, ymax.
 */
#ifndef GRIDTREE_LAYER_EDIT_H
#define GRIDTREE_LAYER_EDIT_H

#include "postgres.h"

#include "access/htup.h"
#include "utils/snapshot.h"

/* Rows of a layer's relation are about to change. */
extern void layer_edit_begin(Oid relation);

/* A polygon within the box has come, changed or gone. */
extern void layer_edit_extent(Oid relation, const double box[4]);

/* Any polygon may have. */
extern void layer_edit_everything(Oid relation);

/*
 * Call back for each row of the log that a snapshot sees: the row, its
 * transaction (xid8) and its box, NULL for everything.
 */
typedef void (*LayerEditCallback) (void *arg, HeapTuple row, Datum xid, const double *box);
extern void layer_edit_scan(Oid relation, Snapshot snapshot, LayerEditCallback callback, void *arg);

/* The last layer of the relation is dropped: so is all that is noted of it. */
extern void layer_edit_forget(Oid relation);

#endif							/* GRIDTREE_LAYER_EDIT_H */
