/*
 * test_tree.c
 *	  Open and packed trees and their nodes against plain arrays of rows and
 *	  gridcode_contains(): nothing shared with the code under test but that.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "tree_state.h"
#include "tree_walk.h"

static uint64_t seed = 4711;

static uint32_t
random_below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t) ((seed * UINT64_C(2685821657736338717)) >> 32) % limit;
}

#define FIGURES	2
#define ROWS	600

typedef struct Row
{
	gridcode	code;
	double		value[FIGURES];
	bool		present[FIGURES];
} Row;

/* A code of any length from few digits, so that codes nest and repeat. */
static gridcode
random_code(void)
{
	char		digits[GRIDCODE_MAX_DIGITS + 1];
	int			length = 1 + (int) random_below(random_below(4) == 0 ? GRIDCODE_MAX_DIGITS : 9);
	gridcode	code = 0;

	for (int i = 0; i < length; i++)
		digits[i] = (char) ('0' + random_below(3) % 2);
	gridcode_parse(digits, (size_t) length, &code);
	return code;
}

static void
random_rows(Row *rows, int n)
{
	for (int i = 0; i < n; i++)
	{
		rows[i].code = random_code();
		for (int figure = 0; figure < FIGURES; figure++)
		{
			rows[i].value[figure] = (double) random_below(100000) / 7 - 5000;
			rows[i].present[figure] = random_below(4) > 0;
		}
	}
}

static TreeState *
tree_with(TreeRoom room)
{
	TreeState  *tree = malloc(tree_state_size(FIGURES, room));

	tree->reserved = 4711;
	tree->form = 15;
	tree_state_init(tree, FIGURES, room);
	return tree;
}

static TreeState *
tree_new(void)
{
	return tree_with(TREE_FIRST_ROOM);
}

/* Replaces a full tree by a larger one. */
static void
grow(TreeState **tree)
{
	TreeRoom	room = tree_state_next_room(*tree);
	TreeState  *larger = tree_with(room);

	tree_state_copy(larger, room, *tree);
	free(*tree);
	*tree = larger;
}

static void
add_leaf(TreeState **tree, const TreeLeaf *leaf)
{
	while (tree_state_add_leaf(*tree, leaf) == TREE_FULL)
		grow(tree);
}

static void
settle(TreeState **tree)
{
	while (tree_state_settle(*tree) == TREE_FULL)
		grow(tree);
}

static void
add_row(TreeLeaf *leaf, const Row *row)
{
	leaf->n++;
	for (int figure = 0; figure < FIGURES; figure++)
		if (row->present[figure])
			stats_add(&leaf->stats[figure], row->value[figure]);
}

static TreeState *
tree_unsettled(const Row *rows, int n)
{
	TreeState  *tree = tree_new();

	for (int i = 0; i < n; i++)
	{
		double		figures[FIGURES];

		for (int figure = 0; figure < FIGURES; figure++)
			figures[figure] = rows[i].present[figure]
				? tree_figure(rows[i].value[figure]) : tree_no_figure();
		while (tree_state_add_row(tree, rows[i].code, figures) == TREE_FULL)
			grow(&tree);
	}
	return tree;
}

static TreeState *
tree_of(const Row *rows, int n)
{
	TreeState  *tree = tree_unsettled(rows, n);

	settle(&tree);
	return tree;
}

/* Packs; the caller frees. */
static uint8_t *
pack(const TreeState *tree, TreeSpelling spelling, size_t *size)
{
	uint8_t    *out = malloc(TREE_HEAD_MAX + tree->nleaves * TREE_LEAF_MAX(FIGURES));
	TreeOrder  *order = malloc((tree->nleaves + 1) * sizeof *order);
	gridcode	previous = 0;

	tree_state_order(tree, order);
	*size = tree_write_head(out, FIGURES, tree->nleaves);
	for (uint32_t i = 0; i < tree->nleaves; i++)
	{
		const TreeLeaf *leaf = tree_state_leaf(tree, order[i].number);

		*size += tree_write_leaf(out + *size, spelling, previous, leaf, FIGURES);
		previous = leaf->code;
	}
	free(order);
	return out;
}

/* Reads packed leaves into a tree; NULL if malformed. */
static TreeState *
unpack(const uint8_t *bytes, size_t size, TreeSpelling spelling)
{
	TreeReader	reader;
	TreeLeaf   *leaf = malloc(TREE_LEAF_SIZE(FIGURES));
	TreeState  *tree = tree_new();
	TreeRead	read = TREE_MALFORMED;

	if (tree_read_start(&reader, spelling, bytes, size) && reader.nfigures == FIGURES)
		while ((read = tree_read_leaf(&reader, leaf)) == TREE_LEAF)
			add_leaf(&tree, leaf);
	free(leaf);
	if (read == TREE_END)
		return tree;
	free(tree);
	return NULL;
}

static bool
same_tree(const TreeState *a, const TreeState *b)
{
	size_t		size_a;
	size_t		size_b;
	uint8_t    *bytes_a = pack(a, TREE_STORED, &size_a);
	uint8_t    *bytes_b = pack(b, TREE_STORED, &size_b);
	bool		same = size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;

	free(bytes_a);
	free(bytes_b);
	return same;
}

static void
test_order_and_merge(void)
{
	int			wrong = 0;

	for (int round = 0; round < 200; round++)
	{
		Row			rows[ROWS];
		int			n = 1 + (int) random_below(ROWS - 1);
		int			cut = (int) random_below((uint32_t) n);
		TreeState  *once;
		TreeState  *left;
		TreeState  *right;

		random_rows(rows, n);
		once = tree_of(rows, n);
		wrong += !tree_state_valid(once);
		for (int i = n - 1; i > 0; i--)
		{
			int			j = (int) random_below((uint32_t) i + 1);
			Row			row = rows[i];

			rows[i] = rows[j];
			rows[j] = row;
		}
		left = tree_of(rows, cut);
		right = tree_of(rows + cut, n - cut);
		if (round % 2)
			for (uint32_t i = 0; i < right->nleaves; i++)
				add_leaf(&left, tree_state_leaf(right, i));
		else
		{
			uint32_t	done = 0;

			while (done < right->nleaves)
				if (tree_state_add_leaves(left, right, &done) == TREE_FULL)
					grow(&left);
		}
		wrong += !same_tree(once, left) || !tree_state_valid(left);
		wrong += left->reserved != 4711 || left->form != 15;
		free(once);
		free(left);
		free(right);
	}
	CHECK(wrong == 0, "any order and split of the rows gives the same bytes");
}

/* Rows that wait count as those that do not, whenever they are made to settle. */
static void
test_waiting(void)
{
	int			wrong = 0;
	int			waited = 0;

	for (int round = 0; round < 100; round++)
	{
		Row			rows[ROWS];
		int			n = 1 + (int) random_below(ROWS - 1);
		TreeState  *once;
		TreeState  *often = tree_new();
		TreeOrder	order[ROWS];

		random_rows(rows, n);
		once = tree_unsettled(rows, n);
		wrong += !tree_state_valid(once) || once->nrows == 0;
		waited += once->nleaves == 0;
		tree_state_order_rows(once, order);
		for (uint32_t i = 0; i < once->nrows; i++)
			wrong += order[i].code != tree_state_row(once, order[i].number)->code ||
				(i > 0 && order[i - 1].code > order[i].code);
		settle(&once);
		for (int i = 0; i < n; i++)
		{
			double		figures[FIGURES];

			for (int figure = 0; figure < FIGURES; figure++)
				figures[figure] = rows[i].present[figure]
					? tree_figure(rows[i].value[figure]) : tree_no_figure();
			while (tree_state_add_row(often, rows[i].code, figures) == TREE_FULL)
				grow(&often);
			if (random_below(20) == 0)
				settle(&often);
		}
		settle(&often);
		wrong += !same_tree(once, often);
		free(once);
		free(often);
	}
	CHECK(wrong == 0, "settling at any time gives the same bytes");
	CHECK(waited > 0, "few rows have no leaves");
}

static TreeState *
tree_of_numbers(int rows, int codes)
{
	TreeState  *tree = tree_new();
	double		figures[FIGURES] = {1, 2};

	for (int i = 0; i < rows; i++)
	{
		char		digits[16];
		gridcode	code;

		snprintf(digits, sizeof digits, "%07d", i % codes);
		gridcode_parse(digits, strlen(digits), &code);
		while (tree_state_add_row(tree, code, figures) == TREE_FULL)
			grow(&tree);
	}
	return tree;
}

/* Trees take what their rows take, or what their codes take. */
static void
test_room(void)
{
	TreeState  *sparse = tree_of_numbers(10000, 9000);
	TreeState  *dense = tree_of_numbers(100000, 50);
	TreeState  *large = tree_of_numbers(1000000, 1000000);

	CHECK(sparse->nleaves == 0 && sparse->row_capacity == 16384, "a row or so a code: no leaves");
	CHECK(dense->nleaves == 50 && dense->capacity < 200 && dense->row_capacity <= 512,
		  "many rows a code: leaves, and few rows wait");
	CHECK(large->nleaves > 0 && large->row_capacity <= TREE_MOST_ROWS, "leaves anyway in the end");
	settle(&sparse);
	CHECK(sparse->nleaves == 9000 && tree_state_valid(sparse), "no code is lost");
	settle(&large);
	CHECK(large->nleaves == 1000000 && tree_state_valid(large), "nor of a million");
	free(sparse);
	free(dense);
	free(large);
}

/* Every NaN is a figure; only the mark is none. */
static void
test_figures(void)
{
	uint64_t	bits;
	double		value = tree_no_figure();
	double		mark = tree_no_figure();
	double		figures[FIGURES];
	TreeState  *tree = tree_new();

	figures[0] = tree_figure(value);
	figures[1] = mark;
	tree_state_add_row(tree, 1, figures);
	settle(&tree);
	CHECK(tree_state_leaf(tree, 0)->stats[0].count == 1 &&
		  tree_state_leaf(tree, 0)->stats[1].count == 0, "a NaN with the mark's bits is a figure");
	memcpy(&bits, &mark, sizeof bits);
	CHECK(isnan(mark) && tree_figure(-2.5) == -2.5, "the mark is a NaN of its own");
	free(tree);
}

/* The leaf where there are too many is told. */
static void
test_too_many(void)
{
	double		figures[FIGURES] = {1, 1};
	TreeState  *tree = tree_new();
	TreeLeaf   *leaf = malloc(TREE_LEAF_SIZE(FIGURES));

	tree_leaf_init(leaf, 12, FIGURES);
	leaf->n = 1;
	add_leaf(&tree, leaf);
	tree_leaf_init(leaf, 11, FIGURES);
	leaf->n = INT64_MAX;
	add_leaf(&tree, leaf);
	tree->last = 0;
	tree_state_add_row(tree, 11, figures);
	CHECK(tree_state_settle(tree) == TREE_TOO_MANY &&
		  tree_state_leaf(tree, tree->last)->code == 11, "a row too many");
	CHECK(tree_state_add_leaf(tree, leaf) == TREE_TOO_MANY &&
		  tree_state_leaf(tree, tree->last)->code == 11, "a leaf too many");
	free(leaf);
	free(tree);
}

static void
test_forms(void)
{
	int			wrong = 0;
	int			accepted_cut = 0;

	for (int round = 0; round < 100; round++)
	{
		Row			rows[ROWS];
		int			n = (int) random_below(ROWS);
		TreeState  *tree;

		random_rows(rows, n);
		tree = tree_of(rows, n);
		for (TreeSpelling spelling = TREE_STORED; spelling <= TREE_WIRE; spelling++)
		{
			size_t		size;
			uint8_t    *bytes = pack(tree, spelling, &size);
			TreeState  *back = unpack(bytes, size, spelling);

			wrong += back == NULL || !same_tree(tree, back);
			free(back);
			for (size_t cut = 0; cut < size; cut += 1 + random_below(50))
			{
				uint8_t    *part = malloc(cut + 1);

				memcpy(part, bytes, cut);
				back = unpack(part, cut, spelling);
				accepted_cut += back != NULL;
				free(back);
				free(part);
			}
			free(bytes);
		}
		free(tree);
	}
	CHECK(wrong == 0, "both packed spellings come back");
	CHECK(accepted_cut == 0, "cut ones do not");
}

static void
test_text(void)
{
	int			wrong = 0;

	for (int round = 0; round < 100; round++)
	{
		Row			rows[20];
		TreeState  *tree;
		TreeState  *back = tree_new();
		TreeLeaf   *leaf = malloc(TREE_LEAF_SIZE(FIGURES));
		TreeOrder	order[20];
		char	   *text = malloc(TREE_HEAD_TEXT_MAX + 20 * TREE_LEAF_TEXT_MAX(FIGURES));
		char	   *end = text;
		const char *next;
		gridcode	previous = 0;
		int			nfigures;

		random_rows(rows, 20);
		tree = tree_of(rows, 20);
		tree_state_order(tree, order);
		end += tree_format_head(end, FIGURES);
		for (uint32_t i = 0; i < tree->nleaves; i++)
			end += tree_format_leaf(end, tree_state_leaf(tree, order[i].number), FIGURES);
		next = tree_parse_head(text, &nfigures);
		while (next != NULL && *next != '\0')
		{
			next = tree_parse_leaf(next, previous, leaf, nfigures);
			if (next == NULL)
				break;
			add_leaf(&back, leaf);
			previous = leaf->code;
		}
		wrong += next != end || nfigures != FIGURES || !same_tree(tree, back);
		free(text);
		free(leaf);
		free(tree);
		free(back);
	}
	CHECK(wrong == 0, "the text form comes back");
}

/* Rows the walk's nodes are compared with. */
typedef struct Oracle
{
	const Row  *rows;
	int			n;
	const GridScheme *scheme;
	int			nodes;
	int			wrong;
	gridcode	seen[ROWS * GRIDCODE_MAX_DIGITS];
} Oracle;

static void
check_node(void *arg, const TreeLeaf *node, int level)
{
	Oracle	   *oracle = arg;
	TreeLeaf   *want = malloc(TREE_LEAF_SIZE(FIGURES));

	tree_leaf_init(want, node->code, FIGURES);
	for (int i = 0; i < oracle->n; i++)
		if (gridcode_contains(node->code, oracle->rows[i].code))
			add_row(want, &oracle->rows[i]);
	oracle->wrong += memcmp(want, node, TREE_LEAF_SIZE(FIGURES)) != 0;
	oracle->wrong += level != scheme_depth(oracle->scheme, node->code);
	for (int i = 0; i < oracle->nodes; i++)
		oracle->wrong += oracle->seen[i] == node->code;
	oracle->seen[oracle->nodes++] = node->code;
	free(want);
}

/* How many nodes the rows have: every level around them, and themselves. */
static int
count_nodes(const Oracle *oracle, int from, int to)
{
	gridcode   *codes = malloc(ROWS * (GRIDCODE_MAX_DIGITS + 1) * sizeof *codes);
	int			n = 0;

	for (int i = 0; i < oracle->n; i++)
		for (int digits = from; digits <= to && digits <= gridcode_digits(oracle->rows[i].code); digits++)
		{
			gridcode	code = gridcode_prefix(oracle->rows[i].code, digits);
			bool		known = scheme_depth(oracle->scheme, code) == 0 &&
				code != oracle->rows[i].code;

			for (int j = 0; j < n && !known; j++)
				known = codes[j] == code;
			if (!known)
				codes[n++] = code;
		}
	free(codes);
	return n;
}

static void
test_walk(void)
{
	static const char text[] = "region 2, area 1, zone 3, plot 2";
	GridScheme	scheme;
	int			level;
	int			wrong = 0;

	scheme_parse(text, strlen(text), &scheme, &level);
	for (int round = 0; round < 150; round++)
	{
		Row			rows[ROWS];
		int			n = (int) random_below(ROWS / 4);
		TreeState  *tree;
		TreeOrder  *order = malloc(ROWS * sizeof *order);
		TreeWalk	walk = {0};
		static Oracle oracle;

		random_rows(rows, n);
		tree = tree_of(rows, n);
		tree_state_order(tree, order);
		oracle = (Oracle) {.rows = rows, .n = n, .scheme = &scheme};
		walk.scheme = &scheme;
		walk.nfigures = FIGURES;
		walk.from_digits = round % 3 == 0 ? 1 : 2 + (int) random_below(4);
		walk.to_digits = round % 3 == 1 ? GRIDCODE_MAX_DIGITS : walk.from_digits + (int) random_below(6);
		walk.visit = check_node;
		walk.arg = &oracle;
		walk.nodes = malloc(TREE_WALK_SIZE(FIGURES));
		for (uint32_t i = 0; i < tree->nleaves; i++)
			wrong += !tree_walk_leaf(&walk, tree_state_leaf(tree, order[i].number));
		wrong += !tree_walk_end(&walk);
		wrong += oracle.wrong + (oracle.nodes != count_nodes(&oracle, walk.from_digits, walk.to_digits));
		free(walk.nodes);
		free(order);
		free(tree);
	}
	CHECK(wrong == 0, "every node once, with the figures of the rows it contains");
}

static void
test_limits(void)
{
	TreeLeaf   *a = malloc(TREE_LEAF_SIZE(0));
	TreeLeaf   *b = malloc(TREE_LEAF_SIZE(0));

	tree_leaf_init(a, 1, 0);
	tree_leaf_init(b, 1, 0);
	a->n = INT64_MAX - 1;
	b->n = 1;
	CHECK(tree_leaf_merge(a, b, 0) && a->n == INT64_MAX, "2^63 - 1 rows are counted");
	CHECK(!tree_leaf_merge(a, b, 0), "one more is refused");
	free(a);
	free(b);
}

int
main(void)
{
	test_order_and_merge();
	test_waiting();
	test_room();
	test_figures();
	test_too_many();
	test_forms();
	test_text();
	test_walk();
	test_limits();
	return UNIT_DONE();
}
