/*
 * build_barrier.c
 *	  Which edges of the mesh run along barriers.
 *
 * An edge does where both ends and its middle are near to barriers. The sides of
 * barriers are found by a raster of square cells.
 */
#include "build.h"

#include <math.h>

#include "miscadmin.h"

#define PAUSE_EVERY	4096

/* At most so many cells for each side of a barrier. */
#define CELLS		4

typedef struct Raster
{
	const BuildPlan *plan;
	MeshPoint	low;
	double		cell;			/* width of one */
	int			columns;
	int			rows;
	int		   *first;			/* of each cell, and one more */
	int		   *sides;			/* numbers of barriers, cell by cell */
} Raster;

static int
column_of(const Raster *raster, double x)
{
	return (int) Min(Max((x - raster->low.x) / raster->cell, 0), raster->columns - 1);
}

static int
row_of(const Raster *raster, double y)
{
	return (int) Min(Max((y - raster->low.y) / raster->cell, 0), raster->rows - 1);
}

/* Cells of about the size that makes as many as there are sides; the length of long sides counts. */
static void
lay_out(Raster *raster)
{
	const BuildPlan *plan = raster->plan;
	MeshPoint	high = plan->barriers[0].from;
	double		length = 0;
	double		width;

	raster->low = high;
	for (int i = 0; i < plan->nbarriers; i++)
	{
		const BuildBarrier *side = &plan->barriers[i];

		raster->low.x = Min(raster->low.x, Min(side->from.x, side->to.x));
		raster->low.y = Min(raster->low.y, Min(side->from.y, side->to.y));
		high.x = Max(high.x, Max(side->from.x, side->to.x));
		high.y = Max(high.y, Max(side->from.y, side->to.y));
		length += fabs(side->to.x - side->from.x) + fabs(side->to.y - side->from.y);
	}
	width = Max(high.x - raster->low.x, high.y - raster->low.y);
	raster->cell = Max(width / sqrt((double) plan->nbarriers * CELLS), length / ((double) plan->nbarriers * CELLS));
	raster->cell = Max(raster->cell, plan->barrier_reach);
	raster->columns = (int) ((high.x - raster->low.x) / raster->cell) + 1;
	raster->rows = (int) ((high.y - raster->low.y) / raster->cell) + 1;
}

/* Enter a piece of a side, no longer than a cell, in the cells of its box: count it, or put it. */
static void
enter_piece(Raster *raster, int i, MeshPoint from, MeshPoint to, bool put)
{
	double		reach = raster->plan->barrier_reach;
	int			left = column_of(raster, Min(from.x, to.x) - reach);
	int			right = column_of(raster, Max(from.x, to.x) + reach);
	int			bottom = row_of(raster, Min(from.y, to.y) - reach);
	int			top = row_of(raster, Max(from.y, to.y) + reach);

	for (int row = bottom; row <= top; row++)
		for (int column = left; column <= right; column++)
		{
			int		   *first = &raster->first[row * raster->columns + column];

			if (put)
				raster->sides[--first[1]] = i;
			else
				first[1]++;
		}
}

/* Enter every side piece by piece: there are no more pieces than sides and cells together. */
static void
enter_sides(Raster *raster, bool put)
{
	for (int i = 0; i < raster->plan->nbarriers; i++)
	{
		const BuildBarrier *side = &raster->plan->barriers[i];
		double		dx = side->to.x - side->from.x;
		double		dy = side->to.y - side->from.y;
		int			pieces = (int) (Max(fabs(dx), fabs(dy)) / raster->cell) + 1;

		if (i % PAUSE_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		for (int p = 0; p < pieces; p++)
		{
			double		begin = (double) p / pieces;
			double		end = (double) (p + 1) / pieces;

			enter_piece(raster, i, (MeshPoint) {side->from.x + begin * dx, side->from.y + begin * dy},
						(MeshPoint) {side->from.x + end * dx, side->from.y + end * dy}, put);
		}
	}
}

static void
make_raster(Raster *raster)
{
	int			cells;

	lay_out(raster);
	cells = raster->columns * raster->rows;
	raster->first = palloc_extended(host_bytes(cells + 2, sizeof(int)), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	enter_sides(raster, false);
	for (int i = 0; i < cells; i++)
		raster->first[i + 1] += raster->first[i];
	raster->sides = host_array(&build_host, int, raster->first[cells]);
	/* Now first[c + 1] is the end of cell c, and goes down to its beginning. */
	raster->first[cells + 1] = raster->first[cells];
	enter_sides(raster, true);
}

static bool
is_near(const Raster *raster, MeshPoint p)
{
	double		reach = raster->plan->barrier_reach;
	int			cell = row_of(raster, p.y) * raster->columns + column_of(raster, p.x);

	for (int i = raster->first[cell + 1]; i < raster->first[cell + 2]; i++)
	{
		const BuildBarrier *side = &raster->plan->barriers[raster->sides[i]];
		MeshPoint	near;

		if (build_square_to_side(side->from, side->to, p, &near) <= reach * reach)
			return true;
	}
	return false;
}

void
build_mark_barriers(BuildPlan *plan)
{
	Raster		raster = {.plan = plan};

	if (plan->nbarriers == 0)
		return;
	make_raster(&raster);
	for (int i = 0; i < plan->mesh.nedges; i++)
	{
		MeshEdge   *edge = &plan->mesh.edges[i];
		MeshPoint	a = plan->mesh.points[edge->from];
		MeshPoint	b = plan->mesh.points[edge->to];

		if (i % PAUSE_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		edge->barrier = edge->fixed && edge->twin >= 0 && is_near(&raster, a) && is_near(&raster, b) &&
			is_near(&raster, (MeshPoint) {(a.x + b.x) / 2, (a.y + b.y) / 2});
	}
}
