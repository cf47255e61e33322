/*
 * partition_piece.c
 *	  Pieces of a graph: its components, and graphs cut out of it.
 */
#include "partition_state.h"

int
partition_components(const PartitionGraph *graph, const Host *host, int *component)
{
	int		   *queue = host_array(host, int, graph->n);
	PartPace	steps = {.host = host};
	int			count = 0;

	for (int v = 0; v < graph->n; v++)
		component[v] = -1;
	for (int v = 0; v < graph->n; v++)
	{
		int			n = 0;

		if (component[v] >= 0)
			continue;
		component[v] = count;
		queue[n++] = v;
		while (n > 0)
		{
			int			u = queue[--n];

			pace(&steps, 16);
			for (size_t i = graph->first[u]; i < graph->first[u + 1]; i++)
			{
				int			to = graph->edges[i].to;

				if (component[to] >= 0)
					continue;
				component[to] = count;
				queue[n++] = to;
			}
		}
		count++;
	}
	host->release(queue);
	return count;
}

/* Copy the edges of a vertex that stay inside; the others become outer border. */
static size_t
copy_edges(const PartitionGraph *graph, int v, const int *index, PartitionEdge *edges, double *border)
{
	size_t		n = 0;

	for (size_t i = graph->first[v]; i < graph->first[v + 1]; i++)
	{
		const PartitionEdge *e = &graph->edges[i];

		if (e->to == v)
			continue;
		if (index[e->to] < 0)
		{
			*border += cut_length(e);
			continue;
		}
		edges[n] = *e;
		edges[n++].to = index[e->to];
	}
	return n;
}

/* Coordinates count from the first vertex, so that second moments keep their digits. */
void
partition_cut_out(const PartitionGraph *graph, const int *vertices, int n,
				  int *index, PartPace *steps, PartPiece *piece)
{
	const Host *host = steps->host;
	size_t		nedges = 0;

	for (int i = 0; i < n; i++)
	{
		index[vertices[i]] = i;
		nedges += graph->first[vertices[i] + 1] - graph->first[vertices[i]];
	}
	piece->vertices = host_array(host, PartitionVertex, n);
	piece->first = host_array(host, size_t, (size_t) n + 1);
	piece->edges = host_array(host, PartitionEdge, nedges);
	piece->origin = host_array(host, int, n);
	piece->first[0] = 0;
	for (int i = 0; i < n; i++)
	{
		PartitionVertex *v = &piece->vertices[i];

		pace(steps, 32);
		*v = graph->vertices[vertices[i]];
		v->x -= graph->vertices[vertices[0]].x;
		v->y -= graph->vertices[vertices[0]].y;
		piece->origin[i] = vertices[i];
		piece->first[i + 1] = piece->first[i] +
			copy_edges(graph, vertices[i], index, piece->edges + piece->first[i], &v->border);
	}
	for (int i = 0; i < n; i++)
		index[vertices[i]] = -1;
	piece->graph = (PartitionGraph) {n, piece->vertices, piece->first, piece->edges};
}

void
partition_release_piece(const Host *host, PartPiece *piece)
{
	host->release(piece->vertices);
	host->release(piece->first);
	host->release(piece->edges);
	host->release(piece->origin);
}

static bool
comes_before(int a, int b, const double *key)
{
	return key[a] != key[b] ? key[a] < key[b] : a < b;
}

/* Merge two sorted runs that follow each other. */
static void
merge_runs(const int *from, int n_left, int n, const double *key, int *to)
{
	int			left = 0;
	int			right = n_left;

	for (int i = 0; i < n; i++)
		if (right >= n || (left < n_left && !comes_before(from[right], from[left], key)))
			to[i] = from[left++];
		else
			to[i] = from[right++];
}

/* The library's sort would not pause. */
void
sort_by_key(int *numbers, int n, const double *key, int *scratch, PartPace *steps)
{
	for (int64_t run = 1; run < n; run *= 2)
	{
		for (int64_t i = 0; i < n; i += 2 * run)
		{
			int64_t		length = n - i < 2 * run ? n - i : 2 * run;

			pace(steps, length);
			merge_runs(numbers + i, (int) (run < length ? run : length), (int) length, key, scratch + i);
		}
		for (int i = 0; i < n; i++)
			numbers[i] = scratch[i];
	}
}
