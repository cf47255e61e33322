/*
 * rule.c
 *	  The rule, written out.
 */
#include "oracle.h"

#include <gmp.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* The exponent of the last bit a finite double can have. */
static int
last_bit(double value)
{
	int			exponent;

	if (value == 0)
		return INT_MAX;
	frexp(value, &exponent);
	return exponent - 53;
}

/* value * 2^-unit, an integer as long as unit <= last_bit(value). */
static void
set_scaled(mpz_t out, double value, int unit)
{
	int			exponent;

	mpz_set_d(out, ldexp(frexp(value, &exponent), 53));
	if (value != 0)
		mpz_mul_2exp(out, out, exponent - 53 - unit);
}

/* The sign of (b - a) x (p - a): doubles are integers in the smallest of their last bits. */
int
exact_side(const Point *a, const Point *b, const Point *p)
{
	static mpz_t v[6];
	static bool ready = false;
	const double value[6] = {a->x, a->y, b->x, b->y, p->x, p->y};
	int			unit = INT_MAX;

	for (int i = 0; i < 6; i++)
	{
		if (!ready)
			mpz_init(v[i]);
		if (last_bit(value[i]) < unit)
			unit = last_bit(value[i]);
	}
	ready = true;
	for (int i = 0; i < 6; i++)
		set_scaled(v[i], value[i], unit);
	mpz_sub(v[2], v[2], v[0]);
	mpz_sub(v[3], v[3], v[1]);
	mpz_sub(v[4], v[4], v[0]);
	mpz_sub(v[5], v[5], v[1]);
	mpz_mul(v[2], v[2], v[5]);
	mpz_mul(v[3], v[3], v[4]);
	return mpz_cmp(v[2], v[3]) > 0 ? 1 : mpz_cmp(v[2], v[3]) < 0 ? -1 : 0;
}

static bool
between(double a, double b, double value)
{
	return a <= b ? a <= value && value <= b : b <= value && value <= a;
}

/*
 * How often a ring winds around a point; *on tells whether the point is on it.
 * An edge of no length is none, so a ring of one place is nowhere, as in PostGIS.
 */
static long
winding(const Ring *ring, const Point *p, Side side, bool *on)
{
	long		turns = 0;

	*on = false;
	for (size_t i = 0; i < ring->n; i++)
	{
		const Point *a = &ring->point[i];
		const Point *b = &ring->point[i + 1];
		int			s;

		if (!between(a->y, b->y, p->y) || (a->x == b->x && a->y == b->y))
			continue;
		s = side(a, b, p);
		if (s == 0 && between(a->x, b->x, p->x))
			*on = true;
		if (a->y <= p->y && p->y < b->y && s > 0)
			turns++;
		if (b->y <= p->y && p->y < a->y && s < 0)
			turns--;
	}
	return turns;
}

static bool
covers(const Part *part, const Point *p, Side side, Settles settles)
{
	bool		on;

	if (p->x < part->low.x || p->x > part->high.x || p->y < part->low.y || p->y > part->high.y)
		return false;
	if (winding(&part->ring[0], p, side, &on) == 0 && !on)
		return false;
	if (on && settles == SETTLES_ANY)
		return true;
	for (size_t i = 1; i < part->nrings; i++)
	{
		bool		winds = winding(&part->ring[i], p, side, &on) != 0;

		if (on && settles != SETTLES_NOTHING)
			return true;
		if (winds && !on)
			return false;
	}
	return true;
}

/* Is a the better answer? */
static bool
better(const char *a, const char *b)
{
	if (b == NULL || strlen(a) != strlen(b))
		return b == NULL || strlen(a) > strlen(b);
	return strcmp(a, b) < 0;
}

/* The code at a point, or NULL in a gap. */
const char *
locate(const Parts *parts, const Point *p, Side side, Settles settles)
{
	const char *best = NULL;

	for (size_t i = 0; i < parts->n; i++)
		if (covers(&parts->part[i], p, side, settles) && better(parts->part[i].code, best))
			best = parts->part[i].code;
	return best;
}
