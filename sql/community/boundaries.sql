-- Areas and boundaries: drafts, the check, and publishing.

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

-- Triggers; those that an owner has disabled are enabled again.
CREATE OR REPLACE TRIGGER boundary_version_guard BEFORE UPDATE OR DELETE ON boundary_version FOR EACH ROW
	WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION boundary_version_guard();
CREATE OR REPLACE TRIGGER area_guard BEFORE INSERT OR UPDATE OR DELETE ON area FOR EACH ROW EXECUTE FUNCTION area_guard();
CREATE OR REPLACE TRIGGER boundary_guard BEFORE INSERT OR UPDATE OR DELETE ON boundary FOR EACH ROW EXECUTE FUNCTION boundary_guard();
