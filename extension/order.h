/*
 * order.h
 *	  Numbers of things put in an order, with pauses, which the library's sort
 *	  does not make.  Stable, so the result is the same everywhere.  Pure.
 */
#ifndef GRIDTREE_ORDER_H
#define GRIDTREE_ORDER_H

#include <stdint.h>

#include "host.h"

/* Negative, 0 or positive: a comes before b, is the same, or comes after. */
typedef int (*OrderCompare) (const void *context, uint32_t a, uint32_t b);

extern void order_items(uint32_t *items, size_t n, OrderCompare compare, const void *context, const Host *host);

#endif							/* GRIDTREE_ORDER_H */
