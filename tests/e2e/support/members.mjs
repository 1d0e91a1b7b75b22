// Members of a crowd: a real store behind a socket that can stop reading, light enough for hundreds of them.
import {once} from 'node:events';
import {createMergeableStore} from 'tinybase/mergeable-store';
import {WebSocket} from 'ws';
import {atTheEnd} from './cleanup.mjs';
import {body, hlc} from './raw.mjs';
import {answerThatItReads} from './reading.mjs';
import {until} from './until.mjs';

/** The id of the question with which a member catches up. */
const CATCH_UP = 'catch up';

const STAMP = /^[-0-9A-Z_a-z]{16}$/;

/** The stamps of all cells in a change. */
const stampsIn = (thing, found = []) => {
  if (Array.isArray(thing) && thing.length === 2 && STAMP.test(thing[1])) found.push(thing[1]);
  else if (thing !== null && typeof thing === 'object') Object.values(thing).forEach((part) => stampsIn(part, found));
  return found;
};

const edit = (row, value, cell = 'c') =>
  `\n${body('edit', 3, [[{t: [{[row]: [{[cell]: [value, hlc()]}]}]}], [{}], 1])}`;

/**
 * A member that has begun as a client of TinyBase does. It merges every ContentDiff into its store, answers when the
 * room asks whether it reads, and asks for everything when the room tells its hashes, as it does when it has left somebody
 * behind. It keeps count: `frames` of changes, `questions` whether it reads, `timesBehind`, anything `else`, how often each
 * stamp came in a change, and which in what it `caughtUp` with.
 */
export const member = async (url) => {
  const socket = new WebSocket(url, {perMessageDeflate: false, skipUTF8Validation: true});
  const self = {
    socket,
    store: createMergeableStore(),
    stamps: new Map(),
    frames: 0,
    questions: 0,
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
  socket.on('message', (data) => {
    const answer = answerThatItReads(data);
    if (answer) {
      self.questions++;
      socket.send(answer);
      return;
    }
    const text = data.toString();
    const [id, type, payload] = JSON.parse(text.slice(text.indexOf('\n')));
    if (type === 2) {
      self.timesBehind++;
      socket.send(`S\n${body(CATCH_UP, 4, {})}`);
    } else if (type === 0 && id === CATCH_UP) {
      self.store.applyMergeableChanges([payload[0], [{}], 1]);
      for (const stamp of stampsIn(payload)) self.caughtUp.add(stamp);
    } else if (type === 3) {
      self.frames++;
      self.store.applyMergeableChanges(payload);
      for (const stamp of stampsIn(payload)) self.stamps.set(stamp, (self.stamps.get(stamp) ?? 0) + 1);
    } else {
      self.else.push(text);
    }
  });
  socket.on('close', (code, reason) => {
    self.closed = {code, reason: String(reason)};
  });
  socket.on('error', () => {});
  atTheEnd(() => socket.terminate());
  await once(socket, 'open');
  socket.send(`\n${body('begin', 1, '')}`);
  await until(() => self.else.length > 0, 'the hashes of the room', 60);
  const [, , hashes] = JSON.parse(self.else[0].split('\n')[1]);
  socket.send(`\n${body(null, 2, hashes)}`);
  self.else.length = 0;
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
