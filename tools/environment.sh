# What every script here knows: where the project is, which tools it is built with and where they are kept. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    printf 'tinyroom: %s\n' "$*" >&2
    exit 1
}

[ -f "$root/Cargo.lock" ] || fail "Cargo.lock is missing, and the version of wasm-bindgen is read from it: run 'cargo generate-lockfile'."

worker_build_version=0.8.7
# Only `make fuzz` needs it.
cargo_fuzz_version=0.13.2
# wasm-bindgen only reads a crate that was compiled with exactly its own version.
wasm_bindgen_version=$(awk '$0 == "name = \"wasm-bindgen\"" { getline; gsub(/"/, ""); print $3; exit }' "$root/Cargo.lock")
[ -n "$wasm_bindgen_version" ] || fail "Cargo.lock names no wasm-bindgen: is 'worker' still a dependency in Cargo.toml?"

# In the user's cache, not in the clone: they take minutes to compile, and every clone on the machine can share them.
tool_cache=${XDG_CACHE_HOME:-$HOME/.cache}/tinyroom/tools
worker_build=$tool_cache/worker-build-$worker_build_version/bin/worker-build
cargo_fuzz=$tool_cache/cargo-fuzz-$cargo_fuzz_version/bin/cargo-fuzz
wasm_bindgen=$tool_cache/wasm-bindgen-cli-$wasm_bindgen_version/bin/wasm-bindgen

# Before the system's own: wrangler, miniflare and wasm-opt run on whichever node comes first, and need the one in package.json.
PATH=$root/node_modules/.bin:$PATH
export PATH
