-- Layers: the catalog of what points are located in, adding and dropping, and tidying up after dropped tables.
CREATE TABLE @extschema@.grid_layer_catalog (
	layer text COLLATE "C" NOT NULL CONSTRAINT grid_layer_catalog_pkey PRIMARY KEY,
	relation regclass NOT NULL,
	geom_column name NOT NULL,
	code_column name NOT NULL,
	filter text,
	scheme @extschema@.gridscheme NOT NULL,
	srid integer NOT NULL,
	geographic boolean NOT NULL,
	added_at timestamptz NOT NULL
);
COMMENT ON TABLE @extschema@.grid_layer_catalog IS
'The layers, one row each; written by grid_layer_add and grid_layer_drop only. Readable by everybody, because whoever dumps the database must read it.';
COMMENT ON COLUMN @extschema@.grid_layer_catalog.filter IS
'Condition on the row, immutable, with every name outside pg_catalog qualified; NULL where all rows count.';
COMMENT ON COLUMN @extschema@.grid_layer_catalog.geographic IS
'Whether coordinates are degrees, so that a tolerance is in metres.';
REVOKE ALL ON @extschema@.grid_layer_catalog FROM PUBLIC;
GRANT SELECT ON @extschema@.grid_layer_catalog TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('@extschema@.grid_layer_catalog', '');

CREATE FUNCTION @extschema@.grid_layer_cached(layer text, OUT polygons bigint, OUT edges bigint, OUT cells bigint, OUT bytes bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10;
COMMENT ON FUNCTION @extschema@.grid_layer_cached(text) IS
'Size of the image that this session has mapped of a layer, of whatever version; NULL where it has none, and where there is no such layer.';

CREATE VIEW @extschema@.grid_layers AS
	SELECT c.layer, c.relation, c.geom_column, c.code_column, c.filter, c.scheme, c.srid, c.geographic, c.added_at,
		i.polygons, i.edges, i.cells, i.bytes
	FROM @extschema@.grid_layer_catalog c, LATERAL @extschema@.grid_layer_cached(c.layer) i;
COMMENT ON VIEW @extschema@.grid_layers IS
'The layers: table, columns, filter, scheme, SRID, whether coordinates are degrees, when each was added, and the size of the image that this session has mapped (NULL where it has none; gridtree.layer_cache bounds them all).';
GRANT SELECT ON @extschema@.grid_layers TO PUBLIC;

CREATE FUNCTION @extschema@.grid_layer_add(layer text, relation regclass, geom_column name DEFAULT 'geom',
		code_column name DEFAULT 'code', filter text DEFAULT NULL, scheme @extschema@.gridscheme DEFAULT 'cn')
	RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000;
COMMENT ON FUNCTION @extschema@.grid_layer_add(text, regclass, name, name, text, @extschema@.gridscheme) IS
'Makes a layer of a table with a polygon column and a gridcode column, or of the rows that filter (an immutable condition on the row) keeps. Only the owner of the table may. The filter is evaluated with a search_path of pg_catalog, so functions in it must qualify what they call. Warns about invalid polygons; different SRIDs and geometries that are not polygons are errors.';

CREATE FUNCTION @extschema@.grid_layer_drop(layer text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.grid_layer_drop(text) IS
'Forgets a layer; its table stays as it is. Only the owner of the table may. A layer that does not exist is an error; NULL does nothing.';
