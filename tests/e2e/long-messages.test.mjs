// A message that is long is taken in part by part, and others have their turn in between.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {createMergeableStore} from 'tinybase';
import {cleanUp} from './support/cleanup.mjs';
import {begunClient, body, changes, hlc} from './support/raw.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);

const VALUES = 200_000;
const worker = await startWorker();

const longChange = () => {
  const stamp = hlc();
  const values = Array.from({length: VALUES}, (_, value) => `"${value}":[1,"${stamp}"]`);
  return `\n[null,3,[[{}],[{${values}}],1]]`;
};

/** How many of the values of the long change are in these frames. */
const valuesIn = (frames) => frames.reduce((count, frame) => count + frame.split(':[1,').length - 1, 0);

/** Lets one write, each edit when another has heard of the one before, until something is over. Answers how many were heard. */
const editsUntil = async (isOver, writer, reader) => {
  let heard = -1;
  reader.socket.addEventListener('message', ({data}) => {
    // It stands at the start: what is long needs not be searched.
    const edit = /"edit (\d+)"/.exec(data.slice(0, 200));
    if (edit) heard = Number(edit[1]);
  });
  for (let edit = 0; ; edit++) {
    writer.send(`\n${body(null, 3, changes({other: [`edit ${edit}`, hlc()]}))}`);
    while (!isOver() && heard < edit) await new Promise((resolve) => setTimeout(resolve, 1));
    if (isOver()) return edit;
  }
};

/** Whether a client has been answered, and so what it said before has been taken in. */
const answered = ({socket}) => {
  let isAnswered = false;
  socket.addEventListener('message', ({data}) => (isAnswered ||= data.startsWith('S\n["q",0,')));
  return () => isAnswered;
};

// In one piece either takes as long as an edit or two.
const FEW = 5;

test('what others write while a long change is taken in is heard', async () => {
  const [author, writer, reader] = await Promise.all([1, 2, 3].map(() => begunClient(worker.ws('/long/change'))));
  const isTaken = answered(author);
  author.send(longChange());
  author.send(`\n${body('q', 1, '')}`);
  const edits = await editsUntil(isTaken, writer, reader);
  console.log(`${edits} edits while a change is taken in`);
  assert.ok(edits > FEW, `${edits} edits`);
  await until(() => valuesIn(reader.traffic.received) >= VALUES, 'the last part', 60);
});

test('what others write while a long question is read is heard', async () => {
  const [asker, writer, reader] = await Promise.all([1, 2, 3].map(() => begunClient(worker.ws('/long/question'))));
  const isAnswered = answered(asker);
  const names = Array.from({length: 2_000_000}, (_, name) => `"${name}":0`);
  asker.send(`S\n["q",4,{${names}}]`);
  const edits = await editsUntil(isAnswered, writer, reader);
  console.log(`${edits} edits while a question is read`);
  assert.ok(edits > FEW, `${edits} edits`);
});

test('a long change whose author leaves at once is kept whole', async () => {
  const [author, reader] = await Promise.all([1, 2].map(() => begunClient(worker.ws('/long/leave'))));
  author.send(longChange());
  author.socket.close();
  await until(() => valuesIn(reader.traffic.received) >= VALUES, 'the last part', 60);
  await worker.kill();
  await worker.start();
  const [, [values]] = await worker.content('/long/leave');
  assert.equal(Object.keys(values).length, VALUES);
});

test('a transaction of very many cells by a real client reaches another whole', async () => {
  const {createWsSynchronizer} = await import('tinybase/synchronizers/synchronizer-ws-client');
  const stores = [createMergeableStore('one'), createMergeableStore('other')];
  const synchronizers = [];
  for (const store of stores) {
    const synchronizer = await createWsSynchronizer(store, new WebSocket(worker.ws('/long/real')), 60);
    await synchronizer.startSync();
    synchronizers.push(synchronizer);
  }
  const [one, other] = stores;
  one.transaction(() => {
    for (let row = 0; row < 20_000; row++) one.setRow('t', `${row}`, {a: row, b: `text ${row}`, c: row % 2 === 0});
  });
  await until(() => other.getRowCount('t') === 20_000, 'all rows', 60);
  other.setCell('t', '7', 'a', 'back');
  await until(() => one.getCell('t', '7', 'a') === 'back', 'an edit in return', 60);
  assert.deepEqual(other.getMergeableContent(), one.getMergeableContent());
  await Promise.all(synchronizers.map((synchronizer) => synchronizer.destroy()));
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
