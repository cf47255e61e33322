-- A busy day, while gridtreed runs: new events, closed and corrected ones, a wrong one removed, a family that moves.
\echo '   Before:'
\ir affected.sql
INSERT INTO demo.event
SELECT 900000 + row_number() OVER (ORDER BY h.id), 'fire', h.id, h.code, '2019-12-31 09:00+08', '2020-01-02 09:00+08', '2019-12-31 15:00+08'
FROM (SELECT * FROM demo.household WHERE code <@ '350304001001' ORDER BY id LIMIT 60) AS h;
UPDATE demo.event SET closed_at = '2019-12-31 17:00+08' WHERE closed_at IS NULL AND code <@ '350304001002';
DELETE FROM demo.event WHERE kind = 'dispute' AND code <@ '350304001003';
UPDATE demo.household SET geom = (SELECT ST_PointOnSurface(geom) FROM demo.area WHERE code = '350304001004001')
WHERE id IN (SELECT id FROM demo.household WHERE code <@ '350304001005' ORDER BY id LIMIT 100);
UPDATE demo.household SET code = '350304103001001' WHERE code <@ '350304001001';
