/*
 * gridtree_figures.c
 *	  Reading figures of any numeric type as doubles.  Knows nothing of trees.
 */
#include "gridtree_figures.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

static double
read_int2(Datum value)
{
	return DatumGetInt16(value);
}

static double
read_int4(Datum value)
{
	return DatumGetInt32(value);
}

static double
read_int8(Datum value)
{
	return (double) DatumGetInt64(value);
}

static double
read_float4(Datum value)
{
	return DatumGetFloat4(value);
}

static double
read_float8(Datum value)
{
	return DatumGetFloat8(value);
}

static double
read_numeric(Datum value)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, value));
}

static FigureRead
reader_of(Oid type)
{
	switch (getBaseType(type))
	{
		case INT2OID:
			return read_int2;
		case INT4OID:
			return read_int4;
		case INT8OID:
			return read_int8;
		case FLOAT4OID:
			return read_float4;
		case FLOAT8OID:
			return read_float8;
		case NUMERICOID:
			return read_numeric;
		default:
			return NULL;
	}
}

FigureRead *
figure_readers(FunctionCallInfo fcinfo, int first)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;
	FigureRead *readers;
	int			nfigures = PG_NARGS() - first;

	if (nfigures > 0 && get_fn_expr_variadic(flinfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("figures cannot be given as a VARIADIC array"),
				 errhint("Give each figure as an argument of its own.")));
	readers = MemoryContextAllocZero(flinfo->fn_mcxt, (nfigures + 1) * sizeof *readers);
	for (int i = 0; i < nfigures; i++)
	{
		Oid			type = get_fn_expr_argtype(flinfo, first + i);

		readers[i] = OidIsValid(type) ? reader_of(type) : NULL;
		if (readers[i] == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("figure %d is of type %s, which is not numeric", i + 1,
							OidIsValid(type) ? format_type_be(type) : "unknown"),
					 errhint("Figures are of type smallint, integer, bigint, numeric, real or double precision; cast what is of another.")));
	}
	return readers;
}
