/*
 * points.c
 *	  Points to ask about: nine in ten at random in and around the extent, one in
 *	  ten where it is hard: on vertices, as near to edges as doubles can be, one
 *	  unit in the last place off these in any of eight directions, and level with
 *	  vertices.  The same seed makes the same points on every machine.
 */
#include "oracle.h"

#include <math.h>
#include <string.h>

static uint64_t state;

/* splitmix64 */
static uint64_t
next_random(void)
{
	uint64_t	z = (state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* In [0, 1). */
static double
fraction(void)
{
	return (double) (next_random() >> 11) / 9007199254740992.0;
}

static size_t
below(size_t n)
{
	return next_random() % n;
}

/* Any edge: each part as likely as another, so that small ones are tried as well. */
static const Point *
any_edge(const Parts *parts)
{
	for (;;)
	{
		const Part *part = &parts->part[below(parts->n)];
		const Ring *ring = &part->ring[below(part->nrings)];

		if (ring->n > 0)
			return &ring->point[below(ring->n)];
	}
}

static double
step(double value, int direction)
{
	return direction == 0 ? value : nextafter(value, direction * INFINITY);
}

/* To one of the eight neighbours of a point, or nowhere. */
static Point
maybe_step(Point p)
{
	int			direction = below(16);

	if (direction < 8)
	{
		direction += direction >= 4;
		p.x = step(p.x, direction % 3 - 1);
		p.y = step(p.y, direction / 3 - 1);
	}
	return p;
}

static Point
any_point(Point low, Point high)
{
	const double margin = 1.0 / 50;
	double		x = fraction() * (1 + 2 * margin) - margin;
	double		y = fraction() * (1 + 2 * margin) - margin;

	return (Point) {low.x + x * (high.x - low.x), low.y + y * (high.y - low.y)};
}

/* A hard point, and the name of its kind. */
static Point
hard_point(const Parts *parts, Point low, Point high, const char **kind)
{
	const Point *a = any_edge(parts);
	double		t = fraction();
	Point		p = any_point(low, high);

	switch (below(8))
	{
		case 0:
		case 1:
		case 2:
			*kind = "vertex";
			return maybe_step(*a);
		case 3:
		case 4:
			*kind = "midpoint";
			return maybe_step((Point) {(a[0].x + a[1].x) / 2, (a[0].y + a[1].y) / 2});
		case 5:
		case 6:
			*kind = "edge";
			return maybe_step((Point) {a[0].x + t * (a[1].x - a[0].x), a[0].y + t * (a[1].y - a[0].y)});
		default:
			*kind = "level";
			return t < 0.5 ? (Point) {p.x, a->y} : (Point) {a->x, p.y};
	}
}

static void
print_hex(uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		printf("%02X", (unsigned int) (value >> 8 * i & 0xFF));
}

static void
print_double(double value)
{
	uint64_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	print_hex(bits, 8);
}

static void
print_point(long id, Point p, const char *kind, uint32_t srid)
{
	printf("%ld\t01", id);
	print_hex(srid ? 0x20000001 : 1, 4);
	if (srid)
		print_hex(srid, 4);
	print_double(p.x);
	print_double(p.y);
	printf("\t%s\n", kind);
}

/* Lines of number, point and kind. */
void
write_points(const Parts *parts, long n, uint64_t seed)
{
	Point		low = {INFINITY, INFINITY};
	Point		high = {-INFINITY, -INFINITY};

	if (parts->n == 0)
		fail("there are no polygons");
	state = seed;
	for (size_t i = 0; i < parts->n; i++)
	{
		low.x = fmin(low.x, parts->part[i].low.x);
		low.y = fmin(low.y, parts->part[i].low.y);
		high.x = fmax(high.x, parts->part[i].high.x);
		high.y = fmax(high.y, parts->part[i].high.y);
	}
	for (long id = 1; id <= n; id++)
	{
		const char *kind = "random";
		Point		p = id % 10 == 0 ? hard_point(parts, low, high, &kind) : any_point(low, high);

		print_point(id, p, kind, parts->srid);
	}
}
