#!/usr/bin/env bash
# check.sh: every test. SUITES and TESTS narrow it down:
#   SUITES="unit sql isolation tap"   TESTS=<shell pattern of test names>
# Ends with "N passed, N failed"; exits 1 when anything failed.
set -u
shopt -s extglob
cd "$(dirname "$0")/.."
. tests/lib/setup.sh
. tests/lib/cluster.sh
SUITES=${SUITES:-unit sql isolation tap}
TESTS=${TESTS:-*}
passed=0 failed=0 skipped=0

# count FILE: adds up the ok and not ok lines of TAP or of pg_regress 15.
count() {
  local ok not skip whole
  not=$(grep -cE '^not ok|\.\.\. FAILED' "$1")
  skip=$(grep -cE '^ok .*# (SKIP|skip)' "$1")
  whole=$(grep -cE '^1\.\.0 # (SKIP|skip)' "$1")
  ok=$(grep -cE '^ok |^(test|    ) .*\.\.\. ok' "$1")
  passed=$((passed + ok - skip)) failed=$((failed + not)) skipped=$((skipped + skip + whole))
}

# In the background, because a trap waits for a command in the foreground: a
# signal to this script ends it at once, and cluster_down what it runs.
interruptibly() { "$@" & wait $!; }

# A program that fails without a "not ok" has failed all the same.
run_tap() { # NAME COMMAND…
  local name=$1 log=$GT_TMP/tap.log status before=$failed; shift
  interruptibly "$@" >"$log" 2>"$log.err"; status=$?
  count "$log"
  if [ $status != 0 ] || ! grep -qE '^1\.\.' "$log"; then
    [ "$failed" != "$before" ] || failed=$((failed + 1))
    echo "not ok - $name (exit status $status)"; grep -E '^not ok|^#' "$log"; tail -n 40 "$log.err"
  else
    grep -E '^# (time|skip)|# SKIP' "$log"
    echo "ok - $name"
  fi
}

suite_unit() {
  local t
  say "unit tests of the pure cores (with sanitizers)"
  make -s -j2 -C tests/unit || { failed=$((failed + 1)); return; }
  for t in tests/unit/build/test_$TESTS; do
    [ -x "$t" ] && run_tap "unit ${t##*/test_}" "$t"
  done
}

# regress PROGRAM DIRECTORY-OF-INPUT EXTENSION-OF-INPUT [DATABASE PATTERN-OF-TESTS]
regress() {
  local names=() f database=${4:-check_$2} out=$GT_TMP/${4:-$2} input=$GT_TMP/input/$2
  mkdir -p "$out" "$input"
  cp -r "tests/$2" "$input/"; cp -r tests/expected "$input/"
  for f in tests/$2/$TESTS.$3; do
    f=$(basename "$f" ".$3")
    [[ -e tests/$2/$f.$3 && $f = ${5:-*} ]] && names+=("$f")
  done
  [ ${#names[@]} -gt 0 ] || return
  interruptibly "$(dirname "$("$PG_CONFIG" --pgxs)")/../test/$1" --use-existing --dbname="$database" --bindir="$GT_BIN" \
    --inputdir="$input" --outputdir="$out" --max-connections=1 "${names[@]}" >"$out/log" 2>&1
  local status=$?
  grep -E '^(test|not ok|ok|    )' "$out/log"
  count "$out/log"
  if [ $status != 0 ]; then
    cat "$out/regression.diffs" 2>/dev/null || cat "$out/log"
    grep -qE '^not ok|FAILED' "$out/log" || failed=$((failed + 1))
  fi
}

new_database() {
  "$GT_BIN/createdb" "$1" && "$GT_BIN/psql" -qX -d "$1" -c 'CREATE EXTENSION gridtree CASCADE' &&
    "$GT_BIN/psql" -qX -c "ALTER DATABASE $1 SET client_min_messages = notice" \
      -c "ALTER DATABASE $1 SET timezone_abbreviations = 'Default'" \
      -c "ALTER DATABASE $1 SET jit = off"
}

suite_sql() {
  say "regression tests"
  new_database check_sql || { failed=$((failed + 1)); return; }
  regress regress/pg_regress sql sql
}

suite_isolation() {
  say "isolation tests"
  new_database check_specs || { failed=$((failed + 1)); return; }
  PATH=$GT_BIN:$PATH regress isolation/pg_isolation_regress specs spec check_specs '!(community_*)'
  # the register's specs find it installed: they cannot do that themselves, and other specs count all rollups
  new_database check_register && "$GT_BIN/psql" -qX -d check_register -v role_prefix=check_register -v srid=3857 -f sql/community/install.sql ||
    { failed=$((failed + 1)); return; }
  PATH=$GT_BIN:$PATH regress isolation/pg_isolation_regress specs spec check_register 'community_*'
}

# The daemon that the tests start: an address, a leak or an overflow that is wrong ends it.
sanitized_daemon() {
  local to=$GT_TMP/sanitized sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all"
  mkdir -p "$to/extension" && cp extension/gridtree.control "$to/extension/" && cp -r daemon "$to/" &&
    make -s -C "$to/daemon" clean &&
    make -s -C "$to/daemon" PG_CONFIG="$PG_CONFIG" WERROR=1 CFLAGS="-O1 -g $sanitize" LDFLAGS="$sanitize" || return 1
  export GT_DAEMON=$to/daemon/gridtreed
}

suite_tap() {
  local t
  say "TAP tests"
  sanitized_daemon || { echo "not ok - gridtreed with sanitizers"; failed=$((failed + 1)); return; }
  for t in tests/t/$TESTS.pl; do
    [ -e "$t" ] || continue
    run_tap "tap $(basename "$t" .pl)" perl -I tests/t "$t"
  done
}

# A crash can come when its test has seen all it looks at. Tests kill with 9 themselves.
count_crashes() {
  grep -E -A 2 'was terminated by signal (4|6|7|8|11)|^TRAP:' "$PGHOST/log" || return 0
  echo "not ok - the server crashed"; failed=$((failed + 1))
}

export ASSERT=1
started=$(date +%s)
setup libgmp-dev libpostgresql-jdbc-java default-jdk-headless odbc-postgresql unixodbc python3-pyodbc python3-psycopg2 gdal-bin librsvg2-bin fonts-wqy-zenhei
cluster_up || { echo "0 passed, 1 failed"; exit 1; }
for suite in $SUITES; do "suite_$suite"; done
count_crashes
cluster_down
say "$(( $(date +%s) - started )) s, $("$PG_CONFIG" --version)"
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"
else echo "$passed passed, $failed failed"; fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
