/*
 * prefix.h
 *	  How many rows lie below each prefix, from a sample: what the planner
 *	  keeps about a column of codes.
 *
 * A summary is a list of areas with the rows of the sample below each, and for
 * every number of digits the mean of those areas that are not in the list.  An
 * area is listed at its longest form: where all sampled rows below 35 begin
 * with 3503, only 3503 is listed.
 *
 * Pure: knows codes by code.h, and nothing of PostgreSQL.
 */
#ifndef GRIDTREE_PREFIX_H
#define GRIDTREE_PREFIX_H

#include "code.h"

/* An area and the rows (or the fraction of rows) below it. */
typedef struct PrefixCount
{
	gridcode	code;
	double		rows;
} PrefixCount;

/*
 * The areas with at least least rows, at most limit of them, ordered by code.
 * sample is ordered; work and counts have room for n, work is scratch.  Where
 * there are too many, the largest areas stay, and first those at a number of
 * digits at which codes of the sample end or above the shortest of these: the
 * others are no levels of the hierarchy and nobody asks for them.
 */
extern int	prefix_counts(const gridcode *sample, int n, int least, int limit,
						  PrefixCount *work, PrefixCount *counts);

/*
 * mean[d]: rows below an area of d digits that has no listed area at, above
 * the same rows, or below it; sample rows stand for total rows.  0 where there
 * is no such area.  The number of such areas that the sample missed is
 * estimated as ANALYZE estimates numbers of distinct values.
 */
extern void prefix_means(const gridcode *sample, int n, double total,
						 const PrefixCount *counts, int ncounts,
						 double mean[GRIDCODE_MAX_DIGITS + 1]);

/* Rows below code, in the unit of the counts and means. */
extern double prefix_rows(const PrefixCount *counts, int ncounts,
						  const double mean[GRIDCODE_MAX_DIGITS + 1], gridcode code);

/* Rows of the listed areas that lie in a range of codes: at least so many are in it. */
extern double prefix_rows_between(const PrefixCount *counts, int ncounts, gridcode from, gridcode to);

#endif							/* GRIDTREE_PREFIX_H */
