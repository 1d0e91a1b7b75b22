// The snippet that the README gives to apps, word for word but for the host.
import assert from 'node:assert/strict';
import {readFile, rm, writeFile} from 'node:fs/promises';
import {after, test} from 'node:test';
import {atTheEnd, cleanUp} from './support/cleanup.mjs';
import {connect, untilEqual} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
const network = await startNetwork(worker);
after(cleanUp);

const path = '/todo/42';
const address = `'wss://your-host${path}'`;

/** Runs the snippet as a module of its own, which must make a `store`, a `socket` and a `synchronizer`. */
const runSnippet = async () => {
  const readme = await readFile('README.md', 'utf8');
  const [, snippet] = readme.match(/^```js\n(.*?)^```$/ms) ?? assert.fail('there is no snippet in the README');
  assert.ok(snippet.includes(address), `the snippet connects to ${address}`);
  // Beside this file, so that it finds the packages.
  const file = new URL('readme.snippet.mjs', import.meta.url);
  atTheEnd(() => rm(file, {force: true}));
  await writeFile(
    file,
    `${snippet.replace(address, `'${network.ws(path)}'`)}\nexport {store, socket, synchronizer};\n`,
  );
  const app = await import(file);
  atTheEnd(() => app.socket.close());
  return app;
};

test('it syncs, and goes on by itself after the network was away', async () => {
  const {store, socket, synchronizer} = await runSnippet();
  const app = {version: 'the snippet', store};
  const other = await connect('10.0', worker.ws(path));
  store.setValue('by the snippet', 1);
  other.store.setValue('by another', 1);
  await untilEqual(worker, path, [app, other]);
  assert.deepEqual(store.getValueIds().sort(), ['by another', 'by the snippet']);

  network.cut();
  await until(() => socket.readyState !== socket.OPEN, 'the socket to break');
  store.setValue('meanwhile, by the snippet', 1);
  other.store.setValue('meanwhile, by another', 1);
  network.mend();
  await until(() => socket.readyState === socket.OPEN, 'the socket to come back', 10);
  await untilEqual(worker, path, [app, other]);
  assert.equal(store.getValueIds().length, 4);

  await synchronizer.destroy();
  assert.equal(socket.readyState, socket.CLOSED);
  await other.leave();
});
