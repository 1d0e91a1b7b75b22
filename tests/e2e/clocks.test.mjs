// Clocks that are wrong. What one client stamps far ahead must not hide from those whose clocks are behind what the others
// write: TinyBase, since 9.3, drops a change whole for one stamp more than five minutes ahead of its own clock.
import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {connectApart} from './support/apart.mjs';
import {cleanUp} from './support/cleanup.mjs';
import {connect, hashesOf, leaveAll, versions} from './support/clients.mjs';
import {begunClient, body, changes, hlc} from './support/raw.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const SECOND = 1000;
const EDITS = 10;
const edit = (cells) => `\n${body('edit', 3, changes(cells))}`;

/** Cells of many rows and tables as one change, each with its stamp. */
const spread = (stamp, count) => {
  const rows = Object.fromEntries(Array.from({length: count}, (_, row) => [`ahead ${row}`, [{c: [row, stamp()]}]]));
  return `\n${body('edit', 3, [[{t: [rows]}], [{ahead: [1, stamp()]}], 1])}`;
};

/** Waits until clients apart hold all that was written honestly. */
const untilHonest = async (clients) => {
  for (const {version, call} of clients) {
    const held = async () => Object.keys(await call('getRow', 't', 'honest'));
    await until(
      async () => (await held()).length === EDITS,
      async () => `${EDITS} honest edits, not ${(await held()).length} as ${version} has`,
      20,
    );
  }
};

/** The versions that drop such changes. */
const strict = ['9.7', '10.0'];

/** Whoever writes honestly: a real client, whose clock follows the stamps it has seen, or one whose clock does not. */
const writers = {
  'a real client': async (url) => {
    const {store, traffic} = await connect('10.0', url);
    return {traffic, write: (id, value) => store.setCell('t', 'honest', id, value)};
  },
  'a client that keeps its time': async (url) => {
    const client = await begunClient(url);
    const change = (id, value) => [[{t: [{honest: [{[id]: [value, hlc()]}]}]}], [{}], 1];
    return {traffic: client.traffic, write: (id, value) => client.send(`\n${body('edit', 3, change(id, value))}`)};
  },
};

// What TinyBase takes, what the room takes, and what it keeps apart, each just so.
const scenes = [299, 239, 61].flatMap((ahead) =>
  [3, 59, 180].flatMap((behind) =>
    Object.keys(writers)
      // What a real client writes after such a stamp is as far ahead, and is dropped itself.
      .filter((writer) => writer !== 'a real client' || ahead > 240 || ahead + behind < 300)
      .map((writer) => ({ahead, behind, writer})),
  ),
);

for (const {ahead, behind, writer} of scenes) {
  test(`who is ${behind} s behind sees what ${writer} writes beside stamps ${ahead} s ahead`, async () => {
    const path = `/ahead/${ahead}/${behind}/${writer.length}`;
    const stamp = () => hlc(Date.now() + ahead * SECOND);
    const [liar, honest] = [await begunClient(worker.ws(path)), await writers[writer](worker.ws(path))];
    liar.send(spread(stamp, 3));
    const late = await connectApart(strict, worker.ws(path), {skewMs: -behind * SECOND});
    for (let number = 0; number < EDITS; number++) {
      // They come together, and would leave together.
      liar.send(edit({[`ahead ${number}`]: [number, stamp()]}));
      honest.write(`edit ${number}`, number);
      liar.send(edit({[`ahead ${number}`]: [number + 1, stamp()]}));
      await until(async () => (await worker.content(path))?.[0][0].t[0].honest?.[0][`edit ${number}`], 'the edit');
    }
    await untilHonest(late);
    // Whoever comes now gets it as an answer.
    const newcomers = await connectApart(strict, worker.ws(path), {skewMs: -behind * SECOND});
    await untilHonest(newcomers);
    for (const client of [...late, ...newcomers]) assert.equal((await client.counts()).closed, undefined);
    assert.deepEqual([liar, honest].map(({traffic}) => traffic.closed), [undefined, undefined]);
  });
}

test('what the room takes reaches everybody whose clock is less than a minute behind', async () => {
  const path = '/ahead/taken';
  const liar = await begunClient(worker.ws(path));
  const late = await connectApart(strict, worker.ws(path), {skewMs: -55 * SECOND});
  const [taken, refused] = [235, 295].map((ahead) => [1, hlc(Date.now() + ahead * SECOND)]);
  liar.send(edit({taken, refused, now: [1, hlc()]}));
  liar.send(edit({after: [1, hlc()]}));
  const newcomers = await connectApart(strict, worker.ws(path), {skewMs: -55 * SECOND});
  for (const {call} of [...late, ...newcomers]) {
    await until(async () => Object.keys(await call('getRow', 't', 'r')).sort().join() === 'after,now,taken', async () => {
      return `what was taken, not ${JSON.stringify(await call('getRow', 't', 'r'))}`;
    });
  }
});

test('an honest client of any version whose clock is two minutes fast, or behind, notices nothing', async () => {
  const path = '/honest';
  const there = await Promise.all(versions.map((version) => connect(version, worker.ws(path))));
  const fast = await connectApart(versions, worker.ws(path), {skewMs: 120 * SECOND});
  const behind = await connectApart(versions, worker.ws(path), {skewMs: -120 * SECOND});
  const everybody = [
    ...there.map(({version, store}, index) => ({name: `${version} there`, index, call: async (method, ...rest) => store[method](...rest)})),
    ...fast.map((client, index) => ({...client, name: `${client.version} fast`, index})),
    ...behind.map((client, index) => ({...client, name: `${client.version} behind`, index})),
  ];
  for (let round = 0; round < 3; round++) {
    // All at once, to cells of their own.
    await Promise.all(everybody.map(({name, call}) => call('setCell', 't', name, `round ${round}`, round)));
  }
  for (const {name, call} of everybody) {
    await until(async () => {
      const table = await call('getTable', 't');
      return everybody.every((other) => Object.keys(table[other.name] ?? {}).length === 3);
    }, async () => `all of it, not what ${name} has: ${JSON.stringify(await call('getTable', 't'))}`);
  }
  // By whom it was written last, all end with the same.
  const hashes = JSON.stringify(hashesOf(there[0]));
  for (const {name, call} of everybody) {
    await until(async () => JSON.stringify(await call('getMergeableContentHashes')) === hashes, `${name} to hold the same`);
  }
  for (const client of [...fast, ...behind]) assert.equal((await client.counts()).closed, undefined);
  await leaveAll(there);
});

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
