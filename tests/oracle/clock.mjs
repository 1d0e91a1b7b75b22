// The time that every TinyBase version of this process sees.
//
// Replacing Date.now before a package is loaded reaches all of them: 5.x takes no clock at all, later ones take
// `getNow` as a second argument but default to Date.now. It stands still until it is set, so the same commands give
// the same stamps.

export const START = Date.UTC(2026, 0, 1);

let now = START;

Date.now = () => now;

export const setClock = (milliseconds) => {
  now = milliseconds;
};
