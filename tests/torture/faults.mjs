// What is broken, and how. Rooms are looked at where no client could have healed them before.
import {setTimeout as sleep} from 'node:timers/promises';
import {Broken} from './check.mjs';

const WRITES = '^(CREATE|INSERT|UPDATE|DELETE)';
/** The statements that only a compaction needs. */
const COMPACTION = '^(DELETE|UPDATE tinyroom_journal SET bytes = \\?, entries = \\? WHERE)';
const LOADS = ['^SELECT 1', '^SELECT sequence'];

export const createFaults = ({worker, rooms, judge, random, counts}) => {
  const all = (action) => Promise.all(rooms.map(action));

  /** Looks one after the other, as it asks much of the Worker. */
  const lookAtAll = async () => {
    for (const room of rooms) await judge.look(room);
  };

  /** The whole of workerd at a moment of its own, sometimes while many a room is compacted. */
  const kill = async () => {
    const [crowded, delay, down] = [random.chance(0.35), random.below(120), random.below(300)];
    if (crowded) rooms.forEach((room) => room.crowdIn());
    await sleep(delay);
    await worker.kill();
    counts.kills++;
    await all((room) => room.allClosed());
    rooms.forEach((room) => room.cut());
    await sleep(down);
    await worker.start();
    await lookAtAll();
    rooms.forEach((room) => room.mend());
  };

  /** Takes a room out of memory: where it is out already, and nobody has said anything since, it is woken before. */
  const evict = async (room, sockets) => {
    try {
      await worker.evict(room.name, sockets, false);
    } catch (error) {
      if (!error.message.includes('not currently running')) throw error;
      await judge.get(room.path);
      await worker.evict(room.name, sockets, false);
    }
  };

  /** The next to speak to the room wakes it: a client, unless it is looked at. */
  const hibernate = async (room) => {
    const looked = random.chance(0.5);
    await evict(room, 'hibernate');
    counts.hibernations++;
    if (looked) await judge.look(room);
  };

  const close = async (room) => {
    room.shut();
    await evict(room, 'close');
    counts.closes++;
    await room.allClosed();
    await judge.look(room);
    room.mend();
  };

  /**
   * Some clients, or all of a room. As often as not the room does not notice, and goes on sending; and now and then they
   * are left alone until somebody mends what another fault has broken.
   */
  const cutNetwork = async (room) => {
    const [silent, whole, lasting] = [random.chance(0.5), random.chance(0.3), random.chance(0.4)];
    const duration = random.below(1500);
    const cut = room.members.filter(() => random.chance(0.5) || whole);
    cut.forEach(({network}) => network.cut({silent}));
    counts.cuts += cut.length;
    await sleep(duration);
    if (!lasting) cut.forEach(({network}) => network.mend());
  };

  /** Nothing comes through for a while, and then all of it at once. */
  const stallNetwork = async (room) => {
    const duration = random.below(2500);
    const stalled = room.members.filter(() => random.chance(0.5));
    stalled.forEach(({network}) => network.stall());
    counts.stalls += stalled.length;
    await sleep(duration);
    stalled.forEach(({network}) => network.flow());
  };

  const moveClients = async (room) => {
    room.move();
    counts.moves++;
  };

  /** Counts the disk as full if it was in anyone's way. */
  const mendDisk = async (room) => {
    const {failed} = await worker.mend(room.name);
    if (failed > 0) counts.fullDisks++;
  };

  const fullAtCommits = async (room) => {
    const [after, times, duration] = [random.below(6), 1 + random.below(8), random.below(1200)];
    await worker.fail(room.name, {statement: WRITES, after, times});
    await sleep(duration);
    await judge.look(room);
    await mendDisk(room);
  };

  const fullAtCompaction = async (room) => {
    const [after, duration] = [random.below(3), 200 + random.below(800)];
    await worker.fail(room.name, {statement: COMPACTION, after, times: 1 + random.below(2)});
    room.crowdIn();
    await sleep(duration);
    await judge.look(room);
    await mendDisk(room);
  };

  /** A room that cannot be loaded says so, and is nobody's empty room. */
  const fullAtLoad = async (room) => {
    const [statement, sockets, duration] = [random.pick(LOADS), random.pick(['hibernate', 'close']), random.below(600)];
    room.shut();
    await worker.fail(room.name, {statement});
    await evict(room, sockets);
    await sleep(duration);
    const {data, error} = await judge.get(room.path);
    if (!/disk is full/.test(error)) throw new Broken(room.name, `should not be readable, but answers ${typeof data}`);
    await mendDisk(room);
    await judge.look(room);
    room.mend();
  };

  const comeAndGo = (room) => room.comeAndGo();

  /** Dealt like cards, so that even a minute sees some of each. */
  const deck = [
    ...Array(10).fill(kill),
    ...Array(2).fill([hibernate, close, cutNetwork, stallNetwork, moveClients, fullAtCommits, comeAndGo]).flat(),
    fullAtCompaction,
    fullAtLoad,
  ];
  const dealt = [];

  /** Breaks something, and tells before what and where. */
  return async (tell) => {
    if (dealt.length === 0) dealt.push(...random.shuffle(deck));
    const [room, fault] = [random.pick(rooms), dealt.pop()];
    tell(`${fault.name}, ${room.name}`);
    await fault(room);
  };
};
