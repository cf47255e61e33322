/*
 * build_frame.c
 *	  Local coordinates, and back.
 *
 * An affine map, so straight lines stay straight.  For degrees it is the
 * equirectangular projection at the middle of the area.
 */
#include "build.h"

#include <math.h>

#include "miscadmin.h"
#include "postgis.h"
#include "utils/memutils.h"

/* Of the extent of the area the quantum is this fraction or a little more. */
#define LATTICE_BITS	40

/* And at least so many units in the last place of coordinates as given. */
#define SPARE_BITS		3

typedef struct GivenPoint
{
	MeshPoint	local;			/* hash key */
	MeshPoint	given;
} GivenPoint;

/* The lowest power of two that is not below a number above 0. */
static double
power_of_two(double number)
{
	int			exponent;

	(void) frexp(number, &exponent);
	return ldexp(1, exponent);
}

void
frame_init(BuildFrame *frame, const double box[4], bool geographic)
{
	HASHCTL		hash = {.keysize = sizeof(MeshPoint), .entrysize = sizeof(GivenPoint), .hcxt = CurrentMemoryContext};
	double		extent;
	double		far_x = Max(fabs(box[0]), fabs(box[2]));
	double		far_y = Max(fabs(box[1]), fabs(box[3]));
	double		last_place;

	frame->x0 = box[0] / 2 + box[2] / 2;
	frame->y0 = box[1] / 2 + box[3] / 2;
	frame->scale_x = frame->scale_y = 1;
	if (geographic)
	{
		frame->scale_x = Max(fabs(cos(frame->y0 * (M_PI / 180.0))), 1e-6) * METRES_PER_DEGREE;
		frame->scale_y = METRES_PER_DEGREE;
	}
	extent = Max((box[2] - box[0]) * frame->scale_x, (box[3] - box[1]) * frame->scale_y);
	last_place = Max(far_x * frame->scale_x, far_y * frame->scale_y) * ldexp(1, -52);
	frame->quantum = power_of_two(Max(ldexp(extent, -LATTICE_BITS), ldexp(last_place, SPARE_BITS)));
	frame->given = hash_create("places that were given", 1024, &hash, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* To the nearest point of the lattice, as ST_SnapToGrid does; never a negative zero. */
static double
to_lattice(double number, double quantum)
{
	return rint(number / quantum) * quantum + 0.0;
}

MeshPoint
frame_local(const BuildFrame *frame, double x, double y)
{
	MeshPoint	local;

	local.x = to_lattice((x - frame->x0) * frame->scale_x, frame->quantum);
	local.y = to_lattice((y - frame->y0) * frame->scale_y, frame->quantum);
	return local;
}

MeshPoint
frame_keep(BuildFrame *frame, double x, double y)
{
	MeshPoint	local = frame_local(frame, x, y);
	bool		found;
	GivenPoint *entry = hash_search(frame->given, &local, HASH_ENTER, &found);

	if (!found)
		entry->given = (MeshPoint) {x, y};
	return local;
}

MeshPoint
frame_given(const BuildFrame *frame, MeshPoint local)
{
	GivenPoint *entry = hash_search(frame->given, &local, HASH_FIND, NULL);

	if (entry)
		return entry->given;
	return (MeshPoint) {frame->x0 + local.x / frame->scale_x, frame->y0 + local.y / frame->scale_y};
}

/* --- rings --- */

typedef struct RingReader
{
	BuildRings *rings;
	BuildFrame *frame;
} RingReader;

static void
make_room(BuildRings *rings, int more)
{
	if (rings->nrings == rings->rings_room)
	{
		rings->rings_room = rings->rings_room * 2 + 1;
		rings->rings = build_host.resize(rings->rings, rings->rings_room * sizeof(BuildRing));
	}
	if (rings->npoints > rings->points_room - more)
	{
		if (more > PG_INT32_MAX / 4 - rings->npoints)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many vertices to draw grids")));
		rings->points_room = (rings->npoints + more) / 2 * 3 + 1;
		rings->points = build_host.resize(rings->points, rings->points_room * sizeof(MeshPoint));
	}
}

static void
take_ring(void *arg, int polygon, int ring, const double *xy, uint32 n, int stride)
{
	RingReader *reader = arg;
	BuildRings *rings = reader->rings;
	BuildRing  *r;

	if (n > PG_INT32_MAX / 4)
		n = PG_INT32_MAX / 4;		/* refused below */
	make_room(rings, (int) n);
	r = &rings->rings[rings->nrings++];
	*r = (BuildRing) {polygon, ring > 0, rings->npoints, 0};
	for (uint32 i = 0; i < n; i++)
	{
		MeshPoint	p;
		MeshPoint  *last = &rings->points[rings->npoints - 1];

		memcpy(&p, xy + (Size) i * stride, sizeof(p));
		if (reader->frame)
			p = frame_keep(reader->frame, p.x, p.y);
		if (r->n > 0 && last->x == p.x && last->y == p.y)
			continue;
		rings->points[rings->npoints++] = p;
		r->n++;
	}
}

void
build_read_rings(BuildRings *rings, Datum geometry, BuildFrame *frame)
{
	RingReader	reader = {rings, frame};

	(void) geometry_rings(geometry, take_ring, &reader);
}

/* Of a closed ring, whichever way it runs. */
double
build_ring_area(const BuildRings *rings, int ring)
{
	const BuildRing *r = &rings->rings[ring];
	const MeshPoint *p = rings->points + r->first;
	double		sum = 0;

	for (int i = 1; i + 1 < r->n; i++)
		sum += (p[i].x - p[0].x) * (p[i + 1].y - p[0].y) - (p[i + 1].x - p[0].x) * (p[i].y - p[0].y);
	return fabs(sum) / 2;
}

/* Is the point inside the polygon? On a ring it may be or not. */
bool
build_rings_contain(const BuildRings *rings, MeshPoint point)
{
	bool		inside = false;

	for (int r = 0; r < rings->nrings; r++)
	{
		const MeshPoint *p = rings->points + rings->rings[r].first;

		for (int i = 0; i + 1 < rings->rings[r].n; i++)
		{
			MeshPoint	a = p[i];
			MeshPoint	b = p[i + 1];

			if ((a.y > point.y) != (b.y > point.y) &&
				point.x < a.x + (b.x - a.x) * ((point.y - a.y) / (b.y - a.y)))
				inside = !inside;
		}
	}
	return inside;
}

/* The square of the distance from a point to a side, and where that is nearest. */
double
build_square_to_side(MeshPoint a, MeshPoint b, MeshPoint p, MeshPoint *near)
{
	double		dx = b.x - a.x;
	double		dy = b.y - a.y;
	double		square = dx * dx + dy * dy;
	double		where = square > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / square : 0;

	where = Min(Max(where, 0), 1);
	*near = (MeshPoint) {a.x + where * dx, a.y + where * dy};
	return (p.x - near->x) * (p.x - near->x) + (p.y - near->y) * (p.y - near->y);
}

double
build_square_to_rings(const BuildRings *rings, MeshPoint p, MeshPoint *near)
{
	double		best = INFINITY;

	CHECK_FOR_INTERRUPTS();
	for (int r = 0; r < rings->nrings; r++)
	{
		const MeshPoint *points = rings->points + rings->rings[r].first;

		for (int i = 0; i + 1 < rings->rings[r].n; i++)
		{
			MeshPoint	at;
			double		square = build_square_to_side(points[i], points[i + 1], p, &at);

			if (square >= best)
				continue;
			best = square;
			*near = at;
		}
	}
	return best;
}
