import {medians} from '../arena.mjs';
import {contenders} from '../contenders.mjs';
import {flow} from '../generator/flow.mjs';
import {startFlood, steadily} from '../generator/flooded.mjs';
import {inNewRoom, openRoom} from '../generator/room.mjs';
import {percentile} from '../statistics.mjs';

/** The floods, each with the rows of the room and those who take part. A rival without a store answers no question. */
const FLOODS = {
  'small edits': {rows: 1000, names: ['tinyroom', 'none', 'fragmented']},
  'edits of 1 MiB': {rows: 1000, names: ['tinyroom', 'none']},
  'changes of 250,000 values': {rows: 1000, names: ['tinyroom', 'key-value']},
  'questions for all there is': {rows: 5000, names: ['tinyroom', 'key-value']},
};

/** Where an edit takes longer there may be a backlog. */
const OVERLOAD_MS = 250;

const SECONDS = 4;

const warmUp = (server) =>
  inNewRoom(server, {readers: 3, rows: 1000}, (writer, readers) => flow(writer, readers, {rows: 1000, seconds: 1.5}));

/** The times of those in the flooded room, and of those in another room of the isolate. */
const scene = async (server, kind, rows, seconds) => {
  const flooded = await openRoom(server, {clients: 2, rows});
  const other = await openRoom(server, {clients: 2, rows});
  const start = performance.now();
  const end = await startFlood(server.url(flooded.room), kind);
  const [same, apart] = await Promise.all([steadily(flooded.members, seconds), steadily(other.members, seconds)]);
  const sent = await end();
  const rate = (sent * 1000) / (performance.now() - start);
  [...flooded.members, ...other.members].forEach((member) => member.cut());
  // What is left of an overload must not weigh on what is measured next.
  if (percentile(same, 0.99) > OVERLOAD_MS) await server.restart();
  return {same, apart, rate};
};

/** How fast the flood was. */
const told = (kind, results) => {
  const rates = Object.entries(medians(results, ({rate}) => rate)).map(
    ([name, rate]) => `${rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en')} (${contenders[name].title})`,
  );
  return `  ${kind}, ${rates.join(', ')}`;
};

export const flood = async (arena) => {
  const lines = [];
  const remarks = [];
  for (const [kind, {rows, names}] of Object.entries(FLOODS)) {
    const results = await arena.rounds(`a flood of ${kind}`, {
      names,
      count: arena.quick ? 1 : 2,
      prepare: warmUp,
      measure: (server) => scene(server, kind, rows, arena.quick ? 2 : SECONDS),
    });
    const line = (whose, pick, share, title) => {
      const by = medians(results, (round) => percentile(pick(round), share));
      const what = `one floods a room with ${kind}, edit to receipt of ${whose}: ${title}`;
      return {what, unit: 'ms', better: 'less', by, targets: []};
    };
    for (const [whose, pick] of [['others in it', ({same}) => same], ['those in another room', ({apart}) => apart]]) {
      lines.push(line(whose, pick, 0.5, 'median'), line(whose, pick, 0.99, '99th percentile'));
    }
    remarks.push(told(kind, results));
  }
  return {lines, remark: `*The floods* came to, a second:\n${remarks.join(';\n')}.`};
};
