// What was said of a room's cells, held against what the room has stored.

/** How a deleted cell travels; in a store it is *undefined*. */
const DELETED = '\uFFFC';

const isContainer = (thing) => thing !== null && typeof thing === 'object';

function* leaves([thing, stamp = ''], path) {
  if (!isContainer(thing)) {
    yield {cell: path.join('/'), value: thing === undefined ? DELETED : thing, stamp};
    return;
  }
  for (const [id, child] of Object.entries(thing)) yield* leaves(child, [...path, id]);
}

/**
 * Every cell, `table/row/cell`, and value, `value`, in a content, in changes, or in the answer to any question of a pull.
 * In hashes there are none.
 */
export function* cellsIn(payload) {
  if (!Array.isArray(payload) || !isContainer(payload[0])) return;
  // An answer about cells or values is one stamp, everything else is a list of them, with hashes or a number beside them.
  const stamps = Array.isArray(payload[0]) ? payload.filter(Array.isArray) : [payload];
  for (const stamp of stamps) yield* leaves(stamp, []);
}

/** The part of a stamp that names the store that made it. */
export const authorOf = (stamp) => stamp.slice(-5);

/** Notes in a ledger, by its name, what was said of a cell, if nothing newer was. */
export const note = (ledger, {cell, value, stamp}, by) => {
  if (!(ledger.get(cell)?.stamp >= stamp)) ledger.set(cell, {value, stamp, by});
};

/** What a content lacks of a ledger: each cell in it must be there as it is, or newer. */
export const lackingIn = (content, ledger) => {
  const found = new Map([...cellsIn(content)].map(({cell, value, stamp}) => [cell, {value, stamp}]));
  const isKept = (cell, {value, stamp}) => {
    const kept = found.get(cell);
    return kept !== undefined && (kept.stamp > stamp || (kept.stamp === stamp && kept.value === value));
  };
  return [...ledger]
    .filter(([cell, expected]) => !isKept(cell, expected))
    .map(([cell, expected]) => ({cell, expected, found: found.get(cell)}));
};

/** In which cells two contents differ. */
export const differences = (one, other) => {
  const [ours, theirs] = [one, other].map((content) => new Map([...cellsIn(content)].map((cell) => [cell.cell, cell])));
  const differ = (cell) =>
    ours.get(cell)?.stamp !== theirs.get(cell)?.stamp || ours.get(cell)?.value !== theirs.get(cell)?.value;
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter(differ)
    .map((cell) => ({cell, expected: ours.get(cell), found: theirs.get(cell)}));
};

/** A promise of the room's that it broke, with the cells that show it. */
export class Broken extends Error {
  constructor(room, message, cells = []) {
    super(`room ${room}: ${message}`);
    this.cells = cells;
  }
}
