// Clients that read steadily, and slowly: over a narrow line, or because they need long for each frame. They are not taken
// for clients that do not read, and do not fall behind for ever.
import assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {connectApart} from './support/apart.mjs';
import {cleanUp} from './support/cleanup.mjs';
import {connect, hashesOf, leaveAll, untilEqual, versions} from './support/clients.mjs';
import {member, members} from './support/members.mjs';
import {startNetwork} from './support/network.mjs';
import {until, untilQuiet} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const CELL_BYTES = 100_000;
/** A text that no socket could make shorter. */
const noise = (bytes) => randomBytes((bytes * 3) / 4).toString('base64');

for (const [bytesPerSecond, content, others] of [
  [250_000, 5_000_000, 25],
  [64_000, 2_000_000, 25],
  [64_000, 2_000_000, 1],
]) {
  const title = `one of ${others + 2} who asks for ${content / 1e6} MB and reads ${bytesPerSecond / 1000} kB/s`;
  test(`${title} without a break gets all of it, and every edit, and is not closed`, async () => {
    const path = `/steady/${bytesPerSecond}/${others}`;
    const network = await startNetwork(worker, {down: bytesPerSecond});
    const [author, ...crowd] = await members(worker.ws(path), 1 + others);
    for (let row = 0; row < content / CELL_BYTES; row++) author.write(`large ${row}`, noise(CELL_BYTES));
    await until(() => crowd[0].store.getRowCount('t') === content / CELL_BYTES, 'the content');
    const reader = await member(network.ws(path));
    let bytes = 0;
    reader.socket.on('message', (data) => (bytes += data.length));
    // For everything, in one piece.
    reader.ask(4, {}, '').then(([tables]) => reader.catchUp(tables));
    let edits = 0;
    const hasAll = () => reader.store.getRowCount('t') === content / CELL_BYTES + 1 && reader.sees('small', author);
    await until(
      () => {
        if (reader.closed) return true;
        // About three a second, for as long as the content takes.
        if (edits <= Math.min(bytes, content) / (bytesPerSecond * 0.3)) author.write('small', edits++);
        return bytes >= content && hasAll();
      },
      () => `${bytes} bytes, ${reader.store.getRowCount('t')} rows, and the last of ${edits} edits`,
      300,
    );
    assert.equal(reader.closed, undefined);
    assert.ok(edits > 3, `${edits} edits`);
    assert.deepEqual(crowd.filter(({closed}) => closed), []);
    await Promise.all([author, reader, ...crowd].map((client) => client.leave()));
  });
}

const MILLISECONDS_A_FRAME = 50;
const EDITS_A_FRAME = 10;
const EDITS = 2000;
/** Two seconds of its own pace, and what was under way before anyone could know it. */
const MOST_LATE = 2000 / MILLISECONDS_A_FRAME + 40;

for (const cells of [1, 40]) {
  test(`one who takes a frame while others make ${EDITS_A_FRAME} edits in ${cells} cells gets fewer and wider ones`, async () => {
    const path = `/bites/${cells}`;
    let [edits, next] = [0, 0];
    const [author, bystander] = await members(worker.ws(path), 2);
    const slow = await member(worker.ws(path), async () => {
      await sleep(MILLISECONDS_A_FRAME);
      await until(() => edits >= Math.min(next, EDITS), 'more edits');
      next = edits + EDITS_A_FRAME;
    });
    next = 0;
    for (; edits < EDITS; edits++) {
      author.write(`row ${edits % cells}`, edits);
      await until(() => bystander.store.getCell('t', `row ${edits % cells}`, 'c') === edits, 'the bystander');
      // The slow one has as long as it needs for a frame, if there is one for it.
      if (edits >= next) await Promise.race([until(() => edits < next, 'a frame'), sleep(4 * MILLISECONDS_A_FRAME)]);
    }
    const before = slow.frames;
    await until(() => String(hashesOf(slow)) === String(hashesOf(author)), 'the slow one to hold the same');
    await untilQuiet(() => slow.frames);
    const late = slow.frames - before;
    console.log(`${edits} edits: ${bystander.frames} frames to one, ${slow.frames} to the slow one, ${late} of them late`);
    assert.equal(bystander.frames, EDITS, 'the fast one noticed nothing');
    assert.ok(late <= MOST_LATE, `${late} frames late`);
    assert.ok(slow.frames < EDITS / 4, `${slow.frames} frames`);
    assert.deepEqual([author, bystander, slow].map(({closed}) => closed), [undefined, undefined, undefined]);
    await Promise.all([author, bystander, slow].map((client) => client.leave()));
  });
}

test('thirty real clients in one slow process get fewer and wider changes, and all of them', async () => {
  const path = '/process';
  const [author, bystander] = await members(worker.ws(path), 2);
  const some = Array.from({length: 30}, (_, index) => versions[index % versions.length]);
  const crowd = await connectApart(some, worker.ws(path), {busyMs: 20});
  const edits = 200;
  for (let edit = 0; edit < edits; edit++) {
    author.write(`row ${edit}`, edit);
    await until(() => bystander.store.getCell('t', `row ${edit}`, 'c') === edit, 'the bystander');
    await sleep(50);
  }
  const hashes = JSON.stringify(hashesOf(author));
  await until(
    async () => {
      for (const client of crowd) if (JSON.stringify(await client.call('getMergeableContentHashes')) !== hashes) return false;
      return true;
    },
    'everybody to hold the same',
    120,
  );
  const counts = await Promise.all(crowd.map((client) => client.counts()));
  console.log(`${edits} edits: ${bystander.frames} frames to one, ${counts.map(({changes}) => changes)} to the others`);
  assert.deepEqual(counts.filter(({closed}) => closed), []);
  for (const {changes} of counts) assert.ok(changes < edits / 2, `${changes} frames`);
  assert.equal(bystander.frames, edits);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
