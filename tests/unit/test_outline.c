/*
 * test_outline.c
 *	  Outlines of lattices against what must be true of them all; cases that can
 *	  be told by hand.
 */
#include "unit.h"

#include <stdint.h>

#include "outline_check.h"

static uint64_t seed = 20260203;

static unsigned int
chance(unsigned int limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int) (seed >> 33) % limit;
}

static unsigned int
no_chance(unsigned int limit)
{
	return limit / 2;
}

/* Rows of a picture, a digit a square; the first is the lowest. */
static const char *const *picture;

static int
label_of_picture(int x, int y)
{
	return picture[y][x] - '0';
}

/* The outline of a picture must be right and have so many shells and holes of label 0. */
static void
test_picture(const char *const *rows, int shells, int holes, const char *name)
{
	Lattice		l;
	Outline		o;
	const char *wrong;
	int			count[2] = {0, 0};
	int			height = 0;

	while (rows[height])
		height++;
	picture = rows;
	l = lattice_make((int) strlen(rows[0]), height, 10, label_of_picture, 0, 0.1, false, no_chance);
	wrong = lattice_wrong(&l, chance);
	o = lattice_outline(&l, true);
	for (size_t i = 0; i < o.nrings; i++)
		if (o.rings[i].label == 0)
			count[o.rings[i].hole]++;
	CHECK(wrong == NULL && count[0] == shells && count[1] == holes, "%s: %d shells, %d holes; %s", name,
		  count[0], count[1], wrong ? wrong : "all is right");
	outline_free(&o);
	lattice_free(&l);
}

static void
test_pictures(void)
{
	test_picture((const char *const[]) {"0", NULL}, 1, 0, "a single face");
	test_picture((const char *const[]) {"000", "010", "000", NULL}, 1, 1, "an island");
	test_picture((const char *const[]) {"100", "010", "000", NULL}, 1, 1, "a hole that touches the shell");
	test_picture((const char *const[]) {"011", "101", "110", NULL}, 3, 0, "faces that touch at points");
	test_picture((const char *const[]) {"00000", "01000", "00100", "00010", "00000", NULL}, 1, 3, "holes that touch");
	test_picture((const char *const[]) {"000", "101", "000", NULL}, 1, 0, "two notches");
	test_picture((const char *const[]) {"00000", "01110", "01010", "01110", "00000", NULL}, 2, 1, "an island in an island");
	test_picture((const char *const[]) {"00000", "02110", "02010", "02220", "00000", NULL}, 2, 1, "an island of two labels");
	test_picture((const char *const[]) {"11111", "10001", "10101", "10001", "11111", NULL}, 1, 1, "a ring");
	test_picture((const char *const[]) {"0101", "1010", "0101", NULL}, 6, 0, "a chess board");
	test_picture((const char *const[]) {"0000000", "0110110", "0101010", "0011100", "0001000", "0000000", NULL}, 3, 1, "a heart");
}

static int	nlabels;
static MeshPoint centre[64];

static int
label_at_random(int x, int y)
{
	(void) x;
	(void) y;
	return (int) chance(nlabels);
}

/* By the nearest centre, with a rim where it is uncertain. */
static int
label_by_centre(int x, int y)
{
	int			best = 0;
	double		least = INFINITY;

	for (int i = 0; i < nlabels; i++)
	{
		double		distance = hypot(x - centre[i].x, y - centre[i].y) + chance(100) / 100.0;

		if (distance < least)
		{
			least = distance;
			best = i;
		}
	}
	return best;
}

/* Random lattices of some kind, of which the first that is wrong is told. */
static void
test_random(int times, int size, int (*label) (int x, int y), double clearance, int fixed_one_of, int site_one_of,
			const char *name)
{
	const char *wrong = NULL;
	int			i;

	for (i = 0; i < times && wrong == NULL; i++)
	{
		Lattice		l;

		nlabels = 2 + (int) chance(5);
		for (int j = 0; j < nlabels; j++)
			centre[j] = (MeshPoint) {chance(size), chance(size)};
		l = lattice_make(1 + (int) chance(size), 1 + (int) chance(size), nlabels, label,
						 i % 4 == 0 ? 0 : 0.2, clearance, i % 3 == 0, chance);
		if (fixed_one_of > 0)
			lattice_fix(&l, fixed_one_of, chance);
		lattice_thin_sites(&l, site_one_of, chance);
		wrong = lattice_wrong(&l, chance);
		lattice_free(&l);
	}
	CHECK(wrong == NULL, "%s: %d lattices, %s", name, i, wrong ? wrong : "all is right");
}

static bool
outline_has(const Outline *o, MeshPoint p)
{
	for (size_t i = 0; i < o->npoints; i++)
		if (compare_points(o->points[i], p) == 0)
			return true;
	return false;
}

static int
label_by_row(int x, int y)
{
	(void) x;
	return y >= 4;
}

/* A line of teeth becomes straighter, but not where it is fixed; without sites it stays. */
static void
test_teeth(void)
{
	Lattice		l = lattice_make(40, 8, 2, label_by_row, 0.2, 0.1, false, chance);
	Outline		before = lattice_outline(&l, false);
	Outline		after = lattice_outline(&l, true);
	Outline		bare;
	bool		kept = true;

	CHECK(after.npoints + 45 <= before.npoints, "a line of teeth: %zu points become %zu", before.npoints, after.npoints);
	outline_free(&after);
	for (int e = 0; e < l.mesh.nedges; e++)
		l.mesh.edges[e].fixed = true;
	after = lattice_outline(&l, true);
	CHECK(outlines_equal(&before, &after), "fixed it stays as it is");
	set_twins(&l.mesh);
	outline_build(&l.mesh, l.label, 2, NULL, 0, true, &check_host, &bare);
	for (size_t i = 0; i < bare.npoints; i++)
		kept = kept && outline_has(&before, bare.points[i]);
	CHECK(kept && bare.npoints == before.npoints, "and so without sites");
	outline_free(&before);
	outline_free(&after);
	outline_free(&bare);
	lattice_free(&l);
}

/* Too large for brute force: fewer points, and the same whatever the numbers. */
static void
test_large(void)
{
	Lattice		l;
	Lattice		p;
	Outline		before;
	Outline		after;
	Outline		permuted;

	nlabels = 40;
	for (int i = 0; i < nlabels; i++)
		centre[i] = (MeshPoint) {chance(150), chance(150)};
	l = lattice_make(150, 150, nlabels, label_by_centre, 0.2, 0.1, false, chance);
	p = lattice_permuted(&l, chance);
	before = lattice_outline(&l, false);
	after = lattice_outline(&l, true);
	permuted = lattice_outline(&p, true);
	CHECK(after.nrings == before.nrings && after.npoints < before.npoints, "%d edges: %zu points become %zu",
		  l.mesh.nedges, before.npoints, after.npoints);
	CHECK(outlines_equal(&after, &permuted), "and the same with other numbers");
	outline_free(&before);
	outline_free(&after);
	outline_free(&permuted);
	lattice_free(&l);
	lattice_free(&p);
}

static void
test_nothing(void)
{
	Mesh		mesh = {0};
	Outline		o;

	outline_build(&mesh, NULL, 0, NULL, 0, true, &check_host, &o);
	CHECK(o.nrings == 0 && o.npoints == 0, "no faces, no rings");
	outline_free(&o);
}

int
main(void)
{
	test_nothing();
	test_pictures();
	test_teeth();
	test_large();
	test_random(400, 6, label_at_random, 0.2, 0, 1, "any labels");
	test_random(100, 6, label_at_random, 0.6, 6, 1, "any labels, fixed edges, large clearances");
	test_random(60, 18, label_by_centre, 0.2, 0, 1, "near centres");
	test_random(60, 18, label_by_centre, 0, 0, 1, "near centres without clearances");
	test_random(60, 18, label_by_centre, 0.3, 10, 1, "near centres, fixed edges");
	test_random(300, 6, label_at_random, 0.3, 0, 8, "any labels, few sites");
	test_random(60, 12, label_by_centre, 0.3, 10, 20, "near centres, fixed edges, few sites");
	return UNIT_DONE();
}
