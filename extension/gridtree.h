/*
 * gridtree.h
 *	  What every SQL-facing file of the extension shares: where the
 *	  extension's own objects live.
 *
 * Knows the catalogs; knows nothing of codes, layers, figures or rollups.
 */
#ifndef GRIDTREE_H
#define GRIDTREE_H

#include "postgres.h"

#include "compat.h"

/* The schema the extension was created in; an error if it is not installed. */
extern Oid	gridtree_schema(void);

/* Its quoted name, palloc'd; for building queries. */
extern char *gridtree_schema_quoted(void);

/* The schema PostGIS was created in, quoted and palloc'd. */
extern char *postgis_schema_quoted(void);

/* The schema of any installed extension, quoted and palloc'd; an error if it is not installed. */
extern char *extension_schema_quoted(const char *extension);

/* Oid of a type of the extension by name; an error if missing. */
extern Oid	gridtree_type(const char *name);

/* Oid of a trigger function of the extension by name; an error if missing. */
extern Oid	gridtree_trigger_function(const char *name);

/* Oid of a type of PostGIS by name; an error if missing. */
extern Oid	postgis_type(const char *name);

/* Its qualified, quoted name, palloc'd; an error if there is no such relation. */
extern char *relation_quoted(Oid relation);

/* sql.c: between the two, unqualified names in SQL are pg_catalog's. */
extern int	safe_search_path_begin(void);
extern void safe_search_path_end(int nest);

/* An error that names the first of the n arguments that is null; a name may be NULL where null is allowed. */
struct FunctionCallInfoBaseData;
extern void refuse_null_arguments(struct FunctionCallInfoBaseData *fcinfo, const char *const *names, int n);

#endif							/* GRIDTREE_H */
