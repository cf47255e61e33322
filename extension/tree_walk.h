/*
 * tree_walk.h
 *	  From the leaves of a tree, in the order of their codes, to all its
 *	  nodes: every area of a scheme that has rows at or below it, with the
 *	  figures of all those rows.  A code that ends at no level is a node too,
 *	  of the rows at and below it.
 *
 * One pass with a stack of the areas around the current leaf: a node is merged
 * into the one above it once, when the last leaf inside it has passed.
 */
#ifndef GRIDTREE_TREE_WALK_H
#define GRIDTREE_TREE_WALK_H

#include "scheme.h"
#include "tree.h"

/* Told of each node when it is complete, children before parents; level 0 is none. */
typedef void (*TreeVisit) (void *arg, const TreeLeaf *node, int level);

typedef struct TreeWalk
{
	const GridScheme *scheme;
	int			nfigures;
	int			from_digits;	/* nodes with fewer or more digits are left out */
	int			to_digits;
	TreeVisit	visit;
	void	   *arg;
	char	   *nodes;			/* TREE_WALK_SIZE(nfigures) bytes of the caller's */
	int			depth;			/* nodes on the stack, outermost first */
	int			level[GRIDCODE_MAX_DIGITS];
} TreeWalk;

#define TREE_WALK_SIZE(nfigures) (GRIDCODE_MAX_DIGITS * TREE_LEAF_SIZE(nfigures))

/* Passes the next leaf; false where numbers become too large. */
extern bool tree_walk_leaf(TreeWalk *walk, const TreeLeaf *leaf);

/* After the last leaf: completes what is on the stack. */
extern bool tree_walk_end(TreeWalk *walk);

#endif							/* GRIDTREE_TREE_WALK_H */
