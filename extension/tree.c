/*
 * tree.c
 *	  Leaves of a tree (tree.h).
 */
#include "tree.h"

#include <string.h>

void
tree_leaf_init(TreeLeaf *leaf, gridcode code, int nfigures)
{
	memset(leaf, 0, TREE_LEAF_SIZE(nfigures));
	leaf->code = code;
}

bool
tree_leaf_merge(TreeLeaf *into, const TreeLeaf *from, int nfigures)
{
	if (__builtin_add_overflow(into->n, from->n, &into->n))
		return false;
	for (int i = 0; i < nfigures; i++)
		if (!stats_merge(&into->stats[i], &from->stats[i]))
			return false;
	return true;
}
