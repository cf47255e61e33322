/*
 * rollup.h
 *	  What the rest of gridtree may ask of the rollup engine.
 *
 * The files behind it, one concept each:
 *	  rollup_def.h	   a rollup as it is defined, and the SQL that follows from it
 *	  rollup_catalog.c the catalog tables, read and written
 *	  rollup_measure.c the argument measures, analysed
 *	  rollup_sql.c	   pieces of SQL
 *	  rollup_views.c   the views of a rollup
 *	  rollup_create.c, rollup_alter.c, rollup_drop.c
 *	  rollup_trigger.c which triggers a source carries
 *	  rollup_ddl.c	   their upkeep by DDL, and what DDL changes
 *	  rollup_capture.c what those triggers do
 *	  rollup_log.h	   the log of touched cells
 *	  rollup_refresh.c the refresh, with the concurrency protocol
 *	  rollup_compute.c the figures, computed and written
 *	  rollup_rows.c	   rows that one statement leaves for the next ones
 *	  rollup_compact.c a shorter log
 *	  rollup_index.c   whether the source has an index that serves
 *	  rollup_verify.c  the comparison with a recomputation
 *	  rollup_rights.c  who may refresh, and who is shown how a rollup is
 *	  rollup_owner.c   running as somebody else, safely
 *	  rollup_bucket.c  periods of time
 */
#ifndef GRIDTREE_ROLLUP_H
#define GRIDTREE_ROLLUP_H

#include "gridtree.h"

/*
 * Recompute what the rollup's log says was touched, in the caller's
 * transaction, as the rollup's owner.  At most max_cells cells if that is not
 * 0; *more, if given, says whether the log still holds something.  Returns the
 * number of lowest cells that were recomputed.  An error if the current user
 * may not refresh the rollup.  Errors may quote rows of the source.
 */
extern int64 rollup_refresh(Oid rollup, int64 max_cells, bool *more);

/* Is a refresh or a compaction of the rollup under way in another session? */
extern bool rollup_is_busy(Oid rollup);

/*
 * May this role refresh the rollup?  Its owner, who may write its rows, and who
 * may execute grid_rollup_runner().
 */
extern bool rollup_may_refresh(Oid rollup, Oid role);

/* The current user may, or an error. */
extern void rollup_check_may_refresh(Oid rollup);

#endif							/* GRIDTREE_ROLLUP_H */
