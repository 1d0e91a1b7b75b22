// A stretch of network between a client and the Worker that can fail, and be slow.
import {once} from 'node:events';
import {connect, createServer} from 'node:net';
import {Transform} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import {atTheEnd} from './cleanup.mjs';

/** Lets so many bytes through in a second. */
const narrow = (bytesPerSecond) =>
  new Transform({
    transform: async (chunk, _, done) => {
      await sleep((chunk.length / bytesPerSecond) * 1000);
      done(null, chunk);
    },
  });

/** What comes to a client is let through as it is, unless so many `bytesPerSecond` are given. */
export const startNetwork = async (worker, {bytesPerSecond} = {}) => {
  const lines = new Set();
  let up = true;

  const server = createServer((near) => {
    if (!up) {
      near.destroy();
      return;
    }
    const far = connect(Number(worker.host.split(':')[1]), '127.0.0.1');
    const line = {near, far};
    lines.add(line);
    near.pipe(far);
    (bytesPerSecond ? far.pipe(narrow(bytesPerSecond)) : far).pipe(near);
    // A reset is how a cut line ends; the other half is ended by it.
    for (const [end, other] of [
      [near, far],
      [far, near],
    ]) {
      end.on('error', () => {});
      end.on('close', () => {
        if (!line.silent) other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atTheEnd(() => {
    for (const {near, far} of lines) [near, far].forEach((end) => end.destroy());
    server.close();
  });

  return {
    ws: (path) => `ws://127.0.0.1:${server.address().port}${path}`,
    /** Cuts every line and lets no new one through. With `silent` the Worker is not told, and goes on sending. */
    cut: ({silent = false} = {}) => {
      up = false;
      for (const line of lines) {
        line.silent = silent;
        line.near.destroy();
        if (silent) line.far.resume();
        else line.far.destroy();
      }
    },
    /** Lets no new line through. Those that are there last until one end closes them. */
    shut: () => {
      up = false;
    },
    mend: () => {
      up = true;
    },
  };
};
