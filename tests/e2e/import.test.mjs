// Rooms whose storage an earlier server has filled: what TinyBase's own persisters wrote in workerd, opened by Tinyroom.
import assert from 'node:assert/strict';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, test} from 'node:test';
import {parseJson} from '../oracle/parse-json.mjs';
import {cleanUp} from './support/cleanup.mjs';
import {connect, leaveAll, untilEqual} from './support/clients.mjs';
import {asStamped, asText, mapContent} from './support/content.mjs';
import {startEarlier} from './support/earlier.mjs';
import {aMoment, until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const versions = ['6.7', '8.5', '10.0'];
const ownTable = 'old "stuff"';
const ownColumns = {mode: 'json', storeTableName: ownTable, storeIdColumnName: 'id', storeColumnName: 'content'};
/** By the names of rooms: one key for each node, SQL with JSON or fragments in it, and the key `store` of 2024. */
const byDefault = {
  keys: {layout: 'keys'},
  'keys-with-prefix': {layout: 'keys', prefix: 'my app: t'},
  json: {layout: 'sql'},
  fragments: {layout: 'sql', config: {mode: 'fragmented'}},
  'fragments-with-prefix': {layout: 'sql', config: {mode: 'fragmented', storagePrefix: 'my-app'}},
  'store-as-value': {layout: 'one value'},
  'store-as-text': {layout: 'one text'},
};
const bySetting = {
  'json-in-other-table': {layout: 'sql', config: ownTable},
  'json-in-other-columns': {layout: 'sql', config: ownColumns},
};
const roomsOf = (layouts) =>
  versions.flatMap((version) =>
    Object.entries(layouts).map(([name, how]) => ({room: `${version}/${name}`, version, ...how})),
  );
const pathOf = ({room}) => `/${room}`;

/** Which rows of its storage an earlier server may have lost, where the root hash still counts them; and that hash is 1. */
const spoil = {
  keys: {
    put: {t: [0, '', 1]},
    drop: ['t"many","row 7"', 't"many","row 7","number"', 't"many","row 7","text"'],
  },
  json: {
    statements: [`UPDATE tinybase SET store = json_remove(json_set(store, '$[0][2]', 1), '$[0][0].many[0]."row 7"')`],
  },
  fragments: {
    statements: [
      'UPDATE tinybase_tables SET hash = 1 WHERE table_id IS NULL',
      `DELETE FROM tinybase_tables WHERE row_id = 'row 7'`,
    ],
  },
};
const spoilt = versions.flatMap((version) =>
  Object.keys(spoil).map((name) => ({room: `spoilt/${version}/${name}`, version, ...byDefault[name]})),
);
/** What is in storage and is no content. */
const strangers = {
  put: {timeout: 1, t: 'x', v: 'y', 'tail"x"': [1, '', 2]},
  statements: [
    'CREATE TABLE tinybase (_id TEXT, store TEXT)',
    `INSERT INTO tinybase VALUES ('other', '[[{}],[{}]]'), ('_', 'no content')`,
    'CREATE TABLE tinybase_tables (colour TEXT)',
  ],
};

const storage = await mkdtemp(join(tmpdir(), 'tinyroom-import-'));
after(async () => {
  await cleanUp();
  await rm(storage, {recursive: true, force: true});
});

/** What the earlier server held, and what it left in storage. */
const written = {};
const left = {};
const rooms = [...roomsOf(byDefault), ...roomsOf(bySetting), ...spoilt];
const earlier = await startEarlier(storage);
for (const {room, ...how} of rooms) {
  const {errors, content} = await earlier.write(room, how);
  assert.deepEqual(errors, [], room);
  written[room] = parseJson(content);
}
for (const {room} of spoilt) await earlier.alter(room, spoil[room.split('/')[2]]);
await earlier.write('nothing', {version: '10.0', ...byDefault.fragments, nothing: true});
await earlier.alter('strangers', strangers);
for (const room of [...rooms.map(({room}) => room), 'nothing', 'strangers']) left[room] = await earlier.dump(room);
await earlier.kill();

const withoutHashes = (content) => mapContent(content, {end: ([hlc]) => [hlc]});

/** What a client holds, with every hash as that client computed it from the values and HLCs it was given. */
const heldBy = ({store}) => mapContent(parseJson(asText(store.getMergeableContent())), {value: asStamped});

/** New clients, one of the version that wrote what a room imported, see that every hash in it is TinyBase's own. */
const newClients = async (worker, how, content) => {
  const clients = await Promise.all([how.version, '10.0'].map((version) => connect(version, worker.ws(pathOf(how)))));
  await untilEqual(worker, pathOf(how), clients);
  for (const client of clients) assert.deepEqual(content, heldBy(client), client.version);
  return clients;
};

/**
 * What there is to import. In fragments some of it is lost when it is written: lone surrogates of ids in columns of
 * SQL; and up to 8.5, whose fragments are cells, what is deleted looks like `null`. That is read as deleted.
 */
const expected = ({room, version, config}) => {
  const content = mapContent(withoutHashes(written[room]), {value: asStamped});
  if (config?.mode !== 'fragmented') return content;
  const value = (value) => (value === null && version !== '10.0' ? '\uFFFC' : value);
  const [[tables], [values]] = mapContent(content, {value, id: idInColumn});
  if (version === '10.0') {
    // Its fragments are rows, as JSON, in which the ids of cells are whole.
    for (const [tableId, [table]] of Object.entries(content[0][0])) {
      for (const [rowId, [row]] of Object.entries(table)) {
        tables[idInColumn(tableId)][0][idInColumn(rowId)][0] = row;
      }
    }
  }
  return [[tables, ''], [values, '']];
};

/** Each of the three bytes of a lone surrogate, which are no UTF-8, becomes U+FFFD. */
const idInColumn = (id) => id.replace(/\p{Surrogate}/gu, '\uFFFD\uFFFD\uFFFD');

const get = async (worker, {room}) => {
  const response = await fetch(worker.http(pathOf({room})));
  assert.equal(response.status, 200);
  return parseJson(await response.text()).data;
};

const said = (worker) => worker.logs.filter(({message}) => message.includes('importing'));

/** Opens a room, and sees that it says so. */
const open = async (worker, room) => {
  const before = said(worker).length;
  const content = await get(worker, room);
  await until(() => said(worker).length > before, 'a line in the log');
  return content;
};

/** What the rooms hold once clients have been there. */
const kept = {};

const imports = (worker, how) => async () => {
  const content = await open(worker, how);
  assert.deepEqual(withoutHashes(content), expected(how));

  // The next wake reads the journal. What clients change then stands in it as well.
  await worker.evict(how.room, 'close');
  assert.deepEqual(await get(worker, how), content);
  const clients = await newClients(worker, how, content);
  const [{store}] = clients;
  assert.equal(store.getRowCount('many'), 300);
  assert.deepEqual({...store.getRow('pets', 'fido')}, {kind: 'dog'});
  assert.equal(store.hasTable('gone'), false);
  assert.equal(store.getValue('by default'), true);
  store.setCell('pets', 'fido', 'age', 5).delRow('many', 'row 3');
  await untilEqual(worker, pathOf(how), clients);
  await leaveAll(clients);
  await worker.evict(how.room, 'close');
  kept[how.room] = await get(worker, how);
  assert.deepEqual(kept[how.room][0][0].pets[0].fido[0].age[0], 5);
};

const ours = await startWorker({storage});
for (const how of roomsOf(byDefault)) test(`${how.room} is imported`, imports(ours, how));

for (const how of spoilt) {
  test(`${how.room}: a row that was lost is lost, and a wrong hash above it is healed`, async () => {
    const content = await open(ours, how);
    const whole = expected(how);
    delete whole[0][0].many[0]['row 7'];
    assert.deepEqual(withoutHashes(content), whole);
    assert.ok(![1, written[how.room][0][2]].includes(content[0][2]));
    await leaveAll(await newClients(ours, how, content));
  });
}

test('storage with no content in it, and a table of another name, is no room', async () => {
  const before = said(ours).length;
  for (const how of [{room: 'nothing'}, {room: 'strangers'}, ...roomsOf(bySetting)]) {
    assert.equal(await get(ours, how), null, how.room);
  }
  await aMoment();
  assert.equal(said(ours).length, before);
});

test('each import was said once, and nothing was wrong', async () => {
  await aMoment();
  assert.equal(said(ours).length, roomsOf(byDefault).length + spoilt.length);
  assert.deepEqual(ours.complaints(), []);
  await ours.kill();
});

test('the setting MOVE_IN_TABLE names the table of JSON mode', async (t) => {
  const configured = await startWorker({storage, settings: {MOVE_IN_TABLE: ownTable}});
  for (const how of roomsOf(bySetting)) await t.test(`${how.room} is imported`, imports(configured, how));
  assert.equal(said(configured).length, roomsOf(bySetting).length);
  assert.deepEqual(configured.complaints(), []);
  await configured.kill();
});

test('the old data stays as it was, and is needed no more', async () => {
  await earlier.start();
  for (const [room, dump] of Object.entries(left)) {
    assert.equal(await earlier.dump(room), dump, room);
    await earlier.forget(room);
  }
  await earlier.kill();
  await ours.start();
  for (const [room, content] of Object.entries(kept)) assert.deepEqual(await get(ours, {room}), content, room);
});

test('a malformed object is left behind, and the log says so', async () => {
  const stamp = (value) => [value, 'P76YNaS----rNBgs', 0];
  const cells = {bad: stamp('\uFFFD{bad'), sound: stamp('\uFFFD{"a":1}')};
  const content = JSON.stringify([[{t: [{r: [cells, '', 0]}, '', 0]}, '', 0], [{bad: stamp('\uFFFD')}, '', 0]]);
  const room = 'malformed';
  await ours.kill();
  await earlier.start();
  await earlier.alter(room, {
    statements: ['CREATE TABLE tinybase (_id TEXT, store TEXT)', `INSERT INTO tinybase VALUES ('_', '${content}')`],
  });
  await earlier.kill();
  await ours.start();
  const [[tables], [values]] = withoutHashes(await open(ours, {room}));
  assert.deepEqual(tables, {t: [{r: [{sound: stamp('\uFFFD{"a":1}').slice(0, 2)}, '']}, '']});
  assert.deepEqual(values, {});
  await until(() => ours.complaints().some(({message}) => /^2 objects in it are malformed/.test(message)), 'a complaint');
});
