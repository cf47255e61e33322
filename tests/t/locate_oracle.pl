# grid_locate against an oracle that shares nothing with it: tests/oracle decides
# each point by brute force in exact arithmetic. Real polygons and impossible
# ones, where they are and moved to where doubles are coarse or cross the origin;
# a tenth of the points on vertices and edges or one bit beside them.
#
# PostGIS decides in plain doubles. Where the rule's own SQL differs from the
# oracle, the oracle must show an edge at which PostGIS' determinant has the
# wrong sign; on Taiwan's and Singapore's areas as they are it may not differ at all.
use strict;
use warnings;
use Test::More;
use GridTest;
use Shapes;
use Time::HiRes 'time';

my $points = 100_000;
my $oracle = 'tests/oracle/build/oracle';
my $folder = $ENV{GT_TMP};
my $data = data_folder();

if (system("make -s -C tests/oracle >$folder/oracle.log 2>&1") != 0) {
    plan skip_all => 'no gmp.h here: install gmp-devel (or libgmp-dev)'
        if system("echo '#include <gmp.h>' | \${CC:-cc} -E - >/dev/null 2>&1") != 0;
    die "the oracle does not build:\n" . `cat $folder/oracle.log`;
}

sub oracle {
    my ($out, @arguments) = @_;
    system("$oracle @arguments >$folder/$out") == 0 or die "oracle @arguments failed";
}

sub write_file {
    my ($name, $text) = @_;
    open my $f, '>', "$folder/$name" or die $!;
    print $f $text;
    close $f or die $!;
}

# The features of a GeoJSON file as a table of properties and geometry.
sub load_geojson {
    my ($table, $file, $srid) = @_;
    psql(<<"SQL");
CREATE TEMP TABLE document (line text);
\\copy document FROM PROGRAM 'gzip -dc $data/$file' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
CREATE TABLE $table AS SELECT f->'properties' AS p, ST_SetSRID(ST_GeomFromGeoJSON((f->'geometry')::text), $srid) AS geom
FROM (SELECT string_agg(line, E'\\n')::jsonb AS whole FROM document) d, jsonb_array_elements(whole->'features') f
SQL
}

sub load_real {
    psql(<<"SQL");
CREATE TABLE raw_taiwan (code gridcode, codebase text, households int, residents int, geom geometry);
\\copy raw_taiwan FROM PROGRAM 'gzip -dc $data/taiwan/atoms.csv.gz' WITH (FORMAT csv, HEADER)
SQL
    load_geojson('raw_dirty', 'taiwan/dirty_63000010.geojson.gz', 4326);
    load_geojson('raw_singapore', 'singapore/subzone.geojson.gz', 4326);
    load_geojson('raw_boston', 'boston/Precincts.geojson.gz', 2249);
}

sub load_shapes {
    write_file('shapes', join '', map { "$_->[0]\t$_->[1]\n" } shapes());
    psql("CREATE TABLE raw_shapes (code gridcode, geom geometry);\n\\copy raw_shapes FROM '$folder/shapes'\n");
}

# The layer, its points and what the oracle says of them.
sub make_set {
    my ($set, $scheme, $query) = @_;
    psql("CREATE TABLE $set AS $query; CREATE INDEX ON $set USING gist (geom); ANALYZE $set");
    my (undef, $message, $status) = psql_try("SELECT grid_layer_add('$set', '$set', scheme => '$scheme')");
    die $message if $status;
    psql("\\copy (SELECT code, geom FROM $set WHERE code IS NOT NULL) TO '$folder/$set.polygons'\n");
    oracle("$set.points", 'points', $points, 20230630, "$folder/$set.polygons");
    oracle("$set.oracle", 'locate', "$folder/$set.polygons", "$folder/$set.points");
    psql(<<"SQL");
CREATE TABLE ${set}_point (id int, geom geometry, kind text);
CREATE TABLE ${set}_oracle (id int, code gridcode);
\\copy ${set}_point FROM '$folder/$set.points'
\\copy ${set}_oracle FROM '$folder/$set.oracle'
CREATE INDEX ON ${set}_point USING gist (geom);
ANALYZE ${set}_point, ${set}_oracle;
CREATE TABLE ${set}_rule AS
SELECT p.id, (array_agg(a.code ORDER BY grid_digits(a.code) DESC, a.code))[1] AS code
FROM ${set}_point p LEFT JOIN $set a ON a.code IS NOT NULL AND ST_Intersects(a.geom, p.geom) GROUP BY p.id;
SQL
}

# How often each explanation was given for the differences between a table and the oracle.
sub explanations {
    my ($set, $table) = @_;
    my $differences = psql(<<"SQL");
SELECT id, geom, coalesce(t.code::text, '\\N') FROM $table t FULL JOIN ${set}_oracle o USING (id) LEFT JOIN ${set}_point p USING (id)
WHERE t.code IS DISTINCT FROM o.code ORDER BY id
SQL
    return {} if $differences eq '';
    write_file("$set.differences", $differences =~ tr/|/\t/r . "\n");
    oracle("$set.explained", 'explain', "$folder/$set.polygons", "$folder/$set.differences");
    open my $f, '<', "$folder/$set.explained" or die $!;
    my (%count, %shown);
    while (<$f>) {
        chomp;
        my ($id, $code, $why, $edge) = split /\t/;
        $count{$why}++;
        note "$table $id: $why", $edge ? ", $edge" : " (should be $code)" if $why ne 'hole' && $shown{$why}++ < 3;
    }
    return \%count;
}

sub show {
    my ($count) = @_;
    return join(', ', map { "$_ $count->{$_}" } sort keys %$count) || 'none';
}

# Compare a set; %allowed are the explanations that its differences from PostGIS may have.
sub check_set {
    my ($set, $scheme, $query, %allowed) = @_;
    make_set($set, $scheme, $query);
    my $started = time;
    psql("CREATE TABLE ${set}_located AS SELECT id, grid_locate('$set', geom) AS code FROM ${set}_point");
    my $elapsed = time - $started;
    is(psql("SELECT count(*), count(DISTINCT id), (SELECT count(*) FROM ${set}_oracle) FROM ${set}_located"),
        "$points|$points|$points", "$set: an answer a point");
    cmp_ok(psql("SELECT count(DISTINCT code) FROM ${set}_located"), '>', 20, "$set: of many areas");
    my $differences = explanations($set, "${set}_located");
    is(show($differences), 'none', "$set: grid_locate is right");
    $differences = explanations($set, "${set}_rule");
    printf "# time grid_locate %s: %.1f us a point; PostGIS is wrong %d times\n", $set, 1e6 * $elapsed / $points,
        psql("SELECT count(*) FROM ${set}_rule r JOIN ${set}_oracle o USING (id) WHERE r.code IS DISTINCT FROM o.code");
    note 'differences of PostGIS: ', show($differences);
    delete @$differences{keys %allowed};
    is(show($differences), 'none', "$set: " . (%allowed ? 'where PostGIS differs, it errs' : 'and PostGIS says the same'));
}

# To metres in the millions, and to both sides of the origin.
my %moved = (
    thirds => '1.0 / 3, 0, 0, 1.0 / 3, 0, 0',
    east => '1.037, 0, 0, 1.037, 13512345.678, -2512345.678',
    west => '0.373, 0.001, -0.001, 0.373, -13512345.678, 2512345.678',
    flat => '1e4 / 7, 0, 0, 1e-6 / 3, 0, 0',
);
my %degrees = (
    metres => '101000, 0, 0, 111000, 13512345.678 - 101000 * 121.5, -2512345.678 - 111000 * 25',
    negative => '-101000, 0, 0, 111000, 101000 * 121.5 - 13512345.678, 2512345.678 - 111000 * 25',
    origin => '101000.3, 0, 0, 111000.7, -101000.3 * 121.56, -111000.7 * 25.04',
);

fresh_database('locate_oracle');
load_shapes();
check_set('shapes', 'a 2, b 2, c 2', 'SELECT code, geom FROM raw_shapes', sign => 1, hole => 1);
check_set("shapes_$_", 'a 2, b 2, c 2', "SELECT code, ST_Affine(geom, $moved{$_}) AS geom FROM raw_shapes", sign => 1, hole => 1)
    for sort keys %moved;

SKIP: {
    skip 'no ../shared/data', 1 if !defined $data;
    load_real();
    my $scheme = 'county 5, town 3, area2 3, area1 3, base 3';
    check_set('taiwan', $scheme, 'SELECT code, geom FROM raw_taiwan');
    check_set("taiwan_$_", $scheme, "SELECT code, ST_SetSRID(ST_Affine(geom, $degrees{$_}), 3857) AS geom FROM raw_taiwan", sign => 1)
        for sort keys %degrees;
    check_set('taiwan_dirty', 'town 8, number 4',
        q{SELECT (p->>'TOWN_ID' || lpad((row_number() OVER (ORDER BY geom))::text, 4, '0'))::gridcode AS code, geom FROM raw_dirty}, sign => 1);
    check_set('singapore', 'region 1, area 2, subzone 2', <<'SQL');
SELECT (region || lpad(area::text, 2, '0') || lpad(subzone::text, 2, '0'))::gridcode AS code, geom FROM (
    SELECT geom, dense_rank() OVER (ORDER BY p->>'Region_Code' COLLATE "C") AS region,
        dense_rank() OVER (PARTITION BY p->>'Region_Code' ORDER BY p->>'Planning_Area_Code' COLLATE "C") AS area,
        row_number() OVER (PARTITION BY p->>'Planning_Area_Code' ORDER BY p->>'Subzone_Code' COLLATE "C") AS subzone
    FROM raw_singapore) s
SQL
    check_set('boston', 'ward 2, precinct 2, half 1', q{SELECT translate(p->>'WARD_PRECINCT', 'A', '1')::gridcode AS code, geom FROM raw_boston}, sign => 1);
}

done_testing();
