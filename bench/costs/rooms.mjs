import {tableOf} from './stage.mjs';

const ROOMS = 10_000;
const NOTES = 25;
const VISITS_A_DAY = 2;
const DAYS = 30;
const CHANGES = 3;

export const rooms = {
  title: '10,000 small rooms',
  traffic: `A room for each of 10,000 people, with ${NOTES} notes of three cells. ${VISITS_A_DAY} times on each of ${DAYS} days a device opens it, makes
${CHANGES} changes, one every 20 seconds, and closes it. The device keeps the notes between visits.`,
  rooms: ROOMS,
  days: DAYS,
  prepare: async (stage) => {
    const notes = tableOf(NOTES, (number) => ({title: `note ${number}`, text: 'some words to keep', done: false}));
    return {store: await stage.fill({notes}), changes: 0};
  },
  parts: [
    {
      what: `a visit: ${CHANGES} changes`,
      aMonth: ROOMS * VISITS_A_DAY * DAYS,
      play: async (stage, state) => {
        const client = await stage.open(state.store);
        for (let change = 0; change < CHANGES; change++) {
          await stage.pause(20);
          client.store.setCell('notes', `r${change}`, 'text', `changed ${++state.changes}`);
        }
        await stage.pause(20);
        await client.leave();
      },
    },
  ],
};
