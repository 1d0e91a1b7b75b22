// Fails when the Worker in the folder given is larger than Tinyroom allows itself, packed as Cloudflare counts it.
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';

const limit = 300_000;

const folder = process.argv[2];
const modules = readdirSync(folder)
  // wrangler leaves a note about the folder in it.
  .filter((name) => name !== 'README.md')
  .map((name) => ({name, size: gzipSync(readFileSync(join(folder, name))).length}));

if (!modules.some(({name}) => name.endsWith('.wasm'))) {
  console.error(`There is no Worker in ${folder}.`);
  process.exit(1);
}

const total = modules.reduce((sum, {size}) => sum + size, 0);
for (const {name, size} of modules) console.log(`${String(size).padStart(8)} bytes  ${name}`);
console.log(`${String(total).padStart(8)} bytes of gzip in all; the limit is ${limit}`);
if (total >= limit) {
  console.error('The Worker has grown too large.');
  process.exitCode = 1;
}
