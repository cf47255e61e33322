/*
 * build_map.c
 *	  Which of many polygons a point is in, by a coverage image of them.
 *
 * An image tells areas apart by codes; here a polygon's number is written as a
 * code, so that the lowest number answers where several cover a point.
 */
#include "build.h"

#include "coverage.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define NUMBER_DIGITS	10

struct BuildMap
{
	CoverageBuilder *builder;
	Coverage   *image;
	void	   *scratch;
	gridcode	root;
};

static void *
host_alloc(void *arg pg_attribute_unused(), size_t size)
{
	return build_host.resize(NULL, size);
}

static void *
host_resize(void *arg pg_attribute_unused(), void *block, size_t size)
{
	return build_host.resize(block, size);
}

static void
host_free(void *arg pg_attribute_unused(), void *block)
{
	build_host.release(block);
}

static void
host_pause(void *arg pg_attribute_unused())
{
	CHECK_FOR_INTERRUPTS();
}

BuildMap *
build_map_begin(void)
{
	static const CoverageHost host = {host_alloc, host_resize, host_free, host_pause, NULL};
	BuildMap   *map = palloc0(sizeof(BuildMap));

	map->builder = coverage_begin(&host, MaxAllocHugeSize);
	(void) gridcode_parse("1", 1, &map->root);
	return map;
}

void
build_map_add(BuildMap *map, int number, const BuildRings *rings)
{
	for (int i = 0; i < rings->nrings; i++)
	{
		const BuildRing *ring = &rings->rings[i];

		if (!ring->hole)
			coverage_add_part(map->builder, gridcode_append(map->root, number, NUMBER_DIGITS));
		coverage_add_ring(map->builder, (const double *) (rings->points + ring->first), ring->n, 2);
	}
}

void
build_map_finish(BuildMap *map)
{
	size_t		bytes = coverage_build(map->builder);

	if (bytes == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("polygons are too large or too many to draw grids")));
	map->image = coverage_image(map->builder, build_host.resize(NULL, bytes));
	coverage_end(map->builder);
	map->scratch = build_host.resize(NULL, coverage_scratch_size(map->image));
}

int
build_map_locate(BuildMap *map, MeshPoint point)
{
	gridcode	code = coverage_locate(map->image, point.x, point.y, map->scratch);
	char		digits[GRIDCODE_MAX_DIGITS + 1];

	if (code == 0)
		return -1;
	gridcode_format(code, digits);
	return atoi(digits + 1);
}
