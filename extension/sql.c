/*
 * sql.c
 *	  What SQL-facing functions share: a search_path on which nobody but the
 *	  system can put a function, and arguments that may not be null.
 */
#include "gridtree.h"

#include "fmgr.h"
#include "utils/guc.h"

/*
 * From here to safe_search_path_end, or to the end of the (sub)transaction,
 * unqualified names are pg_catalog's. All SQL of the extension is qualified, but
 * the filter of a layer is a deparsed expression, in which names of pg_catalog
 * are not; and a plan is analysed again whenever the search_path has changed.
 */
int
safe_search_path_begin(void)
{
	int			nest = NewGUCNestLevel();

	/* SAVE, as a function's SET clause does, is allowed in parallel workers. */
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return nest;
}

void
safe_search_path_end(int nest)
{
	AtEOXact_GUC(true, nest);
}

void
refuse_null_arguments(FunctionCallInfo fcinfo, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (names[i] && PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", names[i])));
}
