import {medians} from '../arena.mjs';
import {loneEdits} from '../generator/lone.mjs';
import {inNewRoom} from '../generator/room.mjs';
import {percentile} from '../statistics.mjs';
import {atMostTimes} from '../targets.mjs';

const ROWS = 1000;
const ROOM = {readers: 3, rows: ROWS};

/** Of fewer, the 99th percentile would be the slowest of them and say nothing else. */
const EDITS = 300;

/** One by one, so that engines have compiled what a lone edit runs: some parts of it only once a thousand have passed. */
const WARM_UP = 2000;

/** Past the window that follows a flush, and never in step with anything. */
const pause = () => 10 + Math.random() * 10;
const atOnce = () => 0;

const warmUp = (server) =>
  inNewRoom(server, ROOM, (writer, readers) => loneEdits(writer, readers, {rows: ROWS, edits: WARM_UP, pause: atOnce}));

const times = (server, edits) =>
  inNewRoom(server, ROOM, async (writer, readers) => {
    await loneEdits(writer, readers, {rows: ROWS, edits: 20, pause});
    return loneEdits(writer, readers, {rows: ROWS, edits, pause});
  });

export const lone = async (arena) => {
  const results = await arena.rounds('a lone edit', {
    names: ['tinyroom', 'none', 'json', 'fragmented', 'relay', 'commit'],
    count: arena.quick ? 3 : 5,
    prepare: warmUp,
    measure: (server) => times(server, arena.quick ? 100 : EDITS),
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
