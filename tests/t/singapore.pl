# The main job on real input: Singapore's public housing, 1,158,824 dwellings at the points of their blocks, assigned to
# 323 subzones under 55 planning areas and 5 regions, rolled up and compared with PostGIS's own join.
use strict;
use warnings;
use GridTest;
use Test::More;
use Time::HiRes 'time';

my $data = data_folder();
plan skip_all => 'no ../shared/data' if !$data;
fresh_database('singapore');

sub timed {
    my ($what, $sql) = @_;
    my $started = time;
    my $result = psql($sql);
    note sprintf 'time %-52s %6.1f s', $what, time - $started;
    return $result;
}

sub features {
    my ($name) = @_;
    my $json = `gzip -dc '$data/singapore/$name.geojson.gz'`;
    return "jsonb_array_elements((\$json\$$json\$json\$::jsonb)->'features')";
}

# Codes are numbers in the alphabetical order of Singapore's own: region, planning area in it, subzone in that.
my $subzones = features('subzone');
psql(qq{
    CREATE TABLE subzone AS
    WITH feature AS (
        SELECT f->'properties'->>'Region_Code' AS region, f->'properties'->>'Planning_Area_Code' AS area,
               f->'properties'->>'Subzone_Code' AS subzone, f->'properties'->>'Subzone_Name' AS name,
               ST_Multi(ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON(f->'geometry'), 4326))) AS geom
        FROM $subzones AS f
    )
    SELECT (dense_rank() OVER (ORDER BY region)
        || lpad(dense_rank() OVER (PARTITION BY region ORDER BY area)::text, 2, '0')
        || lpad(dense_rank() OVER (PARTITION BY region, area ORDER BY subzone)::text, 2, '0'))::gridcode AS code, subzone, name, geom
    FROM feature;
    ALTER TABLE subzone ADD PRIMARY KEY (code);
});
my $scheme = 'region 1, area 2, subzone 2';
is(psql(qq{SELECT count(DISTINCT grid_ancestor(code, 'region', '$scheme')), count(DISTINCT grid_ancestor(code, 'area', '$scheme')), count(*) FROM subzone}),
    '5|55|323', '323 subzones under 55 planning areas and 5 regions');

psql(qq{
    CREATE TABLE block (id int PRIMARY KEY, blk_no text, street text, town text, residential text, year_completed int,
        max_floor_lvl int, total_dwelling_units int, lon float8, lat float8);
    \\copy block FROM '$data/singapore/blocks.csv' (FORMAT csv, HEADER)
    CREATE TABLE dwelling (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, block int NOT NULL, decade int NOT NULL, floors int NOT NULL,
        geom geometry(Point, 4326) NOT NULL, code gridcode);
    INSERT INTO dwelling (block, decade, floors, geom)
    SELECT id, year_completed / 10 * 10, max_floor_lvl, ST_SetSRID(ST_Point(lon, lat), 4326)
    FROM block, generate_series(1, total_dwelling_units) WHERE residential = 'Y' ORDER BY id;
    ANALYZE;
});
is(psql('SELECT count(*) FROM dwelling'), 1158824, '1,158,824 dwellings');

# Assigned.
psql(qq{SET client_min_messages = error; SELECT grid_layer_add('subzones', 'subzone', scheme => '$scheme')});
my ($assigned, $changed, $outside) = split /\|/, timed('grid_assign of 1,158,824 dwellings to 323 subzones', q{CALL grid_assign('dwelling', 'subzones')});
is($assigned + $outside, 1158824, 'every dwelling was looked at');
is($changed, $assigned, 'and written where it has a code');

# The rule itself, by PostGIS, for each block.
timed('the same for 10,668 blocks by the rule in SQL', q{
    CREATE TABLE expected AS
    SELECT b.id AS block, (SELECT s.code FROM subzone s WHERE ST_Intersects(s.geom, b.geom) ORDER BY grid_digits(s.code) DESC, s.code LIMIT 1) AS code
    FROM (SELECT DISTINCT ON (block) block AS id, geom FROM dwelling) b});
is(psql('SELECT count(*) FROM dwelling JOIN expected e USING (block) WHERE dwelling.code IS DISTINCT FROM e.code'), 0,
    'each dwelling is where the rule says');
is(psql('SELECT count(*) FROM dwelling JOIN expected e USING (block) WHERE e.code IS NULL'), $outside, 'as many are outside every subzone');
my ($again) = (split /\|/, timed('grid_assign again', q{CALL grid_assign('dwelling', 'subzones')}))[1];
is($again, 0, 'assigned again, nothing changes');

# Rolled up.
psql(qq{SELECT grid_rollup_create('housing', 'dwelling', 'code',
    '{"dwellings": "count(*)", "floors": "gridstats_agg(floors)", "highest": "max(floors)"}',
    dimensions => '{decade}', lowest_level => 'subzone', top_level => 'region', scheme => '$scheme')});
timed('first refresh of the rollup', q{SELECT grid_rollup_refresh('housing')});

# Compared with GROUP BY over PostGIS's join, level by level, in both directions.
sub differing {
    return psql(q{
        WITH found AS (
            SELECT code::text, level, decade, dwellings, highest, stats_count(floors), stats_sum(floors) FROM housing WHERE code IS NOT NULL
        ), wanted AS (
            SELECT left(e.code::text, digits), level, d.decade, count(*), max(floors), count(floors), sum(floors)::float8
            FROM dwelling d JOIN expected e USING (block), (VALUES (1, 'region'), (3, 'area'), (5, 'subzone')) AS l (digits, level)
            WHERE e.code IS NOT NULL GROUP BY 1, 2, 3
        )
        SELECT (SELECT count(*) FROM (TABLE found EXCEPT ALL TABLE wanted) d), (SELECT count(*) FROM (TABLE wanted EXCEPT ALL TABLE found) d)});
}
is(differing(), '0|0', 'the rollup equals GROUP BY over the join at every level');
is(psql(q{SELECT sum(dwellings) FROM housing WHERE level = 'region'}), $assigned, 'regions add up to all');
is(timed('grid_rollup_verify', q{SELECT count(*) FROM grid_rollup_verify('housing')}), 0, 'verify finds nothing');

# The same in one query, nothing stored.
is(timed('gridtree_agg and gridtree_nodes', qq{
    WITH tree AS (SELECT gridtree_agg(code, floors) AS tree FROM dwelling WHERE code IS NOT NULL),
    node AS (SELECT n.* FROM tree, gridtree_nodes(tree, 'region', 'subzone', '$scheme') n),
    stored AS (SELECT code, level, sum(dwellings)::bigint AS n, sum(stats_sum(floors)) AS floors FROM housing WHERE code IS NOT NULL GROUP BY code, level)
    SELECT count(*), count(*) FILTER (WHERE node.n = stored.n AND stats_sum(node.stats[1]) = stored.floors) = count(*)
    FROM node FULL JOIN stored USING (code, level)}),
    psql(q{SELECT count(DISTINCT code) FROM housing WHERE code IS NOT NULL}) . '|t', 'a tree built on the fly has the same figures');

# Life goes on: towers are finished, pulled down, and one turns out to stand elsewhere.
psql(q{
    CREATE TRIGGER keep_code BEFORE INSERT OR UPDATE ON dwelling FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('subzones', 'geom', 'code');
    INSERT INTO dwelling (block, decade, floors, geom) SELECT block, 2020, 40, geom FROM dwelling WHERE block IN (SELECT id FROM block WHERE residential = 'Y' ORDER BY id LIMIT 5);
    DELETE FROM dwelling WHERE block IN (SELECT id FROM block WHERE residential = 'Y' ORDER BY id OFFSET 5000 LIMIT 5);
    UPDATE dwelling SET geom = (SELECT geom FROM dwelling WHERE block = (SELECT max(id) FROM block WHERE residential = 'Y') LIMIT 1)
    WHERE block = (SELECT min(id) FROM block WHERE residential = 'Y');
    UPDATE expected SET code = (SELECT code FROM expected WHERE block = (SELECT max(id) FROM block WHERE residential = 'Y'))
    WHERE block = (SELECT min(id) FROM block WHERE residential = 'Y')});
isnt(differing(), '0|0', 'the rollup is behind now');
timed('refresh after changes to 11 blocks', q{SELECT grid_rollup_refresh('housing')});
is(differing(), '0|0', 'refreshed, it is right again');
is(psql(q{SELECT count(*) FROM grid_rollup_verify('housing')}), 0, 'verify finds nothing again');
done_testing;
