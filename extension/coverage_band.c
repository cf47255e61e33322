/*
 * coverage_band.c
 *	  Arcs into the cells of a band.
 *
 * A cell gets every edge that comes within MARGIN of it, which is more than all
 * roundings of the raster's arithmetic together: choose_raster() chooses cells
 * and numbers of them that see to that.
 *
 * An edge that crosses the line of the centres of a row is an event of that row.
 * East of which centre that is gets decided exactly, by the same predicates as
 * in a lookup.
 *
 * Pure.
 */
#include "coverage_band.h"

#include <string.h>

#include "orient.h"

#define MARGIN			(1.0 / 1024)	/* of the side of a cell */

static inline double
least(double a, double b)
{
	return a < b ? a : b;
}

static inline double
greatest(double a, double b)
{
	return a < b ? b : a;
}

static inline uint32_t
clamped_index(double offset, double inverse, uint32_t count)
{
	return offset > 0 ? raster_index(offset, inverse, count) : 0;
}

/* Add an edge to the last run of a list, or begin a new one. */
static inline void
add_to_runs(CoverageBuilder *builder, uint32_t *list, Run **runs, size_t *n, size_t *room, uint32_t arc, uint32_t edge)
{
	if (*list != NOTHING)
	{
		Run		   *last = &(*runs)[*list];

		/* Edges of an arc are numbered one after the other, and those of different arcs never. */
		if (last->first + last->edges == edge)
		{
			last->edges++;
			return;
		}
	}
	if (*n >= *room)
		*runs = build_grow(builder, *runs, room, *n + 1, sizeof(Run));
	(*runs)[*n] = (Run) {*list, arc, edge, 1};
	*list = (uint32_t) (*n)++;
}

/* Each run takes room in the image, which may be more than there may be. */
static inline bool
too_many(CoverageBuilder *builder, size_t runs)
{
	if (runs > builder->most_items)
		builder->failed = true;
	return builder->failed;
}

/* --- all bands --- */

static void
add_edge_to_bands(Band *band, uint32_t arc, uint32_t edge)
{
	CoverageBuilder *builder = band->builder;
	const CoverageRaster *raster = &builder->raster;
	const CoverageVertex *v = &builder->vertices[edge];
	double		margin = raster->side * MARGIN;
	double		south = least(v[0].y, v[1].y) - raster->y0 - margin;
	double		north = greatest(v[0].y, v[1].y) - raster->y0 + margin;
	uint32_t	row = clamped_index(south, raster->inverse, raster->rows) / BLOCK;
	uint32_t	last = clamped_index(north, raster->inverse, raster->rows) / BLOCK;

	for (; row <= last; row++)
		add_to_runs(builder, &band->of_band[row], &band->band_runs, &band->nband_runs, &band->band_runs_room, arc, edge);
}

void
band_begin(Band *band, CoverageBuilder *builder)
{
	size_t		bands = builder->raster.rows / BLOCK;
	size_t		blocks = builder->raster.columns / BLOCK;

	memset(band, 0, sizeof(Band));
	band->builder = builder;
	band->of_band = build_alloc(builder, bands, sizeof(uint32_t));
	band->first_run = build_alloc(builder, blocks * (BLOCK * BLOCK), sizeof(uint32_t));
	band->first_event = build_alloc(builder, blocks * (BLOCK * BLOCK), sizeof(uint32_t));
	band->has_runs = build_alloc(builder, blocks, sizeof(bool));
	memset(band->of_band, 0xff, bands * sizeof(uint32_t));
	for (uint32_t i = 0; i < builder->narcs; i++)
	{
		const Arc  *arc = &builder->arcs[i];

		for (uint32_t edge = arc->first; edge < arc->first + arc->edges; edge++)
		{
			if (edge % PAUSE_EVERY == 0)
				build_pause(builder);
			add_edge_to_bands(band, i, edge);
			if (too_many(builder, band->nband_runs))
				return;
		}
	}
}

void
band_end(Band *band)
{
	build_free(band->builder, band->has_runs);
	build_free(band->builder, band->events);
	build_free(band->builder, band->first_event);
	build_free(band->builder, band->runs);
	build_free(band->builder, band->first_run);
	build_free(band->builder, band->band_runs);
	build_free(band->builder, band->of_band);
}

/* --- runs of cells --- */

/* An edge that x from west to east comes near some cells of a row. */
static inline void
add_span(Band *band, uint32_t row, double west, double east, uint32_t arc, uint32_t edge)
{
	const CoverageRaster *raster = &band->builder->raster;
	double		margin = raster->side * MARGIN;
	uint32_t	column = clamped_index(west - margin, raster->inverse, raster->columns);
	uint32_t	last = clamped_index(east + margin, raster->inverse, raster->columns);
	uint32_t   *first = &band->first_run[(size_t) row * raster->columns];

	for (; column <= last; column++)
	{
		add_to_runs(band->builder, &first[column], &band->runs, &band->nruns, &band->runs_room, arc, edge);
		band->has_runs[column / BLOCK] = true;
	}
}

/* Add an edge to each cell of the band that it comes near. */
static void
add_edge_to_cells(Band *band, uint32_t arc, uint32_t edge)
{
	const CoverageRaster *raster = &band->builder->raster;
	const CoverageVertex *v = &band->builder->vertices[edge];
	uint32_t	band_row = band->row * BLOCK;
	double		margin = raster->side * MARGIN;
	double		ax = v[0].x - raster->x0;
	double		ay = v[0].y - raster->y0;
	double		bx = v[1].x - raster->x0;
	double		by = v[1].y - raster->y0;
	double		south = least(ay, by);
	double		north = greatest(ay, by);
	uint32_t	row = clamped_index(south - margin, raster->inverse, raster->rows);
	uint32_t	last = clamped_index(north + margin, raster->inverse, raster->rows);
	bool		one_row = row == last || north - south < margin;

	if (row < band_row)
		row = band_row;
	if (last > band_row + BLOCK - 1)
		last = band_row + BLOCK - 1;
	for (; row <= last; row++)
	{
		double		from = greatest(south, row * raster->side - margin);
		double		to = least(north, (row + 1.0) * raster->side + margin);
		double		x_from = one_row ? ax : ax + (from - ay) / (by - ay) * (bx - ax);
		double		x_to = one_row ? bx : ax + (to - ay) / (by - ay) * (bx - ax);

		add_span(band, row - band_row, least(x_from, x_to), greatest(x_from, x_to), arc, edge);
	}
}

/* --- events --- */

/* Is the moved centre of a cell east of an edge that crosses its row's line? */
static bool
is_east(const CoverageRaster *raster, const CoverageVertex *a, const CoverageVertex *b, uint32_t column, double y)
{
	int			side = orient(a->x, a->y, b->x, b->y, raster_centre(raster->x0, raster->side, column), y);
	bool		upward = b->y > a->y;

	/* The centre is moved east, and the edge is not level. */
	return side == 0 || (upward ? side < 0 : side > 0);
}

/* The first column whose centre is east of the edge; all columns where none is. */
static uint32_t
first_column_east(const CoverageRaster *raster, const CoverageVertex *a, const CoverageVertex *b, double y)
{
	double		x = a->x + (y - a->y) / (b->y - a->y) * (b->x - a->x);
	uint32_t	column = clamped_index(x - raster->x0, raster->inverse, raster->columns);

	while (column > 0 && is_east(raster, a, b, column - 1, y))
		column--;
	while (column < raster->columns && !is_east(raster, a, b, column, y))
		column++;
	return column;
}

/*
 * An edge is near the centre before it or the one behind it, so at least one of
 * the two has it in its block; the blocks without edges have no events either.
 */
static void
add_event(Band *band, uint32_t row, uint32_t column, uint32_t arc, int change)
{
	CoverageBuilder *builder = band->builder;
	bool		past_centre = column == builder->raster.columns || !band->has_runs[column / BLOCK];
	size_t		cell = (size_t) row * builder->raster.columns + column - past_centre;

	if (band->nevents >= band->events_room)
		band->events = build_grow(builder, band->events, &band->events_room, band->nevents + 1, sizeof(Event));
	band->events[band->nevents] = (Event) {band->first_event[cell], arc, (int16_t) change, past_centre};
	band->first_event[cell] = (uint32_t) band->nevents++;
}

/* Events of an edge, in each row of the band whose line of centres it crosses. */
static void
add_events(Band *band, uint32_t arc, const CoverageVertex *a, const CoverageVertex *b)
{
	const CoverageRaster *raster = &band->builder->raster;

	for (uint32_t row = 0; row < BLOCK; row++)
	{
		double		y = raster_centre(raster->y0, raster->side, band->row * BLOCK + row);

		if ((a->y > y) != (b->y > y))
			add_event(band, row, first_column_east(raster, a, b, y), arc, b->y > a->y ? -1 : 1);
	}
}

/* --- one band --- */

void
band_fill(Band *band, uint32_t row)
{
	CoverageBuilder *builder = band->builder;
	size_t		blocks = builder->raster.columns / BLOCK;

	band->row = row;
	band->nruns = band->nevents = 0;
	memset(band->first_run, 0xff, blocks * (BLOCK * BLOCK) * sizeof(uint32_t));
	memset(band->first_event, 0xff, blocks * (BLOCK * BLOCK) * sizeof(uint32_t));
	memset(band->has_runs, 0, blocks * sizeof(bool));
	for (uint32_t r = band->of_band[row]; r != NOTHING; r = band->band_runs[r].next)
	{
		const Run  *run = &band->band_runs[r];

		for (uint32_t edge = run->first; edge < run->first + run->edges; edge++)
		{
			if (edge % 64 == 0)
				build_pause(builder);
			add_edge_to_cells(band, run->arc, edge);
			if (too_many(builder, band->nruns))
				return;
		}
	}
	for (uint32_t r = band->of_band[row]; r != NOTHING; r = band->band_runs[r].next)
	{
		const Run  *run = &band->band_runs[r];

		for (uint32_t edge = run->first; edge < run->first + run->edges; edge++)
		{
			if (edge % 64 == 0)
				build_pause(builder);
			add_events(band, run->arc, &builder->vertices[edge], &builder->vertices[edge + 1]);
		}
		builder->failed |= band->nevents > MOST_ITEMS;
	}
}
