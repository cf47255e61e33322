/*
 * fuzz_tree.c
 *	  Any bytes as a tree on the wire: refused, or leaves in the order of their
 *	  codes that are written again as they were read, stored and as text too.
 */
#include <stdlib.h>
#include <string.h>

#include "tree.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* The leaf as text comes back. */
static void
check_text(const TreeLeaf *leaf, gridcode previous, int nfigures)
{
	char	   *text = malloc(TREE_LEAF_TEXT_MAX(nfigures));
	TreeLeaf   *back = malloc(TREE_LEAF_SIZE(nfigures));
	size_t		length = tree_format_leaf(text, leaf, nfigures);

	require(length < TREE_LEAF_TEXT_MAX(nfigures));
	require(tree_parse_leaf(text, previous, back, nfigures) == text + length);
	require(memcmp(leaf, back, TREE_LEAF_SIZE(nfigures)) == 0);
	free(back);
	free(text);
}

/* Reads all leaves; each must be written as it was read. */
static void
read_all(const uint8_t *data, size_t size, TreeSpelling spelling)
{
	TreeReader	reader;
	TreeLeaf   *leaf;
	uint8_t    *again;
	gridcode	previous = 0;
	const uint8_t *before;

	if (!tree_read_start(&reader, spelling, data, size))
		return;
	leaf = malloc(TREE_LEAF_SIZE(reader.nfigures));
	again = malloc(TREE_LEAF_MAX(reader.nfigures));
	before = reader.next;
	while (tree_read_leaf(&reader, leaf) == TREE_LEAF)
	{
		if (spelling == TREE_WIRE)
		{
			size_t		written = tree_write_leaf(again, spelling, previous, leaf, reader.nfigures);

			require(written == (size_t) (reader.next - before));
			require(memcmp(before, again, written) == 0);
			check_text(leaf, previous, reader.nfigures);
		}
		previous = leaf->code;
		before = reader.next;
	}
	free(leaf);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text = malloc(size + 1);
	const char *rest;
	int			nfigures;

	read_all(data, size, TREE_WIRE);
	read_all(data, size, TREE_STORED);
	memcpy(text, data, size);
	text[size] = '\0';
	rest = tree_parse_head(text, &nfigures);
	if (rest != NULL)
	{
		TreeLeaf   *leaf = malloc(TREE_LEAF_SIZE(nfigures));

		tree_parse_leaf(rest, 0, leaf, nfigures);
		free(leaf);
	}
	free(text);
	return 0;
}
