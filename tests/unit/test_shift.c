/*
 * test_shift.c
 *	  Displacements and shifts of made-up places whose shift is known.
 */
#include "unit.h"

#include <math.h>
#include <stdint.h>

#include "shift.h"

#define SIDE	10				/* areas are SIDE x SIDE squares of 100 */
#define PLACES	1000

static ShiftEdge edges[SIDE * SIDE * 4];
static ShiftPart parts[SIDE * SIDE];
static const ShiftMap map = {edges, parts};
static ShiftPlace places[PLACES];
static double lengths[PLACES];
static uint64_t seed = 20260102;

static double
random_to(double limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return limit * (double) (seed >> 33) / 2147483648.0;
}

static void
no_pause(void)
{
}

static void
make_squares(void)
{
	for (int i = 0; i < SIDE * SIDE; i++)
	{
		double		x = 100.0 * (i % SIDE);
		double		y = 100.0 * (i / SIDE);

		edges[4 * i] = (ShiftEdge) {x, y, x + 100, y};
		edges[4 * i + 1] = (ShiftEdge) {x + 100, y, x + 100, y + 100};
		edges[4 * i + 2] = (ShiftEdge) {x + 100, y + 100, x, y + 100};
		edges[4 * i + 3] = (ShiftEdge) {x, y + 100, x, y};
		parts[i] = (ShiftPart) {4 * i, 4 * i + 4, x, y, x + 100, y + 100};
	}
}

/* Places in random squares, moved by as much as would be dx, dy at this scale. */
static void
make_places(double dx, double dy, double scale, int wrong_of_100)
{
	for (int i = 0; i < PLACES; i++)
	{
		ShiftPlace *p = &places[i];
		int			square = (int) random_to(SIDE * SIDE);

		*p = (ShiftPlace) {.scale_x = scale, .scale_y = scale, .weight = 1};
		p->x = parts[square].min_x + random_to(100) + dx / scale;
		p->y = parts[square].min_y + random_to(100) + dy / scale;
		if (random_to(100) < wrong_of_100)
			square = (int) random_to(SIDE * SIDE);
		p->first_part = square;
		p->end_part = square + 1;
	}
}

static void
test_shift(double dx, double dy, double scale, int wrong_of_100)
{
	ShiftDisplacement d;
	ShiftEstimate e;

	make_places(dx, dy, scale, wrong_of_100);
	d = shift_measure(&map, places, PLACES, lengths, no_pause);
	e = shift_search(&map, places, PLACES, &d, lengths, no_pause);
	CHECK(hypot(e.dx - dx, e.dy - dy) < 3 * scale, "shift %g %g, %d %% wrong: found %g %g", dx, dy, wrong_of_100, e.dx, e.dy);
	CHECK(e.inside > PLACES * (0.98 - wrong_of_100 / 100.0), "its taking back puts most into their areas");
}

/* Displacements that can be told by hand. */
static void
test_measure(void)
{
	ShiftDisplacement d;

	for (int i = 0; i < 4; i++)
		places[i] = (ShiftPlace) {.x = 50, .y = 100 + 10 * i, .scale_x = 2, .scale_y = 3, .weight = 1, .end_part = 1};
	places[0].y = 50;
	d = shift_measure(&map, places, 4, lengths, no_pause);
	CHECK(d.displaced == 3 && d.distance == 60 && d.direction == 0 && d.agreement == 1, "three of four lie north, the median 60");
	CHECK(places[0].dx == 0 && places[0].dy == 0 && places[3].dx == 0 && places[3].dy == 90, "each displacement");
	places[2] = (ShiftPlace) {.x = 50, .y = -1, .scale_x = 1, .scale_y = 1, .end_part = 1};
	d = shift_measure(&map, places + 1, 2, lengths, no_pause);
	CHECK(d.displaced == 2 && d.agreement == 0, "opposite directions do not agree");
	d = shift_measure(&map, places, 1, lengths, no_pause);
	CHECK(d.displaced == 0 && d.distance == 0 && d.agreement == 0, "none is displaced");
	d = shift_measure(&map, places, 0, lengths, no_pause);
	CHECK(d.displaced == 0 && shift_search(&map, places, 0, &d, lengths, no_pause).inside == 0, "no place at all");
	places[0] = (ShiftPlace) {.x = 1, .y = 1, .scale_x = 1, .scale_y = 1};
	d = shift_measure(&map, places, 1, lengths, no_pause);
	CHECK(d.displaced == 0, "an area without a polygon");
}

static void
test_directions(void)
{
	CHECK(shift_direction(0, 1) == 0 && shift_direction(1, 0) == 90 && shift_direction(0, -1) == 180 && shift_direction(-1, 0) == 270,
		  "directions are clockwise from north");
	CHECK(shift_direction(-1e-300, 1) < 360, "and below 360");
}

int
main(void)
{
	make_squares();
	test_directions();
	test_measure();
	test_shift(30, 0, 1, 0);
	test_shift(-5, 5, 1, 0);
	test_shift(0, -250, 1, 0);
	test_shift(300, 400, 1, 0);
	test_shift(3e6, 4e6, 111195, 0);
	test_shift(40, -30, 1, 20);
	make_places(0, 0, 1, 50);
	{
		ShiftDisplacement d = shift_measure(&map, places, PLACES, lengths, no_pause);
		ShiftEstimate e = shift_search(&map, places, PLACES, &d, lengths, no_pause);

		CHECK(d.agreement < 0.2, "mixed-up areas: directions do not agree");
		CHECK(hypot(e.dx, e.dy) < 3 && e.inside - e.inside_now < 10, "and no shift explains them");
	}
	return UNIT_DONE();
}
