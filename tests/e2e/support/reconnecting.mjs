// The ways in which an app can stay in a room that its connection does not stay in. The README shows the first.
import {WebSocket as ReconnectingWebSocket} from 'partysocket';
import {atTheEnd} from './cleanup.mjs';
import {createSynchronizer} from './clients.mjs';

/**
 * A reconnecting socket under one synchronizer that lives as long as the app.
 *
 * TinyBase 9.4 and later stop listening to a socket that closes, and 5.0, 5.3 and 9.4 on give up on one that fails to
 * open. This one comes back, so it keeps that to itself.
 */
export class SteadyWebSocket extends ReconnectingWebSocket {
  addEventListener(type, ...rest) {
    if (type !== 'close' && type !== 'error') super.addEventListener(type, ...rest);
  }

  /** Tells whoever is no synchronizer. */
  onceClosed(callback) {
    super.addEventListener('close', callback, {once: true});
  }
}

/** Soon enough for a test; the defaults are for people. */
export const atOnce = {minReconnectionDelay: 20, maxReconnectionDelay: 50};

export {ReconnectingWebSocket};

/** With no library: a new socket and a new synchronizer each time. */
export const stayInRoom = (version, url, store) => {
  let socket;
  let left = false;
  const join = async () => {
    socket = new WebSocket(url);
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    try {
      const synchronizer = await createSynchronizer(version, store, socket);
      await synchronizer.startSync();
      await closed;
      await synchronizer.destroy();
    } catch {
      await closed;
    }
    if (!left) setTimeout(join, atOnce.minReconnectionDelay);
  };
  join();
  const leave = () => {
    left = true;
    socket.close();
  };
  atTheEnd(leave);
  return leave;
};
