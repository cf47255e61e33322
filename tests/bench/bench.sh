#!/usr/bin/env bash
# bench.sh: speeds and sizes beside their peers, with the target of each.
#   BENCH=<shell pattern of names>   each is tests/bench/NAME.sql or NAME.sh
#   BENCH_QUICK=1, BENCH_PLANS=<folder>   see lib/run.sh
# Every one runs in a database of its own with gridtree and the harness of
# lib/harness.sql in it. A miss is said, and is no failure: machines differ.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/setup.sh
. tests/lib/cluster.sh
BENCH=${BENCH:-*}

bench() { # FILE
  local name=${1##*/} status
  name=${name%.*}
  say "$name: $(sed -n '/^#!/d; s/^[-# ]*//p; q' "$1")"
  "$GT_BIN/createdb" "bench_$name" || return 1
  export PGDATABASE=bench_$name
  "$GT_BIN/psql" -qX -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION gridtree CASCADE' -f tests/bench/lib/harness.sql || return 1
  case $1 in
    *.sql) "$GT_BIN/psql" -qXAt -v ON_ERROR_STOP=1 -v data=../shared/data -f "$1" ;;
    *.sh)  "$1" ;;
  esac
  status=$?
  export PGDATABASE=postgres
  "$GT_BIN/dropdb" "bench_$name"
  return $status
}

setup
cluster_up || exit 1
ran=0 failed=0
for f in tests/bench/$BENCH.sql tests/bench/$BENCH.sh; do
  [ -e "$f" ] && [ "$f" != tests/bench/bench.sh ] || continue
  ran=$((ran + 1))
  bench "$f" || { failed=$((failed + 1)); echo "bench: $f failed" >&2; }
done
cluster_down
[ "$ran" -gt 0 ] && [ "$failed" = 0 ]
