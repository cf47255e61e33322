/*
 * gridtree_nodes.c
 *	  The SQL function gridtree_nodes: all areas of a tree with their figures.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "gridcode.h"
#include "gridscheme.h"
#include "gridstats.h"
#include "gridtree_type.h"
#include "tree_walk.h"

PG_FUNCTION_INFO_V1(gridtree_nodes);

/* Where the rows go. */
typedef struct NodeSink
{
	ReturnSetInfo *result;
	const GridScheme *scheme;
	int			nfigures;
	Oid			stats_type;
	Datum	   *stats;			/* scratch, one a figure */
	MemoryContext row;			/* reset after each */
} NodeSink;

static void
put_node(void *arg, const TreeLeaf *node, int level)
{
	NodeSink   *sink = arg;
	MemoryContext old = MemoryContextSwitchTo(sink->row);
	Datum		values[4];
	bool		nulls[4] = {false, level == 0, false, false};

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < sink->nfigures; i++)
		sink->stats[i] = gridstats_make(&node->stats[i]);
	values[0] = GridcodeGetDatum(node->code);
	values[1] = (Datum) 0;
	if (level > 0)
		values[1] = PointerGetDatum(cstring_to_text_with_len(sink->scheme->level[level - 1].name,
															 sink->scheme->level[level - 1].name_len));
	values[2] = Int64GetDatum(node->n);
	values[3] = PointerGetDatum(construct_array(sink->stats, sink->nfigures, sink->stats_type,
												-1, false, TYPALIGN_DOUBLE));
	tuplestore_putvalues(sink->result->setResult, sink->result->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(sink->row);
}

/* The digits at which the level named by an argument ends; absent if it is NULL. */
static int
level_digits(FunctionCallInfo fcinfo, int argno, const GridScheme *scheme, int absent)
{
	text	   *name;

	if (PG_ARGISNULL(argno))
		return absent;
	name = PG_GETARG_TEXT_PP(argno);
	return scheme->level[gridscheme_level(scheme, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) - 1].digits;
}

static void
check_walked(bool walked)
{
	if (!walked)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("too many values for an area of a tree")));
}

/* The range of levels asked for. */
static void
set_levels(FunctionCallInfo fcinfo, TreeWalk *walk)
{
	walk->from_digits = level_digits(fcinfo, 1, walk->scheme, 1);
	walk->to_digits = level_digits(fcinfo, 2, walk->scheme, GRIDCODE_MAX_DIGITS);
	if (walk->from_digits > walk->to_digits)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("level \"%s\" is below level \"%s\"",
						text_to_cstring(PG_GETARG_TEXT_PP(1)), text_to_cstring(PG_GETARG_TEXT_PP(2))),
				 errhint("Name the higher level first.")));
}

/* gridtree_nodes(tree gridtree, from_level text, to_level text, scheme gridscheme) */
Datum
gridtree_nodes(PG_FUNCTION_ARGS)
{
	NodeSink	sink = {0};
	TreeWalk	walk = {0};
	GridtreeReader reader;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(3))
		return (Datum) 0;
	sink.result = (ReturnSetInfo *) fcinfo->resultinfo;
	walk.scheme = sink.scheme = gridscheme_cached(fcinfo, 3);
	set_levels(fcinfo, &walk);
	gridtree_read_start(&reader, PG_GETARG_DATUM(0));
	walk.nfigures = sink.nfigures = reader.reader.nfigures;
	walk.visit = put_node;
	walk.arg = &sink;
	walk.nodes = palloc(TREE_WALK_SIZE(walk.nfigures));
	sink.stats_type = get_element_type(TupleDescAttr(sink.result->setDesc, 3)->atttypid);
	sink.stats = palloc((sink.nfigures + 1) * sizeof(Datum));
	sink.row = AllocSetContextCreate(CurrentMemoryContext, "gridtree_nodes row",
									 ALLOCSET_SMALL_SIZES);
	while (gridtree_read_leaf(&reader))
		check_walked(tree_walk_leaf(&walk, reader.leaf));
	check_walked(tree_walk_end(&walk));
	MemoryContextDelete(sink.row);
	return (Datum) 0;
}
