-- The register of a district: tables, views and rights for who serves which grid, what was reported and what was done.
--
--   psql -d licheng -v schema=community -v role_prefix=grid -v lang=zh -f install.sql
--
-- Installs, or upgrades what is there: numbered migrations change tables; functions, views and rights are put in place
-- anew. All of it is one transaction. Who runs it needs CREATE on the database and CREATEROLE, or roles made before.
--
--   schema       where it goes ("community")
--   role_prefix  its roles are grid_owner, grid_officer, … ("grid")
--   lang         language of comments and names, en or zh ("en")
--   scheme       levels of the codes, with district, street, community and grid among them ("cn")
--   top_level    the highest level there is a row for ("district")
--   srid         of all geometries (4326)
--   time_zone    in which days begin ("Asia/Shanghai")
--
-- An upgrade needs the schema only; the others are remembered, and different ones refused.

\set found_error_stop :ON_ERROR_STOP
\set found_quiet :QUIET
\set ON_ERROR_STOP 1
\set QUIET 1
\if :{?schema} \else \set schema community \endif
\set newest 2
BEGIN;
SET LOCAL client_min_messages = warning;
-- says what is wrong before anything is made
\set refuse_problem 'DO $$ BEGIN IF current_setting(\'register.problem\') <> \'\' THEN RAISE EXCEPTION \'%\', current_setting(\'register.problem\'); END IF; END $$;'
-- two at once would wait for each other's locks
SELECT pg_advisory_xact_lock(hashtextextended('gridtree register ' || :'schema', 0)) \g /dev/null
-- a register is the owner's table: whatever else has its name is not to be trusted
SELECT count(*) > 0 AS there, max(u.rolname::text) AS role_owner, current_user AS installer,
	coalesce(bool_and(c.relkind = 'r' AND NOT u.rolcanlogin AND NOT u.rolsuper AND u.rolname LIKE '%\_owner' AND n.nspowner = u.oid), true) AS genuine
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles u ON u.oid = c.relowner
WHERE n.nspname = :'schema' AND c.relname = 'register' \gset
\if :{?lang} \set asked_lang :lang \else \set asked_lang '' \endif
\if :{?role_prefix} \set asked_role_prefix :role_prefix \else \set asked_role_prefix '' \endif
\if :{?scheme} \set asked_scheme :scheme \else \set asked_scheme '' \endif
\if :{?top_level} \set asked_top_level :top_level \else \set asked_top_level '' \endif
\if :{?srid} \set asked_srid :srid \else \set asked_srid '' \endif
\if :{?time_zone} \set asked_time_zone :time_zone \else \set asked_time_zone '' \endif
\if :there
	-- what it was installed with is read below, as the owner
	\set lang en
\else
	\set installed 0
	\set name :schema
	\if :{?lang} \else \set lang en \endif
	\if :{?role_prefix} \else \set role_prefix grid \endif
	\if :{?scheme} \else \set scheme cn \endif
	\if :{?top_level} \else \set top_level district \endif
	\if :{?srid} \else \set srid 4326 \endif
	\if :{?time_zone} \else \set time_zone Asia/Shanghai \endif
	\set role_owner :role_prefix _owner
\endif
SELECT set_config('register.problem', CASE
	WHEN NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'gridtree')
		THEN 'extension gridtree is not in this database: CREATE EXTENSION gridtree CASCADE'
	WHEN NOT :'genuine' THEN format('schema %s has a "register" that is not a register''s', :'schema')
	-- what is called below is looked for there first, and could be somebody's own
	WHEN NOT :'there' AND EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = :'schema' AND n.nspowner IS DISTINCT FROM to_regrole(quote_ident(:'role_owner')))
		THEN format('schema %s is there, and is not that of role %s', :'schema', :'role_owner')
	-- functions that run as the owner look there, and could be given others in their place
	WHEN EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) x
			WHERE (n.nspname = :'schema' OR n.oid IN (SELECT e.extnamespace FROM pg_extension e WHERE e.extname IN ('gridtree', 'postgis', 'btree_gist')))
				AND x.privilege_type = 'CREATE' AND x.grantee = 0)
		THEN (SELECT format('everybody may create objects in schema %s: REVOKE CREATE ON SCHEMA %1$I FROM PUBLIC', n.nspname)
			FROM pg_namespace n, aclexplode(n.nspacl) x
			WHERE (n.nspname = :'schema' OR n.oid IN (SELECT e.extnamespace FROM pg_extension e WHERE e.extname IN ('gridtree', 'postgis', 'btree_gist')))
				AND x.privilege_type = 'CREATE' AND x.grantee = 0 LIMIT 1)
	WHEN NOT :'there' AND EXISTS (SELECT FROM pg_class c WHERE c.relname = 'register' AND c.relkind = 'r' AND c.relowner = to_regrole(quote_ident(:'role_owner')))
		THEN (SELECT format('role_prefix "%s" is that of the register in schema %s: choose another', regexp_replace(:'role_owner', '_owner$', ''), n.nspname)
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relname = 'register' AND c.relkind = 'r' AND c.relowner = to_regrole(quote_ident(:'role_owner')) LIMIT 1)
	WHEN :'lang' NOT IN ('en', 'zh') THEN format('there are no comments in language "%s": lang is en or zh', :'lang')
	WHEN greatest(octet_length(:'schema'), octet_length(:'role_owner') + 8) > 63
		THEN format('name "%s" or "%s" is longer than 63 bytes', :'schema', replace(:'role_owner', '_owner', '_statistician'))
	ELSE (SELECT coalesce(format('roles that %s may not create are missing: %s', current_user, string_agg(role, ', ')), '')
		FROM unnest('{owner,officer,manager,handler,statistician,reader,admin}'::text[]) kind,
			LATERAL (SELECT regexp_replace(:'role_owner', 'owner$', kind) AS role) r
		WHERE to_regrole(quote_ident(role)) IS NULL AND NOT (SELECT u.rolsuper OR u.rolcreaterole FROM pg_roles u WHERE u.rolname = current_user)
		HAVING count(*) > 0)
	END, true) \g /dev/null
:refuse_problem
SELECT format('CREATE EXTENSION btree_gist SCHEMA %I', n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'gridtree' AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'btree_gist') \gexec
SELECT format('CREATE ROLE %I NOLOGIN', :'role_owner') WHERE to_regrole(quote_ident(:'role_owner')) IS NULL \gexec
-- nobody works as the owner; who installs becomes it for the while
SELECT NOT pg_has_role(current_user, :'role_owner', CASE WHEN :SERVER_VERSION_NUM < 160000 THEN 'MEMBER' ELSE 'SET' END) AS becomes_owner \gset
\if :becomes_owner
	GRANT :"role_owner" TO :"installer";
\endif
\if :there
	SET LOCAL ROLE :"role_owner";
	SELECT version::int AS installed, name, language AS lang, role_prefix, scheme, top_level, srid::int, time_zone FROM :"schema".register \gset
	-- work pauses for the while, and nobody is caught half-way
	SELECT format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', string_agg(format('%I.%I', :'schema', t), ', ' ORDER BY n))
	FROM unnest('{boundary_version,area,boundary,building,establishment,household,organization,assignment,visit,activity,event,event_step}'::text[]) WITH ORDINALITY AS o (t, n)
	WHERE to_regclass(format('%I.%I', :'schema', t)) IS NOT NULL \gexec
	SET LOCAL ROLE :"installer";
	SELECT set_config('register.problem', coalesce((SELECT format('there are no comments in language "%s": lang is en or zh', :'lang') WHERE :'lang' NOT IN ('en', 'zh')),
		(SELECT format('the register in schema %s has %s "%s", not "%s"', :'schema', v.variable, v.has, v.asked)
		FROM (VALUES ('lang', :'lang', :'asked_lang'), ('role_prefix', :'role_prefix', :'asked_role_prefix'), ('scheme', :'scheme', :'asked_scheme'),
			('top_level', :'top_level', :'asked_top_level'), ('srid', :'srid', :'asked_srid'), ('time_zone', :'time_zone', :'asked_time_zone')) v (variable, has, asked)
		WHERE v.asked <> '' AND v.asked <> v.has LIMIT 1), ''), true) \g /dev/null
	:refuse_problem
\endif
\set role_officer :role_prefix _officer
\set role_manager :role_prefix _manager
\set role_handler :role_prefix _handler
\set role_statistician :role_prefix _statistician
\set role_reader :role_prefix _reader
\set role_admin :role_prefix _admin
\set role_admin_quoted :"role_admin"
SELECT format('CREATE ROLE %I NOLOGIN', role)
FROM unnest(ARRAY[:'role_officer', :'role_manager', :'role_handler', :'role_statistician', :'role_reader', :'role_admin']) role
WHERE to_regrole(quote_ident(role)) IS NULL \gexec
SELECT format('CREATE SCHEMA %I AUTHORIZATION %I', :'schema', :'role_owner') WHERE to_regnamespace(quote_ident(:'schema')) IS NULL \gexec
-- whoever writes gridcode or calls PostGIS needs their schemas
SELECT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, role)
FROM (SELECT DISTINCT extnamespace FROM pg_extension WHERE extname IN ('gridtree', 'postgis', 'btree_gist')) e JOIN pg_namespace n ON n.oid = e.extnamespace,
	unnest(ARRAY[:'role_owner', :'role_officer', :'role_manager', :'role_handler', :'role_statistician', :'role_reader', :'role_admin']) role
WHERE NOT has_schema_privilege(role, n.oid, 'USAGE') \gexec
SET LOCAL ROLE :"role_owner";
SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') AS extensions
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname IN ('gridtree', 'postgis', 'btree_gist') \gset
SET LOCAL search_path = :"schema", :extensions, pg_temp;
WITH level AS (
	SELECT substring(level FROM '^(.*\S)\s') AS level, number
	FROM regexp_split_to_table(:'scheme'::gridscheme::text, ', ') WITH ORDINALITY AS l (level, number)
), wanted AS (
	SELECT w.level, l.number, w.number AS rank, lag(l.number, 1, 0::bigint) OVER (ORDER BY w.number) AS above
	FROM unnest(ARRAY[:'top_level', 'district', 'street', 'community', 'grid']) WITH ORDINALITY AS w (level, number) LEFT JOIN level l USING (level)
)
SELECT set_config('register.problem', coalesce(
	(SELECT format('schema "%s" has version %s of the register, and these files make version %s', :'schema', :installed, :newest) WHERE :installed > :newest),
	(SELECT format('scheme "%s" has no level "%s"', :'scheme', w.level) FROM wanted w WHERE w.number IS NULL ORDER BY w.rank LIMIT 1),
	(SELECT format('scheme "%s" has level "%s" too high', :'scheme', w.level) FROM wanted w WHERE w.number < w.above OR w.number = w.above AND w.rank > 2 ORDER BY w.rank LIMIT 1),
	(SELECT format('there is no spatial reference system %s', :'srid') WHERE NOT EXISTS (SELECT FROM spatial_ref_sys s WHERE s.srid::text = :'srid')), ''), true) \g /dev/null
:refuse_problem

SELECT :installed < 1 AS missing \gset
\if :missing
	\ir migrations/001-tables.sql
\endif
SELECT :installed < 2 AS missing \gset
\if :missing
	\ir migrations/002-layers-and-rollups.sql
\endif

INSERT INTO register (version, name, language, role_prefix, scheme, top_level, srid, time_zone)
VALUES (:newest, :'name', :'lang', :'role_prefix', :'scheme', :'top_level', :srid, :'time_zone')
ON CONFLICT (singleton) DO UPDATE SET version = excluded.version;
\ir functions.sql
\ir boundaries.sql
\ir households.sql
\ir organizations.sql
\ir events.sql
\ir views.sql
\ir map.sql
\ir policies.sql
\ir transitions.sql
\ir comments/:lang.sql
\ir comments/apply.sql
\if :becomes_owner
	SET LOCAL ROLE :"installer";
	REVOKE :"role_owner" FROM :"installer";
\endif
COMMIT;
\if :found_quiet \else
	\echo Register :newest in schema :schema: language :lang', roles' :role_prefix'_owner and others, codes' :scheme 'from' :top_level 'down, SRID' :srid', days of' :time_zone
\endif
-- a session that goes on finds its settings as they were, and another installation its defaults
\unset lang
\unset role_prefix
\unset scheme
\unset top_level
\unset srid
\unset time_zone
\set ON_ERROR_STOP :found_error_stop
\set QUIET :found_quiet
