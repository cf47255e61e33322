-- Locating: from a point to the code of its area.
CREATE FUNCTION @extschema@.grid_locate(layer text, point geometry, tolerance double precision DEFAULT 0)
	RETURNS @extschema@.gridcode
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION @extschema@.grid_locate(text, geometry, double precision) IS
'Code of the deepest area of a layer that covers the point, borders included; of several the lowest. In a gap NULL, or the nearest area within the tolerance (units of the SRID; metres where coordinates are degrees). Needs the right to SELECT from the layer''s table. NULL or an empty point gives NULL; other geometries, another SRID than the layer''s, be it that of an empty point, and coordinates that are not finite are errors.';

-- Images: what answers in most calls of grid_locate.
CREATE FUNCTION @extschema@.grid_layer_prepare(layer text, OUT polygons bigint, OUT edges bigint, OUT cells bigint, OUT bytes bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION @extschema@.grid_layer_prepare(text) IS
'Builds the image of a layer now, where there is none for its present polygons, and returns its size; all sessions share it. Not needed: grid_locate builds it when it pays. NULL where the rule''s own SQL must answer: the transaction has edited the layer, a row-level policy or missing rights, rows that are not polygons or have another SRID, coordinates that are not finite, an unlogged table, an image larger than gridtree.layer_cache, a filter that has failed on a row; or where another session is just building it. polygons counts the parts of multipolygons.';

CREATE FUNCTION @extschema@.grid_layer_image(layer text, OUT polygons bigint, OUT edges bigint, OUT cells bigint, OUT bytes bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION @extschema@.grid_layer_image(text) IS
'Size of the image that grid_locate would use for a layer in this statement; NULL where there is none, and the rule''s own SQL answers.';
