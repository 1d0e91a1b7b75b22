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

/**
 * With edits that are kept within a second there is no disk between an edit and its receipt, as with a rival that keeps
 * nothing: how near to that it is to be.
 */
const BILLS_MODE = {KEEP_WITHIN_MS: 1000};
const OF_NO_PERSISTER = 1.3;

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
  const keptLater = await arena.rounds('a lone edit with KEEP_WITHIN_MS', {
    names: ['tinyroom', 'none'],
    count: arena.quick ? 3 : 5,
    options: {settings: BILLS_MODE},
    prepare: warmUp,
    measure: (server) => times(server, arena.quick ? 100 : EDITS),
  });
  arena.report('a lone edit: the disk by itself');
  const disk = await syncedPages({pages: EDITS, pause});
  const line = (share, what, results, targets) => {
    const by = medians(results, (times) => percentile(times, share));
    return {what, unit: 'ms', better: 'less', by, targets: targets(by)};
  };
  const targets = (by) => [atMostTimes(2, by, 'none'), atMostTimes(OF_BARE_COMMIT, by, 'commit')];
  const lone = 'a lone edit in a quiet room of 4, edit to receipt';
  const later = `the same, kept within a second (KEEP_WITHIN_MS=${BILLS_MODE.KEEP_WITHIN_MS})`;
  const lines = [
    line(0.5, `${lone}: median`, results, targets),
    line(0.99, `${lone}: 99th percentile`, results, targets),
    line(0.5, `${later}: median`, keptLater, (by) => [atMostTimes(OF_NO_PERSISTER, by, 'none')]),
    line(0.99, `${later}: 99th percentile`, keptLater, () => []),
  ];
  return {lines, remark: theLeast(lines[0].by, percentile(disk, 0.5))};
};
