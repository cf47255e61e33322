# The sample district: what its generator promises, and that the documents say what happens.
use strict;
use warnings;
use GridTest;
use DocTest;
use Test::More;
use Time::HiRes 'time';

my @parts = ((sort glob 'sql/demo/[1-7][05]-*.sql'), 'sql/demo/assign.sql', 'sql/demo/80-events.sql');
my @tables = qw(unit street community block area road building household kiosk kind event);

sub generate {
    my ($database) = @_;
    my $started = time;
    fresh_database($database);
    my $said = psql(join '', map {"\\i $_\n"} @parts);
    like($said, qr/4 grids in both windows possible: t\..*130 communities cut into 331 grids in .*; in bounds: 331\n/s, 'grid_build keeps both windows');
    like($said, qr/130000 of 130000 households assigned .* 0 outside.*: 130000, in another: 0\n.* (\d+), .* \1\n/s, 'every household is in its grid');
    note sprintf 'time %-52s %6.1f s', 'generating the sample district', time - $started;
    return psql(join ';', map {"SELECT '$_', count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM demo.$_ t"} @tables);
}

my $first = generate('demo_once');

is(psql('SELECT level, count(*) FROM demo.area GROUP BY level ORDER BY level'),
    "community|130\ndistrict|1\ngrid|331\nstreet|6", 'one district, 6 streets and towns, 130 communities, 331 grids');
is(psql(q{SELECT count(*) FROM demo.area WHERE level = 'grid' AND code <@ '350304001'}), 37, '37 grids in Zhenhai street');
is(psql(q{SELECT count(*) FROM demo.area c WHERE level = 'community' AND NOT EXISTS
          (SELECT FROM demo.area g WHERE g.level = 'grid' AND grid_parent(g.code) = c.code)}), 0, 'each community has a grid');
is(psql(q{SELECT count(*) FROM (SELECT code, row_number() OVER (PARTITION BY grid_parent(code) ORDER BY code) AS nth
          FROM demo.area WHERE level = 'grid') g WHERE code <> grid_child(grid_parent(code), nth::int)}), 0,
    'the grids of a community are numbered 001, 002 and so on');

# A coverage: every edge has one area on each side, or lies on the outside, which is the parent's edge. Grids of one community
# have the same vertices; across its border each side may have ends of borders that the other has not.
for my $level (qw(community street)) {
    is(psql(qq{
        WITH edge AS (SELECT ST_X(ST_StartPoint(e.geom)) AS ax, ST_Y(ST_StartPoint(e.geom)) AS ay,
                             ST_X(ST_EndPoint(e.geom)) AS zx, ST_Y(ST_EndPoint(e.geom)) AS zy, level
                      FROM demo.area, ST_DumpSegments(geom) AS e WHERE level IN ('$level', 'district')),
        once AS (SELECT * FROM edge l WHERE level = '$level' AND NOT EXISTS
                 (SELECT FROM edge r WHERE r.level = '$level' AND (l.ax, l.ay, l.zx, l.zy) = (r.zx, r.zy, r.ax, r.ay)))
        SELECT (SELECT count(*) FROM (SELECT ax, ay, zx, zy FROM edge WHERE level = '$level' GROUP BY 1, 2, 3, 4 HAVING count(*) > 1) twice),
               (SELECT count(*) FROM (SELECT ax, ay, zx, zy FROM once EXCEPT ALL SELECT ax, ay, zx, zy FROM edge WHERE level = 'district') e),
               (SELECT count(*) FROM (SELECT ax, ay, zx, zy FROM edge WHERE level = 'district' EXCEPT ALL SELECT ax, ay, zx, zy FROM once) e)}),
        '0|0|0', "${level}s: each edge once from either side, the others are the district's");
}
is(psql(q{
    WITH edge AS (SELECT grid_parent(code) AS community, ST_X(a) AS ax, ST_Y(a) AS ay, ST_X(z) AS zx, ST_Y(z) AS zy
                  FROM demo.area, ST_DumpSegments(geom) AS e, LATERAL (SELECT ST_StartPoint(e.geom) AS a, ST_EndPoint(e.geom) AS z) p WHERE level = 'grid'),
    once AS (SELECT * FROM edge l WHERE NOT EXISTS (SELECT FROM edge r WHERE r.community = l.community AND (l.ax, l.ay, l.zx, l.zy) = (r.zx, r.zy, r.ax, r.ay)))
    SELECT (SELECT count(*) FROM (SELECT FROM edge GROUP BY community, ax, ay, zx, zy HAVING count(*) > 1) twice),
           (SELECT count(*) FROM once JOIN demo.area c ON c.code = community
            WHERE ST_Distance(ST_Boundary(c.geom), ST_Point(ax, ay, 4326)) > 1e-12 OR ST_Distance(ST_Boundary(c.geom), ST_Point((ax + zx) / 2, (ay + zy) / 2, 4326)) > 1e-12)}),
    '0|0', "grids: inside a community each edge once from either side, the others are the community's");
is(psql(q{SELECT count(*) FROM (SELECT grid_parent(code) AS code, ST_Union(geom) AS geom FROM demo.area WHERE level = 'grid' GROUP BY 1) g
          JOIN demo.area c USING (code) WHERE ST_Area(ST_SymDifference(g.geom, c.geom)) > 1e-9 * ST_Area(c.geom)}), 0,
    'the grids of a community together are the community');
is(psql('SELECT count(*) FROM demo.area WHERE NOT ST_IsValid(geom) OR ST_NumInteriorRings(geom) > 0'), 0, 'areas are valid and have no holes');
is(psql(q{SELECT count(*) FROM demo.area a JOIN demo.area b ON a.level = b.level AND a.code < b.code AND a.level <> 'grid' AND ST_Overlaps(a.geom, b.geom)}), 0,
    'no two streets or communities overlap');
is(psql(q{SELECT count(*) FROM demo.area c JOIN demo.area p ON p.code = grid_parent(c.code) WHERE c.level <> 'grid' AND NOT ST_Covers(p.geom, c.geom)}), 0,
    'each of them lies in its parent');
is(psql(q{SELECT bool_and(abs(whole - parts) < 1e-9 * whole) FROM (
          SELECT ST_Area(p.geom) AS whole, (SELECT sum(ST_Area(c.geom)) FROM demo.area c WHERE c.code <> p.code AND grid_parent(c.code) = p.code) AS parts
          FROM demo.area p WHERE level <> 'grid') a}), 't', 'each area is as large as its children together');
is(psql(q{SELECT count(*) FROM (SELECT ST_Normalize(s.geom) FROM demo.road r, ST_DumpSegments(r.geom) s WHERE kind IN ('main', 'side') EXCEPT
          SELECT ST_Normalize(s.geom) FROM demo.area a, ST_DumpSegments(a.geom) s WHERE level = 'community') off}), 0, 'main and side roads run along borders');
is(psql(q{SELECT string_agg(DISTINCT kind, ' ' ORDER BY kind) FROM demo.road}), 'lane main river side', 'there are lanes and a river, too');
is(psql(q{SELECT count(*) FROM demo.building b JOIN demo.road r ON ST_DWithin(b.geom, r.geom, CASE r.kind WHEN 'river' THEN 0.00035 ELSE 0.00009 END)}), 0,
    'no building stands on a road or in the river');
is(psql('SELECT count(*), sum(residents), count(code) FROM demo.household'), '130000|360000|130000', '130,000 households, 360,000 residents');
is(psql(q{SELECT count(*) FROM (SELECT count(*) AS n, sum(residents) AS r FROM demo.household GROUP BY code) g WHERE n BETWEEN 300 AND 500 AND r BETWEEN 1000 AND 2000}), 331, 'every grid is within both windows');
is(psql(q{SELECT count(*) FROM demo.building b JOIN demo.area a ON a.level = 'grid' AND ST_Intersects(a.geom, b.geom) WHERE a.code <> b.grid}), 0,
    'no building stands in or on a grid that it does not belong to');
is(psql('SELECT count(*) FROM demo.building b JOIN demo.area a ON a.code = b.grid WHERE NOT ST_Contains(a.geom, b.geom)'), 0, 'but in its own');
is(psql(q{SELECT count(*) > 50, min((SELECT count(*) FROM demo.area a WHERE level = 'grid' AND ST_Intersects(a.geom, k.geom))) FROM demo.kiosk k}), 't|3',
    'kiosks stand where three grids meet');
is(psql(q{SELECT string_agg(format('%s %s', kind, n), ', ' ORDER BY nth) FROM demo.kind
          JOIN (SELECT kind, count(*) AS n FROM demo.event GROUP BY kind) e USING (kind)}),
    'record 283754, visit 91390, opinion 3204, errand 509, dispute 167, environment 2575, market 48208, fire 60638',
    'the eight kinds add up to the published figures');
is(psql(q{SELECT count(*) FROM demo.event WHERE extract(year FROM reported_at AT TIME ZONE 'Asia/Shanghai') <> 2019
          OR deadline <= reported_at OR closed_at < reported_at}), 0, 'reported in 2019, due and closed later');
is(psql(q{SELECT bool_or(closed_at IS NULL), bool_or(closed_at > deadline), bool_or(closed_at <= deadline) FROM demo.event}), 't|t|t',
    'some open, some late, some on time');
is(psql('SELECT count(*) FROM demo.event e LEFT JOIN demo.household h ON h.id = e.household WHERE h.code IS DISTINCT FROM e.code'), 0,
    'each event is at a household and in its grid');

# What the demo goes on to do, with CALL in place of the daemon.
my $steps = psql(join '', map {"$_\n"} '\i sql/demo/rollups.sql', '\i sql/demo/changes.sql',
    "CALL grid_rollup_run('demo.population');", "CALL grid_rollup_run('demo.events');", '\i sql/demo/changed.sql', '\i sql/demo/figures.sql');
is(() = $steps =~ /^[^|]+\|[a-z]+\|(\d+)\|\1\|t$/mg, 8, 'the rollup has the published figures');
like($steps, qr/Wrong codes: 0\n.*differing: population 0, events 0\n/s, 'changes are right at every level');
is(() = $steps =~ /^350304[^|]*\|.*\|\d\d\.\d\|\d+\.\d$/mg, 1 + 6 + 11 + 4, 'figures of the district, streets, communities and grids');
my $map = psql('\i sql/demo/map.sql');
is(() = $map =~ /<path class="c[0-4]" d="M [-0-9. lz]+"><title>\d{15}  [0-9.]+</ig, 331, 'the map has each grid');
is(() = $map =~ /<path class="g[0-5]" d="M [-0-9. lz]+"><title>350304001\d{6}</ig, 37, 'and, close by, those of Zhenhai street');
like($map, qr/^<svg .*>荔城区网格图<.*<\/svg>$/s, 'and is an SVG');

# Once more, in another order of rows and with parallel workers.
my $second = do {
    local $ENV{PGOPTIONS} = '-c enable_hashagg=off -c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0';
    generate('demo_twice');
};
is($second, $first, 'generated again, under other plans: the same content');

# The documents that use it.
psql(q{DROP TABLE demo.event, demo.kind; DROP TRIGGER keep_code ON demo.household;
    SELECT grid_layer_drop('grids'); UPDATE demo.household SET code = NULL; UPDATE demo.kiosk SET code = NULL});
check_document('docs/tutorial.md', 'demo_twice');
check_document('docs/drawing.md', 'demo_twice');
fresh_database('readme');
check_document('README.md', 'readme');
fresh_database('figures_page');
check_document('docs/figures.md', 'figures_page');
done_testing;
