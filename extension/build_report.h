/*
 * build_report.h
 *	  Whether grids in both windows are possible at all.
 */
#ifndef GRIDTREE_BUILD_REPORT_H
#define GRIDTREE_BUILD_REPORT_H

#include "build.h"

typedef struct BuildReport
{
	bool		possible;
	char	   *reason;			/* why not; NULL where possible */
	PartitionRange grids;		/* low > high: none */
	int64		total[PARTITION_WEIGHTS];
	double		household_size;	/* NAN where unknown */
	PartitionRange legal;		/* households of a grid in both windows, at this household size */
	int			noversized;
	int64	   *oversized;		/* ids of atoms above a maximum on their own, ascending */
} BuildReport;

extern void build_report(BuildTask *task, BuildReport *report);

#endif							/* GRIDTREE_BUILD_REPORT_H */
