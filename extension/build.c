/*
 * build.c
 *	  grid_build, grid_adjust and grid_build_report.
 */
#include "build.h"

#include <math.h>

#include "build_report.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "postgis.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
#include "wkb.h"

PG_FUNCTION_INFO_V1(grid_build);
PG_FUNCTION_INFO_V1(grid_adjust);
PG_FUNCTION_INFO_V1(grid_build_report);

/* --- the host of the pure cores --- */

static void *
host_resize(void *block, size_t bytes)
{
	if (bytes > MaxAllocHugeSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("grids of so many atoms cannot be drawn at once")));
	return block ? repalloc_huge(block, bytes) : MemoryContextAllocHuge(CurrentMemoryContext, Max(bytes, 1));
}

static void
host_release(void *block)
{
	if (block)
		pfree(block);
}

static void
host_pause(void)
{
	CHECK_FOR_INTERRUPTS();
}

const Host	build_host = {host_resize, host_release, host_pause};

/* --- queries --- */

uint64
build_query(const char *query, int nvalues, const Oid *types, Datum *values)
{
	volatile int result = 0;

	CHECK_FOR_INTERRUPTS();
	PG_TRY();
	{
		result = SPI_execute_with_args(query, nvalues, unconstify(Oid *, types), values, NULL, true, 0);
	}
	PG_CATCH();
	{
		/* GEOS, interrupted, calls it a failure: then it is the cancel that is to be told. */
		CHECK_FOR_INTERRUPTS();
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (result != SPI_OK_SELECT)
		elog(ERROR, "query for drawing grids failed");
	return SPI_processed;
}

Datum
build_value(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* --- results --- */

/* Result columns, as sql/install/30-build.sql declares them. */
enum
{
	RESULT_GRID,
	RESULT_GEOM,
	RESULT_HOUSEHOLDS,
	RESULT_RESIDENTS,
	RESULT_IN_BOUNDS,
	RESULT_IDS,
	RESULT_MOVED,				/* of grid_adjust only */
	NRESULTS
};

static Datum
array_of_ids(Datum *ids, int n)
{
	return PointerGetDatum(construct_array(ids, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* The atoms of a grid, or those of them that were in another before. */
static Datum
ids_of_grid(const BuildPlan *plan, const int *first, const int *atoms, int grid, bool moved)
{
	const BuildTask *task = plan->task;
	Datum	   *ids = palloc_array(Datum, first[grid + 1] - first[grid]);
	int			n = 0;

	for (int i = first[grid]; i < first[grid + 1]; i++)
	{
		const BuildAtom *atom = &task->atoms[atoms[i]];

		if (!moved || atom->current < 0 || task->numbers[atom->current] != plan->grids[grid].number)
			ids[n++] = Int64GetDatum(atom->id);
	}
	return array_of_ids(ids, n);
}

/* The atoms grid by grid, in the order of their ids. */
static int *
atoms_by_grid(const BuildPlan *plan, int **first)
{
	const BuildTask *task = plan->task;
	int		   *atoms = palloc_array(int, task->natoms);
	int		   *next = palloc0_array(int, plan->ngrids + 2);

	for (int i = 0; i < task->natoms; i++)
		next[plan->unit_grid[task->atoms[i].unit] + 2]++;
	for (int g = 0; g < plan->ngrids; g++)
		next[g + 2] += next[g + 1];
	for (int i = 0; i < task->natoms; i++)
		atoms[next[plan->unit_grid[task->atoms[i].unit] + 1]++] = i;
	*first = next;
	return atoms;
}

/* The rings of one polygon, from a shell on. */
static size_t
put_polygon(StringInfo wkb, const BuildPlan *plan, size_t ring)
{
	const Outline *outline = &plan->outline;
	int			head = wkb_open(wkb, WKB_POLYGON);
	uint32		rings = 0;

	do
	{
		const OutlineRing *r = &outline->rings[ring];

		wkb_number(wkb, r->n);
		for (size_t i = r->first; i < r->first + r->n; i++)
		{
			MeshPoint	given = frame_given(&plan->task->frame, outline->points[i]);

			wkb_points(wkb, &given.x, 1);
		}
		rings++;
		ring++;
	} while (ring < outline->nrings && outline->rings[ring].hole);
	wkb_set_count(wkb, head, rings);
	return ring;
}

/* A polygon, or a multi-polygon where a grid has several parts. */
static Datum
outline_of_grid(const BuildPlan *plan, const BuildGrid *grid)
{
	StringInfoData wkb;
	int			polygons = 0;
	int			head = 0;

	for (size_t r = grid->first_ring; r < grid->end_ring; r++)
		polygons += !plan->outline.rings[r].hole;
	wkb_begin(&wkb);
	if (polygons > 1)
	{
		head = wkb_open(&wkb, WKB_MULTI_POLYGON);
		wkb_set_count(&wkb, head, polygons);
	}
	for (size_t r = grid->first_ring; r < grid->end_ring;)
		r = put_polygon(&wkb, plan, r);
	return wkb_finish(&wkb);
}

static int
compare_numbers(const void *a, const void *b, void *arg)
{
	const BuildGrid *grids = arg;

	return (grids[*(const int *) a].number > grids[*(const int *) b].number) -
		(grids[*(const int *) a].number < grids[*(const int *) b].number);
}

static void
put_grids(const BuildPlan *plan, ReturnSetInfo *result)
{
	const BuildTask *task = plan->task;
	Oid			types[2] = {BYTEAOID, INT4OID};
	SPIPlanPtr	to_geometry = SPI_prepare(psprintf("SELECT %s.ST_GeomFromWKB($1, $2)", postgis_schema_quoted()), 2, types);
	int		   *order = palloc_array(int, plan->ngrids);
	int		   *first;
	int		   *atoms = atoms_by_grid(plan, &first);

	for (int g = 0; g < plan->ngrids; g++)
		order[g] = g;
	qsort_arg(order, plan->ngrids, sizeof(int), compare_numbers, plan->grids);
	for (int i = 0; i < plan->ngrids; i++)
	{
		const BuildGrid *grid = &plan->grids[order[i]];
		Datum		wkb[2] = {outline_of_grid(plan, grid), Int32GetDatum(task->srid)};
		Datum		values[NRESULTS];
		bool		nulls[NRESULTS] = {false};

		CHECK_FOR_INTERRUPTS();
		if (to_geometry == NULL || SPI_execute_plan(to_geometry, wkb, NULL, true, 1) != SPI_OK_SELECT)
			elog(ERROR, "making the geometry of a grid failed");
		values[RESULT_GRID] = Int32GetDatum(grid->number);
		values[RESULT_GEOM] = build_value(0, 1, &nulls[RESULT_GEOM]);
		values[RESULT_HOUSEHOLDS] = Int32GetDatum((int32) grid->weight[0]);
		values[RESULT_RESIDENTS] = Int32GetDatum((int32) grid->weight[1]);
		nulls[RESULT_RESIDENTS] = !task->has_residents;
		values[RESULT_IN_BOUNDS] = BoolGetDatum(partition_violation(&task->bounds, grid->weight) == 0);
		values[RESULT_IDS] = ids_of_grid(plan, first, atoms, order[i], false);
		if (task->adjust)
			values[RESULT_MOVED] = ids_of_grid(plan, first, atoms, order[i], true);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		SPI_freetuptable(SPI_tuptable);
		pfree(DatumGetPointer(wkb[0]));
	}
}

/* Say what is not as it was asked for. */
static void
tell_misses(const BuildPlan *plan)
{
	BuildTask  *task = unconstify(BuildTask *, plan->task);
	BuildReport report;
	int			out = 0;

	for (int g = 0; g < plan->ngrids; g++)
		out += partition_violation(&task->bounds, plan->grids[g].weight) > 0;
	if (task->grids > 0 && plan->ngrids != task->grids)
		ereport(NOTICE,
				(errmsg_plural("%d grid was asked for, the nearest possible number is %d",
							   "%d grids were asked for, the nearest possible number is %d",
							   task->grids, task->grids, plan->ngrids),
				 errdetail("Every part of the area in which somebody lives needs a grid, and every grid a building.")));
	if (plan->noutside > 0)
		ereport(NOTICE,
				(errmsg_plural("%d atom of %d is outside the area, %.6g away", "%d atoms of %d are outside the area, up to %.6g away",
							   plan->noutside, plan->noutside, task->natoms, plan->farthest)));
	if (out == 0)
		return;
	build_report(task, &report);
	ereport(NOTICE,
			(errmsg_plural("%d grid of %d is out of bounds", "%d grids of %d are out of bounds", out, out, plan->ngrids),
			 report.possible ? errdetail("No better division was found.")
			 : errdetail("It is not possible: %s.", report.reason)));
}

static void
build(FunctionCallInfo fcinfo, bool adjust)
{
	BuildPlan  *plan;
	int			nest;

	InitMaterializedSRF(fcinfo, 0);
	nest = safe_search_path_begin();
	SPI_connect();
	plan = palloc0_object(BuildPlan);
	plan->task = build_task(fcinfo, adjust);
	build_lines(plan);
	build_pieces(plan);
	build_units(plan);
	build_graph(plan);
	build_grids(plan);
	put_grids(plan, (ReturnSetInfo *) fcinfo->resultinfo);
	tell_misses(plan);
	SPI_finish();
	safe_search_path_end(nest);
}

Datum
grid_build(PG_FUNCTION_ARGS)
{
	build(fcinfo, false);
	return (Datum) 0;
}

Datum
grid_adjust(PG_FUNCTION_ARGS)
{
	build(fcinfo, true);
	return (Datum) 0;
}

/* --- the report --- */

/* Its columns, as sql/install/30-build.sql declares them. */
enum
{
	REPORT_POSSIBLE,
	REPORT_REASON,
	REPORT_GRIDS_MIN,
	REPORT_GRIDS_MAX,
	REPORT_HOUSEHOLDS,
	REPORT_RESIDENTS,
	REPORT_HOUSEHOLD_SIZE,
	REPORT_LEGAL_MIN,
	REPORT_LEGAL_MAX,
	REPORT_OVERSIZED,
	NREPORT
};

/* Both ends of a range, or nothing. */
static void
put_range(Datum *values, bool *nulls, int column, PartitionRange range)
{
	values[column] = Int32GetDatum((int32) range.low);
	values[column + 1] = Int32GetDatum((int32) range.high);
	nulls[column] = nulls[column + 1] = range.low > range.high;
}

static Datum
report_row(FunctionCallInfo fcinfo, const BuildTask *task, const BuildReport *report)
{
	TupleDesc	desc;
	Datum		values[NREPORT] = {0};
	bool		nulls[NREPORT] = {false};
	Datum	   *ids = palloc_array(Datum, report->noversized);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "grid_build_report is not declared as it should be");
	for (int i = 0; i < report->noversized; i++)
		ids[i] = Int64GetDatum(report->oversized[i]);
	values[REPORT_POSSIBLE] = BoolGetDatum(report->possible);
	values[REPORT_REASON] = report->reason ? CStringGetTextDatum(report->reason) : 0;
	nulls[REPORT_REASON] = report->reason == NULL;
	put_range(values, nulls, REPORT_GRIDS_MIN, report->grids);
	values[REPORT_HOUSEHOLDS] = Int32GetDatum((int32) report->total[0]);
	values[REPORT_RESIDENTS] = Int32GetDatum((int32) report->total[1]);
	nulls[REPORT_RESIDENTS] = !task->has_residents;
	values[REPORT_HOUSEHOLD_SIZE] = Float8GetDatum(report->household_size);
	nulls[REPORT_HOUSEHOLD_SIZE] = isnan(report->household_size);
	put_range(values, nulls, REPORT_LEGAL_MIN, report->legal);
	values[REPORT_OVERSIZED] = array_of_ids(ids, report->noversized);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
grid_build_report(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	int			nest = safe_search_path_begin();
	BuildTask  *task;
	BuildReport report;
	Datum		row;

	SPI_connect();
	task = build_task(fcinfo, false);
	build_report(task, &report);
	MemoryContextSwitchTo(caller);
	row = report_row(fcinfo, task, &report);
	SPI_finish();
	safe_search_path_end(nest);
	return row;
}
