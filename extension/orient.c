/*
 * orient.c
 *	  The exact sign of an orientation.
 *
 * Multiplied out, the determinant is a sum of six products of two coordinates.
 * A double is an integer of 53 bits times a power of two, so each product is an
 * integer of 106 bits shifted to its place in one wide accumulator, as in
 * Kulisch's long accumulator: nothing is ever rounded, and nothing can overflow
 * or underflow.
 */
#include "orient.h"

#include <stdint.h>
#include <string.h>

/*
 * The least product is 2^-2148 and the greatest below 2^2048; a sum of six
 * needs three bits more, and the sign one.
 */
#define LEAST_EXPONENT	(-2148)
#define WORDS			67		/* of 64 bits: 4288 >= 2148 + 2048 + 4 */

typedef struct Accumulator
{
	uint64_t	words[WORDS];	/* two's complement, least significant first */
} Accumulator;

/* value = sign * mantissa * 2^exponent */
static uint64_t
take_apart(double value, int *exponent, int *negative)
{
	uint64_t	bits;
	int			biased;

	memcpy(&bits, &value, sizeof(bits));
	*negative = (int) (bits >> 63);
	biased = (int) ((bits >> 52) & 0x7ff);
	bits &= UINT64_C(0xfffffffffffff);
	if (biased > 0)
		bits |= UINT64_C(1) << 52;
	*exponent = (biased > 0 ? biased : 1) - 1075;
	return bits;
}

/* Add three words at a place, carrying as far as needed. */
static void
add_words(Accumulator *sum, int word, const uint64_t add[3])
{
	uint64_t	carry = 0;

	for (int i = 0; word + i < WORDS && (i < 3 || carry); i++)
	{
		uint64_t	addend = i < 3 ? add[i] : 0;
		uint64_t	partial = sum->words[word + i] + addend;
		uint64_t	overflow = partial < addend;

		sum->words[word + i] = partial + carry;
		carry = overflow + (sum->words[word + i] < carry);
	}
}

static void
subtract_words(Accumulator *sum, int word, const uint64_t subtract[3])
{
	uint64_t	borrow = 0;

	for (int i = 0; word + i < WORDS && (i < 3 || borrow); i++)
	{
		uint64_t	subtrahend = i < 3 ? subtract[i] : 0;
		uint64_t	before = sum->words[word + i];
		uint64_t	partial = before - subtrahend;
		uint64_t	underflow = before < subtrahend;

		sum->words[word + i] = partial - borrow;
		borrow = underflow + (partial < borrow);
	}
}

/* sum += sign * a * b */
static void
add_product(Accumulator *sum, double a, double b, int negative)
{
	int			exponent_a;
	int			exponent_b;
	int			negative_a;
	int			negative_b;
	unsigned __int128 product = take_apart(a, &exponent_a, &negative_a);
	int			place;
	int			shift;
	uint64_t	words[3];

	product *= take_apart(b, &exponent_b, &negative_b);
	place = exponent_a + exponent_b - LEAST_EXPONENT;
	shift = place % 64;
	words[0] = (uint64_t) (product << shift);
	words[1] = (uint64_t) ((product << shift) >> 64);
	words[2] = shift ? (uint64_t) (product >> 64) >> (64 - shift) : 0;
	if (negative ^ negative_a ^ negative_b)
		subtract_words(sum, place / 64, words);
	else
		add_words(sum, place / 64, words);
}

int
orient_exact(double ax, double ay, double bx, double by, double px, double py)
{
	Accumulator sum = {{0}};

	/* (bx - ax)(py - ay) - (by - ay)(px - ax), where ax ay appears twice and cancels */
	add_product(&sum, bx, py, 0);
	add_product(&sum, bx, ay, 1);
	add_product(&sum, ax, py, 1);
	add_product(&sum, by, px, 1);
	add_product(&sum, by, ax, 0);
	add_product(&sum, ay, px, 0);

	if (sum.words[WORDS - 1] >> 63)
		return -1;
	for (int i = 0; i < WORDS; i++)
		if (sum.words[i] != 0)
			return 1;
	return 0;
}
