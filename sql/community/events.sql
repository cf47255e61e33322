-- Events: how they are reported, and what is done about them.

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
CREATE OR REPLACE TRIGGER event_kind_guard BEFORE INSERT OR UPDATE OF kind, parent ON event_kind FOR EACH ROW WHEN (NEW.parent IS NOT NULL) EXECUTE FUNCTION event_kind_guard();
CREATE OR REPLACE TRIGGER event_reported BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_reported();
CREATE OR REPLACE TRIGGER event_first_step AFTER INSERT ON event FOR EACH ROW WHEN (NEW.state IN ('recorded', 'reported')) EXECUTE FUNCTION event_first_step();
CREATE OR REPLACE TRIGGER event_fixed BEFORE UPDATE ON event FOR EACH ROW
	WHEN ((OLD.id, OLD.kind, OLD.quantity, OLD.reported_at, OLD.reported_by, OLD.grid) IS DISTINCT FROM (NEW.id, NEW.kind, NEW.quantity, NEW.reported_at, NEW.reported_by, NEW.grid))
	EXECUTE FUNCTION event_fixed();
-- History taken over from elsewhere has its own times, which only the owner can write.
CREATE OR REPLACE TRIGGER event_step_taken BEFORE INSERT ON event_step FOR EACH ROW WHEN (NEW.done_at IS NULL) EXECUTE FUNCTION event_step_taken();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_step FOR EACH STATEMENT EXECUTE FUNCTION append_only();
