-- Triggers that keep the register consistent, and the functions that people call. Replaced at every installation.
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

-- Areas and boundaries.

-- A boundary version that is not published, and will not be until this transaction is done.
CREATE OR REPLACE FUNCTION boundary_draft(version int) RETURNS boundary_version
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	draft boundary_version := (SELECT v FROM boundary_version v WHERE v.version = boundary_draft.version FOR SHARE);
BEGIN
	IF draft.version IS NULL THEN
		RAISE EXCEPTION 'there is no boundary version %', version USING ERRCODE = 'undefined_object',
			HINT = 'INSERT INTO boundary_version (version, title, valid_from) begins one.';
	ELSIF draft.published_at IS NOT NULL THEN
		RAISE EXCEPTION 'boundary version % is published', version USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Make the change in a new one: INSERT INTO boundary_version (version, title, valid_from).';
	END IF;
	RETURN draft;
END $$;

CREATE OR REPLACE FUNCTION area_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	reg register := (SELECT r FROM register r);
	former area;
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF OLD.valid_from IS NOT NULL THEN
			RAISE EXCEPTION 'area % has been opened, so it can only be closed', OLD.code USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'boundary_close has a new boundary version close it.';
		END IF;
		RETURN OLD;
	ELSIF TG_OP = 'INSERT' THEN
		SELECT * INTO former FROM area a WHERE a.code = NEW.code;
		IF FOUND THEN
			RAISE EXCEPTION 'code % has been used before, by "%"', former.code, former.name USING ERRCODE = 'unique_violation',
				HINT = 'A code is never used again: number the new area anew.';
		ELSIF grid_level(NEW.code::gridcode, reg.scheme::gridscheme) IS NULL
				OR grid_ancestor(NEW.code::gridcode, reg.top_level, reg.scheme::gridscheme) IS NULL THEN
			RAISE EXCEPTION 'code % is not at a level of this register', NEW.code USING ERRCODE = 'check_violation',
				DETAIL = format('Its levels are those of "%s" from %s downwards.', reg.scheme, reg.top_level);
		ELSIF grid_ancestor(NEW.code::gridcode, 'district', reg.scheme::gridscheme) <> NEW.code::gridcode
				AND substr(NEW.code, 1 + grid_digits(grid_parent(NEW.code::gridcode, reg.scheme::gridscheme))) ~ '^0+$' THEN
			RAISE EXCEPTION 'code % ends in a number of only zeros', NEW.code USING ERRCODE = 'check_violation',
				HINT = format('Official lists pad codes with zeros: SELECT grid_unpad(%L) cuts them off.', NEW.code);
		END IF;
		PERFORM boundary_draft(NEW.opened_in);
	ELSIF (NEW.code, NEW.opened_in) IS DISTINCT FROM (OLD.code, OLD.opened_in) THEN
		RAISE EXCEPTION 'code % cannot be changed', OLD.code USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Close the area in a new boundary version, and open another with the new code.';
	ELSIF NEW.closed_in IS DISTINCT FROM OLD.closed_in THEN
		PERFORM boundary_draft(v) FROM unnest(ARRAY[OLD.closed_in, NEW.closed_in]) v WHERE v IS NOT NULL;
	END IF;
	RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION boundary_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND (NEW.id, NEW.code, NEW.version, NEW.kind) IS NOT DISTINCT FROM (OLD.id, OLD.code, OLD.version, OLD.kind)
			AND ST_AsBinary(NEW.geom) = ST_AsBinary(OLD.geom) THEN
		RETURN NEW;	-- publishing
	END IF;
	PERFORM boundary_draft(v) FROM unnest(ARRAY[OLD.version, NEW.version]) v WHERE v IS NOT NULL;
	IF NOT ST_CoveredBy(NEW.geom, ST_MakeEnvelope(-180, -90, 180, 90, ST_SRID(NEW.geom)))
			AND (SELECT l.geographic FROM register r JOIN grid_layers l ON l.layer = r.name || '.grids') THEN
		RAISE EXCEPTION 'the boundary of % is not on the globe', NEW.code USING ERRCODE = 'data_exception',
			DETAIL = format('It reaches from %s to %s.', ST_AsText(ST_Point(ST_XMin(NEW.geom), ST_YMin(NEW.geom))), ST_AsText(ST_Point(ST_XMax(NEW.geom), ST_YMax(NEW.geom)))),
			HINT = 'Longitude comes first, then latitude.';
	END IF;
	RETURN coalesce(NEW, OLD);
END $$;

-- Of a published version only the title can change.
CREATE OR REPLACE FUNCTION boundary_version_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
	IF TG_OP = 'DELETE' OR (NEW.version, NEW.valid_from, NEW.published_at) IS DISTINCT FROM (OLD.version, OLD.valid_from, OLD.published_at) THEN
		RAISE EXCEPTION 'boundary version % is published', OLD.version USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Make the change in a new one: INSERT INTO boundary_version (version, title, valid_from).';
	END IF;
	RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION boundary_draw(version int, code text, name text, geom geometry, kind text DEFAULT 'base') RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	known area := (SELECT a FROM area a WHERE a.code = boundary_draw.code);
BEGIN
	PERFORM boundary_draft(version);
	IF known.code IS NULL THEN
		INSERT INTO area (code, name, kind, opened_in) VALUES (boundary_draw.code, boundary_draw.name, boundary_draw.kind, boundary_draw.version);
	ELSIF known.closed_in <= version THEN
		RAISE EXCEPTION 'code % has been used before, by "%"', known.code, known.name USING ERRCODE = 'unique_violation',
			HINT = 'A code is never used again: number the new area anew.';
	ELSIF known.name <> boundary_draw.name THEN
		RAISE EXCEPTION 'area % is called "%"', known.code, known.name USING ERRCODE = 'check_violation',
			HINT = format('UPDATE area SET name = … WHERE code = %L names it anew, at once.', known.code);
	ELSIF known.kind <> boundary_draw.kind THEN
		RAISE EXCEPTION 'area % is %, not %', known.code, known.kind, boundary_draw.kind USING ERRCODE = 'check_violation';
	END IF;
	IF geom IS NOT NULL THEN
		INSERT INTO boundary (code, version, kind, geom)
		VALUES (boundary_draw.code, boundary_draw.version, boundary_draw.kind, ST_Multi(boundary_draw.geom))
		ON CONFLICT ON CONSTRAINT boundary_code_version_key DO UPDATE SET geom = excluded.geom;
	END IF;
END $$;

CREATE OR REPLACE FUNCTION boundary_close(version int, code text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	other area;
BEGIN
	PERFORM boundary_draft(version);
	UPDATE area a SET closed_in = boundary_close.version
	WHERE a.code = boundary_close.code AND a.valid_from IS NOT NULL AND a.valid_to IS NULL
		AND coalesce(a.closed_in, boundary_close.version) = boundary_close.version;
	IF NOT FOUND THEN
		SELECT * INTO other FROM area a WHERE a.code = boundary_close.code AND a.valid_to IS NULL AND a.closed_in <> boundary_close.version;
		IF FOUND THEN
			RAISE EXCEPTION 'area % is closed by boundary version %', other.code, other.closed_in USING ERRCODE = 'object_not_in_prerequisite_state';
		END IF;
		RAISE EXCEPTION 'there is no open area %', code USING ERRCODE = 'undefined_object',
			HINT = 'What a draft has opened is deleted: first from boundary, then from area.';
	END IF;
END $$;

-- What publishing changes, whether it is meant or tried.
CREATE OR REPLACE FUNCTION boundary_apply(version int) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	draft boundary_version;
	astray area;
BEGIN
	PERFORM FROM boundary_version v ORDER BY v.version FOR UPDATE;	-- one at a time
	draft := boundary_draft(version);
	IF draft.valid_from > today() THEN
		RAISE EXCEPTION 'boundary version % is valid from % on', version, draft.valid_from
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Publish it on that day.';
	ELSIF EXISTS (SELECT FROM boundary_version v WHERE v.published_at IS NOT NULL AND (v.valid_from >= draft.valid_from OR v.version > draft.version)) THEN
		RAISE EXCEPTION 'a later boundary version than % is published', version USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	SELECT a.* INTO astray FROM area a JOIN area p ON p.code = a.parent
	WHERE a.opened_in = draft.version AND (p.valid_to IS NOT NULL OR p.closed_in = draft.version OR p.valid_from IS NULL AND p.opened_in <> draft.version)
	ORDER BY a.code LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'area % is opened in area %, which is not open', astray.code, astray.parent USING ERRCODE = 'foreign_key_violation';
	END IF;
	SELECT a.* INTO astray FROM area a JOIN area p ON p.code = a.parent
	WHERE p.closed_in = draft.version AND a.valid_to IS NULL AND a.closed_in IS DISTINCT FROM draft.version
		AND (a.valid_from IS NOT NULL OR a.opened_in = draft.version) ORDER BY a.code LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'area % lies in area %, which is closed', astray.code, astray.parent USING ERRCODE = 'foreign_key_violation',
			HINT = 'Close it as well.';
	END IF;
	SELECT a.* INTO astray FROM area a JOIN boundary b ON b.code = a.code
	WHERE b.version = draft.version AND (a.valid_to IS NOT NULL OR a.closed_in = draft.version OR a.valid_from IS NULL AND a.opened_in <> draft.version)
	ORDER BY a.code LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'area % is drawn in boundary version %, but is not open in it', astray.code, version USING ERRCODE = 'check_violation',
			DETAIL = format('It is opened in boundary version %s%s.', astray.opened_in, ' and closed in ' || astray.closed_in);
	END IF;
	UPDATE boundary_version v SET published_at = now() WHERE v.version = draft.version;
	UPDATE boundary b SET valid_to = draft.valid_from FROM area a
	WHERE a.code = b.code AND b.valid_from IS NOT NULL AND b.valid_to IS NULL
		AND (a.closed_in = draft.version OR EXISTS (SELECT FROM boundary n WHERE n.code = b.code AND n.version = draft.version));
	UPDATE boundary b SET valid_from = draft.valid_from WHERE b.version = draft.version;
	UPDATE area a SET valid_to = draft.valid_from WHERE a.closed_in = draft.version;
	UPDATE area a SET valid_from = draft.valid_from WHERE a.opened_in = draft.version;
END $$;

-- Square metres on the ellipsoid; in the units of the SRID where the shape is nowhere on earth.
CREATE OR REPLACE FUNCTION boundary_area(geom geometry) RETURNS float8
LANGUAGE plpgsql STABLE STRICT SET search_path FROM CURRENT AS $$
BEGIN
	RETURN ST_Area(ST_Transform(geom, 4326)::geography);
EXCEPTION WHEN OTHERS THEN
	RETURN ST_Area(geom);
END $$;

-- The problems of the map as it stands: what grid_layer_check says, and what it cannot know.
CREATE OR REPLACE FUNCTION boundary_problems() RETURNS TABLE (problem text, code text, other_code text, square_metres float8, geom geometry)
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
	layers text := (SELECT r.name FROM register r);
BEGIN
	RETURN QUERY
	SELECT c.problem, c.code::text, c.other_code::text, CASE WHEN c.area IS NOT NULL THEN boundary_area(c.geom) END, c.geom
	FROM grid_layer_check(layers || '.areas') c
	-- a community whose grids are not drawn yet is no gap
	WHERE c.problem <> 'gap' OR EXISTS (SELECT FROM area a WHERE a.parent = c.code::text AND a.kind = 'base' AND a.valid_from IS NOT NULL AND a.valid_to IS NULL);
	RETURN QUERY
	SELECT 'no boundary', a.code, NULL::text, NULL::float8, NULL::geometry FROM area a
	WHERE a.level = 'grid' AND a.valid_from IS NOT NULL AND a.valid_to IS NULL
		AND NOT EXISTS (SELECT FROM boundary b WHERE b.code = a.code AND b.valid_from IS NOT NULL AND b.valid_to IS NULL);
	-- dedicated grids lie across the others, but not across each other, and in their community
	RETURN QUERY
	SELECT c.problem, c.code::text, c.other_code::text, CASE WHEN c.area IS NOT NULL THEN boundary_area(c.geom) END, c.geom
	FROM grid_layer_check(layers || '.dedicated') c WHERE c.problem NOT IN ('gap', 'missing parent');
	RETURN QUERY
	SELECT 'child outside its parent', d.code, p.code, boundary_area(o.geom), o.geom
	FROM boundary d JOIN area a ON a.code = d.code JOIN boundary p ON p.code = a.parent,
		LATERAL (SELECT ST_Multi(ST_CollectionExtract(ST_Difference(ST_MakeValid(d.geom), ST_MakeValid(p.geom)), 3)) AS geom) o
	WHERE d.kind = 'dedicated' AND d.valid_from IS NOT NULL AND d.valid_to IS NULL AND p.valid_from IS NOT NULL AND p.valid_to IS NULL
		AND boundary_area(o.geom) > 0.01;
END $$;

CREATE OR REPLACE FUNCTION boundary_check(version int)
	RETURNS TABLE (problem text, code text, other_code text, square_metres float8, geom geometry)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
	problems jsonb;
BEGIN
	-- published for a moment, and taken back
	BEGIN
		PERFORM boundary_apply(version);
		SELECT jsonb_agg(jsonb_build_array(p.problem, p.code, p.other_code, p.square_metres, encode(ST_AsEWKB(p.geom), 'hex'))) INTO problems
		FROM boundary_problems() p;
		RAISE EXCEPTION USING ERRCODE = 'GT001';
	EXCEPTION WHEN SQLSTATE 'GT001' THEN NULL;
	END;
	RETURN QUERY SELECT p->>0, p->>1, p->>2, (p->>3)::float8, (p->>4)::geometry FROM jsonb_array_elements(problems) p ORDER BY 2, 1, 3;
END $$;

CREATE OR REPLACE FUNCTION boundary_publish(version int, square_metres float8 DEFAULT 0) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
	worst record;
	layer text := (SELECT r.name || '.grids' FROM register r);
	assigned bigint;
	changed bigint;
	outside bigint;
	left_open bigint;
BEGIN
	-- at others the buildings that came since the snapshot would be left behind
	IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
		RAISE EXCEPTION 'a boundary version can be published at isolation level READ COMMITTED only' USING ERRCODE = 'feature_not_supported';
	END IF;
	-- one at a time, and what is checked is what is published
	PERFORM FROM boundary_version v ORDER BY v.version FOR UPDATE;
	SELECT *, count(*) OVER () AS problems INTO worst FROM boundary_check(version) c
	WHERE c.square_metres IS NULL OR c.square_metres > coalesce(boundary_publish.square_metres, 0) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'boundary version % has problems', version USING ERRCODE = 'check_violation',
			DETAIL = format('The first of %s: %s, %s.', worst.problems, worst.problem, concat_ws(' and ', worst.code, worst.other_code)),
			HINT = format('SELECT * FROM boundary_check(%s) lists them.', version);
	END IF;
	-- whoever is writing them finishes first, and who comes later finds the new grids; households last, as people write them
	LOCK TABLE building, establishment, household IN SHARE ROW EXCLUSIVE MODE;
	PERFORM boundary_apply(version);
	CALL grid_assign('building', layer, 'geom', 'gridcode', assigned => assigned, changed => changed, outside => outside);
	CALL grid_assign('establishment', layer, 'geom', 'gridcode', assigned => assigned, changed => changed, outside => outside);
	-- nobody serves an area that is no more
	UPDATE assignment p SET valid_to = greatest(now(), p.valid_from)
	FROM area a WHERE a.code = p.area AND a.closed_in = boundary_publish.version AND (p.valid_to IS NULL OR p.valid_to > now());
	UPDATE organization o SET grid = NULL
	FROM area a WHERE a.code = o.grid AND a.closed_in = boundary_publish.version AND o.valid_to IS NULL;
	SELECT count(*) INTO left_open FROM event e JOIN area a ON a.code = e.grid
	WHERE a.closed_in = boundary_publish.version AND e.state NOT IN ('recorded', 'closed', 'rejected');
	IF left_open > 0 THEN
		RAISE WARNING 'cases that are open in the closed grids: %', left_open
			USING DETAIL = 'They stay in these grids, and with the managers of their communities.';
	END IF;
END $$;

-- Buildings and households.

CREATE OR REPLACE FUNCTION building_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	-- households that came since the snapshot would be left behind, also at SERIALIZABLE where they came from others that are not
	IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
			AND EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id) WHERE (n.grid, n.grid_status) IS DISTINCT FROM (o.grid, o.grid_status)) THEN
		RAISE EXCEPTION 'a building can change its grid at isolation level READ COMMITTED only' USING ERRCODE = 'feature_not_supported';
	END IF;
	UPDATE household h SET grid = n.grid, grid_status = n.grid_status
	FROM new_rows n WHERE h.building = n.id AND (h.grid, h.grid_status) IS DISTINCT FROM (n.grid, n.grid_status);
	RETURN NULL;
END $$;

-- The building is locked against being moved until the household is there for building_moved to see.
CREATE OR REPLACE FUNCTION household_grid() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	IF NEW.valid_to > today() THEN
		RAISE EXCEPTION 'a household that has left has not left on % yet', NEW.valid_to USING ERRCODE = 'check_violation',
			HINT = 'valid_to is written when it has left.';
	END IF;
	IF TG_OP = 'INSERT' OR (NEW.building, NEW.grid, NEW.grid_status) IS DISTINCT FROM (OLD.building, OLD.grid, OLD.grid_status) THEN
		SELECT b.grid, b.grid_status INTO NEW.grid, NEW.grid_status FROM building b WHERE b.id = NEW.building FOR SHARE;
		-- a building that is not there is the foreign key's to say
		NEW.grid_status := coalesce(NEW.grid_status, 'no location');
	END IF;
	RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION visit_grid() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	IF NEW.visited_at > clock_timestamp() THEN
		RAISE EXCEPTION 'the visit is in the future' USING ERRCODE = 'check_violation';
	END IF;
	SELECT h.grid INTO NEW.grid FROM household h WHERE h.id = NEW.household;
	RETURN NEW;
END $$;

-- For visits of who is writing; others' are taken over by the owner, who alone can write in their names.
CREATE OR REPLACE FUNCTION visit_check() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	days int := (SELECT r.late_days FROM register r);
BEGIN
	IF NEW.visited_at < clock_timestamp() - make_interval(days => days) AND NOT is_admin(NEW.visited_by) THEN
		RAISE EXCEPTION 'the visit is reported too late' USING ERRCODE = 'insufficient_privilege',
			DETAIL = format('It can be reported for %s days; administrators can report it later.', days);
	END IF;
	RETURN NEW;
END $$;

-- An area that is open, and will be until this transaction is done.
CREATE OR REPLACE FUNCTION area_open(code text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	a area := (SELECT a FROM area a WHERE a.code = area_open.code FOR SHARE);
BEGIN
	IF a.valid_to IS NOT NULL THEN
		RAISE EXCEPTION 'area % was closed on %', a.code, a.valid_to USING ERRCODE = 'check_violation';
	ELSIF a.code IS NOT NULL AND a.valid_from IS NULL THEN
		RAISE EXCEPTION 'area % is not open yet', a.code USING ERRCODE = 'check_violation', HINT = 'Publish its boundary version first.';
	END IF;
END $$;

-- Does one organization stand above another? By rank; service centres, which all have one, by their areas. So there is no circle.
CREATE OR REPLACE FUNCTION organization_above(upper organization, lower organization) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT u.rank < l.rank OR (upper).kind = 'service_centre' AND (lower).kind = 'service_centre'
			AND (upper).area::gridcode @> (lower).area::gridcode AND (upper).area <> (lower).area
	FROM organization_kind u, organization_kind l WHERE u.kind = (upper).kind AND l.kind = (lower).kind;
END;

CREATE OR REPLACE FUNCTION organization_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
	IF NEW.valid_to > today() THEN
		RAISE EXCEPTION 'an organization that has ended has not ended on % yet', NEW.valid_to USING ERRCODE = 'check_violation';
	ELSIF NEW.valid_to IS NULL THEN
		PERFORM area_open(v.code) FROM (VALUES (NEW.area, OLD.area), (NEW.grid, OLD.grid)) v (code, former)
		WHERE v.code IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.valid_to IS NOT NULL OR v.code IS DISTINCT FROM v.former);
	END IF;
	IF NEW.parent = NEW.id OR EXISTS (SELECT FROM organization p WHERE p.id = NEW.parent AND NOT organization_above(p, NEW)) THEN
		RAISE EXCEPTION 'a % cannot be under organization %', NEW.kind, NEW.parent USING ERRCODE = 'check_violation',
			DETAIL = 'Kinds of organizations have ranks, and a parent has a lower one; a service centre may be under that of an area around its own.';
	ELSIF EXISTS (SELECT FROM organization c WHERE c.parent = NEW.id AND NOT organization_above(NEW, c)) THEN
		RAISE EXCEPTION 'organization % cannot be a %: it has others under it that rank as high', NEW.id, NEW.kind USING ERRCODE = 'check_violation',
			DETAIL = 'Kinds of organizations have ranks, and a parent has a lower one; a service centre may be under that of an area around its own.';
	END IF;
	RETURN NEW;
END $$;

-- Kinds of events are a tree.
CREATE OR REPLACE FUNCTION event_kind_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	above text := NEW.parent;
BEGIN
	WHILE above IS NOT NULL LOOP
		IF above = NEW.kind THEN
			RAISE EXCEPTION 'kind "%" cannot be one of its own kinds', NEW.kind USING ERRCODE = 'check_violation';
		END IF;
		-- two at once could make a circle
		SELECT k.parent INTO above FROM event_kind k WHERE k.kind = above FOR SHARE;
	END LOOP;
	RETURN NEW;
END $$;

-- Posts that would be no use to who holds them. Roles may be made later, and granted.
CREATE OR REPLACE FUNCTION assignment_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	prefix text := (SELECT r.role_prefix FROM register r);
	groups text[] := ARRAY[prefix || '_officer', prefix || '_manager', prefix || '_handler', prefix || '_statistician', prefix || '_reader', prefix || '_admin', prefix || '_owner'];
BEGIN
	-- but for one that never begins, as boundary_publish leaves it
	IF NEW.valid_to IS NULL OR NEW.valid_to > greatest(clock_timestamp(), NEW.valid_from) THEN
		PERFORM area_open(NEW.area);
	END IF;
	IF NEW.post = 'handler' AND NEW.organization IS NOT NULL AND NOT EXISTS (SELECT FROM organization o WHERE o.id = NEW.organization AND o.kind = 'department') THEN
		RAISE EXCEPTION 'organization % is not a department', NEW.organization USING ERRCODE = 'check_violation';
	ELSIF NEW.role_name = ANY (groups) THEN
		RAISE EXCEPTION 'role "%" is for many, and cannot hold a post', NEW.role_name USING ERRCODE = 'check_violation',
			HINT = format('Make a role for the person, and grant it this one: CREATE ROLE … LOGIN IN ROLE %I.', NEW.role_name);
	ELSIF NEW.role_name IS NULL THEN
		RETURN NEW;
	ELSIF to_regrole(quote_ident(NEW.role_name)) IS NULL THEN
		RAISE WARNING 'role "%" does not exist', NEW.role_name;
	ELSIF NOT EXISTS (SELECT FROM unnest(groups) g WHERE pg_has_role(NEW.role_name::name, g::name, 'MEMBER')) THEN
		RAISE WARNING 'role "%" is in none of the register''s roles', NEW.role_name
			USING HINT = format('GRANT %I TO %I.', prefix || '_officer', NEW.role_name);
	END IF;
	RETURN NEW;
END $$;

-- Events.

-- Where an event is: at its point, or where its household or building is, or in the grid that was named.
CREATE OR REPLACE FUNCTION event_placed(e event) RETURNS event
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
	IF e.geom IS NOT NULL THEN
		e.grid := grid_locate((SELECT r.name || '.grids' FROM register r), e.geom)::text;
		e.grid_status := CASE WHEN e.grid IS NULL THEN 'outside' ELSE 'assigned' END;
	ELSIF e.household IS NOT NULL THEN
		SELECT h.grid, h.grid_status, coalesce(e.building, h.building) INTO e.grid, e.grid_status, e.building FROM household h WHERE h.id = e.household;
	ELSIF e.building IS NOT NULL THEN
		SELECT b.grid, b.grid_status INTO e.grid, e.grid_status FROM building b WHERE b.id = e.building;
	ELSIF e.grid IS NOT NULL THEN
		e.grid_status := 'assigned';
	END IF;
	-- a household or building that is not there leaves it without a grid
	e.grid_status := CASE WHEN e.grid IS NULL THEN coalesce(nullif(e.grid_status, 'assigned'), 'no location') ELSE e.grid_status END;
	RETURN e;
END $$;

-- May it be reported, there and then? Only administrators report long afterwards, and grant more time than the kind has.
CREATE OR REPLACE FUNCTION event_report_check(e event, of_kind event_kind) RETURNS void
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
	reg register := (SELECT r FROM register r);
	a area := (SELECT a FROM area a WHERE a.code = e.grid);
	admin boolean := is_admin(e.reported_by);
BEGIN
	IF e.grid IS NULL THEN
		RAISE EXCEPTION 'the event is in no grid' USING ERRCODE = 'check_violation',
			HINT = 'Give a point inside the district, a household or building that has a grid, or the code of the grid.';
	ELSIF a.code IS NULL OR a.level <> 'grid' OR a.kind <> 'base' OR a.valid_from IS NULL THEN
		RAISE EXCEPTION '% is not the code of a base grid', e.grid USING ERRCODE = 'foreign_key_violation';
	ELSIF a.valid_to IS NOT NULL THEN
		RAISE EXCEPTION 'grid % was closed on %', a.code, a.valid_to USING ERRCODE = 'check_violation';
	ELSIF NOT admin AND NOT EXISTS (SELECT FROM current_post p
			WHERE p.role_name = e.reported_by AND p.sees_rows AND p.post <> 'statistician' AND p.gridcode @> e.grid::gridcode) THEN
		RAISE EXCEPTION 'the event is not in the scope of role "%"', e.reported_by USING ERRCODE = 'insufficient_privilege';
	ELSIF e.reported_at > clock_timestamp() THEN
		RAISE EXCEPTION 'the event is reported in the future' USING ERRCODE = 'check_violation';
	ELSIF NOT admin AND e.reported_at < clock_timestamp() - make_interval(days => reg.late_days) THEN
		RAISE EXCEPTION 'the event is reported too late' USING ERRCODE = 'insufficient_privilege',
			DETAIL = format('It can be reported for %s days; administrators can report it later.', reg.late_days);
	ELSIF of_kind.unit = 'case' AND e.quantity <> 1 THEN
		RAISE EXCEPTION 'a case is one event' USING ERRCODE = 'check_violation', DETAIL = format('Its quantity is %s.', e.quantity);
	ELSIF NOT admin AND e.deadline > event_deadline(e.reported_at, of_kind) THEN
		RAISE EXCEPTION 'the deadline is later than % days after the report', of_kind.days USING ERRCODE = 'insufficient_privilege',
			HINT = 'Let it be extended when it is worked on.';
	END IF;
END $$;

-- When a case is due by its kind: days are the register's, wherever the client is.
CREATE OR REPLACE FUNCTION event_deadline(reported_at timestamptz, of_kind event_kind) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
	zone text := (SELECT r.time_zone FROM register r);
BEGIN
	RETURN (reported_at AT TIME ZONE zone + make_interval(days => of_kind.days)) AT TIME ZONE zone;
END $$;

-- An event that comes without a state is reported now; one that has a state is taken over as it stands, by the owner, who
-- alone can write it.
CREATE OR REPLACE FUNCTION event_reported() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
	of_kind event_kind := (SELECT k FROM event_kind k WHERE k.kind = NEW.kind);
BEGIN
	IF of_kind.kind IS NULL THEN
		RAISE EXCEPTION 'there is no kind of event "%"', NEW.kind USING ERRCODE = 'foreign_key_violation';
	END IF;
	NEW := event_placed(NEW);
	IF NEW.state IS NULL THEN
		PERFORM event_report_check(NEW, of_kind);
		NEW.state := CASE of_kind.unit WHEN 'case' THEN 'reported' ELSE 'recorded' END;
	END IF;
	IF of_kind.unit = 'case' THEN
		NEW.deadline := coalesce(NEW.deadline, event_deadline(NEW.reported_at, of_kind));
		NEW.desk := coalesce(NEW.desk, 'community');
	END IF;
	-- figures are those of base grids: what is taken over from elsewhere is in one as well, open or closed
	IF NEW.grid IS NOT NULL AND NOT EXISTS (SELECT FROM area a WHERE a.code = NEW.grid AND a.level = 'grid' AND a.kind = 'base' AND a.valid_from IS NOT NULL) THEN
		RAISE EXCEPTION '% is not the code of a base grid', NEW.grid USING ERRCODE = 'foreign_key_violation';
	ELSIF NEW.deadline <= NEW.reported_at THEN
		RAISE EXCEPTION 'the deadline is before the report' USING ERRCODE = 'check_violation',
			DETAIL = format('It was reported at %s, and the deadline is %s.', NEW.reported_at, NEW.deadline);
	END IF;
	RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION event_first_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	INSERT INTO event_step (event, number, step, done_at, done_by, desk, deadline, grid)
	VALUES (NEW.id, 1, 'reported', NEW.reported_at, NEW.reported_by, NEW.desk, NEW.deadline, NEW.grid);
	RETURN NULL;
END $$;

-- The levels at which an event can lie, the highest first.
CREATE OR REPLACE FUNCTION desks(code gridcode) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT array_agg(a.level ORDER BY grid_digits(a.code)) FROM grid_ancestors(desks.code, :'scheme') a
	WHERE grid_digits(a.code) BETWEEN grid_digits(grid_ancestor(desks.code, :'top_level', :'scheme')) AND grid_digits(grid_ancestor(desks.code, 'community', :'scheme'));
END;

-- Does an event lie in what somebody's posts reach?
CREATE OR REPLACE FUNCTION event_in_scope(e event, who text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
	RETURN is_admin(who) OR EXISTS (SELECT FROM current_post p WHERE p.role_name = who
		AND (p.sees_rows AND p.gridcode @> e.gridcode OR p.post = 'handler' AND p.organization = e.department));
END $$;

-- May somebody take a step that these posts may? Managers act at the desk where the event lies.
CREATE OR REPLACE FUNCTION event_actor(e event, who text, actors text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
	RETURN is_admin(who) OR EXISTS (SELECT FROM current_post p WHERE p.role_name = who AND p.post = ANY (actors) AND CASE p.post
		WHEN 'manager' THEN p.gridcode @> grid_ancestor(e.gridcode, e.desk, (SELECT r.scheme FROM register r)::gridscheme)
		WHEN 'handler' THEN p.organization = e.department
		ELSE p.gridcode @> e.gridcode END);
END $$;

-- The desk one level up or down.
CREATE OR REPLACE FUNCTION event_next_desk(e event, step text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
	levels text[] := desks(e.gridcode);
	after text := levels[array_position(levels, e.desk) + CASE step WHEN 'escalated' THEN -1 ELSE 1 END];
BEGIN
	IF after IS NULL THEN
		RAISE EXCEPTION 'event % cannot be %: it lies at the desk of the %', e.id, step, e.desk USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	RETURN after;
END $$;

-- What a step brings along belongs to it: a department, a deadline, a satisfaction.
CREATE OR REPLACE FUNCTION event_step_check(e event, s event_step) RETURNS void
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
	IF s.department IS NOT NULL AND s.step <> 'dispatched' THEN
		RAISE EXCEPTION 'only a step "dispatched" has a department' USING ERRCODE = 'check_violation';
	ELSIF s.step = 'dispatched' AND NOT EXISTS (SELECT FROM organization o
			WHERE o.id = coalesce(s.department, e.department) AND o.kind = 'department' AND o.valid_to IS NULL) THEN
		RAISE EXCEPTION USING ERRCODE = 'check_violation',
			MESSAGE = CASE WHEN s.department IS NULL THEN format('event %s is dispatched to no department', e.id)
				ELSE format('organization %s is not a department', s.department) END,
			HINT = 'Name the department: department => its id in organization.';
	ELSIF s.deadline IS NOT NULL AND s.step NOT IN ('dispatched', 'extended') THEN
		RAISE EXCEPTION 'only steps "dispatched" and "extended" have a deadline' USING ERRCODE = 'check_violation';
	ELSIF s.step = 'dispatched' AND s.deadline > e.deadline THEN
		RAISE EXCEPTION 'the deadline is later than that of event %', e.id USING ERRCODE = 'check_violation',
			DETAIL = format('The deadline of event %s is %s.', e.id, e.deadline), HINT = 'Extend it.';
	ELSIF s.step = 'extended' AND (s.deadline IS NULL OR s.deadline <= e.deadline) THEN
		RAISE EXCEPTION 'the new deadline is not after the old one' USING ERRCODE = 'check_violation',
			DETAIL = format('The deadline of event %s is %s.', e.id, e.deadline);
	ELSIF s.deadline <= e.reported_at THEN
		RAISE EXCEPTION 'the deadline is before the report' USING ERRCODE = 'check_violation',
			DETAIL = format('It was reported at %s, and the deadline is %s.', e.reported_at, s.deadline);
	ELSIF s.satisfaction IS NOT NULL AND s.step <> 'closed' THEN
		RAISE EXCEPTION 'only a step "closed" has a satisfaction' USING ERRCODE = 'check_violation';
	END IF;
END $$;

-- A step is taken: checked against the event as it is now, and carried out on it.
CREATE OR REPLACE FUNCTION event_step_taken() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
	e event;
	t event_transition;
BEGIN
	SELECT * INTO e FROM event WHERE id = NEW.event FOR UPDATE;
	IF e.id IS NULL OR NOT event_in_scope(e, NEW.done_by) THEN
		RAISE EXCEPTION 'there is no event % in the scope of role "%"', NEW.event, NEW.done_by USING ERRCODE = 'insufficient_privilege';
	END IF;
	SELECT * INTO t FROM event_transition x WHERE x.state = e.state AND x.step = NEW.step;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'event % is %, so it cannot be %', e.id, e.state, NEW.step USING ERRCODE = 'object_not_in_prerequisite_state',
			DETAIL = coalesce((SELECT 'What can follow: ' || string_agg(x.step, ', ' ORDER BY x.step) || '.' FROM event_transition x WHERE x.state = e.state), 'Nothing can follow.');
	ELSIF NOT event_actor(e, NEW.done_by, t.actors) THEN
		RAISE EXCEPTION 'role "%" may not have event % %', NEW.done_by, e.id, NEW.step USING ERRCODE = 'insufficient_privilege',
			DETAIL = format('It lies at the desk of the %s; those who may: %s.', e.desk, array_to_string(t.actors, ', '));
	END IF;
	PERFORM event_step_check(e, NEW);

	NEW.done_at := clock_timestamp();
	NEW.number := (SELECT coalesce(max(s.number), 0) + 1 FROM event_step s WHERE s.event = e.id);
	NEW.grid := e.grid;
	NEW.desk := CASE WHEN NEW.step IN ('escalated', 'returned') THEN event_next_desk(e, NEW.step) ELSE e.desk END;
	IF NEW.step = 'dispatched' THEN
		NEW.department := coalesce(NEW.department, e.department);
	END IF;
	UPDATE event x SET state = t.new_state, desk = NEW.desk, department = coalesce(NEW.department, x.department), deadline = coalesce(NEW.deadline, x.deadline),
		extended_at = CASE NEW.step WHEN 'extended' THEN coalesce(x.extended_at, NEW.done_at) ELSE x.extended_at END,
		reopened_at = CASE NEW.step WHEN 'reopened' THEN coalesce(x.reopened_at, NEW.done_at) ELSE x.reopened_at END,
		closed_at = CASE NEW.step WHEN 'closed' THEN NEW.done_at WHEN 'reopened' THEN NULL ELSE x.closed_at END,
		satisfaction = CASE NEW.step WHEN 'closed' THEN NEW.satisfaction WHEN 'reopened' THEN NULL ELSE x.satisfaction END
	WHERE x.id = e.id;
	RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
	RAISE EXCEPTION 'rows of "%" are only ever added', TG_TABLE_NAME USING ERRCODE = 'object_not_in_prerequisite_state';
END $$;

-- What, when, by whom and in which grid an event was reported never change: only its steps go on.
CREATE OR REPLACE FUNCTION event_fixed() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
	RAISE EXCEPTION 'what was reported of event % cannot be changed', OLD.id USING ERRCODE = 'object_not_in_prerequisite_state';
END $$;

CREATE OR REPLACE FUNCTION event_report(kind text, location geometry DEFAULT NULL, household uuid DEFAULT NULL, building int DEFAULT NULL,
	grid text DEFAULT NULL, quantity int DEFAULT 1, reported_at timestamptz DEFAULT NULL, deadline timestamptz DEFAULT NULL, note text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	INSERT INTO event (kind, geom, household, building, grid, quantity, reported_at, deadline, note)
	VALUES (event_report.kind, event_report.location, event_report.household, event_report.building, event_report.grid,
		event_report.quantity, coalesce(event_report.reported_at, now()), event_report.deadline, event_report.note)
	RETURNING id;
END;

CREATE OR REPLACE FUNCTION event_advance(event bigint, step text, department int DEFAULT NULL, deadline timestamptz DEFAULT NULL,
	satisfaction int DEFAULT NULL, note text DEFAULT NULL) RETURNS int
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	INSERT INTO event_step (event, step, department, deadline, satisfaction, note)
	VALUES (event_advance.event, event_advance.step, event_advance.department, event_advance.deadline, event_advance.satisfaction, event_advance.note)
	RETURNING number;
END;

-- Triggers; those that an owner has disabled are enabled again.
CREATE OR REPLACE TRIGGER boundary_version_guard BEFORE UPDATE OR DELETE ON boundary_version FOR EACH ROW
	WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION boundary_version_guard();
CREATE OR REPLACE TRIGGER area_guard BEFORE INSERT OR UPDATE OR DELETE ON area FOR EACH ROW EXECUTE FUNCTION area_guard();
CREATE OR REPLACE TRIGGER boundary_guard BEFORE INSERT OR UPDATE OR DELETE ON boundary FOR EACH ROW EXECUTE FUNCTION boundary_guard();
CREATE OR REPLACE TRIGGER building_moved AFTER UPDATE ON building REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION building_moved();
CREATE OR REPLACE TRIGGER household_grid BEFORE INSERT OR UPDATE ON household FOR EACH ROW EXECUTE FUNCTION household_grid();
CREATE OR REPLACE TRIGGER visit_check BEFORE INSERT ON visit FOR EACH ROW WHEN (NEW.visited_by = current_user::text) EXECUTE FUNCTION visit_check();
CREATE OR REPLACE TRIGGER visit_grid BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION visit_grid();
CREATE OR REPLACE TRIGGER organization_guard BEFORE INSERT OR UPDATE OF kind, parent, area, grid, valid_to ON organization FOR EACH ROW EXECUTE FUNCTION organization_guard();
CREATE OR REPLACE TRIGGER event_kind_guard BEFORE INSERT OR UPDATE OF kind, parent ON event_kind FOR EACH ROW WHEN (NEW.parent IS NOT NULL) EXECUTE FUNCTION event_kind_guard();
CREATE OR REPLACE TRIGGER assignment_guard BEFORE INSERT OR UPDATE OF role_name, valid_to ON assignment FOR EACH ROW EXECUTE FUNCTION assignment_guard();
CREATE OR REPLACE TRIGGER event_reported BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_reported();
CREATE OR REPLACE TRIGGER event_first_step AFTER INSERT ON event FOR EACH ROW WHEN (NEW.state IN ('recorded', 'reported')) EXECUTE FUNCTION event_first_step();
CREATE OR REPLACE TRIGGER event_fixed BEFORE UPDATE ON event FOR EACH ROW
	WHEN ((OLD.id, OLD.kind, OLD.quantity, OLD.reported_at, OLD.reported_by, OLD.grid) IS DISTINCT FROM (NEW.id, NEW.kind, NEW.quantity, NEW.reported_at, NEW.reported_by, NEW.grid))
	EXECUTE FUNCTION event_fixed();
-- History taken over from elsewhere has its own times, which only the owner can write.
CREATE OR REPLACE TRIGGER event_step_taken BEFORE INSERT ON event_step FOR EACH ROW WHEN (NEW.done_at IS NULL) EXECUTE FUNCTION event_step_taken();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_step FOR EACH STATEMENT EXECUTE FUNCTION append_only();
