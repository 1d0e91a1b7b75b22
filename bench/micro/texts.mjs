// What both sides work on. `benches/micro/texts.rs` makes the same, character for character.
export const ROWS = 20_000;
const MANY = 1_000;
const DIFFERS = 100;
const BEGIN_MS = 1_750_000_000_000;
const SEED = 5;
const WORDS = ['walk', 'Ärger', 'call', 'mend', 'read', '\\"buy\\"', 'rest', 'write'];

const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';

const encode = (number, length) => {
  let text = '';
  for (let rest = number; text.length < length; rest = Math.floor(rest / 64)) text = ALPHABET[rest % 64] + text;
  return text;
};

const stamp = (time, counter) => `${encode(time, 7)}${encode(counter, 4)}bench`;

/** A generator small enough to be written twice. */
const createRandom = () => {
  let state = SEED;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state * limit) / 2 ** 32);
  };
};

const change = (rows) => `[[{"tasks":[{${rows}}]}],[{}],1]`;

const row = (id, {title, count, done}, time, counter = 0) =>
  `"row${id}":[{"title":["${title}","${stamp(time, counter)}"],"count":[${count},"${stamp(time, counter + 1)}"],` +
  `"done":[${done},"${stamp(time, counter + 2)}"]}]`;

const cell = (id, count, time, counter = 0) => `"row${id}":[{"count":[${count},"${stamp(time, counter)}"]}]`;

/** The whole content as one change: a string, a number and a boolean a row. */
export const content = () => {
  const random = createRandom();
  const rows = Array.from({length: ROWS}, (_, id) => {
    const [word, count, done] = [WORDS[random(8)], random(1_000_000), random(2) === 1];
    return row(id, {title: `${word} ${count}`, count, done}, BEGIN_MS + id);
  });
  return change(rows.join());
};

/** Changes of one cell each, each newer than all before it. */
export const edits = function* () {
  const random = createRandom();
  for (let edit = 1; ; edit++) {
    yield change(cell(random(ROWS), random(1_000_000), BEGIN_MS + ROWS + edit));
  }
};

/** Changes of all cells of many rows in a sequence, each newer than all before it. */
export const largeChanges = function* () {
  const random = createRandom();
  for (let edit = 1; ; edit++) {
    const first = random(ROWS - MANY);
    const rows = Array.from({length: MANY}, (_, index) => {
      const count = random(1_000_000);
      const [id, time] = [first + index, BEGIN_MS + ROWS + edit];
      return row(id, {title: `new ${count}`, count, done: true}, time, 3 * id);
    });
    yield change(rows.join());
  }
};

/** A change of one cell in each row that the asker lacks. */
export const difference = () => {
  const ids = Array.from({length: ROWS}, (_, id) => id).filter((id) => id % DIFFERS === 0);
  return change(ids.map((id) => cell(id, id, BEGIN_MS + ROWS, id)).join());
};
