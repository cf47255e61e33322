/*
 * rollup_rights.c
 *	  Who may refresh a rollup, and who is shown how it is.
 */
#include "rollup.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "rollup_owner.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(grid_rollup_may_run);
PG_FUNCTION_INFO_V1(grid_rollup_may_see);

/* grid_rollup_runner() is a function for the sake of its EXECUTE privilege. */
static bool
is_runner(Oid role)
{
	oidvector  *no_arguments = buildoidvector(NULL, 0);
	Oid			runner = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
										 CStringGetDatum("grid_rollup_runner"), PointerGetDatum(no_arguments),
										 ObjectIdGetDatum(gridtree_schema()));

	/* packages replace the library before ALTER EXTENSION makes the function */
	return OidIsValid(runner) && function_aclcheck(runner, role, ACL_EXECUTE) == ACLCHECK_OK;
}

bool
rollup_may_refresh(Oid rollup, Oid role)
{
	const AclMode write = ACL_INSERT | ACL_UPDATE | ACL_DELETE;

	return object_ownercheck(RelationRelationId, rollup, role) ||
		pg_class_aclmask(rollup, role, write, ACLMASK_ALL) == write || is_runner(role);
}

void
rollup_check_may_refresh(Oid rollup)
{
	if (!rollup_may_refresh(rollup, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to refresh rollup \"%s\"", get_rel_name(rollup)),
				 errhint("It takes the owner, INSERT, UPDATE and DELETE on it, or EXECUTE on grid_rollup_runner().")));
}

/* grid_rollup_may_run(rollup); false for what is no relation any more */
Datum
grid_rollup_may_run(PG_FUNCTION_ARGS)
{
	Oid			rollup = PG_GETARG_OID(0);

	PG_RETURN_BOOL(OidIsValid(relation_owner(rollup)) && rollup_may_refresh(rollup, GetUserId()));
}

/* grid_rollup_may_see(rollup) */
Datum
grid_rollup_may_see(PG_FUNCTION_ARGS)
{
	Oid			rollup = PG_GETARG_OID(0);
	Oid			role = GetUserId();

	PG_RETURN_BOOL(OidIsValid(relation_owner(rollup)) &&
				   (pg_class_aclcheck(rollup, role, ACL_SELECT) == ACLCHECK_OK ||
					has_privs_of_role(role, ROLE_PG_READ_ALL_STATS) || rollup_may_refresh(rollup, role)));
}
