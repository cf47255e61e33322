#!/usr/bin/env bash
# gridtreed with 1,000 rollups in one database: filling them, with nothing to do, and while their sources change
#
# CPU is that of the processes on this machine, as the kernel counts it. Peers, in the same seconds:
# of gridtreed itself psql that asks SELECT 1 each second, which is less than anything can do that looks
# once a second; of its server process, which has to find out what is due, that of a psql which asks the
# least that tells: a PREPAREd EXISTS for the log of every rollup with max_lag, each half of max_lag.
# That one knows of no schedules, failures, rights or locks, and is the floor.
#   BENCH_ROLLUPS=N   another number of rollups   BENCH_SECONDS=N   for which each variant is watched
#   BENCH_RUNS=N      runs of each rollup on record in the last variant
set -eu -o pipefail
. tests/bench/lib/run.sh
ROLLUPS=${BENCH_ROLLUPS:-$(size 1000 40)}
WATCHED=${BENCH_SECONDS:-$(size 60 5)}
RUNS=${BENCH_RUNS:-$(size 1000 10)}
SOURCES=$(size 20 4)
LAG=5
LAGGING=$((ROLLUPS / 10))
LOG=$GT_TMP/gridtreed.log SERVER_LOG=$GT_TMP/server/log
DAEMON='' CONTROL='' CLIENTS=()

quiet() { sql "$@" >/dev/null; }
value() { sql -c "INSERT INTO bench_value VALUES ('$1', '$2', $3, '$4')"; } # TEST VARIANT VALUE UNIT
calc() { awk "BEGIN { printf \"%.6f\", $1 }"; }
now() { date +%s.%N; }

# await WHAT COMMAND...: until it succeeds, five minutes at most.
await() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 3000; tries++)); do
    ! "$@" || return 0
    sleep 0.1
  done
  echo "daemon: waited in vain until $what" >&2;
  return 1
}
is_true() { [ "$(sql -c "SELECT $1")" = t ]; }

# --- Processes ---

# cpu PID...: milliseconds of CPU so far, all together; none has threads. One that is gone counts 0.
cpu() {
  local pid
  for pid; do
    if [ -r "/proc/$pid/schedstat" ]; then
      awk '{ print $1 / 1e6 }' "/proc/$pid/schedstat"
    elif [ -r "/proc/$pid/stat" ]; then
      sed 's/.*) //' "/proc/$pid/stat" | awk -v ticks="$(getconf CLK_TCK)" '{ print ($12 + $13) * 1000 / ticks }'
    fi
  done | awk '{ ms += $1 } END { print ms + 0 }'
}
own_memory() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; } # PID: kB
servers() { sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = '$1' ORDER BY backend_start"; } # APPLICATION

# --- The daemon ---

# As it is installed, without the settings of lib/run.sh. The server logs its statements, to count them.
start_daemon() {
  rm -f "$LOG"
  PGOPTIONS='-c log_min_duration_statement=0' "$GT_BIN/gridtreed" -d "dbname=$PGDATABASE" 2>"$LOG" &
  DAEMON=$!
  await 'it has connected' grep -qs 'connected, gridtree' "$LOG"
  CONTROL=$(servers gridtreed | head -n 1)
  await 'it has asked' asked_more_than 1
  # the first hour's housekeeping too
  await 'all is done' is_true "NOT EXISTS (SELECT FROM grid_rollup_due() WHERE wait <= '0') AND NOT EXISTS (SELECT FROM grid_rollup_run_log WHERE outcome IS NULL)
    AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'gridtreed' AND query ~ 'grid_rollup_(prune|compact)')"
  # what the first questions fill, such as the caches of its server process, has been filled then
  await 'it has asked again' asked_more_than $(($(questions) + 2))
  # and those of the first look that has something to note, which is the second, after a minute
  await 'it has looked again' looked "$(size 2 1)"
}
looked() { [ "$(grep -c "\[$CONTROL\] .* duration: .* execute .*grid_rollup_look" "$SERVER_LOG" || :)" -ge "$1" ]; }
questions() { grep -c "\[$CONTROL\] .* duration: .* execute " "$SERVER_LOG" || :; }
asked_more_than() { [ "$(questions)" -gt "$1" ]; }
end_process() { kill "$1" 2>/dev/null && wait "$1" || :; }
stop_daemon() {
  [ -z "$DAEMON" ] || end_process "$DAEMON"
  DAEMON=''
}

# --- Clients ---

# client NAME: psql with the statements on stdin, in the background.
client() {
  PGAPPNAME=$1 "$GT_BIN/psql" -qXAt -v ON_ERROR_STOP=1 -f /dev/fd/3 3<&0 </dev/null >/dev/null &
  CLIENTS+=($!)
  await "$1 has asked" is_true "EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '$1' AND state = 'idle' AND query <> '')"
}
stop_clients() {
  local pid
  for pid in "${CLIENTS[@]}"; do end_process "$pid"; done
  CLIENTS=()
}
start_peers() {
  client bench_floor <<<'SELECT 1 \watch 1'
  client bench_look <<<"PREPARE look AS $(sql -c "SELECT string_agg(format('SELECT %s WHERE EXISTS (SELECT FROM %s)', rollup::oid, log), ' UNION ALL ')
    FROM grid_rollup_catalog WHERE max_lag IS NOT NULL");
EXECUTE look \\watch $(calc "$LAG / 2")"
}

# --- What is measured ---

NAMES=('gridtreed' 'its server processes' 'psql, SELECT 1' 'server process of SELECT 1' 'server process of EXISTS')
processes() { # of the Nth name
  case $1 in
    0) echo "$DAEMON" ;;
    1) servers gridtreed ;;
    2) echo "${CLIENTS[0]}" ;;
    3) servers bench_floor ;;
    4) servers bench_look ;;
  esac
}

# watch TEST PROCESSES: what the first so many of NAMES take for a while.
watch() {
  local test=$1 i n asked control begin ms memory=() taken=()
  memory=("$(own_memory "$DAEMON")" "$(own_memory "$CONTROL")")
  begin=$(now)
  asked=$(questions)
  control=$(cpu "$CONTROL")
  for ((i = 0; i < $2; i++)); do taken[i]=$(cpu $(processes "$i")); done
  sleep "$WATCHED"
  for ((i = 0; i < $2; i++)); do taken[i]=$(calc "$(cpu $(processes "$i")) - ${taken[i]}"); done
  control=$(calc "$(cpu "$CONTROL") - $control")
  n=$(($(questions) - asked))
  ms=$(calc "($(now) - $begin) * 1000")
  for ((i = 0; i < $2; i++)); do value "$test: CPU" "${NAMES[i]}" "$(calc "100 * ${taken[i]} / $ms")" '% of a core'; done

  value "$test: memory" 'gridtreed' "$(own_memory "$DAEMON")" kB
  value "$test: memory" 'gridtreed, growth' $(($(own_memory "$DAEMON") - memory[0])) kB
  value "$test: memory" 'its first server process' "$(own_memory "$CONTROL")" kB
  value "$test: memory" 'its first server process, growth' $(($(own_memory "$CONTROL") - memory[1])) kB

  value "$test: questions" 'questions' "$(calc "$n * 60000 / $ms")" 'a minute'
  [ "$n" = 0 ] || value "$test: questions" 'CPU of the server for one' "$(calc "$control / $n")" 'ms'
}

# report TEST: the figures, and those that have one beside their target.
report() {
  sql -v test="$1" <<'SQL'
SELECT bench_medians(:'test' || ': CPU');
SELECT bench_medians(:'test' || ': questions');
SELECT bench_medians(:'test' || ': memory');
SELECT bench_limit(:'test' || ': memory', v || ', growth', 0) FROM unnest('{gridtreed,its first server process}'::text[]) v;
SQL
}

# idle TEST: with nothing to do.
idle() {
  start_daemon
  start_peers
  watch "$1" 5
  stop_clients
  stop_daemon
  report "$1"
  sql -v test="$1: CPU" <<'SQL'
SELECT bench_limit(:'test', 'gridtreed', 0.1);
SELECT bench_ratio(:'test', 'gridtreed', 'psql, SELECT 1', NULL);
SELECT bench_ratio(:'test', 'its server processes', 'server process of EXISTS', NULL);
SQL
}

# busy TEST: one row of every source changes each second, and with it a cell of every rollup.
busy() {
  local begin seconds
  start_daemon
  client bench_change <<<'SELECT change() \watch 1'
  await 'each has run twice' is_true "count(*) >= 2 * $LAGGING FROM grid_rollup_run_log WHERE started_at > (SELECT backend_start FROM pg_stat_activity WHERE application_name = 'bench_change')"
  begin=$(sql -c 'SELECT clock_timestamp()')
  watch "$1" 2
  seconds=$(sql -c "SELECT extract(epoch FROM clock_timestamp() - '$begin')")
  stop_clients
  report "$1"
  # each is due half of max_lag after its last run began; and figures are as old as the beginning of the run before
  sql -v test="$1: runs" -v begin="$begin" -v seconds="$seconds" -v lag="$LAG" -v lagging="$LAGGING" <<'SQL'
CREATE TEMP TABLE run AS SELECT *, lag(started_at) OVER (PARTITION BY rollup ORDER BY run) AS before FROM grid_rollup_run_log;
DELETE FROM run WHERE finished_at IS NULL OR finished_at NOT BETWEEN :'begin' AND :'begin'::timestamptz + :seconds * interval '1 second';
INSERT INTO bench_value
SELECT :'test', 'runs', count(*) / :seconds::float8, 'a second' FROM run UNION ALL
SELECT :'test', 'as often as each can be due', :lagging / (:lag / 2.0), 'a second' UNION ALL
SELECT :'test', 'oldest figures', max(extract(epoch FROM finished_at - before)), 's' FROM run UNION ALL
SELECT :'test', 'runs that did not succeed', count(*) FILTER (WHERE outcome <> 'done'), '' FROM run;
SELECT bench_medians(:'test');
SELECT bench_ratio(:'test', 'runs', 'as often as each can be due', NULL);
SELECT bench_limit(:'test', 'oldest figures', :lag);
SELECT bench_limit(:'test', 'runs that did not succeed', 0);
SQL
  stop_daemon
}

# Half of them by hand, in as many sessions as the daemon has by default, and the other half by the daemon;
# both without the settings of lib/run.sh.
fill() {
  local i begin sessions=()
  begin=$(now)
  for i in 1 2; do
    sql -c "SELECT format('CALL grid_rollup_run(%s);', rollup::oid) FROM (SELECT rollup, row_number() OVER (ORDER BY rollup) AS n FROM grid_rollup_catalog) c WHERE n % 4 = $i" |
      PGOPTIONS='' sql >/dev/null &
    sessions+=($!)
  done
  wait "${sessions[0]}" && wait "${sessions[1]}"
  value 'filling' 'CALL grid_rollup_run in two sessions' "$(calc "$ROLLUPS / 2 / ($(now) - $begin)")" 'rollups a second'
  quiet -c 'VACUUM ANALYZE'
  begin=$(now)
  PGOPTIONS='' "$GT_BIN/gridtreed" --once -d "dbname=$PGDATABASE" 2>"$LOG" || { tail -n 5 "$LOG" >&2; return 1; }
  value 'filling' 'gridtreed --once' "$(calc "$ROLLUPS / 2 / ($(now) - $begin)")" 'rollups a second'
  sql -c "SELECT bench_report('filling', 'gridtreed --once', 'CALL grid_rollup_run in two sessions', NULL)" \
      -c "SELECT format('    %s rollups, %s of them filled', count(*), count(*) FILTER (WHERE filled)) FROM grid_rollup_state"
}

quiet -c 'ALTER SYSTEM SET autovacuum = off' -c 'SELECT pg_reload_conf()'
trap 'stop_daemon; stop_clients; quiet -c "ALTER SYSTEM RESET autovacuum" -c "SELECT pg_reload_conf()"' EXIT

# One in ten with max_lag, the others due at night, whatever the time is now.
sql -v sources="$SOURCES" -v rollups="$ROLLUPS" -v lag="$LAG" <<'SQL' >/dev/null
CREATE PROCEDURE create_rollups(sources int, rollups int, lag interval) LANGUAGE plpgsql AS $$
DECLARE night int := extract(hour FROM now() + interval '12 hours');
BEGIN
	FOR s IN 1 .. sources LOOP
		EXECUTE format('CREATE TABLE source_%s (id int PRIMARY KEY, code gridcode, reported_on date, amount int)', s);
		EXECUTE format('INSERT INTO source_%s SELECT id, (350302001001000 + 1 + id %% 20)::text::gridcode, ''2024-01-01''::date + id %% 5, id FROM generate_series(1, 100) id', s);
		EXECUTE format('CREATE INDEX ON source_%s (code, reported_on)', s);
		FOR r IN 1 .. rollups / sources LOOP
			PERFORM grid_rollup_create(format('rollup_%s_%s', s, r), format('source_%s', s)::regclass, 'code', '{"n": "count(*)", "amount": "sum(amount)"}',
				'reported_on', '1 day', lowest_level => 'grid', top_level => 'district', time_zone => 'Asia/Shanghai',
				max_lag => CASE WHEN r % 10 = 0 THEN lag END, schedule => CASE WHEN r % 10 > 0 THEN format('%s %s * * *', r % 60, night) END);
		END LOOP;
		COMMIT;
	END LOOP;
END $$;
CALL create_rollups(:sources, :rollups, :lag * interval '1 second');
CREATE FUNCTION change() RETURNS void LANGUAGE plpgsql AS $$
DECLARE source regclass;
BEGIN
	FOR source IN SELECT DISTINCT c.source FROM grid_rollup_catalog c LOOP
		EXECUTE format('UPDATE %s SET amount = amount + 1 WHERE id = %s', source, 1 + floor(random() * 100)::int);
	END LOOP;
END $$;
SQL
fill
quiet -c 'VACUUM ANALYZE'
MIXTURE="$((ROLLUPS - LAGGING)) with a schedule, $LAGGING with max_lag $LAG s"
idle "idle, $MIXTURE"
busy "busy, $MIXTURE"

sql -v lag="$LAG" <<'SQL' >/dev/null
SELECT grid_rollup_alter(rollup, json_build_object('schedule', NULL, 'max_lag', :'lag' || ' seconds')) FROM grid_rollup_catalog
SQL
idle "idle, all with max_lag $LAG s"

sql -v runs="$RUNS" <<'SQL'
SET session_replication_role = replica;
INSERT INTO grid_rollup_run_log (rollup, due_at, started_at, finished_at, outcome, cells, pid, retry_delay)
SELECT c.rollup, x.at, x.at, x.at + interval '20 milliseconds', 'done', 1, 1, '10 seconds'
FROM generate_series(1, :runs) k, grid_rollup_catalog c, LATERAL (SELECT c.created_at - (:runs - k) * interval '2.5 seconds' AS at) x
ON CONFLICT DO NOTHING;
SQL
quiet -c 'VACUUM ANALYZE'
idle "idle, all with max_lag $LAG s, $RUNS runs of each on record"
