/*
 * gridstats.h
 *	  The SQL type gridstats, for the files that take or make its values.
 *
 * A gridstats is a varlena that holds the packed form of a GridStats
 * (stats.h).  While an aggregate runs, its state is a gridstats too, so that
 * it can be shipped as any value can, but in the open form: the GridStats
 * itself, changed in place.  The first byte tells them apart.  Every function
 * reads both; only aggregate states are ever in the open form.
 */
#ifndef GRIDTREE_GRIDSTATS_H
#define GRIDTREE_GRIDSTATS_H

#include "postgres.h"

#include "compat.h"
#include "stats.h"

/* Low four bits of the first byte; the packed form has its version there. */
#define GRIDSTATS_OPEN	15

/* Takes a value apart, detoasting what has to be. */
extern void gridstats_read(Datum datum, GridStats *stats);

/* The same, but only count, min and max are sure to be there. */
extern void gridstats_read_ends(Datum datum, GridStats *stats);

/* Makes a value in the packed form, in the current memory context. */
extern Datum gridstats_make(const GridStats *stats);

/* Adds to a state; an error beyond STATS_MAX_COUNT. */
extern void gridstats_add_value(GridStats *stats, double value);
extern void gridstats_add_stats(GridStats *into, const GridStats *from);

#endif							/* GRIDTREE_GRIDSTATS_H */
