// Clients that speak frames and nothing else, so that the load costs the machine as little as can be.
import {once} from 'node:events';
import {WebSocket} from 'ws';

/** The end of a question about nothing, by which a room finds out whether a client still reads. */
const ARE_YOU_THERE = Buffer.from(',6,{}]');

/** Answers that question as a real client does. Answers whether it was one. */
const answered = (data, client) => {
  if (data.length > 60 || !data.subarray(-ARE_YOU_THERE.length).equals(ARE_YOU_THERE)) return false;
  client.send(data.toString().replace(',6,{}]', ',0,[{}]]'));
  return true;
};

/** A raw client. `onFrame` gets the bytes of each frame, and the client: one may come before this has returned it. */
export const connectRaw = async (url, onFrame = () => {}) => {
  const socket = new WebSocket(url, {perMessageDeflate: false, skipUTF8Validation: true});
  const client = {
    onFrame,
    send: (text) => socket.send(text),
    /** Gone without a word. */
    cut: () => socket.terminate(),
    leave: async () => {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
  socket.on('message', (data) => answered(data, client) || client.onFrame(data, client));
  await once(socket, 'open');
  socket.on('error', () => {});
  socket.on('close', (code, reason) => {
    client.closed = `${code} ${reason}`;
  });
  return client;
};

/** Several at a time, so that a crowd is there soon. */
export const connectRaws = async (url, count) => {
  const clients = [];
  while (clients.length < count) {
    const wave = Array.from({length: Math.min(20, count - clients.length)}, () => connectRaw(url));
    clients.push(...(await Promise.all(wave)));
  }
  return clients;
};

export const leaveAll = (clients) => Promise.all(clients.map((client) => client.leave()));
