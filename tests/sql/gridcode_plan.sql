-- What the planner makes of codes: ranges of indexes, pruning, BRIN, row level security.
SET client_min_messages = warning;
CREATE SCHEMA t_gridcode_plan;
SET search_path = t_gridcode_plan, public;
SET max_parallel_workers_per_gather = 0;
SET jit = off;

-- the plan, with what a subquery yields written alike on all servers, and without the mark of 18 on what is disabled
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		CONTINUE WHEN line ~ '^ *Disabled: true$';
		line := replace(line, ' (returns $0)', '');
		RETURN NEXT regexp_replace(line, '\$0|\(InitPlan 1\)\.col1', 'SCOPE', 'g');
	END LOOP;
END $$;

CREATE TABLE areas (code gridcode PRIMARY KEY, name text);
INSERT INTO areas
SELECT ('35' || lpad(c::text, 2, '0') || lpad(d::text, 2, '0') || lpad(s::text, 3, '0'))::gridcode, 'street'
FROM generate_series(1, 10) c, generate_series(1, 20) d, generate_series(1, 50) s;
INSERT INTO areas SELECT DISTINCT grid_prefix(code, n), 'above' FROM areas, unnest('{2,4,6}'::int[]) n;
VACUUM ANALYZE areas;

-- a constant is a range; both operators, both orders, and a cast
EXPLAIN (COSTS off) SELECT count(*) FROM areas WHERE code <@ '350304';
EXPLAIN (COSTS off) SELECT count(*) FROM areas WHERE '350304' @> code;
EXPLAIN (COSTS off) SELECT count(*) FROM areas WHERE code <@ '350304'::text;
EXPLAIN (COSTS off) SELECT * FROM areas WHERE NOT code <@ '35';
EXPLAIN (COSTS off) SELECT * FROM areas WHERE code <@ NULL;
-- the areas around a code are no range
EXPLAIN (COSTS off) SELECT * FROM areas WHERE code @> '350304001';
SELECT array_agg(code ORDER BY code) FROM areas WHERE code @> '350304001';
-- what is volatile or dear is not evaluated twice
EXPLAIN (COSTS off) SELECT * FROM areas WHERE (random() * 10)::int::text::gridcode <@ '3';
CREATE FUNCTION dear(gridcode) RETURNS gridcode IMMUTABLE COST 1000 LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
EXPLAIN (COSTS off) SELECT * FROM areas WHERE dear(code) <@ '350304';
CREATE INDEX ON areas (dear(code));
EXPLAIN (COSTS off) SELECT * FROM areas WHERE dear(code) <@ '350304';

-- a parameter of a generic plan
SET plan_cache_mode = force_generic_plan;
PREPARE inside(gridcode) AS SELECT count(*) FROM areas WHERE code <@ $1;
EXPLAIN (COSTS off) EXECUTE inside('350304');
EXECUTE inside('350304');
EXECUTE inside('35');
EXECUTE inside(NULL);
PREPARE around(gridcode) AS SELECT count(*) FROM areas WHERE $1 @> code;
EXPLAIN (COSTS off) EXECUTE around('350304');
PREPARE inside_varchar(varchar) AS SELECT count(*) FROM areas WHERE code <@ $1;
EXPLAIN (COSTS off) EXECUTE inside_varchar('350304');
EXECUTE inside_varchar('350304');
-- as JDBC sends it
PREPARE jdbc(varchar) AS SELECT name FROM areas WHERE code = $1;
EXPLAIN (COSTS off) EXECUTE jdbc('350304');
EXECUTE jdbc('350304');
PREPARE jdbc_text(text) AS SELECT name FROM areas WHERE code = $1;
EXPLAIN (COSTS off) EXECUTE jdbc_text('350304');
RESET plan_cache_mode;
-- one scope from a subquery is a parameter too
SELECT plan($$SELECT count(*) FROM areas WHERE code <@ (SELECT '350304'::text)$$);

-- a join whose other side varies: the index is inside, with the join clause both ways round
CREATE TABLE scopes AS SELECT code FROM areas WHERE grid_digits(code) = 6 ORDER BY code LIMIT 5;
ANALYZE scopes;
EXPLAIN (COSTS off) SELECT count(*) FROM scopes s JOIN areas a ON a.code <@ s.code;
EXPLAIN (COSTS off) SELECT count(*) FROM scopes s JOIN areas a ON s.code @> a.code;
EXPLAIN (COSTS off) SELECT s.code, n FROM scopes s, LATERAL (SELECT count(*) AS n FROM areas a WHERE a.code <@ s.code) x;
SELECT count(*) FROM scopes s JOIN areas a ON a.code <@ s.code;
SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;
SELECT count(*) FROM scopes s JOIN areas a ON a.code <@ s.code;
RESET enable_indexscan; RESET enable_indexonlyscan; RESET enable_bitmapscan;

-- the second column of an index, a descending index, a partial index
CREATE TABLE events (day date, code gridcode, kind int);
INSERT INTO events SELECT date '2026-01-01' + n % 30, (SELECT '3503' || lpad((n * 7919 % 9000 + 1000)::text, 5, '0'))::gridcode, n % 7 FROM generate_series(1, 20000) n;
CREATE INDEX by_day ON events (day, code);
VACUUM ANALYZE events;
EXPLAIN (COSTS off) SELECT count(*) FROM events WHERE day = '2026-01-05' AND code <@ '350304';
DROP INDEX by_day;
CREATE INDEX downwards ON events (code DESC NULLS LAST);
EXPLAIN (COSTS off) SELECT count(*) FROM events WHERE code <@ '3503044';
DROP INDEX downwards;
CREATE INDEX part ON events (kind) WHERE code <@ '350304';
EXPLAIN (COSTS off) SELECT * FROM events WHERE kind = 3 AND code <@ '3503044';

-- an index of another order: the same bounds
CREATE FUNCTION downwards(gridcode, gridcode) RETURNS int IMMUTABLE STRICT LANGUAGE sql RETURN gridcode_cmp($2, $1);
CREATE OPERATOR CLASS downwards_ops FOR TYPE gridcode USING btree AS
	OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 downwards(gridcode, gridcode);
CREATE INDEX other_order ON events (code downwards_ops);
SET enable_seqscan = off;
SELECT count(*) AS areas, count(*) FILTER (WHERE n <> (SELECT count(*) FROM events WHERE code::text LIKE area::text || '%')) AS wrong
FROM (VALUES ('350304'::gridcode), ('3503044'), ('35030445'), ('3504')) a (area), LATERAL (SELECT count(*) AS n FROM events WHERE code <@ area) x;
SELECT plan('SELECT count(*) FROM events WHERE code <@ (SELECT ''3503044''::gridcode)');
RESET enable_seqscan;
DROP INDEX other_order;

-- BRIN
DROP INDEX part;
CREATE TABLE sorted AS SELECT * FROM events ORDER BY code;
CREATE INDEX blocks ON sorted USING brin (code) WITH (pages_per_range = 4);
ANALYZE sorted;
SET enable_seqscan = off;
EXPLAIN (COSTS off) SELECT count(*) FROM sorted WHERE code <@ '3503044';
SELECT (SELECT count(*) FROM sorted WHERE code <@ '3503044') = count(*) AS brin_agrees FROM events WHERE code::text LIKE '3503044%';
SET plan_cache_mode = force_generic_plan;
PREPARE brin(gridcode) AS SELECT count(*) FROM sorted WHERE code <@ $1;
EXPLAIN (COSTS off) EXECUTE brin('3503044');
RESET plan_cache_mode;
RESET enable_seqscan;

-- hash: index, join, aggregate, partitions
CREATE INDEX hashed ON events USING hash (code);
SET enable_seqscan = off;
EXPLAIN (COSTS off) SELECT * FROM events WHERE code = '350301234';
SELECT (SELECT count(*) FROM events WHERE code = '350301234') = (SELECT count(*) FROM events WHERE code::text = '350301234') AS hash_agrees;
-- a hash index knows nothing of areas
SELECT plan($$SELECT * FROM events WHERE code <@ '350301234'$$);
RESET enable_seqscan;
DROP INDEX hashed;

-- partitions are pruned, CHECK constraints exclude
CREATE TABLE parts (code gridcode, n int) PARTITION BY RANGE (code);
CREATE TABLE parts_35 PARTITION OF parts FOR VALUES FROM ('35') TO ('36');
CREATE TABLE parts_36 PARTITION OF parts FOR VALUES FROM ('36') TO ('37');
CREATE TABLE parts_44 PARTITION OF parts FOR VALUES FROM ('44') TO ('45');
EXPLAIN (COSTS off) SELECT * FROM parts WHERE code <@ '3503';
EXPLAIN (COSTS off) SELECT * FROM parts WHERE '44' @> code;
EXPLAIN (COSTS off) SELECT * FROM parts WHERE code <@ '3';
CREATE TABLE hashes (code gridcode) PARTITION BY HASH (code);
CREATE TABLE hashes_0 PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashes_1 PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO hashes SELECT code FROM events;
SELECT count(*) > 5000 AS half FROM hashes_0;
SELECT count(*) FROM hashes WHERE code = '350301234' AND tableoid NOT IN
	(SELECT tableoid FROM hashes WHERE code::text = '350301234');
CREATE TABLE checked (code gridcode CHECK (code <@ '35'));
SET constraint_exclusion = on;
EXPLAIN (COSTS off) SELECT * FROM checked WHERE code <@ '36';
RESET constraint_exclusion;

-- under row level security the conditions still reach the index: the operators are leakproof
SET enable_bitmapscan = off;
CREATE FUNCTION leaky(text) RETURNS boolean COST 0.01 LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
ALTER TABLE areas ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON areas USING (leaky(name));
CREATE ROLE gridtree_reader;
GRANT USAGE ON SCHEMA t_gridcode_plan TO gridtree_reader;
GRANT SELECT ON areas, scopes TO gridtree_reader;
SET ROLE gridtree_reader;
EXPLAIN (COSTS off) SELECT * FROM areas WHERE code = '350304';
EXPLAIN (COSTS off) SELECT * FROM areas WHERE code <@ '350304';
SELECT plan($$SELECT * FROM areas WHERE code <@ (SELECT '350304'::gridcode)$$);
EXPLAIN (COSTS off) SELECT a.* FROM scopes s JOIN areas a ON a.code <@ s.code;
EXECUTE jdbc('350304');
RESET ROLE;
-- a policy that is a scope is an index condition itself
DROP POLICY visible ON areas;
CREATE POLICY scope ON areas USING (code <@ (SELECT current_setting('t.scope')));
SET t.scope = '3503';
SET ROLE gridtree_reader;
SELECT plan('SELECT count(*) FROM areas');
SELECT count(*) FROM areas;
RESET ROLE;
SELECT count(*) FROM areas WHERE code::text LIKE '3503%';
SELECT oprname, oprcode, proleakproof, oprcom::regoperator, oprnegate::regoperator
FROM pg_operator o JOIN pg_proc p ON p.oid = oprcode WHERE oprleft = 'gridcode'::regtype ORDER BY oprname;

DROP SCHEMA t_gridcode_plan CASCADE;
DROP ROLE gridtree_reader;
