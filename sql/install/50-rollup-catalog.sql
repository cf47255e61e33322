-- Rollups: the catalog tables, which a dump contains.

CREATE TABLE @extschema@.grid_rollup_catalog (
    rollup regclass PRIMARY KEY,
    source regclass NOT NULL,
    log regclass NOT NULL,
    rest regclass NOT NULL,
    rows regclass NOT NULL,
    live regclass,
    bi regclass,
    code_column name NOT NULL,
    bucket_column name,
    bucket_width interval,
    time_zone text,
    dimensions name[] NOT NULL,
    lowest_level text,
    top_level text,
    scheme @extschema@.gridscheme NOT NULL,
    schedule text,
    max_lag interval,
    enabled boolean NOT NULL DEFAULT true,
    statement_timeout interval,
    lock_timeout interval,
    retry_min interval,
    retry_max interval,
    created_at timestamptz NOT NULL DEFAULT now(),
    scheduled boolean NOT NULL GENERATED ALWAYS AS (enabled AND (schedule IS NOT NULL OR max_lag IS NOT NULL)) STORED
);
COMMENT ON COLUMN @extschema@.grid_rollup_catalog.scheduled IS 'whether the rollup is ever due';
COMMENT ON TABLE @extschema@.grid_rollup_catalog IS
'One row a rollup: the relations it consists of, the arguments it was created with and the settings of grid_rollup_alter. Everybody may read it; only gridtree writes it.';

CREATE TABLE @extschema@.grid_rollup_measure (
    rollup regclass,
    ordinal int,
    name name NOT NULL,
    expression text NOT NULL,
    at name,
    kind text NOT NULL,
    arguments int NOT NULL,
    filtered boolean NOT NULL,
    PRIMARY KEY (rollup, ordinal)
);
COMMENT ON TABLE @extschema@.grid_rollup_measure IS
'The measures of the rollups in their order: name, expression and time column as they were given, and the kind of aggregate. The definition itself is the view NAME_rows, which follows renames.';

-- What refreshes write is apart from what writers of a source read, or serializable ones would fail for it.
CREATE TABLE @extschema@.grid_rollup_state (
    rollup regclass PRIMARY KEY,
    filled boolean NOT NULL DEFAULT false,
    cells bigint NOT NULL DEFAULT 0,
    refreshed_at timestamptz,
    caught_up_at timestamptz
);
COMMENT ON TABLE @extschema@.grid_rollup_state IS
'One row a rollup: what its last refresh has left. grid_rollup_status shows it; only gridtree writes it.';
COMMENT ON COLUMN @extschema@.grid_rollup_state.cells IS 'areas of the lowest level and periods that had figures after the last full build';
COMMENT ON COLUMN @extschema@.grid_rollup_state.caught_up_at IS 'every change committed before is in the figures, unless the log says otherwise';

GRANT SELECT ON @extschema@.grid_rollup_catalog, @extschema@.grid_rollup_measure, @extschema@.grid_rollup_state TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('@extschema@.grid_rollup_catalog', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.grid_rollup_measure', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.grid_rollup_state', '');
