import {medians} from '../arena.mjs';
import {loneEdits} from '../generator/lone.mjs';
import {openRoom} from '../generator/room.mjs';
import {percentile} from '../statistics.mjs';
import {atMostTimes} from '../targets.mjs';

const ROWS = 1000;

/** Past the window that follows a flush, and never in step with anything. */
const pause = () => 10 + Math.random() * 10;

const times = async (server, edits) => {
  const {members, leave} = await openRoom(server, {clients: 4, rows: ROWS});
  const [writer, ...readers] = members;
  await loneEdits(writer, readers, {rows: ROWS, edits: 20, pause});
  const found = await loneEdits(writer, readers, {rows: ROWS, edits, pause});
  await leave();
  return found;
};

export const lone = async (arena) => {
  const results = await arena.rounds('a lone edit', {
    names: ['tinyroom', 'none', 'json', 'fragmented', 'relay', 'commit'],
    count: arena.quick ? 3 : 5,
    prepare: (server) => times(server, 50),
    measure: (server) => times(server, 100),
  });
  const line = (share, what) => {
    const by = medians(results, (times) => percentile(times, share));
    return {what, unit: 'ms', better: 'less', by, targets: [atMostTimes(2, by, 'none')]};
  };
  return {
    lines: [
      line(0.5, 'a lone edit in a quiet room of 4, edit to receipt: median'),
      line(0.99, 'the same: 99th percentile'),
    ],
  };
};
