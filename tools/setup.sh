#!/usr/bin/env bash
# Installs what the build and the tests need and this machine has not: the wasm target, worker-build, wasm-bindgen, the npm packages.
# Looks before it acts, so that a second run takes well under a second. Any number of runs may overlap, and any may be killed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$root"

need() {
    command -v "$1" >/dev/null || fail "$1 is not installed, and Tinyroom is built with it: $2"
}

need cargo 'install Rust from https://rustup.rs'
need rustc 'install Rust from https://rustup.rs'
need node 'install Node.js with npm from https://nodejs.org'
need npm 'install Node.js with npm from https://nodejs.org'
need make 'install GNU make'

# Waits for its turn, and has it until every process that inherited the descriptor is gone: a compiler that outlives a killed run included.
lock() {
    mkdir -p "$(dirname "$1")"
    exec 9>"$1"
    if command -v flock >/dev/null; then
        flock --nonblock 9 || { echo "tinyroom: waiting for another set-up to end"; flock 9; }
    else
        # macOS has no flock command. The lock belongs to the open file, which this shell keeps.
        perl -MFcntl=:flock -e 'open(my $file, ">&=", 9) or die "$!"; flock($file, LOCK_EX) or die "$!"'
    fi
}

rust_has_parts() {
    [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ] && cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1
}

install_rust_parts() {
    command -v rustup >/dev/null ||
        fail "this Rust lacks the target wasm32-unknown-unknown, rustfmt or clippy, and there is no rustup to add them with: install Rust from https://rustup.rs"
    echo "tinyroom: adding to Rust: wasm32-unknown-unknown, rustfmt, clippy"
    rustup target add wasm32-unknown-unknown
    rustup component add rustfmt clippy
}

# install_cargo_tool <package> <version>. The folder gets its name when all of it is there, so one that has the name is whole.
install_cargo_tool() {
    local package=$1 version=$2 partial
    echo "tinyroom: compiling $package $version, once for this machine; this takes some minutes"
    rm -rf "$tool_cache"/.partial-*
    partial=$(mktemp -d "$tool_cache/.partial-XXXXXX")
    # They run for a second at a time: what they lose in speed is won back in minutes of compiling.
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=1
    # On the path only to spare the reader cargo's advice to put it there.
    PATH=$partial/bin:$PATH
    cargo install "$package" --version "=$version" --root "$partial" --locked || {
        echo "tinyroom: the lock file of $package does not serve here; once more without it (it stays $version)"
        cargo install "$package" --version "=$version" --root "$partial"
    } || fail "could not compile $package $version (on Linux worker-build needs OpenSSL's headers and pkg-config; Debian: apt-get install libssl-dev pkg-config)."
    mv "$partial" "$tool_cache/$package-$version"
}

# worker-build links OpenSSL. Where this may install what is missing it does; elsewhere the compiler's failure says what to do.
install_openssl_headers() {
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && ! pkg-config --exists openssl 2>/dev/null; then
        echo "tinyroom: installing OpenSSL's headers"
        apt-get update -qq && apt-get install -qq --yes libssl-dev pkg-config
    fi
}

# npm writes this file when all else is in place: after a run that was cut short it is missing, after a change it is too old.
node_modules_are_whole() {
    local last=node_modules/.package-lock.json file
    for file in package.json package-lock.json .npmrc; do
        [ "$last" -nt "$file" ] || return 1
    done
    [ -x node_modules/.bin/node ]
}

install_node_modules() {
    echo "tinyroom: installing the npm packages"
    # Its warnings are that the system's node is too old for wrangler, which never runs on it.
    npm ci --no-audit --no-fund --loglevel=error
    node_modules/.bin/node --version >/dev/null || fail "npm did not bring the node that package.json names: see its messages above."
}

everything_is_there() {
    [ -x "$worker_build" ] && [ -x "$wasm_bindgen" ] && node_modules_are_whole && rust_has_parts
}

if [ "${1:-}" = cargo-fuzz ]; then
    [ -x "$cargo_fuzz" ] || { lock "$tool_cache/.lock"; install_cargo_tool cargo-fuzz "$cargo_fuzz_version"; }
    exit 0
fi

if everything_is_there; then exit 0; fi

lock "$tool_cache/.lock"
rust_has_parts || install_rust_parts
[ -x "$wasm_bindgen" ] || install_cargo_tool wasm-bindgen-cli "$wasm_bindgen_version"
[ -x "$worker_build" ] || { install_openssl_headers; install_cargo_tool worker-build "$worker_build_version"; }
node_modules_are_whole || install_node_modules
