import {medians} from '../arena.mjs';
import {loneEdits} from '../generator/lone.mjs';
import {connectRaw} from '../generator/raw.mjs';
import {askHashes, newRoom} from '../generator/room.mjs';
import {content} from '../generator/texts.mjs';
import {median, percentile} from '../statistics.mjs';
import {atMost} from '../targets.mjs';

const ROOMS = 1000;
/** A megabyte of text, and two of memory. */
const [ROWS, CELLS] = [8000, 3];

/**
 * So many are edited in turn before the next so many: more than there is memory for, and few enough that none is idle for
 * ten seconds and hibernates, which would free its memory without any doing of ours.
 */
const GROUP = 90;

/** What an isolate's rooms may take by default: 96 MiB. */
const ISOLATE_MB = Math.floor((96 << 20) / 1e5) / 10;

/** Works through a list, with some under way at any time. */
const forEach = async (list, action, atOnce = 4) => {
  const rest = list.values();
  const work = async () => {
    for (const item of rest) await action(item);
  };
  await Promise.all(Array.from({length: atOnce}, work));
};

/** One that holds what the room holds, so that it is asked for nothing. */
const begin = async (url, texts = []) => {
  const client = await connectRaw(url);
  for (const text of texts) client.send(text);
  client.hashes = await askHashes(client, 0);
  return client;
};

const edit = async (room) => {
  const options = {rows: 1, edits: 1, pause: () => 0, first: room.edits++};
  const [time] = await loneEdits(room.writer, [room.witness], options);
  return time;
};

const sinceWake = async (server, {name}) => JSON.parse(await server.read(`${name}?journal`)).since_wake;

/** Edits the rooms of a group, then once more those that have been let go meanwhile, and at once those again. */
const editGroup = async (server, group, listingReads, found) => {
  const before = [];
  for (const room of group) {
    await edit(room);
    before.push(await sinceWake(server, room));
  }
  for (const [index, room] of group.entries()) {
    const [swapped, held] = [await edit(room), await edit(room)];
    const {rows_read: read, rows_written: written, memory_bytes: memory} = await sinceWake(server, room);
    found.memory = Math.max(found.memory, memory);
    const hasHibernated = written < before[index].rows_written;
    if (hasHibernated || read - before[index].rows_read <= listingReads) continue;
    found.swapped.push(swapped);
    found.held.push(held);
  }
};

const scene = async (server, count, report) => {
  const rooms = Array.from({length: count}, () => ({name: newRoom(), edits: 0}));
  const texts = [...content(ROWS, CELLS)];
  let filled = 0;
  await forEach(rooms, async (room) => {
    room.writer = await begin(server.url(room.name), texts);
    room.witness = await begin(server.url(room.name));
    if (++filled % 100 === 0) report(`the isolate: ${filled} of ${count} rooms are filled`);
  });
  const clients = rooms.flatMap(({writer, witness}) => [writer, witness]);
  if (new Set(clients.map(({hashes}) => hashes)).size !== 1) throw new Error('the rooms are not filled alike');

  const [first, second] = [await sinceWake(server, rooms[0]), await sinceWake(server, rooms[0])];
  const listingReads = second.rows_read - first.rows_read;
  const found = {swapped: [], held: [], memory: 0};
  for (let start = 0; start < count; start += GROUP) {
    report(`the isolate: ${start} of ${count} rooms have been edited`);
    const group = rooms.slice(Math.min(start, count - GROUP)).slice(0, GROUP);
    await editGroup(server, group, listingReads, found);
  }
  if (found.swapped.length === 0) throw new Error('no room was loaded again: is the machine so slow that they hibernate before?');

  const closed = clients.filter((client) => client.closed).length;
  const complaints = server.complaints.length;
  clients.forEach((client) => client.cut());
  report('the isolate: what is on disk is read');
  await server.restart();
  let lost = 0;
  await forEach(rooms, async ({name, edits}) => {
    if (!(await server.read(name)).includes(`"c":[${edits - 1},`)) lost++;
  });
  return {...found, lost, wrong: closed + complaints};
};

export const isolate = async (arena) => {
  const count = arena.quick ? 2 * GROUP : ROOMS;
  const results = await arena.rounds(`an isolate of ${count} rooms`, {
    names: ['tinyroom'],
    count: 1,
    measure: (server) => scene(server, count, arena.report),
  });
  const line = (what, unit, pick, target) => {
    const by = medians(results, pick);
    const targets = target === undefined ? [] : [atMost(target, unit, by.tinyroom)];
    return {what: `${count.toLocaleString('en')} rooms of a megabyte in one isolate: ${what}`, unit, better: 'less', by, targets};
  };
  return {
    lines: [
      line('WebAssembly’s memory at most', 'MB', ({memory}) => memory / 1e6, ISOLATE_MB),
      line('edits that are not on disk', 'edits', ({lost}) => lost, 0),
      line('sockets closed and errors logged', 'of them', ({wrong}) => wrong, 0),
      line('an edit for which the room is loaded again, edit to receipt: median', 'ms', ({swapped}) => median(swapped)),
      line('the same: 99th percentile', 'ms', ({swapped}) => percentile(swapped, 0.99)),
      line('an edit after which it is in memory already: median', 'ms', ({held}) => median(held)),
    ],
  };
};
