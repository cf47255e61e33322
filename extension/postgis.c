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
 * A polygon goes on after its count, of rings, with a uint32 number of points
 * for each ring, padded to 8 bytes, and the points of ring after ring; a
 * multipolygon, after its count, with that many polygons, each from its type on.
 *
 * Flags 0x01 (z), 0x02 (m), 0x04 (box), 0x08 (geodetic) are the same in both
 * versions; 0x40 marks version 2 (PostGIS 3), in which 0x10 announces the
 * extended flags. Columns written by PostGIS 2 are still version 1.
 *
 * A type modifier has, from the lowest bit: m and z, 6 bits of type, 21 bits of
 * SRID, signed; -1 where the column declares nothing.
 */
#include "postgis.h"

#include <math.h>

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
#define MULTIPOLYGON_TYPE	6

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

/* Bytes before the type number. */
static Size
offset_of_type(uint8 flags)
{
	Size		offset = HEADER_SIZE;
	int			axes = 2 + ((flags & FLAG_Z) != 0) + ((flags & FLAG_M) != 0);

	if ((flags & FLAG_VERSION_2) && (flags & FLAG_EXTENDED))
		offset += EXTENDED_SIZE;
	if (flags & FLAG_BOX)
		offset += 2 * sizeof(float) * ((flags & FLAG_GEODETIC) ? 3 : axes);
	return offset;
}

/* The 21 bits of the SRID, with their sign. */
static int32
read_srid(const uint8 *bytes)
{
	uint32		srid = ((uint32) bytes[0] << 16) | ((uint32) bytes[1] << 8) | bytes[2];

	return (int32) (srid << 11) >> 11;
}

int32
geometry_typmod_srid(int32 typmod)
{
	return typmod < 0 ? 0 : (int32) ((uint32) typmod << 3) >> 11;
}

/* Copy size bytes at an offset, counted from behind the length, that must lie inside the value. */
static inline void
read_at(void *to, const struct varlena *value, Size offset, Size size)
{
	if (offset + size > VARSIZE_ANY_EXHDR(value))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("geometry of %zu bytes is cut short", (Size) VARSIZE_ANY(value))));
	memcpy(to, VARDATA_ANY(value) + offset, size);
}

GeometryHead
geometry_head(Datum geometry)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(geometry);
	GeometryHead head = {0};
	uint8		fixed[4];		/* srid and flags */
	uint32		numbers[2];		/* type and count */
	double		xy[2];
	Size		offset;

	read_at(fixed, value, 0, sizeof(fixed));
	head.srid = read_srid(fixed);
	offset = offset_of_type(fixed[3]) - VARHDRSZ;
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

/* Where a walk over the rings of a geometry has come to. */
typedef struct RingWalk
{
	const struct varlena *value;
	Size		offset;
	int			stride;			/* doubles a point */
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

/* Walk one polygon, which begins with its type. */
static void
walk_polygon(RingWalk *walk, int polygon)
{
	uint32		type = next_number(walk);
	uint32		rings = next_number(walk);
	Size		counts = walk->offset;
	Size		size = VARSIZE_ANY_EXHDR(walk->value);
	bool		has_shell = false;

	if (type != POLYGON_TYPE || rings > size / sizeof(uint32))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("geometry has a polygon that cannot be read")));
	walk->offset += (rings + (rings & 1)) * sizeof(uint32);
	for (uint32 ring = 0; ring < rings; ring++)
	{
		Size		bytes;
		uint32		n;

		read_at(&n, walk->value, counts + ring * sizeof(n), sizeof(n));
		bytes = (Size) n * walk->stride * sizeof(double);
		if (walk->offset > size || bytes > size - walk->offset)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("geometry has a ring of %u points that is cut short", n)));
		has_shell |= ring == 0 && n > 0;
		if (has_shell && n > 0)
			walk->callback(walk->arg, polygon, (int) ring,
						   (const double *) (VARDATA_ANY(walk->value) + walk->offset), n, walk->stride);
		walk->offset += bytes;
	}
}

bool
geometry_rings(Datum geometry, RingCallback callback, void *arg)
{
	struct varlena *value = PG_DETOAST_DATUM(geometry);
	RingWalk	walk = {value, 0, 2, callback, arg};
	uint8		fixed[4];		/* srid and flags */
	uint32		type;

	read_at(fixed, value, 0, sizeof(fixed));
	walk.stride += ((fixed[3] & FLAG_Z) != 0) + ((fixed[3] & FLAG_M) != 0);
	walk.offset = offset_of_type(fixed[3]) - VARHDRSZ;
	read_at(&type, value, walk.offset, sizeof(type));
	if (type == POLYGON_TYPE)
		walk_polygon(&walk, 0);
	else if (type == MULTIPOLYGON_TYPE)
	{
		uint32		polygons;

		walk.offset += sizeof(type);
		polygons = next_number(&walk);
		for (uint32 i = 0; i < polygons; i++)
			walk_polygon(&walk, (int) i);
	}
	else
		return false;
	if ((Pointer) value != DatumGetPointer(geometry))
		pfree(value);
	return true;
}

/* The box that is stored, for which the head of the value is enough. */
static bool
stored_box(Datum geometry, double box[4])
{
	struct varlena *head = PG_DETOAST_DATUM_SLICE(geometry, 0, HEADER_SIZE - VARHDRSZ +
												  EXTENDED_SIZE + 4 * sizeof(float));
	uint8		fixed[4];		/* srid and flags */
	float		stored[4];		/* min and max of x, then of y */
	Size		offset = HEADER_SIZE - VARHDRSZ;
	bool		found;

	read_at(fixed, head, 0, sizeof(fixed));
	if ((fixed[3] & FLAG_VERSION_2) && (fixed[3] & FLAG_EXTENDED))
		offset += EXTENDED_SIZE;
	found = (fixed[3] & FLAG_BOX) && !(fixed[3] & FLAG_GEODETIC);
	if (found)
	{
		read_at(stored, head, offset, sizeof(stored));
		box[0] = stored[0];
		box[1] = stored[2];
		box[2] = stored[1];
		box[3] = stored[3];
	}
	pfree(head);
	return found;
}

static void
extend_box(void *arg, int polygon pg_attribute_unused(), int ring pg_attribute_unused(),
		   const double *xy, uint32 n, int stride)
{
	double	   *box = arg;

	for (uint32 i = 0; i < n; i++)
	{
		double		place[2];

		memcpy(place, xy + (Size) i * stride, sizeof(place));
		if (!isfinite(place[0]) || !isfinite(place[1]))
			place[0] = place[1] = INFINITY;
		box[0] = Min(box[0], place[0]);
		box[1] = Min(box[1], place[1]);
		box[2] = Max(box[2], place[0]);
		box[3] = Max(box[3], place[1]);
	}
}

bool
geometry_box(Datum geometry, double box[4])
{
	if (stored_box(geometry, box))
		return true;
	box[0] = box[1] = INFINITY;
	box[2] = box[3] = -INFINITY;
	if (geometry_rings(geometry, extend_box, box))
		return box[0] <= box[2];
	/* What is no polygon can be anywhere. */
	box[0] = box[1] = -INFINITY;
	box[2] = box[3] = INFINITY;
	return true;
}
