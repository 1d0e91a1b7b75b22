import {medians} from '../arena.mjs';
import {connectReal} from '../generator/real.mjs';
import {openRoom} from '../generator/room.mjs';
import {askForAll} from '../generator/whole.mjs';
import {until} from '../../tests/e2e/support/until.mjs';
import {atLeastTimes, atMost} from '../targets.mjs';

const ROWS = 20000;
const CELLS = 3;

/** Long enough for the slowest; by default a client gives up after a second. */
const PATIENCE_SECONDS = 60;

/** How long a new client takes until its store is whole. */
const whole = async (url) => {
  const start = performance.now();
  const client = await connectReal(url, PATIENCE_SECONDS);
  await until(() => client.store.getRowCount('t') === ROWS, 'the store to be whole', PATIENCE_SECONDS);
  const time = performance.now() - start;
  await client.leave();
  return time;
};

export const sync = async (arena) => {
  const results = await arena.rounds(`a full sync of ${ROWS} × ${CELLS}`, {
    names: ['tinyroom', 'json', 'fragmented', 'key-value'],
    count: arena.quick ? 2 : 3,
    // A raw member keeps the room awake between the rounds without a word.
    prepare: async (server) => {
      const {room, members} = await openRoom(server, {clients: 2, rows: ROWS, cells: CELLS});
      const url = server.url(room);
      await whole(url);
      const awake = setInterval(() => members[0].send('S\n["awake",1,""]'), 3000);
      return {url, end: () => clearInterval(awake)};
    },
    measure: async (_server, {url}) => ({
      answer: (await askForAll(url, ROWS)).time,
      whole: await whole(url),
    }),
  });
  const line = {unit: 'ms', better: 'less'};
  const wholes = medians(results, (round) => round.whole);
  const answers = medians(results, (round) => round.answer);
  const others = Object.keys(wholes).filter((name) => name !== 'tinyroom');
  const size = `${ROWS.toLocaleString('en')} × ${CELLS}`;
  return {
    lines: [
      {
        ...line,
        what: `full sync of ${size}: until a new real client's store is whole`,
        by: wholes,
        targets: others.map((name) => atLeastTimes(1, wholes, name, 'less')),
      },
      {
        ...line,
        what: `full sync of ${size}: the room's own part, from question to last byte`,
        by: answers,
        targets: [atMost(100, 'ms', answers.tinyroom)],
      },
    ],
  };
};
