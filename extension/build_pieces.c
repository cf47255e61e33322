/*
 * build_pieces.c
 *	  Faces cut between the atoms in them: pieces, each with the atom it belongs to.
 *
 * A face that is in nobody's polygon is cut by the Voronoi diagram of its
 * sites: the points in it, and samples of the polygons' borders that look into
 * it, so that streets between blocks are shared out to the blocks along them.
 * Each face is noded apart; mesh_finish brings the sides together.
 */
#include "build.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "wkb.h"

/* A face without points that is narrower than this part of an atom's width is rounding or a drawing error. */
#define SLIVER		0.02

/* A point so many quanta from the area is outside. */
#define OUTSIDE_QUANTA	1024

/* Steps between two looks for a cancel. */
#define PAUSE_EVERY	4096

/* --- atoms that are one unit --- */

static int
unit_of(BuildAtom *atoms, int atom)
{
	while (atoms[atom].unit != atom)
		atom = atoms[atom].unit = atoms[atoms[atom].unit].unit;
	return atom;
}

/* The lower number stands for both. */
static void
unite(BuildAtom *atoms, int a, int b)
{
	int			l = unit_of(atoms, a);
	int			r = unit_of(atoms, b);

	atoms[Max(l, r)].unit = Min(l, r);
}

/* --- where points are --- */

static double
square_between(MeshPoint a, MeshPoint b)
{
	return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
}

/* The face whose border is nearest to a point, which moves there. */
static int
nearest_face(const BuildPlan *plan, MeshPoint *place)
{
	double		best = INFINITY;
	MeshPoint	to = *place;
	int			face = 0;

	for (int f = 0; f < plan->nfaces; f++)
	{
		const BuildFace *at = &plan->faces[f];
		double		dx = Max(Max(at->low.x - place->x, place->x - at->high.x), 0);
		double		dy = Max(Max(at->low.y - place->y, place->y - at->high.y), 0);
		MeshPoint	near;
		double		square;

		if (f % PAUSE_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (dx * dx + dy * dy >= best)
			continue;
		square = build_square_to_rings(&at->rings, *place, &near);
		if (square >= best)
			continue;
		best = square;
		face = f;
		to = near;
	}
	*place = to;
	return face;
}

static void
add_site(BuildPlan *plan, MeshPoint place, int face, int atom)
{
	if (plan->nsites == plan->sites_room)
	{
		plan->sites_room = plan->sites_room * 2 + 64;
		plan->sites = build_host.resize(plan->sites, host_bytes(plan->sites_room, sizeof(BuildSite)));
	}
	plan->sites[plan->nsites++] = (BuildSite) {place, face, atom};
}

/* A point in a polygon of another atom cannot be parted from it. */
static void
place_atom(BuildPlan *plan, BuildMap *map, BuildAtom *atoms, int atom)
{
	int			face = build_map_locate(map, atoms[atom].place);

	if (face < 0)
	{
		MeshPoint	given = atoms[atom].place;
		double		distance;

		face = nearest_face(plan, &atoms[atom].place);
		distance = sqrt(square_between(given, atoms[atom].place));
		/* On the border, rounding is not outside. */
		if (distance > plan->task->frame.quantum * OUTSIDE_QUANTA)
			plan->noutside++;
		plan->farthest = Max(plan->farthest, distance);
	}
	if (plan->faces[face].atom >= 0)
		unite(atoms, plan->faces[face].atom, atom);
	else
		add_site(plan, atoms[atom].place, face, atom);
}

/* Where a polygon is that has no face: inside of one that lies over it, or else outside of the area. */
static MeshPoint
place_of_hidden(const BuildPlan *plan, BuildTask *task, int atom)
{
	BuildRings	rings = {0};

	CHECK_FOR_INTERRUPTS();
	build_read_rings(&rings, task->atoms[atom].geometry, &task->frame);
	for (int f = 0; f < plan->nfaces; f++)
		if (build_rings_contain(&rings, plan->faces[f].inside))
			return plan->faces[f].inside;
	return build_place(task, &task->atoms[atom]);
}

static void
place_atoms(BuildPlan *plan, BuildTask *task)
{
	BuildMap   *map = build_map_begin();
	bool	   *has_face = palloc0_array(bool, task->natoms);

	for (int i = 0; i < plan->nfaces; i++)
	{
		build_map_add(map, i, &plan->faces[i].rings);
		if (plan->faces[i].atom >= 0)
			has_face[plan->faces[i].atom] = true;
	}
	build_map_finish(map);
	for (int i = 0; i < task->natoms; i++)
		task->atoms[i].unit = i;
	for (int i = 0; i < task->natoms; i++)
	{
		if (i % PAUSE_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (!task->atoms[i].point && !has_face[i])
			task->atoms[i].place = place_of_hidden(plan, task, i);
		/* A polygon without a face is outside the area or under others. */
		if (task->atoms[i].point || !has_face[i])
			place_atom(plan, map, task->atoms, i);
	}
}

/* --- samples of polygons' borders --- */

static bool
is_sliver(const BuildPlan *plan, const BuildFace *face)
{
	return 2 * face->area < SLIVER * face->perimeter * sqrt(plan->area_size / plan->task->natoms);
}

/*
 * Sites along an edge of a polygon: one near each end, as near to it as those of
 * the next edge, so that the border between two polygons begins at their common
 * corner; and between them so many that the steps are no longer than asked.
 */
static void
sample_edge(BuildPlan *plan, const Mesh *mesh, const MeshEdge *edge, int atom, double step)
{
	MeshPoint	a = mesh->points[edge->from];
	MeshPoint	b = mesh->points[edge->to];
	double		length = mesh_length(mesh, edge);
	double		end = Min(step / 4, length / 3) / length;
	int			between = (int) Min(length / step, (double) BUILD_MOST_SITES);

	for (int i = 0; i <= between + 1; i++)
	{
		double		where = end + (1 - 2 * end) * i / (between + 1);

		add_site(plan, (MeshPoint) {a.x + where * (b.x - a.x), a.y + where * (b.y - a.y)}, edge->face, atom);
	}
}

/* The faces as a mesh, in which each edge knows the face beyond it. */
static void
mesh_of_faces(const BuildPlan *plan, Mesh *mesh)
{
	MeshBuilder builder;

	mesh_begin(&builder, &build_host);
	for (int f = 0; f < plan->nfaces; f++)
	{
		const BuildRings *rings = &plan->faces[f].rings;

		for (int r = 0; r < rings->nrings; r++)
			(void) mesh_add_ring(&builder, f, rings->rings[r].hole,
								 (const double *) (rings->points + rings->rings[r].first), rings->rings[r].n, 2);
	}
	(void) mesh_finish(&builder, plan->nfaces, 0, mesh);
}

static void
sample_polygons(BuildPlan *plan)
{
	Mesh		mesh;
	double	   *step = palloc0_array(double, plan->nfaces);
	int			wanted = 0;

	for (int f = 0; f < plan->nfaces; f++)
	{
		const BuildFace *face = &plan->faces[f];

		if (face->atom >= 0 || is_sliver(plan, face))
			continue;
		/* About as wide as the face is, but not many to an atom. */
		step[f] = Max(2 * face->area / face->perimeter, sqrt(plan->area_size / plan->task->natoms) / 4);
		wanted++;
	}
	if (wanted == 0)
		return;
	mesh_of_faces(plan, &mesh);
	for (int e = 0; e < mesh.nedges; e++)
	{
		const MeshEdge *edge = &mesh.edges[e];
		int			beyond = edge->twin < 0 ? -1 : plan->faces[mesh.edges[edge->twin].face].atom;

		if (e % PAUSE_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (step[edge->face] > 0 && beyond >= 0)
			sample_edge(plan, &mesh, edge, beyond, step[edge->face]);
	}
	mesh_free(&build_host, &mesh);
}

/* --- cutting --- */

static int
compare_sites(const void *a, const void *b)
{
	const BuildSite *s = a;
	const BuildSite *t = b;

	if (s->face != t->face)
		return s->face < t->face ? -1 : 1;
	if (s->place.x != t->place.x)
		return s->place.x < t->place.x ? -1 : 1;
	if (s->place.y != t->place.y)
		return s->place.y < t->place.y ? -1 : 1;
	return (s->atom > t->atom) - (s->atom < t->atom);
}

void
build_sort_sites(BuildPlan *plan)
{
	if (plan->nsites > 1)
		qsort(plan->sites, plan->nsites, sizeof(BuildSite), compare_sites);
}

/* Bring the sites into their order; atoms at one place are one unit, and leave one site. */
static void
merge_sites(BuildPlan *plan, BuildAtom *atoms)
{
	int			kept = 0;

	build_sort_sites(plan);
	for (int i = 0; i < plan->nsites; i++)
	{
		BuildSite  *last = kept > 0 ? &plan->sites[kept - 1] : NULL;
		BuildSite  *site = &plan->sites[i];

		if (last && last->face == site->face && last->place.x == site->place.x && last->place.y == site->place.y)
			unite(atoms, last->atom, site->atom);
		else
			plan->sites[kept++] = *site;
	}
	plan->nsites = kept;
}

/* What pieces are collected in. */
typedef struct Pieces
{
	BuildPlan  *plan;
	BuildAtom  *atoms;
	MeshBuilder builder;
	int			room;
	SPIPlanPtr	voronoi;
	BuildMap   *faces;			/* where pieces of a face may lie outside of it */
} Pieces;

static void
add_piece(Pieces *pieces, const BuildRings *rings, int face, MeshPoint inside, int unit, double off)
{
	BuildPlan  *plan = pieces->plan;

	if (plan->npieces == pieces->room)
	{
		pieces->room = pieces->room * 2 + 64;
		plan->piece_face = build_host.resize(plan->piece_face, host_bytes(pieces->room, sizeof(int)));
		plan->piece_unit = build_host.resize(plan->piece_unit, host_bytes(pieces->room, sizeof(int)));
		plan->piece_inside = build_host.resize(plan->piece_inside, host_bytes(pieces->room, sizeof(MeshPoint)));
		plan->piece_off = build_host.resize(plan->piece_off, host_bytes(pieces->room, sizeof(double)));
		plan->piece_size = build_host.resize(plan->piece_size, host_bytes(pieces->room, sizeof(double)));
	}
	plan->piece_size[plan->npieces] = 0;
	for (int r = 0; r < rings->nrings; r++)
	{
		plan->piece_size[plan->npieces] += build_ring_area(rings, r) * (rings->rings[r].hole ? -1 : 1);
		if (!mesh_add_ring(&pieces->builder, plan->npieces, rings->rings[r].hole,
						   (const double *) (rings->points + rings->rings[r].first), rings->rings[r].n, 2))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many vertices to draw grids")));
	}
	plan->piece_face[plan->npieces] = face;
	plan->piece_off[plan->npieces] = off;
	plan->piece_unit[plan->npieces] = unit;
	plan->piece_inside[plan->npieces++] = inside;
}

static const BuildSite *
nearest_site(const BuildSite *sites, int n, MeshPoint place)
{
	double		best = INFINITY;
	const BuildSite *near = sites;

	for (int i = 0; i < n; i++)
	{
		double		square = square_between(sites[i].place, place);

		if (square < best)
		{
			best = square;
			near = &sites[i];
		}
	}
	return near;
}

/* $1 a face, $2 its sites, $3 the quantum: the pieces, also such as are outside of the face. */
static SPIPlanPtr
voronoi_plan(void)
{
	char	   *postgis = postgis_schema_quoted();
	Oid			types[3] = {postgis_type("geometry"), BYTEAOID, FLOAT8OID};
	SPIPlanPtr	plan = SPI_prepare(psprintf("SELECT d.geom, %s.ST_X(p.inside), %s.ST_Y(p.inside) FROM"
											" %s.ST_Dump(%s.ST_Polygonize(ARRAY[%s.ST_UnaryUnion(%s.ST_Collect(%s.ST_Boundary($1),"
											"  %s.ST_VoronoiLines(%s.ST_GeomFromWKB($2), 0::float8, $1)), $3)])) d,"
											" LATERAL (SELECT %s.ST_PointOnSurface(d.geom) AS inside) p",
											postgis, postgis, postgis, postgis, postgis, postgis, postgis,
											postgis, postgis, postgis), 3, types);

	if (plan == NULL)
		elog(ERROR, "preparing the query for Voronoi diagrams failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}

static Datum
sites_as_points(const BuildSite *sites, int n)
{
	StringInfoData wkb;
	int			head;

	wkb_begin(&wkb);
	head = wkb_open(&wkb, WKB_MULTI_POINT);
	for (int i = 0; i < n; i++)
		wkb_point(&wkb, sites[i].place.x, sites[i].place.y);
	wkb_set_count(&wkb, head, n);
	return wkb_finish(&wkb);
}

/* How far a piece is from the point it belongs to, squared; from a polygon that is not in this face, as far as can be. */
static double
square_off(const Pieces *pieces, const BuildRings *rings, const BuildSite *site)
{
	MeshPoint	near;

	if (!pieces->atoms[site->atom].point)
		return INFINITY;
	return build_rings_contain(rings, site->place) ? 0 : build_square_to_rings(rings, site->place, &near);
}

static void
cut_face(Pieces *pieces, int face, const BuildSite *sites, int n)
{
	Datum		values[3] = {pieces->plan->faces[face].geometry, sites_as_points(sites, n),
	Float8GetDatum(pieces->plan->task->frame.quantum)};
	volatile int result = 0;

	CHECK_FOR_INTERRUPTS();
	if (pieces->voronoi == NULL)
		pieces->voronoi = voronoi_plan();
	PG_TRY();
	{
		result = SPI_execute_plan(pieces->voronoi, values, NULL, true, 0);
	}
	PG_CATCH();
	{
		/* As in build_query: a cancel is not a failure. */
		CHECK_FOR_INTERRUPTS();
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (result != SPI_OK_SELECT)
		elog(ERROR, "drawing a Voronoi diagram failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		BuildRings	rings = {0};
		const BuildSite *site;
		MeshPoint	inside;
		bool		isnull;

		if (i % 64 == 0)
			CHECK_FOR_INTERRUPTS();
		inside.x = DatumGetFloat8(build_value(i, 2, &isnull));
		inside.y = DatumGetFloat8(build_value(i, 3, &isnull));
		if (build_map_locate(pieces->faces, inside) != face)
			continue;
		build_read_rings(&rings, build_value(i, 1, &isnull), NULL);
		site = nearest_site(sites, n, inside);
		add_piece(pieces, &rings, face, inside, unit_of(pieces->atoms, site->atom),
				  square_off(pieces, &rings, site));
		pfree(rings.rings);
		pfree(rings.points);
	}
	SPI_freetuptable(SPI_tuptable);
	pfree(DatumGetPointer(values[1]));
}

/* Whether sites are of more than one unit. */
static bool
is_shared(const Pieces *pieces, const BuildSite *sites, int n)
{
	for (int i = 1; i < n; i++)
		if (unit_of(pieces->atoms, sites[i].atom) != unit_of(pieces->atoms, sites[0].atom))
			return true;
	return false;
}

static void
cut_faces(Pieces *pieces)
{
	BuildPlan  *plan = pieces->plan;
	int			end = 0;

	for (int f = 0; f < plan->nfaces; f++)
	{
		const BuildFace *face = &plan->faces[f];
		const BuildSite *sites = plan->sites + end;
		int			begin = end;

		while (end < plan->nsites && plan->sites[end].face == f)
			end++;
		if (is_shared(pieces, sites, end - begin))
			cut_face(pieces, f, sites, end - begin);
		else
			add_piece(pieces, &face->rings, f, face->inside,
					  face->atom >= 0 ? unit_of(pieces->atoms, face->atom)
					  : begin < end ? unit_of(pieces->atoms, sites[0].atom)
					  : is_sliver(plan, face) ? BUILD_LOOSE : BUILD_EMPTY, 0);
	}
}

/* The unit with a piece whose site, or else whose piece, is nearest to a place; -1 where there is none. */
static int
nearest_with_piece(const Pieces *pieces, MeshPoint place, const bool *has_piece)
{
	const BuildPlan *plan = pieces->plan;
	double		best = INFINITY;
	int			unit = -1;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < plan->nsites; i++)
	{
		double		square = square_between(plan->sites[i].place, place);

		if (square >= best || !has_piece[unit_of(pieces->atoms, plan->sites[i].atom)])
			continue;
		best = square;
		unit = unit_of(pieces->atoms, plan->sites[i].atom);
	}
	for (int p = 0; p < plan->npieces && plan->nsites == 0; p++)
	{
		double		square = square_between(plan->piece_inside[p], place);

		if (plan->piece_unit[p] < 0 || square >= best)
			continue;
		best = square;
		unit = plan->piece_unit[p];
	}
	return unit;
}

/*
 * Unite units that have no piece with whoever is nearest: the diagram or the
 * lattice could not tell them apart.  Pieces without edges are nowhere.
 */
static void
unite_lost(Pieces *pieces)
{
	BuildPlan  *plan = pieces->plan;
	const BuildTask *task = plan->task;
	bool	   *has_edge = host_array(&build_host, bool, plan->npieces);
	bool	   *has_piece = palloc0_array(bool, task->natoms);

	memset(has_edge, 0, plan->npieces);
	for (int e = 0; e < plan->mesh.nedges; e++)
		has_edge[plan->mesh.edges[e].face] = true;
	for (int i = 0; i < plan->npieces; i++)
	{
		if (!has_edge[i])
		{
			plan->piece_unit[i] = BUILD_LOOSE;
			plan->piece_off[i] = INFINITY;
			plan->piece_size[i] = 0;
		}
		else if (plan->piece_unit[i] >= 0)
			has_piece[plan->piece_unit[i]] = true;
	}
	for (int i = 0; i < task->natoms; i++)
		if (unit_of(pieces->atoms, i) == i && !has_piece[i])
		{
			int			near = nearest_with_piece(pieces, build_place(task, &task->atoms[i]), has_piece);

			if (near < 0)
				continue;
			unite(pieces->atoms, near, i);
			has_piece[unit_of(pieces->atoms, i)] = true;
		}
	for (int i = 0; i < plan->npieces; i++)
	{
		if (plan->piece_unit[i] >= 0)
			plan->piece_unit[i] = unit_of(pieces->atoms, plan->piece_unit[i]);
		else if (!has_edge[i])
			plan->piece_unit[i] = unit_of(pieces->atoms, 0);
	}
	for (int i = 0; i < task->natoms; i++)
		(void) unit_of(pieces->atoms, i);
	build_host.release(has_edge);
}

void
build_pieces(BuildPlan *plan)
{
	BuildTask  *task = unconstify(BuildTask *, plan->task);
	Pieces		pieces = {.plan = plan, .atoms = task->atoms};

	place_atoms(plan, task);
	sample_polygons(plan);
	merge_sites(plan, task->atoms);
	build_cuts(plan);
	pieces.faces = build_map_begin();
	for (int f = 0; f < plan->nfaces; f++)
		build_map_add(pieces.faces, f, &plan->faces[f].rings);
	build_map_finish(pieces.faces);
	mesh_begin(&pieces.builder, &build_host);
	cut_faces(&pieces);
	if (!mesh_finish(&pieces.builder, plan->npieces, 2 * task->frame.quantum, &plan->mesh))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("lines of the area and the atoms could not be noded"),
				 errhint("Bring all geometries onto one grid with ST_SnapToGrid.")));
	unite_lost(&pieces);
}
