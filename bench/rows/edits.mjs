import {medians} from '../arena.mjs';
import {contenders} from '../contenders.mjs';
import {flow} from '../generator/flow.mjs';
import {inNewRoom} from '../generator/room.mjs';
import {atLeastTimes} from '../targets.mjs';

const ROWS = 1000;
/** With so many readers. All take part where there are 3; the curve is drawn of four. */
const READERS = [1, 3, 15, 63, 250];
const CURVE = ['tinyroom', 'none', 'fragmented', 'relay'];

/** The rate in a new room, once it runs. */
const rate = (server, readers, seconds) =>
  inNewRoom(server, {readers, rows: ROWS}, (writer, others) => flow(writer, others, {rows: ROWS, seconds}));

export const edits = async (arena) => {
  const lines = [];
  const series = Object.fromEntries(CURVE.map((name) => [name, []]));
  for (const readers of arena.quick ? [3, 63] : READERS) {
    const results = await arena.rounds(`edits, 1 writer and ${readers} readers`, {
      names: readers === 3 ? Object.keys(contenders) : CURVE,
      count: arena.quick ? 2 : [3, 63].includes(readers) ? 4 : 2,
      // Code that has run for a while is other code: engines compile in tiers.
      prepare: (server) => rate(server, readers, 1.5),
      measure: (server) => rate(server, readers, 1.5),
    });
    const by = medians(results);
    for (const name of CURVE) {
      if (by[name]) series[name].push([readers + 1, by[name]]);
    }
    lines.push({
      what: `edits/s, 1 writer and ${readers} readers, a room of ${ROWS.toLocaleString('en')} rows`,
      better: 'more',
      by,
      targets:
        readers === 3 ? [atLeastTimes(10, by, 'fragmented', 'more'), atLeastTimes(2, by, 'none', 'more')] : [],
    });
  }
  return {
    lines,
    curve: {title: 'Edits per second', x: 'clients in the room', y: 'edits/s that all received', series},
  };
};
