import {medians} from '../arena.mjs';
import {syncedPages} from '../generator/disk.mjs';
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

/**
 * How near to the bare commit Tinyroom is to be: what twice the time of a rival that keeps nothing came to where that
 * target was set, with the bare commit at 1.4 to 1.8 times.
 */
const OF_BARE_COMMIT = 1.25;

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

/** What no room can be quicker than that keeps an edit before anyone sees it. */
const theLeast = ({tinyroom, none, relay, commit}, disk) => {
  const times = (time) => `${(time / none).toFixed(1)} ×`;
  return [
    `*A lone edit and the disk*: a page written and synced by itself, as long after the one before, takes ${disk.toFixed(2)} ms`,
    `  (median). With the bare relay's time that is ${times(disk + relay)} the time of the rival with no persister, before anybody`,
    `  has done anything; the bare commit + relay takes ${times(commit)} that time, Tinyroom ${times(tinyroom)}.`,
  ].join('\n');
};

export const lone = async (arena) => {
  const results = await arena.rounds('a lone edit', {
    names: ['tinyroom', 'none', 'json', 'fragmented', 'relay', 'commit'],
    count: arena.quick ? 3 : 5,
    prepare: warmUp,
    measure: (server) => times(server, arena.quick ? 100 : EDITS),
  });
  arena.report('a lone edit: the disk by itself');
  const disk = await syncedPages({pages: EDITS, pause});
  const line = (share, what) => {
    const by = medians(results, (times) => percentile(times, share));
    const targets = [atMostTimes(2, by, 'none'), atMostTimes(OF_BARE_COMMIT, by, 'commit')];
    return {what, unit: 'ms', better: 'less', by, targets};
  };
  const lines = [
    line(0.5, 'a lone edit in a quiet room of 4, edit to receipt: median'),
    line(0.99, 'a lone edit in a quiet room of 4, edit to receipt: 99th percentile'),
  ];
  return {lines, remark: theLeast(lines[0].by, percentile(disk, 0.5))};
};
