// What compression buys, and how a Worker declines it.
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {after, test} from 'node:test';
import {WebSocket} from 'ws';
import {cleanUp} from './support/cleanup.mjs';
import {begunClient, body, hlc} from './support/raw.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);

const ROWS = 1000;

/** A socket that offers compression, as browsers do: what was taken of it, and how many bytes all of a room took. */
const sync = async (worker, path) => {
  const socket = new WebSocket(await worker.directWs(path));
  const frames = [];
  socket.on('message', (data) => frames.push(String(data)));
  const [[{headers}]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')]);
  socket.send(`S\n${body('all', 4, {})}`);
  await until(() => frames.some((frame) => frame.startsWith('S\n["all",0')), 'all there is');
  const bytes = socket._socket.bytesRead;
  assert.ok(frames.some((frame) => frame.includes(`"row${ROWS - 1}"`)));
  socket.terminate();
  return {taken: headers['sec-websocket-extensions'], bytes};
};

const filled = async (options) => {
  const worker = await startWorker(options);
  const author = await begunClient(worker.ws('/compression'));
  const rows = Array.from({length: ROWS}, (_, n) => [`row${n}`, [{a: [`text ${n}`, hlc()], b: [n, hlc()]}]]);
  author.send(`\n${body(null, 3, [[{t: [Object.fromEntries(rows)]}], [{}], 1])}`);
  author.send(`\n${body('q', 1, '')}`);
  await until(() => author.traffic.received.length > 0, 'an answer, when the content has been taken in');
  return worker;
};

test('compression is taken as wrangler.toml stands, and declined with a compatibility flag', async () => {
  const [taking, declining] = [await filled(), await filled({flags: ['no_web_socket_compression']})];
  const [small, large] = [await sync(taking, '/compression'), await sync(declining, '/compression')];
  console.log(`all there is takes ${small.bytes} bytes compressed, ${large.bytes} not`);
  assert.match(small.taken, /permessage-deflate/);
  assert.equal(large.taken, undefined);
  assert.ok(small.bytes * 4 < large.bytes);
  assert.deepEqual([taking, declining].flatMap((worker) => worker.complaints()), []);
});
