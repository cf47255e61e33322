/*
 * rollup_owner.h
 *	  Running SQL as somebody else without lending them anything.
 */
#ifndef GRIDTREE_ROLLUP_OWNER_H
#define GRIDTREE_ROLLUP_OWNER_H

#include "gridtree.h"

typedef struct OwnerContext
{
	Oid			user;			/* who it was before */
	int			security;
	int			guc_level;
} OwnerContext;

/*
 * Become role, as REFRESH MATERIALIZED VIEW does: a security-restricted
 * operation, row_security off (a policy raises an error and never hides rows)
 * and a search_path nobody can put anything in.  An error in between needs no
 * care: the end of the (sub)transaction restores everything.
 */
extern void owner_enter(OwnerContext *context, Oid role);
extern void owner_leave(OwnerContext *context);

/* Become the owner of the extension's catalog tables. */
extern void owner_enter_catalog(OwnerContext *context);

/* The owner of a relation; InvalidOid where there is no such relation. */
extern Oid	relation_owner(Oid relation);

/* Run one statement through SPI; an error unless it works.  Returns the rows. */
extern uint64 rollup_execute(const char *sql);
extern uint64 rollup_execute_args(const char *sql, int nargs, Oid *types, Datum *values,
								  const char *nulls);

/* The same for a query, under the active snapshot. */
extern uint64 rollup_query(const char *sql);

#endif							/* GRIDTREE_ROLLUP_OWNER_H */
