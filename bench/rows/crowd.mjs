import {medians} from '../arena.mjs';
import {crowd as run} from '../generator/crowd.mjs';
import {openRoom} from '../generator/room.mjs';
import {percentile} from '../statistics.mjs';
import {atLeastTimes, atMost} from '../targets.mjs';

const CLIENTS = 64;
const LIMIT_MS = 250;

/** How close the search comes: the rate that was held and the one that was not are nearer to each other than this. */
const PRECISION = 1.15;

/** Where the search begins: at what can be expected to hold. */
const BEGINS = {tinyroom: 5000, none: 160, fragmented: 80, relay: 160};

const at = async (server, rate) => {
  const {members} = await openRoom(server, {clients: CLIENTS, rows: 1000});
  const times = await run(members, {rate, seconds: 2, warmUp: 1});
  members.forEach((member) => member.cut());
  const p99 = percentile(times, 0.99);
  // What is left of an overload must not weigh on what is measured next.
  if (p99 > LIMIT_MS) await server.restart();
  return {p50: percentile(times, 0.5), p99};
};

/** The highest rate at which 99 of 100 edits have reached everybody within the limit. */
const sustainable = async (arena, server, begin) => {
  const holds = async (rate) => {
    arena.report(`the highest load: ${server.title}, ${Math.round(rate)} edits/s`);
    return (await at(server, rate)).p99 <= LIMIT_MS;
  };
  let held = begin;
  let failed = Infinity;
  while (!(await holds(held))) {
    if (held < 1) throw new Error('not a single edit a second');
    failed = held;
    held /= 2;
  }
  while (failed / held > PRECISION) {
    const rate = failed === Infinity ? held * 2 : Math.sqrt(held * failed);
    if (await holds(rate)) held = rate;
    else failed = rate;
  }
  return held;
};

export const crowd = async (arena) => {
  const ten = await arena.rounds(`${CLIENTS} clients write 10 edits/s each`, {
    names: ['tinyroom', 'none', 'json', 'fragmented', 'relay', 'commit'],
    count: arena.quick ? 1 : 3,
    measure: (server) => at(server, CLIENTS * 10),
  });
  const highest = await arena.rounds('the highest load', {
    names: ['tinyroom', 'none', 'fragmented', 'relay'],
    count: arena.quick ? 1 : 2,
    measure: (server) => sustainable(arena, server, BEGINS[server.name]),
  });
  const p99 = medians(ten, ({p99}) => p99);
  const rates = medians(highest);
  const what = `${CLIENTS} clients write 10 edits/s each, edit to receipt by all`;
  return {
    lines: [
      {what: `${what}: median`, unit: 'ms', better: 'less', by: medians(ten, ({p50}) => p50), targets: []},
      {
        what: `${what}: 99th percentile`,
        unit: 'ms',
        better: 'less',
        by: p99,
        targets: [atMost(LIMIT_MS, 'ms', p99.tinyroom)],
      },
      {
        what: `edits/s by ${CLIENTS} clients that all have within ${LIMIT_MS} ms (99th percentile)`,
        better: 'more',
        by: rates,
        targets: [atLeastTimes(20, rates, 'none', 'more')],
      },
    ],
  };
};
