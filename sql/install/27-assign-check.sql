-- Checking: codes known from elsewhere against where the points lie.
CREATE FUNCTION @extschema@.grid_assign_check(target regclass, layer text, geom_column name DEFAULT 'geom',
		declared_code_column name DEFAULT 'declared_code',
		OUT matched bigint, OUT mismatched bigint, OUT outside bigint, OUT unknown bigint, OUT undeclared bigint,
		OUT distance double precision, OUT direction double precision, OUT compass text, OUT agreement double precision,
		OUT shift_distance double precision, OUT shift_direction double precision, OUT shift_compass text,
		OUT shift_explains double precision)
	RETURNS record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000000;
COMMENT ON FUNCTION @extschema@.grid_assign_check(regclass, text, name, name) IS
'Compares the code that an address register, say, declares for each row of a table or view with the area its point lies in, and tells random mistakes from a shift of all points, such as that of GCJ-02, which no SRID shows. Needs the right to read both.

Counts of rows: `matched` (the declared code is the found one, above it or below it), `mismatched`, `outside` (in no area), `unknown` (the declared code, a gridcode or text, is no code, or no area is at, below or above it), `undeclared` (no code or no point).

Of the places (different points and codes) that are mismatched or outside: `distance` is the median from the nearest point of the declared area to the point, in metres where coordinates are degrees (in the equirectangular projection at the point), else in units of the SRID; `direction` the mean direction the points are off, in degrees clockwise from north, and `compass` the same in letters; `agreement` is 1 where all are off that way and near 0 where they are off in any.

`distance` is less than the shift behind it, because points were not on the border before. `shift_distance`, `shift_direction` and `shift_compass` are the shift that, taken back from all points, puts most into their declared areas, and `shift_explains` is the part of these places that it puts right, less those it puts wrong: near 1 there is such a shift; near 0 the mistakes are of another kind, and the shift means nothing. Measured are at most 1,000 places of either sort, and none whose declared code has more than 250 areas below it. A shift that varies over the layer, as GCJ-02''s does slowly, is found as its average; points turned, stretched or swapped are not recognised.';
