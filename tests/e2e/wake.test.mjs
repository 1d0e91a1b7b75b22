// A room that sleeps while its sockets are open, and what wakes it. Nobody must hear more than what the waker says.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, leaveAll, untilEqual} from './support/clients.mjs';
import {begunClient, begunClients, body, changes, hlc} from './support/raw.mjs';
import {aMoment, until, untilQuiet} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const edit = (id, value) => body('edit', 3, changes({[id]: [value, hlc()]}));

/** Three clients in a room that holds something and sleeps, and the ids by which they know each other. */
const asleep = async (path) => {
  const clients = await begunClients(worker.ws(path), 3);
  const ids = [];
  for (const [index, client] of clients.entries()) {
    client.send(`\n${edit('before', index)}`);
    for (const other of clients.filter((other) => other !== client)) {
      await until(() => other.traffic.received.length > 0, 'what is said before');
      [ids[index]] = other.heard()[0].split('\n');
    }
  }
  const content = await worker.content(path);
  await worker.evict(path.slice(1), 'hibernate');
  return {clients, ids, content};
};

/** Waits for so many frames to each, and that no more come. */
const hear = async (clients, ...counts) => {
  await until(
    () => clients.every(({traffic}, index) => traffic.received.length >= counts[index]),
    () => `${counts} frames, not ${clients.map(({traffic}) => traffic.received.length)}`,
  );
  await aMoment();
  assert.deepEqual(clients.map(({traffic}) => traffic.received.length), counts);
  assert.deepEqual(clients.map(({traffic}) => traffic.closed), clients.map(() => undefined));
  return clients.map((client) => client.heard());
};

test('an edit that wakes the room is merged, kept, and relayed once to each other client', async () => {
  const path = '/wake/edit';
  const {clients, ids} = await asleep(path);
  const message = edit('after', 'awake');
  clients[0].send(`\n${message}`);
  const frame = `${ids[0]}\n${message}`;
  assert.deepEqual(await hear(clients, 0, 1, 1), [[], [frame], [frame]]);
  const [[tables]] = await worker.content(path);
  assert.deepEqual(Object.keys(tables.t[0].r[0]).sort(), ['after', 'before']);
  assert.equal(tables.t[0].r[0].after[0], 'awake');
});

test('an edit that wakes the room and loses the merge is relayed to nobody', async () => {
  const older = hlc();
  const {clients, content} = await asleep('/wake/loser');
  clients[0].send(`\n${body('edit', 3, changes({before: ['too late', older]}))}`);
  await hear(clients, 0, 0, 0);
  assert.deepEqual(await worker.content('/wake/loser'), content);
});

test('a request that wakes the room is answered from what it has kept, and heard by nobody else', async () => {
  const {clients, content} = await asleep('/wake/request');
  clients[2].send(`\n${body('q', 1, '')}`);
  const [, , [answer]] = await hear(clients, 0, 0, 1);
  assert.equal(answer, `S\n${body('q', 0, [content[0][2], content[1][2]])}`);
});

test('a change for one client wakes the room, and finds its way to all', async () => {
  const {clients, ids} = await asleep('/wake/one');
  const message = edit('after', 'awake');
  clients[0].send(`${ids[1]}\n${message}`);
  const frame = `${ids[0]}\n${message}`;
  assert.deepEqual(await hear(clients, 0, 1, 1), [[], [frame], [frame]]);
});

test('a question to another client wakes the room, and is heard by nobody', async () => {
  const {clients, ids} = await asleep('/wake/question');
  clients[0].send(`${ids[1]}\n["q",4,{}]`);
  await hear(clients, 0, 0, 0);
});

test('somebody who comes, goes or reads wakes the room for nobody else', async () => {
  const path = '/wake/others';
  const {clients, content} = await asleep(path);
  assert.deepEqual(await worker.content(path), content);
  await hear(clients, 0, 0, 0);

  await worker.evict(path.slice(1), 'hibernate');
  const guest = await begunClient(worker.ws(path));
  await hear(clients, 0, 0, 0);

  await worker.evict(path.slice(1), 'hibernate');
  guest.socket.close();
  assert.equal((await guest.closed()).code, 1005);
  await hear(clients, 0, 0, 0);
  assert.deepEqual(await worker.content(path), content);
});

test('malformed traffic that wakes the room closes its own socket and no other', async () => {
  const {clients} = await asleep('/wake/malformed');
  const [offender, ...others] = clients;
  offender.send('\nnonsense');
  assert.equal((await offender.closed()).code, 1007);
  await hear(others, 0, 0);
});

test('one edit that wakes a room of 20 real clients is one frame in, and one out to each other', async () => {
  const path = '/wake/crowd';
  const clients = [];
  for (let index = 0; index < 20; index++) clients.push(await connect('10.0', worker.ws(path)));
  clients[0].store.setTable('t', {r: {c: 'before'}});
  await untilEqual(worker, path, clients);
  await untilQuiet(() => clients.reduce((sum, {traffic}) => sum + traffic.sent.length + traffic.received.length, 0));
  for (const {traffic} of clients) [traffic.sent.length, traffic.received.length] = [0, 0];

  await worker.evict(path.slice(1), 'hibernate');
  clients[7].store.setCell('t', 'r', 'c', 'after');
  await untilEqual(worker, path, clients);
  await aMoment();
  const sent = clients.map(({traffic}) => traffic.sent.length);
  const received = clients.map(({traffic}) => traffic.received.length);
  assert.deepEqual(sent, clients.map((_client, index) => (index === 7 ? 1 : 0)));
  assert.deepEqual(received, clients.map((_client, index) => (index === 7 ? 0 : 1)));
  await leaveAll(clients);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
