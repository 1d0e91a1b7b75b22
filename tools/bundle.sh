#!/usr/bin/env bash
# Stands for esbuild when worker-build calls it, in the folder of what it has made so far: bundles the project's own entry in the
# place of the one that is there. Why stands in src/worker/life.js.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# It is the file that worker-build names to esbuild; under another name this would bundle the other entry, silently.
[ -f shim.js ] || { echo "tinyroom: worker-build's entry is not where it was: $PWD/shim.js" >&2; exit 1; }
mkdir -p tinyroom
cp "$root"/src/worker/*.js tinyroom
sed -i.bak "s|'./index.js'|'../index.js'|" tinyroom/life.js
echo "export * from './tinyroom/entry.js'; export {default} from './tinyroom/entry.js';" >shim.js
# What the entry calls and the module has not is no warning.
"$root/node_modules/.bin/esbuild" "$@" --log-override:import-is-undefined=error
rm -r tinyroom
