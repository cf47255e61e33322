/*
 * explain.c
 *	  Why another answer than the rule's was given: what PostGIS would have
 *	  answered by its determinant in doubles, and at which edge that has not the
 *	  sign it should have.
 *
 * A compiler may fuse either product into the subtraction, and does so by
 * default where the machine has the instruction, so there are three roundings.
 */
#include "oracle.h"

#include <math.h>
#include <string.h>

/* The first edge whose sign was wrong in the last evaluation. */
static struct
{
	long		count;
	Point		a;
	Point		b;
	int			is;
	int			should_be;
} wrong;

static int
judged(const Point *a, const Point *b, const Point *p, double determinant)
{
	int			is = (determinant > 0) - (determinant < 0);
	int			should_be = exact_side(a, b, p);

	if (is != should_be && wrong.count++ == 0)
	{
		wrong.a = *a;
		wrong.b = *b;
		wrong.is = is;
		wrong.should_be = should_be;
	}
	return is;
}

static int
plain_side(const Point *a, const Point *b, const Point *p)
{
	return judged(a, b, p, (b->x - a->x) * (p->y - a->y) - (p->x - a->x) * (b->y - a->y));
}

static int
fused_first(const Point *a, const Point *b, const Point *p)
{
	return judged(a, b, p, fma(b->x - a->x, p->y - a->y, -((p->x - a->x) * (b->y - a->y))));
}

static int
fused_second(const Point *a, const Point *b, const Point *p)
{
	return judged(a, b, p, fma(-(p->x - a->x), b->y - a->y, (b->x - a->x) * (p->y - a->y)));
}

static bool
same(const char *code, const char *field)
{
	return strcmp(code ? code : "\\N", field) == 0;
}

/* The word for why, in an evaluation that gives the answer; NULL where none does. */
static const char *
reason(const Parts *parts, const Point *p, const char *answer)
{
	static const Side sides[] = {exact_side, plain_side, fused_first, fused_second};
	static const Settles settles[] = {SETTLES_NOTHING, SETTLES_HOLE, SETTLES_ANY};

	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 3; j++)
		{
			wrong.count = 0;
			if (!same(locate(parts, p, sides[i], settles[j]), answer))
				continue;
			return i > 0 ? "sign" : j > 0 ? "hole" : "none";
		}
	return NULL;
}

/*
 * Lines of number, point and an answer.  Writes lines of number, the answer by
 * the rule, and why the other was given:
 *
 *	none	it is no other
 *	sign	the determinant in doubles has the wrong sign, as shown
 *	hole	PostGIS asks no further when a point is on one of the rings, which
 *			matters where the holes of a polygon overlap or leave its shell
 *	?		nothing known explains it
 */
void
explain_all(const Parts *parts, FILE *points)
{
	char	   *fields[3];
	Point		p;

	while (read_point_line(points, fields, 3, &p))
	{
		const char *code = locate(parts, &p, exact_side, SETTLES_NOTHING);
		const char *why = reason(parts, &p, fields[2]);

		printf("%s\t%s\t%s", fields[0], code ? code : "\\N", why ? why : "?");
		if (why && strcmp(why, "sign") == 0)
			printf("\t%.17g %.17g is %d of %.17g %.17g, %.17g %.17g and should be %d", p.x, p.y, wrong.is,
				   wrong.a.x, wrong.a.y, wrong.b.x, wrong.b.y, wrong.should_be);
		putchar('\n');
	}
}
