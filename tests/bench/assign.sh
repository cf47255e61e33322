#!/usr/bin/env bash
# CALL grid_assign beside the plain UPDATE that writes the same codes, again with nothing to write, and after an edit
set -eu -o pipefail
. tests/bench/lib/run.sh
ROUNDS=$(size 3 1)
sql -f tests/bench/lib/coverage.sql

# remake TABLE: SQL that makes the table anew from TABLE_source without codes, so that each run meets the same pages.
remake() {
  cat <<SQL
DROP TABLE IF EXISTS $1;
CREATE TABLE $1 (id bigint PRIMARY KEY, geom geometry(Point, $2) NOT NULL, code gridcode, known_code gridcode);
INSERT INTO $1 SELECT id, geom, NULL, known_code FROM $1_source ORDER BY id;
VACUUM ANALYZE $1;
CHECKPOINT;
SQL
}

# timed FILE TABLE SRID STATEMENT: a file for fresh, that remakes the table and then runs the statement.
timed() { { remake "$2" "$3"; echo '\timing on'; echo "$4;"; } >"$1"; }

# again TEST TABLE LAYER: a second run, which has nothing to write, beside the scan.
again() {
  sql -v test="$1" -v table="$2" -v layer="$3" -v rounds="$(size 5 1)" <<'SQL'
CALL grid_assign(:'table', :'layer') \g /dev/null
VACUUM ANALYZE :"table";
SELECT sum(hashtext(ctid::text || xmin)) AS rows FROM :"table" \gset
CALL bench_time(:'test', '{grid_assign,floor: sum(ST_X(geom))}', ARRAY[format('CALL grid_assign(%L, %L)', :'table', :'layer'), format('SELECT sum(ST_X(geom)) FROM %I', :'table')], :rounds);
SELECT bench_report(:'test', 'grid_assign', 'floor: sum(ST_X(geom))', 5);
SELECT '    rows written: ' || CASE WHEN sum(hashtext(ctid::text || xmin)) = :rows THEN 'none' ELSE 'SOME' END FROM :"table";
SQL
}

if have_singapore; then
  singapore "$(size 1 50)"
  sql <<'SQL'
CREATE INDEX ON subzone USING gist (geom);
SELECT grid_layer_add('singapore', 'subzone', scheme => 'region 1, area 2, subzone 2') \g /dev/null
ALTER TABLE household RENAME TO household_source;
ALTER TABLE household_source ADD known_code gridcode;
UPDATE household_source h SET known_code = b.code
FROM (SELECT block, grid_locate('singapore', min(geom::text)::geometry) AS code FROM household_source GROUP BY block) b WHERE b.block = h.block;
VACUUM FULL ANALYZE household_source;
SELECT format('singapore: %s households, %s of them in a subzone', count(*), count(known_code)) FROM household_source;
SQL
  timed "$GT_TMP/assign.sql" household 4326 "CALL grid_assign('household', 'singapore')"
  timed "$GT_TMP/batches.sql" household 4326 "CALL grid_assign('household', 'singapore', batch => 100000)"
  timed "$GT_TMP/update.sql" household 4326 "UPDATE household SET code = known_code"
  timed "$GT_TMP/join.sql" household 4326 "UPDATE household h SET code = a.code FROM subzone a WHERE ST_Intersects(a.geom, h.geom)"
  test='assign every household'
  fresh "$ROUNDS" "$test" "grid_assign=$GT_TMP/assign.sql" "plain UPDATE=$GT_TMP/update.sql" "grid_assign in batches of 100,000=$GT_TMP/batches.sql"
  fresh 1 "$test" "UPDATE with PostGIS's join=$GT_TMP/join.sql"
  { remake household 4326; echo "CALL grid_assign('household', 'singapore') \\g /dev/null"
    echo "SELECT '    rows that differ from the known code: ' || count(*) FROM household WHERE code IS DISTINCT FROM known_code"; } >"$GT_TMP/check.sql"
  sql -c "SELECT bench_report('$test', 'grid_assign, call 1', 'plain UPDATE, call 1', 1.5)" \
      -c "SELECT bench_ratio('$test', 'grid_assign in batches of 100,000, call 1', 'plain UPDATE, call 1', NULL)" -f "$GT_TMP/check.sql"
  again 'assign them again' household singapore
else
  echo "(Singapore is skipped: ../shared/data is absent)"
fi

# Two neighbours of 20,000 grids exchange a bite of land
C=$(size 100 20) R=$(size 200 20)
sql -v columns="$C" -v rows="$R" -v points="$(size 1000000 20000)" <<'SQL'
CREATE TABLE grid AS SELECT * FROM bench_coverage(:columns, :rows, 25);
CREATE INDEX ON grid USING gist (geom);
CREATE UNIQUE INDEX ON grid (code);
CALL bench_check_coverage('grid', :columns, :rows, 25);
SELECT grid_layer_add('grid', 'grid') \g /dev/null
CREATE TABLE home_source AS SELECT id, geom, NULL::gridcode AS known_code FROM bench_points(:points, :columns, :rows);
VACUUM ANALYZE;
SELECT format('edits: %s grids of 100 vertices, %s households', (SELECT count(*) FROM grid), count(*)) FROM home_source;
SQL
timed "$GT_TMP/full.sql" home 32650 "CALL grid_assign('home', 'grid')"
cat >"$GT_TMP/edit.sql" <<SQL
SELECT ('350304' || lpad(n::text, 9, '0'))::gridcode AS east, ('350304' || lpad((n - 1)::text, 9, '0'))::gridcode AS west
FROM (SELECT floor($R * :y)::int * $C + floor(($C - 1) * :x)::int + 2 AS n) p \gset
SELECT ST_AsEWKB(ST_Buffer(ST_PointN(ST_ExteriorRing(geom), 38), 60)) AS bite FROM grid WHERE code = :'west' \gset
BEGIN;
UPDATE grid w SET geom = ST_Union(w.geom, ST_Intersection(:'bite'::bytea::geometry, e.geom)) FROM grid e WHERE w.code = :'west' AND e.code = :'east';
UPDATE grid SET geom = ST_Difference(geom, :'bite'::bytea::geometry) WHERE code = :'east';
COMMIT;
\timing on
CALL grid_assign('home', 'grid');
SQL
test='assign after an edit of 2 grids'
fresh "$(size 2 1)" "$test" "full run=$GT_TMP/full.sql"
# As a table is kept: by its trigger, and with an index of its points
sql -c 'CREATE INDEX ON home USING gist (geom)' \
    -c "CREATE TRIGGER code BEFORE INSERT OR UPDATE ON home FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger('grid', 'geom', 'code')" \
    -c 'VACUUM ANALYZE home' -c "CALL grid_assign('home', 'grid')"
fresh "$(size 5 2)" "$test" "after an edit=$GT_TMP/edit.sql"
sql -c "SELECT bench_report('$test', 'after an edit, call 1', 'full run, call 1', NULL)" \
    -c "SELECT '    rows left with a wrong code: ' || count(*) FROM home WHERE code IS DISTINCT FROM grid_locate('grid', geom)"
again 'assign them again, 20,000 grids' home grid
