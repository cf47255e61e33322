/*
 * unit.h
 *	  The smallest test harness that prints TAP.
 */
#ifndef GRIDTREE_UNIT_H
#define GRIDTREE_UNIT_H

#include <stdbool.h>
#include <stdio.h>

static int	unit_count;
static int	unit_failed;

/* One named check; the name is a printf format. */
#define CHECK(condition, ...) \
	do { \
		bool		unit_ok = (condition); \
		unit_count++; \
		unit_failed += !unit_ok; \
		printf("%sok %d - ", unit_ok ? "" : "not ", unit_count); \
		printf(__VA_ARGS__); \
		printf("\n"); \
	} while (0)

/* Last line of main(): the plan, and the exit status. */
#define UNIT_DONE() \
	(printf("1..%d\n", unit_count), unit_failed > 0)

#endif							/* GRIDTREE_UNIT_H */
