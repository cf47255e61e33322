/*
 * layer_edit.h
 *	  The triggers on layers' tables, and the log of what was edited where.
 */
#ifndef GRIDTREE_LAYER_EDIT_H
#define GRIDTREE_LAYER_EDIT_H

#include "layer.h"

/* Put the triggers on a layer's table and every partition and child of it. */
extern void layer_equip(Oid relation);

/* Take them off again. */
extern void layer_strip(Oid relation);

/* All of the layers of a table may have changed. */
extern void layer_touch(Oid relation);

/* In an sql_drop event trigger: a partition or child of a layer's table may have gone. */
extern void layer_member_dropped(void);

#endif							/* GRIDTREE_LAYER_EDIT_H */
