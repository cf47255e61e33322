/*
 * layer_log.h
 *	  The two tables that layers note their edits in, as rows that are only ever
 *	  appended and taken away again without waiting.
 */
#ifndef GRIDTREE_LAYER_LOG_H
#define GRIDTREE_LAYER_LOG_H

#include "gridtree.h"

#include "access/genam.h"
#include "storage/lock.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef enum LayerLog
{
	LAYER_LOG_VERSION,			/* grid_layer_version */
	LAYER_LOG_EDIT				/* grid_layer_edit */
} LayerLog;

/* The table of a log; it and its index stay locked to the end of the transaction. */
extern Relation layer_log_open(LayerLog log, LOCKMODE lock);

/* Begin a scan of the rows of one layer's relation; systable_getnext and systable_endscan. */
extern SysScanDesc layer_log_scan(LayerLog log, Relation table, Oid relation, Snapshot snapshot);

extern void layer_log_append(LayerLog log, Datum *values, bool *nulls);

/* Delete a row; false, and no wait, where somebody else has done or is doing that. */
extern bool layer_log_remove(Relation table, HeapTuple row);

/* Is a row of the current transaction? */
extern bool layer_log_is_own(HeapTuple row);

/* Delete what can be deleted of a relation's rows, those of this transaction only if own. */
extern void layer_log_clear(LayerLog log, Oid relation, bool own);

#endif							/* GRIDTREE_LAYER_LOG_H */
