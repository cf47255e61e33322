#!/usr/bin/env bash
# demo.sh: gridtree at work on a sample district, in a throwaway cluster.
#
#   make demo            builds, shows, cleans up; leaves a map, ./zhenhai.svg (DEMO_SVG= puts it elsewhere)
#   make demo KEEP=1     leaves the server running and says how to look around and how to remove it
set -u
DEMO_SVG=$(realpath -m "${DEMO_SVG:-zhenhai.svg}")
cd "$(dirname "$0")/../.."
. tests/lib/setup.sh
. tests/lib/cluster.sh

heading() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
[ -t 1 ] || heading() { printf '\n== %s\n' "$*"; }

# sql FILE: runs a step of sql/demo; its output is the demo's.
sql() { psql -qX -v ON_ERROR_STOP=1 -P footer=off -f "sql/demo/$1"; }
ask() { psql -qXAt -v ON_ERROR_STOP=1 -c "$1"; }

# Look again until SQL answers 't', for at most a minute.
await() {
  local try answer
  for try in $(seq 600); do
    answer=$(ask "$1") || break
    [ "$answer" = t ] && return
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.1
  done
  echo "demo: gave up waiting for: $1" >&2
  tail -n 5 "$GT_TMP/gridtreed.log" >&2
  return 1
}

step() { # FILE WHAT: one part of the generator, with its time
  local started=${EPOCHREALTIME/./}
  printf '   %-46s' "$2"
  sql "$1" || return 1
  printf '%5.1f s\n' "$(( (${EPOCHREALTIME/./} - started) / 100000 ))e-1"
}

generate() {
  heading "1. A district: Licheng, Putian, Fujian (350304)"
  echo "   Codes and names of its streets and communities are real; the rest is made up, the same on every machine."
  step 10-random.sql 'chance with a fixed seed' &&
  step 20-units.sql '6 streets and towns, 130 communities' &&
  step 30-blocks.sql 'blocks' &&
  step 35-river.sql 'a river' &&
  step 40-areas.sql 'areas: blocks made into communities, and up' &&
  step 50-roads.sql 'roads' &&
  step 60-buildings.sql 'towers and houses' &&
  step 70-households.sql 'households'
}

run_daemon() {
  gridtreed -d "dbname=$PGDATABASE" >"$GT_TMP/gridtreed.log" 2>&1 &
  daemon=$!
}

stop_daemon() {
  kill -TERM "$daemon" && wait "$daemon"
  local status=$?
  daemon=
  echo "   gridtreed stopped on SIGTERM, exit status $status."
  return $status
}

demo() {
  generate || return 1
  heading "2. Every community cut into grids"
  sql 75-grids.sql || return 1

  heading "3. The district's register"
  step ../community/install.sql 'its tables, views and rights' &&
  step 80-boundaries.sql 'the map: checked and published' &&
  step 82-households.sql 'buildings, households, establishments' &&
  step 84-organizations.sql 'organizations and posts' &&
  step 86-events.sql 'the events of 2019' || return 1
  sql assigned.sql || return 1
  sql filled.sql || return 1

  heading "4. A working day; gridtreed keeps the figures fresh"
  run_daemon
  await "$FRESH" || return 1
  sql workday.sql || return 1
  await "$FRESH" || return 1
  sql worked.sql || return 1
  stop_daemon || return 1

  heading "5. What the district reads"
  sql figures.sql || return 1

  heading "6. A map"
  psql -qXAt -v ON_ERROR_STOP=1 -c "SELECT community.map_svg('350304001')" -o "$GT_TMP/map.svg" && cp "$GT_TMP/map.svg" "$DEMO_SVG" || return 1
  echo "   Zhenhai street, grid by grid, by the share of cases closed on time: $DEMO_SVG
   (open it in a browser)"
}

keep_running() {
  trap - EXIT INT TERM HUP
  echo
  echo "The server is still running. Look around:"
  echo "  $GT_BIN/psql -h $PGHOST -p $PGPORT -U $PGUSER $PGDATABASE"
  echo "Keep the figures fresh meanwhile:"
  echo "  $GT_BIN/gridtreed -d 'host=$PGHOST port=$PGPORT user=$PGUSER dbname=$PGDATABASE'"
  echo "Stop and remove it:"
  echo "  $GT_AS $GT_BIN/pg_ctl -D $GT_DATA -m fast stop && rm -rf $GT_TMP"
}

# Nothing waits to be refreshed.
FRESH="SELECT bool_and(filled AND NOT pending AND NOT running) FROM grid_rollup_status"
daemon=
setup
cluster_up || exit 1
trap '[ -z "$daemon" ] || kill "$daemon"; cluster_down' EXIT
export PATH=$GT_BIN:$PATH PGOPTIONS='-c client_min_messages=warning'
createdb licheng || exit 1
export PGDATABASE=licheng
ask 'CREATE EXTENSION gridtree CASCADE' && demo || { echo "demo: failed" >&2; exit 1; }
[ -z "${KEEP:-}" ] || keep_running
