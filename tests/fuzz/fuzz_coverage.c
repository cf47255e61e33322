/*
 * fuzz_coverage.c
 *	  Any bytes as polygons and points.  Where the coordinates are whole numbers
 *	  of a power of two, the answers must be those of a brute force in exact
 *	  integers; with any doubles at all, they must not depend on the order of the
 *	  parts and holes, nor on where a ring begins and which way round it goes.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coverage.h"

#define MAX_PARTS	6
#define MAX_RINGS	3
#define MAX_CORNERS	12
#define MAX_POINTS	400
#define ROOMY		((size_t) 1 << 30)

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum Mode
{
	SMALL,						/* halves of small whole numbers */
	LARGE,						/* whole numbers of up to 51 bits, times a power of two */
	ANY,						/* any bytes as doubles */
	NMODES
} Mode;

typedef struct Place
{
	double		x;
	double		y;
} Place;

typedef struct Ring
{
	int			n;
	Place		at[MAX_CORNERS];
} Ring;

typedef struct Part
{
	gridcode	code;
	int			nrings;
	Ring		ring[MAX_RINGS];
} Part;

typedef struct Case
{
	Mode		mode;
	int			scale;			/* a coordinate is a whole number of 2^scale */
	int			nparts;
	Part		part[MAX_PARTS];
	int			npoints;
	Place		point[MAX_POINTS];
} Case;

/* What is left to read; zeros follow. */
static const uint8_t *rest;
static size_t rest_size;

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static unsigned int
next_byte(void)
{
	if (rest_size == 0)
		return 0;
	rest_size--;
	return *rest++;
}

static uint64_t
next_bytes(int n)
{
	uint64_t	value = 0;

	while (n-- > 0)
		value = value << 8 | next_byte();
	return value;
}

/* ---- reading a case ---- */

static double
next_coordinate(const Case *c, bool corner)
{
	uint64_t	bits;
	double		value;

	switch (c->mode)
	{
		case SMALL:				/* corners on even numbers, so that points are between them */
			bits = next_byte();
			return ldexp((int) (bits % 16 * (corner ? 2 : 1)) - (corner ? 16 : 0), c->scale);
		case LARGE:
			return ldexp((double) ((int64_t) next_bytes(8) >> (12 + next_byte() % 50)), c->scale);
		default:
			bits = next_bytes(8);
			memcpy(&value, &bits, sizeof(value));
			return value;
	}
}

/* A new corner, or where it is not the first perhaps one that is there already. */
static Place
next_corner(const Case *c)
{
	unsigned int choice = next_byte();
	Place		place;

	if (choice >= 192 && c->nparts > 0)
	{
		const Part *part = &c->part[choice % c->nparts];
		const Ring *ring = &part->ring[0];

		if (part->nrings > 0 && ring->n > 0)
			return ring->at[next_byte() % ring->n];
	}
	place.x = next_coordinate(c, true);
	place.y = next_coordinate(c, true);
	return place;
}

static void
read_parts(Case *c)
{
	int			nparts = next_byte() % (MAX_PARTS + 1);

	while (c->nparts < nparts)
	{
		Part	   *part = &c->part[c->nparts];
		int			value = next_byte() % 112;
		char		text[GRIDCODE_MAX_DIGITS + 1] = {'1' + value % 3, '0' + value / 3 % 3, '0' + value / 9 % 3, '\0'};

		text[1 + value / 27 % 3] = '\0';
		require(gridcode_parse(text, strlen(text), &part->code) == GRIDCODE_OK);
		part->nrings = next_byte() % (MAX_RINGS + 1);
		for (int i = 0; i < part->nrings; i++)
		{
			Ring	   *ring = &part->ring[i];
			int			n = next_byte() % (MAX_CORNERS + 1);

			for (ring->n = 0; ring->n < n; ring->n++)
				ring->at[ring->n] = next_corner(c);
		}
		c->nparts++;
	}
}

static void
add_point(Case *c, double x, double y)
{
	if (c->npoints < MAX_POINTS && isfinite(x) && isfinite(y))
		c->point[c->npoints++] = (Place) {x, y};
}

/* A point and those beside it. */
static void
add_points_around(Case *c, double x, double y)
{
	double		step = ldexp(1, c->scale);

	add_point(c, x, y);
	if (c->mode == ANY)
	{
		add_point(c, nextafter(x, INFINITY), y);
		add_point(c, nextafter(x, -INFINITY), nextafter(y, INFINITY));
	}
	else
	{
		add_point(c, x + step, y);
		add_point(c, x - step, y + step);
	}
}

/* The middle of an edge, or the whole number next to it. */
static double
middle(const Case *c, double a, double b)
{
	if (c->mode == ANY)
		return a / 2 + b / 2;
	return ldexp(floor(ldexp(a + b, -c->scale - 1)), c->scale);
}

static void
add_points(Case *c)
{
	for (int i = 0; i < 8; i++)
	{
		double		x = next_coordinate(c, false);

		add_point(c, x, next_coordinate(c, false));
	}
	if (c->mode == SMALL)
		for (int i = -17; i <= 15; i += 2)
			for (int j = -17; j <= 15; j += 2)
				add_point(c, ldexp(i - (j & 2) / 2, c->scale), ldexp(j, c->scale));
	for (int i = 0; i < c->nparts; i++)
		for (int j = 0; j < c->part[i].nrings; j++)
			for (int k = 0; k < c->part[i].ring[j].n; k++)
			{
				const Ring *ring = &c->part[i].ring[j];
				Place		a = ring->at[k];
				Place		b = ring->at[(k + 1) % ring->n];

				add_points_around(c, a.x, a.y);
				add_points_around(c, middle(c, a.x, b.x), middle(c, a.y, b.y));
			}
}

/* Is no coordinate farther from 0 than a limit? */
static bool
is_within(const Case *c, double limit)
{
	for (int i = 0; i < c->nparts; i++)
		for (int j = 0; j < c->part[i].nrings; j++)
			for (int k = 0; k < c->part[i].ring[j].n; k++)
			{
				Place		at = c->part[i].ring[j].at[k];

				if (!(fabs(at.x) <= limit && fabs(at.y) <= limit))
					return false;
			}
	return true;
}

/* ---- brute force ---- */

static __int128
whole(const Case *c, double value)
{
	return (int64_t) ldexp(value, -c->scale);
}

/* The sign of (b - a) x (p - a). */
static int
side(const Case *c, Place a, Place b, Place p)
{
	__int128	ax = whole(c, a.x);
	__int128	ay = whole(c, a.y);
	__int128	left = (whole(c, b.x) - ax) * (whole(c, p.y) - ay);
	__int128	right = (whole(c, p.x) - ax) * (whole(c, b.y) - ay);

	return (left > right) - (left < right);
}

/* How often the ring winds around the point; an edge of no length is none. */
static int
winding(const Case *c, const Ring *ring, Place p, bool *on)
{
	int			turns = 0;

	*on = false;
	for (int i = 0; i < ring->n; i++)
	{
		Place		a = ring->at[i];
		Place		b = ring->at[(i + 1) % ring->n];
		int			s = side(c, a, b, p);

		if (a.x == b.x && a.y == b.y)
			continue;
		if (s == 0 && fmin(a.x, b.x) <= p.x && p.x <= fmax(a.x, b.x) && fmin(a.y, b.y) <= p.y && p.y <= fmax(a.y, b.y))
			*on = true;
		turns += (a.y <= p.y && p.y < b.y && s > 0) - (b.y <= p.y && p.y < a.y && s < 0);
	}
	return turns;
}

static bool
covers(const Case *c, const Part *part, Place p)
{
	bool		on;

	if (part->nrings == 0 || (winding(c, &part->ring[0], p, &on) == 0 && !on))
		return false;
	for (int i = 1; i < part->nrings; i++)
		if (winding(c, &part->ring[i], p, &on) != 0 && !on)
			return false;
	return true;
}

static gridcode
brute_force(const Case *c, Place p)
{
	gridcode	best = 0;

	for (int i = 0; i < c->nparts; i++)
	{
		gridcode	code = c->part[i].code;
		int			deeper = gridcode_digits(code) - gridcode_digits(best);

		if ((deeper > 0 || (deeper == 0 && code < best)) && covers(c, &c->part[i], p))
			best = code;
	}
	return best;
}

/* ---- the image ---- */

static void *
host_alloc(void *arg, size_t size)
{
	void	   *memory = malloc(size ? size : 1);

	(void) arg;
	require(memory != NULL);
	memset(memory, 0xA5, size);
	return memory;
}

static void
host_free(void *arg, void *pointer)
{
	(void) arg;
	free(pointer);
}

static void
host_pause(void *arg)
{
	(void) arg;
}

static void *
host_resize(void *arg, void *pointer, size_t size)
{
	void	   *memory = realloc(pointer, size);

	(void) arg;
	if (memory == NULL)
		abort();
	return memory;
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

/* In memory of just its size, with other numbers between the points; closed or not. */
static void
add_ring(CoverageBuilder *builder, const Ring *ring, int begin, bool reverse, bool close, size_t stride)
{
	int			n = ring->n + (close && ring->n > 0);
	double	   *xy = malloc((n * stride + 1) * sizeof(double));

	for (int i = 0; i < n; i++)
	{
		int			k = (reverse ? begin + n - i : begin + i) % ring->n;

		xy[i * stride] = ring->at[k].x;
		xy[i * stride + 1] = ring->at[k].y;
		for (size_t j = 2; j < stride; j++)
			xy[i * stride + j] = NAN;
	}
	coverage_add_ring(builder, xy, n, stride);
	free(xy);
}

static void
add_part(CoverageBuilder *builder, const Part *part, unsigned int variant)
{
	coverage_add_part(builder, part->code);
	for (int i = 0; i < part->nrings; i++)
	{
		int			j = i > 0 && variant & 1 ? part->nrings - i : i;	/* the shell stays first */
		const Ring *ring = &part->ring[j];

		add_ring(builder, ring, ring->n ? variant / 2 % ring->n : 0, variant & 16, variant & 32, 2 + variant / 64 % 3);
	}
}

/* Variant 0 is as the case is written; others differ in what must not matter. */
static Coverage *
build(const Case *c, unsigned int variant, size_t max_bytes)
{
	CoverageBuilder *builder = coverage_begin(&host, max_bytes);

	for (int i = 0; i < c->nparts; i++)
		add_part(builder, &c->part[variant ? (c->nparts - 1 - i + variant) % c->nparts : i], variant);
	return finish(builder);
}

/* An image moved to memory of just its size. */
static Coverage *
moved(Coverage *image)
{
	size_t		bytes = coverage_size(image).bytes;
	void	   *copy = malloc(bytes);

	require(coverage_is_image(image, bytes));
	memcpy(copy, image, bytes);
	host_free(NULL, image);
	require(coverage_is_image(copy, bytes));
	require(!coverage_is_image(copy, bytes - 1));
	require(!coverage_is_image(copy, 0));
	return copy;
}

/* A covered point must be near every other at their distance, which is exact here. */
static void
check_near(const Case *c, const Coverage *image, int covered)
{
	Place		p = c->point[covered];

	require(coverage_may_be_near(image, p.x, p.y, 0, 0));
	for (int i = 0; i < c->npoints && c->mode != ANY; i += 7)
	{
		Place		q = c->point[i];

		require(coverage_may_be_near(image, q.x, q.y, fabs(p.x - q.x), fabs(p.y - q.y)));
	}
}

static void
check_points(const Case *c, const Coverage *image, const Coverage *other)
{
	void	   *scratch = malloc(coverage_scratch_size(image) + 1);
	void	   *other_scratch = malloc(coverage_scratch_size(other) + 1);

	for (int i = 0; i < c->npoints; i++)
	{
		Place		p = c->point[i];
		gridcode	code = coverage_locate(image, p.x, p.y, scratch);

		require(code == coverage_locate(other, p.x, p.y, other_scratch));
		if (c->mode != ANY)
			require(code == brute_force(c, p));
		if (code != 0)
			check_near(c, image, i);
	}
	free(scratch);
	free(other_scratch);
}

/* An image may be refused for its size, but is never larger than allowed. */
static void
check_limit(const Case *c, size_t max_bytes)
{
	Coverage   *image = build(c, 0, max_bytes);
	CoverageBuilder *builder = coverage_begin(&host, max_bytes);

	if (image != NULL)
	{
		require(coverage_size(image).bytes <= max_bytes);
		host_free(NULL, image);
	}
	if (c->nparts > 0)
		add_part(builder, &c->part[0], 0);
	coverage_end(builder);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Case c;
	unsigned int variant;
	Coverage   *image;
	Coverage   *other;

	memset(&c, 0, sizeof(c));
	rest = data;
	rest_size = size;
	c.mode = next_byte() % NMODES;
	c.scale = c.mode == SMALL ? -1 : c.mode == LARGE ? (int8_t) next_byte() : 0;
	variant = 1 + next_bytes(2) % 65535;
	read_parts(&c);
	add_points(&c);

	image = build(&c, 0, ROOMY);
	other = build(&c, variant, ROOMY);
	require((image != NULL) == (other != NULL));
	require(image != NULL || !is_within(&c, COVERAGE_MOST_EXTENT / 2));
	require(image == NULL || is_within(&c, DBL_MAX));
	if (image == NULL)
		return 0;
	image = moved(image);
	other = moved(other);
	check_points(&c, image, other);
	check_limit(&c, coverage_size(image).bytes / 2);
	free(image);
	free(other);
	return 0;
}
