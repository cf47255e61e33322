/*
 * test_partition.c
 *	  Partitions of random and of special graphs: what must hold of every one, and
 *	  of small ones that nothing better exists, told by going through all.
 */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "partition.h"

#define MOST	3000
#define SMALL	10

static PartitionVertex vertices[MOST];
static size_t first[MOST + 1];
static PartitionEdge edges[MOST * 12];
static PartitionGraph graph = {0, vertices, first, edges};
static int	part[MOST];
static int	again[MOST];
static int	current[MOST];
static uint64_t seed = 20260301;
static long pauses;

static void *
resize(void *block, size_t bytes)
{
	void	   *new = realloc(block, bytes);

	if (new == NULL)
		abort();
	return new;
}

static void
pause_now(void)
{
	pauses++;
}

static const Host host = {resize, free, pause_now};

static int
draw(int n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int) ((seed >> 33) % (uint64_t) n);
}

/* ---- graphs ---- */

static bool linked[SMALL * 40][SMALL * 40];

/* Edges from the matrix; squares of side 1 about their centres. */
static void
build_linked(int n)
{
	size_t		count = 0;

	graph.n = n;
	for (int v = 0; v < n; v++)
	{
		first[v] = count;
		vertices[v].area = 1;
		vertices[v].moment = 1 / 6.0;
		vertices[v].border = 4;
		for (int u = 0; u < n; u++)
			if (u != v && (linked[v][u] || linked[u][v]))
			{
				edges[count++] = (PartitionEdge) {u, 1, draw(8) == 0 ? 1 : 0};
				vertices[v].border = vertices[v].border > 1 ? vertices[v].border - 1 : 0;
			}
	}
	first[n] = count;
	/* Both ends of an edge agree about the barrier. */
	for (int v = 0; v < n; v++)
		for (size_t i = first[v]; i < first[v + 1]; i++)
			for (size_t j = first[edges[i].to]; j < first[edges[i].to + 1]; j++)
				if (edges[j].to == v)
					edges[j].barrier = edges[i].barrier;
}

/* A lattice of squares, side by side, some of them missing. */
static void
build_lattice(int width, int height, int missing_of_100)
{
	static int	number[MOST];
	int			n = 0;
	size_t		count = 0;

	for (int i = 0; i < width * height; i++)
		number[i] = draw(100) < missing_of_100 ? -1 : n++;
	graph.n = n;
	for (int i = 0; i < width * height; i++)
	{
		static const int step[4][2] = {{0, -1}, {-1, 0}, {1, 0}, {0, 1}};
		PartitionVertex *v;

		if (number[i] < 0)
			continue;
		v = &vertices[number[i]];
		*v = (PartitionVertex) {.x = i % width, .y = i / width, .area = 1, .moment = 1 / 6.0};
		first[number[i]] = count;
		for (int d = 0; d < 4; d++)
		{
			int			x = i % width + step[d][0];
			int			y = i / width + step[d][1];

			if (x < 0 || y < 0 || x >= width || y >= height || number[y * width + x] < 0)
				v->border++;
			else
				edges[count++] = (PartitionEdge) {number[y * width + x], 1, 0};
		}
	}
	first[n] = count;
}

/* Connected, of n vertices at random places, with some edges more than a tree has. */
static void
build_random(int n, int more)
{
	memset(linked, 0, sizeof(linked));
	for (int v = 0; v < n; v++)
	{
		vertices[v].x = draw(100) / 10.0;
		vertices[v].y = draw(100) / 10.0;
		if (v > 0)
			linked[v][draw(v)] = true;
	}
	for (int i = 0; i < more; i++)
		linked[draw(n)][draw(n)] = true;
	build_linked(n);
}

static void
weigh(int least, int most, double second)
{
	for (int v = 0; v < graph.n; v++)
	{
		vertices[v].weight[0] = least + draw(most - least + 1);
		vertices[v].weight[1] = (int64_t) ((double) vertices[v].weight[0] * second) + (second > 0 ? draw(3) : 0);
	}
}

/* ---- what must hold ---- */

/* How many connected pieces the parts have together; every vertex of a part in 0 to most - 1. */
static int
count_pieces(const int *of, int most)
{
	static int	queue[MOST];
	static bool seen[MOST];
	int			pieces = 0;

	memset(seen, 0, sizeof(bool) * (size_t) graph.n);
	for (int v = 0; v < graph.n; v++)
	{
		int			n = 0;

		if (of[v] < 0 || of[v] >= most)
			return -1;
		if (seen[v])
			continue;
		pieces++;
		seen[v] = true;
		queue[n++] = v;
		while (n > 0)
		{
			int			u = queue[--n];

			for (size_t i = first[u]; i < first[u + 1]; i++)
				if (of[edges[i].to] == of[u] && !seen[edges[i].to])
				{
					seen[edges[i].to] = true;
					queue[n++] = edges[i].to;
				}
		}
	}
	return pieces;
}

static PartitionResult
measure(const PartitionBounds *bounds, const int *of, int most)
{
	static int64_t sum[2 * MOST][PARTITION_WEIGHTS];
	static bool there[2 * MOST];
	PartitionResult result = {0};

	memset(sum, 0, sizeof(sum[0]) * (size_t) most);
	memset(there, 0, sizeof(bool) * (size_t) most);
	for (int v = 0; v < graph.n; v++)
	{
		there[of[v]] = true;
		sum[of[v]][0] += vertices[v].weight[0];
		sum[of[v]][1] += vertices[v].weight[1];
	}
	for (int p = 0; p < most; p++)
		if (there[p])
		{
			result.parts++;
			result.violating += partition_violation(bounds, sum[p]) > 0;
			result.violation += partition_violation(bounds, sum[p]);
		}
	return result;
}

static bool
same_result(const PartitionResult *a, const PartitionResult *b)
{
	return a->parts == b->parts && a->violating == b->violating && a->violation == b->violation;
}

/* Connected parts, as many as said, and the result as it is. */
static bool
sound(const PartitionBounds *bounds, const int *of, int most, const PartitionResult *result)
{
	PartitionResult real;

	if (count_pieces(of, most) != result->parts)
		return false;
	real = measure(bounds, of, most);
	return same_result(&real, result);
}

/* Build twice: sound both times, and the same. */
static bool
build(const PartitionBounds *bounds, int parts, PartitionResult *result)
{
	PartitionResult twin;

	memset(part, -1, sizeof(part));
	partition_build(&graph, bounds, parts, &host, part, result);
	memset(again, -1, sizeof(again));
	partition_build(&graph, bounds, parts, &host, again, &twin);
	return same_result(result, &twin) && memcmp(part, again, sizeof(int) * (size_t) graph.n) == 0
		&& sound(bounds, part, result->parts, result);
}

/* ---- brute force ---- */

typedef struct Brute
{
	const PartitionBounds *bounds;
	int			k;
	int			label[SMALL];
	bool		by_moved;
	PartitionResult best;
	int64_t		moved;
} Brute;

static int64_t
weight_moved(const int *now, const int *then)
{
	int64_t		moved = 0;

	for (int v = 0; v < graph.n; v++)
		if (now[v] >= 0 && now[v] != then[v])
			moved += vertices[v].weight[0];
	return moved;
}

/* The least weight that moves where each set may have any current number. */
static int64_t
least_moved(const Brute *b, int set, int taken)
{
	int64_t		kept[SMALL] = {0};
	int64_t		all = 0;
	int64_t		least;

	if (set == b->k)
		return 0;
	for (int v = 0; v < graph.n; v++)
		if (b->label[v] == set && current[v] >= 0)
		{
			kept[current[v]] += vertices[v].weight[0];
			all += vertices[v].weight[0];
		}
	least = all + least_moved(b, set + 1, taken);
	for (int p = 0; p < SMALL; p++)
		if (kept[p] > 0 && !(taken >> p & 1))
		{
			int64_t		moved = all - kept[p] + least_moved(b, set + 1, taken | 1 << p);

			least = moved < least ? moved : least;
		}
	return least;
}

static void
brute_force(Brute *b, int v, int used)
{
	if (graph.n - v < b->k - used)
		return;
	if (v == graph.n)
	{
		PartitionResult found;

		if (count_pieces(b->label, b->k) != b->k)
			return;
		found = measure(b->bounds, b->label, b->k);
		if (b->best.parts == 0 || found.violation < b->best.violation
			|| (found.violation == b->best.violation && found.violating <= b->best.violating))
		{
			int64_t		moved = b->by_moved ? least_moved(b, 0, 0) : 0;
			bool		tie = b->best.parts > 0 && same_result(&found, &b->best);

			if (!tie || moved < b->moved)
				b->moved = moved;
			b->best = found;
		}
		return;
	}
	for (int p = 0; p <= used && p < b->k; p++)
	{
		b->label[v] = p;
		brute_force(b, v + 1, used + (p == used));
	}
}

static void
test_brute(void)
{
	int			right = 0;
	int			good = 0;
	int			cases = 0;

	for (int i = 0; i < 200; i++)
	{
		int			n = 2 + draw(i % 20 == 0 ? 9 : 7);
		Brute		b = {0};
		PartitionBounds bounds;
		PartitionResult result;

		build_random(n, draw(n + 2));
		weigh(draw(3) == 0 ? 0 : 1, 12, draw(3) == 0 ? 0 : 2);
		for (int v = 0; v < n; v++)
			if (draw(12) == 0)
				vertices[v].weight[0] = vertices[v].weight[1] = 0;
		vertices[0].weight[0]++;
		b.k = 1 + draw(n);
		for (int v = 0, weighty = 0; v < n; v++)
		{
			weighty += vertices[v].weight[0] > 0 || vertices[v].weight[1] > 0;
			if (v == n - 1 && b.k > weighty)
				b.k = weighty;
		}
		bounds = (PartitionBounds) {{4 + draw(8), draw(2) ? 0 : 10}, {12 + draw(8), draw(2) ? INT64_MAX : 30}};
		b.bounds = &bounds;
		brute_force(&b, 0, 0);
		cases++;
		good += build(&bounds, b.k, &result);
		right += same_result(&result, &b.best);
	}
	CHECK(good == cases, "%d of %d small graphs: sound and the same twice", good, cases);
	CHECK(right == cases, "%d of %d small graphs: no partition violates less, or in fewer parts", right, cases);
}

/* Where the number is free, no number allows for less violation. */
static void
test_any_number(void)
{
	PartitionBounds bounds = {{300, 1000}, {500, INT64_MAX}};
	PartitionResult result;
	int			least = 0;
	int			cases = 0;

	for (int i = 0; i < 60; i++)
	{
		int			n = 2 + draw(7);
		int64_t		best = INT64_MAX;
		PartitionBounds small = {{4 + draw(8), draw(2) ? 0 : 10}, {12 + draw(8), draw(2) ? INT64_MAX : 30}};

		build_random(n, draw(n + 2));
		weigh(1, 12, draw(3) == 0 ? 0 : 2);
		for (int k = 1; k <= n; k++)
		{
			Brute		b = {.bounds = &small, .k = k};

			brute_force(&b, 0, 0);
			best = b.best.violation < best ? b.best.violation : best;
		}
		cases++;
		least += build(&small, 0, &result) && result.violation == best;
	}
	CHECK(least == cases, "%d of %d small graphs: no number of parts violates less", least, cases);
	build_lattice(24, 1, 0);
	weigh(260, 260, 5);
	for (int v = 0; v < graph.n; v++)
		vertices[v].weight[1] = 1300;
	CHECK(build(&bounds, 0, &result) && result.violation == 240, "pairs of 520 are least: violation %d in %d",
		  (int) result.violation, result.parts);
}

/* ---- random ones ---- */

static void
test_random(void)
{
	int			good = 0;
	int			cases = 0;

	for (int i = 0; i < 16; i++)
	{
		int			n = 1 + draw(i % 8 == 0 ? 90 : 30);
		int			most = 20 + draw(150);
		PartitionBounds bounds = {{100, 300}, {200, 700}};
		PartitionResult result;

		build_random(n, draw(2 * n));
		if (draw(3) == 0)
			build_lattice(1 + n / 5, 5, 20);
		weigh(draw(2), most, 3);
		cases++;
		good += graph.n == 0 || build(&bounds, draw(2) ? 0 : 1 + draw(graph.n), &result);
	}
	CHECK(good == cases, "%d of %d random graphs: sound and the same twice", good, cases);
}

static void
test_numbers(void)
{
	static const int64_t none[2] = {0, 0};
	static const int64_t some[2] = {2050, 5400};
	PartitionBounds bounds = {{300, 1000}, {500, 2000}};
	PartitionBounds open = {{0, 0}, {INT64_MAX, INT64_MAX}};
	PartitionRange range = partition_range(&bounds, some);
	PartitionResult result;

	CHECK(range.low == 5 && range.high == 5, "5 parts of 410 and 1080: the only number");
	range = partition_range(&bounds, none);
	CHECK(range.low > range.high, "no parts of nothing");
	range = partition_range(&open, some);
	CHECK(range.low == 1 && range.high == INT64_MAX, "any number without bounds");
	CHECK(partition_violation(&bounds, some) == 1550 + 3400 && partition_violation(&bounds, none) == 1300, "violation adds up");
	build_lattice(20, 5, 0);
	weigh(20, 20, 0);
	for (int v = 0; v < graph.n; v++)
		vertices[v].weight[1] = 60;
	CHECK(build(&bounds, 0, &result) && result.parts == 5 && result.violation == 0, "2,000 households in %d parts of 300 to 500", result.parts);
	CHECK(build(&open, 0, &result) && result.parts == 1, "one part where nothing is bounded");
}

static void
test_special(void)
{
	PartitionBounds bounds = {{10, 0}, {20, INT64_MAX}};
	PartitionResult result;

	build_random(1, 0);
	weigh(15, 15, 1);
	CHECK(build(&bounds, 3, &result) && result.parts == 1 && result.violation == 0, "one vertex is one part");
	weigh(0, 0, 0);
	CHECK(build(&bounds, 0, &result) && result.parts == 1, "even if it weighs nothing");
	build_lattice(30, 1, 0);
	weigh(5, 5, 0);
	CHECK(build(&bounds, 10, &result) && result.parts == 10 && result.violation == 0, "a path in tens");
	CHECK(build(&bounds, 30, &result) && result.parts == 30 && result.violating == 30, "each vertex by itself");
	CHECK(build(&bounds, 99, &result) && result.parts == 30, "no more parts than vertices");
	memset(linked, 0, sizeof(linked));
	for (int v = 1; v < 12; v++)
		linked[0][v] = true;
	build_linked(12);
	weigh(2, 2, 0);
	CHECK(build(&bounds, 3, &result) && result.parts == 3 && result.violation == 16, "a star has one large part: %d", (int) result.violation);
	/* A U: two arms and a foot. */
	build_lattice(3, 12, 0);
	for (int v = 0; v < graph.n; v++)
		vertices[v].weight[0] = vertices[v].weight[1] = v % 3 != 1 || v >= 33 ? 2 : 0;
	CHECK(build(&bounds, 3, &result) && result.parts == 3 && result.violation == 0, "a U around what weighs nothing");
	vertices[4].weight[0] = 50;
	CHECK(build(&bounds, 4, &result) && result.violation == 30 && result.violating == 1, "one vertex too heavy: %d in %d", (int) result.violation, result.violating);
	CHECK(build(&bounds, 0, &result) && result.violation == 30, "and where the number is free: %d in %d", (int) result.violation, result.violating);
	build_lattice(14, 14, 40);
	weigh(1, 9, 0);
	CHECK(build(&bounds, 0, &result), "an archipelago: violation %d in %d of %d", (int) result.violation, result.violating, result.parts);
}

static void
test_components(void)
{
	PartitionBounds bounds = {{10, 0}, {20, INT64_MAX}};
	PartitionResult result;
	int			component[MOST];
	int			n = 0;

	memset(linked, 0, sizeof(linked));
	for (int v = 0; v + 1 < 30; v++)
		linked[v][v + 1] = v != 19;
	build_linked(30);
	weigh(3, 3, 0);
	CHECK(partition_components(&graph, &host, component) == 2 && component[19] == 0 && component[20] == 1, "two components");
	CHECK(build(&bounds, 6, &result) && result.parts == 6 && result.violation == 0, "of 60 and 30: four and two parts");
	for (int v = 0; v < 20; v++)
		n += part[v] < 4;
	CHECK(n == 20, "parts are numbered by component");
	CHECK(build(&bounds, 1, &result) && result.parts == 2, "no fewer parts than components");
}

/* Shape of squares: a block of four, and a row of four. */
static void
test_shape(void)
{
	static const int one[4] = {0};
	static const int two[4] = {0, 0, 1, 1};
	double		shape;

	build_lattice(2, 2, 0);
	shape = partition_shape(&graph, one, 1);
	CHECK(fabs(shape - (M_PI / 3 + 4 / M_PI)) < 1e-12, "a square: %.12f", shape);
	shape = partition_shape(&graph, two, 2);
	CHECK(fabs(shape - 2 * (2 * M_PI * (2.0 * 5 / 12) / 4 + 36 / (8 * M_PI))) < 1e-12, "two dominoes: %.12f", shape);
	for (size_t i = first[0]; i < first[1]; i++)
		if (edges[i].to == 2)
			edges[i].barrier = 1;
	for (size_t i = first[2]; i < first[3]; i++)
		if (edges[i].to == 0)
			edges[i].barrier = 1;
	CHECK(fabs(partition_shape(&graph, two, 2) - 2 * (2 * M_PI * (2.0 * 5 / 12) / 4 + 5.25 * 5.25 / (8 * M_PI))) < 1e-12,
		  "a border along a barrier counts a quarter");
	CHECK(partition_shape(&graph, one, 1) > M_PI / 3 + 4 / M_PI + 0.1, "and a barrier inside counts");
}

/* Larger ones: towers that can be cut, and many houses. */
static void
test_large(void)
{
	PartitionBounds bounds = {{300, 1000}, {500, 2000}};
	PartitionResult result;

	build_lattice(12, 12, 0);
	weigh(70, 130, 3.5);
	partition_build(&graph, &bounds, 0, &host, part, &result);
	CHECK(sound(&bounds, part, result.parts, &result) && result.violation == 0, "144 towers: violation %d in %d of %d", (int) result.violation,
		  result.violating, result.parts);
	build_lattice(40, 25, 0);
	weigh(1, 7, 3.5);
	pauses = 0;
	partition_build(&graph, &bounds, 10, &host, part, &result);
	CHECK(sound(&bounds, part, result.parts, &result) && result.violation == 0, "1,000 houses: violation %d", (int) result.violation);
	CHECK(pauses > 1000, "%ld pauses", pauses);
}

/* ---- adjusting ---- */

static void
test_adjust(void)
{
	PartitionBounds bounds = {{300, 1000}, {500, 2000}};
	PartitionResult result;
	PartitionResult after;
	int			moved = 0;

	build_lattice(12, 12, 0);
	weigh(70, 130, 3.5);
	partition_build(&graph, &bounds, 0, &host, current, &result);
	partition_adjust(&graph, &bounds, 0, current, result.parts, &host, part, &after);
	CHECK(same_result(&result, &after) && memcmp(current, part, sizeof(int) * (size_t) graph.n) == 0, "what is in bounds stays");
	vertices[60].weight[0] += 150;
	vertices[60].weight[1] += 525;
	partition_adjust(&graph, &bounds, 0, current, result.parts, &host, part, &after);
	for (int v = 0; v < graph.n; v++)
		moved += part[v] != current[v];
	CHECK(sound(&bounds, part, 2 * MOST, &after) && after.violation == 0 && moved <= 6, "one tower more: %d buildings move", moved);
	current[5] = -1;
	current[77] = -1;
	partition_adjust(&graph, &bounds, result.parts + 1, current, result.parts, &host, part, &after);
	CHECK(sound(&bounds, part, 2 * MOST, &after) && after.parts == result.parts + 1, "one part more: violation %d", (int) after.violation);
	partition_adjust(&graph, &bounds, result.parts - 1, current, result.parts, &host, part, &after);
	CHECK(sound(&bounds, part, 2 * MOST, &after) && after.parts == result.parts - 1, "one part fewer: violation %d", (int) after.violation);
	for (int v = 0; v < graph.n; v++)
		current[v] = -1;
	partition_adjust(&graph, &bounds, 0, current, 0, &host, part, &after);
	CHECK(sound(&bounds, part, 2 * MOST, &after), "no parts so far: violation %d in %d", (int) after.violation, after.parts);
}

static void
test_adjust_brute(void)
{
	int			good = 0;
	int			best = 0;
	int			least = 0;
	int			cases = 0;

	for (int i = 0; i < 80; i++)
	{
		int			n = 3 + draw(6);
		Brute		b = {.by_moved = true};
		PartitionBounds bounds = {{4 + draw(8), 0}, {12 + draw(8), INT64_MAX}};
		PartitionResult result;

		build_random(n, draw(n + 2));
		weigh(1, 12, 0);
		b.bounds = &bounds;
		b.k = 1 + draw(n);
		for (int v = 0; v < n; v++)
			current[v] = draw(b.k + 1) - 1;
		brute_force(&b, 0, 0);
		partition_adjust(&graph, &bounds, b.k, current, b.k, &host, part, &result);
		cases++;
		good += sound(&bounds, part, 2 * MOST, &result);
		best += same_result(&result, &b.best);
		least += weight_moved(current, part) == b.moved;
	}
	CHECK(good == cases && best == cases, "%d of %d adjusted: nothing violates less (%d)", good, cases, best);
	CHECK(least >= cases * 9 / 10, "%d of %d move the least weight there is to move", least, cases);
}

/* Windows twice as large: not as many parts as every one at its least would make. */
static void
test_adjust_windows(void)
{
	PartitionBounds bounds = {{300, 1000}, {500, 2000}};
	PartitionBounds wide = {{600, 2000}, {1000, 4000}};
	PartitionResult result;
	PartitionResult after;

	build_lattice(15, 15, 0);
	weigh(60, 140, 3.3);
	partition_build(&graph, &bounds, 0, &host, current, &result);
	partition_adjust(&graph, &wide, 0, current, result.parts, &host, part, &after);
	CHECK(sound(&wide, part, 2 * MOST, &after) && after.violation == 0, "windows twice as large: %d parts become %d, violation %d",
		  result.parts, after.parts, (int) after.violation);
}

/* A number of now is of a part that holds something of it; new ones follow without gaps. */
static bool
well_numbered(int n_current)
{
	bool		holds[2 * MOST] = {false};
	bool		there[2 * MOST] = {false};
	int			end = n_current;

	for (int v = 0; v < graph.n; v++)
	{
		there[part[v]] = true;
		holds[part[v]] |= part[v] >= n_current || current[v] == part[v];
		end = part[v] >= end ? part[v] + 1 : end;
	}
	for (int p = 0; p < end; p++)
		if (there[p] != holds[p] || (p >= n_current && !there[p]))
			return false;
	return true;
}

static void
test_adjust_numbers(void)
{
	PartitionBounds bounds = {{0, 0}, {500, INT64_MAX}};
	PartitionResult result;
	int			good = 0;
	int			cases = 0;

	for (int i = 0; i < 300; i++)
	{
		int			n = 3 + draw(i % 60 == 0 ? 30 : 10);
		int			k = 1 + draw(n);
		PartitionBounds small = {{4 + draw(8), 0}, {12 + draw(8), INT64_MAX}};

		build_random(n, draw(n + 2));
		weigh(draw(2), 12, 0);
		for (int v = 0; v < n; v++)
			current[v] = draw(k + 1) - 1;
		partition_adjust(&graph, &small, draw(2) ? 0 : 1 + draw(n), current, k, &host, part, &result);
		cases++;
		good += sound(&small, part, 2 * MOST, &result) && well_numbered(k);
	}
	CHECK(good == cases, "%d of %d adjusted: no number goes to another part", good, cases);
	build_lattice(4, 1, 0);
	for (int v = 0; v < graph.n; v++)
	{
		vertices[v].weight[0] = v < 2 ? 0 : 200;
		vertices[v].weight[1] = 0;
		current[v] = v;
	}
	partition_adjust(&graph, &bounds, 0, current, 4, &host, part, &result);
	CHECK(memcmp(part, current, sizeof(int) * 4) == 0, "parts that weigh nothing stay where that is in bounds: %d", result.parts);
}

int
main(void)
{
	test_numbers();
	test_shape();
	test_components();
	test_special();
	test_brute();
	test_any_number();
	test_random();
	test_adjust_brute();
	test_large();
	test_adjust();
	test_adjust_windows();
	test_adjust_numbers();
	return UNIT_DONE();
}
