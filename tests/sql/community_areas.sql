-- The register's areas: drawn, checked, published, split; what is refused changes nothing.
\set schema community_areas
\set ECHO none
\i tests/lib/register.sql
\set ECHO all
-- Square metres are those of the ellipsoid. At the equator, where the small district lies, a metre of its map to the east is one
-- metre, and one to the north as much less as the ellipsoid is bent more that way.
CREATE FUNCTION metres(of_map float8) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN of_map * (1 - 0.0066943799901413);
-- anywhere: of a piece between two meridians and two parallels
CREATE FUNCTION on_ellipsoid(west float8, south float8, east float8, north float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT 6378137.0 ^ 2 * (1 - e * e) * radians(east - west) / 2
		* sum(way * (s / (1 - e * e * s * s) + ln((1 + e * s) / (1 - e * s)) / (2 * e)))
	FROM (SELECT sqrt(0.0066943799901413::float8) AS e, sind(latitude) AS s, way FROM (VALUES (south, -1), (north, 1)) v (latitude, way)) p GROUP BY e $$;
CREATE ROLE community_areas_clerk IN ROLE community_areas_admin;
SET ROLE community_areas_clerk;

-- a draft: children before their parents in one transaction, as their parentage is looked at last
INSERT INTO boundary_version (version, title, valid_from) VALUES (1, 'first drawing', '2019-01-01');
BEGIN;
SELECT count(boundary_draw(1, code, name, geom)) FROM (SELECT * FROM small_district() ORDER BY code DESC) d;
COMMIT;
SELECT level, count(*), count(parent), count(valid_from) FROM area GROUP BY level ORDER BY level;
-- generated from the digits
SELECT count(*) FROM area WHERE (gridcode::text, district, street, community, parent) IS DISTINCT FROM
	(code, left(code, 6), CASE WHEN length(code) >= 9 THEN left(code, 9) END, CASE WHEN length(code) >= 12 THEN left(code, 12) END,
		CASE WHEN length(code) > 6 THEN left(code, length(code) - 3) END);
SELECT * FROM boundary_check(1);
SELECT count(*) FROM areas;

-- codes and geometries that cannot be
SELECT refused($$ SELECT boundary_draw(1, '350304001003001', 'grid without a community', square(0, 0, 1, 1)) $$);
SELECT refused($$ SELECT boundary_draw(1, '3503040010', 'between two levels', square(0, 0, 1, 1)) $$);
SELECT refused($$ SELECT boundary_draw(1, '3503', 'the city', square(0, 0, 1, 1)) $$);
SELECT refused($$ SELECT boundary_draw(1, '3503040010010', 'one digit too many', NULL) $$);
SELECT refused($$ SELECT boundary_draw(1, 'K-17', 'not a code', NULL) $$);
SELECT refused($$ SELECT boundary_draw(1, '', 'nothing', NULL) $$);
SELECT refused($$ SELECT boundary_draw(1, NULL, 'nothing', NULL) $$);
SELECT refused($$ SELECT boundary_draw(1, '350304001001005', NULL, NULL) $$);
-- codes as official lists pad them; of a district the zeros are its number
SELECT refused(format('SELECT boundary_draw(1, %L, %L, NULL)', code, 'padded')) FROM unnest('{350304000,350304001000,350304001001000,350304000000,350304000001}'::text[]) code;
SELECT refused($$ SELECT boundary_draw(1, '350300', 'a district', NULL); SELECT boundary_draw(1, '350304010', 'street 10', NULL) $$);
SELECT refused($$ SELECT boundary_draw(1, '350304001001005', 'a grid', NULL, 'special') $$);
SELECT refused($$ SELECT boundary_draw(1, '350304001001005', 'a grid', spot(1, 1)) $$);
SELECT refused($$ SELECT boundary_draw(1, '350304001001005', 'a grid', ST_SetSRID(square(0, 0, 1, 1), 4326)) $$);
SELECT refused($$ SELECT boundary_draw(2, '350304001001005', 'a grid', square(0, 0, 1, 1)) $$);
-- what is known is what it was
SELECT refused($$ SELECT boundary_draw(1, '350304001001001', 'another name', square(0, 0, 200, 100)) $$);
SELECT refused($$ SELECT boundary_draw(1, '350304001001001', 'grid 1.1.1', square(0, 0, 200, 100), 'dedicated') $$);
SELECT refused($$ INSERT INTO area (code, name, opened_in) VALUES ('350304001001001', 'again', 1) $$);
SELECT refused($$ UPDATE area SET code = '350304001001009' WHERE code = '350304001001001' $$);
SELECT refused($$ INSERT INTO boundary (code, version, geom) VALUES ('350304001001001', 1, ST_Multi(square(0, 0, 1, 1))) $$);
SELECT refused($$ SELECT boundary_close(1, '350304001001001') $$);
SELECT refused($$ SELECT boundary_check(7) $$);
SELECT refused($$ SELECT boundary_publish(7) $$);
-- twice in one transaction is a parent too late
BEGIN;
SELECT boundary_draw(1, '350304001003001', 'grid without a community', NULL);
COMMIT;

-- a community whose grids are not drawn yet has no gap; one that lacks some has; grids need their community's boundary
BEGIN;
DELETE FROM boundary WHERE code LIKE '350304002002___';
DELETE FROM area WHERE code LIKE '350304002002___';
SELECT count(*) FROM boundary_check(1);
SELECT boundary_draw(1, '350304002002001', 'the first of them', square(600, 0, 800, 100));
SELECT problem, code, other_code, round((square_metres / metres(60000))::numeric, 6) FROM boundary_check(1);
ROLLBACK;
BEGIN;
DELETE FROM boundary WHERE code = '350304002002';
SELECT problem, code, other_code, round((square_metres / metres(80000))::numeric, 6) FROM boundary_check(1);
SELECT refused($$ SELECT boundary_publish(1, 1000) $$);
ROLLBACK;
BEGIN;
SELECT boundary_draw(1, '350304001001001', 'grid 1.1.1', square(0, 0, 200, 95));
SELECT refused($$ SELECT boundary_publish(1, NULL) $$);
ROLLBACK;
-- a grid without any boundary, whatever size of problem is accepted
BEGIN;
DELETE FROM boundary WHERE code = '350304001001001';
SELECT problem, code, other_code, round((square_metres / metres(20000))::numeric, 6) FROM boundary_check(1);
SELECT refused($$ SELECT boundary_publish(1, 'infinity') $$);
ROLLBACK;

-- planted in the draft, found, and not published: a gap, an overlap, a child outside its parent
CREATE TEMP TABLE planted (what text, sql text, square_metres float8);
INSERT INTO planted VALUES
	('gap', $$ SELECT boundary_draw(1, '350304001001001', 'grid 1.1.1', square(0, 0, 200, 95)) $$, 1000),
	('overlap', $$ SELECT boundary_draw(1, '350304001001001', 'grid 1.1.1', square(0, 0, 200, 104)) $$, 800),
	('outside', $$ SELECT boundary_draw(1, '350304001001001', 'grid 1.1.1', square(-3, 0, 200, 100)) $$, 300),
	-- dedicated grids: across others, but not across each other, and in their community
	('dedicated', $$ SELECT boundary_draw(1, '350304001001901', 'campus', square(50, 50, 150, 250), 'dedicated'),
		boundary_draw(1, '350304001001902', 'market', square(150, 0, 200, 400), 'dedicated') $$, 0),
	('dedicated overlap', $$ SELECT boundary_draw(1, '350304001001901', 'campus', square(50, 50, 150, 250), 'dedicated'),
		boundary_draw(1, '350304001001902', 'market', square(140, 0, 200, 100), 'dedicated') $$, 500),
	('dedicated outside', $$ SELECT boundary_draw(1, '350304001001901', 'campus', square(150, 50, 202, 250), 'dedicated') $$, 400);
UPDATE planted SET square_metres = metres(square_metres);
GRANT SELECT ON planted TO PUBLIC;
CREATE FUNCTION pg_temp.plant(p planted) RETURNS TABLE (problem text, code text, other_code text, of_planted numeric, refused_below text, accepted boolean) LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE p.sql;
		RETURN QUERY SELECT c.problem, c.code, c.other_code, round((c.square_metres / p.square_metres)::numeric, 6),
			refused(format('SELECT boundary_publish(1, %s)', p.square_metres * 0.999999)), false FROM boundary_check(1) c;
		PERFORM boundary_publish(1, p.square_metres * 1.000001);
		RETURN QUERY SELECT NULL, NULL, NULL, NULL::numeric, NULL, EXISTS (SELECT FROM areas);
		RAISE EXCEPTION USING ERRCODE = 'GT003';
	EXCEPTION WHEN SQLSTATE 'GT003' THEN NULL;
	END;
END $$;
SELECT what, f.* FROM planted p, pg_temp.plant(p) f;
BEGIN;
SELECT boundary_draw(1, '350304001001901', 'campus', ST_SetSRID('POLYGON((0 0, 50 50, 50 0, 0 50, 0 0))'::geometry, 3857), 'dedicated');
SELECT DISTINCT problem, code FROM boundary_check(1);
SELECT refused($$ SELECT boundary_publish(1, 1000000) $$);
ROLLBACK;
BEGIN;
SELECT boundary_draw(1, code, code, ST_SetSRID('POLYGON EMPTY'::geometry, 3857), kind) FROM (VALUES ('350304001001901', 'dedicated'), ('350304001001005', 'base')) a (code, kind);
SELECT problem, code, square_metres FROM boundary_check(1);
SELECT refused($$ SELECT boundary_publish(1, 1000000) $$);
ROLLBACK;
BEGIN;
SELECT boundary_draw(1, '350304001001901', 'campus', NULL, 'dedicated');
SELECT problem, code FROM boundary_check(1);
ROLLBACK;

-- published
SELECT boundary_publish(1);
SELECT level, count(*), count(geom) FROM areas GROUP BY level ORDER BY level;
SELECT count(*) FROM areas WHERE valid_from = '2019-01-01' AND version = 1;
SELECT count(*) FROM boundary b JOIN area a USING (code) WHERE (b.valid_from, b.valid_to) IS DISTINCT FROM (a.valid_from, a.valid_to);
SELECT count(*) FROM grid_layer_check('community_areas.areas');
SELECT refused($$ SELECT boundary_publish(1) $$);
SELECT refused($$ SELECT * FROM boundary_check(1) $$);

-- what is in it before a grid is split
RESET ROLE;
INSERT INTO building (id, geom) SELECT row_number() OVER (ORDER BY x, y), spot(x, y) FROM generate_series(-50, 850, 50) x, generate_series(0, 400, 25) y;
INSERT INTO building (id) VALUES (1000);
INSERT INTO household (building, residents) SELECT id, 1 + (id * 7 + nth) % 5 FROM building, generate_series(1, 2) nth;
INSERT INTO establishment (kind, name, geom) SELECT 'shop', 'shop ' || id, geom FROM building WHERE id % 3 = 0;
SELECT count(event_report('fire', building => id)) FROM building WHERE grid IS NOT NULL;
SELECT grid_status, count(*) FROM building GROUP BY 1 ORDER BY 1;
SELECT * FROM grid_wrong;
CREATE ROLE community_areas_wu IN ROLE community_areas_officer;
CREATE ROLE community_areas_lin IN ROLE community_areas_officer;
CREATE ROLE community_areas_xu IN ROLE community_areas_officer;
SET ROLE community_areas_clerk;
INSERT INTO assignment (person, post, area, role_name, valid_from, valid_to) VALUES
	(gen_random_uuid(), 'officer', '350304001001001', 'community_areas_wu', '2019-01-01', NULL),
	(gen_random_uuid(), 'officer', '350304001001002', 'community_areas_lin', '2019-01-01', NULL),
	-- one whose end is planned, one who was to follow
	(gen_random_uuid(), 'worker', '350304001001001', 'community_areas_xu', '2019-01-01', '2999-01-01'),
	(gen_random_uuid(), 'volunteer', '350304001001001', NULL, '2999-01-01', NULL),
	-- one whose end is long past
	(gen_random_uuid(), 'volunteer', '350304001001001', NULL, '2019-01-01', '2019-07-01');
INSERT INTO organization (id, kind, name, area, grid) VALUES
	(1, 'branch', 'branch 1', '350304001001001', '350304001001001'), (2, 'branch', 'branch 2', '350304001001002', '350304001001002');
-- cases that are closed, or rejected, are done with; and what is only counted
SELECT count(event_report('record', grid => '350304001001001')) FROM generate_series(1, 3);
SELECT event_advance(max(id), 'rejected') > 0 FROM event WHERE grid = '350304001001001' AND state = 'reported';
RESET ROLE;
SELECT count(grid_rollup_refresh(format('%I.%I', 'community_areas', rollup)::regclass)) FROM unnest('{household_total,event_daily,event_total,visit_monthly}'::text[]) rollup;
CREATE TABLE figures_before AS SELECT * FROM figures WHERE level NOT IN ('grid', 'none');
CREATE TABLE event_before AS SELECT * FROM event;
GRANT SELECT ON event_before TO PUBLIC;
SELECT grids, officers, branches FROM figures WHERE code = '350304001001';
SET ROLE community_areas_wu;
SELECT count(*) > 0 FROM household;
RESET ROLE;

-- one grid becomes two
SET ROLE community_areas_clerk;
INSERT INTO boundary_version VALUES (2, 'grid 1.1.1 is split', '2020-01-01');
SELECT boundary_draw(2, '350304001001005', 'grid 1.1.5', square(0, 0, 100, 100));
SELECT boundary_draw(2, '350304001001006', 'grid 1.1.6', square(100, 0, 200, 100));
-- both on top of the old one, while it stays
SELECT problem, code, other_code, round((square_metres / metres(10000))::numeric, 6) FROM boundary_check(2);
SELECT refused($$ SELECT boundary_publish(2) $$);
SELECT refused($$ SELECT boundary_close(2, '350304001001009') $$);
SELECT refused($$ SELECT boundary_close(3, '350304001001001') $$);
SELECT boundary_close(2, '350304001001001');
-- nothing has happened yet
SELECT count(*) FROM areas WHERE code IN ('350304001001001', '350304001001005', '350304001001006');
SELECT * FROM grid_wrong;
-- which are as many as publishing warns of
SELECT count(*) FROM event WHERE grid = '350304001001001' AND state = 'reported';
SELECT boundary_publish(2);
SELECT code, opened_in, closed_in, valid_from, valid_to FROM area WHERE code IN ('350304001001001', '350304001001002', '350304001001005', '350304001001006') ORDER BY code;
SELECT code, version, valid_from, valid_to FROM boundary WHERE code IN ('350304001001001', '350304001001002', '350304001001005', '350304001001006') ORDER BY code, version;
SELECT code FROM areas WHERE parent_code = '350304001001' ORDER BY code;
SELECT * FROM grid_wrong;
SELECT grid, count(*) > 0 FROM household WHERE grid LIKE '350304001001%' GROUP BY grid ORDER BY grid;
SELECT count(*) FROM event e FULL JOIN event_before b USING (id) WHERE e IS DISTINCT FROM b;
-- whoever served the old one serves nothing now; others do
SELECT post, area, valid_from <= now() AS began, valid_to <= now() AS ended, valid_to = valid_from AS never FROM assignment ORDER BY id;
SET ROLE community_areas_wu;
SELECT count(*) FROM household;
SET ROLE community_areas_xu;
SELECT count(*) FROM household;
SET ROLE community_areas_lin;
SELECT count(*) > 0 FROM household;
RESET ROLE;
SELECT id, grid FROM organization ORDER BY id;
SELECT count(grid_rollup_refresh(format('%I.%I', 'community_areas', rollup)::regclass)) FROM unnest('{household_total,event_daily,event_total,visit_monthly}'::text[]) rollup;
SELECT grids, officers, branches FROM figures WHERE code = '350304001001';
-- the figures of the community and above: but for grids, officers and branches
SELECT count(*) FROM figures_before b FULL JOIN (SELECT * FROM figures WHERE level NOT IN ('grid', 'none')) f USING (code)
WHERE (to_jsonb(b) - '{grids,officers,branches}'::text[]) IS DISTINCT FROM (to_jsonb(f) - '{grids,officers,branches}'::text[]);
SELECT households > 0, events_filed FROM figures WHERE code = '350304001001005';
-- the closed grid keeps what was reported in it, and nobody lives there
SELECT households, residents, grids, officers, branches, valid_to FROM figures WHERE code = '350304001001001';
SELECT f.events_filed = count(*) FROM figures f, event e WHERE f.code = '350304001001001' AND e.grid = f.code AND e.state = 'reported' GROUP BY f.events_filed;
SET ROLE community_areas_clerk;
-- nobody is appointed in what is closed or not open yet
INSERT INTO boundary_version VALUES (9, 'a draft', '2999-01-01');
SELECT boundary_draw(9, '350304001001009', 'not open yet', NULL);
SELECT refused(format('INSERT INTO assignment (person, post, area) VALUES (gen_random_uuid(), %L, %L)', 'volunteer', code)) FROM unnest('{350304001001001,350304001001009}'::text[]) code;
SELECT refused(format('INSERT INTO organization (kind, name, area) VALUES (%L, %L, %L)', 'sub_group', 'late', code)) FROM unnest('{350304001001001,350304001001009}'::text[]) code;
SELECT refused(format('INSERT INTO organization (kind, name, area, grid) VALUES (%L, %L, %L, %L)', 'branch', 'late', '350304001001', code)) FROM unnest('{350304001001001,350304001001009}'::text[]) code;
SELECT refused($$ UPDATE organization SET grid = '350304001001001' WHERE id = 1 $$);
SELECT refused($$ UPDATE assignment SET valid_to = NULL WHERE area = '350304001001001' $$);
SELECT refused($$ UPDATE assignment SET valid_to = '2999-02-01' WHERE area = '350304001001001' $$);
-- what has ended there can be told, and a branch that was left without a grid goes on
INSERT INTO assignment (person, post, area, valid_from, valid_to) VALUES (gen_random_uuid(), 'volunteer', '350304001001001', '2019-01-01', '2019-02-01');
INSERT INTO organization (kind, name, area, valid_to) VALUES ('sub_group', 'gone', '350304001001001', '2019-02-01');
UPDATE organization SET name = 'branch 1 of old', members = 3, parent = NULL WHERE id = 1;
DELETE FROM boundary WHERE version = 9;
DELETE FROM area WHERE opened_in = 9;
DELETE FROM boundary_version WHERE version = 9;
SELECT refused($$ SELECT event_report('fire', grid => '350304001001001') $$);

-- what is published stays as it is, for the owner as well
SELECT refused($$ SELECT boundary_draw(1, '350304001001002', 'grid 1.1.2', square(0, 0, 1, 1)) $$);
SELECT refused($$ SELECT boundary_draw(2, '350304001001007', 'grid 1.1.7', square(0, 0, 1, 1)) $$);
SELECT refused($$ SELECT boundary_close(2, '350304001001002') $$);
SELECT refused($$ UPDATE boundary SET geom = ST_Multi(square(0, 0, 1, 1)) WHERE code = '350304001001002' $$);
SELECT refused($$ DELETE FROM boundary WHERE code = '350304001001002' $$);
SELECT refused($$ INSERT INTO boundary (code, version, geom) VALUES ('350304001001002', 2, ST_Multi(square(0, 0, 1, 1))) $$);
SELECT refused($$ INSERT INTO area (code, name, opened_in) VALUES ('350304001001007', 'grid 1.1.7', 2) $$);
SELECT refused($$ UPDATE area SET closed_in = NULL WHERE code = '350304001001001' $$);
SELECT refused($$ UPDATE area SET closed_in = 2 WHERE code = '350304001001002' $$);
SELECT refused($$ UPDATE area SET kind = 'dedicated' WHERE code = '350304001001002' $$);
SELECT refused($$ DELETE FROM area WHERE code = '350304001001003' $$);
SELECT refused($$ UPDATE boundary_version SET valid_from = '2018-01-01' WHERE version = 1 $$);
SELECT refused($$ UPDATE boundary_version SET published_at = NULL WHERE version = 2 $$);
SELECT refused($$ DELETE FROM boundary_version WHERE version = 2 $$);
RESET ROLE;
SELECT refused($$ UPDATE boundary SET code = '350304001001003' WHERE code = '350304001001002' $$);
SELECT refused($$ UPDATE boundary SET version = 2 WHERE code = '350304001001002' $$);
SELECT refused($$ UPDATE area SET code = '350304001001009' WHERE code = '350304001001002' $$);
SELECT refused($$ UPDATE area SET opened_in = 2 WHERE code = '350304001001002' $$);
SELECT refused($$ UPDATE boundary_version SET published_at = NULL WHERE version = 2 $$);
SELECT refused($$ UPDATE boundary_version SET version = 3 WHERE version = 2 $$);
SET ROLE community_areas_clerk;
-- but for the title
UPDATE boundary_version SET title = 'grid 1.1.1 became two' WHERE version = 2;

-- order of versions
SELECT refused($$ SELECT boundary_publish(1) $$);
SELECT refused($$ SELECT boundary_publish(2) $$);
SELECT refused($$ INSERT INTO boundary_version VALUES (3, 'the same day', '2020-01-01') $$);
SELECT refused($$ INSERT INTO boundary_version VALUES (0, 'the number', '2020-02-01') $$);
INSERT INTO boundary_version VALUES (3, 'earlier day', '2019-06-01'), (9, 'in the future', '2999-01-01');
SELECT refused($$ SELECT boundary_publish(3) $$);
SELECT refused($$ SELECT boundary_publish(9) $$);
UPDATE boundary_version SET valid_from = '2021-01-01' WHERE version = 3;

-- a code is not used again, and nothing is opened, drawn or left open where nothing is
SELECT refused($$ SELECT boundary_draw(3, '350304001001001', 'the same', square(0, 0, 100, 100)) $$);
SELECT refused($$ SELECT boundary_draw(3, '350304001001001', 'the same', NULL) $$);
SELECT refused($$ INSERT INTO boundary (code, version, geom) VALUES ('350304001001001', 3, ST_Multi(square(0, 0, 100, 100))); SELECT boundary_publish(3, 'infinity') $$);
SELECT refused($$ SELECT boundary_close(3, '350304001001001') $$);
SELECT refused($$ SELECT boundary_close(3, '350304002002'), boundary_publish(3, 'infinity') $$);
SELECT refused($$ SELECT boundary_close(3, code) FROM area WHERE gridcode <@ '350304002002'; SELECT boundary_draw(3, '350304002002005', 'grid', square(600, 0, 700, 100)); SELECT boundary_publish(3, 'infinity') $$);
SELECT refused($$ SELECT boundary_draw(3, '350304002002005', 'grid', square(600, 0, 700, 100)), boundary_draw(9, '350304003', 'street 3', NULL), boundary_draw(3, '350304003001', 'community', NULL); SELECT boundary_publish(3, 'infinity') $$);
SELECT refused($$ SELECT boundary_draw(9, '350304001001009', 'of the future', square(0, 0, 50, 50)); SELECT boundary_draw(3, '350304001001009', 'of the future', square(0, 0, 50, 50)); SELECT boundary_publish(3, 'infinity') $$);
SELECT refused($$ SELECT boundary_close(3, '350304001001002'); SELECT boundary_draw(3, '350304001001002', 'closed and drawn', square(0, 100, 200, 200)); SELECT boundary_publish(3, 'infinity') $$);
SELECT refused($$ SELECT boundary_draw(3, '350304001001002', 'grid 1.1.2', square(0, 100, 200, 200)); SELECT boundary_close(3, '350304001001002'); SELECT boundary_publish(3, 'infinity') $$);
-- what one draft closes another cannot, and neither can it be told to
SELECT boundary_close(3, '350304001001005');
SELECT boundary_close(3, '350304001001005');
SELECT refused($$ SELECT boundary_close(9, '350304001001005') $$);
SELECT closed_in FROM area WHERE code = '350304001001005';

-- two grids become one, and a border moves between two others
BEGIN;
SELECT boundary_close(3, code) FROM area WHERE code IN ('350304001001005', '350304001001006');
SELECT boundary_draw(3, '350304001001007', 'grid 1.1.7', square(0, 0, 200, 100));
SELECT boundary_draw(3, '350304001001002', 'grid 1.1.2', square(0, 100, 200, 140));
SELECT boundary_draw(3, '350304001001003', NULL, square(0, 140, 200, 300));
SELECT boundary_publish(3);
COMMIT;
SELECT code, version, valid_from, valid_to FROM boundary WHERE code LIKE '350304001001%' ORDER BY code, version;
SELECT code, name FROM areas WHERE parent_code = '350304001001' ORDER BY code;
SELECT * FROM grid_wrong;
SELECT count(*) FROM event e FULL JOIN event_before b USING (id) WHERE e IS DISTINCT FROM b;

-- a dedicated grid lies over others: no problem, and it takes no buildings
INSERT INTO boundary_version VALUES (4, 'campus', '2022-01-01');
SELECT boundary_draw(4, '350304001001901', 'campus', square(50, 50, 150, 250), 'dedicated');
SELECT count(*) FROM boundary_check(4);
SELECT boundary_publish(4);
SELECT code, kind, ST_Area(geom) FROM areas WHERE kind <> 'base';
SELECT * FROM grid_wrong;
SELECT refused($$ SELECT event_report('fire', grid => '350304001001901') $$);
SELECT grid_locate('community_areas.dedicated', spot(100, 100)), grid_locate('community_areas.grids', spot(100, 100));

-- a draft is thrown away; its codes were never used
SELECT boundary_draw(9, '350304001001020', 'not after all', square(0, 0, 50, 50));
DELETE FROM boundary WHERE version = 9;
DELETE FROM area WHERE opened_in = 9;
DELETE FROM boundary_version WHERE version = 9;

-- an area that nothing was drawn of keeps its code as well; a grid cannot be one
INSERT INTO boundary_version VALUES (5, 'not drawn', '2022-02-01');
SELECT refused($$ SELECT boundary_draw(5, '350304001001021', 'without a boundary', NULL); SELECT boundary_publish(5, 'infinity') $$);
SELECT boundary_draw(5, '350304001003', 'without a boundary', NULL);
SELECT boundary_publish(5);
SELECT code, version, geom IS NULL FROM areas WHERE code = '350304001003';
SELECT refused($$ DELETE FROM area WHERE code = '350304001003' $$);

-- Wherever an area is, and in whatever coordinates it is drawn: as large as on the ellipsoid.
RESET ROLE;
SELECT at, srid, round((boundary_area(ST_Transform(ST_MakeEnvelope(119, at, 119.01, at + 0.01, 4326), srid)) / on_ellipsoid(119, at, 119.01, at + 0.01))::numeric, 5)
FROM unnest('{-60,0,25.4,70}'::float8[]) at, unnest('{4326,3857,32650}'::int[]) srid ORDER BY at, srid;
-- where no ellipsoid is known, in units of the map
SELECT boundary_area(ST_MakeEnvelope(0, 0, 10, 20));


-- Coordinates of longitude and latitude that are not on the globe are refused, and problems are in square metres.
\set schema community_areas_globe
\set role_prefix :schema
\set ECHO none
\i sql/community/install.sql
\set ON_ERROR_STOP off
\set ECHO all
GRANT USAGE ON SCHEMA community_areas TO PUBLIC;
SET search_path = community_areas_globe, community_areas, public;
SET ROLE community_areas_globe_admin;
INSERT INTO boundary_version VALUES (1, 'first drawing', '2019-01-01');
SELECT boundary_draw(1, code, code, ST_MakeEnvelope(119, 25.4, 119.02, 25.41, 4326)) FROM unnest('{350304,350304001,350304001001}'::text[]) code;
SELECT boundary_draw(1, '350304001001001', 'west', ST_MakeEnvelope(119, 25.4, 119.01, 25.41, 4326));
SELECT boundary_draw(1, '350304001001002', 'latitude first', ST_FlipCoordinates(ST_MakeEnvelope(119.01, 25.4, 119.02, 25.41, 4326)));
SELECT boundary_draw(1, '350304001001002', 'metres', ST_SetSRID(ST_MakeEnvelope(2000, 0, 3000, 500), 4326));
UPDATE boundary SET geom = ST_FlipCoordinates(geom) WHERE code = '350304001001001';
SELECT boundary_draw(1, '350304001001002', 'east', ST_MakeEnvelope(119.01, 25.4, 119.015, 25.41, 4326));
SELECT problem, code, round((square_metres / on_ellipsoid(119.015, 25.4, 119.02, 25.41))::numeric, 5) FROM boundary_check(1);
SELECT boundary_draw(1, '350304001001002', 'east', ST_MakeEnvelope(119.01, 25.4, 119.02, 25.41, 4326));
SELECT boundary_publish(1);
SELECT count(geom) FROM areas;
\set ECHO none
\i tests/lib/register_gone.sql
\set schema community_areas
\i tests/lib/register_gone.sql
