// `make bench`: Tinyroom and TinyBase's own server side by side.
//
//     node bench/run.mjs [--quick] [row…]
//
// The results are kept only of a run of all rows in full: figures of different hours have no place in one table.
import {parseArgs} from 'node:util';
import {createArena} from './arena.mjs';
import {keep} from './report/keep.mjs';
import {targets, table} from './report/table.mjs';
import {rows} from './rows/index.mjs';

const {values, positionals} = parseArgs({options: {quick: {type: 'boolean'}}, allowPositionals: true});
const unknown = positionals.filter((name) => !(name in rows));
if (unknown.length > 0) {
  console.error(`No such row: ${unknown.join(', ')}. There are: ${Object.keys(rows).join(', ')}.`);
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const begin = performance.now();
const clock = () => new Date(performance.now() - begin).toISOString().slice(14, 19);
const report = (text) =>
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${clock()}  ${text}` : `${clock()}  ${text}\n`);

const names = Object.keys(rows).filter((name) => positionals.length === 0 || positionals.includes(name));
const arena = createArena({quick: values.quick ?? false, report});
const lines = [];
const curves = [];
const remarks = [];
for (const name of names) {
  const result = await rows[name](arena);
  lines.push(...result.lines);
  if (result.curve) curves.push(result.curve);
  if (result.remark) remarks.push(result.remark);
}
report(`done\n`);

console.log(`${table(lines)}\n\n${targets(lines)}`);
for (const line of [...remarks, ...arena.failures]) console.log(`\n- ${line}`);
if (values.quick || positionals.length > 0) {
  console.log('\nA part of it, or quick: not kept.');
} else {
  const seconds = (performance.now() - begin) / 1000;
  await keep({lines, curves, remarks, failures: arena.failures, seconds});
}
process.exit();
