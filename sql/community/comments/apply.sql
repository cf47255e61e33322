-- Puts the comments of community_comment (relation, column, comment) where they belong. A row without a relation is
-- for every column of its name that has no row of its own; one without a column, for the relation itself.
WITH item AS (
	SELECT c.oid, c.relkind, c.relname, a.attnum, a.attname
	FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = quote_ident(:'schema')::regnamespace AND c.relkind IN ('r', 'v') AND c.relowner = quote_ident(:'role_owner')::regrole
), said AS (
	SELECT i.*, coalesce(
		(SELECT m.comment FROM community_comment m WHERE m.relation = i.relname AND m.name = i.attname),
		(SELECT m.comment FROM community_comment m WHERE m.relation IS NULL AND m.name = i.attname)) AS comment
	FROM item i
)
SELECT format('COMMENT ON COLUMN %I.%I IS %L', relname, attname, comment) FROM said WHERE comment IS NOT NULL
UNION ALL
SELECT format('COMMENT ON %s %I IS %L', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.relname, m.comment)
FROM pg_catalog.pg_class c JOIN community_comment m ON m.relation = c.relname AND m.name IS NULL
WHERE c.relnamespace = quote_ident(:'schema')::regnamespace AND c.relowner = quote_ident(:'role_owner')::regrole
UNION ALL
SELECT format('COMMENT ON FUNCTION %s IS %L', p.oid::regprocedure, m.comment)
FROM pg_catalog.pg_proc p JOIN community_comment m ON m.relation = p.proname || '()'
WHERE p.pronamespace = quote_ident(:'schema')::regnamespace AND p.proowner = quote_ident(:'role_owner')::regrole
UNION ALL
SELECT format('COMMENT ON SCHEMA %I IS %L', :'schema', m.comment) FROM community_comment m WHERE m.relation = 'schema'
\gexec
