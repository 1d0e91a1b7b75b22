// One client that takes too much: it does not read, it floods, or it asks without end. It is left behind, or closed with 1013
// and a reason, the memory stays bounded, and the others notice nothing.
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {after, test} from 'node:test';
import {WebSocket as PausableWebSocket} from 'ws';
import {cleanUp} from './support/cleanup.mjs';
import {connect, hashesOf} from './support/clients.mjs';
import {flood} from './support/flood.mjs';
import {members} from './support/members.mjs';
import {forgetPeak, peakBytes, residentBytes} from './support/memory.mjs';
import {answerThatItReads} from './support/reading.mjs';
import {until, untilQuiet} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);

const MB = 1 << 20;
// The limits of src/room/budget.rs and src/room/meter.rs: what one client may leave unread, what all may together, and what
// one may send and ask for at once.
const [MAX_UNREAD, MAX_TOTAL_UNREAD, BURST, A_SECOND] = [48 * MB, 96 * MB, 256 * MB, 8 * MB];
// What Cloudflare allows an isolate: content, texts on their way, JavaScript's garbage.
const ISOLATE = 128 * MB;
// A small room's WebAssembly, with texts of a megabyte on their way through it; and with a content of four.
const [WASM, WASM_WITH_CONTENT] = [16 * MB, 48 * MB];
/** When a flood gives up for which it is not closed. */
const FLOOD_SECONDS = 60;

const text = (length) => 'x'.repeat(length);
const inMB = (bytes) => `${(bytes / MB).toFixed(0)} MiB`;

const workers = [];
/** A workerd for each test, so that what one leaves behind does not count for the next. */
const newWorker = async (context) => {
  const worker = await startWorker();
  workers.push(worker);
  context.after(worker.kill);
  return worker;
};

/** Plays a scene, and holds what workerd and the room's WebAssembly take meanwhile against bounds. */
const within = async ({worker, path, resident, wasm}, scene) => {
  const before = await residentBytes();
  await forgetPeak();
  await scene();
  const [peak, now] = [await peakBytes(), await residentBytes()];
  const {since_wake: used} = await (await fetch(worker.http(`${path}?journal`))).json();
  const all = [before, peak, now, used.memory_bytes].map(inMB);
  if (process.platform === 'linux') assert.ok(before > 0, 'workerd was found');
  console.log(`${path}: ${all[0]} resident before, ${all[1]} at the peak, ${all[2]} after; ${all[3]} of WebAssembly`);
  assert.ok(peak - before <= resident, `${inMB(peak - before)} more at the peak, not at most ${inMB(resident)}`);
  assert.ok(used.memory_bytes <= wasm, `${all[3]} of WebAssembly, not at most ${inMB(wasm)}`);
};

/** Whoever has fallen behind may be asked what it holds. */
const isQuestion = (text) => /^S\n\["[^"]*",[14567],/.test(text);

/**
 * Those who must not notice: members, and real clients of the oldest and the newest version. They write in turn, each
 * time to a cell of its own, so that every edit must reach every other of them exactly once, however much is merged.
 */
const bystanders = async (url) => {
  const raw = await members(url, 2);
  const real = [await connect('5.0', url), await connect('10.0', url)];
  const everybody = [...raw, ...real];
  // A real client's frames are counted and let go: a flood of them would fill the memory of this process.
  const counts = real.map(() => ({changes: 0, asked: 0, others: []}));
  await until(() => real.every(({traffic}) => traffic.received.length > 0), 'the real clients to join');
  await untilQuiet(() => real.reduce((sum, {traffic}) => sum + traffic.received.length + traffic.sent.length, 0));
  real.forEach(({traffic}) => (traffic.received.length = 0));
  real.forEach(({socket}, index) =>
    socket.addEventListener('message', ({data}) => {
      real[index].traffic.received.length = 0;
      if (/\n\[[^,]*,3,/.test(data.slice(0, 80))) counts[index].changes++;
      else if (data.endsWith(',6,{}]')) return;
      else if (isQuestion(data)) counts[index].asked++;
      else counts[index].others.push(data);
    }),
  );
  const heard = raw.map(({stamps}) => stamps);
  let edits = 0;

  const self = {
    raw,
    real,
    /** One of them writes, and all others get it. */
    write: async () => {
      const number = edits++;
      const id = `edit ${number}`;
      const author = everybody[number % everybody.length];
      if (author.write) author.write(id, number);
      else author.store.setCell('t', id, 'c', number);
      await self.untilAll(id, number);
    },
    /** Waits until all of them have a cell. */
    untilAll: (row, value) =>
      until(
        () => everybody.every(({store}) => store.getCell('t', row, 'c') === value) || self.closed().length > 0,
        () => `${row} to reach everybody; ${self.closed().length} of them are closed`,
      ),
    closed: () => everybody.map(({closed, traffic}) => closed ?? traffic?.closed).filter(Boolean),
    edits: () => edits,
    /** How often one of them was asked what it holds. */
    asked: () => [...raw, ...counts].reduce((sum, {asked}) => sum + asked, 0),
    /**
     * They were not closed, and heard of every edit of theirs once, by a change unless they had fallen behind; of no edit
     * twice; of nothing else; and hold in the end what the room holds.
     */
    assertUnmoved: async (worker, path, {mayFallBehind = false} = {}) => {
      assert.deepEqual(self.closed(), []);
      if (!mayFallBehind) assert.equal(self.asked(), 0);
      let hashes;
      await until(
        async () => {
          const [tables, values] = await worker.content(path);
          hashes = String([tables[2], values[2]]);
          return everybody.every((client) => String(hashesOf(client)) === hashes);
        },
        () => `the hashes ${hashes} of the room; they are ${everybody.map(hashesOf).join('; ')}`,
      );
      for (const [index, {frames, stamps, asked, else: others}] of raw.entries()) {
        const twice = [...stamps].filter(([, times]) => times !== 1 && asked === 0);
        assert.deepEqual(twice, [], 'no edit twice');
        assert.deepEqual(others, [], 'nothing but changes');
        if (asked === 0) assert.ok(frames <= stamps.size, `${frames} frames for ${stamps.size} edits`);
        const isForeign = (number) => number % everybody.length !== index;
        const foreign = Array.from({length: edits}, (_, number) => number).filter(isForeign);
        const [tables] = raw[index].store.getMergeableContent();
        const stampOf = (number) => tables[0].t[0][`edit ${number}`][0].c[1];
        const missed = foreign.filter((number) => !stamps.has(stampOf(number)));
        assert.deepEqual(missed, [], 'every edit once');
      }
      for (const {changes, asked, others} of counts) {
        assert.deepEqual(others, [], 'nothing but changes');
        // They heard the frames that the members heard, but each author one of its own the less.
        const most = Math.max(...heard.map(({size}) => size)) + edits;
        if (asked === 0) assert.ok(changes <= most, `${changes} frames, not at most ${most}`);
      }
      assert.deepEqual(worker.complaints(), []);
    },
    leave: () => Promise.all(everybody.map((client) => client.leave())),
  };
  return self;
};

/** A writer's change of a megabyte, and a bystander's edit beside it. Both have reached everybody in the end. */
const writeMegabyte = async (writer, others, round) => {
  const value = `${text(MB)} ${round}`;
  writer.write('large', value);
  await others.write();
  await others.untilAll('large', value);
};

const TOO_MUCH_AT_ONCE = /^tinybase:15:rate: \d+ is over the limit of 268435456 \(CLIENT_BURST_BYTES\)$/;

const assertClosed = ({closed}, reason) => {
  assert.equal(closed?.code, 1013);
  assert.match(closed.reason, reason);
};

/** An offender was closed for it, unless the machine was too slow for it to take more than it may. */
const assertClosedForRate = (offender, bytes) => {
  if (offender.closed) assertClosed(offender, TOO_MUCH_AT_ONCE);
  else assert.ok(bytes <= BURST + offender.seconds * A_SECOND, `${inMB(bytes)} in ${offender.seconds} s, and not closed`);
};

/** How long a small edit of flooder.mjs is, at least. */
const SMALL_EDIT_BYTES = 64;

/** How much is written while somebody does not read, in changes of a megabyte. */
const ROUNDS = 16;
/** How many of them somebody may be sent who has missed most. */
const FEW = 6;

const largeIn = (frames) => frames.filter((frame) => frame.length > MB);

test('a reader that does not read is left behind, and gets what it missed when it reads', async (context) => {
  const path = '/silent';
  const worker = await newWorker(context);
  const others = await bystanders(worker.ws(path));
  const [writer, silent] = await members(worker.ws(path), 2);
  silent.pause();
  await within({worker, path, resident: ISOLATE, wasm: WASM}, async () => {
    for (let round = 0; round < ROUNDS; round++) await writeMegabyte(writer, others, round);
    assert.equal(silent.frames, 0);
    silent.resume();
    await until(() => String(hashesOf(silent)) === String(hashesOf(writer)), 'what it missed');
  });
  assert.equal(silent.closed, undefined);
  assert.ok(silent.frames <= FEW, `${silent.frames} frames`);
  await others.assertUnmoved(worker, path);
});

test('of readers that do not read, and one that reads late, none costs the others anything', async (context) => {
  const path = '/silent/six';
  const worker = await newWorker(context);
  const others = await bystanders(worker.ws(path));
  const [writer, ...silent] = await members(worker.ws(path), 7);
  const slow = await connect('10.0', undefined, {socket: new PausableWebSocket(worker.ws(path), {perMessageDeflate: false})});
  silent.forEach((reader) => reader.pause());
  await within({worker, path, resident: ISOLATE, wasm: WASM}, async () => {
    for (let time = 0; time < 2; time++) {
      slow.traffic.received.length = 0;
      slow.socket.pause();
      for (let round = 0; round < ROUNDS; round++) await writeMegabyte(writer, others, `${time} ${round}`);
      slow.socket.resume();
      await until(() => slow.store.getCell('t', 'large', 'c') === writer.store.getCell('t', 'large', 'c'), 'the news');
      const changes = largeIn(slow.traffic.received).length;
      assert.ok(changes <= FEW, `${changes} changes of a megabyte`);
      slow.store.setCell('t', `slow ${time}`, 'c', time);
      await others.untilAll(`slow ${time}`, time);
    }
    silent.forEach((reader) => reader.resume());
    const everybody = [slow, ...silent];
    await until(() => everybody.every((reader) => String(hashesOf(reader)) === String(hashesOf(writer))), 'all to hold the same');
  });
  for (const {frames, closed} of silent) {
    assert.ok(frames <= FEW, `${frames} frames`);
    assert.equal(closed, undefined);
  }
  assert.equal(slow.traffic.closed, undefined);
  await others.assertUnmoved(worker, path);
});

/** Lets the others write one edit after another until something is over, and some more. */
const writeMeanwhile = async (others, something) => {
  let over = false;
  const result = something.finally(() => (over = true));
  while (!over) await others.write();
  for (let more = 0; more < 8; more++) await others.write();
  return result;
};

// Of the second kind most lose against what is there, and are relayed to nobody. The others' answers wait behind the flood,
// so they may be left behind for a while, but are not closed.
for (const kind of ['new edits', 'edits, one new in twenty']) {
  test(`a writer that floods with ${kind} is closed, and no edit of the others is lost`, async (context) => {
    const path = `/flood/${kind.length}`;
    const worker = await newWorker(context);
    const others = await bystanders(worker.ws(path));
    let offender;
    await within({worker, path, resident: ISOLATE + MAX_TOTAL_UNREAD, wasm: WASM}, async () => {
      offender = await writeMeanwhile(others, flood(worker.ws(path), kind, {bytes: MB, seconds: FLOOD_SECONDS}));
    });
    assertClosedForRate(offender, offender.sent * MB);
    if (offender.closed) assert.ok(offender.sent >= BURST / MB, `${offender.sent} MiB are fewer than may be sent at once`);
    console.log(`the writer had sent ${offender.sent} edits; the others ${others.edits()}, asked ${others.asked()} times`);
    await others.assertUnmoved(worker, path, {mayFallBehind: true});
  });
}

test('a client that asks for everything again and again is closed, and the others do not notice', async (context) => {
  const path = '/questions';
  const worker = await newWorker(context);
  const others = await bystanders(worker.ws(path));
  const [writer] = await members(worker.ws(path), 1);
  for (let row = 0; row < 4; row++) {
    writer.write(`large ${row}`, text(MB));
    await others.untilAll(`large ${row}`, text(MB));
  }
  let offender;
  await within({worker, path, resident: ISOLATE + MAX_UNREAD, wasm: WASM_WITH_CONTENT}, async () => {
    const asking = flood(worker.ws(path), 'questions for everything', {seconds: FLOOD_SECONDS});
    offender = await writeMeanwhile(others, asking);
  });
  assertClosedForRate(offender, offender.bytes);
  console.log(`${offender.answers} answers, ${inMB(offender.bytes)}; the others wrote ${others.edits()} edits meanwhile`);
  assert.ok(offender.bytes <= BURST + FLOOD_SECONDS * A_SECOND, inMB(offender.bytes));
  if (offender.closed) assert.ok(offender.bytes > BURST - 5 * MB, inMB(offender.bytes));
  await others.assertUnmoved(worker, path);
});

/** Writes so many rows of a megabyte, and waits until another has them. */
const writeMegabytes = async (writer, reader, count) => {
  for (let row = 0; row < count; row++) writer.write(`large ${row}`, text(MB));
  await until(() => reader.store.hasRow('t', `large ${count - 1}`), 'the content');
};

const EVERYTHING = 'S\n["q",4,{}]';

test('a client that asks and does not read costs no more than it may leave unread', async (context) => {
  const path = '/questions/unread';
  const worker = await newWorker(context);
  const [writer, other] = await members(worker.ws(path), 2);
  await writeMegabytes(writer, other, 4);
  // It has not said that it has loaded, and so is answered at length.
  const socket = new PausableWebSocket(worker.ws(path), {perMessageDeflate: false});
  const silent = {answers: 0, bytes: 0};
  socket.on('close', (code, reason) => Object.assign(silent, {closed: {code, reason: String(reason)}}));
  await once(socket, 'open');
  socket.pause();
  socket.on('message', (data) => {
    const answer = answerThatItReads(data);
    if (answer) socket.send(answer);
    silent.bytes += data.length;
    if (data.subarray(0, 16).toString().startsWith('S\n["q",0')) silent.answers++;
  });
  await within({worker, path, resident: MAX_UNREAD + ISOLATE, wasm: WASM_WITH_CONTENT}, async () => {
    for (let question = 0; question < 100; question++) socket.send(EVERYTHING);
    // Answered after these have been.
    writer.write('after', 1);
    await until(() => other.sees('after', writer), 'an edit of another');
    socket.resume();
    await until(() => silent.answers === 100 || silent.closed, () => `${silent.answers} answers`);
  });
  assert.equal(silent.closed, undefined);
  assert.ok(silent.bytes <= MAX_UNREAD, inMB(silent.bytes));
});

test('a client that has loaded asks, does not read, and costs no more than it may be ahead', async (context) => {
  const path = '/questions/unread/loaded';
  const worker = await newWorker(context);
  const [writer, silent] = await members(worker.ws(path), 2);
  await writeMegabytes(writer, silent, 8);
  silent.pause();
  silent.frames = 0;
  await within({worker, path, resident: ISOLATE, wasm: WASM_WITH_CONTENT}, async () => {
    for (let question = 0; question < 100; question++) silent.socket.send(EVERYTHING);
    await writer.ask(1, '', '');
    silent.resume();
    await until(() => silent.frames >= 8, 'the rest, now that it reads');
  });
  assert.equal(silent.closed, undefined);
});

test('a client that says something and does not read is left behind like one that is silent', async (context) => {
  const path = '/silent/but-talking';
  const worker = await newWorker(context);
  const [writer, other, silent] = await members(worker.ws(path), 3);
  silent.pause();
  await within({worker, path, resident: ISOLATE, wasm: WASM}, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      // What looks like an answer to a probe, and is none.
      silent.socket.send('S\n["",0,[{}]]');
      writer.write('large', `${text(MB)} ${round}`);
      await until(() => other.sees('large', writer), 'the relay');
    }
    silent.resume();
    await until(() => silent.sees('large', writer), 'what it missed');
  });
  assert.ok(silent.frames <= FEW, `${silent.frames} frames`);
  assert.equal(silent.closed, undefined);
});

test('twenty that have only just stopped to read are bounded together', async (context) => {
  const path = '/silent/twenty';
  const worker = await newWorker(context);
  const [writer, other, ...silent] = await members(worker.ws(path), 22);
  silent.forEach((reader) => reader.pause());
  await within({worker, path, resident: ISOLATE, wasm: WASM}, async () => {
    for (let round = 0; round < 2 * ROUNDS; round++) {
      writer.write('large', `${text(MB)} ${round}`);
      await until(() => other.sees('large', writer), 'the relay');
    }
  });
});

test('a flood of small edits is closed or lets others in, and they end with what the room holds', async (context) => {
  const path = '/flood/small';
  const worker = await newWorker(context);
  const others = await bystanders(worker.ws(path));
  let offender;
  await within({worker, path, resident: ISOLATE, wasm: WASM}, async () => {
    offender = await writeMeanwhile(others, flood(worker.ws(path), 'small edits', {seconds: FLOOD_SECONDS}));
  });
  // More than its bytes it is debited only where it gives the room no rest: where a slow machine lets timers go off in
  // between, nobody waits for it. (What it is debited then, to the byte, tests/limits.rs shows.)
  assertClosedForRate(offender, offender.sent * SMALL_EDIT_BYTES);
  console.log(`the writer had sent ${offender.sent} edits; the others ${others.edits()} meanwhile`);
  // Each of these waited for the one before to reach everybody: the flood has let them in all the while.
  assert.ok(others.edits() >= 30, `${others.edits()} edits`);
  await others.assertUnmoved(worker, path, {mayFallBehind: true});
});

test('none of this was an error of the Worker', () =>
  workers.forEach((worker) => assert.deepEqual(worker.complaints(), [])));
