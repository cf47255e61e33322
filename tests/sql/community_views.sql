-- The register's figures against counting by hand: every view, before and after its rows change.
\set schema community_views
\set ECHO none
\i tests/lib/register.sql
\set ECHO all
-- Chance that is the same everywhere: a fraction from a key.
CREATE FUNCTION chance(VARIADIC key text[]) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN ('x' || left(md5(array_to_string(key, ' ')), 8))::bit(32)::bigint / 4294967296.0::float8;
CREATE FUNCTION refreshed() RETURNS bigint LANGUAGE sql
	AS $$ SELECT count(grid_rollup_refresh(r::regclass)) FROM unnest('{household_total,event_daily,event_total,visit_monthly}'::text[]) r $$;
CREATE VIEW drifted AS
	SELECT r, v.* FROM unnest('{household_total,event_daily,event_total,visit_monthly}'::text[]) r, grid_rollup_verify(r::regclass) v;

INSERT INTO boundary_version VALUES (1, 'first drawing', '2018-01-01'), (2, 'grid 1.1.1 is split', '2020-01-01');
SELECT count(boundary_draw(1, code, name, geom)) FROM small_district() d;
SELECT boundary_draw(1, '350304001001901', 'campus', square(50, 50, 150, 250), 'dedicated');
-- a street without a community, and a district with a handful of people; a cell below a grid, of which there are no figures
SELECT boundary_draw(1, '350304003', 'street 3', square(800, 0, 900, 400)), boundary_draw(1, '350304', 'district', square(0, 0, 900, 400));
SELECT boundary_draw(1, code, 'next ' || grid_level(code::gridcode, 'cn'), square(900, 0, 1000, 400)) FROM unnest('{350305,350305001,350305001001}'::text[]) code;
SELECT boundary_draw(1, '35030500100100' || g, 'next ' || g, square(900, 100 * g - 100, 1000, 100 * g)) FROM generate_series(1, 4) g;
SELECT boundary_draw(1, '350304001001002001', 'cell', NULL);
INSERT INTO event_kind (kind, parent, name, unit, days, position) VALUES ('smoke', 'fire', 'smoke reports', 'case', 2, 9), ('smoke_indoors', 'smoke', 'smoke indoors', 'case', 1, 10);
SELECT boundary_publish(1);

INSERT INTO building (id, geom) SELECT id, spot(round(chance('x', id::text) * 900) - 50, round(chance('y', id::text) * 420) - 10) FROM generate_series(1, 400) id;
INSERT INTO building (id) SELECT id FROM generate_series(401, 405) id;
INSERT INTO household (id, building, residents, valid_to)
SELECT md5(id || 'household' || nth)::uuid, id, 1 + floor(5 * chance(id::text, nth::text))::int, CASE WHEN chance('left', id::text, nth::text) < 0.1 THEN date '2019-09-30' END
FROM building, generate_series(1, 4) nth;
-- grids of no household, of two, of three and few people, and of three and more people
INSERT INTO building (id, geom) VALUES (502, spot(950, 150)), (503, spot(950, 250)), (504, spot(950, 350));
INSERT INTO household (id, building, residents) SELECT md5('handful' || nth)::uuid, building, residents
FROM (VALUES (1, 502, 8), (2, 502, 8), (3, 503, 3), (4, 503, 3), (5, 503, 3), (6, 504, 3), (7, 504, 3), (8, 504, 4)) h (nth, building, residents);
INSERT INTO organization (id, kind, name, area) VALUES (101, 'department', 'fire brigade', '350304'), (102, 'service_centre', 'centre', '350304'),
	(103, 'service_centre', 'centre 2', '350304002'), (104, 'service_centre', 'station 2.1', '350304002001');
INSERT INTO organization (id, kind, name, area, valid_to) VALUES (105, 'service_centre', 'station 2.2', '350304002002', '2019-12-31');
INSERT INTO organization (kind, name, area, grid, valid_to) SELECT 'branch', 'of ' || code, code, code, CASE code WHEN '350304001002002' THEN date '2019-12-31' END
FROM area WHERE level = 'grid' AND code NOT LIKE '%003';
-- one holds the posts of two grids, one posts' time is over, one's is to come
INSERT INTO assignment (person, post, area, valid_from, valid_to)
SELECT md5('officer' || CASE code WHEN '350304002001002' THEN '350304002001001' ELSE code END)::uuid, 'officer', code,
	CASE code WHEN '350304002002002' THEN timestamptz '2999-01-01' ELSE '2018-01-01' END, CASE code WHEN '350304002002003' THEN timestamptz '2019-12-31' END
FROM area WHERE level = 'grid' AND code NOT LIKE '%004';
INSERT INTO assignment (person, post, area, valid_from) VALUES (gen_random_uuid(), 'manager', '350304001001', '2018-01-01'), (gen_random_uuid(), 'manager', '350304001001', '2018-01-01'),
	(gen_random_uuid(), 'manager', '350304002', '2018-01-01');
UPDATE register SET households_min = 60, households_max = 100, residents_min = 150, residents_max = 290;

-- Events of a year and a half until today, loaded by the owner: in households, at points in and outside, at codes and nowhere.
CREATE FUNCTION load_events(seed text, n int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO event (kind, quantity, reported_at, household, geom, grid, state, department, deadline, extended_at, reopened_at, closed_at, satisfaction)
	SELECT kind, CASE WHEN unit = 'case' THEN 1 + (c7 < 0.1)::int ELSE 1 + floor(90 * c7)::int END, reported,
		CASE WHEN c2 < 0.6 THEN (SELECT h.id FROM household h WHERE h.id >= md5(seed || i)::uuid ORDER BY h.id LIMIT 1) END,
		CASE WHEN c2 BETWEEN 0.6 AND 0.8 THEN spot(round(chance(seed, 'x', i::text) * 900) - 50, round(chance(seed, 'y', i::text) * 420) - 10) END,
		CASE WHEN c2 BETWEEN 0.8 AND 0.85 THEN '350304001001001' WHEN c2 BETWEEN 0.85 AND 0.95 THEN '35030400200100' || 1 + i % 2 END,
		CASE WHEN unit <> 'case' THEN 'recorded' WHEN c3 < 0.75 THEN 'closed' WHEN c3 < 0.8 THEN 'reopened' WHEN c3 < 0.85 THEN 'rejected' ELSE 'dispatched' END, CASE WHEN unit = 'case' THEN 101 END,
		CASE WHEN unit = 'case' THEN due END, CASE WHEN unit = 'case' AND c5 < 0.2 THEN reported + c5 * (due - reported) END,
		CASE WHEN unit = 'case' AND (c6 < 0.2 OR c3 BETWEEN 0.75 AND 0.8) THEN reported + c6 * (due - reported) END,
		-- some to the moment, and one moment late
		CASE WHEN unit = 'case' AND c3 < 0.75 THEN CASE WHEN c4 < 0.1 THEN due WHEN c4 < 0.2 THEN due + '1 microsecond' ELSE reported + 1.5 * c4 * (due - reported) END END,
		CASE WHEN unit = 'case' AND c3 < 0.4 THEN 1 + i % 5 END
	FROM (SELECT *, reported + CASE WHEN c8 < 0.2 THEN (60 * c8 || ' days')::interval ELSE days * interval '1 day' END AS due
		FROM (SELECT i, k.*, chance(seed, '2', i::text) AS c2, chance(seed, '3', i::text) AS c3, chance(seed, '4', i::text) AS c4, chance(seed, '5', i::text) AS c5,
				chance(seed, '6', i::text) AS c6, chance(seed, '7', i::text) AS c7, chance(seed, '8', i::text) AS c8,
				CASE WHEN i % 3 = 0 THEN now() - 40 * chance(seed, '1', i::text) * interval '1 day'
					ELSE now() - (40 + 500 * chance(seed, '1', i::text)) * interval '1 day' END AS reported
			FROM generate_series(1, n) i JOIN event_kind k ON k.position = 1 + floor(10 * chance(seed, 'kind', i::text))) r) d $$;
SELECT load_events('first', 3000);
-- due at the very beginning and end of yesterday, today and tomorrow, in the register's zone
INSERT INTO event (kind, reported_at, grid, state, deadline, closed_at)
SELECT 'fire', now() - interval '9 days', g.grid, CASE WHEN late IS NULL THEN 'accepted' ELSE 'closed' END, due, least(due, now()) + late * interval '1 second'
FROM (VALUES ('350304002002001'), (NULL)) g (grid), generate_series(-1, 2) day, (VALUES (0), (-1)) e (second), (VALUES (NULL), (0), (1)) l (late),
	LATERAL (SELECT (today() + day)::timestamp AT TIME ZONE 'Asia/Shanghai' + second * interval '1 microsecond' AS due) d;
-- before all others, in no grid
INSERT INTO event (kind, reported_at, state, closed_at) VALUES ('fire', now() - interval '600 days', 'closed', now() - interval '590 days');
INSERT INTO visit (household, visited_at)
SELECT md5(building || 'household' || 1 + nth % 4)::uuid, timestamptz '2019-07-15' + 90 * chance(building::text, nth::text) * interval '1 day'
FROM generate_series(1, 405) building, generate_series(1, 3) nth WHERE chance('visit', building::text, nth::text) < 0.5;
-- and in the hours around the end of a month
INSERT INTO visit (household, visited_at)
SELECT md5('7household1')::uuid, h FROM generate_series(timestamptz '2019-09-30 10:00', '2019-10-01 10:00', '2 hours') h;

ANALYZE area, building, household, event, visit;

-- The same by hand, from the tables alone. Codes are compared as text.
-- base areas that are or were, down to grids
CREATE VIEW known_area AS
	SELECT a.code, a.name, a.level, CASE WHEN length(a.code) > 6 THEN left(a.code, length(a.code) - 3) END AS parent_code,
		d.code AS district_code, d.name AS district_name,
		s.code AS street_code, s.name AS street_name, c.code AS community_code, c.name AS community_name, (SELECT v.valid_from FROM boundary_version v WHERE v.version = a.closed_in AND v.published_at IS NOT NULL) AS valid_to
	FROM area a LEFT JOIN area d ON d.code = left(a.code, 6) LEFT JOIN area s ON length(a.code) >= 9 AND s.code = left(a.code, 9) LEFT JOIN area c ON length(a.code) >= 12 AND c.code = left(a.code, 12)
	WHERE a.kind = 'base' AND length(a.code) <= 15 AND a.opened_in IN (SELECT version FROM boundary_version WHERE published_at IS NOT NULL);
CREATE VIEW open_area AS
	SELECT code, name, level, parent_code, district_code, district_name, street_code, street_name, community_code, community_name FROM known_area WHERE valid_to IS NULL;
-- what was rejected is no event
CREATE VIEW handled AS
	SELECT e.*, k.unit, extract(epoch FROM e.closed_at - e.reported_at) / 3600 AS hours,
		(e.deadline AT TIME ZONE 'Asia/Shanghai')::date < (statement_timestamp() AT TIME ZONE 'Asia/Shanghai')::date AS is_due, e.closed_at <= e.deadline AS in_time
	FROM event e JOIN event_kind k USING (kind) WHERE e.state <> 'rejected';
CREATE VIEW figures_by_hand AS
	SELECT a.*, h.households, h.residents, (SELECT count(*) FROM open_area g WHERE g.level = 'grid' AND g.code LIKE a.code || '%') AS grids,
		(SELECT count(DISTINCT p.person) FROM assignment p WHERE p.post = 'officer' AND p.area LIKE a.code || '%' AND p.area IN (SELECT code FROM open_area WHERE level = 'grid') AND p.valid_from <= now() AND coalesce(p.valid_to, 'infinity') > now()) AS officers,
		(SELECT count(*) FROM organization o WHERE o.grid LIKE a.code || '%' AND o.grid IN (SELECT code FROM open_area) AND o.valid_to IS NULL) AS branches,
		e.filed, e.open, e.closed, e.due, e.on_time, CASE WHEN e.due > 0 THEN round(e.on_time * 100.0 / e.due, 2) END AS on_time_percent, e.reworked, e.extended, e.hours
	FROM (TABLE known_area UNION ALL SELECT NULL, 'in no grid', 'none', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) a,
		LATERAL (SELECT count(*) AS households, coalesce(sum(residents), 0)::bigint AS residents FROM household
			WHERE valid_to IS NULL AND CASE WHEN a.code IS NULL THEN grid IS NULL ELSE grid LIKE a.code || '%' END) h,
		LATERAL (SELECT count(*) AS filed, count(*) FILTER (WHERE state <> 'closed') AS open, count(*) FILTER (WHERE state = 'closed') AS closed, count(*) FILTER (WHERE is_due) AS due,
			count(*) FILTER (WHERE is_due AND in_time) AS on_time, count(reopened_at) AS reworked, count(extended_at) AS extended, avg(hours) AS hours
			FROM handled WHERE unit = 'case' AND CASE WHEN a.code IS NULL THEN grid IS NULL ELSE grid LIKE a.code || '%' END) e;
-- means as they are shown, where they are within rounding of the true ones
CREATE VIEW figures_wrong AS
	WITH shown AS MATERIALIZED (TABLE figures), by_hand AS MATERIALIZED (
		SELECT h.code, h.name, h.level, h.parent_code, h.district_code, h.district_name, h.street_code, h.street_name, h.community_code, h.community_name, h.households, h.residents,
			h.grids, h.officers, h.branches, h.filed, h.open, h.closed, h.due, h.on_time, h.on_time_percent, h.reworked, h.extended,
			CASE WHEN abs(f.mean_hours_to_close - h.hours) < 0.050001 THEN f.mean_hours_to_close ELSE h.hours END, h.valid_to
		FROM figures_by_hand h LEFT JOIN shown f ON f.code IS NOT DISTINCT FROM h.code
	)
	SELECT 'shown' AS which, x.* FROM (TABLE shown EXCEPT ALL TABLE by_hand) x UNION ALL SELECT 'by hand', x.* FROM (TABLE by_hand EXCEPT ALL TABLE shown) x;

CREATE VIEW dated AS
	SELECT e.grid, e.kind, date_trunc('month', w.at AT TIME ZONE 'Asia/Shanghai')::date AS month, (w.at AT TIME ZONE 'Asia/Shanghai')::date AS day, w.*, e.quantity, e.hours, e.in_time, e.is_due
	FROM handled e, LATERAL (VALUES ('filed', reported_at), ('due', deadline), ('closed', closed_at), ('reworked', reopened_at), ('extended', extended_at)) w (what, at)
	WHERE w.at IS NOT NULL;
CREATE VIEW monthly_by_hand AS
	WITH place AS (
		TABLE known_area UNION ALL SELECT NULL, 'in no grid', 'none', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
	), counted AS MATERIALIZED (
		SELECT a.code, d.month, d.kind, count(*) FILTER (WHERE what = 'filed') AS filed, coalesce(sum(quantity) FILTER (WHERE what = 'filed'), 0)::bigint AS quantity,
			count(*) FILTER (WHERE what = 'due' AND is_due) AS due, count(*) FILTER (WHERE what = 'closed') AS closed, count(*) FILTER (WHERE what = 'due' AND is_due AND in_time) AS on_time,
			count(*) FILTER (WHERE what = 'reworked') AS reworked, count(*) FILTER (WHERE what = 'extended') AS extended, avg(hours) FILTER (WHERE what = 'closed') AS hours
		FROM place a JOIN dated d ON CASE WHEN a.code IS NULL THEN d.grid IS NULL ELSE d.grid LIKE a.code || '%' END GROUP BY a.code, d.month, d.kind
	), month AS MATERIALIZED (
		SELECT month::date FROM (SELECT min(month) AS first, least(max(day), (now() AT TIME ZONE 'Asia/Shanghai')::date) AS last FROM dated) d, generate_series(d.first::timestamp, d.last::timestamp, '1 month') month
	)
	SELECT a.code, a.name, a.level, a.parent_code, a.district_code, a.district_name, a.street_code, a.street_name, a.community_code, a.community_name, m.month, k.kind, k.name AS kind_name, k.unit, coalesce(c.filed, 0) AS filed, coalesce(c.quantity, 0) AS quantity, coalesce(c.due, 0) AS due, coalesce(c.closed, 0) AS closed,
		coalesce(c.on_time, 0) AS on_time, coalesce(c.reworked, 0) AS reworked, coalesce(c.extended, 0) AS extended, c.hours, a.valid_to
	FROM place a CROSS JOIN event_kind k CROSS JOIN month m LEFT JOIN counted c ON (coalesce(c.code, ''), c.month, c.kind) = (coalesce(a.code, ''), m.month, k.kind);
CREATE VIEW monthly_wrong AS
	WITH shown AS MATERIALIZED (TABLE events_monthly), by_hand AS MATERIALIZED (
		SELECT h.code, h.name, h.level, h.parent_code, h.district_code, h.district_name, h.street_code, h.street_name, h.community_code, h.community_name, h.month, h.kind, h.kind_name, h.unit,
			h.filed, h.quantity, h.due, h.closed, h.on_time, round(h.closed * 100.0 / nullif(h.due, 0), 2), round(h.on_time * 100.0 / nullif(h.due, 0), 2), h.reworked, h.extended,
			CASE WHEN abs(f.mean_hours_to_close - h.hours) < 0.050001 THEN f.mean_hours_to_close ELSE h.hours END, h.valid_to
		FROM monthly_by_hand h LEFT JOIN shown f ON (coalesce(f.code, ''), f.month, f.kind) = (coalesce(h.code, ''), h.month, h.kind)
	)
	SELECT 'shown' AS which, x.* FROM (TABLE shown EXCEPT ALL TABLE by_hand) x UNION ALL SELECT 'by hand', x.* FROM (TABLE by_hand EXCEPT ALL TABLE shown) x;

CREATE VIEW gaps_wrong AS
	WITH shown AS MATERIALIZED (TABLE staffing_gaps), by_hand AS MATERIALIZED (
		SELECT a.*, g.* FROM open_area a, (VALUES ('officer', 'grid officer'), ('branch', 'branch'), ('manager', 'manager'), ('service_centre', 'grid service centre or station')) g (gap, gap_name)
		WHERE CASE gap
			WHEN 'officer' THEN level = 'grid' AND NOT EXISTS (SELECT FROM assignment p WHERE (p.post, p.area) = ('officer', a.code) AND now() >= valid_from AND now() < coalesce(valid_to, 'infinity'))
			WHEN 'branch' THEN level = 'grid' AND NOT EXISTS (SELECT FROM organization o WHERE o.grid = a.code AND o.valid_to IS NULL)
			WHEN 'manager' THEN level = 'community' AND NOT EXISTS (SELECT FROM assignment p WHERE (p.post, p.area) = ('manager', a.code) AND now() >= valid_from AND now() < coalesce(valid_to, 'infinity'))
			ELSE level <> 'grid' AND NOT EXISTS (SELECT FROM organization o WHERE (o.kind, o.area) = ('service_centre', a.code) AND o.valid_to IS NULL) END
	)
	SELECT 'shown' AS which, x.* FROM (TABLE shown EXCEPT ALL TABLE by_hand) x UNION ALL SELECT 'by hand', x.* FROM (TABLE by_hand EXCEPT ALL TABLE shown) x;
CREATE VIEW size_wrong AS
	WITH shown AS MATERIALIZED (TABLE size_check), counted AS (
		SELECT a.*, (SELECT count(*) FROM household h WHERE h.grid = a.code AND h.valid_to IS NULL) AS households,
			(SELECT coalesce(sum(residents), 0)::bigint FROM household h WHERE h.grid = a.code AND h.valid_to IS NULL) AS residents
		FROM open_area a WHERE a.level = 'grid'
	), by_hand AS MATERIALIZED (
		-- a handful of people are not told by their number
		SELECT code, name, level, parent_code, district_code, district_name, street_code, street_name, community_code, community_name,
			CASE WHEN households IN (1, 2) OR residents BETWEEN 1 AND 9 THEN NULL ELSE households END, CASE WHEN households IN (1, 2) OR residents BETWEEN 1 AND 9 THEN NULL ELSE residents END,
			array_to_string(array_remove(ARRAY[CASE WHEN households < 60 THEN 'too few households' END, CASE WHEN households > 100 THEN 'too many households' END,
			CASE WHEN residents < 150 THEN 'too few residents' END, CASE WHEN residents > 290 THEN 'too many residents' END], NULL), ', ') FROM counted c
		WHERE households < 60 OR households > 100 OR residents < 150 OR residents > 290
	)
	SELECT 'shown' AS which, x.* FROM (TABLE shown EXCEPT ALL TABLE by_hand) x UNION ALL SELECT 'by hand', x.* FROM (TABLE by_hand EXCEPT ALL TABLE shown) x;
CREATE VIEW coverage_wrong AS
	WITH shown AS MATERIALIZED (TABLE visit_coverage), month_of AS (
		SELECT v.*, date_trunc('month', visited_at AT TIME ZONE 'Asia/Shanghai')::date AS month FROM visit v WHERE grid IS NOT NULL
	), by_hand AS MATERIALIZED (
		SELECT a.code, a.name, a.level, a.parent_code, a.district_code, a.district_name, a.street_code, a.street_name, a.community_code, a.community_name,
			m.month, h.households, v.visits, v.visited, round(v.visited * 100.0 / nullif(h.households, 0), 2), a.valid_to
		FROM known_area a CROSS JOIN (SELECT month::date FROM generate_series((SELECT min(month) FROM month_of)::timestamp, (SELECT max(month) FROM month_of)::timestamp, '1 month') month) m,
			LATERAL (SELECT count(*) AS households FROM household h WHERE h.valid_to IS NULL AND h.grid LIKE a.code || '%') h,
			LATERAL (SELECT count(*) FILTER (WHERE v.grid LIKE a.code || '%') AS visits,
				count(DISTINCT household) FILTER (WHERE household IN (SELECT id FROM household n WHERE n.valid_to IS NULL AND n.grid LIKE a.code || '%')) AS visited
				FROM month_of v WHERE v.month = m.month AND v.grid LIKE left(a.code, 12) || '%') v
	)
	SELECT 'shown' AS which, x.* FROM (TABLE shown EXCEPT ALL TABLE by_hand) x UNION ALL SELECT 'by hand', x.* FROM (TABLE by_hand EXCEPT ALL TABLE shown) x;
CREATE VIEW reference_wrong AS
	WITH shown AS MATERIALIZED (TABLE reference_case), by_hand AS MATERIALIZED (
		SELECT k.position, k.kind, k.name, k.unit, coalesce((SELECT sum(e.quantity) FROM handled e
			WHERE CASE WHEN e.kind IN ('smoke', 'smoke_indoors') THEN 'fire' ELSE e.kind END = k.kind), 0)::bigint
		FROM event_kind k WHERE k.kind NOT IN ('smoke', 'smoke_indoors')
	)
	SELECT 'shown' AS which, x.* FROM (TABLE shown EXCEPT ALL TABLE by_hand) x UNION ALL SELECT 'by hand', x.* FROM (TABLE by_hand EXCEPT ALL TABLE shown) x;
-- Parts, closed ones among them, add up to their whole, in all that can be added.
CREATE VIEW parts_wrong AS
	SELECT 'figures' AS view, p.code, NULL::date AS month, NULL AS kind FROM figures p LEFT JOIN figures c ON c.parent_code = p.code WHERE p.level NOT IN ('grid', 'none')
	GROUP BY p.code, p.households, p.residents, p.grids, p.branches, p.events_filed, p.events_open, p.events_closed, p.events_due, p.events_on_time, p.events_reworked, p.events_extended
	HAVING (p.households, p.residents, p.grids, p.branches, p.events_filed, p.events_open, p.events_closed, p.events_due, p.events_on_time, p.events_reworked, p.events_extended)
		<> (coalesce(sum(c.households), 0), coalesce(sum(c.residents), 0), coalesce(sum(c.grids), 0), coalesce(sum(c.branches), 0), coalesce(sum(c.events_filed), 0), coalesce(sum(c.events_open), 0),
			coalesce(sum(c.events_closed), 0), coalesce(sum(c.events_due), 0), coalesce(sum(c.events_on_time), 0), coalesce(sum(c.events_reworked), 0), coalesce(sum(c.events_extended), 0))
	UNION ALL
	(WITH m AS MATERIALIZED (TABLE events_monthly)
	SELECT 'events_monthly', p.code, p.month, p.kind FROM m p LEFT JOIN m c ON (c.parent_code, c.month, c.kind) = (p.code, p.month, p.kind) WHERE p.level NOT IN ('grid', 'none')
	GROUP BY p.code, p.month, p.kind, p.filed, p.quantity, p.due, p.closed, p.on_time, p.reworked, p.extended
	HAVING (p.filed, p.quantity, p.due, p.closed, p.on_time, p.reworked, p.extended) <> (coalesce(sum(c.filed), 0), coalesce(sum(c.quantity), 0), coalesce(sum(c.due), 0),
		coalesce(sum(c.closed), 0), coalesce(sum(c.on_time), 0), coalesce(sum(c.reworked), 0), coalesce(sum(c.extended), 0)))
	UNION ALL
	(WITH v AS MATERIALIZED (TABLE visit_coverage)
	SELECT 'visit_coverage', p.code, p.month, NULL FROM v p LEFT JOIN v c ON (c.parent_code, c.month) = (p.code, p.month) WHERE p.level <> 'grid'
	GROUP BY p.code, p.month, p.households, p.visits HAVING (p.households, p.visits) <> (coalesce(sum(c.households), 0), coalesce(sum(c.visits), 0)));
-- Nothing is counted below zero, and no part is more than its whole; however old the stored figures are. Closed of due can be: what
-- is closed in a month may have been due in another.
CREATE VIEW absurd AS
	SELECT 'figures' AS view, f.code FROM figures f
	WHERE least(households, residents, grids, officers, branches, events_filed, events_open, events_closed, events_due, events_on_time, events_reworked, events_extended, mean_hours_to_close) < 0
		OR events_on_time > events_due OR on_time_percent NOT BETWEEN 0 AND 100 OR (on_time_percent IS NULL) <> (events_due = 0)
	UNION ALL SELECT 'events_monthly', code FROM events_monthly
	WHERE least(filed, quantity, due, closed, on_time, reworked, extended, mean_hours_to_close, closed_percent) < 0 OR on_time > due OR on_time_percent NOT BETWEEN 0 AND 100
	UNION ALL SELECT 'visit_coverage', code FROM visit_coverage
	WHERE least(households, visits, visited) < 0 OR coverage_percent NOT BETWEEN 0 AND 100 OR (coverage_percent IS NULL) <> (households = 0)
	UNION ALL SELECT 'size_check', code FROM size_check WHERE least(households, residents) < 0
	UNION ALL SELECT 'reference_case', kind FROM reference_case WHERE quantity < 0;
-- what is wrong in each view, and how many rows there are
CREATE VIEW wrong AS
	SELECT 'figures' AS view, (SELECT count(*) FROM figures_wrong) AS wrong, (SELECT count(*) FROM figures) AS rows
	UNION ALL SELECT 'events_monthly', (SELECT count(*) FROM monthly_wrong), (SELECT count(*) / count(DISTINCT month) FROM events_monthly)
	UNION ALL SELECT 'staffing_gaps', (SELECT count(*) FROM gaps_wrong), (SELECT count(*) FROM staffing_gaps)
	UNION ALL SELECT 'size_check', (SELECT count(*) FROM size_wrong), (SELECT count(*) FROM size_check)
	UNION ALL SELECT 'visit_coverage', (SELECT count(*) FROM coverage_wrong), (SELECT count(*) FROM visit_coverage)
	UNION ALL SELECT 'reference_case', (SELECT count(*) FROM reference_wrong), (SELECT count(*) FROM reference_case)
	UNION ALL SELECT 'parts', (SELECT count(*) FROM parts_wrong), 3
	UNION ALL SELECT 'absurd', (SELECT count(*) FROM absurd), 5
	UNION ALL SELECT 'rollups', (SELECT count(*) FROM drifted), 4;

-- else a hash of what a planner takes for millions of rows goes to a thousand files
SET work_mem = '64MB';
-- nothing is stored yet, and the views show it; then it is
SELECT view, wrong > 0 FROM wrong WHERE view IN ('figures', 'size_check', 'reference_case', 'visit_coverage');
SELECT refreshed();
SELECT * FROM wrong;
-- wherever the client is
SET timezone = 'America/Los_Angeles';
SELECT view, wrong FROM wrong WHERE wrong > 0;
SET timezone = 'Pacific/Kiritimati';
SELECT view, wrong FROM wrong WHERE wrong > 0;
SET timezone = 'UTC';

-- areas without events have zeros, and rates only where something was due
SELECT code, households, events_filed, events_due, on_time_percent, mean_hours_to_close FROM figures WHERE code IN ('350304003', '350305001001001') ORDER BY code;
SELECT code, households, residents, problem FROM size_check WHERE district_code = '350305' ORDER BY code;
SELECT count(*) > 0, count(on_time_percent), count(closed_percent) FROM events_monthly WHERE due = 0;
SELECT count(*) > 0, count(coverage_percent) FROM visit_coverage WHERE households = 0;
-- what is in no grid is a row, and there is something in it
SELECT name, level, households > 0, events_filed > 0, events_due > 0, events_on_time > 0 FROM figures WHERE code IS NULL;
SELECT name, level, min(month) < (SELECT date_trunc('month', min(reported_at)) FROM event WHERE grid IS NOT NULL), sum(filed) > 0, sum(due) > 0, sum(on_time) > 0, count(mean_hours_to_close) > 0
FROM events_monthly WHERE code IS NULL GROUP BY name, level;

-- and after much has changed: grids split, buildings moved, households gone, events closed, reopened, loaded, deleted
SELECT boundary_draw(2, '350304001001005', 'grid 1.1.5', square(0, 0, 100, 100)), boundary_draw(2, '350304001001006', 'grid 1.1.6', square(100, 0, 200, 100)), boundary_close(2, '350304001001001');
SELECT boundary_publish(2);
UPDATE building SET geom = spot(round(chance('new x', id::text) * 900) - 50, round(chance('new y', id::text) * 420) - 10) WHERE id % 5 = 0;
UPDATE building SET geom = NULL WHERE id % 50 = 1;
UPDATE household SET valid_to = '2020-02-01' WHERE building % 9 = 0 AND valid_to IS NULL;
UPDATE household SET residents = residents + 2 WHERE building % 7 = 0;
INSERT INTO household (building, residents) SELECT id, 4 FROM building WHERE id % 6 = 0;
UPDATE event SET state = 'closed', closed_at = least(deadline, now()) WHERE state = 'dispatched' AND id % 2 = 0;
UPDATE event SET state = 'reopened', closed_at = NULL, reopened_at = coalesce(reopened_at, closed_at) WHERE state = 'closed' AND id % 7 = 0;
UPDATE event SET deadline = deadline + interval '20 days', extended_at = coalesce(extended_at, now()) WHERE state IN ('dispatched', 'reopened') AND id % 3 = 0;
DELETE FROM event WHERE id % 13 = 0 AND NOT EXISTS (SELECT FROM event_step s WHERE s.event = event.id);
SELECT load_events('second', 500);
SELECT count(event_report('market', building => id)) > 50 FROM building WHERE grid IS NOT NULL AND id % 4 = 0;
INSERT INTO visit (household, visited_at) SELECT id, '2019-12-01 10:00' FROM household WHERE building % 10 = 0;
UPDATE assignment SET valid_to = now() WHERE area = '350304001002001';
UPDATE event SET state = 'rejected' WHERE state = 'dispatched' AND id % 5 = 0;
-- where three households were counted, eight are visited
INSERT INTO household (building, residents) SELECT 504, 2 FROM generate_series(1, 5);
INSERT INTO visit (household, visited_at) SELECT id, '2019-09-02 10:00' FROM household WHERE building = 504;
SELECT view, wrong > 0 FROM wrong WHERE view IN ('figures', 'size_check', 'reference_case', 'visit_coverage');
-- none of the stored figures is new, then one of them is, then all are
SELECT view, count(*) FROM absurd GROUP BY view;
CREATE FUNCTION absurd_after(rollup regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	found bigint;
BEGIN
	PERFORM grid_rollup_refresh(rollup);
	found := (SELECT count(*) FROM absurd);
	RAISE EXCEPTION USING ERRCODE = 'GT006';
EXCEPTION WHEN SQLSTATE 'GT006' THEN RETURN found;
END $$;
SELECT r, absurd_after(r::regclass) FROM unnest('{household_total,event_daily,event_total,visit_monthly}'::text[]) r;
SELECT refreshed();
SELECT * FROM wrong;
-- the grid that is closed has what was reported in it, and new ones have theirs
SELECT code, valid_to, households > 0, events_filed > 0, grids, officers, branches FROM figures WHERE code IN ('350304001001001', '350304001001005') ORDER BY code;

-- A kind is added that nothing was reported of, and one area's name changes: seen at once.
INSERT INTO event_kind (kind, name, unit, days, position) VALUES ('noise', 'noise reports', 'case', 4, 9);
UPDATE area SET name = 'street of the west' WHERE code = '350304001';
SELECT view, wrong FROM wrong WHERE wrong > 0;
SELECT quantity FROM reference_case WHERE kind = 'noise';

-- Readers see communities and above as they are, and no grid.
CREATE ROLE community_views_bi IN ROLE community_views_reader;
CREATE TABLE all_figures AS TABLE figures;
CREATE TABLE all_months AS TABLE events_monthly;
CREATE TABLE all_coverage AS TABLE visit_coverage;
GRANT SELECT ON all_figures, all_months, all_coverage TO PUBLIC;
SET ROLE community_views_bi;
SELECT count(*), count(*) FILTER (WHERE level = 'grid') FROM figures;
SELECT count(*) FROM ((TABLE figures EXCEPT ALL SELECT * FROM all_figures) UNION ALL (SELECT * FROM all_figures WHERE level <> 'grid' EXCEPT ALL TABLE figures)) d WHERE level <> 'none';
SELECT count(*) FROM ((TABLE events_monthly EXCEPT ALL SELECT * FROM all_months) UNION ALL (SELECT * FROM all_months WHERE level <> 'grid' EXCEPT ALL TABLE events_monthly)) d;
SELECT count(*) FROM ((TABLE visit_coverage EXCEPT ALL SELECT * FROM all_coverage) UNION ALL (SELECT * FROM all_coverage WHERE level <> 'grid' EXCEPT ALL TABLE visit_coverage)) d;
SELECT count(*) FROM staffing_gaps WHERE level = 'grid';
RESET ROLE;
\set ECHO none
\i tests/lib/register_gone.sql
