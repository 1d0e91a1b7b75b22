// The WebAssembly module breaks, in which all rooms of the isolate are: because its memory is full, because the stack is, or
// wherever it may. Both rooms here go on with all that was kept, and with everybody who is connected.
import assert from 'node:assert/strict';
import {get} from 'node:http';
import {text} from 'node:stream/consumers';
import {after, test} from 'node:test';
import {startBreakingWorker} from './support/breaking.mjs';
import {cleanUp} from './support/cleanup.mjs';
import {connect, untilEqual} from './support/clients.mjs';
import {begunClient, body, changes, hlc} from './support/raw.mjs';
import {aMoment, until} from './support/until.mjs';

after(cleanUp);

const MEBIBYTE = 1 << 20;
const edit = (cells) => `\n${body(null, 3, changes(cells))}`;

/** How many modules are said to have broken. Beside that the runtime says which readings were broken off. */
const breaks = (worker) => {
  const all = worker.complaints().map(({message}) => message);
  const others = all.filter((message) => !message.endsWith('the room was loaded anew while it was read'));
  for (const message of others) assert.match(message, /^the module of all rooms in this isolate broke/);
  return others.length;
};

/** Breaks the module once where that is said, unless nothing comes to it. Answers where it was. */
const breaking = async (worker, where, action) => {
  await worker.break(where);
  await action();
  const broke = await worker.broke();
  assert.equal(breaks(worker), broke ? 1 : 0, `complaints of one break, at ${broke}`);
  worker.logs.length = 0;
  return broke;
};

/** A response that is not read yet, on a connection of its own: it may be broken off. */
const reader = (url) => new Promise((resolve, reject) => get(url, {agent: false}, resolve).on('error', reject));

/** Two rooms with real clients, whose sockets do not come back. */
const twoRooms = async (worker) => {
  const rooms = {};
  for (const [path, versions] of [['/broken/a', ['10.0', '8.5']], ['/broken/b', ['9.7', '5.4']]]) {
    const clients = await Promise.all(versions.map((version) => connect(version, worker.ws(path))));
    clients.forEach(({store}, index) => store.setRow('before', `r${index}`, {c: path}));
    await untilEqual(worker, path, clients);
    rooms[path] = clients;
  }
  return rooms;
};

/** Everybody is still there, has what was kept, and hears of what is new. */
const assertAlive = async (worker, rooms, what) => {
  for (const [path, clients] of Object.entries(rooms)) {
    clients.forEach(({store}, index) => store.setCell('after', `r${index}`, 'c', what));
    const [[tables]] = await untilEqual(worker, path, clients, 60);
    for (const index of clients.keys()) {
      assert.equal(tables.before[0][`r${index}`][0].c[0], path);
      assert.equal(tables.after[0][`r${index}`][0].c[0], what);
    }
    for (const {traffic, version} of clients) assert.equal(traffic.closed, undefined, `${version} at ${path}`);
  }
};

/** The rooms as they are when nothing has broken them yet: they wait the longer the more often that has been. */
const renew = async (worker, rooms) => {
  for (const path of Object.keys(rooms)) await worker.evict(path.slice(1));
};

/** All kinds of things happen in a room. */
const live = async (worker, path, [author, reader], round) => {
  for (const n of [1, 2, 3]) author.store.setCell('live', `author${n}`, 'c', round);
  reader.store.setValue('live', round);
  const guest = new WebSocket(worker.ws(path));
  let [isIn, isOut] = [false, false];
  guest.addEventListener('close', () => (isOut = true));
  guest.addEventListener('open', () => {
    isIn = true;
    guest.send(edit({guest: [round, hlc()]}));
    guest.close();
  });
  author.store.delCell('live', 'author1', 'c');
  await until(() => isOut, 'the close of a guest to be answered', 60);
  assert.ok(isIn, 'a guest is let in');
};
const liveInAll = (worker, rooms, round) =>
  Promise.all(Object.entries(rooms).map(([path, clients]) => live(worker, path, clients, round)));

/** Has a module break wherever it can while rooms live, once each time. Answers where that was. */
const everywhere = async (worker, where, step = 1) => {
  const rooms = await twoRooms(worker);
  const places = new Set();
  for (let after = 0; ; after += step) {
    await renew(worker, rooms);
    const place = await breaking(worker, {...where, after}, async () => {
      await liveInAll(worker, rooms, after);
      await assertAlive(worker, rooms, after);
    });
    if (!place) return places;
    places.add(place);
  }
};

test('a change for which there is no memory', async () => {
  const worker = await startBreakingWorker({memory: 20 * MEBIBYTE});
  const rooms = await twoRooms(worker);
  const author = await begunClient(worker.ws('/broken/a'));
  for (const n of [1, 2, 3]) {
    author.send(edit({long: ['x'.repeat(15 * MEBIBYTE), hlc()]}));
    await until(() => breaks(worker) === n, 'the module to break');
    assert.match(worker.complaints().at(-1).message, /RuntimeError: unreachable\s+at alloc::alloc::handle_alloc_error/);
    await assertAlive(worker, rooms, `change ${n}`);
    const {memory_bytes: memory} = (await (await fetch(worker.http('/broken/b?journal'))).json()).since_wake;
    assert.ok(memory < 4 * MEBIBYTE, `${memory} bytes in a fresh module`);
    await renew(worker, rooms);
  }
  await aMoment();
  assert.equal(breaks(worker), 3);
});

test('a stack that is full', async () => {
  const worker = await startBreakingWorker();
  const rooms = await twoRooms(worker);
  let broke = 0;
  for (let frames = 0; frames < 60; frames += 3) {
    await worker.break({how: 'overflow', after: frames});
    await liveInAll(worker, rooms, frames);
    await assertAlive(worker, rooms, frames);
    assert.ok(await worker.broke());
    broke += breaks(worker);
    worker.logs.length = 0;
    await renew(worker, rooms);
  }
  console.log(`${broke} of 20 overflows broke the module`);
  assert.ok(broke > 0);
});

test('whatever a module is about when it breaks', async () => {
  const places = await everywhere(await startBreakingWorker(), {how: 'trap'});
  console.log([...places].sort().join('; '));
  for (const event of ['request', 'fetch', 'message', 'durable', 'timer', 'close']) {
    assert.ok([...places].some((place) => place.startsWith(event)), `it broke in an event of this kind: ${event}`);
  }
});

test('a RangeError', async () => {
  const worker = await startBreakingWorker();
  // What else it calls can fail without breaking it.
  for (const call of ['now', 'getRandomValues', 'encodeInto']) {
    const places = await everywhere(worker, {how: 'range', call}, 3);
    assert.ok(places.size > 0, call);
  }
});

test('a room that only relayed so far is kept, though nobody says anything to it any more', async () => {
  const worker = await startBreakingWorker({settings: {KEEP_WITHIN_MS: 3000}});
  const rooms = await twoRooms(worker);
  const [other, [author, reader]] = Object.values(rooms);
  author.store.setCell('relayed', 'r', 'c', 1);
  await until(() => reader.store.getCell('relayed', 'r', 'c'), 'the edit to be relayed');
  const all = Object.values(rooms).flat();
  for (const {traffic} of all) traffic.received.length = 0;
  const place = await breaking(worker, {how: 'trap', event: 'message'}, async () => {
    other[0].store.setCell('t', 'r', 'c', 1);
    for (const {traffic} of all) {
      await until(() => traffic.received.some((frame) => /^S\n\["[^"]*",1,""\]/.test(frame)), 'to be asked by the room');
    }
  });
  assert.match(place, /^message/);
  await worker.evict('broken/b');
  assert.equal((await worker.content('/broken/b'))[0][0].relayed[0].r[0].c[0], 1);
  await assertAlive(worker, rooms, 'in the end');
});

test('a module that breaks while a room is read, or pauses', async () => {
  const worker = await startBreakingWorker();
  const rooms = await twoRooms(worker);
  const [[author]] = Object.values(rooms);
  const rows = Array.from({length: 20_000}, (_, n) => [`r${n}`, {c: 'x'.repeat(100)}]);
  author.store.setTable('large', Object.fromEntries(rows));
  await untilEqual(worker, '/broken/a', rooms['/broken/a']);
  // Of a content of 3 MB a reader that has not read yet has parts ahead of it that the room has not made.
  const place = await breaking(worker, {how: 'trap', event: 'pull', call: 'now', after: 3}, async () => {
    await assert.rejects(reader(worker.http('/broken/a')).then(text));
  });
  assert.match(place, /^pull/);
  await assertAlive(worker, rooms, 'after a reading');

  const waiting = await reader(worker.http('/broken/a'));
  await breaking(worker, {how: 'trap', event: 'message'}, async () => {
    rooms['/broken/b'][0].store.setCell('t', 'r', 'c', 1);
    await until(() => breaks(worker) > 0, 'a break elsewhere');
  });
  // What was on its way already may have been all. It is broken off, or whole.
  const read = await text(waiting).catch(({message}) => assert.match(message, /aborted/));
  if (read !== undefined) assert.equal(Object.keys(JSON.parse(read).data[0][0].large[0]).length, rows.length);
  await assertAlive(worker, rooms, 'after a break elsewhere');

  const hasty = await begunClient(worker.ws('/broken/a'));
  for (const [event, after] of [['resumed', 0], ['message', 20], ['message', 60]]) {
    await renew(worker, rooms);
    const place = await breaking(worker, {how: 'trap', event, after}, async () => {
      // The room pauses after a megabyte, if it comes fast.
      for (let n = 0; n < 16; n++) hasty.send(edit({[`${event}${n}`]: ['x'.repeat(200_000), hlc()]}));
      await assertAlive(worker, rooms, `with a break at ${event} ${after}`);
    });
    assert.match(place, new RegExp(`^${event}`));
  }
});

test('a client that always breaks it is asked ever more seldom, and spoils it for nobody', async () => {
  const worker = await startBreakingWorker({memory: 20 * MEBIBYTE});
  const rooms = await twoRooms(worker);
  const heavy = await connect('10.0', worker.ws('/broken/a'));
  heavy.store.setCell('t', 'r', 'long', 'x'.repeat(15 * MEBIBYTE));
  await until(() => breaks(worker) >= 3, 'three breaks');
  const began = Date.now();
  const before = breaks(worker);
  for (let n = 0; n < 5; n++) {
    await assertAlive(worker, {'/broken/b': rooms['/broken/b']}, n);
    await aMoment();
  }
  // After three the waits are of 2 s and more.
  const most = 1 + (Date.now() - began) / 2000;
  assert.ok(breaks(worker) - before <= most, `${breaks(worker) - before} more breaks, at most ${most}`);
  await heavy.leave();
  await assertAlive(worker, rooms, 'when it has gone');
});

test('what JavaScript holds of a room and the module hold on to each other no longer than the room is in memory', async () => {
  const worker = await startBreakingWorker();
  for (let n = 0; n < 20; n++) {
    const client = await begunClient(worker.ws(`/collected/${n}`));
    for (const cell of ['a', 'b']) client.send(edit({[cell]: [n, hlc()]}));
    client.socket.close();
    await client.closed();
    await worker.evict(`collected/${n}`);
  }
  await until(async () => {
    const {made, collected} = await worker.objects();
    return made === 20 && collected === 20;
  }, async () => `20 rooms to be collected: ${JSON.stringify(await worker.objects())}`, 60);
});

test('a panic says in the log what it was about, and where', async () => {
  const worker = await startBreakingWorker();
  const client = await begunClient(worker.ws('/panic'));
  await worker.break({how: 'panic', event: 'message', call: 'now'});
  client.send(edit({c: [1, hlc()]}));
  await until(async () => (await worker.broke()) === 'message, now', 'the panic');
  await until(() => worker.logs.some(({message}) => /panicked at src\/worker\/object\.rs:\d+:\d+/.test(message)), 'its place');
  assert.ok(worker.logs.some(({message}) => /already (mutably )?borrowed/.test(message)), JSON.stringify(worker.logs));
});
