/*
 * report.h
 *	  What people ask: --check and --status.
 */
#ifndef GRIDTREED_REPORT_H
#define GRIDTREED_REPORT_H

#include "options.h"

/* Print to stdout; return the exit status. */
extern int	report_check(const Options *options);
extern int	report_status(const Options *options);

#endif							/* GRIDTREED_REPORT_H */
