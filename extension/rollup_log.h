/*
 * rollup_log.h
 *	  The log of a rollup, written row by row.
 *
 * Its columns are told by their place: code, bucket if there are any, and last
 * unassigned.  A row says one of three things:
 *	  a cell (code, bucket) is touched
 *	  so many rows more or less are in no cell (unassigned): the sum over the
 *	  log is their number, as long as no row says
 *	  everything may have changed (nothing)
 */
#ifndef GRIDTREE_ROLLUP_LOG_H
#define GRIDTREE_ROLLUP_LOG_H

#include "gridtree.h"

#include "code.h"
#include "datatype/timestamp.h"

typedef struct RollupCell
{
	gridcode	code;
	Timestamp	bucket;			/* 0 without buckets */
} RollupCell;

/* Append cells, and a row for unassigned if that is not 0. */
extern void rollup_log_append(Oid log, const RollupCell *cells, int count, int64 unassigned);

/* Append a row that says "everything". */
extern void rollup_log_everything(Oid log);

/* Conditions in SQL on rows of a log. */
#define LOG_IS_CELL			"code IS NOT NULL"
#define LOG_IS_EVERYTHING	"code IS NULL AND unassigned IS NULL"

#endif							/* GRIDTREE_ROLLUP_LOG_H */
