/*
 * layer_check.c
 *	  grid_layer_check: what is wrong with the polygons and codes of a layer.
 *
 * The layer is read once, as the caller: of each row the code, the box, whether
 * it is valid, and a hash of every edge (coverage_pairs.h). From the edges it is
 * known where neighbours fit exactly; only the rest is given to GEOS, by SQL
 * that finds the rows again by their place, under the same snapshot. The work
 * of a clean layer is reading it.
 *
 * This file reads, and reports what needs no look at borders; overlaps and gaps
 * have files of their own.
 */
#include "layer_check.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "gridscheme.h"
#include "layer_kept.h"
#include "layer_rule.h"
#include "miscadmin.h"
#include "postgis.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(grid_layer_check);

/* Of the greatest coordinate: twice what GEOS may move a vertex. */
#define ROUNDING		2e-12

#define ROWS_AT_A_TIME	1000

/* Columns of the query that reads the layer. */
enum
{
	READ_CODE = 1,
	READ_TABLE,
	READ_TID,
	READ_GEOM,
	READ_SRID,
	READ_VALID,
	READ_FAULT
};

/* Where rings go while the layer is read. */
typedef struct RingReader
{
	LayerCheck *check;
	CheckArea  *area;
} RingReader;

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

static void *
resize(void *block, size_t bytes)
{
	return block ? repalloc_huge(block, bytes) : MemoryContextAllocHuge(CurrentMemoryContext, bytes);
}

static void *
zeros(Size bytes)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, bytes + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Run a query; SPI's table has its rows, and their number is returned. */
uint64
check_query(const char *query, int nvalues, const Oid *types, Datum *values)
{
	CHECK_FOR_INTERRUPTS();
	if (SPI_execute_with_args(query, nvalues, unconstify(Oid *, types), values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "grid_layer_check: query failed");
	return SPI_processed;
}

Datum
check_value(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* Put a row into the result; what is 0 or NULL is null in it. */
void
check_report(LayerCheck *check, const char *problem, gridcode code, gridcode other, Datum *area, Datum *geom)
{
	Datum		values[5] = {CStringGetTextDatum(problem), GridcodeGetDatum(code), GridcodeGetDatum(other),
	area ? *area : 0, geom ? *geom : 0};
	bool		nulls[5] = {false, code == 0, other == 0, area == NULL, geom == NULL};

	tuplestore_putvalues(check->result->setResult, check->result->setDesc, values, nulls);
}

/* SQL for the area of a polygon, which is written twice or thrice. */
char *
check_measure(const LayerCheck *check, const char *geom)
{
	char	   *postgis = postgis_schema_quoted();

	if (!check->layer->geographic)
		return psprintf("%s.ST_Area(%s)", postgis, geom);
	return psprintf("%s.ST_Area(%s) * abs(cos(radians(%s.ST_Y(%s.ST_Centroid(%s))))) * %.17g",
					postgis, geom, postgis, postgis, geom, METRES_PER_DEGREE * METRES_PER_DEGREE);
}

/* SQL for a geometry being a polygon in the layer's SRID: other functions of PostGIS may refuse any other. */
char *
check_polygon(const LayerCheck *check, const char *geom)
{
	char	   *postgis = postgis_schema_quoted();

	return psprintf("%s.ST_SRID(%s) = %d AND %s.ST_GeometryType(%s) IN ('ST_Polygon', 'ST_MultiPolygon')",
					postgis, geom, check->layer->srid, postgis, geom);
}

/* SQL for a polygon being more than rounding: its mean width is 2 A / P. */
char *
check_thick(const LayerCheck *check, const char *geom)
{
	char	   *postgis = postgis_schema_quoted();

	return psprintf("2 * %s.ST_Area(%s) > %.17g * %s.ST_Perimeter(%s)", postgis, geom, check->width, postgis, geom);
}

/*
 * SQL for the rows that check_keys names in the parameters from the number
 * first on: a table called alias with n (place in the keys), code, geom, valid.
 */
char *
check_rows(const LayerCheck *check, const char *alias, int first)
{
	return psprintf("(SELECT k.n, k.valid, l.%s AS code, l.%s AS geom FROM unnest($%d, $%d, $%d, $%d) AS k(n, rel, tid, valid)"
					" JOIN %s l ON l.tableoid = k.rel AND l.ctid = k.tid) %s",
					quote_identifier(NameStr(check->layer->code_column)),
					quote_identifier(NameStr(check->layer->geom_column)),
					first, first + 1, first + 2, first + 3, relation_quoted(check->layer->relation), alias);
}

/* SQL for the polygon of such a row, repaired where it is invalid. */
char *
check_valid(const char *alias)
{
	char	   *postgis = postgis_schema_quoted();

	return psprintf("CASE WHEN %s.valid THEN %s.geom ELSE %s.ST_CollectionExtract(%s.ST_MakeValid(%s.geom), 3) END",
					alias, alias, postgis, postgis, alias);
}

/*
 * Parameters that name rows: numbers from 0, tables, places, whether valid.
 * Rows without a polygon are passed over, for what PostGIS would refuse is among them.
 */
Datum *
check_keys(const LayerCheck *check, const int *areas, int n)
{
	Datum	   *keys = palloc(CHECK_NKEYS * sizeof(Datum));
	Datum	   *values[CHECK_NKEYS];
	int			named = 0;

	for (int k = 0; k < CHECK_NKEYS; k++)
		values[k] = palloc_extended(Max(n, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
	{
		CheckArea  *area = &check->areas[areas[i]];

		if (area->empty)
			continue;
		values[0][named] = Int32GetDatum(i);
		values[1][named] = ObjectIdGetDatum(area->table);
		values[2][named] = PointerGetDatum(&area->tid);
		values[3][named++] = BoolGetDatum(check->pairs[areas[i]].valid);
	}
	keys[0] = PointerGetDatum(construct_array(values[0], named, INT4OID, 4, true, TYPALIGN_INT));
	keys[1] = PointerGetDatum(construct_array(values[1], named, OIDOID, 4, true, TYPALIGN_INT));
	keys[2] = PointerGetDatum(construct_array(values[2], named, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
	keys[3] = PointerGetDatum(construct_array(values[3], named, BOOLOID, 1, true, TYPALIGN_CHAR));
	for (int k = 0; k < CHECK_NKEYS; k++)
		pfree(values[k]);
	return keys;
}

/* Place in the order of the first area whose code is not below this one. */
int
check_first(const LayerCheck *check, gridcode code)
{
	int			low = 0;
	int			high = check->n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (check->areas[check->order[middle]].code < code)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Number among the present levels of the level at which a code ends; -1: at none. */
int
check_level(const LayerCheck *check, gridcode code)
{
	int			digits = gridcode_digits(code);

	if (scheme_depth(&check->scheme, code) == 0)
		return -1;
	for (int i = 0; i < check->npresent; i++)
		if (check->present[i] == digits)
			return i;
	return -1;
}

/* READING */

static void
take_ring(void *arg, int polygon pg_attribute_unused(), int ring, const double *xy, uint32 n, int stride)
{
	RingReader *reader = arg;
	CheckArea  *area = reader->area;

	for (uint32 i = 0; i < n; i++)
	{
		const double *p = xy + (Size) i * stride;

		area->finite = area->finite && isfinite(p[0]) && isfinite(p[1]);
		if (!area->finite)
			continue;
		area->min_x = Min(area->min_x, p[0]);
		area->min_y = Min(area->min_y, p[1]);
		area->max_x = Max(area->max_x, p[0]);
		area->max_y = Max(area->max_y, p[1]);
	}
	area->empty = false;
	if (!pairs_add_ring(&reader->check->edges, (uint32) (area - reader->check->areas), ring > 0, xy, n, stride))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("layer \"%s\" has too many edges to be checked", reader->check->layer->name)));
}

static void
take_area(LayerCheck *check, HeapTuple row, TupleDesc desc)
{
	RingReader	reader = {check, NULL};
	CheckArea  *area;
	PairArea   *pair;
	bool		isnull;
	Datum		geom;

	if (check->n == check->room)
	{
		check->room = Max(check->room * 2, 1024);
		check->areas = resize(check->areas, check->room * sizeof(CheckArea));
		check->pairs = resize(check->pairs, check->room * sizeof(PairArea));
	}
	area = reader.area = &check->areas[check->n];
	pair = &check->pairs[check->n++];
	area->code = DatumGetGridcode(SPI_getbinval(row, desc, READ_CODE, &isnull));
	area->table = DatumGetObjectId(SPI_getbinval(row, desc, READ_TABLE, &isnull));
	area->tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(row, desc, READ_TID, &isnull));
	area->empty = true;
	area->finite = true;
	area->min_x = area->min_y = INFINITY;
	area->max_x = area->max_y = -INFINITY;
	area->first_edge = (uint32) check->edges.n;
	*pair = (PairArea) {.level = gridcode_digits(area->code), .family = -1, .heads = -1};
	area->foreign = DatumGetInt32(SPI_getbinval(row, desc, READ_SRID, &isnull)) != check->layer->srid && !isnull;
	geom = SPI_getbinval(row, desc, READ_GEOM, &isnull);
	if (!isnull && !area->foreign)
		(void) geometry_rings(geom, take_ring, &reader);
	pair->valid = !isnull && DatumGetBool(SPI_getbinval(row, desc, READ_VALID, &isnull)) && !isnull && area->finite;
	geom = SPI_getbinval(row, desc, READ_FAULT, &isnull);
	area->fault = isnull ? 0 : datumCopy(geom, false, -1);
}

static char *
areas_query(const LayerCheck *check)
{
	const Layer *layer = check->layer;
	char	   *postgis = postgis_schema_quoted();
	const char *geom = quote_identifier(NameStr(layer->geom_column));

	return psprintf("SELECT a.code, a.rel, a.tid, a.geom, %s.ST_SRID(a.geom), (a.detail).valid,"
					" %s.ST_SetSRID((a.detail).location, %d) FROM"
					" (SELECT %s::%s.gridcode AS code, tableoid AS rel, ctid AS tid, %s::%s.geometry AS geom,"
					"   CASE WHEN %s THEN %s.ST_IsValidDetail(%s) END AS detail %s OFFSET 0) a",
					postgis, postgis, layer->srid,
					quote_identifier(NameStr(layer->code_column)), gridtree_schema_quoted(), geom, postgis,
					check_polygon(check, geom), postgis, geom, layer_rows_clause(layer));
}

/* Rows that are not in the layer, because they have no code, with the polygons they have. */
static char *
codeless_query(const LayerCheck *check)
{
	const Layer *layer = check->layer;
	const char *geom = quote_identifier(NameStr(layer->geom_column));

	return psprintf("SELECT %s, a.geom FROM (SELECT CASE WHEN %s THEN %s END AS geom"
					"  FROM %s WHERE (%s) AND %s IS NULL OFFSET 0) a",
					check_measure(check, "a.geom"), check_polygon(check, geom), geom,
					relation_quoted(layer->relation), layer->filter ? layer->filter : "true",
					quote_identifier(NameStr(layer->code_column)));
}

static void
report_codeless(LayerCheck *check, HeapTuple row, TupleDesc desc)
{
	bool		no_area;
	bool		no_geom;
	Datum		area = SPI_getbinval(row, desc, 1, &no_area);
	Datum		geom = SPI_getbinval(row, desc, 2, &no_geom);

	check_report(check, "no code", 0, 0, no_area ? NULL : &area, no_geom ? NULL : &geom);
}

static void
read_rows(LayerCheck *check, const char *query, void (*take) (LayerCheck *, HeapTuple, TupleDesc))
{
	Portal		portal = SPI_cursor_open_with_args(NULL, query, 0, NULL, NULL, NULL, true, 0);

	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, ROWS_AT_A_TIME);
		for (uint64 i = 0; i < SPI_processed; i++)
			take(check, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
}

static void
read_scheme(LayerCheck *check)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(check->layer->name)};
	bool		isnull;

	if (check_query(psprintf("SELECT scheme FROM %s.grid_layer_catalog WHERE layer = $1", gridtree_schema_quoted()),
					1, types, values) != 1)
		layer_unknown(check->layer->name);
	gridscheme_parse_stored(PG_DETOAST_DATUM_PACKED(datumCopy(check_value(0, 1, &isnull), false, -1)), &check->scheme);
	SPI_freetuptable(SPI_tuptable);
}

/* WHAT FOLLOWS FROM THE CODES */

static int
compare_by_code(const void *a, const void *b, void *arg)
{
	const LayerCheck *check = arg;
	gridcode	left = check->areas[*(const int *) a].code;
	gridcode	right = check->areas[*(const int *) b].code;

	if (left != right)
		return left < right ? -1 : 1;
	return ItemPointerCompare(&check->areas[*(const int *) a].tid, &check->areas[*(const int *) b].tid);
}

/* The order of the codes, the levels that have areas, and how wide rounding is. */
static void
sort_areas(LayerCheck *check)
{
	bool		has[GRIDCODE_MAX_DIGITS + 1] = {false};
	double		greatest = 0;

	check->order = resize(NULL, Max(check->n, 1) * sizeof(int));
	for (int i = 0; i < check->n; i++)
	{
		const CheckArea *area = &check->areas[i];

		check->order[i] = i;
		if (scheme_depth(&check->scheme, area->code) > 0)
			has[gridcode_digits(area->code)] = true;
		if (check->pairs[i].valid && !area->empty)
			greatest = Max(Max(Max(fabs(area->min_x), fabs(area->max_x)),
							   Max(fabs(area->min_y), fabs(area->max_y))), greatest);
	}
	qsort_arg(check->order, check->n, sizeof(int), compare_by_code, check);
	for (int digits = 1; digits <= GRIDCODE_MAX_DIGITS; digits++)
		if (has[digits])
			check->present[check->npresent++] = digits;
	check->width = ROUNDING * greatest;
}

/* Say of each area whose child and whose parent it is. */
static void
make_families(LayerCheck *check)
{
	for (int i = 0; i < check->n; i++)
	{
		gridcode	code = check->areas[i].code;
		int			level = check_level(check, code);
		gridcode	parent;
		int			first;

		if (level < 0)
			continue;
		if (level + 1 < check->npresent)
			check->pairs[i].heads = check_first(check, code);
		if (level == 0)
			continue;
		parent = gridcode_prefix(code, check->present[level - 1]);
		first = check_first(check, parent);
		if (first < check->n && check->areas[check->order[first]].code == parent)
			check->pairs[i].family = first;
	}
}

/* Edges tell nothing of an invalid polygon. */
static void
distrust_invalid(LayerCheck *check)
{
	for (int i = 0; i < check->n; i++)
	{
		if (check->pairs[i].valid && !check->areas[i].empty)
			continue;
		if (check->pairs[i].family >= 0)
			check->unbalanced[check->pairs[i].family] = true;
		if (check->pairs[i].heads >= 0)
			check->unbalanced[check->pairs[i].heads] = true;
	}
}

/* Report some rows as one: their polygons together. */
static void
report_together(LayerCheck *check, const char *problem, gridcode code, gridcode other, const int *areas, int n)
{
	Oid			types[CHECK_NKEYS] = {CHECK_KEY_TYPES};
	char	   *postgis = postgis_schema_quoted();
	Datum		area;
	Datum		geom;
	bool		no_area;
	bool		no_geom;

	check_query(psprintf("SELECT sum(%s), CASE count(*) WHEN 1 THEN (array_agg(a.geom))[1]"
						 " ELSE %s.ST_CollectionExtract(%s.ST_Collect(a.geom), 3) END FROM %s",
						 check_measure(check, "a.geom"), postgis, postgis, check_rows(check, "a", 1)),
				CHECK_NKEYS, types, check_keys(check, areas, n));
	area = check_value(0, 1, &no_area);
	geom = check_value(0, 2, &no_geom);
	check_report(check, problem, code, other, no_area ? NULL : &area, no_geom ? NULL : &geom);
	SPI_freetuptable(SPI_tuptable);
}

static void
report_polygons(LayerCheck *check)
{
	for (int i = 0; i < check->n; i++)
	{
		CheckArea  *area = &check->areas[check->order[i]];

		if (area->foreign)
			check_report(check, "wrong SRID", area->code, 0, NULL, NULL);
		else if (area->empty)
			check_report(check, "no polygon", area->code, 0, NULL, NULL);
		else if (!check->pairs[check->order[i]].valid)
			check_report(check, "invalid polygon", area->code, 0, NULL, area->fault ? &area->fault : NULL);
	}
}

/* Codes that several rows have, and codes that end at no level. */
static void
report_codes(LayerCheck *check)
{
	int			end;

	for (int i = 0; i < check->n; i = end)
	{
		gridcode	code = check->areas[check->order[i]].code;

		CHECK_FOR_INTERRUPTS();
		for (end = i + 1; end < check->n && check->areas[check->order[end]].code == code; end++)
			;
		if (end - i > 1)
			report_together(check, "duplicate code", code, 0, &check->order[i], end - i);
		if (scheme_depth(&check->scheme, code) == 0)
			report_together(check, "code not at a level", code, 0, &check->order[i], end - i);
	}
}

/* Is the area at a place in the order a child without a parent?  Then the parent's code, else 0. */
static gridcode
missing_parent(const LayerCheck *check, int i)
{
	int			area = check->order[i];
	int			level = check_level(check, check->areas[area].code);

	if (level <= 0 || check->pairs[area].family >= 0)
		return 0;
	return gridcode_prefix(check->areas[area].code, check->present[level - 1]);
}

/* Each missing parent once, with its children; they may have other areas between them. */
static void
report_missing_parents(LayerCheck *check)
{
	int		   *children = resize(NULL, Max(check->n, 1) * sizeof(int));

	for (int i = 0; i < check->n; i++)
	{
		gridcode	parent = missing_parent(check, i);
		int			n = 0;
		int			end;

		CHECK_FOR_INTERRUPTS();
		if (parent == 0)
			continue;
		for (int j = check_first(check, parent); j < i && n == 0; j++)
			n = missing_parent(check, j) == parent;
		if (n > 0)				/* not the first child: done */
			continue;
		end = check_first(check, gridcode_last(parent) + 1);
		for (int j = i; j < end; j++)
			if (missing_parent(check, j) == parent)
				children[n++] = check->order[j];
		report_together(check, "missing parent", check->areas[children[0]].code, parent, children, n);
	}
	pfree(children);
}

static void
check_layer(LayerCheck *check)
{
	Size		nedges;

	read_scheme(check);
	read_rows(check, areas_query(check), take_area);
	sort_areas(check);
	make_families(check);
	nedges = check->edges.n;
	check->open = zeros(nedges * sizeof(bool));
	check->unbalanced = zeros(check->n * sizeof(bool));
	pairs_analyse(&check->edges, check->pairs, check->open, check->unbalanced);
	distrust_invalid(check);

	report_polygons(check);
	read_rows(check, codeless_query(check), report_codeless);
	report_codes(check);
	report_missing_parents(check);
	check_overlaps(check);
	check_holes(check);
	check_families(check);
}

Datum
grid_layer_check(PG_FUNCTION_ARGS)
{
	LayerCheck	check = {.edges = {.resize = resize, .pause = check_interrupts}};
	char	   *name;
	int			nest;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("layer must not be null")));
	InitMaterializedSRF(fcinfo, 0);
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	check.layer = layer_read_checked(name);
	check.result = (ReturnSetInfo *) fcinfo->resultinfo;
	nest = safe_search_path_begin();
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
	check_layer(&check);
	SPI_finish();
	safe_search_path_end(nest);
	return (Datum) 0;
}
