// A value with the mark of an object and no object behind it, in a room that was stored before such were refused. Clients
// throw at it: none of them may ever see it.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, connectAll, untilEqual} from './support/clients.mjs';
import {startFaultyWorker} from './support/faults.mjs';
import {until} from './support/until.mjs';

const worker = await startFaultyWorker();
after(cleanUp);

const MALFORMED = '\uFFFD{bad';
const DELETED = '\uFFFC';
/** What stands in its place when it is stored. */
const HARMLESS = 'harmless';

/** Makes a room whose rows on disk hold the malformed value in place of what a client has set. */
const spoiltRoom = async (room) => {
  const author = await connect('10.0', worker.ws(`/${room}`));
  author.store.transaction(() =>
    author.store.setTables({t: {r: {bad: HARMLESS, sound: 1}}}).setValues({bad: HARMLESS, sound: 2}),
  );
  await untilEqual(worker, `/${room}`, [author]);
  await author.leave();
  // Orders are ASCII, as headers are.
  await worker.sql(room, "UPDATE tinyroom_journal SET entries = replace(entries, ?, char(65533) || '{bad')", HARMLESS);
  await worker.sql(room, 'UPDATE tinyroom_journal SET bytes = length(CAST(entries AS BLOB))');
  await worker.evict(room, 'close');
};

const get = async (room) => (await fetch(worker.http(`/${room}`))).json();
const rowsOf = (room) => worker.sql(room, 'SELECT * FROM tinyroom_journal ORDER BY sequence');

test('a malformed value that is stored is served as deleted, reported, and stays on disk as it was', async () => {
  const room = 'served';
  await spoiltRoom(room);
  const rows = await rowsOf(room);
  assert.ok(rows.some(({entries}) => entries.includes(MALFORMED)));
  await worker.evict(room, 'close');
  worker.logs.length = 0;
  const {data, unreadable} = await get(room);
  const [[tables], [values]] = data;
  const cells = tables.t[0].r[0];
  assert.deepEqual([cells.bad[0], cells.sound[0], values.bad[0], values.sound[0]], [DELETED, 1, DELETED, 2]);
  const problem = 'entry 0: malformed objects, read as deleted: 2';
  assert.deepEqual(unreadable, [{sequence: 1, problem}]);
  await until(() => worker.complaints().some(({message}) => message.includes(problem)), 'a line in the log');
  assert.deepEqual(await rowsOf(room), rows);
});

test('clients of every version join a room with a malformed value, read it, and heal it', async () => {
  const room = 'joined';
  await spoiltRoom(room);
  const clients = await connectAll(worker.ws(`/${room}`));
  await untilEqual(worker, `/${room}`, clients);
  for (const {version, store, traffic} of clients) {
    assert.deepEqual(JSON.parse(JSON.stringify(store.getTables())), {t: {r: {sound: 1}}}, version);
    assert.deepEqual(JSON.parse(JSON.stringify(store.getValues())), {sound: 2}, version);
    assert.equal(store.getMergeableContent()[0][0].t[0].r[0].sound[0], 1, version);
    assert.ok(!traffic.received.some((frame) => frame.includes(MALFORMED)), version);
  }
  clients[0].store.setCell('t', 'r', 'bad', 'good');
  await untilEqual(worker, `/${room}`, clients);
  await worker.evict(room, 'close');
  const {data} = await get(room);
  assert.equal(data[0][0].t[0].r[0].bad[0], 'good');
  assert.deepEqual(clients.map(({store}) => store.getCell('t', 'r', 'bad')), clients.map(() => 'good'));
});
