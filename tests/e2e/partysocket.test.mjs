// A PartySocket finds its room with no route to configure.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import PartySocket from 'partysocket';
import {cleanUp} from './support/cleanup.mjs';
import {connect, leaveAll, untilEqual} from './support/clients.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

for (const version of ['5.0', '7.3', '10.0']) {
  test(`PartySocket({host, room}) under ${version} is in the room at /parties/main/<room>`, async () => {
    const room = `home of ${version}`;
    const path = `/parties/main/${encodeURI(room)}`;
    const party = await connect(version, undefined, {socket: new PartySocket({host: worker.host, room})});
    const plain = await connect('9.7', worker.ws(path));
    party.store.setCell('pets', 'fido', 'kind', 'dog');
    plain.store.setCell('pets', 'felix', 'kind', 'cat');
    await untilEqual(worker, path, [party, plain]);
    assert.deepEqual(party.store.getRowIds('pets').sort(), ['felix', 'fido']);
    assert.deepEqual(plain.store.getRowIds('pets').sort(), ['felix', 'fido']);
    await leaveAll([party, plain]);
  });
}

test('a party of another name, and a path below the room, are rooms of their own', async () => {
  const clients = [
    ['/parties/main/home', {room: 'home'}],
    ['/parties/other/home', {room: 'home', party: 'other'}],
    ['/parties/main/home/attic', {room: 'home', path: 'attic'}],
  ];
  const connected = await Promise.all(
    clients.map(async ([path, options]) => {
      const client = await connect('10.0', undefined, {socket: new PartySocket({host: worker.host, ...options})});
      client.store.setValue('at', path);
      return [path, client];
    }),
  );
  for (const [path, client] of connected) {
    const [, [values]] = await untilEqual(worker, path, [client]);
    assert.equal(values.at[0], path);
    assert.equal(client.store.getValue('at'), path);
  }
  await leaveAll(connected.map(([, client]) => client));
});
