/*
 * coverage_raster.c
 *	  Arcs into cells, and what holds at the centre of each cell.
 *
 * A cell gets every edge that comes within MARGIN of it, which is more than all
 * roundings of the raster's arithmetic together: build_raster() chooses cells
 * and numbers of them that see to that.
 *
 * What holds at the centres is found by one sweep of each row from west to
 * east, beginning outside of everything: an edge that crosses the line of the
 * centres is an event of the first cell whose centre lies east of it.  Where
 * that is gets decided exactly, by the same predicates as in a lookup.
 *
 * Pure.
 */
#include "coverage_build.h"

#include <string.h>

#include "orient.h"

#define MARGIN			(1.0 / 1024)	/* of the side of a cell */

#define NOTHING			UINT32_MAX

/* A run of a cell: edges of one arc that follow each other. */
typedef struct Run
{
	uint32_t	first;
	uint32_t	edges;
	uint32_t	incidence;
} Run;

/* Winding numbers change by this, going east to the centre of a cell. */
typedef struct Event
{
	uint32_t	next;			/* event of the same cell, or NOTHING */
	uint32_t	incidence;
	int32_t		change;
} Event;

typedef struct RasterWork
{
	CoverageBuilder *builder;
	/* runs of the cells; starts[cell] to starts[cell + 1] */
	uint32_t   *starts;
	uint32_t   *last_edge;		/* of the cell's last run, plus one */
	Run		   *runs;
	/* events; first[cell] begins the list of a cell */
	uint32_t   *first_event;
	Event	   *events;
	size_t		nevents;
	size_t		events_room;
	/* the sweep: rings that wind around the centre, in order, and their winding numbers */
	uint32_t   *active;
	size_t		nactive;
	int32_t    *winding;
	uint32_t   *local_in;		/* cell + 1 in which a part was last seen to have an edge */
	CoverageMember *members;
} RasterWork;

/* --- edges into cells --- */

typedef void (*CellVisitor) (RasterWork *work, uint32_t cell, uint32_t edge, const Arc *arc);

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

/* Call the visitor for each cell of one row that x from west to east comes near. */
static inline void
visit_span(RasterWork *work, CellVisitor visit, uint32_t row, double west, double east,
		   uint32_t edge, const Arc *arc)
{
	const CoverageRaster *raster = &work->builder->raster;
	double		margin = raster->side * MARGIN;
	uint32_t	column = clamped_index(west - margin, raster->inverse, raster->columns);
	uint32_t	last = clamped_index(east + margin, raster->inverse, raster->columns);

	for (; column <= last; column++)
		visit(work, row * raster->columns + column, edge, arc);
}

/* Call the visitor for each cell that an edge comes near. */
static inline void
visit_cells(RasterWork *work, CellVisitor visit, uint32_t edge, const Arc *arc)
{
	const CoverageRaster *raster = &work->builder->raster;
	const CoverageVertex *v = &work->builder->vertices[edge];
	double		margin = raster->side * MARGIN;
	double		ax = v[0].x - raster->x0;
	double		ay = v[0].y - raster->y0;
	double		bx = v[1].x - raster->x0;
	double		by = v[1].y - raster->y0;
	double		south = least(ay, by);
	double		north = greatest(ay, by);
	uint32_t	row = clamped_index(south - margin, raster->inverse, raster->rows);
	uint32_t	last = clamped_index(north + margin, raster->inverse, raster->rows);

	if (row == last || north - south < margin)
	{
		for (; row <= last; row++)
			visit_span(work, visit, row, least(ax, bx), greatest(ax, bx), edge, arc);
		return;
	}
	for (; row <= last; row++)
	{
		double		from = greatest(south, row * raster->side - margin);
		double		to = least(north, (row + 1.0) * raster->side + margin);
		double		x_from = ax + (from - ay) / (by - ay) * (bx - ax);
		double		x_to = ax + (to - ay) / (by - ay) * (bx - ax);

		visit_span(work, visit, row, least(x_from, x_to), greatest(x_from, x_to), edge, arc);
	}
}

/* Edges of an arc are numbered one after the other, and those of different arcs never. */
static inline bool
continues_run(RasterWork *work, uint32_t cell, uint32_t edge)
{
	bool		continues = work->last_edge[cell] == edge;

	work->last_edge[cell] = edge + 1;
	return continues;
}

static void
count_run(RasterWork *work, uint32_t cell, uint32_t edge, const Arc *arc)
{
	(void) arc;
	if (!continues_run(work, cell, edge))
		work->starts[cell + 2]++;
}

static void
enter_run(RasterWork *work, uint32_t cell, uint32_t edge, const Arc *arc)
{
	if (continues_run(work, cell, edge))
		work->runs[work->starts[cell + 1] - 1].edges++;
	else
		work->runs[work->starts[cell + 1]++] = (Run) {edge, 1, arc->incidence};
}

static void
visit_all(RasterWork *work, CellVisitor visit)
{
	CoverageBuilder *builder = work->builder;
	size_t		cells = (size_t) builder->raster.columns * builder->raster.rows;

	memset(work->last_edge, 0xff, cells * sizeof(uint32_t));
	for (uint32_t i = 0; i < builder->narcs; i++)
	{
		const Arc  *arc = &builder->arcs[i];

		for (uint32_t edge = arc->first; edge < arc->first + arc->edges; edge++)
		{
			if (edge % 64 == 0)
				build_pause(builder);
			visit_cells(work, visit, edge, arc);
		}
	}
}

/* Runs of all cells, in two passes: count, then enter.  False where there are too many. */
static bool
make_runs(RasterWork *work)
{
	CoverageBuilder *builder = work->builder;
	size_t		cells = (size_t) builder->raster.columns * builder->raster.rows;
	uint64_t	total = 0;

	work->starts = build_alloc(builder, cells + 2, sizeof(uint32_t));
	work->last_edge = build_alloc(builder, cells, sizeof(uint32_t));
	memset(work->starts, 0, (cells + 2) * sizeof(uint32_t));
	visit_all(work, count_run);
	for (size_t i = 2; i < cells + 2; i++)
	{
		total += work->starts[i];
		if (total * RUN_WORDS > builder->most_words)
			return false;
		work->starts[i] = (uint32_t) total;
	}
	work->runs = build_alloc(builder, total + 1, sizeof(Run));
	visit_all(work, enter_run);
	return true;
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

static void
add_event(RasterWork *work, uint32_t row, uint32_t column, const Arc *arc, int change)
{
	CoverageBuilder *builder = work->builder;
	uint32_t	cell = row * builder->raster.columns + column;

	if (work->nevents >= work->events_room)
		work->events = build_grow(builder, work->events, &work->events_room, work->nevents + 1, sizeof(Event));
	work->events[work->nevents] = (Event) {work->first_event[cell], arc->incidence, change};
	work->first_event[cell] = (uint32_t) work->nevents++;
}

/* Events of an edge, in each row whose line of centres it crosses. */
static void
add_events(RasterWork *work, const CoverageVertex *a, const CoverageVertex *b, const Arc *arc)
{
	const CoverageRaster *raster = &work->builder->raster;
	uint32_t	row = clamped_index(least(a->y, b->y) - raster->y0, raster->inverse, raster->rows);
	uint32_t	last = clamped_index(greatest(a->y, b->y) - raster->y0, raster->inverse, raster->rows);

	/* The lines of the rows beside could be reached by rounding only. */
	row -= row > 0;
	last += last + 1 < raster->rows;
	for (; row <= last; row++)
	{
		double		y = raster_centre(raster->y0, raster->side, row);
		uint32_t	column;

		if ((a->y > y) == (b->y > y))
			continue;
		column = first_column_east(raster, a, b, y);
		if (column < raster->columns)
			add_event(work, row, column, arc, b->y > a->y ? -1 : 1);
	}
}

static void
make_events(RasterWork *work)
{
	CoverageBuilder *builder = work->builder;
	size_t		cells = (size_t) builder->raster.columns * builder->raster.rows;

	work->first_event = build_alloc(builder, cells, sizeof(uint32_t));
	memset(work->first_event, 0xff, cells * sizeof(uint32_t));
	for (uint32_t i = 0; i < builder->narcs; i++)
	{
		const Arc  *arc = &builder->arcs[i];

		for (uint32_t edge = arc->first; edge < arc->first + arc->edges; edge++)
		{
			if (edge % 64 == 0)
				build_pause(builder);
			add_events(work, &builder->vertices[edge], &builder->vertices[edge + 1], arc);
		}
	}
}

/* --- the sweep --- */

static size_t
find_active(const RasterWork *work, uint32_t ring)
{
	size_t		from = 0;
	size_t		before = work->nactive;

	while (from < before)
	{
		size_t		middle = (from + before) / 2;

		if (work->active[middle] < ring)
			from = middle + 1;
		else
			before = middle;
	}
	return from;
}

static void
change_winding(RasterWork *work, uint32_t ring, int32_t change)
{
	int32_t		old = work->winding[ring];
	size_t		place;

	work->winding[ring] = old + change;
	if (change == 0 || (old != 0 && old + change != 0))
		return;
	place = find_active(work, ring);
	if (old == 0)
	{
		memmove(work->active + place + 1, work->active + place, (work->nactive - place) * sizeof(uint32_t));
		work->active[place] = ring;
		work->nactive++;
	}
	else
	{
		work->nactive--;
		memmove(work->active + place, work->active + place + 1, (work->nactive - place) * sizeof(uint32_t));
	}
}

/* Go on to the centre of a cell; was there any event? */
static bool
apply_events(RasterWork *work, uint32_t cell)
{
	const uint32_t *incidences = work->builder->incidences.data;
	bool		any = false;

	for (uint32_t e = work->first_event[cell]; e != NOTHING; e = work->events[e].next)
	{
		const uint32_t *incidence = incidences + work->events[e].incidence;

		for (uint32_t i = 0; i < incidence[0]; i++)
		{
			const uint32_t *member = incidence + 1 + (size_t) i * MEMBER_WORDS;

			change_winding(work, member[0], work->events[e].change * (int32_t) member[1]);
		}
		any = true;
	}
	return any;
}

static uint32_t
part_of(const CoverageBuilder *builder, uint32_t ring)
{
	return ring < builder->nparts ? ring : builder->hole_parts[ring - builder->nparts];
}

typedef enum Which
{
	ALL,
	NOT_LOCAL					/* parts without an edge in the cell */
} Which;

/* The least part that covers the centre of a cell, plus one, or 0. */
static uint32_t
answer_at_centre(RasterWork *work, uint32_t cell, Which which)
{
	CoverageBuilder *builder = work->builder;
	size_t		n = 0;

	for (size_t i = 0; i < work->nactive; i++)
	{
		uint32_t	ring = work->active[i];

		if (which == ALL || work->local_in[part_of(builder, ring)] != cell + 1)
			work->members[n++] = (CoverageMember) {ring, work->winding[ring], false};
	}
	return coverage_answer_of((uint32_t) builder->nparts, builder->hole_parts, work->members, n);
}

/* Note which parts have an edge in a cell; returns how many rings its runs name. */
static size_t
mark_local(RasterWork *work, uint32_t cell)
{
	CoverageBuilder *builder = work->builder;
	size_t		members = 0;

	for (uint32_t r = work->starts[cell]; r < work->starts[cell + 1]; r++)
	{
		const uint32_t *incidence = builder->incidences.data + work->runs[r].incidence;

		members += incidence[0];
		for (uint32_t i = 0; i < incidence[0]; i++)
			work->local_in[part_of(builder, incidence[1 + (size_t) i * MEMBER_WORDS])] = cell + 1;
	}
	return members;
}

/* Write the record of a cell that has runs, as coverage_image.h lays it out. */
static void
write_record(RasterWork *work, uint32_t cell)
{
	CoverageBuilder *builder = work->builder;
	Words	   *words = &builder->words;
	size_t		members = mark_local(work, cell);
	uint32_t	nruns = work->starts[cell + 1] - work->starts[cell];
	uint32_t	states = 0;
	size_t		states_at;

	words_reserve(builder, words, 4 + work->nactive * STATE_WORDS + (size_t) nruns * RUN_WORDS);
	words_add(words, answer_at_centre(work, cell, ALL));
	words_add(words, answer_at_centre(work, cell, NOT_LOCAL));
	states_at = words->n;
	words_add(words, 0);
	for (size_t i = 0; i < work->nactive; i++)
	{
		uint32_t	ring = work->active[i];

		if (work->local_in[part_of(builder, ring)] != cell + 1)
			continue;
		words_add(words, ring);
		words_add(words, (uint32_t) work->winding[ring]);
		states++;
	}
	words->data[states_at] = states;
	words_add(words, nruns);
	for (uint32_t r = work->starts[cell]; r < work->starts[cell + 1]; r++)
	{
		words_add(words, work->runs[r].first);
		words_add(words, work->runs[r].edges);
		words_add(words, work->runs[r].incidence);
	}
	if (members + states > builder->most_members)
		builder->most_members = (uint32_t) (members + states);
}

/* Sweep one row; false where the words would be too many. */
static bool
sweep_row(RasterWork *work, uint32_t row)
{
	CoverageBuilder *builder = work->builder;
	uint32_t	cell = row * builder->raster.columns;
	uint32_t	answer = 0;
	bool		stale = false;

	for (uint32_t column = 0; column < builder->raster.columns; column++, cell++)
	{
		stale |= apply_events(work, cell);
		if (work->starts[cell] != work->starts[cell + 1])
		{
			builder->cells[cell] = COVERAGE_RECORD | (uint32_t) builder->words.n;
			write_record(work, cell);
			if (builder->words.n > builder->most_words)
				return false;
			continue;
		}
		if (stale)
			answer = answer_at_centre(work, cell, ALL);
		stale = false;
		builder->cells[cell] = answer;
	}
	for (size_t i = 0; i < work->nactive; i++)
		work->winding[work->active[i]] = 0;
	work->nactive = 0;
	return true;
}

static void
sweep(RasterWork *work)
{
	CoverageBuilder *builder = work->builder;
	size_t		rings = builder->nparts + builder->nholes;

	builder->cells = build_alloc(builder, (size_t) builder->raster.columns * builder->raster.rows, sizeof(uint32_t));
	work->active = build_alloc(builder, rings + 1, sizeof(uint32_t));
	work->winding = build_alloc(builder, rings + 1, sizeof(int32_t));
	work->members = build_alloc(builder, rings + 1, sizeof(CoverageMember));
	work->local_in = build_alloc(builder, builder->nparts + 1, sizeof(uint32_t));
	memset(work->winding, 0, rings * sizeof(int32_t));
	memset(work->local_in, 0, builder->nparts * sizeof(uint32_t));
	for (uint32_t row = 0; row < builder->raster.rows && !builder->failed; row++)
	{
		build_pause(builder);
		builder->failed = !sweep_row(work, row);
	}
	build_free(builder, work->local_in);
	build_free(builder, work->members);
	build_free(builder, work->winding);
	build_free(builder, work->active);
}

void
build_cells(CoverageBuilder *builder)
{
	RasterWork	work = {.builder = builder};

	if (make_runs(&work))
	{
		make_events(&work);
		sweep(&work);
	}
	else
		builder->failed = true;
	build_free(builder, work.first_event);
	build_free(builder, work.events);
	build_free(builder, work.runs);
	build_free(builder, work.last_edge);
	build_free(builder, work.starts);
}
