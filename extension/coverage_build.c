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
 * Cells of the raster for each edge given, of which most are given twice.  The
 * fewer edges a cell has the faster it answers; large images have fewer cells,
 * so as to be built soon and stay near the processor.
 */
#define CELLS_PER_EDGE			2.0
#define CELLS_PER_EDGE_LARGE	0.75
#define LARGE_CELLS				524288

/*
 * With these, every rounding in the raster's arithmetic stays below the margin
 * of coverage_raster.c: offsets from its corner are right to a unit in the last
 * place of a coordinate, and a place along an edge to 2^-53 times the number of
 * margins across the raster.
 */
#define MOST_COLUMNS	32768
#define ULPS_PER_SIDE	2097152.0

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
	void	   *grown = build_alloc(builder, more < needed ? needed : more, size);

	if (array)
		memcpy(grown, array, *room * size);
	*room = more < needed ? needed : more;
	build_free(builder, array);
	return grown;
}

void
words_reserve(CoverageBuilder *builder, Words *words, size_t more)
{
	if (words->n + more > words->room)
		words->data = build_grow(builder, words->data, &words->room, words->n + more, sizeof(uint32_t));
}

/* --- collecting --- */

CoverageBuilder *
coverage_begin(const CoverageHost *host)
{
	CoverageBuilder *builder = host->alloc(host->arg, sizeof(CoverageBuilder));

	memset(builder, 0, sizeof(CoverageBuilder));
	builder->host = *host;
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
	if (n > MOST_ITEMS - 2 || builder->ngiven > MOST_ITEMS - 2 - n)
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

	qsort(builder->parts, builder->nparts, sizeof(BuildPart), compare_by_rule);
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

/* Boxes of the parts, and of everything, holes that lie outside included. */
static void
measure(CoverageBuilder *builder, double box[4])
{
	box[0] = box[1] = INFINITY;
	box[2] = box[3] = -INFINITY;
	for (size_t i = 0; i < builder->ngiven; i++)
		extend_box(box, &builder->given[i]);
	for (size_t i = 0; i < builder->nparts; i++)
	{
		BuildPart  *part = &builder->parts[i];
		const BuildRing *shell = &builder->rings[part->first_ring];

		part->box[0] = part->box[1] = INFINITY;
		part->box[2] = part->box[3] = -INFINITY;
		for (uint32_t v = shell->first; v < shell->first + shell->edges; v++)
			extend_box(part->box, &builder->given[v]);
	}
}

/* --- the raster --- */

static uint32_t
number_of_cells(double length, double side)
{
	return (uint32_t) fmin(floor(length / side) + 1, MOST_COLUMNS);
}

/* Square cells, some for each edge.  False where the extent is too wide. */
static bool
choose_raster(CoverageBuilder *builder, const double box[4])
{
	CoverageRaster *raster = &builder->raster;
	double		width = box[2] - box[0];
	double		height = box[3] - box[1];
	double		largest = fmax(fmax(fabs(box[0]), fabs(box[2])), fmax(fabs(box[1]), fabs(box[3])));
	double		wanted = fmax(1, fmax(builder->ngiven * CELLS_PER_EDGE_LARGE,
									  fmin(builder->ngiven * CELLS_PER_EDGE, LARGE_CELLS)));
	double		side = sqrt(width / wanted) * sqrt(height);

	side = fmax(side, fmax(width, height) / fmin(wanted, MOST_COLUMNS - 1));
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
	qsort(places, builder->nparts, sizeof(Place), compare_places);
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

/* Where everything will be; the whole size is in bytes. */
static void
lay_out(const CoverageBuilder *builder, Coverage *head)
{
	uint64_t	at = sizeof(Coverage);
	size_t		cells = (size_t) builder->raster.columns * builder->raster.rows;

	memset(head, 0, sizeof(Coverage));
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
	head->cells = take(&at, cells, sizeof(uint32_t));
	head->words = take(&at, builder->words.n, sizeof(uint32_t));
	head->incidences = take(&at, builder->incidences.n, sizeof(uint32_t));
	head->hole_parts = take(&at, builder->nholes, sizeof(uint32_t));
	head->bytes = at;
}

static void
put(Coverage *image, uint64_t at, const void *data, size_t n, size_t size)
{
	if (n > 0)
		memcpy((char *) image + at, data, n * size);
}

/* Zeroed, because the bytes between the arrays are part of the image. */
static Coverage *
alloc_image(CoverageBuilder *builder, size_t bytes)
{
	Coverage   *image;

	if (builder->host.alloc_image)
		return builder->host.alloc_image(builder->host.arg, bytes);
	image = build_alloc(builder, bytes, 1);
	memset(image, 0, bytes);
	return image;
}

static Coverage *
write_image(CoverageBuilder *builder, size_t max_bytes)
{
	Coverage	head;
	Coverage   *image;
	gridcode   *codes;

	lay_out(builder, &head);
	if (head.bytes > max_bytes)
		return NULL;
	image = alloc_image(builder, head.bytes);
	*image = head;
	codes = (gridcode *) ((char *) image + head.codes);
	for (size_t i = 0; i < builder->nparts; i++)
		codes[i] = builder->parts[i].code;
	put(image, head.vertices, builder->vertices, builder->nvertices, sizeof(CoverageVertex));
	put(image, head.cells, builder->cells, (size_t) head.raster.columns * head.raster.rows, sizeof(uint32_t));
	put(image, head.words, builder->words.data, builder->words.n, sizeof(uint32_t));
	put(image, head.incidences, builder->incidences.data, builder->incidences.n, sizeof(uint32_t));
	put(image, head.hole_parts, builder->hole_parts, builder->nholes, sizeof(uint32_t));
	return image;
}

/* An image in which nothing is anywhere. */
static Coverage *
empty_image(CoverageBuilder *builder, size_t max_bytes)
{
	builder->raster = (CoverageRaster) {0, 0, 1, 1, 0, 0};
	builder->x_max = builder->y_max = -1;
	return write_image(builder, max_bytes);
}

static Coverage *
build(CoverageBuilder *builder, size_t max_bytes)
{
	double		box[4];

	drop_empty_part(builder);
	if (builder->failed)
		return NULL;
	if (builder->nparts == 0)
		return empty_image(builder, max_bytes);
	order_parts(builder);
	measure(builder, box);
	if (!choose_raster(builder, box))
		return NULL;
	order_places(builder);
	build_arcs(builder);
	build_free(builder, builder->given);	/* the arcs have it all */
	builder->given = NULL;
	/* Where a record begins must fit a cell. */
	builder->most_words = max_bytes / sizeof(uint32_t) < MOST_ITEMS ? max_bytes / sizeof(uint32_t) : MOST_ITEMS;
	if (builder->incidences.n > MOST_ITEMS)
		return NULL;
	build_cells(builder);
	return builder->failed ? NULL : write_image(builder, max_bytes);
}

Coverage *
coverage_finish(CoverageBuilder *builder, size_t max_bytes)
{
	Coverage   *image = build(builder, max_bytes);

	coverage_abandon(builder);
	return image;
}

void
coverage_abandon(CoverageBuilder *builder)
{
	build_free(builder, builder->cells);
	build_free(builder, builder->words.data);
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
