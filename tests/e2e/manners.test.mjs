// What clients, browsers and operators do that has nothing to do with TinyBase, and how the Worker takes it.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {WebSocket as BluntWebSocket} from 'ws';
import {cleanUp} from './support/cleanup.mjs';
import {connect, leaveAll, unanswered, untilEqual, versions} from './support/clients.mjs';
import {startFaultyWorker} from './support/faults.mjs';
import {begunClient, body, changes, hlc, rawClient} from './support/raw.mjs';
import {aMoment, until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startFaultyWorker();
after(cleanUp);

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.h2-_aA';
const pong = 'S\n["0123456789a.pong",0,[0,0]]';

/** The statements of a room while something happens; there are some if it wakes. */
const statements = async (room, happens) => {
  await worker.fail(room, {times: 0});
  await happens();
  return (await worker.mend(room)).statements;
};

/** How the Worker answers an upgrade: its status, the subprotocol that it takes, and what it says if it refuses. */
const upgrade = (path, protocols) =>
  new Promise((resolve, reject) => {
    const socket = new BluntWebSocket(worker.ws(path), protocols);
    socket.on('error', reject);
    // A refusal comes without this, and a client that misses its subprotocol has seen this first.
    socket.on('upgrade', ({headers}) => {
      socket.removeAllListeners('error').on('error', () => {});
      resolve({status: 101, protocol: headers['sec-websocket-protocol']});
      socket.terminate();
    });
    socket.on('unexpected-response', async (_request, response) => {
      resolve({status: response.statusCode, text: (await response.toArray()).join('')});
    });
  });

for (const version of ['5.0', '8.5', '10.0']) {
  test(`clients of ${version} with subprotocols sync, and see one of theirs taken`, async () => {
    const path = `/protocols/${version}`;
    const clients = [];
    for (const [protocols, taken] of [
      [['bearer', jwt], 'bearer'],
      [['graphql-ws'], 'graphql-ws'],
      [[`bearer.${jwt}`, 'tinyroom'], 'tinyroom'],
      [[jwt, 'other', 'another'], 'other'],
      [undefined, ''],
    ]) {
      const client = await connect(version, undefined, {socket: new WebSocket(worker.ws(path), protocols)});
      await until(() => client.socket.readyState === client.socket.OPEN, `a socket that offers ${protocols}`);
      assert.equal(client.socket.protocol, taken);
      client.store.setValue(`${protocols}`, true);
      clients.push(client);
    }
    const [, [values]] = await untilEqual(worker, path, clients);
    assert.equal(Object.keys(values).length, clients.length);
    await leaveAll(clients);
  });
}

test('a token is not said back, though its client will miss that', async () => {
  for (const token of [jwt, `bearer.${jwt}`, 'BEARER.secret']) {
    assert.deepEqual(await upgrade('/tokens', [token]), {status: 101, protocol: undefined});
  }
});

test('a client that wants channels is refused with a sentence, and wakes nobody', async () => {
  const woken = await statements('channels', async () => {
    for (const protocols of [['tinybase'], ['tinyroom', 'tinybase']]) {
      const {status, text} = await upgrade('/channels', protocols);
      assert.equal(status, 400);
      assert.match(JSON.parse(text).error, /^[A-Z].*channels.*\.$/);
    }
  });
  assert.deepEqual(woken, []);
});

test('a ping is answered, and clients of every version go on after it', async () => {
  const path = '/ping';
  const clients = await Promise.all(versions.map((version) => connect(version, worker.ws(path))));
  for (const [index, client] of clients.entries()) {
    // In the middle of things, and when all is quiet.
    client.store.setCell('before', `row ${index}`, 'version', client.version);
    client.socket.send('ping');
    await until(() => client.traffic.received.includes(pong), `an answer for ${client.version}`);
    client.store.setCell('after', `row ${index}`, 'version', client.version);
  }
  await untilEqual(worker, path, clients);
  for (const {socket} of clients) socket.send('ping');
  const pongs = ({traffic}) => traffic.received.filter((frame) => frame === pong).length;
  await until(() => clients.every((client) => pongs(client) === 2), 'an answer for each');
  for (const [index, {store}] of clients.entries()) store.setValue(`value ${index}`, index);
  const [[tables], [values]] = await untilEqual(worker, path, clients);
  assert.equal(Object.keys(tables.before[0]).length, versions.length);
  assert.equal(Object.keys(tables.after[0]).length, versions.length);
  assert.equal(Object.keys(values).length, versions.length);
  for (const client of clients) {
    assert.deepEqual([client.traffic.closed, unanswered(client)], [undefined, []], client.version);
  }
  await leaveAll(clients);
});

test('a ping does not wake a room, and the answer is still there after a sleep and after a reset', async () => {
  const path = '/asleep';
  const ping = async (client) => {
    client.heard();
    client.send('ping');
    await until(() => client.traffic.received.includes(pong), 'an answer');
  };
  const client = await begunClient(worker.ws(path));
  client.send(`\n${body('edit', 3, changes({c: [1, hlc()]}))}`);
  await until(() => worker.content(path), 'the room to hold something');
  await worker.evict('asleep', 'hibernate');
  assert.deepEqual(await statements('asleep', () => ping(client)), []);
  const woken = await statements('asleep', async () => {
    client.send(`\n${body('q', 1, '')}`);
    await until(() => client.traffic.received.length > 1, 'the hashes of the room');
  });
  assert.notDeepEqual(woken, []);
  await ping(client);
  await worker.evict('asleep', 'close');
  await ping(await begunClient(worker.ws(path)));
});

test('the answer to a ping, said to the room, is no answer to it', async () => {
  const path = '/pong';
  const other = await begunClient(worker.ws(path));
  other.send(`\n${body('edit', 3, changes({c: [1, hlc()]}))}`);
  await until(() => worker.content(path), 'the room to hold something');
  const client = await rawClient(worker.ws(path));
  await until(() => client.traffic.received.length > 0, 'a greeting');
  client.heard();
  client.send(pong);
  await aMoment();
  assert.deepEqual([client.heard(), client.traffic.closed], [[], undefined]);
});

test('any name is a room, which real clients join and fill', async () => {
  for (const name of ['50%', '100% done', '%zz', '%ff', '%ed%a0%80', '%', '%%', '%e2%82', '%00', '%2F', '%5C', '/', '//a/']) {
    const path = `/${name}`;
    const clients = [await connect('10.0', worker.ws(path)), await connect('5.0', worker.ws(path))];
    clients[0].store.setValue('name', name);
    await untilEqual(worker, path, clients);
    assert.equal(clients[1].store.getValue('name'), name);
    await leaveAll(clients);
  }
});

/** Writes through one URL, and answers what is read through another. */
const through = async (one, other) => {
  const client = await connect('10.0', worker.ws(one));
  client.store.setValue('one', one);
  await untilEqual(worker, one, [client]);
  await client.leave();
  return (await worker.content(other))?.[1][0].one[0];
};

test('what URLs spell differently is two rooms, and what a client spells out in the same way is one', async () => {
  for (const [one, other] of [
    ['/%c3%a9', '/%C3%A9'],
    ['/%61', '/a'],
    ['/case', '/Case'],
    ['/end', '/end/'],
  ]) {
    assert.equal(await through(one, other), undefined, `${one} and ${other}`);
  }
  for (const [one, other] of [
    ['/é 2', '/%C3%A9%202'],
    ['/up/../down', '/down'],
    ['/up/%2e%2E/over', '/over'],
    ['/back\\slash', '/back/slash'],
  ]) {
    assert.equal(await through(one, other), one);
  }
});

test('encodeURIComponent makes a name of any text, and different names of different texts', async () => {
  const texts = ['50%', '100% done', 'é', 'a/b', 'a?b', 'a#b', 'a\\b', '%25', 'a+b', ' ', '..a', '😀'];
  const paths = texts.map((text) => `/texts/${encodeURIComponent(text)}`);
  for (const path of paths) {
    assert.equal(new URL(worker.http(path)).pathname, path);
    assert.equal(await through(path, path), path);
  }
  for (const path of paths) assert.equal((await worker.content(path))[1][0].one[0], path);
});

test('what browsers and crawlers look for at every host is answered for a day, and wakes nobody', async () => {
  for (const [path, status, type, text] of [
    ['/favicon.ico', 404, /^application\/json\b/, /^\{"error":"[A-Z][^"]*\."\}$/],
    ['/robots.txt', 200, /^text\/plain\b/, /^User-agent: \*\nDisallow: \/\n$/],
  ]) {
    const woken = await statements(path.slice(1), async () => {
      for (const method of ['GET', 'HEAD']) {
        const response = await fetch(worker.http(`${path}?v=1`), {method});
        assert.equal(response.status, status);
        assert.match(response.headers.get('content-type'), type);
        assert.equal(response.headers.get('cache-control'), 'public, max-age=86400');
        assert.match(await response.text(), method === 'GET' ? text : /^$/);
      }
      assert.equal((await upgrade(path)).status, 404);
    });
    assert.deepEqual(woken, [], path);
  }
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));

test('a setting may be a number or a text, and what is wrong with others is said once', async () => {
  const configured = await startWorker({
    settings: {GREET_AFTER_MS: 3_600_000, MAX_WINDOW_MS: 'soon', MAX_MEMORY_BYTES: 0.5, GREET_AFTER: 'a secret', MORE: {}},
  });
  for (const path of ['/one', '/two']) {
    const client = await rawClient(configured.ws(path));
    await aMoment();
    assert.deepEqual(client.heard(), [], 'nobody is greeted for an hour');
  }
  const said = configured.complaints().map(({message}) => message);
  assert.equal(said.length, 3);
  for (const [name, problem] of [
    ['MAX_WINDOW_MS', /whole number.*"soon"/],
    ['MAX_MEMORY_BYTES', /whole number.*"0\.5"/],
    ['GREET_AFTER', /no setting/],
  ]) {
    assert.equal(said.filter((line) => line.includes(`${name} `) && problem.test(line)).length, 1, name);
  }
  assert.ok(!said.some((line) => line.includes('secret')));
});
