// Clients of every version side by side in one room: each sees what every other one does, and so does the disk.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, connectAll, createStore, leaveAll, unanswered, untilEqual, versions} from './support/clients.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

/**
 * What something looks like as JSON, in which TinyBase writes a tombstone as U+FFFC. It also evens out two things that
 * do not travel: the sign of -0, and the prototype, which objects of newer versions lack.
 */
const asJson = (thing) =>
  JSON.parse(JSON.stringify(thing, (_key, value) => (value === undefined ? '\uFFFC' : value)));

const byVersion = (clients) => Object.fromEntries(clients.map((client) => [client.version, client]));

/** Runs `scene` with one client of each version (or of those named) in a room, and looks at all of them afterwards. */
const together = async (path, scene, some = versions) => {
  const clients = await Promise.all(some.map((version) => connect(version, worker.ws(path))));
  await scene(clients, byVersion(clients));
  const stored = await untilEqual(worker, path, clients);
  for (const client of clients) assert.deepEqual(unanswered(client), [], `requests of ${client.version}`);
  return {clients, stored, ...byVersion(clients)};
};

const assertAllShow = (clients, tables, values) => {
  for (const {version, store} of clients) {
    assert.deepEqual(asJson(store.getTables()), asJson(tables), `tables of ${version}`);
    assert.deepEqual(asJson(store.getValues()), asJson(values), `values of ${version}`);
  }
};

test('what each version writes reaches all the others, and the disk', async () => {
  const written = ['text', '', 0, -0, 0.1, 1e21, 1e-7, -1.5e300, Number.MAX_SAFE_INTEGER + 1, true, false];
  const tables = {cells: {}};
  const values = {};
  const {clients, stored} = await together('/edits', (clients) => {
    for (const {version, store} of clients) {
      written.forEach((value, index) => store.setCell('cells', version, `c${index}`, value));
      store.setTable(`table of ${version}`, {row: {by: version}}).setValue(version, `by ${version}`);
      tables.cells[version] = Object.fromEntries(written.map((value, index) => [`c${index}`, value]));
      tables[`table of ${version}`] = {row: {by: version}};
      values[version] = `by ${version}`;
    }
  });
  assertAllShow(clients, tables, values);
  for (const {version, store} of clients) {
    assert.deepEqual(stored, asJson(store.getMergeableContent()), `content of ${version}`);
  }
  await leaveAll(clients);
});

test('what is deleted is deleted everywhere, whoever wrote it and whoever deletes it', async () => {
  const {clients, stored} = await together('/deletes', async (clients) => {
    for (const {version, store} of clients) {
      store.setRow('rows', version, {kept: 1, dropped: 2}).setRow(`table of ${version}`, 'row', {cell: 1});
      store.setValue(version, 1);
    }
    await untilEqual(worker, '/deletes', clients);
    clients.forEach(({store}, index) => {
      const next = versions[(index + 1) % versions.length];
      store.delCell('rows', next, 'dropped').delTable(`table of ${next}`).delValue(next);
    });
  });
  assertAllShow(clients, {rows: Object.fromEntries(versions.map((version) => [version, {kept: 1}]))}, {});
  for (const version of versions) {
    assert.equal(stored[0][0].rows[0][version][0].dropped[0], '\uFFFC');
    assert.equal(stored[0][0][`table of ${version}`][0].row[0].cell[0], '\uFFFC');
    assert.equal(stored[1][0][version][0], '\uFFFC');
  }
  for (const {version, store} of clients) {
    assert.deepEqual(stored, asJson(store.getMergeableContent()), `content of ${version}`);
  }
  await leaveAll(clients);
});

test('of edits to one cell and one value at the same time the latest stamp wins everywhere', async () => {
  const stampsOf = ({store}) => {
    const [[tables], [values]] = store.getMergeableContent();
    return {cell: tables.t[0].r[0].c, value: values.v};
  };
  const latest = (stamps) => stamps.reduce((one, other) => (one[1] > other[1] ? one : other));
  let written;
  const {clients, stored} = await together('/conflicts', (clients) => {
    for (const {version, store} of clients) store.setCell('t', 'r', 'c', version).setValue('v', version);
    written = clients.map(stampsOf);
  });
  assert.equal(new Set(written.map(({cell}) => cell[1])).size, versions.length);
  const cell = latest(written.map((stamps) => stamps.cell));
  const value = latest(written.map((stamps) => stamps.value));
  assertAllShow(clients, {t: {r: {c: cell[0]}}}, {v: value[0]});
  assert.deepEqual([stored[0][0].t[0].r[0].c, stored[1][0].v], [cell, value]);
  await leaveAll(clients);
});

test('of an edit and a delete at the same time the latest stamp wins everywhere', async () => {
  const stampOf = ({store}) => store.getMergeableContent()[0][0].t[0].r[0].c;
  for (const [eraser, writer] of [
    ['5.0', '10.0'],
    ['10.0', '5.0'],
    ['6.7', '9.7'],
  ]) {
    const path = `/erased/by/${eraser}`;
    let erased;
    let written;
    const {clients} = await together(path, async (clients, by) => {
      by[writer].store.setCell('t', 'r', 'c', 'before').setCell('t', 'r', 'kept', 1);
      await untilEqual(worker, path, clients);
      by[eraser].store.delCell('t', 'r', 'c');
      by[writer].store.setCell('t', 'r', 'c', 'after');
      [erased, written] = [stampOf(by[eraser]), stampOf(by[writer])];
    });
    assertAllShow(clients, {t: {r: written[1] > erased[1] ? {c: 'after', kept: 1} : {kept: 1}}}, {});
    await leaveAll(clients);
  }
});

test('when everybody edits at once, over and over, all of it is everywhere in the end', async () => {
  const rounds = 40;
  const {clients} = await together('/storm', async (clients) => {
    for (let round = 0; round < rounds; round++) {
      for (const {version, store} of clients) {
        store.setCell('own', version, `c${round}`, round);
        store.setCell('shared', 'r', `c${round % 5}`, `${version} ${round}`);
        if (round % 3 === 2) store.delCell('own', version, `c${round - 1}`);
      }
      // Some rounds reach the room together, others one by one.
      if (round % 4 === 3) await new Promise(setImmediate);
    }
  });
  const kept = Array.from({length: rounds}, (_, round) => round).filter((round) => round % 3 !== 1);
  for (const {version, store} of clients) {
    for (const other of versions) {
      assert.deepEqual(store.getCellIds('own', other).sort(), kept.map((round) => `c${round}`).sort(), version);
    }
    assert.deepEqual(asJson(store.getRow('shared', 'r')), asJson(clients[0].store.getRow('shared', 'r')), version);
  }
  await leaveAll(clients);
});

test('text and ids of any kind come through unchanged, from every version', async () => {
  const texts = {
    emoji: '👩‍👩‍👧 🇨🇭 é',
    separators: 'a\u2028b\u2029c',
    'control characters': '\u0000\u0001\b\t\n\u000b\f\r\u001f\u007f',
    'quotes and strokes': '"\\/\'',
    'half a pair, high': 'a\ud83d',
    'half a pair, low': '\udc00b',
    'a pair the wrong way round': '\udc00\ud83d',
    markers: '\ufffe\uffff',
  };
  const ids = ['', '0', '007', '-1', '1e3', ' ', '\n', '"\\', '😀', '\u2028', '\ud800', 'S', 'null', '/', '__proto'];
  for (const author of ['5.0', '6.7', '10.0']) {
    const {clients, stored} = await together(`/unicode/${author}`, (_clients, by) => {
      const {store} = by[author];
      store.setRow('texts', 'row', texts);
      ids.forEach((id, index) => store.setCell(id, id, id, index).setValue(id, index));
    });
    const tables = Object.fromEntries(ids.map((id, index) => [id, {[id]: {[id]: index}}]));
    const values = Object.fromEntries(ids.map((id, index) => [id, index]));
    assertAllShow(clients, {...tables, texts: {row: texts}}, values);
    assert.deepEqual(stored, asJson(clients[0].store.getMergeableContent()));
    await leaveAll(clients);
  }
});

// Of the versions here those up to 8.5 throw on a `__proto__`, and most do not show what is called `constructor`.
test('ids that JavaScript gives a meaning come through where the client can hold them', async () => {
  const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  for (const author of ['9.7', '10.0']) {
    const {clients, stored} = await together(
      `/prototype/${author}`,
      (_clients, by) => {
        for (const id of ids) by[author].store.setCell(id, id, id, 1).setCell('t', 'r', id, 2).setValue(id, 3);
      },
      ['9.7', '10.0'],
    );
    for (const {store} of clients) {
      assert.deepEqual(store.getTableIds().sort(), [...ids, 't'].sort());
      for (const id of ids) {
        assert.deepEqual([store.getCell(id, id, id), store.getCell('t', 'r', id), store.getValue(id)], [1, 2, 3]);
      }
    }
    assert.deepEqual(Object.keys(stored[1][0]).sort(), [...ids].sort());
    await leaveAll(clients);
  }
});

test('null is null from 7 on, and older clients, which show nothing there, are not upset by it', async () => {
  const knowsNull = ({version}) => parseInt(version) >= 7;
  const {clients, stored} = await together('/null', async (clients, by) => {
    by['5.0'].store.setRow('t', 'r', {was: 1, other: 2}).setValue('was', 1);
    await untilEqual(worker, '/null', clients);
    by['7.3'].store.setPartialRow('t', 'r', {was: null, is: null}).setPartialValues({was: null, is: null});
    await untilEqual(worker, '/null', clients);
    for (const {version, store} of clients) store.setCell('t', 'r', version, version);
  });
  const cells = Object.fromEntries(versions.map((version) => [version, version]));
  const nulls = {was: null, is: null};
  assertAllShow(clients.filter(knowsNull), {t: {r: {other: 2, ...nulls, ...cells}}}, nulls);
  assertAllShow(
    clients.filter((client) => !knowsNull(client)),
    {t: {r: {other: 2, ...cells}}},
    {},
  );
  assert.equal(stored[0][0].t[0].r[0].is[0], null);
  assert.equal(stored[1][0].was[0], null);
  await leaveAll(clients);
});

test('objects and arrays are themselves from 8 on, and to older clients a text to hand on unharmed', async () => {
  const object = {b: [1, 2.5, {deep: null}], a: '\u2028 "😀"', '': {}};
  const array = ['x', [], false];
  const knowsObjects = ({version}) => parseInt(version) >= 8;
  const text = (value) => `\uFFFD${JSON.stringify(value)}`;
  const {clients, stored} = await together('/objects', async (clients, by) => {
    by['5.0'].store.setRow('t', 'r', {was: 1}).setValue('was', 1);
    await untilEqual(worker, '/objects', clients);
    by['8.5'].store.setPartialRow('t', 'r', {was: object}).setValue('was', array);
    by['10.0'].store.setPartialRow('t', 'r', {is: array}).setValue('is', object);
    await untilEqual(worker, '/objects', clients);
    for (const {version, store} of clients) store.setCell('t', 'r', version, version);
  });
  const cells = Object.fromEntries(versions.map((version) => [version, version]));
  const row = {was: object, is: array, ...cells};
  assertAllShow(clients.filter(knowsObjects), {t: {r: row}}, {was: array, is: object});
  assertAllShow(
    clients.filter((client) => !knowsObjects(client)),
    {t: {r: {was: text(object), is: text(array), ...cells}}},
    {was: text(array), is: text(object)},
  );
  assert.equal(stored[0][0].t[0].r[0].was[0], text(object));
  assert.equal(stored[1][0].was[0], text(array));
  await leaveAll(clients);

  // From the disk an older client carries it to a second room, where a newer one reads it.
  await worker.evict('objects');
  const carrier = await connect('5.0', worker.ws('/objects'));
  await untilEqual(worker, '/objects', [carrier]);
  await carrier.leave();
  const carriers = [await connect('5.0', worker.ws('/objects/carried'), {store: carrier.store})];
  carriers.push(await connect('10.0', worker.ws('/objects/carried')));
  await untilEqual(worker, '/objects/carried', carriers);
  assertAllShow(carriers.slice(1), {t: {r: row}}, {was: array, is: object});
  await leaveAll(carriers);
});

const isFragment = (frame) => /^[^\n]*\n[-\w]{16}\n\d+\n\d+\n/.test(frame);

for (const author of ['9.7', '10.0']) {
  test(`fragments of ${author} reach every version, and no client that sends none gets one`, async () => {
    const path = `/fragments/${author}`;
    const tables = {t: {r: {long: '😀é'.repeat(500), short: 1}, s: {c: 'x'.repeat(300)}}};
    const others = await connectAll(worker.ws(path));
    const sender = await connect(author, worker.ws(path), {fragmentSize: 100});
    sender.store.setTables(tables);
    await untilEqual(worker, path, [...others, sender]);
    assertAllShow([...others, sender], tables, {});
    assert.ok(sender.traffic.sent.filter(isFragment).length > 20, 'the edit went out in fragments');
    for (const {version, traffic} of others) {
      assert.equal(traffic.received.filter(isFragment).length, 0, `fragments to ${version}`);
    }

    // And the other way: what others write, in frames of any size, reaches the client that works in fragments.
    others[0].store.setValue('v', 'y'.repeat(1000));
    await untilEqual(worker, path, [...others, sender]);
    assertAllShow([...others, sender], tables, {v: 'y'.repeat(1000)});
    for (const client of [...others, sender]) assert.deepEqual(unanswered(client), [], `requests of ${client.version}`);
    await leaveAll([...others, sender]);
  });

  test(`${author} joins in fragments a room that holds other content, and gives its own`, async () => {
    const path = `/fragments/joined/${author}`;
    const owner = await connect('5.4', worker.ws(path));
    owner.store.setTable('theirs', Object.fromEntries(Array.from({length: 50}, (_, i) => [`row ${i}`, {cell: i}])));
    await untilEqual(worker, path, [owner]);
    const store = await createStore(author);
    store.setTable('mine', Object.fromEntries(Array.from({length: 50}, (_, i) => [`row ${i}`, {cell: -i}])));
    const joiner = await connect(author, worker.ws(path), {store, fragmentSize: 100});
    await untilEqual(worker, path, [owner, joiner]);
    assert.deepEqual([owner, joiner].map(({store}) => ['theirs', 'mine'].map(store.getRowCount)), [
      [50, 50],
      [50, 50],
    ]);
    assert.ok(joiner.traffic.sent.some(isFragment));
    await leaveAll([owner, joiner]);
  });
}

for (const version of versions) {
  test(`${version} comes alone to a room at rest, finds everything, and brings what it made elsewhere`, async () => {
    const path = `/newcomer/${version}`;
    const founder = await connect('10.0', worker.ws(path));
    founder.store.setTables({pets: {fido: {kind: 'dog', age: 3}, felix: {kind: 'cat'}}}).setValue('open', true);
    founder.store.delCell('pets', 'fido', 'age');
    await untilEqual(worker, path, [founder]);
    await founder.leave();
    await worker.evict(path.slice(1));

    const store = await createStore(version);
    store.setTables({pets: {felix: {kind: 'tomcat', age: 1}}, plants: {fern: {pots: 2}}}).setValue('season', 'spring');
    const newcomer = await connect(version, worker.ws(path), {store});
    await untilEqual(worker, path, [newcomer]);
    assertAllShow(
      [newcomer],
      {pets: {fido: {kind: 'dog'}, felix: {kind: 'tomcat', age: 1}}, plants: {fern: {pots: 2}}},
      {open: true, season: 'spring'},
    );
    assert.deepEqual(unanswered(newcomer), []);
    await newcomer.leave();

    const latecomer = await connect('10.0', worker.ws(path));
    await until(() => latecomer.store.getCell('plants', 'fern', 'pots') === 2, 'what the newcomer brought');
    await latecomer.leave();
  });
}

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
