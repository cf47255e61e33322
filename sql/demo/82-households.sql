-- Buildings, households and what else there is; each gets its grid by where it stands.
INSERT INTO community.building (id, address, dwellings, geom)
SELECT b.id, format('%s %s号', regexp_replace(u.name, '(社区居|村)委会$', ''), b.id), b.households, b.geom
FROM demo.building b JOIN demo.unit u ON u.code::text = left(b.neighbourhood::text, 12) ORDER BY b.id;
ANALYZE community.building;
INSERT INTO community.household (id, building, door, residents)
SELECT id, building, row_number() OVER (PARTITION BY building ORDER BY id), residents FROM demo.household;
INSERT INTO community.establishment (id, kind, name, geom)
SELECT id, d.kind, format('%s %s', CASE d.kind WHEN 'organ' THEN '机关' WHEN 'firm' THEN '公司' WHEN 'association' THEN '协会' ELSE '商店' END, id), geom
FROM demo.building, LATERAL (SELECT demo.key('establishment', id) AS key) k,
	LATERAL (SELECT CASE WHEN demo.chance(key, 2) < 0.04 THEN 'organ' WHEN demo.chance(key, 2) < 0.25 THEN 'firm'
		WHEN demo.chance(key, 2) < 0.29 THEN 'association' ELSE 'shop' END AS kind) d
WHERE demo.chance(key, 1) < 0.3;
-- numbers given by hand are not counted by what numbers the next ones
SELECT setval(pg_get_serial_sequence('community.building', 'id'), max(id)) FROM community.building \g /dev/null
SELECT setval(pg_get_serial_sequence('community.establishment', 'id'), max(id)) FROM community.establishment \g /dev/null
ANALYZE community.household, community.establishment;
