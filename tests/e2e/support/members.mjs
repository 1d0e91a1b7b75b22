// Members of a crowd: a real store behind a socket that can stop reading, light enough for hundreds of them.
import {once} from 'node:events';
import {createMergeableStore} from 'tinybase/mergeable-store';
import {WebSocket} from 'ws';
import {atTheEnd} from './cleanup.mjs';
import {body, hlc} from './raw.mjs';
import {answerThatItReads} from './reading.mjs';

const STAMP = /^[-0-9A-Z_a-z]{16}$/;

/** The stamps of all cells in a change. */
const stampsIn = (thing, found = []) => {
  if (Array.isArray(thing) && thing.length === 2 && STAMP.test(thing[1])) found.push(thing[1]);
  else if (thing !== null && typeof thing === 'object') Object.values(thing).forEach((part) => stampsIn(part, found));
  return found;
};

const edit = (row, value, cell = 'c') =>
  `\n${body('edit', 3, [[{t: [{[row]: [{[cell]: [value, hlc()]}]}]}], [{}], 1])}`;

/** What a store answers to each question. */
const answers = {
  1: (store) => store.getMergeableContentHashes(),
  4: (store, payload) => store.getMergeableTableDiff(payload),
  5: (store, payload) => store.getMergeableRowDiff(payload),
  6: (store, payload) => store.getMergeableCellDiff(payload),
  7: (store, payload) => store.getMergeableValueDiff(payload),
};

/** As it travels: there is no *undefined* in JSON. */
const asText = (thing) => JSON.stringify(thing, (_key, value) => (value === undefined ? '\uFFFC' : value));
const fromText = (text) => JSON.parse(text, (_key, value) => (value === '\uFFFC' ? undefined : value));

/**
 * A member that has begun as a client of TinyBase does. It merges every ContentDiff into its store, answers what it is
 * asked, and pulls when it is told hashes that are not its own; it gives up on no answer, however late that comes. It keeps
 * count: `frames` of changes, `questions` whether it reads, how often it was `asked` what it holds, `timesBehind` that it
 * was told to pull, anything `else`, how often each stamp came in a change, and which in what it `caughtUp` with.
 *
 * One that waits for something `beforeEach` frame takes them one after the other.
 */
export const member = async (url, beforeEach) => {
  const socket = new WebSocket(url, {perMessageDeflate: false, skipUTF8Validation: true});
  const pending = new Map();
  const self = {
    socket,
    store: createMergeableStore(),
    stamps: new Map(),
    frames: 0,
    questions: 0,
    asked: 0,
    timesBehind: 0,
    caughtUp: new Set(),
    else: [],
    closed: undefined,
    /** Sends an edit, and merges it into the store as well. */
    write: (row, value, cell) => {
      const frame = edit(row, value, cell);
      self.store.applyMergeableChanges(JSON.parse(frame.slice(1))[2]);
      socket.send(frame);
    },
    /** Asks the room, and answers what it says. */
    ask: (type, payload, to = 'S') =>
      new Promise((resolve) => {
        const id = `question ${asks++}`;
        pending.set(id, resolve);
        socket.send(`${to}\n${asText([id, type, payload])}`);
      }),
    /** Merges what came as an answer. */
    catchUp: (tables = [{}], values = [{}]) => {
      self.store.applyMergeableChanges([tables, values, 1]);
      for (const stamp of stampsIn([tables, values])) self.caughtUp.add(stamp);
    },
    /** Whether it holds in a row what another does. */
    sees: (row, other) => self.store.getCell('t', row, 'c') === other.store.getCell('t', row, 'c'),
    /** Reads nothing any more, not even what asks whether it does. */
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    leave: async () => {
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.close();
      await once(socket, 'close');
    },
  };
  let asks = 0;

  const pull = async ([tablesHash, valuesHash]) => {
    const {store, ask, catchUp} = self;
    const [tables, values] = store.getMergeableContentHashes();
    if (tables !== tablesHash) {
      const [missing, differing] = await ask(4, store.getMergeableTableHashes());
      catchUp(missing);
      if (Object.keys(differing).length > 0) {
        const [rows, differingRows] = await ask(5, store.getMergeableRowHashes(differing));
        catchUp(rows);
        if (Object.keys(differingRows).length > 0) catchUp(await ask(6, store.getMergeableCellHashes(differingRows)));
      }
    }
    if (values !== valuesHash) catchUp(undefined, await ask(7, store.getMergeableValueHashes()));
  };

  const take = (data) => {
    const answer = answerThatItReads(data);
    if (answer) {
      self.questions++;
      socket.send(answer);
      return;
    }
    const text = data.toString();
    const [id, type, payload] = fromText(text.slice(text.indexOf('\n')));
    if (type === 0 && pending.has(id)) {
      pending.get(id)(payload);
      pending.delete(id);
    } else if (type === 2) {
      self.timesBehind++;
      pull(payload);
    } else if (type === 3) {
      self.frames++;
      self.store.applyMergeableChanges(payload);
      for (const stamp of stampsIn(payload)) self.stamps.set(stamp, (self.stamps.get(stamp) ?? 0) + 1);
    } else if (type in answers) {
      self.asked++;
      socket.send(`S\n${asText([id, 0, answers[type](self.store, payload)])}`);
    } else {
      self.else.push(text);
    }
  };
  let taken = Promise.resolve();
  socket.on('message', (data) => {
    if (beforeEach) taken = taken.then(beforeEach).then(() => take(data));
    else take(data);
  });
  socket.on('close', (code, reason) => {
    self.closed = {code, reason: String(reason)};
  });
  socket.on('error', () => {});
  atTheEnd(() => socket.terminate());
  await once(socket, 'open');
  const hashes = await self.ask(1, '', '');
  socket.send(`\n${body(null, 2, hashes)}`);
  return self;
};

/** So many of them, some at a time. */
export const members = async (url, count) => {
  const all = [];
  while (all.length < count) {
    all.push(...(await Promise.all(Array.from({length: Math.min(25, count - all.length)}, () => member(url)))));
  }
  return all;
};
