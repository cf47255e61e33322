/*
 * rollup_alter.c
 *	  grid_rollup_alter: changes how and when a rollup is kept, never what it is.
 *
 * The changes are a json object: a key that is absent stays, null takes the
 * value away.  One table says which keys there are.
 */
#include "rollup_def.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "rollup_owner.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(grid_rollup_alter);

typedef struct Change
{
	const char *key;			/* also the column of the catalog */
	const char *json_type;
	Oid			type;
	bool		nullable;
} Change;

static const Change changes[] = {
	{"schedule", "string", TEXTOID, true},
	{"max_lag", "string", INTERVALOID, true},
	{"enabled", "boolean", BOOLOID, false},
	{"statement_timeout", "string", INTERVALOID, true},
	{"lock_timeout", "string", INTERVALOID, true},
	{"retry_min", "string", INTERVALOID, true},
	{"retry_max", "string", INTERVALOID, true},
	{"owner", "string", TEXTOID, false},
};

void
rollup_check_schedule(const char *schedule, const char *zone)
{
	List	   *name = list_make2(makeString(get_namespace_name(gridtree_schema())),
								  makeString("grid_schedule_next"));
	Oid			signature[] = {TEXTOID, TIMESTAMPTZOID, TEXTOID};
	Oid			function;

	if (schedule == NULL)
		return;
	function = LookupFuncName(name, lengthof(signature), signature, true);
	if (OidIsValid(function))
		(void) OidFunctionCall3(function, CStringGetTextDatum(schedule),
								TimestampTzGetDatum(GetCurrentTimestamp()),
								CStringGetTextDatum(zone ? zone : "UTC"));
}

/*
 * Whoever asks what is due adds these times to others, for all rollups in one
 * query: one rollup's must not overflow there.
 */
void
rollup_check_length(const char *setting, const Interval *interval, const char *value)
{
	const Interval longest = {.month = 100 * MONTHS_PER_YEAR};

	if (interval->month < 0 || interval->day < 0 || interval->time < 0 ||
		(interval->month == 0 && interval->day == 0 && interval->time == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("setting \"%s\" must be longer than nothing, not \"%s\"", setting, value)));
	if (DatumGetBool(DirectFunctionCall2(interval_gt, PointerGetDatum(interval), PointerGetDatum(&longest))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("setting \"%s\" must be at most 100 years, not \"%s\"", setting, value)));
}

static const Change *
find_change(const char *key)
{
	for (int i = 0; i < (int) lengthof(changes); i++)
		if (strcmp(changes[i].key, key) == 0)
			return &changes[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a rollup has no setting \"%s\"", key),
			 errhint("The settings are schedule, max_lag, enabled, statement_timeout, lock_timeout, retry_min, retry_max and owner.")));
}

/* Right type of json, right text, and positive where it is a time. */
static void
check_value(const Change *change, const char *json_type, const char *value, const char *zone)
{
	Interval   *interval;

	if (value == NULL && change->nullable)
		return;
	if (strcmp(json_type, change->json_type) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("setting \"%s\" must be a json %s, not %s",
						change->key, change->json_type, json_type)));
	if (strcmp(change->key, "schedule") == 0)
		rollup_check_schedule(value, zone);
	if (change->type != INTERVALOID)
		return;
	interval = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(value),
													 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	rollup_check_length(change->key, interval, value);
}

/*
 * The triggers write the log and refreshes read the source as the owner: one
 * without these rights would stop everybody who writes to the source.
 */
static void
check_owner_rights(const RollupDef *def, const char *owner)
{
	Oid			types[] = {TEXTOID, OIDOID, OIDOID};
	Datum		values[] = {CStringGetTextDatum(owner), ObjectIdGetDatum(def->rollup),
	ObjectIdGetDatum(def->source)};

	(void) get_role_oid(owner, false);
	if (rollup_execute_args("SELECT FROM pg_catalog.pg_class c WHERE c.oid IN ($2, $3)"
							" AND NOT (pg_catalog.has_schema_privilege($1::name, c.relnamespace, 'USAGE')"
							" AND (c.oid = $2 OR pg_catalog.has_table_privilege($1::name, c.oid, 'SELECT')))",
							3, types, values, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" cannot own rollup \"%s\"", owner, get_rel_name(def->rollup)),
				 errdetail("It needs USAGE on the schemas of the rollup and of its source, and SELECT on the source.")));
}

/* Hand every part of the rollup over; ALTER TABLE checks whether the user may. */
static void
change_owner(const RollupDef *def, const char *owner)
{
	Oid			parts[] = {def->rollup, def->rest, def->log, def->rows, def->live, def->bi};

	check_owner_rights(def, owner);
	for (int i = 0; i < (int) lengthof(parts); i++)
		if (OidIsValid(parts[i]))
			rollup_execute(psprintf("ALTER TABLE %s OWNER TO %s", relation_quoted(parts[i]),
									quote_identifier(owner)));
}

static void
store_change(const RollupDef *def, const Change *change, const char *value)
{
	OwnerContext context;
	Oid			types[] = {OIDOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(def->rollup), value ? CStringGetTextDatum(value) : (Datum) 0};

	owner_enter_catalog(&context);
	rollup_execute_args(psprintf("UPDATE %s.grid_rollup_catalog SET %s = $2::%s WHERE rollup = $1",
								 def->schema, change->key, format_type_be_qualified(change->type)),
						2, types, values, value ? "  " : " n");
	owner_leave(&context);
}

/* One member of the json object. */
static void
apply(const RollupDef *def, char *key, char *json_type, char *value)
{
	const Change *change = find_change(key);

	check_value(change, json_type, value, def->zone);
	if (strcmp(change->key, "owner") == 0)
		change_owner(def, value);
	else
		store_change(def, change, value);
}

Datum
grid_rollup_alter(PG_FUNCTION_ARGS)
{
	Oid			rollup = PG_GETARG_OID(0);
	Oid			types[] = {JSONOID};
	Datum		values[] = {PG_GETARG_DATUM(1)};
	SPITupleTable *members;
	RollupDef  *def;
	uint64		count;

	SPI_connect();
	rollup_check_owner(rollup);
	def = rollup_load(rollup, false);
	LockRelationOid(rollup, AccessShareLock);	/* a full build wants more: ANALYZE */
	if (rollup_execute_args("SELECT WHERE pg_catalog.json_typeof($1) OPERATOR(pg_catalog.=) 'object'",
							1, types, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("changes must be a json object"),
				 errhint("For example '{\"max_lag\": \"10 minutes\"}'.")));
	count = rollup_execute_args("SELECT m.key, pg_catalog.json_typeof(m.value),"
								" m.value OPERATOR(pg_catalog.#>>) '{}'::pg_catalog.text[]"
								" FROM pg_catalog.json_each($1) m", 1, types, values, NULL);
	members = SPI_tuptable;
	for (uint64 i = 0; i < count; i++)
		apply(def, SPI_getvalue(members->vals[i], members->tupdesc, 1),
			  SPI_getvalue(members->vals[i], members->tupdesc, 2),
			  SPI_getvalue(members->vals[i], members->tupdesc, 3));
	SPI_finish();
	PG_RETURN_VOID();
}
