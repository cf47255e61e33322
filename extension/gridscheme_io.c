/*
 * gridscheme_io.c
 *	  Input, output and the stored form of gridscheme; equality and order; and
 *	  the parsed scheme that functions keep between rows.
 *
 * Presets are spellings of input only, so they can never change the meaning of
 * what is stored.
 */
#include "gridscheme.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#define STORED_VERSION 1
#define WIRE_VERSION 1

PG_FUNCTION_INFO_V1(gridscheme_in);
PG_FUNCTION_INFO_V1(gridscheme_out);
PG_FUNCTION_INFO_V1(gridscheme_recv);
PG_FUNCTION_INFO_V1(gridscheme_send);
PG_FUNCTION_INFO_V1(gridscheme_eq);
PG_FUNCTION_INFO_V1(gridscheme_ne);
PG_FUNCTION_INFO_V1(gridscheme_lt);
PG_FUNCTION_INFO_V1(gridscheme_le);
PG_FUNCTION_INFO_V1(gridscheme_gt);
PG_FUNCTION_INFO_V1(gridscheme_ge);
PG_FUNCTION_INFO_V1(gridscheme_cmp);
PG_FUNCTION_INFO_V1(gridscheme_hash);
PG_FUNCTION_INFO_V1(gridscheme_hash_extended);

/* What fn_extra holds: the stored bytes and what they mean. */
typedef struct CachedScheme
{
	struct varlena *stored;
	GridScheme	scheme;
} CachedScheme;

/* The detail of a syntax error; level counts from 1. */
static int
parse_problem_detail(SchemeParse problem, int level)
{
	switch (problem)
	{
		case SCHEME_OK:
			break;
		case SCHEME_EMPTY:
			return errdetail("A scheme has at least one level.");
		case SCHEME_NO_NAME:
			return errdetail("Level %d has no name.", level);
		case SCHEME_BAD_NAME:
			return errdetail("The name of level %d has a control character in it.", level);
		case SCHEME_WIDE_COMMA:
			return errdetail("The name of level %d has a full-width comma in it; levels are separated by \",\".", level);
		case SCHEME_LONG_NAME:
			return errdetail("The name of level %d is longer than %d bytes.", level, SCHEME_MAX_NAME);
		case SCHEME_NO_WIDTH:
			return errdetail("Level %d does not end in its number of digits.", level);
		case SCHEME_BAD_WIDTH:
			return errdetail("The number of digits of level %d is not between 1 and %d.", level, GRIDCODE_MAX_DIGITS);
		case SCHEME_TOO_LONG:
			return errdetail("With level %d the codes would have more than %d digits.", level, GRIDCODE_MAX_DIGITS);
		case SCHEME_DUPLICATE:
			return errdetail("The name of level %d is that of a level above it.", level);
	}
	return 0;
}

/* Bytes of canonical text in a stored scheme, and where they are. */
static const char *
stored_text(const struct varlena *stored, size_t *len)
{
	if (VARSIZE_ANY_EXHDR(stored) < 2 || VARDATA_ANY(stored)[0] != STORED_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unsupported version of stored gridscheme")));
	*len = VARSIZE_ANY_EXHDR(stored) - 1;
	return VARDATA_ANY(stored) + 1;
}

static struct varlena *
make_stored(const GridScheme *scheme)
{
	char		text[SCHEME_MAX_TEXT];
	int			len = scheme_format(scheme, text);
	struct varlena *stored = palloc(VARHDRSZ + 1 + len);

	SET_VARSIZE(stored, VARHDRSZ + 1 + len);
	VARDATA(stored)[0] = STORED_VERSION;
	memcpy(VARDATA(stored) + 1, text, len);
	return stored;
}

void
gridscheme_parse_stored(const struct varlena *stored, GridScheme *scheme)
{
	size_t		len;
	const char *text = stored_text(stored, &len);
	int			level;

	if (scheme_parse(text, len, scheme, &level) != SCHEME_OK)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("malformed stored gridscheme")));
	ereport(DEBUG3, (errmsg_internal("parsed a stored gridscheme")));
}

const GridScheme *
gridscheme_cached(FunctionCallInfo fcinfo, int argno)
{
	CachedScheme *cache = fcinfo->flinfo->fn_extra;
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(argno));
	size_t		size = VARSIZE_ANY_EXHDR(stored);
	struct varlena *copy;

	/* Never by pointer: another value may have come to the same place. */
	if (cache == NULL || VARSIZE_ANY_EXHDR(cache->stored) != size ||
		memcmp(VARDATA_ANY(cache->stored), VARDATA_ANY(stored), size) != 0)
	{
		if (cache == NULL)
			cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CachedScheme));
		else
			pfree(cache->stored);
		fcinfo->flinfo->fn_extra = NULL;
		copy = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, VARHDRSZ + size);
		SET_VARSIZE(copy, VARHDRSZ + size);
		memcpy(VARDATA(copy), VARDATA_ANY(stored), size);
		cache->stored = copy;
		gridscheme_parse_stored(copy, &cache->scheme);
		fcinfo->flinfo->fn_extra = cache;
	}
	PG_FREE_IF_COPY(stored, argno);
	return &cache->scheme;
}

int
gridscheme_level(const GridScheme *scheme, const char *name, size_t len)
{
	int			depth = scheme_level_named(scheme, name, len);
	char		text[SCHEME_MAX_TEXT];

	if (depth == 0)
	{
		scheme_format(scheme, text);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("level \"%.*s\" is not in the scheme", (int) len, name),
				 errdetail("The scheme is \"%s\".", text)));
	}
	return depth;
}

Datum
gridscheme_in(PG_FUNCTION_ARGS)
{
	char	   *input = PG_GETARG_CSTRING(0);
	const char *preset = scheme_preset(input, strlen(input));
	const char *text = preset ? preset : input;
	GridScheme	scheme;
	int			level;
	SchemeParse problem = scheme_parse(text, strlen(text), &scheme, &level);

	if (problem != SCHEME_OK)
	{
		soft_ereport(fcinfo->context,
					 (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					  errmsg("invalid input syntax for type %s: \"%s\"", "gridscheme", input),
					  parse_problem_detail(problem, level),
					  errhint("Write each level as its name and its number of digits, as in \"state 2, county 3\", or name a preset: cn, cn-grid2, us-census, de-ars.")));
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(make_stored(&scheme));
}

Datum
gridscheme_out(PG_FUNCTION_ARGS)
{
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	size_t		len;
	const char *text = stored_text(stored, &len);

	PG_RETURN_CSTRING(pnstrdup(text, len));
}

Datum
gridscheme_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			version = message->cursor < message->len ? pq_getmsgbyte(message) : 0;
	char	   *text;
	int			len;
	GridScheme	scheme;
	int			level;
	SchemeParse problem;

	if (version != WIRE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported version number of binary gridscheme: %d", version)));
	text = pq_getmsgtext(message, message->len - message->cursor, &len);
	problem = scheme_parse(text, len, &scheme, &level);
	if (problem != SCHEME_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid text in binary gridscheme"),
				 parse_problem_detail(problem, level)));
	PG_RETURN_POINTER(make_stored(&scheme));
}

Datum
gridscheme_send(PG_FUNCTION_ARGS)
{
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	size_t		len;
	const char *text = stored_text(stored, &len);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message, WIRE_VERSION);
	pq_sendtext(&message, text, len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* Order by the bytes of the text; it means nothing but is the same everywhere. */
static int
compare(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	struct varlena *b = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));
	int			len_a = VARSIZE_ANY_EXHDR(a);
	int			len_b = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(len_a, len_b));

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order != 0 ? order : len_a - len_b;
}

Datum
gridscheme_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

Datum
gridscheme_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

Datum
gridscheme_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum
gridscheme_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum
gridscheme_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

Datum
gridscheme_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

Datum
gridscheme_cmp(PG_FUNCTION_ARGS)
{
	int			order = compare(fcinfo);

	PG_RETURN_INT32((order > 0) - (order < 0));
}

Datum
gridscheme_hash(PG_FUNCTION_ARGS)
{
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));

	return hash_any((unsigned char *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored));
}

Datum
gridscheme_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));

	return hash_any_extended((unsigned char *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored), PG_GETARG_INT64(1));
}
