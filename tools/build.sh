#!/usr/bin/env bash
# Builds the Worker into build/: index.js and index_bg.wasm. wrangler calls it too, so that a bare `npx wrangler deploy` works in a fresh clone.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$root"
tools/setup.sh

# Its own call stack would push the compiler's message off the screen.
export RUST_LIB_BACKTRACE=0
# The form of names that tools/names.mjs reads: in the older one a type cannot be told from a module.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS='-C symbol-mangling-version=v0'
# Left to itself, worker-build downloads these three from outside the package registries.
WASM_BINDGEN_BIN=$wasm_bindgen \
    WASM_OPT_BIN=$root/node_modules/.bin/wasm-opt \
    ESBUILD_BIN=$root/tools/bundle.sh \
    "$worker_build" --release "$@"
# The names of functions are uploaded, so that a trap can be read in the log: those that help there.
node tools/names.mjs build/index_bg.wasm
