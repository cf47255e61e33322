/*
 * gridcode.h
 *	  The SQL type gridcode as C functions see it: a code of code.h, passed by
 *	  value.
 */
#ifndef GRIDTREE_GRIDCODE_H
#define GRIDTREE_GRIDCODE_H

#include "gridtree.h"

#include "code.h"
#include "fmgr.h"
#include "nodes/nodes.h"

#define DatumGetGridcode(datum) ((gridcode) DatumGetInt64(datum))
#define GridcodeGetDatum(code) Int64GetDatum((int64) (code))
#define PG_GETARG_GRIDCODE(n) DatumGetGridcode(PG_GETARG_DATUM(n))
#define PG_RETURN_GRIDCODE(code) return GridcodeGetDatum(code)

/* Return a code, or NULL where it is no code. */
#define PG_RETURN_GRIDCODE_OR_NULL(code) \
	do { \
		gridcode	code_or_null = (code); \
		if (code_or_null == 0) \
			PG_RETURN_NULL(); \
		PG_RETURN_GRIDCODE(code_or_null); \
	} while (0)

/*
 * Parse text as gridcode's input function does.  escontext is the context of a
 * soft error (16 and later) or NULL; false is returned only with one.
 */
extern bool gridcode_from_text(const char *text, size_t len, gridcode *code, Node *escontext);

/* The code as a palloc'd C string, for messages. */
extern char *gridcode_to_cstring(gridcode code);

#endif							/* GRIDTREE_GRIDCODE_H */
