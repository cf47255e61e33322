# instructions.sh: how many instructions the server executes for a statement. Sourced, after run.sh.
#
# They do not depend on what else the machine does: the server runs in single-user
# mode under callgrind, on a copy of one cluster, with N and with 2N statements.
# Their difference is N statements, without the start and without what the first
# ones do.

can_count() { (. tests/lib/setup.sh; setup valgrind) >/dev/null 2>&1 && command -v valgrind >/dev/null; }

# single_cluster: makes the cluster that is copied; with gridtree, the harness and what the SQL on stdin makes.
single_cluster() {
  local conf=$GT_TMP/single/postgresql.conf
  rm -rf "$GT_TMP/single" "$GT_TMP/singles"
  mkdir -p "$GT_TMP/single" "$GT_TMP/singles"
  [ -z "$GT_AS" ] || chown "$($GT_AS id -u)" "$GT_TMP/single" "$GT_TMP/singles"
  (cd "$GT_TMP" && $GT_AS "$GT_BIN/initdb" -D "$GT_TMP/single" -U "$PGUSER" -A trust -E UTF8 --locale=C.UTF-8 -N) </dev/null >"$GT_TMP/single.log" 2>&1 || return 1
  printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$PGHOST'" 'fsync = off' 'autovacuum = off' 'shared_buffers = 64MB' >>"$conf"
  (cd "$GT_TMP" && $GT_AS "$GT_BIN/pg_ctl" -D "$GT_TMP/single" -o '-p 54399' -l "$GT_TMP/singles/log" -w start) </dev/null >/dev/null || return 1
  { echo 'CREATE EXTENSION gridtree CASCADE;'; cat tests/bench/lib/harness.sql -; } |
    PGPORT=54399 PGDATABASE=postgres PGOPTIONS='-c client_min_messages=warning' sql -f - || return 1
  (cd "$GT_TMP" && $GT_AS "$GT_BIN/pg_ctl" -D "$GT_TMP/single" -m fast -w stop) >/dev/null
}

# single_cluster_log: why there is none.
single_cluster_log() { cat "$GT_TMP/single.log" "$GT_TMP/singles/log"; }

# instructions COMMAND...: how many the server executes for the statements that a command prints, one a line; start and end included.
instructions() {
  local dir log name
  name=$(IFS=.; echo "${*// /-}")
  dir=$(mktemp -d "$GT_TMP/singles/XXXXXX") log=$GT_TMP/singles/$name.log
  cp -a "$GT_TMP/single" "$dir/data"
  [ -z "$GT_AS" ] || chown "$($GT_AS id -u)" "$dir"
  "$@" >"$dir/in"
  (cd "$dir" && $GT_AS valgrind --tool=callgrind --callgrind-out-file="$dir/callgrind" "$GT_BIN/postgres" --single -D "$dir/data" -F postgres <"$dir/in") >"$dir/out" 2>"$log"
  if grep -q 'ERROR\|FATAL\|PANIC' "$log"; then cat "$log" >&2; return 1; fi
  [ -z "${BENCH_PLANS:-}" ] || { mkdir -p "$BENCH_PLANS" && cp "$dir/callgrind" "$BENCH_PLANS/callgrind.$name"; }
  rm -rf "$dir"
  awk '/Collected/ { print $4 }' "$log"
}

# a_statement TEST VARIANT N COMMAND...: instructions of one of the statements, of which "COMMAND... N" prints so many.
a_statement() {
  local test=$1 variant=$2 n=$3 once twice
  shift 3
  once=$(instructions "$@" "$n") && twice=$(instructions "$@" $((2 * n))) || return 1
  [ -n "$once" ] && [ -n "$twice" ] || return 1
  sql -c "INSERT INTO bench_value VALUES ('$test', '$variant', ($twice - $once) / $n.0, 'instructions')"
}
