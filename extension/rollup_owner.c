/*
 * rollup_owner.c
 *	  Running SQL as somebody else without lending them anything.
 */
#include "rollup_owner.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static void
set_option(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
owner_enter(OwnerContext *context, Oid role)
{
	GetUserIdAndSecContext(&context->user, &context->security);
	SetUserIdAndSecContext(role, context->security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	context->guc_level = NewGUCNestLevel();
	set_option("search_path", "pg_catalog, pg_temp");
	set_option("row_security", "off");
	set_option("jit", "off");	/* many statements, each over few rows */
}

void
owner_leave(OwnerContext *context)
{
	AtEOXact_GUC(false, context->guc_level);
	SetUserIdAndSecContext(context->user, context->security);
}

void
owner_enter_catalog(OwnerContext *context)
{
	Oid			catalog = get_relname_relid("grid_rollup_catalog", gridtree_schema());

	if (!OidIsValid(catalog))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"grid_rollup_catalog\" of extension gridtree does not exist"),
				 errhint("Run ALTER EXTENSION gridtree UPDATE.")));
	owner_enter(context, relation_owner(catalog));
}

Oid
relation_owner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

uint64
rollup_execute(const char *sql)
{
	return rollup_execute_args(sql, 0, NULL, NULL, NULL);
}

uint64
rollup_execute_args(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	int			code = SPI_execute_with_args(sql, nargs, types, values, nulls, false, 0);

	if (code < 0)
		elog(ERROR, "SPI failed with %s: %s", SPI_result_code_string(code), sql);
	return SPI_processed;
}

uint64
rollup_query(const char *sql)
{
	int			code = SPI_execute(sql, true, 0);

	if (code < 0)
		elog(ERROR, "SPI failed with %s: %s", SPI_result_code_string(code), sql);
	return SPI_processed;
}
