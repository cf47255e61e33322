/*
 * layer_check.h
 *	  What the files of grid_layer_check share: the areas of a layer as they
 *	  were read, and how problems are reported.
 */
#ifndef GRIDTREE_LAYER_CHECK_H
#define GRIDTREE_LAYER_CHECK_H

#include "layer.h"

#include "coverage_pairs.h"
#include "executor/spi.h"
#include "nodes/execnodes.h"
#include "scheme.h"
#include "storage/itemptr.h"

/* A row of the layer. */
typedef struct CheckArea
{
	gridcode	code;
	Oid			table;			/* where it is: the layer's table, or a partition */
	ItemPointerData tid;
	bool		empty;			/* no polygon, one without a point, or one of another SRID */
	bool		foreign;		/* of another SRID */
	bool		finite;			/* all coordinates are; else box means nothing, and GEOS is not asked */
	Datum		fault;			/* where it is invalid; 0 where unknown */
	double		min_x;
	double		min_y;
	double		max_x;
	double		max_y;
	uint32		first_edge;		/* number of its first edge */
} CheckArea;

/* A whole check; indexes are of areas unless said otherwise. */
typedef struct LayerCheck
{
	Layer	   *layer;
	GridScheme	scheme;
	ReturnSetInfo *result;
	int			n;
	int			room;
	CheckArea  *areas;
	PairArea   *pairs;			/* of the same index; families are places in order */
	int		   *order;			/* areas by code */
	PairEdges	edges;
	bool	   *open;			/* by number of the edge */
	bool	   *unbalanced;		/* by family */
	int			present[SCHEME_MAX_LEVELS + 1];	/* digits of levels that have areas, highest first */
	int			npresent;
	double		width;			/* pieces thinner than this are rounding */
} LayerCheck;

/* layer_check.c */
extern int	check_first(const LayerCheck *check, gridcode code);
extern int	check_level(const LayerCheck *check, gridcode code);
extern Datum *check_keys(const LayerCheck *check, const int *areas, int n);
extern void check_report(LayerCheck *check, const char *problem, gridcode code, gridcode other, Datum *area, Datum *geom);
extern uint64 check_query(const char *query, int nvalues, const Oid *types, Datum *values);
extern Datum check_value(uint64 row, int column, bool *isnull);
extern char *check_measure(const LayerCheck *check, const char *geom);
extern char *check_polygon(const LayerCheck *check, const char *geom);
extern char *check_rows(const LayerCheck *check, const char *alias, int first);
extern char *check_valid(const char *alias);
extern char *check_thick(const LayerCheck *check, const char *geom);

/* Types of what check_keys makes. */
#define CHECK_NKEYS	4
#define CHECK_KEY_TYPES	INT4ARRAYOID, OIDARRAYOID, TIDARRAYOID, BOOLARRAYOID

/* layer_check_overlap.c */
extern void check_overlaps(LayerCheck *check);

/* layer_check_gap.c */
extern void check_holes(LayerCheck *check);
extern void check_families(LayerCheck *check);

#endif							/* GRIDTREE_LAYER_CHECK_H */
