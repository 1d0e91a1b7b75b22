// The work of `benches/micro/main.rs`, done by TinyBase's own store.
//
// Where there is a choice it is made in TinyBase's favour: its server reads and writes texts with a function for each value, to
// tell what is undefined, and here plain JSON.parse and JSON.stringify do; nobody listens to the stores; and the code is
// hot, as in a server that runs for days, while a Durable Object begins cold at each wake.
import {createMergeableStore, getHash} from 'tinybase';
import {median} from '../statistics.mjs';
import {content, difference, edits, largeChanges} from './texts.mjs';

const EDITS = 1_000;

const {parse, stringify} = JSON;

const merge = (store, change) => store.applyMergeableChanges(parse(change));

const storeOf = (...changes) => {
  const store = createMergeableStore('bench');
  for (const change of changes) merge(store, change);
  return store;
};

const take = (iterator, count) => Array.from({length: count}, () => iterator.next().value);

const tableDiff = (store, question) => stringify(store.getMergeableTableDiff(parse(question)));
const rowDiff = (store, question) => stringify(store.getMergeableRowDiff(parse(question)));
const cellDiff = (store, question) => stringify(store.getMergeableCellDiff(parse(question)));
const contentText = (store) => stringify(store.getMergeableContent());
const load = (text) => createMergeableStore('bench').setMergeableContent(parse(text));
const tablesHash = (store) => store.getMergeableContentHashes()[0];

/** A store, and what a peer asks of it that holds one row in a hundred as it was before. */
const createAsked = () => {
  const asker = storeOf(content());
  const store = storeOf(content(), difference());
  const rows = asker.getMergeableRowHashes(store.getMergeableTableHashes());
  const cells = asker.getMergeableCellHashes(store.getMergeableRowDiff(rows)[1]);
  return {store, ofRows: stringify(rows), ofCells: stringify(cells)};
};

/** What the work comes to: hashes of the content after changes, and of each text. */
export const checks = () => {
  const {store, ofRows, ofCells} = createAsked();
  return [
    tablesHash(storeOf(...take(edits(), EDITS))),
    tablesHash(storeOf(content(), largeChanges().next().value)),
    ...[
      tableDiff(store, '{}'),
      rowDiff(store, ofRows),
      cellDiff(store, ofCells),
      contentText(load(contentText(store))),
    ].map(getHash),
  ].join(' ');
};

/** For each work a function that makes it ready, and answers what does it; `times` says how often that is done. */
const works = {
  merge_content: () => {
    const whole = content();
    return () => storeOf(whole);
  },
  merge_cell: () => {
    const store = storeOf(content());
    const source = edits();
    return {
      times: EDITS,
      ready: () => take(source, EDITS),
      work: (changes) => changes.forEach((change) => merge(store, change)),
    };
  },
  merge_rows: () => {
    const store = storeOf(content());
    const source = largeChanges();
    return {ready: () => source.next().value, work: (change) => merge(store, change)};
  },
  hash_content: () => {
    const whole = content();
    return {
      ready: () => parse(whole),
      work: (changes) => tablesHash(createMergeableStore('bench').applyMergeableChanges(changes)),
    };
  },
  hash_text: () => {
    const whole = content();
    return () => getHash(whole);
  },
  diff_tables: () => {
    const store = storeOf(content());
    return () => tableDiff(store, '{}');
  },
  diff_rows: () => {
    const {store, ofRows} = createAsked();
    return () => rowDiff(store, ofRows);
  },
  diff_cells: () => {
    const {store, ofCells} = createAsked();
    return () => cellDiff(store, ofCells);
  },
  load: () => {
    const text = contentText(storeOf(content()));
    return () => load(text);
  },
  snapshot: () => {
    const store = storeOf(content());
    return () => contentText(store);
  },
};
works.content_text = works.snapshot;

/** The median time of a work, in nanoseconds. */
export const measure = (name, {warmups = 2, samples = 5} = {}) => {
  const made = works[name]();
  const {ready = () => undefined, work, times = 1} = typeof made === 'function' ? {work: made} : made;
  const nanoseconds = [];
  for (let sample = -warmups; sample < samples; sample++) {
    const input = ready();
    const begin = performance.now();
    work(input);
    const end = performance.now();
    if (sample >= 0) nanoseconds.push(((end - begin) * 1e6) / times);
  }
  return median(nanoseconds);
};
