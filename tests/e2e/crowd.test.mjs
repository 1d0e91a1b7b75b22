// Everybody writes at once: edits that come together leave together, nothing is lost or said twice, and the room goes
// quiet by itself.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {atTheEnd, cleanUp} from './support/cleanup.mjs';
import {connect, hashesOf, leaveAll, untilEqual, versions} from './support/clients.mjs';
import {startFaultyWorker} from './support/faults.mjs';
import {startNetwork} from './support/network.mjs';
import {begunClient, body, changes, hlc} from './support/raw.mjs';
import {SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {aMoment, until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
const stopped = await startFaultyWorker();
const network = await startNetwork(worker);
after(cleanUp);

const journalOf = async ({http}, path) => (await fetch(http(`${path}?journal`))).json();
const sinceWake = async (server, path) => (await journalOf(server, path)).since_wake;

// How long something is waited for that a slow machine does late. No test depends on it.
const PATIENCE = 60;

/** How long a room gathers edits, in milliseconds: one more for every ten sockets, and no more than MAX_WINDOW_MS. */
const windowOf = (sockets) => Math.min(1 + Math.floor(sockets / 10), 50);

const forget = (clients) => {
  for (const {traffic} of clients) [traffic.sent.length, traffic.received.length] = [0, 0];
};

const received = (clients) => clients.map(({traffic}) => traffic.received.length);

/** A room of real clients of all versions, which hold something, and have nothing more to say. */
const crowd = async (server, path, count) => {
  const clients = [];
  while (clients.length < count) {
    const wave = versions.slice(clients.length - count).toReversed();
    clients.push(...(await Promise.all(wave.map((version) => connect(version, server.ws(path))))));
  }
  clients[0].store.setCell('t', 'before', 'c', 1);
  await untilEqual(server, path, clients, PATIENCE);
  await aMoment();
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
  await until(() => clients.every(hasSent), 'everybody to have sent its edits', PATIENCE);
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
 * Keeps a room from sleeping, which would have it count anew, by a message to nobody that ends no window. Some machines
 * take long to let 500 clients merge. Answers how to end it.
 */
const keepAwake = (client) => {
  const timer = setInterval(() => client.send('nobody\n["awake",4,{}]'), 1000);
  const end = () => clearInterval(timer);
  atTheEnd(end);
  return end;
};

for (const count of [2, 50, 500]) {
  test(`${count} clients write within one window: one commit and one frame to each, beside the edit that began it`, async () => {
    const path = `/window/${count}`;
    const clients = await crowd(stopped, path, count);
    // It hears no edits, but what the clients say to it: that all of theirs are there. A question would end the window.
    const listener = await begunClient(stopped.ws(path));
    const [author] = clients;
    listener.send(`\n${body('id', 3, changes({listener: [1, hlc()]}))}`);
    await until(() => author.traffic.received.length > 0, 'the id of the listener');
    const [id] = author.traffic.received[0].split('\n');
    await untilEqual(stopped, path, clients, PATIENCE);
    await aMoment();
    forget(clients);
    listener.heard();
    const letSleep = keepAwake(listener);
    const {rows_written: before} = await sinceWake(stopped, path);

    await stopped.stopClock();
    // Few rows, and so in the end few cells of many edits.
    const rows = 20;
    writeAtOnce(clients, rows);
    const edits = await untilAllSent(clients);
    clients.forEach(({socket}) => socket.send(`${id}\n["there",4,{}]`));
    const arrived = () => listener.traffic.received.filter((frame) => frame.includes('"there"')).length;
    await until(() => arrived() === count, () => `the edits to arrive, not ${arrived()}`, PATIENCE);
    await aMoment();
    // The first one left at once, to all but its author.
    assert.deepEqual(received(clients).toSorted(), [0, ...Array(count - 1).fill(1)]);
    // The listener is one of the sockets.
    await stopped.moveClock(windowOf(count + 1) - 1);
    await stopped.runTimers(path.slice(1));
    await aMoment();
    assert.deepEqual(received(clients).toSorted(), [0, ...Array(count - 1).fill(1)], 'the window is not over');
    await stopped.moveClock(1);
    assert.equal(await stopped.runTimers(path.slice(1)), 1);
    await until(() => received(clients).every((frames) => frames >= 1), 'the end of the window', PATIENCE);
    assert.equal(await stopped.runTimers(path.slice(1)), 0, 'no timer is left');
    await stopped.startClock();
    await untilEqual(stopped, path, clients, PATIENCE);
    await aMoment();
    assertNothingLost(clients, rows);
    assert.deepEqual(received(clients).toSorted(), [1, ...Array(count - 1).fill(2)]);
    const written = (await sinceWake(stopped, path)).rows_written - before;
    letSleep();
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
    const letSleep = keepAwake(await begunClient(worker.ws(path)));
    const {rows_written: before} = await sinceWake(worker, path);
    const start = performance.now();
    writeAtOnce(clients, count);
    const edits = await untilAllSent(clients);
    const last = () => clients.map(({traffic}) => traffic.received.length).join();
    let heard;
    // The room is not asked until the last edit is there: a question ends a window.
    await until(() => new Set(clients.map((client) => String(hashesOf(client)))).size === 1, 'equal hashes', PATIENCE);
    const milliseconds = performance.now() - start;
    await until(async () => heard === (heard = last()) || void (await aMoment()), 'the end of it', PATIENCE);
    await untilEqual(worker, path, clients, PATIENCE);
    assertNothingLost(clients, count);

    // One flush begins a window, and the next one is at its end, however long the edits took to come.
    const most = 1 + Math.ceil(milliseconds / windowOf(count));
    const rows = (await sinceWake(worker, path)).rows_written - before;
    letSleep();
    const frames = Math.max(...received(clients));
    const took = `${edits} edits of ${count} clients in ${milliseconds.toFixed(0)} ms`;
    console.log(`${took}: ${rows} rows written, ${frames} frames; at most ${most}`);
    assert.ok(frames >= 1 && frames <= most, `${frames} frames, not at most ${most}`);
    // Some rows more where level 0 was full and has been folded.
    assert.ok(rows >= 1 && rows <= 2 * most, `${rows} rows`);
    if (count > 2) assert.ok(frames < edits / 10 && rows < edits / 10, 'far fewer than edits');
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
      await untilEqual(worker, path, clients, PATIENCE);
      await aMoment();
      const {journal, since_wake} = await journalOf(worker, path);
      return {rows: since_wake.rows_written - before, begun: journal.at(-1).entries === 1};
    };
    forget(clients);
    const first = await edit(1);
    assert.deepEqual([author.traffic.sent.length, author.traffic.received.length], [1, 0]);
    assert.ok(others.every(({traffic}) => traffic.sent.length === 0 && traffic.received.length === 1));
    assert.ok(first.rows === 1 || (first.begun && first.rows <= 3), `${first.rows} rows`);
    // What came before may have left a full level 0, which the first one folds. The next finds it short.
    assert.equal((await edit(2)).rows, 1);
  }
});

test('after all that the rooms sleep: the windows have ended, and no timer is left', async () => {
  for (const {path, clients} of rooms) {
    clients.slice(0, 2).forEach(({store}, index) => store.setCell('t', `last ${index}`, 'c', 1));
    await untilEqual(worker, path, clients, PATIENCE);
    assert.ok((await sinceWake(worker, path)).rows_written > 0);
  }
  // workerd takes an object with open sockets out of memory after ten seconds in which nothing was to be done for it.
  await sleep(12_000);
  for (const {path, clients} of rooms) {
    const {rows_read, rows_written} = await sinceWake(worker, path);
    assert.equal(rows_written, 0, 'constructed anew');
    assert.ok(rows_read > 0);
    assert.ok(clients.every(({traffic}) => traffic.closed === undefined));
    clients.at(-1).store.setCell('t', 'after', 'c', 'awake');
    await untilEqual(worker, path, clients, PATIENCE);
    await leaveAll(clients);
  }
});

test('clients join and come back with edits while others write without a pause: all end with the same hashes', async () => {
  const path = '/crossing';
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
      number++;
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
      await until(() => [...writers, ...returning].every(isBack), 'what was written offline to reach everybody', PATIENCE);
    }
  } finally {
    over = true;
  }
  await writing;
  const everybody = [...writers, ...returning, ...newcomers];
  await untilEqual(worker, path, everybody, PATIENCE);
  console.log(
    `${number} edits by ${writers.length}, while ${newcomers.length} joined and ${returning.length} came back 3 times`,
  );
  assert.ok(number > 20);
  assert.ok(everybody.every(({socket}) => socket.readyState === socket.OPEN));
  await aMoment();
  await leaveAll(everybody);
});

test('none of this was an error of the Worker', () =>
  [worker, stopped].forEach((server) => assert.deepEqual(server.complaints(), [])));
