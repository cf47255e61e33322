-- Who may do what. Rows of people and events are seen by roles whose posts reach them; figures by the views' own rules.
-- All of it is taken away first, so that an upgrade leaves what an installation would.
--
-- A scope is one code, the area around all posts, so an index finds it; and within it what the posts do reach.

\set scoped :"role_officer" ', ' :"role_manager" ', ' :"role_statistician"
\set field :"role_officer" ', ' :"role_manager"
\set workers :scoped ', ' :"role_handler" ', ' :"role_admin"
\set everybody :workers ', ' :"role_reader"

REVOKE ALL ON ALL TABLES IN SCHEMA :"schema" FROM :everybody, PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA :"schema" FROM :everybody, PUBLIC;
SELECT format('REVOKE ALL (%s) ON %I.%I FROM %s', string_agg(quote_ident(a.attname), ', '), :'schema', c.relname, :'everybody')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = :'schema'::regnamespace AND c.relkind = 'r' AND a.attacl IS NOT NULL GROUP BY c.relname \gexec
SELECT format('DROP POLICY %I ON %I.%I', policyname, schemaname, tablename) FROM pg_policies WHERE schemaname = :'schema' \gexec

GRANT USAGE ON SCHEMA :"schema" TO :everybody;
GRANT EXECUTE ON FUNCTION today(), is_admin(text) TO :everybody;

-- Everybody who works here, but not tools: what there is.
GRANT SELECT ON register, boundary_version, area, boundary, organization_kind, organization, post, event_kind, event_transition,
	my_post, my_scope, my_department TO :workers;

-- Rows in scope.
GRANT SELECT ON building, household, establishment, visit, activity TO :scoped, :"role_admin";
GRANT SELECT ON assignment TO :scoped, :"role_admin";
GRANT SELECT ON event, event_step, events TO :workers;
SELECT format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t),
	format('CREATE POLICY administers ON %I TO %s USING (true) WITH CHECK (true)', t, :'role_admin_quoted')
FROM unnest(ARRAY['building', 'household', 'establishment', 'event', 'event_step', 'visit', 'activity', 'assignment']) t \gexec
SELECT format('CREATE POLICY %s ON %I FOR %s TO %s %s (gridcode <@ (SELECT s.root FROM my_scope s) AND gridcode <@ ANY ((SELECT s.codes FROM my_scope s)::gridcode[]))',
	p.name, t.name, p.command, p.roles, p.clause)
FROM (VALUES ('building', true), ('household', true), ('establishment', true), ('event', false), ('event_step', false), ('visit', false), ('activity', false)) t (name, kept),
	(VALUES ('sees', 'SELECT', :'scoped', 'USING'), ('adds', 'INSERT', :'field', 'WITH CHECK'), ('keeps', 'UPDATE', :'field', 'USING')) p (name, command, roles, clause)
WHERE p.name = 'sees' OR (p.name = 'adds' AND t.name <> 'event_step') OR t.kept \gexec
CREATE POLICY sees ON assignment FOR SELECT TO :"role_manager", :"role_statistician"
	USING (gridcode <@ (SELECT s.root FROM my_scope s) AND gridcode <@ ANY ((SELECT s.codes FROM my_scope s)::gridcode[]));
CREATE POLICY sees_own ON assignment FOR SELECT TO :scoped USING (role_name = current_user::text);

-- Departments: what was dispatched to them, wherever it is.
CREATE POLICY handles ON event FOR SELECT TO :"role_handler"
	USING (department = ANY ((SELECT d.departments FROM my_department d)::int[]));
CREATE POLICY handles ON event_step FOR SELECT TO :"role_handler"
	USING (EXISTS (SELECT FROM event e WHERE e.id = event_step.event AND e.department = ANY ((SELECT d.departments FROM my_department d)::int[])));
-- event_step_taken looks closer; here only that nobody adds to what he cannot see
CREATE POLICY adds ON event_step FOR INSERT TO :field, :"role_handler" WITH CHECK (EXISTS (SELECT FROM event e WHERE e.id = event_step.event));

-- Work in the field. Columns that are not named keep their defaults, or are the triggers'.
GRANT INSERT (address, dwellings, geom), UPDATE (address, dwellings, geom) ON building TO :field, :"role_admin";
GRANT INSERT (building, door, residents, valid_from, valid_to), UPDATE (door, residents, valid_from, valid_to) ON household TO :field, :"role_admin";
GRANT INSERT (kind, name, valid_from, valid_to, geom), UPDATE (kind, name, valid_from, valid_to, geom) ON establishment TO :field, :"role_admin";
GRANT INSERT (household, visited_at) ON visit TO :field, :"role_admin";
GRANT INSERT (team, area, title, held_at, helpers, hours) ON activity TO :field, :"role_admin";
GRANT INSERT (kind, quantity, reported_at, household, building, grid, deadline, geom) ON event TO :field, :"role_admin";
GRANT INSERT (event, step, department, deadline, satisfaction, note) ON event_step TO :field, :"role_handler", :"role_admin";
GRANT EXECUTE ON FUNCTION event_report(text, geometry, uuid, int, text, int, timestamptz, timestamptz) TO :field, :"role_admin";
GRANT EXECUTE ON FUNCTION event_advance(bigint, text, int, timestamptz, int, text) TO :field, :"role_handler", :"role_admin";

-- Administration.
GRANT INSERT, UPDATE, DELETE ON organization, event_kind TO :"role_admin";
GRANT INSERT (person, post, area, organization, role_name, valid_from, valid_to), UPDATE (role_name, valid_from, valid_to), DELETE ON assignment TO :"role_admin";
GRANT INSERT (version, title, valid_from), UPDATE (title, valid_from), DELETE ON boundary_version TO :"role_admin";
GRANT INSERT (code, name, kind, opened_in), UPDATE (name, kind, closed_in), DELETE ON area TO :"role_admin";
GRANT INSERT (code, version, kind, geom), UPDATE (geom), DELETE ON boundary TO :"role_admin";
GRANT UPDATE (households_min, households_max, residents_min, residents_max) ON register TO :"role_admin";
GRANT DELETE ON building, household, establishment TO :"role_admin";
GRANT EXECUTE ON FUNCTION boundary_draw(int, text, text, geometry, text), boundary_close(int, text), boundary_check(int), boundary_publish(int, float8) TO :"role_admin";

-- Figures, by the rules in the views.
GRANT SELECT ON areas, figures, events_monthly, staffing_gaps, size_check, visit_coverage, reference_case, freshness TO :everybody;

-- A planner's guess about other people's rows must tell nothing of one household.
ALTER TABLE household ALTER COLUMN residents SET STATISTICS 0, ALTER COLUMN door SET STATISTICS 0;
