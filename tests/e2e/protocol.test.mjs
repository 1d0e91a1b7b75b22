// The protocol, frame by frame.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {WebSocket as BluntWebSocket} from 'ws';
import {cleanUp} from './support/cleanup.mjs';
import {connect, untilEqual} from './support/clients.mjs';
import {begunClient, begunClients, body, changes, hlc, rawClient} from './support/raw.mjs';
import {aMoment, until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const untilHeard = async (client, count = 1) => {
  await until(() => client.traffic.received.length >= count, `${count} frames`);
  return client.heard();
};

const diff = (cells, values) => body('edit', 3, changes(cells, values));

/** The id that the others know a client by. */
const idOf = async (client, witness) => {
  client.send(`\n${diff({id: [1, hlc()]})}`);
  const [frame] = await untilHeard(witness);
  return frame.split('\n')[0];
};

/** Edits that come within 50 ms of each other may leave together, in words of the room's own. */
const quiet = () => sleep(300);

const minutes = 60_000;

test('a connection that says nothing is asked for its hashes, once', async () => {
  const client = await rawClient(worker.ws('/greeting'));
  await until(() => client.traffic.received.length > 0, 'the greeting');
  await aMoment();
  const frames = client.heard();
  assert.equal(frames.length, 1);
  const [from, message] = frames[0].split('\n');
  assert.equal(from, 'S');
  const [requestId, ...rest] = JSON.parse(message);
  assert.equal(typeof requestId, 'string');
  assert.deepEqual(rest, [1, '']);
});

test('a connection that begins by itself is answered, and asked nothing', async () => {
  const patient = await startWorker({settings: {GREET_AFTER_MS: '4000'}});
  const client = await rawClient(patient.ws('/begun'));
  client.send('\n["mine",1,""]');
  await until(() => client.traffic.received.length > 0, 'the answer');
  client.send('\n[null,2,[0,0]]');
  await sleep(4500);
  assert.deepEqual(client.heard(), ['S\n["mine",0,[0,0]]']);
});

test('the answer to the greeting tells the room what to pull, and nobody else notices', async () => {
  const bystander = await begunClient(worker.ws('/pull'));
  const client = await rawClient(worker.ws('/pull'));
  const ask = async () => {
    const [frame] = await untilHeard(client);
    const [from, message] = frame.split('\n');
    assert.equal(from, 'S');
    return JSON.parse(message);
  };
  const stamp = hlc();
  const [greeting] = await ask();
  client.send(`S\n${body(greeting, 0, [1, 0])}`);
  const [tables, type, payload] = await ask();
  assert.deepEqual([type, payload], [4, {}]);
  client.send(`S\n${body(tables, 0, [[{t: [{r: [{c: ['pulled', stamp]}]}]}], {}])}`);
  // What the room has pulled from one it tells the others.
  const [told] = await untilHeard(bystander);
  assert.deepEqual(JSON.parse(told.split('\n')[1]).slice(1), [3, changes({c: ['pulled', stamp]})]);
  assert.deepEqual((await worker.content('/pull'))[0][0].t[0].r[0].c.slice(0, 2), ['pulled', stamp]);
  await aMoment();
  assert.deepEqual(bystander.heard(), []);
});

test('a broadcast reaches everybody else as it was sent, and each sender has an id of its own', async () => {
  const clients = await begunClients(worker.ws('/broadcast'), 4);
  const ids = [];
  for (const [index, sender] of clients.entries()) {
    const text = body(`edit ${index}`, 3, changes({[`c${index}`]: ['"\u2028\n😀\ud800', hlc()]}, {0: [1e21, hlc()]}));
    await quiet();
    sender.send(`\n${text}`);
    for (const receiver of clients.filter((client) => client !== sender)) {
      const [frame] = await untilHeard(receiver);
      const from = frame.split('\n')[0];
      assert.equal(frame, `${from}\n${text}`);
      ids[index] ??= from;
      assert.equal(from, ids[index]);
    }
  }
  await aMoment();
  for (const client of clients) assert.deepEqual(client.heard(), [], 'no frame came twice, or back to its sender');
  assert.equal(new Set([...ids, '', 'S', 'server']).size, clients.length + 3);
});

test('a long text arrives and is kept as it was sent, whatever its characters', async () => {
  const [a, b] = await begunClients(worker.ws('/long'), 2);
  const long = 'x'.repeat(20_000);
  const texts = [long, `${long}é`, `é${long}`, `${long}é${long}`, '😀'.repeat(20_000), `${long}\ud800`];
  for (const text of texts) {
    const message = body('edit', 3, changes({c: [text, hlc()]}));
    await quiet();
    a.send(`\n${message}`);
    const [frame] = await untilHeard(b);
    assert.ok(frame.endsWith(`\n${message}`), `${text.length} UTF-16 code units that begin with ${text.slice(0, 2)}`);
    const [[tables]] = await worker.content('/long');
    assert.ok(tables.t[0].r[0].c[0] === text);
  }
});

test('a change that is written in an odd way arrives and is kept with the same meaning', async () => {
  const [a, b] = await begunClients(worker.ws('/odd'), 2);
  const stamp = hlc();
  const cells = `"c" : [1, "${stamp}"], "c":[ "\\u00e9\\/", "${stamp}" ] , "n":[100e-2,"${stamp}"]`;
  a.send(`\n [ "edit" ,3, [ [{"empty":[{}],"t":[{"r":[ {${cells}},"" ]}]}],[{}],1 ] ]`);
  const [frame] = await untilHeard(b);
  const expected = changes({c: ['é/', stamp], n: [1, stamp]});
  assert.deepEqual(JSON.parse(frame.split('\n').slice(1).join('\n')).slice(1), [3, expected]);
  const [[tables]] = await worker.content('/odd');
  assert.deepEqual(Object.keys(tables), ['t']);
  assert.deepEqual([tables.t[0].r[0].c[0], tables.t[0].r[0].n[0]], ['é/', 1]);
});

test('questions, answers and hashes to one client, or to nobody, are heard by nobody', async () => {
  const [a, b, c] = await begunClients(worker.ws('/one'), 3);
  const idOfA = await idOf(a, b);
  const idOfB = await idOf(b, a);
  await untilHeard(c, 2);

  const future = hlc(Date.now() + 10 * minutes);
  const messages = [
    ['q', 1, ''],
    ['q', 2, [1, 1]],
    ['q', 4, {}],
    ['q', 5, {t: {}}],
    ['q', 6, {t: {r: {}}}],
    ['q', 7, {}],
    ['q', 0, [{}, future]],
    ['q', 0, [[{}, future], {}]],
  ];
  for (const to of [idOfB, idOfA, 'nobody']) for (const message of messages) a.send(`${to}\n${body(...message)}`);
  await aMoment();
  assert.deepEqual([a, b, c].flatMap((client) => client.heard()), []);
  assert.equal(a.traffic.closed, undefined);
});

test('a change for one client is kept by the room, and so the others are told as well, each once', async () => {
  const [a, b, c] = await begunClients(worker.ws('/one/change'), 3);
  const idOfA = await idOf(a, b);
  const idOfB = await idOf(b, a);
  await untilHeard(c, 2);
  await quiet();
  const message = diff({c: ['for b', hlc()]});
  a.send(`${idOfB}\n${message}`);
  await aMoment();
  assert.deepEqual([a, b, c].map((client) => client.heard()), [[], [`${idOfA}\n${message}`], [`${idOfA}\n${message}`]]);
  assert.equal((await worker.content('/one/change'))[0][0].t[0].r[0].c[0], 'for b');
});

for (const room of ['S', 'server']) {
  test(`requests to ${room} are answered by the room, and heard by nobody else`, async () => {
    const [asker, bystander] = await begunClients(worker.ws(`/to/${room}`), 2);
    const ask = async (type, payload) => {
      asker.send(`${room}\n${body('q', type, payload)}`);
      const [frame] = await untilHeard(asker);
      const [from, message] = frame.split('\n');
      assert.equal(from, 'S');
      const [requestId, answer, content] = JSON.parse(message);
      assert.deepEqual([requestId, answer], ['q', 0]);
      return content;
    };
    const stamp = hlc();
    asker.send(`${room}\n${diff({c: [1, stamp], gone: ['\uFFFC', stamp]}, {v: ['two', stamp]})}`);
    await untilHeard(bystander);
    const [[tables, , tablesHash], [values, , valuesHash]] = await worker.content(`/to/${room}`);
    const [rows, , tableHash] = tables.t;
    const [cells, , rowHash] = rows.r;
    const all = {c: [1, stamp], gone: ['\uFFFC', stamp]};

    assert.deepEqual(await ask(1, ''), [tablesHash, valuesHash]);
    assert.deepEqual(await ask(4, {}), [[{t: [{r: [all]}]}], {}]);
    assert.deepEqual(await ask(4, {t: 1}), [[{}], {t: tableHash}]);
    assert.deepEqual(await ask(4, {t: tableHash}), [[{}], {}]);
    assert.deepEqual(await ask(5, {t: {}}), [[{t: [{r: [all]}]}], {}]);
    assert.deepEqual(await ask(5, {t: {r: 1}}), [[{}], {t: {r: rowHash}}]);
    assert.deepEqual(await ask(6, {t: {r: {}}}), [{t: [{r: [all]}]}]);
    assert.deepEqual(await ask(6, {t: {r: {c: cells.c[2], gone: 1}}}), [{t: [{r: [{gone: all.gone}]}]}]);
    assert.deepEqual(await ask(7, {}), [{v: ['two', stamp]}]);
    assert.deepEqual(await ask(7, {v: values.v[2]}), [{}]);
    await aMoment();
    assert.deepEqual([asker, bystander].flatMap((client) => client.heard()), []);
  });
}

test('questions and hashes to everybody end at the room, which answers once', async () => {
  const [a, ...others] = await begunClients(worker.ws('/hashes'), 3);
  a.send(`\n${diff({c: [1, hlc()]})}`);
  for (const other of others) await untilHeard(other);
  const [[, , tables], [, , values]] = await worker.content('/hashes');

  a.send(`\n${body('question', 1, '')}`);
  assert.deepEqual(await untilHeard(a), [`S\n["question",0,[${tables},${values}]]`]);
  a.send(`\n${body('told', 2, [tables, values])}`);
  await aMoment();
  assert.deepEqual([a, ...others].flatMap((client) => client.heard()), []);

  a.send(`\n${body(null, 2, [tables, 1])}`);
  const [question] = await untilHeard(a);
  assert.deepEqual(JSON.parse(question.split('\n')[1]).slice(1), [7, {}]);
  await aMoment();
  assert.deepEqual([a, ...others].flatMap((client) => client.heard()), []);
});

test('what loses the merge is relayed to nobody, and what wins beside it is', async () => {
  const [a, b] = await begunClients(worker.ws('/losers'), 2);
  const [older, newer, newest] = [hlc(), hlc(), hlc()];
  a.send(`\n${diff({c: ['newer', newer]}, {v: ['newer', newer]})}`);
  await untilHeard(b);
  const before = await worker.content('/losers');

  a.send(`\n${diff({c: ['older', older]}, {v: ['the same stamp', newer]})}`);
  await aMoment();
  assert.deepEqual(b.heard(), []);
  assert.deepEqual(await worker.content('/losers'), before);

  a.send(`\n${diff({c: ['older', older], d: ['new', older]}, {v: ['newest', newest]})}`);
  const [frame] = await untilHeard(b);
  assert.deepEqual(
    JSON.parse(frame.split('\n')[1]).slice(1),
    [3, changes({d: ['new', older]}, {v: ['newest', newest]})],
  );
});

test('a stamp from the future is left out, and the rest of its change is kept', async () => {
  const path = '/future';
  const [a, b] = await begunClients(worker.ws(path), 2);
  const now = hlc();
  const soon = hlc(Date.now() + 3 * minutes);
  const future = hlc(Date.now() + 10 * minutes);
  a.send(`\n${diff({now: [1, now], soon: [2, soon], far: [3, future]}, {far: [4, future], now: [5, now]})}`);
  // What is more than a minute ahead travels by itself.
  const told = (await untilHeard(b, 2)).map((frame) => JSON.parse(frame.split('\n')[1]).slice(1));
  assert.deepEqual(told, [[3, changes({now: [1, now]}, {now: [5, now]})], [3, changes({soon: [2, soon]})]]);

  a.send(`\n${diff({far: [6, future]})}`);
  const idOfB = await idOf(b, a);
  a.send(`${idOfB}\n${diff({far: [7, future]})}`);
  await aMoment();
  assert.deepEqual(b.heard(), []);
  assert.equal(a.traffic.closed, undefined);

  const [[tables], [values]] = await worker.content(path);
  assert.deepEqual(Object.keys(tables.t[0].r[0]).sort(), ['id', 'now', 'soon']);
  assert.deepEqual(Object.keys(values), ['now']);
  b.send(`\n${body('all', 4, {})}`);
  assert.equal((await untilHeard(b))[0].includes(future), false);
  const newcomer = await connect('10.0', worker.ws(path));
  await untilEqual(worker, path, [newcomer]);
  assert.deepEqual({...newcomer.store.getRow('t', 'r')}, {id: 1, now: 1, soon: 2});
});

test('what a client sends and at once hangs up on is kept and relayed', async () => {
  for (const code of [undefined, 1000, 4321]) {
    const path = `/last-words/${code}`;
    const [a, b] = await begunClients(worker.ws(path), 2);
    const frames = Array.from({length: 5}, (_, index) => `\n${diff({[`c${index}`]: [index, hlc()]})}`);
    frames.forEach((frame) => a.send(frame));
    a.socket.close(code);
    await a.closed();
    await until(() => b.traffic.received.join().includes('"c4"'), 'the last words');
    assert.equal(Object.keys((await worker.content(path))[0][0].t[0].r[0]).length, 5);
  }
});

test('a close is answered with the code it came with', async () => {
  for (const [code, answer] of [
    [undefined, 1005],
    [1000, 1000],
    [4321, 4321],
  ]) {
    const client = await begunClient(worker.ws('/close'));
    client.socket.close(code, code && 'a reason');
    assert.equal((await client.closed()).code, answer);
  }
});

test('a connection that breaks off takes nobody with it', async () => {
  const [a, b] = await begunClients(worker.ws('/broken'), 2);
  const broken = new BluntWebSocket(worker.ws('/broken'));
  await new Promise((resolve) => broken.on('open', resolve));
  broken.send(`\n${diff({c: ['before', hlc()]})}`);
  await untilHeard(a);
  await untilHeard(b);
  broken.terminate();
  await aMoment();
  const message = diff({c: ['after', hlc()]});
  a.send(`\n${message}`);
  assert.equal((await untilHeard(b))[0].split('\n')[1], message);
  assert.deepEqual(a.heard(), []);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
