/*
 * build_task.c
 *	  The arguments of grid_build, grid_adjust and grid_build_report, checked.
 */
#include "build.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "postgis.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Arguments, as sql/install/30-build.sql declares them; those after AREA stand one later in grid_adjust. */
enum
{
	ARG_IDS,
	ARG_ATOMS,
	ARG_HOUSEHOLDS,
	ARG_RESIDENTS,
	ARG_AREA,
	ARG_CURRENT,				/* of grid_adjust only */
	ARG_BARRIERS = ARG_CURRENT,
	ARG_GRIDS,
	ARG_WINDOWS,
	NARGS = ARG_WINDOWS + 2 * PARTITION_WEIGHTS
};

static const char *const names[] = {
	"ids", "atoms", "households", NULL, "area", NULL, NULL,
	"households_min", "households_max", "residents_min", "residents_max"
};
static const char *const adjust_names[] = {
	"ids", "atoms", "households", NULL, "area", "current", NULL, NULL,
	"households_min", "households_max", "residents_min", "residents_max"
};

/* The members of a one-dimensional array without nulls. */
static Datum *
array_members(FunctionCallInfo fcinfo, int arg, const char *name, Oid type, int *n)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(arg);
	Datum	   *members;
	bool	   *nulls;
	int16		length;
	bool		by_value;
	char		align;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must have one dimension, not %d", name, ARR_NDIM(array))));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain nulls", name)));
	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(array, type, length, by_value, align, &members, &nulls, n);
	return members;
}

/* The same, with as many members as there are ids. */
static Datum *
array_of_atoms(FunctionCallInfo fcinfo, int arg, const char *name, Oid type, int natoms)
{
	int			n;
	Datum	   *members = array_members(fcinfo, arg, name, type, &n);

	if (n != natoms)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays must have one member for each id"),
				 errdetail("\"ids\" has length %d, but \"%s\" has length %d.", natoms, name, n)));
	return members;
}

static int
compare_ids(const void *a, const void *b)
{
	const BuildAtom *l = a;
	const BuildAtom *r = b;

	return (l->id > r->id) - (l->id < r->id);
}

static void
take_counts(BuildTask *task, int weight, const Datum *counts, const char *name)
{
	int64		total = 0;

	for (int i = 0; i < task->natoms; i++)
	{
		int32		count = DatumGetInt32(counts[i]);

		if (count < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s of atom %lld must not be negative: %d", name, (long long) task->atoms[i].id, count)));
		task->atoms[i].weight[weight] = count;
		total += count;
	}
	if (total > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s of all atoms are out of range: %lld", name, (long long) total)));
}

static void
take_atoms(BuildTask *task, FunctionCallInfo fcinfo)
{
	Datum	   *ids = array_members(fcinfo, ARG_IDS, "ids", INT8OID, &task->natoms);
	int			n = task->natoms;
	Datum	   *atoms = array_of_atoms(fcinfo, ARG_ATOMS, "atoms", postgis_type("geometry"), n);

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there must be at least one atom")));
	task->atoms = palloc0_array(BuildAtom, n);
	for (int i = 0; i < n; i++)
	{
		task->atoms[i].id = DatumGetInt64(ids[i]);
		task->atoms[i].geometry = atoms[i];
		task->atoms[i].current = -1;
	}
	take_counts(task, 0, array_of_atoms(fcinfo, ARG_HOUSEHOLDS, "households", INT4OID, n), "households");
	task->has_residents = !PG_ARGISNULL(ARG_RESIDENTS);
	if (task->has_residents)
		take_counts(task, 1, array_of_atoms(fcinfo, ARG_RESIDENTS, "residents", INT4OID, n), "residents");
}

static int
compare_numbers(const void *a, const void *b)
{
	return (*(const int *) a > *(const int *) b) - (*(const int *) a < *(const int *) b);
}

/* The grids there are now, numbered from 0 in the order of their numbers. Null: in none yet. */
static void
take_current(BuildTask *task, FunctionCallInfo fcinfo)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(ARG_CURRENT);
	Datum	   *members;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &members, &nulls, &n);
	if (ARR_NDIM(array) > 1 || n != task->natoms)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays must have one member for each id"),
				 errdetail("\"ids\" has length %d, but \"current\" has length %d.", task->natoms, n)));
	task->numbers = palloc_array(int, n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			task->numbers[task->ncurrent++] = DatumGetInt32(members[i]);
	if (task->ncurrent == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no atom has a current grid"),
				 errhint("Draw new grids with grid_build.")));
	qsort(task->numbers, task->ncurrent, sizeof(int), compare_numbers);
	n = 0;
	for (int i = 0; i < task->ncurrent; i++)
		if (i == 0 || task->numbers[i] != task->numbers[i - 1])
			task->numbers[n++] = task->numbers[i];
	task->ncurrent = n;
	for (int i = 0; i < task->natoms; i++)
		if (!nulls[i])
		{
			int			number = DatumGetInt32(members[i]);
			int		   *place = bsearch(&number, task->numbers, task->ncurrent, sizeof(int), compare_numbers);

			task->atoms[i].current = (int) (place - task->numbers);
		}
}

/* By id, so that the order in which rows came does not matter. */
static void
sort_atoms(BuildTask *task)
{
	qsort(task->atoms, task->natoms, sizeof(BuildAtom), compare_ids);
	for (int i = 1; i < task->natoms; i++)
		if (task->atoms[i].id == task->atoms[i - 1].id)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("atom %lld is given more than once", (long long) task->atoms[i].id),
					 errhint("Add up the households of one building before the call.")));
}

static void
take_window(BuildTask *task, FunctionCallInfo fcinfo, int arg, int weight, const char *name)
{
	int32		min = PG_GETARG_INT32(arg);
	int32		max = PG_GETARG_INT32(arg + 1);

	if (min < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s_min must not be negative: %d", name, min)));
	if (min > max || max == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 max == 0 ? errmsg("%s_max must be above 0", name)
				 : errmsg("%s_min is greater than %s_max: %d > %d", name, name, min, max)));
	task->bounds.min[weight] = min;
	task->bounds.max[weight] = max;
}

static void
take_bounds(BuildTask *task, FunctionCallInfo fcinfo, int later)
{
	if (!PG_ARGISNULL(ARG_GRIDS + later))
	{
		task->grids = PG_GETARG_INT32(ARG_GRIDS + later);
		if (task->grids < 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("grids must be at least 1: %d", task->grids)));
	}
	take_window(task, fcinfo, ARG_WINDOWS + later, 0, "households");
	take_window(task, fcinfo, ARG_WINDOWS + later + 2, 1, "residents");
	if (!task->has_residents)
	{
		task->bounds.min[1] = 0;
		task->bounds.max[1] = PG_INT64_MAX;
	}
}

/* --- geometries --- */

static bool
is_polygonal(const GeometryHead *head)
{
	const char *type = geometry_type_name(head->type);

	return strcmp(type, "ST_Polygon") == 0 || strcmp(type, "ST_MultiPolygon") == 0;
}

/* The square of what is larger, and sums of that, might not be finite. */
#define MOST_COORDINATE	1e15

static void
refuse_far(const double box[4], const char *what)
{
	for (int i = 0; i < 4; i++)
		if (!(fabs(box[i]) <= MOST_COORDINATE))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("coordinates of %s are out of range: %g", what, box[i])));
}

/* Points to finite places; the SRID of all is the area's. */
static void
check_atom(BuildTask *task, BuildAtom *atom)
{
	GeometryHead head = geometry_head(atom->geometry);

	atom->point = head.is_point;
	if (!head.is_point && !is_polygonal(&head))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("atom %lld must be a point or a polygon, not %s",
						(long long) atom->id, geometry_type_name(head.type))));
	if (head.srid != task->srid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("atom %lld has SRID %d, but the area has SRID %d",
						(long long) atom->id, head.srid, task->srid),
				 errhint("Bring all geometries into one SRID with ST_Transform.")));
	if (head.is_point && (head.empty || !isfinite(head.x) || !isfinite(head.y)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("atom %lld has no place", (long long) atom->id),
				 errdetail("Its point is empty, or its coordinates are not finite.")));
	atom->place = (MeshPoint) {head.x, head.y};
	if (head.is_point)
		refuse_far((double[4]) {head.x, head.y, head.x, head.y}, psprintf("atom %lld", (long long) atom->id));
}

/* PostGIS's judgement of polygons; the n-th is called by its name. */
static void
check_valid(Datum *polygons, int n, char *(*name_of) (void *, int), void *arg)
{
	char	   *postgis = postgis_schema_quoted();
	Oid			geometry = postgis_type("geometry");
	Oid			types[1] = {get_array_type(geometry)};
	int16		length;
	bool		by_value;
	char		align;
	Datum		values[1];
	bool		isnull;

	if (n == 0)
		return;
	get_typlenbyvalalign(geometry, &length, &by_value, &align);
	values[0] = PointerGetDatum(construct_array(polygons, n, geometry, length, by_value, align));
	if (build_query(psprintf("SELECT g.n, (d.detail).reason, %s.ST_AsText((d.detail).location), %s.ST_IsEmpty(g.geom)"
							 " FROM pg_catalog.unnest($1) WITH ORDINALITY AS g(geom, n),"
							 "  LATERAL (SELECT %s.ST_IsValidDetail(g.geom) AS detail) d"
							 " WHERE %s.ST_IsEmpty(g.geom) OR NOT (d.detail).valid ORDER BY g.n LIMIT 1",
							 postgis, postgis, postgis, postgis), 1, types, values) > 0)
	{
		char	   *name = name_of(arg, (int) DatumGetInt64(build_value(0, 1, &isnull)) - 1);
		Datum		reason = build_value(0, 2, &isnull);

		if (DatumGetBool(build_value(0, 4, &isnull)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s is empty", name)));
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not a valid polygon", name),
				 errdetail("%s at %s.", TextDatumGetCString(reason), TextDatumGetCString(build_value(0, 3, &isnull))),
				 errhint("Repair it with ST_MakeValid.")));
	}
	SPI_freetuptable(SPI_tuptable);
}

static char *
name_of_area(void *arg pg_attribute_unused(), int n pg_attribute_unused())
{
	return pstrdup("area");
}

static char *
name_of_atom(void *arg, int n)
{
	BuildAtom **polygons = arg;

	return psprintf("atom %lld", (long long) polygons[n]->id);
}

static void
check_area(BuildTask *task)
{
	GeometryHead head = geometry_head(task->area);

	if (!is_polygonal(&head))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("area must be a polygon, not %s", geometry_type_name(head.type))));
	task->srid = head.srid;
	check_valid(&task->area, 1, name_of_area, NULL);
	if (!task->has_barriers)
		return;
	head = geometry_head(task->barriers);
	if (head.srid != task->srid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("barriers have SRID %d, but the area has SRID %d", head.srid, task->srid),
				 errhint("Bring all geometries into one SRID with ST_Transform.")));
}

static void
check_polygon_atoms(BuildTask *task)
{
	Datum	   *polygons = palloc_array(Datum, task->natoms);
	BuildAtom **atoms = palloc_array(BuildAtom *, task->natoms);
	int			n = 0;

	for (int i = 0; i < task->natoms; i++)
	{
		if (task->atoms[i].point)
			continue;
		atoms[n] = &task->atoms[i];
		polygons[n++] = task->atoms[i].geometry;
	}
	check_valid(polygons, n, name_of_atom, atoms);
	for (int i = 0; i < n; i++)
	{
		double		box[4];

		if (geometry_box(polygons[i], box))
			refuse_far(box, name_of_atom(atoms, i));
	}
}

/* Coordinates of this SRID are degrees. */
static bool
is_geographic(int32 srid)
{
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(srid)};
	uint64		found;

	if (srid <= 0)
		return false;
	found = build_query(psprintf("SELECT 1 FROM %s.spatial_ref_sys"
								 " WHERE srid = $1 AND proj4text ~ '[+]proj=longlat'", postgis_schema_quoted()),
						1, types, values);
	SPI_freetuptable(SPI_tuptable);
	return found > 0;
}

MeshPoint
build_place(const BuildTask *task, const BuildAtom *atom)
{
	char	   *postgis = postgis_schema_quoted();
	Oid			types[1] = {postgis_type("geometry")};
	Datum		values[1] = {atom->geometry};
	double		x;
	double		y;
	bool		isnull;

	if (atom->point)
		return atom->place;
	(void) build_query(psprintf("SELECT %s.ST_X(p), %s.ST_Y(p) FROM %s.ST_PointOnSurface($1) AS p",
								postgis, postgis, postgis), 1, types, values);
	x = DatumGetFloat8(build_value(0, 1, &isnull));
	y = DatumGetFloat8(build_value(0, 2, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return frame_local(&task->frame, x, y);
}

BuildTask *
build_task(FunctionCallInfo fcinfo, bool adjust)
{
	BuildTask  *task = palloc0(sizeof(BuildTask));
	double		box[4];

	refuse_null_arguments(fcinfo, adjust ? adjust_names : names, NARGS + adjust);
	task->adjust = adjust;
	take_atoms(task, fcinfo);
	if (adjust)
		take_current(task, fcinfo);
	sort_atoms(task);
	take_bounds(task, fcinfo, adjust);
	task->area = PointerGetDatum(PG_GETARG_VARLENA_P(ARG_AREA));
	task->has_barriers = !PG_ARGISNULL(ARG_BARRIERS + adjust);
	if (task->has_barriers)
		task->barriers = PointerGetDatum(PG_GETARG_VARLENA_P(ARG_BARRIERS + adjust));
	check_area(task);
	(void) geometry_box(task->area, box);
	refuse_far(box, "area");
	for (int i = 0; i < task->natoms; i++)
		check_atom(task, &task->atoms[i]);
	check_polygon_atoms(task);
	frame_init(&task->frame, box, is_geographic(task->srid));
	for (int i = 0; i < task->natoms; i++)
		if (task->atoms[i].point)
			task->atoms[i].place = frame_local(&task->frame, task->atoms[i].place.x, task->atoms[i].place.y);
	return task;
}
