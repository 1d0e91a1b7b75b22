// What a room costs: the rows it writes and reads, as SQLite's own cursors count them.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {cleanUp} from './support/cleanup.mjs';
import {connect, untilEqual} from './support/clients.mjs';
import {begunClient, begunClients, body, changes, hlc} from './support/raw.mjs';
import {aMoment, until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const journalOf = async (path) => (await fetch(worker.http(`${path}?journal`))).json();
const sinceWake = async (path) => (await journalOf(path)).since_wake;
const edit = (cells, values) => `\n${body('edit', 3, changes(cells, values))}`;

/** Sends a frame and waits until somebody else has heard of it, and so until it has been kept. */
const say = async (author, witness, frame) => {
  witness.heard();
  author.send(frame);
  await until(() => witness.traffic.received.length > 0, 'the relay', 20);
};

/** How many rows are written while `scene` is played. */
const written = async (path, scene) => {
  const {rows_written: before} = await sinceWake(path);
  await scene();
  return (await sinceWake(path)).rows_written - before;
};

test('an edit is one row, but for the first, which makes the table', async () => {
  const path = '/cost/edit';
  const [author, witness] = await begunClients(worker.ws(path), 2);
  const first = await written(path, () => say(author, witness, edit({c: [1, hlc()]})));
  assert.ok(first >= 2 && first <= 4, `${first} rows`);
  for (const cells of [{c: [2, hlc()]}, {c: ['\uFFFC', hlc()]}, {d: ['x'.repeat(1_000_000), hlc()], e: [1, hlc()]}]) {
    assert.equal(await written(path, () => say(author, witness, edit(cells))), 1);
  }
  // Once more after a wake, when the room has just learned where the journal ends.
  await worker.evict(path.slice(1), 'hibernate');
  await say(author, witness, edit({c: [3, hlc()]}));
  assert.equal((await sinceWake(path)).rows_written, 1);
});

test('a change of 1,000 rows is at most three, whatever came before', async () => {
  const path = '/cost/large';
  const [author, witness] = await begunClients(worker.ws(path), 2);
  for (let round = 0; round < 5; round++) {
    const rows = Object.fromEntries(
      Array.from({length: 1000}, (_, row) => [`r${row}`, [{a: [round, hlc()], b: [`text ${row}`, hlc()]}]]),
    );
    const large = `\n${body('edit', 3, [[{t: [rows]}], [{}], 1])}`;
    if (round === 0) await say(author, witness, large);
    else assert.ok((await written(path, () => say(author, witness, large))) <= 3);
    await say(author, witness, edit({c: [round, hlc()]}));
  }
});

test('a wake, a join, a full sync, a question and a GET write nothing', async () => {
  const path = '/cost/nothing';
  const author = await connect('10.0', worker.ws(path));
  for (let row = 0; row < 50; row++) author.store.setRow('t', `r${row}`, {a: row, b: 'text'});
  await untilEqual(worker, path, [author]);
  await aMoment();
  const events = {
    'a GET': () => worker.content(path),
    'a HEAD': () => fetch(worker.http(path), {method: 'HEAD'}),
    'a join': async () => (await begunClient(worker.ws(path))).socket.close(),
    'a first sync': async () => {
      const client = await connect('10.0', worker.ws(path));
      await untilEqual(worker, path, [author, client]);
      await client.leave();
    },
    'a question': async () => author.socket.send(`\n${body('q', 1, '')}`),
    'a reconnect': async () => {
      const client = await connect('10.0', worker.ws(path), {store: author.store});
      await untilEqual(worker, path, [client]);
      await client.leave();
    },
  };
  for (const [name, event] of Object.entries(events)) {
    await worker.evict(path.slice(1), 'hibernate');
    await event();
    await aMoment();
    const {rows_read, rows_written} = await sinceWake(path);
    assert.equal(rows_written, 0, name);
    assert.ok(rows_read > 0, 'the room was awake, and had been read');
  }
  await author.leave();
});

test('an edit that loses its merge writes nothing', async () => {
  const path = '/cost/loser';
  const older = [hlc(), hlc()];
  const [author, witness] = await begunClients(worker.ws(path), 2);
  await say(author, witness, edit({c: ['newer', hlc()]}, {v: ['newer', hlc()]}));
  const lost = await written(path, async () => {
    author.send(edit({c: ['older', older[0]]}));
    author.send(edit({}, {v: ['older', older[1]]}));
    // Whoever is answered has been heard before.
    author.send(`\n${body('q', 1, '')}`);
    await until(() => author.traffic.received.some((frame) => frame.includes('"q"')), 'the answer');
    await aMoment();
  });
  assert.equal(lost, 0);
  const [[tables]] = await worker.content(path);
  assert.equal(tables.t[0].r[0].c[0], 'newer');
});

test('thousands of edits one by one are 1.05 rows each, with everything that keeps few of them', async () => {
  const path = '/cost/many';
  const [author, witness] = await begunClients(worker.ws(path), 2);
  await say(author, witness, edit({c: [0, hlc()]}));
  const edits = 2000;
  const rows = await written(path, async () => {
    for (let n = 0; n < edits; n++) {
      const row = {[`cell ${n % 4}`]: [`text ${n}`, hlc()]};
      witness.heard();
      author.send(`\n${body('edit', 3, [[{t: [{[`row ${n % 61}`]: [row]}]}], [{}], 1])}`);
      // Without a pause between looks: each edit must be kept by itself, and 5 ms for each are long.
      while (witness.traffic.received.length === 0) await new Promise(setImmediate);
    }
  });
  console.log(`${rows} rows written for ${edits} edits`);
  assert.ok(rows >= edits, 'each edit was a commit of its own');
  assert.ok(rows <= 1.05 * edits, `${rows} rows`);
  const {journal} = await journalOf(path);
  assert.ok(journal.length <= 4, `${journal.length} rows to read at a wake`);
});

test('a wake reads at most a row for each 500 KB of content, and ten', async () => {
  const path = '/cost/wake';
  const [author, witness] = await begunClients(worker.ws(path), 2);
  await say(author, witness, edit({c: [0, hlc()]}));
  for (let n = 0; n < 100; n++) {
    await say(author, witness, edit({[`large ${n}`]: ['x'.repeat(60_000), hlc()]}));
    for (let small = 0; small < 5; small++) await say(author, witness, edit({c: [small, hlc()]}));
  }
  const content = JSON.stringify(await worker.content(path));
  for (const wake of ['hibernate', 'close']) {
    await worker.evict(path.slice(1), wake);
    const first = (await sinceWake(path)).rows_read;
    const listing = (await sinceWake(path)).rows_read - first;
    assert.ok(listing > 0);
    const read = first - listing;
    console.log(`${read} rows read at a wake of ${content.length} bytes`);
    assert.ok(read <= content.length / 500_000 + 10, `${read} rows for ${content.length} bytes`);
  }
  assert.equal(JSON.stringify(await worker.content(path)), content);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
