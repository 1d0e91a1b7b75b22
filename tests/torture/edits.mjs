// What clients do to a store: few places, so that they meet there.

const tables = ['pets', 'tasks', 'notes'];
const rows = Array.from({length: 12}, (_, index) => `r${index}`);
const cells = ['kind', 'mood', 'owner', 'done'];
const values = ['open', 'title', 'turn', 'count'];
/** Where texts lie. Three are enough to have a journal compacted often. */
const texts = ['t0', 't1', 't2'];

const scalar = (random) => random.pick([random.below(1e6), random.chance(0.5), `word ${random.below(1e4)}`, random.bits() / 7]);

/** A text of so many characters, of one to four bytes each. */
const text = (random, least, most) => {
  const word = random.pick(['x', 'tree ', 'é', '木', 'so 😀 ']);
  const length = least + random.below(most - least);
  return `${random.below(1e6)} ${word.repeat(Math.ceil(length / word.length))}`;
};

const setCell = (store, random) => store.setCell(random.pick(tables), random.pick(rows), random.pick(cells), scalar(random));

/** As often as not there is none. */
const deleteCell = (store, random) => store.delCell(random.pick(tables), random.pick(rows), random.pick(cells), true);

const setValue = (store, random) => store.setValue(random.pick(values), scalar(random));

const deleteValue = (store, random) => store.delValue(random.pick(values));

/** The cell and the value that everybody wants to have their way. */
const quarrel = (store, random) =>
  store.setCell('pets', 'r0', 'mood', random.pick(['good', 'bad'])).setValue('turn', random.below(2));

const manyRows = (store, random) => {
  const table = random.pick(tables);
  for (const row of random.shuffle(rows).slice(random.below(8))) {
    if (random.chance(0.1)) store.delRow(table, row);
    else store.setRow(table, row, {kind: scalar(random), done: random.chance(0.5)});
  }
};

export const writeText = (store, random) => store.setCell('texts', random.pick(texts), 'text', text(random, 5_000, 100_000));

/** Longer than a row of the journal may be, or nearly so. */
const writeBook = (store, random) => store.setCell('texts', random.pick(texts), 'text', text(random, 600_000, 1_600_000));

const kinds = [
  [setCell, 400],
  [quarrel, 200],
  [setValue, 120],
  [deleteCell, 100],
  [manyRows, 60],
  [deleteValue, 40],
  [writeText, 40],
  [writeBook, 1],
];

const total = kinds.reduce((sum, [, weight]) => sum + weight, 0);

/** Edits a store in one way or another, each as often as its weight. */
export const edit = (store, random) => {
  let rest = random.below(total);
  const [kind] = kinds.find(([, weight]) => (rest -= weight) < 0);
  kind(store, random);
};
