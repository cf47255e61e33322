-- The district's register: the schema of sql/community, filled with the sample district. Areas, buildings and households are
-- those of demo; organizations and posts are made up, in the numbers the district published: 37 grid branches with 112
-- sub-groups in Zhenhai street, 14 departments. One grid there has no officer, and one community no manager: for the gaps.
SET search_path = community, public;
INSERT INTO boundary_version VALUES (1, 'first drawing', '2019-01-01');
INSERT INTO area (code, name, opened_in) SELECT code::text, name, 1 FROM demo.area ORDER BY code;
INSERT INTO boundary (code, version, geom) SELECT code::text, 1, ST_Multi(geom) FROM demo.area ORDER BY code;
SELECT boundary_publish(1) \g /dev/null
ANALYZE area, boundary;

INSERT INTO building (id, address, dwellings, geom)
SELECT b.id, format('%s %s号', regexp_replace(u.name, '(社区居|村)委会$', ''), b.id), b.households, b.geom
FROM demo.building b JOIN demo.unit u ON u.code::text = left(b.neighbourhood::text, 12) ORDER BY b.id;
ANALYZE building;
INSERT INTO household (id, building, door, residents)
SELECT id, building, row_number() OVER (PARTITION BY building ORDER BY id), residents FROM demo.household;
INSERT INTO establishment (id, kind, name, geom)
SELECT id, d.kind, format('%s %s', CASE d.kind WHEN 'organ' THEN '机关' WHEN 'firm' THEN '公司' WHEN 'association' THEN '协会' ELSE '商店' END, id), geom
FROM demo.building, LATERAL (SELECT demo.key('establishment', id) AS key) k,
	LATERAL (SELECT CASE WHEN demo.chance(key, 2) < 0.04 THEN 'organ' WHEN demo.chance(key, 2) < 0.25 THEN 'firm'
		WHEN demo.chance(key, 2) < 0.29 THEN 'association' ELSE 'shop' END AS kind) d
WHERE demo.chance(key, 1) < 0.3;

-- organizations beside the areas
INSERT INTO organization (kind, name, area) SELECT 'leading_group', name || '网格化工作领导小组', code FROM area WHERE level = 'district';
INSERT INTO organization (kind, name, area, parent)
SELECT 'street_committee', a.name || '大工委', a.code, p.id FROM area a JOIN organization p ON p.kind = 'leading_group' WHERE a.level = 'street' ORDER BY a.code;
INSERT INTO organization (kind, name, area, parent)
SELECT 'community_committee', regexp_replace(a.name, '居?委会$', '') || '大党委', a.code, p.id
FROM area a JOIN organization p ON p.area = a.street AND p.kind = 'street_committee' WHERE a.level = 'community' ORDER BY a.code;
INSERT INTO organization (kind, name, area, grid, parent, members)
SELECT 'branch', a.name || '支部', a.code, a.code, p.id, CASE a.code WHEN '350304001001001' THEN 35 ELSE 8 + floor(24 * demo.chance(demo.key('branch', a.code::bigint)))::int END
FROM area a JOIN organization p ON p.area = a.community AND p.kind = 'community_committee' WHERE a.level = 'grid' ORDER BY a.code;
-- five in the branch with 35 members, three in the others of Zhenhai street but for one: 112
INSERT INTO organization (kind, name, area, parent)
SELECT 'sub_group', format('第%s小组', nth), b.area, b.id
FROM organization b, generate_series(1, CASE WHEN b.grid = '350304001001001' THEN 5 WHEN b.grid = '350304001001002' THEN 2 ELSE 3 END) AS nth
WHERE b.kind = 'branch' AND b.gridcode <@ '350304001' ORDER BY b.id, nth;
INSERT INTO organization (kind, name, area)
SELECT 'department', name, '350304'
FROM unnest(ARRAY['公安', '司法', '民政', '人社', '城管', '住建', '生态环境', '市场监管', '卫健', '应急管理', '消防救援', '教育', '农业农村', '信访']) WITH ORDINALITY AS d (name, nth) ORDER BY nth;
INSERT INTO organization (kind, name, area)
SELECT 'service_centre', name || CASE level WHEN 'community' THEN '网格服务站' ELSE '网格服务中心' END, code FROM area WHERE level <> 'grid' ORDER BY code;
INSERT INTO organization (kind, name, area, members)
SELECT 'volunteer_team', name || '志愿服务队', code, 20 FROM area WHERE level = 'street' ORDER BY code;

-- posts; people are opaque ids
INSERT INTO assignment (person, post, area, valid_from)
SELECT md5('officer' || code)::uuid, 'officer', code, '2019-01-01' FROM area WHERE level = 'grid' AND code <> '350304001005002' ORDER BY code;
INSERT INTO assignment (person, post, area, valid_from)
SELECT md5('manager' || code || nth)::uuid, 'manager', code, '2019-01-01'
FROM area, generate_series(1, 1 + (demo.chance(demo.key('managers', code::bigint)) < 0.4)::int) AS nth
WHERE level = 'community' AND code <> '350304001004' ORDER BY code, nth;
INSERT INTO assignment (person, post, area, valid_from)
SELECT md5('manager' || code)::uuid, 'manager', code, '2019-01-01' FROM area WHERE level IN ('district', 'street') ORDER BY code;
INSERT INTO assignment (person, post, area, organization, valid_from)
SELECT md5('handler' || id)::uuid, 'handler', area, id, '2019-01-01' FROM organization WHERE kind = 'department' ORDER BY id;
RESET search_path;
ANALYZE community.building, community.household, community.establishment, community.organization, community.assignment;
