// `make profile`: where the time of a message goes inside the room's isolate, by V8's own profiler.
//
// It samples JavaScript and WebAssembly alike; what workerd does besides, for the sockets and the disk, shows as the rest
// of the time that the thread is busy, and by the bare contenders of `make bench`.
import {once} from 'node:events';
import {WebSocket} from 'ws';
import {start} from './contenders.mjs';
import {flow} from './generator/flow.mjs';
import {inNewRoom} from './generator/room.mjs';
import {content} from './generator/texts.mjs';
import {median} from './statistics.mjs';

/** No longer, and each time in a new room: whoever sends large changes so fast is closed after four. */
const SECONDS = 3;
const ROWS = 1000;

const ROUNDS = 5;

/** By the names of their functions. A sample belongs to the innermost of them on its stack, and to the glue if to none. */
const stages = {
  'the frame’s text from JavaScript': /string_get|TextEncoder|encodeInto|alloc_zeroed|from_utf8/,
  'writing what is relayed and kept': /change_texts|ChangeWriter|Room.*::commit$|envelope::seal|message::text|::journal::/,
  'reading it': /::wire::|Changes.*::read|::json::/,
  'merging it, with the hashes': /Store.*::merge|merge_cell/,
  'the commit in SQLite': /Disk.*::commit|storage::Disk/,
  'the sends, and the text to JavaScript': /^send$|__wbg_send|bindings::send|JsString/,
  'the room itself, with what is compiled into it: accounts, windows, envelope and journal of a lone edit': /::room::|set_timer|when_durable|setTimeout/,
};

const GLUE = 'glue';

const stageOf = (name) => Object.keys(stages).find((stage) => stages[stage].test(name));

const smallEdits = (writer, readers) => flow(writer, readers, {rows: ROWS, seconds: SECONDS});

const loads = {
  'small edits, 3 readers': {readers: 3, run: smallEdits},
  'small edits, 63 readers': {readers: 63, run: smallEdits},
  'changes of 1,000 rows × 3, 3 readers': {
    readers: 3,
    // Some are always on their way.
    run: (writer, [reader]) =>
      new Promise((resolve) => {
        const end = Date.now() + SECONDS * 1000;
        const send = () => writer.send(content(ROWS, 3).next().value);
        reader.onFrame = () => (Date.now() < end ? send() : resolve());
        for (let number = 0; number < 8; number++) send();
      }),
  },
};

/** Speaks to V8's inspector. */
const inspect = async (server) => {
  const origin = String(await server.inspector()).replace(/^ws/, 'http');
  const targets = await (await fetch(new URL('/json', origin))).json();
  const {webSocketDebuggerUrl} = targets.find(({id}) => id.includes('contender')) ?? targets[0];
  const socket = new WebSocket(webSocketDebuggerUrl);
  await once(socket, 'open');
  const answers = new Map();
  let questions = 0;
  socket.on('message', (data) => {
    const {id, result} = JSON.parse(data);
    answers.get(id)?.(result);
  });
  return (method, params = {}) =>
    new Promise((resolve) => {
      answers.set(++questions, resolve);
      socket.send(JSON.stringify({id: questions, method, params}));
    });
};

/** The milliseconds in each stage. */
const timesIn = ({nodes, samples, timeDeltas}) => {
  const names = new Map(nodes.map(({id, callFrame}) => [id, callFrame.functionName.replaceAll(/\[[0-9a-f]+\]/g, '')]));
  const parents = new Map(nodes.flatMap(({id, children = []}) => children.map((child) => [child, id])));
  const found = Object.fromEntries([...Object.keys(stages), GLUE].map((stage) => [stage, 0]));
  samples.forEach((leaf, index) => {
    if (/^\((idle|program|garbage collector|root)\)$/.test(names.get(leaf))) return;
    const stack = [];
    for (let id = leaf; id !== undefined; id = parents.get(id)) stack.push(names.get(id));
    if (!stack.some((name) => /socketmessage|invoke|socket_message/i.test(name))) return;
    found[stack.map(stageOf).find(Boolean) ?? GLUE] += timeDeltas[index] / 1000;
  });
  return found;
};

/** The share of each stage, in one round. */
const profiled = async ({readers, run}) => {
  const server = await start('tinyroom', {inspected: true});
  await inNewRoom(server, {readers, rows: ROWS}, run);
  const call = await inspect(server);
  await call('Profiler.enable');
  await call('Profiler.setSamplingInterval', {interval: 100});
  await call('Profiler.start');
  await inNewRoom(server, {readers, rows: ROWS}, run);
  const {profile} = await call('Profiler.stop');
  await server.stop();
  const times = Object.entries(timesIn(profile));
  const sum = times.reduce((total, [, time]) => total + time, 0);
  return Object.fromEntries(times.map(([stage, time]) => [stage, time / sum]));
};

const results = Object.fromEntries(Object.keys(loads).map((title) => [title, []]));
for (let round = 1; round <= ROUNDS; round++) {
  for (const [title, load] of Object.entries(loads)) {
    console.error(`${title}, round ${round} of ${ROUNDS}`);
    results[title].push(await profiled(load));
  }
}

console.log(`| share of the room's own time | ${Object.keys(results).join(' | ')} |`);
console.log(`| --- |${' ---: |'.repeat(Object.keys(results).length)}`);
for (const stage of [...Object.keys(stages), GLUE]) {
  const percent = (share) => Math.round(100 * share);
  const cells = Object.values(results).map((rounds) => {
    const shares = rounds.map((round) => round[stage]);
    return `${percent(median(shares))} % (${percent(Math.min(...shares))} to ${percent(Math.max(...shares))})`;
  });
  console.log(`| ${stage} | ${cells.join(' | ')} |`);
}
process.exit();
