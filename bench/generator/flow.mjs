// One writer at full speed, and readers who count.
import {MARK, edit} from './texts.mjs';

/** So many edits may be on their way. Fewer than the rows there are, so that no two of them are for one cell. */
const ON_THE_WAY = 500;

const cellsIn = (data) => {
  let cells = 0;
  for (let at = data.indexOf(MARK); at >= 0; at = data.indexOf(MARK, at + MARK.length)) cells++;
  return cells;
};

/**
 * Sends for some seconds as fast as the readers receive, waits until each of them has every edit, and answers how many
 * edits that were in a second.
 */
export const flow = (writer, readers, {rows, seconds}) =>
  new Promise((resolve, reject) => {
    const received = new Uint32Array(readers.length);
    const start = performance.now();
    let sent = 0;
    let slowest = 0;
    let ending = false;
    const deadline = setTimeout(
      () => {
        const closed = [writer, ...readers].map((client) => client.closed).filter(Boolean);
        reject(new Error(`${sent} edits were sent, and only ${slowest} came back; closed: ${closed.join('; ') || 'none'}`));
      },
      seconds * 1000 + 60_000,
    );

    const send = () => {
      ending ||= performance.now() - start > seconds * 1000;
      for (; !ending && sent - slowest < ON_THE_WAY; sent++) {
        writer.send(edit(sent % rows, sent));
      }
      if (ending && slowest === sent) {
        clearTimeout(deadline);
        resolve((sent * 1000) / (performance.now() - start));
      }
    };

    readers.forEach((reader, index) => {
      reader.onFrame = (data) => {
        const before = received[index];
        received[index] += cellsIn(data);
        if (before !== slowest) return;
        slowest = received.reduce((least, count) => Math.min(least, count));
        send();
      };
    });
    send();
  });
