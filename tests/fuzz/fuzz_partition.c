/*
 * fuzz_partition.c
 *	  Any bytes as a small weighted graph, windows and a partition there is: what
 *	  must hold of a partition that is built, and of one that is adjusted.
 */
#include <stdlib.h>
#include <string.h>

#include "partition.h"

#define MOST	24

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *rest;
static size_t rest_size;

static PartitionVertex vertices[MOST];
static size_t first[MOST + 1];
static PartitionEdge edges[MOST * MOST];
static PartitionGraph graph = {0, vertices, first, edges};
static PartitionBounds bounds;

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static int
next_byte(void)
{
	if (rest_size == 0)
		return 0;
	rest_size--;
	return *rest++;
}

static void *
resize(void *block, size_t bytes)
{
	void	   *new = realloc(block, bytes);

	require(new != NULL);
	return new;
}

static void
no_pause(void)
{
}

static const Host host = {resize, free, no_pause};

/* A weight: mostly small, now and then as large as there may be. */
static int64_t
next_weight(void)
{
	int			b = next_byte();

	if (b < 250)
		return b % 16;
	return b < 253 ? (int64_t) 1 << (b - 250) * 20 : ((int64_t) 1 << 57) - 1;
}

static void
next_window(int w)
{
	int			b = next_byte();

	bounds.min[w] = b % 4 == 0 ? 0 : b % 64;
	bounds.max[w] = b % 5 == 0 ? INT64_MAX : bounds.min[w] + next_byte() % 64;
	if (b == 255)
		bounds.min[w] = bounds.max[w] = INT64_MAX;
}

static void
read_graph(void)
{
	static bool linked[MOST][MOST];
	size_t		count = 0;

	memset(linked, 0, sizeof(linked));
	graph.n = 1 + next_byte() % MOST;
	for (int v = 0; v < graph.n; v++)
	{
		int			from = next_byte();
		int			more = next_byte();

		if (v > 0 && from < 240)
			linked[v][from % v] = linked[from % v][v] = true;
		if (v > 0 && more < 128)
			linked[v][more % v] = linked[more % v][v] = true;
		vertices[v] = (PartitionVertex) {.x = from, .y = more, .area = next_byte() % 4, .moment = 0.2, .border = 1};
		vertices[v].weight[0] = next_weight();
		vertices[v].weight[1] = next_weight();
	}
	for (int v = 0; v < graph.n; v++)
	{
		first[v] = count;
		for (int u = 0; u < graph.n; u++)
			if (linked[v][u])
				edges[count++] = (PartitionEdge) {u, (u + v) % 3, (u + v) % 3 == 2};
	}
	first[graph.n] = count;
	next_window(0);
	next_window(1);
}

/* How many connected pieces the parts have together. */
static int
count_pieces(const int *part)
{
	bool		seen[MOST] = {false};
	int			pieces = 0;

	for (int v = 0; v < graph.n; v++)
	{
		int			queue[MOST];
		int			n = 0;

		if (seen[v])
			continue;
		pieces++;
		seen[v] = true;
		queue[n++] = v;
		while (n > 0)
		{
			int			u = queue[--n];

			for (size_t i = first[u]; i < first[u + 1]; i++)
				if (part[edges[i].to] == part[u] && !seen[edges[i].to])
				{
					seen[edges[i].to] = true;
					queue[n++] = edges[i].to;
				}
		}
	}
	return pieces;
}

/* Numbers in range, each part connected, and the result as it is. */
static void
require_sound(const int *part, int most, const PartitionResult *result)
{
	int64_t		sum[3 * MOST][PARTITION_WEIGHTS] = {{0}};
	bool		there[3 * MOST] = {false};
	int			violating = 0;
	int			parts = 0;
	int64_t		violation = 0;

	for (int v = 0; v < graph.n; v++)
	{
		require(part[v] >= 0 && part[v] < most);
		there[part[v]] = true;
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			sum[part[v]][w] += vertices[v].weight[w];
	}
	for (int p = 0; p < most; p++)
		if (there[p])
		{
			int64_t		one = partition_violation(&bounds, sum[p]);

			parts++;
			violating += one > 0;
			violation = one > INT64_MAX - violation ? INT64_MAX : violation + one;
		}
	require(parts == result->parts && violating == result->violating && count_pieces(part) == parts);
	/* Violations beyond all measure are cut off. */
	require(violation == result->violation || violation > INT64_MAX / 64);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int			part[MOST];
	int			twin[MOST];
	int			current[MOST];
	int			wanted;
	PartitionResult built;
	PartitionResult adjusted;

	rest = data;
	rest_size = size;
	read_graph();
	wanted = next_byte() % (MOST + 2);
	partition_build(&graph, &bounds, wanted, &host, part, &built);
	require_sound(part, built.parts, &built);
	partition_build(&graph, &bounds, wanted, &host, twin, &built);
	require(memcmp(part, twin, sizeof(int) * (size_t) graph.n) == 0);
	for (int v = 0; v < graph.n; v++)
	{
		int			b = next_byte();

		current[v] = b < 128 ? part[v] : b % (MOST + 1) - 1;
	}
	wanted = next_byte() % (MOST + 2);
	partition_adjust(&graph, &bounds, wanted, current, MOST, &host, twin, &adjusted);
	require_sound(twin, 3 * MOST, &adjusted);
	return 0;
}
