-- Locating: from a point to the code of its area.
CREATE FUNCTION @extschema@.grid_locate(layer text, point geometry, tolerance double precision DEFAULT 0)
	RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION @extschema@.grid_locate(text, geometry, double precision) IS
'Code of the deepest area of a layer that covers the point, borders included; of several the lowest. In a gap NULL, or the nearest area within the tolerance (units of the SRID; metres where coordinates are degrees). Needs the right to SELECT from the layer''s table. NULL or an empty point gives NULL; other geometries, another SRID and coordinates that are not finite are errors.';
