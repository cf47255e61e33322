/*
 * build_grids.c
 *	  The graph cut into grids: who is in which, their outlines, their numbers.
 */
#include "build.h"

#include <math.h>

#include "miscadmin.h"

#define PAUSE_EVERY	4096

/* Borders that are straightened keep this part of the way between two points of different grids. */
#define CLEARANCE	0.25

/* Centres of grids are compared in so many quanta. */
#define CENTRE_QUANTA	65536

/* --- who is in which --- */

/* The grid in which most households of each vertex are now; -1 where none are. */
static int *
current_grids(const BuildPlan *plan)
{
	const BuildTask *task = plan->task;
	int		   *current = host_array(&build_host, int, plan->nvertices);
	int64	   *most = host_array(&build_host, int64, plan->nvertices);

	memset(current, -1, plan->nvertices * sizeof(int));
	memset(most, -1, plan->nvertices * sizeof(int64));
	for (int i = 0; i < task->natoms; i++)
	{
		int			vertex = plan->unit_vertex[task->atoms[i].unit];

		if (vertex < 0 || task->atoms[i].current < 0 || task->atoms[i].weight[0] <= most[vertex])
			continue;
		most[vertex] = task->atoms[i].weight[0];
		current[vertex] = task->atoms[i].current;
	}
	build_host.release(most);
	return current;
}

/* The parts that are used get numbers without gaps. */
static void
take_parts(BuildPlan *plan, const int *part)
{
	int			most = 0;
	int		   *number;

	for (int v = 0; v < plan->nvertices; v++)
		most = Max(most, part[v] + 1);
	number = host_array(&build_host, int, most);
	memset(number, -1, most * sizeof(int));
	for (int v = 0; v < plan->nvertices; v++)
		number[part[v]] = 0;
	plan->grids = palloc0_array(BuildGrid, most);
	for (int p = 0; p < most; p++)
		if (number[p] == 0)
		{
			plan->grids[plan->ngrids].number = p;
			number[p] = plan->ngrids++;
		}
	plan->unit_grid = host_array(&build_host, int, plan->nunits);
	for (int i = 0; i < plan->nunits; i++)
		plan->unit_grid[i] = plan->unit_vertex[i] < 0 ? -1 : number[part[plan->unit_vertex[i]]];
	build_host.release(number);
}

static void
cut_graph(BuildPlan *plan)
{
	const BuildTask *task = plan->task;
	int		   *part = host_array(&build_host, int, plan->nvertices);

	if (task->adjust)
		partition_adjust(&plan->graph, &task->bounds, task->grids, current_grids(plan), task->ncurrent,
						 &build_host, part, &plan->result);
	else
		partition_build(&plan->graph, &task->bounds, task->grids, &build_host, part, &plan->result);
	take_parts(plan, part);
	build_host.release(part);
}

/* --- parts of the area that were left out --- */

/* A point of the outer border of a unit. */
typedef struct Shore
{
	MeshPoint	point;
	int			unit;
} Shore;

static int
compare_shores(const void *a, const void *b)
{
	const Shore *l = a;
	const Shore *r = b;

	if (l->point.x != r->point.x)
		return l->point.x < r->point.x ? -1 : 1;
	if (l->point.y != r->point.y)
		return l->point.y < r->point.y ? -1 : 1;
	return (l->unit > r->unit) - (l->unit < r->unit);
}

/* Points of the outer border of units that are in the graph or left out, by x. */
static Shore *
find_shores(const BuildPlan *plan, bool left_out, int *n)
{
	Shore	   *shores = host_array(&build_host, Shore, plan->mesh.nedges);

	*n = 0;
	for (int i = 0; i < plan->mesh.nedges; i++)
	{
		const MeshEdge *edge = &plan->mesh.edges[i];
		int			unit = plan->piece_unit[edge->face];

		if (edge->twin < 0 && (plan->unit_vertex[unit] < 0) == left_out)
			shores[(*n)++] = (Shore) {plan->mesh.points[edge->from], unit};
	}
	qsort(shores, *n, sizeof(Shore), compare_shores);
	return shores;
}

/* Where in the order a point would be. */
static int
place_in(const Shore *shores, int n, const Shore *shore)
{
	int			low = 0;

	while (n > 0)
	{
		int			half = n / 2;

		if (compare_shores(&shores[low + half], shore) < 0)
		{
			low += half + 1;
			n -= half + 1;
		}
		else
			n = half;
	}
	return low;
}

/* Take a nearer shore; false where all further ones in this direction are too far. */
static bool
try_shore(const Shore *from, const Shore *to, double *best, int *unit)
{
	double		dx = to->point.x - from->point.x;
	double		dy = to->point.y - from->point.y;

	if (dx * dx >= *best)
		return false;
	if (dx * dx + dy * dy < *best)
	{
		*best = dx * dx + dy * dy;
		*unit = to->unit;
	}
	return true;
}

/* Each part of the area that was left out goes to the grid of the nearest unit that was not. */
static void
join_left_out(BuildPlan *plan)
{
	int			nlands;
	int			nislands;
	Shore	   *lands = find_shores(plan, false, &nlands);
	Shore	   *islands = find_shores(plan, true, &nislands);
	double	   *best = host_array(&build_host, double, plan->nunits);
	int		   *unit = host_array(&build_host, int, plan->nunits);

	for (int i = 0; i < plan->nunits; i++)
	{
		best[i] = INFINITY;
		unit[i] = -1;
	}
	for (int i = 0; i < nislands; i++)
	{
		int			component = plan->unit_component[islands[i].unit];
		int			place = place_in(lands, nlands, &islands[i]);

		if (i % 64 == 0)
			CHECK_FOR_INTERRUPTS();
		for (int j = place; j < nlands && try_shore(&islands[i], &lands[j], &best[component], &unit[component]); j++)
			;
		for (int j = place - 1; j >= 0 && try_shore(&islands[i], &lands[j], &best[component], &unit[component]); j--)
			;
	}
	for (int i = 0; i < plan->nunits; i++)
		if (plan->unit_vertex[i] < 0)
		{
			int			near = unit[plan->unit_component[i]];

			/* A unit without a border has no place, and may go anywhere. */
			plan->unit_grid[i] = near < 0 ? 0 : plan->unit_grid[near];
		}
	build_host.release(lands);
	build_host.release(islands);
	build_host.release(best);
	build_host.release(unit);
}

/* --- outlines --- */

/* Half of that is where the border was drawn. */
static void
set_clearances(const BuildPlan *plan, const int *site_of, OutlineSite *sites, int nsites)
{
	double	   *foreign = host_array(&build_host, double, nsites);
	double	   *any = host_array(&build_host, double, nsites);

	for (int i = 0; i < nsites; i++)
		foreign[i] = any[i] = INFINITY;
	for (int v = 0; v < plan->mesh.nedges; v++)
	{
		const MeshEdge *edge = &plan->mesh.edges[v];
		int			a = plan->piece_unit[edge->face];
		int			b = edge->twin < 0 ? a : plan->piece_unit[plan->mesh.edges[edge->twin].face];
		double		distance;

		if (a == b || site_of[a] < 0 || site_of[b] < 0)
			continue;
		distance = hypot(sites[site_of[a]].x - sites[site_of[b]].x, sites[site_of[a]].y - sites[site_of[b]].y);
		any[site_of[a]] = Min(any[site_of[a]], distance);
		if (plan->unit_grid[a] != plan->unit_grid[b])
			foreign[site_of[a]] = Min(foreign[site_of[a]], distance);
	}
	for (int i = 0; i < nsites; i++)
	{
		double		distance = isfinite(foreign[i]) ? foreign[i] : any[i];

		sites[i].clearance = isfinite(distance) ? CLEARANCE * distance : 0;
	}
	build_host.release(foreign);
	build_host.release(any);
}

/* What borders keep away from: points, and lines that were given. */
static OutlineSite *
find_sites(const BuildPlan *plan, const int *label, size_t *n)
{
	const BuildTask *task = plan->task;
	const Mesh *mesh = &plan->mesh;
	OutlineSite *sites = host_array(&build_host, OutlineSite, (size_t) task->natoms + mesh->npoints);
	int		   *site_of = host_array(&build_host, int, plan->nunits);
	bool	   *given = host_array(&build_host, bool, mesh->npoints);
	int			natoms = 0;

	memset(site_of, -1, plan->nunits * sizeof(int));
	for (int i = 0; i < task->natoms; i++)
	{
		const BuildAtom *atom = &task->atoms[i];

		if (!atom->point)
			continue;
		site_of[atom->unit] = natoms;
		sites[natoms++] = (OutlineSite) {atom->place.x, atom->place.y, 0};
	}
	set_clearances(plan, site_of, sites, natoms);
	*n = natoms;
	memset(given, 0, mesh->npoints);
	for (int i = 0; i < mesh->nedges; i++)
		if (mesh->edges[i].fixed && mesh->edges[i].twin >= 0 &&
			label[mesh->edges[i].face] == label[mesh->edges[mesh->edges[i].twin].face])
			given[mesh->edges[i].from] = true;
	for (int i = 0; i < mesh->npoints; i++)
		if (given[i])
			sites[(*n)++] = (OutlineSite) {mesh->points[i].x, mesh->points[i].y, 0};
	build_host.release(site_of);
	build_host.release(given);
	return sites;
}

static void
draw_outlines(BuildPlan *plan)
{
	int		   *label = host_array(&build_host, int, plan->npieces);
	OutlineSite *sites;
	size_t		nsites;

	for (int i = 0; i < plan->npieces; i++)
		label[i] = plan->unit_grid[plan->piece_unit[i]];
	sites = find_sites(plan, label, &nsites);
	outline_build(&plan->mesh, label, plan->ngrids, sites, nsites, true, &build_host, &plan->outline);
	for (size_t i = 0; i < plan->outline.nrings; i++)
	{
		BuildGrid  *grid = &plan->grids[plan->outline.rings[i].label];

		if (grid->end_ring == 0)
			grid->first_ring = i;
		grid->end_ring = i + 1;
	}
	build_host.release(label);
	build_host.release(sites);
}

/* The centre of a grid, rounded so that those of equal height are in one row. */
static MeshPoint
centre_of(const BuildPlan *plan, const BuildGrid *grid, double unit)
{
	const Outline *outline = &plan->outline;
	MeshMoments moments = {0};

	for (size_t r = grid->first_ring; r < grid->end_ring; r++)
	{
		const MeshPoint *points = outline->points + outline->rings[r].first;

		for (size_t i = 0; i + 1 < outline->rings[r].n; i++)
			mesh_add_moments(points[i], points[i + 1], &moments);
	}
	if (moments.area <= 0)
		return (MeshPoint) {0, 0};
	return (MeshPoint) {rint(moments.x / moments.area / unit), rint(moments.y / moments.area / unit)};
}

/* Counts and centres. */
static void
measure_grids(BuildPlan *plan)
{
	/* Far above rounding, far below what can be seen. */
	double		unit = plan->task->frame.quantum * CENTRE_QUANTA;

	for (int i = 0; i < plan->task->natoms; i++)
		for (int w = 0; w < PARTITION_WEIGHTS; w++)
			plan->grids[plan->unit_grid[plan->task->atoms[i].unit]].weight[w] += plan->task->atoms[i].weight[w];
	for (int g = 0; g < plan->ngrids; g++)
		plan->grids[g].centre = centre_of(plan, &plan->grids[g], unit);
}

/* --- numbers --- */

static int
compare_heights(const void *a, const void *b, void *arg)
{
	const BuildGrid *grids = arg;
	const BuildGrid *l = &grids[*(const int *) a];
	const BuildGrid *r = &grids[*(const int *) b];

	if (l->centre.y != r->centre.y)
		return l->centre.y > r->centre.y ? -1 : 1;
	return (l->centre.x > r->centre.x) - (l->centre.x < r->centre.x);
}

static int
compare_from_west(const void *a, const void *b, void *arg)
{
	const BuildGrid *grids = arg;
	const BuildGrid *l = &grids[*(const int *) a];
	const BuildGrid *r = &grids[*(const int *) b];

	if (l->centre.x != r->centre.x)
		return l->centre.x < r->centre.x ? -1 : 1;
	return (l->centre.y < r->centre.y) - (l->centre.y > r->centre.y);
}

/* In bands of as many grids from north to south, from west to east in each. */
static void
number_in_bands(BuildPlan *plan)
{
	int		   *order = palloc_array(int, plan->ngrids);
	int			bands = (int) floor(sqrt(plan->ngrids) + 0.5);

	for (int g = 0; g < plan->ngrids; g++)
		order[g] = g;
	qsort_arg(order, plan->ngrids, sizeof(int), compare_heights, plan->grids);
	for (int begin = 0, end = 0; begin < plan->ngrids; begin = end)
	{
		int64		band = (int64) begin * bands / plan->ngrids;

		while (end < plan->ngrids && (int64) end * bands / plan->ngrids == band)
			end++;
		qsort_arg(order + begin, end - begin, sizeof(int), compare_from_west, plan->grids);
	}
	for (int i = 0; i < plan->ngrids; i++)
		plan->grids[order[i]].number = i + 1;
	pfree(order);
}

/* Grids that are there already keep their numbers; new ones take the next above them all. */
static void
keep_numbers(BuildPlan *plan)
{
	const BuildTask *task = plan->task;

	for (int g = 0; g < plan->ngrids; g++)
	{
		BuildGrid  *grid = &plan->grids[g];
		int64		number = grid->number < task->ncurrent ? task->numbers[grid->number]
			: (int64) task->numbers[task->ncurrent - 1] + 1 + grid->number - task->ncurrent;

		if (number > PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("numbers of new grids are out of range: %lld", (long long) number)));
		grid->number = (int) number;
	}
}

void
build_grids(BuildPlan *plan)
{
	cut_graph(plan);
	join_left_out(plan);
	draw_outlines(plan);
	measure_grids(plan);
	if (plan->task->adjust)
		keep_numbers(plan);
	else
		number_in_bands(plan);
}
