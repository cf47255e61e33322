/*
 * partition_state.h
 *	  What the files of the partitioner share: a partition that is being moved
 *	  about, with the sums of its parts, and the steps of the search.
 *
 * Everything below works on a piece: a connected graph whose parts are
 * numbered 0 to k - 1, none of them empty.  Pieces are cut out of the caller's
 * graph (partition_cut_out): a component, or a few parts that are to be cut
 * anew while their surroundings stay.
 */
#ifndef GRIDTREE_PARTITION_STATE_H
#define GRIDTREE_PARTITION_STATE_H

#include <float.h>

#include "partition.h"

/* Where intermediate results are wider than double, another machine would cut the same graph otherwise. */
#if FLT_EVAL_METHOD != 0
#error "partitions need arithmetic in double alone: compile with -mfpmath=sse -msse2 (FLT_EVAL_METHOD is not 0)"
#endif

/* What one unit of border counts where it runs along a barrier. */
#define BARRIER_DISCOUNT	0.75

/* What a barrier inside a part costs, as part of the border of a disc. */
#define BARRIER_INSIDE		1.0

/* Sums of one part. */
typedef struct PartSums
{
	int64_t		sum[PARTITION_WEIGHTS];
	int64_t		violation;
	double		strain;			/* violation in units that suit both weights */
	double		area;
	double		x;				/* sum of area times centre */
	double		y;
	double		square;			/* second moment about the origin */
	double		border;			/* with barriers counted as partition_shape() says */
	double		inside;			/* length of barriers inside */
	double		shape;
	int			n;				/* vertices */
	int			head;			/* the last one that came in */
} PartSums;

/* How good a partition is; see partition.h. */
typedef struct PartScore
{
	int64_t		violation;
	int			violating;
	int64_t		moved;			/* weight[0] that is not where it was; 0 without homes */
	double		shape;
} PartScore;

/* A graph of its own with its memory. */
typedef struct PartPiece
{
	PartitionGraph graph;
	PartitionVertex *vertices;
	size_t	   *first;
	PartitionEdge *edges;
	int		   *origin;			/* vertices of the graph it was cut out of */
} PartPiece;

/* Counts steps of about ten nanoseconds: those since the last pause, and those spent. */
typedef struct PartPace
{
	const Host *host;
	int64_t		since;
	int64_t		spent;			/* up to the last pause */
} PartPace;

typedef struct PartState
{
	const PartitionGraph *graph;
	PartitionBounds bounds;
	const int  *home;			/* where each vertex was, -1: nowhere; NULL: does not matter */
	double		home_price;		/* of a unit of weight that is away, in annealing */
	double		scale[PARTITION_WEIGHTS];	/* violation to strain */
	int64_t		cap;			/* no part violates by more, so that sums are safe */
	int			k;
	PartSums   *parts;
	int		   *part;			/* of each vertex */
	int		   *next;			/* members of a part; -1 ends */
	int		   *previous;
	int		   *foreign;		/* edges to other parts */
	int		   *border;			/* vertices that have such edges ... */
	int		   *border_at;		/* ... and where they stand in it */
	int			nborder;
	PartScore	score;
	uint64_t   *mark;			/* scratch: equal to stamp or more is marked */
	uint64_t	stamp;
	int		   *queue;
	uint64_t	random;
	PartPace	pace;
	int64_t		effort;			/* repair ends where so many steps were spent */
} PartState;

#define PACE_STEPS	32768

/* Count steps; a pause now and then. */
static inline void
pace(PartPace *p, int64_t steps)
{
	p->since += steps;
	if (p->since >= PACE_STEPS)
	{
		p->spent += p->since;
		p->since = 0;
		p->host->pause();
	}
}

static inline uint32_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t) (*state >> 32);
}

/* 0 to n - 1 */
static inline int
random_below(uint64_t *state, int n)
{
	return (int) ((uint64_t) next_random(state) * (uint64_t) n >> 32);
}

static inline double
cut_length(const PartitionEdge *e)
{
	return e->length - BARRIER_DISCOUNT * e->barrier;
}

/* ---- partition_measure.c ---- */

#define SAFE_VIOLATION	(INT64_MAX / 8)

extern double part_shape(double area, double x, double y, double square, double border, double inside);
extern int64_t part_violation(const PartitionBounds *bounds, const int64_t sum[PARTITION_WEIGHTS], int64_t cap);
extern int64_t part_cap(int k);
extern int64_t add_capped(int64_t a, int64_t b);
/* Negative where a is the better score. */
extern int	compare_scores(const PartScore *a, const PartScore *b);
extern bool violates_less(const PartScore *a, const PartScore *b);

/* ---- partition_piece.c ---- */

/* index: scratch for every vertex of the graph, -1 before and after. */
extern void partition_cut_out(const PartitionGraph *graph, const int *vertices, int n,
							  int *index, PartPace *pace, PartPiece *piece);
extern void partition_release_piece(const Host *host, PartPiece *piece);
/* Sort numbers by their keys, equal ones by the number; scratch as many. */
extern void sort_by_key(int *numbers, int n, const double *key, int *scratch, PartPace *pace);

/* ---- partition_number.c ---- */

/* The least violation of k parts with such totals, were they sand. */
extern int64_t sand_violation(const PartitionBounds *bounds, const int64_t total[PARTITION_WEIGHTS], int64_t k);
/* Hand out parts to components with such totals and at most so many parts each. */
extern void distribute_parts(const PartitionBounds *bounds, const int64_t (*total)[PARTITION_WEIGHTS],
							 const int *most, int n, int64_t parts, const Host *host, int *given);
/* The number that fits best, 1 to most; the rank-th best where rank is not 0. 0: there is none. */
extern int	fitting_number(const PartitionGraph *graph, const PartitionBounds *bounds, int most, int rank);

/* The numbers of parts, 1 to most, that are possible for a graph, or nearly so. */
extern PartitionRange fitting_range(const PartitionGraph *graph, const PartitionBounds *bounds, int most);

/* Of a graph of no more vertices every number is tried. */
#define ALL_NUMBERS		16
/* Else no more than this. */
#define MOST_NUMBERS	9

/* Which numbers of parts were tried, and what could be hoped of others. */
typedef struct NumberSearch
{
	const PartitionBounds *bounds;
	int64_t		total[PARTITION_WEIGHTS];
	int64_t		inevitable;		/* violation of vertices that are too heavy */
	int64_t		least;			/* no number violates less */
	int			most;
	bool		all;
	int			step;
	int			tried[ALL_NUMBERS + MOST_NUMBERS];
	int			ntried;
} NumberSearch;

extern void begin_numbers(NumberSearch *ns, const PartitionGraph *graph, const PartitionBounds *bounds, int most);
/* That number of parts violates no less. */
extern int64_t number_bound(const NumberSearch *ns, int number);
extern void note_number(NumberSearch *ns, int number);
/* The number to try when the best so far violates by so much, first on the side of another; 0: none. */
extern int	next_number(NumberSearch *ns, int best, int towards, int64_t violation);

/* Whether so much is wrong that another number may help: what is wrong in few places is wrong with those. */
static inline bool
is_widespread(int violating, int k)
{
	return violating > k / 8;
}

/* ---- partition_state.c ---- */

/* part[] is copied; it has k parts, connected and not empty. */
extern void state_begin(PartState *s, const PartitionGraph *graph, const PartitionBounds *bounds, int k,
						const int *part, const int *home, const Host *host);
extern void state_release(PartState *s);
/* Set all parts anew. */
extern void state_set(PartState *s, const int *part);
/* Give the n vertices of k parts to those anew: vertices[i] to parts[part[i]]. */
extern void state_replace(PartState *s, const int *parts, int k, const int *vertices, int n, const int *part);
/* What its part and another would be were v moved there. */
extern void state_look(const PartState *s, int v, int to, PartSums *source, PartSums *target);
extern void state_move(PartState *s, int v, int to);
/* May v leave its part: does what stays hang together (false where that takes long to tell)? */
extern bool state_may_leave(PartState *s, int v);
/* No partition into k parts violates less. */
extern int64_t least_violation(const PartitionGraph *graph, const PartitionBounds *bounds, int k);
/* Whether the part is one vertex that is too heavy by itself. */
extern bool state_hopeless(const PartState *s, int part);

/* ---- partition_start.c ---- */

/* More vertices than this are searched district by district: so many fit into a processor's cache. */
#define DISTRICT		2000

/* Parts that lie together and are searched together. */
typedef struct District
{
	int			first;
	int			k;
} District;

/*
 * Any first partition into k connected parts that are not empty, of a connected
 * graph of k vertices or more.  Its districts, in the order of their parts;
 * returns how many, at most k.
 */
extern int	partition_start(const PartitionGraph *graph, int k, PartPace *pace, int *part, District *districts);

/* ---- partition_anneal.c ---- */

typedef struct AnnealPlan
{
	int64_t		steps;
	double		hot;			/* temperatures: shape is about 2 a part */
	double		cold;
	double		price;			/* of strain */
	bool		strict;			/* the violation never rises */
	bool		afresh;			/* what was there before does not count */
} AnnealPlan;

/* Leaves the best partition that was seen. */
extern void partition_anneal(PartState *s, const AnnealPlan *plan);

/* ---- partition_cover.c ---- */

#define COVER_MOST	64

typedef struct CoverTask
{
	const PartitionGraph *graph;	/* at most COVER_MOST vertices */
	const PartitionBounds *bounds;
	int			k;
	const int  *home;			/* or NULL */
	bool		shaped;			/* look for the best shape, not for any partition */
	PartScore	below;			/* only what is better counts */
	int64_t		budget;			/* steps */
} CoverTask;

typedef enum CoverOutcome
{
	COVER_NONE,					/* there is no better one */
	COVER_FOUND,				/* the best */
	COVER_BETTER,				/* a better one; the budget was used up */
	COVER_GAVE_UP
} CoverOutcome;

/* Sets part[] where something is found; with homes the numbers are such that most weight stays. */
extern CoverOutcome partition_cover(const CoverTask *task, PartPace *pace, int *part, PartScore *score);

/* ---- partition_repair.c ---- */

/* Parts that violate and their surroundings are cut anew, as long as that helps. */
extern void partition_repair(PartState *s, int rounds);
/* Better shapes, nothing else worse. */
extern void partition_polish(PartState *s);
/* Less weight away from home, no more violation. */
extern void partition_bring_home(PartState *s);

/* ---- partition_build.c ---- */

/* The caller's graph by components. */
typedef struct Components
{
	int			n;
	int		   *first;			/* in vertices; n + 1 of them */
	int		   *vertices;		/* by component */
	int64_t		(*total)[PARTITION_WEIGHTS];
	int		   *most;			/* parts it may become */
	int		   *given;			/* parts it is to become */
} Components;

extern void find_components(const PartitionGraph *graph, const Host *host, Components *c);
extern void release_components(const Host *host, Components *c);

/* Steps that are spent on the repair of a piece. */
extern int64_t repair_effort(const PartitionGraph *graph);
/* Anneal and repair, until the violation is as low as can be hoped for. */
extern void partition_search(PartState *s);
/* Cut a connected graph into k parts, k at most its number of vertices. below: what does not violate less is of no use. */
extern void partition_piece(const PartitionGraph *graph, const PartitionBounds *bounds, int k,
							const PartScore *below, const Host *host, int *part, PartScore *score);

/* ---- partition_mend.c ---- */

/* A component whose parts are being put in order before the search. */
typedef struct Adjuster
{
	const PartitionGraph *graph;
	const PartitionBounds *bounds;
	PartPace	pace;
	int		   *part;			/* of each vertex; -1: none yet */
	int			k;
	int		   *number;			/* the current part that each part is; -1: new */
	int64_t		(*sum)[PARTITION_WEIGHTS];
	int		   *label;			/* scratch of each vertex */
	int		   *queue;
} Adjuster;

extern void adjuster_begin(Adjuster *a, const PartitionGraph *graph, const PartitionBounds *bounds, int *part, const Host *host);
extern void adjuster_end(Adjuster *a);
/* Number the current parts from 0 in the order of their vertices; local: scratch of each number, -1 before and after. */
extern void number_parts(Adjuster *a, const int *current, int *local);
/* Connected parts, so many, that hold every vertex. */
extern void make_whole(Adjuster *a, int wanted);

#endif							/* GRIDTREE_PARTITION_STATE_H */
