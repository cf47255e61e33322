/*
 * gridcode_stats.h
 *	  The statistics slot of gridcode columns, as ANALYZE writes it and the
 *	  selectivity functions read it.
 *
 * Values are the listed areas of prefix.h.  Numbers are fractions of all rows:
 * first GRIDCODE_MAX_DIGITS means, of areas of 1, 2, … digits, then one for
 * each listed area.
 */
#ifndef GRIDTREE_GRIDCODE_STATS_H
#define GRIDTREE_GRIDCODE_STATS_H

#include "gridcode.h"

#include "prefix.h"
#include "utils/selfuncs.h"

/* In the range that pg_statistic.h leaves to private use. */
#define STATISTIC_KIND_GRID_PREFIXES 21743

/* The slot of a column, in fractions of its rows. */
typedef struct GridcodeStats
{
	PrefixCount *counts;
	int			ncounts;
	double		mean[GRIDCODE_MAX_DIGITS + 1];
} GridcodeStats;

/* Read the slot of a variable, into the current memory context; false where it has none. */
extern bool gridcode_stats(const VariableStatData *vardata, GridcodeStats *stats);

/* Fraction of a column's rows inside an area. */
extern double gridcode_subtree_fraction(const GridcodeStats *stats, gridcode area);

/* A fraction of a column's rows that is at least in a range. */
extern double gridcode_between_fraction(const GridcodeStats *stats, gridcode from, gridcode to);

/*
 * Fraction of a column's rows inside an area that is not known while planning;
 * stats may be NULL.
 */
extern double gridcode_unknown_fraction(const GridcodeStats *stats);

#endif							/* GRIDTREE_GRIDCODE_STATS_H */
