-- A register of districts like the sample district, each of 330 grids in 66 communities and 6 streets; :districts of
-- them, with the least that every figure needs: in each grid a household that was visited, an officer, a branch, a case
-- and a record. Straight into the tables: no boundaries, and no triggers but those of rollups. Schema :schema, or community.
\if :{?schema} \else \set schema community \endif
SET search_path = :"schema", public;
SET jit = off;
SET session_replication_role = replica;
INSERT INTO boundary_version VALUES (1, 'first drawing', '2019-01-01', '2019-01-01');
INSERT INTO area (code, name, opened_in, valid_from)
WITH district AS (
	SELECT (350000 + n)::text AS code FROM (SELECT n FROM generate_series(101, 101 + :districts * 2) n WHERE n % 100 <> 0 LIMIT :districts) d
), street AS (
	SELECT d.code || lpad(n::text, 3, '0') AS code FROM district d, generate_series(1, 6) n
), neighbourhood AS (
	SELECT s.code || lpad(n::text, 3, '0') AS code FROM street s, generate_series(1, 11) n
), grid AS (
	SELECT c.code || lpad(n::text, 3, '0') AS code FROM neighbourhood c, generate_series(1, 5) n
)
SELECT code, 'area ' || code, 1, '2019-01-01'
FROM (TABLE district UNION ALL TABLE street UNION ALL TABLE neighbourhood UNION ALL TABLE grid) a ORDER BY code;

CREATE TEMP TABLE grid AS SELECT code, row_number() OVER (ORDER BY code)::int AS n FROM area WHERE level = 'grid';
INSERT INTO building (dwellings, gridcode) SELECT 1, code::gridcode FROM grid ORDER BY n;
INSERT INTO household (id, building, residents, grid, grid_status)
SELECT md5('household' || n)::uuid, n, 1 + n % 6, code, 'assigned' FROM grid ORDER BY n;
INSERT INTO organization (kind, name, area, grid, members) SELECT 'branch', 'branch of ' || code, code, code, 10 FROM grid ORDER BY n;
INSERT INTO assignment (person, post, area, role_name, valid_from)
SELECT md5('officer' || n)::uuid, 'officer', code, 'officer_of_' || code, '2019-01-01' FROM grid ORDER BY n;
INSERT INTO visit (household, visited_at, grid)
SELECT md5('household' || n)::uuid, timestamptz '2019-01-15 12:00+08' + make_interval(months => n / 5 % 12), code FROM grid ORDER BY n;
INSERT INTO event (kind, reported_at, reported_by, household, grid, grid_status, state, desk, deadline, closed_at)
SELECT 'fire', at, 'somebody', md5('household' || n)::uuid, code, 'assigned', CASE n % 9 WHEN 0 THEN 'dispatched' ELSE 'closed' END, 'community',
	at + interval '2 days', CASE n % 9 WHEN 0 THEN NULL ELSE at + make_interval(days => 1 + (n % 7 = 0)::int * 4) END
FROM grid, LATERAL (SELECT timestamptz '2019-01-01 12:00+08' + make_interval(days => n / 5 % 360) AS at) t ORDER BY n;
INSERT INTO event (kind, quantity, reported_at, reported_by, grid, grid_status, state)
SELECT 'record', 10, timestamptz '2019-01-31 12:00+08', 'somebody', code, 'assigned', 'recorded' FROM grid ORDER BY n;
-- and as few everywhere that are in no grid
INSERT INTO event (kind, quantity, reported_at, reported_by, grid_status, state)
SELECT 'record', 10, timestamptz '2019-01-31 12:00+08', 'somebody', 'no location', 'recorded' FROM generate_series(1, 40);
RESET session_replication_role;
ANALYZE;
SELECT grid_rollup_refresh(rollup) FROM grid_rollup_catalog JOIN pg_class ON oid = rollup WHERE relnamespace = quote_ident(:'schema')::regnamespace \g /dev/null
VACUUM ANALYZE;
RESET search_path;
