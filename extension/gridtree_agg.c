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

#include <math.h>

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

/* All states of an aggregate may take so many times work_mem * hash_mem_multiplier. */
#define MEMORY_FACTOR	16

/* What a transition function keeps from call to call in fn_extra. */
typedef struct TreeCall
{
	Size		given;			/* bytes by which its states have grown in all */
	FigureRead *read;			/* gridtree_accum: how to read each figure */
} TreeCall;

static TreeCall *
call_of(FunctionCallInfo fcinfo)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;

	if (flinfo->fn_extra == NULL)
		flinfo->fn_extra = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(TreeCall));
	return flinfo->fn_extra;
}

/*
 * Refuses a state that grows to a size where the states together become too
 * large.  The executor does not tell which states are gone, and other
 * aggregates' states are in the same context, so both what is in it and what
 * we gave must be above the limit.
 */
static void
check_memory(FunctionCallInfo fcinfo, Size size, Size before)
{
	TreeCall   *call = call_of(fcinfo);
	MemoryContext states;
	Size		limit = get_hash_memory_limit();
	Size		used;

	if (!AggCheckCallContext(fcinfo, &states))
		return;
	call->given += size - before;

	/* the executor copies what we return before it frees what it had */
	used = Min(MemoryContextMemAllocated(states, true), call->given) + 2 * size;
	if (used / MEMORY_FACTOR > limit)
	{
		/* a tree may well double once more */
		double		enough = 2.0 * used / MEMORY_FACTOR / limit * work_mem;

		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("trees of figures need more memory than allowed"),
				 errdetail("The states of this aggregate would take %zu kB; the limit is %d times work_mem * hash_mem_multiplier, %zu kB.",
						   used / 1024, MEMORY_FACTOR, limit / 1024 * MEMORY_FACTOR),
				 errhint("Increase work_mem, for example to %.0f MB. Where there are groups, turning enable_hashagg off has them aggregated one after the other.",
						 ceil(enough / 1024))));
	}
}

/* An open tree with that room, within the limits, that takes the place of one of so many bytes. */
static TreeState *
new_state(FunctionCallInfo fcinfo, int nfigures, TreeRoom room, Size before)
{
	check_memory(fcinfo, tree_state_size(nfigures, room), before);
	return gridtree_open_new(nfigures, room);
}

/* Replaces a tree by the same with more room. */
static void
grow(FunctionCallInfo fcinfo, TreeState **tree)
{
	TreeRoom	room = tree_state_next_room(*tree);
	TreeState  *larger;

	/* the last step before the limit may be a short one */
	while (room.leaves > (*tree)->capacity + 1024 &&
		   tree_state_size((*tree)->nfigures, room) > GRIDTREE_OPEN_MAX)
		room.leaves -= (room.leaves - (*tree)->capacity) / 2;
	larger = new_state(fcinfo, (*tree)->nfigures, room, VARSIZE(*tree));
	tree_state_copy(larger, room, *tree);

	/* one that is not the executor's is ours */
	if ((Pointer) *tree != PG_GETARG_POINTER(0))
		pfree(*tree);
	*tree = larger;
}

static void
add_row(FunctionCallInfo fcinfo, TreeState **tree, gridcode code, const double *figures)
{
	TreeAdd		added;

	while ((added = tree_state_add_row(*tree, code, figures)) == TREE_FULL)
		grow(fcinfo, tree);
	if (added == TREE_TOO_MANY)
		gridtree_too_many(*tree);
}

static void
add_leaf(FunctionCallInfo fcinfo, TreeState **tree, const TreeLeaf *leaf)
{
	TreeAdd		added;

	CHECK_FOR_INTERRUPTS();
	while ((added = tree_state_add_leaf(*tree, leaf)) == TREE_FULL)
		grow(fcinfo, tree);
	if (added == TREE_TOO_MANY)
		gridtree_too_many(*tree);
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

/* Adds all of an open tree. */
static void
add_open(FunctionCallInfo fcinfo, TreeState **tree, const TreeState *from)
{
	uint32		done = 0;
	TreeAdd		added;

	Assert(tree_state_valid(from));
	while (done < from->nleaves)
	{
		CHECK_FOR_INTERRUPTS();
		added = tree_state_add_leaves(*tree, from, &done);
		if (added == TREE_FULL)
			grow(fcinfo, tree);
		else if (added == TREE_TOO_MANY)
			gridtree_too_many(*tree);
	}
	for (uint32 i = 0; i < from->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_row(fcinfo, tree, tree_state_row(from, i)->code, tree_state_row(from, i)->figure);
	}
}

/* Adds all of a tree in either form. */
static void
add_tree(FunctionCallInfo fcinfo, TreeState **tree, Datum value)
{
	struct varlena *flat = PG_DETOAST_DATUM_PACKED(value);
	GridtreeReader reader;

	if (gridtree_is_open(flat))
	{
		const TreeState *open = gridtree_open(flat);

		check_figures(open->nfigures, (*tree)->nfigures);
		add_open(fcinfo, tree, open);
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
 * Whether argument 0 is the state of the aggregate that is calling, and open, so
 * that it may be written.  Where it began as a stored value, that may be of
 * another layout.
 */
static bool
is_own_state(FunctionCallInfo fcinfo)
{
	struct varlena *value = (struct varlena *) PG_GETARG_POINTER(0);

	return AggCheckCallContext(fcinfo, NULL) && VARATT_IS_4B_U(value) && gridtree_is_open(value) &&
		((TreeState *) value)->layout == TREE_STATE_LAYOUT;
}

/* Argument 0 as an open tree that may be written: itself, or a copy. */
static TreeState *
writable_state(FunctionCallInfo fcinfo)
{
	GridtreeReader reader;
	TreeState  *tree;

	if (is_own_state(fcinfo))
	{
		Assert(tree_state_sound((TreeState *) PG_GETARG_POINTER(0)));
		return (TreeState *) PG_GETARG_POINTER(0);
	}
	gridtree_read_start(&reader, PG_GETARG_DATUM(0));
	tree = new_state(fcinfo, reader.reader.nfigures, (TreeRoom) {reader.reader.nleaves, TREE_FIRST_ROOM.rows}, 0);
	while (gridtree_read_leaf(&reader))
		add_leaf(fcinfo, &tree, reader.leaf);
	return tree;
}

/* Only aggregates get to see the open form. */
static Datum
state_result(FunctionCallInfo fcinfo, TreeState *tree)
{
	Assert(tree_state_sound(tree));
	if (AggCheckCallContext(fcinfo, NULL))
		PG_RETURN_POINTER(tree);
	PG_RETURN_POINTER(gridtree_packed(PointerGetDatum(tree)));
}

/* gridtree_accum(gridtree, gridcode [, VARIADIC "any"]) */
Datum
gridtree_accum(PG_FUNCTION_ARGS)
{
	int			nfigures = PG_NARGS() - 2;
	TreeCall   *call = call_of(fcinfo);
	double		figures[FUNC_MAX_ARGS];
	TreeState  *tree;

	if (call->read == NULL)
		call->read = figure_readers(fcinfo, 2);
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	tree = PG_ARGISNULL(0) ? new_state(fcinfo, nfigures, TREE_FIRST_ROOM, 0) : writable_state(fcinfo);
	check_figures(nfigures, tree->nfigures);
	for (int i = 0; i < nfigures; i++)
		figures[i] = PG_ARGISNULL(2 + i) ? tree_no_figure()
			: tree_figure(call->read[i] (PG_GETARG_DATUM(2 + i)));
	add_row(fcinfo, &tree, PG_GETARG_GRIDCODE(1), figures);
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
	/* that spares a copy; that it was full is no matter */
	if (is_own_state(fcinfo) &&
		tree_state_settle((TreeState *) PG_GETARG_POINTER(0)) == TREE_TOO_MANY)
		gridtree_too_many((TreeState *) PG_GETARG_POINTER(0));
	PG_RETURN_POINTER(gridtree_packed(PG_GETARG_DATUM(0)));
}
