-- The extension is there, and everything in it is documented.
SELECT extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'gridtree') AS current
FROM pg_extension WHERE extname = 'gridtree';

-- every object a user can name has a comment
SELECT d.classid::regclass, pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
WHERE e.extname = 'gridtree' AND d.deptype = 'e'
  AND d.classid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_class'::regclass,
                    'pg_operator'::regclass, 'pg_event_trigger'::regclass, 'pg_cast'::regclass)
  AND obj_description(d.objid, d.classid::regclass::name) IS NULL
  AND NOT (d.classid = 'pg_type'::regclass AND (SELECT typelem <> 0 OR typrelid <> 0 FROM pg_type t WHERE t.oid = d.objid))
ORDER BY 2;
