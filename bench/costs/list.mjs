import {seenByAll, tableOf} from './stage.mjs';

const LISTS = 500;
const ITEMS = 40;
const VISITS_A_DAY = 4;
const DAYS = 30;

/** What each of the two changes in a visit: three ticks, and a new thing to do. */
const changes = [
  ({store}, own) => store.setCell('items', `r${own}`, 'done', true),
  ({store}, own) => store.setCell('items', `r${own + 2}`, 'done', true),
  ({store}, own) => store.setCell('items', `r${own + 4}`, 'done', true),
  ({store}, own) => store.setRow('items', `new ${own}`, {text: 'milk, and oats', done: false, by: 'us'}),
];

export const list = {
  title: 'A to-do list',
  traffic: `${LISTS} lists, each shared by two people: 1,000 people. A list has ${ITEMS} things to do, of three cells each.
${VISITS_A_DAY} times on each of ${DAYS} days both open it, the second 20 seconds after the first. Each ticks three things and adds one, one
change every 15 seconds, and both close it. Their devices keep the list between visits.`,
  rooms: LISTS,
  days: DAYS,
  prepare: async (stage) => {
    const items = tableOf(ITEMS, (number) => ({text: `thing number ${number}`, done: false, by: 'us'}));
    const one = await stage.fill({items});
    const other = await stage.fill({});
    return {stores: [one, other]};
  },
  parts: [
    {
      what: 'a visit of both: 8 changes',
      aMonth: LISTS * VISITS_A_DAY * DAYS,
      play: async (stage, {stores}) => {
        const one = await stage.open(stores[0]);
        await stage.pause(20);
        const other = await stage.open(stores[1]);
        for (const change of changes) {
          for (const [own, client] of [one, other].entries()) {
            await stage.pause(15);
            change(client, own);
          }
        }
        await stage.pause(15);
        await seenByAll([one, other], ['items', 'new 1', 'by'], 'us');
        await one.leave();
        await stage.pause(15);
        await other.leave();
      },
    },
  ],
};
