/*
 * scheme.h
 *	  What the levels of a hierarchy are called and how many digits each adds
 *	  to a code: 'province 2, city 2, district 2'.
 *
 * Pure: knows codes by code.h, and nothing of PostgreSQL or of how a scheme is
 * stored.
 */
#ifndef GRIDTREE_SCHEME_H
#define GRIDTREE_SCHEME_H

#include "code.h"

#define SCHEME_MAX_LEVELS GRIDCODE_MAX_DIGITS
#define SCHEME_MAX_NAME 63		/* bytes */

/* Room for the longest scheme and its terminating zero. */
#define SCHEME_MAX_TEXT (SCHEME_MAX_LEVELS * (SCHEME_MAX_NAME + 5) + 1)

typedef struct GridLevel
{
	int			width;			/* digits that this level adds */
	int			digits;			/* digits of a code that ends here */
	const char *name;			/* in the text it was parsed from */
	int			name_len;
} GridLevel;

typedef struct GridScheme
{
	int			nlevels;
	GridLevel	level[SCHEME_MAX_LEVELS];	/* highest first */
} GridScheme;

typedef enum SchemeParse
{
	SCHEME_OK,
	SCHEME_EMPTY,				/* no level at all */
	SCHEME_NO_NAME,				/* a level without a name */
	SCHEME_BAD_NAME,			/* a control character in the name */
	SCHEME_WIDE_COMMA,			/* a comma of a Chinese keyboard in the name */
	SCHEME_LONG_NAME,
	SCHEME_NO_WIDTH,			/* a level that does not end in a number */
	SCHEME_BAD_WIDTH,			/* a width that is not 1 to 18 */
	SCHEME_TOO_LONG,			/* more than 18 digits together */
	SCHEME_DUPLICATE			/* two levels of one name */
} SchemeParse;

/* The spelled-out text of a preset such as 'cn', or NULL. */
extern const char *scheme_preset(const char *name, size_t len);

/*
 * Parse the spelled-out text.  The names of *scheme point into text.  On
 * failure *level is the number (from 1) of the level that is wrong.
 */
extern SchemeParse scheme_parse(const char *text, size_t len, GridScheme *scheme, int *level);

/* Write the canonical text and a terminating zero; returns its length. */
extern int	scheme_format(const GridScheme *scheme, char buffer[SCHEME_MAX_TEXT]);

/* The level a code ends at, 1 the highest; 0 where it ends at none. */
extern int	scheme_depth(const GridScheme *scheme, gridcode code);

/* The lowest level that ends above a code's last digit; 0 where there is none. */
extern int	scheme_depth_above(const GridScheme *scheme, gridcode code);

/* The level of that name, 1 the highest; 0 where there is none. */
extern int	scheme_level_named(const GridScheme *scheme, const char *name, size_t len);

typedef enum SchemeUnpad
{
	UNPAD_OK,
	UNPAD_NOT_A_CODE,			/* see gridcode_parse */
	UNPAD_INSIDE_LEVEL,			/* ends inside a level, or below the lowest */
	UNPAD_ONLY_ZEROS
} SchemeUnpad;

/* Read a code that may be padded with whole levels of zeros. */
extern SchemeUnpad scheme_unpad(const GridScheme *scheme, const char *text, size_t len, gridcode *code);

#endif							/* GRIDTREE_SCHEME_H */
