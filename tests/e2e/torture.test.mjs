// The judge of `make torture`: that it sees what is lost. The torture itself is run by `make torture`.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {cellsIn, differences, lackingIn, note} from '../torture/check.mjs';

const [OLD, NEW] = ['OhqqeV----0Alice', 'OhqqeV----1Bobby'];

/** A content with one cell and one value. */
const content = (cell, value) => [[{t: [{r: [{c: cell}, '', 1]}, '', 2]}, '', 3], [{v: value}, '', 4]];
const seen = (content) => {
  const ledger = new Map();
  for (const cell of cellsIn(content)) note(ledger, cell, '10.0');
  return ledger;
};

test('what is stored as it was seen, or newer, is not lost', () => {
  const ledger = seen(content([1, OLD, 5], [undefined, OLD, 6]));
  assert.deepEqual(lackingIn(content([1, OLD, 7], ['\uFFFC', OLD, 8]), ledger), []);
  assert.deepEqual(lackingIn(content([2, NEW, 7], [3, NEW, 8]), ledger), []);
});

test('what is missing, older, or another value under the same stamp is lost', () => {
  const lost = (stored) => lackingIn(stored, seen(content([1, NEW, 5], [2, NEW, 6]))).map(({cell}) => cell);
  assert.deepEqual(lost([[{}, '', 0], [{}, '', 0]]), ['t/r/c', 'v']);
  assert.deepEqual(lost(null), ['t/r/c', 'v']);
  assert.deepEqual(lost(content([1, OLD, 5], [2, NEW, 6])), ['t/r/c']);
  assert.deepEqual(lost(content([1, NEW, 5], [3, NEW, 6])), ['v']);
});

test('the newest that was seen of a cell counts, in whatever order it came', () => {
  for (const order of [[OLD, NEW], [NEW, OLD]]) {
    const ledger = new Map();
    for (const stamp of order) for (const cell of cellsIn(content([stamp, stamp], [1, OLD]))) note(ledger, cell, '5.0');
    assert.equal(ledger.get('t/r/c').stamp, NEW);
  }
});

test('cells are found in contents, in changes, and in the answers of a pull', () => {
  const cells = (payload) => [...cellsIn(payload)].map(({cell, value, stamp}) => `${cell}=${value}@${stamp}`);
  assert.deepEqual(cells([[{t: [{r: [{c: [1, OLD]}]}]}], [{v: [2, NEW]}], 1]), [`t/r/c=1@${OLD}`, `v=2@${NEW}`]);
  assert.deepEqual(cells([[{t: [{r: [{c: [1, OLD]}]}]}], {u: 77}]), [`t/r/c=1@${OLD}`]);
  assert.deepEqual(cells([{t: [{r: [{c: [1, OLD]}]}]}]), [`t/r/c=1@${OLD}`]);
  assert.deepEqual(cells([{v: ['\uFFFC', NEW]}]), [`v=\uFFFC@${NEW}`]);
  assert.deepEqual(cells([123, 456]), []);
});

test('where two contents differ is told by cell', () => {
  const [one, other] = [content([1, OLD, 5], [2, OLD, 6]), content([1, OLD, 5], [2, NEW, 6])];
  assert.deepEqual(differences(one, one), []);
  assert.deepEqual(differences(one, other).map(({cell}) => cell), ['v']);
});
