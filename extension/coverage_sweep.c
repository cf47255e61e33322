/*
 * coverage_sweep.c
 *	  What holds at the centre of each cell, and the blocks of the raster.
 *
 * Each row of cells is swept from west to east, beginning outside of
 * everything, with the winding numbers of all rings around the centre of the
 * cell.  Cells along an arc mostly have the same situation; it is kept once.
 *
 * Pure.
 */
#include "coverage_band.h"

#include <string.h>

/* Situations that are remembered of each arc: one a side. */
#define REMEMBERED		2

typedef struct Sweep
{
	CoverageBuilder *builder;
	Band		band;
	uint32_t   *values;			/* of the band's cells: an answer, or where the situation begins */
	/* rings that wind around the centre, in order, and their winding numbers */
	uint32_t   *active;
	size_t		nactive;
	int32_t    *winding;
	uint32_t	stamp;			/* of the cell, among all that have runs */
	uint32_t   *local_in;		/* stamp of the cell in which a part was last seen to have an edge */
	CoverageMember *members;
	uint32_t   *remembered;		/* of each arc, where situations begin, or NOTHING */
	uint32_t   *plain;			/* of each answer, where the situation without runs begins, or NOTHING */
} Sweep;

/* --- winding numbers --- */

static size_t
find_active(const Sweep *sweep, uint32_t ring)
{
	size_t		from = 0;
	size_t		before = sweep->nactive;

	while (from < before)
	{
		size_t		middle = (from + before) / 2;

		if (sweep->active[middle] < ring)
			from = middle + 1;
		else
			before = middle;
	}
	return from;
}

static void
change_winding(Sweep *sweep, uint32_t ring, int32_t change)
{
	int32_t		old = sweep->winding[ring];
	size_t		place;

	sweep->winding[ring] = old + change;
	if (change == 0 || (old != 0 && old + change != 0))
		return;
	place = find_active(sweep, ring);
	if (old == 0)
	{
		memmove(sweep->active + place + 1, sweep->active + place, (sweep->nactive - place) * sizeof(uint32_t));
		sweep->active[place] = ring;
		sweep->nactive++;
	}
	else
	{
		sweep->nactive--;
		memmove(sweep->active + place, sweep->active + place + 1, (sweep->nactive - place) * sizeof(uint32_t));
	}
}

/* Go on in a cell, to its centre or past it; was there any event? */
static bool
apply_events(Sweep *sweep, size_t cell, bool past_centre)
{
	const CoverageBuilder *builder = sweep->builder;
	bool		any = false;

	for (uint32_t e = sweep->band.first_event[cell]; e != NOTHING; e = sweep->band.events[e].next)
	{
		const Event *event = &sweep->band.events[e];
		const uint32_t *incidence = builder->incidences.data + builder->arcs[event->arc].incidence;

		if (event->past_centre != past_centre)
			continue;
		for (uint32_t i = 0; i < incidence[0]; i++)
		{
			const uint32_t *member = incidence + 1 + (size_t) i * MEMBER_WORDS;

			change_winding(sweep, member[0], event->change * (int32_t) member[1]);
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

static uint32_t
answer_of_members(Sweep *sweep, size_t n)
{
	return coverage_answer_of((uint32_t) sweep->builder->nparts, sweep->builder->hole_parts, sweep->members, n);
}

/* The least part that covers the centre, plus one, or 0. */
static uint32_t
answer_at_centre(Sweep *sweep)
{
	for (size_t i = 0; i < sweep->nactive; i++)
		sweep->members[i] = (CoverageMember) {sweep->active[i], sweep->winding[sweep->active[i]], false};
	return answer_of_members(sweep, sweep->nactive);
}

/* --- situations --- */

/* Note which parts have an edge in a cell; returns how many rings its runs name. */
static size_t
mark_local(Sweep *sweep, uint32_t first_run)
{
	const CoverageBuilder *builder = sweep->builder;
	size_t		members = 0;

	sweep->stamp++;
	for (uint32_t r = first_run; r != NOTHING; r = sweep->band.runs[r].next)
	{
		const uint32_t *incidence = builder->incidences.data + builder->arcs[sweep->band.runs[r].arc].incidence;

		members += incidence[0];
		for (uint32_t i = 0; i < incidence[0]; i++)
			sweep->local_in[part_of(builder, incidence[1 + (size_t) i * MEMBER_WORDS])] = sweep->stamp;
	}
	return members;
}

static inline bool
is_local(const Sweep *sweep, uint32_t ring)
{
	return sweep->local_in[part_of(sweep->builder, ring)] == sweep->stamp;
}

/* The least part that covers the cell and has no edge in it, plus one, or 0. */
static uint32_t
base_of_cell(Sweep *sweep)
{
	size_t		n = 0;

	for (size_t i = 0; i < sweep->nactive; i++)
		if (!is_local(sweep, sweep->active[i]))
			sweep->members[n++] = (CoverageMember) {sweep->active[i], sweep->winding[sweep->active[i]], false};
	return n > 0 ? answer_of_members(sweep, n) : 0;
}

/* The answer where the only run of a situation is crossed so often, or the point is on it. */
static uint32_t
outcome(Sweep *sweep, const uint32_t *situation, int change, bool on)
{
	const uint32_t *states = situation + SITUATION_HEAD;
	const uint32_t *incidence = sweep->builder->incidences.data + states[(size_t) situation[STATES] * STATE_WORDS];
	size_t		n = 0;

	for (uint32_t i = 0; i < situation[STATES]; i++)
		sweep->members[n++] = (CoverageMember) {states[i * STATE_WORDS], (int32_t) states[i * STATE_WORDS + 1], false};
	for (uint32_t i = 0; i < incidence[0]; i++)
	{
		const uint32_t *member = incidence + 1 + (size_t) i * MEMBER_WORDS;

		sweep->members[n++] = (CoverageMember) {member[0], change * (int32_t) member[1], on};
	}
	return first_answer(situation[BASE], answer_of_members(sweep, n));
}

/* Write what tells situations apart behind all there are; returns its length in words. */
static size_t
describe(Sweep *sweep, uint32_t first_run)
{
	CoverageBuilder *builder = sweep->builder;
	Words	   *words = &builder->situations;
	size_t		members = mark_local(sweep, first_run);
	uint32_t	nruns = 0;
	uint32_t	states = 0;
	size_t		n = SITUATION_HEAD;
	uint32_t   *situation;

	for (uint32_t r = first_run; r != NOTHING; r = sweep->band.runs[r].next)
		nruns++;
	words_reserve(builder, words, n + sweep->nactive * STATE_WORDS + nruns);
	situation = words->data + words->n;
	for (size_t i = 0; i < sweep->nactive; i++)
	{
		uint32_t	ring = sweep->active[i];

		if (!is_local(sweep, ring))
			continue;
		situation[n++] = ring;
		situation[n++] = (uint32_t) sweep->winding[ring];
		states++;
	}
	for (uint32_t r = first_run; r != NOTHING; r = sweep->band.runs[r].next)
		situation[n++] = builder->arcs[sweep->band.runs[r].arc].incidence;
	situation[BASE] = states < sweep->nactive ? base_of_cell(sweep) : 0;
	situation[STATES] = states;
	situation[RUNS] = nruns;
	if (members + states > builder->most_members)
		builder->most_members = (uint32_t) (members + states);
	return n;
}

/* Are two descriptions equal?  They are a few words, for which memcmp() is a long way. */
static inline bool
same_description(const uint32_t *a, const uint32_t *b, size_t length)
{
	size_t		i = BASE;

	while (i < length && a[i] == b[i])
		i++;
	return i == length;
}

/* The remembered situation of an arc that has the same description, or NOTHING. */
static uint32_t
recall(const Sweep *sweep, uint32_t arc, size_t length)
{
	const Words *words = &sweep->builder->situations;

	for (int i = 0; i < REMEMBERED; i++)
	{
		uint32_t	old = sweep->remembered[(size_t) arc * REMEMBERED + i];

		if (old != NOTHING && old + length <= words->n &&
			same_description(words->data + old, words->data + words->n, length))
			return old;
	}
	return NOTHING;
}

static void
remember(Sweep *sweep, uint32_t arc, uint32_t situation)
{
	uint32_t   *of_arc = &sweep->remembered[(size_t) arc * REMEMBERED];

	memmove(of_arc + 1, of_arc, (REMEMBERED - 1) * sizeof(uint32_t));
	of_arc[0] = situation;
}

/* Where the situation of a cell with runs begins. */
static uint32_t
situation_of(Sweep *sweep, uint32_t first_run)
{
	Words	   *words = &sweep->builder->situations;
	uint32_t	arc = sweep->band.runs[first_run].arc;
	size_t		length = describe(sweep, first_run);
	uint32_t   *situation = words->data + words->n;
	uint32_t	at = recall(sweep, arc, length);

	if (at != NOTHING)
		return at;
	at = (uint32_t) words->n;
	situation[AT_CENTRE] = answer_at_centre(sweep);
	situation[CROSSED_AGAINST] = situation[CROSSED_ALONG] = situation[ON_EDGE] = 0;
	if (situation[RUNS] == 1)
	{
		situation[CROSSED_AGAINST] = outcome(sweep, situation, -1, false);
		situation[CROSSED_ALONG] = outcome(sweep, situation, 1, false);
		situation[ON_EDGE] = outcome(sweep, situation, 0, true);
	}
	words->n += length;
	remember(sweep, arc, at);
	return at;
}

/* Where the situation begins that is this answer in the whole cell. */
static uint32_t
plain_situation(Sweep *sweep, uint32_t answer)
{
	Words	   *words = &sweep->builder->situations;

	if (sweep->plain[answer] != NOTHING)
		return sweep->plain[answer];
	sweep->plain[answer] = (uint32_t) words->n;
	words_reserve(sweep->builder, words, SITUATION_HEAD);
	memset(words->data + words->n, 0, SITUATION_HEAD * sizeof(uint32_t));
	words->data[words->n + AT_CENTRE] = answer;
	words->n += SITUATION_HEAD;
	return sweep->plain[answer];
}

/* --- the sweep --- */

/* Sweep one row; a failure where situations take too much room. */
static void
sweep_row(Sweep *sweep, uint32_t row)
{
	CoverageBuilder *builder = sweep->builder;
	const Band *band = &sweep->band;
	uint32_t	columns = builder->raster.columns;
	size_t		cell = (size_t) row * columns;
	uint32_t	answer = 0;
	bool		stale = false;

	for (uint32_t column = 0; column < columns && !builder->failed; column++, cell++)
	{
		/* nothing changes in a block without edges */
		if (column % BLOCK == 0 && !stale && !band->has_runs[column / BLOCK])
		{
			sweep->values[cell] = answer;
			column += BLOCK - 1;
			cell += BLOCK - 1;
			continue;
		}
		stale |= apply_events(sweep, cell, false);
		if (band->first_run[cell] != NOTHING)
		{
			sweep->values[cell] = situation_of(sweep, band->first_run[cell]);
			builder->failed = builder->situations.n > builder->most_items;
		}
		else
		{
			if (stale)
				answer = answer_at_centre(sweep);
			stale = false;
			sweep->values[cell] = answer;
		}
		stale |= apply_events(sweep, cell, true);
	}
	for (size_t i = 0; i < sweep->nactive; i++)
		sweep->winding[sweep->active[i]] = 0;
	sweep->nactive = 0;
}

/* The runs of a cell, of which there are several; returns where they begin. */
static uint32_t
write_runs(Sweep *sweep, uint32_t first_run)
{
	CoverageBuilder *builder = sweep->builder;
	size_t		begin = builder->nruns;

	for (uint32_t r = first_run; r != NOTHING; r = sweep->band.runs[r].next)
	{
		if (builder->nruns >= builder->runs_room)
			builder->runs = build_grow(builder, builder->runs, &builder->runs_room, builder->nruns + 1, sizeof(CoverageRun));
		builder->runs[builder->nruns++] = (CoverageRun) {sweep->band.runs[r].first, sweep->band.runs[r].edges};
	}
	return (uint32_t) begin;
}

/* The record of a cell, with or without runs. */
static CoverageRecord
record_of(Sweep *sweep, uint32_t first_run, uint32_t value)
{
	const Run  *run;

	if (first_run == NOTHING)
		return (CoverageRecord) {plain_situation(sweep, value), {0, 0}};
	run = &sweep->band.runs[first_run];
	if (run->next == NOTHING)
		return (CoverageRecord) {value, {run->first, run->edges}};
	return (CoverageRecord) {value, {write_runs(sweep, first_run), 0}};
}

/* Write a block that has runs. */
static CoverageBlock
mixed_block(Sweep *sweep, uint32_t number)
{
	CoverageBuilder *builder = sweep->builder;
	CoverageBlock block = {0, 0, {0, 0}, (uint32_t) builder->nrecords, 0};
	int			answers = 0;

	if (builder->nrecords + BLOCK * BLOCK > builder->records_room)
		builder->records = build_grow(builder, builder->records, &builder->records_room,
									  builder->nrecords + BLOCK * BLOCK, sizeof(CoverageRecord));
	for (uint32_t i = 0; i < BLOCK * BLOCK; i++)
	{
		size_t		cell = (size_t) (i / BLOCK) * builder->raster.columns + (size_t) number * BLOCK + i % BLOCK;
		uint32_t	first_run = sweep->band.first_run[cell];
		uint32_t	value = sweep->values[cell];
		int			which = 0;

		while (first_run == NOTHING && which < answers && block.answers[which] != value)
			which++;
		if (first_run != NOTHING || which == 2)
		{
			block.has_record |= UINT64_C(1) << i;
			builder->records[builder->nrecords++] = record_of(sweep, first_run, value);
			continue;
		}
		if (which == answers)
			block.answers[answers++] = value;
		block.is_second |= (uint64_t) which << i;
	}
	return block;
}

/* Write the blocks of the band. */
static void
write_blocks(Sweep *sweep)
{
	CoverageBuilder *builder = sweep->builder;
	uint32_t	n = builder->raster.columns / BLOCK;
	uint32_t   *blocks = builder->blocks + (size_t) sweep->band.row * n;

	for (uint32_t i = 0; i < n; i++)
	{
		if (!sweep->band.has_runs[i])
		{
			blocks[i] = sweep->values[(size_t) i * BLOCK];
			continue;
		}
		if (builder->nmixed >= builder->mixed_room)
			builder->mixed = build_grow(builder, builder->mixed, &builder->mixed_room, builder->nmixed + 1, sizeof(CoverageBlock));
		blocks[i] = MIXED | (uint32_t) builder->nmixed;
		builder->mixed[builder->nmixed++] = mixed_block(sweep, i);
	}
}

/* All of one band; a failure where it takes too much room. */
static void
sweep_band(Sweep *sweep, uint32_t row)
{
	CoverageBuilder *builder = sweep->builder;

	band_fill(&sweep->band, row);
	for (uint32_t i = 0; i < BLOCK && !builder->failed; i++)
	{
		build_pause(builder);
		sweep_row(sweep, i);
	}
	if (!builder->failed)
		write_blocks(sweep);
	builder->failed |= builder->nmixed > builder->most_items || builder->nrecords > builder->most_items ||
		builder->nruns > builder->most_items;
}

void
build_cells(CoverageBuilder *builder)
{
	Sweep		sweep = {.builder = builder};
	size_t		rings = builder->nparts + builder->nholes;
	size_t		band_cells = (size_t) builder->raster.columns * BLOCK;
	uint32_t	bands = builder->raster.rows / BLOCK;

	band_begin(&sweep.band, builder);
	builder->blocks = build_alloc(builder, band_cells / (BLOCK * BLOCK) * bands, sizeof(uint32_t));
	sweep.values = build_alloc(builder, band_cells, sizeof(uint32_t));
	sweep.active = build_alloc(builder, rings, sizeof(uint32_t));
	sweep.winding = build_alloc(builder, rings, sizeof(int32_t));
	sweep.members = build_alloc(builder, rings + builder->widest_incidence, sizeof(CoverageMember));
	sweep.local_in = build_alloc(builder, builder->nparts, sizeof(uint32_t));
	sweep.remembered = build_alloc(builder, builder->narcs, REMEMBERED * sizeof(uint32_t));
	sweep.plain = build_alloc(builder, builder->nparts + 1, sizeof(uint32_t));
	memset(sweep.plain, 0xff, (builder->nparts + 1) * sizeof(uint32_t));
	memset(sweep.winding, 0, rings * sizeof(int32_t));
	memset(sweep.local_in, 0, builder->nparts * sizeof(uint32_t));
	memset(sweep.remembered, 0xff, (size_t) builder->narcs * REMEMBERED * sizeof(uint32_t));
	for (uint32_t row = 0; row < bands && !builder->failed; row++)
		sweep_band(&sweep, row);
	build_free(builder, sweep.plain);
	build_free(builder, sweep.remembered);
	build_free(builder, sweep.local_in);
	build_free(builder, sweep.members);
	build_free(builder, sweep.winding);
	build_free(builder, sweep.active);
	build_free(builder, sweep.values);
	band_end(&sweep.band);
}
