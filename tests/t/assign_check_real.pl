# grid_assign_check on Singapore's public housing: the blocks of dwellings as
# they are, moved by constants, in GCJ-02, and with codes mixed up.
use strict;
use warnings;
use Test::More;
use GridTest;
use Time::HiRes 'time';

my $data = data_folder() or plan skip_all => 'no ../shared/data';
fresh_database('assign_check_real');
psql(<<"SQL");
CREATE TABLE document (line text);
\\copy document FROM PROGRAM 'gzip -dc $data/singapore/subzone.geojson.gz' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
CREATE TABLE subzone AS
WITH feature AS (
    SELECT f->'properties' AS p, ST_SetSRID(ST_GeomFromGeoJSON((f->'geometry')::text), 4326) AS geom
    FROM (SELECT string_agg(line, E'\\n')::jsonb AS whole FROM document) d, jsonb_array_elements(whole->'features') f)
SELECT (dense_rank() OVER (ORDER BY p->>'Region_Code' COLLATE "C")
    || lpad(dense_rank() OVER (PARTITION BY p->>'Region_Code' ORDER BY p->>'Planning_Area_Code' COLLATE "C")::text, 2, '0')
    || lpad(row_number() OVER (PARTITION BY p->>'Planning_Area_Code' ORDER BY p->>'Subzone_Code' COLLATE "C")::text, 2, '0'))::gridcode AS code, geom
FROM feature;
CREATE INDEX ON subzone USING gist (geom);
SELECT grid_layer_add('subzones', 'subzone', scheme => 'region 1, area 2, subzone 2');
CREATE TABLE file (id int, blk_no text, street text, town text, residential text, year_completed int, max_floor_lvl int, dwellings int, lon float8, lat float8);
\\copy file FROM '$data/singapore/blocks.csv' WITH (FORMAT csv, HEADER)
CREATE TABLE block AS SELECT id, dwellings, lon, lat, ST_Point(lon, lat, 4326) AS geom FROM file WHERE residential = 'Y';
ALTER TABLE block ADD code gridcode;
UPDATE block b SET code = (SELECT code FROM subzone s WHERE ST_Intersects(s.geom, b.geom) ORDER BY grid_digits(code) DESC, code LIMIT 1);

-- A point some metres to the east and to the north.
CREATE FUNCTION moved(lon float8, lat float8, east float8, north float8) RETURNS geometry IMMUTABLE LANGUAGE sql AS
\$\$ SELECT ST_Point(lon + degrees(east / 6371008.8) / cos(radians(lat)), lat + degrees(north / 6371008.8), 4326) \$\$;
-- The widely published approximation of GCJ-02, in degrees.
CREATE FUNCTION gcj_point(lon float8, lat float8) RETURNS geometry IMMUTABLE LANGUAGE sql AS \$\$
WITH c AS (SELECT lon - 105 AS x, lat - 35 AS y, 0.00669342162296594323::float8 AS ee, radians(lat) AS phi),
ripple AS (SELECT *, (20 * sin(6 * pi() * x) + 20 * sin(2 * pi() * x)) * 2 / 3 AS ripples, 1 - ee * sin(phi) ^ 2 AS magic FROM c),
metres AS (SELECT *,
    300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + ripples
      + (20 * sin(pi() * x) + 40 * sin(pi() / 3 * x)) * 2 / 3 + (150 * sin(pi() / 12 * x) + 300 * sin(pi() / 30 * x)) * 2 / 3 AS east,
    -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + ripples
      + (20 * sin(pi() * y) + 40 * sin(pi() / 3 * y)) * 2 / 3 + (160 * sin(pi() / 12 * y) + 320 * sin(pi() / 30 * y)) * 2 / 3 AS north FROM ripple)
SELECT ST_Point(lon + degrees(east * sqrt(magic) / (6378245 * cos(phi))), lat + degrees(north * magic * sqrt(magic) / (6378245 * (1 - ee))), 4326) FROM metres \$\$;
SQL
is(psql('SELECT count(*), count(code) FROM block'), '10668|10668', '10,668 blocks, each in a subzone');

# One row of grid_assign_check as a hash.
sub check {
    my ($what, $geom, $code) = @_;
    $code //= 'code';
    psql("DROP VIEW IF EXISTS moved_block; CREATE VIEW moved_block AS SELECT $geom AS geom, $code AS declared_code FROM block");
    my $started = time;
    my @columns = qw(matched mismatched outside unknown undeclared distance direction compass agreement shift_distance shift_direction shift_compass shift_explains);
    my %row;
    @row{@columns} = split /\|/, psql(q{SELECT * FROM grid_assign_check('moved_block', 'subzones')}), -1;
    printf "# time of %s: %.2f s: %s\n", $what, time - $started, join ' ', map {"$_=$row{$_}"} @columns;
    is($row{matched} + $row{mismatched} + $row{outside} + $row{unknown} + $row{undeclared}, 10668, "$what: every block is counted");
    return \%row;
}

# The shift a check reports against the one there was.
sub is_shift {
    my ($what, $row, $distance, $direction, $metres, $degrees) = @_;
    my $turn = abs($row->{shift_direction} - $direction);
    $turn = 360 - $turn if $turn > 180;
    cmp_ok(abs($row->{shift_distance} - $distance), '<=', $metres, sprintf "%s: %.0f m where %.0f were", $what, $row->{shift_distance}, $distance);
    cmp_ok($turn, '<=', $degrees, sprintf "%s: towards %.1f where it was %.1f", $what, $row->{shift_direction}, $direction);
}

my $row = check('as they are', 'geom');
is($row->{matched}, 10668, 'unmoved: all match');
is($row->{$_}, '', "unmoved: no $_") for qw(distance direction compass agreement shift_distance shift_explains);
$row = check('planning areas only', 'geom', 'grid_prefix(code, 3)::text');
is($row->{matched}, 10668, 'a code above the found one matches');
$row = check('moved within areas', 'moved(lon, lat, 300, 0)', 'grid_prefix(code, 1)');
cmp_ok($row->{mismatched}, '<', 200, 'regions are left by few');

for my $move ([500, 0, 90, 'E'], [-300, -400, 216.87, 'SW'], [60, 80, 36.87, 'NE'], [0, -1200, 180, 'S']) {
    my ($east, $north, $direction, $compass) = @$move;
    my $distance = sqrt($east ** 2 + $north ** 2);
    my $what = "moved $distance m $compass";
    $row = check($what, "moved(lon, lat, $east, $north)");
    is_shift($what, $row, $distance, $direction, 10 + 0.02 * $distance, 4);
    is($row->{shift_compass}, $compass, "$what: the letters");
    cmp_ok($row->{shift_explains}, '>', 0.95, "$what: explains the mismatches");
    cmp_ok($row->{agreement}, '>', 0.5, "$what: the directions agree");
}

my ($distance, $direction, $spread) = split /\|/, psql(q{
    WITH v AS (SELECT (ST_X(g) - lon) * cos(radians(lat)) * radians(6371008.8) AS dx, (ST_Y(g) - lat) * radians(6371008.8) AS dy
               FROM (SELECT lon, lat, gcj_point(lon, lat) AS g FROM block) b)
    SELECT sqrt(avg(dx) ^ 2 + avg(dy) ^ 2), degrees(atan2(avg(dx), avg(dy))) + CASE WHEN avg(dx) < 0 THEN 360 ELSE 0 END,
        sqrt(var_pop(dx) + var_pop(dy)) FROM v});
printf "# GCJ-02 here: %.0f m towards %.0f, give or take %.0f m\n", $distance, $direction, $spread;
cmp_ok($distance, '>', 100, 'GCJ-02 is a shift of hundreds of metres');
$row = check('GCJ-02', 'gcj_point(lon, lat)');
is_shift('GCJ-02', $row, $distance, $direction, 30, 5);
cmp_ok($row->{shift_explains}, '>', 0.85, 'GCJ-02: explains the mismatches');

# Mistakes of other kinds are not taken for a shift.
$row = check('every tenth has the code of another', 'geom',
    '(CASE WHEN id % 10 = 0 THEN lag(code, 1000) OVER (ORDER BY id) ELSE code END)');
cmp_ok($row->{agreement}, '<', 0.5, 'mixed up: directions do not agree');
cmp_ok($row->{shift_explains}, '<', 0.1, 'mixed up: no shift explains it');
$row = check('both', 'moved(lon, lat, 400, 300)', '(CASE WHEN id % 20 = 0 THEN lag(code, 1000) OVER (ORDER BY id) ELSE code END)');
is_shift('shifted and mixed up', $row, 500, 53.13, 30, 5);
cmp_ok($row->{shift_explains}, '>', 0.5, 'shifted and mixed up: explains most');

# Every dwelling: counted each, measured once.
psql(q{CREATE TABLE dwelling AS SELECT gcj_point(lon, lat) AS geom, code::text AS declared_code FROM block, generate_series(1, dwellings)});
my $started = time;
my $all = psql(q{SELECT matched + mismatched + outside, distance, shift_distance FROM grid_assign_check('dwelling', 'subzones')});
printf "# time of 1,158,824 dwellings: %.1f s\n", time - $started;
my ($n, $d, $s) = split /\|/, $all;
is($n, 1158824, 'every dwelling is counted');
$row = check('GCJ-02 again', 'gcj_point(lon, lat)');
is("$d $s", "$row->{distance} $row->{shift_distance}", 'and the distances are those of the blocks');
done_testing;
