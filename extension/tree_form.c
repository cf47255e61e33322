/*
 * tree_form.c
 *	  The packed form of a tree in its two spellings, and its text form
 *	  (tree.h), written and read leaf by leaf.
 */
#include "tree.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Seven bits a byte, lowest first; the high bit says that more follow. */
static size_t
write_number(uint8_t *out, uint64_t number)
{
	size_t		size = 0;

	for (; number >= 0x80; number >>= 7)
		out[size++] = (uint8_t) (number | 0x80);
	out[size++] = (uint8_t) number;
	return size;
}

/* Only the shortest spelling of a number below 2^63 is one. */
static bool
read_number(TreeReader *reader, uint64_t *number)
{
	*number = 0;
	for (int shift = 0; shift < 63 && reader->next < reader->end; shift += 7)
	{
		uint8_t		byte = *reader->next++;

		*number |= (uint64_t) (byte & 0x7f) << shift;
		if (byte < 0x80)
			return byte != 0 || shift == 0;
	}
	return false;
}

size_t
tree_write_head(uint8_t *out, int nfigures, uint32_t nleaves)
{
	size_t		size = 0;

	out[size++] = TREE_PACKED_VERSION;
	size += write_number(out + size, (uint64_t) nfigures);
	size += write_number(out + size, nleaves);
	return size;
}

size_t
tree_write_leaf(uint8_t *out, TreeSpelling spelling, gridcode previous,
				const TreeLeaf *leaf, int nfigures)
{
	size_t		size = 0;

	if (spelling == TREE_STORED)
		size = write_number(out, (uint64_t) (leaf->code - previous));
	else
	{
		char		digits[GRIDCODE_MAX_DIGITS + 1];

		size = (size_t) gridcode_format(leaf->code, digits);
		out[0] = (uint8_t) size;
		memcpy(out + 1, digits, size);
		size++;
	}
	size += write_number(out + size, (uint64_t) leaf->n);
	for (int i = 0; i < nfigures; i++)
		size += stats_pack(&leaf->stats[i], out + size);
	return size;
}

bool
tree_read_start(TreeReader *reader, TreeSpelling spelling, const uint8_t *bytes, size_t size)
{
	uint64_t	nfigures;
	uint64_t	nleaves;

	memset(reader, 0, sizeof *reader);
	reader->next = bytes;
	reader->end = bytes + size;
	reader->spelling = spelling;
	if (size == 0 || *reader->next++ != TREE_PACKED_VERSION ||
		!read_number(reader, &nfigures) || nfigures > TREE_MAX_FIGURES ||
		!read_number(reader, &nleaves) || nleaves > TREE_MAX_LEAVES)
		return false;
	reader->nfigures = (int) nfigures;
	reader->nleaves = reader->left = (uint32_t) nleaves;
	return true;
}

/* A code after the one before. */
static bool
read_code(TreeReader *reader, gridcode *code)
{
	uint64_t	step;
	size_t		length;

	if (reader->spelling == TREE_STORED)
	{
		if (!read_number(reader, &step) || step == 0 ||
			__builtin_add_overflow(reader->previous, (int64_t) step, code))
			return false;
	}
	else
	{
		length = reader->next < reader->end ? *reader->next++ : 0;
		if (length > (size_t) (reader->end - reader->next) ||
			gridcode_parse((const char *) reader->next, length, code) != GRIDCODE_OK)
			return false;
		reader->next += length;
	}
	if (*code <= reader->previous)
		return false;
	reader->previous = *code;
	return true;
}

static bool
read_stats(TreeReader *reader, GridStats *stats)
{
	size_t		left = (size_t) (reader->end - reader->next);
	size_t		used = reader->spelling == TREE_STORED
		? stats_unpack(stats, reader->next, left)
		: stats_unpack_untrusted(stats, reader->next, left);

	reader->next += used;
	return used > 0;
}

TreeRead
tree_read_leaf(TreeReader *reader, TreeLeaf *leaf)
{
	uint64_t	n;

	if (reader->left == 0)
		return reader->next == reader->end ? TREE_END : TREE_MALFORMED;
	reader->left--;
	if (!read_code(reader, &leaf->code) || !read_number(reader, &n) || n == 0)
		return TREE_MALFORMED;
	leaf->n = (int64_t) n;
	for (int i = 0; i < reader->nfigures; i++)
		if (!read_stats(reader, &leaf->stats[i]) || leaf->stats[i].count > leaf->n)
			return TREE_MALFORMED;
	return TREE_LEAF;
}

size_t
tree_format_head(char *out, int nfigures)
{
	return (size_t) sprintf(out, "figures=%d", nfigures);
}

size_t
tree_format_leaf(char *out, const TreeLeaf *leaf, int nfigures)
{
	char		digits[GRIDCODE_MAX_DIGITS + 1];
	char	   *next = out;

	gridcode_format(leaf->code, digits);
	next += sprintf(next, "; %s n=%lld", digits, (long long) leaf->n);
	for (int i = 0; i < nfigures; i++)
	{
		next += sprintf(next, " [");
		next += stats_format(&leaf->stats[i], next);
		next += sprintf(next, "]");
	}
	return (size_t) (next - out);
}

/* Reads a number without a sign; returns where it ends, NULL if malformed. */
static const char *
parse_number(const char *text, int64_t *number)
{
	*number = 0;
	if (!isdigit((unsigned char) *text))
		return NULL;
	for (; isdigit((unsigned char) *text); text++)
		if (__builtin_mul_overflow(*number, 10, number) ||
			__builtin_add_overflow(*number, *text - '0', number))
			return NULL;
	return text;
}

/* Where text goes on after what it must begin with, else NULL. */
static const char *
after(const char *text, const char *expected)
{
	size_t		length = strlen(expected);

	return text != NULL && strncmp(text, expected, length) == 0 ? text + length : NULL;
}

const char *
tree_parse_head(const char *text, int *nfigures)
{
	int64_t		number;

	text = after(text, "figures=");
	if (text != NULL)
		text = parse_number(text, &number);
	if (text == NULL || number > TREE_MAX_FIGURES)
		return NULL;
	*nfigures = (int) number;
	return text;
}

const char *
tree_parse_leaf(const char *text, gridcode previous, TreeLeaf *leaf, int nfigures)
{
	size_t		length;

	text = after(text, "; ");
	if (text == NULL)
		return NULL;
	length = strspn(text, "0123456789");
	if (gridcode_parse(text, length, &leaf->code) != GRIDCODE_OK || leaf->code <= previous)
		return NULL;
	text = after(text + length, " n=");
	if (text != NULL)
		text = parse_number(text, &leaf->n);
	if (text == NULL || leaf->n < 1)
		return NULL;
	for (int i = 0; i < nfigures && text != NULL; i++)
	{
		text = after(text, " [");
		if (text != NULL)
			text = stats_parse(&leaf->stats[i], text);
		if (text == NULL || leaf->stats[i].count > leaf->n)
			return NULL;
		text = after(text, "]");
	}
	return text;
}
