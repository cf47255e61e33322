/*
 * build_units.c
 *	  Pieces put together to units.
 *
 * The Voronoi cell of an atom, cut off at the face's border, may fall into
 * pieces, of which one holds the atom.  The others, and slivers between given
 * lines, are loose: they go to whom they have the longest border with.
 */
#include "build.h"

#include "miscadmin.h"

#define PAUSE_EVERY	4096

/* --- which edges stay --- */

/* Lines that were given lie between different faces; those within one are Voronoi's, or cuts. */
static void
mark_fixed(BuildPlan *plan)
{
	const Mesh *mesh = &plan->mesh;

	for (int i = 0; i < mesh->nedges; i++)
	{
		MeshEdge   *edge = &mesh->edges[i];

		if (i % PAUSE_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		edge->fixed = edge->twin < 0 ||
			plan->faces[plan->piece_face[edge->face]].origin !=
			plan->faces[plan->piece_face[mesh->edges[edge->twin].face]].origin;
	}
}

/* --- loose pieces --- */

static int
root_of(int *group, int piece)
{
	while (group[piece] != piece)
		piece = group[piece] = group[group[piece]];
	return piece;
}

/* Connected pieces of one atom. */
static int *
group_pieces(const BuildPlan *plan)
{
	int		   *group = host_array(&build_host, int, plan->npieces);

	for (int i = 0; i < plan->npieces; i++)
		group[i] = i;
	for (int i = 0; i < plan->mesh.nedges; i++)
	{
		const MeshEdge *edge = &plan->mesh.edges[i];
		int			other = edge->twin < 0 ? edge->face : plan->mesh.edges[edge->twin].face;
		int			a = root_of(group, edge->face);
		int			b = root_of(group, other);

		if (plan->piece_unit[edge->face] == plan->piece_unit[other])
			group[Max(a, b)] = Min(a, b);
	}
	return group;
}

/* A group of pieces of one unit. */
typedef struct Group
{
	double		off;			/* square of the distance of the nearest from its atom */
	double		size;
	bool		whole;			/* has a part of a polygon of several parts */
} Group;

static bool
is_better(const Group *a, const Group *b)
{
	if (a->off != b->off)
		return a->off < b->off;
	return a->size > b->size;
}

/* Measure the groups: each at the number of its first piece. */
static Group *
measure_groups(const BuildPlan *plan, int *group)
{
	Group	   *groups = host_array(&build_host, Group, plan->npieces);

	for (int i = 0; i < plan->npieces; i++)
	{
		Group	   *g = &groups[root_of(group, i)];
		int			atom = plan->faces[plan->piece_face[i]].atom;

		if (group[i] == i)
			*g = (Group) {plan->piece_off[i], 0, false};
		g->off = Min(g->off, plan->piece_off[i]);
		g->size += plan->piece_size[i];
		g->whole |= atom >= 0 && plan->piece_unit[i] >= 0 && plan->task->atoms[atom].parts > 1;
	}
	return groups;
}

/*
 * Of the groups of a unit one goes where it belongs: the one that holds the
 * atom, or is nearest to it, or is the largest.  Others are loose, but parts of
 * polygons that were given in several.  So where a polygon falls apart because it
 * sticks out of the area or another one lies over it, its grid does not.
 */
static void
loosen_pieces(BuildPlan *plan)
{
	int		   *group = group_pieces(plan);
	Group	   *groups = measure_groups(plan, group);
	int		   *best = host_array(&build_host, int, plan->task->natoms);

	memset(best, -1, plan->task->natoms * sizeof(int));
	for (int i = 0; i < plan->npieces; i++)
	{
		int			unit = plan->piece_unit[i];

		if (unit >= 0 && group[i] == i && (best[unit] < 0 || is_better(&groups[i], &groups[best[unit]])))
			best[unit] = i;
	}
	for (int i = 0; i < plan->npieces; i++)
	{
		int			root = root_of(group, i);

		if (plan->piece_unit[i] >= 0 && best[plan->piece_unit[i]] != root && !groups[root].whole)
			plan->piece_unit[i] = BUILD_LOOSE;
	}
	build_host.release(group);
	build_host.release(groups);
	build_host.release(best);
}

/* A border of a loose piece with a unit. */
typedef struct LooseBorder
{
	int			piece;
	int			unit;
	double		length;			/* across which nothing was given counts tenfold */
} LooseBorder;

static int
compare_borders(const void *a, const void *b)
{
	const LooseBorder *l = a;
	const LooseBorder *r = b;

	if (l->piece != r->piece)
		return l->piece < r->piece ? -1 : 1;
	return (l->unit > r->unit) - (l->unit < r->unit);
}

/* Borders between loose pieces and such as are not; in the order of pieces and units. */
static LooseBorder *
loose_borders(const BuildPlan *plan, int *n)
{
	const Mesh *mesh = &plan->mesh;
	LooseBorder *borders = host_array(&build_host, LooseBorder, mesh->nedges);

	*n = 0;
	for (int i = 0; i < mesh->nedges; i++)
	{
		const MeshEdge *edge = &mesh->edges[i];

		if (i % PAUSE_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (edge->twin < 0 || plan->piece_unit[edge->face] != BUILD_LOOSE ||
			plan->piece_unit[mesh->edges[edge->twin].face] == BUILD_LOOSE)
			continue;
		borders[*n] = (LooseBorder) {edge->face, plan->piece_unit[mesh->edges[edge->twin].face],
		mesh_length(mesh, edge) * (edge->fixed ? 1 : 10)};
		/* A piece without an atom is a unit of its own: name it. */
		if (borders[*n].unit == BUILD_EMPTY)
			borders[*n].unit = plan->task->natoms + mesh->edges[edge->twin].face;
		(*n)++;
	}
	qsort(borders, *n, sizeof(LooseBorder), compare_borders);
	return borders;
}

/* Give every loose piece to the unit it has the longest border with; false where none has any. */
static bool
attach_loose(BuildPlan *plan)
{
	int			n;
	LooseBorder *borders = loose_borders(plan, &n);
	double		best = -1;

	for (int i = 0; i < n;)
	{
		const LooseBorder *border = &borders[i];
		double		length = 0;

		for (; i < n && compare_borders(border, &borders[i]) == 0; i++)
			length += borders[i].length;
		if (border == borders || border->piece != border[-1].piece)
			best = -1;
		if (length > best)
		{
			best = length;
			plan->piece_unit[border->piece] = border->unit;
		}
	}
	build_host.release(borders);
	return n > 0;
}

/* --- numbers --- */

/* Atoms' units come first, in the order of their lowest atoms; then those without atoms. */
static void
number_units(BuildPlan *plan)
{
	BuildTask  *task = unconstify(BuildTask *, plan->task);
	int			most = task->natoms + plan->npieces;
	int		   *number = host_array(&build_host, int, most);

	memset(number, -1, most * sizeof(int));
	for (int i = 0; i < task->natoms; i++)
	{
		int			atom = task->atoms[i].unit;

		if (number[atom] < 0)
			number[atom] = plan->nunits++;
		task->atoms[i].unit = number[atom];
	}
	plan->natom_units = plan->nunits;
	for (int i = 0; i < plan->npieces; i++)
	{
		int			unit = plan->piece_unit[i];

		if (unit < 0)
			unit = task->natoms + i;
		if (number[unit] < 0)
			number[unit] = plan->nunits++;
		plan->piece_unit[i] = number[unit];
	}
	build_host.release(number);
}

void
build_units(BuildPlan *plan)
{
	mark_fixed(plan);
	build_mark_barriers(plan);
	loosen_pieces(plan);
	while (attach_loose(plan))
		CHECK_FOR_INTERRUPTS();
	number_units(plan);
}
