/*
 * layer_trigger.c
 *	  grid_assign_trigger: keeps the code of a row the code of its place.
 *
 * Fires on every INSERT and UPDATE, and compares: a row whose point and code
 * are both as they were is left alone; in any other the code is located anew,
 * so a code typed by hand does not stand.
 */
#include "layer.h"

#include "access/htup_details.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "layer_kept.h"
#include "postgis.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(grid_assign_trigger);

/* Arguments of the trigger, checked once a statement. */
typedef struct TriggerSetup
{
	const char *layer;
	AttrNumber	geom;
	AttrNumber	code;
	double		tolerance;
	LayerSite	site;
} TriggerSetup;

static void
check_firing(FunctionCallInfo fcinfo)
{
	TriggerEvent event;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("grid_assign_trigger can only be called as a trigger")));
	event = ((TriggerData *) fcinfo->context)->tg_event;
	if (!TRIGGER_FIRED_BEFORE(event) || !TRIGGER_FIRED_FOR_ROW(event) ||
		!(TRIGGER_FIRED_BY_INSERT(event) || TRIGGER_FIRED_BY_UPDATE(event)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("grid_assign_trigger must be fired BEFORE INSERT OR UPDATE FOR EACH ROW")));
}

/* PostgreSQL computes generated columns after BEFORE triggers have run. */
static void
refuse_generated(Relation rel, AttrNumber attnum)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(rel), attnum - 1);

	if (column->attgenerated)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_DEFINITION),
				 errmsg("grid_assign_trigger cannot use the generated column \"%s\"",
						NameStr(column->attname)),
				 errdetail("Its value is not known yet when the trigger runs."),
				 errhint("Make it a plain column, or assign with CALL grid_assign.")));
}

/* Read and check the arguments; what they say holds as long as the statement. */
static TriggerSetup *
trigger_setup(FunctionCallInfo fcinfo, TriggerData *data)
{
	Trigger    *trigger = data->tg_trigger;
	Relation	rel = data->tg_relation;
	TriggerSetup *setup = fcinfo->flinfo->fn_extra;

	if (setup)
		return setup;
	if (trigger->tgnargs != 3 && trigger->tgnargs != 4)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trigger \"%s\" gives grid_assign_trigger %d arguments",
						trigger->tgname, trigger->tgnargs),
				 errhint("It takes a layer, a geometry column, a code column and, if wanted, a tolerance.")));
	setup = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(TriggerSetup));
	setup->layer = MemoryContextStrdup(fcinfo->flinfo->fn_mcxt, trigger->tgargs[0]);
	setup->geom = geometry_column(rel, trigger->tgargs[1]);
	setup->code = gridcode_column(rel, trigger->tgargs[2]);
	refuse_generated(rel, setup->geom);
	refuse_generated(rel, setup->code);
	if (trigger->tgnargs == 4)
		setup->tolerance = DatumGetFloat8(DirectFunctionCall1(float8in,
															  CStringGetDatum(trigger->tgargs[3])));
	fcinfo->flinfo->fn_extra = setup;
	return setup;
}

/* Are point and code as they were? */
static bool
unchanged(const TriggerSetup *setup, HeapTuple old, HeapTuple new, TupleDesc desc)
{
	bool		old_null;
	bool		new_null;
	Datum		old_value = heap_getattr(old, setup->code, desc, &old_null);
	Datum		new_value = heap_getattr(new, setup->code, desc, &new_null);

	if (old_null != new_null || (!old_null && old_value != new_value))
		return false;
	old_value = heap_getattr(old, setup->geom, desc, &old_null);
	new_value = heap_getattr(new, setup->geom, desc, &new_null);
	if (old_null || new_null)
		return old_null && new_null;
	return geometry_identical(old_value, new_value);
}

Datum
grid_assign_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerSetup *setup;
	TupleDesc	desc;
	HeapTuple	tuple;
	Datum		geom;
	Datum		value;
	bool		isnull;
	gridcode	code = 0;

	check_firing(fcinfo);
	setup = trigger_setup(fcinfo, data);
	desc = RelationGetDescr(data->tg_relation);
	tuple = data->tg_trigtuple;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		tuple = data->tg_newtuple;
		if (unchanged(setup, data->tg_trigtuple, tuple, desc))
			return PointerGetDatum(tuple);
	}

	geom = heap_getattr(tuple, setup->geom, desc, &isnull);
	if (!isnull)
		code = layer_locate(&setup->site, setup->layer, geom, setup->tolerance);
	value = GridcodeGetDatum(code);
	isnull = (code == 0);
	return PointerGetDatum(heap_modify_tuple_by_cols(tuple, desc, 1, &(int) {setup->code},
													 &value, &isnull));
}
