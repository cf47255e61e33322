/*
 * tree.c
 *	  The open tree: a hash table over leaves in one piece of memory.
 *
 * The index maps a hash to the number of a leaf, so that growing moves leaves
 * and never needs them to be where their hash says, small trees have little
 * slack, and walking over the leaves is walking over an array.
 */
#include "tree.h"

#include <stdlib.h>
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

/* At most two thirds of the index are used. */
static uint32_t
index_size_for(uint32_t capacity)
{
	uint32_t	size = 4;

	while (size / 3 * 2 < capacity)
		size *= 2;
	return size;
}

/* Where the leaves begin; they hold 64-bit numbers. */
static size_t
leaves_offset(uint32_t index_size)
{
	return (sizeof(TreeState) + index_size * sizeof(uint32_t) + 7) / 8 * 8;
}

size_t
tree_state_size(int nfigures, uint32_t capacity)
{
	return leaves_offset(index_size_for(capacity)) + capacity * TREE_LEAF_SIZE(nfigures);
}

void
tree_state_init(TreeState *tree, int nfigures, uint32_t capacity)
{
	uint8_t		form = tree->form;
	uint32_t	reserved = tree->reserved;

	memset(tree, 0, leaves_offset(index_size_for(capacity)));
	tree->reserved = reserved;
	tree->form = form;
	tree->nfigures = (uint16_t) nfigures;
	tree->capacity = capacity;
	tree->index_size = index_size_for(capacity);
}

TreeLeaf *
tree_state_leaf(const TreeState *tree, uint32_t number)
{
	char	   *leaves = (char *) tree + leaves_offset(tree->index_size);

	return (TreeLeaf *) (leaves + number * TREE_LEAF_SIZE(tree->nfigures));
}

/* Codes of one area differ in few bits, so all of them must reach the low ones. */
static uint32_t
hash_of(gridcode code)
{
	uint64_t	bits = (uint64_t) code;

	bits ^= bits >> 33;
	bits *= UINT64_C(0xff51afd7ed558ccd);
	bits ^= bits >> 33;
	bits *= UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t) (bits ^ bits >> 33);
}

/* The place in the index of a code, or where it would be. */
static uint32_t *
place_of(TreeState *tree, gridcode code)
{
	uint32_t	mask = tree->index_size - 1;
	uint32_t	place = hash_of(code) & mask;

	while (tree->index[place] != 0 &&
		   tree_state_leaf(tree, tree->index[place] - 1)->code != code)
		place = (place + 1) & mask;
	return &tree->index[place];
}

void
tree_state_copy(TreeState *tree, uint32_t capacity, const TreeState *from)
{
	tree_state_init(tree, from->nfigures, capacity);
	memcpy(tree_state_leaf(tree, 0), tree_state_leaf(from, 0),
		   from->nleaves * TREE_LEAF_SIZE(from->nfigures));
	tree->last = from->last;
	while (tree->nleaves < from->nleaves)
	{
		gridcode	code = tree_state_leaf(tree, tree->nleaves)->code;

		*place_of(tree, code) = ++tree->nleaves;
	}
}

TreeLeaf *
tree_state_find(TreeState *tree, gridcode code)
{
	uint32_t   *place;
	TreeLeaf   *leaf;

	/* rows in the order of their codes, or the leaves of a tree like this one */
	for (uint32_t guess = tree->last; guess < tree->nleaves && guess <= tree->last + 1; guess++)
	{
		leaf = tree_state_leaf(tree, guess);
		if (leaf->code == code)
		{
			tree->last = guess;
			return leaf;
		}
	}
	place = place_of(tree, code);
	if (*place != 0)
	{
		tree->last = *place - 1;
		return tree_state_leaf(tree, tree->last);
	}
	if (tree->nleaves == tree->capacity)
		return NULL;
	tree->last = tree->nleaves;
	*place = ++tree->nleaves;
	leaf = tree_state_leaf(tree, tree->last);
	tree_leaf_init(leaf, code, tree->nfigures);
	return leaf;
}

static int
compare_order(const void *a, const void *b)
{
	gridcode	left = ((const TreeOrder *) a)->code;
	gridcode	right = ((const TreeOrder *) b)->code;

	return (left > right) - (left < right);
}

void
tree_state_order(const TreeState *tree, TreeOrder *order)
{
	bool		sorted = true;

	for (uint32_t i = 0; i < tree->nleaves; i++)
	{
		order[i].code = tree_state_leaf(tree, i)->code;
		order[i].number = i;
		sorted = sorted && (i == 0 || order[i - 1].code < order[i].code);
	}
	if (!sorted)
		qsort(order, tree->nleaves, sizeof *order, compare_order);
}

bool
tree_state_valid(const TreeState *tree)
{
	uint32_t	used = 0;

	if (tree->nfigures > TREE_MAX_FIGURES || tree->nleaves > tree->capacity ||
		tree->index_size != index_size_for(tree->capacity))
		return false;
	for (uint32_t i = 0; i < tree->index_size; i++)
		used += tree->index[i] != 0;
	if (used != tree->nleaves)
		return false;
	for (uint32_t i = 0; i < tree->nleaves; i++)
	{
		const TreeLeaf *leaf = tree_state_leaf(tree, i);

		if (*place_of((TreeState *) tree, leaf->code) != i + 1 || leaf->n < 1)
			return false;
		for (int figure = 0; figure < tree->nfigures; figure++)
			if (leaf->stats[figure].count > leaf->n || !stats_valid(&leaf->stats[figure]))
				return false;
	}
	return true;
}
