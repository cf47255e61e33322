/*
 * test_mesh.c
 *	  Meshes of jittered lattices: twins, points that one side lacks, moments.
 */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mesh.h"

#define SIDE	20				/* faces are SIDE x SIDE quadrilaterals */

static uint64_t seed = 20261128;

static void *
resize(void *block, size_t bytes)
{
	return realloc(block, bytes);
}

static void
no_pause(void)
{
}

static const Host host = {resize, free, no_pause};

static double
random_to(double limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return limit * (double) (seed >> 33) / 2147483648.0;
}

static MeshPoint
corner(int i, int j)
{
	/* Whole numbers, so that sums are exact. */
	return (MeshPoint) {100 * i + (i % SIDE ? (i * 37 + j * 61) % 41 - 20 : 0), 100 * j + (j % SIDE ? (i * 53 + j * 29) % 41 - 20 : 0)};
}

/*
 * Add all faces, some turned round.  Where extra is set, each face has points
 * more on its right and upper sides, which the neighbours there lack, off the
 * line by up to that much.
 */
static void
add_faces(MeshBuilder *builder, double extra)
{
	for (int f = 0; f < SIDE * SIDE; f++)
	{
		int			i = f % SIDE;
		int			j = f / SIDE;
		MeshPoint	corners[4] = {corner(i, j), corner(i + 1, j), corner(i + 1, j + 1), corner(i, j + 1)};
		MeshPoint	ring[16];
		int			n = 0;

		for (int c = 0; c < 4; c++)
		{
			MeshPoint	a = corners[c];
			MeshPoint	b = corners[(c + 1) % 4];

			ring[n++] = a;
			for (int e = 1; extra > 0 && (c == 1 || c == 2) && e <= f % 3; e++)
				ring[n++] = (MeshPoint) {a.x + (b.x - a.x) * e / 4 + random_to(extra), a.y + (b.y - a.y) * e / 4 + random_to(extra)};
		}
		ring[n++] = ring[0];
		for (int k = 0; f % 2 && k < n / 2; k++)
		{
			MeshPoint	swap = ring[k];

			ring[k] = ring[n - 1 - k];
			ring[n - 1 - k] = swap;
		}
		(void) mesh_add_ring(builder, f, false, &ring[0].x, n, 2);
	}
}

/* Edges without a twin that are not on the outer border. */
static int
lonely(const Mesh *mesh)
{
	int			n = 0;

	for (int e = 0; e < mesh->nedges; e++)
	{
		MeshPoint	a = mesh->points[mesh->edges[e].from];
		MeshPoint	b = mesh->points[mesh->edges[e].to];
		double		far = 100 * SIDE;
		bool		outer = (a.x <= 1e-6 && b.x <= 1e-6) || (a.y <= 1e-6 && b.y <= 1e-6) ||
			(a.x >= far - 1e-6 && b.x >= far - 1e-6) || (a.y >= far - 1e-6 && b.y >= far - 1e-6);

		n += mesh->edges[e].twin < 0 && !outer;
	}
	return n;
}

static bool
twins_agree(const Mesh *mesh)
{
	for (int e = 0; e < mesh->nedges; e++)
	{
		const MeshEdge *edge = &mesh->edges[e];
		const MeshEdge *twin = edge->twin < 0 ? NULL : &mesh->edges[edge->twin];

		if (twin && (twin->twin != e || twin->from != edge->to || twin->to != edge->from || twin->face == edge->face))
			return false;
	}
	return true;
}

/* Every face is closed: as many of its edges begin at a point as end there. */
static bool
faces_close(const Mesh *mesh)
{
	bool		good = true;

	for (int f = 0; f < mesh->nfaces; f++)
	{
		int		   *balance = calloc(mesh->npoints, sizeof(int));

		for (int e = 0; e < mesh->nedges; e++)
			if (mesh->edges[e].face == f)
			{
				balance[mesh->edges[e].from]++;
				balance[mesh->edges[e].to]--;
			}
		for (int p = 0; p < mesh->npoints; p++)
			good &= balance[p] == 0;
		free(balance);
	}
	return good;
}

static MeshMoments
moments_of(const Mesh *mesh)
{
	MeshMoments moments = {0};

	for (int e = 0; e < mesh->nedges; e++)
		mesh_add_moments(mesh->points[mesh->edges[e].from], mesh->points[mesh->edges[e].to], &moments);
	return moments;
}

static void
test_lattice(double extra, double tolerance)
{
	MeshBuilder builder;
	Mesh		mesh;
	MeshMoments m;
	double		side = 100 * SIDE;

	mesh_begin(&builder, &host);
	add_faces(&builder, extra);
	CHECK(mesh_finish(&builder, SIDE * SIDE, tolerance, &mesh), "noded with points off by %g", extra);
	CHECK(twins_agree(&mesh), "twins are each other's twins");
	CHECK(lonely(&mesh) == 0, "only the outer border has nothing beyond");
	CHECK(faces_close(&mesh), "faces are closed");
	m = moments_of(&mesh);
	CHECK(fabs(m.area / (side * side) - 1) < 1e-9 && fabs(m.x / (side * side * side / 2) - 1) < 1e-9 &&
		  fabs(m.square / (2 * side * side * side * side / 3) - 1) < 1e-9, "area and moments are those of the whole");
	mesh_free(&host, &mesh);
}

/* A ring and what fills it; an edge of no length; a spike. */
static void
test_odd(void)
{
	static const double outer[] = {0, 0, 9, 0, 9, 9, 0, 9, 0, 0};
	static const double hole[] = {3, 3, 6, 3, 6, 6, 6, 6, 3, 6, 3, 3};
	static const double spike[] = {9, 0, 20, 0, 20, 5, 30, 5, 20, 5, 20, 9, 9, 9, 9, 0};
	MeshBuilder builder;
	Mesh		mesh;
	MeshMoments m;
	int			outside = 0;

	mesh_begin(&builder, &host);
	(void) mesh_add_ring(&builder, 0, false, outer, 5, 2);
	(void) mesh_add_ring(&builder, 0, true, hole, 6, 2);
	(void) mesh_add_ring(&builder, 1, false, hole, 6, 2);
	(void) mesh_add_ring(&builder, 2, false, spike, 8, 2);
	CHECK(mesh_finish(&builder, 3, 1e-9, &mesh), "a hole, an edge of no length, a spike");
	for (int e = 0; e < mesh.nedges; e++)
		outside += mesh.edges[e].twin < 0;
	CHECK(mesh.nedges == 4 + 4 + 4 + 5 && outside == 3 + 4, "the spike is gone, and all borders are known");
	m = moments_of(&mesh);
	CHECK(m.area == 81 + 99, "the area is right");
	mesh_free(&host, &mesh);

	/* Two faces on the same side of an edge. */
	mesh_begin(&builder, &host);
	(void) mesh_add_ring(&builder, 0, false, outer, 5, 2);
	(void) mesh_add_ring(&builder, 1, false, outer, 5, 2);
	CHECK(!mesh_finish(&builder, 2, 1e-9, &mesh), "faces that overlap are refused");
	mesh_free(&host, &mesh);
	mesh_begin(&builder, &host);
	CHECK(mesh_finish(&builder, 0, 1e-9, &mesh) && mesh.nedges == 0 && mesh.npoints == 0, "no faces at all");
	mesh_free(&host, &mesh);
}

int
main(void)
{
	test_lattice(0, 0);
	test_lattice(0, 1e-3);
	test_lattice(1e-6, 1e-3);
	test_odd();
	return UNIT_DONE();
}
