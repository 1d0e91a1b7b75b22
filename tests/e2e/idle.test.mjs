// Content on which the hashes of clients and room can never agree, or that TinyBase hashes anew at each merge, must not
// keep them talking.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {atTheEnd, cleanUp} from './support/cleanup.mjs';
import {createStore, createSynchronizer, versions, watch} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {withoutProbes} from './support/reading.mjs';
import {SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {aMoment, until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
const network = await startNetwork(worker);
after(cleanUp);

/** How many frames a client has sent and received, but for probes and their answers, of which there are more the more others write. */
const frames = ({traffic}) => [traffic.sent, traffic.received].reduce((sum, list) => sum + withoutProbes(list).length, 0);

const forget = (clients) => {
  for (const {traffic} of clients) [traffic.sent.length, traffic.received.length] = [0, 0];
};

/** A client that stays in a room through breaks of the network. */
const join = async (version, path, prepare, index) => {
  const store = await createStore(version);
  const initialContent = prepare(store, index);
  const socket = new SteadyWebSocket(network.ws(path), undefined, atOnce);
  atTheEnd(() => socket.close());
  const client = {version, store, socket, traffic: watch(socket)};
  client.synchronizer = await createSynchronizer(version, store, socket);
  await client.synchronizer.startSync(initialContent);
  return client;
};

const reconnect = async (clients) => {
  network.cut();
  await until(() => clients.every(({socket}) => socket.readyState !== socket.OPEN), 'the sockets to break');
  network.mend();
  await until(() => clients.every((client) => frames(client) >= 2), 'a greeting and an answer for each');
};

/** Waits until nobody has said anything for a moment. */
const untilQuiet = async (clients) => {
  const total = () => clients.reduce((sum, client) => sum + frames(client), 0);
  for (let before = -1, rounds = 0; before !== total(); rounds++) {
    assert.ok(rounds < 40, `no end of it: ${total()} frames`);
    before = total();
    await aMoment();
  }
};

/** The rows of a room's journal, as it lists them. */
const journalOf = async ({path}) => (await (await fetch(worker.http(`${path}?journal`))).json()).journal;

/** Two clients of each version in a room for each, and one of each version in one room. */
const rooms = [
  ...versions.map((version) => ({name: version, members: [version, version]})),
  {name: 'all', members: versions},
];

const isFive = (version) => version.startsWith('5.');

/**
 * What each client brings, and how many frames a reconnect may cost it, both ways together: a greeting and its answer
 * where client and room agree; a pull either way where they never will.
 */
const scenes = [
  {
    title: 'both hold a value and a cell with no HLC',
    place: 'bare',
    prepare: (store, index) => {
      const things = {shared: index, [`own ${index}`]: 1};
      store.setDefaultContent([{t: {r: things}}, things]);
    },
    // Up to 5.4.9 a client hashes what it receives with no HLC in a way of its own, and never agrees again.
    atReconnect: (version) => (isFive(version) ? 19 : 2),
  },
  {
    title: 'both begin to sync with initial content',
    place: 'initial',
    prepare: (_store, index) => {
      const things = {shared: index, [`own ${index}`]: 1};
      return [{t: {r: things}}, things];
    },
    // Who comes second has content by then, the first one's: only that one received it.
    atReconnect: (version, index) => (isFive(version) && index > 0 ? 19 : 2),
  },
  {
    title: 'both hold empty rows and tables',
    place: 'empty',
    prepare: (store, index) => {
      store.applyMergeableChanges([[{t: [{r: [{}], [`own ${index}`]: [{}]}], [`e${index}`]: [{}]}], [{}], 1]);
      store.setCell('t', 's', `own ${index}`, 1);
    },
    // The room holds no row without cells, so that the hashes of those who do differ from its own.
    atReconnect: () => 11,
  },
];

/**
 * How many frames a client's join may cost it, with what those bring who join after it: two changes of theirs, what the
 * room pushes, and one full round of questions and answers. How many of these rounds fall together is a matter of pace.
 */
const atJoin = (later) => 30 + 15 * later;

for (const {title, place, prepare, atReconnect} of scenes) {
  test(`${title}: silence, and few frames at each reconnect, the same each time`, async () => {
    const all = await Promise.all(
      rooms.map(async ({name, members}) => {
        const path = `/${place}/${name}`;
        const clients = [];
        for (const [index, version] of members.entries()) {
          clients.push(await join(version, path, prepare, index));
          await until(() => worker.content(path), 'the room to hold something');
        }
        return {path, clients};
      }),
    );
    const clients = all.flatMap((room) => room.clients);
    await untilQuiet(clients);
    for (const room of all) {
      const counts = room.clients.map(frames);
      for (const [index, count] of counts.entries()) {
        const most = atJoin(counts.length - 1 - index);
        assert.ok(count <= most, `${most} frames for ${room.clients[index].version} in ${room.path}, not one of ${counts}`);
      }
    }

    forget(clients);
    const journals = await Promise.all(all.map(journalOf));
    for (const rows of journals) assert.ok(rows.length > 0);
    for (let time = 0; time < 3; time++) {
      await reconnect(clients);
      await untilQuiet(clients);
      for (const room of all) {
        room.clients.forEach((client, index) => {
          const most = atReconnect(client.version, index);
          const counts = room.clients.map(frames);
          assert.ok(frames(client) <= most, `${most} frames for ${client.version} in ${room.path}, not one of ${counts}`);
        });
      }
      forget(clients);
    }
    // Nothing that was said over and over was written again.
    assert.deepEqual(await Promise.all(all.map(journalOf)), journals);

    for (const room of all) room.clients[0].store.setValue('after', true);
    await until(() => clients.every(({store}) => store.getValue('after')), 'an edit to reach everybody');
    for (const {synchronizer, socket} of clients) {
      await synchronizer.destroy();
      socket.close();
    }
  });
}

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
