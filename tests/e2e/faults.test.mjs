// Everything around a room's journal breaks: its statements, its rows, and the room itself in the middle of something.
// What was accepted is there afterwards, what was not kept was shown to nobody, and whoever sent it is made whole.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, connectAll, leaveAll, untilEqual, watch} from './support/clients.mjs';
import {startFaultyWorker} from './support/faults.mjs';
import {startNetwork} from './support/network.mjs';
import {begunClient, body, changes, hlc, rawClient} from './support/raw.mjs';
import {SteadyWebSocket, atOnce} from './support/reconnecting.mjs';
import {aMoment, until} from './support/until.mjs';

const worker = await startFaultyWorker();
const network = await startNetwork(worker);
after(cleanUp);

const text = (length) => 'x'.repeat(length);
const edit = (cells) => `\n${body('edit', 3, changes(cells))}`;
const cellsOf = (content) => content?.[0][0].t[0].r[0] ?? {};
const valuesOf = (content) => Object.fromEntries(Object.entries(cellsOf(content)).map(([id, [value]]) => [id, value]));
const get = (path) => fetch(worker.http(path));
const rowsOf = (room) => worker.sql(room, 'SELECT * FROM tinyroom_journal ORDER BY sequence');

/** What a client heard, but for the questions of the room's own. */
const news = (client) => client.heard().filter((frame) => !/^S\n\["[^"]*",[14],/.test(frame));

/** Edits a room cell by cell, each kept before the next is sent. */
const write = async (path, ...values) => {
  const [writer, witness] = [await begunClient(worker.ws(path)), await begunClient(worker.ws(path))];
  for (const [id, value] of values) {
    writer.send(edit({[id]: [value, hlc()]}));
    await until(() => witness.heard().length > 0, `${id} to be relayed`);
  }
  for (const {socket} of [writer, witness]) socket.close();
};

/** A real client that stays in a room, whatever becomes of its connections; how those ended is in `ends`. */
const steady = async (path, {ws} = worker) => {
  const socket = new SteadyWebSocket(ws(path), undefined, {...atOnce, maxEnqueuedMessages: 0});
  const ends = [];
  socket.onclose = ({code, reason}) => ends.push({code, reason});
  return {...(await connect('10.0', undefined, {socket})), ends};
};

/** Does something, and waits until so many messages have come to a room because of it. */
const untilArrived = async (room, count, action) => {
  const before = await worker.messages(room);
  await action();
  await until(async () => (await worker.messages(room)) >= before + count, `${count} messages to room ${room}`);
};

/** Waits until statements of a room have failed, so many at least. */
const untilFailed = (room, count = 1) => until(async () => (await worker.failed(room)) >= count, 'a statement to fail');

/** Stops the clock over a room in which one edit of an author's is kept and another waits; answers author and bystander. */
const oneWaiting = async (path) => {
  const author = await steady(path);
  author.store.setCell('t', 'r', 'before', 1);
  await untilEqual(worker, path, [author]);
  const bystander = await begunClient(worker.ws(path));
  // The first edit leaves at once; while the clock stands the second waits in the window behind it.
  await worker.stopClock();
  for (const id of ['kept', 'waiting']) {
    await untilArrived(path.slice(1), 1, () => author.store.setCell('t', 'r', id, 1));
  }
  await until(() => bystander.traffic.received.some((frame) => frame.includes('"kept"')), 'the first edit');
  return [author, bystander];
};

/** How a client that tries to join is sent away. It hears nothing before. */
const refusal = async (path) => {
  const traffic = watch(new WebSocket(worker.ws(path)));
  await until(() => traffic.closed, 'a close');
  assert.deepEqual(traffic.received, []);
  return traffic.closed;
};

const WRITES = '^(CREATE|INSERT|UPDATE|DELETE)';

/** The lengths of edits after which there is a row of each level, those of 0 and 1 full, if another follows. */
const FULL = Array(5).fill(30_000);

/** By what a commit has to write: the lengths of the edits before it, its own, and the statements it takes. */
const commits = {
  'the first of a room': [[], 10, ['CREATE', 'INSERT', 'INSERT']],
  'one that adds to level 0': [[10], 10, ['UPDATE']],
  'one that begins a row': [[10_000], 10_000, ['INSERT']],
  'one that folds level 0': [[10_000, 10_000], 10_000, ['UPDATE', 'UPDATE']],
  'one that folds level 1, and moves level 0': [FULL, 30_000, ['UPDATE', 'UPDATE', 'UPDATE']],
  'one that is longer than level 1': [[100_000], 100_000, ['UPDATE']],
  'one that is longer than a row': [[10], 3_500_000, ['INSERT', 'INSERT', 'INSERT']],
};

for (const [name, [before, length, statements]] of Object.entries(commits)) {
  for (const nth of statements.keys()) {
    test(`the disk is full at statement ${nth + 1} of a commit: ${name}`, async () => {
      const room = `full/${name.length}/${nth}`;
      const path = `/${room}`;
      await write(path, ...before.map((length, index) => [`before${index}`, text(length)]));
      const author = await steady(path);
      await untilEqual(worker, path, [author]);
      const bystander = await begunClient(worker.ws(path));
      const content = await worker.content(path);

      await worker.fail(room, {statement: WRITES, after: nth});
      author.store.setCell('t', 'r', 'edit', text(length));
      await untilFailed(room);
      assert.deepEqual(await worker.content(path), content);
      assert.deepEqual(news(bystander), []);

      const {statements: ran} = await worker.mend(room);
      const writes = ran.filter((statement) => new RegExp(WRITES).test(statement));
      assert.deepEqual(
        writes.slice(0, nth + 1).map((statement) => statement.split(' ')[0]),
        statements.slice(0, nth + 1),
      );
      await until(() => news(bystander).length > 0, 'the edit to be relayed after all');
      const kept = await untilEqual(worker, path, [author]);
      assert.deepEqual(valuesOf(kept), {...valuesOf(content), edit: text(length)});
      assert.deepEqual([author.ends, bystander.traffic.closed], [[], undefined]);
      await worker.evict(room, 'close');
      assert.deepEqual(await worker.content(path), kept);
      await author.leave();
    });
  }
}

/**
 * Two clients of a room, of whom the second has just come back with an edit made offline. Less than the 250 ms have passed
 * after which the room asks whoever does not begin by itself.
 */
const oneComingBack = async (path) => {
  await write(path, ['before', 1]);
  const [author, other] = [await steady(path), await steady(path, network)];
  await untilEqual(worker, path, [author, other]);
  network.cut();
  await until(() => other.ends.length > 0, 'the break');
  other.store.setCell('t', 'r', 'offline', 1);
  network.mend();
  await until(() => other.socket.readyState === other.socket.OPEN, 'the reconnect');
  return [author, other];
};

test('whoever comes back while the disk is full for another is made whole as well', async () => {
  const path = '/full/others';
  const [author, other] = await oneComingBack(path);
  await worker.fail('full/others', {statement: WRITES, times: 1});
  author.store.setCell('t', 'r', 'edit', 1);
  await untilFailed('full/others');
  assert.deepEqual(valuesOf(await untilEqual(worker, path, [author, other])), {before: 1, edit: 1, offline: 1});
  assert.equal((await worker.mend('full/others')).failed, 1);
  assert.deepEqual(author.ends, []);
  await leaveAll([author, other]);
});

test('while the disk is full nobody is closed and nothing is relayed, and afterwards everybody has everything', async () => {
  const [room, path] = ['full/while', '/full/while'];
  await write(path, ['before', 1]);
  const clients = await connectAll(worker.ws(path));
  const content = await untilEqual(worker, path, clients);
  await worker.fail(room, {statement: WRITES});
  for (let round = 0; round < 3; round++) {
    for (const {version, store} of clients) store.setCell('t', 'r', version, round).setValue(`${version} ${round}`, round);
    // So many attempts to keep something, the later ones by the room itself.
    await untilFailed(room, 1 + round);
    assert.deepEqual(await worker.content(path), content);
  }
  const newcomer = await connect('9.7', worker.ws(path));
  await until(() => newcomer.store.getCell('t', 'r', 'before') === 1, 'what is there to be read');
  const foreign = (client) => clients.filter(({version}) => version !== client.version && client.store.hasCell('t', 'r', version));
  for (const client of [...clients, newcomer]) assert.deepEqual(foreign(client), [], client.version);
  await worker.mend(room);
  const now = await untilEqual(worker, path, [...clients, newcomer]);
  const expected = Object.fromEntries(clients.map(({version}) => [version, 2]));
  assert.deepEqual(valuesOf(now), {before: 1, ...expected});
  assert.equal(Object.keys(now[1][0]).length, 3 * clients.length);
  assert.deepEqual([...clients, newcomer].filter(({traffic}) => traffic.closed), []);
  await leaveAll([...clients, newcomer]);
});

test('whoever comes back while the room cannot be read is asked when it can', async () => {
  const room = 'unread/others';
  const path = `/${room}`;
  const [author, other] = await oneComingBack(path);
  // The room drops what it holds to read it back, and cannot.
  await worker.fail(room, {statement: 'SELECT', times: 1});
  assert.equal((await get(`${path}?verify`)).status, 503);
  author.store.setCell('t', 'r', 'edit', 1);
  await until(() => other.store.getCell('t', 'r', 'edit') === 1, 'the edit');
  assert.equal((await worker.mend(room)).failed, 1);
  assert.deepEqual(valuesOf(await untilEqual(worker, path, [author, other])), {before: 1, edit: 1, offline: 1});
  await leaveAll([author, other]);
});

for (const [what, statement, unreadable] of [
  ['deleted', 'DELETE FROM tinyroom_journal WHERE sequence > 0', undefined],
  ['garbled', "UPDATE tinyroom_journal SET entries = '[' || entries WHERE sequence > 0", [1]],
]) {
  test(`?verify tells that a row has been ${what} behind the back of the room, which goes on with what is there`, async () => {
    const path = `/verify/${what}`;
    const author = await steady(path);
    author.store.setCell('t', 'r', 'c', 1);
    const content = await untilEqual(worker, path, [author]);
    await author.leave();
    await worker.sql(path.slice(1), statement);
    assert.deepEqual(await worker.content(path), content, 'from memory');
    const {verified, ...rest} = await (await get(`${path}?verify`)).json();
    assert.equal(verified, false);
    assert.deepEqual(rest.unreadable?.map(({sequence}) => sequence), unreadable);
    assert.equal(await worker.content(path), null);
    assert.equal((await (await get(`${path}?verify`)).json()).verified, true);
  });
}

test('a question is answered though the edit of another that was to be kept before it could not be', async () => {
  const room = 'full/question';
  const path = `/${room}`;
  const [author, asker] = await oneWaiting(path);
  asker.heard();
  await worker.fail(room, {statement: WRITES, times: 1});
  asker.send(`\n${body('question', 1, '')}`);
  await untilFailed(room);
  const answers = () => asker.traffic.received.filter((frame) => frame.includes('"question"'));
  await until(() => answers().length > 0, 'the answer');
  assert.equal((await worker.mend(room)).failed, 1);
  assert.equal(answers().length, 1);
  assert.doesNotMatch(asker.heard().join(), /"waiting"/);
  await worker.evict(room, 'close');
  await worker.startClock();
  assert.deepEqual(valuesOf(await untilEqual(worker, path, [author])), {before: 1, kept: 1, waiting: 1});
  await author.leave();
});

const LEVEL_0 = 'sequence = (SELECT max(sequence) FROM tinyroom_journal)';

/** By the rows that somebody deletes behind the back of a room: the lengths of the edits before, and of the one that misses them. */
const deletions = {
  'level 0': [LEVEL_0, [10_000, 10_000], 10],
  'level 0 that is to be folded': [LEVEL_0, [10_000, 10_000], 10_000],
  'level 1 that level 0 is folded into': ['sequence = 1', [10_000, 10_000], 10_000],
  'level 2 that level 1 is folded into': ['sequence = 1', FULL, 30_000],
  'level 1 that is to be folded': ['sequence = 2', FULL, 30_000],
  'level 0 that is to be moved': [LEVEL_0, FULL, 30_000],
  'all rows': ['sequence > 0', [10_000, 10_000], 10],
};

for (const [name, [rows, before, length]] of Object.entries(deletions)) {
  test(`an edit that finds no row to be kept in is not taken for kept: ${name} deleted while the room is awake`, async () => {
    const path = `/gone/${name.replaceAll(' ', '-')}`;
    const author = await steady(path);
    for (const [index, length] of before.entries()) {
      author.store.setCell('t', 'r', `before${index}`, text(length));
      await untilEqual(worker, path, [author]);
    }
    await worker.sql(path.slice(1), `DELETE FROM tinyroom_journal WHERE ${rows}`);
    worker.logs.length = 0;
    author.store.setCell('t', 'r', 'edit', text(length));
    const isGone = ({message}) => /row \d( or \d)? of the journal is gone/.test(message);
    await until(() => worker.complaints().some(isGone), 'the complaint');
    const kept = await untilEqual(worker, path, [author]);
    const expected = Object.fromEntries(before.map((length, index) => [`before${index}`, text(length)]));
    assert.deepEqual(valuesOf(kept), {...expected, edit: text(length)});
    assert.deepEqual(author.ends, []);
    await worker.evict(path.slice(1), 'close');
    assert.deepEqual(await worker.content(path), kept);
    await author.leave();
  });
}

// Five cells of 400,000 characters: each a slice of its own, and three slices a row.
const LARGE = 400_000;
const large = [0, 1, 2, 3, 4].map((index) => [`large${index}`, text(LARGE)]);
/** The statements of a compaction: its slices, and the two that forget what they replace. */
const COMPACTION = ['INSERT', 'UPDATE', 'UPDATE', 'INSERT', 'UPDATE', 'DELETE', 'UPDATE'];

const bytesOf = async (path) => {
  const {journal} = await (await get(`${path}?journal`)).json();
  return journal.reduce((sum, {bytes}) => sum + bytes, 0);
};

/** Fills a room until the next large edit will make a compaction due. */
const almostFull = (path) => write(path, ...large, ...large);

/** Makes a compaction due, and waits until it has been carried out. */
const compacted = async (path, author) => {
  const edited = async () => {
    author.send(edit({extra: [text(LARGE), hlc()]}));
    return (await bytesOf(path)) < 1.5 * 6 * LARGE;
  };
  await until(edited, 'the compaction');
};

for (const [nth, statement] of COMPACTION.entries()) {
  test(`the disk is full at statement ${nth + 1} of a compaction`, async () => {
    const room = `compaction/${nth}`;
    const path = `/${room}`;
    await almostFull(path);
    const [author, bystander] = [await begunClient(worker.ws(path)), await begunClient(worker.ws(path))];
    worker.logs.length = 0;
    // The first statement is the edit's own.
    await worker.fail(room, {statement: WRITES, after: 1 + nth, times: 1});
    author.send(edit({large0: [text(LARGE - 1), hlc()]}));
    await until(() => worker.complaints().some(({message}) => /disk is full/.test(message)), 'the complaint');
    const {failed, statements} = await worker.mend(room);
    assert.equal(failed, 1);
    const writes = statements.filter((statement) => new RegExp(WRITES).test(statement));
    assert.equal(writes[1 + nth].split(' ')[0], statement);
    const content = await worker.content(path);
    assert.deepEqual(valuesOf(content), {...Object.fromEntries(large), large0: text(LARGE - 1)});
    assert.deepEqual([author, bystander].map(({traffic}) => traffic.closed), [undefined, undefined]);
    assert.equal(news(bystander).length, 1);

    await compacted(path, author);
    await worker.evict(room, 'close');
    const {data, unreadable} = await (await get(path)).json();
    assert.deepEqual(valuesOf(data), {...valuesOf(content), extra: text(LARGE)});
    assert.equal(unreadable, undefined);
  });
}

for (const statement of ['SELECT 1', 'SELECT sequence']) {
  test(`a room that cannot be loaded (${statement}) is not taken for an empty one`, async () => {
    const room = `load/${statement.length}`;
    const path = `/${room}`;
    await write(path, ['before', 1]);
    const content = await worker.content(path);
    const client = await steady(path);
    await untilEqual(worker, path, [client]);
    const [sleeper, silent] = [await begunClient(worker.ws(path)), await begunClient(worker.ws(path))];
    await worker.fail(room, {statement: `^${statement}`});
    await worker.evict(room, 'hibernate');

    for (const look of [path, path, `${path}?journal`]) {
      const response = await get(look);
      assert.equal(response.status, 503);
      assert.match((await response.json()).error, /storage failed.*full/);
    }
    const {code, reason} = await refusal(path);
    assert.equal(code, 1011);
    assert.match(reason, /storage failed/);
    sleeper.send(edit({lost: [1, hlc()]}));
    assert.equal((await sleeper.closed()).code, 1011);
    assert.deepEqual(silent.heard(), []);
    client.store.setCell('t', 'r', 'edit', 1);
    await until(() => client.ends.length > 0, 'the client to be disconnected');

    assert.ok((await worker.mend(room)).failed > 3);
    const now = await untilEqual(worker, path, [client]);
    assert.deepEqual(valuesOf(now), {...valuesOf(content), edit: 1});
    silent.send(`\n${body('q', 1, '')}`);
    await until(() => silent.traffic.received.some((frame) => frame.includes('["q",0,[')), 'an answer to one who stayed');
    await client.leave();
  });
}

// Rows of their own, since no two of them go into one.
const SECTION = 800_000;
const sections = ['a', 'b', 'c', 'd'];

/** Statements that damage row 2, which holds section `b`, and what is said of it. */
const damages = {
  'is cut short': [`UPDATE tinyroom_journal SET entries = substr(entries, 1, 1000) WHERE sequence = 2`, /^expected \d+ bytes/],
  'is garbled': [`UPDATE tinyroom_journal SET entries = '?' || substr(entries, 2) WHERE sequence = 2`, /^entry 0: /],
  'is empty': [`UPDATE tinyroom_journal SET entries = '', bytes = 0 WHERE sequence = 2`, /^entry 0: /],
  'is missing': [`DELETE FROM tinyroom_journal WHERE sequence = 2`, /^missing$/],
  'is no text': [`UPDATE tinyroom_journal SET entries = x'00ff' WHERE sequence = 2`, /./],
};

for (const [damage, [statement, problem]] of Object.entries(damages)) {
  test(`a row that ${damage} is reported and left alone, and the rest lives on`, async () => {
    const room = `damaged/${damage.replaceAll(' ', '-')}`;
    const path = `/${room}`;
    await write(path, ...sections.map((id) => [id, text(SECTION)]));
    const client = await steady(path);
    const whole = await untilEqual(worker, path, [client]);
    await worker.sql(room, statement);
    const damaged = await worker.sql(room, 'SELECT * FROM tinyroom_journal WHERE sequence = 2');
    await client.leave();
    await worker.evict(room, 'close');

    const report = async () => (await get(path)).json();
    const {data, unreadable} = await report();
    assert.deepEqual(Object.keys(cellsOf(data)), ['a', 'c', 'd']);
    assert.deepEqual(unreadable.map(({sequence}) => sequence), [2]);
    assert.match(unreadable[0].problem, problem);

    // Small edits, and large ones until the rows have been compacted.
    await write(path, ['small', 1]);
    // Edits that come together are kept as one.
    let round = 0;
    const isCompacted = async () => (await rowsOf(room))[1 + damaged.length].sequence > 4;
    for (; round < 8 || !(await isCompacted()); round++) await write(path, ['a', text(SECTION + round)]);
    await worker.evict(room, 'close');
    const later = await report();
    const expected = {...valuesOf(data), small: 1, a: text(SECTION + round - 1)};
    assert.deepEqual(valuesOf(later.data), expected);
    assert.deepEqual(await worker.sql(room, 'SELECT * FROM tinyroom_journal WHERE sequence = 2'), damaged);
    // A row that is gone is missed only until those around it have been compacted.
    if (damaged.length > 0) assert.deepEqual(later.unreadable, unreadable);

    // Whoever still holds what was in it brings it back.
    const returned = await connect('10.0', worker.ws(path), {store: client.store});
    const healed = await untilEqual(worker, path, [returned]);
    assert.deepEqual(valuesOf(healed), {...expected, b: cellsOf(whole).b[0]});
    assert.deepEqual(await worker.sql(room, 'SELECT * FROM tinyroom_journal WHERE sequence = 2'), damaged);
    await returned.leave();
  });
}

for (const header of ['', '{"format":1,"fir', '{"format":"one","first":1}', '[]']) {
  test(`a header that is ${header || 'empty'} is reported and left alone, and the room lives on`, async () => {
    const room = `header/${header.length}`;
    const path = `/${room}`;
    await write(path, ['before', 1], ['also', 2]);
    await worker.sql(room, 'UPDATE tinyroom_journal SET entries = ? WHERE sequence = 0', header);
    const [damaged] = await rowsOf(room);
    await worker.evict(room, 'close');
    for (const expected of [{before: 1, also: 2}, {before: 1, also: 2, after: 3}]) {
      const {data, unreadable} = await (await get(path)).json();
      assert.deepEqual(valuesOf(data), expected);
      assert.deepEqual(unreadable.map(({sequence}) => sequence), [0]);
      assert.match(unreadable[0].problem, /^header: /);
      await write(path, ['after', 3]);
      assert.deepEqual((await rowsOf(room))[0], damaged);
      await worker.evict(room, 'close');
    }
  });
}

test('a room in a newer format is refused untouched, and taken up again by whoever can read it', async () => {
  const [room, path] = ['newer', '/newer'];
  await write(path, ['before', 1]);
  const content = await worker.content(path);
  await worker.sql(room, 'UPDATE tinyroom_journal SET entries = ? WHERE sequence = 0', '{"format":2,"first":1}');
  const rows = await rowsOf(room);
  const client = await begunClient(worker.ws(path));
  await worker.evict(room, 'hibernate');

  const response = await get(path);
  assert.equal(response.status, 503);
  assert.match((await response.json()).error, /format 2/);
  client.send(edit({lost: [1, hlc()]}));
  const {code, reason} = await client.closed();
  assert.equal(code, 1011);
  assert.match(reason, /format 2/);
  assert.match((await refusal(path)).reason, /format 2/);
  assert.deepEqual(await rowsOf(room), rows);

  await worker.sql(room, 'UPDATE tinyroom_journal SET entries = ? WHERE sequence = 0', '{"format":1,"first":1}');
  assert.deepEqual(await worker.content(path), content);
});

for (const sockets of ['close', 'hibernate']) {
  test(`a room evicted (${sockets}) between receipt and commit has shown nobody what it did not keep`, async () => {
    const room = `window/${sockets}`;
    const path = `/${room}`;
    const [author, bystander] = await oneWaiting(path);
    assert.match(bystander.heard().join(), /"kept"/);
    assert.equal(author.traffic.sent.filter((frame) => frame.includes('"waiting"')).length, 1);
    await worker.evict(room, sockets);
    await worker.startClock();
    assert.deepEqual(valuesOf(await worker.content(path)), {before: 1, kept: 1});
    assert.deepEqual(news(bystander), []);

    if (sockets === 'hibernate') author.socket.reconnect();
    assert.deepEqual(valuesOf(await untilEqual(worker, path, [author])), {before: 1, kept: 1, waiting: 1});
    await author.leave();
  });

  test(`a room evicted (${sockets}) in the middle of a message in fragments takes in none of it`, async () => {
    const room = `fragment/${sockets}`;
    const path = `/${room}`;
    await write(path, ['before', 1]);
    const [client, bystander] = [await begunClient(worker.ws(path)), await begunClient(worker.ws(path))];
    const message = edit({whole: [1, hlc()]}).slice(1);
    const fragment = (index, part) => `\n0123456789abcdef\n${index}\n2\n${part}`;
    client.send(fragment(0, message.slice(0, 20)));
    await worker.evict(room, sockets);
    if (sockets === 'hibernate') client.send(fragment(1, message.slice(20)));
    await aMoment();
    assert.deepEqual(valuesOf(await worker.content(path)), {before: 1});
    assert.deepEqual(news(bystander), []);
    const again = sockets === 'hibernate' ? client : await begunClient(worker.ws(path));
    again.send(fragment(0, message.slice(0, 20)).replace('abcdef', 'ABCDEF'));
    again.send(fragment(1, message.slice(20)).replace('abcdef', 'ABCDEF'));
    await until(async () => valuesOf(await worker.content(path)).whole === 1, 'the message sent again');
  });
}

test('a room evicted while its sockets sleep, at each step of a pull, goes on with it', async () => {
  const [room, path] = ['pull/hibernate', '/pull/hibernate'];
  await write(path, ['before', 1]);
  const client = await rawClient(worker.ws(path));
  const cell = () => [{c: [1, hlc()]}];
  const answers = {
    1: () => [1, 1],
    4: () => [[{first: [{r: cell()}]}], {t: 1}],
    5: () => [[{t: [{second: cell()}]}], {t: {r: 1}}],
    6: () => [{t: [{r: [{third: [1, hlc()]}]}]}],
    7: () => [{fourth: [1, hlc()]}],
  };
  const asked = new Set();
  while (asked.size < Object.keys(answers).length) {
    await until(() => client.traffic.received.length > 0, () => `a question beside ${[...asked]}`);
    const [id, type] = JSON.parse(client.traffic.received.shift().split('\n')[1]);
    // It may also say what it holds, for the client to pull.
    if (!(type in answers)) continue;
    await worker.evict(room, 'hibernate');
    client.send(`S\n${body(id, 0, answers[type]())}`);
    asked.add(type);
  }
  await until(async () => (await worker.content(path))[1][0].fourth, 'the end of the pull');
  await until(async () => (await worker.content(path))[0][0].t[0].r[0].third, 'the end of the pull');
  const [[tables]] = await worker.content(path);
  assert.deepEqual([Object.keys(tables).sort(), Object.keys(tables.t[0]).sort()], [['first', 't'], ['r', 'second']]);
});

test('a room evicted with its sockets closed, at each step of a pull, pulls again', async () => {
  const [room, path] = ['pull/close', '/pull/close'];
  await write(path, ['before', 1]);
  const client = await steady(path, network);
  await untilEqual(worker, path, [client]);
  for (const step of [1, 4, 5, 6, 7]) {
    network.cut();
    await until(() => client.ends.length > 0, 'the break');
    client.traffic.received.length = 0;
    client.store.setCell('t', 'r', 'offline', step).setCell('t', `row${step}`, 'c', 1).setCell(`table${step}`, 'r', 'c', 1);
    client.store.setValue('offline', step);
    network.mend();
    const asked = new RegExp(`^S\\n\\["[^"]*",${step},`);
    await until(() => client.traffic.received.some((frame) => asked.test(frame)), `question ${step}`);
    await worker.evict(room, 'close');
    const content = await untilEqual(worker, path, [client]);
    assert.deepEqual(valuesOf(content), {before: 1, offline: step});
    assert.equal(Object.keys(content[0][0]).length, 1 + [1, 4, 5, 6, 7].indexOf(step) + 1);
    client.ends.length = 0;
  }
  await client.leave();
});

for (const end of ['close', 'hibernate', 'kill']) {
  test(`a room that ends (${end}) between any two slices of a compaction loses nothing`, async () => {
    for (const slices of COMPACTION.slice(0, -2).keys()) {
      const room = `slices/${end}/${slices}`;
      const path = `/${room}`;
      await almostFull(path);
      const before = (await rowsOf(room)).length;
      const author = await begunClient(worker.ws(path));
      // What was written has been reported to be on disk: else the next edit would wait for that.
      await aMoment();
      await worker.stopClock();
      await untilArrived(room, 1, () => author.send(edit({large0: [text(LARGE - 1), hlc()]})));
      for (let slice = 0; slice <= slices; slice++) {
        // An edit between slices waits with the clock, and is kept before the next.
        await untilArrived(room, 1, () => author.send(edit({[`between${slice}`]: [slice, hlc()]})));
        await until(() => worker.runTimers(room), 'a slice');
      }
      if (slices < COMPACTION.length - 3) assert.ok((await rowsOf(room)).length > before, 'in the middle of it');
      const expected = {...Object.fromEntries(large), large0: text(LARGE - 1)};
      for (let slice = 0; slice < slices; slice++) expected[`between${slice}`] = slice;
      if (end === 'kill') {
        await worker.kill();
        await worker.start();
      } else {
        await worker.evict(room, end);
      }
      await worker.startClock();
      const {data, unreadable} = await (await get(path)).json();
      const found = valuesOf(data);
      for (const [id, value] of Object.entries(expected)) assert.equal(found[id] === value, true, `${id} after ${slices}`);
      assert.equal(unreadable, undefined);
      await compacted(path, await begunClient(worker.ws(path)));
      await worker.evict(room, 'close');
      assert.deepEqual(valuesOf(await worker.content(path)), {...found, extra: text(LARGE)});
    }
  });
}
