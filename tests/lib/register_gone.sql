-- register_gone.sql: undoes register.sql, roles and all.
RESET ROLE;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA :"schema" CASCADE;
SELECT format('DROP OWNED BY %1$I; DROP ROLE %1$I', rolname) FROM pg_roles WHERE starts_with(rolname, :'schema' || '_') ORDER BY rolname \gexec
RESET client_min_messages;
