// Edits of somebody who shares something with a flood: the room, or only the isolate.
import {once} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import {Worker} from 'node:worker_threads';
import {MARK, edit} from './texts.mjs';

/** How often one writes: as somebody does who drags something. */
const EVERY_MS = 25;

/** What has not been received so long after the last edit counts as never. */
const PATIENCE_MS = 10_000;

/** Floods a room with messages of a kind, from when this returns until it is ended, which answers how many were sent. */
export const startFlood = async (url, kind) => {
  const thread = new Worker(new URL('./flooder.mjs', import.meta.url), {workerData: {url, kind}});
  await once(thread, 'message');
  return async () => {
    thread.postMessage('end');
    const [sent] = await once(thread, 'message');
    await thread.terminate();
    return sent;
  };
};

/**
 * Lets one write at a steady pace for some seconds, and answers for each edit how many milliseconds passed from when it was
 * due until the other had it: infinitely many for one that did not arrive. No cell is edited twice, since what is on its way
 * twice may arrive once, in its newest state.
 */
export const steadily = async ([writer, reader], seconds) => {
  const edits = Math.round((seconds * 1000) / EVERY_MS);
  const times = new Float64Array(edits).fill(Infinity);
  const start = performance.now();
  const due = (number) => start + number * EVERY_MS;
  let missing = edits;
  reader.onFrame = (data) => {
    const now = performance.now();
    for (let at = data.indexOf(MARK); at >= 0; at = data.indexOf(MARK, at + MARK.length)) {
      const number = Number.parseInt(data.toString('latin1', at + MARK.length, at + MARK.length + 8), 10);
      if (times[number] !== Infinity) continue;
      times[number] = now - due(number);
      missing--;
    }
  };
  for (let number = 0; number < edits; number++) {
    await sleep(Math.max(0, due(number) - performance.now()));
    writer.send(edit(number, number));
  }
  const end = due(edits) + PATIENCE_MS;
  while (missing > 0 && performance.now() < end) await sleep(10);
  return times;
};
