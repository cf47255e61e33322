#!/usr/bin/env bash
# reference.sh --write: docs/reference.md from the SQL comments.
set -u
cd "$(dirname "$0")/.."
[ "${1:-}" = --write ] || { echo "usage: tests/reference.sh --write" >&2; exit 2; }
new=$(mktemp)
trap 'rm -f "$new"' EXIT
NEW=$new tests/with-cluster.sh bash -c 'psql -qX -v ON_ERROR_STOP=1 -f tests/reference.sql >"$NEW"' &&
  cp "$new" docs/reference.md && chmod 644 docs/reference.md && echo "wrote docs/reference.md"
