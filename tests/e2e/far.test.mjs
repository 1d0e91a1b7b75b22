// Clients that are far away: each answer takes longer than the second for which TinyBase waits for it.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, createStore, leaveAll, untilEqual, versions} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

/** For eight round trips of the longest line, and what a slow machine adds. */
const PATIENCE = 200;
// More than fits into one answer.
const ROWS = 1500;

/** How long a round trip takes, in seconds. */
const distances = [0.2, 1.2, 3, 10];

/** Runs a scene at each distance, in a room of its own, at the same time: there is little but waiting in it. */
const atEachDistance = (title, place, scene) =>
  test(title, {concurrency: distances.length}, (t) =>
    Promise.all(distances.map((distance) => t.test(`${distance} s away`, () => scene(distance * 500, `/far/${place}/${distance}`)))),
  );

const fill = ({store}, table, rows = ROWS) =>
  store.transaction(() => {
    for (let row = 0; row < rows; row++) store.setRow(table, `row ${row}`, {text: `${table} ${row} ${'x'.repeat(100)}`, row});
    store.setValue(table, rows).setCell(table, 'gone', 'c', 1).delRow(table, 'gone');
  });

/** What opens a socket takes a round trip as well, and by default would be given up after four seconds. */
const options = {...atOnce, connectionTimeout: PATIENCE * 1000, maxEnqueuedMessages: 0};

/** How many frames a client that comes may take part in, both ways, however far it is. */
const MOST_FRAMES = 60;

const frames = ({traffic}) => traffic.sent.length + traffic.received.length;

atEachDistance('a newcomer of any version gets what is there and gives what it has', 'newcomers', async (latencyMs, path) => {
  const network = await startNetwork(worker, {latencyMs});
  const author = await connect('10.0', worker.ws(path));
  fill(author, 'there');
  await untilEqual(worker, path, [author]);
  const newcomers = await Promise.all(
    versions.map(async (version) => {
      const store = await createStore(version);
      fill({store}, `brought by ${version}`, 20);
      return connect(version, network.ws(path), {store});
    }),
  );
  await untilEqual(worker, path, [author, ...newcomers], PATIENCE);
  assert.equal(author.store.getTableIds().length, 1 + versions.length);
  assert.equal(newcomers[0].store.getRowCount('there'), ROWS);
  for (const client of newcomers) {
    assert.ok(frames(client) <= MOST_FRAMES, `${frames(client)} frames of ${client.version}`);
    assert.equal(client.traffic.closed, undefined);
  }
  await leaveAll([author, ...newcomers]);
});

atEachDistance('whoever comes back gets what it missed and gives what it made meanwhile', 'back', async (latencyMs, path) => {
  const network = await startNetwork(worker);
  const author = await connect('10.0', worker.ws(path));
  const sockets = versions.map(() => new SteadyWebSocket(network.ws(path), undefined, options));
  const others = await Promise.all(versions.map((version, index) => connect(version, undefined, {socket: sockets[index]})));
  fill(author, 'before', 20);
  await untilEqual(worker, path, [author, ...others]);
  network.cut();
  await until(() => sockets.every(({readyState}) => readyState !== WebSocket.OPEN), 'the cut');
  fill(author, 'missed');
  others.forEach((client) => fill(client, `made by ${client.version}`, 20));
  await untilEqual(worker, path, [author]);
  others.forEach(({traffic}) => (traffic.sent.length = traffic.received.length = 0));
  network.become({latencyMs});
  network.mend();
  await untilEqual(worker, path, [author, ...others], PATIENCE);
  assert.equal(author.store.getTableIds().length, 2 + versions.length);
  for (const client of others) assert.ok(frames(client) <= MOST_FRAMES, `${frames(client)} frames of ${client.version}`);
  await leaveAll([author, ...others]);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
