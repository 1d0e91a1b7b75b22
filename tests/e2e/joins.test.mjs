// What a join costs: the same few frames in any crowd, and none to anyone else.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, leaveAll, untilEqual, versions} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {withoutProbes} from './support/reading.mjs';
import {SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {aMoment, until, untilQuiet} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
const network = await startNetwork(worker);
after(cleanUp);

const frames = ({traffic}) => traffic.sent.length + traffic.received.length;

const forget = (clients) => {
  for (const {traffic} of clients) [traffic.sent.length, traffic.received.length] = [0, 0];
};

/** A room with content and so many clients, who have nothing more to say. */
const crowd = async (path, count) => {
  const clients = [];
  // Some at a time: as many at once as there are versions.
  while (clients.length < count) {
    const wave = versions.slice(clients.length - count).toReversed();
    clients.push(...(await Promise.all(wave.map((version) => connect(version, worker.ws(path))))));
  }
  const {store} = clients[0];
  store.setTables({pets: {fido: {kind: 'dog', age: 3}, felix: {kind: 'cat'}}}).setValue('open', true);
  store.delCell('pets', 'fido', 'age');
  await untilEqual(worker, path, clients);
  await untilQuiet(() => clients.reduce((sum, client) => sum + frames(client), 0));
  forget(clients);
  return clients;
};

const assertNothingHeard = (clients) => assert.deepEqual(clients.map(frames), clients.map(() => 0));

const assertAtMost = (limit, clients) => {
  for (const client of clients) {
    assert.ok(frames(client) <= limit, `${client.version}: ${JSON.stringify(client.traffic, null, 1)}`);
  }
};

for (const count of [2, 50, 500]) {
  test(`a new client joins a room of ${count}: at most 8 frames both ways, and none to anyone else`, async () => {
    const path = `/join/${count}`;
    const clients = await crowd(path, count);
    const newcomers = [];
    for (const version of versions) {
      const newcomer = await connect(version, worker.ws(path));
      await untilEqual(worker, path, [...clients, newcomer]);
      newcomers.push(newcomer);
    }
    // What the later ones do must cost the earlier ones nothing either.
    await aMoment();
    console.log(`frames of the newcomers to ${count}: ${newcomers.map(frames)}`);
    assertAtMost(8, newcomers);
    await leaveAll(newcomers);
    await aMoment();
    assertNothingHeard(clients);
    await leaveAll(clients);
  });
}

for (const count of [2, 50, 500]) {
  test(`a client that has everything joins a room of ${count} anew: at most 4 frames, and none to anyone else`, async () => {
    const path = `/rejoin/${count}`;
    const clients = await crowd(path, count);
    const returned = [];
    for (const version of versions) {
      const first = await connect(version, worker.ws(path));
      await untilEqual(worker, path, [...clients, first]);
      await first.leave();
      returned.push(await connect(version, worker.ws(path), {store: first.store}));
    }
    await untilEqual(worker, path, [...clients, ...returned]);
    await aMoment();
    assertAtMost(4, returned);
    assertNothingHeard(clients);
    await leaveAll([...clients, ...returned]);
  });

  test(`a socket reconnects to a room of ${count} with nothing to exchange: at most 4 frames, none to anyone else`, async () => {
    const path = `/reconnect/${count}`;
    const clients = await crowd(path, count);
    const returning = await Promise.all(
      versions.map((version) =>
        connect(version, undefined, {socket: new SteadyWebSocket(network.ws(path), undefined, atOnce)}),
      ),
    );
    await untilEqual(worker, path, [...clients, ...returning]);
    await untilQuiet(() => returning.reduce((sum, client) => sum + frames(client), 0));
    forget(returning);
    network.cut();
    await until(() => returning.every(({socket}) => socket.readyState !== socket.OPEN), 'the sockets to break');
    network.mend();
    await until(() => returning.every((client) => frames(client) >= 2), 'a greeting and an answer for each');
    await aMoment();
    assertAtMost(4, returning);
    assertNothingHeard(clients);
    await untilEqual(worker, path, [...clients, ...returning]);
    await leaveAll([...clients, ...returning]);
  });
}

test('an edit is one frame in, and one out to each other client', async () => {
  const path = '/edit';
  const clients = await crowd(path, versions.length);
  for (const author of clients) {
    author.store.setCell('pets', 'fido', 'seen by', author.version);
    await untilEqual(worker, path, clients);
  }
  await aMoment();
  for (const {version, traffic} of clients) {
    const counts = [traffic.sent, traffic.received].map((frames) => withoutProbes(frames).length);
    assert.deepEqual(counts, [1, versions.length - 1], version);
  }
  await leaveAll(clients);
});
