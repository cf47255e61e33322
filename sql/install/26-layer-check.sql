-- Checking the polygons and codes of a layer.
CREATE FUNCTION @extschema@.grid_layer_check(layer text)
	RETURNS TABLE (problem text, code @extschema@.gridcode, other_code @extschema@.gridcode, area double precision, geom geometry)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100;
COMMENT ON FUNCTION @extschema@.grid_layer_check(text) IS
'What is wrong with a layer, a row a problem; nothing where all is well. A report: layers with problems work, by the rule of grid_locate. Needs the right to read the layer''s table. These are the problems.

- `invalid polygon`: of `code`, with the point where the mistake is
- `no polygon`: the geometry of `code` is NULL, empty, or neither a polygon nor a multipolygon, as points, lines, curves, triangles and collections are
- `wrong SRID`: the geometry of `code`, an empty one included, has another SRID than the layer
- `no code`: the code of a row is NULL, so it is not in the layer, and points in it get none; with the polygon, if it is one in the layer''s SRID
- `duplicate code`: several rows have `code`
- `code not at a level`: `code` ends inside a level of the layer''s scheme, or below the lowest
- `missing parent`: other areas are at the level of `other_code`, but none has that code, and `code` is the first that lies in it; once a missing parent
- `child outside its parent`: a part of `code` is outside of `other_code`, the area around it at the next higher level that the layer has
- `gap`: a part of `code` that no area in it covers, at the next lower level that the layer has; at the highest level, above which nothing says what there should be, what areas enclose without covering it, with the lowest codes around it, at most two
- `overlap`: of two areas with the same number of digits

`geom` is the gap, the overlap or the part in question, `area` its area in square units of the SRID, or, where coordinates are degrees, in square metres in the equirectangular projection at its centre. Geometries that are no polygons or in a wrong SRID count for their codes only, and rows without a code not at all. Invalid polygons are measured as ST_MakeValid repairs them. Pieces that are on average thinner than 2e-12 of the greatest coordinate (25 micrometres in degrees) are rounding, and left out.

Gaps at the highest level are sought in all borders that do not fit, at once, by GEOS, which is slow to stop when cancelled: where tens of thousands of areas overlap it can take a minute.';
