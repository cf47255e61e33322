/*
 * rollup_rows.c
 *	  Rows that one statement leaves for the next ones, which know them by a name.
 *
 * They are an ephemeral named relation, as transition tables are.
 */
#include "rollup_rows.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"

/* Where the executor puts the rows. */
typedef struct RowsReceiver
{
	DestReceiver interface;
	RollupRows *rows;
} RowsReceiver;

static void
start_receiving(DestReceiver *self, int operation pg_attribute_unused(), TupleDesc columns)
{
	RollupRows *rows = ((RowsReceiver *) self)->rows;
	MemoryContext before = MemoryContextSwitchTo(rows->context);

	if (rows->columns == NULL)
		rows->columns = CreateTupleDescCopy(columns);
	Assert(rows->columns->natts == columns->natts);
	MemoryContextSwitchTo(before);
}

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	tuplestore_puttupleslot(((RowsReceiver *) self)->rows->store, slot);
	return true;
}

static void
do_nothing(DestReceiver *self pg_attribute_unused())
{
}

RollupRows *
rollup_rows_create(const char *name)
{
	RollupRows *rows = palloc0(sizeof(RollupRows));

	rows->name = name;
	rows->context = CurrentMemoryContext;
	rows->store = tuplestore_begin_heap(false, false, work_mem);
	return rows;
}

void
rollup_rows_add(RollupRows *rows, const char *sql)
{
	RowsReceiver receiver = {{receive, start_receiving, do_nothing, do_nothing, DestNone}, rows};
	SPIExecuteOptions options = {.dest = &receiver.interface};
	int			code = SPI_execute_extended(sql, &options);

	if (code < 0)
		elog(ERROR, "SPI failed with %s: %s", SPI_result_code_string(code), sql);
}

TupleTableSlot *
rollup_rows_first(RollupRows *rows)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->columns, &TTSOpsMinimalTuple);

	tuplestore_rescan(rows->store);
	(void) tuplestore_gettupleslot(rows->store, true, true, slot);
	return slot;
}

void
rollup_rows_publish(RollupRows *rows)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));
	int			code;

	relation->md.name = pstrdup(rows->name);
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = rows->columns;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = (double) tuplestore_tuple_count(rows->store);
	relation->reldata = rows->store;
	code = SPI_register_relation(relation);
	if (code != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI failed with %s", SPI_result_code_string(code));
}

void
rollup_rows_free(RollupRows *rows)
{
	(void) SPI_unregister_relation(rows->name);
	tuplestore_end(rows->store);
	pfree(rows);
}
