// A built Worker with good clients in its rooms, and everybody else against it.
import {setImmediate as nextTurn} from 'node:timers/promises';
import {startWorker} from '../e2e/support/worker.mjs';
import {SECRET} from '../e2e/support/tokens.mjs';
import {until} from '../e2e/support/until.mjs';
import {randomFrom} from '../fixtures/generate/random.mjs';
import {corpus} from './corpus.mjs';
import {ASK, END, HOLD, RESET} from './frames.mjs';
import {openRoom} from './good.mjs';
import {inputAt} from './inputs.mjs';
import {createJudge} from './judge.mjs';
import {nonsenseTo} from './messages.mjs';
import {pass} from './tokens.mjs';
import {exchange, frame, rawSocket, upgrade} from './wire.mjs';

/** How many inputs are at work at once. */
const LANES = 8;
/** How many sockets stay half-open, or unread, until the oldest makes room for the next. */
const MOST_HELD = 40;

const ROOMS = [
  {writers: ['5.0', '7.3', '10.0'], readers: ['9.7']},
  {writers: ['5.4', '8.5', '9.7'], readers: ['10.0']},
  {writers: ['6.7', '5.3', '10.0'], readers: ['8.5']},
];

/** As closed as can be; and limits that are reached with few bytes, in little time. */
const settings = {
  ACCESS: 'closed',
  TOKEN_SECRETS: SECRET,
  TOKEN_COOKIE: 'session',
  ALLOWED_ORIGINS: 'https://*.example.com',
  CLIENT_BURST_BYTES: 20 << 20,
  CLIENT_BYTES_PER_S: 1 << 20,
  FRAGMENT_SILENCE_MS: 2000,
  MAX_SOCKETS_PER_SUB: 16,
};

/** The questions of the room's in a frame that it sent. */
const QUESTION = /^S\n\["([^"]{16})",[14567],/;

/**
 * Runs the corpus and then so many inputs. `tell` hears how far it is. The answer says what was counted, and every breach.
 * `change` is given what is about to be used, so that it can be shown that what must not happen would be seen.
 */
export const besiege = async ({inputs, seed, tell = () => {}, change = {}}) => {
  const began = performance.now();
  const worker = await startWorker({settings: {...settings, ...change.settings}, ...change.worker});
  // Past Miniflare's own Worker, which believes some headers, and fails at others. Members come both ways.
  const direct = Number(new URL(await worker.directWs('/')).port);
  const ports = [Number(worker.host.split(':')[1]), direct];
  const canaries = ROOMS.map((_, index) => [`/siege/${index}`, `canary-${index}-${seed}`]);
  const judge = createJudge({canaries});
  // What a client throws while it takes something in, nobody can catch.
  const threw = (error) => judge.breach(`a good client threw: ${String(error?.stack ?? error).slice(0, 500)}`);
  process.on('uncaughtException', threw);
  const counts = {inputs: 0, corpus: 0, kinds: {}, frames: 0, edits: 0, arrived: 0, undone: 0, lost: 0, cells: 0};
  const rooms = [];
  for (const [index, {writers, readers}] of ROOMS.entries()) {
    const [path, canary] = canaries[index];
    rooms.push(await openRoom(worker, {path, canary, writers, readers, seed, counts, judge}));
  }
  change.begun?.({worker, rooms, judge});

  const held = [];
  const hold = (socket) => {
    held.push(socket);
    if (held.length > MOST_HELD) held.shift().destroy();
  };

  const createLane = (index) => {
    const random = randomFrom(`${seed} lane ${index}`);
    const port = ports[index % ports.length];
    const members = new Map();
    let questions = 0;

    /** A socket of a member's, in a room, that answers what it is asked with nonsense now and then. */
    const join = async (input, sub = `lane ${index}`) => {
      const {room, access} = input;
      const token = pass({[room.path.slice(1)]: access}, {sub});
      const waiting = new Map();
      const socket = rawSocket(port, upgrade(room.path, [`Authorization: Bearer ${token}`]), (bytes) => {
        judge.heard(socket.input, bytes, room.path);
        const start = bytes.subarray(0, 80).toString();
        const [, answered] = /^S\n\["(question \d+)",0,/.exec(start) ?? [];
        waiting.get(answered)?.();
        const [, asked] = QUESTION.exec(start) ?? [];
        if (asked && random.chance(0.3)) socket.send(frame(nonsenseTo(random, asked)));
      });
      socket.input = input;
      socket.ended.then((closed) => judge.closed(closed));
      await socket.opened;
      judge.answered(input, {status: socket.status ?? 0, head: socket.head});
      /** Waits until the room has taken in what was sent before, or the socket has ended. */
      socket.ask = () => {
        const id = `question ${questions++}`;
        const answered = new Promise((resolve) => waiting.set(id, resolve));
        socket.send(frame(`\n["${id}",1,""]`));
        return Promise.race([answered, socket.ended]).then(() => waiting.delete(id));
      };
      return socket;
    };

    const memberFor = async (input) => {
      const key = `${input.room.path} ${input.access}`;
      const known = members.get(key);
      if (known && !known.closed) return known;
      const socket = await join(input);
      members.set(key, socket);
      return socket;
    };

    const asMember = async (input) => {
      const socket = await memberFor(input);
      socket.input = input;
      for (const bytes of input.frames) socket.send(bytes);
      counts.frames += input.frames.length;
      if (input.ends === ASK) {
        let isOver = false;
        socket.ask().then(() => (isOver = true));
        await until(() => isOver, `an answer or a close for input ${input.number}, ${input.kind}: ${input.what}`);
        return;
      }
      members.delete(`${input.room.path} ${input.access}`);
      if (input.isDeaf) socket.pause();
      if (input.ends === HOLD) hold(socket);
      if (input.ends === RESET) socket.reset();
      if (input.ends === END) {
        socket.end();
        await socket.ended;
      }
    };

    const asStranger = async (input) => {
      if (input.holds) {
        const socket = rawSocket(direct, input.bytes, () => {});
        await nextTurn();
        hold(socket);
      } else if (input.isSocket) {
        const heard = [];
        const socket = rawSocket(direct, input.bytes, (bytes) => {
          heard.push(bytes);
          if (socket.status === 101) socket.destroy();
        });
        socket.leaveWhenSilent();
        judge.closed(await socket.ended);
        const bytes = Buffer.concat(heard);
        if (socket.status !== undefined && socket.status !== 101) {
          judge.strangers(input, Buffer.concat([Buffer.from(`${socket.head}\r\n\r\n`, 'latin1'), bytes]));
          return;
        }
        if (socket.status === 101) judge.answered(input, {status: 101, head: socket.head});
        judge.heard(input, bytes);
        if (bytes.length > 0) judge.breach('a socket without a token was sent something', input);
      } else {
        judge.strangers(input, await exchange(direct, input.bytes));
      }
    };

    /** One person with more sockets than one may have. */
    const asCrowd = async (input) => {
      const sockets = await Promise.all(Array.from({length: input.crowd}, () => join(input, 'crowd')));
      await Promise.all(sockets.map((socket) => socket.ask()));
      sockets.forEach((socket) => socket.end());
      await Promise.all(sockets.map(({ended}) => ended));
    };

    const play = async (input) => {
      counts.kinds[input.kind] = (counts.kinds[input.kind] ?? 0) + 1;
      if (input.crowd) await asCrowd(input);
      else if (input.isRead) judge.members(input, await exchange(direct, input.bytes), input.room.path);
      else if (input.isStrange) await asStranger(input);
      else await asMember(input);
    };
    return {play, leave: () => members.forEach((socket) => socket.destroy())};
  };
  const lanes = Array.from({length: LANES}, (_, index) => createLane(index));

  /** Each lane plays its part of so many, one after the other. */
  const playAll = (from, to, at) =>
    Promise.all(
      lanes.map(async ({play}, index) => {
        for (let number = from + index; number < to; number += LANES) {
          const input = at(number);
          try {
            await play(input);
          } catch (error) {
            judge.breach(error.message, input);
          }
        }
      }),
    );

  const byHand = rooms.slice(0, 1).flatMap((room) =>
    corpus(room.path.slice(1)).map((input, index) => ({room, access: index % 3 === 0 ? 'read' : 'write', ...input})),
  );
  await playAll(0, byHand.length, (number) => ({number: `${number} of the corpus`, ...byHand[number]}));
  counts.corpus = byHand.length;
  tell(`${byHand.length} of the corpus`);

  const memory = async () => Math.max(...(await Promise.all(rooms.map((room) => room.memory()))));
  const tenth = Math.ceil(inputs / 10);
  let atFirst;
  for (let from = 0; from < inputs; from += tenth) {
    const to = Math.min(inputs, from + tenth);
    await playAll(from, to, (number) => inputAt(seed, number, rooms));
    counts.inputs = to;
    const now = await memory();
    atFirst ??= now;
    tell(`${to} inputs, ${counts.arrived} edits, ${Math.round(now / 2 ** 20)} MiB, ${judge.result().breaches.length} breaches`);
  }
  lanes.forEach((lane) => lane.leave());
  held.forEach((socket) => socket.destroy());

  for (const room of rooms) await room.settle();
  const atLast = await memory();
  judge.memory(atFirst, atLast);
  for (const room of rooms) await room.leave();
  process.off('uncaughtException', threw);
  judge.logs(worker.logs);
  const seconds = Math.round((performance.now() - began) / 1000);
  return {seed, seconds, counts, memory: {atFirst, atLast}, ...judge.result()};
};
