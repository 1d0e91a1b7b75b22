// All that a room holds, for a client that has nothing.
import {connectRaw} from './raw.mjs';

/** The first cell of each row stands once in what the room sends. */
const ROW_MARK = Buffer.from('"a0":[');

/** How long a room takes from the question to the last byte of all its rows, in milliseconds, and in how many bytes. */
export const askForAll = async (url, rows, options) => {
  let missing = rows;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const count = (data) => {
    for (let at = data.indexOf(ROW_MARK); at >= 0; at = data.indexOf(ROW_MARK, at + ROW_MARK.length)) missing--;
    if (missing <= 0) finish(performance.now());
  };
  const client = await connectRaw(url, count, options);
  client.send('S\n["hashes",1,""]');
  const start = performance.now();
  client.send('S\n["tables",4,{}]');
  const time = (await finished) - start;
  const bytes = client.bytesRead();
  await client.leave();
  return {time, bytes};
};
