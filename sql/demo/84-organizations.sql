-- Organizations and posts, made up in the numbers that the district published: 37 grid branches with 112 sub-groups in Zhenhai
-- street, 14 departments. One grid there has no officer, and one community no manager: for the gaps.
-- organizations beside the areas
INSERT INTO community.organization (kind, name, area) SELECT 'leading_group', name || '网格化工作领导小组', code FROM community.area WHERE level = 'district';
INSERT INTO community.organization (kind, name, area, parent)
SELECT 'street_committee', a.name || '大工委', a.code, p.id FROM community.area a JOIN community.organization p ON p.kind = 'leading_group' WHERE a.level = 'street' ORDER BY a.code;
INSERT INTO community.organization (kind, name, area, parent)
SELECT 'community_committee', regexp_replace(a.name, '居?委会$', '') || '大党委', a.code, p.id
FROM community.area a JOIN community.organization p ON p.area = a.street AND p.kind = 'street_committee' WHERE a.level = 'community' ORDER BY a.code;
INSERT INTO community.organization (kind, name, area, grid, parent, members)
SELECT 'branch', a.name || '支部', a.code, a.code, p.id, CASE a.code WHEN '350304001001001' THEN 35 ELSE 8 + floor(24 * demo.chance(demo.key('branch', a.code::bigint)))::int END
FROM community.area a JOIN community.organization p ON p.area = a.community AND p.kind = 'community_committee' WHERE a.level = 'grid' ORDER BY a.code;
-- five in the branch with 35 members, three in the others of Zhenhai street but for one: 112
INSERT INTO community.organization (kind, name, area, parent)
SELECT 'sub_group', format('第%s小组', nth), b.area, b.id
FROM community.organization b, generate_series(1, CASE WHEN b.grid = '350304001001001' THEN 5 WHEN b.grid = '350304001001002' THEN 2 ELSE 3 END) AS nth
WHERE b.kind = 'branch' AND b.gridcode <@ '350304001' ORDER BY b.id, nth;
INSERT INTO community.organization (kind, name, area)
SELECT 'department', name, '350304'
FROM unnest(ARRAY['公安', '司法', '民政', '人社', '城管', '住建', '生态环境', '市场监管', '卫健', '应急管理', '消防救援', '教育', '农业农村', '信访']) WITH ORDINALITY AS d (name, nth) ORDER BY nth;
INSERT INTO community.organization (kind, name, area)
SELECT 'service_centre', name || CASE level WHEN 'community' THEN '网格服务站' ELSE '网格服务中心' END, code FROM community.area WHERE level <> 'grid' ORDER BY code;
INSERT INTO community.organization (kind, name, area, members)
SELECT 'volunteer_team', name || '志愿服务队', code, 20 FROM community.area WHERE level = 'street' ORDER BY code;

-- posts; people are opaque ids
INSERT INTO community.assignment (person, post, area, valid_from)
SELECT md5('officer' || code)::uuid, 'officer', code, '2019-01-01' FROM community.area WHERE level = 'grid' AND code <> '350304001005002' ORDER BY code;
INSERT INTO community.assignment (person, post, area, valid_from)
SELECT md5('manager' || code || nth)::uuid, 'manager', code, '2019-01-01'
FROM community.area, generate_series(1, 1 + (demo.chance(demo.key('managers', code::bigint)) < 0.4)::int) AS nth
WHERE level = 'community' AND code <> '350304001004' ORDER BY code, nth;
INSERT INTO community.assignment (person, post, area, valid_from)
SELECT md5('manager' || code)::uuid, 'manager', code, '2019-01-01' FROM community.area WHERE level IN ('district', 'street') ORDER BY code;
INSERT INTO community.assignment (person, post, area, organization, valid_from)
SELECT md5('handler' || id)::uuid, 'handler', area, id, '2019-01-01' FROM community.organization WHERE kind = 'department' ORDER BY id;
ANALYZE community.organization, community.assignment;
