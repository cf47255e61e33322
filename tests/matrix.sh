#!/usr/bin/env bash
# matrix.sh: `make check` in Debian roots made by debootstrap, each with the
# server its release ships: trixie has PostgreSQL 17 with PostGIS 3.5, sid 18.
#
#   RELEASES="trixie sid"   which; a release that cannot be made is said and counts
#                           as failed, except sid, which is not always installable
#   TARGET=check            the make target run there (demo is the other one)
#   FRESH=1                 make the roots anew: nothing was ever installed in them
#   GT_ROOTS=FOLDER         where they are kept (some 1.5 GB each)
#
# Needs root, for chroot. Everything happens in a mount and process namespace of
# its own, so nothing stays mounted or running. Ends with "N passed, N failed",
# one a release.
set -u
cd "$(dirname "$0")/.."
. tests/lib/setup.sh
RELEASES=${RELEASES:-trixie sid}
TARGET=${TARGET:-check}
GT_ROOTS=${GT_ROOTS:-/var/tmp/gridtree-roots}
export DEBIAN_FRONTEND=noninteractive

[ "$(id -u)" = 0 ] || { echo "matrix: chroot needs root: sudo make check-matrix" >&2; exit 2; }
command -v debootstrap >/dev/null 2>&1 || {
  command -v apt-get >/dev/null 2>&1 || refuse debootstrap
  say "installing with apt-get: debootstrap"
  apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null || exit 2
}
mkdir -p "$GT_ROOTS"

# make_root RELEASE: a minimal system; the marker says that it is whole.
make_root() {
  local root=$GT_ROOTS/$1
  [ -z "${FRESH:-}" ] || rm -rf "$root"
  [ -e "$root/.complete" ] && return
  say "making a $1 root in $root"
  rm -rf "$root"
  debootstrap --variant=minbase "$1" "$root" >"$GT_ROOTS/$1.log" 2>&1 || { tail -n 5 "$GT_ROOTS/$1.log"; return 1; }
  touch "$root/.complete"
}

# run_in_root RELEASE: a copy of the tracked and new files, and the real data beside it.
run_in_root() {
  local root=$GT_ROOTS/$1
  rm -rf "$root/work/gridtree"
  mkdir -p "$root/work/gridtree" "$root/work/shared/data"
  git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$root/work/gridtree"
  # a mirror's copy of an unreleased suite may lag behind its own expiry date
  echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/99gridtree"
  # services of packages are not started in a root
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  ROOT=$root DATA=$(readlink -f ../shared/data 2>/dev/null) TARGET=$TARGET SUITES=${SUITES:-} TESTS=${TESTS:-} \
    unshare --mount --pid --fork --kill-child bash -c '
      mount --make-rprivate /
      mount -t proc proc "$ROOT/proc" && mount --rbind /dev "$ROOT/dev" || exit 1
      [ -z "$DATA" ] || [ ! -d "$DATA" ] || mount --bind -o ro "$DATA" "$ROOT/work/shared/data"
      [ -n "$(ls -A "$ROOT/work/shared/data")" ] || rmdir "$ROOT/work/shared/data" 2>/dev/null
      exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TARGET="$TARGET" \
        ${SUITES:+SUITES="$SUITES"} ${TESTS:+TESTS="$TESTS"} chroot "$ROOT" bash -c "
          command -v make >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends make >/dev/null 2>&1; }
          cd /work/gridtree && exec make \"\$TARGET\""'
}

passed=0 failed=0
for release in $RELEASES; do
  if ! make_root "$release"; then
    say "$release: no root could be made"
    [ "$release" = sid ] || failed=$((failed + 1))
    continue
  fi
  say "$release: make $TARGET"
  if run_in_root "$release" 2>&1 | tee "$GT_ROOTS/$release.check.log"; [ "${PIPESTATUS[0]}" = 0 ]; then
    say "$release: ok"; passed=$((passed + 1))
  else
    say "$release: FAILED"; failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
