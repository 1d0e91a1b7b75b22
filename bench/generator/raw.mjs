// Clients that speak frames and nothing else, so that the load costs the machine as little as can be.
import {once} from 'node:events';
import {WebSocket} from 'ws';
import {answerThatItReads} from '../../tests/e2e/support/reading.mjs';
import {DeflatingSocket} from './deflating.mjs';

/**
 * A raw client. `onFrame` gets the bytes of each frame, and the client: one may come before this has returned it. It offers
 * no compression unless it is to.
 */
export const connectRaw = async (url, onFrame = () => {}, {deflates = false} = {}) => {
  const socket = deflates
    ? new DeflatingSocket(url)
    : new WebSocket(url, {perMessageDeflate: false, skipUTF8Validation: true});
  const client = {
    onFrame,
    send: (text) => socket.send(text),
    /** What lies before its line and is not on its way yet, in bytes. */
    unsentBytes: () => socket.bufferedAmount,
    /** What has come over its line, in bytes. */
    bytesRead: () => (deflates ? socket.bytesRead : socket._socket.bytesRead),
    /** Gone without a word. */
    cut: () => socket.terminate(),
    leave: async () => {
      if (client.closed) return;
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
  socket.on('message', (data) => {
    const answer = answerThatItReads(data);
    if (answer) client.send(answer);
    else client.onFrame(data, client);
  });
  await once(socket, 'open');
  socket.on('error', () => {});
  socket.on('close', (code, reason) => {
    client.closed = `${code} ${reason}`;
  });
  return client;
};

/** Several at a time, so that a crowd is there soon. */
export const connectRaws = async (url, count, options) => {
  const clients = [];
  while (clients.length < count) {
    const wave = Array.from({length: Math.min(20, count - clients.length)}, () => connectRaw(url, undefined, options));
    clients.push(...(await Promise.all(wave)));
  }
  return clients;
};

export const leaveAll = (clients) => Promise.all(clients.map((client) => client.leave()));
