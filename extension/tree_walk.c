/*
 * tree_walk.c
 *	  The nodes of a tree from its leaves (tree_walk.h).
 */
#include "tree_walk.h"

static TreeLeaf *
node_at(TreeWalk *walk, int depth)
{
	return (TreeLeaf *) (walk->nodes + depth * TREE_LEAF_SIZE(walk->nfigures));
}

static void
push(TreeWalk *walk, gridcode code, int level)
{
	tree_leaf_init(node_at(walk, walk->depth), code, walk->nfigures);
	walk->level[walk->depth] = level;
	walk->depth++;
}

/* The innermost node is complete: it is visited and counts in the one around it. */
static bool
pop(TreeWalk *walk)
{
	TreeLeaf   *node = node_at(walk, --walk->depth);

	walk->visit(walk->arg, node, walk->level[walk->depth]);
	return walk->depth == 0 ||
		tree_leaf_merge(node_at(walk, walk->depth - 1), node, walk->nfigures);
}

static bool
wanted(const TreeWalk *walk, int digits)
{
	return digits >= walk->from_digits && digits <= walk->to_digits;
}

/* The areas around a code that are not on the stack yet, outermost first. */
static void
push_areas(TreeWalk *walk, gridcode code)
{
	int			digits = gridcode_digits(code);
	int			have = walk->depth == 0 ? 0 : gridcode_digits(node_at(walk, walk->depth - 1)->code);
	bool		at_level = false;

	for (int i = 0; i < walk->scheme->nlevels && walk->scheme->level[i].digits <= digits; i++)
	{
		int			ends = walk->scheme->level[i].digits;

		at_level = ends == digits;
		if (ends > have && wanted(walk, ends))
			push(walk, gridcode_prefix(code, ends), i + 1);
	}
	if (!at_level && wanted(walk, digits))
		push(walk, code, 0);
}

bool
tree_walk_leaf(TreeWalk *walk, const TreeLeaf *leaf)
{
	while (walk->depth > 0 &&
		   !gridcode_contains(node_at(walk, walk->depth - 1)->code, leaf->code))
		if (!pop(walk))
			return false;
	push_areas(walk, leaf->code);
	return walk->depth == 0 ||
		tree_leaf_merge(node_at(walk, walk->depth - 1), leaf, walk->nfigures);
}

bool
tree_walk_end(TreeWalk *walk)
{
	while (walk->depth > 0)
		if (!pop(walk))
			return false;
	return true;
}
