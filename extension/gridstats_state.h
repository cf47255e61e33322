/*
 * gridstats_state.h
 *	  The open form of a gridstats (gridstats.h): what aggregates change in
 *	  place.
 */
#ifndef GRIDTREE_GRIDSTATS_STATE_H
#define GRIDTREE_GRIDSTATS_STATE_H

#include "gridstats.h"

typedef struct GridStatsState
{
	int32		vl_len_;
	uint8		form;			/* GRIDSTATS_OPEN */
	uint8		unused[3];
	GridStats	stats;
} GridStatsState;

#endif							/* GRIDTREE_GRIDSTATS_STATE_H */
