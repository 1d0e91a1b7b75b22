// Malformed traffic: it closes the socket it came through, goes to nobody, and changes nothing.
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {WebSocket as PausableWebSocket} from 'ws';
import {cleanUp} from './support/cleanup.mjs';
import {begunClient, body, changes, hlc} from './support/raw.mjs';
import {aMoment, until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const diff = (payload) => `\n${body('edit', 3, payload)}`;
const oneCell = (...stamp) => diff(changes({c: stamp}));
const messageId = (index = 0) => String(index).padStart(16, '0');
const fragment = (index, count, part, id = messageId()) => `\n${id}\n${index}\n${count}\n${part}`;
const mebibyte = 'x'.repeat(1 << 20);

const malformed = {
  'nothing behind the recipient': ['\n'],
  'no JSON': ['\nhello'],
  'JSON that is cut short': ['\n["id",3,[[{}],[{}],1]'],
  'text behind the JSON': ['\n["id",1,""] and more'],
  'no array': ['\n{"0":"id","1":1,"2":""}'],
  'too few elements': ['\n["id",1]'],
  'too many elements': ['\n["id",1,"",""]'],
  'a request id that is a number': ['\n[5,1,""]'],
  'a type that is a text': ['\n["id","1",""]'],
  'a type that is a fraction': ['\n["id",1.5,""]'],
  'a type that there is not': ['\n["id",8,""]'],
  'a negative type': ['\n["id",-2,""]'],
  'hashes that are texts': ['\n["id",2,["1","2"]]'],
  'one hash in place of two': ['\n["id",2,[1]]'],
  'a table diff that is a list': ['\n["id",4,[]]'],
  'a row diff of the wrong depth': ['\n["id",5,{"t":1}]'],
  'a cell diff of the wrong depth': ['\n["id",6,{"t":{"r":1}}]'],
  'a value diff that is nothing': ['\n["id",7,null]'],
  'changes that are an object': [diff({})],
  'changes without values': [diff([[{}]])],
  'changes with one cell where a table belongs': [diff([[{t: [1, hlc()]}], [{}], 1])],
  'a cell that is no stamp': [diff([[{t: [{r: [{c: 1}]}]}], [{}], 1])],
  'a cell that is an empty stamp': [oneCell()],
  'a cell that is an object': [oneCell({}, hlc())],
  'a cell that is an array': [oneCell([], hlc())],
  'an HLC that is a number': [oneCell(1, 5)],
  'an HLC that is too short': [oneCell(1, hlc().slice(1))],
  'an HLC that is too long': [oneCell(1, `${hlc()}0`)],
  'an HLC of other characters': [oneCell(1, `${hlc().slice(1)}!`)],
  'an HLC of 16 bytes but fewer characters': [oneCell(1, `${hlc().slice(2)}é`)],
  'a bad stamp beside a good one': [diff(changes({good: [1, hlc()], bad: [1, 'bad']}))],
  'brackets without end': [`\n${'['.repeat(100_000)}`],
  'a binary frame': [new TextEncoder().encode('\n["id",1,""]')],
  'a fragment with a message id of 15 characters': [fragment(0, 2, '["id"', messageId().slice(1))],
  'a fragment with a negative index': [fragment(-1, 2, '["id"')],
  'a fragment with an index that is as great as the count': [fragment(2, 2, '["id"')],
  'a fragment of none': [fragment(0, 0, '["id"')],
  'a fragment that comes twice': [fragment(0, 3, '["id"'), fragment(0, 3, '["id"')],
  'a fragment that changes the count': [fragment(0, 3, '["id"'), fragment(1, 4, ',1,')],
  'fragments that make no message': [fragment(0, 2, '["id",'), fragment(1, 2, 'nonsense')],
};

const tooMuch = {
  'more than 1,000 fragments': ['fragments', [fragment(0, 1001, '["id"')]],
  'more than 100 messages in fragments': [
    'fragments',
    Array.from({length: 101}, (_, index) => fragment(0, 2, '["id"', messageId(index))),
  ],
  'more than 16 MiB in fragments': [
    'fragments',
    Array.from({length: 17}, (_, index) => fragment(index, 20, mebibyte)),
  ],
  'more than 16 MiB in one frame': ['socket', [oneCell(mebibyte.repeat(16), hlc())]],
};

/** Sends the frames into a room where somebody else is and something is kept, and answers how the socket was closed. */
const sendInto = async (path, frames) => {
  const [bystander, offender] = [await begunClient(worker.ws(path)), await begunClient(worker.ws(path))];
  bystander.send(oneCell('kept', hlc()));
  await until(() => offender.traffic.received.length > 0, 'the edit of the bystander');
  const before = await worker.content(path);

  frames.forEach((frame) => offender.send(frame));
  const {code, reason} = await offender.closed();
  assert.deepEqual(await worker.content(path), before, 'nothing was changed');

  const other = await begunClient(worker.ws(path));
  other.send(oneCell('later', hlc()));
  await until(() => bystander.traffic.received.length > 0, 'an edit of somebody else');
  assert.equal(bystander.heard().length, 1, 'nothing of it was relayed');
  assert.equal(bystander.traffic.closed, undefined, 'nobody else was closed');
  return {code, reason};
};

for (const [what, frames] of Object.entries(malformed)) {
  test(`${what} closes the socket with 1007`, async () => {
    const {code, reason} = await sendInto(`/malformed/${encodeURIComponent(what)}`, frames);
    assert.equal(code, 1007);
    assert.match(reason, /^tinybase:14\b/);
  });
}

for (const [what, [limit, frames]] of Object.entries(tooMuch)) {
  test(`${what} closes the socket with 1013`, async () => {
    const {code, reason} = await sendInto(`/too-much/${encodeURIComponent(what)}`, frames);
    assert.equal(code, 1013);
    assert.match(reason, new RegExp(`^tinybase:15:${limit}\\b`));
  });
}

const noises = ['', 'keepalive', '{"type":"ping"}', '["id",1,""]', new Uint8Array(), 'x'.repeat(100_000)];

test('a frame with no line break in it, or an empty binary one, is ignored', async () => {
  const path = '/noise';
  const [sender, other] = [await begunClient(worker.ws(path)), await begunClient(worker.ws(path))];
  for (const noise of noises) {
    sender.send(noise);
    sender.send(oneCell(String(noise).length, hlc()));
    await until(() => other.heard().length === 1, 'what was said afterwards');
  }
  await aMoment();
  assert.deepEqual([sender, other].map(({traffic}) => traffic.closed), [undefined, undefined]);
  assert.deepEqual([sender, other].flatMap((client) => client.heard()), []);
});

test('the parts of a message that never becomes whole are forgotten after a silence', async () => {
  const path = '/forgotten';
  const forgetful = await startWorker({settings: {FRAGMENT_SILENCE_MS: '1000'}});
  const sender = await begunClient(forgetful.ws(path));
  sender.send(fragment(0, 2, '["id",1'));
  await sleep(1100);
  // As long as the first is remembered this is a fragment that comes twice.
  sender.send(fragment(0, 2, '["id",1'));
  sender.send(fragment(1, 2, ',""]'));
  await until(() => sender.traffic.received.length > 0, 'an answer to the whole');
  assert.equal(sender.traffic.closed, undefined);
  assert.deepEqual(forgetful.complaints(), []);
});

test('parts in any order, interleaved with other messages, make their message', async () => {
  const path = '/in-parts';
  const [sender, receiver] = [await begunClient(worker.ws(path)), await begunClient(worker.ws(path))];
  const texts = ['one', 'two'].map((id) => body('edit', 3, changes({[id]: [`${id} é 😀`, hlc()]})));
  const pieces = texts.map((text) => text.match(/.{1,7}/gsu));
  const frames = pieces.flatMap((parts, id) =>
    parts.map((part, index) => fragment(index, parts.length, part, messageId(id))).reverse(),
  );
  // The second message's parts come between those of the first.
  frames.sort((one, other) => Number(one.split('\n')[2]) - Number(other.split('\n')[2]));
  frames.forEach((frame) => sender.send(frame));
  sender.send(diff(changes({three: ['in one piece', hlc()]})));
  await until(async () => Object.keys((await worker.content(path))?.[0][0].t[0].r[0] ?? {}).length === 3, 'all three');
  await until(() => receiver.traffic.received.join().includes('"three"'), 'the last one');
  const cells = receiver.heard().flatMap((frame) => {
    const [, , [tables]] = JSON.parse(frame.split('\n')[1]);
    return Object.entries(tables[0].t[0].r[0]).map(([id, [value]]) => [id, value]);
  });
  assert.deepEqual(Object.fromEntries(cells), {one: 'one é 😀', two: 'two é 😀', three: 'in one piece'});
});

test('who was closed stays so over an eviction, though it does not answer the close and goes on talking', async () => {
  const path = '/stubborn';
  const other = await begunClient(worker.ws(path));
  const stubborn = new PausableWebSocket(worker.ws(path), {perMessageDeflate: false});
  const heard = [];
  stubborn.on('message', (data) => heard.push(String(data)));
  await once(stubborn, 'open');
  stubborn.pause();
  stubborn.send(oneCell('before', hlc()));
  stubborn.send('\nmalformed');
  await until(() => other.traffic.received.length > 0, 'what it said before');
  await aMoment();
  await worker.evict(path.slice(1), 'hibernate');
  stubborn.send(oneCell('after', hlc()));
  await aMoment();
  other.send(diff(changes({later: ['by the other', hlc()]})));
  const row = async () => (await worker.content(path))[0][0].t[0].r[0];
  await until(async () => (await row()).later, 'an edit of the other');
  assert.equal((await row()).c[0], 'before');
  assert.equal(other.heard().length, 1);
  stubborn.resume();
  const [code] = await once(stubborn, 'close');
  assert.equal(code, 1007);
  assert.deepEqual(heard, []);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
