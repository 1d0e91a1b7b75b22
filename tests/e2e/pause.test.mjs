// One client that edits and edits. The room lets the others in between, and must not hang on how it does, whatever the
// workerd.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {cleanUp} from './support/cleanup.mjs';
import {connect, untilEqual, versions} from './support/clients.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);

const ROWS = 3000;

/** Fills a room row by row, with a pause after so many, as soon as it has come. */
const fill = async (worker, path, version, atOnce) => {
  const author = await connect(version, worker.ws(path));
  for (let row = 0; row < ROWS; row++) {
    author.store.setRow('items', `i${row}`, {n: row});
    if (row % atOnce === 0) await sleep(1);
  }
  const [[tables]] = await untilEqual(worker, path, [author]);
  assert.equal(Object.keys(tables.items[0]).length, ROWS);
  assert.equal(author.traffic.closed, undefined, version);
  await author.leave();
};

for (const atOnce of [50, 500, ROWS]) {
  test(`a client fills a room row by row, ${atOnce} at once, and no room hangs on it`, async (context) => {
    // Anew, since workerd is slowest at first, and so most in need of a pause.
    const worker = await startWorker();
    context.after(worker.kill);
    for (const version of versions) await fill(worker, `/filled/${version}`, version, atOnce);
    // That a room hung, and was reset, would be one.
    assert.deepEqual(worker.complaints(), []);
  });
}
