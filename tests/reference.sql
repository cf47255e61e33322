-- reference.sql: prints docs/reference.md from the catalogs and the comments of
-- the installed extension. Objects come in the order the install script makes them.
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset footer off
SET search_path = public, pg_catalog;

CREATE TEMP VIEW member AS
SELECT d.classid, d.objid
FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
WHERE e.extname = 'gridtree' AND d.deptype = 'e';

-- Functions that only the server calls: I/O, estimators, support, transitions, operator code.
CREATE TEMP VIEW plumbing AS
SELECT p.oid
FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
WHERE p.prorettype IN ('internal'::regtype, 'cstring'::regtype, 'event_trigger'::regtype)
   OR 'internal'::regtype = ANY (p.proargtypes::oid[]) OR 'cstring'::regtype = ANY (p.proargtypes::oid[])
   OR EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typsend, t.typreceive, t.typinput, t.typoutput, t.typanalyze))
   OR EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = p.oid)
   OR EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = p.oid)
   OR EXISTS (SELECT FROM pg_amproc a WHERE a.amproc = p.oid)
   OR EXISTS (SELECT FROM pg_aggregate a WHERE p.oid IN (a.aggtransfn, a.aggcombinefn, a.aggfinalfn, a.aggserialfn,
                                                        a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn));

CREATE TEMP VIEW routine AS
SELECT p.oid, p.prokind, p.prorettype,
       format('%s(%s)%s', p.proname,
              -- the default scheme is stored spelled out; people write the preset
              replace(pg_get_function_arguments(p.oid), quote_literal('cn'::gridscheme::text) || '::gridscheme', $$'cn'$$),
              CASE WHEN p.prokind = 'p' THEN '' ELSE ' → ' || pg_get_function_result(p.oid) END) AS signature,
       concat_ws(', ', CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' WHEN 'v' THEN 'volatile' END,
                 CASE WHEN p.proisstrict AND p.prokind = 'f' THEN 'strict' END,
                 CASE p.proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted' ELSE 'parallel unsafe' END,
                 CASE WHEN p.proleakproof THEN 'leakproof' END) AS properties,
       obj_description(p.oid, 'pg_proc') AS about
FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid;

CREATE TEMP VIEW entry AS
SELECT 1 AS section, t.oid, format(E'### `%s`\n\n%s\n', t.typname, obj_description(t.oid, 'pg_type')) AS body
FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
WHERE t.typelem = 0 AND t.typrelid = 0
UNION ALL
SELECT 2, o.oid, format(E'- `%s %s %s → %s`: %s', o.oprleft::regtype, o.oprname, o.oprright::regtype, o.oprresult::regtype,
                        obj_description(o.oid, 'pg_operator'))
FROM pg_operator o JOIN member m ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid
UNION ALL
SELECT 3, c.oid, format('- `%s → %s`, %s: %s', c.castsource::regtype, c.casttarget::regtype,
                        CASE c.castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'on assignment' ELSE 'explicit' END,
                        obj_description(c.oid, 'pg_cast'))
FROM pg_cast c JOIN member m ON m.classid = 'pg_cast'::regclass AND m.objid = c.oid
UNION ALL
SELECT CASE WHEN oid IN (SELECT oid FROM plumbing) THEN 11 WHEN prorettype = 'trigger'::regtype THEN 8
            WHEN prokind = 'a' THEN 5 WHEN prokind = 'p' THEN 6 ELSE 4 END, oid,
       CASE WHEN oid IN (SELECT oid FROM plumbing) THEN format('- `%s`: %s', signature, about)
            ELSE format(E'### `%s`\n\n%s\n\n*%s*\n', signature, about, properties) END
FROM routine
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 7 ELSE 10 END, c.oid,
       format(E'### `%s`\n\n%s\n\n%s\n', c.relname, obj_description(c.oid, 'pg_class'),
              (SELECT string_agg(format('- `%s %s`%s', a.attname, format_type(a.atttypid, a.atttypmod),
                                        COALESCE(': ' || col_description(c.oid, a.attnum), '')), E'\n' ORDER BY a.attnum)
               FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
WHERE c.relkind IN ('r', 'v')
UNION ALL
SELECT 9, e.oid, format('- `%s` on %s: %s', e.evtname, e.evtevent, obj_description(e.oid, 'pg_event_trigger'))
FROM pg_event_trigger e JOIN member m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid
UNION ALL
SELECT 12, c.oid, format('- `%s` for %s using %s%s: %s', c.opcname, c.opcintype::regtype, a.amname,
                         CASE WHEN c.opcdefault THEN ', the default' ELSE '' END, obj_description(c.oid, 'pg_opclass'))
FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod
JOIN member m ON m.classid = 'pg_opclass'::regclass AND m.objid = c.oid;

SELECT E'# gridtree reference\n\nMade by `make reference` from the comments of the SQL objects; `make check` fails when it differs.\nObjects live in the schema that `CREATE EXTENSION gridtree` was given.';
SELECT E'\n## ' || title || E'\n\n' || (SELECT rtrim(string_agg(body, E'\n' ORDER BY oid), E'\n') FROM entry WHERE entry.section = s.section)
FROM (VALUES (1, 'Types'), (2, 'Operators'), (3, 'Casts'), (4, 'Functions'), (5, 'Aggregates'), (6, 'Procedures'),
             (7, 'Views'), (8, 'Trigger functions'), (9, 'Event triggers'), (10, 'Catalog tables'),
             (11, 'Functions the server calls'), (12, 'Operator classes')) s (section, title)
WHERE EXISTS (SELECT FROM entry WHERE entry.section = s.section)
ORDER BY section;
