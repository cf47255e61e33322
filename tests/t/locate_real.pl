# grid_locate and grid_assign on polygons nobody here drew: Taiwan's statistical
# areas (shared borders exact) and Singapore's subzones (slivers, gaps, overlaps,
# invalid rings), against the rule's own SQL, written here as a join the other
# way round, on random points, every vertex and every edge midpoint.
use strict;
use warnings;
use Test::More;
use GridTest;
use Time::HiRes 'time';

my $data = data_folder() or plan skip_all => 'no ../shared/data';
fresh_database('locate_real');
psql('CREATE EXTENSION IF NOT EXISTS postgis');

psql(<<"SQL");
CREATE TABLE raw (code text, codebase text, households int, residents int, geom geometry);
\\copy raw FROM PROGRAM 'gzip -dc $data/taiwan/atoms.csv.gz' WITH (FORMAT csv, HEADER)
CREATE TABLE taiwan AS SELECT code::gridcode, geom FROM raw;
CREATE TABLE document (line text);
\\copy document FROM PROGRAM 'gzip -dc $data/singapore/subzone.geojson.gz' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
CREATE TABLE singapore AS
WITH feature AS (
    SELECT f->'properties' AS p, ST_SetSRID(ST_GeomFromGeoJSON((f->'geometry')::text), 4326) AS geom
    FROM (SELECT string_agg(line, E'\\n')::jsonb AS whole FROM document) d, jsonb_array_elements(whole->'features') f),
numbered AS (
    SELECT geom, dense_rank() OVER (ORDER BY p->>'Region_Code' COLLATE "C") AS region,
        dense_rank() OVER (PARTITION BY p->>'Region_Code' ORDER BY p->>'Planning_Area_Code' COLLATE "C") AS area,
        row_number() OVER (PARTITION BY p->>'Planning_Area_Code' ORDER BY p->>'Subzone_Code' COLLATE "C") AS subzone
    FROM feature)
SELECT (region || lpad(area::text, 2, '0') || lpad(subzone::text, 2, '0'))::gridcode AS code, geom FROM numbered;
CREATE INDEX ON taiwan USING gist (geom);
CREATE INDEX ON singapore USING gist (geom);
ANALYZE taiwan, singapore;
SQL
is(psql('SELECT count(*), count(DISTINCT code) FROM taiwan'), '2172|2172', 'Taiwan: 2,172 atoms');
is(psql('SELECT count(*), count(DISTINCT code) FROM singapore'), '323|323', 'Singapore: 323 subzones');

my (undef, $warning) = psql_try(q{SELECT grid_layer_add('singapore', 'singapore', scheme => 'region 1, area 2, subzone 2')});
like($warning, qr/WARNING.*layer "singapore" has invalid polygons: \d/, 'invalid subzones are warned about');
(undef, $warning) = psql_try(q{SELECT grid_layer_add('taiwan', 'taiwan', scheme => 'county 5, town 3, area2 3, area1 3, base 3')});
unlike($warning, qr/NOTICE|WARNING/, 'nothing to say about Taiwan');

for my $layer ('taiwan', 'singapore') {
    psql(<<"SQL");
CREATE TABLE ${layer}_edge AS
SELECT ST_StartPoint(s.geom) AS a, ST_EndPoint(s.geom) AS b
FROM $layer, ST_DumpSegments(geom) s;
CREATE TABLE ${layer}_point AS
SELECT row_number() OVER () AS id, kind, geom FROM (
    SELECT DISTINCT 'vertex' AS kind, a AS geom FROM ${layer}_edge
    UNION ALL
    SELECT DISTINCT 'midpoint', ST_SetSRID(ST_Point((ST_X(a) + ST_X(b)) / 2, (ST_Y(a) + ST_Y(b)) / 2), 4326) FROM ${layer}_edge
    UNION ALL
    SELECT 'random', ST_SetSRID(ST_Point(ST_XMin(e) + random() * (ST_XMax(e) - ST_XMin(e)), ST_YMin(e) + random() * (ST_YMax(e) - ST_YMin(e))), 4326)
    FROM (SELECT setseed(0.25)) s, (SELECT ST_Extent(geom) AS e FROM $layer) b, generate_series(1, 20000)) p;
CREATE TABLE ${layer}_rule AS
SELECT p.id, (array_agg(a.code ORDER BY grid_digits(a.code) DESC, a.code))[1] AS code
FROM ${layer}_point p LEFT JOIN $layer a ON ST_Intersects(a.geom, p.geom) GROUP BY p.id;
SQL
    my $started = time;
    psql("CREATE TABLE ${layer}_located AS SELECT id, grid_locate('$layer', geom) AS code FROM ${layer}_point");
    my $elapsed = time - $started;
    my $count = psql("SELECT count(*) FROM ${layer}_point");
    printf "# time grid_locate %s: %.1f us a point (%s)\n", $layer, 1e6 * $elapsed / $count,
        psql("SELECT string_agg(kind || ' ' || n, ', ') FROM (SELECT kind, count(*) AS n FROM ${layer}_point GROUP BY 1 ORDER BY 1) s");
    is(psql("SELECT count(*) FROM ${layer}_located"), $count, "$layer: rows = points");
    is(psql("SELECT count(*) FROM (TABLE ${layer}_rule EXCEPT ALL TABLE ${layer}_located) d"), 0, "$layer: every answer of the rule");
    is(psql("SELECT count(*) FROM (TABLE ${layer}_located EXCEPT ALL TABLE ${layer}_rule) d"), 0, "$layer: and no other");
    is(psql("SELECT count(*) FROM ${layer}_located JOIN ${layer}_point USING (id) WHERE kind = 'vertex' AND code IS NULL"), 0,
        "$layer: every vertex is in an area");
    cmp_ok(psql("SELECT count(*) FROM ${layer}_located WHERE code IS NULL"), '>', 1000, "$layer: there are points outside");
}

# A tolerance in metres: the nearest area by an independent formula, on points in gaps and outside.
psql(<<'SQL');
CREATE TABLE near AS SELECT p.id, geom, grid_locate('singapore', geom, 300) AS code
FROM singapore_point p JOIN singapore_located l USING (id) WHERE l.code IS NULL AND p.id % 5 = 0;
CREATE TABLE near_rule AS
SELECT n.id, min(d) AS d, (array_agg(a.code ORDER BY d, a.code))[1] AS code
FROM near n JOIN singapore a ON ST_Expand(n.geom, 0.01) && a.geom,
LATERAL (SELECT ST_Distance(
    ST_Affine(a.geom, cos(radians(ST_Y(n.geom))), 0, 0, 1, 0, 0), ST_Affine(n.geom, cos(radians(ST_Y(n.geom))), 0, 0, 1, 0, 0)) * pi() / 180 * 6371008.8 AS d) m
GROUP BY n.id HAVING min(d) <= 300;
SQL
my $near = psql('SELECT count(code) FROM near');
cmp_ok($near, '>', 100, "$near of " . psql('SELECT count(*) FROM near') . ' points outside are within 300 m of a subzone');
is(psql(q{SELECT count(*) FROM near n LEFT JOIN near_rule r USING (id) WHERE n.code IS DISTINCT FROM r.code AND (d IS NULL OR abs(d - 300) > 1e-6)}),
    0, 'the nearest within the tolerance');

# The plan of the rule finds the polygons by their index.
SKIP: {
    my (undef, undef, $missing) = psql_try("LOAD 'auto_explain'");
    skip 'no auto_explain here', 2 if $missing;
    my (undef, $plan) = psql_try(<<'SQL');
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_nested_statements = on;
SET auto_explain.log_level = notice;
SET gridtree.layer_cache = 0;
SELECT grid_locate('taiwan', 'SRID=4326;POINT(0 0)', 1);
SELECT grid_locate('singapore', 'SRID=4326;POINT(0 0)', 1);
SQL
    my @scans = $plan =~ /Index Scan using (\w+)_geom_idx/g;
    is("@scans", 'taiwan taiwan singapore singapore', 'four index scans: covering and nearest, each layer');
    unlike($plan, qr/Seq Scan/, 'and no other scan');
}

# Every dwelling of Singapore as a household at its block's point.
psql(<<"SQL");
CREATE TABLE block (id int, blk_no text, street text, town text, residential text, year_completed int, max_floor_lvl int, dwellings int, lon float8, lat float8);
\\copy block FROM '$data/singapore/blocks.csv' WITH (FORMAT csv, HEADER)
CREATE TABLE household AS
SELECT row_number() OVER () AS id, b.id AS block, ST_SetSRID(ST_Point(lon, lat), 4326) AS geom, NULL::gridcode AS code
FROM block b, generate_series(1, dwellings) WHERE residential = 'Y';
VACUUM ANALYZE household;
SQL
my $started = time;
my $result = psql(q{CALL grid_assign('household', 'singapore')});
printf "# time CALL grid_assign, %s households: %.1f s\n", psql('SELECT count(*) FROM household'), time - $started;
my ($assigned, $changed, $outside) = split /\|/, $result;
is($assigned + $outside, 1158824, 'every household is counted');
is($changed, $assigned, 'each assigned one was written');
note "assigned $assigned, outside $outside";
is(psql(<<'SQL'), 0, 'each has the code that the rule gives its block');
SELECT count(*) FROM household h JOIN (
    SELECT b.id, (SELECT code FROM singapore WHERE ST_Intersects(geom, ST_SetSRID(ST_Point(lon, lat), 4326)) ORDER BY grid_digits(code) DESC, code LIMIT 1) AS code
    FROM block b) r ON r.id = h.block
WHERE h.code IS DISTINCT FROM r.code
SQL
$started = time;
is(psql(q{CALL grid_assign('household', 'singapore')}), "$assigned|0|$outside", 'a second run writes nothing');
printf "# time CALL grid_assign again, nothing to write: %.1f s\n", time - $started;
psql('UPDATE household SET code = NULL WHERE id % 7 = 0; VACUUM ANALYZE household');
$started = time;
my ($batched, $notices) = psql_try(q{CALL grid_assign('household', 'singapore', batch => 100000)});
printf "# time CALL grid_assign in batches of 100,000: %.1f s\n", time - $started;
like($batched, qr/^$assigned\|\d+\|$outside$/, 'the same in batches');
cmp_ok(scalar(() = $notices =~ /NOTICE/g), '>', 9, 'with their progress');

done_testing();
