// A client that says exactly what it is told to, but for answers to probes, and keeps what else it hears.
import {getHlcFunctions} from 'tinybase';
import {atTheEnd} from './cleanup.mjs';
import {watch} from './clients.mjs';
import {answerThatItReads} from './reading.mjs';
import {until} from './until.mjs';

const [getNextHlc, , encodeHlc] = getHlcFunctions('a raw client');

/** A stamp for now, later than any before it; or one for a moment of one's choice. */
export const hlc = (milliseconds) => (milliseconds === undefined ? getNextHlc() : encodeHlc(milliseconds, 0));

/** The changes that cells `{id: [value, hlc]}` of one row, and values, make. */
export const changes = (cells, values = {}) => [
  [Object.keys(cells).length > 0 ? {t: [{r: [cells]}]} : {}],
  [values],
  1,
];

/** A body as a client writes it. */
export const body = (requestId, type, payload) => JSON.stringify([requestId, type, payload]);

export const rawClient = async (url) => {
  const socket = new WebSocket(url);
  atTheEnd(() => socket.close());
  const traffic = watch(socket, (frame) => {
    const answer = answerThatItReads(Buffer.from(frame));
    if (answer) socket.send(answer);
    return answer !== undefined;
  });
  await until(() => socket.readyState === socket.OPEN, `a socket at ${url}`);
  return {
    socket,
    traffic,
    /** What came since the last look. */
    heard: () => traffic.received.splice(0),
    /** Sends a frame as it is. */
    send: (frame) => socket.send(frame),
    /** Waits for the close of the socket. */
    closed: () => until(() => traffic.closed, 'a close'),
  };
};

/** Asks the room something, waits for the answer, and forgets what else came. */
const answerTo = async (client, id, type, payload) => {
  client.send(`\n${body(id, type, payload)}`);
  const answer = () => client.traffic.received.find((frame) => frame.startsWith(`S\n["${id}",0,`));
  await until(answer, 'an answer of the room');
  const [, , content] = JSON.parse(answer().split('\n')[1]);
  client.heard();
  return content;
};

/**
 * A raw client that has begun as one of TinyBase does, and holds what the room holds, so that the room will not ask it for
 * its hashes: it knows, when this ends. (On a slow machine it may have asked before.)
 */
export const begunClient = async (url) => {
  const client = await rawClient(url);
  const hashes = await answerTo(client, 'begin', 1, '');
  client.send(`\n${body(null, 2, hashes)}`);
  await answerTo(client, 'begun', 6, {});
  return client;
};

/** So many of them. */
export const begunClients = (url, count) => Promise.all(Array.from({length: count}, () => begunClient(url)));
