/*
 * layer_rule.h
 *	  grid_locate's rule, evaluated as the SQL that states it.
 */
#ifndef GRIDTREE_LAYER_RULE_H
#define GRIDTREE_LAYER_RULE_H

#include "layer_kept.h"
#include "postgis.h"

/* The code of the area that covers a point that has been checked; 0 where there is none. */
extern gridcode layer_rule_covering(KeptLayer *kept, Datum point);

/* The code of the nearest area within a tolerance; 0 where there is none. */
extern gridcode layer_rule_nearest(KeptLayer *kept, Datum point, const GeometryHead *head, double tolerance);

/* How far a tolerance reaches at a point, in x and in y, in the layer's units; a little more. */
extern void layer_reach(const KeptLayer *kept, const GeometryHead *head, double tolerance, double *x, double *y);

/* "FROM table WHERE (filter) AND code IS NOT NULL", quoted: the rows that count. */
extern char *layer_rows_clause(const Layer *layer);

/* From here on errors name the layer. */
extern void layer_name_in_errors(ErrorContextCallback *context, const char *name);

#endif							/* GRIDTREE_LAYER_RULE_H */
