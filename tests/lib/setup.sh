# setup.sh: finds what a fresh Debian or Ubuntu machine lacks, and installs it.
# Sourced. Sets PG_CONFIG. Exits 2, with the exact command, where it may not install.

say() { printf '%s\n' "== $*"; }

# Run a command as root; fails where neither root nor a password-less sudo is there.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
  else return 126; fi
}
can_be_root() { as_root true 2>/dev/null; }

# The server to test with: PG_CONFIG, else the newest installed server that has
# its development files, else the newest installed one.
choose_pg_config() {
  if [ -n "${PG_CONFIG:-}" ]; then
    PG_CONFIG=$(command -v "$PG_CONFIG") || { echo "setup: PG_CONFIG names no program" >&2; exit 2; }
    return
  fi
  local candidate
  for candidate in $(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -t/ -k5 -Vr); do
    if [ -e "$("$candidate" --pgxs)" ] && [ -x "$(dirname "$candidate")/postgres" ]; then PG_CONFIG=$candidate; return; fi
  done
  # rpm distributions and source builds
  if command -v pg_config >/dev/null 2>&1 && [ -e "$(pg_config --pgxs)" ] &&
     [ -x "$(pg_config --bindir)/postgres" ]; then PG_CONFIG=$(command -v pg_config); fi
}

# Names of the Debian packages still missing, for the server version in $1.
missing_packages() {
  local want=(gcc make libc6-dev libpq-dev perl util-linux gzip
              "postgresql-$1" "postgresql-server-dev-$1" "postgresql-$1-postgis-3") p
  for p in "${want[@]}" "${EXTRA_PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q ' installed$' || printf '%s ' "$p"
  done
}

EXTRA_PACKAGES=()

# setup [package…]: everything the tests need, and these Debian packages besides.
setup() {
  EXTRA_PACKAGES=("$@")
  choose_pg_config
  if ! command -v apt-get >/dev/null 2>&1; then
    [ -n "${PG_CONFIG:-}" ] && return
    echo "setup: no apt-get here; install PostgreSQL with its development files, PostGIS, libpq, gcc, make and perl, and set PG_CONFIG" >&2
    exit 2
  fi
  local version missing updated=
  version=$(server_version)
  if [ -z "$version" ]; then
    can_be_root || refuse "postgresql postgresql-server-dev-all postgis libpq-dev gcc make libc6-dev perl"
    say "reading the package lists"
    as_root apt-get update -qq; updated=1
    version=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
  fi
  missing=$(missing_packages "$version")
  if [ -n "$missing" ]; then
    can_be_root || refuse "$missing"
    say "installing with apt-get: $missing"
    [ -n "$updated" ] || as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
      { echo "setup: apt-get could not install: $missing" >&2; exit 2; }
  fi
  [ -n "${PG_CONFIG:-}" ] || PG_CONFIG=/usr/lib/postgresql/$version/bin/pg_config
  export PG_CONFIG
}

server_version() { [ -z "${PG_CONFIG:-}" ] || "$PG_CONFIG" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'; }

refuse() {
  echo "setup: missing packages, and neither root nor sudo to install them. Run:" >&2
  echo "  apt-get update && apt-get install -y --no-install-recommends $*" >&2
  exit 2
}
