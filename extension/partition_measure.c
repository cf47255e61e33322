/*
 * partition_measure.c
 *	  How good parts and partitions are.
 */
#include "partition_state.h"

#include <math.h>

#define PI	3.14159265358979323846

int64_t
add_capped(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* How far a number is from a window. */
static int64_t
miss(int64_t number, int64_t min, int64_t max)
{
	return number < min ? min - number : number > max ? number - max : 0;
}

int64_t
partition_violation(const PartitionBounds *bounds, const int64_t sum[PARTITION_WEIGHTS])
{
	int64_t		violation = 0;

	for (int w = 0; w < PARTITION_WEIGHTS; w++)
		violation = add_capped(violation, miss(sum[w], bounds->min[w], bounds->max[w]));
	return violation;
}

/* What one of k parts may violate by, so that the sum stays in range. */
int64_t
part_cap(int k)
{
	return SAFE_VIOLATION / (k > 0 ? k : 1);
}

int64_t
part_violation(const PartitionBounds *bounds, const int64_t sum[PARTITION_WEIGHTS], int64_t cap)
{
	int64_t		violation = partition_violation(bounds, sum);

	return violation < cap ? violation : cap;
}

int
compare_scores(const PartScore *a, const PartScore *b)
{
	if (a->violation != b->violation)
		return a->violation < b->violation ? -1 : 1;
	if (a->violating != b->violating)
		return a->violating < b->violating ? -1 : 1;
	if (a->moved != b->moved)
		return a->moved < b->moved ? -1 : 1;
	return (a->shape > b->shape) - (a->shape < b->shape);
}

bool
violates_less(const PartScore *a, const PartScore *b)
{
	return a->violation < b->violation || (a->violation == b->violation && a->violating < b->violating);
}

/* Of sums about any origin; a part without area costs what a disc does. */
double
part_shape(double area, double x, double y, double square, double border, double inside)
{
	double		moment;

	if (!(area > 0))
		return 2;
	moment = square - (x * x + y * y) / area;
	return 2 * PI * (moment > 0 ? moment : 0) / (area * area) + border * border / (4 * PI * area)
		+ BARRIER_INSIDE * inside / sqrt(4 * PI * area);
}

/* What vertex v adds to the border of its part, and to the barriers inside it, which are met from both ends. */
static double
border_of(const PartitionGraph *graph, const int *part, int v, double *inside)
{
	double		border = graph->vertices[v].border;

	for (size_t i = graph->first[v]; i < graph->first[v + 1]; i++)
	{
		const PartitionEdge *e = &graph->edges[i];

		if (part[e->to] != part[v])
			border += cut_length(e);
		else if (e->to > v)
			*inside += e->barrier;
	}
	return border;
}

/* The sums are taken part by part in the order of the vertices, without memory of its own. */
double
partition_shape(const PartitionGraph *graph, const int *part, int parts)
{
	double		shape = 0;

	for (int p = 0; p < parts; p++)
	{
		double		area = 0;
		double		x = 0;
		double		y = 0;
		double		square = 0;
		double		border = 0;
		double		inside = 0;
		const PartitionVertex *origin = NULL;

		for (int v = 0; v < graph->n; v++)
		{
			const PartitionVertex *at = &graph->vertices[v];
			double		dx;
			double		dy;

			if (part[v] != p)
				continue;
			if (origin == NULL)
				origin = at;
			dx = at->x - origin->x;
			dy = at->y - origin->y;
			area += at->area;
			x += at->area * dx;
			y += at->area * dy;
			square += at->moment + at->area * (dx * dx + dy * dy);
			border += border_of(graph, part, v, &inside);
		}
		if (origin != NULL)
			shape += part_shape(area, x, y, square, border, inside);
	}
	return shape;
}
