/*
 * layer.h
 *	  Layers as the C files of this room share them: the catalog row, the
 *	  filter, safe SQL, and grid_locate's rule.
 *
 * Knows codes; knows nothing of rollups.
 */
#ifndef GRIDTREE_LAYER_H
#define GRIDTREE_LAYER_H

#include <math.h>

#include "gridcode.h"
#include "gridtree.h"
#include "nodes/pg_list.h"
#include "postgis.h"
#include "storage/lockdefs.h"
#include "utils/rel.h"

/* A row of grid_layer_catalog, but for what only the view shows. */
typedef struct Layer
{
	char		name[NAMEDATALEN];
	Oid			relation;
	NameData	geom_column;
	NameData	code_column;
	char	   *filter;			/* NULL where all rows count */
	Datum		scheme;			/* gridscheme; not read back */
	int32		srid;
	bool		geographic;		/* coordinates are degrees */
	int64		added_at;		/* microseconds; set by layer_insert */
} Layer;

/* layer_catalog.c */
extern Layer *layer_read(const char *name);	/* NULL where there is none */
extern List *layer_read_all(void);
extern List *layer_relations(void);	/* OIDs, each once */
extern void layer_insert(const Layer *layer);
extern int	layer_delete(const char *name);
extern int	layer_delete_of_relation(Oid relation);
extern Oid	layer_catalog_oid(void);
extern _Noreturn void layer_unknown(const char *name);

/* layer_filter.c */
extern char *layer_filter(Relation rel, const char *filter);
extern char *statement_filter(Relation rel, const char *filter, const char *alias);

/* layer_tree.c */
extern List *layer_tables_above(Oid table);
extern bool layer_is_below(Oid table, List *relations);
extern void layer_check_table(Oid table);
extern void layer_lock_tables(Oid top);
extern void layer_equip(Oid top, LOCKMODE lock);
extern void layer_drop_row_triggers(Oid top);
extern void layer_enable_triggers(Oid table);
extern bool layer_has_trigger_name(const char *name);

/* layer_sql.c */
extern AttrNumber geometry_column(Relation rel, const char *column);
extern AttrNumber gridcode_column(Relation rel, const char *column);

/* The SRID that a geometry column is declared with; 0 where none is. */
extern int32 geometry_column_srid(Oid relation, AttrNumber geom);

/* An error where a column is declared with another SRID than that of the layer. */
extern void check_column_of_points(Relation rel, const char *column, const char *layer, int32 srid);

/* Is there an index that finds geometries by their place? */
extern bool relation_spatial_index(Relation rel, AttrNumber geom);

/*
 * layer_locate.c: the code of the area that a point is in; 0 where there is
 * none.  The site is zeroed before the first call.
 */
struct LayerSite;
extern gridcode layer_locate(struct LayerSite *site, const char *name, Datum point, double tolerance);
extern void layer_check_tolerance(double tolerance);

#endif							/* GRIDTREE_LAYER_H */
