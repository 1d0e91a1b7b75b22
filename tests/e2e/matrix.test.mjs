// Every pair of versions edits a room, and converges with it and with each other.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {isDeepStrictEqual} from 'node:util';
import {getHash} from 'tinybase';
import {asJson, asStamped, mapContent} from './support/content.mjs';
import {cleanUp} from './support/cleanup.mjs';
import {connect, createStore, hashesOf, leaveAll, unanswered, untilEqual, versions} from './support/clients.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const pairs = versions.flatMap((one, index) => versions.slice(index).map((other) => [one, other]));
const major = (version) => parseInt(version);

/** Runs a scene for each pair, each in a room of its own, several at a time. */
const forEachPair = (title, place, scene) =>
  test(title, {concurrency: 6}, (t) =>
    Promise.all(pairs.map((pair) => t.test(pair.join(' and '), () => scene(pair, `/${place}/${pair.join('/')}`)))),
  );

const object = {b: [1, {deep: null}], a: '\u2028"😀"', '': {}};

/** What a client of a version writes, as cells of a row or as values, under ids of its own. */
const written = (version, id) => ({
  [`${id} text`]: `${version} 😀\u2028"\\`,
  [`${id} number`]: 1e21,
  [`${id} tiny`]: -1e-7,
  [`${id} no`]: false,
  ...(major(version) >= 7 && {[`${id} null`]: null}),
  ...(major(version) >= 8 && {[`${id} object`]: object, [`${id} array`]: [[], 'x', null]}),
  // With fragments of 200 characters this alone is several.
  ...(major(version) >= 9 && {[`${id} long`]: 'é😀'.repeat(200)}),
});

/** What a version shows of them: up to 6 nothing where there is `null`, up to 7 the text of an object. */
const shown = (version, things) =>
  Object.fromEntries(
    Object.entries(things)
      .filter(([, value]) => value !== null || major(version) >= 7)
      .map(([id, value]) => [id, major(version) >= 8 ? value : asStamped(value)]),
  );

/** Every value, HLC and hash. A tombstone and `null` hash alike, and up to 6 a client holds either for the other. */
const evened = (content) =>
  mapContent(asJson(content), {value: (value) => (value === '\uFFFC' ? null : asStamped(value))});

const join = (version, path, store) =>
  connect(version, worker.ws(path), {store, fragmentSize: major(version) >= 9 ? 200 : undefined});

/** Waits for equal hashes, and sees that nothing at all differs. */
const converge = async (path, clients) => {
  const stored = await untilEqual(worker, path, clients);
  for (const {version, store} of clients) {
    assert.deepEqual(evened(store.getMergeableContent()), evened(stored), version);
  }
  return stored;
};

forEachPair('both edit at once, all that their versions have', 'edits', async (pair, path) => {
  const clients = await Promise.all(pair.map((version) => join(version, path)));
  const row = {kept: 1};
  const values = {};
  clients.forEach(({version, store}, index) => {
    store.setPartialRow('t', 'r', {...written(version, index), kept: 1, [`gone ${index}`]: 1});
    store.setPartialValues({...written(version, index), [`gone ${index}`]: 1});
    store.setRow(`table of ${index}`, 'r', {c: 1});
    Object.assign(row, written(version, index));
    Object.assign(values, written(version, index));
  });
  await converge(path, clients);
  // Each deletes what the other wrote, and both write to one cell at once.
  clients.forEach(({version, store}, index) => {
    store.delCell('t', 'r', `gone ${1 - index}`).delTable(`table of ${1 - index}`).delValue(`gone ${1 - index}`);
    store.setCell('t', 'r', 'shared', version).setValue('shared', index);
  });
  const stored = await converge(path, clients);
  row.shared = stored[0][0].t[0].r[0].shared[0];
  values.shared = stored[1][0].shared[0];
  for (const {version, store} of clients) {
    assert.deepEqual(asJson(store.getTables()), {t: {r: shown(version, row)}}, `tables of ${version}`);
    assert.deepEqual(asJson(store.getValues()), shown(version, values), `values of ${version}`);
  }
  for (const client of clients) assert.deepEqual(unanswered(client), [], client.version);
  await leaveAll(clients);
});

forEachPair('each comes with content of its own while the other is away', 'alone', async (pair, path) => {
  // The first leaves, the room sleeps, and the second comes with content of its own; then the first is back.
  const stores = await Promise.all(pair.map(createStore));
  stores.forEach((store, index) => {
    store.setPartialRow('t', 'r', written(pair[index], index)).setPartialValues(written(pair[index], index));
    store.setCell('t', 'deleted', `by ${index}`, 1).delRow('t', 'deleted');
  });
  const first = await join(pair[0], path, stores[0]);
  await converge(path, [first]);
  await first.leave();
  await worker.evict(path.slice(1), 'close');
  const second = await join(pair[1], path, stores[1]);
  await converge(path, [second]);
  stores[0].setCell('t', 'r', 'offline', 1);
  const again = await join(pair[0], path, stores[0]);
  await converge(path, [second, again]);
  const row = {...written(pair[0], 0), ...written(pair[1], 1), offline: 1};
  for (const {version, store} of [second, again]) {
    assert.deepEqual(asJson(store.getTables()), {t: {r: shown(version, row)}}, version);
  }
  await leaveAll([second, again]);
});

/**
 * Up to 5.4.9 a client hashes what it receives with no HLC as if that were the text `undefined`. Until such a cell is
 * edited the hashes above it differ from everybody else's, also from those of another client of that version.
 */
const hashesBareCellsWrong = ({version}) => major(version) === 5;

const assertBareHashes = (client, cells, made) => {
  for (const [id, [value, hlc, hash]] of Object.entries(cells)) {
    const isWrong = hashesBareCellsWrong(client) && !made.includes(id);
    assert.deepEqual([hlc, hash], ['', getHash(`${value}:${isWrong ? 'undefined' : ''}`)], `${id} of ${client.version}`);
  }
};

forEachPair('both hold cells and values with no HLC', 'bare', async (pair, path) => {
  const clients = [];
  for (const [index, version] of pair.entries()) {
    const store = await createStore(version);
    const things = {shared: index, [`own ${index}`]: 7};
    store.setDefaultContent([{t: {r: things}}, things]);
    clients.push(await join(version, path, store));
    await until(async () => (await worker.content(path))?.[1][0][`own ${index}`], 'it to be kept');
  }
  // The room stays with the first of two that have no HLC, and so everybody settles on that.
  const things = {shared: 0, 'own 0': 7, 'own 1': 7};
  await until(
    () =>
      clients.every(({store}) =>
        isDeepStrictEqual(asJson([store.getTables(), store.getValues()]), [{t: {r: things}}, things]),
      ),
    () => `one content, not ${JSON.stringify(clients.map(({store}) => store.getContent()))}`,
  );
  const stored = await worker.content(path);
  assertBareHashes({version: 'room'}, stored[0][0].t[0].r[0], []);
  clients.forEach((client, index) => {
    const made = index === 0 ? ['shared', 'own 0'] : ['own 1'];
    const [[tables], [values]] = client.store.getMergeableContent();
    assertBareHashes(client, tables.t[0].r[0], made);
    assertBareHashes(client, values, made);
    const areEqual = isDeepStrictEqual([...hashesOf(client)], [stored[0][2], stored[1][2]]);
    assert.equal(areEqual, !hashesBareCellsWrong(client), client.version);
  });

  for (const id of Object.keys(things)) clients[1].store.setCell('t', 'r', id, 'edited').setValue(id, 'edited');
  await converge(path, clients);
  await leaveAll(clients);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
