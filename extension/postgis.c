/*
 * postgis.c
 *	  How PostGIS lays a geometry out in memory: the one file that knows.
 *
 * A geometry is a varlena:
 *
 *	  uint32  length       varlena header
 *	  uint8   srid[3]      21 bits, signed, most significant byte first
 *	  uint8   flags        see below
 *	  uint64  extended     only in version 2, where the flag says so
 *	  float   box[]        min and max of each axis, where the flag says so
 *	  uint32  type
 *	  uint32  count        of points for a point: 0 (empty) or 1
 *	  double  x, y[, z][, m]
 *
 * After type and count, which is of rings, a polygon has
 *
 *	  uint32  npoints[count]
 *	  uint32  padding      where count is odd
 *	  double  x, y[, z][, m] of each point of each ring, the shell first
 *
 * and a multipolygon, whose count is of polygons, each polygon beginning with
 * its own type. All parts are multiples of 8 bytes long, so the coordinates of
 * a value that is aligned are aligned.
 *
 * Flags 0x01 (z), 0x02 (m), 0x04 (box), 0x08 (geodetic) are the same in both
 * versions; 0x40 marks version 2 (PostGIS 3), in which 0x10 announces the
 * extended flags. Columns written by PostGIS 2 are still version 1.
 */
#include "postgis.h"

#include "compat.h"
#include "fmgr.h"

#define FLAG_Z			0x01
#define FLAG_M			0x02
#define FLAG_BOX		0x04
#define FLAG_GEODETIC	0x08
#define FLAG_EXTENDED	0x10
#define FLAG_VERSION_2	0x40

#define HEADER_SIZE		8
#define EXTENDED_SIZE	8
#define POINT_TYPE		1
#define POLYGON_TYPE	3
#define MULTIPOLYGON_TYPE 6

static const char *const type_names[] = {
	"unknown", "ST_Point", "ST_LineString", "ST_Polygon", "ST_MultiPoint",
	"ST_MultiLineString", "ST_MultiPolygon", "ST_GeometryCollection",
	"ST_CircularString", "ST_CompoundCurve", "ST_CurvePolygon", "ST_MultiCurve",
	"ST_MultiSurface", "ST_PolyhedralSurface", "ST_Triangle", "ST_Tin"
};

const char *
geometry_type_name(uint32 type)
{
	return type_names[type < lengthof(type_names) ? type : 0];
}

/* Coordinates of a point. */
static int
axes_of(uint8 flags)
{
	return 2 + ((flags & FLAG_Z) != 0) + ((flags & FLAG_M) != 0);
}

/* Bytes before the type number. */
static Size
offset_of_type(uint8 flags)
{
	Size		offset = HEADER_SIZE;

	if ((flags & FLAG_VERSION_2) && (flags & FLAG_EXTENDED))
		offset += EXTENDED_SIZE;
	if (flags & FLAG_BOX)
		offset += 2 * sizeof(float) * ((flags & FLAG_GEODETIC) ? 3 : axes_of(flags));
	return offset;
}

/* The 21 bits of the SRID, with their sign. */
static int32
read_srid(const uint8 *bytes)
{
	uint32		srid = ((uint32) bytes[0] << 16) | ((uint32) bytes[1] << 8) | bytes[2];

	return (int32) (srid << 11) >> 11;
}

static void
check_inside(const struct varlena *value, Size offset, Size size)
{
	if (offset > VARSIZE(value) || size > VARSIZE(value) - offset)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("geometry of %zu bytes is cut short", (Size) VARSIZE(value))));
}

/* Copy size bytes at an offset that must lie inside the value. */
static void
read_at(void *to, const struct varlena *value, Size offset, Size size)
{
	check_inside(value, offset, size);
	memcpy(to, (const char *) value + offset, size);
}

GeometryHead
geometry_head(Datum geometry)
{
	struct varlena *value = PG_DETOAST_DATUM(geometry);
	GeometryHead head = {0};
	uint8		fixed[4];		/* srid and flags */
	uint32		numbers[2];		/* type and count */
	double		xy[2];
	Size		offset;

	read_at(fixed, value, VARHDRSZ, sizeof(fixed));
	head.srid = read_srid(fixed);
	offset = offset_of_type(fixed[3]);
	read_at(numbers, value, offset, sizeof(numbers));
	head.type = numbers[0];
	head.is_point = (head.type == POINT_TYPE);
	head.empty = head.is_point && numbers[1] == 0;
	if (head.is_point && !head.empty)
	{
		read_at(xy, value, offset + sizeof(numbers), sizeof(xy));
		head.x = xy[0];
		head.y = xy[1];
	}
	if ((Pointer) value != DatumGetPointer(geometry))
		pfree(value);
	return head;
}

bool
geometry_identical(Datum a, Datum b)
{
	struct varlena *left = PG_DETOAST_DATUM_PACKED(a);
	struct varlena *right = PG_DETOAST_DATUM_PACKED(b);

	return VARSIZE_ANY_EXHDR(left) == VARSIZE_ANY_EXHDR(right) &&
		memcmp(VARDATA_ANY(left), VARDATA_ANY(right), VARSIZE_ANY_EXHDR(left)) == 0;
}

/* What the walk over the rings of a geometry needs to know. */
typedef struct RingWalk
{
	const struct varlena *value;
	Size		offset;			/* of what comes next */
	int			axes;
	RingCallback callback;
	void	   *arg;
} RingWalk;

static uint32
next_number(RingWalk *walk)
{
	uint32		number;

	read_at(&number, walk->value, walk->offset, sizeof(number));
	walk->offset += sizeof(number);
	return number;
}

/* The rings of a polygon, whose type has been read. */
static void
walk_polygon(RingWalk *walk, int polygon)
{
	uint32		nrings = next_number(walk);
	Size		sizes = walk->offset;
	Size		point = walk->axes * sizeof(double);

	check_inside(walk->value, sizes, (Size) nrings * sizeof(uint32));
	walk->offset += (nrings + (Size) (nrings & 1)) * sizeof(uint32);
	for (uint32 ring = 0; ring < nrings; ring++)
	{
		uint32		n;

		read_at(&n, walk->value, sizes + ring * sizeof(uint32), sizeof(n));
		check_inside(walk->value, walk->offset, n * point);
		if (n > 0)
			walk->callback(walk->arg, polygon, (int) ring,
						   (const double *) ((const char *) walk->value + walk->offset), n, walk->axes);
		walk->offset += n * point;
	}
}

/* The value, where it is aligned as its doubles must be; else a copy. */
static struct varlena *
aligned(struct varlena *value)
{
	struct varlena *copy;

	if (PointerIsAligned(value, double))
		return value;
	copy = palloc(VARSIZE(value));
	memcpy(copy, value, VARSIZE(value));
	return copy;
}

/* A multipolygon's polygons, each of which says its type. */
static void
walk_multipolygon(RingWalk *walk)
{
	uint32		npolygons = next_number(walk);

	for (uint32 polygon = 0; polygon < npolygons; polygon++)
	{
		uint32		type = next_number(walk);

		if (type != POLYGON_TYPE)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("multipolygon has a part of type %s", geometry_type_name(type))));
		walk_polygon(walk, (int) polygon);
	}
}

bool
geometry_rings(Datum geometry, RingCallback callback, void *arg)
{
	struct varlena *value = aligned(PG_DETOAST_DATUM(geometry));
	RingWalk	walk = {.value = value, .callback = callback, .arg = arg};
	uint8		fixed[4];		/* srid and flags */
	uint32		type;

	read_at(fixed, value, VARHDRSZ, sizeof(fixed));
	walk.axes = axes_of(fixed[3]);
	walk.offset = offset_of_type(fixed[3]);
	type = next_number(&walk);
	if (type == POLYGON_TYPE)
		walk_polygon(&walk, 0);
	else if (type == MULTIPOLYGON_TYPE)
		walk_multipolygon(&walk);
	if ((Pointer) value != DatumGetPointer(geometry))
		pfree(value);
	return type == POLYGON_TYPE || type == MULTIPOLYGON_TYPE;
}
