/*
 * coverage_answer.c
 *	  The rule: which part, of the rings that a point has met.
 *
 * Pure.
 */
#include "coverage_image.h"

#include <stdlib.h>

/* Few members are sorted where they stand. */
#define INSERTION_SORT_MOST 24

static int
compare_members(const void *a, const void *b)
{
	uint32_t	left = ((const CoverageMember *) a)->ring;
	uint32_t	right = ((const CoverageMember *) b)->ring;

	return (left > right) - (left < right);
}

static void
sort_members(CoverageMember *members, size_t n)
{
	if (n > INSERTION_SORT_MOST)
	{
		qsort(members, n, sizeof(CoverageMember), compare_members);
		return;
	}
	for (size_t i = 1; i < n; i++)
	{
		CoverageMember member = members[i];
		size_t		j = i;

		for (; j > 0 && members[j - 1].ring > member.ring; j--)
			members[j] = members[j - 1];
		members[j] = member;
	}
}

/* Sort by ring and add up what belongs to one; returns how many are left. */
static size_t
merge_members(CoverageMember *members, size_t n)
{
	size_t		merged = 0;

	sort_members(members, n);
	for (size_t i = 1; i < n; i++)
	{
		if (members[i].ring == members[merged].ring)
		{
			members[merged].winding += members[i].winding;
			members[merged].on |= members[i].on;
		}
		else
			members[++merged] = members[i];
	}
	return n > 0 ? merged + 1 : 0;
}

/* Is the point inside of a hole of the part, and not on its edge? */
static bool
in_hole(const CoverageMember *holes, size_t n, uint32_t parts, const uint32_t *hole_parts, uint32_t part)
{
	for (size_t i = 0; i < n; i++)
		if (hole_parts[holes[i].ring - parts] == part && holes[i].winding != 0 && !holes[i].on)
			return true;
	return false;
}

uint32_t
coverage_answer_of(uint32_t parts, const uint32_t *hole_parts, CoverageMember *members, size_t n)
{
	size_t		shells = n = merge_members(members, n);

	while (shells > 0 && members[shells - 1].ring >= parts)
		shells--;
	for (size_t i = 0; i < shells; i++)
		if ((members[i].winding != 0 || members[i].on) &&
			!in_hole(members + shells, n - shells, parts, hole_parts, members[i].ring))
			return members[i].ring + 1;
	return 0;
}

uint32_t
coverage_answer(const Coverage *image, CoverageMember *members, size_t n)
{
	return coverage_answer_of(image->parts, COVERAGE_ARRAY(image, hole_parts, uint32_t), members, n);
}
