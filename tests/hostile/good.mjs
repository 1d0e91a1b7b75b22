// Those who are to notice nothing: real clients that edit all the time, and write down what they wrote.
import {setTimeout as sleep} from 'node:timers/promises';
import {connect, untilEqual} from '../e2e/support/clients.mjs';
import {until} from '../e2e/support/until.mjs';
import {randomFrom} from '../fixtures/generate/random.mjs';
import {cellsIn, differences, lackingIn, note} from '../torture/check.mjs';
import {pass} from './tokens.mjs';

/** Where good clients write, and nobody else. */
const TABLE = 'kept';
const VALUE = 'kept';
/** The machine is for the hostile: between two edits of a client it is left to them for so long. */
const PAUSE_MS = 40;

/** For what never comes, not for what is slow. */
const PATIENCE_IN_SECONDS = 240;

/** These hash a cell that has no stamp in another way, which others may have written: their hashes are not the room's. */
const hashesLikeAll = ({version}) => parseInt(version) > 5;

const isGood = ({cell}) => cell.startsWith(`${TABLE}/`) || cell === VALUE;

/** What a store shows of it. */
const shown = (store) => {
  const rows = store.getRowIds(TABLE).sort();
  return JSON.stringify([rows.map((row) => [row, Object.entries(store.getRow(TABLE, row)).sort()]), store.getValue(VALUE)]);
};

/**
 * A room with good clients in it: writers, and readers whose own edits are undone. Each text that they write holds the room's
 * `canary`, by which it is known wherever it turns up.
 */
export const openRoom = async (worker, {path, canary, writers, readers, seed, counts, judge}) => {
  const token = (access, sub) => pass({[path.slice(1)]: access}, {sub});
  const url = (access, sub) => `${worker.ws(path)}?token=${token(access, sub)}`;
  const stored = `${path}?token=${token('read', 'judge')}`;
  const written = new Map();
  let isOver = false;
  let isLeaving = false;
  let isBroken = false;

  const enter = async (version, access, index) => {
    const client = await connect(version, url(access, `${access} ${index}`));
    const [who, row] = [`${access} ${index} (${version}) in ${path}`, `${access} ${index}`];
    client.socket.addEventListener('close', ({code, reason}) => {
      if (isLeaving) return;
      judge.breach(`a good client was closed: ${who}, ${code} ${reason}`);
      // The others need not wait for it.
      isBroken = true;
    });
    // What is kept of the traffic would fill the memory.
    const forget = () => {
      client.traffic.sent.length = 0;
      client.traffic.received.length = 0;
    };
    return {...client, who, row, forget, random: randomFrom(`${seed} ${path} ${row}`)};
  };

  const [writing, reading] = [[], []];
  for (const [index, version] of writers.entries()) writing.push(await enter(version, 'write', index));
  for (const [index, version] of readers.entries()) reading.push(await enter(version, 'read', index));
  const all = [...writing, ...reading];

  for (const {store} of writing) {
    store.addDidFinishTransactionListener(() => {
      for (const cell of cellsIn(store.getTransactionMergeableChanges())) if (isGood(cell)) note(written, cell, path);
    });
  }

  /** A cell of one's own, one that all quarrel over, one that comes and goes, or the value. */
  const edit = ({store, random, row}, mark) =>
    store.transaction(() => {
      store.setCell(TABLE, row, 'last', mark);
      if (random.chance(0.3)) store.setCell(TABLE, 'quarrel', 'turn', mark);
      if (random.chance(0.2)) store.setValue(VALUE, mark);
      if (random.chance(0.1)) store.delRow(TABLE, `${row} gone`);
      else if (random.chance(0.2)) store.setRow(TABLE, `${row} gone`, {a: random.below(1e6), b: random.chance(0.5)});
    });

  const goOnWriting = async (writer) => {
    const others = all.filter((other) => other !== writer);
    for (let n = 0; !isOver && !isBroken; n++) {
      const mark = `${canary} ${writer.row} ${n}`;
      edit(writer, mark);
      counts.edits++;
      const missing = () => others.filter(({store}) => store.getCell(TABLE, writer.row, 'last') !== mark);
      await until(() => isBroken || missing().length === 0, () => `edit ${n} of ${writer.who} at ${missing().map(({who}) => who)}`, PATIENCE_IN_SECONDS);
      counts.arrived++;
      writer.forget();
      await sleep(PAUSE_MS);
    }
  };

  const goOnReading = async (reader) => {
    for (let n = 0; !isOver && !isBroken; n++) {
      reader.store.setCell(TABLE, `${reader.row}'s own`, 'c', n);
      await until(() => isBroken || !reader.store.hasRow(TABLE, `${reader.row}'s own`), `an edit of ${reader.who} to be undone`, PATIENCE_IN_SECONDS);
      counts.undone++;
      reader.forget();
      await sleep(4 * PAUSE_MS);
    }
  };

  const work = [...writing.map(goOnWriting), ...reading.map(goOnReading)].map((work) => work.catch((error) => judge.breach(error.message)));

  /** Everybody holds what the room does, and all that was written is in it. */
  const compare = async () => {
    const sample = writing.find(hashesLikeAll);
    const content = await untilEqual(worker, stored, writing.filter(hashesLikeAll), PATIENCE_IN_SECONDS);
    const lost = lackingIn(content, written);
    counts.lost += lost.length;
    for (const {cell, expected, found} of lost) {
      judge.breach(`lost in ${path}: ${cell}, ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
    }
    const behind = () => all.filter(({store}) => shown(store) !== shown(sample.store));
    await until(() => behind().length === 0, () => `${behind().map(({who}) => who)} to show what is written`, PATIENCE_IN_SECONDS);
    for (const {store, who} of writing) {
      const differing = differences(content, store.getMergeableContent()).filter(isGood);
      for (const {cell} of differing) judge.breach(`${who} has something else than is stored in ${cell}`);
    }
    const newcomer = await connect('10.0', url('write', 'newcomer'));
    await untilEqual(worker, stored, [newcomer], PATIENCE_IN_SECONDS);
    await newcomer.leave();
    counts.cells += written.size;
  };

  return {
    path,
    canary,
    /** What the module of all rooms takes. */
    memory: async () => (await (await fetch(`${worker.http(stored)}&journal`)).json()).since_wake.memory_bytes,
    /** Ends the editing, and compares what everybody holds. */
    settle: async () => {
      isOver = true;
      await Promise.all(work);
      if (!isBroken) await compare().catch((error) => judge.breach(`${path}: ${error.message}`));
    },
    leave: async () => {
      isLeaving = true;
      await Promise.all(all.map((client) => client.leave()));
    },
  };
};
