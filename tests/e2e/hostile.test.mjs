// A few thousand of the inputs of `make hostile`, which makes many more.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {besiege} from '../hostile/siege.mjs';
import {cleanUp} from './support/cleanup.mjs';

after(cleanUp);

test('bad inputs of every kind harm nobody in the rooms they come to', async () => {
  const {breaches, counts, closes, statuses, memory} = await besiege({inputs: 3000, seed: 'of the tests'});
  assert.deepEqual(breaches, []);
  assert.equal(counts.inputs, 3000);
  assert.equal(counts.arrived, counts.edits);
  assert.ok(counts.edits > 0 && counts.undone > 0 && counts.cells > 0 && memory.atLast > 0);
  // Each of these was met with, so something was attacked.
  for (const code of [1002, 1007, 1013, 4401, 4403]) assert.ok(closes[code] > 0, `a close with ${code}`);
  for (const status of [101, 200, 400, 401, 403, 405]) assert.ok(statuses[status] > 0, `an answer with ${status}`);
});
