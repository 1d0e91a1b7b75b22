#!/usr/bin/env bash
# Lets each fuzzer look for new failures: fuzz/run.sh <seconds for each> [target…]. Needs cargo-fuzz: `make fuzz` installs it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/environment.sh"
cd "$root"

seconds=${1:?how many seconds for each target?}
shift
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(sed -n 's/^name = "\([a-z]*\)"$/\1/p' fuzz/Cargo.toml)

PATH=$(dirname "$cargo_fuzz"):$PATH
for target in "${targets[@]}"; do
    printf '\n== %s\n' "$target"
    mkdir -p "fuzz/found/$target" "fuzz/crashes/$target"
    build=()
    flags=${RUSTFLAGS:-}
    if [ "$target" = cost ]; then
        # It has the loads from memory counted. Its input is in no text that anything is compared with.
        build=(--no-trace-compares)
        flags+=' -Cllvm-args=-sanitizer-coverage-trace-loads'
    fi
    # Without a sanitizer stable Rust will do, and nothing here is unsafe but an allocator. What crashes is kept where `make test` replays it.
    RUSTFLAGS=$flags cargo fuzz run --sanitizer none "${build[@]}" "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- \
        -dict=fuzz/dictionary.txt -artifact_prefix="$PWD/fuzz/crashes/$target/" \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
done
