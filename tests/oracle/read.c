/*
 * read.c
 *	  Polygons and points: lines of fields between tabs, geometries as EWKB in
 *	  hexadecimal, which is how PostGIS writes them.  Z and M are read over.
 */
#include "oracle.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_POINT			1
#define TYPE_POLYGON		3
#define TYPE_MULTIPOLYGON	6

#define FLAG_Z				UINT32_C(0x80000000)
#define FLAG_M				UINT32_C(0x40000000)
#define FLAG_SRID			UINT32_C(0x20000000)

/* A geometry being read. */
typedef struct Wkb
{
	const char *hex;
	bool		big_endian;
	int			dimensions;
	uint32_t	srid;
} Wkb;

void
fail(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	fputs("oracle: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(2);
}

void *
allocate(size_t size)
{
	void	   *memory = calloc(1, size ? size : 1);

	if (memory == NULL)
		fail("out of memory");
	return memory;
}

/* Room for another item in a list that doubles: full where n is a power of two. */
static void *
grow(void *list, size_t n, size_t size)
{
	if ((n & (n - 1)) == 0)
		list = realloc(list, (n ? 2 * n : 1) * size);
	if (list == NULL)
		fail("out of memory");
	return list;
}

static unsigned int
read_digit(Wkb *wkb)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";
	const char *at = *wkb->hex ? strchr(digits, *wkb->hex++) : NULL;

	if (at == NULL)
		fail("not EWKB in hexadecimal");
	return (at - digits) & 15;
}

static uint64_t
read_bytes(Wkb *wkb, int n)
{
	uint64_t	value = 0;

	for (int i = 0; i < n; i++)
	{
		uint64_t	byte = read_digit(wkb) << 4;

		byte |= read_digit(wkb);
		value = wkb->big_endian ? value << 8 | byte : value | byte << 8 * i;
	}
	return value;
}

static double
read_double(Wkb *wkb)
{
	uint64_t	bits = read_bytes(wkb, 8);
	double		value;

	memcpy(&value, &bits, sizeof(value));
	if (!isfinite(value))
		fail("a coordinate is not finite");
	return value;
}

static Point
read_point(Wkb *wkb)
{
	Point		point;

	point.x = read_double(wkb);
	point.y = read_double(wkb);
	for (int i = 2; i < wkb->dimensions; i++)
		read_bytes(wkb, 8);
	return point;
}

/* Byte order, type and SRID; returns the type. */
static uint32_t
read_head(Wkb *wkb)
{
	uint32_t	type;

	wkb->big_endian = read_bytes(wkb, 1) == 0;
	type = read_bytes(wkb, 4);
	wkb->dimensions = 2 + !!(type & FLAG_Z) + !!(type & FLAG_M);
	if (type & FLAG_SRID)
		wkb->srid = read_bytes(wkb, 4);
	return type & ~(FLAG_Z | FLAG_M | FLAG_SRID);
}

static Ring
read_ring(Wkb *wkb)
{
	Ring		ring;
	size_t		n = read_bytes(wkb, 4);

	ring.point = allocate((n + 1) * sizeof(Point));
	for (size_t i = 0; i < n; i++)
		ring.point[i] = read_point(wkb);
	ring.point[n] = ring.point[0];	/* an edge of no length where the ring was closed */
	ring.n = n;
	return ring;
}

static void
read_part(Wkb *wkb, const char *code, Parts *parts)
{
	Part		part = {.code = code};

	part.nrings = read_bytes(wkb, 4);
	part.ring = allocate(part.nrings * sizeof(Ring));
	for (size_t i = 0; i < part.nrings; i++)
		part.ring[i] = read_ring(wkb);
	if (part.nrings == 0 || part.ring[0].n == 0)
		return;
	part.low = part.high = part.ring[0].point[0];
	for (size_t i = 0; i < part.ring[0].n; i++)
	{
		const Point *p = &part.ring[0].point[i];

		part.low.x = fmin(part.low.x, p->x);
		part.low.y = fmin(part.low.y, p->y);
		part.high.x = fmax(part.high.x, p->x);
		part.high.y = fmax(part.high.y, p->y);
	}
	/* wider than it is, so that a wrong sign beside it can be told */
	part.low.x = nextafter(part.low.x, -INFINITY);
	part.low.y = nextafter(part.low.y, -INFINITY);
	part.high.x = nextafter(part.high.x, INFINITY);
	part.high.y = nextafter(part.high.y, INFINITY);
	parts->part = grow(parts->part, parts->n, sizeof(Part));
	parts->part[parts->n++] = part;
}

/* A line without its end, cut at the tabs; false where it has not so many fields. */
static bool
cut(char *line, char *fields[], int nfields)
{
	line[strcspn(line, "\r\n")] = '\0';
	for (int i = 0; i < nfields; i++)
	{
		if ((fields[i] = strsep(&line, "\t")) == NULL)
			return false;
	}
	return line == NULL;
}

/* Each line of a file: a code, and a polygon or multipolygon. */
Parts
read_parts(const char *path)
{
	Parts		parts = {0};
	FILE	   *file = fopen(path, "r");
	char	   *line = NULL;
	size_t		room = 0;

	if (file == NULL)
		fail("cannot read %s", path);
	while (getline(&line, &room, file) > 0)
	{
		char	   *fields[2];
		Wkb			wkb = {0};
		uint32_t	type;
		uint32_t	n = 1;

		if (!cut(line, fields, 2))
			fail("%s: a line is a code, a tab and a geometry", path);
		wkb.hex = fields[1];
		type = read_head(&wkb);
		parts.srid = wkb.srid;
		if (type == TYPE_MULTIPOLYGON)
			n = read_bytes(&wkb, 4);
		else if (type != TYPE_POLYGON)
			fail("%s: neither a polygon nor a multipolygon", path);
		for (uint32_t i = 0; i < n; i++)
		{
			if (type == TYPE_MULTIPOLYGON)
				read_head(&wkb);
			read_part(&wkb, strdup(fields[0]), &parts);
		}
	}
	free(line);
	fclose(file);
	return parts;
}

/* The next line, whose second field is a point; valid until the next call. False at the end. */
bool
read_point_line(FILE *file, char *fields[], int nfields, Point *point)
{
	static char *line = NULL;
	static size_t room = 0;
	Wkb			wkb = {0};

	if (getline(&line, &room, file) <= 0)
		return false;
	if (!cut(line, fields, nfields))
		fail("a line of points has not %d fields", nfields);
	wkb.hex = fields[1];
	if (read_head(&wkb) != TYPE_POINT)
		fail("the second field of line \"%s\" is not a point", fields[0]);
	*point = read_point(&wkb);
	return true;
}
