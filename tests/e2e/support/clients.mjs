// Real TinyBase clients, of every version that changed something on the wire.
import {atTheEnd} from './cleanup.mjs';
import {until} from './until.mjs';

export const versions = ['5.0', '5.3', '5.4', '6.7', '7.3', '8.5', '9.7', '10.0'];

const load = async (version) => {
  const name = version === '10.0' ? 'tinybase' : `tinybase-${version}`;
  const [{createMergeableStore}, {createWsSynchronizer}] = await Promise.all([
    import(`${name}/mergeable-store`),
    import(`${name}/synchronizers/synchronizer-ws-client`),
  ]);
  return {createMergeableStore, createWsSynchronizer};
};

export const createStore = async (version) => (await load(version)).createMergeableStore();

/** A synchronizer of that version; what it would ignore goes to `onError` (5.0 has fewer parameters before it). */
export const createSynchronizer = async (version, store, socket, {fragmentSize, onError} = {}) => {
  const {createWsSynchronizer} = await load(version);
  return version === '5.0'
    ? createWsSynchronizer(store, socket, 1, onError)
    : createWsSynchronizer(store, socket, 1, undefined, undefined, onError, fragmentSize);
};

/** Keeps every frame that passes through a socket, but those that come and are `handled` already, and its close event. */
export const watch = (socket, handled = () => false) => {
  const traffic = {sent: [], received: [], closed: undefined};
  const send = socket.send.bind(socket);
  socket.send = (frame) => {
    // A socket that is closing swallows what it is given.
    if (socket.readyState === socket.OPEN) traffic.sent.push(frame);
    return send(frame);
  };
  socket.addEventListener('message', ({data}) => handled(data) || traffic.received.push(data));
  socket.addEventListener('close', ({code, reason}) => {
    traffic.closed = {code, reason};
  });
  return traffic;
};

/**
 * A store that syncs with the room at a URL, as an app would have it.
 *
 * The socket is the platform's own, as in a browser: every version takes it, since each asks it for no more than
 * `addEventListener`, `send`, `close` and `readyState`. A `store` or another kind of `socket` may be handed in.
 */
export const connect = async (version, url, options = {}) => {
  const store = options.store ?? (await createStore(version));
  const socket = options.socket ?? new WebSocket(url);
  atTheEnd(() => socket.close());
  const traffic = watch(socket);
  const errors = [];
  const synchronizer = await createSynchronizer(version, store, socket, {
    fragmentSize: options.fragmentSize,
    onError: (error) => errors.push(error),
  });
  await synchronizer.startSync();
  return {
    version,
    store,
    socket,
    synchronizer,
    traffic,
    errors,
    /** Leaves the room for good; the store stays usable. */
    leave: async () => {
      // Node's own socket can say after its close event that it is closing, and then says so for ever (nodejs/undici#4742).
      let isClosed = false;
      const note = () => (isClosed = true);
      if (socket.onceClosed) socket.onceClosed(note);
      else socket.addEventListener('close', note);
      await synchronizer.destroy();
      await until(() => isClosed || socket.readyState === socket.CLOSED, `the close of a ${version} client`);
    },
  };
};

/** One client of each version in one room. */
export const connectAll = (url) => Promise.all(versions.map((version) => connect(version, url)));

export const leaveAll = (clients) => Promise.all(clients.map((client) => client.leave()));

/** Which of a client's requests nobody answered in time. (5.x reports an empty room as an error too.) */
export const unanswered = (client) => client.errors.filter((error) => /No response|tinybase:3:/i.test(String(error)));

/** The two hashes over everything a client holds. */
export const hashesOf = (client) => client.store.getMergeableContentHashes();

const hashesOfContent = (content) => [content?.[0][2] ?? 0, content?.[1][2] ?? 0];

const areEqual = (hashes) => new Set(hashes.map(String)).size === 1;

/**
 * Waits until all clients, and then what the room has stored, have the same two hashes, and returns the stored content.
 * The room is not read before: whatever it owes the clients has to come by itself. It has 5 seconds for that, or as many
 * as are given.
 */
export const untilEqual = async (worker, path, clients, seconds) => {
  let content;
  await until(
    async () => {
      const hashes = clients.map(hashesOf);
      if (!areEqual(hashes)) return false;
      content = await worker.content(path);
      return areEqual([...clients.map(hashesOf), hashesOfContent(content)]);
    },
    async () => {
      const all = clients.map((client) => `${client.version}: ${hashesOf(client)}`);
      return `equal hashes, but they are ${all.join('; ')}; stored: ${hashesOfContent(await worker.content(path))}`;
    },
    seconds,
  );
  return content;
};
