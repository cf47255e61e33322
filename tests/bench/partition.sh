#!/usr/bin/env bash
# The partition core by itself: planted plans, growth, free numbers, adjusting
#
# planted.c draws a plan that keeps both windows, forgets it, and has the core
# find one. Tower sizes are Singapore's where ../shared/data is there.
set -eu -o pipefail
. tests/bench/lib/run.sh
have_singapore || { echo "(skipped: ../shared/data is absent)"; exit 0; }
cc -std=gnu11 -O2 -Wall -Wextra -ffp-contract=off -Iextension tests/bench/planted.c extension/partition*.c extension/order.c -lm -o "$GT_TMP/planted"
sizes=$GT_TMP/towers
awk -F, 'NR > 1 && $5 == "Y" && $8 > 0 { print $8 }' "$DATA/singapore/blocks.csv" >"$sizes"
# at_least SHARE MODE INSTANCES: so much of the instances must be solved.
at_least() {
  local out
  out=$("$GT_TMP/planted" "$sizes" "$3" "$2")
  echo "$2:"
  sed '/^$/d; s/^/    /' <<<"$out"
  awk -v share="$1" '/solved/ { gsub(/[(%)]/, "", $5); print "    solved, target at least " share " %: " ($5 + 0 >= share + 0 ? "met" : "MISS") }' <<<"$out"
}
at_least 99 planted "$(size 1000 20)"
at_least 99 tight "$(size 400 10)"
at_least 99 free "$(size 400 10)"
"$GT_TMP/planted" "$sizes" "$(size 100 5)" adjust
[ "$QUICK" != 0 ] || "$GT_TMP/planted" "$sizes" 1 growth
