// A socket that asks one question.
import {WebSocket} from 'ws';

/** How long it takes from the call for a socket to the answer to its first question, in milliseconds. */
export const timeOfJoin = (url, protocols) =>
  new Promise((resolve, reject) => {
    const start = performance.now();
    let time;
    const socket = new WebSocket(url, protocols, {perMessageDeflate: false});
    socket.on('error', reject);
    socket.on('open', () => socket.send('\n["question",1,""]'));
    socket.on('message', (frame) => {
      if (!String(frame).includes('"question",0,')) return;
      time = performance.now() - start;
      socket.close();
    });
    socket.on('close', (code, reason) => {
      if (time === undefined) reject(new Error(`closed: ${code} ${reason}`));
      else resolve(time);
    });
  });
