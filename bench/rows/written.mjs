import {setTimeout as sleep} from 'node:timers/promises';
import {connectReal, untilQuiet} from '../generator/real.mjs';
import {fill, newRoom} from '../generator/room.mjs';
import {until} from '../../tests/e2e/support/until.mjs';
import {atMost} from '../targets.mjs';

const ROWS = 5000;
const EDITS = 100;

const count = async (server) => {
  const room = newRoom();
  await (await fill(server, room, ROWS, 3)).leave();
  const [one, other] = [await connectReal(server.url(room), 60), await connectReal(server.url(room), 60)];
  await until(() => other.store.getRowCount('t') === ROWS, 'the store to be whole', 60);
  const writtenBy = async (action) => {
    await untilQuiet(1500);
    await server.counted();
    await action();
    await untilQuiet(1500);
    await sleep(500);
    return (await server.counted()).rowsWritten;
  };
  const change = (number) => one.store.setCell('t', 'r1', 'a0', `edit ${number}`);
  const edits = await writtenBy(async () => {
    for (let number = 0; number < EDITS; number++) {
      change(number);
      await sleep(100);
    }
  });
  const join = await writtenBy(async () => (await connectReal(server.url(room), 60)).leave());
  await server.evict(room);
  const wake = await writtenBy(() => change(EDITS));
  await Promise.all([one.leave(), other.leave()]);
  return {edit: edits / EDITS, join, wake};
};

export const written = async (arena) => {
  const results = await arena.rounds('rows written', {
    names: ['tinyroom', 'json', 'fragmented'],
    count: 1,
    options: {counts: true},
    measure: count,
  });
  const by = (what) =>
    Object.fromEntries(
      Object.entries(results).flatMap(([name, [counts]]) => (counts ? [[name, counts[what]]] : [])),
    );
  const line = (what, action, limit) => ({
    what: `rows written, room of ${ROWS.toLocaleString('en')} × 3: ${action}`,
    unit: 'rows',
    better: 'less',
    by: by(what),
    targets: [atMost(limit, 'rows', by(what).tinyroom)],
  });
  return {
    lines: [
      line('edit', `an edit of one cell (mean of ${EDITS})`, 1.05),
      line('join', 'a join', 0),
      line('wake', 'an edit of one cell that wakes it', 1),
    ],
  };
};
