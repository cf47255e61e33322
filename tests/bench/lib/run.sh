# run.sh: what the benchmarks in shell share. Sourced, in the folder of the repository.
#   BENCH_QUICK=1        small tables and few rounds: does the benchmark work?
#   BENCH_PLANS=FOLDER   one file for each plan; else they are printed at the end
DATA=$PWD/../shared/data
QUICK=${BENCH_QUICK:-0}

# No JIT, and no workers but where a test asks for them.
export PGOPTIONS="-c jit=off -c max_parallel_workers_per_gather=0 -c max_parallel_maintenance_workers=0 -c work_mem=256MB -c maintenance_work_mem=256MB -c client_min_messages=warning"

# size FULL QUICK: how many.
size() { if [ "$QUICK" = 0 ]; then echo "$1"; else echo "$2"; fi; }

sql() { "$GT_BIN/psql" -qXAt -v ON_ERROR_STOP=1 "$@"; }

# A random number from 0 to 1.
fraction() { printf '0.%05d%05d' $((RANDOM % 100000)) $((RANDOM % 32768)); }

# fresh ROUNDS TEST VARIANT=FILE...: run each file in a connection of its own,
# in turn, so many times; the k-th time that psql prints is of "VARIANT, call k".
# The files have random variables x, y, x2 and y2 from 0 to 1.
fresh() {
  local rounds=$1 test=$2 round pair values
  shift 2
  values=$(for ((round = 0; round < rounds; round++)); do
    for pair in "$@"; do
      sql -v x="$(fraction)" -v y="$(fraction)" -v x2="$(fraction)" -v y2="$(fraction)" -f "${pair#*=}" |
        awk -v OFS='\t' -v test="$test" -v variant="${pair%%=*}" '/^Time:/ { print test, variant ", call " ++call, $2, "ms" }'
    done
  done)
  sql -c 'COPY bench_value FROM STDIN' <<<"$values"
}

# The plans that were kept, into files or at the end of the output.
plans() {
  local n name
  if [ -z "${BENCH_PLANS:-}" ]; then
    sql -c "SELECT format(E'PLAN of %s, %s\n%s\n%s', test, variant, query, plan) FROM bench_plan ORDER BY n"
    return
  fi
  mkdir -p "$BENCH_PLANS"
  sql -F ' ' -c "SELECT n, trim('-' FROM regexp_replace(test || ' ' || variant, '[^A-Za-z0-9]+', '-', 'g')) FROM bench_plan ORDER BY n" |
    while read -r n name; do
      sql -c "SELECT format(E'%s\n\n%s', query, plan) FROM bench_plan WHERE n = $n" >"$BENCH_PLANS/$name.txt" </dev/null
    done
  echo "(plans are in $BENCH_PLANS)"
}

have_singapore() { [ -e "$DATA/singapore/blocks.csv" ]; }

# singapore PART: tables subzone (code, geom) and household (id, block, geom): every
# dwelling of each PARTth block at the point of its block, block by block.
singapore() {
  sql -c 'CREATE TABLE document (line text)' \
      -c 'CREATE TABLE block (id int, blk_no text, street text, town text, residential text, year_completed int, max_floor_lvl int, dwellings int, lon float8, lat float8)'
  gzip -dc "$DATA/singapore/subzone.geojson.gz" | sql -c "COPY document FROM STDIN WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')"
  sql -c 'COPY block FROM STDIN WITH (FORMAT csv, HEADER)' <"$DATA/singapore/blocks.csv"
  sql -v part="$1" <<'SQL'
CREATE TABLE subzone AS
WITH feature AS (
	SELECT f->'properties' AS p, ST_SetSRID(ST_GeomFromGeoJSON((f->'geometry')::text), 4326) AS geom
	FROM (SELECT string_agg(line, E'\n')::jsonb AS whole FROM document) d, jsonb_array_elements(whole->'features') f),
numbered AS (
	SELECT geom, dense_rank() OVER (ORDER BY p->>'Region_Code' COLLATE "C") AS region,
		dense_rank() OVER (PARTITION BY p->>'Region_Code' ORDER BY p->>'Planning_Area_Code' COLLATE "C") AS area,
		row_number() OVER (PARTITION BY p->>'Planning_Area_Code' ORDER BY p->>'Subzone_Code' COLLATE "C") AS subzone
	FROM feature)
SELECT (region || lpad(area::text, 2, '0') || lpad(subzone::text, 2, '0'))::gridcode AS code, geom FROM numbered;
CREATE TABLE household AS
SELECT row_number() OVER (ORDER BY b.id) AS id, b.id AS block, ST_SetSRID(ST_Point(lon, lat), 4326) AS geom
FROM block b, generate_series(1, dwellings) WHERE residential = 'Y' AND b.id % :part = 0 ORDER BY b.id;
SQL
}
