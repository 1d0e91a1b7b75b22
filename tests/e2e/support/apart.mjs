// Clients in a process of their own: its clock may be wrong, and its processor slow.
import {fork} from 'node:child_process';
import {once} from 'node:events';
import {atTheEnd} from './cleanup.mjs';

/**
 * Clients of some `versions` in the room at a URL, once they have started to sync. Their clock goes `skewMs` ahead, or
 * behind where that is negative, and with each frame that comes to one of them all are busy for `busyMs`.
 */
export const connectApart = async (versions, url, {skewMs = 0, busyMs = 0} = {}) => {
  const child = fork(new URL('./apart-process.mjs', import.meta.url), [JSON.stringify({versions, url, skewMs, busyMs})]);
  atTheEnd(() => child.kill('SIGKILL'));
  const waiting = new Map();
  let calls = 0;
  child.on('message', ({id, result, error}) => {
    const {resolve, reject} = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error) reject?.(new Error(error));
    else resolve?.(result);
  });
  const ask = (what) =>
    new Promise((resolve, reject) => {
      const id = calls++;
      waiting.set(id, {resolve, reject});
      child.send({id, ...what});
    });
  const [started] = await once(child, 'message');
  if (started !== 'started') throw new Error(`clients apart: ${started}`);
  return versions.map((version, index) => ({
    version,
    /** Calls a method of its store, and answers what that returns, if it can travel. */
    call: (method, ...rest) => ask({index, method, rest}),
    /** How many frames it has `received`, which of them were `changes`, and the `closed` event. */
    counts: () => ask({index}),
  }));
};
