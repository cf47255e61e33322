-- Figures merged upward, one by one and whole areas, whatever the dimensions: never wrong after a refresh.
CREATE SCHEMA rollup_figures;
SET search_path = rollup_figures, public;
SET jit = off;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
-- dimensions with an operator that is not PostgreSQL's, of a collation that calls different values equal, that have no operator of their own,
-- that are NULL and are not, and of domains
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE DOMAIN hue AS colour;
CREATE DOMAIN place AS varchar(8) NOT NULL;
CREATE DOMAIN letters AS char(3);
CREATE DOMAIN bits AS bit(3);
CREATE DOMAIN numbers AS int[];
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN couple AS pair;
CREATE TABLE cases (id int PRIMARY KEY, code gridcode, day date, "a kind" citext, source text COLLATE caseless, door varchar(8), tags int[],
  shade colour, tint hue, place place, pair pair, "whole" char(3), letters letters, bits bits, numbers numbers, couple couple, closed timestamptz, x int) WITH (autovacuum_enabled = false);
CREATE INDEX ON cases (code, day);
CREATE INDEX ON cases (code, closed);
SELECT setseed(0.25);
-- so many random rows: few streets and days, so that areas have many figures; some not further coded, some without a dimension
CREATE FUNCTION chance(first int, last int) RETURNS SETOF cases LANGUAGE sql AS $$
  SELECT i, CASE WHEN random() < 0.9 THEN g WHEN random() < 0.5 THEN grid_prefix(g, 12) ELSE grid_prefix(g, 9) END, date '2024-01-01' + floor(random() * 4)::int,
    nullif(('{Fire,FIRE,light,road,""}'::text[])[1 + floor(random() * 5)::int], ''), nullif(('{App,APP,hotline,""}'::text[])[1 + floor(random() * 4)::int], ''),
    nullif(('{1,2,""}'::text[])[1 + floor(random() * 3)::int], ''), CASE WHEN random() < 0.8 THEN ARRAY[floor(random() * 2)::int, NULL] END,
    CASE WHEN random() < 0.8 THEN 'red'::colour END, CASE WHEN random() < 0.5 THEN 'red'::hue END, ('{here,there}'::text[])[1 + floor(random() * 2)::int],
    CASE WHEN random() < 0.5 THEN ROW(NULL, NULL)::pair WHEN random() < 0.5 THEN ROW(1, NULL)::pair END, ('{a,bc,""}'::text[])[1 + floor(random() * 3)::int],
    ('{abc,abd,abe}'::text[])[1 + floor(random() * 3)::int], ('{100,101,110}'::bit(3)[])[1 + floor(random() * 3)::int],
    ARRAY[floor(random() * 2)::int], ROW(1, ('{a,b}'::text[])[1 + floor(random() * 2)::int])::pair,
    '2024-01-01 12:00+00'::timestamptz + random() * interval '4 days', (random() * 100)::int
  FROM generate_series(first, last) i,
    LATERAL (SELECT grid_child(grid_child(grid_child('350304', 1 + floor(random() * 2 + 0 * i)::int), 1 + floor(random() * 3 + 0 * i)::int), 1 + floor(random() * 4 + 0 * i)::int)) n(g)
$$;
INSERT INTO cases SELECT * FROM chance(1, 3000);
ANALYZE cases;
SELECT grid_rollup_create('r_none', 'cases', 'code', '{"n": "count(*)", "x": "sum(x)", "most": "max(x)"}', 'day', '1 day', '{}', 'grid', 'district');
SELECT grid_rollup_create('r_one', 'cases', 'code', '{"n": "count(*)", "x": "sum(x)", "most": "max(x)"}', 'day', '1 day', '{a kind}', 'grid', 'district');
SELECT grid_rollup_create('r_all', 'cases', 'code', '{"n": "count(*)", "x": "sum(x)", "most": "max(x)"}', 'day', '1 day', '{a kind,source,door,tags}', 'grid', 'district');
SELECT grid_rollup_create('r_types', 'cases', 'code', '{"n": "count(*)", "x": {"expr": "sum(x)", "at": "closed"}}', 'day', '1 day',
  '{shade,tint,place,pair,whole}', 'grid', 'district', time_zone => 'Asia/Shanghai');
SELECT grid_rollup_create('r_domain', 'cases', 'code', '{"n": "count(*)", "x": {"expr": "max(x)", "at": "closed"}}', 'day', '1 day',
  '{place}', 'grid', 'district', time_zone => 'Asia/Shanghai');
SELECT grid_rollup_create('r_letters', 'cases', 'code', '{"n": "count(*)"}', 'day', '1 day', '{letters}', 'grid', 'district');
SELECT grid_rollup_create('r_bits', 'cases', 'code', '{"n": "count(*)"}', 'day', '1 day', '{bits}', 'grid', 'district');
SELECT grid_rollup_create('r_domains', 'cases', 'code', '{"n": "count(*)"}', 'day', '1 day', '{numbers,couple}', 'grid', 'district');
SELECT grid_rollup_create('r_enum', 'cases', 'code', '{"n": "count(*)"}', 'closed', '1 hour', '{tint}', 'grid', 'district', time_zone => 'Asia/Shanghai');
SELECT grid_rollup_create('r_pair', 'cases', 'code', '{"n": "count(*)"}', 'day', '1 month', '{pair}', 'grid', 'district');
ALTER TABLE r_types RENAME place TO "d1";
SELECT grid_rollup_create('r_ever', 'cases', 'code', '{"n": "count(*)", "x": "sum(x)", "most": "max(x)"}', dimensions => '{source,door}', lowest_level => 'grid', top_level => 'district');
CREATE TABLE rollup AS SELECT unnest('{r_none,r_one,r_all,r_types,r_domain,r_letters,r_bits,r_domains,r_enum,r_pair,r_ever}'::regclass[]) AS r;
SELECT r, grid_rollup_refresh(r) > 0 AS filled FROM rollup;

-- from one row a refresh to hundreds
CREATE PROCEDURE change(rows int, turn int) LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM cases WHERE id IN (SELECT id FROM cases ORDER BY hashint4(id + turn) LIMIT rows);
  UPDATE cases c SET code = n.code, "a kind" = n."a kind", source = n.source, door = n.door, tags = n.tags, shade = n.shade, tint = n.tint, place = n.place, pair = n.pair, "whole" = n."whole", letters = n.letters, bits = n.bits, numbers = n.numbers, couple = n.couple, closed = n.closed
    FROM (SELECT id, row_number() OVER () AS k FROM (SELECT id FROM cases ORDER BY hashint4(id - turn) LIMIT rows) s) o
    JOIN (SELECT *, row_number() OVER () AS k FROM chance(1, rows)) n USING (k) WHERE c.id = o.id;
  UPDATE cases SET x = x + 1 WHERE id IN (SELECT id FROM cases ORDER BY hashint4(id * turn) LIMIT rows);
  INSERT INTO cases SELECT * FROM chance(turn * 1000, turn * 1000 + rows - 1);
END $$;
CREATE TABLE outcome (turn int, r regclass, cells bigint, wrong bigint);
DO $$
BEGIN
  FOR n IN 4 .. 15 BY 2 LOOP
    CALL change((1.7 ^ (n - 4))::int, n);
    INSERT INTO outcome SELECT n, r, grid_rollup_refresh(r) FROM rollup;
    UPDATE outcome o SET wrong = (SELECT count(*) FROM grid_rollup_verify(o.r)) WHERE turn = n;
  END LOOP;
END $$;
SELECT r, count(*) AS refreshes, bool_and(cells > 0) AS touched, sum(wrong) AS wrong FROM outcome GROUP BY r ORDER BY r;

-- values that are not NULL, although IS NULL says so, in a month that has no figures yet
INSERT INTO cases (id, code, day, place, pair, x) SELECT i, '350304001001001', '2030-01-01', 'here', ROW(NULL, NULL)::pair, 1 FROM generate_series(90001, 90003) i;
SELECT grid_rollup_refresh('r_pair');
SELECT (SELECT count(*) FROM grid_rollup_verify('r_pair')) AS wrong, (SELECT sum(n) FROM r_pair WHERE bucket = '2030-01-01') AS rows;

-- all figures of a cell go, and those around it that have no other
DELETE FROM cases WHERE code <@ '350304001001' AND day = '2024-01-02';
DELETE FROM cases WHERE "a kind" = 'road';
SELECT r, grid_rollup_refresh(r) > 0 AS touched, (SELECT count(*) FROM grid_rollup_verify(r)) AS wrong FROM rollup;
SELECT count(*) FROM r_one WHERE "a kind" = 'road';

-- what changes no figure ends at its cells: nothing is written
CREATE FUNCTION written(OUT cells bigint, OUT rows bigint) LANGUAGE plpgsql AS $$
DECLARE
  before bigint;
BEGIN
  SELECT n_tup_ins + n_tup_upd + n_tup_del INTO before FROM pg_stat_xact_user_tables WHERE relid = 'r_all'::regclass;
  cells := grid_rollup_refresh('r_all');
  SELECT n_tup_ins + n_tup_upd + n_tup_del - before INTO rows FROM pg_stat_xact_user_tables WHERE relid = 'r_all'::regclass;
END $$;
BEGIN;
UPDATE cases SET day = day + 1 WHERE id = (SELECT max(id) FROM cases WHERE grid_digits(code) = 15);
UPDATE cases SET day = day - 1 WHERE id = (SELECT max(id) FROM cases WHERE grid_digits(code) = 15);
SELECT * FROM written();
COMMIT;
-- and what changes one figure, those that count it: one a level
BEGIN;
UPDATE cases SET x = x + 1000 WHERE id = (SELECT max(id) FROM cases WHERE grid_digits(code) = 15);
SELECT * FROM written();
COMMIT;
SELECT count(*) AS wrong FROM grid_rollup_verify('r_all');
DROP SCHEMA rollup_figures CASCADE;
DROP EXTENSION citext;
