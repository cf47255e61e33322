/*
 * gridtree.c
 *	  The module itself, and the one place that finds the extension's own
 *	  objects: they live in one schema, chosen at CREATE EXTENSION, and are
 *	  found there whatever the search_path.
 */
#include "gridtree.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "layer_image.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_MODULE_MAGIC;

extern void _PG_init(void);

void
_PG_init(void)
{
	layer_image_define_settings();
	MarkGUCPrefixReserved("gridtree");
}

/*
 * Schemas of extensions, which triggers ask for at every row.  They change only
 * with the types in them, of which the type cache's messages tell.
 */
typedef struct KnownSchema
{
	char		extension[NAMEDATALEN];
	Oid			schema;
} KnownSchema;

static KnownSchema known_schemas[4];
static int	known = -1;			/* -1 before the callback is registered */

static void
forget_schemas(Datum arg pg_attribute_unused(), int cacheid pg_attribute_unused(),
			   uint32 hashvalue pg_attribute_unused())
{
	known = 0;
}

/* Schema of the extension called name, as pg_extension has it. */
static Oid
read_schema(const char *name)
{
	Oid			extension = get_extension_oid(name, false);
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			schema = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	if (!OidIsValid(schema))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" does not exist", name)));
	return schema;
}

static Oid
extension_schema(const char *name)
{
	Oid			schema;

	if (known < 0)
	{
		CacheRegisterSyscacheCallback(TYPEOID, forget_schemas, (Datum) 0);
		known = 0;
	}
	for (int i = 0; i < known; i++)
		if (strcmp(known_schemas[i].extension, name) == 0)
			return known_schemas[i].schema;
	schema = read_schema(name);
	if (known < (int) lengthof(known_schemas))
	{
		strlcpy(known_schemas[known].extension, name, NAMEDATALEN);
		known_schemas[known++].schema = schema;
	}
	return schema;
}

Oid
gridtree_schema(void)
{
	return extension_schema("gridtree");
}

char *
gridtree_schema_quoted(void)
{
	return pstrdup(quote_identifier(get_namespace_name(gridtree_schema())));
}

char *
postgis_schema_quoted(void)
{
	return pstrdup(quote_identifier(get_namespace_name(extension_schema("postgis"))));
}

char *
extension_schema_quoted(const char *extension)
{
	return pstrdup(quote_identifier(get_namespace_name(extension_schema(extension))));
}

Oid
gridtree_type(const char *name)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum(name),
									   ObjectIdGetDatum(gridtree_schema()));

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type \"%s\" of extension gridtree does not exist", name),
				 errhint("Run ALTER EXTENSION gridtree UPDATE.")));
	return type;
}

Oid
gridtree_trigger_function(const char *name)
{
	Oid			function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
										   CStringGetDatum(name),
										   PointerGetDatum(buildoidvector(NULL, 0)),
										   ObjectIdGetDatum(gridtree_schema()));

	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function \"%s\" of extension gridtree does not exist", name),
				 errhint("Run ALTER EXTENSION gridtree UPDATE.")));
	return function;
}

Oid
postgis_type(const char *name)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum(name),
									   ObjectIdGetDatum(extension_schema("postgis")));

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type \"%s\" of extension postgis does not exist", name)));
	return type;
}

char *
relation_quoted(Oid relation)
{
	char	   *name = get_rel_name(relation);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}
