// What the worst inputs take of an isolate's memory, which WebAssembly never gives back.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {begunClient, body, hlc, rawClient} from './support/raw.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);

/** Of 128 MB for an isolate. */
const MOST = 112 << 20;
/** Just less than a change may have. */
const LONG = (16 << 20) - 2000;
const workers = [];

const newWorker = async () => {
  const worker = await startWorker();
  workers.push(worker);
  return worker;
};

const used = async ({http}, path) => (await (await fetch(http(`${path}?journal`))).json()).since_wake.memory_bytes;
const assertTaken = async (worker, path, what, most = MOST) => {
  const bytes = await used(worker, path);
  console.log(`${(bytes / (1 << 20)).toFixed(1)} MiB ${what}`);
  assert.ok(bytes <= most, `${bytes} bytes ${what}, at most ${most}`);
};

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_';
/** As many short names as a text has room for, each with this behind it. */
const names = (behind, bytes = LONG) => {
  const parts = [];
  for (let n = 0, length = 0; length < bytes; n++) {
    const id = [0, 6, 12, 18].map((shift) => LETTERS[(n >> shift) & 63]).join('');
    parts.push(`"${id}":${behind}`);
    length += id.length + behind.length + 4;
  }
  return parts.join(',');
};
const change = (tables, values) => `\n[null,3,[[{${tables}}],[{${values}}],1]]`;

/** Waits for an answer, which comes after everything that was said before has been taken in. */
const answered = async (client, question = body('q', 1, '')) => {
  client.heard();
  client.send(`\n${question}`);
  await until(() => client.traffic.received.some((frame) => frame.includes('"q",0,')), 'an answer', 60);
};

for (const [name, frame] of Object.entries({
  'values': () => change('', names('[0]')),
  'cells of a row': () => change(`"t":[{"r":[{${names('[0]')}}]}]`, ''),
  'rows': () => change(`"t":[{${names('[{"c":[0]}]')}}]`, ''),
  'tables': () => change(names('[{"r":[{"c":[0]}]}]'), ''),
})) {
  test(`one change of nothing but ${name} fits, and its room loads again`, async () => {
    const [worker, path] = [await newWorker(), '/memory/change'];
    const client = await begunClient(worker.ws(path));
    client.send(frame());
    await answered(client);
    await assertTaken(worker, path, `after a change of ${name}`);
    assert.equal(client.traffic.closed, undefined);
    await worker.kill();
    await worker.start();
    await answered(await rawClient(worker.ws(path)));
    await assertTaken(worker, path, 'loaded again');
    const {data} = await (await fetch(worker.http(path))).json();
    assert.ok(data);
    await assertTaken(worker, path, 'when it has been read');
    assert.equal((await (await fetch(worker.http(`${path}?verify`))).json()).verified, true);
    await assertTaken(worker, path, 'read back from the disk');
  });
}

test('three changes that come at once, each of which fills a room, are read one after the other', async () => {
  const [worker, path] = [await newWorker(), '/memory/at-once'];
  const clients = await Promise.all([1, 2, 3].map(() => begunClient(worker.ws(path))));
  clients.forEach((client, index) => client.send(change(`"t${index}":[{${names('[{"c":[0]}]')}}]`, '')));
  await Promise.all(clients.map((client) => answered(client)));
  await assertTaken(worker, path, 'after three changes at once');
  assert.deepEqual(clients.map(({traffic}) => traffic.closed), [undefined, undefined, undefined]);
});

test('of messages that come to many rooms at once, more than half of the memory never waits to be read', async () => {
  const [worker, paths] = [await newWorker(), [...'abcdefgh'].map((name) => `/memory/many/${name}`)];
  const clients = await Promise.all(paths.map((path) => begunClient(worker.ws(path))));
  const cells = names(`[0,"${hlc(Date.now() + 86_400_000)}"]`);
  for (const client of clients) client.send(change(`"t":[{"r":[{"good":[1],${cells}}]}]`, ''));
  await Promise.all(clients.map((client) => answered(client)));
  await assertTaken(worker, paths[0], 'after a change in each of eight rooms at once');
  for (const path of paths) assert.deepEqual(Object.keys((await worker.content(path))[0][0].t[0].r[0]), ['good']);
  assert.deepEqual(clients.map(({traffic}) => traffic.closed), clients.map(() => undefined));
});

test('cells of the future leave nothing behind', async () => {
  const [worker, path] = [await newWorker(), '/memory/future'];
  const client = await begunClient(worker.ws(path));
  const cells = names(`[0,"${hlc(Date.now() + 86_400_000)}"]`);
  for (let message = 0; message < 12; message++) {
    client.send(change(`"t":[{"r${message}":[{"good":[${message}],${cells}}]}]`, ''));
    await answered(client);
  }
  await assertTaken(worker, path, 'after 12 changes of the future', 64 << 20);
  const [[tables]] = await worker.content(path);
  assert.equal(Object.keys(tables.t[0]).length, 12);
});

for (const [name, question] of Object.entries({
  'tables': () => `["q",4,{${names('0')}}]`,
  'rows': () => `["q",5,{"t":{${names('0')}}}]`,
  'rows of one name': () => `["q",5,{"t":{${'"r":0,'.repeat(LONG / 6)}"r":0}}]`,
  'cells': () => `["q",6,{"t":{"r":{${names('0')}}}}]`,
  'values': () => `["q",7,{${names('0')}}]`,
})) {
  test(`a question that names ${name} takes little more than its text`, async () => {
    const [worker, path] = [await newWorker(), '/memory/question'];
    const client = await begunClient(worker.ws(path));
    client.send(change('"t":[{"r":[{"c":[1]}]}]', '"v":[1]'));
    await answered(client);
    await answered(client, question());
    await assertTaken(worker, path, `after a question that names ${name}`, 40 << 20);
  });
}

for (const [step, name, answer] of [
  ['h', 'nothing', () => `[{"t":[{${names('[{"c":[0]}]')}}]}]`],
  ['1', 'hashes, which brings tables', () => `[{${names('[{"r":[{"c":[0]}]}]')}}]`],
  ['4', 'tables, which brings hashes', () => `[[{}],{${names('0')}}]`],
  ['5', 'rows, which brings hashes', () => `[[{}],{"t":{${names('0')}}}]`],
  ['6', 'cells, which brings those of the future', () => `[{"t":[{"r":[{${names(`[0,"${hlc(Date.now() + 86_400_000)}"]`)}}]}]}]`],
  ['6', 'cells, which brings empty rows', () => `[{"t":[{${names('[{}]')}}]}]`],
  ['7', 'values, which brings those of the future', () => `[{${names(`[0,"${hlc(Date.now() + 86_400_000)}"]`)}}]`],
]) {
  test(`an answer to a question for ${name} takes little more than its text`, async () => {
    const [worker, path] = [await newWorker(), '/memory/answer'];
    const client = await begunClient(worker.ws(path));
    client.send(change('"t":[{"r":[{"c":[1]}]}]', '"v":[1]'));
    await answered(client);
    client.heard();
    client.send(`S\n["0123456789a.${step}bcd",0,${answer()}]`);
    client.send(`\n${body('q', 1, '')}`);
    // Who answers something else than was asked for is closed.
    const isTaken = () => client.traffic.closed || client.traffic.received.some((frame) => frame.includes('"q",0,'));
    await until(isTaken, 'an answer, or a close', 60);
    await assertTaken(worker, path, `after an answer for ${name}`, 40 << 20);
  });
}

test('none of this was an error of the Worker', () => {
  // That a room is full is said.
  const complaints = workers.flatMap((worker) => worker.complaints());
  assert.deepEqual(complaints.filter(({message}) => !message.includes('there is no room')), []);
});
