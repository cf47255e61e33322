-- What people and tools read. Views of figures run as their owner and show each reader what he may see; views of rows run as
-- the reader, under the policies of the tables.

-- Posts held now, and not when the statement began, which may have begun with a long sleep.
CREATE OR REPLACE VIEW current_post AS
SELECT a.id, a.person, a.post, p.sees_rows, a.area, a.gridcode, a.organization, a.role_name
FROM assignment a LEFT JOIN post p USING (post) -- each has one; who does not ask for it is spared the join
WHERE a.valid_from <= clock_timestamp() AND (a.valid_to IS NULL OR a.valid_to > clock_timestamp());

CREATE OR REPLACE VIEW my_post WITH (security_barrier) AS
SELECT p.post, p.sees_rows, p.area, p.gridcode, p.organization
FROM current_post p WHERE p.role_name = current_user::text COLLATE "default"; -- the column's, for its index

-- All that the current user's posts reach, and the one area around it, by which an index finds it.
CREATE OR REPLACE VIEW my_scope WITH (security_barrier) AS
SELECT grid_common(p.gridcode) AS root, array_agg(p.gridcode) AS codes,
	-- where he may write: who counts a district and serves a grid writes in the grid
	array_agg(p.gridcode) FILTER (WHERE p.post <> 'statistician') AS field_codes
FROM my_post p WHERE p.sees_rows AND p.gridcode IS NOT NULL;

CREATE OR REPLACE VIEW my_department WITH (security_barrier) AS
SELECT coalesce(array_agg(p.organization), '{}') AS departments FROM my_post p WHERE p.post = 'handler';

-- Areas that are or were, with the names of those around them.
CREATE OR REPLACE VIEW area_named AS
SELECT a.code, a.gridcode, a.name, a.level, a.kind, a.parent AS parent_code, a.valid_from, a.valid_to,
	a.district AS district_code, d.name AS district_name, a.street AS street_code, s.name AS street_name,
	a.community AS community_code, c.name AS community_name
FROM area a
LEFT JOIN area d ON d.code = a.district
LEFT JOIN area s ON s.code = a.street
LEFT JOIN area c ON c.code = a.community
WHERE a.valid_from IS NOT NULL;

-- The current map, for everybody: no area is personal.
CREATE OR REPLACE VIEW areas AS
SELECT n.code, n.name, n.level, n.kind, n.parent_code, n.district_code, n.district_name, n.street_code, n.street_name,
	n.community_code, n.community_name, b.valid_from, b.version, b.geom
FROM area_named n LEFT JOIN boundary b ON b.code = n.code AND b.valid_from IS NOT NULL AND b.valid_to IS NULL
WHERE n.valid_to IS NULL;

-- Areas whose figures the current user may see: communities and above, and grids in his scope. Closed ones keep what was reported
-- in them, so that parts add up to the whole. Below the grid there are no figures.
SELECT string_agg(format('(%L)', l.level), ', ') FILTER (WHERE l.number > l.community AND l.number <= l.grid) AS levels_in_scope,
	string_agg(format('(%L)', l.level), ', ') FILTER (WHERE l.number <= l.community) AS levels_for_all
FROM (SELECT substring(level FROM '^(.*\S)\s') AS level, number, max(number) FILTER (WHERE level ~ '^community\s') OVER () AS community,
		max(number) FILTER (WHERE level ~ '^grid\s') OVER () AS grid
	FROM regexp_split_to_table(:'scheme'::gridscheme::text, ', ') WITH ORDINALITY AS s (level, number)) l \gset
CREATE OR REPLACE VIEW area_visible WITH (security_barrier) AS
SELECT n.* FROM area_named n
WHERE n.kind = 'base' AND (n.level IN (SELECT l.level FROM (VALUES :levels_for_all) l (level))
	OR n.level IN (SELECT l.level FROM (VALUES :levels_in_scope) l (level))
		AND (n.gridcode <@ ANY ((SELECT s.codes FROM my_scope s)::gridcode[]) OR (SELECT is_admin(current_user::text))));

-- Base grids that are open: what officers and branches are counted in.
CREATE OR REPLACE VIEW open_grid AS
SELECT a.code, a.gridcode FROM area a WHERE a.level = 'grid' AND a.kind = 'base' AND a.valid_from IS NOT NULL AND a.valid_to IS NULL;

-- The kind at the top of the tree that each kind belongs to.
CREATE OR REPLACE VIEW event_kind_top AS
WITH RECURSIVE t AS (
	SELECT k.kind, k.kind AS top FROM event_kind k WHERE k.parent IS NULL
	UNION ALL
	SELECT k.kind, t.top FROM event_kind k JOIN t ON k.parent = t.kind
)
SELECT * FROM t;

-- Figures of each area today. Rates are NULL where nothing was due.
CREATE OR REPLACE VIEW figures WITH (security_barrier) AS
SELECT a.code, a.name, a.level, a.parent_code, a.district_code, a.district_name, a.street_code, a.street_name, a.community_code, a.community_name,
	coalesce(h.households, 0)::bigint AS households, coalesce(h.residents, 0)::bigint AS residents,
	g.grids, o.officers, b.branches,
	e.filed AS events_filed, e.open AS events_open, e.closed AS events_closed,
	f.due AS events_due, f.on_time AS events_on_time, round(100.0 * f.on_time / nullif(f.due, 0), 2) AS on_time_percent,
	e.reworked AS events_reworked, e.extended AS events_extended,
	round(stats_avg(e.hours)::numeric, 1) AS mean_hours_to_close, a.valid_to
FROM area_visible a
LEFT JOIN household_total h ON h.code = a.gridcode AND h.level = a.level
CROSS JOIN LATERAL (
	SELECT coalesce(sum(t.filed), 0)::bigint AS filed, coalesce(sum(t.open), 0)::bigint AS open, coalesce(sum(t.closed), 0)::bigint AS closed,
		coalesce(sum(t.due), 0)::bigint AS due, coalesce(sum(t.on_time), 0)::bigint AS on_time,
		coalesce(sum(t.reworked), 0)::bigint AS reworked, coalesce(sum(t.extended), 0)::bigint AS extended, gridstats_merge(t.hours) AS hours
	FROM event_total t JOIN event_kind k USING (kind) WHERE t.code = a.gridcode AND t.level = a.level AND k.unit = 'case') e
CROSS JOIN LATERAL (
	-- due once the day of the deadline is over. The two rollups are refreshed one after the other, so the difference may be off
	-- for a moment, but never absurd.
	SELECT greatest(e.due - sum(d.due), 0) AS due, least(greatest(e.on_time - sum(d.on_time), 0), greatest(e.due - sum(d.due), 0)) AS on_time
	FROM (SELECT d.due, d.on_time FROM event_daily d JOIN event_kind k USING (kind)
		WHERE d.code = a.gridcode AND d.level = a.level AND d.bucket >= today() AND k.unit = 'case'
		UNION ALL SELECT 0, 0) d) fl
CROSS JOIN LATERAL (SELECT fl.due::bigint AS due, fl.on_time::bigint AS on_time) f
CROSS JOIN LATERAL (SELECT count(*) AS grids FROM open_grid x WHERE x.gridcode <@ a.gridcode) g
CROSS JOIN LATERAL (
	SELECT count(DISTINCT x.person) AS officers FROM current_post x JOIN open_grid y ON y.code = x.area
	WHERE x.gridcode <@ a.gridcode AND y.gridcode <@ a.gridcode AND x.post = 'officer') o
CROSS JOIN LATERAL (
	SELECT count(*) AS branches FROM organization x JOIN open_grid y ON y.code = x.grid
	WHERE x.grid_gridcode <@ a.gridcode AND y.gridcode <@ a.gridcode AND x.valid_to IS NULL) b
UNION ALL
SELECT NULL, CASE r.language WHEN 'zh' THEN '未落入网格' ELSE 'in no grid' END, 'none', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	h.households, h.residents, 0, 0, 0, e.filed, e.open, e.closed, e.due, e.on_time,
	round(100.0 * e.on_time / nullif(e.due, 0), 2), e.reworked, e.extended, round(e.hours::numeric, 1), NULL
FROM register r, people_without_grid() h,
	(SELECT count(*) AS filed, count(*) FILTER (WHERE x.state <> 'closed') AS open, count(x.closed_at) AS closed,
		count(*) FILTER (WHERE x.deadline < today()::timestamp AT TIME ZONE :'time_zone') AS due,
		count(*) FILTER (WHERE x.deadline < today()::timestamp AT TIME ZONE :'time_zone' AND x.closed_at <= x.deadline) AS on_time,
		count(x.reopened_at) AS reworked, count(x.extended_at) AS extended, avg(extract(epoch FROM x.closed_at - x.reported_at) / 3600) AS hours
	FROM event x WHERE x.grid IS NULL AND x.state NOT IN ('recorded', 'rejected')) e;

-- The months of which there are figures; counted without a time zone, in some of which the first midnight of a month is missing.
CREATE OR REPLACE VIEW event_month AS
SELECT m.month
FROM (SELECT min(d.bucket) AS first, max(d.bucket) AS last FROM event_daily d WHERE d.level = :'top_level') p
-- and what is in no grid, by indexes; nothing of an event comes before its report
CROSS JOIN (SELECT ((SELECT min(x.reported_at) FROM event x WHERE x.gridcode IS NULL) AT TIME ZONE :'time_zone')::date AS first,
	(greatest((SELECT max(x.reported_at) FROM event x WHERE x.gridcode IS NULL), (SELECT max(x.deadline) FROM event x WHERE x.gridcode IS NULL),
		(SELECT max(x.closed_at) FROM event x WHERE x.gridcode IS NULL), (SELECT max(x.reopened_at) FROM event x WHERE x.gridcode IS NULL),
		(SELECT max(x.extended_at) FROM event x WHERE x.gridcode IS NULL)) AT TIME ZONE :'time_zone')::date AS last) n
CROSS JOIN LATERAL months(least(p.first, n.first), least(greatest(p.last, n.last), today())) AS m (month);

-- Events that are in no grid, by month and kind, each measure at its own time.
CREATE OR REPLACE VIEW event_astray AS
SELECT date_trunc('month', v.at AT TIME ZONE :'time_zone')::date AS month, x.kind, sum(v.filed)::bigint AS filed, sum(v.filed * x.quantity)::bigint AS quantity,
	sum(v.due)::bigint AS due, sum(v.closed)::bigint AS closed, sum(v.on_time)::bigint AS on_time, sum(v.reworked)::bigint AS reworked,
	sum(v.extended)::bigint AS extended, gridstats_agg(v.closed * extract(epoch FROM x.closed_at - x.reported_at) / 3600) FILTER (WHERE v.closed = 1) AS hours
FROM event x CROSS JOIN LATERAL (VALUES
	(x.reported_at, 1, 0, 0, 0, 0, 0),
	(x.deadline, 0, (x.deadline < today()::timestamp AT TIME ZONE :'time_zone')::int, 0,
		(x.deadline < today()::timestamp AT TIME ZONE :'time_zone' AND coalesce(x.closed_at <= x.deadline, false))::int, 0, 0),
	(x.closed_at, 0, 0, 1, 0, 0, 0),
	(x.reopened_at, 0, 0, 0, 0, 1, 0),
	(x.extended_at, 0, 0, 0, 0, 0, 1)) v (at, filed, due, closed, on_time, reworked, extended)
WHERE x.grid IS NULL AND x.state <> 'rejected' AND v.at IS NOT NULL
GROUP BY 1, 2;

-- Events of each month, area and kind, with zeros; due once the day of the deadline is over.
CREATE OR REPLACE VIEW events_monthly WITH (security_barrier) AS
SELECT a.code, a.name, a.level, a.parent_code, a.district_code, a.district_name, a.street_code, a.street_name, a.community_code, a.community_name,
	t.month, m.kind, m.kind_name, m.unit, m.filed, m.quantity, m.due, m.closed, m.on_time,
	round(100.0 * m.closed / nullif(m.due, 0), 2) AS closed_percent, round(100.0 * m.on_time / nullif(m.due, 0), 2) AS on_time_percent,
	m.reworked, m.extended, m.mean_hours_to_close, a.valid_to
FROM area_visible a CROSS JOIN event_month t CROSS JOIN LATERAL (
	SELECT k.kind, k.name AS kind_name, k.unit, coalesce(e.filed, 0) AS filed, coalesce(e.quantity, 0) AS quantity, coalesce(e.due, 0) AS due,
		coalesce(e.closed, 0) AS closed, coalesce(e.on_time, 0) AS on_time, coalesce(e.reworked, 0) AS reworked, coalesce(e.extended, 0) AS extended,
		round(stats_avg(e.hours)::numeric, 1) AS mean_hours_to_close
	FROM event_kind k LEFT JOIN (
		SELECT d.kind, sum(d.filed)::bigint AS filed, sum(d.quantity)::bigint AS quantity, sum(d.due) FILTER (WHERE d.bucket < today())::bigint AS due,
			sum(d.closed)::bigint AS closed, sum(d.on_time) FILTER (WHERE d.bucket < today())::bigint AS on_time, sum(d.reworked)::bigint AS reworked,
			sum(d.extended)::bigint AS extended, gridstats_merge(d.hours) AS hours
		FROM event_daily d WHERE d.code = a.gridcode AND d.level = a.level
			AND d.bucket >= t.month AND d.bucket < t.month + interval '1 month' GROUP BY d.kind) e USING (kind)) m
UNION ALL
SELECT NULL, CASE r.language WHEN 'zh' THEN '未落入网格' ELSE 'in no grid' END, 'none', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	t.month, k.kind, k.name, k.unit, coalesce(e.filed, 0), coalesce(e.quantity, 0), coalesce(e.due, 0), coalesce(e.closed, 0), coalesce(e.on_time, 0),
	round(100.0 * coalesce(e.closed, 0) / nullif(e.due, 0), 2), round(100.0 * e.on_time / nullif(e.due, 0), 2),
	coalesce(e.reworked, 0), coalesce(e.extended, 0), round(stats_avg(e.hours)::numeric, 1), NULL
FROM register r CROSS JOIN event_month t CROSS JOIN event_kind k LEFT JOIN event_astray e USING (month, kind);

-- What is not filled: grids without an officer or a branch, communities without a manager, areas without a service centre.
CREATE OR REPLACE VIEW staffing_gaps WITH (security_barrier) AS
SELECT a.code, a.name, a.level, a.parent_code, a.district_code, a.district_name, a.street_code, a.street_name, a.community_code, a.community_name, g.gap,
	coalesce((SELECT p.name FROM post p WHERE p.post = g.gap), (SELECT k.name FROM organization_kind k WHERE k.kind = g.gap)) AS gap_name
FROM area_visible a CROSS JOIN LATERAL (
	SELECT 'officer' AS gap WHERE a.level = 'grid' AND NOT EXISTS (SELECT FROM current_post p WHERE p.area = a.code AND p.post = 'officer')
	UNION ALL
	SELECT 'branch' WHERE a.level = 'grid' AND NOT EXISTS (SELECT FROM organization o WHERE o.grid = a.code AND o.valid_to IS NULL)
	UNION ALL
	SELECT 'manager' WHERE a.level = 'community' AND NOT EXISTS (SELECT FROM current_post p WHERE p.area = a.code AND p.post = 'manager')
	UNION ALL
	SELECT 'service_centre' WHERE a.level IN ('district', 'street', 'community')
		AND NOT EXISTS (SELECT FROM organization o WHERE o.area = a.code AND o.kind = 'service_centre' AND o.valid_to IS NULL)) g
WHERE a.valid_to IS NULL;

-- Grids that are too small or too large. How large a grid is is no secret, unless a handful live there who could be told by their
-- number; administrators and roles whose posts reach it see that in figures.
CREATE OR REPLACE VIEW size_check WITH (security_barrier) AS
SELECT a.code, a.name, a.level, a.parent_code, a.district_code, a.district_name, a.street_code, a.street_name, a.community_code, a.community_name,
	CASE WHEN s.shown THEN s.households END AS households, CASE WHEN s.shown THEN s.residents END AS residents, concat_ws(w.comma,
		CASE WHEN s.households < r.households_min THEN w.few_households WHEN s.households > r.households_max THEN w.many_households END,
		CASE WHEN s.residents < r.residents_min THEN w.few_residents WHEN s.residents > r.residents_max THEN w.many_residents END) AS problem
FROM area_named a CROSS JOIN register r
JOIN (VALUES ('en', ', ', 'too few households', 'too many households', 'too few residents', 'too many residents'),
	('zh', '，', '户数偏少', '户数偏多', '人数偏少', '人数偏多')) AS w (language, comma, few_households, many_households, few_residents, many_residents) USING (language)
LEFT JOIN household_total h ON h.code = a.gridcode AND h.level = a.level
CROSS JOIN LATERAL (SELECT coalesce(h.households, 0)::bigint AS households, coalesce(h.residents, 0)::bigint AS residents,
	coalesce(h.households, 0) = 0 OR h.households >= 3 AND h.residents >= 10 AS shown) s
WHERE a.level = 'grid' AND a.kind = 'base' AND a.valid_to IS NULL
	AND (s.households NOT BETWEEN r.households_min AND r.households_max OR s.residents NOT BETWEEN r.residents_min AND r.residents_max);

-- Households visited in each month, of all that live in an area now; those that have left or moved away since are in neither.
CREATE OR REPLACE VIEW visit_coverage WITH (security_barrier) AS
SELECT a.code, a.name, a.level, a.parent_code, a.district_code, a.district_name, a.street_code, a.street_name, a.community_code, a.community_name,
	m.month, coalesce(h.households, 0)::bigint AS households, coalesce(n.visits, 0)::bigint AS visits, coalesce(v.visited, 0) AS visited,
	round(100.0 * least(coalesce(v.visited, 0), h.households) / nullif(h.households, 0), 2) AS coverage_percent, a.valid_to
FROM area_visible a
CROSS JOIN (SELECT min(d.bucket) AS first, max(d.bucket) AS last FROM visit_monthly d WHERE d.level = :'top_level') p
CROSS JOIN LATERAL months(p.first, p.last) AS m (month)
LEFT JOIN household_total h ON h.code = a.gridcode AND h.level = a.level
LEFT JOIN visit_monthly n ON n.code = a.gridcode AND n.level = a.level AND n.bucket = m.month
LEFT JOIN LATERAL (
	SELECT count(DISTINCT x.household) AS visited FROM visit x JOIN household y ON y.id = x.household
	-- a visit was in the same community, whatever grids it has had
	WHERE x.gridcode <@ coalesce(a.community_code::gridcode, a.gridcode) AND y.gridcode <@ a.gridcode AND y.valid_to IS NULL
		AND x.visited_at >= m.month::timestamp AT TIME ZONE :'time_zone' AND x.visited_at < (m.month + interval '1 month') AT TIME ZONE :'time_zone') v ON true;

-- What the register has counted in all, kind by kind.
CREATE OR REPLACE VIEW reference_case WITH (security_barrier) AS
SELECT k.position, k.kind, k.name, k.unit,
	-- its kinds below, and what is in no grid, count with it
	coalesce((SELECT sum(t.quantity) FROM event_total t JOIN event_kind_top p USING (kind) WHERE p.top = k.kind AND t.level = :'top_level'), 0)::bigint
	+ coalesce((SELECT sum(x.quantity) FROM event_astray x JOIN event_kind_top p USING (kind) WHERE p.top = k.kind), 0)::bigint AS quantity
FROM event_kind k WHERE k.parent IS NULL
ORDER BY k.position, k.kind;

-- How old the stored figures are.
CREATE OR REPLACE VIEW freshness WITH (security_barrier) AS
SELECT f.figures, f.refreshed_at, f.lag_seconds FROM figures_age() f;

-- Events as people work on them: rows, under the policies.
CREATE OR REPLACE VIEW events WITH (security_invoker) AS
SELECT e.id, e.kind, k.name AS kind_name, k.unit, e.quantity, e.state, e.desk, e.reported_at, e.deadline, e.closed_at,
	e.state NOT IN ('closed', 'rejected') AND e.deadline < statement_timestamp() AS overdue, e.satisfaction,
	e.department, o.name AS department_name, e.household, e.building, e.grid AS code, e.grid_status, g.name AS grid_name,
	g.street AS street_code, s.name AS street_name, g.community AS community_code, c.name AS community_name, e.note, e.geom
FROM event e JOIN event_kind k USING (kind)
LEFT JOIN organization o ON o.id = e.department
LEFT JOIN area g ON g.code = e.grid LEFT JOIN area s ON s.code = g.street LEFT JOIN area c ON c.code = g.community;
