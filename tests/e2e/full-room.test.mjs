// A room that is full: what exists can be edited, by whoever is there and by whoever comes back with edits made meanwhile.
// What is new is refused cell by cell, and nobody is closed for it.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, connectAll, leaveAll, versions} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {begunClient, body, hlc} from './support/raw.mjs';
import {SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {until, untilQuiet} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const LIMIT = 1_000_000;
const worker = await startWorker({settings: {MAX_MEMORY_BYTES: String(LIMIT)}});
const network = await startNetwork(worker);
after(cleanUp);

const text = (length) => 'x'.repeat(length);
const rowsOf = async (path) => (await worker.content(path))?.[0][0].t[0] ?? {};
const row = (id, value) => `\n${body('edit', 3, [[{t: [{[id]: [{c: [value, hlc()]}]}]}], [{}], 1])}`;

/** Fills a room until it takes nothing more, and answers the rows it holds. */
const fill = async (path) => {
  const author = await begunClient(worker.ws(path));
  let held = -1;
  for (let row_ = 0, now = 0; held !== now; row_++) {
    held = now;
    author.send(row(`row ${row_}`, text(90_000)));
    // Answered after it has been taken in.
    author.send(`\n${body(`q${row_}`, 1, '')}`);
    await until(() => author.traffic.closed || author.traffic.received.some((frame) => frame.includes(`"q${row_}"`)), 'an answer');
    if (author.traffic.closed) break;
    now = Object.keys(await rowsOf(path)).length;
  }
  author.socket.close();
  return Object.keys(await rowsOf(path));
};

/** Rows as large as the room is. */
const addRows = (store, name) => {
  for (let number = 0; number < 12; number++) store.setCell('t', `${name} ${number}`, 'c', text(90_000));
};

test('edits made offline, of what exists, arrive in a full room beside new rows, and nobody is closed', async () => {
  const path = '/full/offline';
  const kept = await fill(path);
  assert.ok(kept.length >= versions.length, `${kept.length} rows`);
  const witness = await connect('10.0', worker.ws(path));
  const sockets = versions.map(() => new SteadyWebSocket(network.ws(path), undefined, {...atOnce, maxEnqueuedMessages: 0}));
  const clients = await Promise.all(versions.map((version, index) => connect(version, undefined, {socket: sockets[index]})));
  await until(() => clients.every(({store}) => store.getRowCount('t') === kept.length), 'everybody to hold everything');
  const closes = [];
  sockets.forEach((socket, index) => (socket.onclose = ({code}) => closes.push([versions[index], code])));

  for (let time = 0; time < 3; time++) {
    network.cut();
    await until(() => sockets.every(({readyState}) => readyState !== WebSocket.OPEN), 'the cut');
    closes.length = 0;
    clients.forEach(({store, version}, index) => {
      addRows(store, `new by ${version}, ${time}`);
      store.setCell('t', kept[index], 'c', `${version} offline ${time}`);
    });
    network.mend();
    const isThere = ({store}) => versions.every((version, index) => store.getCell('t', kept[index], 'c') === `${version} offline ${time}`);
    await until(() => isThere(witness), () => {
      const held = versions.map((_, index) => String(witness.store.getCell('t', kept[index], 'c')).slice(0, 20));
      return `the edits of what exists, not ${held}; closed: ${closes.join(' ')}`;
    });
    await until(() => clients.every(isThere), 'everybody to have them');
  }
  assert.deepEqual(closes, []);
  assert.equal(witness.traffic.closed, undefined);
  const stored = await rowsOf(path);
  versions.forEach((version, index) => assert.equal(stored[kept[index]][0].c[0], `${version} offline 2`));
  await leaveAll([witness, ...clients]);
});

test('whoever edits in a full room is heard, and loses only what is new', async () => {
  const path = '/full/live';
  const kept = await fill(path);
  const clients = await connectAll(worker.ws(path));
  await until(() => clients.every(({store}) => store.getRowCount('t') === kept.length), 'everybody to hold everything');
  for (const [index, {store, version}] of clients.entries()) {
    // One change: what is new in it, and what is not.
    store.transaction(() => {
      addRows(store, `new by ${version}`);
      store.setCell('t', kept[index], 'c', `by ${version}`);
    });
    const isHeard = ({store}) => store.getCell('t', kept[index], 'c') === `by ${version}`;
    await until(() => clients.every(isHeard), () => `the edit by ${version}; closed: ${clients.map(({traffic}) => traffic.closed?.code)}`);
  }
  // What was refused is not talked about for ever.
  await untilQuiet(() => clients.reduce((sum, {traffic}) => sum + traffic.sent.length + traffic.received.length, 0));
  assert.deepEqual(clients.filter(({traffic}) => traffic.closed), []);
  await leaveAll(clients);
});

test('the log says it once of each connection, and nothing else', () => {
  const complaints = worker.complaints().map(({message}) => message);
  assert.ok(complaints.length > 0);
  for (const complaint of complaints) assert.match(complaint, /refused: \d+ for which there is no room/);
  const connections = complaints.map((complaint) => complaint.split(' ')[0]);
  assert.equal(new Set(connections).size, connections.length);
});
