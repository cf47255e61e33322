#!/usr/bin/env bash
# with-cluster.sh COMMAND [ARG…]: build, start a throwaway cluster, make a
# database "dev" with gridtree in it, run the command, and clean up.
set -u
cd "$(dirname "$0")/.."
. tests/lib/setup.sh
. tests/lib/cluster.sh
setup
cluster_up || exit 1
export PATH=$GT_BIN:$PATH
createdb dev && psql -qX -d dev -c 'CREATE EXTENSION gridtree CASCADE' || exit 1
PGDATABASE=dev "${@:-bash}"
