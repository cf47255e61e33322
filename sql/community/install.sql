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
-- An upgrade needs the schema only; the others are remembered.

\set ON_ERROR_STOP 1
\set QUIET 1
\if :{?schema} \else \set schema community \endif
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS btree_gist;
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :'schema' AND c.relname = 'register') AS there \gset
\if :there
	SELECT version AS installed, name, language AS lang, role_prefix, scheme, top_level, srid, time_zone FROM :"schema".register \gset
\else
	\set installed 0
	\set name :schema
	\if :{?lang} \else \set lang en \endif
	\if :{?role_prefix} \else \set role_prefix grid \endif
	\if :{?scheme} \else \set scheme cn \endif
	\if :{?top_level} \else \set top_level district \endif
	\if :{?srid} \else \set srid 4326 \endif
	\if :{?time_zone} \else \set time_zone Asia/Shanghai \endif
\endif
\set role_owner :role_prefix _owner
\set role_officer :role_prefix _officer
\set role_manager :role_prefix _manager
\set role_handler :role_prefix _handler
\set role_statistician :role_prefix _statistician
\set role_reader :role_prefix _reader
\set role_admin :role_prefix _admin
\set role_admin_quoted :"role_admin"

SELECT format('CREATE ROLE %I NOLOGIN', role)
FROM unnest(ARRAY[:'role_owner', :'role_officer', :'role_manager', :'role_handler', :'role_statistician', :'role_reader', :'role_admin']) role
WHERE to_regrole(quote_ident(role)) IS NULL \gexec
-- nobody works as the owner; who installs becomes it for the while
SELECT format('GRANT %I TO %I', :'role_owner', current_user) WHERE NOT pg_has_role(current_user, :'role_owner', 'MEMBER') \gexec
SELECT format('CREATE SCHEMA %I AUTHORIZATION %I', :'schema', :'role_owner') WHERE to_regnamespace(quote_ident(:'schema')) IS NULL \gexec
SET LOCAL ROLE :"role_owner";
SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') AS extensions
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname IN ('gridtree', 'postgis', 'btree_gist') \gset
SET LOCAL search_path = :"schema", :extensions, pg_temp;

SELECT :installed < 1 AS missing \gset
\if :missing
	\ir migrations/001-tables.sql
\endif
SELECT :installed < 2 AS missing \gset
\if :missing
	\ir migrations/002-layers-and-rollups.sql
\endif
\set newest 2

INSERT INTO register (version, name, language, role_prefix, scheme, top_level, srid, time_zone)
VALUES (:newest, :'name', :'lang', :'role_prefix', :'scheme', :'top_level', :srid, :'time_zone')
ON CONFLICT (singleton) DO UPDATE SET version = excluded.version;
\ir functions.sql
\ir views.sql
\ir policies.sql
\ir transitions.sql
\ir comments/:lang.sql
\ir comments/apply.sql
COMMIT;
\unset QUIET
