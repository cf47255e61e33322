/*
 * coverage_build.c
 *	  Builds the image of a coverage: collects, orders, chooses the raster,
 *	  writes.
 *
 * Time and memory are linear in the number of vertices for polygons that do not
 * overlap much; each cell with edges also looks at every part that winds around
 * its centre.
 *
 * Pure.
 */
#include "coverage_build.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * How often an edge enters a cell.  The finer the cells the fewer points meet an
 * edge, but the longer it takes to build them.  Measured: with less, lookups
 * are slower; with more, hardly faster.
 */
#define ENTRIES_PER_EDGE	1.7

/* Blocks for each edge given, most of them empty where there are so many. */
#define BLOCKS_PER_EDGE			2.0

/*
 * With these, every rounding in the raster's arithmetic stays below the margin
 * of coverage_band.c: offsets from its corner are right to a unit in the last
 * place of a coordinate, and a place along an edge to 2^-53 times the number of
 * margins across the raster.
 */
#define MOST_COLUMNS	32768
#define ULPS_PER_SIDE	2097152.0

/*
 * How often an edge may be given, on average: by the areas on both its sides,
 * at each level of a hierarchy.  More is refused before all is collected.
 */
#define GIVEN_PER_VERTEX	16

/* Items that qsort may sort without a pause. */
#define SORTED_AT_ONCE	65536

/* --- memory --- */

void *
build_alloc(CoverageBuilder *builder, size_t n, size_t size)
{
	/* n is a number of items that are in memory already, so this cannot overflow */
	return builder->host.alloc(builder->host.arg, n * size + 1);
}

void
build_free(CoverageBuilder *builder, void *pointer)
{
	if (pointer)
		builder->host.free(builder->host.arg, pointer);
}

/* Room for so many items at least, a part more than was; the first items are kept. */
void *
build_grow(CoverageBuilder *builder, void *array, size_t *room, size_t needed, size_t size)
{
	size_t		more = *room + *room / 2 + 64;

	*room = more < needed ? needed : more;
	if (array == NULL)
		return build_alloc(builder, *room, size);
	return builder->host.resize(builder->host.arg, array, *room * size);
}

void
words_reserve(CoverageBuilder *builder, Words *words, size_t more)
{
	if (words->n + more > words->room)
		words->data = build_grow(builder, words->data, &words->room, words->n + more, sizeof(uint32_t));
}

/* --- sorting --- */

/* Merge two sorted arrays that stand one after the other. */
static void
merge(CoverageBuilder *builder, char *to, const char *left, size_t nleft, size_t nright, size_t size, BuildCompare compare)
{
	const char *right = left + nleft * size;

	for (size_t n = nleft + nright; n > 0; n--)
	{
		bool		take_left = nright == 0 || (nleft > 0 && compare(left, right) <= 0);

		if (n % PAUSE_EVERY == 0)
			build_pause(builder);
		memcpy(to, take_left ? left : right, size);
		to += size;
		*(take_left ? &left : &right) += size;
		*(take_left ? &nleft : &nright) -= 1;
	}
}

void
build_sort(CoverageBuilder *builder, void *array, size_t n, size_t size, BuildCompare compare)
{
	char	   *from = array;
	char	   *to = NULL;

	for (size_t i = 0; i < n; i += SORTED_AT_ONCE)
	{
		build_pause(builder);
		qsort(from + i * size, n - i < SORTED_AT_ONCE ? n - i : SORTED_AT_ONCE, size, compare);
	}
	if (n > SORTED_AT_ONCE)
		to = build_alloc(builder, n, size);
	for (size_t run = SORTED_AT_ONCE; run < n; run *= 2)
	{
		char	   *merged = to;

		for (size_t i = 0; i < n; i += 2 * run)
		{
			size_t		nleft = n - i < run ? n - i : run;
			size_t		nright = n - i - nleft < run ? n - i - nleft : run;

			merge(builder, to + i * size, from + i * size, nleft, nright, size, compare);
		}
		to = from;
		from = merged;
	}
	if (from != array)
	{
		memcpy(array, from, n * size);
		to = from;
	}
	build_free(builder, to);
}

/* --- collecting --- */

CoverageBuilder *
coverage_begin(const CoverageHost *host, size_t max_bytes)
{
	CoverageBuilder *builder = host->alloc(host->arg, sizeof(CoverageBuilder));
	size_t		most_vertices = max_bytes / sizeof(CoverageVertex);

	memset(builder, 0, sizeof(CoverageBuilder));
	builder->host = *host;
	builder->max_bytes = max_bytes;
	builder->most_items = max_bytes / sizeof(uint32_t) < MOST_ITEMS ? max_bytes / sizeof(uint32_t) : MOST_ITEMS;
	builder->most_given = most_vertices < MOST_VERTICES / GIVEN_PER_VERTEX ? most_vertices * GIVEN_PER_VERTEX : MOST_VERTICES;
	return builder;
}

/* A part whose shell has no edge covers nothing. */
static void
drop_empty_part(CoverageBuilder *builder)
{
	BuildPart  *part;

	if (builder->nparts == 0)
		return;
	part = &builder->parts[builder->nparts - 1];
	if (part->rings > 0 && builder->rings[part->first_ring].edges > 0)
		return;
	if (part->rings > 0)
		builder->ngiven = builder->rings[part->first_ring].first;
	builder->nrings = part->first_ring;
	builder->nparts--;
}

void
coverage_add_part(CoverageBuilder *builder, gridcode code)
{
	drop_empty_part(builder);
	if (builder->nparts >= builder->parts_room)
		builder->parts = build_grow(builder, builder->parts, &builder->parts_room, builder->nparts + 1, sizeof(BuildPart));
	builder->parts[builder->nparts++] = (BuildPart) {code, (uint32_t) builder->nrings, 0, {0, 0, 0, 0}};
}

/* Add a vertex to the ring that begins at first, unless it is where the last one is. */
static void
add_vertex(CoverageBuilder *builder, size_t first, double x, double y)
{
	/* 0 and -0 are the same place. */
	CoverageVertex v = {x + 0.0, y + 0.0};

	if (builder->ngiven > first && builder->given[builder->ngiven - 1].x == v.x &&
		builder->given[builder->ngiven - 1].y == v.y)
		return;
	builder->given[builder->ngiven++] = v;
}

void
coverage_add_ring(CoverageBuilder *builder, const double *xy, size_t n, size_t stride)
{
	size_t		first = builder->ngiven;

	if (builder->failed || builder->nparts == 0)
		return;
	if (n > builder->most_given || builder->ngiven > builder->most_given - n)
	{
		builder->failed = true;
		return;
	}
	if (builder->ngiven + n + 1 > builder->given_room)
		builder->given = build_grow(builder, builder->given, &builder->given_room,
									builder->ngiven + n + 1, sizeof(CoverageVertex));
	for (size_t i = 0; i < n; i++)
	{
		double		place[2];

		memcpy(place, xy + i * stride, sizeof(place));	/* may not be aligned */
		builder->failed |= !isfinite(place[0]) || !isfinite(place[1]);
		add_vertex(builder, first, place[0], place[1]);
	}
	if (builder->ngiven > first)
		add_vertex(builder, first, builder->given[first].x, builder->given[first].y);

	if (builder->nrings >= builder->rings_room)
		builder->rings = build_grow(builder, builder->rings, &builder->rings_room, builder->nrings + 1, sizeof(BuildRing));
	builder->rings[builder->nrings++] =
		(BuildRing) {(uint32_t) first, builder->ngiven > first ? (uint32_t) (builder->ngiven - first - 1) : 0, 0};
	builder->parts[builder->nparts - 1].rings++;
}

bool
coverage_fits(const CoverageBuilder *builder)
{
	return !builder->failed;
}

/* --- order --- */

static int
compare_by_rule(const void *a, const void *b)
{
	const BuildPart *left = a;
	const BuildPart *right = b;
	int			left_digits = gridcode_digits(left->code);
	int			right_digits = gridcode_digits(right->code);

	if (left_digits != right_digits)
		return left_digits > right_digits ? -1 : 1;
	if (left->code != right->code)
		return left->code < right->code ? -1 : 1;
	return (left->first_ring > right->first_ring) - (left->first_ring < right->first_ring);
}

/* Put the parts in the order of the rule, and number their rings. */
static void
order_parts(CoverageBuilder *builder)
{
	uint32_t	holes = 0;

	build_sort(builder, builder->parts, builder->nparts, sizeof(BuildPart), compare_by_rule);
	builder->nholes = (uint32_t) (builder->nrings - builder->nparts);
	builder->hole_parts = build_alloc(builder, builder->nholes + 1, sizeof(uint32_t));
	for (size_t i = 0; i < builder->nparts; i++)
	{
		BuildRing  *rings = &builder->rings[builder->parts[i].first_ring];

		rings[0].number = (uint32_t) i;
		for (uint32_t r = 1; r < builder->parts[i].rings; r++)
		{
			builder->hole_parts[holes] = (uint32_t) i;
			rings[r].number = (uint32_t) builder->nparts + holes++;
		}
	}
}

static void
extend_box(double box[4], const CoverageVertex *v)
{
	/* not fmin() and fmax(), which are calls */
	box[0] = v->x < box[0] ? v->x : box[0];
	box[1] = v->y < box[1] ? v->y : box[1];
	box[2] = v->x > box[2] ? v->x : box[2];
	box[3] = v->y > box[3] ? v->y : box[3];
}

static void
extend_by_ring(double box[4], const CoverageBuilder *builder, const BuildRing *ring)
{
	for (uint32_t v = ring->first; v < ring->first + ring->edges; v++)
		extend_box(box, &builder->given[v]);
}

/* Boxes of the parts, and of everything, holes that lie outside included. */
static void
measure(CoverageBuilder *builder, double box[4])
{
	box[0] = box[1] = INFINITY;
	box[2] = box[3] = -INFINITY;
	for (size_t i = 0; i < builder->nparts; i++)
	{
		BuildPart  *part = &builder->parts[i];
		const BuildRing *rings = &builder->rings[part->first_ring];

		part->box[0] = part->box[1] = INFINITY;
		part->box[2] = part->box[3] = -INFINITY;
		extend_by_ring(part->box, builder, &rings[0]);
		extend_box(box, &(CoverageVertex) {part->box[0], part->box[1]});
		extend_box(box, &(CoverageVertex) {part->box[2], part->box[3]});
		for (uint32_t r = 1; r < part->rings; r++)
			extend_by_ring(box, builder, &rings[r]);
	}
}

/* --- the raster --- */

/* How far all edges go, in x and in y, as a multiple of a length. */
static double
way_of_edges(const CoverageBuilder *builder, double length)
{
	double		inverse = 1 / length;
	double		way = 0;

	for (size_t r = 0; r < builder->nrings; r++)
	{
		const BuildRing *ring = &builder->rings[r];

		for (uint32_t e = ring->first; e < ring->first + ring->edges; e++)
			way += fabs(builder->given[e + 1].x - builder->given[e].x) * inverse +
				fabs(builder->given[e + 1].y - builder->given[e].y) * inverse;
	}
	return way;
}

/* Whole blocks of cells along a length. */
static uint32_t
number_of_cells(double length, double side)
{
	uint32_t	cells = (uint32_t) fmin(floor(length / side) + 1, MOST_COLUMNS);

	return (cells + BLOCK - 1) / BLOCK * BLOCK;
}

/*
 * Square cells.  An edge that goes so far in x and y enters as many cells, and
 * one more, and that is what the side is chosen by: dense towns in wide empty
 * land get cells that suit the towns.  False where the extent is too wide.
 */
static bool
choose_raster(CoverageBuilder *builder, const double box[4])
{
	CoverageRaster *raster = &builder->raster;
	double		width = box[2] - box[0];
	double		height = box[3] - box[1];
	double		length = fmax(fmax(width, height), DBL_MIN);
	double		largest = fmax(fmax(fabs(box[0]), fabs(box[2])), fmax(fabs(box[1]), fabs(box[3])));
	double		given = (double) builder->ngiven;
	double		side = way_of_edges(builder, length) / (given * (ENTRIES_PER_EDGE - 1)) * length;

	side = fmax(side, sqrt(width / (given * BLOCKS_PER_EDGE)) * sqrt(height) / BLOCK);
	side = fmax(side, length / fmin(given * BLOCKS_PER_EDGE, MOST_COLUMNS - 1));
	side = fmax(side, largest * DBL_EPSILON * ULPS_PER_SIDE);
	side = fmax(side, DBL_MIN * ULPS_PER_SIDE);
	raster->x0 = box[0];
	raster->y0 = box[1];
	raster->side = side;
	raster->inverse = 1 / side;
	raster->columns = number_of_cells(width, side);
	raster->rows = number_of_cells(height, side);
	builder->x_max = box[2];
	builder->y_max = box[3];
	return width <= COVERAGE_MOST_EXTENT && height <= COVERAGE_MOST_EXTENT;
}

/* --- places --- */

typedef struct Place
{
	uint64_t	key;
	uint32_t	part;
} Place;

static int
compare_places(const void *a, const void *b)
{
	const Place *left = a;
	const Place *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return (left->part > right->part) - (left->part < right->part);
}

/* Bits of a number apart, a 0 between every two. */
static uint64_t
spread(uint32_t number)
{
	uint64_t	bits = number;

	bits = (bits | (bits << 16)) & UINT64_C(0x0000ffff0000ffff);
	bits = (bits | (bits << 8)) & UINT64_C(0x00ff00ff00ff00ff);
	bits = (bits | (bits << 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	bits = (bits | (bits << 2)) & UINT64_C(0x3333333333333333);
	return (bits | (bits << 1)) & UINT64_C(0x5555555555555555);
}

/* Parts along a Z-order curve, so that what is near in space is near in memory. */
static void
order_places(CoverageBuilder *builder)
{
	const CoverageRaster *raster = &builder->raster;
	Place	   *places = build_alloc(builder, builder->nparts + 1, sizeof(Place));

	builder->places = build_alloc(builder, builder->nparts + 1, sizeof(uint32_t));
	for (size_t i = 0; i < builder->nparts; i++)
	{
		const double *box = builder->parts[i].box;
		uint32_t	column = raster_index(box[0] - raster->x0, raster->inverse, raster->columns);
		uint32_t	row = raster_index(box[1] - raster->y0, raster->inverse, raster->rows);

		places[i] = (Place) {spread(column) | (spread(row) << 1), (uint32_t) i};
	}
	build_sort(builder, places, builder->nparts, sizeof(Place), compare_places);
	for (size_t i = 0; i < builder->nparts; i++)
		builder->places[i] = places[i].part;
	build_free(builder, places);
}

/* --- the image --- */

/* Take the next piece of an image, aligned for doubles. */
static uint64_t
take(uint64_t *at, size_t n, size_t size)
{
	uint64_t	begin = *at;

	*at += ((uint64_t) n * size + 7) & ~UINT64_C(7);
	return begin;
}

static size_t
number_of_blocks(const CoverageBuilder *builder)
{
	return (size_t) (builder->raster.columns / BLOCK) * (builder->raster.rows / BLOCK);
}

/* Where everything will be; the whole size is in bytes. */
static void
lay_out(CoverageBuilder *builder)
{
	Coverage   *head = &builder->head;
	uint64_t	at = sizeof(Coverage);

	head->magic = COVERAGE_MAGIC;
	head->raster = builder->raster;
	head->x_max = builder->x_max;
	head->y_max = builder->y_max;
	head->parts = (uint32_t) builder->nparts;
	head->holes = builder->nholes;
	head->edges = builder->nedges;
	head->most_members = builder->most_members;
	head->codes = take(&at, builder->nparts, sizeof(gridcode));
	head->vertices = take(&at, builder->nvertices, sizeof(CoverageVertex));
	head->blocks = take(&at, number_of_blocks(builder), sizeof(uint32_t));
	head->mixed = take(&at, builder->nmixed, sizeof(CoverageBlock));
	head->records = take(&at, builder->nrecords, sizeof(CoverageRecord));
	head->runs = take(&at, builder->nruns, sizeof(CoverageRun));
	head->situations = take(&at, builder->situations.n, sizeof(uint32_t));
	head->incidences = take(&at, builder->incidences.n, sizeof(uint32_t));
	head->hole_parts = take(&at, builder->nholes, sizeof(uint32_t));
	head->bytes = at;
}

/* One array of the image, and what is missing to where the next begins. */
static bool
hand_out(CoverageSink sink, void *arg, const void *data, size_t n, size_t size)
{
	static const char zeros[8];
	size_t		bytes = n * size;

	return n == 0 || (sink(arg, data, bytes) && (bytes % 8 == 0 || sink(arg, zeros, 8 - bytes % 8)));
}

bool
coverage_write(CoverageBuilder *builder, CoverageSink sink, void *arg)
{
	return hand_out(sink, arg, &builder->head, 1, sizeof(Coverage)) &&
		hand_out(sink, arg, builder->codes, builder->nparts, sizeof(gridcode)) &&
		hand_out(sink, arg, builder->vertices, builder->nvertices, sizeof(CoverageVertex)) &&
		hand_out(sink, arg, builder->blocks, number_of_blocks(builder), sizeof(uint32_t)) &&
		hand_out(sink, arg, builder->mixed, builder->nmixed, sizeof(CoverageBlock)) &&
		hand_out(sink, arg, builder->records, builder->nrecords, sizeof(CoverageRecord)) &&
		hand_out(sink, arg, builder->runs, builder->nruns, sizeof(CoverageRun)) &&
		hand_out(sink, arg, builder->situations.data, builder->situations.n, sizeof(uint32_t)) &&
		hand_out(sink, arg, builder->incidences.data, builder->incidences.n, sizeof(uint32_t)) &&
		hand_out(sink, arg, builder->hole_parts, builder->nholes, sizeof(uint32_t));
}

static bool
append(void *arg, const void *bytes, size_t n)
{
	char	  **at = arg;

	memcpy(*at, bytes, n);
	*at += n;
	return true;
}

Coverage *
coverage_image(CoverageBuilder *builder, void *room)
{
	char	   *at = room;

	(void) coverage_write(builder, append, &at);
	return room;
}

/* The raster and all that is in it; an image in which nothing is anywhere has none. */
static void
build_raster(CoverageBuilder *builder)
{
	double		box[4];

	builder->raster = (CoverageRaster) {0, 0, 1, 1, 0, 0};
	builder->x_max = builder->y_max = -1;
	if (builder->nparts == 0)
		return;
	order_parts(builder);
	measure(builder, box);
	if (!choose_raster(builder, box))
	{
		builder->failed = true;
		return;
	}
	order_places(builder);
	build_arcs(builder);
	build_free(builder, builder->given);	/* the arcs have it all */
	builder->given = NULL;
	builder->failed = builder->incidences.n > builder->most_items ||
		builder->nvertices > builder->max_bytes / sizeof(CoverageVertex);
	if (!builder->failed)
		build_cells(builder);
}

size_t
coverage_build(CoverageBuilder *builder)
{
	drop_empty_part(builder);
	if (!builder->failed)
		build_raster(builder);
	if (builder->failed)
		return 0;
	builder->codes = build_alloc(builder, builder->nparts, sizeof(gridcode));
	for (size_t i = 0; i < builder->nparts; i++)
		builder->codes[i] = builder->parts[i].code;
	lay_out(builder);
	return builder->head.bytes <= builder->max_bytes ? builder->head.bytes : 0;
}

void
coverage_end(CoverageBuilder *builder)
{
	build_free(builder, builder->codes);
	build_free(builder, builder->blocks);
	build_free(builder, builder->mixed);
	build_free(builder, builder->records);
	build_free(builder, builder->runs);
	build_free(builder, builder->situations.data);
	build_free(builder, builder->incidences.data);
	build_free(builder, builder->arcs);
	build_free(builder, builder->vertices);
	build_free(builder, builder->places);
	build_free(builder, builder->hole_parts);
	build_free(builder, builder->parts);
	build_free(builder, builder->rings);
	build_free(builder, builder->given);
	builder->host.free(builder->host.arg, builder);
}
