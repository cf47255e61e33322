/*
 * shift.c
 *	  Displacements of points from their areas, and the one shift behind them.
 *
 * SEARCH
 *	  The score of a shift is the weight of the places that its taking back puts
 *	  into their areas.  Places that are in their areas now count as well: they
 *	  are what tells a shift that is too long.  Around the right shift the score
 *	  falls off over the width of an area, so it is looked for from seeds at
 *	  five lengths around the median displacement in sixteen directions, from no
 *	  shift and from the median vector, which is near the answer where areas are
 *	  small; the best seeds are refined on ever finer lattices.  The score is
 *	  flat where no place changes sides: the middle of the best is taken.
 *	  The work is bounded: some 1,300 scores, each of which looks at all places.
 */
#include "shift.h"

#include <math.h>
#include <stdlib.h>

#define DIRECTIONS		16
#define LENGTHS			5
#define SEEDS			(2 + DIRECTIONS * LENGTHS)
#define REFINED_SEEDS	4
#define ROUNDS			12
#define LATTICE			2		/* steps to either side */

/* Shorter than this part of the median, two shifts are one. */
#define SAME_SHIFT		1e-3

typedef struct Candidate
{
	double		dx;
	double		dy;
	double		score;
} Candidate;

/* What every step of a search looks at. */
typedef struct Search
{
	const ShiftMap *map;
	const ShiftPlace *places;
	size_t		n;
	ShiftPause	pause;
} Search;

static bool
part_covers(const ShiftMap *map, const ShiftPart *part, double x, double y)
{
	bool		inside = false;

	if (x < part->min_x || x > part->max_x || y < part->min_y || y > part->max_y)
		return false;
	for (size_t i = part->first; i < part->end; i++)
	{
		const ShiftEdge *e = &map->edges[i];

		if ((e->y1 > y) != (e->y2 > y) && x < (e->x2 - e->x1) * (y - e->y1) / (e->y2 - e->y1) + e->x1)
			inside = !inside;
	}
	return inside;
}

bool
shift_covers(const ShiftMap *map, size_t first_part, size_t end_part, double x, double y)
{
	for (size_t i = first_part; i < end_part; i++)
		if (part_covers(map, &map->parts[i], x, y))
			return true;
	return false;
}

/* From the nearest point of an edge to the place, in lengths. */
static void
edge_displacement(const ShiftEdge *e, const ShiftPlace *p, double *dx, double *dy)
{
	double		ax = (p->x - e->x1) * p->scale_x;
	double		ay = (p->y - e->y1) * p->scale_y;
	double		bx = (e->x2 - e->x1) * p->scale_x;
	double		by = (e->y2 - e->y1) * p->scale_y;
	double		square = bx * bx + by * by;
	double		along = square > 0 ? (ax * bx + ay * by) / square : 0;

	along = along < 0 ? 0 : along > 1 ? 1 : along;
	*dx = ax - along * bx;
	*dy = ay - along * by;
}

static void
measure_place(const ShiftMap *map, ShiftPlace *p)
{
	double		least = INFINITY;

	p->dx = p->dy = 0;
	if (shift_covers(map, p->first_part, p->end_part, p->x, p->y))
		return;
	for (size_t part = p->first_part; part < p->end_part; part++)
		for (size_t i = map->parts[part].first; i < map->parts[part].end; i++)
		{
			double		dx;
			double		dy;

			edge_displacement(&map->edges[i], p, &dx, &dy);
			if (dx * dx + dy * dy < least)
			{
				least = dx * dx + dy * dy;
				p->dx = dx;
				p->dy = dy;
			}
		}
}

static int
compare_doubles(const void *a, const void *b)
{
	double		left = *(const double *) a;
	double		right = *(const double *) b;

	return (left > right) - (left < right);
}

/* Median of numbers, which are sorted by it; 0 of none. */
static double
median(double *numbers, size_t n)
{
	if (n == 0)
		return 0;
	qsort(numbers, n, sizeof(double), compare_doubles);
	return n % 2 ? numbers[n / 2] : numbers[n / 2 - 1] / 2 + numbers[n / 2] / 2;
}

double
shift_direction(double dx, double dy)
{
	double		degrees = atan2(dx, dy) * (180 / M_PI);

	if (degrees < 0)
		degrees += 360;
	return degrees >= 360 ? 0 : degrees;
}

ShiftDisplacement
shift_measure(const ShiftMap *map, ShiftPlace *places, size_t n, double *lengths, ShiftPause pause)
{
	ShiftDisplacement result = {0};
	double		sum_x = 0;
	double		sum_y = 0;

	for (size_t i = 0; i < n; i++)
	{
		double		length;

		pause();
		measure_place(map, &places[i]);
		length = hypot(places[i].dx, places[i].dy);
		if (length > 0)
		{
			lengths[result.displaced++] = length;
			sum_x += places[i].dx / length;
			sum_y += places[i].dy / length;
		}
	}
	result.distance = median(lengths, result.displaced);
	result.direction = shift_direction(sum_x, sum_y);
	if (result.displaced > 0)
		result.agreement = hypot(sum_x, sum_y) / result.displaced;
	return result;
}

/* Weight of the places in their areas when a shift is taken back. */
static double
score(const Search *s, double dx, double dy)
{
	double		sum = 0;

	s->pause();
	for (size_t i = 0; i < s->n; i++)
	{
		const ShiftPlace *p = &s->places[i];

		if (shift_covers(s->map, p->first_part, p->end_part, p->x - dx / p->scale_x, p->y - dy / p->scale_y))
			sum += p->weight;
	}
	return sum;
}

static Candidate
scored(const Search *s, double dx, double dy)
{
	return (Candidate) {dx, dy, score(s, dx, dy)};
}

/* The better first; of equals the shorter, then any fixed order. */
static int
compare_candidates(const void *a, const void *b)
{
	const Candidate *l = a;
	const Candidate *r = b;
	double		left = hypot(l->dx, l->dy);
	double		right = hypot(r->dx, r->dy);

	if (l->score != r->score)
		return l->score > r->score ? -1 : 1;
	if (left != right)
		return left < right ? -1 : 1;
	return l->dx != r->dx ? (l->dx > r->dx) - (l->dx < r->dx) : (l->dy > r->dy) - (l->dy < r->dy);
}

/* The medians of dx and of dy over the displaced places. */
static Candidate
median_vector(const Search *s, double *lengths)
{
	double		dx;
	double		dy;
	size_t		n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->places[i].dx != 0 || s->places[i].dy != 0)
			lengths[n++] = s->places[i].dx;
	dx = median(lengths, n);
	n = 0;
	for (size_t i = 0; i < s->n; i++)
		if (s->places[i].dx != 0 || s->places[i].dy != 0)
			lengths[n++] = s->places[i].dy;
	dy = median(lengths, n);
	return scored(s, dx, dy);
}

/* Seeds, the best first. */
static void
make_seeds(const Search *s, double distance, double *lengths, Candidate seeds[SEEDS])
{
	int			n = 0;

	seeds[n++] = scored(s, 0, 0);
	seeds[n++] = median_vector(s, lengths);
	for (int i = 0; i < LENGTHS; i++)
		for (int j = 0; j < DIRECTIONS; j++)
		{
			double		length = distance * ldexp(0.5, i);
			double		angle = j * (2 * M_PI / DIRECTIONS);

			seeds[n++] = scored(s, length * sin(angle), length * cos(angle));
		}
	qsort(seeds, SEEDS, sizeof(Candidate), compare_candidates);
}

/* The middle of the best points of a lattice around a candidate. */
static Candidate
best_around(const Search *s, Candidate centre, double step)
{
	Candidate	best = centre;
	Candidate	middle;
	double		sum_x = centre.dx;
	double		sum_y = centre.dy;
	int			n = 1;

	for (int i = -LATTICE; i <= LATTICE; i++)
		for (int j = -LATTICE; j <= LATTICE; j++)
		{
			Candidate	c;

			if (i == 0 && j == 0)
				continue;
			c = scored(s, centre.dx + i * step, centre.dy + j * step);
			if (c.score > best.score)
			{
				best = c;
				sum_x = sum_y = n = 0;
			}
			if (c.score == best.score)
			{
				sum_x += c.dx;
				sum_y += c.dy;
				n++;
			}
		}
	middle = scored(s, sum_x / n, sum_y / n);
	return middle.score >= best.score ? middle : best;
}

/* A lattice that does not find better is made finer. */
static Candidate
refine(const Search *s, Candidate seed, double distance)
{
	double		step = hypot(seed.dx, seed.dy) / 4;

	if (step < distance / 8)
		step = distance / 8;
	for (int i = 0; i < ROUNDS && step > distance * SAME_SHIFT; i++)
	{
		Candidate	next = best_around(s, seed, step);

		if (!(next.score > seed.score))
			step /= 2;
		seed = next;
	}
	return seed;
}

ShiftEstimate
shift_search(const ShiftMap *map, const ShiftPlace *places, size_t n, const ShiftDisplacement *displacement,
			 double *lengths, ShiftPause pause)
{
	Search		s = {map, places, n, pause};
	Candidate	seeds[SEEDS];
	Candidate	best = scored(&s, 0, 0);
	double		now = best.score;

	if (displacement->displaced == 0)
		return (ShiftEstimate) {0, 0, now, now};
	make_seeds(&s, displacement->distance, lengths, seeds);
	for (int i = 0; i < REFINED_SEEDS; i++)
	{
		Candidate	c = refine(&s, seeds[i], displacement->distance);

		if (c.score > best.score)
			best = c;
	}
	return (ShiftEstimate) {best.dx, best.dy, best.score, now};
}
