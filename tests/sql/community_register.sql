-- The register's buildings, households, establishments, organizations and posts.
\set schema community_register
\set ECHO none
\i tests/lib/register.sql
\set ECHO all
INSERT INTO boundary_version VALUES (1, 'first drawing', '2019-01-01');
SELECT count(boundary_draw(1, code, name, geom)) FROM small_district() d;
SELECT boundary_publish(1);

-- Buildings: whatever grid is typed, it is that of the place; on the border too.
INSERT INTO building (id, gridcode, geom)
SELECT row_number() OVER (ORDER BY x, y), CASE (x + y) % 3 WHEN 0 THEN '350304002002004'::gridcode WHEN 1 THEN '350304001001' END, spot(x, y)
FROM generate_series(-40, 840, 40) x, generate_series(-50, 450, 25) y;
INSERT INTO building (id, gridcode) VALUES (1001, '350304002002004'), (1002, NULL);
INSERT INTO building (id, geom) VALUES (1003, ST_SetSRID('POINT EMPTY'::geometry, 3857));
COPY building (id, gridcode, geom) FROM stdin;
1004	350304002002004	SRID=3857;POINT(10 10)
1005	\N	SRID=3857;POINT(10 10)
1006	350304001001001	SRID=3857;POINT(10 -10)
1007	350304001001001	\N
\.
SELECT * FROM grid_wrong;
SELECT id, grid, grid_status FROM building WHERE id > 1000 ORDER BY id;
UPDATE building SET gridcode = '350304002002004';
SELECT * FROM grid_wrong;
UPDATE building SET gridcode = NULL WHERE id % 2 = 0;
SELECT * FROM grid_wrong;
SELECT grid_status, count(*) FROM building GROUP BY 1 ORDER BY 1;
SELECT refused($$ UPDATE building SET grid = '350304001001001' $$);
SELECT refused($$ INSERT INTO building (grid_status) VALUES ('assigned') $$);
SELECT refused($$ INSERT INTO building (dwellings) VALUES (-1) $$);
SELECT refused($$ INSERT INTO building (geom) VALUES (ST_SetSRID(spot(1, 1), 4326)) $$);
SELECT refused($$ INSERT INTO building (geom) VALUES (square(1, 1, 2, 2)) $$);
SELECT refused($$ INSERT INTO building (id) VALUES (1) $$);

-- Households: in the grid of their building, whatever is typed.
INSERT INTO household (building, door, residents, grid, grid_status)
SELECT id, nth, 1 + (id * 7 + nth) % 5, CASE nth WHEN 1 THEN '350304002002004' END, CASE nth WHEN 1 THEN 'assigned' ELSE 'outside' END
FROM building, generate_series(1, 2) nth;
COPY household (building, residents, grid, grid_status) FROM stdin;
1004	3	350304002002004	assigned
1006	2	350304002002004	assigned
1007	4	\N	outside
\.
-- many in one building
INSERT INTO household (building, residents) SELECT 1005, 3 FROM generate_series(1, 2000);
SELECT * FROM grid_wrong;
UPDATE household SET grid = '350304002002004', grid_status = 'assigned' WHERE building % 3 = 0;
UPDATE household SET grid = NULL, grid_status = 'outside' WHERE building % 3 = 1;
UPDATE household SET residents = residents + 1, valid_from = '2019-01-01' WHERE building % 3 = 2;
SELECT * FROM grid_wrong;
UPDATE household SET building = building % 400 + 1, door = NULL WHERE building % 7 = 0;
SELECT * FROM grid_wrong;

-- buildings move, and households with them: within, outside, to nowhere, all at once, by INSERT and by MERGE
UPDATE building SET geom = ST_Translate(geom, 90, 60) WHERE id % 5 = 0;
SELECT * FROM grid_wrong;
UPDATE building SET geom = spot(-5, id) WHERE id % 11 = 0;
SELECT * FROM grid_wrong;
UPDATE building SET geom = NULL WHERE id % 13 = 0;
SELECT * FROM grid_wrong;
UPDATE building b SET geom = o.geom FROM building o WHERE o.id = 450 - b.id;
SELECT * FROM grid_wrong;
INSERT INTO building (id, geom) SELECT id, spot(790, 390) FROM generate_series(1, 20) id ON CONFLICT (id) DO UPDATE SET geom = excluded.geom;
SELECT * FROM grid_wrong;
MERGE INTO building b USING generate_series(21, 40) nth ON b.id = nth WHEN MATCHED THEN UPDATE SET geom = spot(10, 390);
SELECT * FROM grid_wrong;
SELECT grid, count(*) FROM household WHERE building = 1005 GROUP BY grid;
UPDATE building SET geom = spot(500, 350) WHERE id = 1005;
SELECT grid, count(*) FROM household WHERE building = 1005 GROUP BY grid;
UPDATE building SET geom = spot(900, 350) WHERE id = 1005;
SELECT grid, grid_status, count(*) FROM household WHERE building = 1005 GROUP BY 1, 2;
SELECT * FROM grid_wrong;

SELECT refused($$ INSERT INTO household (building, residents) VALUES (1, 0) $$);
SELECT refused($$ INSERT INTO household (building, residents) VALUES (1, -3) $$);
SELECT refused($$ INSERT INTO household (building, residents) VALUES (1, NULL) $$);
SELECT refused($$ INSERT INTO household (residents) VALUES (3) $$);
SELECT refused($$ INSERT INTO household (building, residents) VALUES (4711, 3) $$);
SELECT refused($$ UPDATE household SET building = 4711 WHERE building = 1004 $$);
SELECT refused($$ INSERT INTO household (building, residents, valid_from, valid_to) VALUES (1, 3, '2019-02-01', '2019-01-31') $$);
SELECT refused($$ DELETE FROM building WHERE id = 1004 $$);
-- a door is one household's until it leaves
INSERT INTO household (building, door, residents) VALUES (1004, 'A', 2);
SELECT split_part(refused($$ INSERT INTO household (building, door, residents) VALUES (1004, 'A', 3) $$), E'\n', 1);
UPDATE household SET valid_to = '2019-06-30' WHERE building = 1004 AND door = 'A';
INSERT INTO household (building, door, residents) VALUES (1004, 'A', 3);
-- and it leaves when it has left
SELECT replace(refused(format('UPDATE household SET valid_to = %L WHERE building = 1004 AND door = %L AND valid_to IS NULL', today() + d, 'A')), (today() + d)::text, 'the ' || d || 'th day') FROM generate_series(0, 2) d;
SELECT refused($$ INSERT INTO household (building, residents, valid_to) VALUES (1004, 3, 'infinity') $$);

-- households that have left are counted nowhere; those without a grid in no area
UPDATE household SET valid_to = '2019-12-31' WHERE valid_to IS NULL AND residents = 3;
SELECT grid_rollup_refresh('household_total') IS NOT NULL;
WITH by_force AS (
	SELECT a.code, count(h.id) AS households, coalesce(sum(h.residents), 0) AS residents
	FROM area a LEFT JOIN household h ON h.grid LIKE a.code || '%' AND h.valid_to IS NULL GROUP BY a.code
), shown AS (
	SELECT code, households, residents FROM figures WHERE code IS NOT NULL
)
(TABLE by_force EXCEPT TABLE shown) UNION ALL (TABLE shown EXCEPT TABLE by_force);

-- Establishments, likewise.
INSERT INTO establishment (id, kind, name, gridcode, geom)
SELECT id, (ARRAY['organ', 'firm', 'shop', 'association'])[1 + id % 4], 'establishment ' || id, '350304001001001', geom FROM building WHERE id % 2 = 0;
SELECT * FROM grid_wrong;
UPDATE establishment SET gridcode = '350304001001001';
UPDATE establishment SET geom = ST_Translate(geom, 300, 20) WHERE id % 3 = 0;
UPDATE establishment SET geom = NULL WHERE id % 7 = 0;
SELECT * FROM grid_wrong;
SELECT grid_status, count(*) > 0 FROM establishment GROUP BY 1 ORDER BY 1;
SELECT refused($$ INSERT INTO establishment (kind, name) VALUES ('school', 'number one') $$);
SELECT refused($$ INSERT INTO establishment (kind, name) VALUES ('shop', NULL) $$);
SELECT refused($$ INSERT INTO establishment (kind, name, valid_from, valid_to) VALUES ('shop', 'number one', '2019-02-01', '2019-01-31') $$);

-- Organizations: a parent ranks higher. Every pair of kinds, put one under the other.
CREATE FUNCTION under(child text, parent text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO organization (id, kind, name, area) VALUES (1, under.parent, 'above', '350304001');
	INSERT INTO organization (id, kind, name, area, parent) VALUES (2, under.child, 'below', '350304001', 1);
	RAISE EXCEPTION USING ERRCODE = 'GT004';
EXCEPTION
	WHEN SQLSTATE 'GT004' THEN RETURN true;
	WHEN check_violation THEN RETURN false;
END $$;
SELECT count(*), count(*) FILTER (WHERE under(c.kind, p.kind) <> (p.rank < c.rank)) AS wrong FROM organization_kind c, organization_kind p;
-- as many, by changing kinds afterwards
CREATE FUNCTION becomes(child text, parent text, new_child text, new_parent text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO organization (id, kind, name, area) VALUES (1, becomes.parent, 'above', '350304001');
	INSERT INTO organization (id, kind, name, area, parent) VALUES (2, becomes.child, 'below', '350304001', 1);
	UPDATE organization SET kind = CASE id WHEN 1 THEN new_parent ELSE new_child END
	WHERE id = 1 AND kind <> new_parent OR id = 2 AND kind <> new_child;
	RAISE EXCEPTION USING ERRCODE = 'GT004';
EXCEPTION
	WHEN SQLSTATE 'GT004' THEN RETURN true;
	WHEN check_violation THEN RETURN false;
END $$;
SELECT count(*), count(*) FILTER (WHERE becomes('sub_group', 'leading_group', 'sub_group', k.kind) <> (k.rank < 5)) AS wrong,
	count(*) FILTER (WHERE becomes('sub_group', 'leading_group', k.kind, 'leading_group') <> (k.rank > 1)) AS wrong
FROM organization_kind k;
-- service centres stand under those of areas around theirs, and nothing else as high as it is itself
CREATE FUNCTION centre_under(child_area text, parent_area text, parent_kind text DEFAULT 'service_centre') RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO organization (id, kind, name, area) VALUES (1, centre_under.parent_kind, 'above', parent_area);
	INSERT INTO organization (id, kind, name, area, parent) VALUES (2, 'service_centre', 'below', child_area, 1);
	RAISE EXCEPTION USING ERRCODE = 'GT004';
EXCEPTION
	WHEN SQLSTATE 'GT004' THEN RETURN true;
	WHEN check_violation THEN RETURN false;
END $$;
SELECT count(*), count(*) FILTER (WHERE centre_under(c.code, p.code)) AS taken, count(*) FILTER (WHERE centre_under(c.code, p.code) <> (c.code LIKE p.code || '_%')) AS wrong
FROM area c, area p WHERE c.level <> 'grid' AND p.level <> 'grid';
SELECT k.kind FROM organization_kind k WHERE k.kind <> 'service_centre' AND centre_under('350304001001', '350304', k.kind) ORDER BY k.rank, k.kind;
BEGIN;
INSERT INTO organization (id, kind, name, area, parent) VALUES (1, 'service_centre', 'district', '350304', NULL), (2, 'service_centre', 'street 1', '350304001', 1), (3, 'service_centre', 'community 1.1', '350304001001', 2);
-- moved, there is no circle, and no child where it does not belong
SELECT refused($$ UPDATE organization SET parent = 3 WHERE id = 1 $$);
SELECT refused($$ UPDATE organization SET area = '350304002' WHERE id = 2 $$);
SELECT refused($$ UPDATE organization SET area = '350304001002', parent = 3 WHERE id = 2 $$);
UPDATE organization SET area = '350304001002' WHERE id = 3;
ROLLBACK;
INSERT INTO organization (id, kind, name, area, parent) VALUES
	(101, 'leading_group', 'leading group', '350304', NULL),
	(102, 'street_committee', 'committee of street 1', '350304001', 101),
	(103, 'community_committee', 'committee of community 1.1', '350304001001', 102),
	(104, 'branch', 'branch of grid 1.1.1', '350304001001001', 103),
	(105, 'sub_group', 'sub-group', '350304001001001', 104);
INSERT INTO organization (id, kind, name, area, grid) VALUES (106, 'branch', 'branch of grid 1.1.2', '350304001001', '350304001001002');
INSERT INTO organization (id, kind, name, area) VALUES (107, 'service_centre', 'centre of street 1', '350304001'), (108, 'department', 'fire brigade', '350304');
UPDATE organization SET grid = '350304001001001' WHERE id = 104;
SELECT refused($$ UPDATE organization SET parent = 104 WHERE id = 102 $$);
SELECT refused($$ UPDATE organization SET kind = 'department' WHERE id = 102 $$);
SELECT refused($$ UPDATE organization SET parent = 108 WHERE id = 108 $$);
SELECT refused($$ INSERT INTO organization (id, kind, name, area, parent) VALUES (109, 'branch', 'its own parent', '350304001001', 109) $$);
SELECT refused($$ INSERT INTO organization (id, kind, name, area, parent) VALUES (109, 'leading_group', 'child first', '350304', 110), (110, 'department', 'parent next', '350304', NULL) $$);
SELECT refused($$ INSERT INTO organization (kind, name, area, parent) VALUES ('branch', 'of nobody', '350304001001', 4711) $$);
SELECT refused($$ INSERT INTO organization (kind, name, area) VALUES ('club', 'chess club', '350304001001') $$);
SELECT refused($$ INSERT INTO organization (kind, name, area) VALUES ('branch', 'nowhere', '350304001009') $$);
SELECT refused($$ INSERT INTO organization (kind, name, area, members) VALUES ('branch', 'minus three', '350304001001', -3) $$);
SELECT refused($$ INSERT INTO organization (kind, name, area, valid_from, valid_to) VALUES ('branch', 'ends before it begins', '350304001001', '2019-02-01', '2019-01-01') $$);
-- one that ends has ended, and a handler is a department's
SELECT replace(refused(format('UPDATE organization SET valid_to = %L WHERE id = 106', today() + d)), (today() + d)::text, 'the ' || d || 'th day') FROM generate_series(0, 1) d;
SELECT refused($$ INSERT INTO organization (kind, name, area, valid_to) VALUES ('branch', 'for a while', '350304001001', 'infinity') $$);
SELECT refused(format('INSERT INTO assignment (person, post, area, organization) VALUES (gen_random_uuid(), %L, %L, %s)', 'handler', '350304', id)) FROM unnest('{104,107,108,4711}'::int[]) id;
SELECT refused($$ INSERT INTO assignment (person, post, organization) VALUES (gen_random_uuid(), 'handler', 108) $$);
-- one grid one branch
SELECT refused($$ INSERT INTO organization (kind, name, area, grid) VALUES ('branch', 'second branch', '350304001001', '350304001001001') $$);
SELECT refused($$ UPDATE organization SET grid = '350304001001001' WHERE id = 106 $$);
SELECT refused($$ INSERT INTO organization (kind, name, area, grid) VALUES ('sub_group', 'no branch', '350304001001', '350304001001003') $$);
SELECT refused($$ INSERT INTO organization (kind, name, area, grid) VALUES ('branch', 'no grid', '350304001001', '350304001001') $$);
UPDATE organization SET valid_to = '2019-12-31' WHERE id = 106;
INSERT INTO organization (id, kind, name, area, grid) VALUES (109, 'branch', 'branch that follows', '350304001001', '350304001001002');
SELECT refused($$ UPDATE organization SET valid_to = NULL WHERE id = 106 $$);
-- one service centre an area
SELECT refused($$ INSERT INTO organization (kind, name, area) VALUES ('service_centre', 'second centre', '350304001') $$);
INSERT INTO organization (kind, name, area) VALUES ('service_centre', 'another area''s', '350304002'), ('volunteer_team', 'team', '350304001'), ('volunteer_team', 'second team', '350304001');

-- Posts.
INSERT INTO assignment (id, person, post, area, valid_from, valid_to) VALUES
	(1001, gen_random_uuid(), 'officer', '350304001001001', '2019-01-01', '2019-07-01'),
	(1002, gen_random_uuid(), 'officer', '350304001001001', '2019-07-01', '2020-01-01'),
	(1003, gen_random_uuid(), 'officer', '350304001001001', '2020-03-01', NULL),
	(1004, gen_random_uuid(), 'officer', '350304001001001', '2018-01-01', '2019-01-01');
-- several of another post, and an officer in another grid
INSERT INTO assignment (person, post, area, valid_from) SELECT gen_random_uuid(), 'volunteer', '350304001001001', '2019-01-01' FROM generate_series(1, 3);
INSERT INTO assignment (person, post, area, valid_from) VALUES (gen_random_uuid(), 'officer', '350304001001002', '2019-01-01');
SELECT refused($$ INSERT INTO assignment (person, post, area, valid_from) VALUES (gen_random_uuid(), 'officer', '350304001001001', '2021-01-01') $$);
SELECT refused($$ INSERT INTO assignment (person, post, area, valid_from) VALUES (gen_random_uuid(), 'officer', '350304001001001', '2019-12-31') $$);
SELECT refused($$ INSERT INTO assignment (person, post, area, valid_from, valid_to) VALUES (gen_random_uuid(), 'officer', '350304001001001', '2017-01-01', '2018-01-02') $$);
SELECT refused($$ INSERT INTO assignment (person, post, area, valid_from, valid_to) VALUES (gen_random_uuid(), 'officer', '350304001001001', '2999-01-01', '2999-12-31') $$);
SELECT refused($$ UPDATE assignment SET valid_to = '2020-03-02' WHERE id = 1002 $$);
SELECT refused($$ UPDATE assignment SET area = '350304001001001' WHERE area = '350304001001002' $$);
SELECT refused($$ UPDATE assignment SET post = 'officer' WHERE post = 'volunteer' $$);
SELECT refused($$ INSERT INTO assignment (person, post, area) VALUES (gen_random_uuid(), 'officer', '350304001001') $$);
SELECT refused($$ INSERT INTO assignment (person, post, organization) VALUES (gen_random_uuid(), 'officer', 104) $$);
SELECT refused($$ INSERT INTO assignment (person, post, area) VALUES (gen_random_uuid(), 'officer', '350304001001009') $$);
SELECT refused($$ INSERT INTO assignment (person, post, area) VALUES (gen_random_uuid(), 'handler', '350304') $$);
SELECT refused($$ INSERT INTO assignment (person, post) VALUES (gen_random_uuid(), 'manager') $$);
SELECT refused($$ INSERT INTO assignment (person, post, area) VALUES (gen_random_uuid(), 'mayor', '350304') $$);
SELECT refused($$ INSERT INTO assignment (person, post, area, valid_from, valid_to) VALUES (gen_random_uuid(), 'manager', '350304', '2019-02-01', '2019-01-01') $$);
UPDATE assignment SET valid_to = '2020-03-01' WHERE id = 1002;
-- a role for many holds no post, by whatever way; one that cannot work here is warned of
SELECT refused(format('INSERT INTO assignment (person, post, area, role_name) VALUES (gen_random_uuid(), %L, %L, %L)', 'manager', '350304', 'community_register_' || r))
FROM unnest('{owner,officer,manager,handler,statistician,reader,admin}'::text[]) r;
SELECT refused($$ UPDATE assignment SET role_name = 'community_register_manager' WHERE id = 1003 $$);
CREATE ROLE community_register_wu;
BEGIN;
UPDATE assignment SET role_name = 'community_register_wu' WHERE id = 1003;
GRANT community_register_officer TO community_register_wu;
UPDATE assignment SET role_name = 'community_register_wu' WHERE id = 1003;
UPDATE assignment SET role_name = 'community_register_xu' WHERE id = 1003;
ROLLBACK;

-- Kinds of events are a tree of any height.
INSERT INTO event_kind (kind, parent, name, unit, days) VALUES ('noise', 'environment', 'noise', 'case', 3), ('night', 'noise', 'noise at night', 'case', 1), ('music', 'night', 'music', 'case', 1);
SELECT refused(format('UPDATE event_kind SET parent = %L WHERE kind = %L', parent, kind))
FROM (VALUES ('noise', 'noise'), ('noise', 'night'), ('noise', 'music'), ('environment', 'music'), ('night', 'fire')) v (kind, parent);
SELECT refused($$ INSERT INTO event_kind (kind, parent, name, unit) VALUES ('own', 'own', 'its own', 'record') $$);
SELECT refused($$ UPDATE event_kind SET parent = CASE kind WHEN 'fire' THEN 'market' ELSE 'fire' END WHERE kind IN ('fire', 'market') $$);
SELECT refused($$ INSERT INTO event_kind (kind, parent, name, unit) VALUES ('lost', 'nothing', 'lost', 'record') $$);
SELECT kind, top FROM event_kind_top WHERE kind <> top ORDER BY kind;

-- periods of officers by chance: refused just where one overlaps with one who is there
CREATE TABLE period (nth int, begins date, ends date, taken boolean);
INSERT INTO period SELECT nth, begins, CASE WHEN b % 9 > 0 THEN begins + b % 40 END
FROM (SELECT nth, '2019-01-01'::date + abs(hashint4(nth)) % 700 AS begins, abs(hashint4(-nth)) AS b FROM generate_series(1, 150) nth) r;
DO $$
DECLARE
	p period;
BEGIN
	FOR p IN SELECT * FROM period ORDER BY nth LOOP
		BEGIN
			INSERT INTO assignment (person, post, area, valid_from, valid_to) VALUES (gen_random_uuid(), 'officer', '350304002002001', p.begins, p.ends);
			UPDATE period SET taken = true WHERE nth = p.nth;
		EXCEPTION WHEN exclusion_violation THEN
			UPDATE period SET taken = false WHERE nth = p.nth;
		END;
	END LOOP;
END $$;
SELECT taken, count(*) > 10 FROM period GROUP BY taken ORDER BY taken;
SELECT count(*) FROM period p WHERE taken = EXISTS (SELECT FROM period o WHERE o.taken AND o.nth < p.nth
	AND o.begins < coalesce(o.ends, 'infinity') AND p.begins < coalesce(p.ends, 'infinity')
	AND p.begins < coalesce(o.ends, 'infinity') AND o.begins < coalesce(p.ends, 'infinity'));
\set ECHO none
\i tests/lib/register_gone.sql
