/*
 * gridstats_io.c
 *	  Text and binary input and output of gridstats, and its storage.  The
 *	  forms themselves are stats_form.c's; the binary form on the wire is the
 *	  packed form, byte for byte, so it begins with its version.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "gridstats.h"
#include "gridstats_state.h"

PG_FUNCTION_INFO_V1(gridstats_in);
PG_FUNCTION_INFO_V1(gridstats_out);
PG_FUNCTION_INFO_V1(gridstats_recv);
PG_FUNCTION_INFO_V1(gridstats_send);

typedef size_t (*Unpack) (GridStats *stats, const uint8_t *in, size_t size);

static void
read_with(Unpack unpack, Datum datum, GridStats *stats)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(value);
	Size		size = VARSIZE_ANY_EXHDR(value);

	if (size == sizeof(GridStatsState) - VARHDRSZ && bytes[0] == GRIDSTATS_OPEN)
		memcpy(stats, bytes + offsetof(GridStatsState, stats) - VARHDRSZ, sizeof *stats);
	else if (size == 0 || unpack(stats, bytes, size) != size)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid gridstats value of format version %d",
						size == 0 ? 0 : bytes[0] & 15)));
	if ((Pointer) value != DatumGetPointer(datum))
		pfree(value);
}

void
gridstats_read(Datum datum, GridStats *stats)
{
	read_with(stats_unpack, datum, stats);
	Assert(stats_valid(stats));
}

void
gridstats_read_ends(Datum datum, GridStats *stats)
{
	read_with(stats_unpack_ends, datum, stats);
}

Datum
gridstats_make(const GridStats *stats)
{
	uint8		packed[STATS_PACKED_MAX];
	Size		size;
	struct varlena *value;

	Assert(stats_valid(stats));
	size = stats_pack(stats, packed);
	value = palloc(VARHDRSZ + size);
	SET_VARSIZE(value, VARHDRSZ + size);
	memcpy(VARDATA(value), packed, size);
	return PointerGetDatum(value);
}

Datum
gridstats_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	GridStats	stats;
	const char *end = stats_parse(&stats, text + strspn(text, " \t\r\n"));

	if (end == NULL || end[strspn(end, " \t\r\n")] != '\0')
	{
		soft_ereport(fcinfo->context,
					 (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					  errmsg("invalid input syntax for type %s: \"%.*s\"", "gridstats",
							 pg_mbcliplen(text, strlen(text), STATS_TEXT_MAX), text),
					  errhint("Values are made by gridstats_agg(); of no rows: 'count=0'.")));
		PG_RETURN_NULL();
	}
	return gridstats_make(&stats);
}

Datum
gridstats_out(PG_FUNCTION_ARGS)
{
	char		text[STATS_TEXT_MAX];
	GridStats	stats;

	gridstats_read(PG_GETARG_DATUM(0), &stats);
	stats_format(&stats, text);
	PG_RETURN_CSTRING(pstrdup(text));
}

Datum
gridstats_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			size = message->len - message->cursor;
	const char *bytes = pq_getmsgbytes(message, size);
	GridStats	stats;

	if (size == 0 || stats_unpack_untrusted(&stats, (const uint8 *) bytes, size) != (size_t) size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary value for type %s", "gridstats")));
	return gridstats_make(&stats);
}

Datum
gridstats_send(PG_FUNCTION_ARGS)
{
	uint8		packed[STATS_PACKED_MAX];
	StringInfoData message;
	GridStats	stats;

	gridstats_read(PG_GETARG_DATUM(0), &stats);
	pq_begintypsend(&message);
	pq_sendbytes(&message, (char *) packed, stats_pack(&stats, packed));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
