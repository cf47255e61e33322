/*
 * tree_state.h
 *	  An open tree, while it is built: leaves and a hash table over them, in one
 *	  piece of memory that the caller gives and replaces by a larger one when
 *	  it is full.
 *
 * Rows wait until there are TREE_ROWS of them and then go to their leaves
 * together: where some of them go is found out and fetched from memory before
 * the first is added, as one access to a table of many megabytes takes longer
 * than adding a row.  As long as most codes have few rows a tree has no leaves at
 * all: it is an array of rows, which takes less.  There may be thousands of
 * such trees at once.
 *
 * Knows codes and stats and nothing of PostgreSQL.
 */
#ifndef GRIDTREE_TREE_STATE_H
#define GRIDTREE_TREE_STATE_H

#include <math.h>
#include <string.h>

#include "tree.h"

#define TREE_ROWS		64
#define TREE_MOST_ROWS	(UINT32_C(1) << 18)		/* without leaves */

typedef struct TreeSlot
{
	uint32_t	hash;
	uint32_t	leaf;			/* its number + 1, 0 if free */
} TreeSlot;

#define TREE_STATE_LAYOUT	1	/* to be counted up when what follows changes */

/* The first four bytes and form are for whoever stores it. */
typedef struct TreeState
{
	uint32_t	reserved;
	uint8_t		form;
	uint8_t		layout;
	uint16_t	nfigures;
	uint32_t	nleaves;
	uint32_t	capacity;		/* leaves there is room for */
	uint32_t	nrows;			/* rows that wait */
	uint32_t	row_capacity;
	uint32_t	index_size;		/* a power of 2, at least 3/2 of capacity; or 0 */
	uint32_t	last;			/* the leaf found last: leaves often come in runs */
	TreeSlot	index[];		/* then the leaves, then the rows */
} TreeState;

/* A row that waits. */
typedef struct TreeRow
{
	gridcode	code;
	uint32_t	hash;
	uint32_t	unused;
	double		figure[];
} TreeRow;

/* A figure of a row, and none: a NaN that no figure is. */
static inline double
tree_figure(double value)
{
	return isnan(value) ? (double) NAN : value;
}

static inline double
tree_no_figure(void)
{
	static const uint64_t bits = UINT64_C(0x7ff80000006e6f6e);
	double		none;

	memcpy(&none, &bits, sizeof none);
	return none;
}

/* What a piece of memory has room for. */
typedef struct TreeRoom
{
	uint32_t	leaves;
	uint32_t	rows;
} TreeRoom;

#define TREE_FIRST_ROOM ((TreeRoom) {0, 4})

/* Bytes of an open tree. */
extern size_t tree_state_size(int nfigures, TreeRoom room);

/* Makes memory of that size an open tree of nothing. */
extern void tree_state_init(TreeState *tree, int nfigures, TreeRoom room);

/* The room that a full tree needs next; the caller sees to TREE_MAX_LEAVES. */
extern TreeRoom tree_state_next_room(const TreeState *tree);

/* Makes memory a copy of a tree that does not need more room than there is. */
extern void tree_state_copy(TreeState *tree, TreeRoom room, const TreeState *from);

/*
 * What became of something added: if the tree was full, it was not, and may be
 * once there is more room; if numbers become too large, the leaf where they do
 * is tree_state_leaf(tree, tree->last), and the tree is of no more use.
 */
typedef enum TreeAdd
{
	TREE_ADDED,
	TREE_FULL,
	TREE_TOO_MANY
} TreeAdd;

/* Adds a row, with tree_figure() or tree_no_figure() of each figure. */
extern TreeAdd tree_state_add_row(TreeState *tree, gridcode code, const double *figures);

/* Adds a leaf's rows. */
extern TreeAdd tree_state_add_leaf(TreeState *tree, const TreeLeaf *leaf);

/*
 * Adds some leaves of a tree with as many figures, from number *done on; *done
 * counts those that are, up to all of them after enough calls.
 */
extern TreeAdd tree_state_add_leaves(TreeState *tree, const TreeState *from, uint32_t *done);

/* Sees to it that no rows wait. */
extern TreeAdd tree_state_settle(TreeState *tree);

/* A leaf and a waiting row by number, in the order they came. */
extern TreeLeaf *tree_state_leaf(const TreeState *tree, uint32_t number);
extern TreeRow *tree_state_row(const TreeState *tree, uint32_t number);

/* The numbers of leaves, or of waiting rows, in the order of their codes, into memory for them. */
typedef struct TreeOrder
{
	gridcode	code;
	uint32_t	number;
} TreeOrder;

extern void tree_state_order(const TreeState *tree, TreeOrder *order);
extern void tree_state_order_rows(const TreeState *tree, TreeOrder *order);

/* Adds a waiting row to a leaf outside the tree; false where numbers become too large. */
extern bool tree_row_add(TreeLeaf *leaf, const TreeRow *row, int nfigures);

/* Whether the header makes sense; and, for assertions, whether all of the tree does. */
extern bool tree_state_sound(const TreeState *tree);
extern bool tree_state_valid(const TreeState *tree);

#endif							/* GRIDTREE_TREE_STATE_H */
