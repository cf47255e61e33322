/*
 * clock.h
 *	  Moments are milliseconds of a clock that only goes forward; 0 is never.
 */
#ifndef GRIDTREED_CLOCK_H
#define GRIDTREED_CLOCK_H

#include <stdint.h>

extern int64_t now_ms(void);

/* The earlier of two moments. */
extern int64_t earlier(int64_t a, int64_t b);

#endif							/* GRIDTREED_CLOCK_H */
