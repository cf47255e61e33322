/*
 * gridstats_agg.c
 *	  The functions behind the aggregates gridstats_agg and gridstats_merge.
 *
 * The state is a gridstats in the open form, changed in place where the
 * executor says that an aggregate is calling and given back as the same
 * pointer, so that nothing is copied.  Called in any other way they change
 * nothing and return a value in the packed form.
 */
#include "postgres.h"

#include "fmgr.h"

#include "gridstats.h"
#include "gridstats_state.h"

PG_FUNCTION_INFO_V1(gridstats_accum);
PG_FUNCTION_INFO_V1(gridstats_combine);
PG_FUNCTION_INFO_V1(gridstats_final);

static void
too_many_values(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("too many values for type %s", "gridstats"),
			 errdetail("At most %lld values can be summarised in one.",
					   (long long) STATS_MAX_COUNT)));
}

void
gridstats_add_value(GridStats *stats, double value)
{
	if (!stats_add(stats, value))
		too_many_values();
}

void
gridstats_add_stats(GridStats *into, const GridStats *from)
{
	if (!stats_merge(into, from))
		too_many_values();
}

/*
 * Argument 0 as a state that may be written: itself if it is the state of the
 * aggregate that is calling, else a copy in the open form.
 */
static GridStatsState *
writable_state(FunctionCallInfo fcinfo)
{
	GridStatsState *state = (GridStatsState *) PG_GETARG_POINTER(0);

	if (AggCheckCallContext(fcinfo, NULL) && VARATT_IS_4B_U(state) &&
		VARSIZE_4B(state) == sizeof *state && state->form == GRIDSTATS_OPEN)
		return state;
	state = palloc0(sizeof *state);
	SET_VARSIZE(state, sizeof *state);
	state->form = GRIDSTATS_OPEN;
	gridstats_read(PG_GETARG_DATUM(0), &state->stats);
	return state;
}

/* Only aggregates get to see the open form. */
static Datum
state_result(FunctionCallInfo fcinfo, GridStatsState *state)
{
	Assert(stats_valid(&state->stats));
	if (AggCheckCallContext(fcinfo, NULL))
		PG_RETURN_POINTER(state);
	return gridstats_make(&state->stats);
}

/* gridstats_accum(gridstats, float8) */
Datum
gridstats_accum(PG_FUNCTION_ARGS)
{
	GridStatsState *state = writable_state(fcinfo);

	gridstats_add_value(&state->stats, PG_GETARG_FLOAT8(1));
	return state_result(fcinfo, state);
}

/* gridstats_combine(gridstats, gridstats) */
Datum
gridstats_combine(PG_FUNCTION_ARGS)
{
	GridStatsState *state = writable_state(fcinfo);
	GridStats	from;

	gridstats_read(PG_GETARG_DATUM(1), &from);
	gridstats_add_stats(&state->stats, &from);
	return state_result(fcinfo, state);
}

/* The packed form of whatever the state is in. */
Datum
gridstats_final(PG_FUNCTION_ARGS)
{
	GridStats	stats;

	gridstats_read(PG_GETARG_DATUM(0), &stats);
	return gridstats_make(&stats);
}
