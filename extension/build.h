/*
 * build.h
 *	  What the steps of drawing grids hand to each other.
 *
 *		build_task.c	the arguments, checked
 *		build_frame.c	local coordinates, and back
 *		build_map.c		which of many polygons a point is in
 *		build_lines.c	the area cut along all lines that are given: faces
 *		build_cuts.c	faces with too many atoms for one call of PostGIS cut
 *		build_pieces.c	faces cut between the atoms in them: pieces
 *		build_barrier.c	which borders run along barriers
 *		build_units.c	pieces put together to what is never split: units
 *		build_graph.c	units and their borders as a graph
 *		build_grids.c	the graph cut into grids, and their polygons
 *		build.c			the SQL functions
 *
 * An ATOM is what the caller gives: a point or a polygon with counts.  A UNIT is
 * what cannot be split: an atom, or several that stand at one place; or a piece
 * of the area without any atom.
 *
 * All memory is of one SPI procedure.  Knows PostGIS's SQL functions; knows
 * nothing of codes or layers.
 */
#ifndef GRIDTREE_BUILD_H
#define GRIDTREE_BUILD_H

#include "gridtree.h"

#include "fmgr.h"
#include "mesh.h"
#include "outline.h"
#include "partition.h"
#include "utils/hsearch.h"

/* Points that one call of PostGIS is given at most, where that is in our hands. */
#define BUILD_MOST_SITES	4000

typedef struct BuildAtom
{
	int64		id;
	int64		weight[PARTITION_WEIGHTS];	/* households, residents */
	Datum		geometry;
	bool		point;
	int			parts;			/* of a polygon */
	MeshPoint	place;			/* of a point, local; of a polygon without a face, too */
	int			current;		/* its grid now; -1: none */
	int			unit;
} BuildAtom;

/*
 * Local coordinates: metres (or the units of the SRID) from the middle of the
 * area, rounded to a lattice so fine that it does not show, on which PostGIS
 * nodes lines exactly.  What was given comes back to the bit.
 */
typedef struct BuildFrame
{
	double		x0;				/* the origin, as given */
	double		y0;
	double		scale_x;		/* local units for a unit as given */
	double		scale_y;
	double		quantum;		/* of the lattice: a power of two */
	HTAB	   *given;			/* local place: the place that was given */
} BuildFrame;

typedef struct BuildTask
{
	BuildAtom  *atoms;			/* in the order of their ids */
	int			natoms;
	Datum		area;
	Datum		barriers;
	bool		has_barriers;
	int32		srid;
	bool		has_residents;
	int			grids;			/* 0: whatever fits best */
	PartitionBounds bounds;
	bool		adjust;			/* atoms' current is given */
	int			ncurrent;		/* different grids there are now */
	int		   *numbers;		/* of these, as given, ascending */
	BuildFrame	frame;
} BuildTask;

/* Rings of polygons, closed, in local coordinates. */
typedef struct BuildRing
{
	int			polygon;		/* from 0 */
	bool		hole;
	int			first;
	int			n;
} BuildRing;

typedef struct BuildRings
{
	BuildRing  *rings;
	int			nrings;
	int			rings_room;
	MeshPoint  *points;
	int			npoints;
	int			points_room;
} BuildRings;

/* A part of the area that no given line cuts. */
typedef struct BuildFace
{
	Datum		geometry;		/* local */
	BuildRings	rings;
	MeshPoint	inside;
	double		area;
	double		perimeter;
	MeshPoint	low;			/* its box */
	MeshPoint	high;
	int			atom;			/* the polygon it belongs to; -1: none */
	int			origin;			/* the face it was cut from by build_cuts */
} BuildFace;

/* Where an atom stands, or a polygon's border looks into a face. */
typedef struct BuildSite
{
	MeshPoint	place;
	int			face;
	int			atom;
} BuildSite;

/* Units of pieces that have no atom: of their own, or of whatever is beside them. */
#define BUILD_EMPTY		(-1)
#define BUILD_LOOSE		(-2)

/* The sides of barriers, to find out which borders run along them. */
typedef struct BuildBarrier
{
	MeshPoint	from;
	MeshPoint	to;
} BuildBarrier;

typedef struct BuildGrid
{
	int			number;			/* as the caller sees it */
	int64		weight[PARTITION_WEIGHTS];
	MeshPoint	centre;
	size_t		first_ring;		/* in the outline */
	size_t		end_ring;
} BuildGrid;

typedef struct BuildPlan
{
	const BuildTask *task;
	BuildRings	area;
	double		area_size;
	BuildBarrier *barriers;
	int			nbarriers;
	double		barrier_reach;	/* a border this near to a barrier runs along it */
	BuildFace  *faces;
	int			nfaces;
	BuildSite  *sites;			/* by face, place, atom */
	int			nsites;
	int			sites_room;
	Mesh		mesh;			/* of the pieces */
	int			npieces;
	int		   *piece_face;
	MeshPoint  *piece_inside;
	double	   *piece_size;		/* area */
	double	   *piece_off;		/* square of the distance from its atom; 0: holds it or a part of its polygon */
	int		   *piece_unit;		/* before build_units: the atom that stands for it */
	int			nunits;
	int			natom_units;	/* those that have atoms come first */
	int		   *unit_component;
	int		   *unit_vertex;	/* in the graph; -1: left out */
	int			nvertices;
	PartitionGraph graph;
	int		   *unit_grid;		/* from 0, in no order that means anything */
	BuildGrid  *grids;			/* likewise */
	int			ngrids;
	PartitionResult result;
	Outline		outline;
} BuildPlan;

/* build_task.c */
extern BuildTask *build_task(FunctionCallInfo fcinfo, bool adjust);

/* Where an atom is, local: of a polygon, a point inside it. */
extern MeshPoint build_place(const BuildTask *task, const BuildAtom *atom);

/* build_frame.c */
extern void frame_init(BuildFrame *frame, const double box[4], bool geographic);
extern MeshPoint frame_local(const BuildFrame *frame, double x, double y);
extern MeshPoint frame_keep(BuildFrame *frame, double x, double y);	/* comes back to the bit */
extern MeshPoint frame_given(const BuildFrame *frame, MeshPoint local);

/* Read the rings of a polygon; into the frame, or as they are where it is NULL. */
extern void build_read_rings(BuildRings *rings, Datum geometry, BuildFrame *frame);
extern double build_ring_area(const BuildRings *rings, int ring);
extern bool build_rings_contain(const BuildRings *rings, MeshPoint point);

/* The square of the distance from a point to a side or to the nearest of all sides, and where that is. */
extern double build_square_to_side(MeshPoint a, MeshPoint b, MeshPoint p, MeshPoint *near);
extern double build_square_to_rings(const BuildRings *rings, MeshPoint p, MeshPoint *near);

/* build_map.c */
typedef struct BuildMap BuildMap;
extern BuildMap *build_map_begin(void);
extern void build_map_add(BuildMap *map, int number, const BuildRings *rings);
extern void build_map_finish(BuildMap *map);

/* The lowest number of a polygon that covers a point; -1 where none does. */
extern int	build_map_locate(BuildMap *map, MeshPoint point);

/* build.c: memory of the current context, and leave to go on */
extern const Host build_host;

/* Run a query on geometries; returns the number of rows, which build_value reads. */
extern uint64 build_query(const char *query, int nvalues, const Oid *types, Datum *values);
extern Datum build_value(uint64 row, int column, bool *isnull);

/* SQL for the faces between lines (an expression), noded with a quantum; and a row of it, false where that is outside. */
extern char *build_faces_query(const char *lines, const char *quantum);
extern bool build_read_face(uint64 row, BuildMap *within, BuildFace *face);

/* The steps, in their order. */
extern void build_lines(BuildPlan *plan);
extern void build_cuts(BuildPlan *plan);
extern void build_sort_sites(BuildPlan *plan);
extern void build_pieces(BuildPlan *plan);
extern void build_units(BuildPlan *plan);
extern void build_mark_barriers(BuildPlan *plan);
extern void build_graph(BuildPlan *plan);
extern void build_grids(BuildPlan *plan);

#endif							/* GRIDTREE_BUILD_H */
