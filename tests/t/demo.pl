# The sample district: what its generator promises, and that the documents say what happens.
use strict;
use warnings;
use GridTest;
use DocTest;
use Test::More;
use Time::HiRes 'time';

my @generator = sort glob 'sql/demo/[1-7][05]-*.sql';
my @register = ('sql/community/install.sql', sort glob 'sql/demo/8[0-9]-*.sql');
my @tables = ((map {"demo.$_"} qw(unit street community block area road building household kiosk)),
    map {"community.$_"} qw(area boundary building household establishment organization assignment event event_step visit));

sub run { return psql(join '', map {"\\i $_\n"} @_); }

sub generate {
    my ($database) = @_;
    my $started = time;
    fresh_database($database);
    my $said = run(@generator);
    like($said, qr/4 grids in both windows possible: t\..*130 communities cut into 331 grids in .*; in bounds: 331$/s, 'grid_build keeps both windows');
    note sprintf 'time %-52s %6.1f s', 'generating the sample district', time - $started;
    $started = time;
    $said = run(@register, 'sql/demo/assigned.sql');
    like($said, qr/130000 of 130000 households have a grid; .*: 130000, in another: 0\n.* (\d+), .* \1\n/s, 'every household is in its grid');
    note sprintf 'time %-52s %6.1f s', 'its register', time - $started;
    return psql(join ';', map {"SELECT '$_', count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM $_ t"} @tables);
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
is(psql('SELECT count(*), sum(residents), count(grid) FROM community.household'), '130000|360000|130000', '130,000 households, 360,000 residents');
is(psql(q{SELECT count(*) FROM (SELECT count(*) AS n, sum(residents) AS r FROM community.household GROUP BY grid) g WHERE n BETWEEN 300 AND 500 AND r BETWEEN 1000 AND 2000}), 331, 'every grid is within both windows');
is(psql(q{SELECT count(*) FROM demo.building b JOIN demo.area a ON a.level = 'grid' AND ST_Intersects(a.geom, b.geom) WHERE a.code <> b.grid}), 0,
    'no building stands in or on a grid that it does not belong to');
is(psql('SELECT count(*) FROM demo.building b JOIN demo.area a ON a.code = b.grid WHERE NOT ST_Contains(a.geom, b.geom)'), 0, 'but in its own');
is(psql(q{SELECT count(*) > 50, min((SELECT count(*) FROM demo.area a WHERE level = 'grid' AND ST_Intersects(a.geom, k.geom))) FROM demo.kiosk k}), 't|3',
    'kiosks stand where three grids meet');
is(psql(q{SELECT string_agg(format('%s %s', kind, n), ', ' ORDER BY position) FROM community.event_kind
          JOIN (SELECT kind, sum(quantity) AS n FROM community.event GROUP BY kind) e USING (kind)}),
    'record 283754, visit 91390, opinion 3204, errand 509, dispute 167, environment 2575, market 48208, fire 60638',
    'the eight kinds add up to the published figures');
is(psql(q{SELECT count(*), count(*) FILTER (WHERE quantity > 1) > 0 FROM community.event e JOIN community.event_kind USING (kind) WHERE unit <> 'case' HAVING count(*) <= 2 * 12 * 331}) =~ /^\d+\|t$/ ? 1 : 0, 1,
    'records and visits are quantities, not rows one by one');
is(psql(q{SELECT count(*) FROM community.event WHERE extract(year FROM reported_at AT TIME ZONE 'Asia/Shanghai') <> 2019
          OR deadline <= reported_at OR closed_at < reported_at}), 0, 'reported in 2019, due and closed later');
is(psql(q{SELECT bool_or(closed_at IS NULL), bool_or(closed_at > deadline), bool_or(closed_at <= deadline) FROM community.event}), 't|t|t',
    'some open, some late, some on time');
is(psql('SELECT count(*) FROM community.event e JOIN community.household h ON h.id = e.household WHERE h.grid IS DISTINCT FROM e.grid'), 0,
    'each case is in the grid of its household');
is(psql(q{SELECT count(*) FILTER (WHERE kind = 'branch' AND grid IS NOT NULL), count(*) FILTER (WHERE kind = 'department'),
          count(*) FILTER (WHERE kind = 'branch' AND gridcode <@ '350304001'), count(*) FILTER (WHERE kind = 'sub_group' AND gridcode <@ '350304001'),
          max((SELECT count(*) FROM community.organization c WHERE c.parent = o.id)) FILTER (WHERE members = 35) FROM community.organization o}),
    '331|14|37|112|5', '331 grid branches and 14 departments; in Zhenhai street 37 branches and 112 sub-groups; one of 35 members has 5');
is(psql(q{SELECT string_agg(DISTINCT kind, ' ' ORDER BY kind), count(*) - count(grid) FROM community.establishment}), 'association firm organ shop|0',
    'every organ, firm, shop and association is in some grid');

# What the demo goes on to do, with CALL in place of the daemon.
my @roles = qw(lin chen wu bulletin);
sub drop_roles { psql("DROP ROLE IF EXISTS $_") for @roles; }
drop_roles();
my $filled = run('sql/demo/filled.sql');
is(() = $filled =~ /^[^|]+\|\w+\|(\d+)\|\1$/mg, 8, 'the reference case has the published figures');
my $steps = run('sql/demo/workday.sql') . psql(q{SELECT format('CALL grid_rollup_run(%L)', rollup) FROM grid_rollup_catalog \gexec}) . "\n"
    . run('sql/demo/worked.sql', 'sql/demo/figures.sql');
like($steps, qr/^350304001001\|[^|]*\|1643\|4269\|811\|4\|807\|19\n.*^350304001001\|[^|]*\|\d+\|\d+\|814\|6\|808\|20$/ms, 'a working day: three reported, one closed, one reopened');
like($steps, qr/ differing: 0\n/, 'and the figures are right');
is(() = $steps =~ /^350304001\d*\|.*\|\d\d\.\d\d\|\d+\.\d$/mg, 1 + 11, 'figures of Zhenhai street and its communities');
like($steps, qr/^350304001004\|.*\|manager$/m, 'a community without a manager');
like($steps, qr/^350304001005002\|.*\|officer$/m, 'a grid without an officer');
like($steps, qr/^350304001001004\|.*\|too few /m, 'a grid that is too small since a building was moved');
my $map = psql(q{SELECT community.map_svg('350304001')});
is(psql(qq{SELECT count(*) FROM community.area WHERE level = 'grid' AND gridcode <@ '350304001' AND position(code IN \$svg\$$map\$svg\$) > 0}), 37, 'the map has each grid of Zhenhai street');
drop_roles();

# Once more, in another order of rows and with parallel workers.
my $second = do {
    local $ENV{PGOPTIONS} = '-c enable_hashagg=off -c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0';
    generate('demo_twice');
};
is($second, $first, 'generated again, under other plans: the same content');

# The documents that use it.
psql('DROP SCHEMA community CASCADE; DROP TABLE demo.published, demo.filed');
check_document('docs/tutorial.md', 'demo_twice');
check_document('docs/drawing.md', 'demo_twice');
fresh_database('readme');
check_document('README.md', 'readme');
fresh_database('figures_page');
check_document('docs/figures.md', 'figures_page');
drop_roles();
done_testing;
