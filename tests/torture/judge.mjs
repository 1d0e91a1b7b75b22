// Looks at rooms, and says where one has broken a promise.
import {connect, unanswered, untilEqual} from '../e2e/support/clients.mjs';
import {Broken, differences, lackingIn} from './check.mjs';

/** For slow lines, a slow machine, and a room that waits up to a minute before it tries a disk again that was full. */
const PATIENCE_IN_SECONDS = 200;

/**
 * `warn` is told of what breaks no promise and is to be looked at. Where a room `keepsLater` than it relays, what was seen
 * may be gone until those who have it are back, and for good with the last of them.
 */
export const createJudge = (worker, counts, warn, keepsLater = false) => {
  const firstRows = new Map();

  const get = async (address) => (await fetch(worker.http(address))).json();

  /** A compaction forgets the rows before it. Of several since the last look only one is counted. */
  const countCompactions = async ({name, path}) => {
    const {journal = []} = await get(`${path}?journal`);
    const first = journal[0]?.sequence ?? 0;
    if (first > (firstRows.get(name) ?? first)) counts.compactions++;
    firstRows.set(name, first);
  };

  /** What anyone has seen from the room until now must be stored. */
  const look = async (room) => {
    const seen = room.seen();
    const {data, unreadable, error} = await get(room.path);
    if (error) throw new Broken(room.name, `cannot be read: ${error}`);
    if (unreadable) throw new Broken(room.name, `has rows that cannot be read: ${JSON.stringify(unreadable)}`);
    const lost = keepsLater ? [] : lackingIn(data, seen);
    counts.lost += lost.length;
    if (lost.length > 0) throw new Broken(room.name, `lost what was seen of ${lost.length} cells`, lost);
    counts.looks++;
    await countCompactions(room);
  };

  /** How each client differs from what is stored. */
  const describeDifferences = async ({path, members}) => {
    const {data} = await get(path);
    return members.flatMap(({version, store, errors}) =>
      differences(data, store.getMergeableContent())
        .slice(0, 5)
        .map((difference) => ({...difference, client: version, errors: errors.slice(-3).map(String)})),
    );
  };

  /**
   * Waits until all clients hold what is stored. One that waits in vain for an answer, for a second, takes in nothing else
   * and sends nothing meanwhile, in some versions: what it missed it gets with its next connection.
   */
  const untilWhole = async (room) => {
    for (;;) {
      try {
        return await untilEqual(worker, room.path, room.members, PATIENCE_IN_SECONDS);
      } catch (error) {
        const resigned = room.members.filter((member) => unanswered(member).length > 0);
        if (resigned.length === 0) throw new Broken(room.name, error.message, await describeDifferences(room));
        counts.resigned += resigned.length;
        const versions = resigned.map(({version}) => version).join(' and ');
        warn(new Broken(room.name, `clients of ${versions} had given up on an answer`, await describeDifferences(room)));
        for (const {network, errors} of resigned) {
          errors.length = 0;
          network.cut();
          network.mend();
        }
      }
    }
  };

  /** Once nobody edits any more all clients and the room come to hold the same, and nothing that anyone wrote is gone. */
  const settle = async (room) => {
    room.pause();
    room.mend();
    // Who says nothing is not asked: a room that was taken out of memory with something unkept has its sockets still.
    if (keepsLater) room.speak();
    const content = await untilWhole(room);
    const gone = lackingIn(content, room.written());
    counts.lost += gone.length;
    if (gone.length > 0) throw new Broken(room.name, `lost what was written to ${gone.length} cells`, gone);
    counts.settled++;
    for (const {errors} of room.members) errors.length = 0;
    room.resume();
  };

  /** Somebody new gets everything, in the room's words and in TinyBase's. */
  const newcomer = async (room, version) => {
    const client = await connect(version, worker.ws(room.path));
    const content = await untilEqual(worker, room.path, [client], PATIENCE_IN_SECONDS);
    const differ = differences(content, client.store.getMergeableContent());
    if (differ.length > 0) throw new Broken(room.name, `gives a newcomer (${version}) something else`, differ);
    await client.leave();
  };

  /** Nothing but the faults that were ordered may have gone wrong in the Worker. */
  const noComplaints = () => {
    const unexpected = worker.complaints().filter(({message}) => !/disk is full/.test(message));
    if (unexpected.length > 0) throw new Broken('any', unexpected.map(({message}) => message).join('\n'));
  };

  return {look, settle, newcomer, noComplaints, get};
};
