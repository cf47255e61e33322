-- Drawing grids: an area cut into grids that keep both windows and tile it exactly.
CREATE FUNCTION @extschema@.grid_build(ids bigint[], atoms geometry[], households int[], residents int[], area geometry,
		barriers geometry DEFAULT NULL, grids int DEFAULT NULL, households_min int DEFAULT 300, households_max int DEFAULT 500,
		residents_min int DEFAULT 1000, residents_max int DEFAULT 2000)
	RETURNS TABLE (grid int, geom geometry, households int, residents int, in_bounds boolean, ids bigint[])
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 10000000 ROWS 20;
COMMENT ON FUNCTION @extschema@.grid_build(bigint[], geometry[], int[], int[], geometry, geometry, int, int, int, int, int) IS
'Cuts an area into grids: connected, compact, each with a number of households and of residents inside its window, no gap and no overlap.

`atoms` are what is never split: buildings as points (a tower with all its households is one), or blocks as polygons, or some of each. `ids`, `atoms`, `households` and `residents` have one member for each. `residents` NULL: only households count. Atoms at one place, and points in a polygon of another atom, stay together; a point outside `area` belongs to its nearest border.

`barriers`, roads and rivers as lines or polygons: borders run along them where they can. `grids`: exactly so many, as each has an officer; NULL: the number that fits the windows best.

Result: `grid`, numbered from 1 in bands from north to south (as many bands as the rounded square root of the number of grids), from west to east in each; `geom`, a polygon, or a multipolygon where the area has parts in which nobody lives; its `households` and `residents`; `in_bounds`, whether both windows are kept; the `ids` of its atoms, ascending. Every border between two grids is the same points on both sides. The order of the members makes no difference to the result. A NOTICE tells where the windows or the number asked for cannot be kept: then as little as possible is out of bounds. `grid_build_report` tells it in advance.

Geographic coordinates are measured in a local projection.';

CREATE FUNCTION @extschema@.grid_adjust(ids bigint[], atoms geometry[], households int[], residents int[], area geometry,
		current int[], barriers geometry DEFAULT NULL, grids int DEFAULT NULL, households_min int DEFAULT 300,
		households_max int DEFAULT 500, residents_min int DEFAULT 1000, residents_max int DEFAULT 2000)
	RETURNS TABLE (grid int, geom geometry, households int, residents int, in_bounds boolean, ids bigint[], moved bigint[])
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 10000000 ROWS 20;
COMMENT ON FUNCTION @extschema@.grid_adjust(bigint[], geometry[], int[], int[], geometry, int[], geometry, int, int, int, int, int) IS
'Brings grids that are there back into their windows with as few households moved as possible.

The arguments are those of `grid_build`, and `current`, the number of the grid each atom is in now; NULL for an atom that is in none yet, such as a new building. `grids` NULL: as many as now, or, where that does not do, a number near it that does.

Result: as `grid_build`''s, and in `moved` the atoms that were not in this grid before. Grids keep their numbers; new ones are numbered on from the highest.';

CREATE FUNCTION @extschema@.grid_build_report(ids bigint[], atoms geometry[], households int[], residents int[], area geometry,
		barriers geometry DEFAULT NULL, grids int DEFAULT NULL, households_min int DEFAULT 300, households_max int DEFAULT 500,
		residents_min int DEFAULT 1000, residents_max int DEFAULT 2000,
		OUT possible boolean, OUT reason text, OUT grids_min int, OUT grids_max int, OUT households int, OUT residents int,
		OUT household_size double precision, OUT legal_households_min int, OUT legal_households_max int, OUT oversized bigint[])
	RETURNS record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION @extschema@.grid_build_report(bigint[], geometry[], int[], int[], geometry, geometry, int, int, int, int, int) IS
'Says before any work whether `grid_build` with the same arguments can keep both windows.

`possible`: false where sums alone rule it out, for the `reason` given; true is no promise, as buildings are not split. `grids_min` and `grids_max`: how many grids the households and residents fill, NULL where no number fits. `households` and `residents` of all atoms; `household_size`, residents a household; `legal_households_min` and `legal_households_max`: how many households a grid of that household size can have in both windows (391 to 500 at 2.56), NULL where none. `oversized`: the ids of atoms that alone are above a maximum.';
