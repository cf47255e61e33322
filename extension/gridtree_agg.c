/*
 * gridtree_agg.c
 *	  The functions behind the aggregates gridtree_agg and gridtree_merge.
 *
 * The state is a gridtree in the open form.  Where an aggregate is calling it
 * is changed in place and returned as the same pointer, so that the executor
 * copies nothing; when it is full a larger one is returned, which the executor
 * copies to where states live.  Hash aggregation spills new groups but never a
 * state that grows, so states count their own bytes and refuse to take many
 * times what the user allows.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "gridcode.h"
#include "gridstats.h"
#include "gridtree_figures.h"
#include "gridtree_type.h"

PG_FUNCTION_INFO_V1(gridtree_accum);
PG_FUNCTION_INFO_V1(gridtree_combine);
PG_FUNCTION_INFO_V1(gridtree_final);

/* Codes there is room for at first: thousands of groups may have few each. */
#define FIRST_CAPACITY	4

/* All states of an aggregate may take so many times work_mem * hash_mem_multiplier. */
#define MEMORY_FACTOR	32

/* Refuses a state of that size where the states together become too large. */
static void
check_memory(FunctionCallInfo fcinfo, Size size)
{
	MemoryContext states;
	Size		limit = get_hash_memory_limit();
	Size		used;

	if (!AggCheckCallContext(fcinfo, &states))
		return;
	used = MemoryContextMemAllocated(states, true) + size;
	if (used / MEMORY_FACTOR > limit)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("trees of figures need more memory than allowed"),
				 errdetail("The states of this aggregate would take %zu kB; the limit is %d times work_mem * hash_mem_multiplier, %zu kB.",
						   used / 1024, MEMORY_FACTOR, limit / 1024 * MEMORY_FACTOR),
				 errhint("Increase work_mem, or aggregate fewer groups, codes or figures at a time.")));
}

/* An open tree with room for so many codes, within the limits. */
static TreeState *
new_state(FunctionCallInfo fcinfo, int nfigures, uint32 capacity)
{
	check_memory(fcinfo, tree_state_size(nfigures, capacity));
	return gridtree_open_new(nfigures, capacity);
}

/* The same tree with more room. */
static TreeState *
grown(FunctionCallInfo fcinfo, const TreeState *tree)
{
	uint32		more = tree->capacity < 65536 ? tree->capacity : tree->capacity / 2;
	TreeState  *larger;

	/* the last step before 1 GB may be a short one */
	while (more > 1024 && tree_state_size(tree->nfigures, tree->capacity + more) > MaxAllocSize)
		more /= 2;
	larger = new_state(fcinfo, tree->nfigures, tree->capacity + more);
	tree_state_copy(larger, tree->capacity + more, tree);
	return larger;
}

/* The leaf of a code, made if there is none, in a tree that may have to grow. */
static TreeLeaf *
leaf_of(FunctionCallInfo fcinfo, TreeState **tree, gridcode code)
{
	TreeLeaf   *leaf = tree_state_find(*tree, code);

	if (leaf == NULL)
	{
		TreeState  *larger = grown(fcinfo, *tree);

		/* one that is not the executor's is ours */
		if ((Pointer) *tree != PG_GETARG_POINTER(0))
			pfree(*tree);
		*tree = larger;
		leaf = tree_state_find(larger, code);
	}
	return leaf;
}

static void
too_many_rows(gridcode code)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("too many values for code %s of a tree", gridcode_to_cstring(code))));
}

static void
add_leaf(FunctionCallInfo fcinfo, TreeState **tree, const TreeLeaf *from)
{
	TreeLeaf   *leaf = leaf_of(fcinfo, tree, from->code);

	CHECK_FOR_INTERRUPTS();
	if (!tree_leaf_merge(leaf, from, (*tree)->nfigures))
		too_many_rows(from->code);
}

static void
check_figures(int nfigures, int wanted)
{
	if (nfigures != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("cannot merge trees with different numbers of figures"),
				 errdetail("One has %d, another %d.", wanted, nfigures),
				 errhint("Merge only trees that were aggregated from the same figures.")));
}

/* Adds all leaves of a tree in either form. */
static void
add_tree(FunctionCallInfo fcinfo, TreeState **tree, Datum value)
{
	struct varlena *flat = PG_DETOAST_DATUM_PACKED(value);
	GridtreeReader reader;

	if (gridtree_is_open(flat))
	{
		const TreeState *open = (TreeState *) PG_DETOAST_DATUM(PointerGetDatum(flat));

		check_figures(open->nfigures, (*tree)->nfigures);
		for (uint32 i = 0; i < open->nleaves; i++)
			add_leaf(fcinfo, tree, tree_state_leaf(open, i));
		return;
	}
	gridtree_read_start(&reader, PointerGetDatum(flat));
	check_figures(reader.reader.nfigures, (*tree)->nfigures);
	while (gridtree_read_leaf(&reader))
		add_leaf(fcinfo, tree, reader.leaf);
	pfree(reader.leaf);
	if ((Pointer) flat != DatumGetPointer(value))
		pfree(flat);
}

/*
 * Argument 0 as an open tree that may be written: itself if it is the state of
 * the aggregate that is calling, else a copy.
 */
static TreeState *
writable_state(FunctionCallInfo fcinfo)
{
	struct varlena *value = (struct varlena *) PG_GETARG_POINTER(0);
	GridtreeReader reader;
	TreeState  *tree;

	if (AggCheckCallContext(fcinfo, NULL) && VARATT_IS_4B_U(value) && gridtree_is_open(value))
		return (TreeState *) value;
	gridtree_read_start(&reader, PG_GETARG_DATUM(0));
	tree = new_state(fcinfo, reader.reader.nfigures, Max(reader.reader.nleaves, FIRST_CAPACITY));
	while (gridtree_read_leaf(&reader))
		add_leaf(fcinfo, &tree, reader.leaf);
	return tree;
}

/* Only aggregates get to see the open form. */
static Datum
state_result(FunctionCallInfo fcinfo, TreeState *tree)
{
	if (AggCheckCallContext(fcinfo, NULL))
		PG_RETURN_POINTER(tree);
	PG_RETURN_POINTER(gridtree_packed(PointerGetDatum(tree)));
}

/* gridtree_accum(gridtree, gridcode [, VARIADIC "any"]) */
Datum
gridtree_accum(PG_FUNCTION_ARGS)
{
	int			nfigures = PG_NARGS() - 2;
	FigureRead *read = figure_readers(fcinfo, 2);
	TreeState  *tree;
	TreeLeaf   *leaf;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	tree = PG_ARGISNULL(0) ? new_state(fcinfo, nfigures, FIRST_CAPACITY) : writable_state(fcinfo);
	check_figures(nfigures, tree->nfigures);
	leaf = leaf_of(fcinfo, &tree, PG_GETARG_GRIDCODE(1));
	if (leaf->n == PG_INT64_MAX)
		too_many_rows(leaf->code);
	leaf->n++;
	for (int i = 0; i < nfigures; i++)
		if (!PG_ARGISNULL(2 + i))
			gridstats_add_value(&leaf->stats[i], read[i] (PG_GETARG_DATUM(2 + i)));
	return state_result(fcinfo, tree);
}

/* gridtree_combine(gridtree, gridtree) */
Datum
gridtree_combine(PG_FUNCTION_ARGS)
{
	TreeState  *tree = writable_state(fcinfo);

	add_tree(fcinfo, &tree, PG_GETARG_DATUM(1));
	return state_result(fcinfo, tree);
}

/* The packed form of whatever the state is in. */
Datum
gridtree_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(gridtree_packed(PG_GETARG_DATUM(0)));
}
