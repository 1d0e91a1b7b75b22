// What HTTP shows of a room.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {WebSocket as BluntWebSocket} from 'ws';
import {cleanUp} from './support/cleanup.mjs';
import {connect, untilEqual} from './support/clients.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const get = (path, options) => fetch(worker.http(path), options);

/** Leaves `value` in the room at a path. */
const write = async (path, value) => {
  const client = await connect('10.0', worker.ws(path));
  client.store.setValue('value', value);
  await untilEqual(worker, path, [client]);
  await client.leave();
};

const valueAt = async (path) => (await worker.content(path))?.[1][0].value?.[0];

const assertReadable = (response) => {
  assert.match(response.headers.get('content-type'), /^application\/json\b/);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
};

test('a room that nobody has written to is null, also with somebody in it, and stays so', async () => {
  const client = await connect('10.0', worker.ws('/nothing'));
  for (let look = 0; look < 2; look++) {
    const response = await get('/nothing');
    assert.equal(response.status, 200);
    assertReadable(response);
    assert.equal(await response.text(), '{"data":null}');
  }
  await client.leave();
});

test('GET answers the stored content, with stamps, hashes and tombstones', async () => {
  const {store, leave} = await connect('10.0', worker.ws('/content'));
  store.setTables({pets: {fido: {kind: 'dog', age: 3, tags: ['good', null]}}, gone: {r: {c: 1}}});
  store.setValues({open: true, shut: null, late: 1});
  store.delTable('gone').delCell('pets', 'fido', 'age').delValue('late');
  await untilEqual(worker, '/content', [{version: '10.0', store}]);
  const response = await get('/content');
  assert.equal(response.status, 200);
  assertReadable(response);
  const {data} = await response.json();

  const [[tables], [values]] = store.getMergeableContent();
  const cell = (table, row, id, text) => [text, ...tables[table][0][row][0][id].slice(1)];
  const value = (id, text) => [text, ...values[id].slice(1)];
  const {kind, age, tags} = data[0][0].pets[0].fido[0];
  assert.deepEqual(kind, cell('pets', 'fido', 'kind', 'dog'));
  assert.deepEqual(age, cell('pets', 'fido', 'age', '\uFFFC'));
  assert.deepEqual(tags, cell('pets', 'fido', 'tags', '\uFFFD["good",null]'));
  assert.deepEqual(data[0][0].gone[0].r[0].c, cell('gone', 'r', 'c', '\uFFFC'));
  assert.deepEqual(data[1][0], {
    open: value('open', true),
    shut: value('shut', null),
    late: value('late', '\uFFFC'),
  });
  assert.match(kind[1], /^[-\w]{16}$/);
  // Rows, tables and what holds them carry a stamp of their own: an empty HLC, and a hash.
  assert.deepEqual(data[0][0].pets[0].fido.slice(1), ['', tables.pets[0].fido[2]]);
  assert.deepEqual(data[0][0].pets.slice(1), ['', tables.pets[2]]);
  assert.deepEqual([data[0].slice(1), data[1].slice(1)], store.getMergeableContentHashes().map((hash) => ['', hash]));
  await leave();
});

test('what GET answers is what is on disk', async () => {
  await write('/disk', 'kept');
  const before = await (await get('/disk')).text();
  await worker.kill();
  await worker.start();
  assert.equal(await (await get('/disk')).text(), before);
});

test('HEAD answers the headers of GET', async () => {
  await write('/head', 1);
  const response = await get('/head', {method: 'HEAD'});
  assert.equal(response.status, 200);
  assertReadable(response);
  assert.equal(await response.text(), '');
});

test('OPTIONS lets a page of any origin read', async () => {
  const response = await get('/options', {
    method: 'OPTIONS',
    headers: {origin: 'https://app.example', 'access-control-request-method': 'GET'},
  });
  assert.ok(response.ok);
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
  assert.match(response.headers.get('access-control-allow-methods'), /\bGET\b/);
  // Without its name no page may send this one.
  assert.equal(response.headers.get('access-control-allow-headers'), 'authorization, *');
  assert.equal(await response.text(), '');
  assert.equal(await worker.content('/options'), null);
});

test('any other method gets 405 and is told which there are', async () => {
  await write('/methods', 'before');
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
    const response = await get('/methods', {method, body: method === 'PROPFIND' ? undefined : '{"data":null}'});
    assert.equal(response.status, 405, method);
    assert.deepEqual(response.headers.get('allow').split(', ').sort(), ['GET', 'HEAD', 'OPTIONS']);
    assertReadable(response);
  }
  assert.equal(await valueAt('/methods'), 'before');
});

/** How the Worker answers a WebSocket upgrade that it does not take. */
const refusal = (path) =>
  new Promise((resolve, reject) => {
    const socket = new BluntWebSocket(worker.ws(path));
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode);
      response.resume();
    });
    socket.on('open', () => reject(new Error(`${path} was taken`)));
  });

test('a path that is too long gets 400 and a sentence that says so, over HTTP and WebSocket', async () => {
  for (const path of [`/${'x'.repeat(1025)}`, `/${'%20'.repeat(342)}`, `/x${' '.repeat(341)}x`]) {
    const response = await get(path);
    assert.equal(response.status, 400, path);
    assertReadable(response);
    const {error} = await response.json();
    assert.match(error, /1024|1,024/);
    assert.match(error, /^[A-Z].{15,}\.$/);
    assert.equal(await refusal(path), 400);
  }
});

test('the longest path is a room', async () => {
  const path = `/${'x'.repeat(1024)}`;
  await write(path, 'long');
  assert.equal(await valueAt(path), 'long');
});

test('paths of any other kind are rooms, each its own', async () => {
  const paths = [
    '/',
    '//',
    '/a',
    '/a/',
    '/A',
    '/a%20b',
    '/a+b',
    '/a%2Fb',
    '/a/b',
    '/%C3%A9',
    '/%F0%9F%98%80',
    '/todo/42',
    '/a/favicon.ico',
    '/100%',
    '/%ff',
    '/a%ffb',
    '/parties/main/home',
    '/__proto__',
    "/a'b;--",
  ];
  for (const path of paths) await write(path, path);
  for (const path of paths) assert.equal(await valueAt(path), path);
});

test('a path is the same room however a client spells it out', async () => {
  await write('/caf\u00e9 \u{1F600}', 'encoded for us');
  assert.equal(await valueAt('/caf%C3%A9%20%F0%9F%98%80'), 'encoded for us');
});

test('a query is left out, for reading and for joining', async () => {
  await write('/query?token=1', 'joined with a query');
  assert.equal(await valueAt('/query'), 'joined with a query');
  assert.equal(await valueAt('/query?_pk=2&x=/y'), 'joined with a query');
});
