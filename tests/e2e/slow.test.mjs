// A line over which an answer takes longer than a client waits for it, which is a second. What does not come as an answer
// comes as changes, for which there is no time.
import assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, leaveAll, unanswered, untilEqual, versions} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

// Content that takes three seconds.
const ROWS = 1000;
const CELL_BYTES = 750;
const BYTES_PER_SECOND = 350_000;

const worker = await startWorker();
const network = await startNetwork(worker, {down: BYTES_PER_SECOND});
after(cleanUp);

const fill = ({store}, table) =>
  store.transaction(() => {
    // A text that no socket could make shorter.
    for (let row = 0; row < ROWS; row++) store.setCell(table, `${row}`, 'c', randomBytes(CELL_BYTES).toString('base64'));
  });

test('over a slow line a large room arrives, at a newcomer of any version', async () => {
  const path = '/slow/newcomers';
  const author = await connect('10.0', worker.ws(path));
  fill(author, 'large');
  await untilEqual(worker, path, [author]);
  const newcomers = await Promise.all(versions.map((version) => connect(version, network.ws(path))));
  await untilEqual(worker, path, [author, ...newcomers]);
  await leaveAll([author, ...newcomers]);
});

test('over a slow line whoever comes back gets what it missed, and no answer comes too late', async () => {
  const path = '/slow/back';
  const author = await connect('10.0', worker.ws(path));
  author.store.setCell('small', 'r', 'c', 1);
  const sockets = versions.map(() => new SteadyWebSocket(network.ws(path), undefined, atOnce));
  const others = await Promise.all(versions.map((version, index) => connect(version, undefined, {socket: sockets[index]})));
  await untilEqual(worker, path, [author, ...others]);
  network.cut();
  await until(() => sockets.every(({readyState}) => readyState !== WebSocket.OPEN), 'the cut');
  fill(author, 'large');
  await untilEqual(worker, path, [author]);
  network.mend();
  await untilEqual(worker, path, [author, ...others]);
  assert.deepEqual(others.flatMap(unanswered), []);
  await leaveAll([author, ...others]);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
