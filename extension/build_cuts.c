/*
 * build_cuts.c
 *	  Faces with more sites than one call of PostGIS should be given, cut by
 *	  upright and level lines until none has too many.
 *
 * Such a cut is nobody's line: borders neither keep to it nor stay there, and it
 * goes with the edges that have the same grid on both sides.
 */
#include "build.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "wkb.h"

static int
compare_x(const void *a, const void *b)
{
	const MeshPoint *p = a;
	const MeshPoint *q = b;

	return (p->x > q->x) - (p->x < q->x);
}

static int
compare_y(const void *a, const void *b)
{
	const MeshPoint *p = a;
	const MeshPoint *q = b;

	return (p->y > q->y) - (p->y < q->y);
}

static double
middle(double low, double high, double quantum)
{
	return floor((low + high) / 2 / quantum) * quantum;
}

typedef struct Cuts
{
	StringInfoData wkb;			/* lines */
	uint32		n;
	double		quantum;
} Cuts;

static void
add_cut(Cuts *cuts, MeshPoint from, MeshPoint to)
{
	double		line[4] = {from.x, from.y, to.x, to.y};

	wkb_set_count(&cuts->wkb, wkb_open(&cuts->wkb, WKB_LINE), 2);
	wkb_points(&cuts->wkb, line, 2);
	cuts->n++;
}

/* Cut a box at the median of the points in it, across its longer side, and so on. */
static void
cut_box(Cuts *cuts, MeshPoint *points, int n, MeshPoint low, MeshPoint high)
{
	bool		upright = high.x - low.x >= high.y - low.y;
	double		at;
	MeshPoint	end = high;
	MeshPoint	begin = low;

	CHECK_FOR_INTERRUPTS();
	if (n <= BUILD_MOST_SITES)
		return;
	qsort(points, n, sizeof(MeshPoint), upright ? compare_x : compare_y);
	if (upright)
	{
		at = middle(points[n / 2 - 1].x, points[n / 2].x, cuts->quantum);
		begin.x = end.x = at;
	}
	else
	{
		at = middle(points[n / 2 - 1].y, points[n / 2].y, cuts->quantum);
		begin.y = end.y = at;
	}
	/* A box of the width of a quantum cannot be cut. */
	if (at <= (upright ? low.x : low.y) || at >= (upright ? high.x : high.y))
		return;
	add_cut(cuts, begin, end);
	cut_box(cuts, points, n / 2, low, end);
	cut_box(cuts, points + n / 2, n - n / 2, begin, high);
}

/* The cuts of a face as WKB; how many there are. */
static Datum
find_cuts(const BuildPlan *plan, const BuildFace *face, const BuildSite *sites, int n, uint32 *ncuts)
{
	Cuts		cuts = {.quantum = plan->task->frame.quantum};
	MeshPoint  *points = palloc_extended(host_bytes(n, sizeof(MeshPoint)), MCXT_ALLOC_HUGE);
	int			head;

	for (int i = 0; i < n; i++)
		points[i] = sites[i].place;
	wkb_begin(&cuts.wkb);
	head = wkb_open(&cuts.wkb, WKB_MULTI_LINE);
	cut_box(&cuts, points, n, face->low, face->high);
	wkb_set_count(&cuts.wkb, head, cuts.n);
	pfree(points);
	*ncuts = cuts.n;
	return wkb_finish(&cuts.wkb);
}

/* Cut a face; its pieces are faces at the end of the list, all but the first. */
static void
cut_face(BuildPlan *plan, int f, Datum cuts)
{
	char	   *postgis = postgis_schema_quoted();
	Oid			types[3] = {postgis_type("geometry"), BYTEAOID, FLOAT8OID};
	Datum		values[3] = {plan->faces[f].geometry, cuts, Float8GetDatum(plan->task->frame.quantum)};
	BuildMap   *map = build_map_begin();
	int			origin = plan->faces[f].origin;
	uint64		rows;

	build_map_add(map, f, &plan->faces[f].rings);
	build_map_finish(map);
	rows = build_query(build_faces_query(psprintf("%s.ST_Collect(%s.ST_Boundary($1), %s.ST_GeomFromWKB($2))",
												  postgis, postgis, postgis), "$3"), 3, types, values);
	plan->faces = build_host.resize(plan->faces, host_bytes(plan->nfaces + rows, sizeof(BuildFace)));
	for (uint64 i = 0, found = 0; i < rows; i++)
	{
		BuildFace	piece;

		if (!build_read_face(i, map, &piece))
			continue;
		piece.origin = origin;
		plan->faces[found++ == 0 ? f : plan->nfaces++] = piece;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Sites of a face that was cut go to the piece they are in. */
static void
move_sites(const BuildPlan *plan, int f, int first_new, BuildSite *sites, int n)
{
	BuildMap   *map = build_map_begin();

	build_map_add(map, f, &plan->faces[f].rings);
	for (int i = first_new; i < plan->nfaces; i++)
		build_map_add(map, i, &plan->faces[i].rings);
	build_map_finish(map);
	for (int i = 0; i < n; i++)
	{
		int			face = build_map_locate(map, sites[i].place);

		/* On the border of the face, rounding may have left it outside. */
		if (face >= 0)
			sites[i].face = face;
	}
}

/* The sites are in the order of their faces, before and after. */
void
build_cuts(BuildPlan *plan)
{
	int			nfaces = plan->nfaces;
	int			end = 0;

	for (int f = 0; f < nfaces; f++)
	{
		BuildSite  *sites = plan->sites + end;
		int			n = 0;
		int			first_new = plan->nfaces;
		uint32		ncuts;
		Datum		cuts;

		for (; end < plan->nsites && plan->sites[end].face == f; end++)
			n++;
		if (n <= BUILD_MOST_SITES)
			continue;
		cuts = find_cuts(plan, &plan->faces[f], sites, n, &ncuts);
		if (ncuts == 0)
			continue;
		cut_face(plan, f, cuts);
		move_sites(plan, f, first_new, sites, n);
	}
	if (plan->nfaces > nfaces)
		build_sort_sites(plan);
}
