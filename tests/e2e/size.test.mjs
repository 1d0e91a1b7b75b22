// Large rooms: they are stored, loaded and served like small ones, within the memory of an isolate; and there is a limit.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, hashesOf, leaveAll, untilEqual} from './support/clients.mjs';
import {begunClient, begunClients, body, changes, hlc} from './support/raw.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const text = (length) => 'x'.repeat(length);
const journalOf = async ({http}, path) => (await fetch(http(`${path}?journal`))).json();
const edit = (tables, values = {}) => `\n${body('edit', 3, [[tables], [values], 1])}`;
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

let questions = 0;
/** Asks the room for its hashes; its answer comes after everything that was said before has been taken in. */
const hashesOfRoom = async (client, seconds = 60) => {
  const id = `q${questions++}`;
  client.heard();
  client.send(`\n${body(id, 1, '')}`);
  const start = `S\n["${id}",0,`;
  await until(() => client.traffic.received.some((frame) => frame.startsWith(start)), 'an answer', seconds);
  return JSON.parse(client.heard().find((frame) => frame.startsWith(start)).split('\n')[1])[2];
};

// Of 128 MB for the isolate.
const MEMORY = 96e6;
const [ROWS, CELLS, ROWS_A_CHANGE] = [100_000, 10, 5_000];

/** A change of some rows of ten small cells. */
const someRows = (first, round) => {
  const rows = {};
  for (let row = first; row < first + ROWS_A_CHANGE; row++) {
    const cells = {};
    for (let cell = 0; cell < CELLS; cell++) cells[`cell${cell}`] = [row + cell + round, hlc()];
    rows[`row${row}`] = [cells];
  }
  return edit({table: [rows]});
};

test('a million cells are loaded, kept, served and compacted within 96 MB', async () => {
  const [room, path] = ['size/million', '/size/million'];
  const memory = async (when) => {
    const {since_wake: used, journal} = await journalOf(worker, path);
    console.log(
      `${megabytes(used.memory_bytes)} ${when}; ${journal.length} rows, ${used.rows_read} read, ${used.rows_written} written`,
    );
    assert.ok(used.memory_bytes <= MEMORY, `${megabytes(used.memory_bytes)} ${when}`);
    return journal;
  };
  let author = await begunClient(worker.ws(path));
  for (let row = 0; row < ROWS; row += ROWS_A_CHANGE) {
    author.send(someRows(row, 0));
    await hashesOfRoom(author);
  }
  const hashes = await hashesOfRoom(author);
  const journal = await memory('once filled');
  assert.equal(journal.reduce((cells, row) => cells + (row.cells ?? 0), 0), ROWS * CELLS);

  await worker.evict(room, 'close');
  author = await begunClient(worker.ws(path));
  assert.deepEqual(await hashesOfRoom(author), hashes);
  await memory('after an eviction and a wake');

  await worker.kill();
  await worker.start();
  author = await begunClient(worker.ws(path));
  assert.deepEqual(await hashesOfRoom(author), hashes);
  await memory('just loaded');

  const client = await connect('10.0', worker.ws(path));
  await until(() => String(hashesOf(client)) === String(hashes), 'the full sync', 200);
  assert.equal(client.store.getRowCount('table'), ROWS);
  assert.equal(client.traffic.closed, undefined);
  await memory('after a full sync');
  await client.leave();

  // Everything anew, until the rows hold more than twice the content, and a little more.
  const bytes = (rows) => rows.reduce((sum, row) => sum + row.bytes, 0);
  const before = bytes((await journalOf(worker, path)).journal);
  for (let row = 0; row < ROWS; row += ROWS_A_CHANGE) {
    author.send(someRows(row, 1));
    await hashesOfRoom(author);
  }
  for (let row = 0; row < ROWS / 5; row += ROWS_A_CHANGE) {
    author.send(someRows(row, 2));
    await hashesOfRoom(author);
  }
  // Nobody waits for it: between its slices questions are answered.
  let longest = 0;
  const compacted = async () => {
    for (let question = 0; question < 20; question++) {
      const asked = performance.now();
      await hashesOfRoom(author);
      longest = Math.max(longest, performance.now() - asked);
    }
    return bytes((await journalOf(worker, path)).journal) < 1.5 * before;
  };
  await until(compacted, 'the compaction', 100);
  console.log(`${longest.toFixed(0)} ms was the longest that an answer took during the compaction`);
  const rows = await memory('after a compaction');
  assert.ok(rows.every((row) => row.bytes <= 1_900_000), 'rows of at most 1.9 MB');
  const now = await hashesOfRoom(author);
  assert.notDeepEqual(now, hashes);
  await worker.evict(room, 'close');
  assert.deepEqual(await hashesOfRoom(await begunClient(worker.ws(path))), now);
  await memory('after another wake');
});

const cell = (value) => [value, hlc()];
/** Changes that are large in their own ways. */
const large = {
  'a single value of 15 MB': () => [{}, {value: cell(text(15_000_000))}],
  'a single cell of 15 MB': () => [{t: [{r: [{c: cell(text(15_000_000))}]}]}],
  'a row of 10,000 cells': () => [
    {t: [{r: [Object.fromEntries(Array.from({length: 10_000}, (_, n) => [`c${n}`, cell(n)]))]}]},
  ],
  'a change longer than a storage row': () => [
    {t: [Object.fromEntries(Array.from({length: 7_000}, (_, n) => [`r${n}`, [{a: cell(text(500)), b: cell('é🎉')}]]))]},
  ],
};

for (const [name, change] of Object.entries(large)) {
  test(`${name} is stored, loaded and served`, async () => {
    const room = `size/${name.replaceAll(/[ ,]/g, '-')}`;
    const path = `/${room}`;
    const author = await begunClient(worker.ws(path));
    const frame = edit(...change());
    author.send(frame);
    const hashes = await hashesOfRoom(author);
    assert.ok(hashes.some((hash) => hash !== 0));
    assert.equal(author.traffic.closed, undefined);
    const {journal} = await journalOf(worker, path);
    assert.equal(journal.reduce((sum, {bytes}) => sum + bytes, 0), Buffer.byteLength(frame) - '\n["edit",3,]'.length);
    assert.ok(journal.every(({bytes}) => bytes <= 1_900_000));
    assert.equal(journal.length, Math.ceil(Buffer.byteLength(frame) / 1_500_000));

    await worker.evict(room, 'close');
    const client = await connect('10.0', worker.ws(path));
    await until(() => String(hashesOf(client)) === String(hashes), 'what the author said', 60);
    // And an edit of it comes back the same way.
    client.store.setCell('t', 'r', 'small', 1);
    const newcomer = await connect('10.0', worker.ws(path));
    await untilEqual(worker, path, [client, newcomer]);
    await leaveAll([client, newcomer]);
  });
}

test('a room that is full takes nothing new, and every change of what it has', async () => {
  const limit = 2_000_000;
  const small = await startWorker({settings: {MAX_MEMORY_BYTES: String(limit)}});
  const path = '/full';
  const [bystander, other] = await begunClients(small.ws(path), 2);
  const row = (id, cells) => edit({t: [{[id]: [cells]}]});
  /** Sends more rows than there is room for, and answers which of them are kept. */
  const fill = async (name) => {
    const author = await begunClient(small.ws(path));
    for (let n = 0; n < 20; n++) {
      author.send(row(`${name}${n}`, {c: cell(text(300_000))}));
      await hashesOfRoom(author);
    }
    assert.equal(author.traffic.closed, undefined);
    // It never says what it holds, for which the room would wait.
    author.socket.close();
    await author.closed();
    const rows = (await small.content(path))[0][0].t[0];
    return Object.keys(rows).filter((id) => id.startsWith(name));
  };
  const kept = await fill('row');
  assert.ok(kept.length >= 6 && kept.length <= 8, `${kept}`);

  for (const wake of ['', 'hibernate', 'close']) {
    // A response, or a close, may still be on its way through this process.
    if (wake) await small.evict(path.slice(1), wake, false);
    const now = wake === 'close' ? await begunClients(small.ws(path), 2) : [bystander, other];
    now.forEach((client) => client.heard());
    const [speaker, listener] = now;
    const {traffic} = listener;
    // What exists can be changed a little, and deleted.
    const edits = {[kept[0]]: text(300_100 - wake.length), [kept[1]]: `short ${wake}`};
    for (const [id, value] of Object.entries(edits)) {
      speaker.send(row(id, {c: cell(value)}));
      await until(() => traffic.received.some((frame) => frame.includes(`"${value}"`)), `the edit of ${id}`);
      assert.equal((await small.content(path))[0][0].t[0][id][0].c[0], value);
    }
    assert.deepEqual(now.map((client) => client.traffic.closed), [undefined, undefined]);
  }
  // With a cell deleted there is room again, and then no more.
  const [speaker, listener] = await begunClients(small.ws(path), 2);
  for (const id of kept.slice(1, 3)) speaker.send(row(id, {c: cell('\uFFFC')}));
  await until(() => listener.traffic.received.length > 0, 'the deletions');
  speaker.send(row('new', {c: cell('there is room for this')}));
  await until(() => listener.traffic.received.some((frame) => frame.includes('there is room')), 'what is new');
  assert.equal((await fill('more')).length, 2, 'as many as were deleted');
  assert.deepEqual([speaker, listener].map(({traffic}) => traffic.closed), [undefined, undefined]);
  const content = await small.content(path);
  assert.equal(content[0][0].t[0].new[0].c[0], 'there is room for this');
  assert.deepEqual(small.complaints().filter(({message}) => !/for which there is no room/.test(message)), []);

  // A room that was filled under a greater limit is loaded all the same, and can be made smaller.
  await small.kill();
  const smaller = await startWorker({storage: small.storage, settings: {MAX_MEMORY_BYTES: '1000'}});
  assert.deepEqual(await smaller.content(path), content);
  const client = await connect('10.0', smaller.ws(path));
  await untilEqual(smaller, path, [client]);
  client.store.delTable('t');
  await untilEqual(smaller, path, [client]);
  assert.equal(client.traffic.closed, undefined);
  assert.deepEqual(client.store.getTableIds(), []);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
