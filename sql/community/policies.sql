-- Who may do what. Rows of people and events are seen by roles whose posts reach them; figures by the views' own rules.
-- All that these roles have is taken away first, so that an upgrade leaves what an installation would. What others were given,
-- what others own, and restrictive policies, are not the register's and stay.
--
-- A scope is one code, the area around all posts, so an index finds it; and within it what the posts do reach.

\set scoped :"role_officer" ', ' :"role_manager" ', ' :"role_statistician"
\set field :"role_officer" ', ' :"role_manager"
\set workers :scoped ', ' :"role_handler" ', ' :"role_admin"
\set everybody :workers ', ' :"role_reader"
\set everybody_and_public :everybody ', PUBLIC'
\set everybody_names :'role_officer' ', ' :'role_manager' ', ' :'role_statistician' ', ' :'role_handler' ', ' :'role_admin' ', ' :'role_reader'

SELECT format('REVOKE ALL ON %I.%I FROM %s', :'schema', c.relname, :'everybody_and_public')
FROM pg_class c WHERE c.relnamespace = quote_ident(:'schema')::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relowner = quote_ident(:'role_owner')::regrole
UNION ALL
SELECT format('REVOKE ALL ON SEQUENCE %I.%I FROM %s', :'schema', c.relname, :'everybody_and_public')
FROM pg_class c WHERE c.relnamespace = quote_ident(:'schema')::regnamespace AND c.relkind = 'S' AND c.relowner = quote_ident(:'role_owner')::regrole
UNION ALL
SELECT format('REVOKE ALL ON SCHEMA %I FROM %s', n.nspname, :'everybody_and_public')
FROM pg_namespace n WHERE n.nspname = :'schema' AND n.nspowner = quote_ident(:'role_owner')::regrole
UNION ALL
SELECT format('REVOKE ALL ON ROUTINE %s FROM %s', p.oid::regprocedure, :'everybody_and_public')
FROM pg_proc p WHERE p.pronamespace = quote_ident(:'schema')::regnamespace AND p.proowner = quote_ident(:'role_owner')::regrole \gexec
SELECT format('DROP POLICY %I ON %I.%I', policyname, schemaname, tablename) FROM pg_policies
WHERE schemaname = :'schema' AND permissive = 'PERMISSIVE' AND roles <@ ARRAY[:everybody_names]::name[] \gexec

GRANT USAGE ON SCHEMA :"schema" TO :everybody;
GRANT EXECUTE ON FUNCTION today(), months(date, date), is_admin(text), figures_age(), people_without_grid() TO :everybody;

-- Maps show what the caller sees, and are made of many small functions.
SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', string_agg(p.oid::regprocedure::text, ', '), :'everybody')
FROM pg_proc p WHERE p.pronamespace = quote_ident(:'schema')::regnamespace AND p.proowner = quote_ident(:'role_owner')::regrole AND p.proname LIKE 'map\_%' \gexec

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
SELECT format('CREATE POLICY %s ON %I FOR %s TO %s %s (gridcode <@ (SELECT s.root FROM my_scope s) AND gridcode <@ ANY ((SELECT s.%I FROM my_scope s)::gridcode[]))',
	p.name, t.name, p.command, p.roles, p.clause, CASE p.name WHEN 'sees' THEN 'codes' ELSE 'field_codes' END)
FROM (VALUES ('building', true), ('household', true), ('establishment', true), ('event', false), ('event_step', false), ('visit', false), ('activity', false)) t (name, kept),
	(VALUES ('sees', 'SELECT', :'scoped', 'USING'), ('adds', 'INSERT', :'field', 'WITH CHECK'), ('keeps', 'UPDATE', :'field', 'USING')) p (name, command, roles, clause)
WHERE p.name = 'sees' OR (p.name = 'adds' AND t.name <> 'event_step') OR t.kept \gexec
CREATE POLICY sees ON assignment FOR SELECT TO :"role_manager", :"role_statistician"
	USING (gridcode <@ (SELECT s.root FROM my_scope s) AND gridcode <@ ANY ((SELECT s.codes FROM my_scope s)::gridcode[]));
CREATE POLICY sees_own ON assignment FOR SELECT TO :scoped USING (role_name = current_user::text COLLATE "default");

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
GRANT INSERT (kind, quantity, reported_at, household, building, grid, deadline, note, geom) ON event TO :field, :"role_admin";
GRANT INSERT (event, step, department, deadline, satisfaction, note) ON event_step TO :field, :"role_handler", :"role_admin";
GRANT EXECUTE ON FUNCTION event_report(text, geometry, uuid, int, text, int, timestamptz, timestamptz, text) TO :field, :"role_admin";
GRANT EXECUTE ON FUNCTION event_advance(bigint, text, int, timestamptz, int, text) TO :field, :"role_handler", :"role_admin";

-- Administration.
GRANT INSERT, UPDATE, DELETE ON organization, event_kind TO :"role_admin";
GRANT INSERT (person, post, area, organization, role_name, valid_from, valid_to), UPDATE (role_name, valid_from, valid_to), DELETE ON assignment TO :"role_admin";
GRANT INSERT (version, title, valid_from), UPDATE (title, valid_from), DELETE ON boundary_version TO :"role_admin";
GRANT INSERT (code, name, kind, opened_in), UPDATE (name, kind, closed_in), DELETE ON area TO :"role_admin";
GRANT INSERT (code, version, kind, geom), UPDATE (geom), DELETE ON boundary TO :"role_admin";
GRANT SELECT ON current_post TO :"role_admin";
GRANT UPDATE (households_min, households_max, residents_min, residents_max, late_days) ON register TO :"role_admin";
GRANT DELETE ON building, household, establishment TO :"role_admin";
GRANT EXECUTE ON FUNCTION area_open(text), organization_above(organization, organization), boundary_draft(int), boundary_draw(int, text, text, geometry, text), boundary_close(int, text), boundary_check(int), boundary_publish(int, float8) TO :"role_admin";

-- Figures, by the rules in the views.
GRANT SELECT ON areas, figures, events_monthly, staffing_gaps, size_check, visit_coverage, reference_case, freshness TO :everybody;

-- What EXPLAIN can tell of rows it does not show. A planner's guess comes from the values and frequencies that ANALYZE has
-- found in all rows, and a guess asked often enough spells a value out: a note, a door, the id of a household. So none is
-- kept of what a plan can do without and what tells of a household or of who did something. And EXPLAIN ANALYZE counts the
-- rows that an index finds and a policy removes: so no index has a door, or beside events a building or household, unless
-- by an expression that is not leakproof, or behind the gridcode.
-- What remains is known by area anyway, or says little: how many rows there are of a grid, a kind, a department, a state, a
-- time, and which of these a number of an event has; how many households a building has; where buildings and
-- establishments stand. By a household's random id, where somebody knows it, events are not found, and visits only in the
-- area around his own posts.
SELECT format('ALTER TABLE %I ALTER COLUMN %I SET STATISTICS 0', t, c)
FROM (VALUES ('household', '{id,door,residents,valid_from}'::name[]), ('event', '{reported_by,household,building,quantity,satisfaction,note,geom}'),
	('event_step', '{done_by,satisfaction,note}'), ('visit', '{household,visited_by}'), ('activity', '{title}'),
	('assignment', '{person}')) s (t, cs), unnest(cs) c \gexec
ALTER INDEX household_door ALTER COLUMN 2 SET STATISTICS 0;
