/*
 * gridtree_type.h
 *	  The SQL type gridtree, for the files that take or make its values.
 *
 * A gridtree is a varlena that holds a tree in the packed form (tree.h).  The
 * state of a running aggregate is a gridtree as well, in the open form: a
 * TreeState, changed in place.  The first byte after the length tells them
 * apart.  Every function reads both; only aggregate states are ever open, and
 * what an aggregate of the user's own, without a final function, gives.
 */
#ifndef GRIDTREE_TYPE_H
#define GRIDTREE_TYPE_H

#include "gridtree.h"

#include "fmgr.h"
#include "tree_state.h"
#include "utils/memutils.h"

/* The first byte of an open tree; the packed form has its version there. */
#define GRIDTREE_OPEN	15

/* Bytes of an open tree: less than an allocation may be, as it is also sent in a tuple. */
#define GRIDTREE_OPEN_MAX	(MaxAllocSize - 65536)

/* A tree that is written leaf by leaf, as bytes or text. */
typedef struct GridtreeWriter
{
	char	   *data;			/* palloc'd; begins with room for a varlena header */
	Size		size;
	Size		allocated;
	TreeSpelling spelling;
	gridcode	previous;
	int			nfigures;
} GridtreeWriter;

extern void gridtree_write_start(GridtreeWriter *writer, TreeSpelling spelling,
								 int nfigures, uint32 nleaves);
extern void gridtree_write_leaf(GridtreeWriter *writer, const TreeLeaf *leaf);

/* What was written as a value: a gridtree if stored, a bytea if for the wire. */
extern Datum gridtree_write_end(GridtreeWriter *writer);

/* A stored value that is read leaf by leaf; an open one is packed first. */
typedef struct GridtreeReader
{
	TreeReader	reader;
	TreeLeaf   *leaf;			/* what gridtree_read_leaf read */
} GridtreeReader;

extern void gridtree_read_start(GridtreeReader *reader, Datum value);
extern bool gridtree_read_leaf(GridtreeReader *reader);

/* A value in the packed form, not toasted; itself if it is that. */
extern struct varlena *gridtree_packed(Datum value);

/* Whether a value that is not toasted is in the open form. */
extern bool gridtree_is_open(const struct varlena *value);

/* Such a value, which may not be written, aligned; an error if it is not ours. */
extern const TreeState *gridtree_open(struct varlena *value);

/* An open tree without leaves; an error if it is too large for a value. */
extern TreeState *gridtree_open_new(int nfigures, TreeRoom room);

/* The error for TREE_TOO_MANY. */
pg_noreturn extern void gridtree_too_many(const TreeState *tree);

#endif							/* GRIDTREE_TYPE_H */
