/*
 * layer_keeper.h
 *	  What keeps the codes of a table as grid_assign makes them, and whether it
 *	  has been so without a break.
 */
#ifndef GRIDTREE_LAYER_KEEPER_H
#define GRIDTREE_LAYER_KEEPER_H

#include "layer_target.h"

/*
 * A number that stays the same for as long as grid_assign_trigger gives every
 * row that is written to the target the code that grid_assign would; 0 where it
 * does not, or where that cannot be told.
 */
extern uint64 layer_keeper(const LayerTarget *target);

/* Warn of a trigger that would set codes back to what another layer or tolerance says. */
extern void layer_keeper_warn(const LayerTarget *target);

#endif							/* GRIDTREE_LAYER_KEEPER_H */
