// Everybody writes at once: edits that come together leave together, nothing is lost or said twice, and the room goes
// quiet by itself.
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Worker} from 'node:worker_threads';
import {atTheEnd, cleanUp} from './support/cleanup.mjs';
import {connect, hashesOf, leaveAll, untilEqual, versions} from './support/clients.mjs';
import {startFaultyWorker} from './support/faults.mjs';
import {members} from './support/members.mjs';
import {startNetwork} from './support/network.mjs';
import {withoutProbes} from './support/reading.mjs';
import {SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {aMoment, until, untilQuiet} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
const stopped = await startFaultyWorker();
const network = await startNetwork(worker);
after(cleanUp);

const journalOf = async ({http}, path) => (await fetch(http(`${path}?journal`))).json();
const sinceWake = async (server, path) => (await journalOf(server, path)).since_wake;

/** How long a room gathers edits, in milliseconds: one more for every ten sockets, and no more than MAX_WINDOW_MS. */
const windowOf = (sockets) => Math.min(1 + Math.floor(sockets / 10), 50);

const forget = (clients) => {
  for (const {traffic} of clients) [traffic.sent.length, traffic.received.length] = [0, 0];
};

const frames = (clients) => clients.reduce((sum, {traffic}) => sum + traffic.sent.length + traffic.received.length, 0);

/** How many frames each has received, but for probes. */
const received = (clients) => clients.map(({traffic}) => withoutProbes(traffic.received).length);

/** A room of real clients of all versions, which hold something, and have nothing more to say. */
const crowd = async (server, path, count) => {
  const clients = [];
  while (clients.length < count) {
    const wave = versions.slice(clients.length - count).toReversed();
    clients.push(...(await Promise.all(wave.map((version) => connect(version, server.ws(path))))));
  }
  clients[0].store.setCell('t', 'before', 'c', 1);
  await untilEqual(server, path, clients);
  await untilQuiet(() => frames(clients));
  forget(clients);
  return clients;
};

const [FIRST, LAST] = ['first', 'last'].map((time) => (index) => `${time} of ${index}`);

/** Everybody writes to one of so many rows, and to a cell that everybody writes to, at the same moment. */
const writeAtOnce = (clients, rows) =>
  clients.forEach(({store}, index) => {
    store.setCell('rows', `row ${index % rows}`, 'c', FIRST(index));
    store.setCell('t', 'shared', 'c', FIRST(index));
    store.setCell('rows', `row ${index % rows}`, 'c', LAST(index));
  });

/** Waits until everybody has sent the last of its edits, and answers how many frames that were. */
const untilAllSent = async (clients) => {
  const hasSent = ({traffic}, index) => traffic.sent.some((frame) => frame.includes(`"${LAST(index)}"`));
  await until(() => clients.every(hasSent), 'everybody to have sent its edits');
  return clients.reduce((sum, {traffic}) => sum + traffic.sent.length, 0);
};

/** In each row stands what one of its writers has written last. All clients have the same hashes by now. */
const assertNothingLost = (clients, rows) => {
  const {store} = clients[0];
  assert.equal(store.getRowCount('rows'), Math.min(rows, clients.length));
  store.forEachRow('rows', (row) => {
    const writers = [...clients.keys()].filter((index) => `row ${index % rows}` === row);
    assert.ok(writers.map(LAST).includes(store.getCell('rows', row, 'c')), row);
  });
};

/**
 * Keeps a room from sleeping, which would have it count anew: some machines take long to let 500 clients merge, and do
 * nothing else meanwhile. It is one more socket in the room. Answers how to end it.
 */
const keepAwake = async (url) => {
  const thread = new Worker(new URL('./support/awake.mjs', import.meta.url), {workerData: url});
  await once(thread, 'message');
  const end = () => thread.terminate();
  atTheEnd(end);
  return end;
};

for (const count of [2, 50, 500]) {
  test(`${count} clients write within one window: one commit and one frame to each, beside the edit that began it`, async () => {
    const path = `/window/${count}`;
    const clients = await crowd(stopped, path, count);
    const letSleep = await keepAwake(stopped.ws(path));
    const {rows_written: before} = await sinceWake(stopped, path);

    await stopped.stopClock();
    const messages = await stopped.messages(path.slice(1));
    // Few rows, and so in the end few cells of many edits.
    const rows = 20;
    writeAtOnce(clients, rows);
    const edits = await untilAllSent(clients);
    // To see whether they have arrived nobody may ask the room: a question would end the window.
    const arrived = async () => (await stopped.messages(path.slice(1))) - messages;
    await until(async () => (await arrived()) >= edits, async () => `the edits to arrive, not ${await arrived()}`);
    // The first one left at once, to all but its author.
    const first = [0, ...Array(count - 1).fill(1)];
    await until(() => received(clients).toSorted().join() === first.join(), () => `the first, not ${received(clients)}`);
    await aMoment();
    assert.deepEqual(received(clients).toSorted(), first);
    // Whoever keeps the room awake is one of the sockets.
    await stopped.moveClock(windowOf(count + 1) - 1);
    await stopped.runTimers(path.slice(1));
    await aMoment();
    assert.deepEqual(received(clients).toSorted(), first, 'the window is not over');
    await stopped.moveClock(1);
    assert.equal(await stopped.runTimers(path.slice(1)), 1);
    await until(() => received(clients).every((frames) => frames >= 1), 'the end of the window');
    assert.equal(await stopped.runTimers(path.slice(1)), 0, 'no timer is left');
    await stopped.startClock();
    await untilEqual(stopped, path, clients);
    await aMoment();
    assertNothingLost(clients, rows);
    assert.deepEqual(received(clients).toSorted(), [1, ...Array(count - 1).fill(2)]);
    const written = (await sinceWake(stopped, path)).rows_written - before;
    await letSleep();
    console.log(`${edits} edits of ${count} clients in one window: ${written} rows written, 2 frames to each`);
    assert.equal(written, 2);
    await leaveAll(clients);
  });
}

const rooms = [2, 50, 500].map((count) => ({count, path: `/burst/${count}`}));

for (const room of rooms) {
  const {count, path} = room;
  test(`${count} clients write at the same moment: no more rows and frames than there were windows`, async () => {
    const clients = await crowd(worker, path, count);
    const letSleep = await keepAwake(worker.ws(path));
    const {rows_written: before} = await sinceWake(worker, path);
    const start = performance.now();
    writeAtOnce(clients, count);
    const edits = await untilAllSent(clients);
    // The room is not asked until the last edit is there: a question ends a window.
    await until(() => new Set(clients.map((client) => String(hashesOf(client)))).size === 1, 'equal hashes');
    const milliseconds = performance.now() - start;
    await untilQuiet(() => frames(clients));
    await untilEqual(worker, path, clients);
    assertNothingLost(clients, count);

    // One flush begins a window, and the next one is at its end, however long the edits took to come.
    const most = 1 + Math.ceil(milliseconds / windowOf(count));
    const rows = (await sinceWake(worker, path)).rows_written - before;
    await letSleep();
    const heard = Math.max(...received(clients));
    const took = `${edits} edits of ${count} clients in ${milliseconds.toFixed(0)} ms`;
    console.log(`${took}: ${rows} rows written, ${heard} frames; at most ${most}`);
    assert.ok(heard >= 1 && heard <= most, `${heard} frames, not at most ${most}`);
    // Some rows more where level 0 was full and has been folded.
    assert.ok(rows >= 1 && rows <= 2 * most, `${rows} rows`);
    room.clients = clients;
  });
}

test('a lone edit in the quiet afterwards is one row, unless it folds level 0, one frame in, and one out to each other', async () => {
  for (const {path, clients} of rooms) {
    const [author, ...others] = clients;
    /** Makes an edit, and answers the rows that it wrote and whether it has begun level 0 anew. */
    const edit = async (value) => {
      const {rows_written: before} = await sinceWake(worker, path);
      author.store.setCell('t', 'alone', 'c', value);
      await untilEqual(worker, path, clients);
      await aMoment();
      const {journal, since_wake} = await journalOf(worker, path);
      return {rows: since_wake.rows_written - before, begun: journal.at(-1).entries === 1};
    };
    forget(clients);
    const first = await edit(1);
    // What came before may be probed for now.
    const counts = ({traffic}) => [traffic.sent, traffic.received].map((frames) => withoutProbes(frames).length);
    assert.deepEqual(counts(author), [1, 0]);
    for (const other of others) assert.deepEqual(counts(other), [0, 1]);
    assert.ok(first.rows === 1 || (first.begun && first.rows <= 3), `${first.rows} rows`);
    // What came before may have left a full level 0, which the first one folds. The next finds it short.
    assert.equal((await edit(2)).rows, 1);
    await leaveAll(clients);
  }
});

test('clients join and come back with edits while others write without a pause: all end with the same hashes', async () => {
  const path = '/crossing';
  const [pace] = await members(worker.ws(path), 1);
  const writers = await Promise.all([...versions, ...versions].map((version) => connect(version, worker.ws(path))));
  // A pull that a break cuts off, or that takes a second under load, is an error in 5.0 that no app can catch.
  const steadier = versions.slice(1);
  const returning = await Promise.all(
    steadier.map((version) =>
      connect(version, undefined, {socket: new SteadyWebSocket(network.ws(path), undefined, atOnce)}),
    ),
  );
  let number = 0;
  let over = false;
  const writing = (async () => {
    while (!over) {
      const {store} = writers[number % writers.length];
      // Now to rows that are new, now to cells that others write to as well; and some are deleted again.
      store.setCell('t', `row ${number % 97}`, `c${number % 3}`, number).setValue(`v${number % 5}`, number);
      if (number % 7 === 0) store.delRow('t', `row ${(number * 31) % 97}`);
      // As fast as they arrive, and no faster.
      const written = number++;
      await until(() => pace.store.getValue(`v${written % 5}`) === written || over, 'the edit to arrive');
      await sleep(20);
    }
  })();
  const newcomers = [];
  try {
    for (let round = 0; round < 3; round++) {
      network.cut();
      await until(() => returning.every(({socket}) => socket.readyState !== socket.OPEN), 'the sockets to break');
      returning.forEach(({store}, index) => store.setCell('offline', `round ${round}`, `client ${index}`, number));
      // There is much to be pulled both ways when they are back, and while it is, more comes.
      await sleep(100);
      network.mend();
      newcomers.push(...(await Promise.all(steadier.map((version) => connect(version, worker.ws(path))))));
      for (const {store} of newcomers) store.setCell('t', `row ${round}`, 'newcomer', number);
      const isBack = ({store}) => store.getCellIds('offline', `round ${round}`).length === returning.length;
      await until(() => [...writers, ...returning].every(isBack), 'what was written offline to reach everybody');
    }
  } finally {
    over = true;
  }
  await writing;
  const everybody = [...writers, ...returning, ...newcomers];
  await untilEqual(worker, path, everybody);
  console.log(
    `${number} edits by ${writers.length}, while ${newcomers.length} joined and ${returning.length} came back 3 times`,
  );
  assert.ok(number > 20);
  assert.ok(everybody.every(({socket}) => socket.readyState === socket.OPEN));
  await aMoment();
  await leaveAll([...everybody, pace]);
});

test('none of this was an error of the Worker', () =>
  [worker, stopped].forEach((server) => assert.deepEqual(server.complaints(), [])));
