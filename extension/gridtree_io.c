/*
 * gridtree_io.c
 *	  Text and binary input and output of gridtree.  The forms are tree_form.c's.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

#include "gridtree_type.h"

/* A tree's text may have megabytes; an error quotes so many bytes of it. */
#define ERROR_TEXT_MAX	200

PG_FUNCTION_INFO_V1(gridtree_in);
PG_FUNCTION_INFO_V1(gridtree_out);
PG_FUNCTION_INFO_V1(gridtree_recv);
PG_FUNCTION_INFO_V1(gridtree_send);

static const char *
skip_space(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

/* How many leaves a text has if it is well-formed. */
static uint32
count_leaves(const char *text)
{
	uint32		nleaves = 0;

	for (; *text != '\0'; text++)
		nleaves += *text == ';';
	return nleaves;
}

Datum
gridtree_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	GridtreeWriter writer;
	TreeLeaf   *leaf;
	const char *rest;
	int			nfigures;

	rest = tree_parse_head(skip_space(text), &nfigures);
	if (rest != NULL)
	{
		leaf = palloc(TREE_LEAF_SIZE(nfigures));
		gridtree_write_start(&writer, TREE_STORED, nfigures, count_leaves(rest));
		while (rest != NULL && *rest == ';')
		{
			rest = tree_parse_leaf(rest, writer.previous, leaf, nfigures);
			if (rest != NULL)
				gridtree_write_leaf(&writer, leaf);
		}
	}
	if (rest == NULL || *skip_space(rest) != '\0')
	{
		soft_ereport(fcinfo->context,
					 (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					  errmsg("invalid input syntax for type %s: \"%.*s\"", "gridtree",
							 pg_mbcliplen(text, strlen(text), ERROR_TEXT_MAX), text),
					  errhint("Values are made by gridtree_agg(); without codes: 'figures=0'.")));
		PG_RETURN_NULL();
	}
	return gridtree_write_end(&writer);
}

Datum
gridtree_out(PG_FUNCTION_ARGS)
{
	GridtreeReader reader;
	StringInfoData text;

	gridtree_read_start(&reader, PG_GETARG_DATUM(0));
	initStringInfo(&text);
	enlargeStringInfo(&text, TREE_HEAD_TEXT_MAX);
	text.len += tree_format_head(text.data, reader.reader.nfigures);
	while (gridtree_read_leaf(&reader))
	{
		if (text.len + TREE_LEAF_TEXT_MAX(reader.reader.nfigures) >= MaxAllocSize)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("text of a value of type %s is larger than 1 GB", "gridtree"),
					 errhint("Read it in binary, as COPY does WITH (FORMAT binary), or keep trees of fewer codes or figures.")));
		enlargeStringInfo(&text, TREE_LEAF_TEXT_MAX(reader.reader.nfigures));
		text.len += tree_format_leaf(text.data + text.len, reader.leaf, reader.reader.nfigures);
	}
	PG_RETURN_CSTRING(text.data);
}

Datum
gridtree_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			size = message->len - message->cursor;
	const char *bytes = pq_getmsgbytes(message, size);
	GridtreeWriter writer;
	TreeReader	reader;
	TreeLeaf   *leaf;
	TreeRead	read = TREE_MALFORMED;

	if (tree_read_start(&reader, TREE_WIRE, (const uint8 *) bytes, size))
	{
		leaf = palloc(TREE_LEAF_SIZE(reader.nfigures));
		gridtree_write_start(&writer, TREE_STORED, reader.nfigures, reader.nleaves);
		while ((read = tree_read_leaf(&reader, leaf)) == TREE_LEAF)
			gridtree_write_leaf(&writer, leaf);
	}
	if (read == TREE_MALFORMED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary value for type %s", "gridtree")));
	return gridtree_write_end(&writer);
}

Datum
gridtree_send(PG_FUNCTION_ARGS)
{
	GridtreeReader reader;
	GridtreeWriter writer;

	gridtree_read_start(&reader, PG_GETARG_DATUM(0));
	gridtree_write_start(&writer, TREE_WIRE, reader.reader.nfigures, reader.reader.nleaves);
	while (gridtree_read_leaf(&reader))
		gridtree_write_leaf(&writer, reader.leaf);
	return gridtree_write_end(&writer);
}
