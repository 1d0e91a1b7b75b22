// Starts a client that floods, in a thread of its own.
import {once} from 'node:events';
import {Worker} from 'node:worker_threads';
import {atTheEnd} from './cleanup.mjs';

/**
 * Floods a room until it is closed for it, or at most so many seconds, and answers what came of that: how many frames
 * were `sent`, how many `answers` came, with how many `bytes`, in how many `seconds`, and the `closed` event. `kind` is one of flooder.mjs.
 */
export const flood = async (url, kind, {bytes = 0, seconds}) => {
  const thread = new Worker(new URL('./flooder.mjs', import.meta.url), {workerData: {url, kind, bytes, seconds}});
  atTheEnd(() => thread.terminate());
  const [result] = await once(thread, 'message');
  return result;
};
