-- Organizations and posts.

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

-- Triggers; those that an owner has disabled are enabled again.
CREATE OR REPLACE TRIGGER organization_guard BEFORE INSERT OR UPDATE OF kind, parent, area, grid, valid_to ON organization FOR EACH ROW EXECUTE FUNCTION organization_guard();
CREATE OR REPLACE TRIGGER assignment_guard BEFORE INSERT OR UPDATE OF role_name, valid_to ON assignment FOR EACH ROW EXECUTE FUNCTION assignment_guard();
