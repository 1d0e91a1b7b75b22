// Two real TinyBase clients in one room, and what each of them and GET see. Needs a running `make dev`.
//   node_modules/.bin/node tools/demo.mjs [ws://localhost:8787/demo]
import {isDeepStrictEqual} from 'node:util';
import {setTimeout as sleep} from 'node:timers/promises';
import {createMergeableStore} from 'tinybase';
import {createWsSynchronizer} from 'tinybase/synchronizers/synchronizer-ws-client';

const room = new URL(process.argv[2] ?? 'ws://localhost:8787/demo');
const patienceInSeconds = 5;
const tombstone = '\uFFFC';
const objectMark = '\uFFFD';

const join = async (name, store = createMergeableStore()) => {
  const synchronizer = await createWsSynchronizer(store, new WebSocket(room));
  await synchronizer.startSync();
  return {name, store, leave: () => synchronizer.destroy()};
};

/** What an app sees of stored content: no stamps, nothing that is deleted, objects as objects. */
const withoutStamps = ([[tables], [values]]) => {
  const present = (stamps) =>
    Object.entries(stamps)
      .filter(([, [value]]) => value !== tombstone)
      .map(([id, [value]]) => [
        id,
        typeof value === 'string' && value.startsWith(objectMark) ? JSON.parse(value.slice(1)) : value,
      ]);
  const filled = (entries) => Object.fromEntries(entries.filter(([, child]) => Object.keys(child).length > 0));
  return [
    filled(
      Object.entries(tables).map(([tableId, [rows]]) => [
        tableId,
        filled(Object.entries(rows).map(([rowId, [cells]]) => [rowId, Object.fromEntries(present(cells))])),
      ]),
    ),
    Object.fromEntries(present(values)),
  ];
};

const readStored = async () => {
  const address = Object.assign(new URL(room), {protocol: room.protocol.replace('ws', 'http')});
  const {data} = await (await fetch(address)).json();
  return data === null ? [{}, {}] : withoutStamps(data);
};

/** Newer stores hand out objects without a prototype; as text and back they compare with any other. */
const seenBy = ({store}) => JSON.parse(JSON.stringify(store.getContent()));

const lookAround = async (clients) => [
  ...clients.map((client) => [client.name, seenBy(client)]),
  ['GET', await readStored()],
];

const agree = (views) => views.every(([, view]) => isDeepStrictEqual(view, views[0][1]));

/** Shows what everybody sees as soon as it is the same, or what they see after some seconds if it never is. */
const show = async (heading, clients) => {
  const end = Date.now() + patienceInSeconds * 1000;
  let views = await lookAround(clients);
  while (!agree(views) && Date.now() < end) {
    await sleep(20);
    views = await lookAround(clients);
  }
  console.log(`\n${heading}`);
  for (const [name, [tables, values]] of views) {
    console.log(`  ${name.padEnd(5)} ${JSON.stringify(tables)} ${JSON.stringify(values)}`);
  }
  if (!agree(views)) throw new Error(`They still differ after ${patienceInSeconds} s.`);
};

const run = async () => {
  console.log(`The room is ${room}`);
  const ada = await join('Ada');
  await show('Ada joins and finds', [ada]);

  const visit = (ada.store.getValue('visits') ?? 0) + 1;
  ada.store.setRow('pets', 'fido', {kind: 'dog', visit}).setValue('visits', visit);
  await show('Ada writes about fido', [ada]);

  const ben = await join('Ben');
  ben.store.setRow('pets', 'felix', {kind: 'cat', visit, likes: ['fish', 'sun']}).delCell('pets', 'fido', 'kind');
  await show('Ben joins, writes about felix, and deletes a cell of fido', [ada, ben]);

  await ada.leave();
  ben.store.setCell('pets', 'felix', 'mood', 'lonely 😿');
  await show('Ada leaves, and Ben writes without her', [ben]);

  ada.store.setCell('pets', 'fido', 'mood', 'homesick');
  const adaAgain = await join('Ada', ada.store);
  await show('Ada comes back with something that she wrote offline', [adaAgain, ben]);

  await adaAgain.leave();
  await ben.leave();
  console.log('\nAll of them see the same.');
};

try {
  await run();
} catch (error) {
  console.error(`\nThe demo failed: ${error.message}`);
  console.error('Is `make dev` running? Another room than its /demo is given as an argument: ws://host/path');
  process.exit(1);
}
