// Single edits in a quiet room.
import {setTimeout as sleep} from 'node:timers/promises';
import {MARK, edit} from './texts.mjs';

/**
 * Sends edits one by one, numbered from `first` on, each some time after all have the one before, and answers the
 * milliseconds to each receipt.
 */
export const loneEdits = async (writer, readers, {rows, edits, pause, first = 0}) => {
  const times = [];
  for (let number = first; number < first + edits; number++) {
    await sleep(pause());
    await new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error('a lone edit was lost')), 120_000);
      let missing = readers.length;
      const frame = edit(number % rows, number);
      const start = performance.now();
      for (const reader of readers) {
        reader.onFrame = (data) => {
          if (!data.includes(MARK)) return;
          times.push(performance.now() - start);
          if (--missing > 0) return;
          clearTimeout(deadline);
          resolve();
        };
      }
      writer.send(frame);
    });
  }
  return times;
};
