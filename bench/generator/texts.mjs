// What the raw clients send: ContentDiffs with stamps that are valid and ever increasing.
const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';

const encode = (number, length) => {
  let text = '';
  for (let rest = number; text.length < length; rest = Math.floor(rest / 64)) {
    text = ALPHABET[rest % 64] + text;
  }
  return text;
};

let millisecond = 0;
let prefix = '';
let counter = 0;

/** The next stamp: later than all before it, and never ahead of the clock. */
export const nextHlc = () => {
  const now = Date.now();
  if (now > millisecond) {
    millisecond = now;
    prefix = encode(now, 7);
    counter = 0;
  }
  return prefix + encode(counter++, 4) + 'bench';
};

/** What stands before the value in an edit, by which a receiver finds it. */
export const MARK = Buffer.from('"c":[');

/** One edit: cell `c` of a row gets a number. */
export const edit = (row, number) =>
  `\n["benchbenchb",3,[[{"t":[{"r${row}":[{"c":[${number},"${nextHlc()}"]}]}]}],[{}],1]]`;

/** A room's content as one change each `rowsPerChange` rows: cells `a0`, `a1`… with short texts and numbers. */
export const content = function* (rows, cells, rowsPerChange = 1000) {
  for (let first = 0; first < rows; first += rowsPerChange) {
    const part = [];
    for (let row = first; row < Math.min(rows, first + rowsPerChange); row++) {
      const texts = [];
      for (let cell = 0; cell < cells; cell++) {
        const value = cell % 2 === 0 ? `"text ${row}"` : row * 10 + cell;
        texts.push(`"a${cell}":[${value},"${nextHlc()}"]`);
      }
      part.push(`"r${row}":[{${texts.join()}}]`);
    }
    yield `\n["benchbenchb",3,[[{"t":[{${part.join()}}]}],[{}],1]]`;
  }
};
