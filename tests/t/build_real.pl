# grid_build on atoms nobody here made up: Taiwan's smallest statistical areas (polygons that match, and some that do not)
# and Singapore's towers (points); looked at from all sides, and against all divisions there are where atoms are few.
use strict;
use warnings;
use GridTest;
use Test::More;
use Time::HiRes 'time';

my $data = data_folder() or plan skip_all => 'no ../shared/data';
fresh_database('build_real');
psql(<<"SQL");
\\i tests/lib/drawn.sql
CREATE TABLE raw (code text, codebase text, households int, residents int, geom geometry);
\\copy raw FROM PROGRAM 'gzip -dc $data/taiwan/atoms.csv.gz' WITH (FORMAT csv, HEADER)
CREATE TABLE document (name text, line text);
\\copy document (line) FROM PROGRAM 'gzip -dc $data/singapore/subzone.geojson.gz' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
UPDATE document SET name = 'singapore';
\\copy document (line) FROM PROGRAM 'gzip -dc $data/taiwan/dirty_63000010.geojson.gz' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
UPDATE document SET name = 'dirty' WHERE name IS NULL;
CREATE TABLE feature AS
SELECT name, f->'properties' AS p, ST_CollectionExtract(ST_MakeValid(ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON((f->'geometry')::text), 4326))), 3) AS geom
FROM (SELECT name, string_agg(line, E'\\n')::jsonb AS whole FROM document GROUP BY name) d, jsonb_array_elements(whole->'features') f;
CREATE TABLE block (id int, blk_no text, street text, town text, residential text, year_completed int, max_floor_lvl int, dwellings int, lon float8, lat float8);
\\copy block FROM '$data/singapore/blocks.csv' (FORMAT csv, HEADER)
-- each area with its atoms
CREATE TABLE source AS
SELECT 'area2 ' || left(code, 11) AS name, row_number() OVER (ORDER BY code) AS id, geom, households, residents FROM raw
UNION ALL SELECT 'township ' || left(code, 8), row_number() OVER (ORDER BY code), geom, households, residents FROM raw
UNION ALL SELECT 'dirty', row_number() OVER (ORDER BY p->>'CODEBASE'), geom, 40 + ('x' || left(md5(p->>'CODEBASE'), 6))::bit(24)::int % 90, NULL FROM feature WHERE name = 'dirty'
UNION ALL SELECT 'subzone ' || zone, id, geom, dwellings, NULL FROM (
	SELECT b.id, b.dwellings, b.geom, (SELECT min(p->>'Subzone_Code') FROM feature f WHERE name = 'singapore' AND ST_Intersects(f.geom, b.geom)) AS zone
	FROM (SELECT *, ST_SetSRID(ST_Point(lon, lat), 4326) AS geom FROM block WHERE residential = 'Y' AND dwellings > 0) b) b;
CREATE TABLE whole AS
SELECT name, CASE WHEN name LIKE 'subzone %' THEN (SELECT geom FROM feature f WHERE f.name = 'singapore' AND 'subzone ' || (p->>'Subzone_Code') = source.name)
	ELSE ST_Union(geom) END AS geom FROM source GROUP BY name;
CREATE TABLE outcome (name text, grids int, in_bounds int, possible boolean, reason text, atoms int, wrong text[], out_by int);
CREATE FUNCTION try(which text) RETURNS void LANGUAGE plpgsql AS \$\$
DECLARE
	area geometry := (SELECT geom FROM whole WHERE name = which);
	lines text[];
BEGIN
	TRUNCATE atom;
	INSERT INTO atom SELECT id, geom, households, residents FROM source WHERE name = which;
	lines := ARRAY(SELECT draw(area, parts => ST_NumGeometries(area), overlap => CASE which WHEN 'dirty' THEN 1e-3 ELSE 1e-6 END));
	INSERT INTO outcome
	SELECT which, (SELECT count(*) FROM drawn), (SELECT count(*) FROM drawn WHERE in_bounds), r.possible, r.reason, (SELECT count(*) FROM atom), lines[2:],
		(SELECT sum(greatest(300 - households, households - 500, 0) + coalesce(greatest(1000 - residents, residents - 2000, 0), 0)) FROM drawn)
	FROM (SELECT array_agg(id) AS ids, array_agg(geom) AS geoms, array_agg(households) AS h, CASE WHEN count(residents) > 0 THEN array_agg(residents) END AS r FROM atom) a,
		grid_build_report(ids, geoms, h, a.r, area) r;
END \$\$;
SQL

my $quiet = 'SET jit = off; SET client_min_messages = warning;';
my %kinds = (area2 => "name LIKE 'area2 %'", township => "name LIKE 'township %'", dirty => "name = 'dirty'",
    subzone => "name LIKE 'subzone %' AND (SELECT count(*) FROM source s WHERE s.name = whole.name) <= 60");
for my $kind (sort keys %kinds) {
    my $started = time;
    psql("$quiet SELECT count(try(name)) FROM whole WHERE $kinds{$kind}");
    note sprintf 'time %s: %.1f s (%s)', $kind, time - $started,
        psql(qq{SELECT string_agg(format('%s of %s grids in bounds where that is %spossible', k, n, CASE WHEN NOT possible THEN 'im' END), ', ')
            FROM (SELECT possible, sum(in_bounds) AS k, sum(grids) AS n FROM outcome WHERE split_part(name, ' ', 1) = '$kind' GROUP BY 1) s});
}
is(psql(q{SELECT format('%s: %s', name, array_to_string(wrong, ', ')) FROM outcome WHERE wrong <> '{}' ORDER BY name}), '', 'all drawings are right from all sides');
is(psql(q{SELECT name FROM outcome WHERE NOT possible AND in_bounds = grids}), '', 'what is called impossible is');
is(psql(q{SELECT in_bounds = grids FROM outcome WHERE name = 'dirty'}), 't', 'all grids of the township that does not match are in bounds');

# A misses' atoms, who is beside whom: every division into connected parts is tried, whatever their number.
sub divisible {
    my ($name) = @_;
    my @atoms = map {[split /\|/]} split /\n/, psql("SELECT id, households, coalesce(residents, 1000) FROM source WHERE name = '$name' ORDER BY id");
    my %place = map {$atoms[$_][0] => $_} 0 .. $#atoms;
    my @beside = map {0} @atoms;
    for my $pair (split /\n/, psql(qq{SELECT a.id, b.id FROM source a JOIN source b ON a.id < b.id AND ST_Intersects(a.geom, b.geom)
            WHERE a.name = '$name' AND b.name = '$name' AND ST_Length(ST_Intersection(a.geom, b.geom)) > 0})) {
        my ($a, $b) = map {$place{$_}} split /\|/, $pair;
        $beside[$a] |= 1 << $b;
        $beside[$b] |= 1 << $a;
    }
    my $n = @atoms;
    my (@h, @r) = ((0) x (1 << $n)) x 2;
    my @good;
    $h[0] = $r[0] = 0;
    for my $set (1 .. (1 << $n) - 1) {
        my $low = 0;
        $low++ while !($set >> $low & 1);
        my $rest = $set & ($set - 1);
        $h[$set] = $h[$rest] + $atoms[$low][1];
        $r[$set] = $r[$rest] + $atoms[$low][2];
        next if $h[$set] < 300 || $h[$set] > 500 || $r[$set] < 1000 || $r[$set] > 2000;
        my $reached = 1 << $low;
        for (my $before = 0; $before != $reached;) {
            $before = $reached;
            for my $i (0 .. $n - 1) { $reached |= $beside[$i] & $set if $reached >> $i & 1; }
        }
        push @{$good[$low]}, $set if $reached == $set;
    }
    # the lowest atom that is left must be in one of these
    my %failed;
    my $search;
    $search = sub {
        my ($left) = @_;
        return 1 if !$left;
        return 0 if $failed{$left}++;
        my $low = 0;
        $low++ while !($left >> $low & 1);
        for my $set (@{$good[$low] // []}) { return 1 if ($set & ~$left) == 0 && $search->($left & ~$set); }
        return 0;
    };
    return $search->((1 << $n) - 1);
}

my @missed = split /\n/, psql(q{SELECT name FROM outcome WHERE possible AND in_bounds < grids AND atoms <= 16 AND name LIKE 'area2 %' ORDER BY name});
cmp_ok(scalar @missed, '>', 20, 'there are small areas whose sums allow it and whose atoms do not');
is(join(', ', grep {divisible($_)} @missed), '', 'where none was found, there is no division in both windows: ' . @missed . ' areas of up to 16 atoms');
my @found = split /\n/, psql(q{SELECT name FROM outcome WHERE possible AND in_bounds = grids AND atoms BETWEEN 6 AND 14 AND name LIKE 'area2 %' ORDER BY name LIMIT 20});
is(scalar(grep {divisible($_)} @found), scalar @found, 'and the search finds those that were found');
is(psql(q{SELECT bool_and(in_bounds >= 0.98 * grids) FROM outcome WHERE name LIKE 'township %'}), 't',
    'in whole townships, where single atoms are above a maximum, 98 of 100 grids are in bounds');

# Cancelled in the middle, it stops and leaves nothing.
my $log = "$ENV{GT_TMP}/build_real.log";
my $pid = background($log, "$ENV{GT_BIN}/psql", '-XqAt', '-v', 'VERBOSITY=verbose', '-d', 'build_real', '-c',
    q{SET jit = off; SELECT count(*) FROM (SELECT array_agg(id) AS ids, array_agg(geom) AS geoms, array_agg(households) AS h, (SELECT ST_CollectionExtract(ST_Union(geom), 3) FROM whole WHERE name LIKE 'subzone %') AS area
      FROM source WHERE name LIKE 'subzone %') a, grid_build(ids, geoms, h, NULL, area)});
ok(await(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SET jit%grid_build%' AND pid <> pg_backend_pid() AND clock_timestamp() - query_start > '3 s'}), 'a large call runs');
psql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SET jit%grid_build%' AND pid <> pg_backend_pid()});
finish($pid);
open my $f, '<', $log or die $!;
like(join('', <$f>), qr/57014: canceling statement due to user request/, 'and can be cancelled');
done_testing();
