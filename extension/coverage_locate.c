/*
 * coverage_locate.c
 *	  From a point to the area that covers it.
 *
 * The point's cell says the answer, or what holds at its centre and which edges
 * come near.  From the centre the lookup goes north or south and then east or
 * west to the point, and adds up how often each arc is crossed; that is how the
 * winding number of each of its rings differs between centre and point.
 *
 * All is done with the whole plane moved by the infinitesimal (d, d*d): a
 * coordinate that is equal to the walker's counts as less, and an edge through a
 * corner of the way has the sign of the moved corner.  A point on an edge is
 * seen before: there the rings of the edge need no winding number.
 */
#include "coverage_image.h"

#include "orient.h"

/* The way of a lookup: from the centre to the corner (centre_x, y), then to the point. */
typedef struct Way
{
	double		centre_x;
	double		centre_y;
	double		x;
	double		y;
	double		west;			/* box of the way */
	double		east;
	double		south;
	double		north;
} Way;

static inline Way
way_to(double centre_x, double centre_y, double x, double y)
{
	Way			way = {centre_x, centre_y, x, y, 0, 0, 0, 0};

	way.west = x < centre_x ? x : centre_x;
	way.east = x < centre_x ? centre_x : x;
	way.south = y < centre_y ? y : centre_y;
	way.north = y < centre_y ? centre_y : y;
	return way;
}

/* Side of the moved point where the point itself is on the line from a to b. */
static inline int
side_of_move(const CoverageVertex *a, const CoverageVertex *b)
{
	if (a->y != b->y)
		return a->y > b->y ? 1 : -1;
	return b->x > a->x ? 1 : -1;
}

/* Side of the moved point: 1 is left of the line from a to b, -1 right. */
static inline int
moved_side(const CoverageVertex *a, const CoverageVertex *b, double x, double y)
{
	int			side = orient(a->x, a->y, b->x, b->y, x, y);

	return side != 0 ? side : side_of_move(a, b);
}

/* On which sides of the box of the way a vertex lies; two on one side have no edge into it. */
static inline unsigned
sides_of(const CoverageVertex *v, const Way *way)
{
	return (unsigned) (v->x < way->west) | (unsigned) (v->x > way->east) << 1 |
		(unsigned) (v->y < way->south) << 2 | (unsigned) (v->y > way->north) << 3;
}

static inline bool
is_between(double value, double a, double b)
{
	return (a <= value && value <= b) || (b <= value && value <= a);
}

/*
 * By how much the winding number of a ring that runs from a to b changes on the
 * way; also tells whether the point is on the edge.
 */
static inline int
cross_edge(const CoverageVertex *a, const CoverageVertex *b, const Way *way, bool *on)
{
	bool		east_a = a->x > way->centre_x;
	bool		east_b = b->x > way->centre_x;
	bool		north_a = a->y > way->y;
	bool		north_b = b->y > way->y;
	bool		beside = is_between(way->x, a->x, b->x) && is_between(way->y, a->y, b->y);
	int			point = 0;
	int			corner;
	int			change = 0;

	if (beside || north_a != north_b)
	{
		point = orient(a->x, a->y, b->x, b->y, way->x, way->y);
		if (point == 0)
		{
			*on |= beside;
			point = side_of_move(a, b);
		}
	}
	if (east_a == east_b && north_a == north_b)
		return 0;
	corner = moved_side(a, b, way->centre_x, way->y);
	if (east_a != east_b)
	{
		/* going north: an edge above that runs west counts 1, one that runs east -1 */
		int			centre = moved_side(a, b, way->centre_x, way->centre_y);

		change += east_a ? (corner > 0) - (centre > 0) : (centre < 0) - (corner < 0);
	}
	if (north_a != north_b)
		/* going east: an edge ahead that runs north counts 1, one that runs south -1 */
		change += north_b ? (point > 0) - (corner > 0) : (corner < 0) - (point < 0);
	return change;
}

/* Walk along a run; returns how often it is crossed. */
static inline int
cross_run(const CoverageVertex *vertex, uint32_t edges, const Way *way, bool *on)
{
	unsigned	from = sides_of(vertex, way);
	int			change = 0;

	for (uint32_t i = 0; i < edges; i++)
	{
		unsigned	to = sides_of(&vertex[i + 1], way);

		if (!(from & to))
			change += cross_edge(&vertex[i], &vertex[i + 1], way, on);
		from = to;
	}
	return change;
}

/* What the rule says of all runs of a cell together. */
static uint32_t
answer_of_runs(const Coverage *image, const uint32_t *situation, const CoverageRun *runs, const Way *way,
			   CoverageMember *members)
{
	const CoverageVertex *vertices = COVERAGE_ARRAY(image, vertices, CoverageVertex);
	const uint32_t *incidences = COVERAGE_ARRAY(image, incidences, uint32_t);
	const uint32_t *states = situation + SITUATION_HEAD;
	const uint32_t *incidence_of = states + (size_t) situation[STATES] * STATE_WORDS;
	size_t		n = 0;

	for (uint32_t i = 0; i < situation[RUNS]; i++)
	{
		const uint32_t *incidence = incidences + incidence_of[i];
		bool		on = false;
		int			change = cross_run(vertices + runs[i].first, runs[i].edges, way, &on);

		if (change == 0 && !on)
			continue;
		for (uint32_t j = 0; j < incidence[0]; j++)
		{
			const uint32_t *member = incidence + 1 + (size_t) j * MEMBER_WORDS;

			members[n++] = (CoverageMember) {member[0], change * (int32_t) member[1], on};
		}
	}
	if (n == 0)
		return situation[AT_CENTRE];
	for (uint32_t i = 0; i < situation[STATES]; i++)
		members[n++] = (CoverageMember) {states[i * STATE_WORDS], (int32_t) states[i * STATE_WORDS + 1], false};
	return first_answer(situation[BASE], coverage_answer(image, members, n));
}

/* Look a point up among the edges of its cell. */
static uint32_t
answer_in_cell(const Coverage *image, const CoverageRecord *record, const Way *way, CoverageMember *members)
{
	const uint32_t *situation = COVERAGE_ARRAY(image, situations, uint32_t) + record->situation;
	const CoverageRun *run = &record->run;
	bool		on = false;
	int			change;

	if (situation[RUNS] != 1)
		return answer_of_runs(image, situation, COVERAGE_ARRAY(image, runs, CoverageRun) + run->first, way, members);
	change = cross_run(COVERAGE_ARRAY(image, vertices, CoverageVertex) + run->first, run->edges, way, &on);
	if (on)
		return situation[ON_EDGE];
	if (change == 0)
		return situation[AT_CENTRE];
	if (change == 1 || change == -1)
		return situation[change < 0 ? CROSSED_AGAINST : CROSSED_ALONG];
	return answer_of_runs(image, situation, run, way, members);
}

gridcode
coverage_locate(const Coverage *image, double x, double y, void *scratch)
{
	const CoverageRaster *raster = &image->raster;
	uint32_t	column;
	uint32_t	row;
	uint32_t	answer;

	if (!(x >= raster->x0 && x <= image->x_max && y >= raster->y0 && y <= image->y_max))
		return 0;
	column = raster_index(x - raster->x0, raster->inverse, raster->columns);
	row = raster_index(y - raster->y0, raster->inverse, raster->rows);
	answer = COVERAGE_ARRAY(image, blocks, uint32_t)[(size_t) (row / BLOCK) * (raster->columns / BLOCK) + column / BLOCK];
	if (answer & MIXED)
	{
		const CoverageBlock *block = COVERAGE_ARRAY(image, mixed, CoverageBlock) + (answer & ~MIXED);
		uint32_t	bit = row % BLOCK * BLOCK + column % BLOCK;

		answer = block->answers[block->is_second >> bit & 1];
		if (block->has_record >> bit & 1)
		{
			Way			way = way_to(raster_centre(raster->x0, raster->side, column),
									 raster_centre(raster->y0, raster->side, row), x, y);

			answer = answer_in_cell(image, COVERAGE_ARRAY(image, records, CoverageRecord) + block->first_record +
									bits_below(block->has_record, bit), &way, scratch);
		}
	}
	return answer ? COVERAGE_ARRAY(image, codes, gridcode)[answer - 1] : 0;
}

size_t
coverage_scratch_size(const Coverage *image)
{
	return ((size_t) image->most_members + 1) * sizeof(CoverageMember);
}

CoverageSize
coverage_size(const Coverage *image)
{
	CoverageSize size = {image->parts, image->edges, image->raster.columns * image->raster.rows, image->bytes};

	return size;
}

bool
coverage_is_image(const void *block, size_t bytes)
{
	const Coverage *image = block;

	return bytes >= sizeof(Coverage) && image->magic == COVERAGE_MAGIC && image->bytes == bytes;
}

bool
coverage_may_be_near(const Coverage *image, double x, double y, double reach_x, double reach_y)
{
	/* outwards by more than the sums can have been rounded */
	double		margin_x = reach_x * (1 + 1e-9) + 1e-9 * image->raster.side;
	double		margin_y = reach_y * (1 + 1e-9) + 1e-9 * image->raster.side;

	return image->parts > 0 &&
		x + margin_x >= image->raster.x0 && x - margin_x <= image->x_max &&
		y + margin_y >= image->raster.y0 && y - margin_y <= image->y_max;
}
