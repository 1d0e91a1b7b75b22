// Between the Worker and the room: what nobody can forge, and what neither passes on.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {WebSocket as BluntWebSocket} from 'ws';
import {cleanUp} from './support/cleanup.mjs';
import {everywhere, SECRET, token} from './support/tokens.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);
const settings = {ACCESS: 'closed', TOKEN_SECRETS: SECRET};
const [worker, older] = await Promise.all([
  startWorker({settings, wrapper: 'tests/e2e/support/passing-on.mjs'}),
  startWorker({settings, wrapper: 'tests/e2e/support/older-room.mjs'}),
]);
const seen = async () => (await fetch(worker.http('/'), {headers: {'x-stand-for': 'witness'}})).json();

/** How a socket went: the first frame, or code and reason of its close. */
const join = (url, {protocols, headers} = {}) =>
  new Promise((resolve, reject) => {
    const socket = new BluntWebSocket(url, protocols, {headers});
    socket.on('error', reject);
    socket.on('open', () => socket.send('\n["q",1,""]'));
    socket.on('message', (frame) => {
      resolve(String(frame).split('\n')[0]);
      socket.terminate();
    });
    socket.on('close', (code, reason) => resolve(`${code} ${reason}`));
  });

test('a token goes no further than the Worker, wherever it stands', async () => {
  const text = await token(everywhere('write'));
  await seen();
  assert.equal(await join(worker.ws(`/a?x=1&token=${text}&y=%20`)), 'S');
  assert.equal(await join(worker.ws('/a'), {headers: {authorization: `Bearer ${text}`}}), 'S');
  assert.equal(await join(worker.ws('/a'), {protocols: ['tinyroom', `bearer.${text}`, 'other']}), 'S');
  assert.equal((await fetch(worker.http(`/a?token=${text}&verify`))).status, 200);
  const requests = await seen();
  assert.equal(requests.length, 4);
  for (const request of requests) assert.ok(!request.includes(text.split('.')[1]), request);
  assert.match(requests[0], /\/a\?x=1&y=%20\n/);
  assert.match(requests[2], /sec-websocket-protocol\ntinyroom, other|sec-websocket-protocol,tinyroom, other/);
});

test('who is refused wakes no room', async () => {
  await seen();
  for (const query of ['', '?token=x', `?token=${await token({})}`, '?access']) {
    await join(worker.ws(`/asleep${query}`)).catch(({message}) => assert.match(message, /401/));
    await fetch(worker.http(`/asleep${query}`));
  }
  assert.deepEqual(await seen(), []);
});

test('nothing that a client sends can pose as what the Worker has found', async () => {
  const tickets = [crypto.randomUUID(), '', '1', JSON.stringify({access: 'admin'})];
  for (const ticket of tickets) {
    const headers = {
      'x-tinyroom-ticket': ticket,
      'x-tinyroom-access': 'admin',
      'x-access': 'admin',
      'mf-cf-blob': JSON.stringify({access: 'admin', tinyroom: {access: 'admin'}}),
      'cf-worker': 'tinyroom',
    };
    for (const also of [{}, {'x-tinyroom-ticketed': '1'}]) {
      const all = {...headers, ...also};
      assert.equal(await join(worker.ws('/secret'), {headers: all}), '4401 token missing');
      assert.equal((await fetch(worker.http('/secret'), {headers: all})).status, 401);
      // Where somebody else's Worker hands it on as it came, the room looks by itself.
      const handedOn = {...all, 'x-stand-for': 'other-worker'};
      const response = await fetch(worker.http('/public'), {headers: handedOn});
      assert.ok([401, 503].includes(response.status), `${response.status}`);
      assert.ok(!(await response.text()).includes('"data"'));
      const joined = await join(worker.ws('/public'), {headers: handedOn}).catch(({message}) => message);
      assert.match(joined, /4401 token missing|Unexpected server response: 503/);
    }
  }
});

test("a room that a request reached by somebody else's Worker decides by its own name, not by the URL", async () => {
  const headers = (claims) => token(claims).then((text) => ({authorization: `Bearer ${text}`, 'x-stand-for': 'other-worker'}));
  const statuses = {};
  for (const room of ['secret', 'public']) {
    const ours = await headers({rooms: {[room]: 'write'}});
    statuses[room] = (await fetch(worker.http('/public'), {headers: ours})).status;
    assert.equal(await join(worker.ws('/public'), {headers: ours}), room === 'secret' ? 'S' : '4403 no access to this room');
  }
  assert.deepEqual(statuses, {secret: 200, public: 403});
});

test('an object that has no name goes by its id', async () => {
  const id = await (await fetch(worker.http('/'), {headers: {'x-stand-for': 'new-id'}})).text();
  for (const [room, status] of [[id, 200], ['', 403], ['a', 403]]) {
    const headers = {authorization: `Bearer ${await token({rooms: {[room]: 'read'}})}`, 'x-stand-for': 'unnamed'};
    assert.equal((await fetch(worker.http(`/a?id=${id}`), {headers})).status, status, room);
  }
});

test('a room that still runs the version before is for those who may write: it would let others write too', async () => {
  const [readers, writers] = await Promise.all(['read', 'write'].map((access) => token(everywhere(access))));
  assert.equal(await join(older.ws(`/a?token=${writers}`)), 'an older room');
  assert.equal(await join(older.ws(`/a?token=${readers}`)), '1013 tinyroom: the room is being updated');
  assert.equal((await fetch(older.http(`/a?token=${writers}`))).status, 200);
  // Of these nobody has a token.
  const rules = [{rooms: '*', access: 'read', who: 'anyone'}];
  const open = await startWorker({settings: {...settings, ACCESS: rules}, wrapper: 'tests/e2e/support/older-room.mjs'});
  assert.equal(await join(open.ws('/a')), '1013 tinyroom: the room is being updated');
  const response = await fetch(older.http(`/a?token=${readers}`));
  assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '30']);
});

test('where joins are limited, who joins again and again waits, and so does who guesses', async () => {
  const limit = {type: 'rate-limit', namespace: '1001', simple: {limit: 5, period: 60}};
  const limited = await startWorker({settings, bindings: {JOINS: limit}});
  const good = await token(everywhere('read'));
  const joins = [];
  for (let n = 0; n < 8; n++) joins.push(await join(limited.ws(`/a?token=${good}`)));
  assert.deepEqual(joins, [...Array(5).fill('S'), ...Array(3).fill('1013 tinyroom: too many joins from this address (JOINS)')]);
  const response = await fetch(limited.http('/a?token=bad'));
  assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '60']);
  // Who reads with a good token is nobody who guesses.
  assert.equal((await fetch(limited.http(`/a?token=${good}`))).status, 200);
});

test('none of this was an error of the Worker', () => {
  for (const {complaints} of [worker, older]) assert.deepEqual(complaints(), []);
});
