/*
 * compat.h
 *	  What differs between the server versions 15 to 18, and nothing else.
 */
#ifndef GRIDTREE_COMPAT_H
#define GRIDTREE_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "gridtree needs PostgreSQL 15 or later"
#endif

/* From 16 on input functions can report to an error-saving context. */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#define soft_ereport(context, ...) errsave(context, __VA_ARGS__)
#else
#define soft_ereport(context, ...) ereport(ERROR, __VA_ARGS__)
#endif

/* VARDATA and friends left postgres.h in 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* One function for all kinds of objects from 16 on. */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(classid, objectid, roleid) pg_class_ownercheck(objectid, roleid)
#define function_aclcheck(function, role, mode) pg_proc_aclcheck(function, role, mode)
#else
#define function_aclcheck(function, role, mode) object_aclcheck(ProcedureRelationId, function, role, mode)
#endif

/* New in 16, and in later minor versions of 15. */
#ifndef palloc_object
#define palloc_object(type) ((type *) palloc(sizeof(type)))
#define palloc0_object(type) ((type *) palloc0(sizeof(type)))
#define palloc_array(type, count) ((type *) palloc(sizeof(type) * (count)))
#define palloc0_array(type, count) ((type *) palloc0(sizeof(type) * (count)))
#endif

/* The spelling of 18; later minor versions of the others may have it too. */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* ANALYZE: the statistics target of a column, and the delay of 18. */
#if PG_VERSION_NUM >= 170000
#define analyze_target(stats) ((stats)->attstattarget)
#else
#define analyze_target(stats) ((stats)->attr->attstattarget)
#endif
#if PG_VERSION_NUM >= 180000
#define analyze_delay_point() vacuum_delay_point(true)
#else
#define analyze_delay_point() vacuum_delay_point()
#endif

/* ALTER TABLE … SET EXPRESSION, which gives a column of all rows other values, is new in 17. */
#if PG_VERSION_NUM >= 170000
#define alter_sets_expression(subtype) ((subtype) == AT_SetExpression)
#else
#define alter_sets_expression(subtype) false
#endif

#endif							/* GRIDTREE_COMPAT_H */
