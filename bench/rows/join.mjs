import {medians} from '../arena.mjs';
import {connectReal, framesOf} from '../generator/real.mjs';
import {fill, newRoom} from '../generator/room.mjs';
import {until} from '../../tests/e2e/support/until.mjs';
import {atMost} from '../targets.mjs';

const SIZES = [2, 5, 10, 20, 40, 80];
const OURS_ALONE = 500;

const ROWS = 100;

const hasAll = ({store}) => store.getRowCount('t') === ROWS;

const total = ({toServer, fromServer}) => toServer + fromServer;

/** Lets clients join one by one, and counts for some of them what passes through all sockets until it is quiet. */
const joins = async (server, sizes, report) => {
  const room = newRoom();
  const clients = [];
  const frames = {};
  const join = async () => clients.push(await connectReal(server.url(room)));
  if (server.hasStore) await (await fill(server, room, ROWS, 3)).leave();
  await join();
  if (!server.hasStore) clients[0].fill(ROWS, 3);
  await until(() => hasAll(clients[0]), 'the first client to have the content');
  for (const size of sizes) {
    report(`a join: ${server.title}, client ${size}`);
    while (clients.length < size - 1) await join();
    await framesOf(() => {});
    const all = await framesOf(join);
    const own = clients.at(-1).frames;
    if (!hasAll(clients.at(-1))) throw new Error(`client ${size} has not got the content`);
    frames[size] = {...all, others: total(all) - total(own)};
  }
  await Promise.all(clients.map((client) => client.leave()));
  return frames;
};

export const join = async (arena) => {
  const results = await arena.rounds('a join', {
    names: ['tinyroom', 'none', 'fragmented'],
    count: 1,
    measure: (server) => joins(server, server.name === 'tinyroom' ? [...SIZES, OURS_ALONE] : SIZES, arena.report),
  });
  const at = (size, pick) => {
    const known = Object.entries(results).filter(([, [frames]]) => frames?.[size]);
    return medians(Object.fromEntries(known), (frames) => pick(frames[size]));
  };
  const series = Object.fromEntries(
    Object.entries(results).map(([name, [frames]]) => [
      name,
      Object.entries(frames ?? {}).map(([size, counts]) => [Number(size), total(counts)]),
    ]),
  );
  const lines = [2, 20, 80, OURS_ALONE].flatMap((size) => {
    const whose = `client ${size} joins a room of ${ROWS} × 3`;
    const all = at(size, total);
    const others = at(size, ({others}) => others);
    const line = {unit: 'frames', better: 'less', targets: []};
    return [
      {...line, what: `${whose}: frames to the server`, by: at(size, ({toServer}) => toServer)},
      {...line, what: `${whose}: frames from it`, by: at(size, ({fromServer}) => fromServer), targets: [atMost(8, 'frames both ways', all.tinyroom)]},
      {...line, what: `${whose}: frames to and from the others`, by: others, targets: [atMost(0, 'frames', others.tinyroom)]},
    ];
  });
  return {lines, curve: {title: 'Frames for one join', x: 'clients in the room', y: 'frames both ways, everybody’s', series}};
};
