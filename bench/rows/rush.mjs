import {medians} from '../arena.mjs';
import {connectRaw, leaveAll} from '../generator/raw.mjs';
import {openRoom} from '../generator/room.mjs';
import {atMost} from '../targets.mjs';

const CLIENTS = 500;
const ROWS = 1000;
const CELLS = 3;
const LAST_ROW = `"r${ROWS - 1}":`;

/** Joins as an empty client does: asks everybody for hashes, and whoever answers first for all it holds. */
const join = (url) =>
  new Promise((resolve, reject) => {
    let asked = false;
    connectRaw(url, (data, client) => {
      const start = data.subarray(0, 60).toString();
      const answer = /^([^\n]+)\n\["(hashes|tables)",0,/.exec(start);
      if (answer?.[2] === 'hashes' && !asked) {
        asked = true;
        client.send(`${answer[1]}\n["tables",4,{}]`);
      }
      if (answer?.[2] !== 'tables') return;
      if (data.includes(LAST_ROW)) resolve(client);
      else reject(new Error('the answer is not whole'));
    }).then((client) => client.send('\n["hashes",1,""]'), reject);
  });

/** Everybody opens the document at once. */
const storm = async (server) => {
  const {room, leave} = await openRoom(server, {clients: 1, rows: ROWS, cells: CELLS});
  const start = performance.now();
  const late = AbortSignal.timeout(60_000);
  const clients = await Promise.race([
    Promise.all(Array.from({length: CLIENTS}, () => join(server.url(room)))),
    new Promise((_, reject) => late.addEventListener('abort', () => reject(new Error('not all are in after 60 s')))),
  ]);
  const time = performance.now() - start;
  await leaveAll(clients);
  await leave();
  return time / 1000;
};

export const rush = async (arena) => {
  const results = await arena.rounds(`${CLIENTS} clients join at once`, {
    names: arena.quick ? ['tinyroom'] : ['tinyroom', 'json', 'fragmented'],
    count: arena.quick ? 1 : 2,
    measure: storm,
  });
  const by = medians(results);
  return {
    lines: [
      {
        what: `${CLIENTS} clients join a room of ${ROWS.toLocaleString('en')} × ${CELLS} at once: until all have its content`,
        unit: 's',
        better: 'less',
        by,
        targets: [atMost(10, 's', by.tinyroom)],
      },
    ],
  };
};
