/*
 * rollup_compute.h
 *	  The figures of a rollup computed and written, without knowing why.
 *
 * Both run as the rollup's owner inside SPI, in a transaction that keeps other
 * refreshes away: rollup_refresh.c.
 */
#ifndef GRIDTREE_ROLLUP_COMPUTE_H
#define GRIDTREE_ROLLUP_COMPUTE_H

#include "gridtree.h"

#include "rollup_def.h"

/* All figures.  filled says whether there are some, and indexes, already. */
extern void rollup_compute_all(const RollupDef *def, bool filled);

/*
 * The figures of count touched cells, and of what is around them.  The cells
 * are rows (code[, bucket]) that statements know as TOUCHED_CELLS; rest says
 * whether some of them are no areas of the lowest level.
 */
extern void rollup_compute_touched(const RollupDef *def, int64 count, bool rest);

#define TOUCHED_CELLS "touched_cells"

#endif							/* GRIDTREE_ROLLUP_COMPUTE_H */
