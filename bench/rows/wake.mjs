import {setTimeout as sleep} from 'node:timers/promises';
import {medians} from '../arena.mjs';
import {loneEdits} from '../generator/lone.mjs';
import {connectReal, framesOf} from '../generator/real.mjs';
import {fill, newRoom, openRoom} from '../generator/room.mjs';
import {atLeastTimes, atMost} from '../targets.mjs';

const MEMBERS = 20;

const STORING = ['tinyroom', 'json', 'fragmented', 'key-value'];

/** Of the rival only one fills the largest room within half a minute; the row of its JSON would be too long to store. */
const SIZES = [
  {rows: 5000, cells: 3, names: STORING},
  {rows: 20000, cells: 3, names: STORING, limit: 50},
  {rows: 100000, cells: 6, names: ['tinyroom', 'fragmented'], limit: 400},
];

const frames = async (arena) => {
  const results = await arena.rounds(`a wake of ${MEMBERS} clients`, {
    names: STORING,
    count: 1,
    measure: async (server) => {
      const room = newRoom();
      await (await fill(server, room, 100, 3)).leave();
      const clients = [];
      while (clients.length < MEMBERS) clients.push(await connectReal(server.url(room)));
      await framesOf(() => {});
      await server.evict(room);
      const counts = await framesOf(() => clients[0].store.setCell('t', 'r1', 'c', 'awake'));
      if (clients.some(({store}) => store.getCell('t', 'r1', 'c') !== 'awake')) {
        throw new Error('the edit has not reached everybody');
      }
      await Promise.all(clients.map((client) => client.leave()));
      return counts;
    },
  });
  const line = {unit: 'frames', better: 'less', targets: []};
  return [
    {...line, what: `one edit wakes a room of ${MEMBERS}: frames to the server`, by: medians(results, ({toServer}) => toServer)},
    {...line, what: `one edit wakes a room of ${MEMBERS}: frames from it`, by: medians(results, ({fromServer}) => fromServer)},
  ];
};

const time = async (arena, {rows, cells, names, limit}) => {
  const results = await arena.rounds(`a wake of ${rows} × ${cells}`, {
    names,
    count: arena.quick ? 3 : 5,
    prepare: (server) => openRoom(server, {clients: 4, rows, cells}),
    measure: async (server, {room, members}) => {
      const [writer, ...readers] = members;
      await server.evict(room);
      await sleep(100);
      const times = await loneEdits(writer, readers, {rows, edits: 1, pause: () => 0});
      // The rival asks and writes for a while when it has woken.
      if (server.name !== 'tinyroom') await sleep(1500);
      return Math.max(...times);
    },
  });
  const by = medians(results);
  return {
    what: `one edit wakes a room of ${rows.toLocaleString('en')} × ${cells}, edit to receipt by all`,
    unit: 'ms',
    better: 'less',
    by,
    targets: [
      ...(limit ? [atMost(limit, 'ms', by.tinyroom)] : []),
      ...(rows === 20000 ? [atLeastTimes(20, by, 'fragmented', 'less')] : []),
    ],
    cells: rows * cells,
  };
};

export const wake = async (arena) => {
  const lines = [];
  for (const size of arena.quick ? SIZES.slice(0, 2) : SIZES) lines.push(await time(arena, size));
  const series = {};
  for (const {by, cells} of lines) {
    for (const [name, milliseconds] of Object.entries(by)) (series[name] ??= []).push([cells, milliseconds]);
  }
  return {
    lines: [...(await frames(arena)), ...lines],
    curve: {title: 'Time of a wake', x: 'cells in the room', y: 'ms from an edit to its receipt by all', series},
  };
};
