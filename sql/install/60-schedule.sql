-- Schedules: when something is due next.

CREATE FUNCTION @extschema@.grid_schedule_next(schedule text, after timestamptz, time_zone text) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'grid_schedule_next';
COMMENT ON FUNCTION @extschema@.grid_schedule_next(text, timestamptz, text) IS
$$The first moment after "after" at which a cron schedule is due in a time zone: five fields (minute, hour, day of month, month, day of week) with lists, ranges, steps and English names, or @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually.
Day of month and day of week, where both are restricted, are alternatives. A time the clock skips is due once right after; a time that comes twice is due once; where the minute or the hour begins with "*" the schedule follows real time instead. A schedule that no date ever matches, an unknown zone or an infinite "after" is an error; NULL gives NULL.$$;
