/*
 * gridscheme.h
 *	  The SQL type gridscheme as C functions see it.
 *
 * Stored is a version byte and the canonical text, so that equal schemes have
 * equal bytes and a default of this type in a catalog keeps its meaning.
 */
#ifndef GRIDTREE_GRIDSCHEME_H
#define GRIDTREE_GRIDSCHEME_H

#include "gridtree.h"

#include "fmgr.h"
#include "scheme.h"

/*
 * Argument argno of a function, parsed.  It is parsed once while the bytes of
 * the argument are equal and lives as long as the FmgrInfo, whose fn_extra it
 * occupies: a function that uses this has at most one scheme and cannot keep
 * anything else there (a set-returning function materializes).
 */
extern const GridScheme *gridscheme_cached(FunctionCallInfo fcinfo, int argno);

/*
 * A stored scheme, parsed into *scheme, whose names point into the stored
 * value: that must not be toasted (PG_DETOAST_DATUM_PACKED) and must stay.
 */
extern void gridscheme_parse_stored(const struct varlena *stored, GridScheme *scheme);

/* The level called name, 1 the highest; an error where the scheme has none. */
extern int	gridscheme_level(const GridScheme *scheme, const char *name, size_t len);

#endif							/* GRIDTREE_GRIDSCHEME_H */
