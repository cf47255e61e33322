/*
 * test_coverage.c
 *	  Images of polygons on small lattices, where everything that can touch does,
 *	  against the rule by brute force in integers; orientations against 128 bits.
 */
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "orient.h"

static uint64_t seed = 4711;

static uint32_t
random_below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t) ((seed * UINT64_C(2685821657736338717)) >> 32) % limit;
}

/* --- polygons, as lists of lattice points --- */

#define MOST_PARTS	40
#define MOST_RINGS	3
#define MOST_POINTS	12

typedef struct Ring
{
	int			n;
	int			x[MOST_POINTS];
	int			y[MOST_POINTS];
} Ring;

typedef struct Part
{
	gridcode	code;
	int			rings;
	Ring		ring[MOST_RINGS];
} Part;

static Part parts[MOST_PARTS];
static int	nparts;

/* Where the lattice lies in the plane; both are powers of two or whole, so nothing is rounded. */
typedef struct Frame
{
	double		x0;
	double		y0;
	double		unit;
} Frame;

static gridcode
code_of(const char *text)
{
	gridcode	code = 0;

	gridcode_parse(text, strlen(text), &code);
	return code;
}

static void
rectangle(Ring *ring, int west, int south, int east, int north, bool clockwise)
{
	int			x[] = {west, east, east, west};
	int			y[] = {south, south, north, north};

	ring->n = 4;
	for (int i = 0; i < 4; i++)
	{
		ring->x[i] = x[clockwise ? 3 - i : i];
		ring->y[i] = y[clockwise ? 3 - i : i];
	}
}

static void
random_ring(Ring *ring, int size)
{
	if (random_below(2))
	{
		int			west = (int) random_below((uint32_t) size);
		int			south = (int) random_below((uint32_t) size);

		rectangle(ring, west, south, west + 1 + (int) random_below(5), south + 1 + (int) random_below(5), random_below(2));
		return;
	}
	ring->n = (int) random_below(MOST_POINTS + 1);	/* nothing, points, spikes, bow-ties, anything */
	for (int i = 0; i < ring->n; i++)
	{
		ring->x[i] = (int) random_below((uint32_t) size + 1);
		ring->y[i] = (int) random_below((uint32_t) size + 1);
	}
}

static void
random_parts(int size)
{
	nparts = (int) random_below(MOST_PARTS);
	for (int i = 0; i < nparts; i++)
	{
		char		text[8];

		snprintf(text, sizeof(text), "%u", 1 + random_below(random_below(2) ? 9 : 999));
		parts[i].code = code_of(text);
		parts[i].rings = random_below(20) == 0 ? 0 : 1 + (int) random_below(MOST_RINGS);
		for (int r = 0; r < parts[i].rings; r++)
			random_ring(&parts[i].ring[r], size);
		if (i > 0 && random_below(8) == 0)	/* the same again, with another code */
		{
			gridcode	code = parts[i].code;

			parts[i] = parts[random_below((uint32_t) i)];
			parts[i].code = code;
		}
	}
}

/* --- the rule by brute force; px and py count quarters of the lattice --- */

typedef enum Where
{
	OUTSIDE, ON, INSIDE
} Where;

static Where
where_in_ring(const Ring *ring, int px, int py)
{
	int			winding = 0;

	for (int i = 0; i < ring->n; i++)
	{
		int			j = (i + 1) % ring->n;
		int			ax = 4 * ring->x[i];
		int			ay = 4 * ring->y[i];
		int			bx = 4 * ring->x[j];
		int			by = 4 * ring->y[j];
		int			side = (bx - ax) * (py - ay) - (by - ay) * (px - ax);

		if (ax == bx && ay == by)
			continue;
		if (side == 0 && (px - ax) * (px - bx) <= 0 && (py - ay) * (py - by) <= 0)
			return ON;
		if (ay <= py && by > py && side > 0)
			winding++;
		if (ay > py && by <= py && side < 0)
			winding--;
	}
	return winding != 0 ? INSIDE : OUTSIDE;
}

static bool
part_covers(const Part *part, int px, int py)
{
	if (part->rings == 0 || where_in_ring(&part->ring[0], px, py) == OUTSIDE)
		return false;
	for (int r = 1; r < part->rings; r++)
		if (where_in_ring(&part->ring[r], px, py) == INSIDE)
			return false;
	return true;
}

static gridcode
rule(int px, int py)
{
	gridcode	best = 0;

	for (int i = 0; i < nparts; i++)
	{
		gridcode	code = parts[i].code;
		int			longer = gridcode_digits(code) - gridcode_digits(best);

		if ((best == 0 || longer > 0 || (longer == 0 && code < best)) && part_covers(&parts[i], px, py))
			best = code;
	}
	return best;
}

/* --- the image --- */

static size_t allocated;

static void *
host_alloc(void *arg, size_t size)
{
	size_t	   *block = malloc(size + sizeof(size_t));

	(void) arg;
	if (block == NULL)
		abort();
	*block = size;
	allocated += size;
	return block + 1;
}

static void
host_free(void *arg, void *pointer)
{
	size_t	   *block = (size_t *) pointer - 1;

	(void) arg;
	allocated -= *block;
	free(block);
}

static void
host_pause(void *arg)
{
	(void) arg;
}

static void *
host_resize(void *arg, void *pointer, size_t size)
{
	size_t	   *block = (size_t *) pointer - 1;
	size_t		old = *block;

	(void) arg;
	block = realloc(block, size + sizeof(size_t));
	if (block == NULL)
		abort();
	*block = size;
	allocated += size - old;
	return block + 1;
}

static const CoverageHost host = {host_alloc, host_resize, host_free, host_pause, NULL};

/* The image of what a builder was given, and an end to the builder. */
static Coverage *
finish(CoverageBuilder *builder)
{
	size_t		bytes = coverage_build(builder);
	Coverage   *image = bytes > 0 ? coverage_image(builder, host_alloc(NULL, bytes)) : NULL;

	coverage_end(builder);
	return image;
}

/* An image of the parts; turned: rings the other way round and beginning elsewhere, parts last first. */
static Coverage *
image_of_parts(const Frame *frame, bool turned, size_t max_bytes)
{
	CoverageBuilder *builder = coverage_begin(&host, max_bytes);

	for (int i = 0; i < nparts; i++)
	{
		const Part *part = &parts[turned ? nparts - 1 - i : i];

		coverage_add_part(builder, part->code);
		for (int r = 0; r < part->rings; r++)
		{
			const Ring *ring = &part->ring[r];
			double		xyz[3 * (MOST_POINTS + 1)];
			size_t		n = 0;

			for (int v = 0; v < ring->n; v++, n++)
			{
				int			from = turned ? (2 * ring->n - v + 1) % ring->n : v;

				xyz[3 * n] = frame->x0 + ring->x[from] * frame->unit;
				xyz[3 * n + 1] = frame->y0 + ring->y[from] * frame->unit;
				xyz[3 * n + 2] = NAN;
			}
			if (ring->n > 0 && random_below(2))	/* closed or not is the same */
				memcpy(xyz + 3 * n++, xyz, 3 * sizeof(double));
			coverage_add_ring(builder, xyz, n, 3);
		}
	}
	return finish(builder);
}

static int
count_differences(const Frame *frame, bool turned, int size)
{
	Coverage   *image = image_of_parts(frame, turned, SIZE_MAX);
	int			differences = 0;
	void	   *scratch;

	if (image == NULL)
		return -1;
	scratch = malloc(coverage_scratch_size(image));
	for (int px = -4; px <= 4 * (size + 7); px++)
		for (int py = -4; py <= 4 * (size + 7); py++)
		{
			double		x = frame->x0 + px * (frame->unit / 4);
			double		y = frame->y0 + py * (frame->unit / 4);
			gridcode	expected = rule(px, py);

			differences += coverage_locate(image, x, y, scratch) != expected;
			differences += expected != 0 && !coverage_may_be_near(image, x, y, 0, 0);
		}
	free(scratch);
	host_free(NULL, image);
	return differences;
}

static void
test_lattices(const char *name, Frame frame, int size, int rounds)
{
	int			differences = 0;

	for (int round = 0; round < rounds; round++)
	{
		random_parts(size);
		differences += count_differences(&frame, false, size) != 0;
		differences += count_differences(&frame, true, size) != 0;
	}
	CHECK(differences == 0, "%s, %d sets of polygons, at every quarter of their lattice: %d differ", name, rounds, differences);
	CHECK(allocated == 0, "%s: all memory is free again", name);
}

/* --- orientations --- */

static int
orient_128(int64_t ax, int64_t ay, int64_t bx, int64_t by, int64_t px, int64_t py)
{
	__int128	det = (__int128) (bx - ax) * (py - ay) - (__int128) (by - ay) * (px - ax);

	return (det > 0) - (det < 0);
}

/* Three points in a row, or as near to it as the lattice of 2^50 allows. */
static void
test_orientations(void)
{
	int			wrong = 0;
	int			zero = 0;

	for (int i = 0; i < 200000; i++)
	{
		int64_t		ax = (int64_t) random_below(1 << 30) << 20;
		int64_t		ay = (int64_t) random_below(1 << 30) << 20;
		int64_t		dx = (int64_t) random_below(1 << 20);
		int64_t		dy = (int64_t) random_below(1 << 20);
		int64_t		k = random_below(1 << 20);
		int64_t		bx = ax + dx * (1 << 10);
		int64_t		by = ay + dy * (1 << 10);
		int64_t		px = ax + dx * k + (int64_t) random_below(3) - 1;
		int64_t		py = ay + dy * k + (int64_t) random_below(3) - 1;
		int			expected = orient_128(ax, ay, bx, by, px, py);
		double		scale = ldexp(1, (int) random_below(1800) - 900);

		zero += expected == 0;
		wrong += orient((double) ax, (double) ay, (double) bx, (double) by, (double) px, (double) py) != expected;
		wrong += orient_exact(ax * scale, ay * scale, bx * scale, by * scale, px * scale, py * scale) != expected;
		wrong += orient(ax * scale, ay * scale, bx * scale, by * scale, px * scale, py * scale) != expected;
	}
	CHECK(zero > 1000, "orientations: %d of 200000 are 0", zero);
	CHECK(wrong == 0, "orientations, at every scale, against 128 bits: %d differ", wrong);
	CHECK(orient(0, 0, DBL_MAX, DBL_MAX, DBL_MAX, -DBL_MAX) == -1 && orient(-DBL_MAX, -DBL_MAX, DBL_MAX, DBL_MAX, 0, 0) == 0 &&
		  orient(-DBL_MAX, -DBL_MAX, DBL_MAX, DBL_MAX, 0, DBL_TRUE_MIN) == 1, "orientations of the greatest doubles");
	CHECK(orient(0, 0, DBL_TRUE_MIN, DBL_TRUE_MIN, 1, 1) == 0 && orient(0, 0, DBL_TRUE_MIN, 0, 0, DBL_TRUE_MIN) == 1 &&
		  orient(0, 0, DBL_TRUE_MIN, 2 * DBL_TRUE_MIN, 1, 2 - DBL_EPSILON) == -1, "orientations of the least doubles");
}

/* --- limits --- */

static void
test_limits(void)
{
	Frame		frame = {0, 0, 1};
	Coverage   *image;
	Coverage   *whole;
	double		scratch[16];
	double		square[] = {0, 0, 1, 0, 1, 1, 0, 1, 0, 0};
	CoverageBuilder *builder;
	CoverageSize size;

	nparts = 0;
	image = image_of_parts(&frame, false, SIZE_MAX);
	CHECK(image && coverage_locate(image, 0, 0, scratch) == 0 && !coverage_may_be_near(image, 0, 0, 1, 1) &&
		  coverage_size(image).parts == 0, "nothing is nowhere");
	host_free(NULL, image);

	random_parts(20);
	whole = image_of_parts(&frame, false, SIZE_MAX);
	size = coverage_size(whole);
	image = image_of_parts(&frame, false, size.bytes - 1);
	CHECK(image == NULL, "an image of %zu bytes is refused where %zu are allowed", size.bytes, size.bytes - 1);
	image = image_of_parts(&frame, false, size.bytes);
	CHECK(image != NULL && coverage_size(image).bytes == size.bytes && memcmp(image, whole, size.bytes) == 0,
		  "and made where they just suffice, the same to the byte");
	CHECK(coverage_is_image(image, size.bytes) && !coverage_is_image(image, size.bytes - 1) && !coverage_is_image(image, 8), "an image is known as one");
	*(char *) image ^= 1;
	CHECK(!coverage_is_image(image, size.bytes), "and what is none is not");
	host_free(NULL, image);
	host_free(NULL, whole);

	for (int i = 0; i < 3; i++)
	{
		builder = coverage_begin(&host, SIZE_MAX);
		square[4] = i == 0 ? NAN : i == 1 ? INFINITY : -INFINITY;
		coverage_add_part(builder, code_of("1"));
		coverage_add_ring(builder, square, 5, 2);
		CHECK(finish(builder) == NULL, "a coordinate of %g is refused", square[4]);
	}
	square[4] = 1;
	builder = coverage_begin(&host, SIZE_MAX);
	coverage_add_part(builder, code_of("1"));
	coverage_add_ring(builder, square, 5, 2);
	coverage_end(builder);
	CHECK(allocated == 0, "an abandoned builder leaves nothing");
}

static void
add_square(CoverageBuilder *builder, int number, double x, double y, double side)
{
	const double xy[] = {x, y, x + side, y, x + side, y + side, x, y + side};
	char		code[16];

	snprintf(code, sizeof(code), "%06d", number);
	coverage_add_part(builder, code_of(code));
	coverage_add_ring(builder, xy, 4, 2);
}

#define ACROSS	180

/* So many edges in one cell, and on one another, that they are sorted piece by piece. */
static void
test_crowds(void)
{
	CoverageBuilder *builder = coverage_begin(&host, SIZE_MAX);
	Coverage   *image;
	void	   *scratch;
	int			wrong = 0;

	for (int i = ACROSS * ACROSS - 1; i >= 0; i--)
		add_square(builder, i, i % ACROSS, i / ACROSS, 1);
	add_square(builder, 999999, 1e9, 1e9, 1);
	image = finish(builder);
	scratch = malloc(coverage_scratch_size(image));
	for (int i = 0; i < ACROSS * ACROSS; i += 997)
	{
		char		code[16];

		snprintf(code, sizeof(code), "%06d", i);
		wrong += coverage_locate(image, i % ACROSS + 0.25, i / ACROSS + 0.75, scratch) != code_of(code);
		/* its north-east corner has three later ones around it */
		wrong += coverage_locate(image, i % ACROSS + 1, i / ACROSS + 1, scratch) != code_of(code);
	}
	CHECK(wrong == 0, "%d squares and one far from them: %d wrong", ACROSS * ACROSS, wrong);
	free(scratch);
	host_free(NULL, image);

	builder = coverage_begin(&host, SIZE_MAX);
	for (int i = 70000; i > 0; i--)
		add_square(builder, i, 0, 0, 1);
	image = finish(builder);
	scratch = malloc(coverage_scratch_size(image));
	CHECK(coverage_size(image).edges == 4 && coverage_locate(image, 0.3, 0.3, scratch) == code_of("000001") &&
		  coverage_locate(image, 1, 0.5, scratch) == code_of("000001") && coverage_locate(image, 1.5, 0.5, scratch) == 0,
		  "70,000 equal squares");
	free(scratch);
	host_free(NULL, image);

	builder = coverage_begin(&host, 100000);
	for (int i = 0; coverage_fits(builder) && i < 70000; i++)
		add_square(builder, i, i, 0, 1);
	CHECK(!coverage_fits(builder) && allocated < 4000000, "what cannot fit is not collected");
	coverage_end(builder);
	CHECK(allocated == 0, "nor kept");
}

/* Cells too small for the coordinates to tell apart: the raster gets coarser, the answers stay. */
static void
test_extremes(void)
{
	static const double corners[] = {0x1p52, -0x1p52, 0x1p-1000, 0x1p300, 0x1p1000};

	for (size_t i = 0; i < sizeof(corners) / sizeof(corners[0]); i++)
	{
		Frame		frame = {corners[i], -corners[i], 4 * fabs(corners[i]) * DBL_EPSILON};
		char		name[64];

		snprintf(name, sizeof(name), "steps of 4 ulps at %g", corners[i]);
		test_lattices(name, frame, 6, 12);
	}
}

int
main(void)
{
	test_orientations();
	test_lattices("small", (Frame) {0, 0, 1}, 3, 250);
	test_lattices("medium", (Frame) {-5, 3, 0.5}, 12, 80);
	test_lattices("large", (Frame) {0x1p20, -0x1p22, 0x1p-20}, 60, 6);
	test_extremes();
	test_crowds();
	test_limits();
	return UNIT_DONE();
}
