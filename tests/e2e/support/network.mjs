// A stretch of network between clients and the Worker. It can be long, narrow, stall and break, all of it at once and each
// at any time.
import {once} from 'node:events';
import {connect, createServer} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {atTheEnd} from './cleanup.mjs';

/** So many bytes wait before the narrowest place of a line. */
const BUFFER = 64 << 10;
/** What a line without a limit carries in a second, when it comes to how much may be under way on it. */
const WIDE = 16 << 20;

/**
 * One way of a line: what comes out is what went in, in that order. Each piece is due when those before it have passed the
 * narrowest place, it has as well, and then has come all the way; so a timer that is late delays nothing but its own piece.
 */
const carry = (line, from, to, conditions) => {
  const queue = [];
  let [underWay, passed, carrying] = [0, 0, false];

  const mayBeUnderWay = () => {
    const {bytesPerSecond, latencyMs} = conditions();
    return BUFFER + (Math.min(bytesPerSecond, WIDE) * latencyMs) / 1000;
  };

  const deliver = async (chunk) => {
    if (chunk === undefined) {
      if (!line.silent) to.destroySoon();
      return;
    }
    if (!to.destroyed && !to.write(chunk)) await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => {});
    underWay -= chunk.length;
    if (underWay <= mayBeUnderWay()) from.resume();
  };

  const carryOn = async () => {
    if (carrying) return;
    carrying = true;
    while (queue.length > 0) {
      const {chunk, due} = queue[0];
      const early = due - performance.now();
      if (early > 0) await sleep(early);
      await conditions().stall;
      queue.shift();
      await deliver(chunk);
    }
    carrying = false;
  };

  const enqueue = (chunk) => {
    const {bytesPerSecond, latencyMs} = conditions();
    passed = Math.max(passed, performance.now()) + ((chunk?.length ?? 0) / bytesPerSecond) * 1000;
    queue.push({chunk, due: passed + latencyMs});
    carryOn();
  };

  from.on('data', (chunk) => {
    underWay += chunk.length;
    if (underWay > mayBeUnderWay()) from.pause();
    enqueue(chunk);
  });
  from.on('error', () => {});
  // What was under way when one end closes still arrives at the other.
  from.on('close', () => enqueue(undefined));
};

/**
 * Each way takes `latencyMs`; to a client come at most `down` bytes in a second, and from it go at most `up`. Whatever is
 * not given is let through as it is.
 */
export const startNetwork = async (worker, {latencyMs = 0, down = Infinity, up = Infinity} = {}) => {
  const lines = new Set();
  let shape = {latencyMs, down, up};
  let isOpen = true;
  let stall;
  let endStall = () => {};

  const server = createServer((near) => {
    if (!isOpen) {
      near.destroy();
      return;
    }
    const far = connect(Number(worker.host.split(':')[1]), '127.0.0.1');
    const line = {near, far, silent: false};
    lines.add(line);
    carry(line, near, far, () => ({bytesPerSecond: shape.up, latencyMs: shape.latencyMs, stall}));
    carry(line, far, near, () => ({bytesPerSecond: shape.down, latencyMs: shape.latencyMs, stall}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const flow = () => {
    endStall();
    stall = undefined;
  };
  atTheEnd(() => {
    flow();
    for (const {near, far} of lines) [near, far].forEach((end) => end.destroy());
    server.close();
  });

  return {
    ws: (path) => `ws://127.0.0.1:${server.address().port}${path}`,
    /** Makes the lines longer, narrower, or as they were, from the next byte on. */
    become: (changed) => {
      shape = {...shape, ...changed};
    },
    /** Nothing comes out at either end, until it flows again. */
    stall: () => {
      stall ??= new Promise((resolve) => (endStall = resolve));
    },
    flow,
    /** Cuts every line and lets no new one through. With `silent` the Worker is not told, and goes on sending. */
    cut: ({silent = false} = {}) => {
      isOpen = false;
      for (const line of lines) {
        line.silent = silent;
        line.near.destroy();
        if (!silent) line.far.destroy();
      }
    },
    /** Lets no new line through. Those that are there last until one end closes them. */
    shut: () => {
      isOpen = false;
    },
    mend: () => {
      isOpen = true;
    },
  };
};
