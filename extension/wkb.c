/*
 * wkb.c
 *	  Geometries written as well-known binary.
 */
#include "wkb.h"

#include "compat.h"

void
wkb_begin(StringInfo wkb)
{
	initStringInfo(wkb);
	appendStringInfoSpaces(wkb, VARHDRSZ);
}

Datum
wkb_finish(StringInfo wkb)
{
	SET_VARSIZE(wkb->data, wkb->len);
	return PointerGetDatum(wkb->data);
}

void
wkb_number(StringInfo wkb, uint32 number)
{
	appendBinaryStringInfo(wkb, (const char *) &number, sizeof(number));
}

static void
put_head(StringInfo wkb, uint32 type)
{
#ifdef WORDS_BIGENDIAN
	appendStringInfoChar(wkb, 0);
#else
	appendStringInfoChar(wkb, 1);
#endif
	wkb_number(wkb, type);
}

int
wkb_open(StringInfo wkb, uint32 type)
{
	put_head(wkb, type);
	wkb_number(wkb, 0);
	return wkb->len - (int) sizeof(uint32);
}

void
wkb_set_count(StringInfo wkb, int place, uint32 count)
{
	memcpy(wkb->data + place, &count, sizeof(count));
}

void
wkb_points(StringInfo wkb, const double *xy, size_t n)
{
	appendBinaryStringInfo(wkb, (const char *) xy, (int) (n * 2 * sizeof(double)));
}

void
wkb_point(StringInfo wkb, double x, double y)
{
	double		xy[2] = {x, y};

	put_head(wkb, WKB_POINT);
	wkb_points(wkb, xy, 1);
}
