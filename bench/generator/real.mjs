// Real TinyBase clients, and the frames that pass through their sockets.
import {once} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import {createMergeableStore} from 'tinybase/mergeable-store';
import {createWsSynchronizer} from 'tinybase/synchronizers/synchronizer-ws-client';
import {WebSocket} from 'ws';

const tableOf = (rows, cells) => {
  const row = (number) =>
    Object.fromEntries(
      Array.from({length: cells}, (_, cell) => [`a${cell}`, cell % 2 === 0 ? `text ${number}` : number * 10 + cell]),
    );
  return Object.fromEntries(Array.from({length: rows}, (_, number) => [`r${number}`, row(number)]));
};

/** Frames of all real clients together. `at` is when the last one passed. */
export const traffic = {toServer: 0, fromServer: 0, at: 0};

const count = (socket) => {
  const frames = {toServer: 0, fromServer: 0};
  const passed = (direction) => {
    frames[direction]++;
    traffic[direction]++;
    traffic.at = performance.now();
  };
  const send = socket.send.bind(socket);
  socket.send = (frame) => {
    passed('toServer');
    send(frame);
  };
  socket.addEventListener('message', () => passed('fromServer'));
  return frames;
};

/** A store that syncs with a room, and waits for answers for as many seconds: by default for one, as apps do. */
export const connectReal = async (url, patience = 1, store = createMergeableStore()) => {
  const socket = new WebSocket(url, {perMessageDeflate: false});
  const frames = count(socket);
  const synchronizer = await createWsSynchronizer(store, socket, patience);
  await synchronizer.startSync();
  return {
    store,
    frames,
    /** Gives a room content where the server has none. */
    fill: (rows, cells) => store.setTable('t', tableOf(rows, cells)),
    leave: async () => {
      const closed = once(socket, 'close');
      await synchronizer.destroy();
      await closed;
    },
  };
};

/** Waits until no frame has passed for longer than a room waits before it greets. */
export const untilQuiet = async (milliseconds = 400) => {
  traffic.at = performance.now();
  while (performance.now() - traffic.at < milliseconds) await sleep(20);
};

/** What passes while something is done, up to the quiet after it. */
export const framesOf = async (action) => {
  const before = {...traffic};
  await action();
  await untilQuiet();
  return {
    toServer: traffic.toServer - before.toServer,
    fromServer: traffic.fromServer - before.fromServer,
  };
};
