/*
 * build_graph.c
 *	  Units and the borders between them as a graph, which partition.h cuts.
 *
 * A part of the area in which nobody lives and that no border connects with the
 * rest is left out: it goes to the nearest grid in the end.
 */
#include "build.h"

#include <math.h>

#include "miscadmin.h"

#define PAUSE_EVERY	4096

/* An edge with its beginning. */
typedef struct Border
{
	int			from;
	PartitionEdge edge;
} Border;

static int
compare_borders(const void *a, const void *b)
{
	const Border *l = a;
	const Border *r = b;

	if (l->from != r->from)
		return l->from < r->from ? -1 : 1;
	return (l->edge.to > r->edge.to) - (l->edge.to < r->edge.to);
}

/* Area, centre and moment of every unit, and its border with the outside. */
static PartitionVertex *
measure_units(const BuildPlan *plan)
{
	PartitionVertex *vertices = host_array(&build_host, PartitionVertex, plan->nunits);
	MeshMoments *moments = host_array(&build_host, MeshMoments, plan->nunits);

	memset(vertices, 0, plan->nunits * sizeof(PartitionVertex));
	memset(moments, 0, plan->nunits * sizeof(MeshMoments));
	for (int i = 0; i < plan->mesh.nedges; i++)
	{
		const MeshEdge *edge = &plan->mesh.edges[i];
		int			unit = plan->piece_unit[edge->face];

		if (i % PAUSE_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		mesh_add_moments(plan->mesh.points[edge->from], plan->mesh.points[edge->to], &moments[unit]);
		if (edge->twin < 0)
			vertices[unit].border += mesh_length(&plan->mesh, edge);
	}
	for (int i = 0; i < plan->nunits; i++)
	{
		const MeshMoments *m = &moments[i];
		PartitionVertex *v = &vertices[i];

		if (m->area <= 0)
			continue;
		v->area = m->area;
		v->x = m->x / m->area;
		v->y = m->y / m->area;
		v->moment = Max(m->square - (m->x * v->x + m->y * v->y), 0);
	}
	for (int i = 0; i < plan->task->natoms; i++)
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			vertices[plan->task->atoms[i].unit].weight[w] += plan->task->atoms[i].weight[w];
	build_host.release(moments);
	return vertices;
}

/* All borders between different units, each from both its sides, in order; borders of the same two are one. */
static Border *
measure_borders(const BuildPlan *plan, size_t *n)
{
	Border	   *borders = host_array(&build_host, Border, plan->mesh.nedges);
	size_t		all = 0;

	for (int i = 0; i < plan->mesh.nedges; i++)
	{
		const MeshEdge *edge = &plan->mesh.edges[i];
		Border		border = {.from = plan->piece_unit[edge->face]};

		if (i % PAUSE_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (edge->twin < 0)
			continue;
		border.edge.to = plan->piece_unit[plan->mesh.edges[edge->twin].face];
		border.edge.length = mesh_length(&plan->mesh, edge);
		border.edge.barrier = edge->barrier ? border.edge.length : 0;
		if (border.edge.to != border.from)
			borders[all++] = border;
	}
	qsort(borders, all, sizeof(Border), compare_borders);
	*n = 0;
	for (size_t i = 0; i < all; i++)
		if (*n > 0 && compare_borders(&borders[*n - 1], &borders[i]) == 0)
		{
			borders[*n - 1].edge.length += borders[i].edge.length;
			borders[*n - 1].edge.barrier += borders[i].edge.barrier;
		}
		else
			borders[(*n)++] = borders[i];
	return borders;
}

static void
fill_graph(PartitionGraph *graph, int n, const PartitionVertex *vertices, const Border *borders, size_t nborders)
{
	size_t	   *first = host_array(&build_host, size_t, n + 1);
	PartitionEdge *edges = host_array(&build_host, PartitionEdge, nborders);
	size_t		at = 0;

	for (int v = 0; v <= n; v++)
	{
		first[v] = at;
		for (; v < n && at < nborders && borders[at].from == v; at++)
			edges[at] = borders[at].edge;
	}
	*graph = (PartitionGraph) {n, vertices, first, edges};
}

/* Keep the units of components in which somebody lives, or of the first where nobody lives anywhere. */
static void
choose_units(BuildPlan *plan, const PartitionGraph *whole)
{
	int			ncomponents;
	int		   *component = host_array(&build_host, int, whole->n);
	bool	   *lived_in;
	bool		any = false;

	plan->unit_component = component;
	ncomponents = partition_components(whole, &build_host, component);
	lived_in = palloc0_array(bool, ncomponents);
	for (int i = 0; i < whole->n; i++)
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			if (whole->vertices[i].weight[w] > 0)
				any = lived_in[component[i]] = true;
	if (!any)
		lived_in[0] = true;
	plan->unit_vertex = host_array(&build_host, int, plan->nunits);
	for (int i = 0; i < plan->nunits; i++)
		plan->unit_vertex[i] = lived_in[component[i]] ? plan->nvertices++ : -1;
}

void
build_graph(BuildPlan *plan)
{
	PartitionVertex *vertices = measure_units(plan);
	size_t		n;
	Border	   *borders = measure_borders(plan, &n);
	size_t		kept = 0;
	PartitionGraph whole;

	fill_graph(&whole, plan->nunits, vertices, borders, n);
	choose_units(plan, &whole);
	for (int i = 0; i < plan->nunits; i++)
		if (plan->unit_vertex[i] >= 0)
			vertices[plan->unit_vertex[i]] = vertices[i];
	for (size_t i = 0; i < n; i++)
	{
		int			from = plan->unit_vertex[borders[i].from];

		if (from < 0)
			continue;
		borders[kept] = borders[i];
		borders[kept].from = from;
		borders[kept++].edge.to = plan->unit_vertex[borders[i].edge.to];
	}
	fill_graph(&plan->graph, plan->nvertices, vertices, borders, kept);
	build_host.release(borders);
}
