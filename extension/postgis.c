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
 * The box is xmin, xmax, ymin, ymax and so on.  From the type on, any geometry
 * is a type, a count and as many of its parts: points for a point, line,
 * triangle or circular string, geometries for a collection, rings for a
 * polygon, where the numbers of points come first, padded to 8 bytes, and then
 * the points of all rings.
 *
 * Flags 0x01 (z), 0x02 (m), 0x04 (box), 0x08 (geodetic) are the same in both
 * versions; 0x40 marks version 2 (PostGIS 3), in which 0x10 announces the
 * extended flags. Columns written by PostGIS 2 are still version 1.
 */
#include "postgis.h"

#include <math.h>

#include "compat.h"
#include "fmgr.h"
#include "miscadmin.h"

#define FLAG_Z			0x01
#define FLAG_M			0x02
#define FLAG_BOX		0x04
#define FLAG_GEODETIC	0x08
#define FLAG_EXTENDED	0x10
#define FLAG_VERSION_2	0x40

#define HEADER_SIZE		8
#define EXTENDED_SIZE	8
#define POINT_TYPE		1

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

/* Copy size bytes at an offset that must lie inside the value. */
static void
read_at(void *to, const struct varlena *value, Size offset, Size size)
{
	if (offset + size > VARSIZE(value))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("geometry of %zu bytes is cut short", (Size) VARSIZE(value))));
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

/* BOX OF A GEOMETRY */

/* Types whose parts are points or rings; those of all others are geometries. */
#define LINE_TYPE		2
#define POLYGON_TYPE	3
#define CIRCULAR_TYPE	8
#define TRIANGLE_TYPE	14

/* Where a walk over a geometry's coordinates has got to. */
typedef struct BoxWalk
{
	const struct varlena *value;
	Size		offset;
	int			axes;
	double	   *box;
} BoxWalk;

static uint32
walk_number(BoxWalk *walk)
{
	uint32		number;

	read_at(&number, walk->value, walk->offset, sizeof(number));
	walk->offset += sizeof(number);
	return number;
}

/* What cannot be told can be anywhere. */
static void
box_everywhere(double *box)
{
	box[0] = box[1] = -INFINITY;
	box[2] = box[3] = INFINITY;
}

static void
walk_points(BoxWalk *walk, uint32 count)
{
	double	   *box = walk->box;

	for (uint32 i = 0; i < count; i++)
	{
		double		xy[2];

		read_at(xy, walk->value, walk->offset, sizeof(xy));
		walk->offset += sizeof(double) * walk->axes;
		if (!isfinite(xy[0]) || !isfinite(xy[1]))
			box_everywhere(box);
		box[0] = fmin(box[0], xy[0]);
		box[1] = fmin(box[1], xy[1]);
		box[2] = fmax(box[2], xy[0]);
		box[3] = fmax(box[3], xy[1]);
	}
}

static void
walk_rings(BoxWalk *walk, uint32 count)
{
	BoxWalk		counts = *walk;

	walk->offset += sizeof(uint32) * ((Size) count + count % 2);
	for (uint32 i = 0; i < count; i++)
		walk_points(walk, walk_number(&counts));
}

static void
walk_geometry(BoxWalk *walk)
{
	uint32		type = walk_number(walk);
	uint32		count = walk_number(walk);

	check_stack_depth();
	switch (type)
	{
		case CIRCULAR_TYPE:		/* an arc leaves the box of its points */
			if (count > 0)
				box_everywhere(walk->box);
			/* FALLTHROUGH */
		case POINT_TYPE:
		case LINE_TYPE:
		case TRIANGLE_TYPE:
			walk_points(walk, count);
			break;
		case POLYGON_TYPE:
			walk_rings(walk, count);
			break;
		default:
			for (uint32 i = 0; i < count; i++)
				walk_geometry(walk);
			break;
	}
}

/* The box that is stored, for which the head of the value is enough. */
static bool
stored_box(Datum geometry, double box[4])
{
	struct varlena *head = PG_DETOAST_DATUM_SLICE(geometry, 0, HEADER_SIZE - VARHDRSZ +
												  EXTENDED_SIZE + 4 * sizeof(float));
	uint8		fixed[4];
	float		stored[4];
	Size		offset = HEADER_SIZE;
	bool		found;

	read_at(fixed, head, VARHDRSZ, sizeof(fixed));
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

bool
geometry_box(Datum geometry, double box[4])
{
	BoxWalk		walk = {.box = box};
	uint8		fixed[4];

	if (stored_box(geometry, box))
		return true;
	box[0] = box[1] = INFINITY;
	box[2] = box[3] = -INFINITY;
	walk.value = PG_DETOAST_DATUM(geometry);
	read_at(fixed, walk.value, VARHDRSZ, sizeof(fixed));
	walk.axes = 2 + ((fixed[3] & FLAG_Z) != 0) + ((fixed[3] & FLAG_M) != 0);
	walk.offset = offset_of_type(fixed[3]);
	walk_geometry(&walk);
	if ((Pointer) walk.value != DatumGetPointer(geometry))
		pfree(unconstify(struct varlena *, walk.value));
	return box[0] <= box[2];
}
