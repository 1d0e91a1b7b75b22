// A room that may store edits a little later than it relays them: what that saves, and that nothing is lost.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {cleanUp} from './support/cleanup.mjs';
import {connect, createStore, leaveAll, untilEqual} from './support/clients.mjs';
import {startFaultyWorker} from './support/faults.mjs';
import {begunClients, body, changes, hlc} from './support/raw.mjs';
import {ReconnectingWebSocket, SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {aMoment, until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);

const DRAG_MS = 3000;
const FRAME_MS = 1000 / 60;
/** Longer than the ten seconds after which workerd takes an idle object out of memory. */
const LONG_MS = 15_000;

const worker = await startWorker({settings: {KEEP_WITHIN_MS: 1000}});
const slow = await startWorker({settings: {KEEP_WITHIN_MS: LONG_MS}});
const stopped = await startFaultyWorker({settings: {KEEP_WITHIN_MS: LONG_MS}});
const strict = await startWorker();

const rowsWritten = async (worker, path) =>
  (await (await fetch(worker.http(`${path}?journal`))).json()).since_wake.rows_written;

/** Drags a pointer at 60 Hz. Answers how many edits that were. */
const drag = async ({store}) => {
  const began = performance.now();
  let edits = 0;
  while (performance.now() - began < DRAG_MS) {
    store.setPartialRow('pointers', 'mine', {x: edits, y: 2 * edits});
    edits++;
    await sleep(began + edits * FRAME_MS - performance.now());
  }
  return edits;
};

/** What a pointer that is dragged for three seconds costs, in rows; the other client sees all of it. */
const costOfDragging = async (worker) => {
  const path = '/pointer';
  const clients = await Promise.all(['10.0', '9.7'].map((version) => connect(version, worker.ws(path))));
  const [author, witness] = clients;
  author.store.setCell('pointers', 'mine', 'x', -1);
  await untilEqual(worker, path, clients);
  const before = await rowsWritten(worker, path);
  const seen = new Set();
  witness.store.addCellListener('pointers', 'mine', 'x', (store) => seen.add(store.getCell('pointers', 'mine', 'x')));
  const edits = await drag(author);
  await until(() => witness.store.getCell('pointers', 'mine', 'y') === 2 * (edits - 1), 'the last place of the pointer');
  const rows = (await rowsWritten(worker, path)) - before;
  await untilEqual(worker, path, clients);
  await leaveAll(clients);
  console.log(`${edits} edits, ${seen.size} of them seen, ${rows} rows`);
  return {edits, seen: seen.size, rows};
};

test('a pointer that is dragged for three seconds at 60 Hz is some 3 rows, and seen as it moves', async () => {
  const {edits, seen, rows} = await costOfDragging(worker);
  assert.ok(edits > 60, `${edits} edits`);
  assert.ok(seen > edits / 2, `${seen} of ${edits} seen`);
  assert.ok(rows >= 2 && rows <= 5, `${rows} rows`);
});

test('as it does where each is stored before anyone sees it, for a row an edit', async () => {
  const {edits, rows} = await costOfDragging(strict);
  assert.ok(rows > edits / 2, `${rows} rows for ${edits} edits`);
});

test('what was seen and not stored when workerd was killed comes back from whoever saw it', async () => {
  const path = '/killed';
  const socket = () => new SteadyWebSocket(slow.ws(path), undefined, {...atOnce, maxEnqueuedMessages: 0});
  const author = await connect('10.0', slow.ws(path));
  const witness = await connect('10.0', undefined, {socket: socket()});
  author.store.setCell('t', 'r', 'stored', 1);
  await untilEqual(slow, path, [author, witness]);
  author.store.setCell('t', 'r', 'seen', 2);
  await until(() => witness.store.getCell('t', 'r', 'seen') === 2, 'the relay');
  await slow.kill();
  await until(() => witness.socket.readyState !== ReconnectingWebSocket.OPEN, 'the end of the connection');
  // The author is gone for good.
  await slow.start();
  const newcomer = await connect('9.7', slow.ws(path));
  await until(() => newcomer.store.getCell('t', 'r', 'seen') === 2, 'what the witness had seen');
  const [[tables]] = await slow.content(path);
  assert.equal(tables.t[0].r[0].seen[0], 2);
  await leaveAll([witness, newcomer]);
});

test('what is lost with the memory while sockets stay open comes back with the next message', async () => {
  const path = '/reset';
  const clients = await Promise.all(['10.0', '8.5', '5.4'].map((version) => connect(version, stopped.ws(path))));
  const [author, witness, last] = clients;
  author.store.setCell('t', 'r', 'stored', 1);
  await untilEqual(stopped, path, clients);
  await aMoment();
  // workerd waits for timers before it takes an object out of memory. These it does not know of.
  await stopped.stopClock();
  author.store.setCell('t', 'r', 'seen', 2);
  await until(() => last.store.getCell('t', 'r', 'seen') === 2, 'the relay');
  await stopped.evict(path.slice(1), 'hibernate');
  await stopped.startClock();
  const [[before]] = await stopped.content(path);
  assert.equal(before.t[0].r[0].seen, undefined, 'it was lost');
  witness.store.setCell('t', 'r', 'next', 3);
  const [[tables]] = await untilEqual(stopped, path, clients);
  assert.equal(tables.t[0].r[0].seen[0], 2);
  await leaveAll(clients);
});

test('when the last client leaves all is stored, however long it might have taken', async () => {
  const path = '/left';
  const store = await createStore('10.0');
  const client = await connect('10.0', slow.ws(path), {store});
  store.setCell('t', 'r', 'c', 1);
  await client.leave();
  await slow.kill();
  await slow.start();
  const [[tables]] = await slow.content(path);
  assert.equal(tables.t[0].r[0].c[0], 1);
});

test('a room stays in memory until it has stored everything', async () => {
  const path = '/idle';
  const [author, witness] = await begunClients(slow.ws(path), 2);
  author.send(`\n${body('edit', 3, changes({c: [1, hlc()]}))}`);
  await until(() => witness.traffic.received.length > 0, 'the relay');
  await sleep(LONG_MS + 2000);
  await slow.kill();
  await slow.start();
  const [[tables]] = await slow.content(path);
  assert.equal(tables.t[0].r[0].c[0], 1);
});

test('none of this was an error of the Worker', () =>
  assert.deepEqual([worker, slow, stopped, strict].flatMap((each) => each.complaints()), []));
