/*
 * status.h
 *	  How things are, in one line for the service manager.
 */
#ifndef GRIDTREED_STATUS_H
#define GRIDTREED_STATUS_H

#include <stddef.h>

#include "duty.h"

/* "2 databases, 14 rollups, 0 failing, next at 02:00", and what is wrong with the first that is not ready. */
extern void status_describe(const Duty *duties, int all, char *text, size_t size);

#endif							/* GRIDTREED_STATUS_H */
