/*
 * build_lines.c
 *	  The area cut along all lines that are given: its own border, polygons of
 *	  atoms, barriers. What lies between them are faces.
 *
 * All lines are noded together once, on the lattice of the local coordinates,
 * so that neighbours have identical vertices.  Barriers end where polygons
 * begin, which are never split.
 */
#include "build.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "postgis.h"
#include "utils/builtins.h"
#include "wkb.h"

/* A border of polygons of atoms runs along a barrier that is so many of their widths away. */
#define REACH_OF_POLYGONS	0.02

/* On lines that are noded, only rounding is to be forgiven. */
#define REACH_OF_LINES		4

/* --- barriers --- */

/* SQL for the lines of $1 near the area in local coordinates. */
static char *
barriers_query(const BuildTask *task, const double box[4])
{
	char	   *postgis = postgis_schema_quoted();
	double		margin_x = (box[2] - box[0]) / 64;
	double		margin_y = (box[3] - box[1]) / 64;

	return psprintf("SELECT %s.ST_SetSRID(%s.ST_SnapToGrid(%s.ST_Scale(%s.ST_Translate("
					"  %s.ST_Collect(%s.ST_CollectionExtract(c.g, 2), %s.ST_Boundary(%s.ST_CollectionExtract(c.g, 3))),"
					"  %.17g, %.17g), %.17g, %.17g), %.17g), 0) FROM (SELECT %s.ST_ClipByBox2D(%s.ST_CurveToLine(%s.ST_Force2D($1)),"
					"  %s.ST_MakeEnvelope(%.17g, %.17g, %.17g, %.17g, %d)::%s.box2d) AS g) c",
					postgis, postgis, postgis, postgis, postgis, postgis, postgis, postgis,
					-task->frame.x0, -task->frame.y0, task->frame.scale_x, task->frame.scale_y, task->frame.quantum,
					postgis, postgis, postgis, postgis,
					box[0] - margin_x, box[1] - margin_y, box[2] + margin_x, box[3] + margin_y, task->srid, postgis);
}

/* Keep the sides of the barriers. */
static void
read_barriers(BuildPlan *plan, Datum lines)
{
	char	   *postgis = postgis_schema_quoted();
	Oid			types[1] = {postgis_type("geometry")};
	Datum		values[1] = {lines};

	plan->nbarriers = (int) build_query(psprintf("SELECT %s.ST_X(s.a), %s.ST_Y(s.a), %s.ST_X(s.b), %s.ST_Y(s.b) FROM"
												 " (SELECT %s.ST_StartPoint(d.geom) AS a, %s.ST_EndPoint(d.geom) AS b"
												 "  FROM %s.ST_DumpSegments($1) d) s",
												 postgis, postgis, postgis, postgis, postgis, postgis, postgis),
										1, types, values);
	plan->barriers = host_array(&build_host, BuildBarrier, plan->nbarriers);
	for (int i = 0; i < plan->nbarriers; i++)
	{
		double		ends[4];
		bool		isnull;

		for (int j = 0; j < 4; j++)
		{
			ends[j] = DatumGetFloat8(build_value(i, j + 1, &isnull));
			if (!isfinite(ends[j]))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("barriers have a coordinate that is not finite")));
		}
		plan->barriers[i] = (BuildBarrier) {{ends[0], ends[1]}, {ends[2], ends[3]}};
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The barriers' lines near the area; 0 where there are none. */
static Datum
local_barriers(BuildPlan *plan, const double box[4])
{
	const BuildTask *task = plan->task;
	Oid			types[1] = {postgis_type("geometry")};
	Datum		values[1] = {task->barriers};
	Datum		lines;
	bool		isnull;

	if (!task->has_barriers)
		return 0;
	(void) build_query(barriers_query(task, box), 1, types, values);
	lines = build_value(0, 1, &isnull);
	if (isnull)
		return 0;
	lines = PointerGetDatum(PG_DETOAST_DATUM_COPY(lines));
	SPI_freetuptable(SPI_tuptable);
	read_barriers(plan, lines);
	return plan->nbarriers > 0 ? lines : 0;
}

/* --- faces --- */

static void
put_rings(StringInfo wkb, const BuildRings *rings, uint32 *lines)
{
	for (int i = 0; i < rings->nrings; i++)
	{
		int			place;

		if (rings->rings[i].n < 2)
			continue;
		place = wkb_open(wkb, WKB_LINE);
		wkb_set_count(wkb, place, rings->rings[i].n);
		wkb_points(wkb, (const double *) (rings->points + rings->rings[i].first), rings->rings[i].n);
		(*lines)++;
	}
}

/* All lines that are given but barriers, as WKB. */
static Datum
given_lines(const BuildPlan *plan, const BuildRings *polygons, int npolygons)
{
	StringInfoData wkb;
	uint32		lines = 0;
	int			head;

	wkb_begin(&wkb);
	head = wkb_open(&wkb, WKB_MULTI_LINE);
	put_rings(&wkb, &plan->area, &lines);
	for (int i = 0; i < npolygons; i++)
		put_rings(&wkb, &polygons[i], &lines);
	wkb_set_count(&wkb, head, lines);
	return wkb_finish(&wkb);
}

/* Put a shell and its holes, but rings that the lattice made flat; the number of polygons put. */
static int
put_polygon(StringInfo wkb, const BuildRings *rings, int *next)
{
	bool		flat = rings->rings[*next].n < 4;
	int			place = flat ? 0 : wkb_open(wkb, WKB_POLYGON);
	uint32		put = 0;

	do
	{
		const BuildRing *ring = &rings->rings[(*next)++];

		if (flat || ring->n < 4)
			continue;
		wkb_number(wkb, ring->n);
		wkb_points(wkb, (const double *) (rings->points + ring->first), ring->n);
		put++;
	} while (*next < rings->nrings && rings->rings[*next].hole);
	if (!flat)
		wkb_set_count(wkb, place, put);
	return put > 0;
}

/* The polygons of atoms, for barriers to be cut off at. */
static Datum
given_polygons(const BuildRings *polygons, int npolygons)
{
	StringInfoData wkb;
	uint32		count = 0;
	int			head;

	wkb_begin(&wkb);
	head = wkb_open(&wkb, WKB_MULTI_POLYGON);
	for (int i = 0; i < npolygons; i++)
	{
		const BuildRings *rings = &polygons[i];

		for (int r = 0; r < rings->nrings;)
			count += put_polygon(&wkb, rings, &r);
	}
	wkb_set_count(&wkb, head, count);
	return wkb_finish(&wkb);
}

char *
build_faces_query(const char *lines, const char *quantum)
{
	char	   *postgis = postgis_schema_quoted();

	return psprintf("SELECT d.geom, %s.ST_X(p.inside), %s.ST_Y(p.inside), %s.ST_Area(d.geom), %s.ST_Perimeter(d.geom)"
					" FROM %s.ST_Dump(%s.ST_Polygonize(ARRAY[%s.ST_UnaryUnion(%s, %s)])) d,"
					"  LATERAL (SELECT %s.ST_PointOnSurface(d.geom) AS inside) p",
					postgis, postgis, postgis, postgis, postgis, postgis, postgis, lines, quantum, postgis);
}

/* SQL for the lines $1, with $2 where there are barriers, less the polygons $3 where there are some. */
static char *
lines_expression(bool barriers, bool polygons)
{
	char	   *postgis = postgis_schema_quoted();

	if (!barriers)
		return psprintf("%s.ST_GeomFromWKB($1)", postgis);
	return psprintf("%s.ST_Collect(%s.ST_GeomFromWKB($1), %s)", postgis, postgis, !polygons ? "$2" :
					psprintf("%s.ST_Difference($2, %s.ST_UnaryUnion(%s.ST_MakeValid(%s.ST_GeomFromWKB($3))))",
							 postgis, postgis, postgis, postgis));
}

bool
build_read_face(uint64 row, BuildMap *within, BuildFace *face)
{
	bool		isnull;

	memset(face, 0, sizeof(*face));
	face->inside.x = DatumGetFloat8(build_value(row, 2, &isnull));
	face->inside.y = DatumGetFloat8(build_value(row, 3, &isnull));
	face->area = DatumGetFloat8(build_value(row, 4, &isnull));
	face->perimeter = DatumGetFloat8(build_value(row, 5, &isnull));
	face->atom = -1;
	if (build_map_locate(within, face->inside) < 0)
		return false;
	face->geometry = PointerGetDatum(PG_DETOAST_DATUM_COPY(build_value(row, 1, &isnull)));
	build_read_rings(&face->rings, face->geometry, NULL);
	face->low = face->high = face->rings.points[0];
	for (int i = 0; i < face->rings.npoints; i++)
	{
		face->low.x = Min(face->low.x, face->rings.points[i].x);
		face->low.y = Min(face->low.y, face->rings.points[i].y);
		face->high.x = Max(face->high.x, face->rings.points[i].x);
		face->high.y = Max(face->high.y, face->rings.points[i].y);
	}
	return true;
}

/* Read the faces that are in the area. */
static void
read_faces(BuildPlan *plan, uint64 rows)
{
	BuildMap   *map = build_map_begin();

	build_map_add(map, 0, &plan->area);
	build_map_finish(map);
	plan->faces = build_host.resize(NULL, host_bytes(rows, sizeof(BuildFace)));
	for (uint64 i = 0; i < rows; i++)
		if (build_read_face(i, map, &plan->faces[plan->nfaces]))
		{
			plan->faces[plan->nfaces].origin = plan->nfaces;
			plan->area_size += plan->faces[plan->nfaces++].area;
		}
	SPI_freetuptable(SPI_tuptable);
	if (plan->nfaces == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("area is too thin to draw grids in")));
}

/* Whose polygon each face is in; of several, the lowest id's. */
static void
find_owners(BuildPlan *plan, const BuildRings *polygons, const int *atoms, int npolygons)
{
	BuildMap   *map;

	if (npolygons == 0)
		return;
	map = build_map_begin();
	for (int i = 0; i < npolygons; i++)
		build_map_add(map, atoms[i], &polygons[i]);
	build_map_finish(map);
	for (int i = 0; i < plan->nfaces; i++)
		plan->faces[i].atom = build_map_locate(map, plan->faces[i].inside);
}

void
build_lines(BuildPlan *plan)
{
	BuildTask  *task = unconstify(BuildTask *, plan->task);
	BuildRings *polygons = palloc0_array(BuildRings, task->natoms);
	int		   *atoms = palloc_array(int, task->natoms);
	int			npolygons = 0;
	double		box[4];
	Oid			types[3] = {BYTEAOID, postgis_type("geometry"), BYTEAOID};
	Datum		values[3];

	(void) geometry_box(task->area, box);
	build_read_rings(&plan->area, task->area, &task->frame);
	for (int i = 0; i < task->natoms; i++)
	{
		if (task->atoms[i].point)
			continue;
		atoms[npolygons] = i;
		build_read_rings(&polygons[npolygons], task->atoms[i].geometry, &task->frame);
		task->atoms[i].parts = polygons[npolygons].rings[polygons[npolygons].nrings - 1].polygon + 1;
		npolygons++;
	}
	values[0] = given_lines(plan, polygons, npolygons);
	values[1] = local_barriers(plan, box);
	values[2] = npolygons > 0 ? given_polygons(polygons, npolygons) : 0;
	read_faces(plan, build_query(build_faces_query(lines_expression(values[1] != 0, npolygons > 0),
																   psprintf("%.17g", task->frame.quantum)),
								 values[1] == 0 ? 1 : npolygons > 0 ? 3 : 2, types, values));
	find_owners(plan, polygons, atoms, npolygons);
	plan->barrier_reach = REACH_OF_LINES * task->frame.quantum;
	if (npolygons > 0)
		plan->barrier_reach = Max(plan->barrier_reach, REACH_OF_POLYGONS * sqrt(plan->area_size / task->natoms));
}
