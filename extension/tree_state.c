/*
 * tree_state.c
 *	  The open tree (tree_state.h): a hash table over leaves, and rows that wait
 *	  to be added to them.
 *
 * The index maps a hash to the number of a leaf, so that growing moves leaves
 * and never needs them to be where their hash says, small trees have little
 * slack, and walking over the leaves is walking over an array.
 */
#include "tree_state.h"

#include <stdlib.h>

/* Rows whose leaves are fetched ahead together: they and the rest fit the first cache. */
#define BATCH	32

/* From so many rows on, and from so many rows a code, there are leaves: one takes what some ten rows take. */
#define FEW_ROWS	16
#define ROWS_A_CODE	2

/* How many rows are looked at to see how many codes they have, about. */
#define SAMPLE	512

/* At most two thirds of the index are used. */
static uint32_t
index_size_for(uint32_t capacity)
{
	uint32_t	size = 4;

	if (capacity == 0)
		return 0;
	while (size / 3 * 2 < capacity)
		size *= 2;
	return size;
}

static size_t
row_size(int nfigures)
{
	return sizeof(TreeRow) + (size_t) nfigures * sizeof(double);
}

static size_t
leaves_offset(uint32_t index_size)
{
	return sizeof(TreeState) + index_size * sizeof(TreeSlot);
}

static size_t
rows_offset(int nfigures, uint32_t capacity)
{
	return leaves_offset(index_size_for(capacity)) + capacity * TREE_LEAF_SIZE(nfigures);
}

size_t
tree_state_size(int nfigures, TreeRoom room)
{
	return rows_offset(nfigures, room.leaves) + room.rows * row_size(nfigures);
}

void
tree_state_init(TreeState *tree, int nfigures, TreeRoom room)
{
	uint8_t		form = tree->form;
	uint32_t	reserved = tree->reserved;

	memset(tree, 0, leaves_offset(index_size_for(room.leaves)));
	tree->reserved = reserved;
	tree->form = form;
	tree->layout = TREE_STATE_LAYOUT;
	tree->nfigures = (uint16_t) nfigures;
	tree->capacity = room.leaves;
	tree->row_capacity = room.rows;
	tree->index_size = index_size_for(room.leaves);
}

TreeLeaf *
tree_state_leaf(const TreeState *tree, uint32_t number)
{
	char	   *leaves = (char *) tree + leaves_offset(tree->index_size);

	return (TreeLeaf *) (leaves + number * TREE_LEAF_SIZE(tree->nfigures));
}

TreeRow *
tree_state_row(const TreeState *tree, uint32_t number)
{
	char	   *rows = (char *) tree_state_leaf(tree, tree->capacity);

	return (TreeRow *) (rows + number * row_size(tree->nfigures));
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

/* The first slot of a hash that holds a leaf of the same hash, or is free. */
static TreeSlot *
first_slot(TreeState *tree, uint32_t hash)
{
	uint32_t	mask = tree->index_size - 1;
	uint32_t	place = hash & mask;

	while (tree->index[place].leaf != 0 && tree->index[place].hash != hash)
		place = (place + 1) & mask;
	return &tree->index[place];
}

/* The slot of a code, or the free one where it would be. */
static TreeSlot *
slot_of(TreeState *tree, gridcode code, uint32_t hash)
{
	uint32_t	mask = tree->index_size - 1;
	uint32_t	place = hash & mask;

	while (tree->index[place].leaf != 0 &&
		   (tree->index[place].hash != hash ||
			tree_state_leaf(tree, tree->index[place].leaf - 1)->code != code))
		place = (place + 1) & mask;
	return &tree->index[place];
}

/* The leaf of a code, made if there is none; NULL if there is no room to make it. */
static TreeLeaf *
find(TreeState *tree, gridcode code, uint32_t hash)
{
	TreeSlot   *slot;
	TreeLeaf   *leaf;

	if (tree->index_size == 0)
		return NULL;
	slot = slot_of(tree, code, hash);
	if (slot->leaf != 0)
	{
		tree->last = slot->leaf - 1;
		return tree_state_leaf(tree, tree->last);
	}
	if (tree->nleaves == tree->capacity)
		return NULL;
	tree->last = tree->nleaves;
	slot->hash = hash;
	slot->leaf = ++tree->nleaves;
	leaf = tree_state_leaf(tree, tree->last);
	tree_leaf_init(leaf, code, tree->nfigures);
	return leaf;
}

/* Adds a number to a set of them, open addressing; whether it is new. */
static bool
set_add(uint32_t *set, uint32_t size, uint32_t number)
{
	uint32_t	place = number % size;

	while (set[place] != 0 && set[place] != number)
		place = (place + 1) % size;
	if (set[place] == number)
		return false;
	set[place] = number;
	return true;
}

/* How many codes the waiting rows have, about: those whose hash is below a bound are counted. */
static uint32_t
count_codes(const TreeState *tree)
{
	uint32_t	seen[2 * SAMPLE] = {0};
	uint32_t	codes = 0;
	int			bits = 0;

	while (tree->nrows >> bits > SAMPLE)
		bits++;
	for (uint32_t i = 0; i < tree->nrows && codes < SAMPLE + SAMPLE / 2; i++)
	{
		uint32_t	hash = tree_state_row(tree, i)->hash;

		if ((uint64_t) hash << bits >> 32 == 0 && set_add(seen, 2 * SAMPLE, hash + (hash == 0)))
			codes++;
	}
	return codes << bits;
}

TreeRoom
tree_state_next_room(const TreeState *tree)
{
	TreeRoom	room = {tree->capacity, tree->row_capacity};

	if (tree->capacity == 0 && tree->nrows == tree->row_capacity)
	{
		uint32_t	codes = tree->nrows < FEW_ROWS ? tree->nrows : count_codes(tree);

		if (tree->nrows < ROWS_A_CODE * codes && room.rows < TREE_MOST_ROWS)
			room.rows *= 2;
		else
			room.leaves = 2 + codes + codes / 3;
		return room;
	}
	if (room.leaves < 16384)
		room.leaves = room.leaves < 4 ? 4 : room.leaves * 2;
	else
		room.leaves += room.leaves / 2;
	if (room.leaves > TREE_ROWS && tree->nrows <= TREE_ROWS)
		room.rows = TREE_ROWS;
	return room;
}

void
tree_state_copy(TreeState *tree, TreeRoom room, const TreeState *from)
{
	uint32_t	mask;

	tree_state_init(tree, from->nfigures, room);
	mask = tree->index_size - 1;
	tree->nleaves = from->nleaves;
	tree->nrows = from->nrows;
	tree->last = from->last;
	memcpy(tree_state_leaf(tree, 0), tree_state_leaf(from, 0),
		   from->nleaves * TREE_LEAF_SIZE(from->nfigures));
	memcpy(tree_state_row(tree, 0), tree_state_row(from, 0),
		   from->nrows * row_size(from->nfigures));
	for (uint32_t i = 0; i < from->index_size; i++)
	{
		uint32_t	place = from->index[i].hash & mask;

		if (from->index[i].leaf == 0)
			continue;
		while (tree->index[place].leaf != 0)
			place = (place + 1) & mask;
		tree->index[place] = from->index[i];
	}
}

static bool
is_figure(double figure)
{
	double		none = tree_no_figure();

	return memcmp(&figure, &none, sizeof none) != 0;
}

bool
tree_row_add(TreeLeaf *leaf, const TreeRow *row, int nfigures)
{
	if (leaf->n == INT64_MAX)
		return false;
	leaf->n++;
	for (int i = 0; i < nfigures; i++)
		if (is_figure(row->figure[i]) && !stats_add(&leaf->stats[i], row->figure[i]))
			return false;
	return true;
}

/* Has the memory of a leaf brought near, as far as that is worth it. */
static void
prefetch_leaf(const TreeLeaf *leaf, size_t size)
{
	const char *line = (const char *) leaf;

	for (size_t at = 0; at < size && at < 1024; at += 64)
		__builtin_prefetch(line + at, 1);
}

/* The number + 1 of the leaf of a hash, fetched ahead; it may be another code's, and 0 is none. */
static uint32_t
guess_leaf(TreeState *tree, uint32_t hash)
{
	uint32_t	leaf = tree->index_size == 0 ? 0 : first_slot(tree, hash)->leaf;

	if (leaf != 0)
		prefetch_leaf(tree_state_leaf(tree, leaf - 1), TREE_LEAF_SIZE(tree->nfigures));
	return leaf;
}

/* As find, with a guess. */
static TreeLeaf *
find_guessed(TreeState *tree, gridcode code, uint32_t hash, uint32_t guess)
{
	if (guess != 0 && tree_state_leaf(tree, guess - 1)->code == code)
		return tree_state_leaf(tree, tree->last = guess - 1);
	return find(tree, code, hash);
}

/* Adds the rows of a batch to their leaves; *done counts those that are. */
static TreeAdd
settle_batch(TreeState *tree, uint32_t *done, uint32_t end)
{
	uint32_t	guess[BATCH];
	uint32_t	start = *done;

	for (uint32_t i = start; i < end; i++)
		guess[i - start] = guess_leaf(tree, tree_state_row(tree, i)->hash);
	for (; *done < end; ++*done)
	{
		const TreeRow *row = tree_state_row(tree, *done);
		TreeLeaf   *leaf = find_guessed(tree, row->code, row->hash, guess[*done - start]);

		if (leaf == NULL)
			return TREE_FULL;
		if (!tree_row_add(leaf, row, tree->nfigures))
			return TREE_TOO_MANY;
	}
	return TREE_ADDED;
}

/* The same with leaves of another tree. */
static TreeAdd
merge_batch(TreeState *tree, const TreeState *from, uint32_t *done, uint32_t end)
{
	uint32_t	hash[BATCH];
	uint32_t	guess[BATCH];
	uint32_t	start = *done;

	for (uint32_t i = start; i < end; i++)
	{
		hash[i - start] = hash_of(tree_state_leaf(from, i)->code);
		guess[i - start] = guess_leaf(tree, hash[i - start]);
	}
	for (; *done < end; ++*done)
	{
		const TreeLeaf *leaf = tree_state_leaf(from, *done);
		TreeLeaf   *into = find_guessed(tree, leaf->code, hash[*done - start], guess[*done - start]);

		if (into == NULL)
			return TREE_FULL;
		if (!tree_leaf_merge(into, leaf, tree->nfigures))
			return TREE_TOO_MANY;
	}
	return TREE_ADDED;
}

static uint32_t
batch_end(uint32_t start, uint32_t n)
{
	return n - start > BATCH ? start + BATCH : n;
}

TreeAdd
tree_state_settle(TreeState *tree)
{
	uint32_t	done = 0;
	TreeAdd		added = TREE_ADDED;

	while (added == TREE_ADDED && done < tree->nrows)
		added = settle_batch(tree, &done, batch_end(done, tree->nrows));
	tree->nrows -= done;
	memmove(tree_state_row(tree, 0), tree_state_row(tree, done),
			tree->nrows * row_size(tree->nfigures));
	return added;
}

TreeAdd
tree_state_add_row(TreeState *tree, gridcode code, const double *figures)
{
	TreeRow    *row;

	if (tree->capacity == 0)
	{
		if (tree->nrows == tree->row_capacity)
			return TREE_FULL;
	}
	else if (tree->nrows >= TREE_ROWS || tree->nrows == tree->row_capacity)
	{
		TreeAdd		settled = tree_state_settle(tree);

		if (settled != TREE_ADDED)
			return settled;
	}
	row = tree_state_row(tree, tree->nrows++);
	row->code = code;
	row->hash = hash_of(code);
	row->unused = 0;
	memcpy(row->figure, figures, tree->nfigures * sizeof *figures);
	if (tree->index_size > 0)
		__builtin_prefetch(&tree->index[row->hash & (tree->index_size - 1)]);
	return TREE_ADDED;
}

TreeAdd
tree_state_add_leaf(TreeState *tree, const TreeLeaf *from)
{
	TreeLeaf   *leaf = NULL;

	/* the leaves of a tree like this one come in the same order */
	for (uint32_t guess = tree->last; guess < tree->nleaves && guess <= tree->last + 1; guess++)
		if (tree_state_leaf(tree, guess)->code == from->code)
		{
			tree->last = guess;
			leaf = tree_state_leaf(tree, guess);
			break;
		}
	if (leaf == NULL)
		leaf = find(tree, from->code, hash_of(from->code));
	if (leaf == NULL)
		return TREE_FULL;
	return tree_leaf_merge(leaf, from, tree->nfigures) ? TREE_ADDED : TREE_TOO_MANY;
}

TreeAdd
tree_state_add_leaves(TreeState *tree, const TreeState *from, uint32_t *done)
{
	return merge_batch(tree, from, done, batch_end(*done, from->nleaves));
}

static int
compare_order(const void *a, const void *b)
{
	gridcode	left = ((const TreeOrder *) a)->code;
	gridcode	right = ((const TreeOrder *) b)->code;

	return (left > right) - (left < right);
}

/* Sorts what is not sorted already. */
static void
sort(TreeOrder *order, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (order[i - 1].code > order[i].code)
		{
			qsort(order, n, sizeof *order, compare_order);
			return;
		}
}

void
tree_state_order(const TreeState *tree, TreeOrder *order)
{
	for (uint32_t i = 0; i < tree->nleaves; i++)
		order[i] = (TreeOrder) {tree_state_leaf(tree, i)->code, i};
	sort(order, tree->nleaves);
}

void
tree_state_order_rows(const TreeState *tree, TreeOrder *order)
{
	for (uint32_t i = 0; i < tree->nrows; i++)
		order[i] = (TreeOrder) {tree_state_row(tree, i)->code, i};
	sort(order, tree->nrows);
}

bool
tree_state_sound(const TreeState *tree)
{
	return tree->layout == TREE_STATE_LAYOUT && tree->nfigures <= TREE_MAX_FIGURES &&
		tree->nleaves <= tree->capacity && tree->capacity <= TREE_MAX_LEAVES &&
		tree->nrows <= tree->row_capacity &&
		tree->row_capacity > 0 && tree->row_capacity <= TREE_MOST_ROWS &&
		tree->index_size == index_size_for(tree->capacity);
}

bool
tree_state_valid(const TreeState *tree)
{
	uint32_t	used = 0;

	if (!tree_state_sound(tree))
		return false;
	for (uint32_t i = 0; i < tree->index_size; i++)
		used += tree->index[i].leaf != 0;
	if (used != tree->nleaves)
		return false;
	for (uint32_t i = 0; i < tree->nleaves; i++)
	{
		const TreeLeaf *leaf = tree_state_leaf(tree, i);

		if (slot_of((TreeState *) tree, leaf->code, hash_of(leaf->code))->leaf != i + 1 ||
			leaf->n < 1)
			return false;
		for (int figure = 0; figure < tree->nfigures; figure++)
			if (leaf->stats[figure].count > leaf->n || !stats_valid(&leaf->stats[figure]))
				return false;
	}
	for (uint32_t i = 0; i < tree->nrows; i++)
		if (tree_state_row(tree, i)->hash != hash_of(tree_state_row(tree, i)->code))
			return false;
	return true;
}
