/*
 * rollup_rows.h
 *	  Rows that one statement leaves for the next ones, which know them by a name.
 *
 * What a temporary table would be, were it not for security-restricted
 * operations, which have none.  They live as long as the SPI connection, spill
 * to disk beyond work_mem, and the planner knows how many they are.
 */
#ifndef GRIDTREE_ROLLUP_ROWS_H
#define GRIDTREE_ROLLUP_ROWS_H

#include "gridtree.h"

#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "utils/tuplestore.h"

typedef struct RollupRows
{
	const char *name;			/* unqualified, and before tables of that name */
	TupleDesc	columns;		/* NULL before the first statement */
	Tuplestorestate *store;
	MemoryContext context;
} RollupRows;

extern RollupRows *rollup_rows_create(const char *name);

/* Run a statement through SPI and add what it returns, which has the same columns each time. */
extern void rollup_rows_add(RollupRows *rows, const char *sql);

/* The first of them, in a slot of the caller's. */
extern TupleTableSlot *rollup_rows_first(RollupRows *rows);

/* No more is added, and statements of this SPI connection may read them. */
extern void rollup_rows_publish(RollupRows *rows);

extern void rollup_rows_free(RollupRows *rows);

#endif							/* GRIDTREE_ROLLUP_ROWS_H */
