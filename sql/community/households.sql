-- Buildings, households and visits: in which grid they are.

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

-- Triggers; those that an owner has disabled are enabled again.
CREATE OR REPLACE TRIGGER building_moved AFTER UPDATE ON building REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION building_moved();
CREATE OR REPLACE TRIGGER household_grid BEFORE INSERT OR UPDATE ON household FOR EACH ROW EXECUTE FUNCTION household_grid();
CREATE OR REPLACE TRIGGER visit_check BEFORE INSERT ON visit FOR EACH ROW WHEN (NEW.visited_by = current_user::text) EXECUTE FUNCTION visit_check();
CREATE OR REPLACE TRIGGER visit_grid BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION visit_grid();
