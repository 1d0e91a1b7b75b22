// Rooms under load, in a workerd that is killed and whose disk and network fail, for so many seconds.
//
//     node tests/torture/run.mjs [seconds] [seed]
//
// With KEEP_WITHIN_MS in the environment rooms keep edits so much later than they relay them. Lost is then only what a client
// that is there has and the room does not get from it.
//
// The same seed makes the same decisions, though never at the same moments.
import {setTimeout as sleep} from 'node:timers/promises';
import {cleanUp} from '../e2e/support/cleanup.mjs';
import {versions} from '../e2e/support/clients.mjs';
import {startFaultyWorker} from '../e2e/support/faults.mjs';
import {randomFrom} from '../fixtures/generate/random.mjs';
import {Broken} from './check.mjs';
import {openRoom} from './clients.mjs';
import {createFaults} from './faults.mjs';
import {createJudge} from './judge.mjs';
import {describe, table} from './report.mjs';

const ROOMS = 4;
const CLIENTS = 4;
const MOST_LATEST = 8;
const PROGRESS_MS = 10_000;
/** What a run may take beyond its time: for what hangs, not for what is slow. */
const MOST_SECONDS_MORE = 300;

const seconds = Number(process.argv[2] ?? 600);
const keepWithinMs = process.env.KEEP_WITHIN_MS;
const seed = process.argv[3] ?? String(Math.floor(Math.random() * 1e9));
const began = Date.now();
const elapsed = () => Math.round((Date.now() - began) / 1000);

const counts = {
  edits: 0,
  written: 0,
  heard: 0,
  kills: 0,
  hibernations: 0,
  closes: 0,
  cuts: 0,
  stalls: 0,
  moves: 0,
  fullDisks: 0,
  joins: 0,
  returns: 0,
  looks: 0,
  settled: 0,
  resigned: 0,
  compactions: 0,
  lost: 0,
};

/** What was broken last, for whoever must find out why a run failed. */
const latest = [];
const tell = (what) => {
  latest.push(`${elapsed()} s: ${what}`);
  latest.splice(0, latest.length - MOST_LATEST);
};
const brokenLast = () => `Broken last: ${latest.join('; ')}.`;

const rooms = [];

const torture = async () => {
  const random = randomFrom(seed);
  const worker = await startFaultyWorker({settings: keepWithinMs ? {KEEP_WITHIN_MS: keepWithinMs} : {}});
  const warn = (broken) => console.error(`${describe(broken)}\n${brokenLast()}`);
  const judge = createJudge(worker, counts, warn, keepWithinMs > 0);
  const everyVersion = random.shuffle(versions);
  for (let index = 0; index < ROOMS; index++) {
    const startWith = Array.from({length: CLIENTS}, (_, place) => everyVersion[(index * CLIENTS + place) % versions.length]);
    rooms.push(await openRoom(worker, `room-${index}`, {seed, startWith, counts}));
  }

  const breakSomething = createFaults({worker, rooms, judge, random, counts});
  while (elapsed() < seconds) {
    await sleep(random.below(900));
    await breakSomething(tell);
    // Most of the time the next fault comes before the last is healed.
    const [settled, room] = [random.chance(0.4), random.pick(rooms)];
    if (settled) await judge.settle(room);
    judge.noComplaints();
  }

  for (const room of rooms) {
    await room.gather();
    await judge.settle(room);
    room.pause();
    for (const version of random.shuffle(versions).slice(0, 3)) await judge.newcomer(room, version);
    await judge.look(room);
    await room.leave();
  }
  judge.noComplaints();
};

// 5.0 rejects a promise that nobody has when its question is lost with its connection. It does not show which client's.
process.on('unhandledRejection', (reason) => {
  if (!/^No response/.test(reason)) throw reason;
  const oldest = rooms.flatMap(({members}) => members).filter(({version}) => version === '5.0');
  for (const {errors} of oldest) errors.push(reason);
});

const progress = setInterval(() => {
  const {edits, kills, looks, lost} = counts;
  console.error(`${String(elapsed()).padStart(4)} s  ${edits} edits, ${kills} kills, ${looks} looks, ${lost} lost`);
}, PROGRESS_MS);
const hung = sleep((seconds + MOST_SECONDS_MORE) * 1000, undefined, {ref: false}).then(() => {
  throw new Error('the run hangs');
});
let failure;
// Whatever ends the run: miniflare ends it at a signal.
process.on('exit', () => {
  console.log(table({seed, seconds: elapsed(), ...counts}));
  if (!failure) return;
  console.error(`\nFailed (SEED=${seed}): ${failure instanceof Broken ? describe(failure) : failure.stack}`);
  console.error(`\n${brokenLast()}`);
});

console.log(`${seconds} seconds, with seed ${seed}`);
try {
  await Promise.race([torture(), hung]);
} catch (error) {
  failure = error;
}
clearInterval(progress);
rooms.forEach((room) => room.pause());
await cleanUp();
// Sockets that are still looking for their room would keep the process alive.
process.exit(failure ? 1 : 0);
