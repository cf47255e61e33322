# cluster.sh: a throwaway cluster with gridtree installed in it.
#
# Sourced, after setup.sh. The server's installation is copied into a temporary
# folder (PostgreSQL finds its files relative to its programs) and gridtree is
# installed there, so nothing outside that folder is written and no existing
# cluster is touched. Everything goes on exit, whatever ended the script.
#
# cluster_up sets and exports
#   GT_TMP      the folder           GT_BIN     the copy's programs (gridtreed too)
#   GT_DATA     data directory       GT_AS      prefix to run as the server's user
#   PGHOST PGPORT PGUSER PGDATABASE  of the running server

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Whatever runs from the folder: the daemons of a test that died, a server's children.
kill_leftovers() {
  local process
  for process in /proc/[0-9]*; do
    case $(readlink "$process/exe" 2>/dev/null) in
      "$GT_TMP"/*) kill -KILL "${process#/proc/}" 2>/dev/null ;;
    esac
  done
}

cluster_down() {
  trap - EXIT INT TERM HUP
  local running
  running=$(jobs -p)
  [ -z "$running" ] || kill $running 2>/dev/null
  [ -n "${GT_TMP:-}" ] && [ -d "$GT_TMP" ] || return 0
  local pidfile
  for pidfile in "$GT_TMP"/*/postmaster.pid; do
    [ -e "$pidfile" ] && $GT_AS "$GT_BIN/pg_ctl" -D "$(dirname "$pidfile")" -m immediate -w stop >/dev/null 2>&1
  done
  kill_leftovers
  cd / && rm -rf "$GT_TMP"
}

# The server refuses to run as root.
choose_server_user() {
  GT_AS=
  if [ "$(id -u)" = 0 ]; then
    GT_USER=$(id -un postgres 2>/dev/null || echo nobody)
    GT_AS="setpriv --reuid=$GT_USER --regid=$(id -g "$GT_USER") --clear-groups"
  fi
  export GT_AS
}

# Copy the installation that PG_CONFIG describes, and install gridtree into the copy.
install_copy() {
  local root=$GT_TMP/root d
  for d in --bindir --pkglibdir --sharedir; do
    d=$("$PG_CONFIG" "$d")
    mkdir -p "$root$d"
    cp -a "$d/." "$root$d/" 2>/dev/null || cp -r "$d/." "$root$d/"
  done
  say "building gridtree for $("$PG_CONFIG" --version)"
  make -C "$REPO" -s -j2 PG_CONFIG="$PG_CONFIG" WERROR=1 SUITES= TESTS= >"$GT_TMP/build.log" 2>&1 &&
    make -C "$REPO" -s PG_CONFIG="$PG_CONFIG" WERROR=1 DESTDIR="$root" install >>"$GT_TMP/build.log" 2>&1 ||
    { cat "$GT_TMP/build.log"; return 1; }
  GT_BIN=$root$("$PG_CONFIG" --bindir)
  export GT_BIN
}

cluster_start() {
  $GT_AS "$GT_BIN/pg_ctl" -D "$GT_DATA" -l "$GT_TMP/server/log" -w -t 120 start >/dev/null ||
    { tail -n 20 "$GT_TMP/server/log"; return 1; }
}

# In TMPDIR, unless pg_regress and sockets (blanks, length) or the server's user cannot have it there.
make_folder() {
  local parent=${TMPDIR:-/tmp}
  [[ $parent = *[[:space:]]* || ${#parent} -gt 60 ]] && parent=/tmp
  GT_TMP=$(mktemp -d "$parent/gridtree.XXXXXX") && chmod 755 "$GT_TMP" && $GT_AS test -x "$GT_TMP" && return
  [ -z "$GT_TMP" ] || rmdir "$GT_TMP"
  GT_TMP=$(mktemp -d /tmp/gridtree.XXXXXX) && chmod 755 "$GT_TMP"
}

cluster_up() {
  choose_server_user
  make_folder || return 1
  trap cluster_down EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  install_copy || return 1
  export GT_TMP GT_DATA=$GT_TMP/data
  export PGHOST=$GT_TMP/server PGPORT=54321 PGUSER=gridtree PGDATABASE=postgres
  unset PGPASSWORD PGSERVICE PGOPTIONS PGPASSFILE
  mkdir "$GT_TMP/server" "$GT_DATA"
  chmod 700 "$GT_DATA"
  [ -z "$GT_AS" ] || chown -R "$GT_USER" "$GT_TMP/server" "$GT_DATA"
  say "starting a throwaway cluster in $GT_TMP"
  (cd "$GT_TMP" && $GT_AS "$GT_BIN/initdb" -D "$GT_DATA" -U "$PGUSER" -A trust -E UTF8 --locale=C.UTF-8 -N >"$GT_TMP/initdb.log" 2>&1) ||
    { cat "$GT_TMP/initdb.log"; return 1; }
  cat >>"$GT_DATA/postgresql.conf" <<CONF
listen_addresses = ''
port = $PGPORT
unix_socket_directories = '$PGHOST'
fsync = off
max_wal_size = 4GB
shared_buffers = 256MB
wal_level = logical
max_prepared_transactions = 10
log_line_prefix = '%m [%p] %d '
timezone = 'UTC'
CONF
  cluster_start
}
