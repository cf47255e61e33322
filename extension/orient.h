/*
 * orient.h
 *	  On which side of a line a point is, without rounding error.
 *
 * The sign of the determinant
 *
 *		| bx - ax  by - ay |
 *		| px - ax  py - ay |
 *
 * positive where p is to the left of the line from a to b.  It is evaluated in
 * doubles, and where their error bound (Shewchuk, "Adaptive Precision
 * Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997) leaves
 * the sign in doubt, in integers wide enough for any finite doubles.
 *
 * Must be compiled without contraction to fused multiply-add (-ffp-contract=off).
 * Pure.
 */
#ifndef GRIDTREE_ORIENT_H
#define GRIDTREE_ORIENT_H

#include <math.h>

/* The same by integers alone; for any finite coordinates. */
extern int	orient_exact(double ax, double ay, double bx, double by, double px, double py);

/* (3 + 16 eps) eps, where eps is half a unit in the last place of 1. */
#define ORIENT_BOUND	3.3306690738754716e-16

/* What products lose where they underflow is far below this. */
#define ORIENT_TINY		1e-300

/* -1, 0 or 1: p is to the right of the line from a to b, on it, or to its left. */
static inline int
orient(double ax, double ay, double bx, double by, double px, double py)
{
	double		left = (bx - ax) * (py - ay);
	double		right = (by - ay) * (px - ax);
	double		det = left - right;
	double		bound = ORIENT_BOUND * (fabs(left) + fabs(right)) + ORIENT_TINY;

	if (det > bound)
		return 1;
	if (det < -bound)
		return -1;
	/* Also where a product is not finite: then no comparison holds. */
	return orient_exact(ax, ay, bx, by, px, py);
}

#endif							/* GRIDTREE_ORIENT_H */
