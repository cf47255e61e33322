/*
 * outline.c
 *	  From labels of faces to borders and to who follows whom in a ring.
 *
 * Faces of one label that share an edge are a group, which becomes a polygon.
 * A half-edge is a border where its twin's face has another label or there is
 * no twin.  Where a ring of a group comes to a point at which the group has
 * several wedges, it goes on with the first of the group's edges
 * counterclockwise from where it came: between the two there is one wedge of
 * the exterior.  As the group hangs together by edges, no ring comes to a point
 * twice then.
 */
#include "outline_border.h"

#include <math.h>

#include "orient.h"

typedef struct Build
{
	const Mesh *mesh;
	const int  *label;
	const Host *host;
	int		   *group;			/* of a face: the number of one of its group's faces */
	uint32_t   *node;			/* of a point */
	uint32_t   *point;			/* of a node */
	uint32_t   *corner;			/* of a half-edge: the node it begins at; OUTLINE_NONE: no border */
	uint32_t   *next;			/* of a half-edge in its ring */
	Borders		borders;
} Build;

static int
find_group(int *group, int face)
{
	while (group[face] != face)
		face = group[face] = group[group[face]];
	return face;
}

static bool
is_border(const Build *b, int e)
{
	const MeshEdge *edge = &b->mesh->edges[e];

	return edge->twin < 0 || b->label[edge->face] != b->label[b->mesh->edges[edge->twin].face];
}

static void
make_groups(Build *b)
{
	b->group = host_array(b->host, int, b->mesh->nfaces);
	for (int i = 0; i < b->mesh->nfaces; i++)
	{
		outline_pause_at(b->host, i);
		b->group[i] = i;
	}
	for (int e = 0; e < b->mesh->nedges; e++)
	{
		const MeshEdge *edge = &b->mesh->edges[e];

		outline_pause_at(b->host, e);
		if (!is_border(b, e))
		{
			int			left = find_group(b->group, edge->face);
			int			right = find_group(b->group, b->mesh->edges[edge->twin].face);

			b->group[left > right ? left : right] = left > right ? right : left;
		}
	}
	for (int i = 0; i < b->mesh->nfaces; i++)
	{
		outline_pause_at(b->host, i);
		b->group[i] = find_group(b->group, i);
	}
}

static int
compare_mesh_points(const void *context, uint32_t p, uint32_t q)
{
	const MeshPoint *points = context;

	return outline_compare_points(points[p], points[q]);
}

/* Nodes in order of their places, from the points of borders and of fixed edges. */
static void
make_nodes(Build *b)
{
	size_t		n = 0;

	b->node = host_array(b->host, uint32_t, b->mesh->npoints);
	b->point = host_array(b->host, uint32_t, b->mesh->npoints);
	for (int i = 0; i < b->mesh->npoints; i++)
	{
		outline_pause_at(b->host, i);
		b->node[i] = OUTLINE_NONE;
	}
	for (int e = 0; e < b->mesh->nedges; e++)
	{
		const MeshEdge *edge = &b->mesh->edges[e];

		outline_pause_at(b->host, e);
		for (int end = 0; end < 2 && (edge->fixed || is_border(b, e)); end++)
		{
			int			point = end ? edge->to : edge->from;

			if (b->node[point] == OUTLINE_NONE)
			{
				b->node[point] = (uint32_t) n;
				b->point[n++] = point;
			}
		}
	}
	order_items(b->point, n, compare_mesh_points, b->mesh->points, b->host);
	b->borders.nnodes = n;
	b->borders.nodes = host_array(b->host, BorderNode, n);
	for (uint32_t i = 0; i < n; i++)
	{
		outline_pause_at(b->host, i);
		b->node[b->point[i]] = i;
		b->borders.nodes[i] = (BorderNode) {.at = b->mesh->points[b->point[i]]};
	}
}

/* Both links of a segment, which is given by one of its half-edges. */
static void
add_links(Build *b, const MeshEdge *edge)
{
	Borders    *borders = &b->borders;
	uint32_t	link = (uint32_t) borders->nlinks;

	borders->nlinks += 2;
	borders->node[link] = b->node[edge->from];
	borders->node[link + 1] = b->node[edge->to];
	borders->twin[link] = link + 1;
	borders->twin[link + 1] = link;
	borders->nodes[borders->node[link]].degree++;
	borders->nodes[borders->node[link + 1]].degree++;
}

/* The links of each node, given how many there are. */
static void
list_links(Borders *borders, const Host *host)
{
	uint32_t	sum = 0;

	for (uint32_t i = 0; i < borders->nnodes; i++)
	{
		outline_pause_at(host, i);
		borders->nodes[i].first = sum;
		sum += borders->nodes[i].degree;
		borders->nodes[i].degree = 0;
	}
	for (uint32_t link = 0; link < borders->nlinks; link++)
	{
		BorderNode *node = &borders->nodes[borders->node[link]];

		outline_pause_at(host, link);
		borders->links[node->first + node->degree++] = link;
	}
}

static void
make_links(Build *b)
{
	size_t		room = (size_t) b->mesh->nedges * 2;

	b->borders.links = host_array(b->host, uint32_t, room);
	b->borders.node = host_array(b->host, uint32_t, room);
	b->borders.twin = host_array(b->host, uint32_t, room);
	b->corner = host_array(b->host, uint32_t, b->mesh->nedges);
	for (int e = 0; e < b->mesh->nedges; e++)
	{
		const MeshEdge *edge = &b->mesh->edges[e];
		bool		border = is_border(b, e);

		outline_pause_at(b->host, e);
		b->corner[e] = border ? b->node[edge->from] : OUTLINE_NONE;
		if (edge->fixed || edge->twin < 0)
			b->borders.nodes[b->node[edge->from]].pinned = b->borders.nodes[b->node[edge->to]].pinned = true;
		if (border && (edge->twin < 0 || e < edge->twin))
			add_links(b, edge);
	}
	list_links(&b->borders, b->host);
}

/* An end of a half-edge: twice its number, and 1 more where it goes out from the point. */
static const MeshEdge *
edge_of(const Build *b, uint32_t end)
{
	return &b->mesh->edges[end / 2];
}

static MeshPoint
other_point(const Build *b, uint32_t end)
{
	return b->mesh->points[end % 2 ? edge_of(b, end)->to : edge_of(b, end)->from];
}

/* Ends at one point by group, then counterclockwise from the direction of x. */
static int
compare_ends(const void *context, uint32_t i, uint32_t j)
{
	const Build *b = context;
	int			group_i = b->group[edge_of(b, i)->face];
	int			group_j = b->group[edge_of(b, j)->face];
	MeshPoint	at = b->mesh->points[i % 2 ? edge_of(b, i)->from : edge_of(b, i)->to];
	MeshPoint	p = other_point(b, i);
	MeshPoint	q = other_point(b, j);
	bool		lower_p = p.y < at.y || (p.y == at.y && p.x < at.x);
	bool		lower_q = q.y < at.y || (q.y == at.y && q.x < at.x);

	if (group_i != group_j)
		return group_i < group_j ? -1 : 1;
	if (lower_p != lower_q)
		return lower_p ? 1 : -1;
	return -orient(at.x, at.y, p.x, p.y, q.x, q.y);
}

/*
 * Of n ends of one group around a point, which come in and go out by turns:
 * each that comes in goes on with the one after it.
 */
static void
join_group(Build *b, const uint32_t *ends, size_t n)
{
	size_t		out = 0;

	if (ends[0] % 2 == 1)
		out = 1;				/* the first belongs to the last that comes in */
	for (size_t i = 0; i < n; i++)
	{
		if (ends[i] % 2 == 1)
			continue;
		/* The k-th that goes out, whatever the order: so none is taken twice. */
		for (size_t tried = 0; tried < n && ends[out % n] % 2 == 0; tried++)
			out++;
		b->next[ends[i] / 2] = ends[out % n] / 2;
		out++;
	}
}

static void
join_point(Build *b, uint32_t *ends, size_t n)
{
	size_t		end;

	order_items(ends, n, compare_ends, b, b->host);
	for (size_t begin = 0; begin < n; begin = end)
	{
		int			group = b->group[edge_of(b, ends[begin])->face];

		for (end = begin + 1; end < n && b->group[edge_of(b, ends[end])->face] == group;)
			end++;
		join_group(b, ends + begin, end - begin);
	}
}

/* Who follows whom, from the ends of borders listed by node. */
static void
make_next(Build *b)
{
	size_t		nnodes = b->borders.nnodes;
	size_t	   *begin = host_array(b->host, size_t, nnodes + 2);
	uint32_t   *ends = host_array(b->host, uint32_t, (size_t) b->mesh->nedges * 2);

	b->next = host_array(b->host, uint32_t, b->mesh->nedges);
	for (size_t i = 0; i < nnodes + 2; i++)
	{
		outline_pause_at(b->host, i);
		begin[i] = 0;
	}
	for (uint32_t e = 0; e < (uint32_t) b->mesh->nedges; e++)
	{
		outline_pause_at(b->host, e);
		if (b->corner[e] != OUTLINE_NONE)
		{
			begin[b->corner[e] + 2]++;
			begin[b->node[b->mesh->edges[e].to] + 2]++;
		}
	}
	for (size_t i = 2; i < nnodes + 2; i++)
	{
		outline_pause_at(b->host, i);
		begin[i] += begin[i - 1];
	}
	for (uint32_t e = 0; e < (uint32_t) b->mesh->nedges; e++)
	{
		outline_pause_at(b->host, e);
		if (b->corner[e] != OUTLINE_NONE)
		{
			ends[begin[b->corner[e] + 1]++] = 2 * e + 1;
			ends[begin[b->node[b->mesh->edges[e].to] + 1]++] = 2 * e;
		}
	}
	for (size_t i = 0; i < nnodes; i++)
	{
		if (i % 256 == 0)
			b->host->pause();
		join_point(b, ends + begin[i], begin[i + 1] - begin[i]);
	}
	b->host->release(begin);
	b->host->release(ends);
}

static void
release_build(Build *b)
{
	b->host->release(b->group);
	b->host->release(b->node);
	b->host->release(b->point);
	b->host->release(b->corner);
	b->host->release(b->next);
	b->host->release(b->borders.nodes);
	b->host->release(b->borders.links);
	b->host->release(b->borders.node);
	b->host->release(b->borders.twin);
}

void
outline_build(const Mesh *mesh, const int *label, int nlabels, const OutlineSite *sites, size_t nsites,
			  bool straighten, const Host *host, Outline *outline)
{
	Build		b = {.mesh = mesh, .label = label, .host = host};

	(void) nlabels;
	make_groups(&b);
	make_nodes(&b);
	make_links(&b);
	make_next(&b);
	if (straighten)
		outline_straighten(&b.borders, sites, nsites, host);
	outline_rings(&b.borders, mesh, label, b.group, b.next, b.corner, host, outline);
	release_build(&b);
}
