// A room of a contender in which an app is played, with real TinyBase clients, and the pauses left out.
import {createMergeableStore} from 'tinybase/mergeable-store';
import {connectReal} from '../generator/real.mjs';
import {newRoom} from '../generator/room.mjs';
import {until} from '../../tests/e2e/support/until.mjs';

/** So long nothing must happen before the room counts as quiet. All that goes on in it by itself goes on by timers. */
const QUIET_MS = 300;

/** After so many seconds with nothing to do Cloudflare takes an object out of memory. */
const HIBERNATES_AFTER = 10;

export const createStage = (server) => {
  const room = newRoom();

  const untilQuiet = () =>
    until(async () => {
      const {canHibernate, quietMs} = await server.rest();
      return canHibernate && quietMs >= QUIET_MS;
    }, `the room of ${server.title} to be quiet`);

  /** Lets so many seconds pass: waits until nothing goes on, and for a long pause takes the room out of memory. */
  const pause = async (seconds) => {
    await untilQuiet();
    if (seconds > HIBERNATES_AFTER) await server.evict(room);
  };

  /** Opens the app: with the store that a device has kept, or with an empty one, as a page does that keeps nothing. */
  const open = (store = createMergeableStore()) => connectReal(server.url(room), 1, store);

  return {
    pause,
    open,
    /** Fills the room with tables from a device, and leaves it to itself. */
    fill: async (tables, store = createMergeableStore()) => {
      store.setTables(tables);
      const client = await open(store);
      await pause(0);
      await client.leave();
      await pause(60);
      return store;
    },
    /** What would be billed of what is done, with all that follows from it by itself. */
    billedFor: async (action) => {
      await untilQuiet();
      await server.counted();
      await action();
      await untilQuiet();
      return server.counted();
    },
  };
};

/** Waits until all clients see in a cell what one of them has written there. */
export const seenByAll = (clients, [table, row, cell], value) =>
  until(
    () => clients.every(({store}) => store.getCell(table, row, cell) === value),
    `all ${clients.length} clients to see ${table}/${row}/${cell}`,
    60,
  );

/** Rows of a table, each made by its number. */
export const tableOf = (count, row) =>
  Object.fromEntries(Array.from({length: count}, (_, number) => [`r${number}`, row(number)]));
