#!/usr/bin/env bash
# Makes fuzz/corpus/cost hold the inputs that cost most, by each measure and for each kind of message, of what is there and of
# what fuzz/run.sh has found since; and lists them. One that is there stays unless another costs a hundredth more.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/environment.sh"
cd "$root"

corpus=fuzz/corpus/cost
records=$(mktemp -d "$corpus.XXXXXX")
trap 'rm -rf "$records"' EXIT

PATH=$(dirname "$cargo_fuzz"):$PATH
export RUSTFLAGS="${RUSTFLAGS:-} -Cllvm-args=-sanitizer-coverage-trace-loads"
mapfile -t inputs < <(find "$corpus" fuzz/found/cost -type f)
COSTS=1 cargo fuzz run --sanitizer none --no-trace-compares cost "${inputs[@]}" 2>&1 | awk '
    /^Running: / { input = $2 }
    /^ *[0-9.]+ [A-Z][A-Za-z]+ [A-Z][A-Za-z]+$/ {
        what = $2 " " $3
        if ($1 > 1.01 * most[what]) { most[what] = $1; by[what] = input }
    }
    END { for (what in by) print most[what], what, by[what] }
' | sort -k2,2 -k1,1nr | while read -r ratio measure kind input; do
    printf '%8.3f %-13s %-22s %s\n' "$ratio" "$measure" "$kind" "$(basename "$input")"
    cp "$input" "$records/"
done
rm -rf "$corpus"
mv "$records" "$corpus"
