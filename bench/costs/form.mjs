import {seenByAll, tableOf} from './stage.mjs';

const FORMS = 20;
const FIELDS = 60;
const READERS = 100;
const DAYS = 22;
const CHANGES_A_DAY = 200;

/** So many of a day's changes are played. */
const PLAYED = 5;

export const form = {
  title: 'A form with 100 readers',
  traffic: `${FORMS} forms with ${FIELDS} fields of three cells each, as of an incident or an auction. On each of ${DAYS} days a month one
person opens a form and ${READERS} others come to read it, one every five seconds. ${CHANGES_A_DAY} fields a day are filled in, one every 15
seconds, and all leave. The page keeps nothing between days.`,
  rooms: FORMS,
  days: DAYS,
  prepare: async (stage) => {
    const fields = tableOf(FIELDS, (number) => ({label: `field number ${number}`, value: `${number * 7}`, by: 'us'}));
    await stage.fill({fields});
    return {clients: [], changes: 0};
  },
  parts: [
    {
      what: `one who writes and ${READERS} readers come`,
      aMonth: FORMS * DAYS,
      play: async (stage, {clients}) => {
        while (clients.length < READERS + 1) {
          clients.push(await stage.open());
          await stage.pause(5);
        }
      },
    },
    {
      what: `${PLAYED} fields are filled in`,
      aMonth: (FORMS * DAYS * CHANGES_A_DAY) / PLAYED,
      play: async (stage, state) => {
        const [writer] = state.clients;
        for (let change = 0; change < PLAYED; change++) {
          await stage.pause(15);
          const value = `changed ${++state.changes}`;
          writer.store.setCell('fields', `r${state.changes}`, 'value', value);
          await seenByAll(state.clients, ['fields', `r${state.changes}`, 'value'], value);
        }
      },
    },
    {
      what: 'they leave',
      aMonth: FORMS * DAYS,
      play: async (stage, {clients}) => {
        await stage.pause(15);
        await Promise.all(clients.map((client) => client.leave()));
      },
    },
  ],
};
