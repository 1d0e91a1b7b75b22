// A text that begins with U+FFFD says that an object follows. Where none does, clients throw that read their store: no room
// may hand such a text to them.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, connectAll, leaveAll, untilEqual, versions} from './support/clients.mjs';
import {begunClient, body, changes, hlc} from './support/raw.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const malformed = {
  bad: '\uFFFD{bad',
  bare: '\uFFFD',
  cut: '\uFFFD{"a":[1,2',
  behind: '\uFFFD{} {}',
  comma: '\uFFFD[1,]',
  word: '\uFFFDundefined',
  twice: '\uFFFD\uFFFD{}',
};
const sound = {object: '\uFFFD{"a":[1,null,"\u2028"]}', array: '\uFFFD[]', text: 'a \uFFFD{bad', number: 1};

/** Everything that an app may ask its store. */
const readAll = ({store}) => [
  store.getTables(),
  store.getRow('t', 'r'),
  store.getValues(),
  store.getMergeableContent(),
  store.getJson(),
];

const stamped = (things) => Object.fromEntries(Object.entries(things).map(([id, value]) => [id, [value, hlc()]]));

test('a text that says it is an object and is none is refused, live, and what comes beside it is taken', async () => {
  const path = '/objects/live';
  const clients = await connectAll(worker.ws(path));
  const sender = await begunClient(worker.ws(path));
  for (const id of Object.keys(malformed)) {
    const [cells, values] = [1, 2].map(() => stamped({[id]: malformed[id], [`beside ${id}`]: id}));
    sender.send(`\n${body('edit', 3, changes(cells, values))}`);
  }
  sender.send(`\n${body('edit', 3, changes(stamped(sound), stamped(sound)))}`);
  const [[tables], [values]] = await untilEqual(worker, path, clients);
  const expected = [...Object.keys(sound), ...Object.keys(malformed).map((id) => `beside ${id}`)].sort();
  for (const held of [tables.t[0].r[0], values]) assert.deepEqual(Object.keys(held).sort(), expected);
  for (const client of clients) {
    readAll(client);
    assert.deepEqual(Object.keys(client.store.getRow('t', 'r')).sort(), expected, client.version);
  }
  assert.equal(sender.traffic.closed, undefined);

  const newcomers = await connectAll(worker.ws(path));
  await untilEqual(worker, path, [...clients, ...newcomers]);
  newcomers.forEach(readAll);
  await leaveAll([...clients, ...newcomers]);
});

test('a room that pulls such a text from a client leaves it there, and takes the rest', async () => {
  const path = '/objects/pulled';
  const [witness, sender] = [await connect('10.0', worker.ws(path)), await begunClient(worker.ws(path))];
  sender.send(`\n${body('told', 2, [1, 1])}`);
  // Asked what it holds, at whatever depth the room asks, it hands over all of it.
  const answers = {
    4: () => [[{t: [{r: [stamped({...malformed, ...sound})]}]}], {}],
    5: () => [[{t: [{r: [stamped({...malformed, ...sound})]}]}], {}],
    6: () => [{t: [{r: [stamped({...malformed, ...sound})]}]}],
    7: () => [stamped({...malformed, ...sound})],
  };
  sender.socket.addEventListener('message', ({data}) => {
    const [id, type] = JSON.parse(data.slice(data.indexOf('\n')));
    if (type in answers) sender.send(`S\n${body(id, 0, answers[type]())}`);
  });
  const heard = sender.heard().map((frame) => JSON.parse(frame.slice(frame.indexOf('\n'))));
  for (const [id, type] of heard) if (type in answers) sender.send(`S\n${body(id, 0, answers[type]())}`);
  const expected = Object.keys(sound).sort();
  await until(() => witness.store.getCell('t', 'r', 'number') && witness.store.getValue('number'), 'the rest');
  const [[tables], [values]] = await worker.content(path);
  assert.deepEqual([Object.keys(tables.t[0].r[0]).sort(), Object.keys(values).sort()], [expected, expected]);
  readAll(witness);
  for (const version of versions) readAll(await connect(version, worker.ws(path)));
});

test('the log says it once of each client, and nothing else', () => {
  const complaints = worker.complaints().map(({message}) => message);
  assert.equal(complaints.length, 2, complaints.join('\n'));
  for (const complaint of complaints) assert.match(complaint, /refused.* marked as an object that hold none/);
});
