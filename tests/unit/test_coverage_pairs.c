/*
 * test_coverage_pairs.c
 *	  Edges of squares on a lattice: what is clean, open, balanced and reached.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "coverage_pairs.h"

#define SIDE	20
#define PARENT	(SIDE * SIDE)	/* the area around all squares */
#define EXTRA	(PARENT + 1)
#define AREAS	(EXTRA + 1)

static PairEdges edges;
static PairArea areas[AREAS];
static bool open_edges[AREAS * (4 * SIDE + 4)];
static bool unbalanced[1];
static int	pauses;

static void *
resize(void *block, size_t bytes)
{
	return realloc(block, bytes);
}

static void
pause_now(void)
{
	pauses++;
}

/* A square as a ring whose points are three numbers apart. */
static bool
add_square(uint32_t area, double x, double y, double side, bool hole, bool clockwise)
{
	double		ring[15] = {x, y, 7, x + side, y, 7, x + side, y + side, 7, x, y + side, 7, x, y, 7};

	if (clockwise)
	{
		ring[3] = x;
		ring[4] = y + side;
		ring[9] = x + side;
		ring[10] = y;
	}
	return pairs_add_ring(&edges, area, hole, ring, 5, 3);
}

/* The lattice, every other square the other way round, without one if wanted. */
static void
add_lattice(int without)
{
	free(edges.edges);
	edges = (PairEdges) {.resize = resize, .pause = pause_now};
	memset(open_edges, 0, sizeof(open_edges));
	unbalanced[0] = false;
	for (int i = 0; i < AREAS; i++)
	{
		areas[i] = (PairArea) {.level = 2, .family = 0, .heads = -1, .valid = true};
		if (i < PARENT && i != without)
			add_square(i, i % SIDE - 10, i / SIDE - 10, 1, false, i % 3 == 0);
	}
	areas[PARENT] = (PairArea) {.level = 1, .family = -1, .heads = 0, .valid = true};
	areas[EXTRA].family = -1;
}

/* The parent, with the vertices that its children have. */
static void
add_parent(void)
{
	double		ring[2 * (4 * SIDE + 1)];

	for (int i = 0; i <= 4 * SIDE; i++)
	{
		int			side = i / SIDE % 4;
		int			step = i % SIDE;

		ring[2 * i] = (side == 0 ? step : side == 1 ? SIDE : side == 2 ? SIDE - step : 0) - 10;
		ring[2 * i + 1] = (side == 0 ? 0 : side == 1 ? step : side == 2 ? SIDE : SIDE - step) - 10;
	}
	pairs_add_ring(&edges, PARENT, false, ring, 4 * SIDE + 1, 2);
}

static int
count_open(void)
{
	int			n = 0;

	for (int i = 0; i < PARENT; i++)
		n += areas[i].open;
	return n;
}

static void
analyse(void)
{
	pairs_analyse(&edges, areas, open_edges, unbalanced);
}

static void
test_tiling(void)
{
	int			rim = 4 * SIDE - 4;

	add_lattice(-1);
	add_parent();
	analyse();
	CHECK(count_open() == rim, "the squares at the rim are open, and no other");
	CHECK(areas[PARENT].open, "so is the area around them, which has no neighbour");
	CHECK(!unbalanced[0], "the squares tile it");
	CHECK(pauses > 0, "there were pauses");

	add_lattice(SIDE * 5 + 5);
	add_parent();
	analyse();
	CHECK(count_open() == rim + 4, "four neighbours of a missing square are open");
	CHECK(unbalanced[0], "and the squares do not tile");

	add_lattice(SIDE * 5 + 5);
	add_square(EXTRA, -5, -5, 1, false, false);
	add_square(EXTRA, -4.75, -4.75, 0.5, true, false);
	analyse();
	CHECK(count_open() == rim && areas[EXTRA].open, "a square with a hole in its place: only itself");
}

static void
test_doubtful(void)
{
	int			rim = 4 * SIDE - 4;

	add_lattice(-1);
	areas[SIDE * 5 + 5].valid = false;
	analyse();
	CHECK(count_open() == rim + 5, "an invalid square and its neighbours are open");

	add_lattice(-1);
	add_square(EXTRA, -5, -5, 1, false, true);
	analyse();
	CHECK(count_open() == rim + 5, "so are those around a square that is there twice");

	add_lattice(-1);
	areas[EXTRA].level = 3;
	add_square(EXTRA, -5, -5, 1, false, true);
	analyse();
	CHECK(count_open() == rim && areas[EXTRA].open, "other levels are of no concern");

	add_lattice(-1);
	for (int i = 0; i < 200; i++)
		add_square(EXTRA, -5, -5, 1, false, false);
	analyse();
	CHECK(count_open() == rim + 5, "an edge many times over");
}

static void
test_spread(void)
{
	bool		from[AREAS] = {false};
	bool		reached[AREAS] = {false};
	int			n = 0;

	add_lattice(-1);
	analyse();
	from[SIDE * 5 + 5] = true;
	pairs_spread(&edges, areas, from, reached);
	for (int i = 0; i < AREAS; i++)
		n += reached[i];
	CHECK(n == 4 && reached[SIDE * 5 + 4] && reached[SIDE * 5 + 6] && reached[SIDE * 4 + 5] && reached[SIDE * 6 + 5],
		  "from a square its four neighbours are reached");
}

static void
test_edges(void)
{
	double		spike[10] = {0, 0, 0, 0, 1, 0, 1, 1, -0.0, 0};
	size_t		before;

	add_lattice(-1);
	before = edges.n;
	CHECK(pairs_add_ring(&edges, EXTRA, false, spike, 0, 2) && pairs_add_ring(&edges, EXTRA, false, spike, 1, 2) && edges.n == before,
		  "rings of no point and of one");
	CHECK(pairs_add_ring(&edges, EXTRA, false, spike, 5, 2) && edges.n == before + pairs_ring_edges(5), "an edge without length takes a number");
	analyse();
	CHECK(edges.n == before + 3 && !open_edges[before], "but is none");
	CHECK(!pairs_add_ring(&edges, PAIRS_MAX_AREAS, false, spike, 5, 2), "too many areas");
}

int
main(void)
{
	test_tiling();
	test_doubtful();
	test_spread();
	test_edges();
	free(edges.edges);
	return UNIT_DONE();
}
