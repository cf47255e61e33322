-- What everything here uses. Like the files of functions and triggers after it (boundaries, households, organizations, events)
-- it is put in place anew at every installation.
--
-- Who does something is current_user where a row is inserted: the default of a column that nobody but the owner may
-- write. Triggers that run as the owner take it from there, so no setting and no argument can say otherwise.

CREATE OR REPLACE FUNCTION is_admin(who text) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 10
BEGIN ATOMIC
	SELECT pg_catalog.pg_has_role(who::name, :'role_admin'::name, 'USAGE')
		OR pg_catalog.pg_has_role(who::name, :'role_owner'::name, 'USAGE');
END;

CREATE OR REPLACE FUNCTION today() RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE COST 10
BEGIN ATOMIC
	SELECT (statement_timestamp() AT TIME ZONE :'time_zone')::date;
END;

-- People in no grid, unless they are a handful, who could be told by their number. A function, because EXPLAIN would count the
-- rows of a view.
CREATE OR REPLACE FUNCTION people_without_grid() RETURNS TABLE (households bigint, residents bigint)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE COST 1000 ROWS 1 SET search_path FROM CURRENT
BEGIN ATOMIC
	SELECT CASE WHEN p.shown THEN p.households END, CASE WHEN p.shown THEN p.residents END
	FROM (SELECT count(*) AS households, coalesce(sum(h.residents), 0) AS residents, count(*) = 0 OR count(*) >= 3 AND sum(h.residents) >= 10 AS shown
		FROM household h WHERE h.grid IS NULL AND h.valid_to IS NULL) p;
END;

-- The planner would expect a thousand months of generate_series, and compile queries that take milliseconds.
CREATE OR REPLACE FUNCTION months(first date, last date) RETURNS SETOF date
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 12 SET search_path FROM CURRENT AS $$
BEGIN
	IF NOT (isfinite(first) AND isfinite(last)) THEN
		RAISE EXCEPTION 'there are no months from % to %', first, last USING ERRCODE = 'datetime_field_overflow';
	END IF;
	RETURN QUERY SELECT generate_series(date_trunc('month', first::timestamp), last::timestamp, '1 month')::date;
END $$;

-- As the owner: others are not shown the state of a rollup.
CREATE OR REPLACE FUNCTION figures_age() RETURNS TABLE (figures text, refreshed_at timestamptz, lag_seconds numeric)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED COST 1000 ROWS 4 SET search_path FROM CURRENT
BEGIN ATOMIC
	SELECT c.relname::text, s.refreshed_at, round(extract(epoch FROM s.lag), 1)
	FROM grid_rollup_status s JOIN pg_catalog.pg_class c ON c.oid = s.rollup
	WHERE s.rollup IN ('household_total'::regclass, 'event_daily'::regclass, 'event_total'::regclass, 'visit_monthly'::regclass);
END;
