// What a room is for: to be there when others are not.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, createStore, hashesOf, leaveAll, untilEqual, versions} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {ReconnectingWebSocket, SteadyWebSocket, atOnce, stayInRoom} from './support/reconnecting.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
const network = await startNetwork(worker);
after(cleanUp);

/** Waits until a client's edit has gone out: TinyBase lets it go only after the current task. */
const untilSent = ({traffic}) =>
  until(() => traffic.sent.some((frame) => /^\n\[[^,]*,3,/.test(frame)), 'an edit to be on its way');

for (const [author, reader] of [
  ['5.0', '10.0'],
  ['10.0', '5.0'],
  ['7.3', '8.5'],
]) {
  test(`A (${author}) edits and leaves, B (${reader}) comes later and sees it`, async () => {
    const path = `/later/${author}`;
    const a = await connect(author, worker.ws(path));
    a.store.transaction(() => a.store.setCell('pets', 'fido', 'kind', 'dog').setValue('open', true));
    await untilSent(a);
    await a.leave();

    const b = await connect(reader, worker.ws(path));
    await untilEqual(worker, path, [a, b]);
    assert.equal(b.store.getCell('pets', 'fido', 'kind'), 'dog');
    b.store.transaction(() => b.store.setCell('pets', 'felix', 'kind', 'cat').delValue('open'));
    await untilSent(b);
    await b.leave();

    // The next day: the room has long been out of memory.
    await worker.evict(path.slice(1), 'close');
    const c = await connect(reader, worker.ws(path));
    await untilEqual(worker, path, [b, c]);
    assert.deepEqual(c.store.getRowIds('pets'), ['fido', 'felix']);
    assert.deepEqual(c.store.getValueIds(), []);
    await c.leave();
  });
}

test('rooms keep apart', async () => {
  const here = await connect('10.0', worker.ws('/apart'));
  const there = await connect('10.0', worker.ws('/apart/'));
  here.store.setValue('where', 'here');
  there.store.setValue('where', 'there');
  await untilEqual(worker, '/apart', [here]);
  await untilEqual(worker, '/apart/', [there]);
  assert.deepEqual([here.store.getValue('where'), there.store.getValue('where')], ['here', 'there']);
  await leaveAll([here, there]);
});

/** A and B are in a room, A goes offline and comes back; both have edited meanwhile. */
const offlineAndBack = async (path, a, offline, online) => {
  const b = await connect('10.0', worker.ws(path));
  a.store.setRow('pets', 'fido', {kind: 'dog', age: 1, weight: 10});
  await untilEqual(worker, path, [a, b]);

  await offline();
  b.store.setCell('pets', 'fido', 'age', 2);
  a.store.setCell('pets', 'fido', 'weight', 11);
  // Two edits in one millisecond would be ordered by the ids of their authors.
  const now = Date.now();
  await until(() => Date.now() > now, 'the next millisecond');
  a.store.setCell('pets', 'fido', 'age', 3);
  b.store.setCell('pets', 'fido', 'weight', 12);
  a.store.setRow('pets', 'felix', {kind: 'cat'}).delCell('pets', 'fido', 'kind');
  b.store.setRow('pets', 'rex', {kind: 'lizard'}).setValue('open', true);
  await until(async () => (await worker.content(path))[1][0].open, 'what B does while A is offline');
  assert.equal(b.store.hasRow('pets', 'felix'), false, 'A is offline indeed');
  assert.equal(a.store.hasRow('pets', 'rex'), false, 'A is offline indeed');

  await online();
  await untilEqual(worker, path, [a, b]);
  for (const {store} of [a, b]) {
    assert.deepEqual(JSON.parse(store.getTablesJson()), {
      pets: {fido: {age: 3, weight: 12}, felix: {kind: 'cat'}, rex: {kind: 'lizard'}},
    });
    assert.equal(store.getValue('open'), true);
  }

  a.store.setValue('still', 'A');
  b.store.setValue('there', 'B');
  await untilEqual(worker, path, [a, b]);
  assert.deepEqual([a.store.getValue('there'), b.store.getValue('still')], ['B', 'A']);
  await b.leave();
};

/** Runs the story with a client whose own network fails. */
const offlineAndBackOn = async (version, Socket, options) => {
  const path = `/offline/${version}/${Socket.name}/${Object.values(options)}`;
  const socket = new Socket(network.ws(path), undefined, {...atOnce, ...options});
  const closed = () => socket.readyState === socket.CLOSED || socket.readyState === socket.CONNECTING;
  const a = await connect(version, undefined, {socket});
  const offline = async () => {
    network.cut();
    await until(closed, 'the socket to break');
  };
  const online = () => network.mend();
  await offlineAndBack(path, a, offline, online);
  await a.leave();
};

for (const version of versions) {
  test(`A (${version}) goes offline, edits, its steady socket reconnects, both see everything`, () =>
    offlineAndBackOn(version, SteadyWebSocket, {}));

  // With nothing queued in the socket, what A did offline can reach the room only if the room asks for it.
  test(`A (${version}) is made whole by the room alone, where its socket queues nothing`, () =>
    offlineAndBackOn(version, SteadyWebSocket, {maxEnqueuedMessages: 0}));

  test(`A (${version}) goes offline, edits, makes a new socket and synchronizer, both see everything`, async () => {
    const path = `/offline/${version}/new`;
    const store = await createStore(version);
    const leave = stayInRoom(version, network.ws(path), store);
    const online = () => network.mend();
    await offlineAndBack(path, {version, store}, network.cut, online);
    leave();
  });
}

for (const version of versions) {
  test(`A (${version}) starts offline, edits, and is in the room once its steady socket connects`, async () => {
    const path = `/offline/${version}/start`;
    const b = await connect('10.0', worker.ws(path));
    b.store.setCell('pets', 'rex', 'kind', 'lizard');
    network.cut();
    const store = await createStore(version);
    const socket = new SteadyWebSocket(network.ws(path), undefined, atOnce);
    const connecting = connect(version, undefined, {store, socket});
    store.setCell('pets', 'fido', 'kind', 'dog');
    await until(() => socket.retryCount > 2, 'some attempts in vain');
    network.mend();
    const a = await connecting;
    await untilEqual(worker, path, [a, b]);
    assert.deepEqual(b.store.getRowIds('pets').sort(), ['fido', 'rex']);
    await leaveAll([a, b]);
  });
}

// 9.7 and 10.0 go deaf at a socket's first close event, so a socket that reconnects under them has to hide it.
for (const version of versions.filter((version) => parseInt(version) < 9)) {
  test(`A (${version}) goes offline, edits, its plain reconnecting socket reconnects, both see everything`, () =>
    offlineAndBackOn(version, ReconnectingWebSocket, {maxEnqueuedMessages: 0}));
}

test('A comes back while the room still takes its old connection for alive', async () => {
  const path = '/offline/ghost';
  const socket = new SteadyWebSocket(network.ws(path), undefined, {...atOnce, maxEnqueuedMessages: 0});
  const a = await connect('10.0', undefined, {socket});
  await offlineAndBack(
    path,
    a,
    () => network.cut({silent: true}),
    () => network.mend(),
  );
  await a.leave();
});

test('the room is evicted with its sockets asleep; the next edit arrives and is kept', async () => {
  const path = '/hibernating';
  const clients = await Promise.all(versions.map((version) => connect(version, worker.ws(path))));
  clients[0].store.setCell('t', 'r', 'before', 1);
  await untilEqual(worker, path, clients);
  for (const author of clients) {
    await worker.evict(path.slice(1), 'hibernate');
    author.store.setCell('t', 'r', author.version, 'after');
    await untilEqual(worker, path, clients);
    for (const {store} of clients) assert.equal(store.getCell('t', 'r', author.version), 'after');
  }
  assert.ok(
    clients.every(({traffic}) => traffic.closed === undefined),
    'no socket was closed',
  );
  await leaveAll(clients);
});

test('the room is evicted and its sockets are cut; all come back, and what they did meanwhile too', async () => {
  const path = '/cut-off';
  const clients = await Promise.all(
    versions.map((version) =>
      connect(version, undefined, {
        socket: new SteadyWebSocket(worker.ws(path), undefined, {...atOnce, maxEnqueuedMessages: 0}),
      }),
    ),
  );
  clients[0].store.setCell('t', 'r', 'before', 1);
  await untilEqual(worker, path, clients);
  await worker.evict(path.slice(1), 'close');
  for (const {store, version} of clients) store.setCell('t', 'r', version, 'after');
  await untilEqual(worker, path, clients);
  assert.equal(clients[0].store.getCellIds('t', 'r').length, versions.length + 1);
  await leaveAll(clients);
});

test('workerd is killed and started on the same storage, and nothing is gone', async () => {
  const restarted = await startWorker();
  const paths = ['/', '/one', '/two/levels'];
  const stayed = [];
  for (const path of paths) {
    const options = {socket: new SteadyWebSocket(restarted.ws(path), undefined, {...atOnce, maxEnqueuedMessages: 0})};
    const clients = [
      await connect('10.0', undefined, options),
      await connect('5.4', restarted.ws(path)),
      await connect('9.7', restarted.ws(path)),
    ];
    for (const {version, store} of clients) {
      store.setTable(path, {[version]: {cell: 1, gone: 2}}).delCell(path, version, 'gone').setValue(version, path);
    }
    stayed.push({path, client: clients[0], stored: await untilEqual(restarted, path, clients)});
  }
  await restarted.kill();
  await until(() => stayed.every(({client}) => client.socket.readyState !== client.socket.OPEN), 'the break');
  for (const {client} of stayed) client.store.setValue('while it was down', 1);
  const offline = stayed.map(({client}) => hashesOf(client).join());
  await restarted.start();

  for (const {path, client, stored} of stayed) {
    const newcomer = await connect('8.5', restarted.ws(path));
    const now = await untilEqual(restarted, path, [client, newcomer]);
    assert.deepEqual(now[0], stored[0]);
    assert.deepEqual({...now[1][0], ...stored[1][0]}, now[1][0]);
    assert.equal(newcomer.store.getValue('while it was down'), 1);
    assert.deepEqual(newcomer.store.getRowIds(path), ['10.0', '5.4', '9.7']);
    assert.deepEqual(hashesOf(newcomer).join(), offline.shift());
    await newcomer.leave();
    await client.leave();
  }
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
