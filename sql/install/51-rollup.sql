-- Rollups: create, alter, drop, refresh, verify.

CREATE FUNCTION @extschema@.grid_bucket("time" timestamp, width interval) RETURNS timestamp
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2
    AS 'MODULE_PATHNAME', 'grid_bucket';
COMMENT ON FUNCTION @extschema@.grid_bucket(timestamp, interval) IS
'The start of the period of the given width around a local time: a number of months that divides a year or whole years, days (weeks begin on Monday), or a time that divides the day. Infinite times stay; a period that would begin beyond the range of timestamps is at the end of time; other widths are an error; NULL gives NULL.';

CREATE FUNCTION @extschema@.grid_bucket_date("time" date, width interval) RETURNS timestamp
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2
    AS 'MODULE_PATHNAME', 'grid_bucket_date';
COMMENT ON FUNCTION @extschema@.grid_bucket_date(date, interval) IS
'grid_bucket of a day; dates beyond the range of timestamps are at the end of time.';

CREATE FUNCTION @extschema@.grid_bucket("time" timestamptz, width interval, time_zone text) RETURNS timestamp
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 3
    AS 'MODULE_PATHNAME', 'grid_bucket_in_zone';
COMMENT ON FUNCTION @extschema@.grid_bucket(timestamptz, interval, text) IS
'The start of the period of the given width, in local time, around what the clocks of a time zone show at that time. The zone is one of pg_timezone_names, or a POSIX rule; abbreviations, whose meaning is a setting, are an error. NULL gives NULL.';

CREATE FUNCTION @extschema@.grid_bucket_last(bucket timestamp, width interval) RETURNS timestamp
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2
    AS 'MODULE_PATHNAME', 'grid_bucket_last';
COMMENT ON FUNCTION @extschema@.grid_bucket_last(timestamp, interval) IS
'A time that no time of the period is later than, for looking the period up by an index; infinity at the end of time.';

CREATE FUNCTION @extschema@.grid_bucket_first(bucket timestamp) RETURNS timestamp
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2
    AS 'MODULE_PATHNAME', 'grid_bucket_first';
COMMENT ON FUNCTION @extschema@.grid_bucket_first(timestamp) IS
'A time that no time of the period that begins then is earlier than, for looking the period up by an index: the same but at the end of time.';

CREATE FUNCTION @extschema@.grid_bucket_first(bucket timestamp, time_zone text) RETURNS timestamptz
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 3
    AS 'MODULE_PATHNAME', 'grid_bucket_first_in_zone';
COMMENT ON FUNCTION @extschema@.grid_bucket_first(timestamp, text) IS
'A time that no time of the period that begins then in a time zone is earlier than, for looking the period up by an index.';

CREATE FUNCTION @extschema@.grid_bucket_last(bucket timestamp, width interval, time_zone text) RETURNS timestamptz
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 3
    AS 'MODULE_PATHNAME', 'grid_bucket_last_in_zone';
COMMENT ON FUNCTION @extschema@.grid_bucket_last(timestamp, interval, text) IS
'A time that no time of the period that begins then in a time zone is later than, for looking the period up by an index.';

CREATE FUNCTION @extschema@.grid_rollup_create(name text, source regclass, code_column name, measures json,
        bucket_column name DEFAULT NULL, bucket_width interval DEFAULT NULL,
        dimensions name[] DEFAULT '{}', lowest_level text DEFAULT NULL, top_level text DEFAULT NULL,
        schedule text DEFAULT NULL, max_lag interval DEFAULT NULL, time_zone text DEFAULT NULL,
        scheme @extschema@.gridscheme DEFAULT 'cn') RETURNS regclass
    LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'grid_rollup_create';
COMMENT ON FUNCTION @extschema@.grid_rollup_create(text, regclass, name, json, name, interval, name[], text, text, text, interval, text, @extschema@.gridscheme) IS
'Creates a table of figures of a source table, one row an area, period and combination of dimensions at every level from lowest_level up to top_level, and the triggers that note what changes. For the source''s owner only; the first refresh fills it.';

CREATE FUNCTION @extschema@.grid_rollup_alter(rollup regclass, changes json) RETURNS void
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100
    AS 'MODULE_PATHNAME', 'grid_rollup_alter';
COMMENT ON FUNCTION @extschema@.grid_rollup_alter(regclass, json) IS
'Changes settings of a rollup: schedule, max_lag, enabled, statement_timeout, lock_timeout, retry_min, retry_max, owner. A key that is absent stays, null removes the value, an unknown key is an error. For the rollup''s owner only.';

CREATE FUNCTION @extschema@.grid_rollup_drop(rollup regclass) RETURNS void
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'grid_rollup_drop';
COMMENT ON FUNCTION @extschema@.grid_rollup_drop(regclass) IS
'Drops a rollup with its views, its log and, with the last rollup of a source, the triggers there. An error while something else depends on them. For the rollup''s owner only.';

CREATE FUNCTION @extschema@.grid_rollup_refresh(rollup regclass) RETURNS bigint
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'grid_rollup_refresh';
COMMENT ON FUNCTION @extschema@.grid_rollup_refresh(regclass) IS
'Recomputes the touched cells of a rollup and the figures around them that this changes, in the caller''s transaction and as the rollup''s owner; the first time, and after TRUNCATE, ATTACH or DETACH, all of it. Returns the number of lowest cells computed. When most of the cells were touched, all of them are computed. For the owner, and roles that may INSERT, UPDATE and DELETE in the rollup.';

CREATE FUNCTION @extschema@.grid_rollup_touch(rollup regclass) RETURNS void
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100
    AS 'MODULE_PATHNAME', 'grid_rollup_touch';
COMMENT ON FUNCTION @extschema@.grid_rollup_touch(regclass) IS
'Has the next refresh compute a rollup anew, all of it: for changes that no trigger saw, such as a source loaded with triggers disabled or a rollup table edited by hand. For whoever may refresh it.';

CREATE FUNCTION @extschema@.grid_rollup_compact(rollup regclass) RETURNS bigint
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000
    AS 'MODULE_PATHNAME', 'grid_rollup_compact';
COMMENT ON FUNCTION @extschema@.grid_rollup_compact(regclass) IS
'Makes the log of a rollup that waits for its next refresh shorter, each cell once, where at least every second row can go; returns how many rows went. gridtreed does so every hour. Nothing while a refresh is at work. For whoever may refresh it.';

CREATE PROCEDURE @extschema@.grid_rollup_refresh_batched(rollup regclass, batch int)
    LANGUAGE C
    AS 'MODULE_PATHNAME', 'grid_rollup_refresh_batched';
COMMENT ON PROCEDURE @extschema@.grid_rollup_refresh_batched(regclass, int) IS
'Does what grid_rollup_refresh does in batches of so many touched cells and commits after each; stopped in the middle, the next one goes on. A full build is one batch. An error inside a transaction block.';

CREATE FUNCTION @extschema@.grid_rollup_verify(rollup regclass)
    RETURNS TABLE (code @extschema@.gridcode, level text, bucket text, dimensions jsonb, measure name, stored text, recomputed text)
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000 ROWS 100
    AS 'MODULE_PATHNAME', 'grid_rollup_verify';
COMMENT ON FUNCTION @extschema@.grid_rollup_verify(regclass) IS
'Computes every figure of a rollup straight from the source and returns what differs; level is NULL for figures of rows that are coded to no area of the lowest level. Nothing after a refresh. For the rollup''s owner only.';

CREATE FUNCTION @extschema@.grid_rollup_unassigned(rollup regclass) RETURNS bigint
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000
    AS 'MODULE_PATHNAME', 'grid_rollup_unassigned';
COMMENT ON FUNCTION @extschema@.grid_rollup_unassigned(regclass) IS
'Number of rows of a rollup''s source that count in no area: without a code, or without any of the times the measures use. Reads the source. For the rollup''s owner only.';
