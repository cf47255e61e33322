/*
 * coverage_band.h
 *	  A band of the raster, one row of blocks: which edges come near each of its
 *	  cells, and where winding numbers change from one centre to the next.
 *
 * Cells are made band by band, so that what is worked on stays near the
 * processor, however large the coverage is.  A band's cells are numbered from
 * west to east and then from south to north, as if it were all there is.
 *
 * Pure.
 */
#ifndef GRIDTREE_COVERAGE_BAND_H
#define GRIDTREE_COVERAGE_BAND_H

#include "coverage_build.h"

#define NOTHING			UINT32_MAX

/* A run: edges of an arc that follow each other; of a band, or of a cell. */
typedef struct Run
{
	uint32_t	next;			/* run of the same band or cell, or NOTHING */
	uint32_t	arc;
	uint32_t	first;
	uint32_t	edges;
} Run;

/* Winding numbers of the rings of an arc change, going east past the edge that it is of. */
typedef struct Event
{
	uint32_t	next;			/* event of the same cell, or NOTHING */
	uint32_t	arc;
	int16_t		change;
	bool		past_centre;	/* not yet at the centre of the cell, but behind it */
} Event;

typedef struct Band
{
	CoverageBuilder *builder;
	uint32_t	row;			/* of blocks */

	/* runs of all bands; of_band[row] begins the list of a band */
	uint32_t   *of_band;
	Run		   *band_runs;
	size_t		nband_runs;
	size_t		band_runs_room;

	/* of this band: runs and events of its cells, and which of its blocks have a run */
	uint32_t   *first_run;
	Run		   *runs;
	size_t		nruns;
	size_t		runs_room;
	uint32_t   *first_event;
	Event	   *events;
	size_t		nevents;
	size_t		events_room;
	bool	   *has_runs;
} Band;

/* Make ready for all bands. */
extern void band_begin(Band *band, CoverageBuilder *builder);

/* Find out all of one band. */
extern void band_fill(Band *band, uint32_t row);

extern void band_end(Band *band);

#endif							/* GRIDTREE_COVERAGE_BAND_H */
