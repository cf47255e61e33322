#!/usr/bin/env bash
# grid_locate beside PostGIS's joins: points, workers, images, and where it loses
#
# Each data set is a schema (lib/peers.sql says of what). All of PostGIS's joins
# are tried in one round, then the best of them are measured beside grid_locate.
set -eu -o pipefail
. tests/bench/lib/run.sh
ROUNDS=$(size 3 1)
sql -f tests/bench/lib/coverage.sql -f tests/bench/lib/peers.sql

# data_set SCHEMA TEST FLOORS LEAD: measure what is in the schema's area, point and sample.
data_set() {
  sql -v schema="$1" -v test="$2" -v floors="$3" -v lead="$4" -v rounds="$ROUNDS" <<'SQL'
SET search_path = :"schema", public;
CREATE INDEX ON area USING gist (geom);
SELECT grid_layer_add(:'schema', 'area');
CALL bench_peer_tables(NULL) \gset
VACUUM ANALYZE;
CHECKPOINT;
SELECT :'test' || ': ' || (SELECT format('%s areas of %s vertices, %s points, %s in the sample, ', count(*), round(avg(ST_NPoints(geom)) - 1),
	(SELECT count(*) FROM point), (SELECT count(*) FROM sample)) FROM area);
SELECT format('    building the index on the points: %s ms, not counted below', round(:index_ms));
\set trial :test ', all peers, one round'
CALL bench_peer_trial(:'trial');
SELECT bench_medians(:'trial');
\set final :test ', a point'
CALL bench_final(:'final', :'trial', :'schema', :rounds);
SELECT bench_final_report(:'final', :floors, :lead);
SELECT format('    (%s of the points are in an area)', count(grid_locate(:'schema', geom))) FROM point;
SQL
}

# synthetic SCHEMA COLUMNS ROWS EDGES POINTS: a coverage and points in it.
synthetic() {
  sql -v schema="$1" -v columns="$2" -v rows="$3" -v edges="$4" -v points="$5" <<'SQL'
CREATE SCHEMA :"schema";
SET search_path = :"schema", public;
CREATE TABLE area AS SELECT * FROM bench_coverage(:columns, :rows, :edges);
CALL bench_check_coverage('area', :columns, :rows, :edges);
CREATE TABLE point AS SELECT * FROM bench_points(:points, :columns, :rows);
CREATE TABLE sample AS SELECT * FROM point WHERE id % 10 = 0;
SQL
}

if have_singapore; then
  singapore "$(size 1 50)"
  # whole blocks are in the sample, as neighbours in the table help PostGIS
  sql <<'SQL'
CREATE SCHEMA singapore;
CREATE TABLE singapore.area AS TABLE subzone;
CREATE TABLE singapore.point AS SELECT id, geom FROM household ORDER BY household.id;
CREATE TABLE singapore.sample AS SELECT id, geom FROM household WHERE block / 50 % 10 = 0 ORDER BY id;
CREATE TABLE shuffled AS SELECT id, geom FROM household, (SELECT setseed(0.5)) s ORDER BY random();
SQL
  data_set singapore singapore 3 5
  sql -c 'VACUUM ANALYZE shuffled' -v rounds="$ROUNDS" -f - <<'SQL'
CALL bench_time('singapore, dwellings in no order', '{grid_locate,floor: sum(ST_X(geom))}',
	ARRAY[$$SELECT count(grid_locate('singapore', geom)) FROM shuffled$$, 'SELECT sum(ST_X(geom)) FROM shuffled'], :rounds);
SELECT count(*) AS n FROM shuffled \gset
CALL bench_each('singapore, dwellings in no order', '{grid_locate,floor: sum(ST_X(geom))}', :n);
SELECT bench_report('singapore, dwellings in no order', 'grid_locate', 'floor: sum(ST_X(geom))', NULL);
SQL
else
  echo "(Singapore is skipped: ../shared/data is absent)"
fi
synthetic g2000 "$(size 40 20)" "$(size 50 10)" 46 "$(size 1000000 20000)"
data_set g2000 '2,000 x 184' 3 8
synthetic g10000 "$(size 100 20)" "$(size 100 20)" 25 "$(size 1000000 20000)"
data_set g10000 '10,000 x 100' 5 NULL

# Building an image in a fresh connection: reading the polygons and publishing the file included
synthetic g100000 "$(size 250 40)" "$(size 400 50)" 25 "$(size 200000 4000)"
sql -c 'SET search_path = g100000, public' -c 'CREATE INDEX ON area USING gist (geom)' -c 'VACUUM ANALYZE' \
    -c "SELECT grid_layer_add('g100000', 'area')"
for layer in g10000 g100000; do
  cat >"$GT_TMP/build_$layer.sql" <<SQL
SET gridtree.layer_cache = '2GB';
SELECT grid_layer_touch('$layer') \g /dev/null
\timing on
SELECT * FROM grid_layer_prepare('$layer') \g /dev/null
\timing off
INSERT INTO bench_value SELECT 'image of $layer', 'bytes', bytes / 1e6, 'MB' FROM grid_layers WHERE layer = '$layer';
SQL
  fresh "$(size 5 1)" "image of $layer" "build=$GT_TMP/build_$layer.sql"
  sql -c "SELECT bench_medians('image of $layer')"
done
sql -c "SELECT bench_limit('image of g10000', 'build, call 1', 150)" -c "SELECT bench_limit('image of g10000', 'bytes', 50)" \
    -c "SELECT bench_limit('image of g100000', 'build, call 1', 2000)" -c "SELECT bench_limit('image of g100000', 'bytes', 400)" \
    -c "SELECT count(grid_locate('g10000', geom)) FROM g10000.point" -c '\pset tuples_only off' -c '\x on' -c 'SELECT * FROM grid_layers'

# Where it may lose: tiny layers, and a few points located once
sql -v rounds="$(size 201 5)" <<'SQL'
CREATE TABLE tiny1 AS SELECT * FROM bench_coverage(1, 1, 25);
CREATE TABLE tiny10 AS SELECT * FROM bench_coverage(5, 2, 25);
CREATE INDEX ON tiny1 USING gist (geom);
CREATE INDEX ON tiny10 USING gist (geom);
CREATE TABLE in_tiny1 AS SELECT * FROM bench_points(100, 1, 1);
CREATE TABLE in_tiny10 AS SELECT * FROM bench_points(100, 5, 2);
SELECT grid_layer_add('tiny1', 'tiny1');
SELECT grid_layer_add('tiny10', 'tiny10');
VACUUM ANALYZE tiny1, tiny10, in_tiny1, in_tiny10;
CALL bench_time('1 area, 100 points', '{grid_locate,join}', ARRAY[$$SELECT count(grid_locate('tiny1', geom)) FROM in_tiny1$$,
	'SELECT count(*) FROM in_tiny1 p JOIN tiny1 a ON ST_Intersects(a.geom, p.geom)'], :rounds);
CALL bench_time('10 areas, 100 points', '{grid_locate,join}', ARRAY[$$SELECT count(grid_locate('tiny10', geom)) FROM in_tiny10$$,
	'SELECT count(*) FROM in_tiny10 p JOIN tiny10 a ON ST_Intersects(a.geom, p.geom)'], :rounds);
SELECT bench_report('1 area, 100 points', 'grid_locate', 'join', NULL);
SELECT bench_report('10 areas, 100 points', 'grid_locate', 'join', NULL);
SQL
for points in 1 10 100 1000; do
  sql -c "CREATE TABLE few_$points AS SELECT * FROM g10000.point LIMIT $points" -c "VACUUM ANALYZE few_$points"
  cat >"$GT_TMP/few_locate.sql" <<SQL
\timing on
SELECT count(grid_locate('g10000', geom)) FROM few_$points;
SQL
  cat >"$GT_TMP/few_join.sql" <<SQL
\timing on
SELECT count(*) FROM few_$points p JOIN g10000.area a ON ST_Intersects(a.geom, p.geom);
SQL
  test="$points points of 10,000 x 100, once in a fresh connection"
  fresh "$(size 15 3)" "$test" "grid_locate=$GT_TMP/few_locate.sql" "join=$GT_TMP/few_join.sql"
  sql -c "SELECT bench_report('$test', 'grid_locate, call 1', 'join, call 1', NULL)"
done
plans
