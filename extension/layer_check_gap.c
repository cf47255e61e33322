/*
 * layer_check_gap.c
 *	  What no area covers: holes among the areas of the highest level, and below
 *	  it what parents have and children do not, or the other way round.
 *
 * HOLES
 *	  Above the highest level nothing says what there should be, so only what
 *	  areas enclose is a gap. The number of areas that cover a point changes at
 *	  open edges only; so the faces of the map that the open edges draw are
 *	  covered or not as a whole, and one point in each tells which. To draw it is
 *	  one call of GEOS, which takes a cancel for a failure of its noding, and
 *	  tries again by slower ways before it stops.
 *
 * FAMILIES
 *	  A parent and its children are given to GEOS where their edges do not
 *	  balance; elsewhere the children tile the parent exactly.
 */
#include "layer_check.h"

#include "catalog/pg_type.h"
#include "layer_rule.h"
#include "miscadmin.h"
#include "postgis.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "wkb.h"

#define ROWS_AT_A_TIME	512

/* The open edges as a multi-line string in WKB. */
typedef struct OpenLines
{
	const LayerCheck *check;
	StringInfoData wkb;
	uint32		nlines;
	uint32		next_edge;		/* number of the next edge to come */
} OpenLines;

/* Put each chain of open edges of a ring as a line. */
static void
take_ring(void *arg, int polygon pg_attribute_unused(), int ring pg_attribute_unused(),
		  const double *xy, uint32 n, int stride)
{
	OpenLines  *lines = arg;
	int			head = -1;
	uint32		points = 0;

	for (uint32 i = 0; i < pairs_ring_edges(n); i++)
	{
		const double *p = xy + (Size) i * stride;

		if (!lines->check->open[lines->next_edge++])
		{
			head = -1;
			continue;
		}
		if (head < 0)
		{
			head = wkb_open(&lines->wkb, WKB_LINE);
			wkb_points(&lines->wkb, p, 1);
			points = 1;
			lines->nlines++;
		}
		wkb_points(&lines->wkb, p + stride, 1);
		wkb_set_count(&lines->wkb, head, ++points);
	}
}

/* Read some areas again for their open edges. */
static void
add_lines(OpenLines *lines, const int *areas, int n)
{
	const LayerCheck *check = lines->check;
	Oid			types[CHECK_NKEYS] = {CHECK_KEY_TYPES};
	uint64		rows = check_query(psprintf("SELECT a.n, a.geom FROM %s", check_rows(check, "a", 1)),
								   CHECK_NKEYS, types, check_keys(check, areas, n));

	for (uint64 i = 0; i < rows; i++)
	{
		bool		isnull;
		int			area = areas[DatumGetInt32(check_value(i, 1, &isnull))];

		lines->next_edge = check->areas[area].first_edge;
		(void) geometry_rings(check_value(i, 2, &isnull), take_ring, lines);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The open edges of a level, as bytea; 0 where there are none. */
static Datum
open_lines(const LayerCheck *check, int digits)
{
	OpenLines	lines = {.check = check};
	int			areas[ROWS_AT_A_TIME];
	int			n = 0;
	int			head;

	wkb_begin(&lines.wkb);
	head = wkb_open(&lines.wkb, WKB_MULTI_LINE);
	for (int i = 0; i < check->n; i++)
	{
		if (check->pairs[i].level != digits || !check->pairs[i].open || !check->areas[i].finite)
			continue;
		areas[n++] = i;
		if (n < ROWS_AT_A_TIME)
			continue;
		add_lines(&lines, areas, n);
		n = 0;
	}
	add_lines(&lines, areas, n);
	wkb_set_count(&lines.wkb, head, lines.nlines);
	return lines.nlines > 0 ? wkb_finish(&lines.wkb) : 0;
}

/* SQL for the two lowest codes of the areas of a level that a test finds at a face. */
static char *
codes_around(const char *code, const char *level, const char *test)
{
	return psprintf("ARRAY(SELECT DISTINCT %s AS code %s AND %s ORDER BY code LIMIT 2)", code, level, test);
}

/*
 * Parameters that name the areas whose coordinates are not all finite, and how
 * many they are. Versions of PostGIS differ about what such a polygon covers.
 */
static Datum *
keys_not_finite(const LayerCheck *check, int *n)
{
	int		   *areas = palloc_extended(Max(check->n, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	Datum	   *keys;

	*n = 0;
	for (int i = 0; i < check->n; i++)
		if (!check->areas[i].finite)
			areas[(*n)++] = i;
	keys = check_keys(check, areas, *n);
	pfree(areas);
	return keys;
}

/*
 * $1 the open edges, $2 the digits of the level, $3 what is near, $4 to $7 rows
 * to leave out, if any: faces that no area covers, each with two codes around
 * it. Most areas around a face have a vertex on it, and to intersect is fast;
 * but where two edges cross, the vertex is rounded, and a face of only such is
 * near to areas and meets none.
 * The layer's table has no alias, because its filter may name it. Conditions
 * are evaluated in the order of their costs, so that ST_Intersects is not asked
 * about what is no polygon; in a CASE, or the planner would expect next to no rows.
 */
static char *
holes_query(const LayerCheck *check, bool leave_out)
{
	const Layer *layer = check->layer;
	char	   *postgis = postgis_schema_quoted();
	const char *code = quote_identifier(NameStr(layer->code_column));
	const char *geom = quote_identifier(NameStr(layer->geom_column));
	char	   *level = psprintf("%s AND %s.grid_digits(%s) = $2 AND CASE WHEN %s THEN true END%s", layer_rows_clause(layer),
								 gridtree_schema_quoted(), code, check_polygon(check, geom), leave_out ?
								 " AND NOT EXISTS (SELECT FROM unnest($4, $5, $6, $7) AS gridtree_out(n, rel, tid, valid)"
								 "  WHERE tableoid = gridtree_out.rel AND ctid = gridtree_out.tid)" : "");
	char	   *meets = psprintf("%s.ST_Intersects(%s, gridtree_face.face)", postgis, geom);
	char	   *near = psprintf("%s.ST_DWithin(%s, gridtree_face.face, $3)", postgis, geom);

	return psprintf("WITH gridtree_face AS (SELECT d.geom AS face, %s.ST_PointOnSurface(d.geom) AS inside"
					"  FROM %s.ST_Dump(%s.ST_Polygonize(ARRAY[%s.ST_UnaryUnion(%s.ST_GeomFromWKB($1, %d))])) d WHERE %s),"
					" hole AS MATERIALIZED (SELECT face, %s AS around FROM gridtree_face"
					"  WHERE NOT EXISTS (SELECT %s AND %s.ST_Intersects(%s, gridtree_face.inside))),"
					" known AS MATERIALIZED (SELECT face, CASE cardinality(around) WHEN 2 THEN around ELSE %s END AS around"
					"  FROM hole gridtree_face)"
					" SELECT around[1], around[2], %s, face FROM known ORDER BY 1, 2, 3",
					postgis, postgis, postgis, postgis, postgis, layer->srid, check_thick(check, "d.geom"),
					codes_around(code, level, meets), level, postgis, geom,
					codes_around(code, level, near), check_measure(check, "face"));
}

void
check_holes(LayerCheck *check)
{
	Oid			types[3 + CHECK_NKEYS] = {BYTEAOID, INT4OID, FLOAT8OID, CHECK_KEY_TYPES};
	Datum		values[3 + CHECK_NKEYS];
	int			nout;
	uint64		found;

	if (check->npresent == 0)
		return;
	values[0] = open_lines(check, check->present[0]);
	values[1] = Int32GetDatum(check->present[0]);
	values[2] = Float8GetDatum(10 * check->width);
	if (values[0] == 0)
		return;
	memcpy(values + 3, keys_not_finite(check, &nout), CHECK_NKEYS * sizeof(Datum));
	found = check_query(holes_query(check, nout > 0), 3 + (nout > 0 ? CHECK_NKEYS : 0), types, values);
	for (uint64 i = 0; i < found; i++)
	{
		bool		isnull[4];
		gridcode	code = DatumGetGridcode(check_value(i, 1, &isnull[0]));
		gridcode	other = DatumGetGridcode(check_value(i, 2, &isnull[1]));
		Datum		area = check_value(i, 3, &isnull[2]);
		Datum		geom = check_value(i, 4, &isnull[3]);

		check_report(check, "gap", isnull[0] ? 0 : code, isnull[1] ? 0 : other, &area, &geom);
	}
	SPI_freetuptable(SPI_tuptable);
	pfree(DatumGetPointer(values[0]));
}

/* The parent's polygon as p.geom: all rows that have its code. */
static char *
parent_clause(const LayerCheck *check)
{
	return psprintf("(SELECT %s.ST_Union(%s) AS geom FROM %s) p",
					postgis_schema_quoted(), check_valid("a"), check_rows(check, "a", 1));
}

/* What of a parent no child covers, piece by piece. */
static void
report_uncovered(LayerCheck *check, gridcode code, Datum *values)
{
	Oid			types[2 * CHECK_NKEYS] = {CHECK_KEY_TYPES, CHECK_KEY_TYPES};
	char	   *postgis = postgis_schema_quoted();
	uint64		found = check_query(
		psprintf("SELECT %s, d.geom FROM %s, LATERAL %s.ST_Dump(%s.ST_CollectionExtract(%s.ST_Difference(p.geom,"
				 "  COALESCE((SELECT %s.ST_Union(%s) FROM %s), %s.ST_SetSRID('POLYGON EMPTY'::%s.geometry, %d))), 3)) d"
				 " WHERE %s ORDER BY 1",
				 check_measure(check, "d.geom"), parent_clause(check), postgis, postgis, postgis,
				 postgis, check_valid("b"), check_rows(check, "b", 1 + CHECK_NKEYS),
				 postgis, postgis, check->layer->srid, check_thick(check, "d.geom")),
		2 * CHECK_NKEYS, types, values);

	for (uint64 i = 0; i < found; i++)
	{
		bool		isnull;
		Datum		area = check_value(i, 1, &isnull);
		Datum		geom = check_value(i, 2, &isnull);

		check_report(check, "gap", code, 0, &area, &geom);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* What of each child is outside of its parent. */
static void
report_outside(LayerCheck *check, gridcode code, const int *children, Datum *values)
{
	Oid			types[2 * CHECK_NKEYS] = {CHECK_KEY_TYPES, CHECK_KEY_TYPES};
	char	   *postgis = postgis_schema_quoted();
	uint64		found = check_query(
		psprintf("SELECT c.n, %s, c.geom FROM (SELECT b.n, (SELECT %s.ST_Multi(%s.ST_Collect(d.geom))"
				 "  FROM %s.ST_Dump(%s.ST_CollectionExtract(%s.ST_Difference(b.geom, p.geom), 3)) d WHERE %s) AS geom"
				 "  FROM %s, (SELECT b.n, %s AS geom FROM %s OFFSET 0) b"
				 "  WHERE NOT %s.ST_Covers(p.geom, b.geom) OFFSET 0) c WHERE c.geom IS NOT NULL ORDER BY c.n",
				 check_measure(check, "c.geom"), postgis, postgis, postgis, postgis, postgis,
				 check_thick(check, "d.geom"), parent_clause(check),
				 check_valid("b"), check_rows(check, "b", 1 + CHECK_NKEYS), postgis),
		2 * CHECK_NKEYS, types, values);

	for (uint64 i = 0; i < found; i++)
	{
		bool		isnull;
		int			child = children[DatumGetInt32(check_value(i, 1, &isnull))];
		Datum		area = check_value(i, 2, &isnull);
		Datum		geom = check_value(i, 3, &isnull);

		check_report(check, "child outside its parent", check->areas[child].code, code, &area, &geom);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Look at the family whose parent's rows begin at a place in the order. */
static void
check_family(LayerCheck *check, int family)
{
	gridcode	code = check->areas[check->order[family]].code;
	int			after = check_first(check, code + 1);
	int			end = check_first(check, gridcode_last(code) + 1);
	int		   *children = palloc_extended(Max(end - family, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	Datum		values[2 * CHECK_NKEYS];
	int			n = 0;

	for (int i = family; i < after; i++)
		if (check->areas[check->order[i]].finite)
			children[n++] = check->order[i];
	memcpy(values, check_keys(check, children, n), CHECK_NKEYS * sizeof(Datum));
	n = 0;
	for (int i = after; i < end; i++)
		if (check->pairs[check->order[i]].family == family && check->areas[check->order[i]].finite)
			children[n++] = check->order[i];
	memcpy(values + CHECK_NKEYS, check_keys(check, children, n), CHECK_NKEYS * sizeof(Datum));
	report_uncovered(check, code, values);
	if (n > 0)
		report_outside(check, code, children, values);
	pfree(children);
}

void
check_families(LayerCheck *check)
{
	for (int i = 0; i < check->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (check->unbalanced[i])
			check_family(check, i);
	}
}
