// A crowd whose edits have come together leaves nothing behind that keeps its room awake. On the newest workerd alone: what
// makes an object leave memory is the runtime's.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {cleanUp} from './support/cleanup.mjs';
import {connect, leaveAll, untilEqual, versions} from './support/clients.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const sinceWake = async (path) => (await (await fetch(worker.http(`${path}?journal`))).json()).since_wake;

test('after a crowd has written at once its rooms sleep: the windows have ended, and no timer is left', async () => {
  const rooms = [];
  for (const count of [2, 50]) {
    const path = `/burst/${count}`;
    const version = (index) => versions[index % versions.length];
    const clients = await Promise.all(Array.from({length: count}, (_, index) => connect(version(index), worker.ws(path))));
    rooms.push({path, clients});
    for (const time of ['first', 'last']) {
      clients.forEach(({store}, index) => store.setCell('rows', `row ${index}`, 'c', `${time} of ${index}`));
    }
    await untilEqual(worker, path, clients);
    assert.ok((await sinceWake(path)).rows_written > 0);
  }
  for (const {path, clients} of rooms) {
    // workerd takes an object with open sockets out of memory after ten seconds in which nothing was to be done for it.
    await until(async () => {
      await sleep(12_000);
      return (await sinceWake(path)).rows_written === 0;
    }, `${path} to be constructed anew`);
    assert.ok((await sinceWake(path)).rows_read > 0);
    assert.ok(clients.every(({traffic}) => traffic.closed === undefined));
    clients.at(-1).store.setCell('t', 'after', 'c', 'awake');
    await untilEqual(worker, path, clients);
    await leaveAll(clients);
  }
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
