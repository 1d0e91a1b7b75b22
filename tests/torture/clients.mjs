// A room's crowd: real clients that edit all the time, come and go, and remember what was said.
import {setTimeout as sleep} from 'node:timers/promises';
import {connect, versions} from '../e2e/support/clients.mjs';
import {startNetwork} from '../e2e/support/network.mjs';
import {SteadyWebSocket, atOnce} from '../e2e/support/reconnecting.mjs';
import {until} from '../e2e/support/until.mjs';
import {randomFrom} from '../fixtures/generate/random.mjs';
import {authorOf, cellsIn, note} from './check.mjs';
import {byClock, withClock} from './clocks.mjs';
import {edit, writeText} from './edits.mjs';

const PAUSE_MS = 450;
const FRAGMENT_SIZE = 20_000;
/** How many stores a room remembers of those who left. */
const MOST_AWAY = 3;

const DIFF = 3;
const RESPONSE = 0;

/**
 * How far ahead a clock may be: between the fastest and the slowest lie less than the five minutes at which TinyBase drops
 * what comes, and what is more than a minute ahead the room tells apart.
 */
const skews = [0, 0, 0, 20_000, 110_000, -20_000, -110_000];

/** Lines from next door to the other side of the world, and narrow ones. */
const shapes = [
  {},
  {},
  {},
  {latencyMs: 60},
  {latencyMs: 700},
  {latencyMs: 30, down: 1_000_000, up: 500_000},
  {latencyMs: 150, down: 400_000, up: 250_000},
];

/** As it is between two computers in one room. */
const NEAR = {latencyMs: 0, down: Infinity, up: Infinity};

/** What is remembered of a client before it has come. */
const nobody = (version, random) => ({
  version,
  skewMs: random.pick(skews),
  store: undefined,
  author: undefined,
  written: new Map(),
});

const ClockedWebSocket = withClock(SteadyWebSocket);

const takesFragments = (version) => parseInt(version) >= 9;

/**
 * A room with as many clients as it is given versions. It keeps what anyone has heard from the room, and each client what
 * it has written, the newest of each cell: the first must be stored whatever happens, the second once the client is back.
 */
export const openRoom = async (worker, name, {seed, startWith, counts}) => {
  const random = randomFrom(`${seed} ${name}`);
  const path = `/${name}`;
  const heard = new Map();
  /** Stamps that nobody but their author has heard of. */
  const unheard = new Set();
  const away = [];
  let paused = false;
  let clients = 0;

  const hear = (store, version, frame) => {
    const [, type, payload] = JSON.parse(frame.slice(frame.indexOf('\n') + 1));
    if (type !== DIFF && type !== RESPONSE) return;
    for (const cell of cellsIn(payload)) {
      note(heard, cell, version);
      if (authorOf(cell.stamp) !== store.author && unheard.delete(cell.stamp)) counts.heard++;
    }
  };

  const writeDown = (remembered, changes) => {
    for (const cell of cellsIn(changes)) {
      note(remembered.written, cell, remembered.version);
      unheard.add(cell.stamp);
      remembered.author = authorOf(cell.stamp);
      counts.written++;
    }
  };

  /** A client takes a place in the room, with a store that was there before or with an empty one. */
  const enter = async (network, remembered) => {
    const {version, skewMs} = remembered;
    const itsRandom = randomFrom(`${seed} ${name} ${clients++}`);
    network.become({...NEAR, ...itsRandom.pick(shapes)});
    const socket = new ClockedWebSocket(network.ws(path), undefined, {...atOnce, maxEnqueuedMessages: 0});
    socket.skewMs = skewMs;
    socket.addEventListener('message', ({data}) => hear(remembered, version, data));
    const fragmentSize = takesFragments(version) && itsRandom.chance(0.5) ? FRAGMENT_SIZE : undefined;
    const client = await byClock(skewMs, () => connect(version, undefined, {socket, store: remembered.store, fragmentSize}));
    remembered.store = client.store;
    let gone = false;
    let writing = false;
    const listener = client.store.addDidFinishTransactionListener(() => {
      if (writing) writeDown(remembered, client.store.getTransactionMergeableChanges());
    });
    /** Edits, and writes down with which stamps. */
    const write = (change) => {
      writing = true;
      byClock(skewMs, () => client.store.transaction(() => change(client.store, itsRandom)));
      writing = false;
      counts.edits++;
      // What was said is written down elsewhere; kept here it would fill the memory.
      client.traffic.sent.length = 0;
      client.traffic.received.length = 0;
    };
    const edits = async () => {
      while (!gone) {
        await sleep(itsRandom.below(PAUSE_MS));
        if (!paused && !gone) write(edit);
      }
    };
    const editing = edits();
    return {
      ...client,
      network,
      remembered,
      write,
      leave: async () => {
        gone = true;
        await editing;
        client.store.delListener(listener);
        await client.leave();
      },
    };
  };

  const members = [];
  for (const version of startWith) members.push(await enter(await startNetwork(worker), nobody(version, random)));

  return {
    name,
    path,
    members,
    /** What those who are here have written. */
    written: () => {
      const written = new Map();
      for (const {version, remembered} of members) {
        for (const [cell, edit] of remembered.written) note(written, {cell, ...edit}, version);
      }
      return written;
    },
    /** What anyone has seen from the room: what came, and what a store holds that it did not write itself. */
    seen: () => {
      const seen = new Map(heard);
      for (const {version, store, remembered} of members) {
        for (const cell of cellsIn(store.getMergeableContent())) {
          if (authorOf(cell.stamp) !== remembered.author) note(seen, cell, version);
        }
      }
      return seen;
    },
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
    /** Some long texts at once, after which a compaction is likely. */
    crowdIn: () => {
      for (const {write} of members) write(writeText);
      for (const {write} of members) write(writeText);
    },
    /** Lets everybody edit once. */
    speak: () => members.forEach(({write}) => write(edit)),
    /** Lets no new connection through. */
    shut: () => members.forEach(({network}) => network.shut()),
    cut: () => members.forEach(({network}) => network.cut()),
    mend: () =>
      members.forEach(({network}) => {
        network.flow();
        network.mend();
      }),
    /** Moves a client: from now on its line is another, also the one that it is on. */
    move: () => random.pick(members).network.become({...NEAR, ...random.pick(shapes)}),
    /** Waits until whatever was on its way to a client has been taken in, since its connection has ended. */
    allClosed: () =>
      until(
        () => members.every(({socket}) => socket.readyState !== socket.OPEN),
        () => `the end of all connections to room ${name}`,
        60,
      ),
    /** One leaves, and another takes its place: new to the room, or back after a while with its store. */
    comeAndGo: async () => {
      const place = random.below(members.length);
      const version = random.pick(versions);
      const returns = random.chance(0.4) && away.length > 0;
      const {network, remembered, leave} = members[place];
      await leave();
      away.push(remembered);
      network.flow();
      network.mend();
      const next = returns || away.length > MOST_AWAY ? away.shift() : nobody(version, random);
      if (next.store) counts.returns++;
      else counts.joins++;
      members[place] = await enter(network, next);
    },
    /** Everybody who left comes back, to hand over what is theirs. */
    gather: async () => {
      for (const remembered of away.splice(0)) {
        counts.returns++;
        members.push(await enter(await startNetwork(worker), remembered));
      }
    },
    leave: () => Promise.all(members.map((member) => member.leave())),
  };
};
