# grid_layer_check on polygons nobody here drew, against plain SQL that compares
# each with each; errors planted in them; and on 100,000 polygons.
use strict;
use warnings;
use Test::More;
use GridTest;
use Time::HiRes 'time';

my $data = data_folder() or plan skip_all => 'no ../shared/data';
fresh_database('layer_check_real');
psql(<<"SQL");
CREATE TABLE raw (code text, codebase text, households int, residents int, geom geometry);
\\copy raw FROM PROGRAM 'gzip -dc $data/taiwan/atoms.csv.gz' WITH (FORMAT csv, HEADER)
CREATE TABLE taiwan AS SELECT code::gridcode, geom FROM raw;
CREATE TABLE document (name text, line text);
\\copy document (line) FROM PROGRAM 'gzip -dc $data/singapore/subzone.geojson.gz' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
UPDATE document SET name = 'singapore';
\\copy document (line) FROM PROGRAM 'gzip -dc $data/taiwan/dirty_63000010.geojson.gz' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
UPDATE document SET name = 'dirty' WHERE name IS NULL;
CREATE TABLE feature AS
SELECT name, f->'properties' AS p, ST_SetSRID(ST_GeomFromGeoJSON((f->'geometry')::text), 4326) AS geom
FROM (SELECT name, string_agg(line, E'\\n')::jsonb AS whole FROM document GROUP BY name) d, jsonb_array_elements(whole->'features') f;
CREATE TABLE singapore AS
SELECT (dense_rank() OVER (ORDER BY p->>'Region_Code' COLLATE "C")
    || lpad(dense_rank() OVER (PARTITION BY p->>'Region_Code' ORDER BY p->>'Planning_Area_Code' COLLATE "C")::text, 2, '0')
    || lpad(row_number() OVER (PARTITION BY p->>'Planning_Area_Code' ORDER BY p->>'Subzone_Code' COLLATE "C")::text, 2, '0'))::gridcode AS code, geom
FROM feature WHERE name = 'singapore';
CREATE TABLE dirty AS SELECT (100000 + row_number() OVER (ORDER BY ST_AsBinary(geom)))::text::gridcode AS code, geom FROM feature WHERE name = 'dirty';
SQL
my $county = 'county 5, town 3, area2 3, area1 3, base 3';
for my $layer (['taiwan', $county], ['singapore', 'region 1, area 2, subzone 2'], ['dirty', 'atom 6']) {
    psql("CREATE INDEX ON $layer->[0] USING gist (geom); ANALYZE $layer->[0]; SET client_min_messages = error; SELECT grid_layer_add('$layer->[0]', '$layer->[0]', scheme => '$layer->[1]')");
}

# What a layer's check says, kept; returns the numbers of problems.
sub check {
    my ($layer) = @_;
    my $started = time;
    psql("DROP TABLE IF EXISTS found_$layer; CREATE TABLE found_$layer AS SELECT * FROM grid_layer_check('$layer')");
    my $elapsed = time - $started;
    my $summary = psql("SELECT string_agg(format('%s %s of %s m2', n, problem, area), ', ' ORDER BY problem) FROM
        (SELECT problem, count(*) AS n, round(sum(area)::numeric, 3) AS area FROM found_$layer GROUP BY 1) s");
    printf "# time of grid_layer_check, %s: %.2f s (%s)\n", $layer, $elapsed, $summary || 'clean';
    return $elapsed;
}

# Overlaps by comparing each area with each, by the same threshold.
sub overlaps_differ {
    my ($layer) = @_;
    psql(qq{
        CREATE TABLE wanted_$layer AS
        WITH v AS (SELECT code, CASE WHEN ST_IsValid(geom) THEN geom ELSE ST_CollectionExtract(ST_MakeValid(geom), 3) END AS geom FROM $layer)
        SELECT code, other_code, sum(ST_Area(d.geom)) AS area FROM (
            SELECT a.code, b.code AS other_code, ST_Intersection(a.geom, b.geom) AS geom
            FROM v a JOIN v b ON a.code < b.code AND a.geom && b.geom) i, ST_Dump(ST_CollectionExtract(geom, 3)) d
        WHERE 2 * ST_Area(d.geom) > ST_Perimeter(d.geom) * 2e-12 * (SELECT greatest(ST_XMax(e), ST_YMax(e)) FROM (SELECT ST_Extent(geom) AS e FROM $layer) e) GROUP BY 1, 2});
    return psql(qq{SELECT count(*) FILTER (WHERE w.code IS NULL), count(*) FILTER (WHERE f.code IS NULL),
            count(*) FILTER (WHERE abs(w.area - ST_Area(f.geom)) > 1e-6 * w.area) FROM wanted_$layer w
        FULL JOIN (SELECT * FROM found_$layer WHERE problem = 'overlap') f USING (code, other_code)});
}

# Gaps: the holes of the union of all, less the islands in them, and less what is covered by the rule, which does
# not know of the holes that ST_MakeValid puts into polygons that cross themselves.
sub gaps_differ {
    my ($layer) = @_;
    return psql(qq{
        WITH united AS (SELECT ST_Union(CASE WHEN ST_IsValid(geom) THEN geom ELSE ST_CollectionExtract(ST_MakeValid(geom), 3) END) AS geom FROM $layer),
        ring AS (SELECT ST_MakePolygon(ST_ExteriorRing(r.geom)) AS geom FROM united, ST_Dump(geom) d, ST_DumpRings(d.geom) r WHERE r.path[1] > 0),
        hole AS (SELECT d.geom FROM ring, united, ST_Dump(ST_Difference(ring.geom, united.geom)) d),
        wide AS (SELECT geom FROM hole WHERE 2 * ST_Area(geom) > ST_Perimeter(geom) * 1e-9
            AND NOT EXISTS (SELECT FROM $layer l WHERE ST_Intersects(l.geom, ST_PointOnSurface(hole.geom)))),
        gap AS (SELECT geom FROM found_$layer WHERE problem = 'gap')
        SELECT (SELECT count(*) FROM wide w WHERE NOT EXISTS (SELECT FROM gap g WHERE ST_Area(ST_Intersection(w.geom, g.geom)) > 0.99 * ST_Area(w.geom))),
               (SELECT count(*) FROM gap g WHERE 2 * ST_Area(geom) > ST_Perimeter(geom) * 1e-9
                AND NOT EXISTS (SELECT FROM hole w WHERE ST_Area(ST_Intersection(w.geom, g.geom)) > 0.99 * ST_Area(g.geom)))});
}

my $elapsed = check('taiwan');
cmp_ok($elapsed, '<=', 1, 'Taiwan: 2,172 atoms in a second');
is(psql(q{SELECT count(*) FROM found_taiwan f WHERE (SELECT count(DISTINCT grid_prefix(t.code, 8)) FROM taiwan t WHERE ST_DWithin(t.geom, f.geom, 1e-9)) < 2}), 0,
    'Taiwan: nothing inside of a township, all between the two');
is(overlaps_differ('taiwan'), '0|0|0', 'Taiwan: the overlaps that comparing each with each finds');
is(gaps_differ('taiwan'), '0|0', 'Taiwan: the gaps are the holes of the union');

check('singapore');
is(psql(q{SELECT count(*) FROM found_singapore WHERE problem = 'invalid polygon'}), psql('SELECT count(*) FROM singapore WHERE NOT ST_IsValid(geom)'),
    'Singapore: the invalid polygons');
is(psql(q{SELECT count(*) FROM found_singapore f JOIN singapore s USING (code) WHERE problem = 'invalid polygon' AND ST_DWithin(s.geom, f.geom, 1e-9)}),
    psql(q{SELECT count(*) FROM found_singapore WHERE problem = 'invalid polygon'}), 'Singapore: each with a point on it');
is(overlaps_differ('singapore'), '0|0|0', 'Singapore: the overlaps that comparing each with each finds');
cmp_ok(psql(q{SELECT count(*) FROM found_singapore WHERE problem = 'gap' AND code IS NOT NULL AND other_code IS NOT NULL}), '>', 10, 'Singapore: slivers between areas');
is(gaps_differ('singapore'), '0|0', 'Singapore: the gaps are the holes of the union');
is(psql(q{SELECT count(*) FROM found_singapore WHERE problem IN ('overlap', 'gap') AND (area IS NULL OR area <= 0 OR geom IS NULL OR code IS NULL OR NOT ST_IsValid(geom))}), 0,
    'Singapore: each with its area and geometry');
is(psql(q{SELECT count(*) FROM found_singapore WHERE problem NOT IN ('overlap', 'gap', 'invalid polygon')}), 0, 'Singapore: nothing else');

check('dirty');
is(overlaps_differ('dirty'), '0|0|0', 'the dirty township: the overlaps that comparing each with each finds');
is(gaps_differ('dirty'), '0|0', 'the dirty township: the gaps are the holes of the union');

# Taiwan with its townships and areas as unions of their atoms, and errors in it.
psql(qq{
    CREATE TABLE levels AS SELECT code, geom FROM taiwan;
    INSERT INTO levels SELECT grid_prefix(code, digits), ST_Union(geom) FROM taiwan, (VALUES (8), (11), (14)) l (digits) GROUP BY 1;
    CREATE INDEX ON levels USING gist (geom); ANALYZE levels;
    SELECT grid_layer_add('levels', 'levels', scheme => '$county')});
check('levels');
is(psql(q{SELECT count(*) FROM found_levels f WHERE (SELECT count(DISTINCT grid_prefix(t.code, 8)) FROM taiwan t WHERE ST_DWithin(t.geom, f.geom, 1e-9)) < 2}), 0,
    'four levels: clean in each township');
psql(q{
    CREATE TABLE planted (problem text, code gridcode, other_code gridcode, area float8);
    CREATE TABLE before AS SELECT problem, code, other_code FROM found_levels;
    -- an atom is gone; one is there twice; one has a foreign code; one lies elsewhere
    CREATE TABLE chosen AS SELECT code, row_number() OVER (ORDER BY md5(code::text)) AS n FROM taiwan;
    INSERT INTO planted SELECT 'gap', grid_prefix(code, 14), NULL FROM chosen WHERE n = 1;
    DELETE FROM levels WHERE code = (SELECT code FROM chosen WHERE n = 1);
    INSERT INTO planted SELECT 'duplicate code', code, NULL FROM chosen WHERE n = 2 UNION ALL SELECT 'overlap', code, code FROM chosen WHERE n = 2;
    INSERT INTO levels SELECT code, geom FROM levels WHERE code = (SELECT code FROM chosen WHERE n = 2);
    INSERT INTO planted SELECT 'code not at a level', grid_prefix(code, 16), NULL FROM chosen WHERE n = 3 UNION ALL SELECT 'gap', grid_prefix(code, 14), NULL FROM chosen WHERE n = 3;
    UPDATE levels SET code = grid_prefix(code, 16) WHERE code = (SELECT code FROM chosen WHERE n = 3);
    INSERT INTO planted SELECT 'missing parent', (SELECT min(t.code) FROM levels t WHERE t.code <@ grid_prefix(c.code, 14) AND grid_digits(t.code) = 17), grid_prefix(c.code, 14) FROM chosen c WHERE n = 4
        UNION ALL SELECT 'gap', grid_prefix(code, 11), NULL FROM chosen WHERE n = 4;
    DELETE FROM levels WHERE code = (SELECT grid_prefix(code, 14) FROM chosen WHERE n = 4);
    INSERT INTO planted SELECT 'child outside its parent', code, grid_prefix(code, 14) FROM chosen WHERE n = 5 UNION ALL SELECT 'gap', grid_prefix(code, 14), NULL FROM chosen WHERE n = 5;
    UPDATE levels SET geom = ST_Translate(geom, 1, 1) WHERE code = (SELECT code FROM chosen WHERE n = 5)});
check('levels');
is(psql(q{SELECT string_agg(d.*::text, '; ') FROM (SELECT problem, code, other_code FROM found_levels EXCEPT ALL TABLE before EXCEPT ALL SELECT problem, code, other_code FROM planted) d}), '',
    'four levels: nothing but what was planted');
is(psql(q{SELECT string_agg(d.*::text, '; ') FROM (SELECT problem, code, other_code FROM planted EXCEPT ALL SELECT problem, code, other_code FROM found_levels) d}), '',
    'four levels: all that was planted');

# 100,000 polygons of some 100 vertices: a lattice whose edges are curves, in 100 parents.
psql(q{
    CREATE TABLE many AS
    WITH v AS (SELECT x, y, (119 + x * 0.001 + 0.0001 * sin(x * 12.9 + y * 78.2))::float8 AS px, (25 + y * 0.001 + 0.0001 * sin(x * 39.3 + y * 11.1))::float8 AS py
        FROM generate_series(0, 400) x, generate_series(0, 250) y),
    edge AS (SELECT a.x, a.y, down, (SELECT ST_MakeLine(ST_MakePoint(a.px + (b.px - a.px) * t / 25 + CASE WHEN down THEN 0.00001 * sin(t * pi() / 5) ELSE 0 END,
            a.py + (b.py - a.py) * t / 25 + CASE WHEN down THEN 0 ELSE 0.00001 * sin(t * pi() / 5) END) ORDER BY t)
            FROM generate_series(0, 25) t) AS line
        FROM v a CROSS JOIN (VALUES (true), (false)) d (down) JOIN v b ON b.x = a.x + CASE WHEN down THEN 0 ELSE 1 END AND b.y = a.y + CASE WHEN down THEN 1 ELSE 0 END)
    SELECT (350304000000 + (s.x / 40) * 1000 + s.y / 25)::text AS parent, s.x, s.y,
        ST_SetSRID(ST_MakePolygon(ST_LineMerge(ST_Collect(ARRAY[s.line, e.line, ST_Reverse(n.line), ST_Reverse(w.line)]))), 4326) AS geom
    FROM edge s JOIN edge e ON e.down AND e.x = s.x + 1 AND e.y = s.y JOIN edge n ON NOT n.down AND n.x = s.x AND n.y = s.y + 1 JOIN edge w ON w.down AND w.x = s.x AND w.y = s.y
    WHERE NOT s.down;
    CREATE TABLE hundred_thousand AS SELECT (parent || lpad((1 + (x % 40) * 25 + y % 25)::text, 4, '0'))::gridcode AS code, geom FROM many;
    INSERT INTO hundred_thousand SELECT parent::gridcode, ST_Union(geom) FROM many GROUP BY 1;
    CREATE INDEX ON hundred_thousand USING gist (geom);
    ANALYZE hundred_thousand;
    SELECT grid_layer_add('hundred_thousand', 'hundred_thousand', scheme => 'community 12, grid 4')});
is(psql('SELECT count(*), round(avg(ST_NPoints(geom))) FROM hundred_thousand WHERE grid_digits(code) = 16'), '100000|101', '100,000 polygons');
$elapsed = check('hundred_thousand');
cmp_ok($elapsed, '<=', 60, 'they are checked in a minute');
is(psql('SELECT count(*) FROM found_hundred_thousand'), 0, 'and are clean');
psql(q{
    UPDATE hundred_thousand SET geom = ST_Translate(geom, 1e-5, 0) WHERE code = '3503040010050500';
    DELETE FROM hundred_thousand WHERE code = '3503040030030300';
    INSERT INTO hundred_thousand SELECT '3503040050071999', ST_Buffer(ST_Centroid(geom), 1e-5) FROM hundred_thousand WHERE code = '3503040050070700';
    ANALYZE hundred_thousand});
$elapsed = check('hundred_thousand');
cmp_ok($elapsed, '<=', 60, 'with errors planted: in a minute as well');
is(psql(q{SELECT string_agg(problem || ' ' || code || COALESCE(' ' || other_code::text, ''), E'\n' ORDER BY problem, code, other_code) FROM (SELECT DISTINCT problem, code::text, other_code::text FROM found_hundred_thousand) d}),
    join("\n", 'child outside its parent 3503040010050500 350304001005', 'gap 350304001005', 'gap 350304003003', 'overlap 3503040010050499 3503040010050500',
        (map {"overlap 3503040010050500 $_"} qw(3503040010050524 3503040010050525 3503040010060476 3503040010060501)), 'overlap 3503040050070700 3503040050071999'),
    'all that was planted, and nothing else');
done_testing;
