import {setTimeout as sleep} from 'node:timers/promises';
import {seenByAll, tableOf} from './stage.mjs';

const BOARDS = 50;
const NOTES = 150;
const PEOPLE = 4;
const MEETINGS = 20;
const MINUTES = 30;

const STRETCH_SECONDS = 12;
const DRAG_SECONDS = 4;
/** Each begins so much after the one before, and so two pointers move at a time. */
const APART_SECONDS = 2;
const HZ = 60;
const FRAME_MS = 1000 / HZ;
const MOVES = DRAG_SECONDS * HZ;

/** Until a store has a pointer at its place with that number, or at a later one: who is slow may be sent fewer. */
const hasMove = ({store}, pointer, number) =>
  new Promise((resolve, reject) => {
    const isThere = () => (store.getCell('pointers', pointer, 'x') ?? 0) >= number;
    if (isThere()) return resolve();
    const deadline = setTimeout(() => reject(new Error(`move ${number} of ${pointer} was lost`)), 60_000);
    const listener = store.addCellListener('pointers', pointer, 'x', () => {
      if (!isThere()) return;
      clearTimeout(deadline);
      store.delListener(listener);
      resolve();
    });
  });

/** Moves a pointer at 60 Hz, and no faster than all the others see it: else a slow machine would change the counts. */
const drag = async (clients, own, state) => {
  const others = clients.filter((_, index) => index !== own);
  let due = performance.now();
  for (let move = 0; move < MOVES; move++) {
    // A move that was a little late does not delay those after it: timers are never early.
    due = Math.max(due + FRAME_MS, performance.now() - FRAME_MS);
    const number = ++state.moves[own];
    clients[own].store.setPartialRow('pointers', `p${own}`, {x: number, y: number * 2});
    await Promise.all([sleep(Math.max(0, due - performance.now())), ...others.map((other) => hasMove(other, `p${own}`, number))]);
  }
};

/** Two notes are changed while pointers move. */
const note = async (clients, state) => {
  for (const author of [1, 2]) {
    await sleep(DRAG_SECONDS * 1000 * 0.75);
    const text = `changed ${++state.changes}`;
    clients[author].store.setCell('notes', `r${author}`, 'text', text);
    await seenByAll(clients, ['notes', `r${author}`, 'text'], text);
  }
};

export const board = {
  title: 'A shared board with pointers',
  traffic: `${BOARDS} boards with ${NOTES} notes of six cells each. Four people meet on each for ${MINUTES} minutes, on ${MEETINGS} days a month, and each
sees where the pointers of the others are: rows of the same store. Each moves the pointer for ${DRAG_SECONDS} of every ${STRETCH_SECONDS} seconds, at
${HZ} Hz, so that two of them move at a time, and every ${STRETCH_SECONDS} seconds two notes are changed. The page keeps nothing between meetings.`,
  rooms: BOARDS,
  days: MEETINGS,
  /** One contender at a time: how fast they see each other's pointers counts. */
  isPaced: true,
  prepare: async (stage) => {
    const notes = tableOf(NOTES, (number) => ({
      text: `what is on note ${number}`,
      x: number * 17,
      y: number * 11,
      width: 160,
      height: 90,
      colour: number % 2 ? 'yellow' : 'blue',
    }));
    await stage.fill({notes});
    return {moves: Array(PEOPLE).fill(0), changes: 0, clients: []};
  },
  parts: [
    {
      what: 'four people come',
      aMonth: BOARDS * MEETINGS,
      play: async (stage, {clients}) => {
        while (clients.length < PEOPLE) {
          clients.push(await stage.open());
          await stage.pause(5);
        }
      },
    },
    {
      what: `${STRETCH_SECONDS} seconds of a meeting: ${PEOPLE * MOVES} moves of pointers and 2 changes`,
      aMonth: (BOARDS * MEETINGS * MINUTES * 60) / STRETCH_SECONDS,
      /** Seconds between the first move and the last; `play` answers how many it took. */
      lasts: (PEOPLE - 1) * APART_SECONDS + DRAG_SECONDS,
      play: async (_stage, state) => {
        const {clients} = state;
        const began = performance.now();
        const drags = clients.map(async (_, own) => {
          await sleep(own * APART_SECONDS * 1000);
          await drag(clients, own, state);
        });
        await Promise.all([...drags, note(clients, state)]);
        return (performance.now() - began) / 1000;
      },
    },
    {
      what: 'they leave',
      aMonth: BOARDS * MEETINGS,
      play: async (_stage, {clients}) => {
        for (const client of clients) await client.leave();
      },
    },
  ],
};
