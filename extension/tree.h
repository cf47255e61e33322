/*
 * tree.h
 *	  A tree of figures: for each code that rows had, how many rows, and a
 *	  GridStats of each figure.  Only the codes themselves are kept; what lies
 *	  above them is worked out by tree_walk.h, once a node.
 *
 * While it is built a tree is open (tree_state.h).  At rest it is packed: leaves
 * in the order of their codes, without slack, so that the same rows always give
 * the same bytes.
 *
 * Knows codes and stats and nothing of PostgreSQL.
 */
#ifndef GRIDTREE_TREE_H
#define GRIDTREE_TREE_H

#include "code.h"
#include "stats.h"

#define TREE_MAX_FIGURES	100

/* Memory is the caller's, TREE_LEAF_SIZE(nfigures) bytes. */
typedef struct TreeLeaf
{
	gridcode	code;
	int64_t		n;				/* rows, whatever figures they had; at least 1 */
	GridStats	stats[];
} TreeLeaf;

#define TREE_LEAF_SIZE(nfigures) (sizeof(TreeLeaf) + (size_t) (nfigures) * sizeof(GridStats))

/* The leaf of a code with no rows yet. */
extern void tree_leaf_init(TreeLeaf *leaf, gridcode code, int nfigures);

/* Adds up two leaves, whatever their codes; false where numbers become too large. */
extern bool tree_leaf_merge(TreeLeaf *into, const TreeLeaf *from, int nfigures);

/*
 * The packed form: a byte with the version, the numbers of figures and leaves,
 * and for each leaf its code, its n and its figures packed (stats.h).  It comes
 * in two spellings of the codes: stored, as the difference from the code
 * before; and on the wire as their digits, because how a gridcode is packed
 * may change.  Both are read leaf by leaf.
 */
typedef enum TreeSpelling
{
	TREE_STORED,
	TREE_WIRE					/* not trusted: only what tree_write_leaf writes */
} TreeSpelling;

#define TREE_PACKED_VERSION	1
#define TREE_MAX_LEAVES		(UINT32_C(1) << 30)
#define TREE_HEAD_MAX		7
#define TREE_LEAF_MAX(nfigures) \
	(1 + GRIDCODE_MAX_DIGITS + 10 + (size_t) (nfigures) * STATS_PACKED_MAX)

/* Both return the bytes written; previous is the code before, 0 at first. */
extern size_t tree_write_head(uint8_t *out, int nfigures, uint32_t nleaves);
extern size_t tree_write_leaf(uint8_t *out, TreeSpelling spelling, gridcode previous,
							  const TreeLeaf *leaf, int nfigures);

typedef struct TreeReader
{
	const uint8_t *next;
	const uint8_t *end;
	TreeSpelling spelling;
	int			nfigures;
	uint32_t	nleaves;
	uint32_t	left;			/* leaves still to be read */
	gridcode	previous;
} TreeReader;

typedef enum TreeRead
{
	TREE_LEAF,
	TREE_END,
	TREE_MALFORMED
} TreeRead;

/* False if the bytes are no packed tree. */
extern bool tree_read_start(TreeReader *reader, TreeSpelling spelling,
							const uint8_t *bytes, size_t size);
extern TreeRead tree_read_leaf(TreeReader *reader, TreeLeaf *leaf);

/*
 * The text form: "figures=1; 350304001 n=2 [count=2 …]; 350304002 n=1 [count=0]",
 * codes ascending.
 */
#define TREE_HEAD_TEXT_MAX	24
#define TREE_LEAF_TEXT_MAX(nfigures) (64 + (size_t) (nfigures) * (STATS_TEXT_MAX + 3))

/* Both return the length, without the terminating zero. */
extern size_t tree_format_head(char *out, int nfigures);
extern size_t tree_format_leaf(char *out, const TreeLeaf *leaf, int nfigures);

/* Both return where what they read ends, NULL if malformed. */
extern const char *tree_parse_head(const char *text, int *nfigures);
extern const char *tree_parse_leaf(const char *text, gridcode previous, TreeLeaf *leaf, int nfigures);

#endif							/* GRIDTREE_TREE_H */
