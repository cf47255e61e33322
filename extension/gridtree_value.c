/*
 * gridtree_value.c
 *	  Values of type gridtree in memory: reading and writing the packed form,
 *	  and turning an open tree into it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gridcode.h"
#include "gridtree_type.h"

void
gridtree_write_start(GridtreeWriter *writer, TreeSpelling spelling, int nfigures, uint32 nleaves)
{
	writer->allocated = 1024;
	writer->data = palloc(writer->allocated);
	writer->spelling = spelling;
	writer->previous = 0;
	writer->nfigures = nfigures;
	writer->size = VARHDRSZ +
		tree_write_head((uint8 *) writer->data + VARHDRSZ, nfigures, nleaves);
}

/* Room for so many more bytes. */
static void
make_room(GridtreeWriter *writer, Size more)
{
	if (more > MaxAllocSize - writer->size)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value of type %s is larger than 1 GB", "gridtree"),
				 errhint("Aggregate fewer codes or figures at a time.")));
	if (writer->size + more <= writer->allocated)
		return;
	writer->allocated = Min(MaxAllocSize, Max(writer->allocated * 2, writer->size + more));
	writer->data = repalloc(writer->data, writer->allocated);
}

void
gridtree_write_leaf(GridtreeWriter *writer, const TreeLeaf *leaf)
{
	CHECK_FOR_INTERRUPTS();
	make_room(writer, TREE_LEAF_MAX(writer->nfigures));
	writer->size += tree_write_leaf((uint8 *) writer->data + writer->size, writer->spelling,
									writer->previous, leaf, writer->nfigures);
	writer->previous = leaf->code;
}

Datum
gridtree_write_end(GridtreeWriter *writer)
{
	SET_VARSIZE(writer->data, writer->size);
	return PointerGetDatum(writer->data);
}

bool
gridtree_is_open(const struct varlena *value)
{
	return VARSIZE_ANY_EXHDR(value) > 0 && *(const uint8 *) VARDATA_ANY(value) == GRIDTREE_OPEN;
}

/* The leaves of an open tree on which no rows wait, packed. */
static Datum
pack_leaves(const TreeState *tree)
{
	TreeOrder  *order = palloc_extended(Max(tree->nleaves, 1) * sizeof *order, MCXT_ALLOC_HUGE);
	GridtreeWriter writer;

	Assert(tree->nrows == 0 && tree_state_valid(tree));
	tree_state_order(tree, order);
	gridtree_write_start(&writer, TREE_STORED, tree->nfigures, tree->nleaves);
	for (uint32 i = 0; i < tree->nleaves; i++)
		gridtree_write_leaf(&writer, tree_state_leaf(tree, order[i].number));
	pfree(order);
	return gridtree_write_end(&writer);
}

/* The waiting rows of an open tree without leaves, packed. */
static Datum
pack_rows(const TreeState *tree)
{
	TreeOrder  *order = palloc(Max(tree->nrows, 1) * sizeof *order);
	TreeLeaf   *leaf = palloc(TREE_LEAF_SIZE(tree->nfigures));
	GridtreeWriter writer;
	uint32		nleaves = 0;

	Assert(tree->nleaves == 0 && tree_state_valid(tree));
	tree_state_order_rows(tree, order);
	for (uint32 i = 0; i < tree->nrows; i++)
		nleaves += i == 0 || order[i].code != order[i - 1].code;
	gridtree_write_start(&writer, TREE_STORED, tree->nfigures, nleaves);
	for (uint32 i = 0; i < tree->nrows; i++)
	{
		if (i == 0 || order[i].code != order[i - 1].code)
			tree_leaf_init(leaf, order[i].code, tree->nfigures);
		/* so few rows are never too many */
		tree_row_add(leaf, tree_state_row(tree, order[i].number), tree->nfigures);
		if (i + 1 == tree->nrows || order[i].code != order[i + 1].code)
			gridtree_write_leaf(&writer, leaf);
	}
	pfree(leaf);
	pfree(order);
	return gridtree_write_end(&writer);
}

/* An open tree that has both, packed. */
static Datum
pack_both(const TreeState *tree)
{
	TreeRoom	room = {tree->nleaves + tree->nrows, tree->nrows};
	TreeState  *copy = gridtree_open_new(tree->nfigures, room);
	Datum		packed;

	tree_state_copy(copy, room, tree);
	if (tree_state_settle(copy) != TREE_ADDED)
		gridtree_too_many(copy);
	packed = pack_leaves(copy);
	pfree(copy);
	return packed;
}

static struct varlena *
pack(const TreeState *tree)
{
	Datum		packed = tree->nrows == 0 ? pack_leaves(tree)
		: tree->nleaves == 0 ? pack_rows(tree) : pack_both(tree);

	return (struct varlena *) DatumGetPointer(packed);
}

static void
malformed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("invalid value of type %s", "gridtree")));
}

const TreeState *
gridtree_open(struct varlena *value)
{
	/* it holds numbers, so it has to be aligned: not packed, in that other sense */
	const TreeState *tree = (TreeState *) PG_DETOAST_DATUM(PointerGetDatum(value));
	Size		size = VARSIZE(tree);

	if (size < sizeof *tree || !tree_state_sound(tree) ||
		size != tree_state_size(tree->nfigures, (TreeRoom) {tree->capacity, tree->row_capacity}))
		malformed();
	return tree;
}

struct varlena *
gridtree_packed(Datum value)
{
	struct varlena *flat = PG_DETOAST_DATUM_PACKED(value);
	const TreeState *open;
	struct varlena *packed;

	if (!gridtree_is_open(flat))
		return flat;
	open = gridtree_open(flat);
	packed = pack(open);
	if ((Pointer) open != (Pointer) flat)
		pfree((void *) open);
	if ((Pointer) flat != DatumGetPointer(value))
		pfree(flat);
	return packed;
}

void
gridtree_read_start(GridtreeReader *reader, Datum value)
{
	struct varlena *packed = gridtree_packed(value);

	if (!tree_read_start(&reader->reader, TREE_STORED, (const uint8 *) VARDATA_ANY(packed),
						 VARSIZE_ANY_EXHDR(packed)))
		malformed();
	reader->leaf = palloc(TREE_LEAF_SIZE(reader->reader.nfigures));
}

bool
gridtree_read_leaf(GridtreeReader *reader)
{
	TreeRead	read = tree_read_leaf(&reader->reader, reader->leaf);

	CHECK_FOR_INTERRUPTS();
	if (read == TREE_MALFORMED)
		malformed();
	return read == TREE_LEAF;
}

TreeState *
gridtree_open_new(int nfigures, TreeRoom room)
{
	Size		size = tree_state_size(nfigures, room);
	TreeState  *tree;

	if (room.leaves > TREE_MAX_LEAVES || size > GRIDTREE_OPEN_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("a tree of %u codes with %d figures is too large to aggregate",
						room.leaves, nfigures),
				 errhint("Aggregate fewer codes or figures at a time.")));
	tree = palloc(size);
	SET_VARSIZE(tree, size);
	tree->form = GRIDTREE_OPEN;
	tree_state_init(tree, nfigures, room);
	return tree;
}

void
gridtree_too_many(const TreeState *tree)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("too many values for code %s of a tree",
					gridcode_to_cstring(tree_state_leaf(tree, tree->last)->code))));
}
