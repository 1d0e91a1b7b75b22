// `make micro`: the work of a room's store and journal alone, native, beside the same work in TinyBase's own store.
//
// Both sides take turns, so that what else the machine does falls on both; each figure is a median of medians.
import {strictEqual} from 'node:assert';
import {buildNative, runNative} from './micro/native.mjs';
import {checks, measure} from './micro/tinybase.mjs';
import {median} from './statistics.mjs';

const ROUNDS = 3;

const TITLES = {
  merge_content: 'read and merge 20,000 rows × 3 cells into an empty store',
  merge_cell: 'read and merge a change of one cell into that store',
  merge_rows: 'read and merge a change of 1,000 rows into it',
  hash_content: 'merge the 20,000 rows, read before: every hash anew',
  hash_text: 'hash the text of all that (FNV-1a)',
  diff_tables: 'answer GetTableDiff to someone empty',
  diff_rows: 'answer GetRowDiff, 1 % of the rows differ',
  diff_cells: 'answer GetCellDiff for those rows',
  load: 'load it: our journal; JSON.parse and setMergeableContent',
  snapshot: 'snapshot: in our journal’s rows; JSON of getMergeableContent',
  content_text: 'the text of getMergeableContent, byte for byte',
};

const time = (nanoseconds) => {
  const [size, unit] = nanoseconds >= 1e6 ? [1e6, 'ms'] : nanoseconds >= 1e3 ? [1e3, 'µs'] : [1, 'ns'];
  return `${Number((nanoseconds / size).toPrecision(3))} ${unit}`;
};

buildNative();
const names = Object.keys(TITLES);
const expected = checks();
const ours = Object.fromEntries(names.map((name) => [name, []]));
const theirs = Object.fromEntries(names.map((name) => [name, []]));
for (let round = 1; round <= ROUNDS; round++) {
  console.error(`Round ${round} of ${ROUNDS}`);
  const native = runNative();
  strictEqual(native.checks, expected, 'the two sides do not come to the same');
  for (const name of names) {
    ours[name].push(native.medians[name]);
    theirs[name].push(measure(name));
  }
}

console.log('| what | Tinyroom, native | TinyBase in Node | × faster |\n| --- | ---: | ---: | ---: |');
for (const name of names) {
  const [own, other] = [median(ours[name]), median(theirs[name])];
  console.log(`| ${TITLES[name]} | ${time(own)} | ${time(other)} | ${Number((other / own).toPrecision(2))} |`);
}
