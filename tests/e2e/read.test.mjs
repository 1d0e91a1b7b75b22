// GET of a room: the content of one moment, as its reader takes it, from memory.
import assert from 'node:assert/strict';
import {get as httpGet} from 'node:http';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {createMergeableStore} from 'tinybase';
import {cleanUp} from './support/cleanup.mjs';
import {connect, untilEqual} from './support/clients.mjs';
import {begunClient, body, hlc} from './support/raw.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const get = (path, options) => fetch(worker.http(path), options);
const textAt = async (path) => (await get(path)).text();
const memoryOf = async (path) => (await (await get(`${path}?journal`)).json()).since_wake.memory_bytes;
const edit = (tables) => `\n${body(null, 3, [[tables], [{}], 1])}`;

let questions = 0;
/** Waits until everything that a client has said has been taken in. */
const takenIn = async (client) => {
  const id = `q${questions++}`;
  client.send(`\n${body(id, 1, '')}`);
  await until(() => client.heard().some((frame) => frame.includes(`"${id}"`)), 'an answer');
};

const VALUE = 'x'.repeat(1_000);
/** Fills a room with so many thousand rows of a kilobyte each. */
const fill = async (path, thousands) => {
  const author = await begunClient(worker.ws(path));
  for (let thousand = 0; thousand < thousands; thousand++) {
    const rows = {};
    for (let row = 0; row < 1_000; row++) rows[`r${thousand * 1_000 + row}`] = [{c: [`${row} é🎉 ${VALUE}`, hlc()]}];
    author.send(edit({t: [rows]}));
    await takenIn(author);
  }
  return author;
};

/** A reader that has begun and takes nothing until it is told to. */
const slowReader = async (path) => {
  const response = await new Promise((resolve, reject) => httpGet(worker.http(path), resolve).on('error', reject));
  assert.equal(response.statusCode, 200);
  return {
    response,
    /** What it gets when it takes all; it may be broken off. */
    rest: async () => {
      const chunks = [];
      let error;
      try {
        for await (const chunk of response) chunks.push(chunk);
      } catch (caught) {
        error = caught;
      }
      return {text: Buffer.concat(chunks).toString(), error};
    },
  };
};

test('a small room and a large one are read alike, and as they are on disk', async () => {
  for (const [path, thousands] of [['/read/small', 0.001], ['/read/large', 2]]) {
    await (thousands < 1 ? (await begunClient(worker.ws(path))).send(edit({t: [{r: [{c: [VALUE, hlc()]}]}]})) : fill(path, thousands));
    const client = await connect('10.0', worker.ws(path));
    await untilEqual(worker, path, [client]);
    client.store.setValue('value', 'ö').delRow('t', 'r1').setCell('u', 'r', 'c', null);
    await untilEqual(worker, path, [client]);
    const response = await get(path);
    assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const text = await response.text();
    const {data, unreadable} = JSON.parse(text);
    assert.equal(unreadable, undefined);
    // TinyBase computes the same hashes of it.
    const copy = createMergeableStore();
    copy.setMergeableContent(JSON.parse(JSON.stringify(data), (_key, value) => (value === '\uFFFC' ? undefined : value)));
    assert.deepEqual(copy.getMergeableContentHashes(), [data[0][2], data[1][2]]);
    await client.leave();
    await worker.evict(path.slice(1), 'close');
    assert.equal(await textAt(path), text);
  }
});

test('what changes while it is read is left out, wherever it is, and is there the next time', async () => {
  const path = '/read/meanwhile';
  const author = await fill(path, 24);
  const before = await textAt(path);
  const reader = await slowReader(path);
  for (const row of [0, 12_000, 23_998, 23_999]) author.send(edit({t: [{[`r${row}`]: [{c: ['changed', hlc()], d: ['new', hlc()]}]}]}));
  author.send(edit({t: [{new: [{c: ['new', hlc()]}]}], u: [{r: [{c: [1, hlc()]}]}]}));
  await takenIn(author);
  const {text, error} = await reader.rest();
  assert.equal(error, undefined);
  assert.ok(text === before, 'the content of the moment when it was asked for');
  const now = JSON.parse(await textAt(path)).data[0][0];
  assert.equal(now.t[0].r23999[0].c[0], 'changed');
  assert.equal(now.t[0].new[0].c[0], 'new');
  assert.equal(now.u[0].r[0].c[0], 1);
  // Who has come to the end is waited for no longer.
  await worker.evict(path.slice(1), 'close');
});

test('a room of 16 MB takes little more memory while it is read, and lets others in meanwhile', async () => {
  const path = '/read/memory';
  const author = await fill(path, 16);
  const before = await memoryOf(path);
  let longest = 0;
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const asked = performance.now();
      await takenIn(author);
      longest = Math.max(longest, performance.now() - asked);
    }
  })();
  for (let time = 0; time < 5; time++) assert.ok((await textAt(path)).length > 16e6);
  isOver = true;
  await asking;
  const grown = (await memoryOf(path)) - before;
  console.log(`${(grown / 1e6).toFixed(1)} MB more; the longest that an answer took was ${longest.toFixed(0)} ms`);
  assert.ok(grown <= 3e6, `${grown} bytes`);
});

test('HEAD answers what GET does, but for the body', async () => {
  const path = '/read/head';
  await fill(path, 2);
  const [head, whole] = [await get(path, {method: 'HEAD'}), await get(path)];
  assert.equal(head.status, whole.status);
  for (const name of ['content-type', 'cache-control', 'access-control-allow-origin']) assert.equal(head.headers.get(name), whole.headers.get(name));
  assert.equal(await head.text(), '');
  assert.ok((await whole.text()).length > 2e6);
});

test('?verify reads the room back, says that it held what is stored, and breaks off who is reading', async () => {
  const path = '/read/verify';
  assert.equal(await textAt(`${path}?verify`), '{"verified":true}');
  const author = await fill(path, 20);
  const reader = await slowReader(path);
  const response = await get(`${path}?verify`);
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '{"verified":true}');
  const {text, error} = await reader.rest();
  assert.ok(error, `broken off after ${text.length} characters`);
  // The room goes on with what it read.
  author.send(edit({t: [{r0: [{c: ['changed', hlc()]}]}]}));
  await takenIn(author);
  assert.equal(JSON.parse(await textAt(path)).data[0][0].t[0].r0[0].c[0], 'changed');
  assert.equal(await textAt(`${path}?verify`), '{"verified":true}');
});

test('a reader that goes is let go', async () => {
  const path = '/read/gone';
  await fill(path, 20);
  const {response} = await slowReader(path);
  response.destroy();
  // An object with something to wait for cannot be evicted.
  await worker.evict(path.slice(1), 'close');
});

test('who reads a room again and again is told to wait, and how long', async () => {
  const path = '/read/often';
  await fill(path, 24);
  let response;
  for (let time = 0; time < 30; time++) {
    response = await get(path);
    await response.text();
    if (response.status !== 200) break;
    assert.ok(time < 20, `${time} times`);
  }
  assert.equal(response.status, 429);
  const refused = await get(path);
  assert.equal(refused.status, 429);
  assert.match((await refused.json()).error, /^[A-Z].{15,}\.$/);
  const seconds = Number(refused.headers.get('retry-after'));
  assert.ok(seconds >= 1 && seconds <= 4, `${seconds} s`);
  assert.equal((await get(path, {method: 'HEAD'})).status, 200);
  assert.equal((await get(`${path}?verify`)).status, 429);
  await sleep(seconds * 1000);
  const again = await get(path);
  assert.equal(again.status, 200);
  await again.text();
});

test('a reader that takes nothing for a minute is broken off, and the room waits no longer', async () => {
  const path = '/read/stalled';
  await fill(path, 24);
  const reader = await slowReader(path);
  await sleep(62_000);
  const {text, error} = await reader.rest();
  assert.ok(error, `broken off after ${text.length} characters`);
  await worker.evict(path.slice(1), 'close');
  assert.ok((await textAt(path)).length > 24e6);
});

test('the log tells of the two that were broken off, and of nothing else', () => {
  const complaints = worker.complaints().map(({message}) => message);
  assert.equal(complaints.length, 2, `${complaints}`);
  for (const complaint of complaints) assert.match(complaint, /could wait for this reader no longer/);
});
