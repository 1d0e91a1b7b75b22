// Many rooms in one isolate, which has memory for a few of them.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, unanswered, untilEqual} from './support/clients.mjs';
import {begunClient, body, changes, hlc} from './support/raw.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);

const [ROOMS, ROWS] = [60, 3000];
const LIMIT = 8 << 20;
/** Beside the contents: the code, what one room more takes while it is loaded, and the texts on their way. */
const REST = 16 << 20;

const worker = await startWorker({settings: {ISOLATE_MEMORY_BYTES: LIMIT}});
const wide = await startWorker();

const used = async ({http}, path) => (await (await fetch(http(`${path}?journal`))).json()).since_wake;
const edit = (n) => `\n${body(null, 3, changes({edited: [n, hlc()]}))}`;

/** A megabyte of rows. */
const content = (name = 'row') => {
  const rows = Array.from({length: ROWS}, (_, n) => [`${name}${n}`, [{a: [n, hlc()], b: ['x'.repeat(200), hlc()]}]]);
  return `\n${body(null, 3, [[{big: [Object.fromEntries(rows)]}], [{}], 1])}`;
};

/** Fills the rooms, with two live sockets each. */
const fill = async (worker, count) => {
  const rooms = [];
  for (let room = 0; room < count; room++) {
    const path = `/isolate/${room}`;
    const author = await begunClient(worker.ws(path));
    author.send(content());
    author.send(`\n${body('q', 1, '')}`);
    await until(() => author.traffic.received.length > 0, 'an answer, when the content has been taken in');
    const [, , hashes] = JSON.parse(author.heard()[0].split('\n')[1]);
    author.send(`\n${body(null, 2, hashes)}`);
    const witness = await begunClient(worker.ws(path));
    rooms.push({path, author, witness});
  }
  return rooms;
};

test(`${ROOMS} rooms of a megabyte with live sockets share the memory for a few, and lose no edit`, async () => {
  const rooms = await fill(worker, ROOMS);
  const swaps = [];
  for (let round = 1; round <= 3; round++) {
    for (const {path, author, witness} of rooms) {
      const {rows_read: read, rows_written: written} = await used(worker, path);
      const began = performance.now();
      author.send(edit(round));
      await until(() => witness.traffic.received.length > 0, 'the edit');
      swaps.push(performance.now() - began);
      const frames = witness.heard();
      const isEdit = frames.length === 1 && frames[0].includes(`"edited":[${round},`);
      assert.ok(isEdit, `the edit and nothing else, not ${frames.map((frame) => frame.slice(0, 100))}`);
      assert.deepEqual(author.heard(), [], 'a swap tells nobody');
      const now = await used(worker, path);
      assert.equal(now.rows_written - written, 1, 'a swap writes nothing');
      // Each listing reads the rows of the journal once; a load does as well.
      if (round === 1) assert.ok(now.rows_read > read);
    }
    const {memory_bytes: memory} = await used(worker, rooms[0].path);
    console.log(`${(memory / (1 << 20)).toFixed(1)} MiB after round ${round}`);
    assert.ok(memory <= LIMIT + REST, `${memory} bytes`);
  }
  swaps.sort((a, b) => a - b);
  console.log(`an edit with a swap takes ${swaps[swaps.length >> 1].toFixed(1)} ms in the middle`);
  for (const {path, author, witness} of rooms) {
    const [[tables]] = await worker.content(path);
    assert.equal(tables.t[0].r[0].edited[0], 3);
    assert.equal(Object.keys(tables.big[0]).length, ROWS);
    assert.deepEqual([author.traffic.closed, witness.traffic.closed], [undefined, undefined]);
  }
});

test('with the memory for all of them none is loaded twice', async () => {
  const rooms = await fill(wide, 5);
  const loads = [];
  for (const {path, author, witness} of rooms) {
    const {rows_read: before} = await used(wide, path);
    const listing = (await used(wide, path)).rows_read - before;
    author.send(edit(1));
    await until(() => witness.traffic.received.length > 0, 'the edit');
    loads.push((await used(wide, path)).rows_read - before - 2 * listing);
  }
  assert.ok(loads.every((read) => read <= 2), `${loads} rows read`);
});

test('a room that wakes has the memory of those that are used no more', async () => {
  const [large, limit] = [['/isolate/one', '/isolate/other'], 20 << 20];
  const narrow = await startWorker({settings: {ISOLATE_MEMORY_BYTES: limit}});
  for (const path of large) {
    const author = await begunClient(narrow.ws(path));
    for (let part = 0; part < 15; part++) author.send(content(`part${part} row`));
    author.send(`\n${body('q', 1, '')}`);
    await until(() => author.traffic.received.length > 0, 'an answer, when the content has been taken in');
    author.socket.close();
  }
  await narrow.kill();
  await narrow.start();
  const taken = [];
  for (const path of large) {
    await begunClient(narrow.ws(path));
    taken.push((await used(narrow, path)).memory_bytes);
  }
  console.log(`${taken.map((bytes) => (bytes / (1 << 20)).toFixed(1)).join(' MiB, then ')} MiB`);
  assert.ok(taken[0] > limit / 2, 'each takes most of it');
  assert.ok(taken[1] < 1.5 * taken[0], 'and not both');
  assert.deepEqual(narrow.complaints(), []);
});

test('who has made edits while the room was let go, offline or not, ends equal with it', async () => {
  const path = '/isolate/real';
  const clients = await Promise.all(['10.0', '8.5', '5.4'].map((version) => connect(version, worker.ws(path))));
  clients[0].store.setTables({t: {r: {c: 1}}});
  await untilEqual(worker, path, clients);
  for (let round = 0; round < 3; round++) {
    for (let room = 0; room < 10; room++) {
      const other = await begunClient(worker.ws(`/isolate/${room}`));
      other.send(edit(10 + round));
      other.socket.close();
    }
    clients.forEach(({store}, index) => store.setCell('t', `r${index}`, 'c', round));
    await untilEqual(worker, path, clients);
  }
  for (const client of clients) {
    assert.deepEqual(unanswered(client), []);
    await client.leave();
  }
});

test('none of this was an error of the Worker', () =>
  assert.deepEqual([worker, wide].flatMap((each) => each.complaints()), []));
