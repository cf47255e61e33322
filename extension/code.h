/*
 * code.h
 *	  Arithmetic of grid codes: digit-prefix codes of 1 to 18 digits, where a
 *	  shorter code is the area around every longer code it begins.
 *
 * A code is packed into a signed 64-bit integer whose order is the depth-first
 * order of the tree (and so the order of the digit strings compared bytewise):
 * a subtree is the closed interval from its code to gridcode_last().  How the
 * digits are packed is known to code.c and nobody else.
 *
 * Pure: knows nothing of PostgreSQL, nor of the levels of a scheme.
 */
#ifndef GRIDTREE_CODE_H
#define GRIDTREE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRIDCODE_MAX_DIGITS 18

/* 0 is "no code"; it sorts before every code. */
typedef int64_t gridcode;

typedef enum GridcodeParse
{
	GRIDCODE_OK,
	GRIDCODE_EMPTY,
	GRIDCODE_NOT_DIGITS,		/* a byte that is none of 0 to 9 */
	GRIDCODE_TOO_LONG			/* only digits, but more than fit */
} GridcodeParse;

/* Read len bytes of text; *code is set only where GRIDCODE_OK is returned. */
extern GridcodeParse gridcode_parse(const char *text, size_t len, gridcode *code);

/* Write the digits and a terminating zero; returns the number of digits. */
extern int	gridcode_format(gridcode code, char buffer[GRIDCODE_MAX_DIGITS + 1]);

/* Number of digits; 0 for no code. */
extern int	gridcode_digits(gridcode code);

/* The first digits (1 to 18) of a code; no code where it is shorter. */
extern gridcode gridcode_prefix(gridcode code, int digits);

/* The greatest possible descendant of a code: 18 digits, filled up with nines. */
extern gridcode gridcode_last(gridcode code);

/* Is b the area a or inside of it? */
extern bool gridcode_contains(gridcode a, gridcode b);

/* The smallest area that contains both; no code where their first digits differ. */
extern gridcode gridcode_common(gridcode a, gridcode b);

/*
 * The code followed by a number written with width digits; no code where the
 * number is negative or needs more digits, or the result would be too long.
 */
extern gridcode gridcode_append(gridcode code, int64_t number, int width);

/* Is this integer the packed form of a code at all? */
extern bool gridcode_is_valid(int64_t packed);

#endif							/* GRIDTREE_CODE_H */
