/*
 * outline_boxes.c
 *	  Boxes found by the triangle they may meet; outline_border.h says what for.
 *
 * A tree that halves its items along the longer side keeps its depth however
 * they are spread, which a grid does not.  The halves are by number, so the
 * items below a node follow from its place and are not stored.
 */
#include "outline_border.h"

#include <math.h>

#include "orient.h"

#define LEAF_ITEMS	8
#define MAX_STACK	64

/* A node of the tree and the places in order that it holds. */
typedef struct Range
{
	uint32_t	node;
	uint32_t	begin;
	uint32_t	end;
} Range;

static inline uint32_t
halfway(uint32_t begin, uint32_t end)
{
	return begin + (end - begin) / 2;
}

static void
enlarge(Box *box, const Box *by)
{
	box->min_x = lesser(box->min_x, by->min_x);
	box->min_y = lesser(box->min_y, by->min_y);
	box->max_x = greater(box->max_x, by->max_x);
	box->max_y = greater(box->max_y, by->max_y);
}

/* Twice the middle of a box, along x or y. */
static inline double
middle_of(const BoxTree *tree, int64_t place, bool along_y)
{
	const Box  *box = &tree->items[tree->order[place]];

	return along_y ? box->min_y + box->max_y : box->min_x + box->max_x;
}

/* Bring the places before middle to items that are no farther along than those from it on. */
static void
halve(BoxTree *tree, Range range, bool along_y, uint32_t *seed, const Host *host)
{
	int64_t		low = range.begin;
	int64_t		high = (int64_t) range.end - 1;
	int64_t		middle = halfway(range.begin, range.end);
	uint32_t	steps = 0;

	while (low < high)
	{
		double		pivot;
		int64_t		i = low;
		int64_t		j = high;

		*seed = *seed * 1664525 + 1013904223;
		pivot = middle_of(tree, low + (*seed >> 8) % (high - low + 1), along_y);
		while (i <= j)
		{
			for (; middle_of(tree, i, along_y) < pivot; i++)
				outline_pause_at(host, ++steps);
			for (; middle_of(tree, j, along_y) > pivot; j--)
				outline_pause_at(host, ++steps);
			if (i <= j)
			{
				uint32_t	item = tree->order[i];

				tree->order[i++] = tree->order[j];
				tree->order[j--] = item;
			}
			outline_pause_at(host, ++steps);
		}
		if (middle <= j)
			high = j;
		else if (middle >= i)
			low = i;
		else
			return;
	}
}

static void
set_box(BoxTree *tree, Range range, const Host *host)
{
	Box			box = {INFINITY, INFINITY, -INFINITY, -INFINITY};

	for (uint32_t i = range.begin; i < range.end; i++)
	{
		enlarge(&box, &tree->items[tree->order[i]]);
		outline_pause_at(host, i);
	}
	tree->boxes[range.node] = box;
	tree->alive[range.node] = range.end - range.begin;
}

static void
build_nodes(BoxTree *tree, const Host *host)
{
	Range		stack[MAX_STACK];
	int			n = 0;
	uint32_t	seed = 1;

	stack[n++] = (Range) {1, 0, (uint32_t) tree->n};
	while (n > 0)
	{
		Range		range = stack[--n];
		uint32_t	middle = halfway(range.begin, range.end);
		const Box  *box = &tree->boxes[range.node];

		set_box(tree, range, host);
		if (range.node % 64 == 0)
			host->pause();
		if (range.node >= tree->leaves)
			continue;
		halve(tree, range, box->max_y - box->min_y > box->max_x - box->min_x, &seed, host);
		stack[n++] = (Range) {2 * range.node, range.begin, middle};
		stack[n++] = (Range) {2 * range.node + 1, middle, range.end};
	}
}

void
boxes_build(BoxTree *tree, Box *items, size_t n, const Host *host)
{
	*tree = (BoxTree) {.items = items, .n = n, .leaves = 1};
	while (n / tree->leaves > LEAF_ITEMS)
		tree->leaves *= 2;
	tree->order = host_array(host, uint32_t, n);
	tree->place = host_array(host, uint32_t, n);
	tree->boxes = host_array(host, Box, (size_t) tree->leaves * 2);
	tree->alive = host_array(host, uint32_t, (size_t) tree->leaves * 2);
	for (uint32_t i = 0; i < n; i++)
	{
		outline_pause_at(host, i);
		tree->order[i] = i;
	}
	build_nodes(tree, host);
	for (uint32_t i = 0; i < n; i++)
	{
		outline_pause_at(host, i);
		tree->place[tree->order[i]] = i;
	}
}

void
boxes_release(BoxTree *tree, const Host *host)
{
	host->release(tree->order);
	host->release(tree->place);
	host->release(tree->boxes);
	host->release(tree->alive);
}

/* From a node to the son that holds a place. */
static void
descend(Range *range, uint32_t place)
{
	uint32_t	middle = halfway(range->begin, range->end);

	range->node *= 2;
	if (place < middle)
		range->end = middle;
	else
	{
		range->node++;
		range->begin = middle;
	}
}

void
boxes_remove(BoxTree *tree, uint32_t item)
{
	Range		range = {1, 0, (uint32_t) tree->n};

	while (range.node < tree->leaves)
	{
		tree->alive[range.node]--;
		descend(&range, tree->place[item]);
	}
	tree->alive[range.node]--;
}

void
boxes_update(BoxTree *tree, uint32_t item)
{
	Range		range = {1, 0, (uint32_t) tree->n};

	while (range.node < tree->leaves)
	{
		enlarge(&tree->boxes[range.node], &tree->items[item]);
		descend(&range, tree->place[item]);
	}
	enlarge(&tree->boxes[range.node], &tree->items[item]);
}

/* Is the whole box to the right of the line from p to q? */
static bool
is_right_of(const Box *box, MeshPoint p, MeshPoint q)
{
	double		x = q.y > p.y ? box->min_x : box->max_x;
	double		y = q.x > p.x ? box->max_y : box->min_y;

	return orient(p.x, p.y, q.x, q.y, x, y) < 0;
}

/* May the box meet a triangle that runs counterclockwise or has no area? */
static bool
may_meet(const Box *box, const MeshPoint corner[3], const Box *around)
{
	if (box->max_x < around->min_x || box->min_x > around->max_x ||
		box->max_y < around->min_y || box->min_y > around->max_y)
		return false;
	for (int i = 0; i < 3; i++)
		if (is_right_of(box, corner[i], corner[(i + 1) % 3]))
			return false;
	return true;
}

bool
boxes_search(const BoxTree *tree, const MeshPoint given[3], BoxVisit visit, void *arg)
{
	Range		stack[MAX_STACK];
	int			n = 0;
	MeshPoint	corner[3] = {given[0], given[1], given[2]};
	Box			around = {corner[0].x, corner[0].y, corner[0].x, corner[0].y};

	if (orient(corner[0].x, corner[0].y, corner[1].x, corner[1].y, corner[2].x, corner[2].y) < 0)
	{
		corner[1] = given[2];
		corner[2] = given[1];
	}
	for (int i = 1; i < 3; i++)
		enlarge(&around, &(Box) {corner[i].x, corner[i].y, corner[i].x, corner[i].y});
	stack[n++] = (Range) {1, 0, (uint32_t) tree->n};
	while (n > 0)
	{
		Range		range = stack[--n];
		uint32_t	middle = halfway(range.begin, range.end);

		if (tree->alive[range.node] == 0 || !may_meet(&tree->boxes[range.node], corner, &around))
			continue;
		if (range.node < tree->leaves)
		{
			stack[n++] = (Range) {2 * range.node, range.begin, middle};
			stack[n++] = (Range) {2 * range.node + 1, middle, range.end};
			continue;
		}
		for (uint32_t i = range.begin; i < range.end; i++)
			if (may_meet(&tree->items[tree->order[i]], corner, &around) && visit(arg, tree->order[i]))
				return true;
	}
	return false;
}

/* The square of the distance of a point from a box. */
static double
distance_square(const Box *box, MeshPoint p)
{
	double		dx = greater(greater(box->min_x - p.x, p.x - box->max_x), 0);
	double		dy = greater(greater(box->min_y - p.y, p.y - box->max_y), 0);

	return dx * dx + dy * dy;
}

double
boxes_nearest(const BoxTree *tree, MeshPoint p)
{
	Range		stack[MAX_STACK];
	int			n = 0;
	double		least = INFINITY;

	stack[n++] = (Range) {1, 0, (uint32_t) tree->n};
	while (n > 0)
	{
		Range		range = stack[--n];
		uint32_t	middle = halfway(range.begin, range.end);
		bool		upper_first;

		if (range.begin == range.end || distance_square(&tree->boxes[range.node], p) >= least)
			continue;
		for (uint32_t i = range.begin; range.node >= tree->leaves && i < range.end; i++)
		{
			double		x = middle_of(tree, i, false) / 2;
			double		y = middle_of(tree, i, true) / 2;

			least = lesser(least, (x - p.x) * (x - p.x) + (y - p.y) * (y - p.y));
		}
		if (range.node >= tree->leaves)
			continue;
		upper_first = distance_square(&tree->boxes[2 * range.node + 1], p) <
			distance_square(&tree->boxes[2 * range.node], p);
		/* The nearer one is looked into first, so it goes on the stack last. */
		for (int i = 0; i < 2; i++)
			stack[n++] = (i == 0) == upper_first ?
				(Range) {2 * range.node, range.begin, middle} :
				(Range) {2 * range.node + 1, middle, range.end};
	}
	return least;
}
