-- A small district for clients of the register to look at: 10 streets with 10 communities of 10 grids each, all of them
-- rectangles; 5,000 households, an event at each.
INSERT INTO boundary_version (version, title, valid_from) VALUES (1, '第一版', '2023-01-01');
CREATE TEMP TABLE box AS
SELECT '350304' AS code, '荔城区' AS name, 0 AS x1, 0 AS y1, 100 AS x2, 100 AS y2
UNION ALL
SELECT '350304' || lpad(s::text, 3, '0'), format('第%s街道', s), 10 * (s - 1), 0, 10 * s, 100 FROM generate_series(1, 10) s
UNION ALL
SELECT '350304' || lpad(s::text, 3, '0') || lpad(c::text, 3, '0'), format('第%s社区', c), 10 * (s - 1), 10 * (c - 1), 10 * s, 10 * c
FROM generate_series(1, 10) s, generate_series(1, 10) c
UNION ALL
SELECT '350304' || lpad(s::text, 3, '0') || lpad(c::text, 3, '0') || lpad(g::text, 3, '0'),
	-- text that a careless client spoils: outside the basic plane, quotes, a backslash, a question mark
	CASE g WHEN 1 THEN '𠮷祥里' WHEN 2 THEN '"甲"的''乙''\丙?' ELSE format('第%s网格', g) END,
	10 * (s - 1) + g - 1, 10 * (c - 1), 10 * (s - 1) + g, 10 * c
FROM generate_series(1, 10) s, generate_series(1, 10) c, generate_series(1, 10) g;
INSERT INTO area (code, name, opened_in) SELECT code, name, 1 FROM box;
INSERT INTO boundary (code, version, geom)
SELECT code, 1, ST_Multi(ST_MakeEnvelope(119 + 0.001 * x1, 25.4 + 0.001 * y1, 119 + 0.001 * x2, 25.4 + 0.001 * y2, 4326)) FROM box;
DO $$ BEGIN PERFORM boundary_publish(1); END $$;

-- the last building is outside the district
INSERT INTO building (id, address, dwellings, geom)
SELECT row_number() OVER (ORDER BY code), '甲' || right(code, 9), 5, ST_Point(119 + 0.001 * (x1 + 0.5), 25.4 + 0.001 * (y1 + 5), 4326)
FROM box WHERE length(code) = 15
UNION ALL SELECT 1001, '乙', 4, ST_Point(118, 25, 4326);
INSERT INTO household (building, door, residents)
SELECT b.id, d::text, 1 + (b.id + d) % 5 FROM building b, generate_series(1, b.dwellings) d;

INSERT INTO organization (kind, name, area) VALUES ('department', '市场监管局', '350304');
INSERT INTO assignment (person, post, area, role_name, valid_from)
SELECT gen_random_uuid(), 'officer', code, CASE code WHEN '350304003004005' THEN :'officer' END, '2023-01-01' FROM box WHERE length(code) = 15 AND right(code, 3) <> '010';

-- half of them are closed on time, a quarter late, a quarter not at all; 2023, but for its last month
INSERT INTO event (kind, reported_at, household, state, desk, deadline, closed_at)
SELECT CASE WHEN n % 3 = 0 THEN 'fire' ELSE 'market' END, t, h.id, CASE WHEN n % 4 = 3 THEN 'dispatched' ELSE 'closed' END, 'community', t + interval '5 days',
	CASE WHEN n % 4 < 2 THEN t + interval '1 day' WHEN n % 4 = 2 THEN t + interval '9 days' END
FROM (SELECT id, row_number() OVER (ORDER BY building, door) AS n FROM household) h,
	LATERAL (SELECT timestamptz '2023-01-01 00:30+08' + n % 334 * interval '1 day' + n % 47 * interval '30 minutes' AS t) r;
INSERT INTO event (kind, quantity, reported_at, grid, state)
SELECT 'visit', 7, timestamptz '2023-03-05 10:00+08', code, 'recorded' FROM box WHERE length(code) = 15;
-- in three months, of which the middle one begins at 01:00 in Asunción, where clocks were changed
INSERT INTO visit (household, visited_at)
SELECT id, timestamptz '2023-08-05 10:00+08' + building % 4 * interval '1 month' FROM household WHERE building % 4 > 0;
-- a draft: one street is drawn anew
INSERT INTO boundary_version (version, title, valid_from) VALUES (2, '草案', '2023-07-01');
INSERT INTO boundary (code, version, geom) SELECT code, 2, geom FROM boundary WHERE gridcode <@ '350304010' AND version = 1;
