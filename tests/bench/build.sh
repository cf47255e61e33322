#!/usr/bin/env bash
# grid_build: planted and real areas, second opinions, shapes beside k-means, time, memory, cancelling
#
#   BENCH_INSTANCES=1000  how many planted instances      BENCH_SEED=N  only that one
#   BENCH_PARTS="planted barriers taiwan singapore time large"  some of it
set -eu -o pipefail
. tests/bench/lib/run.sh
LIB=tests/bench/lib
INSTANCES=${BENCH_INSTANCES:-$(size 1000 20)}
SEED=${BENCH_SEED:-}
PARTS=${BENCH_PARTS:-planted barriers taiwan singapore time large}
[ -z "$SEED" ] || PARTS=planted
sql -f "$LIB/build.sql"

wants() { [[ " $PARTS " = *" $1 "* ]]; }

# settle TEST VARIANT POSSIBLE POLYGONS: exhaustive search for each area with grids out of bounds.
settle() {
  local test=$1 variant=$2 polygons=$3 tasks
  sql -v test="$test" -v variant="$variant" <<'SQL'
CREATE TABLE IF NOT EXISTS verdict (task int, verdict text, found text, least int);
DROP TABLE IF EXISTS missed;
CREATE TABLE missed AS
SELECT k.id, k.name, cardinality(k.ids) AS atoms, count(*) AS grids, count(*) FILTER (WHERE NOT in_bounds) AS out,
	(SELECT possible FROM grid_build_report(k.ids, k.atoms, k.households, k.residents, k.area)) AS possible,
	(SELECT reason FROM grid_build_report(k.ids, k.atoms, k.households, k.residents, k.area)) AS reason,
	sum(greatest(300 - d.households, d.households - 500, 0) + coalesce(greatest(1000 - d.residents, d.residents - 2000, 0), 0)) AS violation,
	string_agg(concat_ws('/', d.households, d.residents), ' ' ORDER BY grid) FILTER (WHERE NOT in_bounds) AS which
FROM task k JOIN drawn d ON d.task = k.id AND d.variant = :'variant' WHERE k.test = :'test'
GROUP BY k.id HAVING NOT bool_and(in_bounds);
SQL
  # what sums rule out is searched too where it is small: a second opinion on the report
  tasks=$(sql -c "SELECT coalesce(array_agg(id), '{}') FROM missed WHERE atoms <= 40")
  if [ "$polygons" = 1 ]; then sql -c "CALL bench_polygons('$tasks')"; else sql -c "CALL bench_pieces('$tasks')"; fi
  sql -c "SELECT bench_graphs('$tasks')" | perl "$LIB/build_exhaustive.pl" "$(size 3000000 300000)" | sql -c 'COPY verdict FROM STDIN'
  sql <<'SQL'
SELECT format('    missed: %s areas; sums rule out %s; search of all divisions: %s settled (no division in both windows exists), %s MISSED (one exists), %s open (too large to search)',
	count(*), count(*) FILTER (WHERE NOT possible), count(*) FILTER (WHERE possible AND verdict = 'none'), count(*) FILTER (WHERE verdict = 'exists'),
	count(*) FILTER (WHERE possible AND coalesce(verdict, 'open') = 'open'))
FROM missed LEFT JOIN verdict ON task = id;
SELECT format('    sums rule it out, but the search found a division: %s, target 0: %s', count(*), CASE WHEN count(*) = 0 THEN 'met' ELSE 'MISS' END)
FROM missed JOIN verdict ON task = id WHERE NOT possible AND verdict = 'exists';
SELECT bench_said('areas up to 16 atoms that were missed though a division exists', count(*) FILTER (WHERE verdict = 'exists'), 0, '', at_most => 0)
FROM missed JOIN verdict ON task = id WHERE atoms <= 16;
SELECT format('    as little as possible out of bounds (areas up to 14 atoms): %s of %s areas; out of bounds in all %s, at best %s', count(*) FILTER (WHERE violation <= least), count(*), sum(violation), sum(least))
FROM missed JOIN verdict ON task = id WHERE least IS NOT NULL HAVING count(*) > 0;
SELECT format('    %s: %s out of bounds, at best %s (possible by its sums: %s)', name, violation, least, possible) FROM missed JOIN verdict ON task = id WHERE violation > least ORDER BY name LIMIT 20;
SELECT format('    %s, %s atoms: %s of %s grids out of bounds (%s): %s', name, atoms, out, grids, CASE WHEN length(which) > 60 THEN left(which, 60) || '...' ELSE which END,
	CASE verdict WHEN 'none' THEN 'settled: no division in both windows exists' WHEN 'exists' THEN 'MISSED: exists: ' || found ELSE 'not searched to the end' END)
FROM missed LEFT JOIN verdict ON task = id WHERE possible OR verdict = 'exists' ORDER BY name;
SQL
}

# kept TEST VARIANT: share of grids in both windows, by what the report says.
kept() {
  sql -v test="$1" -v variant="$2" <<'SQL'
WITH area AS (
	SELECT k.id, count(*) AS grids, count(*) FILTER (WHERE in_bounds) AS good,
		(SELECT possible FROM grid_build_report(k.ids, k.atoms, k.households, k.residents, k.area)) AS possible
	FROM task k JOIN drawn d ON d.task = k.id AND d.variant = :'variant' WHERE k.test = :'test' GROUP BY k.id)
SELECT format('    %s areas that the report calls %s: %s of %s grids in bounds (%s %%), %s areas wholly', count(*), CASE WHEN possible THEN 'possible' ELSE 'impossible' END,
	sum(good), sum(grids), round(bench_percent(sum(good)::bigint, sum(grids)::bigint)::numeric, 1), count(*) FILTER (WHERE good = grids))
FROM area GROUP BY possible ORDER BY possible DESC;
SELECT format('    a call: median %s ms, longest %s ms (%s)', round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::numeric, 1), round(max(ms)::numeric),
	(array_agg(k.name ORDER BY ms DESC))[1]) FROM drawing d JOIN task k ON k.id = d.task WHERE k.test = :'test' AND d.variant = :'variant';
SELECT format('    %s: %s', k.name, d.error) FROM drawing d JOIN task k ON k.id = d.task WHERE k.test = :'test' AND d.variant = :'variant' AND d.error IS NOT NULL;
SQL
}

# plant FIRST LAST: the planted instances of those seeds.
plant() {
  local wanted
  sql -c "INSERT INTO wanted (seed) SELECT generate_series($1, $2)"
  while wanted=$(sql -c 'SELECT bench_wanted()'); [ -n "$wanted" ]; do
    : >"$GT_TMP/areas"
    : >"$GT_TMP/atoms"
    perl "$LIB/build_planted.pl" "$DATA/singapore/blocks.csv" "$GT_TMP/areas" "$GT_TMP/atoms" <<<"$wanted"
    sql -c 'COPY planted FROM STDIN' <"$GT_TMP/areas"
    sql -c 'COPY planted_atom FROM STDIN' <"$GT_TMP/atoms"
    sql -c 'CALL bench_plant()'
  done
  sql -c "SELECT format('planted: %s instances, seeds %s to %s, %s to %s grids, %s to %s towers', count(*), min(name::int), max(name::int), min(k), max(k), min(cardinality(ids)), max(cardinality(ids))) FROM task WHERE test = 'planted'"
}

planted_figures() { # VARIANT WORDS TARGET
  sql -v variant="$1" -v words="$2" -v target="$3" <<'SQL'
CREATE TEMPORARY TABLE result AS
SELECT k.name::int AS seed, k.k, dr.ms, coalesce(bool_and(in_bounds), false) AND (:'variant' = 'free' OR count(d.grid) = k.k) AS good, count(d.grid) AS grids, count(*) FILTER (WHERE in_bounds) AS kept
FROM task k JOIN drawing dr ON dr.task = k.id AND dr.variant = :'variant' LEFT JOIN drawn d ON d.task = k.id AND d.variant = :'variant'
WHERE k.test = 'planted' GROUP BY k.id, dr.ms;
SELECT bench_said('instances with every grid in both windows, ' || :'words', bench_percent(count(*) FILTER (WHERE good), count(*)), 1, ' %', at_least => nullif(:'target', '')::float8) FROM result;
SELECT format('    grids in both windows: %s of %s (%s %%); a call: median %s ms, 95th percentile %s ms, longest %s ms (seed %s)', sum(kept), sum(grids),
	round(bench_percent(sum(kept)::bigint, sum(grids)::bigint)::numeric, 2), round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::numeric),
	round((percentile_cont(0.95) WITHIN GROUP (ORDER BY ms))::numeric), round(max(ms)::numeric), (array_agg(seed ORDER BY ms DESC))[1]) FROM result;
SELECT format('    failed, BENCH_SEED=%s: %s grids planted, %s drawn, %s of them in bounds', seed, k, grids, kept) FROM result WHERE NOT good ORDER BY seed;
SELECT '    failed by number of grids (failed/instances): ' || string_agg(format('%s to %s: %s/%s', b * 10 + 1, b * 10 + 10, bad, n), ', ' ORDER BY b)
FROM (SELECT (k - 1) / 10 AS b, count(*) AS n, count(*) FILTER (WHERE NOT good) AS bad FROM result GROUP BY 1) x;
SQL
}

planted() {
  plant "${SEED:-1}" "${SEED:-$INSTANCES}"
  sql -c "CALL bench_draw('planted', 'given')" -c "CALL bench_draw('planted', 'free')"
  planted_figures given 'number of grids given' 99
  planted_figures free 'number of grids not given' 99
  sql -c "CALL bench_draw_kmeans('planted', 'given')" -c "CALL bench_look('planted')"
  echo "shapes of planted instances, number of grids given:"
  sql -c "SELECT bench_shape_report('planted', 'given')"
  [ -z "$SEED" ] || sql -c "SELECT format('    %s grid %s: %s households, %s residents%s', variant, grid, households, residents, CASE WHEN in_bounds THEN '' ELSE ', out of bounds' END) FROM drawn WHERE variant <> 'kmeans' ORDER BY variant, grid"
}

# Planted instances again, with a turned lattice of roads 150 m apart through them.
barriers() {
  wants planted || plant 1 "$INSTANCES"
  sql -v n="$(size 100 10)" <<'SQL'
INSERT INTO task (test, name, area, ids, atoms, households, residents, k, barriers)
SELECT 'roads', name, area, ids, atoms, households, residents, k, (
	SELECT ST_Rotate(ST_Collect(ST_MakeLine(CASE way WHEN 0 THEN ST_Point(i * 150.0, -9000) ELSE ST_Point(-9000, i * 150.0) END, CASE way WHEN 0 THEN ST_Point(i * 150.0, 9000) ELSE ST_Point(9000, i * 150.0) END)),
		bench_chance(name) * 3)
	FROM generate_series(-40, 40) AS i, generate_series(0, 1) AS way)
FROM task WHERE test = 'planted' ORDER BY id LIMIT :n;
UPDATE task SET barriers = ST_Intersection(barriers, ST_Envelope(area)) WHERE test = 'roads';
CALL bench_draw('roads', 'given');
CALL bench_draw('roads', 'barriers');
CALL bench_look('roads');
SELECT format('roads: %s planted instances with roads 150 m apart', count(*)) FROM task WHERE test = 'roads';
SELECT format('    border between grids within 0.1 m of a road: %s %%, where the roads are not given %s %%', round((100 * bench_along_barriers('roads', 'barriers', 0.1))::numeric, 1), round((100 * bench_along_barriers('roads', 'given', 0.1))::numeric, 1));
SELECT format('    %s: %s of %s grids in both windows (%s %%), moment median %s, Polsby-Popper median %s; a call: median %s ms',
	CASE variant WHEN 'barriers' THEN 'roads given' ELSE 'roads not given' END, count(*) FILTER (WHERE in_bounds), count(*), round(bench_percent(count(*) FILTER (WHERE in_bounds), count(*))::numeric, 2),
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY moment))::numeric, 3), round((percentile_cont(0.5) WITHIN GROUP (ORDER BY polsby))::numeric, 3),
	(SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::numeric) FROM drawing dr JOIN task k ON k.id = dr.task WHERE k.test = 'roads' AND dr.variant = s.variant))
FROM bench_shapes('roads') s JOIN drawn d USING (task, variant, grid) GROUP BY variant ORDER BY variant;
SQL
}

taiwan() {
  sql -c 'CREATE TABLE taiwan (code text, codebase text, households int, residents int, geom geometry)'
  gzip -dc "$DATA/taiwan/atoms.csv.gz" | sql -c 'COPY taiwan FROM STDIN WITH (FORMAT csv, HEADER)'
  sql <<'SQL'
INSERT INTO task (test, name, area, ids, atoms, households, residents)
SELECT CASE digits WHEN 11 THEN 'area2' ELSE 'township' END, left(code, digits), ST_Union(geom), array_agg(code::bigint), array_agg(geom), array_agg(households), array_agg(residents)
FROM taiwan, unnest('{11,8}'::int[]) AS digits GROUP BY digits, 2 ORDER BY digits DESC, 2;
SQL
  for test in area2 township; do
    # whole townships are for the full mode
    if [ "$QUICK" != 0 ]; then sql -c "DELETE FROM task WHERE test = '$test' AND ('$test' = 'township' OR name::bigint % 8 <> 0)"; fi
    [ "$(sql -c "SELECT count(*) FROM task WHERE test = '$test'")" != 0 ] || continue
    sql -c "SELECT format('taiwan, each $test: %s areas, %s to %s atoms', count(*), min(cardinality(ids)), max(cardinality(ids))) FROM task WHERE test = '$test'" -c "CALL bench_draw('$test', 'free')"
    kept $test free
    settle $test free 1
    sql -c "CALL bench_look('$test')"
  done
}

subzones() {
  sql <<'SQL'
CREATE TABLE place AS
SELECT b.id, ST_SetSRID(ST_Point(lon, lat), 4326) AS geom, dwellings FROM block b WHERE residential = 'Y' AND dwellings > 0;
CREATE TABLE zone AS SELECT code, ST_CollectionExtract(ST_MakeValid(geom), 3) AS geom FROM subzone;
CREATE INDEX ON zone USING gist (geom);
ANALYZE place, zone;
INSERT INTO task (test, name, area, ids, atoms, households)
SELECT 'subzone', z.code, z.geom, array_agg(p.id), array_agg(p.geom), array_agg(p.dwellings)
FROM zone z JOIN (SELECT DISTINCT ON (p.id) p.*, code FROM place p JOIN zone z ON ST_Intersects(z.geom, p.geom) ORDER BY p.id, code) p ON p.code = z.code
GROUP BY 2, 3 ORDER BY 2;
SQL
  if [ "$QUICK" != 0 ]; then sql -c "DELETE FROM task WHERE test = 'subzone' AND id % 8 <> 0"; fi
  sql -c "SELECT format('singapore, each inhabited subzone: %s areas, %s to %s buildings, households only', count(*), min(cardinality(ids)), max(cardinality(ids))) FROM task WHERE test = 'subzone'" \
      -c "CALL bench_draw('subzone', 'free')"
  kept subzone free
  settle subzone free 0
  sql -c "CALL bench_draw_kmeans('subzone', 'free')" -c "CALL bench_look('subzone')"
  echo "shapes of subzones with two grids or more:"
  sql -c "SELECT bench_shape_report('subzone', 'free')"
}

# call TEST NAME, peer_call TEST NAME CLUSTERS: the query that draws a task, and the peer's.
call() { echo "SELECT count(*) FROM task t, grid_build(t.ids, t.atoms, t.households, t.residents, t.area) WHERE t.test = '$1' AND t.name = '$2'"; }
peer_call() { echo "SELECT count(*) FROM task t, bench_kmeans(t.ids, t.atoms, t.area, $3) WHERE t.test = '$1' AND t.name = '$2'"; }

# town NAME BUILDINGS HOUSEHOLDS: a rectangle with so many buildings, of so many households in all or of real towers' sizes (0).
town() {
  sql -v name="$1" -v n="$2" -v households="$3" <<'SQL'
WITH building AS (
	SELECT i, ST_Point(round((1.5 * side * bench_chance('x' || i))::numeric, 2)::float8, round((side * bench_chance('y' || i))::numeric, 2)::float8) AS p,
		CASE WHEN :households > 0 THEN round(:households / :n.0 * (0.6 + 0.8 * bench_chance('h' || i)))::int
			ELSE towers[1 + floor(bench_chance('h' || i) * cardinality(towers))::int] END AS h, side
	FROM generate_series(1, :n) AS i, (SELECT sqrt(:n * 2400.0) AS side) s,
		(SELECT CASE WHEN :households = 0 THEN (SELECT array_agg(dwellings ORDER BY id) FROM block WHERE residential = 'Y' AND dwellings BETWEEN 1 AND 500) END AS towers) t)
INSERT INTO task (test, name, area, ids, atoms, households, residents)
SELECT 'town', :'name', ST_MakeEnvelope(0, 0, 1.5 * max(side), max(side)), array_agg(i), array_agg(p), array_agg(h), array_agg(round(h * (2.4 + 0.6 * bench_chance('r' || i)))::int) FROM building;
SQL
}

times() {
  local n rounds series
  town small50 50 5000
  town small500 500 5000
  rounds=$(size 5 1)
  for n in 50 500; do
    sql <<SQL
CALL bench_time('5,000 households in $n buildings', '{grid_build,peer}', ARRAY[\$\$$(call town small$n)\$\$, \$\$$(peer_call town small$n 12)\$\$], $rounds);
SELECT bench_report('5,000 households in $n buildings', 'grid_build', 'peer', NULL);
SELECT bench_limit('5,000 households in $n buildings', 'grid_build', 500);
SQL
  done
  if ! have_singapore; then echo "(the series of sizes is skipped: ../shared/data is absent)"; return; fi
  series=$(size "1000 2000 4000 8000" "125 250 500")
  for n in $series; do
    town "series$n" "$n" 0
    sql <<SQL
CALL bench_time('series', '{"$n buildings"}', ARRAY[\$\$$(call town "series$n")\$\$], 1, warm => false);
SQL
    sql -c "CALL bench_time('series, peer', '{\"$n buildings\"}', ARRAY[\$\$$(peer_call town "series$n" "(SELECT sum(h) / 430 FROM unnest(t.households) AS h)::int")\$\$], 1, warm => false)"
  done
  for n in 'series' 'series, peer'; do
    sql -v test="$n" <<'SQL'
SELECT bench_medians(:'test');
WITH point AS (SELECT split_part(variant, ' ', 1)::float8 AS n, value AS ms FROM bench_value WHERE test = :'test')
SELECT format('    time grows as n ^ %s; microseconds a building: %s', round(regr_slope(ln(ms), ln(n))::numeric, 2), string_agg(round((ms * 1000 / n)::numeric)::text, ', ' ORDER BY n)) FROM point;
SQL
  done
  sql <<'SQL'
-- n log n has exponent 1 + 1 / ln n: 1.13 at 2,000; with room for noise
SELECT bench_said('exponent of grid_build', regr_slope(ln(value), ln(split_part(variant, ' ', 1)::float8)), 2, '', at_most => 1.25) FROM bench_value WHERE test = 'series';
SQL
}

# All of Singapore in one call, in a fresh connection: time, memory, and how long it goes on after a cancel.
large() {
  local seconds share limit
  if [ "$QUICK" != 0 ]; then
    # one planning area will do to see that it works
    sql -c "INSERT INTO task (test, name, area, ids, atoms, households) SELECT 'large', 'all', ST_CollectionExtract(ST_Union(z.geom), 3), p.ids, p.atoms, p.h FROM zone z, (SELECT array_agg(p.id) AS ids, array_agg(p.geom) AS atoms, array_agg(dwellings) AS h FROM place p WHERE EXISTS (SELECT FROM zone z WHERE z.code <@ '105' AND ST_Intersects(z.geom, p.geom))) p WHERE z.code <@ '105' GROUP BY p.ids, p.atoms, p.h"
  else
    sql -c "INSERT INTO task (test, name, area, ids, atoms, households) SELECT 'large', 'all', ST_CollectionExtract(ST_Union(z.geom), 3), p.ids, p.atoms, p.h FROM zone z, (SELECT array_agg(id) AS ids, array_agg(geom) AS atoms, array_agg(dwellings) AS h FROM place) p GROUP BY p.ids, p.atoms, p.h"
  fi
  sql -c "SELECT format('singapore in one call: %s dwellings, %s buildings, an area of %s parts and %s vertices', (SELECT sum(h) FROM unnest(households) AS h), cardinality(ids), ST_NumGeometries(area), ST_NPoints(area)) FROM task WHERE test = 'large'"
  sql -c "CALL bench_draw('large', 'free')" \
      -c "SELECT bench_said('time', ms / 1000, 1, ' s', at_most => 180) FROM drawing d JOIN task k ON k.id = d.task AND k.test = 'large'" \
      -c "SELECT CASE WHEN error IS NOT NULL THEN '    ' || error END FROM drawing d JOIN task k ON k.id = d.task AND k.test = 'large' WHERE error IS NOT NULL" \
      -c "$(memory)"
  kept large free
  sql -c "CALL bench_look('large')" -c "CALL bench_draw_kmeans('large', 'free')" \
      -c "SELECT format('    ST_ClusterKMeans and Voronoi with as many clusters: %s s', round((ms / 1000)::numeric, 1)) FROM drawing d JOIN task k ON k.id = d.task AND k.test = 'large' AND d.variant = 'kmeans'" \
      -c "CALL bench_sides('large')" -c "SELECT bench_shape_report('large', 'free')"
  seconds=$(sql -c "SELECT ms / 1000 FROM drawing d JOIN task k ON k.id = d.task AND k.test = 'large' AND d.variant = 'free'")
  for share in ${BENCH_CANCELS:-0.01 0.02 0.04 0.07 0.11 0.16 0.25 0.4 0.6 0.8 0.95}; do
    limit=$(awk -v s="$seconds" -v f="$share" 'BEGIN { printf "%d", s * f * 1000 + 1 }')
    # PostGIS has an error of its own for a cancel within GEOS
    "$GT_BIN/psql" -qXAt -v VERBOSITY=sqlstate -c "SET statement_timeout = $limit" -c '\timing on' -c "$(call large all)" 2>&1 |
      awk -v OFS='\t' -v limit="$limit" -v share="$share" '/^ERROR:/ { state = $2 } /^Time:/ && state { print "cancel " state, share, $2 - limit, "ms" }' >"$GT_TMP/late" || true
    sql -c 'COPY bench_value FROM STDIN' <"$GT_TMP/late"
  done
  sql <<'SQL'
SELECT '    cancelled, ms until it returns, by share of the time: ' || string_agg(variant || ': ' || round(value::numeric), ', ' ORDER BY variant::float8) FROM bench_value WHERE test LIKE 'cancel %';
-- what waits longer is a call of PostGIS, which cannot be interrupted: GEOS nodes the lines of up to 4,000 points at once
SELECT bench_said('longest time to cancel, calls of PostGIS included', max(value), 0, ' ms', at_most => 100) FROM bench_value WHERE test LIKE 'cancel %';
SELECT format('    SQLSTATE of what is cancelled: %s', string_agg(state || ' ' || n || ' times', ', ' ORDER BY state)) FROM (SELECT split_part(test, ' ', 2) AS state, count(*) AS n FROM bench_value WHERE test LIKE 'cancel %' GROUP BY 1) x;
SQL
}

# Peak memory of the backend that runs it, where the system tells.
memory() {
  if [ -r /proc/self/status ]; then
    echo "SELECT format('    peak memory of the server process: %s MB', round(substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')::numeric / 1024))"
  else
    echo "SELECT '    (peak memory is skipped: there is no /proc)'"
  fi
}

if have_singapore; then
  singapore 1000000 # the blocks, and hardly any dwellings one by one
  if wants planted; then planted; fi
  if wants barriers; then barriers; fi
else
  echo "(planted instances, roads and Singapore are skipped: ../shared/data is absent)"
fi
if wants taiwan; then
  if [ -e "$DATA/taiwan/atoms.csv.gz" ]; then taiwan; else echo "(Taiwan is skipped: ../shared/data is absent)"; fi
fi
if have_singapore && wants singapore; then subzones; fi
if wants time; then times; fi
if have_singapore && wants large; then
  wants singapore || sql -c "CREATE TABLE place AS SELECT id, ST_SetSRID(ST_Point(lon, lat), 4326) AS geom, dwellings FROM block WHERE residential = 'Y' AND dwellings > 0" \
    -c "CREATE TABLE zone AS SELECT code, ST_CollectionExtract(ST_MakeValid(geom), 3) AS geom FROM subzone"
  large
fi

sql <<'SQL'
SELECT format('never: %s drawings, %s grids, %s sides looked at', sum(drawings), sum(grids), sum(edges)) FROM looked_at;
SELECT bench_said(what, coalesce((SELECT sum(n) FROM wrong w WHERE w.what = x.what), 0), 0, '', at_most => 0)
FROM unnest('{errors,disconnected grids,invalid grids,overlaps (areas sum to another area),gaps (the grids together are not the area),edges that are not once on each side,edges with nothing beyond,vertices of the area that are missing,atoms lost or doubled,wrong counts,points outside their grid}'::text[]) AS x (what);
SELECT format('    %s: %s in %s %s, %s', what, n, w.test, k.name, variant) FROM wrong w JOIN task k ON k.id = w.task ORDER BY what, k.id LIMIT 50;
SQL
