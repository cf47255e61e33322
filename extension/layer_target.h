/*
 * layer_target.h
 *	  Which edits of a layer a table that grid_assign keeps has taken in.
 */
#ifndef GRIDTREE_LAYER_TARGET_H
#define GRIDTREE_LAYER_TARGET_H

#include "layer.h"

/* What is assigned to what, and how far that has come. */
typedef struct LayerTarget
{
	Oid			target;
	char		layer[NAMEDATALEN];
	NameData	geom_column;
	NameData	code_column;
	double		tolerance;
	uint64		keeper;			/* what kept its codes then (layer_keeper.h) */
	bool		complete;		/* every row has been assigned once */
	Datum		consumed;		/* pg_snapshot: what it sees of edits has been taken in */
} LayerTarget;

/* Fill in the last three; false where nothing is known. */
extern bool layer_target_read(LayerTarget *target);

/* Write what is known of a target, in place of what was. */
extern void layer_target_write(const LayerTarget *target);

/* Forget what depends on a table that is not what it was. */
extern void layer_target_forget(Oid changed);

/* Forget tables and layers that have been dropped. */
extern void layer_target_sweep(void);

/* Where a layer was edited. */
typedef struct LayerEdits
{
	bool		everywhere;
	int			n;
	double	  (*boxes)[4];		/* west, south, east, north; no two meet */
} LayerEdits;

/* The edits of a layer's table that the active snapshot sees and a pg_snapshot does not. */
extern LayerEdits layer_edits_since(Oid relation, Datum consumed);

/* Make the boxes larger, and one of those that meet then. */
extern void layer_edits_widen(LayerEdits *edits, void (*widen) (void *arg, double *box), void *arg);

/* Delete from the log what every target has taken in. */
extern void layer_edits_prune(Oid relation);

#endif							/* GRIDTREE_LAYER_TARGET_H */
