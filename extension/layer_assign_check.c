/*
 * layer_assign_check.c
 *	  grid_assign_check: do points lie where somebody else says they do, and if
 *	  not, how are they off?
 *
 * Rows are grouped into places, that is different points with different
 * declared codes: the households of a tower are counted each, but measured
 * once. Places stream through a cursor; kept is a sample of those that match
 * and one of those that do not, chosen by hash, so that the answer does not
 * depend on the order of rows. What the samples say of distances, directions
 * and a shift is shift.c's.
 *
 * The target is read under the caller's search_path, because it may be a view;
 * the layer, whose filter is deparsed, under the safe one.
 */
#include "layer.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "layer_kept.h"
#include "layer_rule.h"
#include "miscadmin.h"
#include "postgis.h"
#include "shift.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(grid_assign_check);

/* Places kept of each sort. */
#define SAMPLE			1000

/* An area of more rows than this is not measured to. */
#define MAX_AREA_ROWS	250

/* Edges that a search may look at for each shift it tries. */
#define MAX_EDGES		4000000.0

#define ROWS_AT_A_TIME	1000

typedef struct Place
{
	uint64		hash;
	double		x;
	double		y;
	int			first_code;		/* rows of its declared area */
	int			end_code;
} Place;

/* The places of lowest hash among those seen. */
typedef struct Sample
{
	int64		seen;
	int			n;
	Place		places[2 * SAMPLE];
} Sample;

typedef struct Check
{
	Layer	   *layer;
	gridcode   *codes;			/* of the layer's rows, in order */
	int			ncodes;
	int64		matched;
	int64		mismatched;
	int64		outside;
	int64		unknown;
	int64		undeclared;
	Sample		inside;			/* match */
	Sample		off;			/* do not */
} Check;

/* The polygons of the declared areas, and the code of each part. */
typedef struct Areas
{
	ShiftEdge  *edges;
	Size		nedges;
	Size		edges_room;
	ShiftPart  *parts;
	gridcode   *part_codes;
	Size		nparts;
	Size		parts_room;
	gridcode	code;			/* of the geometry being read */
	int			polygon;
} Areas;

/* Result columns, as sql/install/27-assign-check.sql declares them. */
enum
{
	RESULT_MATCHED,
	RESULT_MISMATCHED,
	RESULT_OUTSIDE,
	RESULT_UNKNOWN,
	RESULT_UNDECLARED,
	RESULT_DISTANCE,
	RESULT_DIRECTION,
	RESULT_COMPASS,
	RESULT_AGREEMENT,
	RESULT_SHIFT_DISTANCE,
	RESULT_SHIFT_DIRECTION,
	RESULT_SHIFT_COMPASS,
	RESULT_SHIFT_EXPLAINS,
	NRESULTS
};

/* SQL that makes a gridcode of the declared code, NULL where it is none. */
static char *
declared_expression(Relation rel, const char *column)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), column);
	const char *quoted = quote_identifier(column);
	char	   *gridtree = gridtree_schema_quoted();
	Oid			type;

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column, RelationGetRelationName(rel))));
	type = getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);
	if (type == gridtree_type("gridcode"))
		return psprintf("t.%s::%s.gridcode", quoted, gridtree);
	if (type == TEXTOID || type == VARCHAROID || type == BPCHAROID)
		return psprintf("CASE WHEN t.%s::pg_catalog.text COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.~) '^[0-9]{1,%d}$'"
						" THEN t.%s::pg_catalog.text::%s.gridcode END",
						quoted, GRIDCODE_MAX_DIGITS, quoted, gridtree);
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of relation \"%s\" is of type %s, not gridcode or text",
					column, RelationGetRelationName(rel), format_type_be(type)),
			 errhint("Make a view of the table with the code as text.")));
}

/* The query of the places, with the areas they were found in. */
static char *
places_query(Oid target, const char *geom, const char *code)
{
	Relation	rel = relation_open(target, AccessShareLock);
	char		kind = rel->rd_rel->relkind;
	char	   *declared;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_VIEW &&
		kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or view", RelationGetRelationName(rel))));
	(void) geometry_column(rel, geom);
	declared = declared_expression(rel, code);
	relation_close(rel, NoLock);
	return psprintf("SELECT p.geom, p.declared, p.absent, p.n, CASE WHEN p.declared IS NOT NULL"
					" THEN %s.grid_locate($1, p.geom) END"
					" FROM (SELECT t.%s AS geom, %s AS declared, t.%s IS NULL AS absent,"
					"  pg_catalog.count(*) AS n FROM %s t GROUP BY 1, 2, 3) p",
					gridtree_schema_quoted(), quote_identifier(geom), declared, quote_identifier(code),
					relation_quoted(target));
}

/* The rows of a layer that have a code and a polygon. */
static char *
areas_clause(const Layer *layer)
{
	const char *geom = quote_identifier(NameStr(layer->geom_column));

	return psprintf("%s AND %s IS NOT NULL AND NOT %s.ST_IsEmpty(%s)", layer_rows_clause(layer),
					geom, postgis_schema_quoted(), geom);
}

static int
compare_codes(const void *a, const void *b)
{
	gridcode	left = *(const gridcode *) a;
	gridcode	right = *(const gridcode *) b;

	return (left > right) - (left < right);
}

/* Which areas there are at all. */
static void
read_codes(Check *check)
{
	char	   *query = psprintf("SELECT %s::%s.gridcode %s", quote_identifier(NameStr(check->layer->code_column)),
								 gridtree_schema_quoted(), areas_clause(check->layer));
	int			nest = safe_search_path_begin();

	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the codes of layer \"%s\" failed", check->layer->name);
	check->codes = MemoryContextAllocHuge(CurrentMemoryContext, Max(SPI_processed, 1) * sizeof(gridcode));
	check->ncodes = (int) SPI_processed;
	for (int i = 0; i < check->ncodes; i++)
	{
		bool		isnull;

		check->codes[i] = DatumGetGridcode(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	qsort(check->codes, check->ncodes, sizeof(gridcode), compare_codes);
	safe_search_path_end(nest);
}

/* The first of n ordered codes that is not below a code. */
static Size
lower_bound(const gridcode *codes, Size n, gridcode code)
{
	Size		low = 0;

	while (n > 0)
	{
		Size		half = n / 2;

		if (codes[low + half] < code)
		{
			low += half + 1;
			n -= half + 1;
		}
		else
			n = half;
	}
	return low;
}

/* The rows whose codes are first to last; false where there are none. */
static bool
find_rows(const Check *check, gridcode first, gridcode last, Place *place)
{
	place->first_code = (int) lower_bound(check->codes, check->ncodes, first);
	place->end_code = (int) lower_bound(check->codes, check->ncodes, last + 1);
	return place->first_code < place->end_code;
}

/* The rows that are a declared area: at or below the code, or else nearest above it. */
static bool
find_area(const Check *check, gridcode declared, Place *place)
{
	bool		found = find_rows(check, declared, gridcode_last(declared), place);

	for (int digits = gridcode_digits(declared) - 1; digits > 0 && !found; digits--)
	{
		gridcode	above = gridcode_prefix(declared, digits);

		found = find_rows(check, above, above, place);
	}
	return found;
}

static int
compare_places(const void *a, const void *b)
{
	const Place *left = a;
	const Place *right = b;

	if (left->hash != right->hash)
		return left->hash < right->hash ? -1 : 1;
	return left->x != right->x ? (left->x > right->x) - (left->x < right->x)
		: (left->y > right->y) - (left->y < right->y);
}

static void
cut_sample(Sample *sample)
{
	qsort(sample->places, sample->n, sizeof(Place), compare_places);
	sample->n = Min(sample->n, SAMPLE);
}

static void
add_to_sample(Sample *sample, const Place *place)
{
	if (place->end_code - place->first_code > MAX_AREA_ROWS)
		return;
	sample->seen++;
	sample->places[sample->n++] = *place;
	if (sample->n == 2 * SAMPLE)
		cut_sample(sample);
}

static uint64
hash_place(double x, double y, gridcode declared)
{
	struct
	{
		double		x;
		double		y;
		gridcode	declared;
	}			key = {x, y, declared};

	return hash_bytes_extended((const unsigned char *) &key, sizeof(key), 0);
}

/* Count the rows of a place, and keep it if it is to be measured. */
static void
take_place(Check *check, HeapTuple row, TupleDesc desc)
{
	bool		no_point;
	bool		no_code;
	bool		not_found;
	bool		isnull;
	Datum		point = SPI_getbinval(row, desc, 1, &no_point);
	gridcode	declared = DatumGetGridcode(SPI_getbinval(row, desc, 2, &no_code));
	bool		absent = DatumGetBool(SPI_getbinval(row, desc, 3, &isnull));
	int64		rows = DatumGetInt64(SPI_getbinval(row, desc, 4, &isnull));
	gridcode	found = DatumGetGridcode(SPI_getbinval(row, desc, 5, &not_found));
	GeometryHead head = {.empty = true};
	Place		place;
	bool		matches;

	if (!no_point)
		head = geometry_head(point);
	if (absent || head.empty)
		check->undeclared += rows;
	else if (no_code || !find_area(check, declared, &place))
		check->unknown += rows;
	else
	{
		place.x = head.x;
		place.y = head.y;
		place.hash = hash_place(head.x, head.y, declared);
		matches = !not_found && (gridcode_contains(declared, found) || gridcode_contains(found, declared));
		*(matches ? &check->matched : not_found ? &check->outside : &check->mismatched) += rows;
		add_to_sample(matches ? &check->inside : &check->off, &place);
	}
}

/* Read all places of the target. */
static void
read_places(Check *check, const char *query)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(check->layer->name)};
	int			nest = NewGUCNestLevel();
	Portal		portal;

	/* Compiling would take half a second. */
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	portal = SPI_cursor_open_with_args(NULL, query, 1, types, values, NULL, true, 0);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, ROWS_AT_A_TIME);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
			take_place(check, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_cursor_close(portal);
	AtEOXact_GUC(true, nest);
	cut_sample(&check->inside);
	cut_sample(&check->off);
}

/* Room for one more element of an array that grows. */
static void *
grown(void *array, Size n, Size *room, Size size)
{
	if (n < *room)
		return array;
	*room = *room ? *room * 2 : 1024;
	return array ? repalloc_huge(array, *room * size)
		: MemoryContextAllocHuge(CurrentMemoryContext, *room * size);
}

/* A part begins where the polygon is another than that of the ring before. */
static void
begin_part(Areas *areas, int polygon)
{
	Size		room = areas->parts_room;
	ShiftPart  *part;

	areas->part_codes = grown(areas->part_codes, areas->nparts, &room, sizeof(gridcode));
	areas->parts = grown(areas->parts, areas->nparts, &areas->parts_room, sizeof(ShiftPart));
	areas->part_codes[areas->nparts] = areas->code;
	part = &areas->parts[areas->nparts++];
	part->first = part->end = areas->nedges;
	part->min_x = part->min_y = INFINITY;
	part->max_x = part->max_y = -INFINITY;
	areas->polygon = polygon;
}

static void
take_ring(void *arg, int polygon, int ring pg_attribute_unused(), const double *xy, uint32 n, int stride)
{
	Areas	   *areas = arg;
	ShiftPart  *part;

	if (polygon != areas->polygon)
		begin_part(areas, polygon);
	part = &areas->parts[areas->nparts - 1];
	for (uint32 i = 0; i < n; i++)
	{
		const double *p = xy + (Size) i * stride;
		const double *next = i + 1 < n ? p + stride : xy;

		areas->edges = grown(areas->edges, areas->nedges, &areas->edges_room, sizeof(ShiftEdge));
		areas->edges[areas->nedges++] = (ShiftEdge) {p[0], p[1], next[0], next[1]};
		part->min_x = Min(part->min_x, p[0]);
		part->min_y = Min(part->min_y, p[1]);
		part->max_x = Max(part->max_x, p[0]);
		part->max_y = Max(part->max_y, p[1]);
	}
	part->end = areas->nedges;
}

/* The different codes of the rows that the samples need. */
static ArrayType *
needed_codes(const Check *check)
{
	bool	   *needed = MemoryContextAllocExtended(CurrentMemoryContext, check->ncodes + 1,
												   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	const Sample *samples[2] = {&check->off, &check->inside};
	Datum	   *codes = palloc_extended((check->ncodes + 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	int			n = 0;

	for (int s = 0; s < 2; s++)
		for (int i = 0; i < samples[s]->n; i++)
			for (int j = samples[s]->places[i].first_code; j < samples[s]->places[i].end_code; j++)
				needed[j] = true;
	for (int i = 0; i < check->ncodes; i++)
		if (needed[i] && (n == 0 || codes[n - 1] != GridcodeGetDatum(check->codes[i])))
			codes[n++] = GridcodeGetDatum(check->codes[i]);
	return construct_array(codes, n, gridtree_type("gridcode"), sizeof(gridcode), true, TYPALIGN_DOUBLE);
}

/* Read the polygons that the samples need, in the order of their codes. */
static void
read_areas(const Check *check, Areas *areas)
{
	const char *code = quote_identifier(NameStr(check->layer->code_column));
	char	   *gridtree = gridtree_schema_quoted();
	char	   *query = psprintf("SELECT %s::%s.gridcode, %s::%s.geometry %s AND %s OPERATOR(%s.=) ANY ($1) ORDER BY 1",
								 code, gridtree, quote_identifier(NameStr(check->layer->geom_column)),
								 postgis_schema_quoted(), areas_clause(check->layer), code, gridtree);
	Oid			types[1] = {get_array_type(gridtree_type("gridcode"))};
	Datum		values[1] = {PointerGetDatum(needed_codes(check))};
	int			nest = safe_search_path_begin();
	Portal		portal = SPI_cursor_open_with_args(NULL, query, 1, types, values, NULL, true, 0);

	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, ROWS_AT_A_TIME);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;

			areas->code = DatumGetGridcode(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
			areas->polygon = -1;
			(void) geometry_rings(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull),
								  take_ring, areas);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	safe_search_path_end(nest);
}

/* A sampled place as shift.c wants it. */
static ShiftPlace
shift_place(const Check *check, const Areas *areas, const Place *place)
{
	ShiftPlace	p = {.x = place->x, .y = place->y, .scale_x = 1, .scale_y = 1, .weight = 1};

	if (check->layer->geographic)
	{
		p.scale_x = Max(fabs(cos(place->y * (M_PI / 180.0))), 1e-9) * METRES_PER_DEGREE;
		p.scale_y = METRES_PER_DEGREE;
	}
	p.first_part = lower_bound(areas->part_codes, areas->nparts, check->codes[place->first_code]);
	p.end_part = lower_bound(areas->part_codes, areas->nparts, check->codes[place->end_code - 1] + 1);
	return p;
}

/* Put a sample's places into an array; returns the edges of their areas. */
static double
put_places(const Check *check, const Areas *areas, const Sample *sample, ShiftPlace *places)
{
	double		edges = 0;

	for (int i = 0; i < sample->n; i++)
	{
		places[i] = shift_place(check, areas, &sample->places[i]);
		for (Size j = places[i].first_part; j < places[i].end_part; j++)
			edges += areas->parts[j].end - areas->parts[j].first;
	}
	return edges;
}

static void
set_weights(ShiftPlace *places, int n, int64 stand_for)
{
	for (int i = 0; i < n; i++)
		places[i].weight = (double) stand_for / n;
}

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

static Datum
compass_word(double direction)
{
	static const char *const words[] = {"N", "NE", "E", "SE", "S", "SW", "W", "NW"};

	return CStringGetTextDatum(words[(int) floor(direction / 45 + 0.5) % 8]);
}

static void
put_number(Datum *values, bool *nulls, int column, double number)
{
	values[column] = Float8GetDatum(number);
	nulls[column] = false;
}

static void
put_direction(Datum *values, bool *nulls, int column, double direction)
{
	put_number(values, nulls, column, direction);
	values[column + 1] = compass_word(direction);
	nulls[column + 1] = false;
}

/* What the samples say of the places that do not match. */
static void
put_measures(const Check *check, const Areas *areas, Datum *values, bool *nulls)
{
	ShiftMap	map = {areas->edges, areas->parts};
	ShiftPlace *places = palloc(2 * SAMPLE * sizeof(ShiftPlace));
	double	   *lengths = palloc(2 * SAMPLE * sizeof(double));
	int			noff = check->off.n;
	int			ninside = check->inside.n;
	double		edges = put_places(check, areas, &check->off, places) +
		put_places(check, areas, &check->inside, places + noff);
	ShiftDisplacement displacement = shift_measure(&map, places, noff, lengths, check_interrupts);
	ShiftEstimate shift;

	if (displacement.displaced == 0)
		return;
	put_number(values, nulls, RESULT_DISTANCE, displacement.distance);
	put_direction(values, nulls, RESULT_DIRECTION, displacement.direction);
	put_number(values, nulls, RESULT_AGREEMENT, displacement.agreement);

	/* Samples are in the order of a hash: their beginning is a sample, too. */
	if (edges > MAX_EDGES)
	{
		noff = Max((int) (noff * (MAX_EDGES / edges)), 1);
		ninside = (int) (ninside * (MAX_EDGES / edges));
		memmove(places + noff, places + check->off.n, ninside * sizeof(ShiftPlace));
	}
	set_weights(places, noff, check->off.seen);
	set_weights(places + noff, ninside, check->inside.seen);
	shift = shift_search(&map, places, noff + ninside, &displacement, lengths, check_interrupts);
	put_number(values, nulls, RESULT_SHIFT_DISTANCE, hypot(shift.dx, shift.dy));
	if (shift.dx != 0 || shift.dy != 0)
		put_direction(values, nulls, RESULT_SHIFT_DIRECTION, shift_direction(shift.dx, shift.dy));
	put_number(values, nulls, RESULT_SHIFT_EXPLAINS, (shift.inside - shift.inside_now) / check->off.seen);
}

static Datum
result_row(FunctionCallInfo fcinfo, const Check *check, const Areas *areas)
{
	TupleDesc	desc;
	Datum		values[NRESULTS] = {0};
	bool		nulls[NRESULTS];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "grid_assign_check is not declared as it should be");
	memset(nulls, true, sizeof(nulls));
	memset(nulls, false, (RESULT_UNDECLARED + 1) * sizeof(bool));
	values[RESULT_MATCHED] = Int64GetDatum(check->matched);
	values[RESULT_MISMATCHED] = Int64GetDatum(check->mismatched);
	values[RESULT_OUTSIDE] = Int64GetDatum(check->outside);
	values[RESULT_UNKNOWN] = Int64GetDatum(check->unknown);
	values[RESULT_UNDECLARED] = Int64GetDatum(check->undeclared);
	if (check->off.n > 0)
		put_measures(check, areas, values, nulls);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
grid_assign_check(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"target", "layer", "geom_column", "declared_code_column"};
	Check	   *check = palloc0(sizeof(Check));
	Areas		areas = {0};
	char	   *name;
	char	   *query;
	Datum		result;
	MemoryContext caller = CurrentMemoryContext;

	refuse_null_arguments(fcinfo, names, lengthof(names));
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	query = places_query(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(2)), NameStr(*PG_GETARG_NAME(3)));
	check->layer = layer_read_checked(name);
	SPI_connect();
	read_codes(check);
	read_places(check, query);
	if (check->off.n > 0)
		read_areas(check, &areas);
	MemoryContextSwitchTo(caller);
	result = result_row(fcinfo, check, &areas);
	SPI_finish();
	return result;
}
