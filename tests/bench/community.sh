#!/usr/bin/env bash
# the register: one street's figures beside the same without gridtree, with 331,000 grids, and what its policies cost
#
# The sample district, and beside its tables the same as a district has them: codes as text, COLLATE "C", with an index
# for each query. Peers are LIKE and joins as they are written, and GROUP BY GROUPING SETS of left(code, n), which is the
# best that can be; they have to say the same. A second register has 1,003 districts of 330 grids.
set -eu -o pipefail
. tests/bench/lib/run.sh
ROUNDS=$(size 15 2)
DISTRICTS=$(size 1003 20)
export PGOPTIONS="$PGOPTIONS -c work_mem=4MB"

for file in sql/demo/[1-7][05]-*.sql sql/community/install.sql sql/demo/8*.sql; do
  sql -f "$file" >/dev/null
done
sql -c 'SELECT grid_rollup_refresh(rollup) FROM grid_rollup_catalog' -c 'VACUUM ANALYZE' >/dev/null
sql -v schema=large -v role_prefix=large -f sql/community/install.sql
began=$SECONDS
sql -v schema=large -v districts="$DISTRICTS" -f tests/bench/lib/many_grids.sql
echo "loaded and refreshed in $((SECONDS - began)) s"

sql <<'SQL'
-- who asks
CREATE ROLE bench_officer;
CREATE ROLE bench_statistician;
CREATE ROLE bench_tool;
GRANT grid_officer, large_officer TO bench_officer;
GRANT grid_statistician, large_statistician TO bench_statistician;
GRANT grid_reader, large_reader TO bench_tool;
GRANT INSERT ON bench_value, bench_plan TO PUBLIC;
UPDATE community.assignment SET role_name = 'bench_officer' WHERE post = 'officer' AND area = '350304001001001';
UPDATE large.assignment SET role_name = 'bench_officer' WHERE post = 'officer' AND area = '350104003004002';
INSERT INTO community.assignment (person, post, area, role_name) VALUES (gen_random_uuid(), 'statistician', '350304001', 'bench_statistician');
INSERT INTO large.assignment (person, post, area, role_name) VALUES (gen_random_uuid(), 'statistician', '350104003', 'bench_statistician');

-- what a district has without gridtree
CREATE SCHEMA peer;
CREATE TABLE peer.area AS SELECT code COLLATE "C" AS code, name, level FROM community.area WHERE kind = 'base' AND valid_from IS NOT NULL AND valid_to IS NULL;
CREATE TABLE peer.household AS SELECT id, grid COLLATE "C" AS grid, residents FROM community.household WHERE valid_to IS NULL;
CREATE TABLE peer.event AS SELECT id, kind, quantity, grid COLLATE "C" AS grid, state, reported_at, deadline, closed_at, reopened_at, extended_at, household FROM community.event;
CREATE TABLE peer.visit AS SELECT id, household, visited_at, grid COLLATE "C" AS grid FROM community.visit;
CREATE TABLE peer.officer AS SELECT person, area COLLATE "C" AS grid FROM community.assignment WHERE post = 'officer' AND valid_to IS NULL;
CREATE TABLE peer.branch AS SELECT id, grid COLLATE "C" AS grid FROM community.organization WHERE grid IS NOT NULL AND valid_to IS NULL;
ALTER TABLE peer.area ADD PRIMARY KEY (code);
ALTER TABLE peer.household ADD PRIMARY KEY (id);
CREATE INDEX ON peer.household (grid) INCLUDE (residents);
CREATE INDEX ON peer.event (grid, kind);
CREATE INDEX ON peer.event (grid, state);
CREATE INDEX ON peer.visit (grid, visited_at) INCLUDE (household);
CREATE INDEX ON peer.officer (grid);
CREATE INDEX ON peer.branch (grid);
VACUUM ANALYZE;

CREATE TABLE peer.month AS TABLE community.event_month;
CREATE TABLE peer.visit_month AS SELECT DISTINCT month FROM community.visit_coverage WHERE code = '350304';
CREATE VIEW peer.figures AS -- as it is written
SELECT a.code, a.name, h.households, h.residents, g.grids, o.officers, b.branches, e.*
FROM peer.area a
CROSS JOIN LATERAL (SELECT count(*) AS households, coalesce(sum(residents), 0)::bigint AS residents FROM peer.household x WHERE x.grid LIKE a.code || '%') h
CROSS JOIN LATERAL (SELECT count(*) AS grids FROM peer.area x WHERE x.code LIKE a.code || '%' AND x.level = 'grid') g
CROSS JOIN LATERAL (SELECT count(DISTINCT person) AS officers FROM peer.officer x WHERE x.grid LIKE a.code || '%') o
CROSS JOIN LATERAL (SELECT count(*) AS branches FROM peer.branch x WHERE x.grid LIKE a.code || '%') b
CROSS JOIN LATERAL (SELECT count(*) AS filed, count(*) FILTER (WHERE closed_at IS NULL) AS open, count(closed_at) AS closed, count(*) FILTER (WHERE deadline < now()) AS due,
	count(*) FILTER (WHERE closed_at <= deadline AND deadline < now()) AS on_time, round(avg(extract(epoch FROM closed_at - reported_at) / 3600), 1) AS hours
	FROM peer.event x WHERE x.grid LIKE a.code || '%' AND x.state <> 'recorded') e;
CREATE FUNCTION peer.figures_of(street text) RETURNS text LANGUAGE sql AS $$ -- the best that can be
SELECT format($f$
WITH h AS (SELECT coalesce(grid, left(grid, 12), left(grid, 9)) AS code, count(*) AS households, sum(residents) AS residents
	FROM peer.household WHERE grid LIKE '%1$s%%' GROUP BY GROUPING SETS (grid, left(grid, 12), left(grid, 9))),
g AS (SELECT coalesce(code, left(code, 12), left(code, 9)) AS code, count(*) AS grids FROM peer.area WHERE code LIKE '%1$s%%' AND level = 'grid' GROUP BY GROUPING SETS (code, left(code, 12), left(code, 9))),
o AS (SELECT coalesce(grid, left(grid, 12), left(grid, 9)) AS code, count(DISTINCT person) AS officers FROM peer.officer WHERE grid LIKE '%1$s%%' GROUP BY GROUPING SETS (grid, left(grid, 12), left(grid, 9))),
b AS (SELECT coalesce(grid, left(grid, 12), left(grid, 9)) AS code, count(*) AS branches FROM peer.branch WHERE grid LIKE '%1$s%%' GROUP BY GROUPING SETS (grid, left(grid, 12), left(grid, 9))),
e AS (SELECT coalesce(grid, left(grid, 12), left(grid, 9)) AS code, count(*) AS filed, count(*) FILTER (WHERE closed_at IS NULL) AS open, count(closed_at) AS closed, count(*) FILTER (WHERE deadline < now()) AS due,
	count(*) FILTER (WHERE closed_at <= deadline AND deadline < now()) AS on_time, round(avg(extract(epoch FROM closed_at - reported_at) / 3600), 1) AS hours
	FROM peer.event WHERE grid LIKE '%1$s%%' AND state <> 'recorded' GROUP BY GROUPING SETS (grid, left(grid, 12), left(grid, 9)))
SELECT a.code, a.name, coalesce(households, 0) AS households, coalesce(residents, 0)::bigint AS residents, coalesce(grids, 0) AS grids, coalesce(officers, 0) AS officers, coalesce(branches, 0) AS branches,
	coalesce(filed, 0) AS filed, coalesce(open, 0) AS open, coalesce(closed, 0) AS closed, coalesce(due, 0) AS due, coalesce(on_time, 0) AS on_time, hours
FROM peer.area a LEFT JOIN h USING (code) LEFT JOIN g USING (code) LEFT JOIN o USING (code) LEFT JOIN b USING (code) LEFT JOIN e USING (code)
WHERE a.code LIKE '%1$s%%'$f$, street) $$;
CREATE FUNCTION peer.monthly_of(street text) RETURNS text LANGUAGE sql AS $$
SELECT format($f$
WITH fact AS (
	SELECT e.grid, e.kind, date_trunc('month', t.at AT TIME ZONE 'Asia/Shanghai') AS month, e.quantity, t.filed, t.due, t.closed, t.due AND e.closed_at <= e.deadline AS on_time, t.reworked, t.extended,
		CASE WHEN t.closed THEN extract(epoch FROM closed_at - reported_at) / 3600 END AS hours
	FROM peer.event e CROSS JOIN LATERAL (VALUES (reported_at, true, false, false, false, false), (deadline, false, true, false, false, false), (closed_at, false, false, true, false, false),
		(reopened_at, false, false, false, true, false), (extended_at, false, false, false, false, true)) t (at, filed, due, closed, reworked, extended)
	WHERE e.grid LIKE '%1$s%%' AND t.at IS NOT NULL),
n AS (SELECT coalesce(grid, left(grid, 12), left(grid, 9)) AS code, month, kind, count(*) FILTER (WHERE filed) AS filed, sum(quantity) FILTER (WHERE filed) AS quantity, count(*) FILTER (WHERE due) AS due,
	count(*) FILTER (WHERE closed) AS closed, count(*) FILTER (WHERE on_time) AS on_time, count(*) FILTER (WHERE reworked) AS reworked, count(*) FILTER (WHERE extended) AS extended, round(avg(hours), 1) AS hours
	FROM fact GROUP BY GROUPING SETS ((grid, month, kind), (left(grid, 12), month, kind), (left(grid, 9), month, kind)))
SELECT a.code, a.name, m.month, k.kind, coalesce(filed, 0) AS filed, coalesce(quantity, 0)::bigint AS quantity, coalesce(due, 0) AS due, coalesce(closed, 0) AS closed,
	coalesce(on_time, 0) AS on_time, coalesce(reworked, 0) AS reworked, coalesce(extended, 0) AS extended, hours
FROM peer.area a CROSS JOIN peer.month m CROSS JOIN (SELECT DISTINCT kind FROM community.event_kind) k LEFT JOIN n USING (code, month, kind)
WHERE a.code LIKE '%1$s%%'$f$, street) $$;
CREATE FUNCTION peer.coverage_of(street text) RETURNS text LANGUAGE sql AS $$
SELECT format($f$
WITH w AS (SELECT v.grid, date_trunc('month', visited_at AT TIME ZONE 'Asia/Shanghai') AS month, h.id AS household
	FROM peer.visit v LEFT JOIN peer.household h ON h.id = household WHERE v.grid LIKE '%1$s%%'),
v AS (SELECT coalesce(grid, left(grid, 12), left(grid, 9)) AS code, month, count(*) AS visits, count(DISTINCT household) AS visited
	FROM w GROUP BY GROUPING SETS ((grid, month), (left(grid, 12), month), (left(grid, 9), month))),
h AS (SELECT coalesce(grid, left(grid, 12), left(grid, 9)) AS code, count(*) AS households FROM peer.household WHERE grid LIKE '%1$s%%' GROUP BY GROUPING SETS (grid, left(grid, 12), left(grid, 9)))
SELECT a.code, a.name, m.month, coalesce(households, 0) AS households, coalesce(visits, 0) AS visits, coalesce(visited, 0) AS visited
FROM peer.area a CROSS JOIN peer.visit_month m LEFT JOIN v USING (code, month) LEFT JOIN h USING (code)
WHERE a.code LIKE '%1$s%%'$f$, street) $$;

-- The peer says the same, or there is nothing to compare.
CREATE PROCEDURE same(what text, ours text, peers text) LANGUAGE plpgsql AS $$
DECLARE different int;
BEGIN
	EXECUTE format('SELECT count(*) FROM (((%1$s) EXCEPT ALL (%2$s)) UNION ALL ((%2$s) EXCEPT ALL (%1$s))) d', ours, peers) INTO different;
	IF different > 0 THEN RAISE EXCEPTION '%: % rows differ', what, different; END IF;
END $$;
-- Blocks read by a query, warm, for each row or so many areas.
CREATE FUNCTION blocks(who text, query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
	IF who <> '' THEN EXECUTE 'SET LOCAL ROLE ' || who; END IF;
	FOR i IN 1 .. 2 LOOP EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ' || query INTO plan; END LOOP;
	RESET ROLE;
	RETURN (plan #>> '{0,Plan,Shared Hit Blocks}')::int + (plan #>> '{0,Plan,Shared Read Blocks}')::int;
END $$;
SQL

echo "== one street of the sample district"
sql -v rounds="$ROUNDS" <<'SQL'
CREATE TABLE ours (what text, query text, peers text, as_written text);
INSERT INTO ours VALUES
('figures', 'SELECT code COLLATE "C", name, households, residents, grids, officers, branches, events_filed, events_open, events_closed, events_due, events_on_time, mean_hours_to_close
	FROM community.figures WHERE street_code = ''350304001''', peer.figures_of('350304001'), 'SELECT * FROM peer.figures WHERE code LIKE ''350304001%'''),
('events_monthly', 'SELECT code COLLATE "C", name, month, kind, filed, quantity, due, closed, on_time, reworked, extended, mean_hours_to_close
	FROM community.events_monthly WHERE street_code = ''350304001''', peer.monthly_of('350304001'), NULL),
('visit_coverage', 'SELECT code COLLATE "C", name, month, households, visits, visited FROM community.visit_coverage WHERE street_code = ''350304001''', peer.coverage_of('350304001'), NULL);
SELECT format('CALL same(%L, %L, %L)', what, query, peers) FROM ours
UNION ALL SELECT format('CALL same(%L, %L, %L)', what, query, as_written) FROM ours WHERE as_written <> '' \gexec
SELECT format(call, what || ' of a street of 37 grids', array_remove(ARRAY['view', 'LIKE and GROUPING SETS', CASE WHEN as_written <> '' THEN 'LIKE and joins' END], NULL),
	array_remove(ARRAY[query, peers, as_written], NULL), :rounds)
FROM ours, unnest(ARRAY['CALL bench_plan(%L, %L, %L)', 'CALL bench_time(%L, %L, %L, %s, warm => false)']) call \gexec
SELECT line FROM ours, LATERAL (
	SELECT bench_medians(what || ' of a street of 37 grids') AS line UNION ALL
	SELECT bench_limit(what || ' of a street of 37 grids', 'view', 50) UNION ALL
	SELECT bench_lead(what || ' of a street of 37 grids', 'view', 'LIKE and GROUPING SETS', NULL) UNION ALL
	SELECT bench_lead(what || ' of a street of 37 grids', 'view', 'LIKE and joins', NULL) WHERE as_written <> '') r;
SQL

echo "== one street with many grids"
sql -v rounds="$ROUNDS" <<'SQL'
SELECT format('%s grids, %s rows of event_daily; the sample district has %s and %s', l.grids, (SELECT count(*) FROM large.event_daily), s.grids, (SELECT count(*) FROM community.event_daily))
FROM (SELECT count(*) AS grids FROM large.area WHERE level = 'grid') l, (SELECT count(*) AS grids FROM community.area WHERE level = 'grid') s;
-- a street there has 67 areas, 12 of them above the grids
CREATE TABLE look_up (n int GENERATED ALWAYS AS IDENTITY, who text, query text, sample_areas int, large_areas int);
INSERT INTO look_up (who, query, sample_areas, large_areas)
SELECT who, format('SELECT * FROM %%1$s.%s WHERE street_code = %%2$L', v), s, l FROM unnest('{figures,events_monthly,visit_coverage,staffing_gaps}'::text[]) v,
	(VALUES ('', (SELECT count(*) FROM community.area WHERE street = '350304001'), 67), ('bench_statistician', (SELECT count(*) FROM community.area WHERE street = '350304001'), 67),
		('bench_tool', (SELECT count(*) FROM community.area WHERE street = '350304001' AND level <> 'grid'), 12)) w (who, s, l);
INSERT INTO look_up (who, query, sample_areas, large_areas)
VALUES ('bench_tool', 'SELECT * FROM %1$s.figures WHERE level = ''district''', 1, (SELECT count(*) FROM large.area WHERE level = 'district')), ('bench_officer', 'SELECT * FROM %1$s.household', 1, 1),
	('bench_officer', 'SELECT * FROM %1$s.events WHERE state <> ''closed''', 1, 1);
CREATE FUNCTION look_up_name(l look_up) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(', ', regexp_replace(format(l.query, 'r', ''), 'SELECT \* FROM r.| WHERE street.*', '', 'g'), nullif(l.who, '')) $$;
SELECT format('CALL bench_time(%L, %L, %L, %s, %L)', look_up_name(l), '{sample,large}', ARRAY[format(query, 'community', '350304001'), format(query, 'large', '350104003')], :rounds,
	array_fill(CASE who WHEN '' THEN '' ELSE 'SET LOCAL ROLE ' || who END, '{2}')) FROM look_up l ORDER BY n \gexec
SELECT format('CALL bench_plan(%L, %L, %L, %L)', look_up_name(l), '{sample,large}', ARRAY[format(query, 'community', '350304001'), format(query, 'large', '350104003')],
	array_fill(CASE who WHEN '' THEN '' ELSE 'SET LOCAL ROLE ' || who END, '{2}')) FROM look_up l ORDER BY n \gexec
SELECT format('    %s: %s ms and %s ms; blocks an area %s and %s', rpad(name, 60), round(bench_median(name, 'sample')::numeric, 1), round(bench_median(name, 'large')::numeric, 1),
	blocks(who, format(query, 'community', '350304001')) / sample_areas, blocks(who, format(query, 'large', '350104003')) / large_areas)
FROM (SELECT *, look_up_name(l) AS name FROM look_up l ORDER BY n) l;
SELECT replace(bench_limit(name, 'large', 50), 'large', name || ', large') FROM unnest('{figures,"figures, bench_statistician","figures, bench_tool"}'::text[]) name;
SQL

echo "== what the policies cost"
sql -v rounds="$ROUNDS" <<'SQL'
CREATE TABLE policy (n int GENERATED ALWAYS AS IDENTITY, what text, who text, own text, owners text);
INSERT INTO policy (what, who, own, owners)
SELECT format('%s of a grid, %s', t, s), 'bench_officer', format('SELECT * FROM %s.%s', s, t), format('SELECT * FROM %s.%s WHERE gridcode <@ %L', s, t, g)
FROM (VALUES ('community', '350304001001001'), ('large', '350104003004002')) s (s, g), unnest('{household,event}'::text[]) t;
INSERT INTO policy (what, who, own, owners) VALUES
('open events of a grid, community', 'bench_officer', 'SELECT * FROM community.event WHERE closed_at IS NULL AND state <> ''recorded''', 'SELECT * FROM community.event WHERE closed_at IS NULL AND state <> ''recorded'' AND gridcode <@ ''350304001001001'''),
('events of a street counted, community', 'bench_statistician', 'SELECT kind, count(*) FROM community.event GROUP BY kind', 'SELECT kind, count(*) FROM community.event WHERE gridcode <@ ''350304001'' GROUP BY kind'),
('residents of a street counted, community', 'bench_statistician', 'SELECT sum(residents) FROM community.household', 'SELECT sum(residents) FROM community.household WHERE gridcode <@ ''350304001''');
SELECT format(call, what, ARRAY['under policies', 'the owner, gridcode <@'], ARRAY[own, owners],
	ARRAY['SET LOCAL ROLE ' || who, 'SET LOCAL ROLE ' || CASE WHEN own LIKE '%large%' THEN 'large_owner' ELSE 'grid_owner' END], :rounds)
FROM policy, unnest(ARRAY['CALL bench_plan(%1$L, %2$L, %3$L, %4$L)', 'CALL bench_time(%1$L, %2$L, %3$L, %5$s, %4$L, warm => false)']) call ORDER BY n \gexec
SELECT line FROM policy, LATERAL (SELECT bench_report(what, 'under policies', 'the owner, gridcode <@', NULL) AS line) r;
SQL
plans
sql -c 'DROP SCHEMA large CASCADE' -c 'DROP SCHEMA community CASCADE' -c 'DROP OWNED BY bench_officer, bench_statistician, bench_tool' -c 'DROP ROLE bench_officer, bench_statistician, bench_tool'
