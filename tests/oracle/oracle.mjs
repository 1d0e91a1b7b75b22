// The real TinyBase, asked over standard input and output: `node tests/oracle/oracle.mjs 10.0`. The argument names the
// package: 10.0 is `tinybase`, and 5.0, 5.3, 5.4, 6.7, 7.3, 8.5 and 9.7 are `tinybase-<name>`.
//
// Each line in is a JSON array, `[command, …arguments]`; each is answered by one line of JSON, in order and at once. A
// command that fails is answered by `{"error": "…"}`, and the process goes on; it ends when its input does.
//
// Whatever TinyBase would put on the wire, or take from it, stands inside as a *string that holds the raw JSON text*,
// with U+FFFC for undefined and U+FFFD strings for objects and arrays, so that lone surrogates (as escapes), spellings of
// numbers and duplicate keys are read as TinyBase reads them. Such an argument or answer is called a text below. Ids and
// values never stand outside one.
//
//   ["info"]                            {"package", "version", "node"}
//   ["new", store, uniqueId?]           an empty store by that name, in place of any before; true. Its unique id (its
//                                       name, unless given) makes the last five characters of its stamps.
//   ["reset"]                           forgets all stores and sets the clock back; true
//   ["clock", milliseconds]             what Date.now says from here on; true. It stands still, and starts at
//                                       2026-01-01T00:00:00Z.
//   ["merge", store, changes]           merges a text as it arrives in a ContentDiff; the hashes after it, as `hashes`
//   ["edit", store, edits]              local edits in one transaction: the text of an array of [method, …arguments] of
//                                       the store, such as [["setCell","t","r","c",1],["delValue","v"]]; the text that
//                                       a synchronizer would broadcast, or null when nothing changed
//   ["content", store]                  text of the whole content, with stamps and hashes
//   ["data", store]                     text of [tables, values] as an app sees them
//   ["hashes", store]                   text of the two content hashes, the answer to GetContentHashes
//   ["tableHashes", store]              text of what the store asks in a GetTableDiff …
//   ["rowHashes", store, differing]     … in a GetRowDiff, given the differing tables of a GetTableDiff's answer …
//   ["cellHashes", store, differing]    … in a GetCellDiff, given the differing rows of a GetRowDiff's answer …
//   ["valueHashes", store]              … in a GetValueDiff
//   ["tableDiff", store, hashes]        text of the answer to GetTableDiff with that payload
//   ["rowDiff", store, hashes]          … to GetRowDiff
//   ["cellDiff", store, hashes]         … to GetCellDiff
//   ["valueDiff", store, hashes]        … to GetValueDiff
//   ["read", value]                     true when a store that holds this value, a text, can be read in every way
//   ["json", text]                      JSON.stringify(JSON.parse(text))
//   ["hash", text]                      TinyBase's hash, a number, of the string that the text holds
//
// In a text that TinyBase writes, keys stand in JavaScript's order: those that look like array indexes first, ascending,
// then the others as they came. Compare content as maps.
//
// What differs by version, and shows here:
// - A change with an invalid stamp, one over five minutes ahead of the clock, or a number that overflows: 9.7 and 10.0
//   drop it whole and answer with the hashes unchanged. The others take it, and the store's clock runs on from whatever
//   can be read of the stamp, so that all it stamps from then on may be far in the future.
// - A stamp with the highest counter: an edit after it gets the counter 0 of the next millisecond in 9.7 and 10.0, of the
//   same one in the others, which makes it older than what it replaces.
// - A leaf of another shape (no array, null): 9.7 and 10.0 drop the change. The others throw halfway, with what came
//   before merged, and that store never stamps a local edit again.
// - A stamp left out (`[value]`): 5.0 to 5.4 hash the cell as if it were stamped `undefined`.
// - A row or table whose hash is 0, being empty or because its rows cancel out: every version takes it for absent, and
//   adds and takes away its share of the hash above in turns.
// - The ids __proto__, constructor, toString and other inherited names: 9.7 and 10.0 only. The others mistake them for
//   what is there already, lose them, and write on the prototypes of this very process: end it after that.
// - null arrives in the data from 7.0 on, objects and arrays from 8.0; the content keeps them in every version.
// - `edit` takes null from 7.0 on, objects and arrays from 8.0; before, these edits change nothing.
// - `hash` of an empty string fails up to 5.4.

import {loadPackage, packageName, setClock, START, VERSIONS} from './package.mjs';
import {parseJson} from './parse-json.mjs';

const version = process.argv[2];
if (!VERSIONS.includes(version)) {
  console.error(`which TinyBase? One of ${VERSIONS.join(', ')}`);
  process.exit(2);
}

const tinybase = await loadPackage(version);
const {printWire, readWire} = tinybase;
const stores = new Map();

const storeNamed = (name) => {
  const store = stores.get(name);
  if (!store) {
    throw new Error(`no store is named ${JSON.stringify(name)}`);
  }
  return store;
};

// A method of the store that takes no text, or one, and answers one.
const telling = (method) => (name, text) => {
  const parameters = text === undefined ? [] : [readWire(text)];
  return printWire(storeNamed(name)[method](...parameters));
};

const HLC = 'OhqqeV-----Alice';
const READERS = [
  ['getTables'], ['getTable', 't'], ['getRow', 't', 'r'], ['getCell', 't', 'r', 'c'], ['getValues'], ['getValue', 'v'],
  ['getContent'], ['getMergeableContent'], ['getJson'],
];

const COMMANDS = {
  info: () => ({package: packageName(version), version, node: process.version}),
  new: (name, uniqueId = name) => {
    stores.set(name, tinybase.createStore(uniqueId));
    return true;
  },
  reset: () => {
    stores.clear();
    setClock(START);
    return true;
  },
  clock: (milliseconds) => {
    setClock(milliseconds);
    return true;
  },
  merge: (name, changes) => {
    const store = storeNamed(name);
    tinybase.merge(store, readWire(changes));
    return printWire(store.getMergeableContentHashes());
  },
  edit: (name, edits) => {
    const store = storeNamed(name);
    const changes = tinybase.edit(store, () =>
      parseJson(edits).forEach(([method, ...parameters]) => store[method](...parameters)),
    );
    return changes === undefined ? null : printWire(changes);
  },
  content: (name) => printWire(tinybase.getContent(storeNamed(name))),
  data: (name) => JSON.stringify(storeNamed(name).getContent()),
  hashes: telling('getMergeableContentHashes'),
  tableHashes: telling('getMergeableTableHashes'),
  rowHashes: telling('getMergeableRowHashes'),
  cellHashes: telling('getMergeableCellHashes'),
  valueHashes: telling('getMergeableValueHashes'),
  tableDiff: telling('getMergeableTableDiff'),
  rowDiff: telling('getMergeableRowDiff'),
  cellDiff: telling('getMergeableCellDiff'),
  valueDiff: telling('getMergeableValueDiff'),
  read: (value) => {
    const store = tinybase.createStore('reader');
    const stamp = [readWire(value), HLC];
    tinybase.merge(store, [[{t: [{r: [{c: stamp}]}]}], [{v: stamp}], 1]);
    tinybase.getContent(store);
    READERS.forEach(([method, ...ids]) => store[method](...ids));
    return true;
  },
  json: (text) => JSON.stringify(parseJson(text)),
  hash: (text) => tinybase.hash(JSON.parse(text)),
};

const answer = (line) => {
  try {
    const [command, ...parameters] = JSON.parse(line);
    if (!Object.hasOwn(COMMANDS, command)) {
      throw new Error(`no command is named ${JSON.stringify(command)}`);
    }
    return COMMANDS[command](...parameters);
  } catch (error) {
    return {error: String(error?.message ?? error)};
  }
};

// Who asks may be gone before the last answers are written.
process.stdout.on('error', () => process.exit(0));

let unfinished = [];
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  const lines = chunk.split('\n');
  const rest = lines.pop();
  for (const line of lines) {
    process.stdout.write(`${JSON.stringify(answer(unfinished.join('') + line))}\n`);
    unfinished = [];
  }
  unfinished.push(rest);
});
