// Everybody types: each client writes at a steady pace, and each reads what all the others write.
import {setTimeout as sleep} from 'node:timers/promises';
import {MARK, edit} from './texts.mjs';

/**
 * No cell is edited twice within so many seconds: what is on its way twice may arrive once, in its newest state, and a limit
 * of a quarter of a second is what this is measured for.
 */
const APART_SECONDS = 0.5;

/** After the last edit no receipt is waited for longer. */
const PATIENCE_MS = 2000;

const numberAt = (data, start) => {
  let number = 0;
  for (let at = start; data[at] >= 48 && data[at] <= 57; at++) number = number * 10 + data[at] - 48;
  return number;
};

/**
 * Lets the clients send `rate` edits a second between them, and answers for each edit behind the warm-up how many
 * milliseconds passed from when it was due until all others had it: infinitely many for one that did not arrive.
 */
export const crowd = async (clients, {rate, seconds, warmUp}) => {
  const edits = Math.round(rate * (warmUp + seconds));
  const missing = new Int32Array(edits).fill(clients.length - 1);
  const times = new Float64Array(edits).fill(Infinity);
  const rows = clients.length * Math.ceil((rate * APART_SECONDS) / clients.length);
  const start = performance.now();
  const due = (number) => start + (number * 1000) / rate;
  let sent = 0;
  let arrived = 0;

  clients.forEach((client, own) => {
    client.onFrame = (data) => {
      const now = performance.now();
      for (let at = data.indexOf(MARK); at >= 0; at = data.indexOf(MARK, at + MARK.length)) {
        const number = numberAt(data, at + MARK.length);
        if (number % clients.length === own || --missing[number] > 0) continue;
        times[number] = now - due(number);
        arrived++;
      }
    };
  });
  while (sent < edits) {
    const now = performance.now();
    for (; sent < edits && due(sent) <= now; sent++) {
      clients[sent % clients.length].send(edit(sent % rows, sent));
    }
    await sleep(1);
  }
  const end = performance.now() + PATIENCE_MS;
  while (arrived < edits && performance.now() < end) await sleep(10);
  return times.subarray(Math.round(rate * warmUp));
};
