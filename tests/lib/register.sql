-- register.sql: a register of its own for a test of sql/community, and what the tests ask of it.
--
-- \set schema first. Everything of it goes with register_gone.sql.
\set role_prefix :schema
\set srid 3857
\i sql/community/install.sql
\set ON_ERROR_STOP off
\set QUIET on
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET search_path = :"schema", public;
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- All rows of all tables, as one text.
CREATE FUNCTION fingerprint() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
	t regclass;
	rows text;
	tables text := '';
BEGIN
	FOR t IN SELECT c.oid FROM pg_class c JOIN pg_class r ON r.relnamespace = c.relnamespace
		WHERE r.oid = 'register'::regclass AND c.relkind = 'r' ORDER BY c.relname
	LOOP
		EXECUTE format('SELECT md5(string_agg(r::text, '','' ORDER BY r::text COLLATE "C")) FROM %s r', t) INTO rows;
		tables := tables || coalesce(rows, '-');
	END LOOP;
	RETURN md5(tables);
END $$;

-- How a statement is refused: that it is, and that nothing has changed afterwards.
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before CONSTANT text := fingerprint();
	said text;
	detail text;
	hint text;
BEGIN
	BEGIN
		EXECUTE statement;
		SET CONSTRAINTS ALL IMMEDIATE;
		said := 'NOT REFUSED';
		RAISE EXCEPTION USING ERRCODE = 'GT002';
	EXCEPTION
		WHEN SQLSTATE 'GT002' THEN NULL;
		WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			said := SQLSTATE || ' ' || said;
	END;
	IF fingerprint() <> before THEN
		said := said || ', BUT SOMETHING CHANGED';
	END IF;
	-- rows in full have random ids and times
	RETURN said || CASE WHEN detail <> '' AND detail NOT LIKE 'Failing row%' THEN E'\n  ' || detail ELSE '' END
		|| CASE WHEN hint <> '' THEN E'\n  ' || hint ELSE '' END;
END $$;

CREATE FUNCTION square(x float8, y float8, to_x float8, to_y float8) RETURNS geometry LANGUAGE sql IMMUTABLE
RETURN ST_MakeEnvelope(x, y, to_x, to_y, 3857);
CREATE FUNCTION spot(x float8, y float8) RETURNS geometry LANGUAGE sql IMMUTABLE
RETURN ST_SetSRID(ST_Point(x, y), 3857);

-- A district of two streets, west and east, of two communities each, of four grids each, from south to north.
CREATE FUNCTION small_district() RETURNS TABLE (code text, name text, geom geometry) LANGUAGE sql AS $$
	SELECT '350304', 'district', square(0, 0, 800, 400)
	UNION ALL SELECT '35030400' || s, 'street ' || s, square(400 * s - 400, 0, 400 * s, 400) FROM generate_series(1, 2) s
	UNION ALL SELECT format('35030400%s00%s', s, c), format('community %s.%s', s, c), square(400 * s + 200 * c - 600, 0, 400 * s + 200 * c - 400, 400)
		FROM generate_series(1, 2) s, generate_series(1, 2) c
	UNION ALL SELECT format('35030400%s00%s00%s', s, c, g), format('grid %s.%s.%s', s, c, g), square(400 * s + 200 * c - 600, 100 * g - 100, 400 * s + 200 * c - 400, 100 * g)
		FROM generate_series(1, 2) s, generate_series(1, 2) c, generate_series(1, 4) g $$;

-- The grid of a point by looking at all of them: on a border that of the lowest code.
CREATE FUNCTION grid_by_force(p geometry) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT b.code FROM boundary b JOIN area a USING (code)
	WHERE a.level = 'grid' AND a.kind = 'base' AND b.valid_from IS NOT NULL AND b.valid_to IS NULL AND ST_Intersects(b.geom, p) ORDER BY b.code LIMIT 1 $$;
CREATE VIEW grid_wrong AS
	SELECT 'building' AS what, id::text, grid, grid_status, grid_by_force(geom) AS right_grid FROM building
	WHERE (grid, gridcode::text, grid_status) IS DISTINCT FROM (grid_by_force(geom), grid_by_force(geom),
		CASE WHEN geom IS NULL THEN 'no location' WHEN grid_by_force(geom) IS NULL THEN 'outside' ELSE 'assigned' END)
	UNION ALL
	SELECT 'establishment', id::text, grid, grid_status, grid_by_force(geom) FROM establishment
	WHERE (grid, gridcode::text, grid_status) IS DISTINCT FROM (grid_by_force(geom), grid_by_force(geom),
		CASE WHEN geom IS NULL THEN 'no location' WHEN grid_by_force(geom) IS NULL THEN 'outside' ELSE 'assigned' END)
	UNION ALL
	SELECT 'household', h.id::text, h.grid, h.grid_status, b.grid FROM household h JOIN building b ON b.id = h.building
	WHERE (h.grid, h.gridcode, h.grid_status) IS DISTINCT FROM (b.grid, b.gridcode, b.grid_status);
GRANT SELECT ON grid_wrong TO PUBLIC;
