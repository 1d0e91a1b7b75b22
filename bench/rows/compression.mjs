import {medians} from '../arena.mjs';
import {flow} from '../generator/flow.mjs';
import {loneEdits} from '../generator/lone.mjs';
import {processorTimeOf} from '../generator/processor.mjs';
import {connectRaws, leaveAll} from '../generator/raw.mjs';
import {inNewRoom, newRoom, openRoom} from '../generator/room.mjs';
import {askForAll} from '../generator/whole.mjs';
import {residentBytes} from '../../tests/e2e/support/memory.mjs';

const ROWS = 1000;
const [FEW, MANY] = [3, 63];
const EDITS = 500;
const SOCKETS = 300;
const SYNC = {rows: 20000, cells: 3};
/** The kernel counts processor time in hundredths of a second. */
const SYNCS = 8;

/** Each thing is measured without compression and with it, one after the other, and told in a line each. */
const WAYS = {'not compressed': false, compressed: true};

const bothWays = async (measure) => {
  const found = {};
  for (const [way, deflates] of Object.entries(WAYS)) found[way] = await measure(deflates);
  return found;
};

const linesOf = (results, what, {unit, better = 'less', pick}) =>
  Object.keys(WAYS).map((way) => ({
    what: `${what}, ${way}`,
    unit,
    better,
    by: medians(results, (round) => pick(round[way])),
    targets: [],
  }));

/** How many edits a second, and what one takes that comes alone. */
const edits = (server, readers, deflates) =>
  inNewRoom(server, {readers, rows: ROWS, deflates}, async (writer, others) => {
    const rate = await flow(writer, others, {rows: ROWS, seconds: 1.5});
    const read = others[0].bytesRead();
    const time = await processorTimeOf(() => loneEdits(writer, others, {rows: ROWS, edits: EDITS, pause: () => 0}));
    return {rate, time: time / EDITS, bytes: (others[0].bytesRead() - read) / EDITS};
  });

const editLines = async (arena, readers) => {
  const whose = `1 writer and ${readers} readers`;
  const results = await arena.rounds(`compression, ${whose}`, {
    names: ['tinyroom', 'none', 'relay'],
    count: arena.quick ? 1 : 2,
    prepare: (server) => edits(server, readers, true),
    measure: (server) => bothWays((deflates) => edits(server, readers, deflates)),
  });
  const rates = linesOf(results, `edits/s, ${whose}`, {better: 'more', pick: ({rate}) => rate});
  if (readers < MANY) return rates;
  return [
    ...rates,
    ...linesOf(results, `a lone edit, ${whose}: workerd’s processor time`, {unit: 'ms', pick: ({time}) => time}),
    ...linesOf(results, 'a lone edit, to each reader', {unit: 'bytes', pick: ({bytes}) => bytes}),
  ];
};

/** What all that a room holds is on the wire, and what it takes to send it. */
const syncLines = async (arena) => {
  const results = await arena.rounds('compression, a full sync', {
    names: ['tinyroom', 'json'],
    count: arena.quick ? 1 : 2,
    prepare: async (server) => {
      const {room} = await openRoom(server, {clients: 1, ...SYNC});
      const url = server.url(room);
      await askForAll(url, SYNC.rows);
      return url;
    },
    measure: (_server, url) =>
      bothWays(async (deflates) => {
        let bytes;
        const time = await processorTimeOf(async () => {
          for (let sync = 0; sync < SYNCS; sync++) ({bytes} = await askForAll(url, SYNC.rows, {deflates}));
        });
        return {kilobytes: bytes / 1000, time: time / SYNCS};
      }),
  });
  const what = `full sync of ${SYNC.rows.toLocaleString('en')} × ${SYNC.cells}`;
  return [
    ...linesOf(results, what, {unit: 'kB', pick: ({kilobytes}) => kilobytes}),
    ...linesOf(results, `${what}: workerd’s processor time`, {unit: 'ms', pick: ({time}) => time}),
  ];
};

/** What workerd's memory grows by for each socket of a room in which some edits have been made. */
const memoryLines = async (arena) => {
  const results = await arena.rounds('compression, the memory of sockets', {
    names: ['tinyroom', 'relay'],
    count: 1,
    measure: async (server) => {
      const everybody = [];
      // Those of the first way stay, or else the second would have their memory.
      const found = await bothWays(async (deflates) => {
        const before = await residentBytes();
        const clients = await connectRaws(server.url(newRoom()), SOCKETS, {deflates});
        const [writer, ...readers] = clients;
        await loneEdits(writer, readers, {rows: ROWS, edits: 20, pause: () => 0});
        everybody.push(...clients);
        return ((await residentBytes()) - before) / SOCKETS / 1000;
      });
      await leaveAll(everybody);
      return found;
    },
  });
  return linesOf(results, 'workerd’s memory for a socket', {unit: 'kB', pick: (kilobytes) => kilobytes});
};

export const compression = async (arena) => {
  const lines = [];
  for (const readers of [FEW, MANY]) lines.push(...(await editLines(arena, readers)));
  return {lines: [...lines, ...(await syncLines(arena)), ...(await memoryLines(arena))]};
};
