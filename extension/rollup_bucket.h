/*
 * rollup_bucket.h
 *	  Periods of time, by their starts in local time.
 */
#ifndef GRIDTREE_ROLLUP_BUCKET_H
#define GRIDTREE_ROLLUP_BUCKET_H

#include "gridtree.h"

#include "pgtime.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* How times become buckets. */
typedef struct BucketRule
{
	Interval	width;
	pg_tz	   *zone;			/* of timestamptz; or NULL */
} BucketRule;

/* Check a width; says whether its buckets are dates. */
extern bool bucket_width_is_date(const Interval *width);

/* The zone of that name; an error if there is none. */
extern pg_tz *bucket_zone(const char *name);

/* What the clocks of a zone show; infinite beyond the range of timestamps, as below. */
extern Timestamp bucket_local_time(TimestampTz time, pg_tz *zone);

/* The start of the period of a valid width around a local time; infinite times stay. */
extern Timestamp bucket_start(Timestamp local, const Interval *width);

/* The bucket of a value of type date, timestamp or timestamptz. */
extern Timestamp bucket_of(const BucketRule *rule, Oid type, Datum value);

/* A bucket of whole days as a date. */
extern DateADT bucket_date(Timestamp bucket);

#endif							/* GRIDTREE_ROLLUP_BUCKET_H */
