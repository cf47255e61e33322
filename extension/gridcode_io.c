/*
 * gridcode_io.c
 *	  Text and binary input and output of gridcode, and its casts.
 *
 * In text a code is its digits and nothing else.  In binary it is a version
 * byte and the digits: the packed form never leaves the server.
 */
#include "gridcode.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"

#define WIRE_VERSION 1

PG_FUNCTION_INFO_V1(gridcode_in);
PG_FUNCTION_INFO_V1(gridcode_out);
PG_FUNCTION_INFO_V1(gridcode_recv);
PG_FUNCTION_INFO_V1(gridcode_send);
PG_FUNCTION_INFO_V1(gridcode_from_text_cast);
PG_FUNCTION_INFO_V1(gridcode_to_text_cast);

bool
gridcode_from_text(const char *text, size_t len, gridcode *code,
				   Node *escontext pg_attribute_unused())
{
	GridcodeParse problem = gridcode_parse(text, len, code);

	if (problem == GRIDCODE_OK)
		return true;
	soft_ereport(escontext,
				 (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				  errmsg("invalid input syntax for type %s: \"%.*s\"", "gridcode", (int) len, text),
				  problem == GRIDCODE_TOO_LONG ?
				  errdetail("The code has %d digits, and at most %d fit.", (int) len, GRIDCODE_MAX_DIGITS) :
				  errdetail("A code is 1 to %d digits 0 to 9, without spaces.", GRIDCODE_MAX_DIGITS)));
	return false;
}

char *
gridcode_to_cstring(gridcode code)
{
	char	   *text = palloc(GRIDCODE_MAX_DIGITS + 1);

	gridcode_format(code, text);
	return text;
}

Datum
gridcode_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	gridcode	code;

	if (!gridcode_from_text(text, strlen(text), &code, fcinfo->context))
		PG_RETURN_NULL();
	PG_RETURN_GRIDCODE(code);
}

Datum
gridcode_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(gridcode_to_cstring(PG_GETARG_GRIDCODE(0)));
}

Datum
gridcode_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			version = message->cursor < message->len ? pq_getmsgbyte(message) : 0;
	int			len = message->len - message->cursor;
	gridcode	code;

	if (version != WIRE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported version number of binary gridcode: %d", version)));
	if (gridcode_parse(pq_getmsgbytes(message, len), len, &code) != GRIDCODE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid digits in binary gridcode"),
				 errdetail("After the version come 1 to %d bytes, each a digit 0 to 9.", GRIDCODE_MAX_DIGITS)));
	PG_RETURN_GRIDCODE(code);
}

Datum
gridcode_send(PG_FUNCTION_ARGS)
{
	char		digits[GRIDCODE_MAX_DIGITS + 1];
	int			len = gridcode_format(PG_GETARG_GRIDCODE(0), digits);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message, WIRE_VERSION);
	pq_sendbytes(&message, digits, len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

Datum
gridcode_from_text_cast(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	gridcode	code;

	if (!gridcode_from_text(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &code, fcinfo->context))
		PG_RETURN_NULL();
	PG_RETURN_GRIDCODE(code);
}

Datum
gridcode_to_text_cast(PG_FUNCTION_ARGS)
{
	char		digits[GRIDCODE_MAX_DIGITS + 1];
	int			len = gridcode_format(PG_GETARG_GRIDCODE(0), digits);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(digits, len));
}
