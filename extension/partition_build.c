/*
 * partition_build.c
 *	  A graph cut into parts: component by component, in a number of parts that fits.
 */
#include "partition_state.h"

#include <string.h>

/* A piece of no more vertices than this is searched through to the end. */
#define EXACT_VERTICES	16
#define EXACT_BUDGET	20000000
#define SHAPE_BUDGET	100000

#define ANNEAL_STEPS	1500	/* a vertex */
#define ANNEAL_LEAST	20000
#define RESTARTS		4
#define MAX_RESTARTED	1500	/* vertices; what is wrong with more is wrong in few places */
#define REPAIRS			8
#define EFFORT			INT64_C(4000000)	/* on repair, in steps of PartPace */
#define VERTEX_EFFORT	100000	/* and more for each vertex */
#define STRICT_STEPS	500		/* a vertex, for the shape alone */

/* Other numbers of parts that are tried where little is wrong with one. */
#define OTHER_NUMBERS	4

/*
 * Search all partitions of a small piece, first for the least violation and then
 * for the best shape, unless it does not violate less than below (where not NULL).
 */
static void
finish_exactly(PartState *s, const PartScore *below)
{
	CoverTask	task = {.graph = s->graph, .bounds = &s->bounds, .k = s->k, .below = s->score, .budget = EXACT_BUDGET};
	PartScore	score;
	int			part[EXACT_VERTICES];

	if (below != NULL && violates_less(below, &s->score))
		task.below = (PartScore) {.violation = below->violation, .violating = below->violating};
	for (int i = 0; i < 2; i++)
	{
		CoverOutcome outcome = partition_cover(&task, &s->pace, part, &score);

		if (outcome == COVER_FOUND || outcome == COVER_BETTER)
			state_set(s, part);
		if (below != NULL && !violates_less(&s->score, below))
			return;
		task.below = s->score;
		task.shaped = true;
		task.budget = SHAPE_BUDGET;
	}
}

static int64_t
anneal_steps(const PartitionGraph *graph)
{
	int64_t		steps = (int64_t) graph->n * ANNEAL_STEPS;

	return steps < ANNEAL_LEAST ? ANNEAL_LEAST : steps;
}

int64_t
repair_effort(const PartitionGraph *graph)
{
	return EFFORT + (int64_t) graph->n * VERTEX_EFFORT;
}

/* Anneal from a start, and again from there if that was not enough; keep the best. */
void
partition_search(PartState *s)
{
	int64_t		least = least_violation(s->graph, &s->bounds, s->k);
	PartScore	best = s->score;
	int			tries = s->graph->n <= MAX_RESTARTED ? RESTARTS : 1;
	int		   *part = host_array(s->pace.host, int, s->graph->n);

	memcpy(part, s->part, sizeof(int) * (size_t) s->graph->n);
	for (int i = 0; i < tries; i++)
	{
		AnnealPlan	plan = {.steps = anneal_steps(s->graph), .hot = 2, .cold = 0.02, .price = 20, .afresh = i > 0};

		partition_anneal(s, &plan);
		s->effort = s->pace.spent + repair_effort(s->graph) / tries;
		partition_repair(s, REPAIRS);
		if (compare_scores(&s->score, &best) < 0)
		{
			best = s->score;
			memcpy(part, s->part, sizeof(int) * (size_t) s->graph->n);
		}
		if (best.violation <= least)
			break;
	}
	state_set(s, part);
	s->pace.host->release(part);
}

/* Better shapes; nothing else becomes worse. */
static void
improve_shape(PartState *s)
{
	AnnealPlan	plan = {.steps = (int64_t) s->graph->n * STRICT_STEPS, .hot = 0.3, .cold = 0.02, .price = 20, .strict = true};

	partition_anneal(s, &plan);
	partition_polish(s);
}

/* The vertices in the order of their parts, and where each part begins. */
static void
group_by_part(int n, const int *part, int k, int *begin, int *vertices)
{
	for (int p = 0; p <= k; p++)
		begin[p] = 0;
	for (int v = 0; v < n; v++)
		begin[part[v] + 1]++;
	for (int p = 0; p < k; p++)
		begin[p + 1] += begin[p];
	for (int v = 0; v < n; v++)
		vertices[begin[part[v]]++] = v;
	for (int p = k; p > 0; p--)
		begin[p] = begin[p - 1];
	begin[0] = 0;
}

/* Search what begins at a first partition. */
static void
search_piece(const PartitionGraph *graph, const PartitionBounds *bounds, int k,
			 const PartScore *below, const Host *host, int *part, PartScore *score)
{
	PartState	s;

	state_begin(&s, graph, bounds, k, part, NULL, host);
	if (graph->n <= EXACT_VERTICES)
		finish_exactly(&s, below);
	else if (k > 1)
	{
		partition_search(&s);
		if (below == NULL || violates_less(&s.score, below))
			improve_shape(&s);
	}
	memcpy(part, s.part, sizeof(int) * (size_t) graph->n);
	*score = s.score;
	state_release(&s);
}

/* Search the parts from first on, k of them, by themselves; their vertices are given. */
static void
search_district(const PartitionGraph *graph, const PartitionBounds *bounds, int first, int k,
				const int *vertices, int n, int *index, PartPace *steps, int *part)
{
	const Host *host = steps->host;
	int		   *local = host_array(host, int, n);
	PartPiece	piece;
	PartScore	score;

	partition_cut_out(graph, vertices, n, index, steps, &piece);
	for (int i = 0; i < n; i++)
		local[i] = part[vertices[i]] - first;
	search_piece(&piece.graph, bounds, k, NULL, host, local, &score);
	for (int i = 0; i < n; i++)
		part[vertices[i]] = first + local[i];
	partition_release_piece(host, &piece);
	host->release(local);
}

static void
search_districts(const PartitionGraph *graph, const PartitionBounds *bounds, int k,
				 const District *districts, int ndistricts, PartPace *steps, int *part)
{
	const Host *host = steps->host;
	int		   *index = host_array(host, int, graph->n);
	int		   *begin = host_array(host, int, (size_t) k + 1);
	int		   *vertices = host_array(host, int, graph->n);

	group_by_part(graph->n, part, k, begin, vertices);
	for (int v = 0; v < graph->n; v++)
		index[v] = -1;
	for (int i = 0; i < ndistricts; i++)
	{
		District	d = districts[i];

		search_district(graph, bounds, d.first, d.k, vertices + begin[d.first],
						begin[d.first + d.k] - begin[d.first], index, steps, part);
	}
	host->release(index);
	host->release(begin);
	host->release(vertices);
}

void
partition_piece(const PartitionGraph *graph, const PartitionBounds *bounds, int k,
				const PartScore *below, const Host *host, int *part, PartScore *score)
{
	PartPace	steps = {.host = host};
	PartState	s;

	District   *districts = host_array(host, District, k);
	int			ndistricts = partition_start(graph, k, &steps, part, districts);

	if (ndistricts == 1)
	{
		search_piece(graph, bounds, k, below, host, part, score);
		host->release(districts);
		return;
	}
	search_districts(graph, bounds, k, districts, ndistricts, &steps, part);
	host->release(districts);
	/* What no district could do by itself. */
	state_begin(&s, graph, bounds, k, part, NULL, host);
	s.effort = repair_effort(graph);
	partition_repair(&s, REPAIRS);
	memcpy(part, s.part, sizeof(int) * (size_t) graph->n);
	*score = s.score;
	state_release(&s);
}

/* Of a component whose number of parts is free; returns that number. */
static int
piece_of_any_number(const PartitionGraph *graph, const PartitionBounds *bounds, int most,
					const Host *host, int *part, PartScore *score)
{
	int		   *other = host_array(host, int, graph->n);
	int			fitting = fitting_number(graph, bounds, most, 0);
	int			k = fitting;
	int			few = graph->n <= MAX_RESTARTED ? OTHER_NUMBERS : 1;
	NumberSearch ns;

	begin_numbers(&ns, graph, bounds, most);
	partition_piece(graph, bounds, k, NULL, host, part, score);
	note_number(&ns, k);
	while (ns.all || ns.ntried <= few || is_widespread(score->violating, k))
	{
		int			number = next_number(&ns, k, fitting, score->violation);
		PartScore	found;

		if (number == 0)
			break;
		note_number(&ns, number);
		partition_piece(graph, bounds, number, score, host, other, &found);
		if (violates_less(&found, score))
		{
			*score = found;
			k = number;
			memcpy(part, other, sizeof(int) * (size_t) graph->n);
		}
	}
	host->release(other);
	return k;
}

void
find_components(const PartitionGraph *graph, const Host *host, Components *c)
{
	int		   *component = host_array(host, int, graph->n);

	c->n = partition_components(graph, host, component);
	c->first = host_array(host, int, (size_t) c->n + 1);
	c->vertices = host_array(host, int, graph->n);
	c->total = host->resize(NULL, host_bytes(c->n, sizeof(*c->total)));
	c->most = host_array(host, int, c->n);
	c->given = host_array(host, int, c->n);
	for (int i = 0; i <= c->n; i++)
		c->first[i] = 0;
	for (int i = 0; i < c->n; i++)
	{
		c->total[i][0] = c->total[i][1] = 0;
		c->most[i] = 0;
	}
	for (int v = 0; v < graph->n; v++)
	{
		int			i = component[v];
		const int64_t *weight = graph->vertices[v].weight;

		c->first[i + 1]++;
		c->total[i][0] += weight[0];
		c->total[i][1] += weight[1];
		c->most[i] += weight[0] > 0 || weight[1] > 0;
	}
	for (int i = 0; i < c->n; i++)
	{
		c->first[i + 1] += c->first[i];
		c->given[i] = c->first[i];
		if (c->most[i] == 0)
			c->most[i] = 1;
	}
	for (int v = 0; v < graph->n; v++)
		c->vertices[c->given[component[v]]++] = v;
	host->release(component);
}

void
release_components(const Host *host, Components *c)
{
	host->release(c->first);
	host->release(c->vertices);
	host->release(c->total);
	host->release(c->most);
	host->release(c->given);
}

void
partition_build(const PartitionGraph *graph, const PartitionBounds *bounds, int parts,
				const Host *host, int *part, PartitionResult *result)
{
	PartPace	steps = {.host = host};
	Components	c;
	int		   *index = host_array(host, int, graph->n);
	int		   *local = host_array(host, int, graph->n);

	*result = (PartitionResult) {0};
	find_components(graph, host, &c);
	if (parts > 0)
		distribute_parts(bounds, c.total, c.most, c.n, parts, host, c.given);
	for (int v = 0; v < graph->n; v++)
		index[v] = -1;
	for (int i = 0; i < c.n; i++)
	{
		PartPiece	piece;
		PartScore	score;
		int			k = c.given[i];
		int			n = c.first[i + 1] - c.first[i];

		partition_cut_out(graph, c.vertices + c.first[i], n, index, &steps, &piece);
		if (parts > 0)
			partition_piece(&piece.graph, bounds, k, NULL, host, local, &score);
		else
			k = piece_of_any_number(&piece.graph, bounds, c.most[i], host, local, &score);
		for (int j = 0; j < n; j++)
			part[piece.origin[j]] = result->parts + local[j];
		result->parts += k;
		result->violating += score.violating;
		result->violation = add_capped(result->violation, score.violation);
		partition_release_piece(host, &piece);
	}
	release_components(host, &c);
	host->release(index);
	host->release(local);
}
